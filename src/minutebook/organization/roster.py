"""The roster: who holds a seat, found by name, address and role, a page at a time."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from minutebook.actions.values import Person
from minutebook.errors import NotFound
from minutebook.model import Role
from minutebook.store import schema


@dataclass(frozen=True, slots=True)
class Member:
    """A seat as the page Members shows it. Times are UTC microseconds; `seen_at` is None while no
    session of theirs has access: one that ended tells nothing any more."""

    person: Person
    role: Role
    joined_at: int
    seen_at: int | None


@dataclass(frozen=True, slots=True)
class Roster:
    """One page of members by name, how many were found in all, and how many seats each role holds."""

    members: tuple[Member, ...]
    found: int
    by_role: Mapping[Role, int]


def everyone(connection: Connection, organization: int) -> list[tuple[Person, Role, int]]:
    """Everybody with a seat, by name: who, as what, and since when (UTC microseconds)."""
    # Names are compared here and not by the databases, whose lower() disagree about letters beyond ASCII.
    seat, users = schema.seat.c, schema.user.c
    rows = connection.execute(
        select(users.id, users.email, users.name, seat.role, seat.joined_at)
        .join_from(schema.seat, schema.user, users.id == seat.user)
        .where(seat.organization == organization)
    )
    seats = [(Person(id=id_, email=email, name=name), Role(role), joined) for id_, email, name, role, joined in rows]
    return sorted(seats, key=lambda seat: (_without_marks(seat[0].name), seat[0].id))


def read_roster(
    connection: Connection,
    organization: int,
    text: str,
    roles: Collection[Role],
    offset: int,
    limit: int,
    among: Collection[str] | None = None,
) -> Roster:
    """Members whose name or address holds the text, in any case, who have one of the roles, and whose user is `among`
    these ids; no roles: any, None: any."""
    wanted = text.casefold()
    seats = everyone(connection, organization)
    found = [
        (person, role, joined_at)
        for person, role, joined_at in seats
        if (not roles or role in roles)
        and (among is None or person.id in among)
        and (wanted in person.name.casefold() or wanted in person.email.casefold())
    ]
    shown = found[offset : offset + limit]
    seen = _seen(connection, organization, [person.id for person, _, _ in shown])
    members = tuple(Member(person, role, joined_at, seen.get(person.id)) for person, role, joined_at in shown)
    return Roster(members, len(found), Counter(role for _, role, _ in seats))


def read_member(connection: Connection, organization: int, user: str) -> Member:
    """The seat of one user. Raises NotFound."""
    seat, users = schema.seat.c, schema.user.c
    row = connection.execute(
        select(users.id, users.email, users.name, seat.role, seat.joined_at)
        .join_from(schema.seat, schema.user, users.id == seat.user)
        .where(seat.organization == organization, seat.user == user)
    ).one_or_none()
    if row is None:
        raise NotFound
    seen = _seen(connection, organization, [row.id])
    return Member(Person(id=row.id, email=row.email, name=row.name), Role(row.role), row.joined_at, seen.get(row.id))


def entered_sessions(connection: Connection, organization: int, user: str) -> int:
    """How many sessions of a user have access to the organization."""
    access = schema.access.c
    where = (access.organization == organization, access.user == user)
    return connection.execute(select(func.count()).where(*where)).scalar_one()


def _without_marks(name: str) -> str:
    """For sorting: Öberg stands where Oberg would."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _seen(connection: Connection, organization: int, users: list[str]) -> dict[str, int]:
    access, session = schema.access.c, schema.session.c
    rows = connection.execute(
        select(session.user, func.max(session.seen_at))
        .join_from(schema.session, schema.access, access.session == session.id)
        .where(access.organization == organization, session.user.in_(users))
        .group_by(session.user)
    )
    return {row[0]: row[1] for row in rows}
