"""How a tile is named in an address, by C2SP tlog-tiles (c2sp.org/tlog-tiles): `<L>/<N>` or `entries/<N>`, and `.p/<W>`
behind it for one that is not whole. N is in groups of three digits, all but the last behind an x: `x001/x234/067`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

WIDTH = 256
ENTRIES = "entries"
_PATH = re.compile(r"(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)
_MOST_GROUPS = 5


class NotATile(ValueError):
    """The path names no tile."""


@dataclass(frozen=True, slots=True)
class TilePath:
    """A tile: of hashes on a level, or of entries where there is no level; and how many of them it has."""

    level: int | None
    number: int
    width: int = WIDTH

    @property
    def first(self) -> int:
        """The number of its first hash on its level."""
        return self.number * WIDTH

    @property
    def events(self) -> int:
        """How many events a log must have at least for it to be there."""
        return (self.first + self.width) << 8 * (self.level or 0)

    def __str__(self) -> str:
        level = ENTRIES if self.level is None else str(self.level)
        digits = str(self.number)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"{level}/{'/'.join([*(f'x{group}' for group in groups[:-1]), groups[-1]])}{partial}"

    @classmethod
    def parse(cls, path: str) -> Self:
        """The tile whose path this is, and no other's. Raises NotATile."""
        match = _PATH.fullmatch(path)
        if match is None or match[2].count("/") >= _MOST_GROUPS:
            raise NotATile("this names no tile")
        level = None if match[1] == ENTRIES else int(match[1])
        found = cls(level, int(match[2].replace("x", "").replace("/", "")), int(match[3] or WIDTH))
        if str(found) != path or found.width > WIDTH or (found.level or 0) > 63:
            raise NotATile("this names no tile as it is written")
        return found
