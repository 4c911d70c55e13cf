"""The schema: the migrations make what `schema.py` says; a newer one is refused, an older one is backed up first."""

from __future__ import annotations

import itertools
import stat
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect
from sqlalchemy.exc import OperationalError, ProgrammingError

from minutebook.errors import MinutebookError, SchemaTooNew, SchemaTooOld
from minutebook.organization.credits import BuyCredits
from minutebook.store import migrate, schema, sqlite
from minutebook.store.engine import Store
from tests.support.check_log import check_log
from tests.support.deployment import Deployment
from tests.support.meanwhile import meanwhile
from tests.support.walk import FILLED

WHAT_TO_DO = "see “Change the schema” in CONTRIBUTING.md"


def test_the_migrations_make_the_schema(deployment: Deployment) -> None:
    with deployment.store.reading() as connection:
        options = {"compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, schema.metadata) == [], f"what the schema has besides: {WHAT_TO_DO}"


def test_the_newest_migration_is_known_without_alembic() -> None:
    assert ScriptDirectory(str(migrate.MIGRATIONS)).get_current_head() == migrate.REVISION, WHAT_TO_DO


def test_constraints_too_are_those_of_the_schema(deployment: Deployment, request: pytest.FixtureRequest) -> None:
    """Alembic does not compare check constraints, orders of columns and rules of foreign keys."""
    url = request.getfixturevalue("sqlite_url" if deployment.store.is_sqlite else "postgres_url")
    engine = create_engine(url)
    schema.metadata.create_all(engine)
    expected = _reflected(engine)
    engine.dispose()
    found = _reflected(deployment.store._reader)
    found.pop("alembic_version")
    assert differences(found, expected) == [], WHAT_TO_DO


def differences(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Where the tables that the migrations make are not those of the schema, in words."""
    said = [f"{table}: only schema.py has it" for table in expected.keys() - found.keys()]
    said += [f"{table}: only the migrations make it" for table in found.keys() - expected.keys()]
    for table in sorted(found.keys() & expected.keys()):
        for part, told in expected[table].items():
            made = found[table][part]
            said += [f"{table}, {part}: only schema.py has {one}" for one in told if one not in made]
            said += [f"{table}, {part}: only the migrations make {one}" for one in made if one not in told]
            if part == "columns" and made != told and sorted(made, key=str) == sorted(told, key=str):
                orders = [", ".join(name for name, *_ in columns) for columns in (told, made)]
                said.append(f"{table}: schema.py has its columns as {orders[0]}, the migrations as {orders[1]}")
    return said


def test_a_difference_between_schema_and_migrations_is_named() -> None:
    one = {"act": {"columns": [("a", "INTEGER", False, None), ("b", "TEXT", True, None)], "check": []}}
    turned = {"act": {"columns": one["act"]["columns"][::-1], "check": [{"name": "ck_act_a"}]}}
    assert differences(one, one) == []
    assert differences(one, {}) == ["act: only the migrations make it"]
    assert differences({}, one) == ["act: only schema.py has it"]
    assert differences(one, turned) == [
        "act: schema.py has its columns as b, a, the migrations as a, b",
        "act, check: only schema.py has {'name': 'ck_act_a'}",
    ]


def _reflected(engine: Any) -> dict[str, Any]:
    inspector = inspect(engine)
    return {
        table: {
            "columns": [(c["name"], str(c["type"]), c["nullable"], c["default"]) for c in inspector.get_columns(table)],
            "primary": [inspector.get_pk_constraint(table)],
            "foreign": sorted(inspector.get_foreign_keys(table), key=str),
            "unique": sorted(inspector.get_unique_constraints(table), key=str),
            "check": sorted(inspector.get_check_constraints(table), key=str),
            "indexes": sorted(map(_told, inspector.get_indexes(table))),
        }
        for table in inspector.get_table_names()
    }


def _told(index: Any) -> str:
    """With the text of its conditions, which are objects."""
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return str({**index, "dialect_options": options})


def test_an_empty_database_is_created_once(database_url: str) -> None:
    store = Store(database_url)
    with pytest.raises(SchemaTooOld, match="has schema none"):
        migrate.require_current(store)
    assert migrate.migrate(store) is None
    migrate.require_current(store)
    assert migrate.migrate(store) is None
    if store.is_sqlite:
        assert not (store.file.parent / "backups").exists()
    store.close()


def _set_revision(deployment: Deployment, revision: str) -> None:
    with deployment.store.housekeeping() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")


def _revision(store: Store) -> str:
    with store.reading() as connection:
        return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one())


def test_a_newer_schema_is_refused(filled: Deployment) -> None:
    _set_revision(filled, "9999")
    for refusing in (migrate.migrate, migrate.require_current):
        with pytest.raises(SchemaTooNew, match=r"has schema 9999, which this version .* does not know"):
            refusing(filled.store)
    assert _revision(filled.store) == "9999"
    filled.check()


def test_an_older_schema_is_backed_up_and_migrated(filled: Deployment, with_a_second_revision: Path) -> None:
    store = filled.store
    with pytest.raises(SchemaTooOld, match="has schema 0001; this version of Minutebook needs 0002"):
        migrate.require_current(store)
    saved = migrate.migrate(store)
    migrate.require_current(store)
    assert _revision(store) == "0002"
    with store.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(note) FROM link, later").scalar_one() == 0
    if not store.is_sqlite:
        assert saved is None
    else:
        assert saved is not None
        assert saved.parent == store.file.parent / "backups"
        assert stat.S_IMODE(saved.stat().st_mode) == 0o600
        backup = Store(f"sqlite:///{saved}")
        assert _revision(backup) == "0001"
        assert check_log(backup, filled.told)
        backup.close()
    filled.check()
    assert migrate.migrate(store) is None


def test_a_migration_that_fails_changes_nothing_and_can_be_repeated(
    filled: Deployment, with_a_second_revision: Path
) -> None:
    sound = with_a_second_revision.read_text()
    with_a_second_revision.write_text(sound + "    op.execute('INSERT INTO nowhere VALUES (1)')\n")
    with pytest.raises((OperationalError, ProgrammingError), match="nowhere"):
        migrate.migrate(filled.store)
    assert _revision(filled.store) == "0001"
    with filled.store.reading() as connection:
        assert not inspect(connection).has_table("later")
    filled.act(None, FILLED, BuyCredits(1, "between"))
    with_a_second_revision.write_text(sound)
    migrate.migrate(filled.store)
    assert _revision(filled.store) == "0002"
    filled.check()


def test_a_backup_while_writing_is_a_prefix_of_the_log(filled_sqlite: Deployment, tmp_path: Path) -> None:
    payments = itertools.count()
    before = filled_sqlite.size(FILLED)
    sizes = []
    with meanwhile(lambda: filled_sqlite.act(None, FILLED, BuyCredits(1, f"meanwhile-{next(payments)}"))):
        for number in range(4):
            to = tmp_path / "copies" / f"{number}.sqlite3"
            migrate.backup(filled_sqlite.store, to)
            assert stat.S_IMODE(to.stat().st_mode) == 0o600
            copy = Store(f"sqlite:///{to}")
            sizes.append(len(check_log(copy)[FILLED]))
            copy.close()
    assert sizes == sorted(sizes)
    assert before <= sizes[0]
    assert sizes[-1] <= filled_sqlite.size(FILLED)
    filled_sqlite.check()


def test_a_backup_overwrites_nothing(filled_sqlite: Deployment, tmp_path: Path) -> None:
    to = tmp_path / "precious"
    to.write_text("precious")
    with pytest.raises((FileExistsError, MinutebookError)):
        migrate.backup(filled_sqlite.store, to)
    assert to.read_text() == "precious"


def test_half_a_backup_does_not_stay(tmp_path: Path) -> None:
    file = tmp_path / "minutebook.sqlite3"
    file.write_bytes(b"This is a letter to my mother. " * 1000)
    store = Store(f"sqlite:///{file}")
    with pytest.raises(sqlite.driver().DatabaseError):
        migrate.backup(store, tmp_path / "copy.sqlite3")
    store.close()
    assert not (tmp_path / "copy.sqlite3").exists()
