"""Bringing a database to this program's schema.

An empty one is created, an older one backed up and then migrated, a newer one refused.
"""

from __future__ import annotations

import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from minutebook.errors import SchemaTooNew, SchemaTooOld
from minutebook.store import keys, sqlite
from minutebook.store.engine import Store

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(store: Store) -> Path | None:
    """Brings the schema up to date, in one transaction.

    Returns the backup that was made of an older SQLite database; None when none was needed. PostgreSQL is backed up by
    its operator (docs/operate.md). Raises SchemaTooNew for a database that a newer version has written.
    """
    config, known = _config()
    with store.reading() as connection:
        found = _revision(connection)
    if found == known:
        return None
    if found is not None and not _knows(config, found):
        raise SchemaTooNew(found=found, known=known)
    saved = None
    if found is not None and store.is_sqlite:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(store.clock() / 1_000_000))
        saved = store.file.parent / "backups" / f"before-migration-from-{found}-{stamp}.sqlite3"
        backup(store, saved)
    with store.housekeeping() as connection:
        build(connection)
        keys.make_missing(connection, store.randomness)
    return saved


def build(connection: Connection) -> None:
    """Brings the schema that the connection sees up to date, in its transaction; in an empty one, makes all of it."""
    config, _ = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def require_current(store: Store) -> None:
    """Raises SchemaTooNew or SchemaTooOld unless the schema is this program's."""
    config, known = _config()
    with store.reading() as connection:
        found = _revision(connection)
    if found != known:
        newer = found is not None and not _knows(config, found)
        raise (SchemaTooNew if newer else SchemaTooOld)(found=found or "none", known=known)


def is_ours(store: Store) -> bool:
    """Whether the database has the schema of some version of Minutebook."""
    with store.reading() as connection:
        return _revision(connection) is not None


def backup(store: Store, to: Path) -> None:
    """Writes a consistent copy of a SQLite database, also while it is being written to. The file must not exist."""
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    to.touch(mode=0o600, exist_ok=False)
    source, target = (sqlite.driver().connect(str(file)) for file in (store.file, to))
    try:
        source.backup(target)
    except BaseException:
        to.unlink()  # half a copy must not pass for one
        raise
    finally:
        source.close()
        target.close()


def _config() -> tuple[Config, str]:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    head = ScriptDirectory.from_config(config).get_current_head()
    assert head is not None
    return config, head


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _knows(config: Config, revision: str) -> bool:
    return revision in {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
