"""A log as one search looks at it: the columns of its first events, in chunks that can be given up in between.

What is looked at is in memory, or is read when it is asked for (`memory.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from minutebook.store import blocks, memory
from minutebook.store.cache import Indexed, columns_of
from minutebook.store.columns import Codes, Passing, Times
from minutebook.store.memory import Few, Log
from minutebook.store.spans import FIRST, LAST

CHUNK = 32
"""Blocks that are looked at together: enough for arrays to pay, few enough to stop early."""
LAST_FEW = 2
"""The same for the last blocks of a log, where one event after the other must be looked at and there is little time."""
FEW = 128
"""Of a few events, so many at first: about as many as a page shows."""

Mask: TypeAlias = "NDArray[np.bool_] | bool"
"""Of each event of a chunk, whether it is meant; a plain True or False where that is the same for all."""
Numbers: TypeAlias = "NDArray[np.int64]"


class Within(NamedTuple):
    """From when to when (UTC microseconds, both inclusive)."""

    earliest: int = FIRST
    latest: int = LAST


EVER = Within()


@dataclass(frozen=True)
class Chunk:
    """Neighbours in a log, or a few of them: views of their columns that nothing changes any more, read when they are
    asked for."""

    _view: View
    first: int
    """The number of the first of the neighbours, which begins a block."""
    end: int
    """The number behind the last of them."""
    few: Numbers | None = None
    """Those of them that are here, in the order of their numbers; all, where nothing is said."""
    fits: Hashable = None
    """What says which test it is that these few pass."""

    def __len__(self) -> int:
        return self.end - self.first if self.few is None else len(self.few)

    @property
    def seqs(self) -> Numbers:
        """The numbers of its events."""
        return np.arange(self.first, self.end) if self.few is None else self.few

    @cached_property
    def span(self) -> blocks.Span:
        """When the neighbours happened."""
        return self._view.span(self.first, self.end)

    @property
    def occurred_at(self) -> Times:
        return self._column("occurred_at")

    @property
    def recorded_at(self) -> Times:
        return self._column("recorded_at")

    def codes(self, name: str) -> Codes:
        """The codes of the values in a shared column."""
        return self._column(name)

    def sums(self, name: str) -> Numbers:
        """How many of all the neighbours, of those that are not here, too, have each code in a shared column, up to the
        last code that one of them has."""
        return self._view.sums(name, self.first, self.end)

    def times_of(self, seqs: Numbers) -> Times:
        """When some of its events happened."""
        return self._view.at("occurred_at", seqs)

    def _column(self, name: str) -> NDArray[Any]:
        return self._view.column(name, self.first, self.end) if self.few is None else self._view.at(name, self.few)


def is_any(mask: Mask) -> bool:
    """Whether a mask holds for any event."""
    return mask if isinstance(mask, bool) else bool(mask.any())


def all_hold(masks: Iterable[Mask]) -> Mask:
    """For which events every mask holds. Once that is none no further mask is asked for."""
    found: Mask = True
    for mask in masks:  # a plain True costs an array as much as a mask
        found = mask if found is True else found if mask is True else found & mask
        if not is_any(found):
            return False
    return found


def any_holds(masks: Iterable[Mask]) -> Mask:
    """For which events one of the masks holds. Once that is all no further mask is asked for."""
    found: Mask = False
    for mask in masks:
        if mask is True:
            return True
        found = mask if found is False else found if mask is False or mask is found else found | mask
    return found


def numbers(chunk: Chunk, mask: Mask) -> Numbers:
    """The numbers of the events of a chunk for which the mask holds."""
    if isinstance(mask, bool):
        return chunk.seqs if mask else np.zeros(0, np.int64)
    return np.flatnonzero(mask) + chunk.first if chunk.few is None else chunk.few[mask]


@dataclass(frozen=True, slots=True)
class View:
    """The first `size` events of a log, read through one connection."""

    log: Log
    size: int
    indexed: Indexed
    _connection: Connection

    def column(self, name: str, first: int, end: int) -> NDArray[Any]:
        """A column between two numbers, of which the first begins a block."""
        return self.log.column(self._connection, name, first, end)

    def sums(self, name: str, first: int, end: int) -> Numbers:
        """How often each code is in a shared column between two numbers, of which the first begins a block."""
        return self.log.sums(self._connection, name, first, end)

    def at(self, name: str, seqs: Numbers) -> NDArray[Any]:
        """A column at some numbers in their order."""
        return self.log.at(self._connection, name, seqs, self.size)

    def span(self, first: int, end: int) -> blocks.Span:
        """When the events between two numbers happened, of which the first begins a block."""
        return self.log.span(self._connection, first, end)

    def passing(
        self, name: str, key: Hashable, test: Callable[[Any], bool], look: Callable[[], None] = lambda: None
    ) -> Passing:
        """Which of the values that are known so far pass a test; equal keys stand for equal tests. Raises what `look`
        raises, which is called now and then."""
        return self.log.words[name].passing((name, key), test, look)

    def few(
        self, name: str, key: Hashable, test: Callable[[Any], bool], look: Callable[[], None] = lambda: None
    ) -> Few | None:
        """The events whose value in a shared column passes a test, as far back as it is known that they are few."""
        return self.log.few(self._connection, name, (name, key), test, self.size, look)

    def chunks(self, first: int = 0) -> Iterator[Chunk]:
        """The events from a number on, and few before it, in the order of the log: in chunks that grow, for who may
        stop soon."""
        number, at = 1, first // blocks.BLOCK * blocks.BLOCK
        while at < self.size:
            end = min(at + number * blocks.BLOCK, self.size)
            yield Chunk(self, at, end)
            at, number = end, min(2 * number, CHUNK)

    def newest_first(self) -> Iterator[Chunk]:
        """All events from the last one back, in chunks that grow, for who may have to stop soon; none reaches beyond a
        part of which counts are kept, and most are one."""
        end, number, part = self.size, LAST_FEW, memory.PART * blocks.BLOCK
        while end:
            few = (end - 1) // blocks.BLOCK - min(number, memory.PART) + 1
            first = max(few * blocks.BLOCK, (end - 1) // part * part)
            yield Chunk(self, first, end)
            end, number = first, 2 * number

    def in_time(self, within: Within = EVER, few: Few | None = None, *, newest_first: bool) -> Iterator[Chunk]:
        """All events that happened within, or as far back as they are known a few of them, and not many others, in
        chunks none of which reaches into the time of the next: small ones, then larger.

        In the usual log the order of the log is that of time; where a clock was set back a chunk holds all that
        overlaps.
        """
        if not self.size:
            return
        edges = self._edges(within)
        if few is None:
            yield from self._between(edges, newest_first=newest_first)
            return
        known = np.searchsorted(edges, few.first)
        parts = [(edges[: known + 1], None), (edges[known:], few)]
        for part, here in reversed(parts) if newest_first else parts:
            if here is None:
                yield from self._between(part, newest_first=newest_first)
            else:
                yield from self._few_between(part, here, newest_first=newest_first)

    def range_of(self, within: Within) -> range:
        """Numbers among which are those of all events that happened within."""
        edges = self._edges(within) if self.size else (0,)
        return range(int(edges[0]), int(edges[-1]))

    def _edges(self, within: Within) -> NDArray[np.int64]:
        places, until = self.log.edges(self._connection, self.size)
        if within is EVER:
            return places
        first, last = np.searchsorted(until, within.earliest), np.searchsorted(until, within.latest, "right")
        # one at least, also where the times contradict each other
        return places[max(0, first - 1) : max(first, last + 1)]

    def _between(self, edges: NDArray[np.int64], *, newest_first: bool) -> Iterator[Chunk]:
        number, at = 1, 0
        ends: list[int] = (edges[::-1] if newest_first else edges).tolist()
        while at < len(ends) - 1:
            following = min(at + number, len(ends) - 1)
            first, end = sorted((ends[at], ends[following]))
            yield Chunk(self, first, end)
            at, number = following, min(2 * number, CHUNK)

    def _few_between(self, edges: NDArray[np.int64], few: Few, *, newest_first: bool) -> Iterator[Chunk]:
        if not len(edges):
            return
        first, end, number = int(edges[0]), int(edges[-1]), FEW
        seqs = few.seqs[np.searchsorted(few.seqs, first) : np.searchsorted(few.seqs, end)]
        while len(seqs):
            if newest_first:
                start, stop = int(edges[np.searchsorted(edges, seqs[-number:][0], "right") - 1]), end
                at = np.searchsorted(seqs, start)
                here, seqs, end = seqs[at:], seqs[:at], start
            else:
                start, stop = first, int(edges[np.searchsorted(edges, seqs[:number][-1], "right")])
                at = np.searchsorted(seqs, stop)
                here, seqs, first = seqs[:at], seqs[at:], stop
            yield Chunk(self, start, stop, here, few.fits)
            number = min(2 * number, 4 * FEW)


def view_of(connection: Connection, organization: int, size: int) -> View:
    """The first `size` events of a log."""
    log, indexed = columns_of(connection, organization)
    log.read_to(connection, size)
    return View(log, size, indexed, connection)
