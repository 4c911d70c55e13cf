"""The text index: which events hold a piece of text.

The texts of 256 neighbouring events are one row: compressed together, and before them marks of everything they hold. A
search looks at the marks first, which are kept in memory, so that it reads few texts that hold nothing of what it looks
for; and then at the texts themselves. What the index says of a text is exact. It follows the record (`store/index.py`).
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import zstandard
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from minutebook.store.bound import Deadline
from minutebook.store.schema import SEQ_BITS, event_text

GROUP_BITS = 8
GROUP = 1 << GROUP_BITS
STEP = 16
"""Events are put into the index so many at a time: each time the last row of the log is written again."""
MOST_MARKS = 32_000
"""Bits of marks in a row, 16 bytes an event."""
MOST_ASKED = 16
AT_ONCE = 256
"""Rows in one query, at most."""
MIXER = np.uint64(0x9E3779B1)  # 2**32 by the golden ratio: neighbours among numbers fall far apart
LOW = np.uint64(0xFFFFFFFF)
LINE_FEED = 10

_GROUP = select(event_text.c.texts).where(event_text.c.number == bindparam("of"))
_MARKS = select(event_text.c.number, event_text.c.marks).where(
    event_text.c.number.between(bindparam("first"), bindparam("last"))
)
_TEXTS = select(event_text.c.number, event_text.c.texts).where(
    event_text.c.number.in_(bindparam("numbers", expanding=True))
)
_GROUPS = (
    select(event_text.c.number, event_text.c.marks, event_text.c.texts)
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
        marks, stored = write(group)
        rows.append({"number": number, "marks": marks, "texts": stored})
    insert = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(event_text)
    changed = {"marks": insert.excluded.marks, "texts": insert.excluded.texts}
    if rows:
        connection.execute(insert.on_conflict_do_update(index_elements=["number"], set_=changed), rows)


def forget(connection: Connection, number: int) -> None:
    """Takes the row of a group out of the index."""
    connection.execute(delete(event_text).where(event_text.c.number == number))


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


class Marks:
    """The marks of one log's whole groups in memory, read when a search first asks for them. Whole groups never change.
    Safe to share between threads."""

    def __init__(self, organization: int) -> None:
        self._base = organization << SEQ_BITS - GROUP_BITS
        self._marks = np.zeros((0, MOST_MARKS // 8), np.uint8)
        self._bits = np.zeros(0, np.int64)  # of each group; none of one that has not been read
        self._lock = threading.Lock()

    def may_hold(self, connection: Connection, hashes: Sequence[int], first: int, end: int) -> NDArray[np.int64]:
        """The groups from one number up to another, ascending, in whose marks the bit for every hash is set."""
        with self._lock:
            self._read(connection, first, end)
            marks, bits = self._marks, self._bits
        found = np.arange(first, end)
        for hash_ in hashes:
            places = hash_ * bits[found] >> 32
            found = found[marks[found, places >> 3] >> (places & 7) & 1 == 1]
        return found

    def _read(self, connection: Connection, first: int, end: int) -> None:
        if end > len(self._bits):
            more = end + end // 4 - len(self._bits)
            self._marks = np.concatenate((self._marks, np.zeros((more, MOST_MARKS // 8), np.uint8)))
            self._bits = np.concatenate((self._bits, np.zeros(more, np.int64)))
        missing = np.flatnonzero(self._bits[first:end] == 0) + first
        if not len(missing):
            return
        bounds = {"first": self._base | int(missing[0]), "last": self._base | int(missing[-1])}
        for number, marks in connection.execute(_MARKS, bounds):
            group = number - self._base
            self._marks[group, : len(marks)] = np.frombuffer(marks, np.uint8)
            self._bits[group] = 8 * len(marks)


def holding(
    connection: Connection,
    organization: int,
    marks: Marks,
    sought: Sequence[Sought],
    seqs: range,
    indexed: int,
    deadline: Deadline | None = None,
) -> Held:
    """Those of the events, all of them below the number `indexed`, that hold everything. Raises TooSlow if there is a
    deadline.

    Where a piece has fewer than three bytes no mark tells of it, and every text is looked at.
    """
    base = organization << SEQ_BITS - GROUP_BITS
    hashes = _asked([one.piece.encode() for one in sought])
    patterns = [(re.compile(re.escape(one.piece.encode())), one.in_ids) for one in sought]
    held = Held([], [])
    first, end, whole = seqs.start >> GROUP_BITS, (seqs.stop - 1 >> GROUP_BITS) + 1, indexed >> GROUP_BITS
    maybe = marks.may_hold(connection, hashes, first, min(end, whole)).tolist() + list(range(max(first, whole), end))
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
