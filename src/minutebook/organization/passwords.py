"""Passwords: how one becomes another, which every organization of the person is told, and with `mails` the person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import delete, select, update

from minutebook.actions.user import PasswordChanged, PasswordTaken
from minutebook.errors import Conflict, NotAllowed, NotFound
from minutebook.identifiers import token_hash
from minutebook.organization import access, ceremonies, links, notices, people
from minutebook.record import Act, PersonalCommand
from minutebook.store import schema

CURRENT = "the current password"
LINK = "a single-use link"


@dataclass(frozen=True)
class ChangePassword(PersonalCommand):
    """Gives the person another password. `before` is what is stored of the current one, as it was looked at when it was
    asked for.

    Raises Conflict when it is another by now.
    """

    unrecorded: ClassVar = "password_changed"

    person: str
    before: str
    password_hash: str
    mails: bool = False

    def change(self, act: Act) -> PasswordChanged:
        access.end_others(act, self.person)
        return PasswordChanged(method=CURRENT)

    def change_person(self, act: Act) -> None:
        if people.password_hash_of(act.connection, self.person) != self.before:
            raise Conflict("Your password was changed in this moment, by another session. Look who did it.")
        _set(act, self.person, self.password_hash)
        if self.mails:
            notices.tell(act, self.person, "changed your password")


@dataclass(frozen=True)
class ChoosePassword(PersonalCommand):
    """Uses a reset link up and gives its person the password. Raises NotFound when the link cannot be used."""

    unrecorded: ClassVar = "password_chosen"

    person: str
    token: str
    password_hash: str
    mails: bool = False

    def change(self, act: Act) -> PasswordChanged:
        access.end_others(act, self.person)
        return PasswordChanged(method=LINK)

    def change_person(self, act: Act) -> None:
        link = schema.link.c
        this = (link.token_hash == token_hash(self.token), link.purpose == links.RESET, link.user == self.person)
        if act.connection.execute(select(link.user).where(*this, link.expires_at > act.at)).first() is None:
            raise NotFound
        _set(act, self.person, self.password_hash)
        if self.mails:
            notices.tell(act, self.person, "chose your password anew, by a link that works once")


@dataclass(frozen=True)
class TakePassword(PersonalCommand):
    """Takes the password, the sessions and the links of a person: whoever could get in as them cannot any more. For
    whoever runs Minutebook."""

    unrecorded: ClassVar = "password_reset"

    person: str
    mails: bool = False

    def change(self, act: Act) -> PasswordTaken:
        access.end_others(act, self.person)
        return PasswordTaken(member=people.user_by_id(act.connection, self.person).person())

    def change_person(self, act: Act) -> None:
        if not act.by_operator:
            raise NotAllowed("Only whoever runs Minutebook takes the password of somebody.")
        _set(act, self.person, None)
        if self.mails:
            notices.tell(act, self.person, "took your password and ended your sessions")


def _set(act: Act, person: str, password_hash: str | None) -> None:
    """With the password before it go all links of the person, whatever they have begun, and every session but the one
    that acts."""
    users, sessions, link = schema.user, schema.session, schema.link
    act.connection.execute(update(users).where(users.c.id == person).values(password_hash=password_hash))
    others = (sessions.c.user == person, sessions.c.id != (act.seat.context.session_id or ""))
    act.connection.execute(delete(sessions).where(*others))
    act.connection.execute(delete(link).where(link.c.user == person))
    ceremonies.end_all(act.connection, person)
