"""A log as columns: what every search asks of every event, as arrays, so that millions are looked through in moments.

The columns are a projection of the record and never a source. They are made from the rows of `event`, kept in memory as
far as a log has been read (a log is only ever added to, so what was read stays true), and written down in blocks of
4,096 events (`store/index.py`), so that a long log need not be read event by event after a start.

A value that many events share (an action, an actor, an address) is there once; the arrays hold its code.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import orjson
import zstandard
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, select

from minutebook.store import body, schema

BLOCK = 4096
"""Events in a written block. The block `number` holds the events from `number * BLOCK` on, and is never changed."""
CHUNK = 16 * BLOCK
"""Events that are looked at together: enough for arrays to pay, few enough to stop early."""
MOST = 16_000_000
"""Events kept in memory, of all logs of a database together, 36 bytes each; then the log least asked for goes."""
OPTION: Final = "minutebook_columns"
"""The execution option of an engine by which its connections share a `Cache`."""

Times: TypeAlias = "NDArray[np.int64]"
Codes: TypeAlias = "NDArray[np.uint32]"


class Who(NamedTuple):
    """The actor of an event, as recorded; without an address `email` is empty."""

    kind: str
    id: str
    email: str


SHARED = ("action", "outcome", "actor", "ip", "client")
"""The columns of values that many events share. `actor` holds a `Who`, the others texts, empty where there is none."""
DISCLOSED = ("actor.kind", "actor.id", "actor.email", "context.ip", "context.client")


class Row(NamedTuple):
    """What the columns hold of one event. Times are UTC microseconds."""

    occurred_at: int
    recorded_at: int
    shared: tuple[Hashable, ...]
    """In the order of SHARED."""


NOTHING = Row(0, 0, ("", "", Who("", "", ""), "", ""))
"""In the place of an event that was taken out of a log: the others are found all the same."""


def row_of(occurred_at: int, recorded_at: int, action: str, outcome: str, stored: bytes) -> Row:
    """The columns of an event, from its row in the table `event`; of disclosures that cannot be read, none."""
    try:
        kind, id_, email, ip, client = body.values(stored, DISCLOSED)
    except body.NotStoredSo:
        kind, id_, email, ip, client = "", "", "", "", ""
    return Row(occurred_at, recorded_at, (action, outcome, Who(kind, id_, email or ""), ip or "", client or ""))


class Words:
    """The values of one column, each once; a value's code is its place. Only ever added to."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._codes: dict[Hashable, int] = {}

    def code(self, value: Hashable) -> int:
        """The code of a value, a new one for a new value."""
        found = self._codes.get(value)
        if found is None:
            found = self._codes[value] = len(self.values)
            self.values.append(value)
        return found

    def where(self, test: Callable[[Any], bool]) -> NDArray[np.bool_]:
        """For each code, whether its value passes."""
        return np.fromiter(map(test, self.values), np.bool_, len(self.values))


@dataclass(frozen=True, slots=True)
class Chunk:
    """Neighbours in a log: views of its columns that nothing changes any more."""

    first: int
    """The number of its first event."""
    occurred_at: Times
    recorded_at: Times
    shared: dict[str, Codes]
    earliest: int
    latest: int
    """Of `occurred_at`."""

    def __len__(self) -> int:
        return len(self.occurred_at)

    @property
    def end(self) -> int:
        """The number behind its last event."""
        return self.first + len(self)


@dataclass(slots=True)
class Log:
    """The columns of one organization's log, as far as it has been read. It grows; views of it stay as they are."""

    organization: int
    size: int = 0
    words: dict[str, Words] = field(default_factory=lambda: {name: Words() for name in SHARED})
    _times: list[Times] = field(default_factory=lambda: [np.empty(0, np.int64), np.empty(0, np.int64)])
    _shared: dict[str, Codes] = field(default_factory=lambda: {name: np.empty(0, np.uint32) for name in SHARED})
    _bounds: list[tuple[int, int]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read_to(self, connection: Connection, size: int) -> None:
        """Reads on until `size` events are there; the connection sees at least so many."""
        if self.size >= size:
            return
        with self._lock:
            if self.size % BLOCK == 0:
                for written in _written_blocks(connection, self.organization, self.size // BLOCK, size // BLOCK):
                    self._add_written(written)
            if self.size < size:
                self._add(rows(connection, self.organization, self.size, size))

    def chunk(self, first: int, end: int) -> Chunk:
        """The events from one number up to another, at least one; `first` is a multiple of BLOCK."""
        occurred_at, recorded_at = (column[first:end] for column in self._times)
        bounds = [self._bounds_of(start, end) for start in range(first, end, BLOCK)]
        earliest, latest = min(low for low, _ in bounds), max(high for _, high in bounds)
        return Chunk(
            first,
            occurred_at,
            recorded_at,
            {name: codes[first:end] for name, codes in self._shared.items()},
            earliest,
            latest,
        )

    def chunks(self, size: int) -> Iterator[Chunk]:
        """The first `size` events, in the order of the log."""
        return (self.chunk(first, min(first + CHUNK, size)) for first in range(0, size, CHUNK))

    def in_time(self, size: int, *, newest_first: bool) -> Iterator[Chunk]:
        """The first `size` events, in chunks none of which reaches into the time of the next: small ones, then larger.

        In the usual log the order of the log is that of time; where a clock was set back a chunk holds all that
        overlaps.
        """
        edges = self._edges(size)
        if newest_first:
            edges.reverse()
        blocks, at = 1, 0
        while at < len(edges) - 1:
            following = min(at + blocks, len(edges) - 1)
            first, end = sorted((edges[at], edges[following]))
            yield self.chunk(first, end)
            at, blocks = following, min(2 * blocks, CHUNK // BLOCK)

    def _edges(self, size: int) -> list[int]:
        """Where the log can be cut so that everything before happened before, or when, everything behind it did."""
        starts = range(0, size, BLOCK)
        bounds = np.array([self._bounds_of(start, size) for start in starts], np.int64).reshape(-1, 2)
        until = np.maximum.accumulate(bounds[:, 1])[:-1]
        since = np.minimum.accumulate(bounds[::-1, 0])[::-1][1:]
        cuts = (np.flatnonzero(until <= since) + 1) * BLOCK
        return [0, *(int(cut) for cut in cuts), size] if size else [0]

    def _bounds_of(self, first: int, end: int) -> tuple[int, int]:
        """When the events of one block happened, as far as `end`; remembered for whole blocks."""
        number = first // BLOCK
        if number < len(self._bounds) and first + BLOCK <= end:
            return self._bounds[number]
        return _span(self._times[0][first : min(first + BLOCK, end)])

    def _add(self, rows: Sequence[Row]) -> None:
        times = [np.array([row[at] for row in rows], np.int64) for at in (0, 1)]
        shared = {
            name: np.array([self.words[name].code(row.shared[at]) for row in rows], np.uint32)
            for at, name in enumerate(SHARED)
        }
        self._extend(times, shared, len(rows))

    def _add_written(self, written: Written) -> None:
        shared = {}
        for name in SHARED:
            values, places = written.shared[name]
            shared[name] = np.array([self.words[name].code(value) for value in values], np.uint32)[places]
        self._extend([written.occurred_at, written.recorded_at], shared, len(written.occurred_at))

    def _extend(self, times: Sequence[Times], shared: dict[str, Codes], number: int) -> None:
        """Whoever looks at views meanwhile sees the old arrays, or rows beyond those that they look at."""
        end = self.size + number
        if end > len(self._times[0]):
            room = end + end // 4 + 16
            self._times = [_moved(column, self.size, room) for column in self._times]
            self._shared = {name: _moved(codes, self.size, room) for name, codes in self._shared.items()}
        for column, more in zip(self._times, times, strict=True):
            column[self.size : end] = more
        for name, codes in self._shared.items():
            codes[self.size : end] = shared[name]
        for first in range(len(self._bounds) * BLOCK, end - BLOCK + 1, BLOCK):
            self._bounds.append(_span(self._times[0][first : first + BLOCK]))
        self.size = end


def _span(times: Times) -> tuple[int, int]:
    return int(times.min()), int(times.max())


def _moved(column: NDArray[Any], size: int, room: int) -> NDArray[Any]:
    larger = np.empty(room, column.dtype)
    larger[:size] = column[:size]
    return larger


class Cache:
    """The logs of one database that were asked for last. Safe to share between threads."""

    def __init__(self) -> None:
        self._logs: OrderedDict[int, Log] = OrderedDict()
        self._lock = threading.Lock()

    def log(self, organization: int) -> Log:
        """The columns of a log, as far as they have been read."""
        with self._lock:
            found = self._logs.setdefault(organization, Log(organization))
            self._logs.move_to_end(organization)
            events = sum(log.size for log in self._logs.values())
            while events > MOST and len(self._logs) > 1:
                events -= self._logs.popitem(last=False)[1].size
        return found


def log_of(connection: Connection, organization: int, size: int) -> Log:
    """The columns of at least the first `size` events.

    A connection of an engine that has a cache must see only what is committed: others get columns of their own.
    """
    cache: Cache | None = connection.get_execution_options().get(OPTION)
    log = cache.log(organization) if cache else Log(organization)
    log.read_to(connection, size)
    return log


# ── Written blocks ───────────────────────────────────────────────────────────────────────────────────────────────────


class Written(NamedTuple):
    """A block as it is written down: times, and for each shared column its values and the place of each event's."""

    occurred_at: Times
    recorded_at: Times
    shared: dict[str, tuple[list[Hashable], NDArray[np.uint16]]]


def write(rows: Sequence[Row]) -> bytes:
    """A block of events as it is stored."""
    words: dict[str, list[Hashable]] = {}
    times = [np.array([row[at] for row in rows], np.int64) for at in (0, 1)]
    arrays = [np.diff(column, prepend=0).tobytes() for column in times]
    for at, name in enumerate(SHARED):
        places: dict[Hashable, int] = {}
        column = np.array([places.setdefault(row.shared[at], len(places)) for row in rows], np.uint16)
        words[name] = list(places)
        arrays.append(column.tobytes())
    head = orjson.dumps({"events": len(rows), "words": words}, default=list)
    return zstandard.compress(len(head).to_bytes(4, "big") + head + b"".join(arrays), 9)


def read(stored: bytes) -> Written:
    """The inverse of `write`. Raises ValueError for what it cannot have written."""
    try:
        plain = zstandard.decompress(stored)
        end = 4 + int.from_bytes(plain[:4], "big")
        head = orjson.loads(plain[4:end])
        number, words = head["events"], head["words"]
        words["actor"] = [Who(*who) for who in words["actor"]]
        times = []
        for _ in range(2):
            times.append(np.cumsum(np.frombuffer(plain, np.int64, number, end)))
            end += 8 * number
        shared = {}
        for name in SHARED:
            shared[name] = (words[name], np.frombuffer(plain, np.uint16, number, end))
            end += 2 * number
    except (zstandard.ZstdError, KeyError, TypeError) as error:
        raise ValueError("no block of columns") from error
    if end != len(plain):
        raise ValueError("a block of columns with something behind it")
    return Written(times[0], times[1], shared)


_SELECT_BLOCKS = (
    select(schema.block.c.columns)
    .where(
        schema.block.c.organization == bindparam("of"),
        schema.block.c.number.between(bindparam("first"), bindparam("last")),
    )
    .order_by(schema.block.c.number)
)
_SELECT_ROWS = (
    select(
        schema.event.c.position,
        schema.event.c.occurred_at,
        schema.event.c.recorded_at,
        schema.event.c.action,
        schema.event.c.outcome,
        schema.event.c.disclosures,
    )
    .where(schema.event.c.position.between(bindparam("first"), bindparam("last")))
    .order_by(schema.event.c.position)
)


def _written_blocks(connection: Connection, organization: int, first: int, end: int) -> Iterator[Written]:
    """The blocks from one number up to another, as far as they are written. They are written in their order."""
    if first < end:
        found = connection.execute(_SELECT_BLOCKS, {"of": organization, "first": first, "last": end - 1})
        yield from (read(stored) for stored in found.scalars())


def rows(connection: Connection, organization: int, first: int, end: int) -> list[Row]:
    """The columns of the events from one number up to another, read from the events themselves."""
    base = organization << schema.SEQ_BITS
    found = connection.execute(_SELECT_ROWS, {"first": base | first, "last": base | (end - 1)})
    read: list[Row] = []
    for position, *row in found:
        read += [NOTHING] * ((position - base) - first - len(read))
        read.append(row_of(*row))
    return read + [NOTHING] * (end - first - len(read))
