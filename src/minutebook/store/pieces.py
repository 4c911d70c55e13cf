"""The columns of the newest events of a log, before they are a block (`blocks.py`): 512 events to a piece.

    block_piece(number) → all columns of the piece, each behind its length

Without them whoever searches a log first would unpack up to 4,095 events one by one, which takes as long as reading two
million in blocks. A piece stands for itself: it says what its own codes stand for. It goes once its events are in a
block.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import zstandard
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, delete, insert, select

from minutebook.store import blocks, columns
from minutebook.store.blocks import NotWrittenSo
from minutebook.store.direct import Direct
from minutebook.store.schema import SEQ_BITS, block_piece

SIZE = 512
"""Events in a piece; divides those in a block, which are a power of two."""

_BETWEEN = Direct(
    select(block_piece.c.number, block_piece.c.content)
    .where(block_piece.c.number.between(bindparam("first"), bindparam("last")))
    .order_by(block_piece.c.number)
)


class Column(NamedTuple):
    """One column of a piece: times, or the codes of `words`."""

    numbers: NDArray[Any]
    words: Sequence[Any]


def made(connection: Connection, organization: int, number: int) -> dict[str, bytes]:
    """A piece as it is made from its events: names and contents."""
    first = number * SIZE
    values = columns.values(connection, organization, blocks.COLUMNS, first, first + SIZE)
    return blocks.write(values, {name: columns.Words() for name in columns.SHARED})


def put(connection: Connection, organization: int, number: int) -> None:
    """Writes a piece that is not there."""
    content = blocks.framed(made(connection, organization, number).get(name, b"") for name in blocks.NAMES)
    connection.execute(insert(block_piece).values(number=_base(organization) + number, content=content))


def forget(connection: Connection, organization: int) -> None:
    """Takes all pieces of a log away."""
    here = block_piece.c.number.between(_base(organization), _base(organization + 1) - 1)
    connection.execute(delete(block_piece).where(here))


def written(connection: Connection, organization: int) -> list[tuple[int, Mapping[str, bytes]]]:
    """Every piece of a log as `made` makes it, with its number. Raises NotWrittenSo."""
    return list(_stored(connection, organization, 0, _base(organization + 1) - _base(organization)))


def read(connection: Connection, organization: int, first: int, end: int) -> Iterator[dict[str, Column]]:
    """The columns of the pieces from one number up to another, as far as they are there without a gap. Raises
    NotWrittenSo."""
    undo = zstandard.ZstdDecompressor()
    for expected, (number, contents) in enumerate(_stored(connection, organization, first, end), first):
        if number != expected:
            return
        piece: dict[str, Column] = {}
        for name in blocks.COLUMNS:
            numbers, words = blocks.numbers_of(name, contents.get(name, b""), SIZE, undo), []
            if name == "recorded_at":
                numbers = numbers + piece["occurred_at"].numbers
            elif name in columns.SHARED:
                words = blocks.words_of(name, contents.get(name + blocks.WORDS, b""), 0)
                if int(numbers.max()) >= len(words):
                    raise NotWrittenSo("a code that stands for nothing")
            piece[name] = Column(numbers, words)
        yield piece


def _stored(connection: Connection, organization: int, first: int, end: int) -> Iterator[tuple[int, dict[str, bytes]]]:
    base = _base(organization)
    for number, content in _BETWEEN.rows(connection, first=base + first, last=base + end - 1):
        parts = blocks.unframed(content)
        if len(parts) != len(blocks.NAMES):
            raise NotWrittenSo("a piece of other columns")
        yield number - base, {name: part for name, part in zip(blocks.NAMES, parts, strict=True) if part}


def _base(organization: int) -> int:
    return (organization << SEQ_BITS) // SIZE
