"""The range that an address of Audit Logs asks for: its bounds, and the fields of the date form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from minutebook.errors import Invalid, Problem
from minutebook.filters import TERMS, Filter, Moment, parse, parse_wall, wall_fields, write, zone_named
from minutebook.filters.moments import backwards_told, is_backwards
from minutebook.filters.quote import quoted
from minutebook.web.log_address import BOUNDS, TWICE, WALL, ZONE_OF_FORM, Pairs
from minutebook.web.log_given import Given


def zone_of_form(given: Given, shown: ZoneInfo, *fields: str) -> ZoneInfo:
    """The zone that holds for what was typed into the fields of the form."""
    name = given.one(ZONE_OF_FORM)
    if not name or not given.of(*fields):
        return shown
    zone = zone_named(name)
    if zone.key != name:
        given.problems.append(Problem(ZONE_OF_FORM, f"{quoted(name)} is not a time zone, such as Europe/Berlin."))
    return zone


@dataclass(frozen=True, slots=True)
class Dates:
    """The range, and the fields of the date form with what is wrong in them."""

    bounds: tuple[Moment | None, Moment | None]
    values: dict[str, str]
    errors: dict[str, str]
    hidden: Pairs


def read_dates(given: Given, zone: ZoneInfo) -> Dates:
    """The range of `start` and `end`, or of the date form where the address holds one."""
    zone = zone_of_form(given, zone, *WALL)
    problems: dict[str, str] = {}
    bounds: dict[str, Moment | None] = {}
    for key in BOUNDS:
        try:
            bounds[key] = getattr(parse(given.of(key)), key)
        except Invalid as invalid:
            bounds[key] = None
            problems[f"{key}_date"] = invalid.message
    filled = Filter(start=bounds["start"], end=bounds["end"])
    hidden = tuple(write(filled))
    if given.of(*WALL):
        return _typed_dates(given, filled, hidden, zone, problems)
    values = wall_fields(filled, zone)
    for key in BOUNDS:
        if f"{key}_date" in problems:
            values[f"{key}_date"] = given.typed(key)
    problems = problems or _order(filled, values, zone)
    return Dates((None, None) if problems else (filled.start, filled.end), values, problems, hidden)


def _typed_dates(given: Given, filled: Filter, hidden: Pairs, zone: ZoneInfo, problems: dict[str, str]) -> Dates:
    """The range of the date form. A bound that reads as the form was filled keeps its instant: seconds and all."""
    told_before = wall_fields(filled, zone)
    values = {key: given.typed(key) for key in WALL}
    for bound in BOUNDS:
        keys = (f"{bound}_date", f"{bound}_time")
        if not given.of(*keys):
            values |= {key: told_before[key] for key in keys}
    problems |= {key: TWICE.format(key=key) for key in WALL if len(given.texts(key)) > 1}
    start: Moment | None
    end: Moment | None
    try:
        start, end = parse_wall(**values, zone=zone)
    except Invalid as invalid:
        problems |= {problem.field: problem.message for problem in invalid.problems}
        return Dates((None, None), values, problems, hidden)
    if _same(values, told_before, "start_date", "start_time"):
        start = filled.start
    if _same(values, told_before, "end_date", "end_time"):
        end = filled.end
    problems = problems or _order(Filter(start=start, end=end), values, zone)
    return Dates((None, None) if problems else (start, end), values, problems, hidden)


def _same(typed: Mapping[str, str], filled: Mapping[str, str], *keys: str) -> bool:
    return all(typed[key].strip() == filled[key] for key in keys)


def _order(range_: Filter, values: Mapping[str, str], zone: ZoneInfo) -> dict[str, str]:
    """What is wrong with an end before its start: the error beside the last field of the end that is filled."""
    if not is_backwards(range_.start, range_.end):
        return {}
    field = "end_time" if values["end_time"] else "end_date"
    return {field: backwards(range_, zone)}


def backwards(range_: Filter, zone: ZoneInfo) -> str:
    """Says that the end is before the start."""
    end, start = (
        TERMS[key].clause(bound, zone).value for key, bound in (("before", range_.end), ("after", range_.start))
    )
    return backwards_told(start, end)
