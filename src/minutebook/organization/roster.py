"""The roster: who holds a seat, found by name, address and role, a page at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from minutebook.actions.values import Person
from minutebook.errors import NotFound
from minutebook.filters import normal_text
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


Seated = tuple[Person, Role, int]
"""Who, as what, and since when (UTC microseconds)."""


@dataclass(frozen=True, slots=True)
class Roster:
    """Who was found, by name, and how many seats each role holds."""

    found: tuple[Seated, ...]
    by_role: Mapping[Role, int]


def everyone(connection: Connection, organization: int) -> list[Seated]:
    """Everybody with a seat, by name."""
    # Names are compared here and not by the databases, whose lower() disagree about letters beyond ASCII.
    seat, users = schema.seat.c, schema.user.c
    rows = connection.execute(
        select(users.id, users.email, users.name, seat.role, seat.joined_at)
        .join_from(schema.seat, schema.user, users.id == seat.user)
        .where(seat.organization == organization)
    )
    seats = [(Person(id=id_, email=email, name=name), Role(role), joined) for id_, email, name, role, joined in rows]
    return sorted(seats, key=lambda seat: (normal_text(seat[0].name), seat[0].id))  # Öberg where Oberg would stand


def read_roster(
    connection: Connection,
    organization: int,
    text: str,
    roles: Collection[Role] = (),
    among: Collection[str] | None = None,
) -> Roster:
    """Members whose name or address holds the text, whatever its case and accents, who have one of the roles, and whose
    user is `among` these ids; no roles: any, None: any."""
    wanted = normal_text(text)
    seats = everyone(connection, organization)
    found = tuple(
        (person, role, joined_at)
        for person, role, joined_at in seats
        if (not roles or role in roles)
        and (among is None or person.id in among)
        and (wanted in normal_text(person.name) or wanted in normal_text(person.email))
    )
    return Roster(found, Counter(role for _, role, _ in seats))


def members_of(connection: Connection, organization: int, seats: Sequence[Seated]) -> list[Member]:
    """The same with when they were seen, for as many as one page has."""
    seen = _seen(connection, organization, [person.id for person, _, _ in seats])
    return [Member(person, role, joined_at, seen.get(person.id)) for person, role, joined_at in seats]


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
    person = Person(id=row.id, email=row.email, name=row.name)
    return members_of(connection, organization, [(person, Role(row.role), row.joined_at)])[0]


def entered_sessions(connection: Connection, organization: int, user: str) -> int:
    """How many sessions of a user have access to the organization."""
    access = schema.access.c
    where = (access.organization == organization, access.user == user)
    return connection.execute(select(func.count()).where(*where)).scalar_one()


def _seen(connection: Connection, organization: int, users: list[str]) -> dict[str, int]:
    access, session = schema.access.c, schema.session.c
    rows = connection.execute(
        select(session.user, func.max(session.seen_at))
        .join_from(schema.session, schema.access, access.session == session.id)
        .where(access.organization == organization, session.user.in_(users))
        .group_by(session.user)
    )
    return {row[0]: row[1] for row in rows}
