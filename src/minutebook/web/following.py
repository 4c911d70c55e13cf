"""Somebody who follows the log, for as long as they may: looked at again before each batch, from the batch's snapshot.

In the order of every reading: session or token → seat → permission → plan → sitting. Whoever loses one of them is sent
nothing that was recorded since, not even that they lost it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from minutebook.deliver.tail import Batch, Tail
from minutebook.denied import Standing, lacking
from minutebook.errors import NotAllowed, NotFound, NotSignedIn
from minutebook.model import ActorKind, Seat
from minutebook.organization import access, second_factor_rule, sessions, sittings, support, tokens
from minutebook.organization.held_seats import held_seats
from minutebook.organization.organizations import read_organization
from minutebook.permissions import Permission, may
from minutebook.record import support_of
from minutebook.store.engine import Store


@dataclass(frozen=True, slots=True)
class Following:
    """`sitting` is the id of the session or API token that reads."""

    store: Store
    seat: Seat
    sitting: str
    tail: Tail

    def look(self) -> Batch:
        """The next batch; the sitting is renewed when its 30 minutes are over.

        Raises what `must_read` and the tail raise, and as `perform` when the sitting cannot be recorded.
        """
        with self.store.reading() as connection:
            at = self.store.clock()
            must_read(connection, self.seat, self.sitting, at)
            if sittings.is_open(connection, self.seat.organization, self.sitting, at):
                return self.tail.read(connection)
        sittings.sit(self.store, self.seat, self.sitting, at)
        with self.store.reading() as connection:
            must_read(connection, self.seat, self.sitting, at)
            return self.tail.read(connection)


def must_read(
    connection: Connection, seat: Seat, sitting: str, at: int, permission: Permission = Permission.LOG_READ
) -> None:
    """Raises NotSignedIn, NotFound, Forbidden or NotAllowed when the log may not be read, or exported, at `at` (UTC
    microseconds). What the scopes of a token permit never changes, and was looked at before."""
    standing: Standing
    if seat.actor.kind is ActorKind.TOKEN:
        standing = _by_token(connection, seat, sitting, at)
    elif seat.actor.kind is ActorKind.SUPPORT:
        standing = _by_grant(connection, seat, sitting, at, permission)
    else:
        standing = _by_session(connection, seat, sitting, at, permission)
    sittings.require_plan(read_organization(connection, seat.organization).plan, seat, standing)


def _by_token(connection: Connection, seat: Seat, token: str, at: int) -> Standing:
    try:
        found = tokens.read_token(connection, seat.organization, token)
    except NotFound:
        found = None
    if found is None or not found.is_live(at):
        raise NotAllowed("This API token has expired or was revoked.")
    return found.scopes


def _by_grant(connection: Connection, seat: Seat, session: str, at: int, permission: Permission) -> Standing:
    found = read_organization(connection, seat.organization)
    is_inside = found.id in support.entered_by(connection, seat.actor.id, session, at)
    standing = support_of(connection, seat, at)
    if not (sessions.lives(connection, session, at) and is_inside and standing):
        raise NotSignedIn
    if second_factor_rule.bars(connection, seat.organization, session):
        raise NotSignedIn
    if not may(standing, permission):
        raise lacking(seat, standing, permission)
    return standing


def _by_session(connection: Connection, seat: Seat, session: str, at: int, permission: Permission) -> Standing:
    if not sessions.lives(connection, session, at):
        raise NotSignedIn
    held = held_seats(connection, seat.actor.id, session)
    here = next((one for one in held if one.organization.number == seat.organization), None)
    if here is None:
        raise NotFound(why="no seat")
    is_over = here.entered_at is None or here.is_over(at) or access.is_ended(connection, seat.organization, session)
    if is_over or second_factor_rule.bars(connection, seat.organization, session):
        raise NotSignedIn
    if not may(here.role, permission):
        raise lacking(seat, here.role, permission)
    return here.role
