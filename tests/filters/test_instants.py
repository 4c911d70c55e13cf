"""Times in a URL include what is written, and come back as they were."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.errors import Invalid
from minutebook.filters.instants import LATEST, parse_end, parse_start, write_end, write_start
from minutebook.model import DAY, MINUTE, SECOND, to_micros

AT = to_micros(datetime(2026, 11, 6, 17, 5, tzinfo=UTC))
MIDNIGHT = to_micros(datetime(2026, 11, 6, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-11-06", MIDNIGHT, MIDNIGHT + DAY),
        ("2026-11-06T17:05Z", AT, AT + MINUTE),
        ("2026-11-06T17:05:59Z", AT + 59 * SECOND, AT + MINUTE),
        ("2026-11-06T17:05:59.5Z", AT + 59_500_000, AT + 59_600_000),
        ("2026-11-06T17:05:59.999999Z", AT + 59_999_999, AT + MINUTE),
        ("2026-11-06T17:05:00.000001Z", AT + 1, AT + 2),
        ("2026-11-06T18:05+01:00", AT, AT + MINUTE),
        ("2026-11-06T18:05 01:00", AT, AT + MINUTE),  # a + that was not encoded
        ("2026-11-06T11:35-05:30", AT, AT + MINUTE),
        ("2026-11-06 17:05Z", AT, AT + MINUTE),
        (" 2026-11-06t17:05z ", AT, AT + MINUTE),
        ("1970-01-01", 0, DAY),
        ("9998-12-31", LATEST - DAY, LATEST),
    ],
)
def test_what_is_written_is_included(text: str, start: int, end: int) -> None:
    assert (parse_start(text), parse_end(text)) == (start, end)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-11-06T18:05", AT, AT + MINUTE),
        ("2026-11-06T17:05Z", AT, AT + MINUTE),
        ("2026-10-25", (day := to_micros(datetime(2026, 10, 24, 22, tzinfo=UTC))), day + DAY + 60 * MINUTE),
        ("2026-10-25T02:59", (early := day + 179 * MINUTE), early + 61 * MINUTE),  # of two all
        ("2027-03-28T02:30", (gap := to_micros(datetime(2027, 3, 28, 1, tzinfo=UTC))), gap),
    ],
)
def test_what_names_no_offset_is_on_the_clock_of_a_zone(text: str, start: int, end: int) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert (parse_start(text, zone=berlin), parse_end(text, zone=berlin)) == (start, end)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("yesterday", "is not a time. Write a day, such as 2026-11-06"),
        ("06/11/2026", "is not a time"),
        ("2026-11-06T17:05", "in UTC, such as 2026-11-06T17:05Z"),
        ("2026-11-06T5:05Z", "is not a time"),
        ("2026-11-06T17:05:00.1234567Z", "is not a time"),
        ("2026-11-06Z", "is not a time"),
        ("２０２６-11-06", "is not a time"),
        ("2026-11-06\0", "“2026-11-06[U+0000]” is not a time"),
        ("2026-02-29", "is not a day of the calendar"),
        ("0000-01-01", "is not a day of the calendar"),
        ("2026-11-06T24:00Z", "the clock goes from 00:00:00 to 23:59:59"),
        ("2026-11-06T23:59:60Z", "the clock goes from 00:00:00 to 23:59:59"),
        ("2026-11-06T17:05+24:00", "an offset from UTC that does not exist"),
        ("1969-12-31", "Years go from 1970 to 9998"),
        ("1970-01-01T00:00+00:01", "Years go from 1970 to 9998"),
        ("9998-12-31T23:59-00:01", "Years go from 1970 to 9998"),
        ("9999-12-31T23:59:59.999999-23:59", "Years go from 1970 to 9998"),
    ],
)
def test_what_is_not_a_time_is_refused(text: str, says: str) -> None:
    for parse in (parse_start, parse_end):
        with pytest.raises(Invalid) as caught:
            parse(text, "from")
        [problem] = caught.value.problems
        assert problem.field == "from"
        assert says in problem.message


def test_what_is_too_far_away_on_the_clock_of_a_zone_is_refused() -> None:
    for text, zone in (("1970-01-01", "Asia/Tokyo"), ("9998-12-31", "America/New_York"), ("0001-01-01", "Asia/Tokyo")):
        for parse in (parse_start, parse_end):
            with pytest.raises(Invalid, match="Years go from 1970 to 9998"):
                parse(text, zone=ZoneInfo(zone))
    assert parse_start("1969-12-31T19:00", zone=ZoneInfo("America/New_York")) == 0
    assert parse_end("9999-01-01T08:59", zone=ZoneInfo("Asia/Tokyo")) == LATEST


@pytest.mark.parametrize(
    ("micros", "start", "end"),
    [
        (MIDNIGHT, "2026-11-06", "2026-11-05"),
        (AT, "2026-11-06T17:05Z", "2026-11-06T17:04Z"),
        (AT + SECOND, "2026-11-06T17:05:01Z", "2026-11-06T17:05:00Z"),
        (AT + 1, "2026-11-06T17:05:00.000001Z", "2026-11-06T17:05:00.000000Z"),
    ],
)
def test_the_shortest_text_is_written(micros: int, start: str, end: str) -> None:
    assert (write_start(micros), write_end(micros)) == (start, end)


bounds = st.builds(
    lambda micros, unit: micros - micros % unit, st.integers(0, LATEST), st.sampled_from([1, SECOND, MINUTE, DAY])
)


@given(bounds)
def test_times_come_back_as_they_were(micros: int) -> None:
    if micros < LATEST:
        assert parse_start(write_start(micros)) == micros
    if micros > 0:
        assert parse_end(write_end(micros)) == micros
