"""What was changed past a log is found by replaying it; what acts did is never taken for it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Column, Integer, Table, select

from minutebook.actions import CATALOGUE
from minutebook.model import Context, Event, Json, Outcome, Role
from minutebook.organization.credits import BuyCredits
from minutebook.organization.differences import NOT_RECORDED, check_organization
from minutebook.organization.invitations import InvitePerson
from minutebook.organization.modes import CreateMode
from minutebook.organization.replay import APPLY, DoesNotFollow, State, apply
from minutebook.organization.replay.state import TOUCHES
from minutebook.organization.sessions import SESSION_LIFETIME
from minutebook.record import MINUTEBOOK
from minutebook.store import log, schema
from minutebook.store.engine import Store
from tests.support.deployment import Deployment
from tests.support.replay import ALLOWED, ANYWAY
from tests.support.tampering import tamper
from tests.support.walk import FILLED, OTHER

TABLES = [table.name for table in schema.ORGANIZATION_TABLES if table is not schema.generation]


def problems(store: Store, organization: int = FILLED) -> list[str]:
    """What is found in an organization; in the other one, nothing."""
    with store.reading() as connection:
        if organization == FILLED:
            assert list(check_organization(connection, OTHER)) == []
        return [finding.problem for finding in check_organization(connection, organization)]


def quoted(*names: str) -> str:
    return ", ".join(f'"{name}"' for name in names)


def test_every_action_can_be_replayed() -> None:
    ruled = ALLOWED.keys() | ANYWAY
    for action in CATALOGUE:
        assert action in APPLY, f"add what {action} does, with @replays, to organization/replay/"
        assert action in ruled, (
            f"add who may do {action} to ALLOWED in tests/support/replay.py, or the action to ANYWAY"
        )
    for action in APPLY.keys() | ruled:
        assert action in CATALOGUE, f"take {action} out of organization/replay/ and tests/support/replay.py"


def test_only_secrets_are_not_compared() -> None:
    secrets = {
        "invitation.token_hash",
        "invitation.mailed_token_hash",
        "token.token_hash",
        "auditor_link.token_hash",
    } | {"support_grant.token_hash"}
    assert {str(column) for column in NOT_RECORDED} == secrets


@pytest.mark.parametrize("name", TABLES)
def test_every_changed_column_is_found_and_named(filled: Deployment, name: str) -> None:
    table = schema.metadata.tables[name]
    for column in table.c:
        if column.name == "organization" or column in NOT_RECORDED:
            continue
        before = _one_row(filled.store, table)
        key, old = _where(table, before), before[column.name]
        new = int(str(old or 0)) + 1 if isinstance(column.type, Integer) else f"{old or ''}x"
        tamper(filled.store, f"UPDATE {quoted(name)} SET {quoted(column.name)} = {_literal(new)} WHERE {key}")
        found = problems(filled.store)
        if column.primary_key:
            assert [said.startswith(f"{name} {old} is not stored") for said in found] == [True, False]
            assert found[1].startswith(f"{name} {new} is stored with ")
        else:
            (said,) = found
            assert said.startswith(f"{name} {_key(table, before)}".strip() + " is stored with ")
            assert f"{column.name} {new}"[:60] in said
            assert f"the log says {column.name} {old}"[:60] in said
        changed = _where(table, {**before, column.name: new})
        tamper(filled.store, f"UPDATE {quoted(name)} SET {quoted(column.name)} = {_literal(old)} WHERE {changed}")
    assert problems(filled.store) == []


@pytest.mark.parametrize("name", TABLES)
def test_a_row_put_in_or_taken_out_is_found_and_named(filled: Deployment, name: str) -> None:
    table = schema.metadata.tables[name]
    before = _one_row(filled.store, table)
    where = f"{name} {_key(table, before)}".strip()
    tamper(filled.store, f"DELETE FROM {quoted(name)} WHERE {_where(table, before)}")
    (said,) = problems(filled.store)
    assert said.startswith(f"{where} is not stored; the log says ")
    tamper(filled.store, f"DELETE FROM {quoted(name)} WHERE organization = {OTHER}")
    row = {column.name: f"{OTHER}" if column.name == "organization" else _other(column) for column in table.c}
    tamper(filled.store, f"INSERT INTO {quoted(name)} ({quoted(*row)}) VALUES ({', '.join(row.values())})")
    with filled.store.reading() as connection:
        said = "\n".join(finding.problem for finding in check_organization(connection, OTHER))
    assert f"{name} {'x' if _key(table, before) else ''}".strip() + " is stored with " in said


@pytest.mark.parametrize("change", ["first = first + 1", "first = first - 1", "previous = 'log_x'"])
def test_a_changed_generation_is_found_by_the_hashes_of_events(filled: Deployment, change: str) -> None:
    tamper(filled.store, f"UPDATE generation SET {change}")
    assert set(problems(filled.store)) == {"The event is not what its hash was made of."}


def test_a_generation_put_in_or_taken_out_or_renamed_is_found(filled: Deployment) -> None:
    with filled.store.reading() as connection:
        log_id = log.read_head(connection, FILLED).log_id
    tamper(filled.store, "UPDATE generation SET log_id = 'log_x'")
    assert [said.partition(" with ")[0].partition(";")[0] for said in problems(filled.store)] == [
        f"generation {log_id} is not stored",
        "generation log_x is stored",
    ]
    tamper(filled.store, f"INSERT INTO generation VALUES ({OTHER}, 'log_y', 0, 'log_z')", "DELETE FROM generation")
    assert set(problems(filled.store)) == {"The event is not what its hash was made of."}
    with filled.store.reading() as connection:
        log_id = log.read_head(connection, OTHER).log_id
    tamper(filled.store, f"INSERT INTO generation VALUES ({OTHER}, 'log_y', 0, '{log_id}')")
    with filled.store.reading() as connection:
        (finding,) = check_organization(connection, OTHER)
    assert finding.problem.startswith("generation log_y is stored with first 0")


def test_a_change_past_a_temporary_trigger_is_found(filled_sqlite: Deployment) -> None:
    """It skips the guard's own trigger without touching the schema: only the log tells."""
    with filled_sqlite.store.housekeeping() as connection:
        connection.exec_driver_sql("CREATE TEMP TRIGGER skip AFTER UPDATE ON seat BEGIN SELECT RAISE(IGNORE); END")
        where = f"organization = {FILLED} AND role = 'auditor'"
        connection.exec_driver_sql(f"UPDATE seat SET role = 'owner' WHERE {where}")
    (said,) = problems(filled_sqlite.store)
    assert said.endswith("is stored with role owner; the log says role auditor.")


def _one_row(store: Store, table: Table) -> dict[str, object]:
    """A row of the organization FILLED: of its access and sittings one of a session that lives."""
    statement = select(table).where(table.c.organization == FILLED)
    if "session" in table.c:
        statement = statement.where(table.c.session.in_(select(schema.session.c.id)))
    with store.reading() as connection:
        rows = connection.execute(statement.order_by(*table.primary_key)).all()
    assert rows, f"walk() in tests/support/walk.py leaves no {table.name}: add an act whose effect stands at its end"
    return dict(rows[-1]._mapping)


def _key(table: Table, row: dict[str, object]) -> str:
    return "".join(str(row[column.name]) for column in table.primary_key if column.name != "organization")


def _where(table: Table, row: dict[str, object]) -> str:
    return " AND ".join(f'"{column.name}" = {_literal(row[column.name])}' for column in table.primary_key)


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def _other(column: Column[object]) -> str:
    return "1" if isinstance(column.type, Integer) else "'x'"


def test_access_that_has_ended_may_be_tidied_away(filled: Deployment) -> None:
    guest = filled.person()
    session = filled.session(guest).id
    filled.join(FILLED, None, Role.MEMBER, guest, session)
    tidy = f"DELETE FROM access WHERE session = '{session}'"
    tamper(filled.store, tidy)
    (said,) = problems(filled.store)
    assert said.startswith(f"access {session} is not stored")
    filled.clock.go_on(SESSION_LIFETIME)
    filled.act(None, FILLED, BuyCredits(1, "later"))
    assert problems(filled.store) == []


def test_access_that_nobody_gave_is_found_even_of_a_session_that_is_gone(filled: Deployment) -> None:
    row = f"({FILLED}, 'ses_gone', 'usr_nobody', 1)"
    tamper(filled.store, f'INSERT INTO access (organization, session, "user", entered_at) VALUES {row}')
    (said,) = problems(filled.store)
    assert said == "access ses_gone is stored with user usr_nobody, entered_at 1; the log knows nothing of it."


def test_an_event_that_does_not_follow_is_found_where_it_is(filled: Deployment) -> None:
    """Events that are recorded as they should be, of acts that were not done; behind the first, nothing is known."""
    seq = filled.size(FILLED)
    with filled.store.housekeeping() as connection:
        events = list(log.events(connection, FILLED))
        bought = next(event for event in events if event.action == "credits.purchase")
        draft = log.Draft(bought.action, bought.outcome, bought.actor, bought.targets, bought.context, bought.details)
        for _ in range(2):
            head = log.lock_head(connection, FILLED)
            log.append(connection, head, draft, at=filled.clock(), randomness=filled.store.randomness)
    with filled.store.reading() as connection:
        (finding,) = check_organization(connection, FILLED)
    assert finding.seq == seq
    assert finding.problem == "The event does not follow from those before it: the balance before was 255000 cents."


@pytest.mark.parametrize(
    ("action", "details", "said"),
    [
        ("member.change_role", {"v": 1, "member": 3}, "no such act records what it says (ValidationError)"),
        ("log.clock_step", {"v": 1, "before": "x", "after": None}, "no such act records what it says"),
        ("log.erase", {"v": 1, "erased": [[1, 2]]}, "nothing that such an event records"),
        ("log.prune", {"v": 1, "ranges": [["a", 2]]}, "nothing that such an event records"),
    ],
)
def test_an_event_that_says_what_no_act_records_is_found_where_it_is(
    filled_sqlite: Deployment, action: str, details: dict[str, Json], said: str
) -> None:
    """Put in behind the newest event by hand, with its hashes."""
    seq, store = filled_sqlite.size(FILLED), filled_sqlite.store
    draft = log.Draft(action, Outcome.SUCCESS, MINUTEBOOK, (), Context(), details)
    with store.housekeeping() as connection:
        log.append(connection, log.lock_head(connection, FILLED), draft, at=store.clock(), randomness=store.randomness)
    with store.reading() as connection:
        (finding,) = check_organization(connection, FILLED)
    assert finding.seq == seq
    assert said in finding.problem


def test_in_a_log_that_is_broken_nothing_is_compared(filled: Deployment) -> None:
    tamper(
        filled.store,
        f"UPDATE seat SET role = 'auditor' WHERE organization = {FILLED}",
        f"UPDATE event SET outcome = 'denied' WHERE position = {log.position(FILLED, 3)}",
    )
    assert problems(filled.store) == ["The event is not what its hash was made of."]


def test_with_hashes_believed_nothing_is_replayed(filled: Deployment) -> None:
    tamper(filled.store, f"UPDATE seat SET role = 'auditor' WHERE organization = {FILLED}")
    with filled.store.reading() as connection:
        assert list(check_organization(connection, FILLED, hashes=False)) == []


def test_what_is_long_is_shortened_and_made_harmless(filled: Deployment) -> None:
    mode = filled.act(None, FILLED, CreateMode("Long", "x" * 200, ())).details["mode"]
    tamper(filled.store, f"UPDATE mode SET name = '{chr(27)}[2J', instructions = '{'y' * 200}' WHERE id = '{mode}'")
    (said,) = problems(filled.store)
    assert f"name �[2J, instructions {'y' * 60}…; the log says name Long, instructions {'x' * 60}…." in said


def test_what_happens_beside_the_check_is_no_finding(filled: Deployment) -> None:
    def meanwhile(seq: int) -> None:
        if seq == 0:
            filled.act(None, FILLED, InvitePerson("late@calder.example", Role.MEMBER, "late"))

    with filled.store.reading() as connection:
        assert list(check_organization(connection, FILLED, progress=meanwhile)) == []
    assert problems(filled.store) == []


# ── What an event needs to follow ────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def history(filled_sqlite: Deployment) -> list[Event]:
    """The events of FILLED, in which every action is."""
    return filled_sqlite.events(FILLED)


def replayed(events: list[Event]) -> State:
    state = State()
    for event in events:
        apply(state, event)
    return state


def test_an_event_left_out_is_noticed_and_one_put_in_twice(history: list[Event]) -> None:
    """By an event behind it that does not follow, or by what all of them add up to."""
    whole = replace(replayed(history), size=0, last=0)
    for number, event in enumerate(history):
        lasts_not = {
            "user.password_change",
            "user.password_reset",
            "user.take_second_factors",
            "user.resend_invite",
            "credits.export",
            "member.end_sessions",
            "log.view",
        }  # nothing that outlives a sign-out or a revocation
        if event.action in lasts_not or not TOUCHES[event.action]:
            continue
        with suppress(DoesNotFollow):
            assert replace(replayed(history[:number] + history[number + 1 :]), size=0, last=0) != whole, event
        with pytest.raises(DoesNotFollow):
            replayed([*history[: number + 1], event])


@pytest.mark.parametrize(
    ("action", "details", "why"),
    [
        ("organization.create", {"late": True}, "a log begins with the creation"),
        ("user.accept_invite", {"invitation": "inv_x"}, "there was no invitation inv_x"),
        ("user.accept_invite", {"role": "owner"}, "for another role"),
        ("user.accept_invite", {"invited_by": "Nobody"}, "for another role, or from somebody else"),
        ("user.revoke_invite", {"email": "x@x.example"}, "for another address or role"),
        ("user.revoke_invite", {"role": "owner"}, "for another address or role"),
        ("member.change_role", {"role": {"before": "owner", "after": "member"}}, "the role before was admin"),
        ("member.change_role", {"role": {"before": "admin", "after": "admin"}}, "the role was the same before"),
        ("member.change_role", {"member": {"id": "x", "email": "", "name": ""}}, "there was no seat of x"),
        ("member.remove", {"role": "owner"}, "the role was member"),
        ("member.remove", {"member": {"id": "x", "email": "", "name": ""}}, "there was no seat of x"),
        ("settings.change", {"data_collection": {"before": "x", "after": "y"}}, "the data_collection before was"),
        ("settings.change", {"plan": {"before": "x", "after": "teams"}}, "the plan before was enterprise"),
        ("settings.change", {"plan": {"before": "enterprise", "after": "enterprise"}}, "the plan was the same"),
        ("settings.change", {"seat_limit": {"before": "3", "after": "4"}}, "the seat limit before was 20"),
        ("settings.change", {"providers": None, "models": None, "default_model": None}, "nothing was changed"),
        ("settings.change", {"providers": {"added": ["groq"], "removed": [], "before": 1, "after": 2}}, "were others"),
        ("settings.change", {"providers": {"added": [], "removed": ["x"], "before": 1, "after": 0}}, "were others"),
        ("settings.change", {"providers": {"added": [], "removed": [], "before": 1, "after": 1}}, "nothing was added"),
        ("settings.change", {"providers": {"added": ["x"], "removed": [], "before": 1, "after": 1}}, "counted wrong"),
        ("mode.update", {"mode": "mod_x"}, "there was no mode mod_x"),
        ("mode.update", {"name": {"before": "x", "after": "y"}}, "the name before was Review"),
        ("mode.update", {"instructions": {"before": "x", "after": "y"}}, "the instructions before was Read"),
        ("mode.update", {"name": None, "instructions": None, "tools": None}, "nothing was changed"),
        ("mode.update", {"current_name": "x"}, "the mode was called Réview"),
        ("mode.delete", {"mode": "mod_x"}, "there was no mode mod_x"),
        ("mode.delete", {"name": "x"}, "the mode was called Réview"),
        ("credits.purchase", {"balance": {"cents": 1}}, "the balance before was 0"),
        ("sso.set_domain", {"domain": {"before": "x", "after": "y"}}, "the domain before was None"),
        ("sso.verify_domain", {"domain": "x"}, "the domain was calder.example"),
        ("sso.lapse_domain", {"domain": "x"}, "the domain was calder.example"),
        ("sso.remove_domain", {"domain": "x"}, "the domain was calder.test"),
    ],
)
def test_what_an_event_says_of_before_must_have_been_so(
    history: list[Event], action: str, details: dict[str, Any], why: str
) -> None:
    number = next(number for number, event in enumerate(history) if event.action == action)
    before, event = history[:number], history[number]
    if details == {"late": True}:
        before, details = history, {}
    merged = {name: value for name, value in {**event.details, **details}.items() if value is not None}
    with pytest.raises(DoesNotFollow, match=why):
        replayed([*before, replace(event, details=merged)])


@pytest.mark.parametrize("action", ["user.logout", "log.view"])
def test_a_session_needs_access(history: list[Event], action: str) -> None:
    number = next(
        number
        for number, event in enumerate(history)
        if event.action == action and "sessions" not in event.details  # those are of any session
    )
    elsewhere = replace(history[number].context, session_id="ses_x")
    with pytest.raises(DoesNotFollow, match="there was no access of the session ses_x"):
        replayed([*history[:number], replace(history[number], context=elsewhere)])


def test_a_name_and_a_payment_are_taken_once(history: list[Event]) -> None:
    made = next(event for event in history if event.action == "mode.create" and event.details["name"] == "Other")
    with pytest.raises(DoesNotFollow, match="another mode was called OTHER"):
        replayed([*history, replace(made, details={**made.details, "mode": "mod_x", "name": "OTHER"})])
    bought = next(event for event in history if event.action == "credits.purchase")
    twice: dict[str, Any] = {**bought.details, "balance": {"cents": 505_000}}
    with pytest.raises(DoesNotFollow, match="there was a payment or grant inv-1 already"):
        replayed([*history, replace(bought, details=twice)])
