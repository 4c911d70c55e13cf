"""Finding events: pages that neither lose nor repeat one, and counts, always within one organization.

People see events by (occurred_at, seq), newest first. A search is bound to the size that the log had when its first
page was opened: what is recorded later is not in it, so nothing shifts from one page to the next. A search that takes
longer than its bound is given up with TooSlow; a count says then how many there are at least.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, case, func, select, tuple_

from minutebook.errors import TooSlow
from minutebook.filters import Cursor, Filter, expression_of, filter_of, fits
from minutebook.filters.expression import all_of, conjuncts, terms
from minutebook.model import Event, Outcome
from minutebook.store.bound import Deadline, bounded
from minutebook.store.log import event_of, position
from minutebook.store.schema import event
from minutebook.store.where import Plan, plan

PAGE_SECONDS = 2.0
COUNT_SECONDS = 1.0
AT_ONCE = 200

OLDEST_FIRST = (event.c.occurred_at, event.c.position)
NEWEST_FIRST = (event.c.occurred_at.desc(), event.c.position.desc())


@dataclass(frozen=True, slots=True)
class Scope:
    """Where is searched: one organization's log, as far as it went when the first page was opened."""

    organization: int
    size: int


class Count(NamedTuple):
    """How many events were found; where not `is_exact`, at least so many."""

    number: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class EventPage:
    """One page, newest first. `rank` counts the found events that are newer than the page's first."""

    events: tuple[Event, ...]
    rank: int
    total: Count
    has_older: bool
    has_newer: bool


def page(
    connection: Connection, scope: Scope, filter_: Filter, cursor: Cursor | None, limit: int, *, counted: bool = True
) -> EventPage:
    """The page that the cursor points to, or the first one; at most `limit` events. Raises TooSlow.

    Without `counted`, its total only says how many there are at least.
    """
    newer = cursor is not None and cursor.direction == "newer"
    edge: list[ColumnElement[bool]] = []
    if cursor:
        key, row = tuple_(*OLDEST_FIRST), tuple_(cursor.occurred_at, position(scope.organization, cursor.seq))
        edge = [key > row if newer else key < row]
    with bounded(connection, PAGE_SECONDS) as deadline:
        found = _Search(connection, scope, filter_).first(limit + 1, deadline, *edge, newest_first=not newer)
    more, found = len(found) > limit, found[:limit]
    if newer:
        found.reverse()
    rank = cursor.rank if cursor else 0
    if newer:
        rank = max(0, rank - len(found))
    total = count(connection, scope, filter_) if counted else Count(0, is_exact=False)
    if not total.is_exact:
        total = Count(max(total.number, rank + len(found)), is_exact=False)
    return EventPage(tuple(found), rank, total, has_older=newer or more, has_newer=rank > 0)


def window(connection: Connection, scope: Scope, filter_: Filter, *, first: int, limit: int) -> list[Event]:
    """At most `limit` of the found events in the order of the log, from the number `first` on. Raises TooSlow.

    What was read once never changes: who asks again from the last number + 1 misses none and sees none twice.
    """
    with bounded(connection, PAGE_SECONDS) as deadline:
        return _Search(connection, scope, filter_).in_order(limit, deadline, first)


def stream(connection: Connection, scope: Scope, filter_: Filter, *, first: int = 0) -> Generator[Event]:
    """All the found events in the order of the log, from the number `first` on; constant memory, no bound of time."""
    return _Search(connection, scope, filter_).all(first)


def neighbours(
    connection: Connection, scope: Scope, filter_: Filter, occurred_at: int, seq: int
) -> tuple[int | None, int | None]:
    """The numbers of the next newer and the next older event that the filter finds; None where none is near."""
    key, row = tuple_(*OLDEST_FIRST), tuple_(occurred_at, position(scope.organization, seq))
    search = _Search(connection, scope, filter_)

    def nearest(edge: ColumnElement[bool], *, newest_first: bool) -> int | None:
        with suppress(TooSlow), bounded(connection, COUNT_SECONDS) as deadline:
            return next((found.seq for found in search.first(1, deadline, edge, newest_first=newest_first)), None)
        return None

    return nearest(key > row, newest_first=False), nearest(key < row, newest_first=True)


def count(connection: Connection, scope: Scope, filter_: Filter) -> Count:
    """How many events the filter finds, or at least finds, as far as the time allows."""
    search = _Search(connection, scope, filter_)
    if search.is_exact:
        with suppress(TooSlow), bounded(connection, COUNT_SECONDS):
            return Count(connection.execute(search.select(func.count())).scalar_one(), is_exact=True)
        return Count(0, is_exact=False)
    tally, is_exact = search.tally(lambda _: None)
    return Count(tally.total(), is_exact)


def count_by_action(connection: Connection, scope: Scope, filter_: Filter) -> dict[str, int] | None:
    """How many events of each action the other fields of the filter find, so that a choice can be compared; None
    where that would take too long."""
    search = _Search(connection, scope, replace(filter_, actions=()))
    if search.is_exact:
        return search.grouped(event.c.action, None)
    tally, is_exact = search.tally(lambda found: found.action)
    return dict(tally) if is_exact else None


def count_by_actor(connection: Connection, scope: Scope, filter_: Filter, limit: int) -> dict[str, int] | None:
    """How many events of each actor's address the other fields of the filter find, the busiest first; None where that
    would take too long."""
    search = _Search(connection, scope, replace(filter_, actor=None))
    if search.is_exact:
        found = search.grouped(event.c.actor_email, limit + 1)
    else:
        tally, is_exact = search.tally(lambda found: found.actor.email or "")
        busiest = sorted(tally.items(), key=lambda pair: (-pair[1], pair[0]))[: limit + 1]
        found = dict(busiest) if is_exact else None
    return None if found is None else {address: number for address, number in found.items() if address}


def count_by_outcome(connection: Connection, scope: Scope, filter_: Filter) -> dict[str, int] | None:
    """How many events of each outcome the other parts of the filter find; None where that would take too long."""
    others = [part for part in conjuncts(expression_of(filter_)) if {term.key for term in terms(part)} != {"outcome"}]
    search = _Search(connection, scope, filter_of(all_of(others)))
    if search.is_exact:
        return search.grouped(event.c.outcome, None)
    tally, is_exact = search.tally(lambda found: found.outcome.value)
    return dict(tally) if is_exact else None


class Slot(NamedTuple):
    """How many events happened in one slot of time, which begins at `start` (UTC microseconds)."""

    start: int
    succeeded: int
    other: int


def count_by_slot(connection: Connection, scope: Scope, filter_: Filter, length: int) -> list[Slot] | None:
    """How many events the filter finds in each slot of `length` microseconds, those with some, in their order; None
    where that would take too long."""
    search = _Search(connection, scope, filter_)
    if search.is_exact:
        number, succeeded = event.c.occurred_at.op("/")(length), event.c.outcome == Outcome.SUCCESS.value
        done = func.sum(case((succeeded, 1), else_=0))
        statement = search.select(number, done, func.count()).group_by(number).order_by(number)
        try:
            with bounded(connection, COUNT_SECONDS):
                rows = connection.execute(statement).all()
        except TooSlow:
            return None
        return [Slot(slot * length, int(done), of_all - int(done)) for slot, done, of_all in rows]
    tally, is_exact = search.tally(lambda found: (found.occurred_at // length, found.outcome is Outcome.SUCCESS))
    if not is_exact:
        return None
    slots = sorted({slot for slot, _ in tally})
    return [Slot(slot * length, tally[slot, True], tally[slot, False]) for slot in slots]


def span(connection: Connection, scope: Scope) -> tuple[int, int] | None:
    """When the first and the last event of the log happened (UTC microseconds); None in an empty log."""
    times = select(event.c.occurred_at).where(*_within(scope)).limit(1)
    first = connection.execute(times.order_by(*OLDEST_FIRST)).scalar_one_or_none()
    last = connection.execute(times.order_by(*NEWEST_FIRST)).scalar_one_or_none()
    return None if first is None or last is None else (first, last)


class _Search:
    """One filter within one scope."""

    def __init__(self, connection: Connection, scope: Scope, filter_: Filter) -> None:
        expression = expression_of(filter_)
        self._connection = connection
        self._organization = scope.organization
        self._plan: Plan = plan(expression, scope.organization)
        self._fits = fits(expression)
        self._within = _within(scope)

    @property
    def is_exact(self) -> bool:
        """Whether the database alone can tell which events are meant."""
        return self._plan.is_exact

    def select(self, *columns: Any) -> Select[Any]:
        """A statement over the events that are meant, and where not exact, some more."""
        clauses = [] if self._plan.clause is None else [self._plan.clause]
        return select(*columns).select_from(event).where(*self._within, *clauses)

    def first(self, limit: int, deadline: Deadline, *edge: ColumnElement[bool], newest_first: bool) -> list[Event]:
        """The first of the events that are meant. Raises TooSlow when the time is over."""
        statement = self.select(event).where(*edge).order_by(*(NEWEST_FIRST if newest_first else OLDEST_FIRST))
        if self.is_exact:
            return [event_of(row) for row in self._connection.execute(statement.limit(limit))]
        with closing(self._looked_at(statement, deadline)) as looked_at:
            return list(itertools.islice((found for found in looked_at if self._fits(found)), limit))

    def in_order(self, limit: int, deadline: Deadline, first: int) -> list[Event]:
        """The first of the events that are meant, by number. Raises TooSlow when the time is over."""
        statement = self._from(first)
        if self.is_exact:
            return [event_of(row) for row in self._connection.execute(statement.limit(limit))]
        with closing(self._looked_at(statement, deadline)) as looked_at:
            return list(itertools.islice((found for found in looked_at if self._fits(found)), limit))

    def all(self, first: int) -> Generator[Event]:
        """Every event that is meant, by number."""
        with self._connection.execute(self._from(first), execution_options={"yield_per": AT_ONCE}) as rows:
            for row in rows:
                found = event_of(row)
                if self._fits(found):
                    yield found

    def _from(self, first: int) -> Select[Any]:
        start = position(self._organization, first)
        return self.select(event).where(event.c.position >= start).order_by(event.c.position)

    def grouped(self, column: ColumnElement[str], limit: int | None) -> dict[str, int] | None:
        """The values of a column with their counts, the most frequent first; None where that takes too long."""
        number = func.count()
        statement = self.select(column, number).group_by(column).order_by(number.desc(), column).limit(limit)
        with suppress(TooSlow), bounded(self._connection, COUNT_SECONDS):
            return {value: int(found) for value, found in self._connection.execute(statement)}
        return None

    def tally(self, of: Callable[[Event], Any]) -> tuple[Counter[Any], bool]:
        """How many events there are of each kind, as far as the time allowed, and whether those were all."""
        counter: Counter[Any] = Counter()
        try:
            with bounded(self._connection, COUNT_SECONDS) as deadline:
                for found in self._looked_at(self.select(event).order_by(*NEWEST_FIRST), deadline):
                    counter[of(found)] += self._fits(found)
        except TooSlow:
            return +counter, False
        return +counter, True

    def _looked_at(self, statement: Select[Any], deadline: Deadline) -> Generator[Event]:
        """The events that the database finds, one after the other, in constant memory, until the time is over."""
        with self._connection.execute(statement, execution_options={"yield_per": AT_ONCE}) as rows:
            for row in rows:
                yield event_of(row)
                if deadline.is_over:
                    raise TooSlow(seconds=f"{deadline.seconds:g}")


def _within(scope: Scope) -> list[ColumnElement[bool]]:
    beyond = position(scope.organization, scope.size)
    return [event.c.organization == scope.organization, event.c.position < beyond]
