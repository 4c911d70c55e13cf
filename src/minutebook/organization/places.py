"""Where a user holds seats, and whether a session has entered there: what a page asks before it shows anything."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from minutebook.model import Plan, Role
from minutebook.organization.organizations import Organization
from minutebook.store import schema


@dataclass(frozen=True, slots=True)
class HeldSeat:
    """One of the user's seats, and whether the session that asks has access by it."""

    organization: Organization
    role: Role
    entered: bool


def held_seats(connection: Connection, user: str, session: str) -> list[HeldSeat]:
    """The seats of a user, by the name of their organizations."""
    seat, organization, access = schema.seat.c, schema.organization.c, schema.access.c
    entered = (access.organization == seat.organization) & (access.session == session)
    rows = connection.execute(
        select(schema.organization, seat.role, access.session)
        .select_from(schema.seat)
        .join(schema.organization, organization.organization == seat.organization)
        .outerjoin(schema.access, entered)
        .where(seat.user == user)
        .order_by(func.lower(organization.name), organization.organization)
    )
    return [
        HeldSeat(
            Organization(row.organization, row.id, row.name, Plan(row.plan), row.seat_limit),
            Role(row.role),
            entered=row.session is not None,
        )
        for row in rows
    ]
