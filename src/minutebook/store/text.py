"""The text index: which events hold a piece of text.

The texts of 256 neighbouring events are one row: compressed together, and before them marks of everything they hold. A
search looks at the marks first, in the database, so that it reads few texts that hold nothing of what it looks for; and
then at the texts themselves. What the index says of a text is exact. It follows the record (`store/index.py`).
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import zstandard
from numpy.typing import NDArray
from sqlalchemy import Connection, TextClause, bindparam, func, select, text
from sqlalchemy.dialects import postgresql, sqlite

from minutebook.store.bound import Deadline
from minutebook.store.schema import SEQ_BITS, event_text

GROUP_BITS = 8
GROUP = 1 << GROUP_BITS
STEP = 16
"""Events are put into the index so many at a time: each time the last row of the log is written again."""
MOST_MARKS = 32_000
"""Two rows with so many bits of marks fill a page of PostgreSQL."""
MOST_ASKED = 16
AT_ONCE = 256
"""Rows in one query, at most."""
MIXER = np.uint64(0x9E3779B1)  # 2**32 by the golden ratio: neighbours among numbers fall far apart
LOW = np.uint64(0xFFFFFFFF)
LINE_FEED = 10

_GROUP = select(event_text.c.texts).where(event_text.c.number == bindparam("of"))
_GROUPS = (
    select(event_text.c.number, event_text.c.marks, event_text.c.texts)
    .where(event_text.c.number.between(bindparam("first"), bindparam("last")))
    .order_by(event_text.c.number)
)


def add(connection: Connection, texts: Sequence[tuple[int, str]]) -> None:
    """Puts events (position, text) of one log into the index, in their order, behind those that are in it.

    An event that is missing between them leaves its place empty.
    """
    rows = []
    for number, of_group in itertools.groupby(texts, key=lambda pair: pair[0] >> GROUP_BITS):
        stored = connection.execute(_GROUP, {"of": number}).scalar_one_or_none()
        group = [] if stored is None else _texts(_plain(stored))
        for position, found in of_group:
            group += [EMPTY] * ((position & (GROUP - 1)) - len(group))
            group.append(found)
        marks, stored = write(group)
        rows.append({"number": number, "marks": marks, "texts": stored})
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(event_text)
    changed = {"marks": insert.excluded.marks, "texts": insert.excluded.texts}
    if rows:
        connection.execute(insert.on_conflict_do_update(index_elements=["number"], set_=changed), rows)


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
    sought: Sequence[Sought],
    first: int,
    last: int,
    deadline: Deadline | None = None,
) -> Held:
    """The events from the number `first` to `last` that hold everything. Raises TooSlow if there is a deadline.

    Where a piece has fewer than three bytes no mark tells of it, and every text is looked at.
    """
    base = organization << SEQ_BITS
    hashes = _asked([one.piece.encode() for one in sought])
    patterns = [(re.compile(re.escape(one.piece.encode())), one.in_ids) for one in sought]
    values = {f"hash{place}": found for place, found in enumerate(hashes)}
    held = Held([], [])
    low, high = (base | first) >> GROUP_BITS, (base | last) >> GROUP_BITS
    for start in range(low, high + 1, AT_ONCE):
        if deadline:
            deadline.check()
        bounds = {"first": start, "last": min(start + AT_ONCE - 1, high)}
        for number, stored in sorted(connection.execute(_marked(len(hashes)), values | bounds).all()):
            begin = (number << GROUP_BITS) - base
            try:
                places = _places(_plain(stored), patterns)
            except ValueError:
                held.unreadable.append(range(max(first, begin), min(last + 1, begin + GROUP)))
                continue
            held.numbers.extend(seq for place in places if first <= (seq := begin + place) <= last)
    return held


def differing(connection: Connection, organization: int, seqs: range, texts: Mapping[int, str]) -> set[int]:
    """Of the numbers, which begin and end with a group, those under which the index does not hold exactly these texts.

    Of a group whose marks are not those of its texts it is all of them.
    """
    base = organization << SEQ_BITS
    found: dict[int, str] = {}
    wrong: set[int] = set()
    bounds = {"first": (base | seqs.start) >> GROUP_BITS, "last": (base | (seqs.stop - 1)) >> GROUP_BITS}
    for number, marks, stored in connection.execute(_GROUPS, bounds):
        begin = (number << GROUP_BITS) - base
        try:
            plain = _plain(stored)
            found |= {begin + place: said for place, said in enumerate(_texts(plain)) if said != EMPTY}
        except ValueError:
            continue
        if marks != _marks(plain):
            wrong |= {seq for seq in texts if begin <= seq < begin + GROUP}
    return wrong | {seq for seq in texts.keys() | found.keys() if texts.get(seq) != found.get(seq)}


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


def write(texts: Sequence[str]) -> tuple[bytes, bytes]:
    """The marks and the texts of a group as they are stored."""
    plain = "\n".join(texts).encode()
    return _marks(plain), zstandard.ZstdCompressor(LEVEL, write_checksum=True).compress(plain)


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
    ends = np.flatnonzero(np.frombuffer(plain, np.uint8) == LINE_FEED)
    found = np.ones(GROUP, np.bool_)
    for pattern, in_ids in sought:
        lines = np.searchsorted(ends, [match.start() for match in pattern.finditer(plain)])
        holds = np.zeros(GROUP, np.bool_)
        holds[(lines if in_ids else lines[lines % 2 == 0]) // 2] = True
        found &= holds
        if not found.any():
            break
    return np.flatnonzero(found).tolist()


def _hashes(plain: bytes) -> NDArray[np.uint64]:
    """32 bits for each three and each four bytes in a row."""
    codes = np.frombuffer(plain, np.uint8).astype(np.uint64)
    three = codes[:-2] << np.uint64(16) | codes[1:-1] << np.uint64(8) | codes[2:]
    four = three[:-1] << np.uint64(8) | codes[3:]
    hashes: NDArray[np.uint64] = np.concatenate((three, four)) * MIXER & LOW
    return hashes


def _marks(plain: bytes) -> bytes:
    """A bit for each byte, as far as there is room: a third of them is set."""
    size = max(1, min(MOST_MARKS, len(plain)) // 8) * 8
    marks = np.zeros(size, np.bool_)
    marks[_hashes(plain) * np.uint64(size) >> np.uint64(32)] = True
    return np.packbits(marks, bitorder="little").tobytes()


def _asked(pieces: Sequence[bytes]) -> list[int]:
    """Hashes that together are as telling as all: all of short pieces, of longer ones at even distances."""
    found = list(dict.fromkeys(found for piece in pieces for found in _hashes(piece).tolist()))
    return found[:: max(1, -(-len(found) // MOST_ASKED))]


@lru_cache(maxsize=MOST_ASKED + 1)
def _marked(hashes: int) -> TextClause:
    """The groups in which the bits for so many hashes are set."""
    bits = " AND get_bit(marks, CAST(:hash{} AS BIGINT) * (length(marks) * 8) >> 32) = 1"
    marked = "".join(bits.format(place) for place in range(hashes))
    return text(f"SELECT number, texts FROM event_text WHERE number BETWEEN :first AND :last{marked}")  # noqa: S608
