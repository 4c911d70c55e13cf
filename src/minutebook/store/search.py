"""Finding events: pages that neither lose nor repeat one, and counts, always within one organization.

People see events by (occurred_at, seq), newest first. A search is bound to the size that the log had when its first
page was opened: what is recorded later is not in it, so nothing shifts from one page to the next. A search that takes
longer than its bound is given up with TooSlow; a count says then how many there are at least.

Which events are meant the columns of the log say (`memory.py`, `where.py`), and where they cannot, the events
themselves (`closer.py`). How many there are `survey.py` counts.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection

from minutebook.errors import NotFound, TooSlow
from minutebook.filters import Cursor, Filter, fits
from minutebook.filters.expression import NOTHING_ASKED, Expression
from minutebook.model import Event
from minutebook.store import log
from minutebook.store.bound import Deadline, bounded
from minutebook.store.closer import Closer, Rows, rows_between, rows_of
from minutebook.store.log import SEQ_MASK, Stored, event_of, seq_of
from minutebook.store.scope import Scope
from minutebook.store.survey import COUNT_SECONDS, Count, count
from minutebook.store.view import Chunk, Mask, Numbers, Within, all_hold, numbers, view_of
from minutebook.store.where import Plan, means_of, plan_there, within

PAGE_SECONDS = 2.0
AT_ONCE = 256
AT_FIRST = 32
"""Of a stride: so that a filter which takes long for each event is seen to."""


@dataclass(frozen=True, slots=True)
class EventPage:
    """One page, newest first. `rank` counts the found events that are newer than the page's first."""

    events: tuple[Event, ...]
    rank: int
    total: Count
    has_older: bool
    has_newer: bool


class PlacedRows(NamedTuple):
    """The rows of one page, newest first; the rest as in EventPage."""

    rows: Rows
    rank: int
    has_older: bool
    has_newer: bool


def page(
    connection: Connection,
    scope: Scope,
    filter_: Filter,
    cursor: Cursor | None,
    limit: int,
    total: Count | None = None,
) -> EventPage:
    """The page that the cursor points to, or the first one; at most `limit` events. Raises TooSlow.

    `total` is how many the filter finds, for who has counted them already.
    """
    found = place(connection, scope, filter_, cursor, limit)
    total = total or count(connection, scope, filter_)
    if not total.is_exact:
        total = Count(max(total.number, found.rank + len(found.rows)), is_exact=False)
    return EventPage(tuple(map(event_of, found.rows)), found.rank, total, found.has_older, found.has_newer)


def place(connection: Connection, scope: Scope, filter_: Filter, cursor: Cursor | None, limit: int) -> PlacedRows:
    """The same page as rows, for `row_json`; how many there are besides is not counted. Raises TooSlow."""
    newer = cursor is not None and cursor.direction == "newer"
    edge = Edge(cursor.occurred_at, cursor.seq, is_older=not newer) if cursor else None
    with bounded(connection, PAGE_SECONDS) as deadline:
        search = _Search(connection, scope, scope.asking(filter_), deadline)
        found = search.in_time(edge, limit + 1, newest_first=not newer)
    more, found = len(found) > limit, found[:limit]
    if newer:
        found.reverse()
    rank = cursor.rank if cursor else 0
    if newer:
        rank = max(0, rank - len(found))
    return PlacedRows(found, rank, has_older=newer or more, has_newer=rank > 0)


def newest(connection: Connection, scope: Scope, filter_: Filter, seconds: float) -> Iterator[Stored]:
    """The rows of the found events, the newest first, a few at a time, until all were given or `seconds` are over."""
    with suppress(TooSlow), bounded(connection, seconds) as deadline:
        for row in _Search(connection, scope, scope.asking(filter_), deadline).one_by_one():
            yield row
            deadline.check()


def window(connection: Connection, scope: Scope, filter_: Filter, *, first: int, limit: int) -> list[Event]:
    """At most `limit` of the found events in the order of the log, from the number `first` on. Raises TooSlow.

    What was read once never changes: who asks again from the last number + 1 misses none and sees none twice.
    """
    return [event_of(row) for row in window_rows(connection, scope, filter_, first=first, limit=limit)]


def window_rows(connection: Connection, scope: Scope, filter_: Filter, *, first: int, limit: int) -> Rows:
    """The same as rows, for `row_json`. Raises TooSlow."""
    with bounded(connection, PAGE_SECONDS) as deadline:
        search = _Search(connection, scope, scope.asking(filter_), deadline)
        return search.in_order(first, limit)


def stride(
    connection: Connection,
    scope: Scope,
    filter_: Filter,
    take: Callable[[Stored], bool],
    *,
    first: int,
    seconds: float,
) -> int:
    """Gives the found events to `take` in the order of the log, from the number `first` on, until it says that it has
    enough, `seconds` are over, or the scope ends. Returns the number to go on from, which is beyond `first` unless the
    scope ends there: whoever goes on from there misses none and sees none twice.

    The time is looked at every few events. Raises TooSlow where the database takes much longer for less than that.
    """
    reached = first
    try:
        with bounded(connection, PAGE_SECONDS) as deadline:
            until = deadline.clock() + seconds
            for rows, end in _looks(connection, scope, scope.asking(filter_), first, deadline):
                for row in rows:
                    if not take(row):
                        return seq_of(row) + 1
                reached = end
                if deadline.clock() >= until:
                    break
    except TooSlow:
        if reached == first:
            raise
    return reached


def _looks(
    connection: Connection, scope: Scope, asked: Expression, first: int, deadline: Deadline
) -> Iterator[tuple[Rows, int]]:
    """The rows of the events that are meant by number, a few at a time, each with the number up to which they have been
    looked for."""
    if asked != NOTHING_ASKED:
        yield from _Search(connection, scope, asked, deadline).looks_in_order(first)
        return
    while first < scope.size:  # columns are not needed for that
        end = min(first + AT_ONCE, scope.size)
        yield rows_between(connection, scope.organization, first, end), end
        first = end


def find(connection: Connection, scope: Scope, seq: int) -> Event:
    """One event by its number. Raises NotFound, also for one that is out of the scope."""
    event = log.find(connection, scope.organization, seq)
    if seq >= scope.size or not fits(scope.within)(event):
        raise NotFound
    return event


def neighbours(
    connection: Connection, scope: Scope, filter_: Filter, occurred_at: int, seq: int
) -> tuple[int | None, int | None]:
    """The numbers of the next newer and the next older event that the filter finds; None where none is near."""

    def nearest(*, newest_first: bool) -> int | None:
        edge = Edge(occurred_at, seq, is_older=newest_first)
        with suppress(TooSlow), bounded(connection, COUNT_SECONDS) as deadline:
            search = _Search(connection, scope, scope.asking(filter_), deadline)
            for row in search.in_time(edge, 1, newest_first=newest_first):
                return int(row.position) & SEQ_MASK
        return None

    return nearest(newest_first=False), nearest(newest_first=True)


def span(connection: Connection, scope: Scope) -> tuple[int, int] | None:
    """When the first and the last event of the scope happened (UTC microseconds); None when there is none, or where
    that would take too long to find."""
    view = view_of(connection, scope.organization, scope.size)
    if scope.within == NOTHING_ASKED and not view.log.pruned:
        whole = view.span(0, view.size) if view.size else None
        return (whole.earliest, whole.latest) if whole else None
    with suppress(TooSlow), bounded(connection, COUNT_SECONDS) as deadline:
        search = _Search(connection, scope, scope.within, deadline)
        ends = [search.in_time(None, 1, newest_first=newest) for newest in (False, True)]
        times = [row.occurred_at for rows in ends for row in rows]
        return (times[0], times[-1]) if times else None
    return None


# ── One search ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Edge(NamedTuple):
    """One event in the order of people: what `is_older` than it comes behind it, the rest before."""

    occurred_at: int
    seq: int
    is_older: bool

    def narrow(self, asked: Within) -> Within:
        """What of a time is beyond the edge."""
        if self.is_older:
            return Within(asked.earliest, min(asked.latest, self.occurred_at))
        return Within(max(asked.earliest, self.occurred_at), asked.latest)

    def look(self, chunk: Chunk) -> Mask:
        """The events beyond the edge."""
        if chunk.span.latest < self.occurred_at:
            return self.is_older
        if chunk.span.earliest > self.occurred_at:
            return not self.is_older
        times = chunk.occurred_at
        same = times == self.occurred_at
        beyond: Mask
        if self.is_older:
            beyond = (times < self.occurred_at) | (same & (chunk.seqs < self.seq))
        else:
            beyond = (times > self.occurred_at) | (same & (chunk.seqs > self.seq))
        return beyond


class _Search:
    """One expression within one scope. Raises TooSlow."""

    def __init__(self, connection: Connection, scope: Scope, expression: Expression, deadline: Deadline) -> None:
        self._connection = connection
        self._scope = scope
        self._expression = expression
        self._deadline = deadline
        self._view = view_of(connection, scope.organization, scope.size)

    def in_time(self, edge: Edge | None, limit: int, *, newest_first: bool) -> list[Stored]:
        """At most `limit` of the events that are meant beyond the edge, in the order of people or against it."""
        plan_, closer = self._plan()
        found = self._beyond(edge, plan_, limit, newest_first=newest_first)
        return self._meant(found, closer, limit)

    def one_by_one(self) -> Iterator[Stored]:
        """The events that are meant, the newest first, a few at a time."""
        plan_, closer = self._plan()
        found = self._beyond(None, plan_, AT_FIRST, newest_first=True)
        for seqs in _together(found, itertools.repeat(AT_FIRST)):
            yield from self._rows(seqs, closer)

    def _beyond(self, edge: Edge | None, plan_: Plan, wanted: int, *, newest_first: bool) -> Iterator[Numbers]:
        """What is found beyond the edge, a part at a time; about so many events are `wanted`."""
        asked = within(self._expression)
        if edge:
            asked = edge.narrow(asked)
        chunks = self._found(self._view.in_time(asked, plan_.few(), newest_first=newest_first), plan_, edge)
        for is_sorted, some in itertools.groupby(chunks, key=lambda pair: pair[0].span.is_sorted):
            if is_sorted:
                parts = (found[::-1] if newest_first else found for _, found in some)
                yield from plan_.words.among(parts, wanted) if plan_.words else parts
                continue
            for chunk, found in some:
                held = plan_.words.held(found) if plan_.words else found
                in_time = held[np.argsort(chunk.times_of(held), kind="stable")]
                yield in_time[::-1] if newest_first else in_time

    def in_order(self, first: int, limit: int) -> list[Stored]:
        """At most `limit` of the events that are meant by number, from `first` on."""
        plan_, closer = self._plan()
        parts = (found[found >= first] for _, found in self._found(self._view.chunks(first), plan_))
        held = plan_.words.among(parts, limit) if plan_.words else parts
        return self._meant(held, closer, limit)

    def _found(self, chunks: Iterable[Chunk], plan_: Plan, edge: Edge | None = None) -> Iterator[tuple[Chunk, Numbers]]:
        """What the plan finds in each chunk, without regard to words."""
        looks = [edge.look, plan_.look] if edge else [plan_.look]
        for number, chunk in enumerate(chunks):
            if number:
                self._deadline.check()
            found = numbers(chunk, all_hold(look(chunk) for look in looks))
            if len(found):
                yield chunk, found

    def looks_in_order(self, first: int) -> Iterator[tuple[Rows, int]]:
        """As `_looks`."""
        plan_, closer = self._plan()
        size = AT_FIRST
        for chunk in self._view.chunks(first):
            found = numbers(chunk, plan_.look(chunk))
            found, at = found[found >= first], 0
            if plan_.words:
                found = plan_.words.held(found)
            while at < len(found):
                seqs: list[int] = found[at : at + size].tolist()
                yield self._rows(seqs, closer), seqs[-1] + 1
                at, size = at + size, min(2 * size, AT_ONCE)
            yield (), chunk.end

    def _plan(self) -> tuple[Plan, Closer | None]:
        """How the events are found, and how they are looked at, where they must be."""
        organization = self._scope.organization
        plan_ = plan_there(self._expression, means_of(self._connection, self._view, self._deadline))
        return plan_, None if plan_.is_exact else Closer(self._connection, organization, plan_.rest, self._deadline)

    def _meant(self, found: Iterable[Numbers], closer: Closer | None, limit: int) -> list[Stored]:
        """At most `limit` rows of the events that are meant among those found, in their order. Few of a chunk are not
        read by themselves: each reading takes longer than a chunk is looked through."""
        rows: list[Stored] = []
        for seqs in _together(found, itertools.chain([min(limit, AT_ONCE)], itertools.repeat(AT_ONCE))):
            rows += self._rows(seqs, closer)
            if len(rows) >= limit:
                break
        return rows[:limit]

    def _rows(self, seqs: list[int], closer: Closer | None) -> Rows:
        return closer.meant(seqs) if closer else rows_of(self._connection, self._scope.organization, seqs)


def _together(found: Iterable[Numbers], sizes: Iterator[int]) -> Iterator[list[int]]:
    """The numbers, so many at a time; parts are asked for as they are needed."""
    waiting: list[int] = []
    wanted = next(sizes)
    for part in found:
        at = 0
        while len(waiting) + len(part) - at >= wanted:
            end = at + wanted - len(waiting)
            yield waiting + part[at:end].tolist()
            waiting, at, wanted = [], end, next(sizes)
        waiting += part[at:].tolist()
    if waiting:
        yield waiting
