"""Where rare values stand in a column: for each code the numbers of the events that have it, so that nobody looks
through a whole log for a few."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minutebook.store.columns import Codes

NOWHERE = np.zeros(0, np.int64)


class _Part(NamedTuple):
    """Of neighbours: their places sorted by code, and where in these each code begins."""

    places: NDArray[np.uint32]
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
        begins = array("q", [0, *np.cumsum(np.bincount(codes)).tolist()])
        places = np.argsort(codes, kind="stable") + number * self._size
        self._parts[number] = _Part(places.astype(np.min_scalar_type(places.max())), begins)

    def of(self, codes: Sequence[int], numbers: range, most: int) -> NDArray[np.int64] | None:
        """The places of all of the codes in these parts, in order; None if there are more than `most`."""
        found: list[NDArray[np.integer]] = [NOWHERE]
        count = 0
        for number in numbers:
            places, begins = self._parts[number]
            for code in codes:
                if code + 1 < len(begins) and begins[code] < begins[code + 1]:
                    found.append(places[begins[code] : begins[code + 1]])
                    count += begins[code + 1] - begins[code]
            if count > most:
                return None
        together = np.concatenate(found, dtype=np.int64)
        if len(codes) > 1:
            together.sort()
        return together
