"""The columns of logs in memory, so that millions of events are looked through in moments.

What was read stays true, since a log is only ever added to: every search shares it (`cache.py`), until something is
erased from the log. A column is read when a search first asks for it, chunk by chunk, from the written blocks and
stripes, or from the events themselves where there are none yet, or none that can be read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy import Connection

from minutebook.store import blocks, columns, stripes
from minutebook.store.columns import DISCLOSED, PLAIN, SHARED, Words
from minutebook.store.counted import MOST_COUNTS, LastCounted
from minutebook.store.marks import Marks
from minutebook.store.places import Places
from minutebook.store.spans import FIRST, LAST, Edges, Spans
from minutebook.store.text_memory import TextRows, Texts

log_ = structlog.get_logger("minutebook.memory")

RARE = 512
"""Values that one in so many events has are looked up by their places."""
MOST_CODES = 16
PART = 32
"""Blocks whose places are looked up together, and that are counted together."""
MOST_PARTS = 8
"""Whose places one search sorts: some milliseconds each where values are many."""
TYPES: dict[str, type[np.generic]] = dict.fromkeys(columns.TIMES, np.int64) | dict.fromkeys(SHARED, np.uint8)
"""In which a column begins. Codes get wider once there are more: most columns have few values, and a search takes as
long as it takes to read them from memory."""


class _Column:
    """One column of a log: `array` is filled, of each block, as far as `filled` says."""

    def __init__(self, name: str) -> None:
        self.array: NDArray[Any] = np.empty(0, TYPES[name])
        self.filled = np.zeros(0, np.int64)
        self.whole = 0
        """So many events are filled in from the first one on."""
        self.places = Places(PART * blocks.BLOCK)
        self.sums: dict[int, NDArray[np.int64]] = {}
        """By number of a part, how many of its events have each code."""

    def lacks(self, first: int, end: int) -> bool:
        """Whether something is not filled in between two numbers, of which the first begins a block."""
        if end <= self.whole:
            return False
        size = blocks.BLOCK
        full, more = divmod(end, size)
        if full + (more > 0) > len(self.filled) or (more and self.filled[full] < more):
            return True
        return bool(np.any(self.filled[first // size : full] < size))

    def placed_from(self, parts: int) -> int:
        """From which of the first so many parts on the places of all codes are known; each time some more are."""
        new = 0
        while parts and new < MOST_PARTS:
            if parts - 1 not in self.places:
                if not self._place(parts - 1):
                    break
                new += 1
            parts -= 1
        return parts

    def _place(self, number: int) -> bool:
        first, end = number * PART, (number + 1) * PART
        if len(self.filled) < end or np.any(self.filled[first:end] < blocks.BLOCK):
            return False
        self.places.put(number, self.array[first * blocks.BLOCK : end * blocks.BLOCK])
        return True

    def make_room(self, end: int) -> None:
        size = blocks.BLOCK
        if end > len(self.array):
            room = -(-(end + end // 4) // size) * size
            larger = np.empty(room, self.array.dtype)
            larger[: len(self.array)] = self.array
            self.array, self.filled = larger, np.append(self.filled, np.zeros(room // size - len(self.filled), int))

    def put(self, first: int, values: NDArray[Any]) -> None:
        """Fills in from a number on. Whoever looks at views meanwhile looks at other places, or at an older array."""
        size, end = blocks.BLOCK, first + len(values)
        largest = values.max(initial=0)
        if largest > np.iinfo(self.array.dtype).max:
            self.array = self.array.astype(np.min_scalar_type(largest))
        self.array[first:end] = values
        for number in range(first // size, -(-end // size)):
            self.filled[number] = max(self.filled[number], min(size, end - number * size))
        lacking = np.flatnonzero(self.filled < size)
        whole = int(lacking[0]) if len(lacking) else len(self.filled)
        self.whole = whole * size + (int(self.filled[whole]) if whole < len(self.filled) else 0)


class Log:
    """The columns of one organization's log, as far as they have been asked for. Safe to share between threads.

    `rewritten` says after how many erasures they were read, `pruned` how many events are no more. Times are never
    erased: those of `before` go on to serve.
    """

    def __init__(
        self,
        organization: int,
        rewritten: int = 0,
        pruned: int = 0,
        before: Log | None = None,
        rows: TextRows | None = None,
    ) -> None:
        self.organization = organization
        self.rewritten = rewritten
        self.pruned = pruned
        self.size = 0
        """So many events have been seen."""
        self.words: dict[str, Words] = {name: Words() for name in SHARED}
        self.texts = Texts()
        self.text_rows = rows or TextRows()
        self.marks = Marks(organization)
        self.counted = LastCounted()
        self._columns: dict[str, _Column] = {name: _Column(name) for name in (*columns.TIMES, *SHARED)}
        if before:
            self._columns |= {name: before._columns[name] for name in columns.TIMES}
        self._is_trusted = True
        self._written = 0  # blocks that were there when last looked
        self._meanings: dict[str, list[int]] = {name: [] for name in SHARED}  # our codes for those in the blocks
        self._learnt = dict.fromkeys(SHARED, 0)  # the blocks whose values are among them
        self._spans = Spans()
        self._newest_span = (0, 0), blocks.Span(FIRST, LAST, is_sorted=True)
        self._newest_few: tuple[Hashable, Few | None] = None, None
        self._edges = Edges(np.zeros(1, np.int64), np.zeros(1, np.int64))  # of no event
        self._lock: threading.RLock = before._lock if before else threading.RLock()  # of the times, too

    def read_to(self, connection: Connection, size: int) -> None:
        """Learns of events up to `size`; the connection sees at least so many."""
        if self.size >= size:
            return
        with self._lock:
            whole = size // blocks.BLOCK
            if len(self._spans) < whole:
                self._read_spans(connection, whole)
            for number in range(len(self._spans), whole):
                first = number * blocks.BLOCK
                self._spans.add([blocks.span_of(self.column(connection, "occurred_at", first, first + blocks.BLOCK))])
            self.size = max(self.size, size)

    def _read_spans(self, connection: Connection, whole: int) -> None:
        if self._is_trusted:
            try:
                found = blocks.spans(connection, self.organization, len(self._spans), whole)
            except blocks.NotWrittenSo as error:
                self._distrust(error)
                return
            self._spans.add(found)
            if found:
                self._written = len(self._spans)

    def column(self, connection: Connection, name: str, first: int, end: int) -> NDArray[Any]:
        """A view of a column between two numbers, of which the first begins a block."""
        column = self._columns[name]
        if column.lacks(first, end):
            with self._lock:
                self._fill(connection, name, first, end)
        return column.array[first:end]

    def at(self, connection: Connection, name: str, seqs: NDArray[np.int64], size: int) -> NDArray[Any]:
        """A column at some numbers in their order, of the first `size` events; only their blocks are read for it."""
        column, block = self._columns[name], blocks.BLOCK
        if len(seqs) and column.lacks(int(seqs[0]) // block * block, min((int(seqs[-1]) // block + 1) * block, size)):
            numbers = np.unique(seqs // block)
            for run in np.split(numbers, np.flatnonzero(np.diff(numbers) != 1) + 1):
                self.column(connection, name, int(run[0]) * block, min((int(run[-1]) + 1) * block, size))
        return column.array[seqs]

    def sums(self, connection: Connection, name: str, first: int, end: int) -> NDArray[np.int64]:
        """How often each code is in a shared column between two numbers, of which the first begins a block, up to the
        last code that is there."""
        kept, part = self._columns[name].sums, PART * blocks.BLOCK
        is_part = end - first == part and not first % part
        if is_part and first // part in kept:
            return kept[first // part]
        found = np.bincount(self.column(connection, name, first, end))
        if is_part and len(found) <= MOST_COUNTS:
            kept[first // part] = found
        return found

    def few(
        self,
        connection: Connection,
        name: str,
        key: Hashable,
        test: Callable[[Any], bool],
        size: int,
        look: Callable[[], None] = lambda: None,
    ) -> Few | None:
        """Which of the first `size` events have, in a shared column, a value that passes a test, as far back as they
        have been read; None where they are not few. Equal keys stand for equal tests."""
        column, part = self._columns[name], PART * blocks.BLOCK
        parts = size // part
        first = column.placed_from(parts)
        if first == parts:
            return None
        asked = name, key, size, first
        (known, few) = self._newest_few  # else asked for once more, for the counts or another page
        if known == asked:
            return few
        newest = self.column(connection, name, parts * part, size)  # before it is asked which codes there are
        passing = self.words[name].passing(key, test, look)
        if passing.number > MOST_CODES:
            return None
        found = column.places.of(passing.values, range(first, parts), size // RARE)
        if found is None:
            return None
        few = Few(first * part, np.concatenate((found, np.flatnonzero(passing.of(newest)) + parts * part)), key)
        self._newest_few = asked, few
        return few

    def span(self, connection: Connection, first: int, end: int) -> blocks.Span:
        """When the events between two numbers happened, of which the first begins a block."""
        whole = end // blocks.BLOCK
        if first // blocks.BLOCK == whole:
            return self._newest(connection, first, end)
        known = self._spans.of(first // blocks.BLOCK, whole)
        if not end % blocks.BLOCK:
            return known
        rest = self.span(connection, whole * blocks.BLOCK, end)
        is_sorted = known.is_sorted and rest.is_sorted and known.latest <= rest.earliest
        return blocks.Span(min(known.earliest, rest.earliest), max(known.latest, rest.latest), is_sorted)

    def _newest(self, connection: Connection, first: int, end: int) -> blocks.Span:
        """The span of events that are no whole block."""
        (known, span) = self._newest_span  # else asked for once more, in the same search or the next
        if known != (first, end):
            span = blocks.span_of(self.column(connection, "occurred_at", first, end))
            self._newest_span = (first, end), span
        return span

    def edges(self, connection: Connection, size: int) -> Edges:
        """Where the first `size` events can be cut, which are no fewer than one."""
        known = self._edges  # looked at once: other threads set it for other sizes
        if int(known.places[-1]) != size:  # else asked for once more, with another filter or for another page
            whole, more = divmod(size, blocks.BLOCK)
            since = self.span(connection, size - more, size).earliest if more else LAST
            known = self._edges = self._spans.edges(whole, since, size)
        return known

    def _fill(self, connection: Connection, name: str, first: int, end: int) -> None:
        size, column = blocks.BLOCK, self._columns[name]
        from_, written = first // size, min(self._written, end // size)
        if from_ < written:  # what stands in one row is read at once
            from_ = blocks.row_of(from_, self._written).start
            written = blocks.row_of(written - 1, self._written).stop
        column.make_room(max(end, written * size))
        lacking = np.flatnonzero(column.filled[from_:written] == 0) + from_
        for run in np.split(lacking, np.flatnonzero(np.diff(lacking) != 1) + 1):
            if len(run):
                self._fill_from_blocks(connection, name, int(run[0]), int(run[-1]) + 1)
        for number in range(first // size, -(-end // size)):
            known, wanted = int(column.filled[number]), min(size, end - number * size)
            if known // stripes.SIZE < wanted // stripes.SIZE:
                self._fill_from_stripes(connection, name, number * size + known, number * size + wanted)
                known = int(column.filled[number])
            if known < wanted:
                self._fill_from_events(connection, name, number * size + known, number * size + wanted)

    def _fill_from_blocks(self, connection: Connection, name: str, first: int, end: int) -> None:
        try:
            found = blocks.column(connection, self.organization, name, first, end)
            if not len(found):  # another connection has seen them, this one does not yet
                return
            if name in SHARED:
                meanings = self._meanings_to(connection, name, first + len(found) // blocks.BLOCK)
                if int(found.max()) >= len(meanings):
                    raise blocks.NotWrittenSo("a code that stands for nothing")
                found = meanings[found]
        except blocks.NotWrittenSo as error:
            self._distrust(error)
            return
        start = first * blocks.BLOCK
        if name == "recorded_at":
            found = found + self.column(connection, "occurred_at", start, start + len(found))
        self._columns[name].put(start, found)

    def _meanings_to(self, connection: Connection, name: str, end: int) -> NDArray[np.uint32]:
        """Our codes for those in the blocks up to a number."""
        meanings, learnt = self._meanings[name], self._learnt[name]
        if learnt < end:
            new = blocks.words(connection, self.organization, name, learnt, end, len(meanings))
            meanings += self.words[name].codes(new)
            self._learnt[name] = end
        return np.array(meanings, np.uint32)

    def _fill_from_stripes(self, connection: Connection, name: str, first: int, end: int) -> None:
        size = stripes.SIZE
        at = first // size
        try:
            for found, words in stripes.read(connection, self.organization, name, at, end // size):
                meant = np.array(self.words[name].codes(words), np.uint32)[found] if words else found
                self._put_next(name, at * size, meant)
                at += 1
        except blocks.NotWrittenSo as error:  # soon they are a block
            log_.warning("stripe_unreadable", organization=self.organization, error=str(error))

    def _fill_from_events(self, connection: Connection, name: str, first: int, end: int) -> None:
        names = PLAIN if name in PLAIN else DISCLOSED
        for each, values in columns.values(connection, self.organization, names, first, end).items():
            codes = self.words[each].codes(values) if each in SHARED else values
            self._put_next(each, first, np.array(codes, np.int64))

    def _put_next(self, name: str, first: int, values: NDArray[Any]) -> None:
        """Fills in what of a block comes next, as far as it is among the values from a number on: other searches may
        have asked for more of a column, or less."""
        column, size = self._columns[name], blocks.BLOCK
        column.make_room(first + len(values))
        following = first - first % size + int(column.filled[first // size])
        if first <= following < first + len(values):
            column.put(following, values[following - first :])

    def _distrust(self, error: blocks.NotWrittenSo) -> None:
        """What cannot be read is read from the events, which takes longer; `minutebook reindex` writes it anew."""
        log_.warning("columns_unreadable", organization=self.organization, error=str(error))
        self._is_trusted, self._written = False, 0


class Few(NamedTuple):
    """The numbers of a few events, in order; all that are meant from the number `first` on."""

    first: int
    seqs: NDArray[np.int64]
    fits: Hashable
    """What says which test it is that they all pass."""
