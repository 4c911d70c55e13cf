"""Finding events: pages that neither lose nor repeat one, and counts, always within one organization.

People see events by (occurred_at, seq), newest first. A search is bound to the size that the log had when its first
page was opened: what is recorded later is not in it, so nothing shifts from one page to the next. A search that takes
longer than its bound is given up with TooSlow; a count says then how many there are at least.

Which events are meant the columns of the log say (`columns.py`, `where.py`), and where they cannot, the events
themselves, looked at one after the other.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, bindparam, select

from minutebook.errors import NotFound, TooSlow
from minutebook.filters import Cursor, Filter, expression_of, fits
from minutebook.filters.expression import NOTHING_ASKED, Expression, all_of, conjuncts, terms
from minutebook.model import Event, Outcome
from minutebook.store import columns, index, log, text
from minutebook.store.bound import Deadline, bounded
from minutebook.store.columns import Chunk
from minutebook.store.event_json import row_json
from minutebook.store.log import SEQ_MASK, SHOWN, event_of, position
from minutebook.store.schema import event
from minutebook.store.where import Holding, Mask, Means, Plan, plan

PAGE_SECONDS = 2.0
COUNT_SECONDS = 1.0
AT_ONCE = 256

Numbers: TypeAlias = "NDArray[np.int64]"
Rows: TypeAlias = Sequence[Row[Any]]

_EVENTS = select(*SHOWN).where(event.c.position.in_(bindparam("positions", expanding=True)))
_FROM = select(*SHOWN).where(event.c.position.between(bindparam("first"), bindparam("last"))).order_by(event.c.position)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where is searched: one organization's log, as far as it went when the first page was opened.

    `within` is what the events must fit besides, whatever is asked for: the rest of the log is not there for who asks.
    """

    organization: int
    size: int
    within: Expression = NOTHING_ASKED

    def asking(self, filter_: Filter) -> Expression:
        """What an event of the scope must fit to be found."""
        return all_of([self.within, expression_of(filter_)])


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
        search = _Search(connection, scope, scope.asking(filter_))
        found = list(itertools.islice(search.in_time(deadline, edge, newest_first=not newer), limit + 1))
    more, found = len(found) > limit, found[:limit]
    if newer:
        found.reverse()
    rank = cursor.rank if cursor else 0
    if newer:
        rank = max(0, rank - len(found))
    return PlacedRows(found, rank, has_older=newer or more, has_newer=rank > 0)


def window(connection: Connection, scope: Scope, filter_: Filter, *, first: int, limit: int) -> list[Event]:
    """At most `limit` of the found events in the order of the log, from the number `first` on. Raises TooSlow.

    What was read once never changes: who asks again from the last number + 1 misses none and sees none twice.
    """
    return [event_of(row) for row in window_rows(connection, scope, filter_, first=first, limit=limit)]


def window_rows(connection: Connection, scope: Scope, filter_: Filter, *, first: int, limit: int) -> Rows:
    """The same as rows, for `row_json`. Raises TooSlow."""
    with bounded(connection, PAGE_SECONDS) as deadline:
        search = _Search(connection, scope, scope.asking(filter_))
        return list(itertools.islice(search.in_order(first, deadline), limit))


def stream(connection: Connection, scope: Scope, filter_: Filter, *, first: int = 0) -> Generator[Event]:
    """All the found events in the order of the log, from the number `first` on; constant memory, no bound of time."""
    return (event_of(row) for row in _stream(connection, scope, filter_, first))


def stream_json(
    connection: Connection, scope: Scope, filter_: Filter, *, first: int = 0
) -> Generator[tuple[int, bytes]]:
    """The same as number and line of JSON, many times as fast."""
    return ((row[0] & SEQ_MASK, row_json(row)) for row in _stream(connection, scope, filter_, first))


def _stream(connection: Connection, scope: Scope, filter_: Filter, first: int) -> Iterator[Row[Any]]:
    if scope.asking(filter_) == NOTHING_ASKED:
        return _rows_from(connection, scope, first)
    return _Search(connection, scope, scope.asking(filter_)).in_order(first, None)


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
    search = _Search(connection, scope, scope.asking(filter_))

    def nearest(*, newest_first: bool) -> int | None:
        edge = Edge(occurred_at, seq, is_older=newest_first)
        with suppress(TooSlow), bounded(connection, COUNT_SECONDS) as deadline:
            for row in search.in_time(deadline, edge, newest_first=newest_first):
                return int(row.position) & SEQ_MASK
        return None

    return nearest(newest_first=False), nearest(newest_first=True)


# ── Counts ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class Sums(NamedTuple):
    """How many events happened in some time."""

    succeeded: int
    other: int


@dataclass(frozen=True, slots=True)
class Survey:
    """How many events a filter finds, of which kinds and when.

    Of each of `columns.SHARED` the counts leave out what the filter says of that column alone, so that a choice can be
    compared with its alternatives; the most frequent value comes first. None where that would take too long.
    """

    total: Count
    by: dict[str, dict[Any, int]] | None
    in_time: list[Sums] | None


def survey(
    connection: Connection,
    scope: Scope,
    filter_: Filter,
    by: Iterable[str] = (),
    edges: Sequence[int] | None = None,
    seconds: float | None = None,
) -> Survey:
    """Counts of all that is found, by some of the columns, and from each of the ascending edges (UTC microseconds) to
    before the next.

    It takes `seconds` at most, or COUNT_SECONDS.
    """
    wanted = tuple(by)
    if scope.asking(filter_) == NOTHING_ASKED and not wanted and edges is None:
        return Survey(Count(scope.size, is_exact=True), {}, None)
    tally = _Tally(connection, scope, conjuncts(expression_of(filter_)), wanted, edges)
    is_exact = False
    with suppress(TooSlow), bounded(connection, COUNT_SECONDS if seconds is None else seconds) as deadline:
        tally.run(deadline)
        is_exact = True
    return Survey(
        Count(tally.total, is_exact),
        {name: tally.counts(name) for name in wanted} if is_exact else None,
        tally.in_time() if is_exact and edges is not None else None,
    )


def count(connection: Connection, scope: Scope, filter_: Filter) -> Count:
    """How many events the filter finds, or at least finds, as far as the time allows."""
    return survey(connection, scope, filter_).total


def count_by(connection: Connection, scope: Scope, filter_: Filter, column: str) -> dict[Any, int] | None:
    """How many events of each value of a column the other parts of the filter find, the most frequent first; None where
    that would take too long."""
    found = survey(connection, scope, filter_, (column,)).by
    return None if found is None else found[column]


def count_by_actor(connection: Connection, scope: Scope, filter_: Filter, limit: int) -> dict[str, int] | None:
    """How many events of each actor's address the other parts of the filter find, the busiest first; None where that
    would take too long."""
    found = count_by(connection, scope, filter_, "actor")
    return None if found is None else by_address(found, limit)


def count_in_time(connection: Connection, scope: Scope, filter_: Filter, edges: Sequence[int]) -> list[Sums] | None:
    """How many events the filter finds from each of the ascending edges (UTC microseconds) to before the next; None
    where that would take too long."""
    return survey(connection, scope, filter_, edges=edges).in_time


def by_address(actors: dict[columns.Who, int], limit: int) -> dict[str, int]:
    """Counts of actors added up by their addresses, the busiest first; whoever has no address is left out."""
    found: dict[str, int] = {}
    for who, number in actors.items():
        if who.email:
            found[who.email] = found.get(who.email, 0) + number
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:limit])


def span(connection: Connection, scope: Scope) -> tuple[int, int] | None:
    """When the first and the last event of the scope happened (UTC microseconds); None when there is none, or where
    that would take too long to find."""
    if scope.within == NOTHING_ASKED:
        chunks = list(columns.log_of(connection, scope.organization, scope.size).chunks(scope.size))
        return (min(chunk.earliest for chunk in chunks), max(chunk.latest for chunk in chunks)) if chunks else None
    search = _Search(connection, scope, scope.within)
    with suppress(TooSlow), bounded(connection, COUNT_SECONDS) as deadline:
        ends = [next(search.in_time(deadline, None, newest_first=newest), None) for newest in (False, True)]
        times = [row.occurred_at for row in ends if row is not None]
        return (times[0], times[-1]) if times else None
    return None


# ── One search ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Edge(NamedTuple):
    """One event in the order of people: what `is_older` than it comes behind it, the rest before."""

    occurred_at: int
    seq: int
    is_older: bool

    def look(self, chunk: Chunk) -> Mask:
        """The events beyond the edge."""
        if chunk.latest < self.occurred_at:
            return self.is_older
        if chunk.earliest > self.occurred_at:
            return not self.is_older
        numbers = np.arange(chunk.first, chunk.end)
        same = chunk.occurred_at == self.occurred_at
        beyond: Mask
        if self.is_older:
            beyond = (chunk.occurred_at < self.occurred_at) | (same & (numbers < self.seq))
        else:
            beyond = (chunk.occurred_at > self.occurred_at) | (same & (numbers > self.seq))
        return beyond


class _Search:
    """One expression within one scope."""

    def __init__(self, connection: Connection, scope: Scope, expression: Expression) -> None:
        self._connection = connection
        self._scope = scope
        self._expression = expression
        self._log = columns.log_of(connection, scope.organization, scope.size)
        self._fits = fits(expression)

    def plan(self, *, newest_first: bool) -> Plan:
        """How the events are found, for one way through the log."""
        return plan(self._expression, means_of(self._connection, self._scope, self._log, newest_first=newest_first))

    def in_time(self, deadline: Deadline, edge: Edge | None, *, newest_first: bool) -> Iterator[Row[Any]]:
        """The events that are meant beyond the edge, in the order of people or against it. Raises TooSlow."""
        plan_ = self.plan(newest_first=newest_first)
        for number, chunk in enumerate(self._log.in_time(self._scope.size, newest_first=newest_first)):
            if number:
                _check(deadline)
            beyond: Mask = edge.look(chunk) if edge else True
            if np.any(beyond) and len(found := _numbers(chunk, beyond & plan_.look(chunk))):
                times = chunk.occurred_at[found - chunk.first]
                if np.any(np.diff(times) < 0):
                    found = found[np.argsort(times, kind="stable")]
                yield from self._meant(found[::-1] if newest_first else found, plan_, deadline)

    def in_order(self, first: int, deadline: Deadline | None) -> Iterator[Row[Any]]:
        """The events that are meant by number, from `first` on. Raises TooSlow if there is a deadline."""
        plan_ = self.plan(newest_first=False)
        for number, chunk in enumerate(self._log.chunks(self._scope.size)):
            if number:
                _check(deadline)
            if chunk.end > first:
                found = _numbers(chunk, plan_.look(chunk))
                yield from self._meant(found[found >= first], plan_, deadline)

    def _meant(self, found: Numbers, plan_: Plan, deadline: Deadline | None) -> Iterator[Row[Any]]:
        """The rows of the events that are meant among those found, in their order, as far as they are asked for."""
        at, size = 0, 128
        while at < len(found):
            for row in rows_of(self._connection, self._scope.organization, found[at : at + size].tolist()):
                if plan_.is_exact or self._fits(event_of(row)):
                    yield row
            if not plan_.is_exact:
                _check(deadline)
            at, size = at + size, AT_ONCE


def means_of(connection: Connection, scope: Scope, log: columns.Log, *, newest_first: bool) -> Means:
    """What the clauses of a search look things up in, for one way through the log."""

    def holding(pieces: tuple[str, ...]) -> Callable[[Chunk], Mask]:
        positions = partial(text.holding, connection, scope.organization, pieces, newest_first=newest_first)
        indexed = index.reached(connection, scope.organization).texts
        return Holding(positions, indexed, newest_first=newest_first).look

    return Means(log, holding)


def rows_of(connection: Connection, organization: int, seqs: Sequence[int]) -> list[Row[Any]]:
    """The rows of some events, in the order of their numbers as given; none for one that is gone."""
    positions = [position(organization, seq) for seq in seqs]
    first, last = min(positions), max(positions)
    if last - first < len(positions):  # neighbours in the log, as on most pages: one range
        rows = connection.execute(_FROM, {"first": first, "last": last})
    else:
        rows = connection.execute(_EVENTS, {"positions": positions})
    found = {row[0]: row for row in rows}
    return [found[at] for at in positions if at in found]


def _rows_from(connection: Connection, scope: Scope, first: int) -> Iterator[Row[Any]]:
    """Every row from a number on, read in one pass."""
    bounds = {"first": position(scope.organization, first), "last": position(scope.organization, scope.size) - 1}
    with connection.execute(_FROM, bounds, execution_options={"yield_per": 8 * AT_ONCE}) as rows:
        yield from rows


def _numbers(chunk: Chunk, mask: Mask) -> Numbers:
    if isinstance(mask, bool):
        return np.arange(chunk.first, chunk.end if mask else chunk.first)
    return np.flatnonzero(mask) + chunk.first


def _check(deadline: Deadline | None) -> None:
    if deadline and deadline.is_over:
        raise TooSlow(seconds=f"{deadline.seconds:g}")


class _Tally:
    """One way through the log that counts everything at once."""

    def __init__(
        self,
        connection: Connection,
        scope: Scope,
        parts: Sequence[Expression],
        by: Sequence[str],
        edges: Sequence[int] | None,
    ) -> None:
        self._connection = connection
        self._scope = scope
        self._log = columns.log_of(connection, scope.organization, scope.size)
        means = means_of(connection, scope, self._log, newest_first=True)
        # what the scope leaves out is left out of every count
        concerned = [*((part, "") for part in conjuncts(scope.within)), *((part, concern(part)) for part in parts)]
        exact = [(plan(part, means), part, column) for part, column in concerned]
        self._exact = [(found, column) for found, _, column in exact if found.is_exact]
        rest = [part for found, part, _ in exact if not found.is_exact]
        self._rest = plan(all_of(rest), means) if rest else None
        self._rest_fits = fits(all_of(rest))
        self._by = by
        self._edges = None if edges is None else np.array(edges, np.int64)
        self.total = 0
        self._counts = {name: np.zeros(0, np.int64) for name in by}
        self._done, self._whole = (np.zeros(len(edges or ()), np.int64) for _ in range(2))
        self._success = self._log.words["outcome"].where(lambda outcome: bool(outcome == Outcome.SUCCESS))

    def run(self, deadline: Deadline) -> None:
        """Counts. Raises TooSlow when the time is over; what was counted by then is there."""
        for chunk in reversed(list(self._log.chunks(self._scope.size))):
            masks = [(found.look(chunk), concerned) for found, concerned in self._exact]
            own = {name: _all(mask for mask, concerned in masks if concerned != name) for name in self._by}
            every = _all(mask for mask, _ in masks)
            if self._rest is not None:
                widest = _any([every, *own.values()])
                meant = self._looked_at(chunk, widest & self._rest.look(chunk), every, deadline)
                every, own = every & meant, {name: mask & meant for name, mask in own.items()}
            else:
                self.total += _number(chunk, every)
            for name, mask in own.items():
                self._counts[name] = _added(self._counts[name], chunk.shared[name], mask)
            if self._edges is not None:
                self._add_times(chunk, every, self._edges)
            _check(deadline)

    def _looked_at(self, chunk: Chunk, maybe: Mask, counted: Mask, deadline: Deadline) -> NDArray[np.bool_]:
        """Of the events that may be meant those that are, each looked at; counts them as far as the time allows."""
        meant = np.zeros(len(chunk), np.bool_)
        found = _numbers(chunk, maybe)[::-1]
        for at in range(0, len(found), AT_ONCE):
            for row in rows_of(self._connection, self._scope.organization, found[at : at + AT_ONCE].tolist()):
                place_ = (row.position & SEQ_MASK) - chunk.first
                if self._rest_fits(event_of(row)):
                    meant[place_] = True
                    self.total += counted if isinstance(counted, bool) else int(counted[place_])
            _check(deadline)
        return meant

    def _add_times(self, chunk: Chunk, mask: Mask, edges: columns.Times) -> None:
        if chunk.latest < edges[0] or chunk.earliest >= edges[-1] or (isinstance(mask, bool) and not mask):
            return
        times, done = chunk.occurred_at, self._success[chunk.shared["outcome"]]
        if not isinstance(mask, bool):
            times, done = times[mask], done[mask]
        if np.any(np.diff(times) < 0):
            order = np.argsort(times, kind="stable")
            times, done = times[order], done[order]
        places = np.searchsorted(times, edges)
        self._whole += places
        self._done += np.concatenate(([0], np.cumsum(done)))[places]

    def counts(self, name: str) -> dict[Any, int]:
        """The values of a column with their counts, the most frequent first."""
        values = self._log.words[name].values
        found = [(values[code], int(number)) for code, number in enumerate(self._counts[name]) if number]
        return dict(sorted(found, key=lambda pair: (-pair[1], pair[0])))

    def in_time(self) -> list[Sums]:
        """What happened between each two edges."""
        pairs = zip(np.diff(self._done).tolist(), np.diff(self._whole).tolist(), strict=True)
        return [Sums(done, whole - done) for done, whole in pairs]


def concern(part: Expression) -> str:
    """The one column that a part of a filter speaks of alone; nothing where it speaks of others."""
    keys = {term.key for term in terms(part)}
    return keys.pop() if len(keys) == 1 else ""


def _all(masks: Iterable[Mask]) -> Mask:
    found: Mask = True
    for mask in masks:
        found = found & mask
    return found


def _any(masks: Iterable[Mask]) -> Mask:
    found: Mask = False
    for mask in masks:
        found = found | mask
    return found


def _number(chunk: Chunk, mask: Mask) -> int:
    return (len(chunk) if mask else 0) if isinstance(mask, bool) else int(np.count_nonzero(mask))


def _added(counts: NDArray[np.int64], codes: columns.Codes, mask: Mask) -> NDArray[np.int64]:
    """The counts by code, and those of a chunk added."""
    codes = (codes if mask else codes[:0]) if isinstance(mask, bool) else codes[mask]
    more = np.bincount(codes, minlength=len(counts))
    more[: len(counts)] += counts
    return more
