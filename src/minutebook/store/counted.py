"""What searches counted last, chunk by chunk of a log: none of it changes, so that the next page of the same search
counts only what is newer. It goes with the columns when something is erased from the log (`cache.py`)."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple, TypeAlias

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

    @property
    def is_small(self) -> bool:
        """Whether it is worth the memory that keeps it."""
        return all(len(counts) <= MOST_COUNTS for counts in self.by.values())


NOTHING = Counted(0, {})
Chunks: TypeAlias = dict[tuple[int, int], Counted]
"""By the number of the first of the neighbours, and the one behind the last."""


class LastCounted:
    """The counts of a log for the last few questions. Safe to share between threads."""

    def __init__(self) -> None:
        self._asked: OrderedDict[Hashable, Chunks] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, asked: Hashable) -> Chunks:
        """What is known for who asks the same. Whoever puts more into it takes out what is of no use any more."""
        with self._lock:
            chunks = self._asked.setdefault(asked, {})
            self._asked.move_to_end(asked)
            if len(self._asked) > MOST_ASKED:
                self._asked.popitem(last=False)
        return chunks
