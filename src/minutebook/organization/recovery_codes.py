"""Recovery codes: ten secrets on paper, each of which stands in for a second factor once."""

from __future__ import annotations

import base64

from sqlalchemy import Connection, delete, func, insert, select

from minutebook.identifiers import token_hash
from minutebook.model import Randomness
from minutebook.store import schema

COUNT = 10
CODE_BYTES = 10
"""80 random bits: too many to be found by trying, even for whoever has the hashes."""


def new_codes(randomness: Randomness) -> tuple[str, ...]:
    """Ten codes as people copy them: `abcd-efgh-ijkl-mnop`, without digits that look like letters."""
    return tuple(_grouped(base64.b32encode(randomness(CODE_BYTES)).decode().lower()) for _ in range(COUNT))


def put(connection: Connection, user: str, codes: tuple[str, ...]) -> None:
    """Stores the hashes of the user's codes in place of those before."""
    remove(connection, user)
    for code in codes:
        connection.execute(insert(schema.recovery_code).values(user=user, code_hash=_hash(user, code)))


def use(connection: Connection, user: str, typed: str) -> bool:
    """Whether it is one of the user's codes. It is used up: of two callers with the same code one gets True."""
    table = schema.recovery_code
    this = (table.c.user == user, table.c.code_hash == _hash(user, typed))
    return connection.execute(delete(table).where(*this)).rowcount > 0


def left(connection: Connection, user: str, but: str = "") -> int:
    """How many of the user's codes were not used yet, without one of them."""
    table = schema.recovery_code.c
    others = (table.user == user, table.code_hash != _hash(user, but))
    return connection.execute(select(func.count()).where(*others)).scalar_one()


def remove(connection: Connection, user: str) -> None:
    """Takes all codes of the user."""
    connection.execute(delete(schema.recovery_code).where(schema.recovery_code.c.user == user))


def _grouped(text: str) -> str:
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def _hash(user: str, typed: str) -> bytes:
    letters = "".join(typed.split()).replace("-", "").lower()
    return token_hash(f"{user} {letters}")
