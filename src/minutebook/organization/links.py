"""Single-use links of the deployment: the one that sets it up, those that sign in, those that choose a password."""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from minutebook.identifiers import new_token, token_hash
from minutebook.store import schema
from minutebook.store.engine import Store

SET_UP = "set_up"
SIGN_IN = "sign_in"
RESET = "reset"


def new_link(store: Store, purpose: str, *, lifetime: int, user: str | None = None) -> str:
    """The token of a new link; a set-up link replaces the one before. `lifetime` is in microseconds."""
    token = new_token(store.randomness)
    table = schema.link
    with store.housekeeping() as connection:
        if purpose == SET_UP:
            connection.execute(delete(table).where(table.c.purpose == SET_UP))
        values = {"purpose": purpose, "user": user, "expires_at": store.clock() + lifetime}
        connection.execute(insert(table).values(token_hash=token_hash(token), **values))
    return token


def is_valid(store: Store, purpose: str, token: str) -> bool:
    """Whether the link could be used now."""
    table = schema.link.c
    where = (table.token_hash == token_hash(token), table.purpose == purpose, table.expires_at > store.clock())
    with store.reading() as connection:
        return connection.execute(select(table.purpose).where(*where)).first() is not None


def owner(store: Store, purpose: str, token: str) -> str | None:
    """The user whom the link belongs to, if it could be used now."""
    table = schema.link.c
    where = (table.token_hash == token_hash(token), table.purpose == purpose, table.expires_at > store.clock())
    with store.reading() as connection:
        return connection.execute(select(table.user).where(*where)).scalar_one_or_none()


def use_link(store: Store, purpose: str, token: str) -> tuple[bool, str | None]:
    """Uses the link up: whether it was valid, and the user it belongs to. Only one of two callers gets True."""
    table = schema.link
    where = (table.c.token_hash == token_hash(token), table.c.purpose == purpose, table.c.expires_at > store.clock())
    with store.housekeeping() as connection:
        row = connection.execute(delete(table).where(*where).returning(table.c.user)).one_or_none()
    return row is not None, row.user if row else None
