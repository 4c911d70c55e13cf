"""Buckets cover their range without gap or overlap, in whole hours and days of the zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.filters.buckets import CALENDAR, QUARTER, buckets, buckets_of
from minutebook.filters.instants import LATEST
from minutebook.filters.zones import zone_named
from minutebook.model import DAY, HOUR, MINUTE, SECOND, from_micros, to_micros

ZONES = ("UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kathmandu", "Australia/Lord_Howe")
starts = st.integers(to_micros(datetime(1990, 1, 1, tzinfo=UTC)), to_micros(datetime(2037, 1, 1, tzinfo=UTC)))
lengths = st.sampled_from(
    [1, SECOND, 30 * SECOND, MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY, 31 * DAY, 365 * DAY, 9999 * DAY]
)


def local(edge: int, zone: str) -> datetime:
    return from_micros(edge).astimezone(zone_named(zone))


@given(starts, lengths, st.integers(0, 1000), st.sampled_from(ZONES))
def test_they_cover_the_range_and_are_few(start: int, length: int, more: int, zone: str) -> None:
    end = start + length + more * length // 1000
    found = buckets(start, end, zone_named(zone))
    assert found.edges[0] <= start < found.edges[1]
    assert found.edges[-2] < end <= found.edges[-1]
    assert list(found.edges) == sorted(set(found.edges))
    assert len(found.edges) <= 64
    # Quarters of an hour of UTC add up to them, whatever the zone.
    assert all(edge % min(QUARTER, found.width.micros) == 0 for edge in found.edges)
    if found.width in CALENDAR:
        first_of = CALENDAR[found.width]
        for edge in found.edges:
            day = local(edge, zone).replace(tzinfo=None, fold=0)
            assert first_of(day.replace(hour=0, minute=0)) == day.replace(hour=0, minute=0)
            assert (day.hour, day.minute) == (0, 0) or zone != "Europe/Berlin"


@pytest.mark.parametrize(
    ("start", "end", "told", "number"),
    [
        ("2026-11-06T10:00:00", "2026-11-06T10:00:30", "second", 30),
        ("2026-11-06T10:00:00", "2026-11-06T11:00:00", "minute", 60),
        ("2026-11-06T10:00:00", "2026-11-07T10:00:00", "30 minutes", 48),
        ("2026-11-06T00:00:00", "2026-11-13T00:00:00", "3 hours", 56),
        ("2026-10-01T00:00:00", "2026-10-31T00:00:00", "12 hours", 60),
        ("2026-01-01T00:00:00", "2026-12-31T00:00:00", "week", 53),
        ("2020-01-01T00:00:00", "2024-12-01T00:00:00", "month", 59),
    ],
)
def test_they_are_as_narrow_as_is_useful(start: str, end: str, told: str, number: int) -> None:
    first, last = (to_micros(datetime.fromisoformat(text).replace(tzinfo=UTC)) for text in (start, end))
    found = buckets(first, last, zone_named("UTC"))
    assert (found.width.told, len(found.edges) - 1) == (told, number)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("start", "end"),
    [(None, LATEST), (0, LATEST), (LATEST - 40 * 365 * DAY, LATEST), (LATEST - 1, None), (LATEST - DAY, LATEST)],
)
def test_a_range_of_ages_shows_what_the_log_has_of_it(start: int | None, end: int | None, zone: str) -> None:
    span = tuple(to_micros(datetime(year, 5, 1, tzinfo=UTC)) for year in (2024, 2026))
    for now in (span[1] + DAY, LATEST - 1):
        found = buckets_of(start, end, (span[0], span[1]), zone_named(zone), now)
        assert 2 <= len(found.edges) <= 64
        assert list(found.edges) == sorted(set(found.edges))
        assert (found.edges[0] <= span[0] and found.edges[-1] > span[1]) or (start or 0) > span[1]


def test_the_october_night_has_one_hour_more() -> None:
    zone = "Europe/Berlin"
    start = to_micros(datetime(2026, 10, 24, 22, tzinfo=UTC))
    found = buckets(start, start + 2 * DAY, zone_named(zone))
    assert found.width.told == "hour"
    assert [local(edge, zone).hour for edge in found.edges[:5]] == [0, 1, 2, 3, 4]
    assert [after - before for before, after in zip(found.edges[:4], found.edges[1:5], strict=True)] == [
        HOUR,
        HOUR,
        2 * HOUR,
        HOUR,
    ]
    march = to_micros(datetime(2026, 3, 28, 23, tzinfo=UTC))
    skipped = buckets(march, march + 2 * DAY, zone_named(zone))
    assert [local(edge, zone).hour for edge in skipped.edges[:4]] == [0, 1, 3, 4]
    assert QUARTER == 15 * MINUTE
