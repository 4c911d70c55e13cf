"""An organization may require a second factor: whoever signed in without one does not get in until they have.

The rule holds from the moment it is recorded, for who is inside, too. API tokens and auditor links have no factors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import orjson
from sqlalchemy import Connection, exists, or_, select

from minutebook.actions.settings import SettingsChanged
from minutebook.actions.values import change
from minutebook.errors import Invalid
from minutebook.organization import settings, wording
from minutebook.permissions import Permission
from minutebook.record import NO_CHANGE, Act, Command, NoChange
from minutebook.store import schema

NAME = "second_factor"
OPTIONAL, REQUIRED = "optional", "required"
CHOICES = {
    OPTIONAL: "Members choose for themselves whether they have one",
    REQUIRED: "Whoever signed in without one does not get in",
}
OWN_FIRST = "You signed in without a second factor, and would lock yourself out. Add one, and sign in with it."


@dataclass(frozen=True)
class ChangeSecondFactor(Command):
    """Says whether members need a second factor. Whoever requires it has signed in with one. Raises Invalid."""

    needs: ClassVar = Permission.SETTINGS_WRITE

    second_factor: str

    def change(self, act: Act) -> SettingsChanged | NoChange:
        (chosen,) = wording.choices([self.second_factor], CHOICES, NAME)
        before = read_rule(act.connection, act.organization)
        if chosen == before:
            return NO_CHANGE
        if chosen == REQUIRED and not (act.by_operator or has_proven(act.connection, act.seat.context.session_id)):
            raise Invalid.one(NAME, OWN_FIRST)
        settings.put(act, NAME, chosen)
        return SettingsChanged(section="Second factor", second_factor=change(before, chosen))


def read_rule(connection: Connection, organization: int) -> str:
    """OPTIONAL or REQUIRED."""
    table = schema.setting.c
    here = (table.organization == organization, table.name == NAME)
    value = connection.execute(select(table.value).where(*here)).scalar_one_or_none()
    return OPTIONAL if value is None else str(orjson.loads(value))


def bars(connection: Connection, organization: int, session: str | None) -> bool:
    """Whether the session does not get into the organization: it was signed in without a second factor."""
    return read_rule(connection, organization) == REQUIRED and not has_proven(connection, session)


def has_proven(connection: Connection, session: str | None) -> bool:
    """Whether the session was signed in with a second factor."""
    table = schema.session.c
    proven = (table.id == session, table.second_factor.is_not(None))
    return connection.execute(select(table.id).where(*proven)).first() is not None


def requiring(connection: Connection, user: str) -> list[str]:
    """The names of the user's organizations that require a second factor."""
    seat, organization, setting = schema.seat.c, schema.organization.c, schema.setting.c
    statement = (
        select(organization.name)
        .join(schema.seat, seat.organization == organization.organization)
        .join(schema.setting, setting.organization == organization.organization)
        .where(seat.user == user, setting.name == NAME, setting.value == orjson.dumps(REQUIRED).decode())
        .order_by(organization.name)
    )
    return list(connection.execute(statement).scalars())


def without(connection: Connection, organization: int) -> frozenset[str]:
    """The members, by the ids of their users, who have no second factor."""
    seat = schema.seat.c
    has_one = or_(*(exists().where(table.c.user == seat.user) for table in (schema.totp, schema.passkey)))
    return frozenset(connection.execute(select(seat.user).where(seat.organization == organization, ~has_one)).scalars())
