"""The columns of a log as they are written down: 4,096 events to a block, each column of it by itself.

    block(organization, name, number) → content

- `span`: when the events happened, from and to, and whether in the order of their numbers;
- `occurred_at`, `recorded_at`: the differences between neighbours, and to `occurred_at`;
- `action`, …: the codes of the values. What a code stands for is the same in all blocks of a log: the values that a
  block is the first to hold stand in `action words`, …, behind the number of those known before.

A search reads what it needs: of a page without a filter one `span` a block and nothing else. So that what it needs
stands together on the disk, as many blocks as PACKS says become one row as soon as they are whole, few first and those
later many, whose number is that of the last: a content is the parts of so many blocks, each behind its length, and one
of no bytes where a block has none.
"""

from __future__ import annotations

import itertools
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson
import zstandard
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, delete, func, insert, select

from minutebook.store import schema
from minutebook.store.columns import SHARED, TIMES, Who, Words

BLOCK = 4096
"""Events in a block. The block `number` holds the events from `number * BLOCK` on, and is never changed."""
PACKS = (8, 64)
"""So many blocks are brought together, 262,144 events at last; each divides the next."""
SPAN, WORDS = "span", " words"
COLUMNS = (*TIMES, *SHARED)
_NAMES = (SPAN, *COLUMNS, *(name + WORDS for name in SHARED))
_SPAN = struct.Struct("<qq?")
_LENGTH = struct.Struct("<I")
_LEVEL = 5


class NotWrittenSo(ValueError):
    """The bytes are no columns of this log."""


class Span(NamedTuple):
    """When the events of a block happened (UTC microseconds), and whether in the order of their numbers."""

    earliest: int
    latest: int
    is_sorted: bool


def span_of(occurred_at: NDArray[np.int64]) -> Span:
    """The span of events that happened then."""
    return Span(int(occurred_at.min()), int(occurred_at.max()), not np.any(np.diff(occurred_at) < 0))


def write(values: Mapping[str, Sequence[Any]], words: Mapping[str, Words]) -> dict[str, bytes]:
    """Events of these columns as they are stored: names and contents. `words` are those of all before that are to be
    read with them, and learn their own."""
    occurred_at, recorded_at = (np.array(values[name], np.int64) for name in TIMES)
    contents = {
        SPAN: _SPAN.pack(*span_of(occurred_at)),
        "occurred_at": _packed(np.diff(occurred_at, prepend=0)),
        "recorded_at": _packed(recorded_at - occurred_at),
    }
    for name in SHARED:
        known = len(words[name].values)
        codes = np.array(words[name].codes(values[name]), np.uint32)
        contents[name] = _packed(codes.astype(np.min_scalar_type(int(codes.max()))))
        if new := words[name].values[known:]:
            contents[name + WORDS] = zstandard.compress(orjson.dumps([known, new], default=list), _LEVEL)
    return contents


def put(connection: Connection, organization: int, number: int, contents: Mapping[str, bytes]) -> None:
    """Writes the next block of a log; as the last of a pack it takes those before it into its rows."""
    together = row_of(number, number + 1)
    packed = _NAMES if len(together) > 1 else ()
    rows = []
    for name in dict.fromkeys((*packed, *contents)):
        before = together[:-1] if name in packed else range(0)
        parts = dict(read(connection, organization, name, before.start, before.stop))
        of_all = (*(parts.get(one, b"") for one in before), contents.get(name, b""))
        rows.append({"name": name, "content": framed(of_all)})
    connection.execute(insert(schema.block).values(organization=organization, number=number), rows)
    if packed:  # only now: what is written takes no place that becomes free, and so stands together
        table = schema.block.c
        old = (table.name.in_(packed), table.number >= together.start, table.number < number)
        connection.execute(delete(schema.block).where(table.organization == organization, *old))


def row_of(number: int, written: int) -> range:
    """The blocks that stand in one row with this one, when so many are written."""
    for size in reversed(PACKS):
        first = number - number % size
        if first + size <= written:
            return range(first, first + size)
    return range(number, number + 1)


def forget(connection: Connection, organization: int, name: str, first: int, end: int) -> None:
    """Takes the contents of this name out of the blocks from one number up to another, which are in no whole pack."""
    table = schema.block.c
    of = (table.organization == organization, table.name == name, table.number >= first, table.number < end)
    connection.execute(delete(schema.block).where(*of))


def _packed(numbers: NDArray[Any]) -> bytes:
    """Compressed, all first bytes of the numbers before all second ones: those that say little stand together."""
    apart = numbers.view(np.uint8).reshape(len(numbers), numbers.itemsize).T
    return zstandard.compress(apart.tobytes(), _LEVEL)


def is_same(one: Mapping[str, bytes], other: Mapping[str, bytes]) -> bool:
    """Whether two contents by name say the same, however they were compressed."""
    try:
        return _plain(one) == _plain(other)
    except zstandard.ZstdError:
        return False


def _plain(contents: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name: content if name == SPAN else zstandard.decompress(content) for name, content in contents.items()}


_HERE = (schema.block.c.organization == bindparam("of"), schema.block.c.name == bindparam("named"))
_LAST = select(func.min(schema.block.c.number)).where(*_HERE, schema.block.c.number >= bindparam("last"))
"""The row that holds the last of some blocks."""
_SELECT = (
    select(schema.block.c.number, schema.block.c.content)
    .where(
        *_HERE,
        schema.block.c.number.between(bindparam("first"), func.coalesce(_LAST.scalar_subquery(), bindparam("last"))),
    )
    .order_by(schema.block.c.number)
)


def spans(connection: Connection, organization: int, first: int, end: int) -> list[Span]:
    """The spans of the blocks from one number up to another, as far as they are written. Raises NotWrittenSo."""
    found: list[Span] = []
    for number, content in read(connection, organization, SPAN, first, end):
        if number != first + len(found):
            raise NotWrittenSo("a block is missing")
        try:
            found.append(Span(*_SPAN.unpack(content)))
        except struct.error as error:
            raise NotWrittenSo("a span of another length") from error
    return found


def column(connection: Connection, organization: int, name: str, first: int, end: int) -> NDArray[Any]:
    """What the blocks from one number up to another, as far as they are written, say of a column: times as they are,
    `recorded_at` as the difference to the other, the rest as codes. Raises NotWrittenSo."""
    parts: list[NDArray[Any]] = []
    undo = zstandard.ZstdDecompressor()
    for number, content in read(connection, organization, name, first, end):
        if number != first + len(parts):
            break
        parts.append(numbers_of(name, content, BLOCK, undo))
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def numbers_of(name: str, content: bytes, length: int, undo: zstandard.ZstdDecompressor) -> NDArray[Any]:
    """What a content says of so many events, in the shape of `column`. Raises NotWrittenSo."""
    try:
        plain = undo.decompress(content)
    except zstandard.ZstdError as error:
        raise NotWrittenSo("a column that cannot be unpacked") from error
    size = len(plain) // length
    if len(plain) != size * length or size not in {1, 2, 4, 8} or (name in TIMES) != (size == 8):
        raise NotWrittenSo("a column of another length")
    together = np.ascontiguousarray(np.frombuffer(plain, np.uint8).reshape(size, length).T)
    numbers = together.reshape(-1).view(np.int64 if size == 8 else f"u{size}")
    return np.cumsum(numbers) if name == "occurred_at" else numbers


def words(connection: Connection, organization: int, name: str, first: int, end: int, known: int) -> list[Any]:
    """The values that the blocks from one number up to another added to the `known` ones. Raises NotWrittenSo."""
    found: list[Any] = []
    for _, content in read(connection, organization, name + WORDS, first, end):
        found += words_of(name, content, known + len(found))
    return found


def words_of(name: str, content: bytes, known: int) -> list[Any]:
    """The values that a content adds to the `known` ones of a column. Raises NotWrittenSo."""
    try:
        before, new = orjson.loads(zstandard.decompress(content))
        found = [Who(*value) for value in new] if name == "actor" else list(new)
    except (zstandard.ZstdError, ValueError, TypeError) as error:
        raise NotWrittenSo("values that cannot be read") from error
    if before != known:
        raise NotWrittenSo("values that follow others than those before")
    texts = itertools.chain.from_iterable(found) if name == "actor" else found
    if not isinstance(new, list) or {*map(type, texts)} - {str, type(None)}:
        raise NotWrittenSo("values that are no texts")
    return found


def read(connection: Connection, organization: int, name: str, first: int, end: int) -> Iterator[tuple[int, bytes]]:
    """The contents of this name of the blocks from one number up to another. Raises NotWrittenSo."""
    if first < end:
        bounds = {"of": organization, "named": name, "first": first, "last": end - 1}
        for row in connection.execute(_SELECT, bounds):
            yield from (found for found in _parts(row.number, row.content) if first <= found[0] < end)


def written(connection: Connection, organization: int) -> Iterator[tuple[int, dict[str, bytes]]]:
    """Every block of a log as `write` made it, and what else is there under its number. Raises NotWrittenSo."""
    table = schema.block.c
    statement = select(table.number, table.name, table.content).where(table.organization == organization)
    for _, rows in itertools.groupby(connection.execute(statement.order_by(table.number)), key=lambda row: row.number):
        found: dict[int, dict[str, bytes]] = defaultdict(dict)
        for row in rows:
            for number, part in _parts(row.number, row.content):
                found[number][row.name] = part
        yield from sorted(found.items())


def _parts(last: int, content: bytes) -> list[tuple[int, bytes]]:
    """The blocks of a row with what there is of them."""
    parts = unframed(content)
    return [(last + 1 - len(parts) + place, part) for place, part in enumerate(parts) if part]


def framed(parts: Iterable[bytes]) -> bytes:
    """Parts, each behind its length."""
    return b"".join(_LENGTH.pack(len(part)) + part for part in parts)


def unframed(content: bytes) -> list[bytes]:
    """The same parts again. Raises NotWrittenSo."""
    parts, at = [], 0
    while at < len(content):
        (length,) = _LENGTH.unpack_from(content, at) if at + _LENGTH.size <= len(content) else (len(content),)
        at += _LENGTH.size + length
        parts.append(content[at - length : at])
    if at != len(content):
        raise NotWrittenSo("a row of another length")
    return parts
