"""The live tail of Audit Logs: what is recorded from now on, as it is recorded.

In this order, and again before each batch, from the same snapshot as the batch: session → seat → permission → plan →
sitting. Whoever loses one of them is sent nothing that was recorded since, not even that they lost it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection

from minutebook.deliver import tail
from minutebook.deliver.tail import Batch, Tail
from minutebook.errors import Forbidden, NotAllowed, NotFound, NotSignedIn
from minutebook.filters import Here, parse
from minutebook.model import Plan
from minutebook.organization import sign_in, sittings
from minutebook.organization.places import held_seats
from minutebook.permissions import Permission, may
from minutebook.web.event_stream import AFTER, EventStream, asked_after
from minutebook.web.pages.audit_logs import UPGRADE, sit
from minutebook.web.session import Place, place

router = APIRouter()
Reader = Annotated[Place, Depends(place(Permission.LOG_READ))]


@router.get("/o/{org}/audit-logs/tail")
def audit_logs_tail(request: Request, reader: Reader) -> Response:
    """The events that a filter finds behind `after`, or from now on, as server-sent events."""
    pairs = [pair for pair in request.query_params.multi_items() if pair[0] != AFTER]
    filter_ = parse(pairs, Here(now=reader.viewer.at))
    after, field = asked_after(request)
    site, organization = reader.site, reader.organization
    with site.store.reading() as connection:
        must_read(connection, reader)
        begun = tail.start(connection, organization.number, filter_, after, field)
    site.tails.take(organization.number)
    try:
        sit(reader)
    except BaseException:
        site.tails.give_back(organization.number)
        raise
    return EventStream(site.tails, begun, Following(reader, begun).look)


@dataclass(frozen=True, slots=True)
class Following:
    """Somebody who follows the log with a session, for as long as they may."""

    reader: Place
    tail: Tail

    def look(self) -> Batch:
        """The next batch. Raises what `must_read` raises, and StoreUnavailable when the sitting cannot be renewed."""
        store, session = self.reader.site.store, self.reader.viewer.session.id
        with store.reading() as connection:
            must_read(connection, self.reader)
            if sittings.is_open(connection, self.tail.organization, session, store.clock()):
                return self.tail.read(connection)
        sit(self.reader)
        with store.reading() as connection:
            must_read(connection, self.reader)
            return self.tail.read(connection)


def must_read(connection: Connection, reader: Place) -> None:
    """Raises NotSignedIn, NotFound, Forbidden or NotAllowed when the reader may not read the log any more."""
    session, user = reader.viewer.session.id, reader.viewer.user.id
    if not sign_in.lives(connection, session, reader.site.store.clock()):
        raise NotSignedIn
    seats = held_seats(connection, user, session)
    here = next((seat for seat in seats if seat.organization.number == reader.organization.number), None)
    if here is None:
        raise NotFound(why="no seat")
    if not here.entered:
        raise NotSignedIn
    if not may(here.role, Permission.LOG_READ):
        raise Forbidden(role=here.role.label.lower(), verb=Permission.LOG_READ.value)
    if here.organization.plan is not Plan.ENTERPRISE:
        raise NotAllowed(UPGRADE)
