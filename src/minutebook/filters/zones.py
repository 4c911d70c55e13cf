"""Time zones by name, and a time as people read it in one of them.

Zones are read from the `tzdata` package and never from the system's files, so that an instant is told alike on every
machine and a name that someone sends is never used as a path: it is looked up in the package's list first.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from minutebook.model import MINUTE, SECOND, from_micros, to_micros

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

CLOCK = {MINUTE: "%H:%M", SECOND: "%H:%M:%S", 1: "%H:%M:%S.%f"}


@cache
def zone_names() -> frozenset[str]:
    """The IANA names of all zones."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text(encoding="ascii").split())


@cache
def _zone(name: str) -> ZoneInfo:
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


UTC = _zone("UTC")


def zone_named(name: str | None) -> ZoneInfo:
    """The zone of that IANA name, and UTC for None and for every text that is not such a name. Never raises."""
    return _zone(name) if name in zone_names() else UTC


def zone_label(micros: int, zone: ZoneInfo) -> str:
    """What the zone is called at that time: `CET`, or `UTC+05:45` where it has no abbreviation."""
    moment = from_micros(micros).astimezone(zone)
    name = moment.tzname() or ""
    if name.isalpha():
        return name
    offset = moment.utcoffset() or timedelta()
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    return f"UTC{'-' if offset < timedelta() else '+'}{hours:02d}:{minutes:02d}" if offset else "UTC"


def told(micros: int, zone: ZoneInfo) -> str:
    """`6 Nov 2026 17:05 CET`; seconds and microseconds only where there are some."""
    return _told(micros, zone, precision(from_micros(micros).astimezone(zone)))


def told_end(end: int, zone: ZoneInfo) -> str:
    """The last minute, second or microsecond before an exclusive bound, as `told`: `6 Nov 2026 23:59 CET`."""
    length = precision(from_micros(end).astimezone(zone))
    return _told(end - length, zone, length)


def precision(moment: datetime) -> int:
    """A minute, a second or a microsecond, in microseconds: the longest that is over at a time on the clock."""
    return 1 if moment.microsecond else SECOND if moment.second else MINUTE


def clock_time(moment: datetime, length: int) -> str:
    """`17:05`, `17:05:30` or `17:05:30.000001`: the minute, second or microsecond on the clock."""
    return moment.strftime(CLOCK[length])


def instant_of(wall: datetime, zone: ZoneInfo) -> int:
    """The instant at which the clock of the zone first shows a naive time; of a skipped one, the end of the gap."""
    first = to_micros(wall.replace(tzinfo=zone, fold=0))
    return first if shows(first, wall, zone) else gap_end(wall, zone)


def end_of(last: datetime, zone: ZoneInfo) -> int:
    """The instant after the clock shows a naive time for the last time; of a skipped one, the end of the gap."""
    second = to_micros(last.replace(tzinfo=zone, fold=1))
    return second + 1 if shows(second, last, zone) else gap_end(last, zone)


def shows(micros: int, wall: datetime, zone: ZoneInfo) -> bool:
    """Whether the clock of the zone shows the naive time at that instant."""
    return from_micros(micros).astimezone(zone).replace(tzinfo=None, fold=0) == wall


def gap_end(wall: datetime, zone: ZoneInfo) -> int:
    """The instant after the gap that skips a naive time.

    When a skipped time is read with the offset after the gap it lies before the gap, and the other way round.
    """
    before = to_micros(wall.replace(tzinfo=zone, fold=1)) // SECOND
    after = to_micros(wall.replace(tzinfo=zone, fold=0)) // SECOND + 1
    offset = from_micros(before * SECOND).astimezone(zone).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if from_micros(middle * SECOND).astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after * SECOND


def _told(micros: int, zone: ZoneInfo, length: int) -> str:
    moment = from_micros(micros).astimezone(zone)
    day = f"{moment.day} {MONTHS[moment.month - 1][:3]} {moment.year}"
    return f"{day} {clock_time(moment, length)} {zone_label(micros, zone)}"
