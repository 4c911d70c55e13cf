"""Ceremonies: what somebody has begun and must come back to with a proof, within ten minutes.

A sign-in that waits for its second factor is no session: it opens nothing but the page that asks for the factor. The
browser has the token, the store its hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select

from minutebook.identifiers import new_token, token_hash
from minutebook.model import MINUTE
from minutebook.organization import people
from minutebook.store import schema
from minutebook.store.engine import Store

LIFETIME = 10 * MINUTE
CHALLENGE_BYTES = 32


class Purpose(StrEnum):
    """What the proof is for."""

    SIGN_IN = "sign_in"
    ADD_TOTP = "add_totp"
    ADD_PASSKEY = "add_passkey"
    PASSKEY = "passkey"
    """A sign-in by a passkey alone."""


@dataclass(frozen=True, slots=True)
class Ceremony:
    """Whose it is (the id of the user, or nothing for a sign-in by a passkey alone), how they proved the first factor,
    and the sealed secret of an app that is being added, or else what a passkey is asked to sign."""

    user: str
    method: str
    secret: bytes


def begin(
    store: Store, purpose: Purpose, user: str, method: str, secret: bytes | None = None, hashed: str | None = None
) -> str:
    """The token of a new one. Without a secret it has one to be signed. Those that are over are tidied away.

    Raises as `people.hold` does, for the user and what is stored of their password.
    """
    token, now, table = new_token(store.randomness), store.clock(), schema.ceremony
    secret = store.randomness(CHALLENGE_BYTES) if secret is None else secret
    whose = {"purpose": purpose, "user": user or None, "method": method}
    with store.housekeeping() as connection:
        if user:
            people.hold(connection, user, hashed)
        connection.execute(delete(table).where(table.c.expires_at <= now))
        connection.execute(
            insert(table).values(token_hash=token_hash(token), secret=secret, expires_at=now + LIFETIME, **whose)
        )
    return token


def find(connection: Connection, purpose: Purpose, token: str, at: int) -> Ceremony | None:
    """The one of a token, if it can be ended at `at` (UTC microseconds)."""
    table = schema.ceremony.c
    where = (table.token_hash == token_hash(token), table.purpose == purpose, table.expires_at > at)
    row = connection.execute(select(table.user, table.method, table.secret).where(*where)).one_or_none()
    return Ceremony(row.user or "", row.method, bytes(row.secret)) if row else None


def use_up(connection: Connection, token: str) -> bool:
    """Ends it; only one of two callers gets True."""
    table = schema.ceremony
    return connection.execute(delete(table).where(table.c.token_hash == token_hash(token))).rowcount > 0


def end_all(connection: Connection, user: str) -> None:
    """Ends everything that the user has begun."""
    connection.execute(delete(schema.ceremony).where(schema.ceremony.c.user == user))
