"""The guard: the database itself refuses a change without its event, and any rewriting of the log.

An event is changed by erasing only: its place, its times and its hash stay, and that is a change that needs an event of
its own in the same commit, like a change of an organization table.

Every change of an organization table notes in `act` the position that the next event of that organization will have.
`act.position` is a deferred foreign key to `event.position`, so COMMIT fails unless the transaction also appended that
event; for raw SQL and DELETE too. On PostgreSQL the trigger takes the head's lock, as every append does: without it the
event of another transaction could stand in for the missing one.

A SQLite connection without `PRAGMA foreign_keys = ON` cannot change those tables at all. What the guard cannot see:
whoever may drop its triggers, or put one of their own before them (on SQLite a temporary one is enough): on PostgreSQL
the tables' owner and a superuser, on SQLite whoever writes to the file. Replaying the log reveals what they did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection

from minutebook.store.schema import SEQ_BITS

LOG_TABLES = ("log_head", "event", "act")
STAYS = ("position", "organization", "recorded_at", "occurred_at", "leaf_hash")
"""What an erasure leaves of an event. The values are compared with their types: SQLite would take 1.0 for 1."""

# Without the last event being there, a head moved ahead would leave a gap in the log that nobody can fill.
LAST_EVENT = f"SELECT 1 FROM event WHERE position = ((NEW.organization << {SEQ_BITS}) | (NEW.size - 1))"  # noqa: S608
# The log of an organization that was deleted ends with the event that says so.
SEALED = "SELECT 1 FROM organization WHERE organization = NEW.organization AND sealed < NEW.size"
GROWS = f"NEW.size > OLD.size AND NEW.log_id = OLD.log_id AND EXISTS ({LAST_EVENT}) AND NOT EXISTS ({SEALED})"
# The row of a generation that begins here needs the event that comes here, as every row of an organization table.
GENERATION = (
    "SELECT 1 FROM generation WHERE organization = NEW.organization AND first = NEW.size "
    "AND log_id = NEW.log_id AND previous = OLD.log_id"
)
BEGINS = f"NEW.size = OLD.size AND NEW.peaks = OLD.peaks AND EXISTS ({GENERATION})"
MOVES = f"NEW.organization = OLD.organization AND ({GROWS} OR {BEGINS})"


def install(connection: Connection, organization_tables: Iterable[str]) -> None:
    """Creates the triggers, on tables that exist and have none yet."""
    tables = tuple(organization_tables)
    if connection.dialect.name == "postgresql":
        schema = connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one()
        statements = _postgresql(tables, str(schema))
    else:
        statements = _sqlite(tables)
    for statement in statements:
        connection.exec_driver_sql(statement)


def _sqlite(tables: tuple[str, ...]) -> Iterator[str]:
    for table in tables:
        for verb, rows in (("INSERT", ("NEW",)), ("UPDATE", ("OLD", "NEW")), ("DELETE", ("OLD",))):
            notes = " ".join(_sqlite_note(row) for row in rows)
            yield f"CREATE TRIGGER guard_{table}_{verb.lower()} AFTER {verb} ON {table} BEGIN {notes} END"
    for table, verb in (("event", "DELETE"), ("act", "UPDATE"), ("act", "DELETE")):
        yield _sqlite_refusal(table, verb, "1", f"{table} is only ever added to")
    changed = " OR ".join(f"NEW.{name} IS NOT OLD.{name} OR typeof(NEW.{name}) <> typeof(OLD.{name})" for name in STAYS)
    yield _sqlite_refusal(
        "event", "UPDATE", changed, "of an event only what it says is erased", name="guard_event_stays"
    )
    yield f"CREATE TRIGGER guard_event_update AFTER UPDATE ON event BEGIN {_sqlite_note('NEW')} END"
    # Whoever switches foreign keys off would lift the guard, and the next act's event would cover the trace.
    off = "(SELECT foreign_keys FROM pragma_foreign_keys) = 0"
    yield _sqlite_refusal("act", "INSERT", off, "foreign keys are off: switch them on with PRAGMA foreign_keys = ON")
    there = "EXISTS (SELECT 1 FROM event WHERE position = NEW.position)"
    yield _sqlite_refusal("act", "INSERT", there, "an event stands where the next one belongs", name="guard_act_place")
    # REPLACE deletes without firing the triggers of DELETE
    same = "SELECT 1 FROM event WHERE position = NEW.position"
    yield _sqlite_refusal("event", "INSERT", f"EXISTS ({same})", "event is only ever added to")
    same = "SELECT 1 FROM log_head WHERE organization = NEW.organization OR log_id = NEW.log_id"
    yield _sqlite_refusal("log_head", "INSERT", f"EXISTS ({same})", "a log only grows")
    yield _sqlite_refusal("log_head", "DELETE", "1", "a log is never deleted")
    yield _sqlite_refusal("log_head", "UPDATE", f"NOT ({MOVES})", "a log only grows, by events that are there")


def _sqlite_note(row: str) -> str:
    # -1 is the position of no event: without a head the commit fails. Not OR IGNORE, which would let a NULL pass.
    return (
        f"INSERT INTO act (position) SELECT ({row}.organization << {SEQ_BITS}) | "  # noqa: S608 (names of our own)
        f"coalesce((SELECT size FROM log_head WHERE organization = {row}.organization), -1) "
        "WHERE true ON CONFLICT (position) DO NOTHING;"
    )


def _sqlite_refusal(table: str, verb: str, when: str, why: str, name: str = "") -> str:
    return (
        f"CREATE TRIGGER {name or f'guard_{table}_{verb.lower()}'} BEFORE {verb} ON {table} WHEN {when} "
        f"BEGIN SELECT RAISE(ABORT, '{why}'); END"
    )


def _postgresql(tables: tuple[str, ...], schema: str) -> Iterator[str]:
    # A search path of its own: else a temporary table called act would take the notes of whoever made it.
    own_path = f"SET search_path = {schema}, pg_temp"
    yield f"""
        CREATE FUNCTION guard_note(changed bigint) RETURNS void LANGUAGE plpgsql {own_path} AS $$
        DECLARE size_now bigint; place bigint;
        BEGIN
            SELECT size INTO size_now FROM log_head WHERE organization = changed FOR UPDATE;
            place := (changed << {SEQ_BITS}) | coalesce(size_now, -1);
            IF EXISTS (SELECT 1 FROM event WHERE position = place) THEN
                RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
                    MESSAGE = 'an event stands where the next one belongs';
            END IF;
            INSERT INTO act (position) VALUES (place) ON CONFLICT (position) DO NOTHING;
        END $$"""  # noqa: S608 (names and numbers of our own)
    yield f"""
        CREATE FUNCTION guard_change() RETURNS trigger LANGUAGE plpgsql {own_path} AS $$
        BEGIN
            IF TG_OP <> 'INSERT' THEN PERFORM guard_note(OLD.organization); END IF;
            IF TG_OP <> 'DELETE' THEN PERFORM guard_note(NEW.organization); END IF;
            RETURN NULL;
        END $$"""
    yield """
        CREATE FUNCTION guard_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
                MESSAGE = TG_OP || ' of ' || TG_TABLE_NAME || ' is refused: the log is only ever added to';
        END $$"""
    yield f"""
        CREATE FUNCTION guard_head() RETURNS trigger LANGUAGE plpgsql {own_path} AS $$
        BEGIN
            IF NOT ({MOVES}) THEN
                RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
                    MESSAGE = 'a log only grows, by events that are there';
            END IF;
            RETURN NEW;
        END $$"""
    changed = " OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in STAYS)
    yield f"""
        CREATE FUNCTION guard_stays() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF {changed} THEN
                RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation',
                    MESSAGE = 'of an event only what it says is erased';
            END IF;
            RETURN NEW;
        END $$"""
    for table in tables:
        yield (
            f"CREATE TRIGGER guard_change AFTER INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION guard_change()"
        )
    for table, verbs in (("event", "DELETE"), ("act", "UPDATE OR DELETE")):
        yield f"CREATE TRIGGER guard_refuse BEFORE {verbs} ON {table} FOR EACH ROW EXECUTE FUNCTION guard_refuse()"
    yield "CREATE TRIGGER guard_stays BEFORE UPDATE ON event FOR EACH ROW EXECUTE FUNCTION guard_stays()"
    yield "CREATE TRIGGER guard_change AFTER UPDATE ON event FOR EACH ROW EXECUTE FUNCTION guard_change()"
    yield "CREATE TRIGGER guard_delete BEFORE DELETE ON log_head FOR EACH ROW EXECUTE FUNCTION guard_refuse()"
    yield "CREATE TRIGGER guard_update BEFORE UPDATE ON log_head FOR EACH ROW EXECUTE FUNCTION guard_head()"
    for table in (*tables, *LOG_TABLES):  # TRUNCATE fires no row trigger
        yield f"CREATE TRIGGER guard_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION guard_refuse()"
