"""The guard: on either database, a change of an organization's table without its event cannot commit."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest
from sqlalchemy import Connection, Table, delete, func, insert, literal_column, select, update
from sqlalchemy.exc import IntegrityError

from minutebook.model import Context, Outcome, Role
from minutebook.organization import people
from minutebook.organization.credits import BuyCredits
from minutebook.organization.invitations import InvitePerson
from minutebook.organization.sign_in import RecordFailedSignIn
from minutebook.store import check, log, schema, sqlite
from minutebook.store.guard import LOG_TABLES
from tests.support.check_log import check_log
from tests.support.deployment import OPERATOR, Deployment
from tests.support.walk import FILLED, OTHER

DRAFT = log.Draft("user.logout", Outcome.SUCCESS, OPERATOR, (), Context(), {"v": 1})

Change = Callable[[Connection], object]


def refused(deployment: Deployment, *changes: Change) -> bool:
    """Whether a transaction of these changes breaks a constraint, at the latest when it commits."""
    try:
        with deployment.store.housekeeping() as connection:
            for change in changes:
                change(connection)
    except IntegrityError:
        return True
    return False


def sql(statement: str) -> Change:
    return lambda connection: connection.exec_driver_sql(statement)


def append(deployment: Deployment, organization: int | None) -> Change:
    """Adds an event to the log, as `perform` does; None stands for the newest organization."""

    def change(connection: Connection) -> None:
        newest = connection.execute(select(func.max(schema.log_head.c.organization))).scalar_one()
        head = log.lock_head(connection, organization or newest)
        log.append(connection, head, DRAFT, at=deployment.clock(), randomness=deployment.store.randomness)

    return change


def roll_back_if_it_could_commit(connection: Connection) -> None:
    """Checks the deferred constraints as a commit would, and leaves everything as it was."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
    elif violations := connection.exec_driver_sql("PRAGMA foreign_key_check").all():
        raise IntegrityError(str(violations), None, Exception())
    connection.rollback()


# ── A change without its event ───────────────────────────────────────────────────────────────────────────────────────


def changes_of(table: Table, organization: int) -> Iterator[tuple[str, Change]]:
    """An update of every column, a delete and an insert."""
    for column in table.c:
        yield f"update {column.name} of {table.name}", _update(table, column.name, organization)
    here = table.c.organization == organization
    yield f"delete of {table.name}", lambda connection: connection.execute(delete(table).where(here))
    yield f"insert of {table.name}", lambda connection: _insert_another(connection, table, organization)


def _update(table: Table, column: str, organization: int) -> Change:
    same: dict[str, Any] = {column: literal_column(f'"{column}"')}
    return lambda connection: connection.execute(update(table).where(table.c.organization == organization).values(same))


def _insert_another(connection: Connection, table: Table, organization: int) -> None:
    """Inserts a copy of a row of the organization under another key."""
    here = table.c.organization == organization
    row: dict[str, Any] = dict(connection.execute(select(table).where(here).limit(1)).one()._mapping)
    match table.name:
        case "organization":
            head = log.start_log(connection, lambda size: b"x" * size)
            row |= {"organization": head.organization, "id": "org_x"}
        case "seat":
            users = schema.user.c.id
            others = select(users).where(users.not_in(select(table.c.user).where(here))).limit(1)
            row["user"] = connection.execute(others).scalar_one()
        case "sso_domain" | "clock_step" | "deletion":  # one for each organization
            numbers = schema.organization.c.organization
            row["organization"] = connection.execute(select(numbers).where(numbers != organization)).scalar_one()
            row |= {"domain": "x.example"} if table is schema.sso_domain else {}
        case "invitation":
            row |= {"id": "inv_x", "email": "x@calder.example", "token_hash": b"x" * 32}
        case "token":
            row |= {"id": "tok_x", "token_hash": b"x" * 32}
        case "support_grant":
            row |= {"id": "sup_x", "token_hash": b"x" * 32}
        case "mode":
            row |= {"id": "mod_x", "name_key": "x"}
        case "auditor_link":
            row |= {"id": "aud_x", "token_hash": b"x" * 32}
        case "saved_search":
            row |= {"id": "sav_x", "name_key": "x"}
        case _:
            key = next(column.name for column in table.primary_key if column.name != "organization")
            row[key] = "x"
    connection.execute(insert(table).values(row))


def test_no_change_of_an_organization_table_commits_without_its_event(filled: Deployment) -> None:
    committed = [
        what
        for table in schema.ORGANIZATION_TABLES
        for what, change in changes_of(table, FILLED)
        if not refused(filled, change)
    ]
    assert committed == []
    filled.check()


def test_the_same_changes_could_commit_with_their_event(filled: Deployment) -> None:
    """Otherwise something else than the guard may have refused them."""
    of_another = ("sso_domain", "clock_step", "deletion")
    events = {"insert of organization": None, **{f"insert of {table}": OTHER for table in of_another}}
    stopped = [
        what
        for table in schema.ORGANIZATION_TABLES
        for what, change in changes_of(table, FILLED)
        if what != "delete of organization"  # held by the foreign keys of everything it has
        and refused(filled, change, append(filled, events.get(what, FILLED)), roll_back_if_it_could_commit)
    ]
    assert stopped == []


def test_truncating_is_refused(filled_postgres: Deployment) -> None:
    for table in (*(table.name for table in schema.ORGANIZATION_TABLES), *LOG_TABLES):
        assert refused(filled_postgres, sql(f"TRUNCATE {table} CASCADE")), table
    filled_postgres.check()


@pytest.mark.parametrize("policy", ["ABORT", "FAIL", "IGNORE", "REPLACE", "ROLLBACK"])
def test_no_conflict_policy_of_sqlite_gets_past_it(filled_sqlite: Deployment, policy: str) -> None:
    for statement in (
        f"UPDATE OR {policy} seat SET role = 'member'",
        f"UPDATE OR {policy} invitation SET token_hash = x'00'",
        f"INSERT OR {policy} INTO seat SELECT organization, user || 'x', 'owner', 0, NULL FROM seat",
        f"INSERT OR {policy} INTO setting SELECT organization, name || 'x', '' FROM setting",
        f"UPDATE OR {policy} event SET action = 'user.login'",
        f"UPDATE OR {policy} log_head SET size = 0",
    ):
        with pytest.raises(IntegrityError), filled_sqlite.store.housekeeping() as connection:
            connection.exec_driver_sql(statement)
    for statement in (
        f"INSERT OR {policy} INTO event SELECT * FROM event",
        f"INSERT OR {policy} INTO log_head SELECT * FROM log_head",
        f"INSERT OR {policy} INTO log_head SELECT organization + 100, log_id, 0, x'', 0 FROM log_head",
    ):
        with pytest.raises(IntegrityError), filled_sqlite.store.housekeeping() as connection:
            connection.exec_driver_sql(statement)
    filled_sqlite.check()


def test_replacing_the_row_of_another_organization_needs_an_event_there(filled_sqlite: Deployment) -> None:
    """A token's hash is unique across organizations, so REPLACE in one deletes the row of another."""
    steal = sql(
        f"INSERT OR REPLACE INTO invitation SELECT {OTHER}, id, email, role, token_hash, NULL, invited_by, NULL, "
        f"created_at, expires_at FROM invitation WHERE organization = {FILLED}"
    )
    assert refused(filled_sqlite, steal, append(filled_sqlite, OTHER))
    filled_sqlite.check()


# ── An event that is not the one of the change ───────────────────────────────────────────────────────────────────────


def test_an_event_of_another_organization_does_not_stand_in(filled: Deployment) -> None:
    change = sql(f"UPDATE seat SET role = 'member' WHERE organization = {FILLED}")
    assert refused(filled, change, append(filled, OTHER))
    assert refused(filled, append(filled, OTHER), change)
    filled.check()


def test_an_event_before_the_change_does_not_stand_in(filled: Deployment) -> None:
    change = sql(f"UPDATE credit_entry SET cents = 0 WHERE organization = {FILLED}")
    assert refused(filled, append(filled, FILLED), change)
    assert refused(filled, change, append(filled, FILLED), change)
    filled.check()


def test_moving_a_row_to_another_organization_needs_an_event_in_both(filled: Deployment) -> None:
    move = sql(f"UPDATE mode SET organization = {OTHER} WHERE organization = {FILLED}")
    assert refused(filled, move, append(filled, FILLED))
    assert refused(filled, move, append(filled, OTHER))
    filled.check()
    both = (append(filled, FILLED), append(filled, OTHER))
    assert not refused(filled, move, *both, roll_back_if_it_could_commit)


def test_a_row_of_an_organization_without_a_log_is_refused(filled: Deployment) -> None:
    assert refused(filled, sql("INSERT INTO sso_domain VALUES (99, 'x.example', 'nobody', 0, NULL)"))
    assert refused(filled, sql("INSERT INTO organization VALUES (99, 'org_x', 'X', 'teams', 1, 0, NULL)"))
    filled.check()


def test_the_event_of_a_transaction_beside_it_does_not_stand_in(filled_postgres: Deployment) -> None:
    """The trigger holds the head, so that another act can only come before the change or after its transaction.

    A failed sign-in changes no table of the organization: nothing but the head makes it wait.
    """
    with filled_postgres.store.reading() as connection:
        ada = people.find_user(connection, "ada@calder.example")
    changed, done = threading.Event(), threading.Event()

    def fail_to_sign_in() -> None:
        changed.wait()
        filled_postgres.act(ada, FILLED, RecordFailedSignIn("Wrong password", 1))
        done.set()

    other = threading.Thread(target=fail_to_sign_in)
    other.start()
    waited: list[bool] = []
    with pytest.raises(IntegrityError), filled_postgres.store.housekeeping() as connection:
        connection.exec_driver_sql(f"UPDATE seat SET role = 'member' WHERE organization = {FILLED}")
        changed.set()
        waited.append(not done.wait(0.5))
    other.join()
    assert waited == [True]
    filled_postgres.check()


# ── The log itself ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_log_cannot_be_rewritten(filled: Deployment) -> None:
    statements = [f'UPDATE event SET "{column.name}" = "{column.name}"' for column in schema.event.c]
    statements += [
        "DELETE FROM event",
        "UPDATE act SET position = position",
        "DELETE FROM act",
        "DELETE FROM log_head",
        "UPDATE log_head SET size = size",
        "UPDATE log_head SET size = size - 1",
        "UPDATE log_head SET size = 0",
        "UPDATE log_head SET peaks = peaks",
        "UPDATE log_head SET size = size + 1",
        f"UPDATE log_head SET size = {(1 << 40) - 1}",
        "UPDATE log_head SET size = size + 0.5",
        "UPDATE log_head SET size = size + 1, log_id = 'log_x'",
        "UPDATE log_head SET size = size + 1, organization = organization + 1",
    ]
    committed = [statement for statement in statements if not refused(filled, sql(statement))]
    assert committed == []
    filled.check()


def test_a_head_holds_a_number_of_events(filled: Deployment) -> None:
    sizes = ["-1", str(1 << 40), *(("0.5", "'many'", "x'00'") if filled.store.is_sqlite else ())]
    insert = "INSERT INTO log_head (organization, log_id, size, peaks, recorded_at) VALUES (99, 'log_x', {}, '', 0)"
    assert [size for size in sizes if not refused(filled, sql(insert.format(size)))] == []
    assert not refused(filled, sql(insert.format(0)), roll_back_if_it_could_commit)


def test_an_act_needs_an_event(filled: Deployment) -> None:
    beyond = log.position(FILLED, filled.size(FILLED))
    assert refused(filled, sql(f"INSERT INTO act (position) VALUES ({beyond})"))
    filled.check()


def test_a_log_gets_another_id_only_by_a_generation_that_begins_with_its_next_event(filled: Deployment) -> None:
    size = filled.size(OTHER)

    def begin(first: int, log_id: str, previous: str) -> Change:
        return sql(f"INSERT INTO generation VALUES ({OTHER}, '{log_id}', {first}, '{previous}')")

    with filled.store.reading() as connection:
        before = log.read_head(connection, OTHER).log_id
    rename = sql(f"UPDATE log_head SET log_id = 'log_x' WHERE organization = {OTHER}")
    event = append(filled, OTHER)
    right = begin(size, "log_x", before)
    for wrong in (
        (rename, event),
        (right, rename),
        (right, event, rename),
        (begin(size - 1, "log_x", before), rename, event),
        (begin(size + 1, "log_x", before), rename, event),
        (begin(size, "log_y", before), rename, event),
        (begin(size, "log_x", "log_y"), rename, event),
        (right, sql(f"UPDATE log_head SET log_id = 'log_x', peaks = '' WHERE organization = {OTHER}"), event),
    ):
        assert refused(filled, *wrong), wrong
    filled.check()
    assert not refused(filled, right, rename, event, roll_back_if_it_could_commit)


def test_an_event_keeps_to_its_organization(filled: Deployment) -> None:
    columns = [column.name for column in schema.event.c]
    moved = ", ".join({"position": "position + 1000", "organization": "organization + 1"}.get(n, n) for n in columns)
    assert refused(filled, sql(f"INSERT INTO event SELECT {moved} FROM event WHERE organization = {FILLED}"))
    filled.check()


def test_without_foreign_keys_sqlite_changes_nothing(filled_sqlite: Deployment) -> None:
    connection = sqlite.driver().connect(str(filled_sqlite.store.file))
    with pytest.raises(sqlite.driver().IntegrityError, match="foreign keys are off"):
        connection.execute("UPDATE seat SET role = 'owner'")
    connection.close()
    filled_sqlite.check()


def test_an_act_without_its_event_is_found(filled_sqlite: Deployment) -> None:
    size = filled_sqlite.size(FILLED)
    connection = sqlite.driver().connect(str(filled_sqlite.store.file))
    connection.execute("DROP TRIGGER guard_act_insert")
    connection.execute("UPDATE seat SET role = 'owner'")
    connection.commit()
    connection.close()
    with filled_sqlite.store.reading() as reading:
        findings = list(check.check_log(reading, FILLED))
    assert findings == [check.Finding(FILLED, size, "Something was changed without an event.")]
    with pytest.raises(AssertionError, match="acted and is not recorded"):
        check_log(filled_sqlite.store)


def test_a_table_of_the_same_name_does_not_take_the_notes(filled: Deployment) -> None:
    shadow = sql("CREATE TEMP TABLE act (position BIGINT PRIMARY KEY)")
    assert refused(filled, shadow, sql("UPDATE seat SET role = 'owner'"))
    filled.check()


def test_an_event_that_stands_there_already_is_nobodys(filled: Deployment) -> None:
    columns = ", ".join(column.name for column in schema.event.c)
    beyond = columns.replace("position", f"position + {filled.size(FILLED)}", 1)
    first = f"SELECT {beyond} FROM event WHERE position = {FILLED << schema.SEQ_BITS}"
    stray = sql(f"INSERT INTO event ({columns}) {first}")
    assert refused(filled, stray, sql(f"UPDATE seat SET role = 'owner' WHERE organization = {FILLED}"))
    filled.check()


# ── What is guarded ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_table_of_an_organization_is_guarded(filled: Deployment) -> None:
    """Derived from the columns, so that a new table cannot be forgotten."""
    others = {*LOG_TABLES, *(table.name for table in (*schema.INDEX_TABLES, *schema.CUSTODY_TABLES))}
    owned = {table.name for table in schema.metadata.sorted_tables if "organization" in table.c} - others
    for table in owned ^ {table.name for table in schema.ORGANIZATION_TABLES}:
        raise AssertionError(f"{table}: ORGANIZATION_TABLES in store/schema.py has what has a column organization")
    with filled.store.reading() as connection:
        triggers = _triggers(connection)
    for table in owned:
        fired = triggers.get(table, set())
        assert {"INSERT", "UPDATE", "DELETE"} <= fired, f"{table}: call guard.install for it in its migration"
    for table in ("event", "act"):
        assert {"UPDATE", "DELETE"} <= triggers[table], table


def _triggers(connection: Connection) -> dict[str, set[str]]:
    """Which verbs fire a trigger of each table."""
    found: dict[str, set[str]] = {}
    if connection.dialect.name == "sqlite":
        for table, text in connection.exec_driver_sql("SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"):
            verb = re.search(r" (?:AFTER|BEFORE) ([A-Z]+) ON ", text)
            assert verb
            found.setdefault(table, set()).add(verb[1])
    else:
        view = "SELECT event_object_table, event_manipulation FROM information_schema.triggers"
        for table, verb in connection.exec_driver_sql(view):
            found.setdefault(table, set()).add(verb)
    return found


def test_the_first_schema_guards_what_the_schema_names() -> None:
    """Later tables are guarded by migrations of their own."""
    first = import_module("minutebook.store.migrations.versions.0001_first")
    assert set(first.GUARDED) <= {table.name for table in schema.ORGANIZATION_TABLES}


def test_a_refused_commit_leaves_nothing_behind(filled: Deployment) -> None:
    """SQLite keeps a transaction open whose commit fails; the next act must not meet it."""
    for number in range(3):
        assert refused(filled, sql("UPDATE seat SET role = 'member'"))
        filled.act(None, FILLED, BuyCredits(1, f"after-{number}"))
    filled.act(None, FILLED, InvitePerson("last@calder.example", Role.MEMBER, "another token"))
    filled.check()
