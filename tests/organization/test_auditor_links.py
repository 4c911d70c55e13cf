"""Auditor links: who makes them, how long they work, and what ends when they do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from minutebook.errors import Conflict, Invalid, NotFound
from minutebook.filters import language
from minutebook.filters.expression import Expression
from minutebook.filters.moments import ANYWHERE
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
from minutebook.organization.sittings import SITTING
from minutebook.record import NoChange, perform
from minutebook.store import schema
from tests.support.check_log import check_log
from tests.support.deployment import START, Deployment

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


@pytest.fixture
def light(sqlite_deployment: Deployment) -> Calder:
    return Calder(sqlite_deployment)


def scope(query: str) -> Expression:
    """What a query asks for that says everything itself."""
    return language.read(query, ANYWHERE)


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
        assert found.id.startswith("ses_")
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


def test_what_a_link_shows_moves_with_time_only_where_its_query_does(light: Calder) -> None:
    """Its days are those of UTC, whoever made it."""
    still, lately = light.make("action:mode.*"), light.make("after:today action:mode.*", token="another", name="Other")
    assert (still.moves, lately.moves) == (False, True)
    late = START + DAY + 23 * HOUR
    assert still.scope(late) == scope("action:mode.*")
    assert lately.scope(late) == scope("after:2026-11-07T00:00Z action:mode.*")


def test_the_page_lists_links_and_how_many_browsers_have_them_open(calder: Calder) -> None:
    old, new = calder.make(days=1), calder.make(token="another", name="Other")
    elsewhere = calder.deployment.found(calder.owner, "Elsewhere")
    _, first = calder.open()
    calder.deployment.clock.go_on(HOUR)
    _, second = calder.open()
    calder.open("another")
    now = calder.deployment.clock.now
    with calder.store.reading() as connection:
        sessions = schema.auditor_session.c
        ends = {row.id: row.expires_at for row in connection.execute(select(sessions.id, sessions.expires_at))}
        assert auditor_links.all_links(connection, calder.number) == [new, old], "the newest first"
        assert auditor_links.all_links(connection, elsewhere) == []
        assert auditor_links.uses(connection, calder.number, now) == {old.id: 2, new.id: 1}
        assert auditor_links.uses(connection, calder.number, ends[first.id] - 1) == {old.id: 2, new.id: 1}
        assert auditor_links.uses(connection, calder.number, ends[first.id]) == {old.id: 1, new.id: 1}
        assert auditor_links.uses(connection, calder.number, ends[second.id] + HOUR) == {}
        assert auditor_links.uses(connection, elsewhere, now) == {}


def test_who_reads_on_by_a_link_writes_nothing_more(light: Calder) -> None:
    """Not even when the database takes no writes: the sitting goes on."""
    link = light.make()
    _, session = light.open()
    seat, now = light.deployment.link_seat(light.number, link.id, session.id), light.deployment.clock.now
    auditor_links.sit(light.store, seat, session.id, now)
    assert light.last() == ("log.view", ActorKind.AUDITOR_LINK, "Acme")
    size = light.deployment.size(light.number)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auditor_links, "perform", None)
        auditor_links.sit(light.store, seat, session.id, light.deployment.clock.now)
    auditor_links.sit(light.store, seat, session.id, light.deployment.clock.now + SITTING)
    assert light.deployment.size(light.number) == size, "by the clock of the act it has not ended"
    with pytest.raises(NotFound):
        auditor_links.sit(light.store, seat, "ses_nobody", now)
