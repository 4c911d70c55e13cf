"""Bringing a database to this program's schema.

An empty one is created, an older one backed up and then migrated, a newer one refused.
"""

from __future__ import annotations

import time
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from minutebook.errors import SchemaTooNew, SchemaTooOld
from minutebook.store import keys, sqlite
from minutebook.store.engine import Store

MIGRATIONS = Path(__file__).parent / "migrations"
REVISION = "0001"
"""The newest of the migrations. It stands here, too, so that a database that has it is opened without Alembic, for
which every command would wait."""


def migrate(store: Store) -> Path | None:
    """Brings the schema up to date, in one transaction.

    Returns the backup that was made of an older SQLite database; None when none was needed. PostgreSQL is backed up by
    its operator (docs/operate.md). Raises SchemaTooNew for a database that a newer version has written.
    """
    with store.reading() as connection:
        found = _revision(connection)
    if found == REVISION:
        return None
    if found is not None and not _knows(found):
        raise SchemaTooNew(found=found, known=REVISION)
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
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def require_current(store: Store) -> None:
    """Raises SchemaTooNew or SchemaTooOld unless the schema is this program's."""
    with store.reading() as connection:
        found = _revision(connection)
    if found != REVISION:
        newer = found is not None and not _knows(found)
        raise (SchemaTooNew if newer else SchemaTooOld)(found=found or "none", known=REVISION)


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


def _revision(connection: Connection) -> str | None:
    """The revision that Alembic wrote into the database; None for one that it has not made."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return None if found is None else str(found)


def _knows(revision: str) -> bool:
    from alembic.script import ScriptDirectory

    return revision in {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
