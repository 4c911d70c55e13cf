"""JSON Lines: each event as it is, a line each."""

from __future__ import annotations

from collections.abc import Sequence

from minutebook.deliver.formats.writer import Origin, Row, Trailer


class JsonlWriter:
    """Writes JSON Lines."""

    def __init__(self, origin: Origin) -> None:
        del origin  # an event says all of itself

    def head(self) -> bytes:
        return b""

    def rows(self, rows: Sequence[Row]) -> bytes:
        return b"".join([row.json + b"\n" for row in rows])

    def rest(self) -> bytes:
        return b""

    def trailer(self, trailer: Trailer) -> bytes:
        return trailer_line(trailer)


def trailer_line(trailer: Trailer) -> bytes:
    """The last line of a file of JSON Lines: no event has this key."""
    return b'{"trailer":' + trailer.json() + b"}\n"
