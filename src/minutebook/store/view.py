"""A log as one search looks at it: the columns of its first events, in chunks that can be given up in between.

What is looked at is in memory, or is read when it is asked for (`memory.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from minutebook.store import blocks
from minutebook.store.columns import Codes, Passing, Times
from minutebook.store.memory import LAST, Log, log_of

CHUNK = 32
"""Blocks that are looked at together: enough for arrays to pay, few enough to stop early."""

Mask: TypeAlias = "NDArray[np.bool_] | bool"
"""Of each event of a chunk, whether it is meant; a plain True or False where that is the same for all."""
Numbers: TypeAlias = "NDArray[np.int64]"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Neighbours in a log: views of its columns that nothing changes any more, read when they are asked for."""

    _view: View
    first: int
    """The number of its first event."""
    end: int
    """The number behind its last event."""
    earliest: int
    latest: int
    """Of `occurred_at`."""
    is_sorted: bool
    """Whether its events happened in the order of their numbers."""

    def __len__(self) -> int:
        return self.end - self.first

    @property
    def occurred_at(self) -> Times:
        return self._view.column("occurred_at", self.first, self.end)

    @property
    def recorded_at(self) -> Times:
        return self._view.column("recorded_at", self.first, self.end)

    def codes(self, name: str) -> Codes:
        """The codes of the values in a shared column."""
        return self._view.column(name, self.first, self.end)


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
    """For which events one of the masks holds."""
    found: Mask = False
    for mask in masks:
        found = mask if found is False else found if mask is False else found | mask
    return found


def numbers(chunk: Chunk, mask: Mask) -> Numbers:
    """The numbers of the events of a chunk for which the mask holds."""
    if isinstance(mask, bool):
        return np.arange(chunk.first, chunk.end if mask else chunk.first)
    return np.flatnonzero(mask) + chunk.first


@dataclass(frozen=True, slots=True)
class View:
    """The first `size` events of a log, read through one connection."""

    log: Log
    size: int
    _connection: Connection

    def column(self, name: str, first: int, end: int) -> NDArray[Any]:
        """A column between two numbers, of which the first begins a block."""
        return self.log.column(self._connection, name, first, end)

    def passing(self, name: str, key: Hashable, test: Callable[[Any], bool]) -> Passing:
        """Which of the values that are known so far pass a test; equal keys stand for equal tests."""
        return self.log.words[name].passing((name, key), test)

    def chunks(self, first: int | None = None) -> Iterator[Chunk]:
        """All events, in the order of the log; or those from a number on, and few before it, in chunks that grow, for
        who may stop soon."""
        number = CHUNK if first is None else 1
        at = (first or 0) // blocks.BLOCK * blocks.BLOCK
        while at < self.size:
            end = min(at + number * blocks.BLOCK, self.size)
            yield self._chunk(at, end)
            at, number = end, min(2 * number, CHUNK)

    def in_time(self, *, newest_first: bool) -> Iterator[Chunk]:
        """All events, in chunks none of which reaches into the time of the next: small ones, then larger.

        In the usual log the order of the log is that of time; where a clock was set back a chunk holds all that
        overlaps.
        """
        edges = self._edges()
        if newest_first:
            edges.reverse()
        number, at = 1, 0
        while at < len(edges) - 1:
            following = min(at + number, len(edges) - 1)
            first, end = sorted((edges[at], edges[following]))
            yield self._chunk(first, end)
            at, number = following, min(2 * number, CHUNK)

    def _edges(self) -> list[int]:
        """Where the events can be cut so that everything before happened before, or when, everything behind it did."""
        whole, more = divmod(self.size, blocks.BLOCK)
        since = self.log.span(self._connection, self.size - more, self.size).earliest if more else LAST
        edges = [0, *(self.log.cuts(whole, since) * blocks.BLOCK).tolist()]
        return [*edges, self.size] if more else edges

    def _chunk(self, first: int, end: int) -> Chunk:
        return Chunk(self, first, end, *self.log.span(self._connection, first, end))


def view_of(connection: Connection, organization: int, size: int) -> View:
    """The first `size` events of a log."""
    log = log_of(connection, organization)
    log.read_to(connection, size)
    return View(log, size, connection)
