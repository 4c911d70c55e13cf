"""Support staff: people of whoever runs Minutebook, let into an organization for a reason and a limited time.

A grant is no seat. Its link works once, for the one person it names, who signs in as themselves; what they do is
recorded as theirs, on behalf of whoever let them in. They read, and change only what the grant names. Everybody in the
organization sees who is let in, why and until when; an owner ends it at once, and its time does by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import orjson
from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from minutebook import security
from minutebook.actions.support import Ending, SupportEntered, SupportGranted, SupportLeft
from minutebook.actions.values import Person
from minutebook.background import Job
from minutebook.errors import Conflict, Invalid, NotAllowed, NotFound, Problem, kept
from minutebook.identifiers import new_id, token_hash
from minutebook.model import HOUR, MINUTE, Actor, ActorKind, Context, Seat
from minutebook.organization import access, people, wording
from minutebook.organization.people import User
from minutebook.permissions import SUPPORT_MAY, Permission
from minutebook.record import ANYBODY, MINUTEBOOK, Act, Command, own_seat, perform
from minutebook.store import schema
from minutebook.store.engine import Store

LEAST, MOST = 5 * MINUTE, 24 * HOUR
"""How long a grant lasts, at least and at most."""
EVERY = 5.0
"""Seconds between two looks for grants whose time is over."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Somebody of support staff who is let in. Times are UTC microseconds; `entered_at` is None until they came."""

    organization: int
    id: str
    person: Person
    reason: str
    may: tuple[str, ...]
    granted_by: str
    granted_at: int
    expires_at: int
    entered_at: int | None

    def actor(self) -> Actor:
        """As who they act: themselves, on behalf of whoever let them in."""
        return Actor(
            ActorKind.SUPPORT,
            self.person.id,
            email=self.person.email,
            name=self.person.name,
            on_behalf_of=self.granted_by,
            credential="session",
        )


@dataclass(frozen=True)
class GrantSupport(Command):
    """Lets somebody of support staff in, for `lasts` microseconds. The token of the link is the caller's to show, once.

    For whoever runs Minutebook. Raises Invalid, naming every field that is wrong of `reason`, `for` and `may`; Conflict
    for somebody who holds a seat there or is let in already; NotFound for who is not of support staff.
    """

    needs: ClassVar = ANYBODY

    user: str
    reason: str
    lasts: int
    may: tuple[str, ...]
    token: str

    def change(self, act: Act) -> SupportGranted:
        if not act.by_operator:
            raise NotAllowed("Only whoever runs Minutebook lets support staff in.")
        if not is_staff(act.connection, self.user):
            raise NotFound(why="not of support staff")
        problems: list[Problem] = []
        reason = kept(problems, wording.name, self.reason, "reason", "The reason", limit=500)
        may = kept(problems, wording.choices, self.may, SUPPORT_MAY, "may")
        lasts = kept(problems, _lasting, self.lasts)
        if reason is None or may is None or lasts is None:
            raise Invalid(*problems)
        seats = schema.seat.c
        seat = select(seats.user).where(seats.organization == act.organization, seats.user == self.user)
        if act.connection.execute(seat).first():
            raise Conflict("They hold a seat in this organization, so they act by that.")
        if any(grant.person.id == self.user for grant in all_grants(act.connection, act.organization)):
            raise Conflict("They are let in already. End that first: minutebook support end.")
        user, grant = people.user_by_id(act.connection, self.user), new_id("sup", act.randomness)
        act.connection.execute(
            insert(schema.support_grant).values(
                organization=act.organization,
                id=grant,
                user=user.id,
                email=user.email,
                name=user.name,
                reason=reason,
                may=orjson.dumps(may).decode(),
                token_hash=token_hash(self.token),
                granted_by=act.seat.actor.called,
                granted_at=act.at,
                expires_at=act.at + lasts,
            )
        )
        return SupportGranted(grant=grant, person=user.person(), reason=reason, may=may, lasts=lasts)


@dataclass(frozen=True)
class EnterAsSupport(Command):
    """Gives the acting session access by a grant, once. Raises NotFound for a link that cannot be used by who acts."""

    needs: ClassVar = ANYBODY

    token: str

    def change(self, act: Act) -> SupportEntered:
        grant = find_by_token(act.connection, self.token, act.at)
        if grant is None or (grant.organization, grant.actor()) != (act.organization, act.seat.actor):
            raise NotFound
        table = schema.support_grant
        this = _this(act.organization, grant.id)
        act.connection.execute(update(table).where(*this).values(entered_at=act.at))
        access.give(act, grant.person.id)
        return SupportEntered(grant=grant.id, reason=grant.reason)


@dataclass(frozen=True)
class EndSupport(Command):
    """Ends the access of support staff, at once: an owner's, the operator's, or their own. Raises NotFound."""

    needs: ClassVar = Permission.SUPPORT_END

    grant: str

    def change(self, act: Act) -> SupportLeft:
        grant = read_grant(act.connection, act.organization, self.grant)
        by_staff = act.seat.actor.kind is ActorKind.SUPPORT
        if by_staff and act.seat.actor.id != grant.person.id:
            raise NotAllowed("Support staff ends nobody's access but their own.")
        ended = Ending.LEFT if by_staff else Ending.EXPIRED if grant.expires_at <= act.at else Ending.ENDED
        access.end_all(act, grant.person.id)
        act.connection.execute(delete(schema.support_grant).where(*_this(act.organization, grant.id)))
        return SupportLeft(grant=grant.id, person=grant.person, how=ended)


class SupportEnds(Job):
    """Records the end of grants whose time is over; they let nobody in from that moment on."""

    name = "support_ends"

    def __init__(self, store: Store) -> None:
        super().__init__(EVERY)
        self._store = store

    def round(self) -> None:
        """Ends what is over by now."""
        table = schema.support_grant.c
        over = select(table.organization, table.id).where(table.expires_at <= self._store.clock())
        with self._store.reading() as connection:
            rows = connection.execute(over).all()
        for row in rows:
            try:
                perform(self._store, own_seat(row.organization), EndSupport(row.id))
            except NotFound:
                continue  # somebody ended it in this moment


def enter(store: Store, grant: Grant, token: str, context: Context) -> None:
    """Lets the session of the context in by the grant. Raises NotFound when its link cannot be used any more."""
    perform(store, Seat(grant.organization, grant.actor(), context), EnterAsSupport(token))


def leave(store: Store, organization: int, user: str, context: Context) -> bool:
    """Ends the access that somebody has as support staff, because they signed out; whether they had any."""
    with store.reading() as connection:
        grants = all_grants(connection, organization)
        found = [grant for grant in grants if grant.person.id == user and grant.entered_at is not None]
    for grant in found:
        actor = grant.actor() if grant.expires_at > store.clock() else MINUTEBOOK
        perform(store, Seat(organization, actor, context), EndSupport(grant.id))
    return bool(found)


def entered_by(connection: Connection, user: str, session: str, at: int) -> dict[str, Grant]:
    """The grants by which a session is inside organizations at `at` (UTC microseconds), by the public ids of these."""
    grants, own, entered = schema.support_grant, schema.organization.c, schema.access.c
    inside = (entered.organization == grants.c.organization) & (entered.session == session)
    statement = (
        select(grants, own.id.label("public_id"))
        .join(schema.organization, own.organization == grants.c.organization)
        .join(schema.access, inside)
        .where(grants.c.user == user, entered.user == user, grants.c.expires_at > at)
        .where(grants.c.entered_at.is_not(None))  # else it is a seat that they are inside by
    )
    return {row.public_id: _grant(row) for row in connection.execute(statement)}


def find_by_token(connection: Connection, token: str, at: int) -> Grant | None:
    """The grant of a link that can be used at `at` (UTC microseconds), by somebody who is of support staff still."""
    table, staff = schema.support_grant.c, select(schema.staff.c.user)
    usable = (table.expires_at > at, table.entered_at.is_(None), table.user.in_(staff))
    statement = select(schema.support_grant).where(table.token_hash == token_hash(token), *usable)
    row = connection.execute(statement).one_or_none()
    return _grant(row) if row else None


def read_grant(connection: Connection, organization: int, grant: str) -> Grant:
    """Raises NotFound."""
    row = connection.execute(select(schema.support_grant).where(*_this(organization, grant))).one_or_none()
    if row is None:
        raise NotFound
    return _grant(row)


def all_grants(connection: Connection, organization: int) -> list[Grant]:
    """Those whose end is not recorded, the newest first."""
    table = schema.support_grant
    statement = select(table).where(table.c.organization == organization)
    return [_grant(row) for row in connection.execute(statement.order_by(table.c.granted_at.desc(), table.c.id))]


def grants_of(connection: Connection, user: str) -> list[Grant]:
    """Where somebody is let in, as far as its end is not recorded, by the numbers of the organizations."""
    table = schema.support_grant
    statement = select(table).where(table.c.user == user).order_by(table.c.organization)
    return [_grant(row) for row in connection.execute(statement)]


def is_staff(connection: Connection, user: str) -> bool:
    """Whether the user may be let in as support staff."""
    table = schema.staff.c
    return connection.execute(select(table.user).where(table.user == user)).first() is not None


def all_staff(connection: Connection) -> list[User]:
    """Everybody of support staff, by address."""
    statement = select(schema.staff.c.user)
    users = [people.user_by_id(connection, user) for user in connection.execute(statement).scalars().all()]
    return sorted(users, key=lambda user: user.email)


def change_staff(store: Store, user: str, *, to: bool) -> None:
    """Makes somebody one of support staff, or not any more, so that nobody lets them in again. It belongs to no
    organization's log, so the security log is told. Raises NotFound for an account that is not there any more."""
    table = schema.staff
    try:
        with store.housekeeping() as connection:
            connection.execute(delete(table).where(table.c.user == user))
            if to:
                connection.execute(insert(table).values(user=user, since=store.clock()))
    except IntegrityError as error:
        raise NotFound(why="no such person") from error
    security.tell("support_staff_changed", user=user, by="system", is_staff=to)


def _lasting(lasts: int) -> int:
    if not LEAST <= lasts <= MOST:
        raise Invalid.one("for", "Support staff is let in for 5 minutes at least and 24 hours at most.")
    return lasts


def _this(organization: int, grant: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return schema.support_grant.c.organization == organization, schema.support_grant.c.id == grant


def _grant(row: Row[Any]) -> Grant:
    return Grant(
        organization=row.organization,
        id=row.id,
        person=Person(id=row.user, email=row.email, name=row.name),
        reason=row.reason,
        may=tuple(orjson.loads(row.may)),
        granted_by=row.granted_by,
        granted_at=row.granted_at,
        expires_at=row.expires_at,
        entered_at=row.entered_at,
    )
