"""A point in time as it is written in a query: `2026-11-06`, `2026-11-06T17:05`, `-7d`, `yesterday`.

Without an offset it is meant on the clock of a zone; that of `2026-11-06T17:05Z` is UTC. What is written means its
first instant. All instants are UTC microseconds.

A time that is told from now on, such as `-7d`, stays what it is wherever it is kept: in an address, in a saved search,
in the scope of a link. It becomes an instant by `resolved`, when somebody searches.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from minutebook.errors import Invalid
from minutebook.filters import instants
from minutebook.filters.expression import AllOf, AnyOf, Expression, Not, Term, all_of, any_of, none_of, terms
from minutebook.filters.quote import quoted
from minutebook.filters.zones import UTC, clock_time, instant_of, precision
from minutebook.filters.zones import told as told_instant
from minutebook.model import DAY, HOUR, MINUTE, SECOND, from_micros

UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
UNIT_NAMES = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}
CALENDAR_DAY, CALENDAR_MONTH = "day", "month"
AGO = re.compile(r"-([0-9]{1,6})([smhdw])", re.IGNORECASE)
LONGEST_AGO = 50 * 365 * DAY
ON_THE_CLOCK = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?))?")
TIME_OF_DAY = re.compile("[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?")
ACCEPTED = (
    "Write a day, such as 2026-11-06, a time, such as 2026-11-06T17:05, how long ago, such as -7d or -2h, or today, "
    "yesterday, this-month or last-month."
)


@dataclass(frozen=True, slots=True)
class Relative:
    """A time that is told from now on: so many `unit`s (of UNITS) ago, none of them for now itself; or the beginning
    of a day or a month of the calendar, so many before the one that it is now."""

    count: int
    unit: str

    @property
    def is_of_calendar(self) -> bool:
        return self.unit in (CALENDAR_DAY, CALENDAR_MONTH)


Moment: TypeAlias = int | Relative
"""An instant, or a time told from now on."""

NOW = Relative(0, "s")
WORDS = {
    "now": NOW,
    "tomorrow": Relative(-1, CALENDAR_DAY),
    "today": Relative(0, CALENDAR_DAY),
    "yesterday": Relative(1, CALENDAR_DAY),
    "next-month": Relative(-1, CALENDAR_MONTH),
    "this-month": Relative(0, CALENDAR_MONTH),
    "last-month": Relative(1, CALENDAR_MONTH),
}
"""The relative times that are written as a word."""
WORD_OF = {moment: word for word, moment in WORDS.items()}


@dataclass(frozen=True, slots=True)
class Here:
    """Where and when something is asked: whose clock the times of a query are on, and what `-7d` counts from.

    `now` is in UTC microseconds; None where nothing is resolved. `calendar` is the zone of `today`, where that is not
    `zone`: a page that is shown in UTC does not move the reader's days.
    """

    zone: ZoneInfo = UTC
    now: int | None = None
    calendar: ZoneInfo | None = None


ANYWHERE = Here()
"""In UTC, and at no time: for what is read and written, and never asked."""


def parse_moment(text: str, here: Here, field: str) -> Moment:
    """The time that is written; raises Invalid for the field."""
    word = text.strip()
    if relative := parse_relative(word, field):
        return relative
    micros = _on_the_clock(word, here.zone) if ON_THE_CLOCK.fullmatch(word) else _in_utc(word, field)
    if micros is None:
        raise Invalid.one(field, f"{quoted(word)} is not a time. {ACCEPTED}")
    if not 0 <= micros < instants.LATEST:
        raise Invalid.one(field, f"{quoted(word)} is too far away. {instants.RANGE}")
    return micros


def parse_relative(word: str, field: str) -> Relative | None:
    """The time told from now on; None for anything else. Raises Invalid for one that nothing can be from."""
    match = AGO.fullmatch(word)
    if not match:
        return WORDS.get(word.lower())
    count, unit = int(match[1]), match[2].lower()
    if count * UNITS[unit] > LONGEST_AGO:
        raise Invalid.one(field, f"{quoted(word)} is too far away. {instants.RANGE}")
    return Relative(count, unit) if count else NOW


def write_moment(moment: Moment, zone: ZoneInfo | None) -> str:
    """The shortest text that `parse_moment` reads as this time in that zone; without a zone, in every zone."""
    if isinstance(moment, Relative):
        return write_relative(moment)
    exact = from_micros(moment)
    wall = exact.astimezone(zone or UTC).replace(tzinfo=None, fold=0)
    # The second of two times that look alike when the clock was put back has no other name either.
    if zone is None or instant_of(wall, zone) != moment:
        return f"{exact:%Y-%m-%d}T{clock_time(exact, precision(exact))}Z"
    return f"{wall:%Y-%m-%d}" if wall.time() == time() else f"{wall:%Y-%m-%d}T{clock_time(wall, precision(wall))}"


def write_relative(moment: Relative) -> str:
    """`-7d`, `yesterday`."""
    return WORD_OF.get(moment) or f"-{moment.count}{moment.unit}"


def two_digits(time_of_day: str) -> str:
    """`09:05` for `9:05`."""
    return time_of_day if time_of_day[2] == ":" else f"0{time_of_day}"


def tell(moment: Moment, zone: ZoneInfo) -> str:
    """`6 Nov 2026 17:05 CET`, `7 days ago`, `the beginning of yesterday`, `now`."""
    if isinstance(moment, int):
        return told_instant(moment, zone)
    if moment == NOW:
        return "now"
    if moment.is_of_calendar:
        return f"the beginning of {write_relative(moment).replace('-', ' ')}"
    return f"{span(moment)} ago"


def span(ago: Relative) -> str:
    """`7 days`, `1 hour`."""
    return f"{ago.count} {UNIT_NAMES[ago.unit]}{'' if ago.count == 1 else 's'}"


def instant(moment: Moment, here: Here) -> int:
    """When it is, for who asks there and then.

    So many hours, days or weeks ago is to the minute and less than that to the second, so that nobody has to read
    microseconds that nobody wrote.
    """
    if isinstance(moment, int):
        return moment
    if here.now is None:
        raise ValueError("There is no now from which a relative time could be told.")
    if moment == NOW:
        return here.now
    if moment.is_of_calendar:
        return max(1, _beginning(moment, from_micros(here.now).astimezone(here.calendar or here.zone), here))
    length = UNITS[moment.unit]
    return max(1, here.now - here.now % (MINUTE if length >= HOUR else SECOND) - moment.count * length)


def resolved(whole: Expression, here: Here) -> Expression:
    """The expression with an instant for each relative time: what can be asked of an event."""
    match whole:
        case Term(key, Relative() as moment):
            return Term(key, instant(moment, here))
        case Not(of):
            return none_of(resolved(of, here))
        case AllOf(parts):
            return all_of(resolved(part, here) for part in parts)
        case AnyOf(parts):
            return any_of(resolved(part, here) for part in parts)
    return whole


def is_relative(whole: Expression) -> bool:
    """Whether it means something else at another time."""
    return any(isinstance(term.value, Relative) for term in terms(whole))


def is_backwards(start: Moment | None, end: Moment | None) -> bool:
    """Whether nothing is between them, whenever somebody asks. What only is so today, may not be tomorrow."""
    if isinstance(start, int) and isinstance(end, int):
        return end <= start
    if not isinstance(start, Relative) or not isinstance(end, Relative):
        return False
    if start.unit == end.unit:
        return end.count >= start.count
    if start.is_of_calendar or end.is_of_calendar:
        return False
    return end.count * UNITS[end.unit] >= start.count * UNITS[start.unit]


def backwards_told(start: str, end: str) -> str:
    """Says that the end is before the start, each as it was asked for."""
    return f"The end, {end}, is before the start, {start}."


def _beginning(moment: Relative, today: datetime, here: Here) -> int:
    if moment.unit == CALENDAR_DAY:
        day = today.date() - timedelta(days=moment.count)
    else:
        months = today.year * 12 + today.month - 1 - moment.count
        day = today.date().replace(year=months // 12, month=months % 12 + 1, day=1)
    return instant_of(datetime.combine(day, time()), here.calendar or here.zone)


def _on_the_clock(word: str, zone: ZoneInfo) -> int | None:
    try:
        wall = datetime.fromisoformat(word.upper().replace(" ", "T"))
    except ValueError:
        return None
    return instant_of(wall, zone) if 1969 <= wall.year <= 9998 else -1


def _in_utc(word: str, field: str) -> int | None:
    return instants.parse_start(word, field) if instants.INSTANT.fullmatch(word) else None
