"""Each deliberately broken build is noticed: by the guard where it can, by the oracle in any case."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy.exc import IntegrityError

from minutebook.actions.log import Format
from minutebook.deliver import export
from minutebook.deliver.formats import csv
from minutebook.model import Role
from minutebook.organization import access, people
from minutebook.organization.credits import BuyCredits
from minutebook.organization.passwords import TakePassword
from minutebook.organization.people import User
from minutebook.organization.seats import ChangeRole, RemoveMember
from minutebook.organization.sign_in import RecordFailedSignIn
from minutebook.record import perform
from minutebook.store import columns
from tests.deliver import test_export, test_formats
from tests.faults import seeded
from tests.record.test_machine import SETTINGS, Machine
from tests.support import told
from tests.support.check_log import LogViolation
from tests.support.deployment import Deployment, Ticking
from tests.support.faulty import FaultyStore
from tests.support.race import Duel, demoted, demoted_by_operator
from tests.support.walk import FILLED, OTHER


@pytest.fixture
def ada(filled: Deployment) -> User:
    """The owner of the organization FILLED."""
    with filled.store.reading() as connection:
        ada = people.find_user(connection, "ada@calder.example")
    assert ada
    return ada


def test_the_guard_stops_a_commit_before_the_append(filled: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    seeded.use(monkeypatch, seeded.commit_before_append)
    with pytest.raises(IntegrityError):
        filled.act(None, FILLED, BuyCredits(1, "unrecorded"))
    filled.check()


def test_without_the_guard_a_commit_before_the_append_is_noticed(
    filled: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded.drop_guard(filled)
    seeded.use(monkeypatch, seeded.commit_before_append)
    filled.act(None, FILLED, BuyCredits(1, "recorded"))
    filled.check()  # as long as nothing comes between, nobody can tell
    seeded.use(monkeypatch, seeded.crash_before_append)
    with pytest.raises(seeded.Crash):
        filled.act(None, FILLED, BuyCredits(1, "unrecorded"))
    with pytest.raises(LogViolation, match="credit_entry unrecorded is stored with cents 1, "):
        filled.check()


def test_an_answer_before_the_commit_is_noticed(filled: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    seeded.use(monkeypatch, seeded.answer_before_commit)
    filled.act(None, FILLED, BuyCredits(1, "lost"))
    with pytest.raises(LogViolation, match="was acknowledged and is not stored"):
        filled.check()


def test_an_act_done_twice_is_noticed(filled: Deployment, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    seeded.use(monkeypatch, seeded.try_again_blindly)
    filled.act(ada, FILLED, RecordFailedSignIn("Wrong password", 1))
    with pytest.raises(LogViolation, match="is stored 2 times"):
        filled.check()


def test_an_event_nobody_asked_for_is_noticed(filled: Deployment, ada: User) -> None:
    perform(filled.store, filled.seat(ada, FILLED), RecordFailedSignIn("Wrong password", 1))
    with pytest.raises(LogViolation, match="of request None is stored, and nobody asked for it"):
        filled.check()


def test_an_act_on_a_person_that_not_all_of_their_organizations_record_is_noticed(
    filled: Deployment, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.join(OTHER, None, Role.MEMBER, ada)
    filled.act_everywhere(None, TakePassword(ada.id))
    filled.check()
    monkeypatch.setattr(told, "perform_everywhere", seeded.one_after_the_other)
    with pytest.raises(seeded.Crash):
        filled.act_everywhere(None, TakePassword(ada.id))
    with pytest.raises(LogViolation, match=r"is stored in organizations \[1\], and not in all of \[1, 2\]"):
        filled.check()


def test_authorizing_before_the_lock_is_noticed(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    duel = Duel(deployment)
    deployment.join(duel.organization, None, Role.OWNER)  # with a third owner, only the order is wrong
    seeded.use(monkeypatch, seeded.authorize_before_the_lock(threading.Barrier(2)))
    assert duel.fight(demoted, demoted) == 2
    with pytest.raises(LogViolation, match="the role member may not"):
        deployment.check()


def test_counting_owners_before_the_lock_is_noticed(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    duel = Duel(deployment)
    seeded.use(monkeypatch, seeded.count_owners_before_the_lock(monkeypatch, threading.Barrier(2)))
    assert duel.fight(demoted_by_operator, demoted_by_operator) == 2
    assert duel.owners_left() == 0
    with pytest.raises(LogViolation, match="no owner is left"):
        deployment.check()


def test_a_search_without_its_organization_is_noticed(filled: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    read = columns.values
    monkeypatch.setattr(columns, "values", lambda connection, _organization, *what: read(connection, OTHER, *what))
    with pytest.raises(LogViolation, match="the count by action is not a recount"):
        filled.check()


def test_access_that_outlives_the_seat_is_noticed(filled: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "end_all", lambda *_: None)
    guest = filled.person()
    session = filled.session(guest).id
    filled.join(FILLED, None, Role.MEMBER, guest, session)
    filled.act(None, FILLED, RemoveMember(guest.id))
    with pytest.raises(LogViolation, match=f"access {session} is stored with user {guest.id}, "):
        filled.check()


def test_a_rule_that_is_forgotten_is_noticed(filled: Deployment, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle knows the rules by itself: an admin who makes an owner is unlawful, whatever the product says."""
    admin, member = (filled.join(FILLED, ada, role) for role in (Role.ADMIN, Role.MEMBER))
    monkeypatch.setattr("minutebook.organization.seats.check_grant", lambda *_: None)
    filled.act(admin, FILLED, ChangeRole(member.id, Role.OWNER))
    with pytest.raises(LogViolation, match="an admin touched member, owner"):
        filled.check()


@pytest.fixture
def unguarded(sqlite_deployment: Deployment) -> Iterator[Deployment]:
    """A deployment whose acts can be broken off, without the guard."""
    seeded.drop_guard(sqlite_deployment)
    sqlite_deployment.store.close()
    clock = Ticking()
    store = FaultyStore(sqlite_deployment.store.url, clock=clock)
    yield Deployment(store, clock)
    store.close()


def test_the_state_machine_notices_a_commit_before_the_append(
    unguarded: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeded.use(monkeypatch, seeded.commit_before_append)
    bound = type("BoundMachine", (Machine,), {"deployment": unguarded})
    with pytest.raises(LogViolation, match=r"; the log |does not follow"):
        run_state_machine_as_test(bound, settings=settings(SETTINGS, max_examples=50, database=None))


def test_an_unescaped_csv_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    test_formats.test_no_field_of_a_csv_begins_like_a_formula("=1+1")
    monkeypatch.setattr(csv, "inert", lambda value, **_: value)
    with pytest.raises(AssertionError):
        test_formats.test_no_field_of_a_csv_begins_like_a_formula("=1+1")


def test_an_export_that_swallows_its_error_is_noticed(filled: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that ends as if it were whole, where reading failed."""
    with monkeypatch.context() as patch:
        patch.setattr(test_export, "stored", lambda *of: seeded.rows_without_errors(export.stored(*of)))
        with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
            test_export.test_an_error_on_the_way_leaves_no_trailer(filled, Format.JSONL, patch)
