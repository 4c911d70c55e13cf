"""What people say of themselves: their name and their time zone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, select, update

from minutebook.actions.user import ProfileChanged
from minutebook.actions.values import change
from minutebook.errors import Invalid
from minutebook.filters import zone_names
from minutebook.organization import wording
from minutebook.record import NO_CHANGE, Act, NoChange, PersonalCommand
from minutebook.store import schema


@dataclass(frozen=True)
class ChangeProfile(PersonalCommand):
    """Gives a person another name or time zone; no zone is that of their browser. Raises Invalid, naming the field."""

    unrecorded: ClassVar = "profile_changed"

    person: str
    name: str
    zone: str | None

    def change(self, act: Act) -> ProfileChanged | NoChange:
        name, zone = _profile(act.connection, self.person)
        changed = ProfileChanged(name=change(name, self._name()), zone=change(zone, self.zone))
        return changed if changed.name or changed.zone else NO_CHANGE

    def change_person(self, act: Act) -> NoChange | None:
        if self.zone is not None and self.zone not in zone_names():
            raise Invalid.one("zone", "Choose a time zone of the list, such as Europe/Berlin, or none.")
        if _profile(act.connection, self.person) == (self._name(), self.zone):
            return NO_CHANGE
        this = schema.user.c.id == self.person
        act.connection.execute(update(schema.user).where(this).values(name=self._name(), zone=self.zone))
        return None

    def _name(self) -> str:
        return wording.name(self.name, "name", "Your name")


def _profile(connection: Connection, person: str) -> tuple[str, str | None]:
    users = schema.user.c
    row = connection.execute(select(users.name, users.zone).where(users.id == person)).one()
    return row.name, row.zone
