"""Users: who they are across organizations, and their passwords."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from threading import BoundedSemaphore

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from minutebook.actions.values import Person
from minutebook.email_address import normal_email
from minutebook.errors import Conflict, Invalid, NotFound
from minutebook.identifiers import new_id
from minutebook.model import Actor, ActorKind, Randomness
from minutebook.organization import wording
from minutebook.store import schema
from minutebook.store.engine import Store

MIN_PASSWORD = 12
MAX_PASSWORD = 1024

HASHED_AT_ONCE = max(2, os.cpu_count() or 0)
"""Each takes 64 MiB and all the work of a core: more at once would be no faster, and could take all memory."""

_hasher = PasswordHash((Argon2Hasher(),))
_turns = BoundedSemaphore(HASHED_AT_ONCE)


@dataclass(frozen=True, slots=True)
class User:
    """A person who can sign in."""

    id: str
    email: str
    name: str

    def actor(self) -> Actor:
        """As who they act when they are signed in."""
        return Actor(ActorKind.USER, self.id, self.email, self.name, credential="session")

    def person(self) -> Person:
        return Person(id=self.id, email=self.email, name=self.name)


def hash_password(password: str, field: str = "password") -> str:
    """An argon2id hash; takes some 50 ms on purpose. Raises Invalid for a password that cannot be."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Invalid.one(field, f"Choose a password of {MIN_PASSWORD} to {MAX_PASSWORD:,} characters.")
    if any(0xD800 <= ord(character) <= 0xDFFF for character in password):  # what a terminal makes of other bytes
        raise Invalid.one(field, "The password is not text in UTF-8.")
    with _turns:
        return _hasher.hash(password)


def password_fits(password: str, hashed: str | None) -> bool:
    """Whether it is the password; as slow for someone who does not exist as for someone who does."""
    if len(password) > MAX_PASSWORD:
        return False
    with _turns:
        fits = _hasher.verify(password, hashed or nobodys_hash())
    return fits and hashed is not None


@cache
def nobodys_hash() -> str:
    """What the password of somebody who does not exist is compared with; made once, ahead of the first sign-in."""
    return _hasher.hash("a password that nobody has")


def add_user(connection: Connection, user: User, password_hash: str | None, at: int) -> None:
    """Adds a user. Raises Conflict when somebody has got the address in this moment, in another organization's act."""
    values = {"id": user.id, "email": user.email, "name": user.name, "password_hash": password_hash, "created_at": at}
    try:
        connection.execute(insert(schema.user).values(values))
    except IntegrityError as error:
        raise Conflict(f"{user.email} has an account by now. Sign in, then try again.") from error


def create_user(store: Store, email: str, name: str, password: str | None, *, hashed: str | None = None) -> User:
    """Adds a user who holds no seat yet. Raises Invalid, naming the field."""
    user = new_user(email, name, store.randomness)
    hashed = hash_password(password) if password is not None else hashed
    with store.housekeeping() as connection:
        if find_user(connection, user.email):
            raise Invalid.one("email", f"{user.email} already has an account.")
        add_user(connection, user, hashed, store.clock())
    return user


def new_user(email: str, name: str, randomness: Randomness) -> User:
    """A user with a new id, not stored yet. Raises Invalid, naming the field."""
    return User(new_id("usr", randomness), normal_email(email), wording.name(name, "name", "The name"))


def find_user(connection: Connection, email: str) -> User | None:
    """The user with this address in its normal form."""
    users = schema.user.c
    row = connection.execute(select(users.id, users.email, users.name).where(users.email == email)).one_or_none()
    return User(*row) if row else None


def user_by_id(connection: Connection, user: str) -> User:
    """Raises NotFound."""
    users = schema.user.c
    row = connection.execute(select(users.id, users.email, users.name).where(users.id == user)).one_or_none()
    if row is None:
        raise NotFound
    return User(*row)


def all_users(connection: Connection) -> list[tuple[User, int]]:
    """Everybody who can sign in and since when (UTC microseconds), by address; for whoever runs Minutebook."""
    users = schema.user.c
    rows = connection.execute(select(users.id, users.email, users.name, users.created_at).order_by(users.email))
    return [(User(id_, email, name), created_at) for id_, email, name, created_at in rows]


def hold(connection: Connection, user: str, hashed: str | None = None) -> None:
    """Keeps the user, and their password, as they are until the transaction ends. Raises NotFound once the account is
    deleted, or, with what is stored of a password that was proven, once they have another one."""
    users = schema.user.c
    where = [users.id == user, *([] if hashed is None else [users.password_hash == hashed])]
    if connection.execute(select(users.id).where(*where).with_for_update(read=True)).first() is None:
        raise NotFound(why="no such person, or another password by now")


def password_hash_of(connection: Connection, user: str) -> str | None:
    """What is stored of the user's password; None when there is none."""
    users = schema.user.c
    return connection.execute(select(users.password_hash).where(users.id == user)).scalar_one_or_none()
