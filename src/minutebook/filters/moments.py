"""A point in time as it is written in a query: `2026-11-06`, `2026-11-06T17:05`, `-7d`, `yesterday`.

Without an offset it is meant on the clock of a zone; that of `2026-11-06T17:05Z` is UTC. What is written means its
first instant. All instants are UTC microseconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from minutebook.errors import Invalid
from minutebook.filters import instants
from minutebook.filters.quote import quoted
from minutebook.filters.zones import UTC, clock_time, instant_of, precision
from minutebook.model import DAY, HOUR, MINUTE, SECOND, from_micros

UNITS = {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
AGO = re.compile(r"-([0-9]{1,6})([smhdw])", re.IGNORECASE)
ON_THE_CLOCK = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt ]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?))?")
DAYS_BACK = {"today": 0, "yesterday": 1}
ACCEPTED = "Write a day, such as 2026-11-06, a time, such as 2026-11-06T17:05, or how long ago, such as -7d or -2h."


@dataclass(frozen=True, slots=True)
class Here:
    """Where and when a query is written: whose clock its times are on, and what `-7d` counts from.

    `now` is in UTC microseconds; None where nothing that depends on it can be written.
    """

    zone: ZoneInfo = UTC
    now: int | None = None


def parse_moment(text: str, here: Here, field: str) -> int:
    """The instant; raises Invalid for the field."""
    word = text.strip()
    micros = _relative(word, here)
    if micros is None:
        micros = _on_the_clock(word, here.zone) if ON_THE_CLOCK.fullmatch(word) else _in_utc(word, field)
    if micros is None:
        raise Invalid.one(field, f"{quoted(word)} is not a time. {ACCEPTED}")
    if not 0 <= micros < instants.LATEST:
        raise Invalid.one(field, f"{quoted(word)} is too far away. {instants.RANGE}")
    return micros


def write_moment(micros: int, zone: ZoneInfo) -> str:
    """The shortest text that `parse_moment` reads as this instant in that zone."""
    wall = from_micros(micros).astimezone(zone).replace(tzinfo=None, fold=0)
    if instant_of(wall, zone) != micros:  # the second of two times that look alike when the clock was put back
        exact = from_micros(micros)
        return f"{exact:%Y-%m-%d}T{clock_time(exact, precision(exact))}Z"
    return f"{wall:%Y-%m-%d}" if wall.time() == time() else f"{wall:%Y-%m-%d}T{clock_time(wall, precision(wall))}"


def _relative(word: str, here: Here) -> int | None:
    if here.now is None:
        return None
    if match := AGO.fullmatch(word):
        return here.now - int(match[1]) * UNITS[match[2].lower()]
    if word.lower() == "now":
        return here.now
    if word.lower() in DAYS_BACK:
        today = from_micros(here.now).astimezone(here.zone).replace(tzinfo=None, fold=0)
        day = today.date() - timedelta(days=DAYS_BACK[word.lower()])
        return instant_of(datetime.combine(day, time()), here.zone)
    return None


def _on_the_clock(word: str, zone: ZoneInfo) -> int | None:
    try:
        wall = datetime.fromisoformat(word.upper().replace(" ", "T"))
    except ValueError:
        return None
    return instant_of(wall, zone) if 1969 <= wall.year <= 9998 else -1


def _in_utc(word: str, field: str) -> int | None:
    return instants.parse_start(word, field) if instants.INSTANT.fullmatch(word) else None
