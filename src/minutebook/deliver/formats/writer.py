"""What every format of an export does, and the trailer by which a file that was cut off is told from a whole one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import orjson


class Row(NamedTuple):
    """An event as it is exported: its number, and its one JSON for programs (`store/event_json.py`)."""

    seq: int
    json: bytes


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose log a file is of: the public id of the organization and what it is called."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Trailer:
    """What the end of a file says of all that stands before it.

    `count` events are in it: those that the filter `query` finds from number `first` on, in the log as it was when it
    held `size` events. `sha256` is over all bytes of the file before the trailer.
    """

    format: str
    organization: str
    query: str
    size: int
    first: int
    count: int
    sha256: str

    def json(self) -> bytes:
        return orjson.dumps(self)


class Writer(Protocol):
    """Writes one file: `head`, then `rows` any number of times, then `rest`, then `trailer`.

    Each returns the bytes that are ready, which may be none. The hash of the trailer is over all but its own.
    """

    def head(self) -> bytes: ...

    def rows(self, rows: Sequence[Row]) -> bytes: ...

    def rest(self) -> bytes: ...

    def trailer(self, trailer: Trailer) -> bytes: ...
