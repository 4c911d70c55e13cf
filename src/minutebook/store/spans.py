"""When the events of a log happened, block by block, and where it can be cut by time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minutebook.store import blocks

FIRST, LAST = -(2**63), 2**63 - 1
"""Of all times."""


class Edges(NamedTuple):
    """Where events can be cut so that everything before happened before, or when, everything behind it did: numbers of
    events, with both ends, and when the last before each happened."""

    places: NDArray[np.int64]
    until: NDArray[np.int64]


class Spans:
    """The spans of the whole blocks of a log."""

    def __init__(self) -> None:
        self._spans = np.zeros((0, 3), np.int64)
        self._cuts = self._cuts_of(self._spans)
        self._breaks = self._breaks_of(self._spans)

    def __len__(self) -> int:
        return len(self._spans)

    def add(self, spans: Sequence[blocks.Span]) -> None:
        if spans:
            self._spans = np.concatenate((self._spans, np.array(spans, np.int64)))
            self._cuts = self._cuts_of(self._spans)
            self._breaks = self._breaks_of(self._spans)

    def of(self, first: int, end: int) -> blocks.Span:
        """The span of the blocks from one number up to another."""
        spans, breaks = self._spans, self._breaks
        if bisect_left(breaks, 2 * first) == bisect_left(breaks, 2 * end - 1):
            return blocks.Span(int(spans[first, 0]), int(spans[end - 1, 1]), is_sorted=True)
        return blocks.Span(int(spans[first:end, 0].min()), int(spans[first:end, 1].max()), is_sorted=False)

    def edges(self, whole: int, since: int, size: int) -> Edges:
        """Of the first so many blocks and what comes behind them up to `size`, which happened from `since` on."""
        known = self._cuts  # looked at first: another thread that adds some sets them last
        places, until = known if whole == len(self._spans) else self._cuts_of(self._spans[:whole])
        there = (until <= since) & (places * blocks.BLOCK < size)
        return Edges(
            np.concatenate(([0], places[there] * blocks.BLOCK, [size])), np.concatenate(([FIRST], until[there], [LAST]))
        )

    @staticmethod
    def _cuts_of(spans: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where whole blocks can be cut, also behind the last, and when the last event before each cut happened."""
        until = np.maximum.accumulate(spans[:, 1])
        since = np.append(np.minimum.accumulate(spans[::-1, 0])[::-1], LAST)[1:]
        places = np.flatnonzero(until <= since)
        return places + 1, until[places]

    @staticmethod
    def _breaks_of(spans: NDArray[np.int64]) -> list[int]:
        """Where the order is not that of time: 2 n within block n, 2 n + 1 between it and the next."""
        earliest, latest, are_sorted = spans.T
        within, between = np.flatnonzero(are_sorted == 0), np.flatnonzero(latest[:-1] > earliest[1:])
        return sorted((*(2 * within).tolist(), *(2 * between + 1).tolist()))
