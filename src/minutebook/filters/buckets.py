"""The buckets of a histogram: whole seconds to whole years, on the clock and the calendar of a zone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import MAXYEAR, datetime, time, timedelta
from zoneinfo import ZoneInfo

from minutebook.filters.zones import instant_of
from minutebook.model import DAY, HOUR, MINUTE, SECOND, from_micros

MOST = 60
QUARTER = 15 * MINUTE
"""Every zone is a whole number of quarters of an hour away from UTC: shorter buckets are the same in all of them."""


@dataclass(frozen=True, slots=True)
class Width:
    """How long a bucket is. `micros` is the length of a usual one; `told` completes "events every …"."""

    micros: int
    told: str


CLOCK_WIDTHS = (
    Width(SECOND, "second"),
    Width(5 * SECOND, "5 seconds"),
    Width(15 * SECOND, "15 seconds"),
    Width(MINUTE, "minute"),
    Width(5 * MINUTE, "5 minutes"),
    Width(15 * MINUTE, "15 minutes"),
    Width(30 * MINUTE, "30 minutes"),
    Width(HOUR, "hour"),
    Width(3 * HOUR, "3 hours"),
    Width(6 * HOUR, "6 hours"),
    Width(12 * HOUR, "12 hours"),
)
DAYS, WEEKS = Width(DAY, "day"), Width(7 * DAY, "week")
MONTHS, QUARTERS, YEARS = Width(30 * DAY, "month"), Width(91 * DAY, "quarter"), Width(365 * DAY, "year")
CALENDAR: dict[Width, Callable[[datetime], datetime]] = {
    DAYS: lambda day: day,
    WEEKS: lambda day: day - timedelta(days=day.weekday()),
    MONTHS: lambda day: day.replace(day=1),
    QUARTERS: lambda day: day.replace(month=1 + (day.month - 1) // 3 * 3, day=1),
    YEARS: lambda day: day.replace(month=1, day=1),
}
"""For each width the first day of the bucket that a day is in."""


@dataclass(frozen=True, slots=True)
class Buckets:
    """One bucket from each edge to the next; `edges` are in UTC microseconds, one more than there are buckets. `asked`
    is the range that was asked for, None where it is open."""

    width: Width
    edges: tuple[int, ...]
    asked: tuple[int | None, int | None] = (None, None)


def buckets_of(start: int | None, end: int | None, span: tuple[int, int], zone: ZoneInfo, now: int) -> Buckets:
    """The buckets for a range; where it is open, for all of a log up to now, whose first and last event are `span`.
    Of a range that is longer than buckets can show, too, only what the log has of it."""
    first, last = span
    asked = (start, end)
    start = first if start is None else start
    end = max(now, last + 1) if end is None else end
    if end - start > MOST * YEARS.micros:
        start, end = max(start, first), min(end, last + 1)
    return replace(buckets(start, end, zone), asked=asked)


def buckets(start: int, end: int, zone: ZoneInfo, most: int = MOST) -> Buckets:
    """The narrowest buckets, about `most` of them, that cover the range from `start` to `end` (exclusive)."""
    end = max(end, start + 1)
    widths = (*CLOCK_WIDTHS, *CALENDAR)
    width = next((width for width in widths if (end - start) / width.micros <= most), YEARS)
    edges = []
    for edge in _edges(start, width, zone):
        edges.append(edge)
        if edge >= end:
            break
    return Buckets(width, tuple(edges))


def _edges(start: int, width: Width, zone: ZoneInfo) -> Iterator[int]:
    """The last edge that is not behind `start`, and all that follow."""
    if width.micros < QUARTER:
        edge = start // width.micros * width.micros
        while True:
            yield edge
            edge += width.micros
    before = None
    for edge in _days(start, zone, CALENDAR[width]) if width in CALENDAR else _hours(start, width, zone):
        if edge == before:  # a time on the clock that was skipped
            continue
        if edge > start and before is not None:
            yield before
        before = edge
    if before is not None:
        yield before


def _days(start: int, zone: ZoneInfo, first_of: Callable[[datetime], datetime]) -> Iterator[int]:
    day = first_of(_midnight(start, zone))
    while True:
        yield instant_of(day, zone)
        if day.year == MAXYEAR:
            return
        following = day + timedelta(days=1)
        while first_of(following) == day:
            following += timedelta(days=1)
        day = following


def _hours(start: int, width: Width, zone: ZoneInfo) -> Iterator[int]:
    """Edges on the clock of the zone. Where it is put back a bucket is longer, where it is put forward shorter."""
    wall = _midnight(start, zone)
    while True:
        yield instant_of(wall, zone)
        wall += timedelta(microseconds=width.micros)


def _midnight(micros: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(from_micros(micros).astimezone(zone).date(), time())
