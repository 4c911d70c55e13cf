"""The ranges of the date popover, in the zone of whoever looks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from minutebook.filters import Filter, presets, wall_fields, write, zone_named
from minutebook.model import to_micros


def test_presets_in_berlin_after_the_change_of_the_clock() -> None:
    now = to_micros(datetime(2026, 11, 6, 17, 5, 59, 7, tzinfo=UTC))
    offered = presets(now, zone_named("Europe/Berlin"))
    assert {label: [text for _, text in write(Filter(start=start, end=end))] for label, start, end in offered} == {
        "Last hour": ["2026-11-06T16:05Z"],
        "Last 24 hours": ["2026-11-05T17:05Z"],
        "Last 7 days": ["2026-10-30T17:05Z"],
        "Last 30 days": ["2026-10-07T17:05Z"],
        "This month": ["2026-10-31T23:00Z"],
        "Last month": ["2026-09-30T22:00Z", "2026-10-31T22:59Z"],
        "All time": [],
    }


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_months_are_those_of_the_zone(zone: str) -> None:
    now = to_micros(datetime(2027, 1, 15, tzinfo=UTC))
    by_label = {preset.label: preset for preset in presets(now, zone_named(zone))}
    last = by_label["Last month"]
    assert wall_fields(Filter(start=last.start, end=last.end), zone_named(zone)) == {
        "start_date": "2026-12-01",
        "start_time": "",
        "end_date": "2026-12-31",
        "end_time": "",
    }
    assert by_label["This month"].start == last.end


def test_the_month_is_not_always_that_of_utc() -> None:
    now = to_micros(datetime(2026, 11, 1, 3, tzinfo=UTC))
    by_label = {preset.label: preset for preset in presets(now, zone_named("America/Los_Angeles"))}
    assert by_label["This month"].start == to_micros(datetime(2026, 10, 1, 7, tzinfo=UTC))
