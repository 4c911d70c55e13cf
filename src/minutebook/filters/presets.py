"""The ranges that the date popover offers."""

from __future__ import annotations

from typing import NamedTuple

from minutebook.filters.moments import WORDS, Moment, Relative


class Preset(NamedTuple):
    """A named range with the bounds of a Filter: start inclusive, end exclusive."""

    label: str
    start: Moment | None
    end: Moment | None


PRESETS = (
    Preset("Last hour", Relative(1, "h"), None),
    Preset("Last 24 hours", Relative(24, "h"), None),
    Preset("Last 7 days", Relative(7, "d"), None),
    Preset("Last 30 days", Relative(30, "d"), None),
    Preset("This month", WORDS["this-month"], None),
    Preset("Last month", WORDS["last-month"], WORDS["this-month"]),
    Preset("All time", None, None),
)
