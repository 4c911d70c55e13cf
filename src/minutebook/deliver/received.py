"""An export as JSON Lines that arrives from a server: its events one by one, held against its trailer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import orjson

from minutebook.deliver.export import Export
from minutebook.deliver.formats import Row
from minutebook.errors import MinutebookError

TRAILER = b'{"trailer":'
HELD = ("organization", "query", "size", "first", "count", "sha256")


class Incomplete(MinutebookError):
    """The server stopped before the end of the export."""

    status = 503
    code = "incomplete"
    exit_code = 3


class Altered(MinutebookError):
    """What arrived is not what the server exported: {what} do not fit the trailer. Nothing of it is kept. Export it
    again; if that does not help, look for what changes answers between here and the server."""

    code = "altered"


def received(chunks: Iterable[bytes], export: Export) -> Iterator[Row]:
    """The events of an answer that begins with number `export.first`, as its bytes come, in constant memory.

    Raises Incomplete without a trailer, and Altered where the events are not those of the trailer, which is known only
    behind the last one.
    """
    hashed = hashlib.sha256()
    for count, line in enumerate(_lines(chunks)):
        try:
            if line.startswith(TRAILER):
                trailer = orjson.loads(line)["trailer"]
                arrived = (export.origin.id, export.query, export.size, export.first, count, hashed.hexdigest())
                if tuple(trailer[name] for name in HELD) != arrived:
                    raise Altered(what=f"{count:,} events")
                return
            row = Row(orjson.loads(line)["seq"], line[:-1])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise Altered(what=f"{count:,} events and what follows them") from None
        hashed.update(line)
        yield row
    raise Incomplete


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines that end, each with its line feed."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line + b"\n" for line in lines)
