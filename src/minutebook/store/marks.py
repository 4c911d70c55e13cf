"""The marks of the text index: which groups of events cannot hold a piece of text.

A mark is one of SLOTS bits of a group, set where certain bytes in a row occur in its texts. What is stored is turned
around: beside one another stand the bits that neighbouring groups have in one slot, so that a search reads those of its
own few slots and no other.

    block(organization, "marks", number) → slot by slot the bits of the groups of a block
    event_marks(number) → the same of the blocks of a whole pack, 31 slots a row, which fill a page of SQLite

Where a row is missing or has another length every group may hold everything.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, delete, func, insert, select

from minutebook.store import blocks
from minutebook.store.direct import Among, Direct
from minutebook.store.schema import SEQ_BITS, event_marks

MARKS = "marks"
"""What they are called beside the columns of a block."""
PACK = 16
"""Blocks whose marks are brought together, 65,536 events. Fewer would be more rows to read of those that are, more
would be more blocks that are not yet."""
IN_ROW, ROW_BITS = 31, 10
"""Slots in a row of a pack: with 1,024 groups as many as fit into a page of SQLite. A pack has 2**10 rows."""
SLOTS = IN_ROW << ROW_BITS
"""Bits of a group, 62 bytes an event: about a third of them is set."""
MOST_ASKED = 16
MOST_SEARCHES = 64
MOST_KEPT = 4096
"""Answers of packs, 128 bytes each."""
ANYWHERE, IN_WORDS = (3, 4), (5, 6)
"""So many bytes in a row have a mark; more of them in words only, because hardly any two ids share them."""
MULTIPLIERS = {3: 0x9E3779B1, 4: 0x85EBCA77, 5: 0xC2B2AE3D, 6: 0x27D4EB2F}
LOW = np.uint64(0xFFFFFFFF)
LINE_FEED = 10

_ROWS = Direct(select(event_marks.c.number, event_marks.c.marks).where(Among(event_marks.c.number, "numbers")))
_PACK = (
    select(event_marks.c.marks)
    .where(event_marks.c.number.between(bindparam("first"), bindparam("last")))
    .order_by(event_marks.c.number)
)


def asked(pieces: tuple[tuple[bytes, bool], ...]) -> NDArray[np.int64]:
    """Slots that are all set for a group that holds the pieces, each of which is in its words, or else anywhere. They
    are as telling together as all: all of short pieces, of longer ones at even distances."""
    sizes = {True: ANYWHERE + IN_WORDS, False: ANYWHERE}
    found = list(dict.fromkeys(slot for piece, in_words in pieces for slot in _slots(piece, sizes[in_words]).tolist()))
    return np.array(found[:: max(1, -(-len(found) // MOST_ASKED))], np.int64)


def of_block(groups: Sequence[bytes | None]) -> bytes:
    """The marks of a block's groups, each as its texts in lines: words and ids in turn. Nothing is known of a None."""
    bits = np.zeros((_width(len(groups)) * 8, SLOTS), np.bool_)
    for number, plain in enumerate(groups):
        if plain is None:
            bits[number] = True
        else:
            bits[number, _slots(plain, ANYWHERE)] = True
            bits[number, _slots(b"\n".join(plain.split(b"\n")[::2]), IN_WORDS)] = True
    return np.ascontiguousarray(np.packbits(bits, axis=0, bitorder="little").T).tobytes()


def pack(connection: Connection, organization: int, last: int, of_last: bytes) -> None:
    """Writes the marks of a whole pack, of whose blocks only the last has not been written."""
    first = last + 1 - PACK
    parts = _of_blocks(connection, organization, first, last) | {last: of_last}
    unknown = b"\xff" * len(of_last)
    of_blocks = [
        np.frombuffer(part if len(part) == len(of_last) else unknown, np.uint8).reshape(SLOTS, -1)
        for part in (parts.get(number, unknown) for number in range(first, last + 1))
    ]
    rows = np.concatenate(of_blocks, axis=1).reshape(1 << ROW_BITS, -1)
    base = _base(organization, first // PACK)
    values = [{"number": base | number, "marks": row.tobytes()} for number, row in enumerate(rows)]
    connection.execute(insert(event_marks), values)
    blocks.forget(connection, organization, MARKS, first, last)


def stored(connection: Connection, organization: int, marked: int) -> Iterator[bytes]:
    """The marks of each of the first `marked` blocks of a log, as far as they can be read."""
    for number in range(marked // PACK):
        base = _base(organization, number)
        bounds = {"first": base, "last": base | (1 << ROW_BITS) - 1}
        together = b"".join(connection.execute(_PACK, bounds).scalars())
        if len(together) % (SLOTS * PACK):
            yield from [b""] * PACK
            continue
        bits = np.frombuffer(together, np.uint8).reshape(SLOTS, PACK, -1)
        yield from (np.ascontiguousarray(bits[:, block]).tobytes() for block in range(PACK))
    first = marked // PACK * PACK
    parts = _of_blocks(connection, organization, first, marked)
    yield from (parts.get(number, b"") for number in range(first, marked))


def rows(connection: Connection, organization: int) -> int:
    """How many rows of packs are of an organization."""
    first, end = (_base(number, 0) for number in (organization, organization + 1))
    counted = select(func.count()).where(event_marks.c.number >= first, event_marks.c.number < end)
    return int(connection.execute(counted).scalar_one())


def forget(connection: Connection, organization: int) -> None:
    """Takes the marks of all packs of an organization away."""
    first, end = (_base(number, 0) for number in (organization, organization + 1))
    connection.execute(delete(event_marks).where(event_marks.c.number >= first, event_marks.c.number < end))


class Marks:
    """The marks of one log in memory, as far as searches have asked for them. Those of whole blocks never change. Safe
    to share between threads."""

    def __init__(self, organization: int) -> None:
        self._organization = organization
        self._rows: dict[int, bytes] = {}
        self._packs: dict[tuple[bytes, int], NDArray[np.uint8]] = {}
        self._blocks: dict[int, bytes] = {}
        self._asked: dict[tuple[tuple[bytes, bool], ...], NDArray[np.int64]] = {}
        self._lock = threading.Lock()

    def asked(self, pieces: tuple[tuple[bytes, bool], ...]) -> NDArray[np.int64]:
        """As `asked`, which is kept for the next page."""
        if (slots := self._asked.get(pieces)) is None:
            if len(self._asked) >= MOST_SEARCHES:
                self._asked = {}
            slots = self._asked[pieces] = asked(pieces)
        return slots

    def may_hold(
        self, connection: Connection, slots: NDArray[np.int64], first: int, end: int, marked: int, in_block: int
    ) -> NDArray[np.bool_]:
        """Of the groups from one number up to another, whether every slot is set; `marked` blocks are written, each of
        `in_block` groups."""
        if not len(slots):
            return np.ones(end - first, np.bool_)
        from_, to = first // in_block, -(-end // in_block)
        width, packed = _width(in_block), marked // PACK * PACK
        packs = range(from_ // PACK, -(-min(to, packed) // PACK))
        with self._lock:
            for number in [number for number in self._blocks if number < packed]:
                del self._blocks[number]  # the pack has them
            parts = [self._of_pack(connection, slots, number, PACK * width) for number in packs]
            parts += self._of_blocks(connection, slots, max(from_, packed), to, width)
        start = min(from_, packed) // PACK * PACK if from_ < packed else from_
        bits = np.concatenate(parts).reshape(-1, width)
        of_groups = np.unpackbits(bits, axis=1, count=in_block, bitorder="little").reshape(-1)
        skipped = start * in_block
        return of_groups[first - skipped : end - skipped].view(np.bool_)

    def _of_pack(self, connection: Connection, slots: NDArray[np.int64], number: int, width: int) -> NDArray[np.uint8]:
        if (known := self._packs.get((slots.tobytes(), number))) is not None:
            return known
        base = _base(self._organization, number)
        numbers = [base | slot // IN_ROW for slot in slots.tolist()]
        if missing := [row for row in dict.fromkeys(numbers) if row not in self._rows]:
            self._rows |= {row: bytes(marks) for row, marks in _ROWS.rows(connection, numbers=missing)}
        found = np.full(width, 0xFF, np.uint8)
        for row, slot in zip(numbers, slots.tolist(), strict=True):
            marks = self._rows.get(row, b"")
            if len(marks) == IN_ROW * width:
                found &= np.frombuffer(marks, np.uint8, width, slot % IN_ROW * width)
        if len(self._packs) >= MOST_KEPT:
            self._packs.clear()
        self._packs[slots.tobytes(), number] = found
        return found

    def _of_blocks(
        self, connection: Connection, slots: NDArray[np.int64], first: int, end: int, width: int
    ) -> list[NDArray[np.uint8]]:
        missing = [number for number in range(first, end) if number not in self._blocks]
        if missing:
            self._blocks |= _of_blocks(connection, self._organization, missing[0], missing[-1] + 1)
        parts = []
        for number in range(first, end):
            marks = self._blocks.get(number, b"")
            if len(marks) == SLOTS * width:
                every = np.frombuffer(marks, np.uint8).reshape(SLOTS, width)[slots]
            else:
                every = np.full((1, width), 0xFF, np.uint8)
            parts.append(np.bitwise_and.reduce(every, axis=0))
        return parts


def _of_blocks(connection: Connection, organization: int, first: int, end: int) -> dict[int, bytes]:
    """The marks of blocks that are in no whole pack; none of them where one cannot be read."""
    try:
        return dict(blocks.read(connection, organization, MARKS, first, end))
    except blocks.NotWrittenSo:
        return {}


def _base(organization: int, number: int) -> int:
    return organization << SEQ_BITS | number << ROW_BITS


def _width(groups: int) -> int:
    """Bytes of the bits of so many groups."""
    return -(-groups // 8)


def _slots(plain: bytes, sizes: Sequence[int]) -> NDArray[np.int64]:
    """A slot for each so many bytes in a row of one line."""
    codes = np.frombuffer(plain, np.uint8).astype(np.uint64)
    lines = np.cumsum(codes == LINE_FEED)
    found = []
    for size in sizes:
        number = max(0, len(codes) - size + 1)
        together = np.zeros(number, np.uint64)
        for place in range(size):
            together = together << np.uint64(8) | codes[place : place + number]
        together = together[(lines[:number] == lines[size - 1 :]) & (codes[:number] != LINE_FEED)]
        mixed = together * np.uint64(MULTIPLIERS[size])
        found.append((mixed ^ mixed >> np.uint64(29) & LOW) & LOW)
    hashes = np.concatenate(found) * np.uint64(SLOTS) >> np.uint64(32)
    return hashes.astype(np.int64)
