"""Links, the outbox and sittings: used once, sent once, recorded once in half an hour."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select

from minutebook.errors import NotAllowed, NotFound
from minutebook.model import DAY, MINUTE, Role
from minutebook.organization import links, outbox
from minutebook.organization.invitations import InvitePerson, MailedLink
from minutebook.organization.outbox import MAX_ATTEMPTS, Mail
from minutebook.organization.sessions import LeaveOrganization
from minutebook.organization.sittings import SITTING, OpenSitting, ReadAsOperator
from minutebook.record import NO_CHANGE
from minutebook.store import schema
from minutebook.store.engine import Store
from tests.support.deployment import Deployment


def test_a_link_is_used_once_for_its_purpose_and_in_time(deployment: Deployment) -> None:
    store, ada = deployment.store, deployment.person()
    token = links.new_link(store, links.SIGN_IN, lifetime=MINUTE, user=ada.id)
    assert links.is_valid(store, links.SIGN_IN, token)
    assert not links.is_valid(store, links.SET_UP, token)
    assert links.use_link(store, links.SET_UP, token) == (False, None)
    assert links.owner(store, links.SIGN_IN, token) == ada.id
    assert links.use_link(store, links.SIGN_IN, token) == (True, ada.id)
    assert links.use_link(store, links.SIGN_IN, token) == (False, None)
    late = links.new_link(store, links.SIGN_IN, lifetime=MINUTE, user=ada.id)
    deployment.clock.go_on(MINUTE)
    assert not links.is_valid(store, links.SIGN_IN, late)
    assert links.owner(store, links.SIGN_IN, late) is None
    assert links.use_link(store, links.SIGN_IN, late) == (False, None)
    assert links.use_link(store, links.SIGN_IN, "\ud800\0") == (False, None)


def test_of_many_at_once_one_uses_a_link(deployment: Deployment) -> None:
    token = links.new_link(deployment.store, links.SET_UP, lifetime=MINUTE)
    deployment.clock.step = 0
    with ThreadPoolExecutor(8) as pool:
        used = list(pool.map(lambda _: links.use_link(deployment.store, links.SET_UP, token), range(8)))
    assert sorted(used) == [(False, None)] * 7 + [(True, None)]


def test_a_set_up_link_replaces_the_one_before(deployment: Deployment) -> None:
    ada = deployment.person()
    sign_in = links.new_link(deployment.store, links.SIGN_IN, lifetime=MINUTE, user=ada.id)
    first, second = (links.new_link(deployment.store, links.SET_UP, lifetime=MINUTE) for _ in range(2))
    assert not links.is_valid(deployment.store, links.SET_UP, first)
    assert links.is_valid(deployment.store, links.SET_UP, second)
    assert links.is_valid(deployment.store, links.SIGN_IN, sign_in)


def test_mail_that_fails_is_tried_again_later_and_later_and_then_no_more(deployment: Deployment) -> None:
    store, clock = deployment.store, deployment.clock
    clock.step = 0
    with store.housekeeping() as connection:
        for number in range(3):
            outbox.put(connection, Mail(f"{number}@calder.example", "Subject", "Body \0".strip("\0")), clock())
    assert [waiting.mail.to[0] for waiting in outbox.due(store)] == ["0", "1", "2"]
    assert len(outbox.due(store, limit=2)) == 2
    first, second, third = outbox.due(store)
    outbox.sent(store, first)
    outbox.sent(store, second)
    for attempt in range(MAX_ATTEMPTS):
        (waiting,) = outbox.due(store)
        assert (waiting.id, waiting.attempts) == (third.id, attempt)
        outbox.failed(store, waiting, "refused " * 1000)
        clock.go_on(MINUTE * 2**attempt - 1)
        assert outbox.due(store) == []
        clock.go_on(1)
    assert outbox.due(store) == []
    assert stored_bodies(store) == [""]  # what it said, a link perhaps, is kept no longer than it may be sent
    with store.housekeeping() as connection:
        outbox.put(connection, Mail("ben@x.example", "Subject", "Body"), clock(), about=outbox.about(1, "inv_1"))
    (waiting,) = outbox.due(store)
    outbox.failed(store, replace(waiting, attempts=MAX_ATTEMPTS - 1), "refused")
    for days, kept in ((0, ["", ""]), (1, [""])):
        clock.go_on(days * DAY)
        outbox.forget_old(store)
        assert stored_bodies(store) == kept
    with store.reading() as connection:
        (invitation,) = outbox.undelivered(connection, 1).values()
    assert invitation.is_given_up, "who invites is told of it"


def stored_bodies(store: Store) -> list[str]:
    with store.reading() as connection:
        return list(connection.execute(select(schema.outbox.c.body)).scalars())


def test_nothing_of_a_mail_that_was_sent_stays_in_the_file(sqlite_deployment: Deployment) -> None:
    ada = sqlite_deployment.person()
    sqlite_deployment.found(ada)
    link = MailedLink("a-token", "https://minutes.example/invitation#a-secret")
    sqlite_deployment.act(ada, 1, InvitePerson("ben@calder.example", Role.MEMBER, "token", link))
    (waiting,) = outbox.due(sqlite_deployment.store)
    outbox.sent(sqlite_deployment.store, waiting)
    sqlite_deployment.store.close()  # the write-ahead log goes into the file
    files = list(sqlite_deployment.store.file.parent.glob("*.sqlite3*"))
    assert b"ben@calder.example" in sqlite_deployment.store.file.read_bytes()
    assert [file.name for file in files if b"a-secret" in file.read_bytes()] == []


def test_reading_the_log_is_recorded_once_in_half_an_hour_for_each_session(deployment: Deployment) -> None:
    ada, ben = deployment.person(), deployment.person()
    deployment.found(ada)
    first, second = (deployment.session(ben).id for _ in range(2))
    deployment.join(1, ada, Role.AUDITOR, ben, first)
    deployment.enter(ben, 1, second)
    deployment.clock.step = 0
    deployment.act(ben, 1, OpenSitting(first), first)
    deployment.act(ben, 1, OpenSitting(second), second)
    deployment.clock.go_on(SITTING - 1)
    assert deployment.attempt(ben, 1, OpenSitting(first), first) is NO_CHANGE
    deployment.clock.go_on(1)
    deployment.act(ben, 1, OpenSitting(first), first)
    assert deployment.attempt(ben, 1, OpenSitting(first), first) is NO_CHANGE
    deployment.clock.go_on(-DAY)  # it is set back: nobody reads for a day without a record
    deployment.act(ben, 1, OpenSitting(first), first)
    deployment.check()


def test_a_sitting_needs_access_and_ends_with_it(deployment: Deployment) -> None:
    ada = deployment.person()
    session = deployment.session(ada).id
    deployment.found(ada)
    with pytest.raises(NotFound):
        deployment.act(ada, 1, OpenSitting(session), session)
    deployment.enter(ada, 1, session)
    deployment.act(ada, 1, OpenSitting(session), session)
    deployment.act(ada, 1, LeaveOrganization(session), session)
    deployment.enter(ada, 1, session)
    deployment.act(ada, 1, OpenSitting(session), session)
    deployment.check()


def test_the_operator_reads_without_a_sitting_and_each_time_is_recorded(deployment: Deployment) -> None:
    ada = deployment.person()
    organization = deployment.found(ada)
    for _ in range(2):
        event = deployment.act(None, organization, ReadAsOperator())
        assert (event.action, event.actor.kind) == ("log.view", "system")
    with pytest.raises(NotAllowed, match="Only whoever runs Minutebook"):
        deployment.act(ada, organization, ReadAsOperator())
    deployment.check()
