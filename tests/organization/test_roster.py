"""The roster: who is found, in which order, and when they were seen last."""

from __future__ import annotations

import pytest

from minutebook.errors import NotFound
from minutebook.model import HOUR, Context, Role
from minutebook.organization import roster, seats, sessions, wording
from minutebook.organization.people import User
from minutebook.organization.roster import Member, Roster
from tests.support.deployment import Deployment

OWNER, ADMIN, AUDITOR, BILLING, MEMBER = Role
EVERYBODY = ["Ada", "Åsa Lund", "bert", "Łukasz", "Öberg", "Zoë"]


class Calder:
    """An organization with people in it, and another one with one of them and a stranger."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.ada = deployment.person("ada@calder.example", "Ada")
        self.number = deployment.found(self.ada)
        self.people: dict[str, User] = {"Ada": self.ada}
        for mail, name, role in (
            ("z", "Zoë", MEMBER),
            ("o", "Öberg", ADMIN),
            ("x", "bert", MEMBER),
            ("s", "Åsa Lund", BILLING),
            ("l", "Łukasz", AUDITOR),
        ):
            self.people[name] = deployment.person(f"{mail}@calder.test", name)
            deployment.join(self.number, self.ada, role, self.people[name])
        self.other = deployment.found(deployment.person(name="Bertha"), "Other")
        deployment.join(self.other, None, ADMIN, self.people["Zoë"])

    def read(self, text: str = "", roles: tuple[Role, ...] = (), among: set[str] | None = None) -> Roster:
        with self.deployment.store.reading() as connection:
            return roster.read_roster(connection, self.number, text, roles, among)

    def names(self, text: str = "", roles: tuple[Role, ...] = (), among: set[str] | None = None) -> list[str]:
        return [person.name for person, _, _ in self.read(text, roles, among).found]

    def one(self, name: str, organization: int | None = None) -> Member:
        with self.deployment.store.reading() as connection:
            return roster.read_member(connection, organization or self.number, self.people[name].id)

    def session(self, name: str) -> str:
        return sessions.start_session(self.deployment.store, self.people[name], "password", Context())[1].id


@pytest.fixture
def calder(deployment: Deployment) -> Calder:
    return Calder(deployment)


@pytest.fixture
def light(sqlite_deployment: Deployment) -> Calder:
    return Calder(sqlite_deployment)


def test_names_are_sorted_and_found_as_people_do(light: Calder) -> None:
    """By their letters, whatever is above them and however large they are: in a name, and in an address."""
    assert light.names() == EVERYBODY
    assert light.names("B") == ["bert", "Öberg"]
    assert light.names("zoe") == light.names("ZOË") == ["Zoë"]
    assert light.names("ADA@calder") == ["Ada"]
    assert light.names("calder.TEST") == EVERYBODY[1:]
    assert light.names("@calder.example", (MEMBER,)) == []
    assert light.names("", (MEMBER, OWNER)) == ["Ada", "bert", "Zoë"]
    assert light.names("", among={light.people["bert"].id, "usr_nobody"}) == ["bert"]
    assert light.names("", among=set()) == []
    counted = {OWNER: 1, ADMIN: 1, AUDITOR: 1, BILLING: 1, MEMBER: 2}
    assert light.read("ada", (OWNER,)).by_role == counted, "of all, whoever was found"


def test_who_was_seen_when_is_told_of_sessions_that_have_access_here(calder: Calder) -> None:
    deployment, zoe = calder.deployment, calder.people["Zoë"]
    before = calder.one("Zoë")
    assert (before.person, before.role, before.seen_at) == (zoe.person(), MEMBER, None)
    assert (calder.one("Zoë", calder.other).role, calder.one("Ada").role) == (ADMIN, OWNER)
    assert before.joined_at < calder.one("bert").joined_at
    first = calder.session("Zoë")
    deployment.clock.go_on(HOUR)
    second = calder.session("Zoë")
    newest = calder.one("Zoë").seen_at
    assert newest is not None
    assert newest > deployment.clock.now - HOUR
    counts = {}
    with deployment.store.reading() as connection:
        page = roster.members_of(connection, calder.number, calder.read().found[-2:])
        assert [(member.person.name, member.role, member.seen_at) for member in page] == [
            ("Öberg", ADMIN, None),
            ("Zoë", MEMBER, newest),
        ]
        for name in ("Zoë", "Ada"):
            user = calder.people[name].id
            counts[name] = [roster.entered_sessions(connection, where, user) for where in (calder.number, calder.other)]
    assert counts == {"Zoë": [2, 2], "Ada": [0, 0]}
    deployment.act(zoe, calder.number, sessions.LeaveOrganization(second), second)
    seen = calder.one("Zoë").seen_at
    assert seen is not None
    assert seen < newest - HOUR // 2
    assert calder.one("Zoë", calder.other).seen_at == newest, "there the session goes on"
    deployment.act(zoe, calder.number, sessions.LeaveOrganization(first), first)
    assert calder.one("Zoë").seen_at is None
    for name, where in (("Ada", calder.other), ("Ada", 999)):
        with pytest.raises(NotFound):
            calder.one(name, where)


def test_names_that_are_typed_are_completed_from_the_seats_there(calder: Calder) -> None:
    """With the characters as they are: none of them stands for others."""
    deployment = calder.deployment
    for name in ("snakeXcase", "snake_case", "bot 1000", "bot 100%"):
        deployment.join(calder.number, calder.ada, MEMBER, deployment.person(name=name))
    with deployment.store.reading() as connection:

        def called(words: str, limit: int = 10) -> list[str]:
            return list(seats.called(connection, calder.number, words, limit).values())

        assert seats.called(connection, calder.number, "ADA", 10) == {"ada@calder.example": "Ada"}
        assert called("bert") == ["bert"], "Bertha is elsewhere"
        assert called("BOT") == ["bot 100%", "bot 1000"]
        assert called("bot", limit=1) == ["bot 100%"]
        assert (called("0%"), called("e_c")) == (["bot 100%"], ["snake_case"])
        assert called("x" * wording.MAX_NAME) == called("x" * 100_000) == []
        assert seats.count(connection, calder.number) == len(calder.people) + 4
