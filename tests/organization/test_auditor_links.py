"""Auditor links: who makes them, how long they work, and what ends when they do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from minutebook.errors import Conflict, Invalid, NotFound
from minutebook.model import DAY, HOUR, ActorKind, Context, Role
from minutebook.organization import auditor_links
from minutebook.organization.auditor_links import (
    MAX_LINKS,
    SESSION_LIFETIME,
    AuditorLink,
    CreateLink,
    LinkSession,
    OpenLinkSitting,
    RevokeLink,
    UseLink,
)
from minutebook.organization.seats import RemoveMember
from minutebook.organization.sessions import EnterOrganization
from minutebook.record import NoChange, perform
from minutebook.store import schema
from tests.support.check_log import check_log
from tests.support.deployment import Deployment

TOKEN = "the token of a link"


class Calder:
    """An organization whose owner makes links."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.store = deployment.store
        self.owner = deployment.person("ada@calder.example", "Ada")
        self.number = deployment.found(self.owner)

    def make(
        self, query: str = "action:member.*", days: int = 7, token: str = TOKEN, name: str = "Acme"
    ) -> AuditorLink:
        event = self.deployment.act(self.owner, self.number, CreateLink(name, query, days, token))
        with self.store.reading() as connection:
            return auditor_links.read_link(connection, self.number, str(event.details["link"]))

    def open(self, token: str = TOKEN) -> tuple[str, LinkSession]:
        return auditor_links.open_link(self.store, token, Context(ip="198.51.100.4"))

    def session(self, secret: str) -> LinkSession | None:
        with self.store.reading() as connection:
            return auditor_links.find_session(connection, secret, self.deployment.clock.now)

    def revoke(self, link: AuditorLink) -> None:
        self.deployment.act(self.owner, self.number, RevokeLink(link.id))

    def rows(self) -> dict[str, int]:
        """How many accesses and sittings there are."""
        with self.store.reading() as connection:
            return {
                table.name: len(connection.execute(select(table)).all()) for table in (schema.access, schema.sitting)
            }

    def last(self) -> tuple[str, ActorKind, str | None]:
        event = self.deployment.events(self.number)[-1]
        return event.action, event.actor.kind, event.actor.name


@pytest.fixture
def calder(deployment: Deployment) -> Calder:
    return Calder(deployment)


def test_a_link_is_opened_in_several_browsers_and_each_is_recorded(calder: Calder) -> None:
    link = calder.make()
    assert (link.query, link.expires_at - link.created_at) == ("action:member.*", 7 * DAY)
    size = calder.deployment.size(calder.number)
    secrets = [calder.open()[0] for _ in range(2)]
    events = calder.deployment.events(calder.number)[size:]
    assert [(event.action, event.actor.kind, event.actor.name, event.actor.id) for event in events] == [
        ("link.use", ActorKind.AUDITOR_LINK, "Acme", link.id)
    ] * 2
    assert len({event.context.session_id for event in events}) == 2
    assert all(event.context.ip == "198.51.100.4" for event in events)
    for secret in secrets:
        found = calder.session(secret)
        assert found is not None
        assert (found.link, found.organization.number) == (link, calder.number)
    assert secrets[0] not in str(events)
    check_log(calder.store)


def test_reading_by_a_link_is_recorded_as_its_own(calder: Calder) -> None:
    link = calder.make()
    _, session = calder.open()
    assert not isinstance(calder.deployment.read_by_link(calder.number, link.id, session.id), NoChange)
    assert calder.last() == ("log.view", ActorKind.AUDITOR_LINK, "Acme")
    assert isinstance(calder.deployment.read_by_link(calder.number, link.id, session.id), NoChange)
    calder.deployment.clock.go_on(HOUR)
    assert not isinstance(calder.deployment.read_by_link(calder.number, link.id, session.id), NoChange)
    check_log(calder.store)


def test_revoking_ends_what_was_opened(calder: Calder) -> None:
    link, other = calder.make(), calder.make(token="another", name="Other")
    secret, session = calder.open()
    kept, _ = calder.open("another")
    calder.deployment.read_by_link(calder.number, link.id, session.id)
    seat = calder.deployment.link_seat(calder.number, link.id, session.id)
    calder.revoke(link)
    assert calder.session(secret) is None
    assert calder.session(kept) is not None
    assert calder.rows() == {"access": 1, "sitting": 0}
    for command in (OpenLinkSitting(session.id), UseLink(TOKEN)):
        with pytest.raises(NotFound):
            perform(calder.store, seat, command)
    with pytest.raises(NotFound):
        calder.open()
    with pytest.raises(NotFound):
        calder.revoke(link)
    calder.revoke(other)
    check_log(calder.store)


def test_a_link_and_all_its_sessions_end_when_it_expires(calder: Calder) -> None:
    link = calder.make(days=1)
    calder.deployment.clock.go_on(DAY - HOUR)
    secret, session = calder.open()
    assert calder.session(secret) is not None
    calder.deployment.clock.go_on(HOUR)
    assert calder.session(secret) is None
    with pytest.raises(NotFound):
        calder.open()
    with pytest.raises(NotFound):
        calder.deployment.read_by_link(calder.number, link.id, session.id)
    calder.revoke(link)
    check_log(calder.store)


def test_a_session_ends_after_twelve_hours_and_makes_room(calder: Calder) -> None:
    calder.make(days=90)
    secret, _ = calder.open()
    calder.deployment.clock.go_on(SESSION_LIFETIME)
    assert calder.session(secret) is None
    again, session = calder.open()
    assert calder.session(again) == session
    assert calder.rows()["access"] == 1
    check_log(calder.store)
    auditor_links.close_session(calder.store, session)
    assert calder.session(again) is None
    check_log(calder.store)


def test_a_link_goes_on_when_whoever_made_it_leaves(calder: Calder) -> None:
    second = calder.deployment.join(calder.number, calder.owner, Role.OWNER)
    calder.make()
    calder.deployment.act(second, calder.number, RemoveMember(calder.owner.id))
    secret, _ = calder.open()
    assert calder.session(secret) is not None
    check_log(calder.store)


def test_a_session_of_a_link_is_nobody_s(calder: Calder) -> None:
    """It holds no seat, and opens neither another log nor the session of a user."""
    link = calder.make()
    _, session = calder.open()
    seat = calder.deployment.link_seat(calder.number, link.id, session.id)
    with pytest.raises(NotFound):
        perform(calder.store, seat, EnterOrganization("password"))
    with pytest.raises(NotFound):
        perform(calder.store, seat, CreateLink("Mine", "", 7, "mine"))
    other = calder.make(token="another", name="Other")
    with pytest.raises(NotFound):
        calder.deployment.read_by_link(calder.number, other.id, session.id)
    elsewhere = calder.deployment.found(calder.owner, "Elsewhere")
    with pytest.raises(NotFound):
        calder.deployment.act(calder.owner, elsewhere, RevokeLink(link.id))
    check_log(calder.store)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (lambda: CreateLink("", "", 7, TOKEN), "name"),
        (lambda: CreateLink("Acme", "outcome:sucess", 7, TOKEN), "query"),
        (lambda: CreateLink("Acme", "x" * 2001, 7, TOKEN), "query"),
        (lambda: CreateLink("Acme", "", 0, TOKEN), "days"),
        (lambda: CreateLink("Acme", "", 365, TOKEN), "days"),
    ],
)
def test_what_no_link_is_made_of(calder: Calder, wrong: Callable[[], CreateLink], field: str) -> None:
    size = calder.deployment.size(calder.number)
    with pytest.raises(Invalid) as caught:
        calder.deployment.act(calder.owner, calder.number, wrong())
    assert [problem.field for problem in caught.value.problems] == [field]
    assert calder.deployment.size(calder.number) == size


def test_there_are_at_most_fifty_that_can_be_used(calder: Calder) -> None:
    for number in range(MAX_LINKS):
        calder.make(days=1, token=f"token {number}")
    with pytest.raises(Conflict, match="50"):
        calder.make()
    calder.deployment.clock.go_on(DAY)
    calder.make()
