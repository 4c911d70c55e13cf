"""Deletion: asked for by an owner, taken back by any of them, and after two weeks the end of the log."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from minutebook.custody import clock, retention
from minutebook.custody.clock import ConfirmClock, RecordForwardStep, Watch, record_step
from minutebook.custody.custodian import Custodian
from minutebook.custody.erase import EraseFields, plan_person
from minutebook.errors import Conflict, MinutebookError, NotAllowed, NotFound, Sealed
from minutebook.model import DAY, Actor, ActorKind, Role
from minutebook.organization import ending, outbox
from minutebook.organization.differences import check_organization
from minutebook.organization.ending import WAITING_DAYS, CancelDeletion, DeleteOrganization, RequestDeletion
from minutebook.organization.organizations import RenameOrganization, read_organization
from minutebook.organization.people import User
from minutebook.organization.replay import DoesNotFollow, State, apply
from minutebook.organization.sittings import ReadAsOperator
from minutebook.record import NoChange, record_step_back
from minutebook.store import schema
from tests.support.deployment import Deployment
from tests.support.sentences import check_mail
from tests.support.walk import end_one

WAITING = WAITING_DAYS * DAY


@pytest.fixture
def ada(deployment: Deployment) -> User:
    """The owner of the organization number 1."""
    ada = deployment.person("ada@calder.example", "Ada")
    assert deployment.found(ada) == 1
    return ada


def test_it_is_asked_for_taken_back_and_done_by_nobody_but_minutebook(deployment: Deployment, ada: User) -> None:
    ben = deployment.join(1, ada, Role.OWNER)
    event = deployment.act(ada, 1, RequestDeletion(mails=True))
    assert event.details == {"v": 1, "name": "Calder", "days": 14, "due_at": event.recorded_at + WAITING}
    mails = [waiting.mail for waiting in outbox.due(deployment.store)]
    check_mail(mails[0].subject, mails[0].body)
    assert [mail.to for mail in mails] == [ada.email, ben.email]
    with pytest.raises(Conflict, match="is to be deleted already"):
        deployment.act(ben, 1, RequestDeletion())
    deployment.act(ada, 1, RenameOrganization("Calder Robotics"))  # everything goes on as before
    deployment.act(ben, 1, CancelDeletion())
    with pytest.raises(NotFound):
        deployment.act(ada, 1, CancelDeletion())
    with pytest.raises(Conflict, match="not over"):
        deployment.act(None, 1, DeleteOrganization())
    deployment.act(ada, 1, RequestDeletion())
    deployment.clock.go_on(WAITING - DAY)
    with pytest.raises(Conflict, match="not over"):
        deployment.act(None, 1, DeleteOrganization())
    deployment.clock.go_on(DAY)
    with pytest.raises(NotAllowed):
        deployment.act(ada, 1, DeleteOrganization())
    event = deployment.act(None, 1, DeleteOrganization())
    assert (event.details["members"], event.details["asked_by"]) == (2, "Ada")
    for person in (ada, ben):
        with pytest.raises(NotFound):
            deployment.act(person, 1, RenameOrganization("Again"))
    deployment.check()


def test_what_it_had_is_gone_and_nothing_is_recorded_after_it(deployment: Deployment, ada: User) -> None:
    number = end_one(deployment)
    with deployment.store.reading() as connection:
        held = {
            table.name: len(connection.execute(table.select().where(table.c.organization == number)).all())
            for table in schema.ORGANIZATION_TABLES
        }
        assert {name for name, count in held.items() if count} == {"organization"}
        assert connection.execute(schema.token_use.select()).all() == []
        assert read_organization(connection, number).sealed == deployment.size(number)
        assert list(check_organization(connection, number)) == []
    assert not any("fay@" in waiting.mail.to for waiting in outbox.due(deployment.store))
    for command in (ReadAsOperator(), RequestDeletion(), DeleteOrganization(), RecordForwardStep(1, 2)):
        with pytest.raises(Sealed):
            deployment.act(None, number, command)
    grown = f"UPDATE log_head SET size = size + 1 WHERE organization = {number}"
    unsealed = f"UPDATE organization SET sealed = NULL WHERE organization = {number}"
    for statement in (grown, unsealed):
        with pytest.raises((DBAPIError, MinutebookError)), deployment.store.acting() as connection:
            connection.execute(text(statement))
    deployment.act(ada, 1, RenameOrganization("Calder Robotics"))  # another goes on
    deployment.check()


def test_the_law_reaches_a_log_that_is_sealed_too_and_nothing_else_does(deployment: Deployment) -> None:
    number = end_one(deployment)
    size = deployment.size(number)
    with deployment.store.reading() as connection:
        plan = plan_person(connection, number, "fay@calder.example")
    assert plan.fields
    deployment.clock.now -= DAY  # its step back is recorded behind the seal, too
    with pytest.raises(Sealed):
        deployment.act(None, number, ReadAsOperator())
    erased = deployment.act(None, number, EraseFields(plan.fields, "Asked by letter", deployment.ledger))
    assert [event.action for event in deployment.events(number)[size:]] == ["log.clock_step", "log.erase"]
    assert erased.details["fields"] == plan.number
    nothing = deployment.attempt(None, number, EraseFields(plan.fields, "Asked again", deployment.ledger))
    assert isinstance(nothing, NoChange)
    with deployment.store.reading() as connection:
        assert plan_person(connection, number, "fay@calder.example").fields == {}
        assert read_organization(connection, number).sealed == size + 2 == deployment.size(number)
        assert list(check_organization(connection, number)) == []
    with pytest.raises(Sealed):
        deployment.act(None, number, ReadAsOperator())
    deployment.clock.now -= DAY
    record_step_back(deployment.store, number, deployment.clock.now + DAY)  # and the deletion came just before it
    assert deployment.size(number) == size + 2
    deployment.check()


def test_behind_the_seal_follows_only_what_minutebook_itself_records_there(sqlite_deployment: Deployment) -> None:
    deployment = sqlite_deployment
    number, ada = end_one(deployment), deployment.person("ada@calder.example", "Ada")
    with deployment.store.reading() as connection:
        plan = plan_person(connection, number, "fay@calder.example")
    deployment.clock.now -= DAY
    deployment.act(None, number, EraseFields(plan.fields, "Asked by letter", deployment.ledger))
    *before, step, erased = deployment.events(number)
    state = State()
    for event in before:
        apply(state, event)
    by_ada = Actor(ActorKind.USER, ada.id, ada.email, ada.name)
    forward = replace(step, details={**step.details, "after": before[-1].recorded_at + DAY})
    for forged in (replace(step, actor=by_ada), replace(erased, actor=by_ada), forward):
        with pytest.raises(DoesNotFollow, match="deleted"):
            apply(deepcopy(state), forged)
    for event in (step, erased):
        apply(state, event)
    assert state.size == deployment.size(number)


def test_the_custodian_deletes_what_is_due_once_the_clock_is_to_be_trusted(deployment: Deployment, ada: User) -> None:
    """R10: a clock that goes forward deletes nothing until somebody confirms it."""
    deployment.act(ada, 1, RequestDeletion())
    deployment.clock.step = 0
    custodian = Custodian(deployment.store, deployment.ledger, Watch(deployment.store, lambda: 0.0))
    deployment.clock.go_on(WAITING)
    custodian.round()
    assert deployment.events(1)[-1].action == "log.clock_step"
    with pytest.raises(Conflict, match="nobody has confirmed it"):
        deployment.act(None, 1, DeleteOrganization())
    deployment.act(ada, 1, ConfirmClock())
    custodian.round()
    assert deployment.events(1)[-1].action == "organization.delete"
    deployment.clock.go_on(30 * DAY)
    custodian.round()  # neither a step of the clock nor pruning is recorded in a log that is sealed
    assert deployment.events(1)[-1].action == "organization.delete"


def test_an_organization_that_is_deleted_while_a_job_goes_through_all_keeps_no_other_waiting(
    sqlite_deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = sqlite_deployment
    number, other = end_one(deployment), deployment.found(deployment.person())
    size, now = deployment.size(number), deployment.clock.now
    monkeypatch.setattr(clock, "open_logs", lambda _: [number, other])  # as it was before
    record_step(deployment.store, now, now + DAY)
    assert deployment.events(other)[-1].action == "log.clock_step"
    monkeypatch.setattr(retention, "policies", lambda *_: {"user": 90})
    assert retention.prune_log(deployment.store, number, deployment.ledger, now) == []
    monkeypatch.setattr(ending, "due", lambda *_: [number, other])  # done by now; taken back by now
    Custodian(deployment.store, deployment.ledger).round()
    assert deployment.size(number) == size
