"""The keys of a deployment: random bytes that are made with the database and go with it into its backups."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from minutebook.model import Randomness
from minutebook.store import schema

CURSORS = "cursors"
"""Seals where a page of events begins (`filters/cursor.py`)."""
PURPOSES = (CURSORS,)
KEY_BYTES = 32


def make_missing(connection: Connection, randomness: Randomness) -> None:
    """Makes the keys that are not there."""
    table = schema.deployment_key
    there = set(connection.execute(select(table.c.purpose)).scalars())
    for purpose in PURPOSES:
        if purpose not in there:
            connection.execute(insert(table).values(purpose=purpose, secret=randomness(KEY_BYTES)))


def read_key(connection: Connection, purpose: str) -> bytes:
    """The key for a purpose."""
    table = schema.deployment_key.c
    return bytes(connection.execute(select(table.secret).where(table.purpose == purpose)).scalar_one())
