"""API tokens: how programs read the log of one organization, each for what its scopes say and for a limited time.

A token belongs to the organization, not to who made it: it goes on when they leave. Its secret is shown once and stored
only as its hash.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, insert, or_, select, update

from minutebook.actions.token import TokenCreated, TokenRevoked
from minutebook.errors import Conflict, Invalid, NotFound, Problem, kept
from minutebook.identifiers import new_id, new_token, token_hash
from minutebook.model import DAY, MINUTE, Actor, ActorKind, Plan, Randomness
from minutebook.organization import wording
from minutebook.organization.organizations import Organization
from minutebook.permissions import Permission, TokenScope
from minutebook.record import Act, Command
from minutebook.store import schema
from minutebook.store.engine import Store

MAX_TOKENS = 100
MAX_DAYS = 365
USED_EVERY = MINUTE
"""How often a use is noted, so that reading does not write each time."""
PREFIX = "mbt_"
SECRET = re.compile(r"mbt_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Token:
    """An API token that was not revoked. Times are UTC microseconds; `used_at` is None until it is used."""

    id: str
    name: str
    scopes: tuple[TokenScope, ...]
    created_by: str
    created_at: int
    expires_at: int
    used_at: int | None

    def actor(self) -> Actor:
        """As who a program acts that has it."""
        return Actor(ActorKind.TOKEN, self.id, name=self.name, credential="token")

    def is_live(self, at: int) -> bool:
        """Whether it can be used at `at`."""
        return self.expires_at > at


def new_secret(randomness: Randomness) -> str:
    """What a program sends to show that it has a token. The prefix lets scanners find one that leaked."""
    return PREFIX + new_token(randomness)


@dataclass(frozen=True)
class CreateToken(Command):
    """Makes an API token for `days` days. The secret is the caller's to show, once.

    Raises Invalid, naming every field that is wrong of `name`, `scopes` and `days`; Conflict beyond 100 tokens.
    """

    needs: ClassVar = Permission.TOKENS_WRITE

    name: str
    scopes: tuple[str, ...]
    days: int
    secret: str

    def change(self, act: Act) -> TokenCreated:
        problems: list[Problem] = []
        name = kept(problems, wording.name, self.name, "name", "The name", limit=60)
        scopes = kept(problems, _scopes, self.scopes)
        days = kept(problems, _days, self.days)
        if name is None or scopes is None or days is None:
            raise Invalid(*problems)
        tokens = schema.token.c
        number = select(func.count()).where(tokens.organization == act.organization)
        if act.connection.execute(number).scalar_one() >= MAX_TOKENS:
            raise Conflict(f"An organization has at most {MAX_TOKENS} API tokens. Revoke one first.")
        token, expires_at = new_id("tok", act.randomness), act.at + days * DAY
        act.connection.execute(
            insert(schema.token).values(
                organization=act.organization,
                id=token,
                name=name,
                token_hash=token_hash(self.secret),
                scopes=orjson.dumps(scopes).decode(),
                created_by=act.seat.actor.called,
                creator=None if act.by_operator else act.seat.actor.id,
                created_at=act.at,
                expires_at=expires_at,
            )
        )
        act.connection.execute(insert(schema.token_use).values(token=token))
        return TokenCreated(token=token, name=name, scopes=tuple(map(str, scopes)), expires_at=expires_at)


@dataclass(frozen=True)
class RevokeToken(Command):
    """Takes an API token back, at once. Raises NotFound."""

    needs: ClassVar = Permission.TOKENS_WRITE

    token: str

    def change(self, act: Act) -> TokenRevoked:
        before = read_token(act.connection, act.organization, self.token)
        sittings = schema.sitting
        this_one = (sittings.c.organization == act.organization, sittings.c.session == self.token)
        act.connection.execute(delete(sittings).where(*this_one))
        act.connection.execute(delete(schema.token).where(*_this(act.organization, self.token)))
        act.connection.execute(delete(schema.token_use).where(schema.token_use.c.token == self.token))
        return TokenRevoked(token=self.token, name=before.name)


def all_tokens(connection: Connection, organization: int) -> list[Token]:
    """The tokens of an organization, the newest first; those that expired are among them."""
    tokens = schema.token.c
    statement = _select().where(tokens.organization == organization).order_by(tokens.created_at.desc(), tokens.id)
    return [_token(row) for row in connection.execute(statement)]


def read_token(connection: Connection, organization: int, token: str) -> Token:
    """Raises NotFound."""
    row = connection.execute(_select().where(*_this(organization, token))).one_or_none()
    if row is None:
        raise NotFound
    return _token(row)


def find_by_secret(connection: Connection, secret: str, at: int) -> tuple[Token, Organization] | None:
    """The token of a secret and whose it is, if it can be used at `at` (UTC microseconds).

    What is compared is a hash of 256 random bits: how long that takes tells nothing of the secret.
    """
    if not SECRET.fullmatch(secret):
        return None
    tokens, own = schema.token.c, schema.organization.c
    statement = (
        _select()
        .add_columns(own.organization, own.id.label("public_id"), own.name.label("called"), own.plan, own.seat_limit)
        .add_columns(own.created_at.label("began_at"))
        .join(schema.organization, own.organization == tokens.organization)
        .where(tokens.token_hash == token_hash(secret), tokens.expires_at > at)
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    whose = (row.organization, row.public_id, row.called, Plan(row.plan), row.seat_limit, row.began_at)
    return _token(row), Organization(*whose)


def count_live_by(connection: Connection, organization: int, user: str, at: int) -> int:
    """How many tokens that a user made can be used at `at`."""
    tokens = schema.token.c
    where = (tokens.organization == organization, tokens.creator == user, tokens.expires_at > at)
    return connection.execute(select(func.count()).where(*where)).scalar_one()


def note_use(store: Store, token: str, at: int) -> None:
    """Notes that the token was used at `at`, unless that was noted less than a minute before."""
    uses = schema.token_use
    is_old = or_(uses.c.used_at.is_(None), uses.c.used_at <= at - USED_EVERY)
    with store.housekeeping() as connection:
        connection.execute(update(uses).where(uses.c.token == token, is_old).values(used_at=at))


def _scopes(chosen: tuple[str, ...]) -> tuple[str, ...]:
    scopes = wording.choices(chosen, TokenScope, "scopes")
    if not scopes:
        raise Invalid.one("scopes", "Choose at least one thing that the token may be used for.")
    return scopes


def _days(days: int) -> int:
    if not 1 <= days <= MAX_DAYS:
        raise Invalid.one("days", f"Enter a whole number of days, from 1 to {MAX_DAYS}.")
    return days


def _select() -> Select[Any]:
    tokens, uses = schema.token, schema.token_use
    columns = [tokens.c[name] for name in ("id", "name", "scopes", "created_by", "created_at", "expires_at")]
    return select(*columns, uses.c.used_at).outerjoin_from(tokens, uses, uses.c.token == tokens.c.id)


def _this(organization: int, token: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return schema.token.c.organization == organization, schema.token.c.id == token


def _token(row: Row[Any]) -> Token:
    scopes = tuple(map(TokenScope, orjson.loads(row.scopes)))
    return Token(row.id, row.name, scopes, row.created_by, row.created_at, row.expires_at, row.used_at)
