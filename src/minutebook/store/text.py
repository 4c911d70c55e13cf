"""The text index: which events hold a piece of text.

The texts of 256 neighbouring events are one row, compressed together. Of whole blocks there are marks of everything
that the texts hold (`marks.py`): a search looks at these first, so that it reads few texts that hold nothing of what it
looks for; and then at the texts themselves. What the index says of a text is exact. It follows the record
(`store/index.py`).
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np
import zstandard
from sqlalchemy import Connection, bindparam, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from minutebook.store import blocks
from minutebook.store.bound import Deadline
from minutebook.store.marks import Marks, asked
from minutebook.store.schema import SEQ_BITS, event_text

GROUP_BITS = 8
GROUP = 1 << GROUP_BITS
STEP = 16
"""Events are put into the index so many at a time: each time the last row of the log is written again."""
AT_ONCE = 256
"""Rows in one query, at most."""
LINE_FEED = 10

_GROUP = select(event_text.c.texts).where(event_text.c.number == bindparam("of"))
_TEXTS = select(event_text.c.number, event_text.c.texts).where(
    event_text.c.number.in_(bindparam("numbers", expanding=True))
)
_GROUPS = (
    select(event_text.c.number, event_text.c.texts)
    .where(event_text.c.number.between(bindparam("first"), bindparam("last")))
    .order_by(event_text.c.number)
)


def add(connection: Connection, texts: Sequence[tuple[int, str]]) -> None:
    """Puts events (position, text) of one log into the index, in their order, behind those that are in it.

    An event that is missing between them leaves its place empty. Raises Unreadable for the row of those before them.
    """
    rows = []
    for number, of_group in itertools.groupby(texts, key=lambda pair: pair[0] >> GROUP_BITS):
        stored = connection.execute(_GROUP, {"of": number}).scalar_one_or_none()
        try:
            group = [] if stored is None else _texts(_plain(stored))
        except ValueError as error:
            raise Unreadable(number) from error
        for position, found in of_group:
            group += [EMPTY] * ((position & (GROUP - 1)) - len(group))
            group.append(found)
        rows.append({"number": number, "texts": write(group)})
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(event_text)
    changed = {"texts": insert.excluded.texts}
    if rows:
        connection.execute(insert.on_conflict_do_update(index_elements=["number"], set_=changed), rows)


def forget(connection: Connection, number: int) -> None:
    """Takes the row of a group out of the index."""
    connection.execute(delete(event_text).where(event_text.c.number == number))


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


class Sought(NamedTuple):
    """A piece of text in normal form that the words of an event must hold, or where `in_ids` its ids and numbers."""

    piece: str
    in_ids: bool

    def is_in(self, text: str) -> bool:
        """Whether a text made by `filters.text_of` holds it."""
        return self.piece in (text if self.in_ids else text.partition("\n")[0])


class Held(NamedTuple):
    """Which events hold what is sought, by number and ascending; and those of whom that cannot be told, since their row
    cannot be read."""

    numbers: list[int]
    unreadable: list[range]


def holding(
    connection: Connection,
    organization: int,
    marks: Marks,
    sought: Sequence[Sought],
    seqs: range,
    marked: int,
    deadline: Deadline | None = None,
) -> Held:
    """Those of the events, all of which the index has reached, that hold everything. Of the first `marked` blocks there
    are marks. Raises TooSlow if there is a deadline.

    Where a piece has fewer than three bytes no mark tells of it, and every text is looked at.
    """
    base = organization << SEQ_BITS - GROUP_BITS
    slots = asked([(one.piece.encode(), not one.in_ids) for one in sought])
    patterns = [(re.compile(re.escape(one.piece.encode())), one.in_ids) for one in sought]
    held = Held([], [])
    first, end, in_block = seqs.start >> GROUP_BITS, (seqs.stop - 1 >> GROUP_BITS) + 1, blocks.BLOCK >> GROUP_BITS
    whole = marked * in_block
    maybe = marks.may_hold(connection, slots, first, min(end, whole), marked, in_block)
    maybe += range(max(first, whole), end)
    for at in range(0, len(maybe), AT_ONCE):
        if deadline:
            deadline.check()
        numbers = [base | group for group in maybe[at : at + AT_ONCE]]
        for number, stored in sorted(connection.execute(_TEXTS, {"numbers": numbers}).all()):
            begin = (number ^ base) << GROUP_BITS
            try:
                places = _places(_plain(stored), patterns)
            except ValueError:
                held.unreadable.append(range(max(seqs.start, begin), min(seqs.stop, begin + GROUP)))
                continue
            held.numbers.extend(seq for place in places if (seq := begin + place) in seqs)
    return held


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


def _places(plain: bytes, sought: Sequence[tuple[re.Pattern[bytes], bool]]) -> list[int]:
    """The places of the events in their group that hold everything."""
    starts = [[match.start() for match in pattern.finditer(plain)] for pattern, _ in sought]
    if not all(starts):
        return []
    ends = np.flatnonzero(np.frombuffer(plain, np.uint8) == LINE_FEED)
    found = np.ones(GROUP, np.bool_)
    for (_, in_ids), of_one in zip(sought, starts, strict=True):
        lines = np.searchsorted(ends, of_one)
        holds = np.zeros(GROUP, np.bool_)
        holds[(lines if in_ids else lines[lines % 2 == 0]) // 2] = True
        found &= holds
    return np.flatnonzero(found).tolist()
