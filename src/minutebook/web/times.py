"""How times are told on a page: always in the zone of the page, the exact time on hover, UTC for machines."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from minutebook import filters
from minutebook.actions.values import number_of
from minutebook.filters import UTC, Filter, Relative, zone_label
from minutebook.filters.moments import NOW, span, tell, write_relative
from minutebook.filters.zones import MONTHS, clock_time, precision
from minutebook.model import DAY, HOUR, MINUTE, from_micros, rfc3339
from minutebook.web.views.log import ZoneSwitch
from minutebook.web.views.page import Moment

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def row_time(micros: int, zone: ZoneInfo) -> Moment:
    """`15:12:40`."""
    return Moment(rfc3339(micros), f"{_local(micros, zone):%H:%M:%S}", exact_time(micros, zone))


def full_time(micros: int, zone: ZoneInfo) -> Moment:
    """`Thu 12 Nov 2026, 15:12:40.358 CET`."""
    moment = _local(micros, zone)
    text = f"{_day(moment)}, {_milliseconds(moment)} {zone_label(micros, zone)}"
    return Moment(rfc3339(micros), text, exact_time(micros, zone))


def minute_time(micros: int, zone: ZoneInfo) -> Moment:
    """`Thu 12 Nov 2026, 15:12 CET`: where seconds say nothing, as of the end of a link."""
    moment = _local(micros, zone)
    text = f"{_day(moment)}, {moment:%H:%M} {zone_label(micros, zone)}"
    return Moment(rfc3339(micros), text, exact_time(micros, zone))


def beside(micros: int, other: int, zone: ZoneInfo) -> Moment:
    """`15:12:40`; on another day than the time that it stands beside, `Thu 12 Nov 2026, 15:12:40.358 CET`."""
    is_same_day = local_date(micros, zone) == local_date(other, zone)
    return row_time(micros, zone) if is_same_day else full_time(micros, zone)


def day_of(micros: int, zone: ZoneInfo) -> Moment:
    """`2 Mar 2025`."""
    moment = _local(micros, zone)
    return Moment(rfc3339(micros), _short_date(moment), exact_time(micros, zone))


def exact_time(micros: int, zone: ZoneInfo) -> str:
    """`Thu 12 Nov 2026, 15:12:40.358219 CET`."""
    moment = _local(micros, zone)
    return f"{_day(moment)}, {moment:%H:%M:%S.%f} {zone_label(micros, zone)}"


def elsewhere(micros: int, zone: ZoneInfo, other: ZoneInfo) -> str:
    """`14:12:40.358 UTC`: the same instant in another zone, with its day where that is another day there."""
    here, there = _local(micros, zone), _local(micros, other)
    day = "" if here.date() == there.date() else f"{_day(there)}, "
    return f"{day}{_milliseconds(there)} {zone_label(micros, other)}"


def ago(then: int, now: int) -> str:
    """`29 minutes ago`; nothing for a time that has not come yet, as after a step of the clock."""
    passed = now - then
    if passed < 0:
        return ""
    for unit, name in ((365 * DAY, "year"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if number := passed // unit:
            return f"{number_of(number, name)} ago"
    return "just now"


def local_date(micros: int, zone: ZoneInfo) -> date:
    """The day on the calendar of the zone."""
    return _local(micros, zone).date()


def day_heading(day: date, today: date) -> tuple[str, str]:
    """`Thursday 12 November`, with the year when it is not this one, and "Today", "Yesterday" or nothing."""
    year = "" if day.year == today.year else f" {day.year}"
    note = {today: "Today", today - timedelta(days=1): "Yesterday"}.get(day, "")
    return f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}{year}", note


def range_told(filter_: Filter, zone: ZoneInfo, now: int) -> str:
    """`6 Nov 00:00 – now`, `until 6 Nov 2025 17:05`, `last 7 days`; nothing when the filter has no bound.

    Where the clock changes between the bounds, each says which time it is: `25 Oct 02:30 CEST – 25 Oct 02:30 CET`.
    """
    year = _local(now, zone).year
    if isinstance(filter_.start, Relative) and (period := _period(filter_.start, filter_.end)):
        return period
    start = _bound(filter_.start, zone, year) if filter_.start is not None else ""
    end = _last(filter_.end, zone, year) if filter_.end is not None else ""
    if isinstance(filter_.start, int) and isinstance(filter_.end, int):
        clocks = [zone_label(bound, zone) for bound in (filter_.start, filter_.end - 1)]
        return f"{start} {clocks[0]} – {end} {clocks[1]}" if clocks[0] != clocks[1] else f"{start} – {end}"
    if filter_.start is not None and filter_.end is not None:
        return f"{start} – {end}"
    if filter_.start is not None:
        is_over = isinstance(filter_.start, int) and filter_.start <= now
        return f"{start} – now" if is_over else f"from {start}"
    return f"until {end}" if end else ""


def _period(start: Relative, end: filters.Moment | None) -> str:
    """`last 7 days`, `yesterday`, `this month`; nothing for a range that has no such name."""
    if not start.is_of_calendar:
        is_until_now = start != NOW and end is None
        return f"last {span(start).removeprefix('1 ')}" if is_until_now else ""
    is_all_of_it = end == Relative(start.count - 1, start.unit) or (end is None and start.count == 0)
    return write_relative(start).replace("-", " ") if is_all_of_it else ""


def span_told(start: int, end: int, zone: ZoneInfo) -> str:
    """`6 Nov 09:00 – 12:00`, `6 Nov 21:00 – 7 Nov 00:00`: from an instant to another, exclusive."""
    first, last = _local(start, zone), _local(end, zone)
    until = _clock(last) if last.date() == first.date() else moment_told(end, zone)
    return f"{moment_told(start, zone)} – {until}"


def moment_told(micros: int, zone: ZoneInfo) -> str:
    """`6 Nov 2026 09:00`, to the second where there are some."""
    moment = _local(micros, zone)
    return f"{moment.day} {MONTHS[moment.month - 1][:3]} {moment.year} {_clock(moment)}"


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"


def zones_shown(micros: list[int], zone: ZoneInfo) -> str:
    """What the zone is called at these times: `CET`, or `CET/CEST` where it changes between them."""
    return "/".join(dict.fromkeys(zone_label(time, zone) for time in micros))


def zone_switch(
    times: list[int], zone: ZoneInfo, own: ZoneInfo, now: int, local_href: str, utc_href: str
) -> ZoneSwitch:
    """The switch between the viewer's own zone and UTC, for a page that shows these times in `zone`."""
    is_utc = _local(now, own).tzname() == "UTC"
    return ZoneSwitch(
        shown=zones_shown(times or [now], zone),
        is_utc=zone is UTC,
        local_name="" if is_utc else zone_label(now, own),
        local_title=own.key,
        local_href=local_href,
        utc_href=utc_href,
    )


def _local(micros: int, zone: ZoneInfo) -> datetime:
    return from_micros(micros).astimezone(zone)


def _short_date(moment: datetime) -> str:
    return f"{moment.day} {MONTHS[moment.month - 1][:3]} {moment.year}"


def _day(moment: datetime) -> str:
    return f"{WEEKDAYS[moment.weekday()][:3]} {_short_date(moment)}"


def _milliseconds(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"


def _bound(start: filters.Moment, zone: ZoneInfo, year: int) -> str:
    if isinstance(start, Relative):
        return tell(start, zone)
    return _short(start, zone, year, precision(_local(start, zone)))


def _last(end: filters.Moment, zone: ZoneInfo, year: int) -> str:
    """The last minute, second or microsecond before an exclusive end."""
    if isinstance(end, Relative):
        return tell(end, zone)
    length = precision(_local(end, zone))
    return _short(end - length, zone, year, length)


def _short(micros: int, zone: ZoneInfo, year: int, length: int) -> str:
    moment = _local(micros, zone)
    date_ = f"{moment.day} {MONTHS[moment.month - 1][:3]}" + ("" if moment.year == year else f" {moment.year}")
    return f"{date_} {clock_time(moment, length)}"
