"""When neighbours in a log happened."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.store.blocks import Span
from minutebook.store.spans import Spans


def _of_blocks(spans: list[Span]) -> Span:
    """What the span of some blocks is, said plainly."""
    follows = all(earlier.latest <= later.earliest for earlier, later in pairwise(spans))
    return Span(
        min(span.earliest for span in spans),
        max(span.latest for span in spans),
        follows and all(span.is_sorted for span in spans),
    )


BLOCKS = st.builds(
    lambda at, length, is_sorted: Span(at, at + length, is_sorted), st.integers(0, 9), st.integers(0, 2), st.booleans()
)


@given(st.lists(BLOCKS, min_size=1, max_size=6), st.integers(0, 6))
def test_the_span_of_blocks_is_that_of_all_of_them(blocks: list[Span], at_first: int) -> None:
    spans = Spans()
    for some in (blocks[:at_first], blocks[at_first:]):  # as a log grows
        spans.add(some)
    for first, end in combinations(range(len(blocks) + 1), 2):
        assert spans.of(first, end) == _of_blocks(blocks[first:end])


@pytest.mark.parametrize("broken", range(4))
def test_blocks_are_in_order_but_for_those_that_reach_over_the_break(broken: int) -> None:
    blocks = [Span(10 * number, 10 * number + 9, is_sorted=number != broken) for number in range(4)]
    spans = Spans()
    spans.add(blocks)
    for first, end in combinations(range(5), 2):
        assert spans.of(first, end).is_sorted == (not first <= broken < end)
