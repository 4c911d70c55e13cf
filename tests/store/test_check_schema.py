"""Whatever of the schema is missing, different or more is found and named; a schema as it was made raises no alarm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from minutebook.store import check_schema, migrate, schema
from minutebook.store.check_schema import NotCompared, Way
from minutebook.store.engine import Store
from tests.support.deployment import Deployment
from tests.support.postgres import PostgresServer
from tests.support.tampering import tamper

NOTHING = "BEGIN RETURN NULL; END"


def done(store: Store, *statements: str) -> list[tuple[str, str]]:
    """What is found once the owner of the tables has done this."""
    with store.housekeeping() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    return found(store)


def found(store: Store) -> list[tuple[str, str]]:
    return [(one.thing, one.way) for one in check_schema.deviations(store)]


def everything(deployment: Deployment) -> object:
    """All that the catalogue holds, whatever its schema."""
    query = "SELECT type, name, sql FROM sqlite_master"
    if not deployment.store.is_sqlite:
        query = "SELECT nspname, relname, relkind FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
    with deployment.store.reading() as connection:
        return sorted(map(tuple, connection.exec_driver_sql(query)), key=str)


def test_what_was_made_raises_no_alarm_and_looking_changes_nothing(filled: Deployment) -> None:
    before = everything(filled)
    assert found(filled.store) == []
    assert everything(filled) == before
    filled.check()


def test_what_was_migrated_from_an_older_schema_raises_no_alarm(
    filled: Deployment, with_a_second_revision: object
) -> None:
    migrate.migrate(filled.store)
    assert found(filled.store) == []


@pytest.mark.parametrize("table", [table.name for table in schema.ORGANIZATION_TABLES] + ["event", "act", "log_head"])
def test_a_trigger_that_is_gone_or_put_there(filled: Deployment, table: str) -> None:
    store = filled.store
    with store.reading() as connection:
        query = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
        if not store.is_sqlite:
            query = "SELECT tgname, tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
        triggers = [name for name, on in connection.exec_driver_sql(query) if on == table]
    assert triggers
    for number, trigger in enumerate(triggers, 1):
        expected = {(f"trigger {name} on {table}", Way.MISSING) for name in triggers[:number]}
        drop = f"DROP TRIGGER {trigger}" + ("" if store.is_sqlite else f" ON {table}")
        assert set(done(store, drop)) == expected
    body = "BEGIN SELECT 1; END" if store.is_sqlite else "FOR EACH ROW EXECUTE FUNCTION guard_change()"
    assert (f"trigger other on {table}", Way.ADDED) in done(
        store, f"CREATE TRIGGER other AFTER INSERT ON {table} {body}"
    )


def test_a_trigger_that_does_nothing(filled: Deployment) -> None:
    if filled.store.is_sqlite:
        again = "CREATE TRIGGER guard_seat_update AFTER UPDATE ON seat BEGIN SELECT 1; END"
        assert done(filled.store, "DROP TRIGGER guard_seat_update", again) == [
            ("trigger guard_seat_update on seat", Way.CHANGED)
        ]
    else:
        path = "SET search_path = public, pg_temp"
        replace = f"CREATE OR REPLACE FUNCTION guard_change() RETURNS trigger LANGUAGE plpgsql {path} AS $${NOTHING}$$"
        assert done(filled.store, replace) == [("function guard_change()", Way.CHANGED)]


def test_an_index_a_column_and_a_table(filled: Deployment) -> None:
    store = filled.store
    assert done(store, "DROP INDEX ix_invitation_organization_email") == [
        ("index ix_invitation_organization_email on invitation", Way.MISSING)
    ]
    again = "CREATE INDEX ix_invitation_organization_email ON invitation (organization, email)"
    assert done(store, again) == [("index ix_invitation_organization_email on invitation", Way.CHANGED)]
    right = "CREATE UNIQUE INDEX ix_invitation_organization_email ON invitation (organization, email)"
    assert done(store, "DROP INDEX ix_invitation_organization_email", right) == []
    assert done(store, "CREATE INDEX more ON seat (role)", "CREATE TABLE other (id INTEGER PRIMARY KEY)") == [
        ("index more on seat", Way.ADDED),
        ("table other", Way.ADDED),
    ]
    assert done(store, "DROP INDEX more", "DROP TABLE other", "DROP TABLE link") == [("table link", Way.MISSING)]
    more = [("table link", Way.MISSING)]
    more += [("table outbox", Way.CHANGED)] if store.is_sqlite else [("column note on outbox", Way.ADDED)]
    assert sorted(done(store, "ALTER TABLE outbox ADD COLUMN note TEXT")) == sorted(more)


def test_a_constraint_that_is_gone_from_sqlite(filled_sqlite: Deployment) -> None:
    """By the only way there is, besides making the table anew: its statement is rewritten in place."""
    foreign = "FOREIGN KEY(position) REFERENCES event (position) DEFERRABLE INITIALLY DEFERRED"
    for rewrite in (
        f"replace(sql, '{foreign}', 'CHECK (true)') WHERE name = 'act'",
        "replace(sql, 'balance >= 0', 'true') WHERE name = 'credit_entry'",
    ):
        tamper(
            filled_sqlite.store,
            "PRAGMA writable_schema = ON",
            f"UPDATE sqlite_master SET sql = {rewrite}",
            "PRAGMA writable_schema = RESET",
        )
    assert found(filled_sqlite.store) == [("table act", Way.CHANGED), ("table credit_entry", Way.CHANGED)]


def test_no_name_hides_a_trigger_of_sqlite(filled_sqlite: Deployment) -> None:
    store = filled_sqlite.store
    body = "BEFORE INSERT ON event BEGIN SELECT RAISE(IGNORE); END"
    assert done(store, f"CREATE TRIGGER event {body}", "DROP TRIGGER guard_event_update") == [
        ("trigger event on event", Way.ADDED),
        ("trigger guard_event_update on event", Way.MISSING),
    ]
    renamed = "SET name = 'sqlite_own', sql = replace(sql, 'TRIGGER event', 'TRIGGER sqlite_own')"
    rename = f"UPDATE sqlite_master {renamed} WHERE type = 'trigger' AND name = 'event'"
    again = done(store, "PRAGMA writable_schema = ON", rename, "PRAGMA writable_schema = RESET")
    assert ("trigger sqlite_own on event", Way.ADDED) in again


def test_what_sqlite_keeps_for_itself_is_not_looked_at(filled_sqlite: Deployment) -> None:
    assert done(filled_sqlite.store, "ANALYZE") == []


def test_how_a_statement_was_written_does_not_matter(filled_sqlite: Deployment) -> None:
    again = 'CREATE  INDEX "ix_seat_user"\n ON "seat" ( "user")'.replace("( ", "(")
    assert done(filled_sqlite.store, "DROP INDEX ix_seat_user", again) == []


@pytest.mark.parametrize(
    ("statement", "thing", "way"),
    [
        ("ALTER TABLE act DROP CONSTRAINT fk_act_position", "constraint fk_act_position on act", Way.MISSING),
        (
            "ALTER TABLE credit_entry DROP CONSTRAINT ck_credit_entry_balance",
            "constraint ck_credit_entry_balance on credit_entry",
            Way.MISSING,
        ),
        ("ALTER TABLE seat DROP CONSTRAINT pk_seat", "constraint pk_seat on seat", Way.MISSING),
        (
            "ALTER TABLE organization DROP CONSTRAINT uq_organization_id",
            "constraint uq_organization_id on organization",
            Way.MISSING,
        ),
        (
            "ALTER TABLE act ALTER CONSTRAINT fk_act_position DEFERRABLE INITIALLY IMMEDIATE",
            "constraint fk_act_position on act",
            Way.CHANGED,
        ),
        (
            "ALTER TABLE event DROP CONSTRAINT ck_event_position; "
            "ALTER TABLE event ADD CONSTRAINT ck_event_position CHECK (position >> 40 = organization) NOT VALID",
            "constraint ck_event_position on event",
            Way.CHANGED,
        ),
        ("ALTER TABLE seat ADD CONSTRAINT more CHECK (role <> 'x')", "constraint more on seat", Way.ADDED),
        ("ALTER TABLE seat ALTER COLUMN role DROP NOT NULL", "column role on seat", Way.CHANGED),
        ("ALTER TABLE seat ALTER COLUMN role TYPE text", "column role on seat", Way.CHANGED),
        ("ALTER TABLE seat ALTER COLUMN role SET DEFAULT 'owner'", "column role on seat", Way.CHANGED),
        ("CREATE RULE r AS ON INSERT TO event DO INSTEAD NOTHING", "rule r on event", Way.ADDED),
        ("ALTER TABLE seat DISABLE TRIGGER guard_change", "trigger guard_change on seat", Way.CHANGED),
        ("ALTER TABLE seat ENABLE REPLICA TRIGGER guard_change", "trigger guard_change on seat", Way.CHANGED),
        (
            "ALTER TABLE act DISABLE TRIGGER ALL",
            "constraint fk_act_position on act",
            Way.CHANGED,
        ),
        ("ALTER FUNCTION guard_note(bigint) RESET search_path", "function guard_note(bigint)", Way.CHANGED),
        ("ALTER FUNCTION guard_note(bigint) STRICT", "function guard_note(bigint)", Way.CHANGED),
        ("ALTER FUNCTION guard_note(bigint) SECURITY DEFINER", "function guard_note(bigint)", Way.CHANGED),
        (
            f"CREATE FUNCTION guard_other() RETURNS trigger LANGUAGE plpgsql AS $${NOTHING}$$",
            "function guard_other()",
            Way.ADDED,
        ),
        ("CREATE TABLE heir () INHERITS (event)", "inheriting table heir on event", Way.ADDED),
        ("CREATE TEMP TABLE heir () INHERITS (event)", "inheriting table heir on event", Way.ADDED),
        ("ALTER TABLE event ENABLE ROW LEVEL SECURITY", "table event", Way.CHANGED),
        ("CREATE POLICY hide ON event USING (false)", "policy hide on event", Way.ADDED),
        ("ALTER TABLE setting SET UNLOGGED", "table setting", Way.CHANGED),
        ("CREATE VIEW other AS SELECT 1", "view other", Way.ADDED),
        ("ALTER SEQUENCE log_head_organization_seq CYCLE", "sequence log_head_organization_seq", Way.CHANGED),
        (
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_seat_user'::regclass",
            "index ix_seat_user on seat",
            Way.CHANGED,
        ),
    ],
)
def test_what_can_be_done_to_postgresql(filled_postgres: Deployment, statement: str, thing: str, way: Way) -> None:
    assert (thing, way) in done(filled_postgres.store, statement)


def test_a_database_whose_triggers_do_not_fire(filled_postgres: Deployment) -> None:
    store = filled_postgres.store
    assert done(store, f'ALTER DATABASE "{store.url.database}" SET session_replication_role = replica') == []
    later = Store(store.url)
    assert found(later) == [("setting session_replication_role", Way.CHANGED)]
    later.close()


@pytest.mark.parametrize("name", ["path", "Mein Schema"])
def test_a_schema_of_another_name_raises_no_alarm(postgres_url: str, name: str) -> None:
    first = Store(postgres_url)
    with first.housekeeping() as connection:
        connection.exec_driver_sql(f'CREATE SCHEMA "{name}"')
        connection.exec_driver_sql(f'ALTER DATABASE "{first.url.database}" SET search_path = "{name}"')
    first.close()
    store = Store(postgres_url)
    migrate.migrate(store)
    assert found(store) == []
    longer = f'ALTER FUNCTION guard_note(bigint) SET search_path = "{name}", public'
    assert done(store, longer) == [("function guard_note(bigint)", Way.CHANGED)]
    store.close()


def test_what_an_extension_brings_is_not_looked_at(filled_postgres: Deployment) -> None:
    assert done(filled_postgres.store, "CREATE EXTENSION citext") == []


@pytest.fixture
def server_role(filled_postgres: Deployment, postgres_server: PostgresServer) -> Iterator[Store]:
    """The store as a role sees it that may read and write, and make nothing."""
    url = filled_postgres.store.url
    role = f"role_of_{url.database}"
    with filled_postgres.store.housekeeping() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN")
        connection.exec_driver_sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    store = Store(url.set(username=role))
    yield store
    store.close()
    with filled_postgres.store.housekeeping() as connection:
        connection.exec_driver_sql(f"DROP OWNED BY {role}")
        connection.exec_driver_sql(f"DROP ROLE {role}")


def test_a_role_that_may_not_is_told_apart(server_role: Store) -> None:
    with pytest.raises(NotCompared, match="role_of_"):
        found(server_role)


def test_a_server_that_only_reads_is_told_apart(filled_postgres: Deployment) -> None:
    database = filled_postgres.store.url.database
    with filled_postgres.store.housekeeping() as connection:
        connection.exec_driver_sql(f'ALTER DATABASE "{database}" SET default_transaction_read_only = on')
    reader = Store(filled_postgres.store.url)
    with pytest.raises(NotCompared):
        found(reader)
    reader.close()
