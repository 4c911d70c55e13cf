"""Counts: how many events a filter finds, of which kinds, and when. One way through the columns of a log for all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from minutebook.errors import TooSlow
from minutebook.filters import Filter
from minutebook.filters.expression import NOTHING_ASKED, Expression, all_of, conjuncts, terms
from minutebook.filters.term_values import actor_of
from minutebook.model import ActorKind, Outcome
from minutebook.store import columns
from minutebook.store.bound import Deadline, bounded
from minutebook.store.closer import Closer
from minutebook.store.counted import NOTHING, Counted
from minutebook.store.index import pruned
from minutebook.store.log import seq_of
from minutebook.store.scope import Scope
from minutebook.store.view import Chunk, Mask, all_hold, any_holds, is_any, numbers, view_of
from minutebook.store.where import Look, means_of, plan, there, within

COUNT_SECONDS = 1.0
TELLING, LIKELY = 0.1, 2.0
"""What was counted in this part of the time tells how long all will take; up to so many times what was allowed, it may
be done in time."""
AT_ONCE = 64


class Count(NamedTuple):
    """How many events were found; where not `is_exact`, at least so many."""

    number: int
    is_exact: bool


class Patience(NamedTuple):
    """How long counts are waited for: so many seconds, on a clock that is never set."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    all_or_nothing: bool = False
    """They are given up as soon as it can be told that there will not be time for all."""


class Sums(NamedTuple):
    """How many events happened in some time."""

    succeeded: int
    other: int


@dataclass(frozen=True, slots=True)
class Survey:
    """How many events a filter finds, of which kinds and when. Where `total` is not exact nothing is: the newest events
    were counted, as far as the time allowed, and of everything there are at least so many.

    Of each of `columns.SHARED` the counts leave out what the filter says of that column alone, so that a choice can be
    compared with its alternatives; the most frequent value comes first.
    """

    total: Count
    by: dict[str, dict[Any, int]]
    in_time: list[Sums]


def survey(
    connection: Connection,
    scope: Scope,
    filter_: Filter,
    by: Iterable[str] = (),
    edges: Sequence[int] = (),
    patience: Patience | None = None,
) -> Survey:
    """Counts of all that is found, by some of the columns, and from each of the ascending edges (UTC microseconds) to
    before the next.

    It takes COUNT_SECONDS at most, or as long as the patience says.
    """
    patience = patience or Patience(COUNT_SECONDS)
    wanted = tuple(by)
    nothing = scope.asking(filter_) == NOTHING_ASKED and not wanted and not edges
    if nothing and not pruned(connection, scope.organization):
        return Survey(Count(scope.size, is_exact=True), {}, [])
    tally = _Tally(wanted, edges, all_or_nothing=patience.all_or_nothing)
    with suppress(TooSlow), bounded(connection, patience.seconds, patience.clock) as deadline:
        tally.run(connection, scope, conjuncts(scope.meant(filter_)), deadline)
    return Survey(
        Count(tally.total, tally.is_done),
        {name: tally.counts(name) for name in wanted},
        tally.in_time() if edges else [],
    )


def count(connection: Connection, scope: Scope, filter_: Filter) -> Count:
    """How many events the filter finds, or at least finds, as far as the time allows."""
    return survey(connection, scope, filter_).total


def count_by(connection: Connection, scope: Scope, filter_: Filter, column: str) -> dict[Any, int]:
    """How many events of each value of a column the other parts of the filter find, the most frequent first."""
    return survey(connection, scope, filter_, (column,)).by[column]


def count_by_actor(connection: Connection, scope: Scope, filter_: Filter, limit: int) -> dict[str, int]:
    """How many events of each actor, as `by_text` calls them, the other parts of the filter find, the busiest first."""
    return by_text(count_by(connection, scope, filter_, "actor"), limit)


def by_text(actors: dict[columns.Who, int], limit: int) -> dict[str, int]:
    """Counts of actors added up by what `actor:` finds them by, the busiest first: their address, or where they have
    none, their id; the kind of the system. Without people whose address was erased."""
    found: dict[str, int] = {}
    for who, number in actors.items():
        text = who.email
        if not text and who.kind != ActorKind.USER:  # their id finds what has their address, too
            actor = actor_of(*who)
            text = actor.text if actor else ""
        if text:
            found[text] = found.get(text, 0) + number
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:limit])


class _Tally:
    """One way through the log, from its end, that counts everything at once."""

    def __init__(self, by: Sequence[str], edges: Sequence[int], *, all_or_nothing: bool) -> None:
        self._by = tuple(by)
        self._all_or_nothing = all_or_nothing
        self._began = time.thread_time()
        self._edges = np.array(edges, np.int64)
        self.total = 0
        self.is_done = False
        self._counts = {name: np.zeros(0, np.int64) for name in by}
        self._words: dict[str, columns.Words] = {}
        self._in_time = np.zeros((2, len(edges)), np.int64)

    def run(self, connection: Connection, scope: Scope, parts: Sequence[Expression], deadline: Deadline) -> None:
        """Counts. Raises TooSlow when the time is over; what was counted by then is there."""
        view = view_of(connection, scope.organization, scope.size)
        self._words = view.log.words
        means = means_of(connection, view, deadline)
        # what the scope leaves out is left out of every count
        concerned = [*((part, "") for part in conjuncts(scope.within)), *((part, concern(part)) for part in parts)]
        plans = [(plan(part, means), part, column) for part, column in concerned]
        exact = [(there(means), "")] if view.log.pruned else []
        exact += [(found.look, column) for found, _, column in plans if found.is_exact]
        exact.sort(key=lambda pair: pair[1] in columns.SHARED)  # first what needs no column read
        rest = plan(all_of(part for found, part, _ in plans if not found.is_exact), means)
        closer = Closer(connection, scope.organization, rest.rest, None)
        in_time = view.range_of(within(all_of([*parts, scope.within])))
        kept = view.log.counted.of((frozenset(concerned), self._by, *self._edges.tolist()))
        for number, chunk in enumerate(view.newest_first()):
            if number:
                deadline.check()
            if (known := kept.get(chunk.first, chunk.end)) is not None:
                self._take(known)
                continue
            every, own = self._masks(chunk, exact)
            widest = any_holds([every, *own.values()])
            if widest is False:
                kept.put(chunk.first, chunk.end, NOTHING)
                continue
            done = (in_time.stop - chunk.end) / max(1, len(in_time))
            if done > 0 and self._all_or_nothing and not self._will_end(deadline.seconds, done):
                return
            is_whole = True
            if not rest.is_exact:
                meant, is_whole = _looked_at(chunk, all_hold([widest, rest.look(chunk)]), closer, deadline)
                every, own = all_hold([every, meant]), {name: all_hold([mask, meant]) for name, mask in own.items()}
            counted = self._counted(chunk, every, own)
            self._take(counted)
            if not is_whole:
                return
            kept.put(chunk.first, chunk.end, counted)
        self.is_done = True

    def _will_end(self, seconds: float, part: float) -> bool:
        """Whether there may be time for all, after this part of it (0 to 1). In time of the processor: how long the
        others will be waited for cannot be told."""
        spent = time.thread_time() - self._began
        return spent < TELLING * seconds or spent < LIKELY * seconds * part

    def _counted(self, chunk: Chunk, every: Mask, own: dict[str, Mask]) -> Counted:
        masks = {id(mask): mask for mask in (every, *own.values())}  # most counts share one
        meant = {key: _Meant(chunk, mask) for key, mask in masks.items()}
        by = {name: meant[id(mask)].counts(name) for name, mask in own.items()}
        return Counted(meant[id(every)].number, by, self._before(chunk, meant[id(every)]))

    def _take(self, counted: Counted) -> None:
        self.total += counted.total
        for name, counts in counted.by.items():
            self._counts[name] = _added(self._counts[name], counts)
        if counted.in_time is not None:
            self._in_time += counted.in_time

    def _masks(self, chunk: Chunk, exact: Sequence[tuple[Look, str]]) -> tuple[Mask, dict[str, Mask]]:
        """Which events are counted, and which for each column, as far as columns can tell."""
        every: Mask = True
        own: dict[str, Mask] = dict.fromkeys(self._by, True)
        for look, concerned in exact:
            if not (is_any(every) or any(is_any(mask) for mask in own.values())):
                return False, dict.fromkeys(self._by, False)
            mask = look(chunk)
            every = all_hold([every, mask])
            own |= {name: all_hold([own[name], mask]) for name in self._by if name != concerned}
        return every, own

    def _before(self, chunk: Chunk, meant: _Meant) -> NDArray[np.int64] | None:
        """How many that succeeded, and how many in all, happened before each edge; None for none between them."""
        edges = self._edges
        if not meant.number or not len(edges) or chunk.span.latest < edges[0] or chunk.span.earliest >= edges[-1]:
            return None
        times, codes = meant.of(chunk.occurred_at), meant.of(chunk.codes("outcome"))
        outcomes = self._words["outcome"].values  # only now: whatever values the codes stand for are known
        is_done = codes == (outcomes.index(Outcome.SUCCESS) if Outcome.SUCCESS in outcomes else len(outcomes))
        if not chunk.span.is_sorted:
            order = np.argsort(times, kind="stable")
            times, is_done = times[order], is_done[order]
        places = np.searchsorted(times, edges)
        done = np.cumsum([np.count_nonzero(is_done[start:end]) for start, end in pairwise([0, *places.tolist()])])
        return np.stack((done, places))

    def counts(self, name: str) -> dict[Any, int]:
        """The values of a column with their counts, the most frequent first."""
        values = self._words[name].values if self._words else []
        found = [(values[code], int(number)) for code, number in enumerate(self._counts[name]) if number]
        return dict(sorted(found, key=lambda pair: (-pair[1], pair[0])))

    def in_time(self) -> list[Sums]:
        """What happened between each two edges."""
        pairs = zip(*np.diff(self._in_time).tolist(), strict=True)
        return [Sums(done, whole - done) for done, whole in pairs]


def _looked_at(chunk: Chunk, maybe: Mask, closer: Closer, deadline: Deadline) -> tuple[NDArray[np.bool_], bool]:
    """Of the events that may be meant those that are, each looked at, from the newest on; and whether the time allowed
    to look at all of them."""
    meant = np.zeros(len(chunk), np.bool_)
    found = numbers(chunk, maybe)[::-1]
    for at in range(0, len(found), AT_ONCE):
        if deadline.is_over:
            return meant, False
        rows = closer.meant(found[at : at + AT_ONCE].tolist())
        meant[[seq_of(row) - chunk.first for row in rows]] = True
    return meant, True


def concern(part: Expression) -> str:
    """The one column that a part of a filter speaks of alone; nothing where it speaks of others."""
    keys = {term.key for term in terms(part)}
    return keys.pop() if len(keys) == 1 else ""


class _Meant:
    """The events of a chunk for which a mask holds."""

    def __init__(self, chunk: Chunk, mask: Mask) -> None:
        self._chunk = chunk
        self._mask = mask
        self._is_all = mask is True
        self.number = len(chunk) if self._is_all else int(np.count_nonzero(mask))

    @cached_property
    def _places(self) -> NDArray[np.intp]:
        return np.flatnonzero(self._mask)

    def of(self, values: NDArray[Any]) -> NDArray[Any]:
        """Their values in a column. By places: taking them by the mask, a comparison each, is six times as slow."""
        return values if self._is_all else values.take(self._places) if self.number else values[:0]

    def counts(self, name: str) -> NDArray[np.int64]:
        """How many of them have each code in a shared column."""
        return self._chunk.sums(name) if self._is_all else np.bincount(self.of(self._chunk.codes(name)))


def _added(counts: NDArray[np.int64], more: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts by code, in one of which the last codes may be missing, added up."""
    few, many = sorted((counts, more), key=len)
    added = many.copy()
    added[: len(few)] += few
    return added
