"""Times on the clock of a zone, also on the days when the clock is changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from minutebook.errors import Invalid
from minutebook.filters import Filter, parse_wall, wall_fields, zone_named
from minutebook.model import DAY, HOUR, MINUTE, SECOND, from_micros, to_micros

ZONES = (
    *("UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kathmandu", "Australia/Lord_Howe"),
    *("America/Havana", "America/Sao_Paulo", "Africa/Cairo", "Pacific/Apia", "America/St_Johns"),
)

CHANGES = (
    *("2026-10-25", "2026-03-29", "2026-11-01", "2026-04-05", "2026-10-04"),
    *("2011-12-30", "2019-02-17", "2024-11-03"),
)


def utc(text: str) -> int:
    return to_micros(datetime.fromisoformat(text).replace(tzinfo=UTC))


def bounds(
    zone: str, start_date: str = "", start_time: str = "", end_date: str = "", end_time: str = ""
) -> tuple[int | None, int | None]:
    return parse_wall(start_date, start_time, end_date, end_time, zone_named(zone))


def day(zone: str, date: str) -> tuple[int | None, int | None]:
    return bounds(zone, date, "", date, "")


def minute(zone: str, date: str, time: str) -> tuple[int | None, int | None]:
    return bounds(zone, date, time, date, time)


def test_nothing_written_is_no_bound() -> None:
    assert bounds("Europe/Berlin") == bounds("Europe/Berlin", " ", " ", " ", " ") == (None, None)


@pytest.mark.parametrize("date", ["2026-11-06", " 2026-11-6 ", "6 Nov 2026", "06 nov 2026", "6. November 2026"])
def test_the_ways_to_write_a_day(date: str) -> None:
    assert day("Europe/Berlin", date) == (utc("2026-11-05T23:00"), utc("2026-11-06T23:00"))


def test_an_end_includes_all_of_what_is_written() -> None:
    assert bounds("Europe/Berlin", end_date="2026-11-06", end_time="17:05")[1] == utc("2026-11-06T16:06")
    assert bounds("Europe/Berlin", end_date="2026-11-06", end_time="17:05:30")[1] == utc("2026-11-06T16:05:31")
    assert bounds("Europe/Berlin", end_date="2026-11-06", end_time="17:05:30.25")[1] == utc("2026-11-06T16:05:30.26")
    assert bounds("UTC", end_date="2026-11-06", end_time="9:05")[1] == utc("2026-11-06T09:06")


@pytest.mark.parametrize(
    ("zone", "date", "start", "hours"),
    [
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00", 25),
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00", 23),
        ("Europe/Berlin", "2026-11-06", "2026-11-05T23:00", 24),
        ("America/Los_Angeles", "2026-11-01", "2026-11-01T07:00", 25),
        ("America/Los_Angeles", "2026-03-08", "2026-03-08T08:00", 23),
        ("Asia/Kathmandu", "2026-10-25", "2026-10-24T18:15", 24),
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00", 24.5),
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30", 23.5),
        ("America/Havana", "2024-11-03", "2024-11-03T04:00", 25),  # 00:00 comes twice
        ("America/Havana", "2024-11-02", "2024-11-02T04:00", 24),  # the day before is over when it comes first
        ("America/Sao_Paulo", "2019-02-16", "2019-02-16T02:00", 25),  # 23:00 comes twice
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00", 23),  # there is no midnight
        ("America/St_Johns", "2006-10-28", "2006-10-28T02:30", 25),  # 00:01 goes back to 23:01
    ],
)
def test_a_day_is_as_long_as_it_is(zone: str, date: str, start: str, hours: float) -> None:
    assert day(zone, date) == (utc(start), utc(start) + round(hours * HOUR))


@pytest.mark.parametrize(
    ("zone", "date", "time", "start", "end"),
    [
        ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30", "2026-10-25T01:31"),
        ("Europe/Berlin", "2026-10-25", "02:59", "2026-10-25T00:59", "2026-10-25T02:00"),
        ("America/Los_Angeles", "2026-11-01", "01:00", "2026-11-01T08:00", "2026-11-01T09:01"),
        ("Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04T14:45", "2026-04-04T15:16"),
    ],
)
def test_of_a_time_that_comes_twice_both_are_included(zone: str, date: str, time: str, start: str, end: str) -> None:
    assert minute(zone, date, time) == (utc(start), utc(end))


@pytest.mark.parametrize(
    ("zone", "date", "time", "after"),
    [
        ("Europe/Berlin", "2026-03-29", "02:00", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-03-29", "02:59:59", "2026-03-29T01:00"),
        ("America/Los_Angeles", "2026-03-08", "02:30", "2026-03-08T10:00"),
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:30"),
        ("Pacific/Apia", "2011-12-30", "12:00", "2011-12-30T10:00"),  # a whole day that never was
    ],
)
def test_a_skipped_time_is_the_instant_after_the_gap(zone: str, date: str, time: str, after: str) -> None:
    assert bounds(zone, date, time)[0] == utc(after)
    assert bounds(zone, end_date=date, end_time=time)[1] == utc(after)


@given(
    zone=st.sampled_from(ZONES),
    around=st.sampled_from(CHANGES),
    shift=st.integers(-2 * 24 * 60, 2 * 24 * 60),
    past=st.integers(0, MINUTE - 1),
)
def test_the_minute_on_the_clock_always_finds_the_event(zone: str, around: str, shift: int, past: int) -> None:
    """Whoever types the minute they see beside an event finds it, whichever of two such minutes it was."""
    event = utc(around) + shift * MINUTE + past
    wall = from_micros(event).astimezone(zone_named(zone))
    start, end = minute(zone, f"{wall:%Y-%m-%d}", f"{wall:%H:%M}")
    assert start is not None
    assert end is not None
    assert start <= event < end
    start, end = day(zone, f"{wall:%Y-%m-%d}")
    assert start is not None
    assert end is not None
    assert start <= event < end


instants = st.builds(
    lambda micros, unit: micros - micros % unit,
    st.integers(DAY, utc("9998-12-30")) | st.integers(utc("2026-01-01"), utc("2027-01-01")),
    st.sampled_from([1, SECOND, MINUTE, HOUR, DAY]),
)


@given(instants, st.integers(1, 400 * DAY), st.sampled_from(ZONES))
@example(utc("2026-10-25T01:30"), HOUR, "Europe/Berlin")
@example(utc("2026-10-25T00:00"), 30 * MINUTE, "Europe/Berlin")
@example(utc("2026-10-25T00:30:30.5"), 1, "Europe/Berlin")
def test_the_form_shows_what_is_asked_for(start: int, length: int, name: str) -> None:
    zone, end = zone_named(name), start + length
    assume(end < utc("9998-12-31"))
    again_start, again_end = parse_wall(**wall_fields(Filter(start=start, end=end), zone), zone=zone)
    assert again_start is not None
    assert again_end is not None
    assert again_start <= start
    assert end <= again_end
    if not _comes_twice(start, name):
        assert again_start == start
    if not _comes_twice(end - 1, name):
        assert again_end == end


def _comes_twice(micros: int, zone: str) -> bool:
    moment = from_micros(micros).astimezone(zone_named(zone))
    return moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset()


def test_the_form_shows_whole_days_without_times() -> None:
    start, end = day("Europe/Berlin", "2026-10-25")
    assert wall_fields(Filter(start=start, end=end), zone_named("Europe/Berlin")) == {
        "start_date": "2026-10-25",
        "start_time": "",
        "end_date": "2026-10-25",
        "end_time": "",
    }
    assert wall_fields(Filter(), zone_named("Europe/Berlin")) == dict.fromkeys(
        ["start_date", "start_time", "end_date", "end_time"], ""
    )


@pytest.mark.parametrize(
    ("typed", "problems"),
    [
        ({"start_date": "06/11/2026"}, {"start_date": "“06/11/2026” can be read as two different days"}),
        ({"start_date": "6.11.2026"}, {"start_date": "can be read as two different days"}),
        ({"start_date": "6/11/26"}, {"start_date": "can be read as two different days"}),
        (
            {"end_date": "31.12.2026"},
            {"end_date": "“31.12.2026” is not accepted. Write it as 2026-12-31 or 31 Dec 2026."},
        ),
        ({"end_date": "12/31/2026"}, {"end_date": "Write it as 2026-12-31 or 31 Dec 2026."}),
        ({"end_date": "2026/11/06"}, {"end_date": "Write it as 2026-11-06 or 6 Nov 2026."}),
        ({"end_date": "6/6/2026"}, {"end_date": "Write it as 2026-06-06 or 6 Jun 2026."}),
        ({"end_date": "31.31.2026"}, {"end_date": "“31.31.2026” is not a day."}),
        ({"end_date": "2026-1-1-"}, {"end_date": "is not a day."}),
        ({"start_date": "Friday"}, {"start_date": "“Friday” is not a day. Write it as 2026-11-06 or 6 Nov 2026."}),
        ({"start_date": "2026-02-29"}, {"start_date": "is not a day of the calendar"}),
        ({"start_date": "6 Foo 2026"}, {"start_date": "is not a day"}),
        ({"end_date": "1968-01-01"}, {"end_date": "Years go from 1970 to 9998"}),
        ({"end_date": "9999-12-31"}, {"end_date": "Years go from 1970 to 9998"}),
        ({"end_date": "9998-12-31", "zone": "America/Los_Angeles"}, {"end_date": "Years go from 1970 to 9998"}),
        ({"start_date": "1970-01-01"}, {"start_date": "Years go from 1970 to 9998"}),  # in Berlin that is in 1969
        ({"start_time": "17:05"}, {"start_date": "The time “17:05” needs a day."}),
        ({"end_time": "17:05"}, {"end_date": "The time “17:05” needs a day."}),
        ({"end_date": "2026-11-06", "end_time": "24:00"}, {"end_time": "“24:00” is not a time. Write it as 17:05"}),
        ({"end_date": "2026-11-06", "end_time": "5 pm"}, {"end_time": "is not a time"}),
        ({"end_date": "2026-11-06", "end_time": "17:0"}, {"end_time": "is not a time"}),
        ({"end_date": "2026-11-06", "end_time": "１７:05"}, {"end_time": "is not a time"}),
        ({"start_time": "x"}, {"start_time": "is not a time", "start_date": "needs a day"}),
        (
            {"start_date": "x", "start_time": "y", "end_date": "\0", "end_time": "\u202e"},
            {
                "start_date": "is not a day",
                "start_time": "is not a time",
                "end_date": "“[U+0000]”",
                "end_time": "“[U+202E]”",
            },
        ),
        (
            {"start_date": "2026-11-06", "end_date": "2026-11-05"},
            {"end_date": "The end, 5 Nov 2026 23:59 CET, is before the start, 6 Nov 2026 00:00 CET."},
        ),
        (
            {"start_date": "2026-11-06", "start_time": "17:05", "end_date": "2026-11-06", "end_time": "17:04"},
            {"end_time": "The end, 6 Nov 2026 17:04 CET, is before the start, 6 Nov 2026 17:05 CET."},
        ),
    ],
)
def test_what_is_wrong_is_named_beside_its_field(typed: dict[str, str], problems: dict[str, str]) -> None:
    with pytest.raises(Invalid) as caught:
        bounds(**{"zone": "Europe/Berlin", **typed})
    assert {problem.field for problem in caught.value.problems} == set(problems)
    for problem in caught.value.problems:
        assert problems[problem.field] in problem.message


words = st.text() | st.dates().map(str) | st.times().map(str) | st.sampled_from(["17:05", "6 Nov 2026", "9999-12-31"])


@given(words, words, words, words, st.sampled_from(ZONES))
def test_any_text_is_a_time_or_says_what_is_wrong(a: str, b: str, c: str, d: str, zone: str) -> None:
    try:
        start, end = parse_wall(a, b, c, d, zone_named(zone))
    except Invalid as invalid:
        assert {problem.field for problem in invalid.problems} <= {"start_date", "start_time", "end_date", "end_time"}
        return
    assert start is None or end is None or start < end


def test_a_minute_in_the_spring_gap_finds_nothing_and_says_so() -> None:
    with pytest.raises(Invalid, match=r"29 Mar 2026 01:59 CET, is before the start, 29 Mar 2026 03:00 CEST"):
        minute("Europe/Berlin", "2026-03-29", "02:30")


def test_the_hour_around_the_change_is_one_hour_long() -> None:
    assert bounds("Europe/Berlin", "2026-03-29", "01:30", "2026-03-29", "03:29") == (
        utc("2026-03-29T00:30"),
        utc("2026-03-29T00:30") + timedelta(hours=1) // timedelta(microseconds=1),
    )
