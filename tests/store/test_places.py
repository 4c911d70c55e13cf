"""Where rare values stand: the same as looking at every code."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minutebook.store.places import Places

SIZE = 8


@given(
    parts=st.lists(st.lists(st.integers(0, 5), min_size=SIZE, max_size=SIZE), max_size=6),
    codes=st.lists(st.integers(0, 7), unique=True, max_size=3).map(sorted),
    most=st.integers(0, 12),
    first=st.integers(0, 3),
    backwards=st.booleans(),
)
def test_places_are_those_of_a_plain_look(
    parts: list[list[int]], codes: list[int], most: int, first: int, *, backwards: bool
) -> None:
    places = Places(SIZE)
    for number in range(len(parts))[:: -1 if backwards else 1]:
        assert number not in places
        places.put(number, np.array(parts[number], np.uint8))
        assert number in places
    every = [code for part in parts for code in part]
    meant = [place for place in range(first * SIZE, len(every)) if every[place] in codes]
    found = places.of(codes, range(first, max(first, len(parts))), most)
    if len(meant) > most:
        assert found is None
    else:
        assert found is not None
        assert found.tolist() == meant
