"""The text index: which events hold a piece of text.

The texts of 64 neighbouring events are one row, compressed together. Of whole blocks there are marks of everything
that the texts hold (`marks.py`), so that a search (`worded.py`) reads few texts that hold nothing of what it looks for.
What the index says of a text is exact. It follows the record (`store/index.py`).
"""

from __future__ import annotations

import itertools
import threading
from array import array
from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property

import numpy as np
import zstandard
from sqlalchemy import Connection, bindparam, delete, func, select, update

from minutebook.store import upsert
from minutebook.store.direct import Among, Direct
from minutebook.store.schema import SEQ_BITS, event_text
from minutebook.store.upsert import Rows

LINE_FEED = 10
GROUP_BITS = 6
GROUP = 1 << GROUP_BITS
STEP = 16
"""Events are put into the index so many at a time: each time the last row of the log is written again."""
AT_ONCE = 256
"""Rows in one query, at most."""

_GROUP = select(event_text.c.texts).where(event_text.c.number == bindparam("of"))
_SOME = Direct(select(event_text.c.number, event_text.c.texts).where(Among(event_text.c.number, "numbers")))
_GROUPS = (
    select(event_text.c.number, event_text.c.texts)
    .where(event_text.c.number.between(bindparam("first"), bindparam("last")))
    .order_by(event_text.c.number)
)


def texts_before(connection: Connection, position: int) -> dict[int, list[str]]:
    """The texts in the row of an event that come before its own, by number of the row. Raises Unreadable."""
    number, place = position >> GROUP_BITS, position & (GROUP - 1)
    stored = connection.execute(_GROUP, {"of": number}).scalar_one_or_none() if place else None
    try:
        return {} if stored is None else {number: _texts(_plain(stored))[:place]}
    except ValueError as error:
        raise Unreadable(number) from error


def rows_of(texts: Iterable[tuple[int, str]], before: Mapping[int, Sequence[str]]) -> Rows:
    """The rows with the texts of events (position, text) of one log, in their order, behind `texts_before`; to be
    written by `put`. An event that is missing between them leaves its place empty."""
    found = []
    for number, of_group in itertools.groupby(texts, key=lambda pair: pair[0] >> GROUP_BITS):
        group = list(before.get(number, ()))
        for position, said in of_group:
            group += [EMPTY] * ((position & (GROUP - 1)) - len(group))
            group.append(said)
        found.append({"number": number, "texts": write(group)})
    return found


def put(connection: Connection, rows: Rows) -> None:
    """Writes rows of the index."""
    upsert.put(connection, event_text, rows)


def forget(connection: Connection, numbers: Sequence[int]) -> None:
    """Takes the rows of some groups out of the index."""
    connection.execute(delete(event_text).where(event_text.c.number.in_(numbers)))


def empty(connection: Connection, numbers: Sequence[int]) -> list[int]:
    """Takes the texts out of the rows of some groups, so that none can be read; which of them are there."""
    found: list[int] = []
    for at in range(0, len(numbers), AT_ONCE):
        here = event_text.c.number.in_(numbers[at : at + AT_ONCE])
        emptied = update(event_text).where(here).values(texts=b"")
        found += connection.execute(emptied.returning(event_text.c.number)).scalars()
    return found


class Unreadable(ValueError):
    """The texts of the group `number` cannot be read."""

    def __init__(self, number: int) -> None:
        super().__init__(f"the texts of group {number} cannot be read")
        self.number = number


class Said:
    """The texts of a group, in lines: words and ids in turn."""

    def __init__(self, plain: bytes) -> None:
        self.plain = plain

    @cached_property
    def _ends(self) -> array[int]:
        """Where each line but the last ends."""
        return array("q", np.flatnonzero(np.frombuffer(self.plain, np.uint8) == LINE_FEED).tobytes())

    def places(self, piece: bytes, *, in_ids: bool) -> list[int]:
        """The places in the group of the events that hold a piece, in their words, or where `in_ids` anywhere."""
        find, ends = self.plain.find, self._ends
        found: list[int] = []
        at, last = find(piece), len(ends)
        while at >= 0:
            line = bisect(ends, at)
            if in_ids or not line % 2:
                found.append(line // 2)
            following = line | 1  # nothing is looked for twice in one event
            at = find(piece, ends[following]) if following < last else -1
        return found


def read(connection: Connection, organization: int, numbers: Sequence[int]) -> Iterator[tuple[int, Said]]:
    """The texts of some groups of a log, as far as they are there and can be read."""
    base = organization << SEQ_BITS - GROUP_BITS
    for number, stored in _SOME.rows(connection, numbers=[base | number for number in numbers]):
        with suppress(ValueError):
            yield number ^ base, Said(_plain(stored))


def differing(connection: Connection, organization: int, seqs: range, texts: Mapping[int, str]) -> set[int]:
    """Of the numbers, which begin and end with a group, those under which the index does not hold just these texts."""
    base = organization << SEQ_BITS
    found: dict[int, str] = {}
    bounds = {"first": (base | seqs.start) >> GROUP_BITS, "last": (base | (seqs.stop - 1)) >> GROUP_BITS}
    for number, stored in connection.execute(_GROUPS, bounds):
        begin = (number << GROUP_BITS) - base
        try:
            found |= {begin + place: said for place, said in enumerate(_texts(_plain(stored))) if said != EMPTY}
        except ValueError:
            continue
    return {seq for seq in texts.keys() | found.keys() if texts.get(seq) != found.get(seq)}


def of_groups(connection: Connection, organization: int, seqs: range) -> list[bytes | None]:
    """The texts of each group of the numbers, which begin and end with one, in lines; None if they cannot be read."""
    base = organization << SEQ_BITS
    first, end = ((base | seq) >> GROUP_BITS for seq in (seqs.start, seqs.stop))
    found: list[bytes | None] = [None] * (end - first)
    for number, stored in connection.execute(_GROUPS, {"first": first, "last": end - 1}):
        with suppress(ValueError):
            found[number - first] = _plain(stored)
    return found


def groups(connection: Connection, organization: int) -> int:
    """How many rows of the index are of an organization."""
    first, last = (number << SEQ_BITS - GROUP_BITS for number in (organization, organization + 1))
    counted = select(func.count()).where(event_text.c.number >= first, event_text.c.number < last)
    return int(connection.execute(counted).scalar_one())


# ── One row ──────────────────────────────────────────────────────────────────────────────────────────────────────────

LEVEL = 6
EMPTY = "\n"
"""In the place of an event that was taken out of a log: two lines, as every text has."""

_local = threading.local()  # a decompressor serves one thread at a time


def plain_of(texts: Sequence[str]) -> bytes:
    """The texts of a group in lines: words and ids in turn."""
    return "\n".join(texts).encode()


def write(texts: Sequence[str]) -> bytes:
    """The texts of a group as they are stored."""
    return zstandard.ZstdCompressor(LEVEL, write_checksum=True).compress(plain_of(texts))


def _plain(stored: bytes) -> bytes:
    """The texts as they were before they were compressed. Raises ValueError for what `write` cannot have written."""
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    try:
        return bytes(_local.decompressor.decompress(stored))
    except zstandard.ZstdError as error:
        raise ValueError("no texts of events") from error


def _texts(plain: bytes) -> list[str]:
    lines = plain.decode().split("\n")
    return [f"{words}\n{ids}" for words, ids in zip(lines[::2], lines[1::2], strict=True)]
