"""Finding events: pages that neither lose nor repeat one, and counts, always within one organization.

People see events by (occurred_at, seq), newest first. A search is bound to the size that the log had when its first
page was opened: what is recorded later is not in it, so nothing shifts from one page to the next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, tuple_

from minutebook.filters import Cursor, Filter
from minutebook.model import Event
from minutebook.store.log import SEQ_MASK, event_of, position
from minutebook.store.schema import event
from minutebook.store.where import where


@dataclass(frozen=True, slots=True)
class Scope:
    """Where is searched: one organization's log, as far as it went when the first page was opened."""

    organization: int
    size: int


@dataclass(frozen=True, slots=True)
class EventPage:
    """One page, newest first. `rank` counts the found events that are newer than the page's first."""

    events: tuple[Event, ...]
    rank: int
    total: int
    has_older: bool
    has_newer: bool


def page(connection: Connection, scope: Scope, filter_: Filter, cursor: Cursor | None, limit: int) -> EventPage:
    """The page that the cursor points to, or the first one; at most `limit` events."""
    total = count(connection, scope, filter_)
    newer = cursor is not None and cursor.direction == "newer"
    key = tuple_(event.c.occurred_at, event.c.position)
    statement = select(event).where(*_conditions(scope, filter_))
    if cursor:
        edge = tuple_(cursor.occurred_at, position(scope.organization, cursor.seq))
        statement = statement.where(key > edge if newer else key < edge)
    order = (event.c.occurred_at, event.c.position)
    statement = statement.order_by(*order) if newer else statement.order_by(*(column.desc() for column in order))
    rows = [event_of(row) for row in connection.execute(statement.limit(limit))]
    if newer:
        rows.reverse()
    rank = cursor.rank if cursor else 0
    if newer:
        rank = max(0, rank - len(rows))
    return EventPage(tuple(rows), rank, total, has_older=rank + len(rows) < total, has_newer=rank > 0)


def neighbours(
    connection: Connection, scope: Scope, filter_: Filter, occurred_at: int, seq: int
) -> tuple[int | None, int | None]:
    """The numbers of the next newer and the next older event that the filter finds; None where there is none."""
    key = tuple_(event.c.occurred_at, event.c.position)
    edge = tuple_(occurred_at, position(scope.organization, seq))
    found = select(event.c.position).where(*_conditions(scope, filter_)).limit(1)
    newer = found.where(key > edge).order_by(event.c.occurred_at, event.c.position)
    older = found.where(key < edge).order_by(event.c.occurred_at.desc(), event.c.position.desc())
    beside = (connection.execute(statement).scalar_one_or_none() for statement in (newer, older))
    next_newer, next_older = (None if place is None else place & SEQ_MASK for place in beside)
    return next_newer, next_older


def count(connection: Connection, scope: Scope, filter_: Filter) -> int:
    """How many events the filter finds."""
    return connection.execute(select(func.count()).select_from(event).where(*_conditions(scope, filter_))).scalar_one()


def count_by_action(connection: Connection, scope: Scope, filter_: Filter) -> dict[str, int]:
    """How many events of each action the other fields of the filter find, so that a choice can be compared."""
    return dict(_grouped(connection, scope, replace(filter_, actions=()), event.c.action, None))


def count_by_actor(connection: Connection, scope: Scope, filter_: Filter, limit: int) -> dict[str, int]:
    """How many events of each actor's address the other fields of the filter find, the busiest first."""
    found = _grouped(connection, scope, replace(filter_, actor=None), event.c.actor_email, limit + 1)
    return {address: number for address, number in found if address}


def _grouped(
    connection: Connection, scope: Scope, filter_: Filter, column: ColumnElement[str], limit: int | None
) -> list[tuple[str, int]]:
    number = func.count()
    statement = select(column, number).where(*_conditions(scope, filter_)).group_by(column)
    rows = connection.execute(statement.order_by(number.desc(), column).limit(limit))
    return [(value, found) for value, found in rows]


def _conditions(scope: Scope, filter_: Filter) -> list[ColumnElement[Any]]:
    within = (event.c.organization == scope.organization, event.c.position < position(scope.organization, scope.size))
    return [*within, *where(filter_)]
