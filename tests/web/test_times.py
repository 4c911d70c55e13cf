"""Times in words, in every zone."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from minutebook.filters import UTC as UTC_ZONE
from minutebook.filters import Filter, zone_named
from minutebook.model import DAY, HOUR, MINUTE, SECOND, to_micros
from minutebook.web import times

BERLIN = zone_named("Europe/Berlin")


def utc(text: str) -> int:
    return to_micros(datetime.fromisoformat(text).replace(tzinfo=UTC))


THEN = utc("2026-11-12T14:12:40.358219")


def test_a_row_tells_the_second_and_keeps_the_microsecond() -> None:
    moment = times.row_time(THEN, BERLIN)
    assert moment.text == "15:12:40"
    assert moment.exact == "Thu 12 Nov 2026, 15:12:40.358219 CET"
    assert moment.utc == "2026-11-12T14:12:40.358219Z"


def test_an_event_tells_the_millisecond_without_rounding_up() -> None:
    assert times.full_time(THEN, BERLIN).text == "Thu 12 Nov 2026, 15:12:40.358 CET"
    assert times.full_time(utc("2026-11-12T14:59:59.999999"), UTC_ZONE).text == "Thu 12 Nov 2026, 14:59:59.999 UTC"
    assert times.minute_time(THEN, BERLIN).text == "Thu 12 Nov 2026, 15:12 CET"


@pytest.mark.parametrize(
    ("when", "zone", "said"),
    [
        ("2026-11-12T14:12:40.358", "Europe/Berlin", "14:12:40.358 UTC"),
        ("2026-11-11T23:30", "Europe/Berlin", "Wed 11 Nov 2026, 23:30:00.000 UTC"),
        ("2026-01-01T00:00", "America/Los_Angeles", "Thu 1 Jan 2026, 00:00:00.000 UTC"),
    ],
)
def test_the_other_zone_names_its_day_where_it_is_another(when: str, zone: str, said: str) -> None:
    assert times.elsewhere(utc(when), zone_named(zone), UTC_ZONE) == said


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (0, "just now"),
        (59 * SECOND, "just now"),
        (MINUTE, "1 minute ago"),
        (29 * MINUTE, "29 minutes ago"),
        (2 * HOUR - 1, "1 hour ago"),
        (3 * DAY, "3 days ago"),
        (800 * DAY, "2 years ago"),
        (-1, ""),
    ],
)
def test_how_long_ago(passed: int, said: str) -> None:
    assert times.ago(THEN, THEN + passed) == said


def test_days() -> None:
    today = date(2026, 11, 12)
    assert times.day_heading(today, today) == ("Thursday 12 November", "Today")
    assert times.day_heading(date(2026, 11, 11), today) == ("Wednesday 11 November", "Yesterday")
    assert times.day_heading(date(2025, 12, 31), today) == ("Wednesday 31 December 2025", "")
    assert times.day_heading(date(2025, 12, 31), date(2026, 1, 1)) == ("Wednesday 31 December 2025", "Yesterday")
    assert times.day_heading(date(2026, 11, 13), today)[1] == ""


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (None, None, ""),
        ("2026-11-05T23:00", None, "6 Nov 00:00 – now"),
        ("2026-12-05T23:00", None, "from 6 Dec 00:00"),
        (None, "2026-11-06T16:06", "until 6 Nov 17:05"),
        ("2025-11-05T23:00", "2026-11-06T23:00", "6 Nov 2025 00:00 – 6 Nov 23:59"),
        ("2026-10-25T00:30", "2026-10-25T01:31", "25 Oct 02:30 CEST – 25 Oct 02:30 CET"),
        ("2026-10-25T00:30", "2026-10-25T01:00", "25 Oct 02:30 – 25 Oct 02:59"),
        ("2026-11-05T23:00:01", "2026-11-05T23:00:01.000001", "6 Nov 00:00:01 – 6 Nov 00:00:01.000000"),
    ],
)
def test_a_range_in_words(start: str | None, end: str | None, said: str) -> None:
    bounds = Filter(start=utc(start) if start else None, end=utc(end) if end else None)
    assert times.range_told(bounds, BERLIN, THEN) == said


def test_the_switch_between_zones() -> None:
    switch = times.zone_switch([THEN, utc("2026-10-20T12:00")], BERLIN, BERLIN, THEN, "/local", "/utc")
    assert (switch.shown, switch.is_utc, switch.local_name) == ("CET/CEST", False, "CET")
    assert switch.local_title == "Europe/Berlin"
    switch = times.zone_switch([THEN], UTC_ZONE, zone_named("Asia/Kathmandu"), THEN, "/local", "/utc")
    assert (switch.shown, switch.is_utc, switch.local_name) == ("UTC", True, "UTC+05:45")
    assert switch.local_title == "Asia/Kathmandu"


@pytest.mark.parametrize("zone", ["UTC", "Etc/UTC", "Zulu"])
def test_there_is_no_switch_for_someone_whose_zone_is_utc(zone: str) -> None:
    assert times.zone_switch([], zone_named(zone), zone_named(zone), THEN, "/local", "/utc").local_name == ""
