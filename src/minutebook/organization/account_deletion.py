"""Deleting an account: nobody signs in by it any more. Who they were stays in the logs, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import delete

from minutebook.actions.user import UserDeleted
from minutebook.errors import Conflict
from minutebook.organization import people, seats
from minutebook.record import Act, PersonalCommand
from minutebook.store import schema

BELONGINGS = tuple(
    table
    for table in schema.metadata.tables.values()
    if table not in schema.ORGANIZATION_TABLES and any(key.column is schema.user.c.id for key in table.foreign_keys)
)
"""What belongs to nobody but a user: sessions, links, second factors."""


@dataclass(frozen=True)
class DeleteUser(PersonalCommand):
    """Gives up every seat of a person and deletes their account, with its sessions and links. API tokens and shared
    searches that they made stay with the organizations.

    Raises Conflict where an organization has no other owner, and names them all.
    """

    unrecorded: ClassVar = "user_deleted"

    person: str

    def change(self, act: Act) -> UserDeleted:
        if alone := seats.owned_alone(act.connection, self.person):
            raise Conflict(f"There is no other owner of {', '.join(alone)}. Make someone else owner first.")
        member = people.user_by_id(act.connection, self.person).person()
        return UserDeleted(member=member, role=seats.take_away(act, self.person))

    def change_person(self, act: Act) -> None:
        for table in BELONGINGS:
            act.connection.execute(delete(table).where(table.c.user == self.person))
        act.connection.execute(delete(schema.user).where(schema.user.c.id == self.person))
