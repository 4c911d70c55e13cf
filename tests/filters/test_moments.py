"""Times that are told from now on: they stay so until somebody asks, and then are instants that people can read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.errors import Invalid
from minutebook.filters import Filter, Here, expression_of, filter_of, language, parse, write, zone_named
from minutebook.filters.expression import terms
from minutebook.filters.moments import (
    ANYWHERE,
    Moment,
    Relative,
    instant,
    is_backwards,
    is_relative,
    parse_moment,
    resolved,
    tell,
    write_moment,
)
from minutebook.model import to_micros
from tests.filters.test_fields import relatives
from tests.filters.test_language import expressions

BERLIN = zone_named("Europe/Berlin")


def at(text: str) -> int:
    return to_micros(datetime.fromisoformat(text).replace(tzinfo=UTC))


NOW = at("2026-11-18T21:06:12.092964")
HERE = Here(BERLIN, NOW)


@pytest.mark.parametrize(
    ("written", "when"),
    [
        ("now", "2026-11-18T21:06:12.092964"),
        ("-30s", "2026-11-18T21:05:42"),
        ("-5m", "2026-11-18T21:01:12"),
        ("-1h", "2026-11-18T20:06"),
        ("-7D", "2026-11-11T21:06"),
        ("-2w", "2026-11-04T21:06"),
        ("tomorrow", "2026-11-18T23:00"),
        ("today", "2026-11-17T23:00"),
        ("Yesterday", "2026-11-16T23:00"),
        ("next-month", "2026-11-30T23:00"),
        ("this-month", "2026-10-31T23:00"),
        ("last-month", "2026-09-30T22:00"),
    ],
)
def test_it_becomes_an_instant_when_somebody_asks(written: str, when: str) -> None:
    assert instant(parse_moment(written, ANYWHERE, "q"), HERE) == at(when)


def test_the_calendar_may_be_of_another_zone_than_the_page() -> None:
    assert instant(Relative(0, "day"), Here(zone_named("UTC"), NOW, BERLIN)) == at("2026-11-17T23:00")
    assert instant(Relative(0, "day"), Here(zone_named("UTC"), NOW)) == at("2026-11-18T00:00")


def test_months_go_over_the_year() -> None:
    january = Here(now=at("2027-01-31T12:00"))
    assert instant(Relative(1, "month"), january) == at("2026-12-01T00:00")
    assert instant(Relative(-1, "month"), Here(now=at("2026-12-31T12:00"))) == at("2027-01-01T00:00")


def test_without_a_now_it_is_no_instant() -> None:
    with pytest.raises(ValueError, match="no now"):
        instant(Relative(7, "d"), ANYWHERE)


@pytest.mark.parametrize("written", ["-999999w", "-19000d"])
def test_what_nothing_can_be_from_is_refused(written: str) -> None:
    with pytest.raises(Invalid, match="too far away"):
        parse_moment(written, ANYWHERE, "q")


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (Relative(7, "d"), "7 days ago"),
        (Relative(1, "h"), "1 hour ago"),
        (Relative(0, "s"), "now"),
        (Relative(1, "day"), "the beginning of yesterday"),
        (Relative(0, "month"), "the beginning of this month"),
        (at("2026-11-06T16:05"), "6 Nov 2026 17:05 CET"),
    ],
)
def test_it_is_told_as_it_was_meant(moment: Moment, said: str) -> None:
    assert tell(moment, BERLIN) == said


@given(relatives, st.sampled_from([None, BERLIN]))
def test_it_is_written_as_it_is_read(moment: Relative, zone: None) -> None:
    assert parse_moment(write_moment(moment, zone), HERE, "q") == moment


def test_it_is_written_without_quotation_marks() -> None:
    assert language.write(language.read('after:"-7d" before:-1h', ANYWHERE)) == "after:-7d before:-1h"


def test_an_instant_without_a_zone_says_that_it_is_in_utc() -> None:
    query = language.write(language.read("after:2026-11-06 before:2026-11-07T17:05", Here(BERLIN)))
    assert query == "after:2026-11-05T23:00Z before:2026-11-07T16:05Z"


@given(expressions)
def test_what_is_asked_has_instants_only(expression: object) -> None:
    asked = resolved(expression, HERE)  # type: ignore[arg-type]
    assert not is_relative(asked)
    assert all(isinstance(term.value, int) for term in terms(asked) if term.key in ("after", "before"))


def test_the_same_search_a_month_later() -> None:
    searched = filter_of(language.read("after:-7d outcome:failure", HERE))
    later = Here(BERLIN, at("2026-12-18T09:00:00.5"))
    assert expression_of(searched.at(HERE)) == language.read("after:2026-11-11T21:06Z outcome:failure", ANYWHERE)
    assert expression_of(searched.at(later)) == language.read("after:2026-12-11T09:00Z outcome:failure", ANYWHERE)


def test_what_has_nothing_between_only_today_can_be_written_and_read_again() -> None:
    searched = filter_of(language.read("after:2026-11-11T21:06Z before:-1h opus", ANYWHERE))
    for here, meant in (
        (HERE, "after:2026-11-11T21:06Z before:2026-11-18T20:06Z opus"),
        (Here(BERLIN, at("2026-11-03T09:00")), "after:2026-11-11T21:06Z opus -after:2026-11-03T08:00Z"),
    ):
        assert language.write(expression_of(searched.at(here))) == meant
        assert parse(write(searched.at(here))) == searched.at(here)


@pytest.mark.parametrize(
    ("pairs", "filter_"),
    [
        ({"start": "-7d"}, Filter(start=Relative(7, "d"))),
        ({"start": "today"}, Filter(start=Relative(0, "day"))),
        ({"end": "-1h"}, Filter(end=Relative(1, "h"))),
        ({"end": "yesterday"}, Filter(end=Relative(0, "day"))),
        ({"start": "last-month", "end": "last-month"}, Filter(start=Relative(1, "month"), end=Relative(0, "month"))),
        ({"q": "after:yesterday before:today"}, Filter(start=Relative(1, "day"), end=Relative(0, "day"))),
    ],
)
def test_a_url_holds_it_as_an_end_includes_what_is_written(pairs: dict[str, str], filter_: Filter) -> None:
    assert parse(pairs.items()) == filter_
    assert parse(write(filter_)) == filter_


def test_an_end_that_a_url_cannot_say_stays_in_the_query() -> None:
    filter_ = parse([("q", "before:yesterday")])
    assert write(filter_) == [("q", "before:yesterday")]
    with pytest.raises(Invalid, match="“tomorrow” is not a time"):
        parse([("end", "tomorrow")])


@pytest.mark.parametrize(
    ("start", "end", "is_so"),
    [
        (5, 5, True),
        (5, 6, False),
        (Relative(1, "h"), Relative(60, "m"), True),
        (Relative(1, "h"), Relative(59, "m"), False),
        (Relative(0, "day"), Relative(1, "day"), True),
        (Relative(1, "month"), Relative(0, "month"), False),
        (Relative(0, "month"), Relative(7, "d"), False),
        (Relative(7, "d"), 5, False),
        (5, Relative(7, "d"), False),
        (None, Relative(7, "d"), False),
    ],
)
def test_a_range_is_wrong_where_nothing_can_ever_be_in_it(
    start: Moment | None, end: Moment | None, is_so: bool
) -> None:
    assert is_backwards(start, end) is is_so
