"""Where rare values stand in a column: for each code the numbers of the events that have it, so that nobody looks
through a whole log for a few."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minutebook.store.columns import Codes

NOWHERE = np.zeros(0, np.int64)


class _Part(NamedTuple):
    """Of neighbours: their places sorted by code, the codes that they have, and where in the places each begins."""

    places: NDArray[np.unsignedinteger]
    codes: array[int]
    begins: array[int]


class Places:
    """The places of the codes in a column, so many events together as `size` says, as far as they have been put in.
    Safe to share between threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._parts: dict[int, _Part] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._parts

    def put(self, number: int, codes: Codes) -> None:
        """Puts in part `number`, of `size` events."""
        places = np.argsort(codes, kind="stable")
        there, begins = np.unique(codes[places], return_index=True)
        places += number * self._size
        # as arrays of Python, in which one number is looked up in a quarter of the time
        self._parts[number] = _Part(
            places.astype(np.min_scalar_type(places.max())),
            array("I", there.astype(np.uint32).tobytes()),
            array("I", np.append(begins, len(codes)).astype(np.uint32).tobytes()),
        )

    def of(self, codes: Sequence[int], numbers: range, most: int) -> NDArray[np.int64] | None:
        """The places of all of the codes in these parts, in order; None if there are more than `most`."""
        found: list[NDArray[np.integer]] = [NOWHERE]
        count = 0
        for number in numbers:
            places, there, begins = self._parts[number]
            for code in codes:
                at = bisect_left(there, code)
                if at < len(there) and there[at] == code:
                    found.append(places[begins[at] : begins[at + 1]])
                    count += len(found[-1])
            if count > most:
                return None
        together = np.concatenate(found, dtype=np.int64)
        if len(codes) > 1:
            together.sort()
        return together
