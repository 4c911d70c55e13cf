"""API tokens: what is refused, when one stops to work, and what a program may do with it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from minutebook.errors import Conflict, Invalid, NotAllowed, NotFound
from minutebook.identifiers import token_hash
from minutebook.model import DAY, MINUTE, SECOND, Context, Role, Seat
from minutebook.organization import tokens
from minutebook.organization.people import User
from minutebook.organization.seats import RemoveMember
from minutebook.organization.sittings import OpenSitting
from minutebook.organization.tokens import CreateToken, RevokeToken, Token
from minutebook.permissions import TokenScope
from minutebook.record import NoChange
from minutebook.store import schema
from tests.support.deployment import Deployment


class Home:
    """An organization with its owner, and the tokens they make."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.owner: User = deployment.person()
        self.number = deployment.found(self.owner)

    def token(self, *scopes: str, days: int = 1) -> tuple[Token, str]:
        secret = tokens.new_secret(self.deployment.store.randomness)
        command = CreateToken("SIEM", scopes or ("log.read",), days, secret)
        made = self.deployment.act(self.owner, self.number, command)
        return self.read(str(made.details["token"])), secret

    def read(self, token: str) -> Token:
        with self.deployment.store.reading() as connection:
            return tokens.read_token(connection, self.number, token)

    def find(self, secret: str, at: int | None = None) -> Token | None:
        with self.deployment.store.reading() as connection:
            found = tokens.find_by_secret(connection, secret, self.deployment.clock.now if at is None else at)
        if found is None:
            return None
        assert found[1].number == self.number
        return found[0]

    def attempt(self, token: Token, command: object, organization: int | None = None) -> object:
        seat = Seat(organization or self.number, token.actor(), Context())
        return self.deployment.told.perform(self.deployment.store, token.id, seat, command)  # type: ignore[arg-type]


@pytest.fixture
def home(deployment: Deployment) -> Home:
    return Home(deployment)


def test_only_its_hash_is_stored(home: Home) -> None:
    token, secret = home.token("log.read", "log.export", "log.read", days=365)
    assert token.scopes == (TokenScope.LOG_EXPORT, TokenScope.LOG_READ)
    assert token.expires_at == token.created_at + 365 * DAY
    assert (token.used_at, token.created_by) == (None, home.owner.name)
    with home.deployment.store.reading() as connection:
        stored = connection.execute(select(schema.token)).one()
        events = connection.execute(select(schema.event.c.disclosures)).scalars().all()
    assert bytes(stored.token_hash) == token_hash(secret)
    assert secret not in str(stored)
    assert not any(secret.encode() in bytes(event) or secret[4:].encode() in bytes(event) for event in events)
    home.deployment.check()


@pytest.mark.parametrize(
    ("name", "scopes", "days", "field"),
    [
        ("", ("log.read",), 1, "name"),
        ("a\0b", ("log.read",), 1, "name"),
        ("x" * 61, ("log.read",), 1, "name"),
        ("x", (), 1, "scopes"),
        ("x", ("log.write",), 1, "scopes"),
        ("x", ("log.read",), 0, "days"),
        ("x", ("log.read",), -1, "days"),
        ("x", ("log.read",), 366, "days"),
        ("x", ("log.read",), 10**30, "days"),
    ],
)
def test_what_cannot_be_made_names_its_field(
    home: Home, name: str, scopes: tuple[str, ...], days: int, field: str
) -> None:
    before = home.deployment.size(home.number)
    with pytest.raises(Invalid) as refused:
        home.deployment.attempt(home.owner, home.number, CreateToken(name, scopes, days, "s"))
    assert [problem.field for problem in refused.value.problems] == [field]
    assert home.deployment.size(home.number) == before


def test_there_are_at_most_a_hundred(sqlite_deployment: Deployment) -> None:
    home = Home(sqlite_deployment)
    for _ in range(tokens.MAX_TOKENS):
        home.token()
    with pytest.raises(Conflict, match="at most 100"):
        home.token()


def test_it_is_found_until_it_expires_or_is_revoked(home: Home) -> None:
    token, secret = home.token(days=1)
    assert home.find(secret) == token
    assert home.find(secret, token.expires_at - 1) == token
    assert home.find(secret, token.expires_at) is None
    for wrong in ("", "mbt_", secret[:-1], secret + "x", secret.upper(), secret[4:], f" {secret}", "mbt_" + "\0" * 43):
        assert home.find(wrong) is None
    home.deployment.act(home.owner, home.number, RevokeToken(token.id))
    assert home.find(secret) is None
    with pytest.raises(NotFound):
        home.deployment.attempt(home.owner, home.number, RevokeToken(token.id))
    with home.deployment.store.reading() as connection:
        assert tokens.all_tokens(connection, home.number) == []
        assert connection.execute(select(schema.token_use)).all() == []


def test_another_organization_cannot_revoke_it(home: Home) -> None:
    token, secret = home.token()
    elsewhere = home.deployment.found(home.owner, "Elsewhere")
    with pytest.raises(NotFound):
        home.deployment.attempt(home.owner, elsewhere, RevokeToken(token.id))
    assert home.find(secret)


def test_reading_is_recorded_once_in_thirty_minutes(home: Home) -> None:
    token, _ = home.token()
    first = home.attempt(token, OpenSitting(token.id))
    assert not isinstance(first, NoChange)
    actor = home.deployment.events(home.number)[-1].actor
    assert (actor.kind, actor.id, actor.name, actor.email, actor.credential) == (
        *("token", token.id, "SIEM", None),
        "token",
    )
    assert isinstance(home.attempt(token, OpenSitting(token.id)), NoChange)
    home.deployment.clock.go_on(30 * MINUTE)
    assert not isinstance(home.attempt(token, OpenSitting(token.id)), NoChange)
    other, _ = home.token()
    assert not isinstance(home.attempt(other, OpenSitting(other.id)), NoChange)
    with pytest.raises(NotFound):
        home.attempt(other, OpenSitting(token.id))
    home.deployment.act(home.owner, home.number, RevokeToken(token.id))
    with home.deployment.store.reading() as connection:
        assert connection.execute(select(schema.sitting.c.session)).scalars().all() == [other.id]
    home.deployment.check()


def test_it_may_only_what_its_scopes_say(home: Home) -> None:
    exporter, _ = home.token("log.export")
    with pytest.raises(NotAllowed, match="may not read the audit log"):
        home.attempt(exporter, OpenSitting(exporter.id))
    both, _ = home.token("log.export", "log.read")
    for command in (CreateToken("More", ("log.read",), 1, "s"), RevokeToken(both.id), RemoveMember(home.owner.id)):
        with pytest.raises(NotAllowed):
            home.attempt(both, command)


def test_it_may_nothing_anywhere_else_and_nothing_when_it_is_over(home: Home) -> None:
    token, _ = home.token(days=1)
    elsewhere = home.deployment.found(home.owner, "Elsewhere")
    for where in (elsewhere, 999):
        with pytest.raises(NotFound) as refused:
            home.attempt(token, OpenSitting(token.id), where)
        assert refused.value.facts == ({"why": "no token"} if where == elsewhere else {})
    home.deployment.clock.go_on(DAY)
    with pytest.raises(NotFound):
        home.attempt(token, OpenSitting(token.id))
    home.deployment.act(home.owner, home.number, RevokeToken(token.id))
    with pytest.raises(NotFound):
        home.attempt(token, OpenSitting(token.id))


def test_it_goes_on_when_who_made_it_leaves(home: Home) -> None:
    admin = home.deployment.join(home.number, home.owner, Role.ADMIN)
    secret = tokens.new_secret(home.deployment.store.randomness)
    home.deployment.act(admin, home.number, CreateToken("SIEM", ("log.read",), 1, secret))
    now = home.deployment.clock.now
    with home.deployment.store.reading() as connection:
        assert tokens.count_live_by(connection, home.number, admin.id, now) == 1
        assert tokens.count_live_by(connection, home.number, admin.id, now + DAY) == 0
        assert tokens.count_live_by(connection, home.number, home.owner.id, now) == 0
    home.deployment.act(home.owner, home.number, RemoveMember(admin.id))
    token = home.find(secret)
    assert token
    assert not isinstance(home.attempt(token, OpenSitting(token.id)), NoChange)


def test_its_use_is_noted_at_most_once_a_minute(home: Home) -> None:
    token, _ = home.token()
    other, _ = home.token()
    at = home.deployment.clock.now
    for moment, noted in ((at, at), (at + 59 * SECOND, at), (at + MINUTE, at + MINUTE)):
        tokens.note_use(home.deployment.store, token.id, moment)
        assert home.read(token.id).used_at == noted
    assert home.read(other.id).used_at is None
