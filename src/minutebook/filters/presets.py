"""The ranges that the date popover offers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from minutebook.filters.zones import instant_of
from minutebook.model import DAY, HOUR, MINUTE, from_micros


class Preset(NamedTuple):
    """A named range with the bounds of a Filter: start inclusive, end exclusive, in UTC microseconds."""

    label: str
    start: int | None
    end: int | None


def presets(now: int, zone: ZoneInfo) -> list[Preset]:
    """What is offered at that time: the last hours and days to the full minute, and the zone's months."""
    this_month = from_micros(now).astimezone(zone).replace(tzinfo=None, fold=0, day=1)
    last_month = this_month - timedelta(days=1)
    minute = now - now % MINUTE
    return [
        Preset("Last hour", minute - HOUR, None),
        Preset("Last 24 hours", minute - DAY, None),
        Preset("Last 7 days", minute - 7 * DAY, None),
        Preset("Last 30 days", minute - 30 * DAY, None),
        Preset("This month", _first_of(this_month, zone), None),
        Preset("Last month", _first_of(last_month, zone), _first_of(this_month, zone)),
        Preset("All time", None, None),
    ]


def _first_of(month: datetime, zone: ZoneInfo) -> int:
    return instant_of(datetime(month.year, month.month, 1), zone)  # noqa: DTZ001 (a time on the zone's clock)
