"""Single-use links of the deployment: the one that sets it up, those that sign in, those that choose a password."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from minutebook.identifiers import new_token, token_hash
from minutebook.model import MINUTE
from minutebook.organization import outbox, people
from minutebook.organization.outbox import Mail
from minutebook.organization.people import User
from minutebook.store import schema
from minutebook.store.engine import Store

SET_UP = "set_up"
SIGN_IN = "sign_in"
RESET = "reset"


def new_link(store: Store, purpose: str, *, lifetime: int, user: str | None = None) -> str:
    """The token of a new link; a set-up link replaces the one before. `lifetime` is in microseconds. Raises NotFound
    for an account that is deleted in this moment."""
    token = new_token(store.randomness)
    with store.housekeeping() as connection:
        if purpose == SET_UP:
            connection.execute(delete(schema.link).where(schema.link.c.purpose == SET_UP))
        _put(connection, token, purpose, user, store.clock() + lifetime)
    return token


def mail_reset(store: Store, user: User, page: str, lifetime: int) -> None:
    """Mails a link that chooses a new password to its user. `page` is the address that its token is put behind.
    Raises NotFound as `new_link` does."""
    token, at = new_token(store.randomness), store.clock()
    mail = Mail(
        to=user.email,
        subject="A new password for Minutebook",
        body=f"Somebody, you perhaps, asked for a new password for {user.email}.\n\n"
        f"Choose it within {lifetime // MINUTE} minutes, with this link, which works once:\n\n{page}{token}\n\n"
        "If you did not ask, ignore this: your password stays as it is.\n",
    )
    with store.housekeeping() as connection:
        _put(connection, token, RESET, user.id, at + lifetime)
        outbox.put(connection, mail, at)


def _put(connection: Connection, token: str, purpose: str, user: str | None, expires_at: int) -> None:
    if user:
        people.hold(connection, user)
    values = {"purpose": purpose, "user": user, "expires_at": expires_at}
    connection.execute(insert(schema.link).values(token_hash=token_hash(token), **values))


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
