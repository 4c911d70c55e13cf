"""Where a user holds seats, and whether a session has entered there: what a page asks before it shows anything."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, func, select

from minutebook.model import HOUR, Role
from minutebook.organization.organizations import Organization, organization_of
from minutebook.store import schema


@dataclass(frozen=True, slots=True)
class HeldSeat:
    """One of the user's seats; since when the session that asks has access by it, or None, and until when, if the
    organization limits that (UTC microseconds)."""

    organization: Organization
    role: Role
    entered_at: int | None
    until: int | None

    def is_over(self, at: int) -> bool:
        """Whether the session had access, and has had it too long at `at` (UTC microseconds)."""
        return self.until is not None and self.until <= at


def held_seats(connection: Connection, user: str, session: str) -> list[HeldSeat]:
    """The seats of a user, by the name of their organizations."""
    seat, organization, access, setting = schema.seat.c, schema.organization.c, schema.access.c, schema.setting.c
    entered = (access.organization == seat.organization) & (access.session == session)
    limited = (setting.organization == seat.organization) & (setting.name == "session_hours")
    rows = connection.execute(
        select(schema.organization, seat.role, access.entered_at, setting.value.label("hours"))
        .select_from(schema.seat)
        .join(schema.organization, organization.organization == seat.organization)
        .outerjoin(schema.access, entered)
        .join(schema.setting, limited)
        .where(seat.user == user)
        .order_by(func.lower(organization.name), organization.organization)
    )
    return [
        HeldSeat(
            organization_of(row),
            Role(row.role),
            row.entered_at,
            _until(row.entered_at, row.hours),
        )
        for row in rows
    ]


def _until(entered_at: int | None, hours: str) -> int | None:
    limit: int | None = orjson.loads(hours)
    return None if entered_at is None or limit is None else entered_at + limit * HOUR
