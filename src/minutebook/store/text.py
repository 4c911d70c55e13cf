"""The text index: which events hold a piece of text.

The texts of 256 neighbouring events are one row: compressed together, and before them marks of everything they hold. A
search looks at the marks first, in the database, so that it reads few texts that hold nothing of what it looks for; and
then at the texts themselves. What the index says of a text is exact. It follows the record (`store/index.py`).
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np
import zstandard
from numpy.typing import NDArray
from sqlalchemy import Connection, TextClause, bindparam, func, select, text
from sqlalchemy.dialects import postgresql, sqlite

from minutebook.store.schema import SEQ_BITS, event_text

SHORTEST = 3
"""A piece of fewer characters has no mark; who looks for it looks at every event."""
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


def holding(connection: Connection, organization: int, pieces: Sequence[str], first: int, last: int) -> list[int]:
    """The numbers from `first` to `last`, ascending, of the events whose text holds all the pieces.

    Each piece is in normal form and has at least three characters. An event whose text cannot be read may hold them.
    """
    base = organization << SEQ_BITS
    sought = sorted((piece.encode() for piece in pieces), key=len, reverse=True)
    hashes = _asked(sought)
    values = {f"hash{place}": found for place, found in enumerate(hashes)}
    numbers: list[int] = []
    low, high = (base | first) >> GROUP_BITS, (base | last) >> GROUP_BITS
    for start in range(low, high + 1, AT_ONCE):
        bounds = {"first": start, "last": min(start + AT_ONCE - 1, high)}
        for number, stored in sorted(connection.execute(_marked(len(hashes)), values | bounds).all()):
            begin = (number << GROUP_BITS) - base
            numbers += [begin + place for place in _places(stored, sought)]
    return [number for number in numbers if first <= number <= last]


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


def _places(stored: bytes, sought: Sequence[bytes]) -> Iterator[int]:
    """The places of the events in their group whose text holds all that is sought; of a group that cannot be read,
    every place."""
    try:
        plain = _plain(stored)
    except ValueError:
        yield from range(GROUP)
        return
    rarest, *others = sought
    lines = seen = 0
    at = plain.find(rarest)
    while at >= 0:
        lines += plain.count(b"\n", seen, at)
        begin = plain.rfind(b"\n", 0, at) + 1
        if lines % 2:
            begin = plain.rfind(b"\n", 0, begin - 1) + 1
        end = plain.find(b"\n", at)
        if end >= 0 and not lines % 2:
            end = plain.find(b"\n", end + 1)
        if end < 0:
            end = len(plain)
        if all(plain.find(other, begin, end) >= 0 for other in others):
            yield lines // 2
        lines, seen = lines - lines % 2 + 1, end
        at = plain.find(rarest, end)


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


def _asked(sought: Sequence[bytes]) -> list[int]:
    """Hashes that together are as telling as all: all of short pieces, of longer ones at even distances."""
    found = list(dict.fromkeys(found for piece in sought for found in _hashes(piece).tolist()))
    return found[:: -(-len(found) // MOST_ASKED)]


@lru_cache(maxsize=MOST_ASKED)
def _marked(hashes: int) -> TextClause:
    """The groups in which the bits for so many hashes are set."""
    bits = "get_bit(marks, CAST(:hash{} AS BIGINT) * (length(marks) * 8) >> 32) = 1"
    marked = " AND ".join(bits.format(place) for place in range(hashes))
    return text(f"SELECT number, texts FROM event_text WHERE number BETWEEN :first AND :last AND {marked}")  # noqa: S608
