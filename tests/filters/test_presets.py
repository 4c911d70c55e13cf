"""The ranges of the date popover: they stay what they are called, and mean instants of whoever looks when they do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from minutebook.filters import PRESETS, Filter, Here, wall_fields, write, zone_named
from minutebook.model import to_micros

BY_LABEL = {preset.label: Filter(start=preset.start, end=preset.end) for preset in PRESETS}


def test_presets_are_told_from_now_on() -> None:
    assert {label: [text for _, text in write(filter_)] for label, filter_ in BY_LABEL.items()} == {
        "Last hour": ["-1h"],
        "Last 24 hours": ["-24h"],
        "Last 7 days": ["-7d"],
        "Last 30 days": ["-30d"],
        "This month": ["this-month"],
        "Last month": ["last-month", "last-month"],
        "All time": [],
    }


def test_presets_in_berlin_after_the_change_of_the_clock() -> None:
    here = Here(zone_named("Europe/Berlin"), to_micros(datetime(2026, 11, 6, 17, 5, 59, 7, tzinfo=UTC)))
    assert {label: [text for _, text in write(filter_.at(here))] for label, filter_ in BY_LABEL.items()} == {
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
    here = Here(zone_named(zone), to_micros(datetime(2027, 1, 15, tzinfo=UTC)))
    last = BY_LABEL["Last month"].at(here)
    assert wall_fields(last, here.zone) == {
        "start_date": "2026-12-01",
        "start_time": "",
        "end_date": "2026-12-31",
        "end_time": "",
    }
    assert BY_LABEL["This month"].at(here).start == last.end


def test_the_month_is_not_always_that_of_utc() -> None:
    here = Here(zone_named("America/Los_Angeles"), to_micros(datetime(2026, 11, 1, 3, tzinfo=UTC)))
    assert BY_LABEL["This month"].at(here).start == to_micros(datetime(2026, 10, 1, 7, tzinfo=UTC))
