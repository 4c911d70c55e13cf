"""Times in a URL: RFC 3339 with a precision that is meant.

    2026-11-06                     the whole day
    2026-11-06T17:05Z              the minute
    2026-11-06T17:05:59Z           the second
    2026-11-06T17:05:59.123456Z    the microsecond (one to six digits, each as precise as it is written)

In a URL a day is meant in UTC. Elsewhere a zone can be given, on whose clock is meant what names no offset. As a start,
such a time is its first instant. As an end, it includes all of what is written, so the bound kept inside is where it is
over, exclusive: an end of 17:05 includes 17:05:59.999999. All bounds are UTC microseconds.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from minutebook.errors import Invalid
from minutebook.filters.quote import quoted
from minutebook.filters.zones import UTC, end_of, instant_of
from minutebook.model import DAY, EPOCH, HOUR, MINUTE, SECOND, from_micros, to_micros

LATEST = to_micros(EPOCH.replace(year=9999))
"""The first instant that cannot be asked for."""
RANGE = "Years go from 1970 to 9998."
ACCEPTED = "Write a day, such as 2026-11-06, or a time in UTC, such as 2026-11-06T17:05Z."

INSTANT = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,6}))?)?"
    # A + that was not encoded reaches us as a blank
    r"(?P<offset>[Zz]|(?P<sign>[ +-])(?P<offset_hour>[0-9]{2}):(?P<offset_minute>[0-9]{2}))?)?"
)


def parse_start(text: str, field: str = "start", zone: ZoneInfo | None = None, accepted: str = ACCEPTED) -> int:
    """The first instant of what is written; raises Invalid, which says what is `accepted`."""
    return _period(text, field, zone, accepted)[0]


def parse_end(text: str, field: str = "end", zone: ZoneInfo | None = None, accepted: str = ACCEPTED) -> int:
    """The instant at which what is written is over, exclusive; raises Invalid, which says what is `accepted`."""
    return _period(text, field, zone, accepted)[1]


def write_start(start: int) -> str:
    """The shortest text of which `start` is the first instant."""
    return _written(start, _coarsest(start))


def write_end(end: int) -> str:
    """The shortest text that is over at `end`, which is greater than 0."""
    precision = _coarsest(end)
    return _written(end - precision, precision)


def _period(text: str, field: str, zone: ZoneInfo | None, accepted: str) -> tuple[int, int]:
    match = INSTANT.fullmatch(text.strip())
    if not match or (match["hour"] and not match["offset"] and zone is None):
        raise Invalid.one(field, f"{quoted(text)} is not a time. {accepted}")
    part = match.groupdict()
    day = _day(part["day"], text, field)
    if part["hour"] is None:
        start, precision = day, DAY
    else:
        hour, minute, second = int(part["hour"]), int(part["minute"]), int(part["second"] or 0)
        if hour > 23 or minute > 59 or second > 59:
            raise Invalid.one(field, f"{quoted(text)} is not a time: the clock goes from 00:00:00 to 23:59:59.")
        fraction = part["fraction"] or ""
        start = day + hour * HOUR + minute * MINUTE + second * SECOND + int(fraction.ljust(6, "0"))
        start -= _offset(part["sign"], part["offset_hour"], part["offset_minute"], text, field)
        precision = 10 ** (6 - len(fraction)) if part["second"] else MINUTE
    first, end = start, start + precision
    if not part["offset"] and first >= -DAY and end <= LATEST + DAY:
        first, end = _on_the_clock(first, end, zone or UTC)
    if first < 0 or end > LATEST:
        raise Invalid.one(field, f"{quoted(text)} is too far away. {RANGE}")
    return first, end


def _on_the_clock(start: int, end: int, zone: ZoneInfo) -> tuple[int, int]:
    """When the clock of the zone shows what that of UTC shows from `start` to `end`: its first instant, and when it is
    over for the last time."""
    first, last = (from_micros(at).replace(tzinfo=None) for at in (start, end - 1))
    return instant_of(first, zone), end_of(last, zone)


def _day(written: str, text: str, field: str) -> int:
    try:
        day = date.fromisoformat(written)
    except ValueError:
        raise Invalid.one(field, f"{quoted(text)} is not a day of the calendar. {ACCEPTED}") from None
    return to_micros(datetime(day.year, day.month, day.day, tzinfo=EPOCH.tzinfo))


def _offset(sign: str | None, hours: str | None, minutes: str | None, text: str, field: str) -> int:
    if sign is None:
        return 0
    if int(hours or 0) > 23 or int(minutes or 0) > 59:
        raise Invalid.one(field, f"{quoted(text)} has an offset from UTC that does not exist. {ACCEPTED}")
    return (int(hours or 0) * HOUR + int(minutes or 0) * MINUTE) * (-1 if sign == "-" else 1)


def _coarsest(micros: int) -> int:
    return next(precision for precision in (DAY, MINUTE, SECOND, 1) if micros % precision == 0)


def _written(start: int, precision: int) -> str:
    moment = from_micros(start)
    if precision == DAY:
        return f"{moment:%Y-%m-%d}"
    if precision == MINUTE:
        return f"{moment:%Y-%m-%dT%H:%MZ}"
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if precision == SECOND else f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"
