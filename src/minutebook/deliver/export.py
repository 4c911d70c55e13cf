"""Export: exactly what a filter finds in a log as it was at one moment, of any size, in constant memory.

    begin (recorded, the size of the log is fixed) → pieces, by number → trailer

What was recorded before that moment never changes, so the size alone is the snapshot: the events are read a slice at a
time, each in a transaction of its own, and a reader that is slow holds no connection. A slice is short, whatever the
filter finds: between two it is seen that the reader left, or may not be given any more. Who was cut off asks again with
the same `size` and goes on from a number, without losing or repeating an event. An error on the way leaves a file
without its trailer, which is how it is noticed.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, TypeAlias

from sqlalchemy import Connection

from minutebook.actions.log import Format, LogExported
from minutebook.deliver.formats import FORMATS, Origin, Row, Trailer
from minutebook.deliver.pace import LOOK_SECONDS, Pace
from minutebook.errors import Invalid
from minutebook.filters import EVERYTHING, Filter, Here, expression_of, filter_of, language
from minutebook.filters.expression import Term
from minutebook.filters.moments import ANYWHERE
from minutebook.filters.term_values import SeqRange
from minutebook.model import Event, Seat
from minutebook.permissions import Permission
from minutebook.record import Act, Command, perform
from minutebook.store import index, log, survey
from minutebook.store.engine import Store
from minutebook.store.event_json import row_json
from minutebook.store.log import Stored, seq_of
from minutebook.store.scope import Scope

Rows: TypeAlias = Callable[[int], Iterator[list[Row]]]
"""The events that an export finds from a number on, in the order of the log, about a piece at a time; none at a time
where nothing was found for a while."""

PIECE = 256 * 1024
"""About how many bytes of events are read and written at once: more is not kept for a reader who is slow."""
STRIDE = 1 << 20
"""How many numbers are looked at, at most, before others may."""


@dataclass(frozen=True)
class ExportLog(Command):
    """Records that a file of the log is given away, before its first byte.

    `size` is how many events the log held at the snapshot; None for now, without this export's own event. `here` is
    where and when it was asked for, from which its relative times are told. `withheld` are fields that are not to be
    shown, which only evidence can do without. Raises Invalid where the log never held so
    many, or where `first` lies beyond them.
    """

    needs: ClassVar = Permission.LOG_EXPORT

    format: Format
    filter: Filter = EVERYTHING
    size: int | None = None
    first: int = 0
    here: Here = ANYWHERE
    withheld: tuple[str, ...] = ()

    def change(self, act: Act) -> LogExported:
        held = log.read_head(act.connection, act.organization).size
        size = held if self.size is None else self.size
        if size > held:
            raise Invalid.one("size", f"The log holds {held:,} events, so it never held {size:,}.")
        if self.first > size:
            raise Invalid.one("first", f"{self.first:,} lies beyond the {size:,} events of the snapshot.")
        query, meant = query_of(self.filter), query_of(self.filter.at(self.here))
        return LogExported(
            format=self.format,
            size=size,
            query=query or None,
            meant=meant if meant != query else None,
            first=self.first if self.first else None,
            withheld=self.withheld or None,
            pruned=None if query else self._pruned(act, size),
        )

    def _pruned(self, act: Act, size: int) -> int | None:
        """How many of all events are no more; None where counting them takes too long."""
        if not index.pruned(act.connection, act.organization):
            return 0
        asked = filter_of(Term("seq", SeqRange(self.first, None)))
        left = survey.count(act.connection, Scope(act.organization, size), asked)
        return size - self.first - left.number if left.is_exact else None


@dataclass(frozen=True, slots=True)
class Export:
    """An export that is recorded: what is in it no longer changes. The log held `size` events at the snapshot; `filter`
    is without relative times. `withheld` are the fields that evidence does not show."""

    origin: Origin
    size: int
    filter: Filter
    format: Format
    first: int
    withheld: tuple[str, ...] = ()

    @property
    def query(self) -> str:
        return query_of(self.filter)


class Piece(NamedTuple):
    """Some bytes of the file, whole events, and how far it is with them: the number to go on from, events so far."""

    data: bytes
    next: int
    events: int
    is_last: bool = False


class Written(NamedTuple):
    """What is there already of a file that goes on: the hash of its bytes, and how far it is with them."""

    hash: hashlib._Hash
    next: int
    events: int


def query_of(filter_: Filter) -> str:
    """The filter in the query language, its times in UTC and saying so; nothing for everything."""
    return language.write(expression_of(filter_))


def begin(store: Store, seat: Seat, origin: Origin, command: ExportLog) -> Export:
    """Records the export, and fixes what is in it. Raises as `perform` does; without a record there is no export."""
    event = perform(store, seat, command)
    assert isinstance(event, Event)
    size = event.details["size"]
    assert isinstance(size, int)
    return Export(origin, size, command.filter.at(command.here), command.format, command.first, command.withheld)


def of_sealed(origin: Origin, size: int, command: ExportLog) -> Export:
    """The export of a log that is sealed at this size: nothing is recorded in it any more, and nothing changes."""
    return Export(origin, size, command.filter.at(command.here), command.format, command.first, command.withheld)


def pieces(export: Export, rows_from: Rows, written: Written | None = None) -> Generator[Piece]:
    """The file from its first byte, or what comes after what is written of it; the last piece ends it.

    Each piece takes a moment only, and none is empty but where nothing was found for a while. Raises what `rows_from`
    raises, before the trailer.
    """
    writer = FORMATS[export.format].writer(export.origin)
    hashed, next_, count = written or (hashlib.sha256(), export.first, 0)
    head = writer.head()
    if not written:
        hashed.update(head)
        yield Piece(head, next_, count)
    for rows in rows_from(next_):
        data = writer.rows(rows) if rows else b""
        if rows:
            next_, count = rows[-1].seq + 1, count + len(rows)
            rows.clear()  # not kept until the reader has taken what was made of them
        hashed.update(data)
        yield Piece(data, next_, count)
    rest = writer.rest()
    hashed.update(rest)
    trailer = Trailer(
        format=export.format.value,
        organization=export.origin.id,
        query=export.query,
        size=export.size,
        first=export.first,
        count=count,
        sha256=hashed.hexdigest(),
    )
    yield Piece(rest + writer.trailer(trailer), export.size, count, is_last=True)


def stored(store: Store, organization: int, export: Export) -> Rows:
    """The events of an export from the store, in short slices, each in a transaction of its own. Raises
    StoreUnavailable and TooSlow."""
    scope, pace = Scope(organization, export.size), Pace(STRIDE)

    def rows_from(first: int) -> Iterator[list[Row]]:
        while first < scope.size:
            with store.streaming() as connection:
                rows, first = _slice(connection, scope, export.filter, pace, first)
            yield rows

    return rows_from


def _slice(connection: Connection, scope: Scope, filter_: Filter, pace: Pace, first: int) -> tuple[list[Row], int]:
    """The events that are found from a number on, in the order of the log: about a piece of them, or what is found in a
    short while. And the number to go on from."""
    rows: list[Row] = []
    room, until = PIECE, time.monotonic() + LOOK_SECONDS

    def take(row: Stored) -> bool:
        nonlocal room
        rows.append(Row(seq_of(row), row_json(row)))
        room -= len(rows[-1].json)
        return room > 0

    while True:
        first = pace.look(connection, scope, filter_, take, first)
        if first >= scope.size or room <= 0 or time.monotonic() >= until:
            return rows, first


def by_piece(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """The rows in lists of about PIECE bytes."""
    piece: list[Row] = []
    size = 0
    for row in rows:
        piece.append(row)
        size += len(row.json)
        if size >= PIECE:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece
