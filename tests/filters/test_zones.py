"""Zones by name, and what people call them."""

from __future__ import annotations

from datetime import UTC as PYTHON_UTC
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.filters.zones import UTC, told, told_end, zone_label, zone_named
from minutebook.model import MINUTE, to_micros

JULY = to_micros(datetime(2026, 7, 1, 12, tzinfo=PYTHON_UTC))
JANUARY = to_micros(datetime(2026, 1, 1, 12, tzinfo=PYTHON_UTC))


@pytest.mark.parametrize(
    ("name", "summer", "winter"),
    [
        ("UTC", "UTC", "UTC"),
        ("Europe/Berlin", "CEST", "CET"),
        ("America/Los_Angeles", "PDT", "PST"),
        ("Asia/Kathmandu", "UTC+05:45", "UTC+05:45"),
        ("Asia/Katmandu", "UTC+05:45", "UTC+05:45"),
        ("Australia/Lord_Howe", "UTC+10:30", "UTC+11:00"),
        ("America/Sao_Paulo", "UTC-03:00", "UTC-03:00"),
        ("Factory", "UTC", "UTC"),
    ],
)
def test_a_zone_is_found_and_labelled(name: str, summer: str, winter: str) -> None:
    zone = zone_named(name)
    assert zone.key == name
    assert (zone_label(JULY, zone), zone_label(JANUARY, zone)) == (summer, winter)


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "utc",
        "Mars/Olympus",
        "/etc/passwd",
        "../zones",
        "Europe",
        "Europe/",
        "Europe/Berlin\0",
        "zone.tab",
        "x" * 10**6,
    ],
)
def test_anything_else_is_utc(name: str | None) -> None:
    assert zone_named(name) is UTC


@given(st.text())
def test_no_name_fails(name: str) -> None:
    assert zone_named(name).key


def test_no_file_is_opened_for_a_name_that_is_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    zone_named("UTC")

    def fail(*_args: object) -> None:
        raise AssertionError("a file is opened")

    monkeypatch.setattr("minutebook.filters.zones.resources.files", fail)
    assert zone_named("../../../etc/localtime") is UTC


def test_a_time_is_told_as_short_as_is_exact() -> None:
    berlin = zone_named("Europe/Berlin")
    assert told(JULY, berlin) == "1 Jul 2026 14:00 CEST"
    assert told(JULY + 1_000_000, berlin) == "1 Jul 2026 14:00:01 CEST"
    assert told(JULY + 1, berlin) == "1 Jul 2026 14:00:00.000001 CEST"
    assert told_end(JULY, berlin) == "1 Jul 2026 13:59 CEST"
    assert told_end(JULY + MINUTE + 1, berlin) == "1 Jul 2026 14:01:00.000000 CEST"
