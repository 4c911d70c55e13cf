"""Columns: what was read once stays true, written blocks say what the events say, and time order survives clocks."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import numpy as np
import pytest
import zstandard

from minutebook.store import columns
from minutebook.store.columns import BLOCK, Log, Row, Who


def rows(number: int, *, seed: int = 1, step_back: int = 0) -> list[Row]:
    chance = random.Random(seed)
    return [
        Row(
            1_000 * at - (step_back if at % 1000 > 900 else 0),
            1_000 * at,
            (
                chance.choice(["user.login", "mode.create"]),
                "success",
                Who("user", f"usr_{chance.randrange(9)}", chance.choice(["", "ada@calder.example"])),
                chance.choice(["", "10.1.2.3", "2001:db8::1"]),
                "web",
            ),
        )
        for at in range(number)
    ]


def filled(events: list[Row], *, at_once: int) -> Log:
    log = Log(1)
    for first in range(0, len(events), at_once):
        log._add(events[first : first + at_once])
    return log


def read_back(log: Log, chunk: columns.Chunk) -> list[Row]:
    values = zip(
        *([log.words[name].values[code] for code in codes] for name, codes in chunk.shared.items()), strict=True
    )
    return [Row(*row) for row in zip(chunk.occurred_at.tolist(), chunk.recorded_at.tolist(), values, strict=True)]


@pytest.mark.parametrize("at_once", [1, 7, BLOCK + 5])
def test_chunks_are_the_events_in_their_order(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "BLOCK", 16)
    monkeypatch.setattr(columns, "CHUNK", 64)
    events = rows(333)
    log = filled(events, at_once=at_once)
    for size in (1, 15, 16, 17, 64, 200, 333):
        chunks = list(log.chunks(size))
        assert [row for chunk in chunks for row in read_back(log, chunk)] == events[:size]
        for chunk in chunks:
            assert (chunk.earliest, chunk.latest) == (chunk.occurred_at.min(), chunk.occurred_at.max())


def test_a_view_stays_as_it_was_while_the_log_grows() -> None:
    events = rows(300)
    log = filled(events[:10], at_once=10)
    (before,) = log.chunks(10)
    for row in events[10:]:
        log._add([row])
    assert read_back(log, before) == events[:10]


def overlaps(chunks: Iterator[columns.Chunk]) -> bool:
    spans = [(chunk.earliest, chunk.latest) for chunk in chunks]
    return any(later[0] < earlier[1] for earlier, later in itertools.pairwise(spans))


@pytest.mark.parametrize("step_back", [0, 5_000, 50_000, 10_000_000])
def test_chunks_in_time_do_not_reach_into_each_other(step_back: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "BLOCK", 16)
    monkeypatch.setattr(columns, "CHUNK", 64)
    log = filled(rows(3000, step_back=step_back), at_once=100)
    for size in (1, 16, 950, 2999, 3000):
        oldest_first = list(log.in_time(size, newest_first=False))
        newest_first = list(log.in_time(size, newest_first=True))
        for chunks in (oldest_first, newest_first[::-1]):
            assert next((chunk.first, chunk.end) for chunk in chunks)[0] == 0
            assert all(one.end == two.first for one, two in itertools.pairwise(chunks))
            assert chunks[-1].end == size
            assert not overlaps(iter(chunks))
        if not step_back:
            assert max(len(newest_first[0]), len(oldest_first[0])) <= 16, "a first page looks at a few events only"


def test_a_block_is_read_as_it_was_written() -> None:
    events = rows(BLOCK)
    stored = columns.write(events)
    log = Log(1)
    log._add(rows(BLOCK, seed=2))  # other codes for the same values
    log._add_written(columns.read(stored))
    (chunk,) = (log.chunk(BLOCK, 2 * BLOCK),)
    assert read_back(log, chunk) == events
    assert len(stored) < 12 * BLOCK


@pytest.mark.parametrize("junk", [b"", b"junk", zstandard.compress(b"\0\0\0\2{}")])
def test_what_is_no_block_is_refused(junk: bytes) -> None:
    with pytest.raises(ValueError, match="block of columns"):
        columns.read(junk)


def test_the_log_least_asked_for_leaves_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "MOST", 100)
    cache = columns.Cache()
    first, second = cache.log(1), cache.log(2)
    first._add(rows(60))
    second._add(rows(60))
    assert cache.log(2) is second
    assert cache.log(1) is not first
    assert cache.log(2) is second


def test_codes_by_test() -> None:
    words = columns.Words()
    assert [words.code(value) for value in ("a", "b", "a")] == [0, 1, 0]
    assert np.array_equal(words.where(lambda value: value == "b"), [False, True])
