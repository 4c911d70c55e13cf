"""What searches counted last, chunk by chunk of a log: none of it changes, so that the next page of the same search
counts only what is newer. It goes with the columns when something is erased from the log (`cache.py`)."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_ASKED = 8
"""Searches whose counts are kept, of each log."""
MOST_COUNTS = 8_192
"""Counts of so many codes are kept, here and in `memory.py`: more take as much memory as the codes themselves."""


class Counted(NamedTuple):
    """Counts of some neighbours in a log."""

    total: int
    by: dict[str, NDArray[np.int64]]
    """By column, how many have each code, up to the last code that one of them has."""
    in_time: NDArray[np.int64] | None = None
    """How many of them that succeeded, and how many in all, are before each edge: a row each."""


NOTHING = Counted(0, {})


class CountedChunks:
    """What was counted of chunks for one question, none of which overlaps another: there are never more of them than
    the log has. Safe to share between threads."""

    def __init__(self) -> None:
        self._chunks: dict[tuple[int, int], Counted] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._chunks)

    def get(self, first: int, end: int) -> Counted | None:
        """What was counted from one number up to another, if it is known."""
        return self._chunks.get((first, end))

    def put(self, first: int, end: int, counted: Counted) -> None:
        """Keeps it, in place of whatever was counted of some of the same events, unless it takes too much memory."""
        if any(len(counts) > MOST_COUNTS for counts in counted.by.values()):
            return
        with self._lock:
            for other in [other for other in self._chunks if other[0] < end and first < other[1]]:
                del self._chunks[other]
            self._chunks[first, end] = counted


class LastCounted:
    """The counts of a log for the last few questions. Safe to share between threads."""

    def __init__(self) -> None:
        self._asked: OrderedDict[Hashable, CountedChunks] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, asked: Hashable) -> CountedChunks:
        """What is known for who asks the same."""
        with self._lock:
            chunks = self._asked.setdefault(asked, CountedChunks())
            self._asked.move_to_end(asked)
            if len(self._asked) > MOST_ASKED:
                self._asked.popitem(last=False)
        return chunks
