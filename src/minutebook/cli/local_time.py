"""The time zone of whoever sits at the terminal."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

from minutebook.filters import zone_named

LOCALTIME = Path("/etc/localtime")


def local_zone(environment: Mapping[str, str] = os.environ, localtime: Path = LOCALTIME) -> ZoneInfo:
    """The zone that TZ names, else the machine's; UTC where neither has a name that is known."""
    named = environment.get("TZ", "").removeprefix(":")
    return zone_named(named or str(localtime.resolve()).partition("/zoneinfo/")[2])
