"""The columns of the newest events of a log, before they are a block (`blocks.py`): 512 events to a stripe.

    stripe(number) → its columns by name, each name and each content behind its length

Without them whoever searches a log first would unpack up to 4,095 events one by one. A stripe stands for itself: it
says what its own codes stand for. It goes once its events are in a block.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import zstandard
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, delete, select

from minutebook.store import blocks, columns, schema, upsert
from minutebook.store.blocks import NotWrittenSo
from minutebook.store.direct import Direct

SIZE = 512
"""Events in a stripe; divides those in a block, which are a power of two."""

_NUMBER = schema.stripe.c.number
_BETWEEN = Direct(
    select(_NUMBER, schema.stripe.c.content)
    .where(_NUMBER.between(bindparam("first"), bindparam("last")))
    .order_by(_NUMBER)
)


class Values(NamedTuple):
    """One column of a stripe: times, or codes and what they stand for."""

    numbers: NDArray[Any]
    words: Sequence[Any]


def first_of(block: int) -> int:
    """The number of the first stripe of a block, as they are numbered from the beginning of a log."""
    return block * blocks.BLOCK // SIZE


def made(connection: Connection, organization: int, number: int) -> dict[str, bytes]:
    """A stripe as it is made from its events: names and contents."""
    first = number * SIZE
    values = columns.values(connection, organization, blocks.COLUMNS, first, first + SIZE)
    contents = blocks.write(values, {name: columns.Words() for name in columns.SHARED})
    del contents[blocks.SPAN]  # times that are read anyway
    return contents


def put(connection: Connection, organization: int, number: int, contents: Mapping[str, bytes]) -> None:
    """Writes a stripe as it was `made`."""
    content = blocks.framed(itertools.chain.from_iterable((name.encode(), part) for name, part in contents.items()))
    upsert.put(connection, schema.stripe, [{"number": _base(organization) + number, "content": content}])


def forget(connection: Connection, organization: int) -> None:
    """Takes all stripes of a log away."""
    here = _NUMBER.between(_base(organization), _base(organization + 1) - 1)
    connection.execute(delete(schema.stripe).where(here))


def written(connection: Connection, organization: int) -> dict[int, Mapping[str, bytes]]:
    """Every stripe of a log as `made` makes it, by number. Raises NotWrittenSo."""
    return dict(_stored(connection, organization, 0, _base(organization + 1) - _base(organization)))


def read(connection: Connection, organization: int, name: str, first: int, end: int) -> Iterator[Values]:
    """A column of the stripes from one number up to another, as far as they are there without a gap. Raises
    NotWrittenSo."""
    undo = zstandard.ZstdDecompressor()
    for expected, (number, contents) in enumerate(_stored(connection, organization, first, end), first):
        if number != expected:
            return
        numbers, words = _numbers(contents, name, undo), []
        if name == "recorded_at":
            numbers = numbers + _numbers(contents, "occurred_at", undo)
        elif name in columns.SHARED:
            words = blocks.words_of(name, contents.get(name + blocks.WORDS, b""), 0)
            if int(numbers.max()) >= len(words):
                raise NotWrittenSo("a code that stands for nothing")
        yield Values(numbers, words)


def _numbers(contents: Mapping[str, bytes], name: str, undo: zstandard.ZstdDecompressor) -> NDArray[Any]:
    return blocks.numbers_of(name, contents.get(name, b""), SIZE, undo)


def _stored(connection: Connection, organization: int, first: int, end: int) -> Iterator[tuple[int, dict[str, bytes]]]:
    base = _base(organization)
    for number, content in _BETWEEN.rows(connection, first=base + first, last=base + end - 1):
        parts = blocks.unframed(content)
        named = zip(parts[::2], parts[1::2], strict=False)
        yield number - base, {name.decode(errors="replace"): part for name, part in named}


def _base(organization: int) -> int:
    return (organization << schema.SEQ_BITS) // SIZE
