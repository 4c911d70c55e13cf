"""Times as a person types them into the date form: a day and a time on the clock of a zone.

A clock that is put forward skips times, one that is put back shows them twice. Nothing is lost to either: a skipped
time means the instant after the gap, and of a time that comes twice a start takes the first and an end the second.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from minutebook.errors import Invalid, Problem
from minutebook.filters.fields import Filter
from minutebook.filters.instants import LATEST, RANGE
from minutebook.filters.moments import backwards_told
from minutebook.filters.quote import quoted
from minutebook.filters.zones import MONTHS, clock_time, end_of, instant_of, precision, told, told_end
from minutebook.model import from_micros

MICROSECOND = timedelta(microseconds=1)
DAYS = "Write it as 2026-11-06 or 6 Nov 2026."
TIMES = "Write it as 17:05 or 17:05:30, from 00:00 to 23:59."
ISO_DAY = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
WORDED_DAY = re.compile(r"([0-9]{1,2})\.? ?([a-z]{3,9})\.? ?([0-9]{4})", re.IGNORECASE)
NUMBERED_DAY = re.compile(r"([0-9]{1,4})[./-]([0-9]{1,2})[./-]([0-9]{1,4})")
CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?")
MONTH = {name.lower(): number for number, month in enumerate(MONTHS, 1) for name in (month, month[:3])}


@dataclass(frozen=True, slots=True)
class _Written:
    """What is written, as wall time: its first and its last microsecond."""

    first: datetime
    last: datetime


def parse_wall(
    start_date: str, start_time: str, end_date: str, end_time: str, zone: ZoneInfo
) -> tuple[int | None, int | None]:
    """The bounds of a Filter, start inclusive and end exclusive; None where nothing is written.

    A day without a time means its beginning as a start and all of it as an end. Raises Invalid with a Problem for each
    of the four fields that is wrong.
    """
    problems: list[Problem] = []
    first = _written("start_date", start_date, "start_time", start_time, problems)
    last = _written("end_date", end_date, "end_time", end_time, problems)
    start = instant_of(first.first, zone) if first else None
    end = end_of(last.last, zone) if last else None
    for field, bound, limit in (("start_date", start, LATEST - 1), ("end_date", end, LATEST)):
        if bound is not None and not 0 <= bound <= limit:
            problems.append(Problem(field, f"This day is too far away. {RANGE}"))
    if start is not None and end is not None and end <= start and not problems:
        message = backwards_told(told(start, zone), told_end(end, zone))
        problems.append(Problem("end_time" if end_time.strip() else "end_date", message))
    if problems:
        raise Invalid(*problems)
    return start, end


def wall_fields(shown: Filter, zone: ZoneInfo) -> dict[str, str]:
    """What the date form holds for a filter: the four texts from which `parse_wall` reads the same bounds.

    Bounds in an hour that comes twice may come back wider, never narrower. A bound at midnight has no time, one that is
    told from now on no text at all.
    """
    start = end = ("", "")
    if isinstance(shown.start, int):
        moment = from_micros(shown.start).astimezone(zone)
        start = (f"{moment:%Y-%m-%d}", clock_time(moment, precision(moment)) if moment.time() != time() else "")
    if isinstance(shown.end, int):
        last = from_micros(shown.end - 1).astimezone(zone)
        over = last.replace(tzinfo=None) + MICROSECOND
        end = (f"{last:%Y-%m-%d}", clock_time(last, precision(over)) if over.time() != time() else "")
    return {"start_date": start[0], "start_time": start[1], "end_date": end[0], "end_time": end[1]}


def _written(
    day_field: str, day_text: str, time_field: str, time_text: str, problems: list[Problem]
) -> _Written | None:
    found = len(problems)
    clock = _clock(time_field, time_text.strip(), problems)
    day = _day(day_field, day_text.strip(), problems)
    if day is None:
        if time_text.strip() and not day_text.strip():
            problems.append(Problem(day_field, f"The time {quoted(time_text.strip())} needs a day. {DAYS}"))
        return None
    if len(problems) > found:
        return None
    if clock is None:
        return _Written(datetime.combine(day, time.min), datetime.combine(day, time.max))
    first, length = clock
    return _Written(datetime.combine(day, first), datetime.combine(day, first) + length - MICROSECOND)


def _day(field: str, text: str, problems: list[Problem]) -> date | None:
    if not text:
        return None
    if match := ISO_DAY.fullmatch(text):
        year, month, day = (int(number) for number in match.groups())
    elif (match := WORDED_DAY.fullmatch(text)) and (named := MONTH.get(match[2].lower())):
        year, month, day = int(match[3]), named, int(match[1])
    else:
        problems.append(Problem(field, _no_day(text)))
        return None
    if not 1969 <= year <= 9998:  # the last hours of 1969 are in 1970 for UTC, west of it
        problems.append(Problem(field, f"{quoted(text)} is too far away. {RANGE}"))
        return None
    try:
        return date(year, month, day)
    except ValueError:
        problems.append(Problem(field, f"{quoted(text)} is not a day of the calendar. {DAYS}"))
        return None


def _no_day(text: str) -> str:
    """Why the text is not taken for a day: the numbers of a day in another order are not guessed at."""
    match = NUMBERED_DAY.fullmatch(text)
    days = _readings(*match.groups()) if match else set()
    if len(days) > 1:
        return f"{quoted(text)} can be read as two different days. {DAYS}"
    for day in days:
        return f"{quoted(text)} is not accepted. Write it as {day} or {day.day} {MONTHS[day.month - 1][:3]} {day.year}."
    return f"{quoted(text)} is not a day. {DAYS}"


def _readings(first: str, second: str, third: str) -> set[date]:
    """The days that three numbers can mean; the year is the one with four digits, else the first or the last."""
    orders = [(third, second, first), (third, first, second)] if len(first) < 3 else []
    if len(third) < 3:
        orders.append((first, second, third))
    days = set()
    for year, month, day in orders:
        with suppress(ValueError):
            days.add(date(int(year) + (2000 if len(year) < 3 else 0), int(month), int(day)))
    return days


def _clock(field: str, text: str, problems: list[Problem]) -> tuple[time, timedelta] | None:
    """A time and how long what is written lasts."""
    if not text:
        return None
    if match := CLOCK.fullmatch(text):
        hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
        if hour < 24 and minute < 60 and second < 60:
            fraction = match[4] or ""
            length = timedelta(microseconds=10 ** (6 - len(fraction))) if match[3] else timedelta(minutes=1)
            return time(hour, minute, second, int(fraction.ljust(6, "0"))), length
    problems.append(Problem(field, f"{quoted(text)} is not a time. {TIMES}"))
    return None
