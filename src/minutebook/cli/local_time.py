"""The time zone of whoever sits at the terminal."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from minutebook.filters import UTC, zone_label, zone_named
from minutebook.model import from_micros

LOCALTIME = Path("/etc/localtime")
InUtc = Annotated[bool, typer.Option("--utc", help="Read and write times in UTC and not in the local zone.")]


def zone_of(in_utc: bool) -> ZoneInfo:
    """The zone that `--utc` chooses: of times that name no offset, and of all that are written."""
    return UTC if in_utc else local_zone()


def on_the_clock(micros: int, zone: ZoneInfo) -> str:
    """`2026-11-06 01:00:04 CET`."""
    return f"{from_micros(micros).astimezone(zone):%Y-%m-%d %H:%M:%S} {zone_label(micros, zone)}"


def local_zone(environment: Mapping[str, str] = os.environ, localtime: Path = LOCALTIME) -> ZoneInfo:
    """The zone that TZ names, else the machine's; UTC where neither has a name that is known."""
    named = environment.get("TZ", "").removeprefix(":")
    return zone_named(named or str(localtime.resolve()).partition("/zoneinfo/")[2])
