"""Which events hold pieces of text.

The marks of the text index say near which others they may be (`marks.py`), the texts there which events hold them
(`text.py`); of events that the index has not reached, or whose texts cannot be read, they themselves say it
(`closer.py`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from minutebook.store import blocks, text
from minutebook.store.bound import Deadline
from minutebook.store.cache import Indexed
from minutebook.store.closer import texts_of
from minutebook.store.memory import Log
from minutebook.store.view import Chunk, Mask, Numbers, numbers

AT_FIRST, MORE = 4, 8
"""Rows of texts that are read before anything is known of how many are needed; and how many times as many as before
tell that of."""


class Sought(NamedTuple):
    """A piece of text in normal form that the words of an event must hold, or where `in_ids` its ids and numbers."""

    piece: str
    in_ids: bool

    def is_in(self, said: str) -> bool:
        """Whether a text made by `filters.text_of` holds it."""
        return self.piece in (said if self.in_ids else said.partition("\n")[0])


class Worded:
    """One search for the events of a log that hold all of some pieces. Raises TooSlow if there is a deadline.

    Where a piece has fewer than three bytes no mark tells of it, and every text is looked at.
    """

    def __init__(
        self, connection: Connection, log: Log, indexed: Indexed, sought: Sequence[Sought], deadline: Deadline | None
    ) -> None:
        self._connection = connection
        self._log = log
        self._sought = sought
        self._deadline = deadline
        self._pieces = [(one.piece.encode(), one.in_ids) for one in sought]
        self._slots = log.marks.asked(tuple((piece, not in_ids) for piece, in_ids in self._pieces))
        self._indexed, self._marked = indexed
        self._rows, self._in_rows, self._found = 0, 0, 0

    def look(self, chunk: Chunk) -> Mask:
        """The events of a chunk that hold them."""
        held = self.held(numbers(chunk, self.may_hold(chunk)))
        mask = np.zeros(len(chunk), np.bool_)
        mask[held - chunk.first if chunk.few is None else np.searchsorted(chunk.few, held)] = True
        return mask

    def may_hold(self, chunk: Chunk) -> Mask:
        """Those that may hold them, and their neighbours."""
        in_block = blocks.BLOCK >> text.GROUP_BITS
        first, end = chunk.first >> text.GROUP_BITS, (chunk.end - 1 >> text.GROUP_BITS) + 1
        whole = max(first, min(end, self._marked * in_block))
        groups = np.ones(end - first, np.bool_)
        if first < whole:
            groups[: whole - first] = self._log.marks.may_hold(
                self._connection, self._slots, first, whole, self._marked, in_block
            )
        if groups.all():
            return True
        if not groups.any():
            return False
        if chunk.few is not None:
            of_few: Mask = groups[(chunk.few >> text.GROUP_BITS) - first]
            return of_few
        skipped = chunk.first - (first << text.GROUP_BITS)
        return np.repeat(groups, text.GROUP)[skipped : skipped + len(chunk)]

    def held(self, seqs: Numbers) -> Numbers:
        """Those of the events, in the order of their numbers, that hold them."""
        return seqs[self._hold(seqs, seqs[_cuts(seqs)[:-1]])]

    def among(self, parts: Iterable[Numbers], wanted: int) -> Iterator[Numbers]:
        """Those of the events that hold them, in the order in which they are given, which is that of their numbers or
        against it; a few at a time, and hardly more texts are read, and hardly more often, than it takes to find
        `wanted` events in all."""
        filled = (part for part in parts if len(part))
        for _, some in itertools.groupby(filled, key=lambda part: int(part[0]) < self._marked * blocks.BLOCK):
            self._rows, self._in_rows = 0, 0  # where no mark tells, fewer of the rows hold them
            yield from self._among(some, wanted)

    def _among(self, parts: Iterable[Numbers], wanted: int) -> Iterator[Numbers]:
        waiting = np.zeros(0, np.int64)
        for part in itertools.chain(parts, [None]):
            waiting = waiting if part is None else np.concatenate((waiting, part)) if len(waiting) else part
            while len(waiting):
                enough = self._enough(wanted)
                cuts = _cuts(waiting[: enough * text.GROUP])[: enough + 1]
                rows = len(cuts) - 1
                if rows < enough and part is not None:
                    break
                some, waiting = waiting[: cuts[-1]], waiting[cuts[-1] :]
                found = some[self._hold(some, some[cuts[:-1]])]
                self._rows += rows
                self._in_rows += len(found)
                self._found += len(found)
                yield found

    def _enough(self, wanted: int) -> int:
        """In so many rows of texts as many events may be found as are lacking, by what was found in some before; and as
        many again, where those that were found were not meant."""
        lacking = wanted - self._found % wanted
        likely = -(-lacking * self._rows // max(1, self._in_rows))
        return min(likely, MORE * self._rows, text.AT_ONCE) if self._rows else AT_FIRST

    def _hold(self, seqs: Numbers, one_of_each: Numbers) -> NDArray[np.bool_]:
        """Of each of the events, in the order of their numbers or against it, whether it holds them; beside them is one
        of each row of texts."""
        if not len(seqs):
            return np.zeros(0, np.bool_)
        lowest, highest = sorted((int(seqs[0]), int(seqs[-1])))
        begin = lowest >> text.GROUP_BITS << text.GROUP_BITS
        holding = np.zeros(((highest >> text.GROUP_BITS) + 1 << text.GROUP_BITS) - begin, np.bool_)
        rows: list[int] = (one_of_each >> text.GROUP_BITS).tolist()
        read: list[int] = []
        places: list[int] = []
        for row, said in self._texts(rows):
            read.append(row)
            first = (row << text.GROUP_BITS) - begin
            places += [first + place for place in self._places(said) if place < text.GROUP]
        holding[places] = True
        held = holding[seqs - begin]
        if len(read) == len(rows) and highest < self._indexed:
            return held
        is_read = np.zeros(len(holding) >> text.GROUP_BITS, np.bool_)
        is_read[np.array(read, np.int64) - (begin >> text.GROUP_BITS)] = True
        unknown = np.flatnonzero(~is_read[seqs - begin >> text.GROUP_BITS] | (seqs >= self._indexed))
        texts = texts_of(
            self._connection, self._log.organization, self._log.texts, seqs[unknown].tolist(), self._deadline
        )
        held[unknown] = [all(one.is_in(said) for one in self._sought) for said in texts]
        return held

    def _texts(self, rows: Sequence[int]) -> Iterator[tuple[int, text.Said]]:
        """The texts of some rows, as far as they can be read."""
        for at in range(0, len(rows), text.AT_ONCE):
            if self._deadline:
                self._deadline.check()
            some = rows[at : at + text.AT_ONCE]
            known = self._log.text_rows.get(self._log, some, self._indexed)
            yield from known.items()
            if len(known) < len(some):
                missing = [row for row in some if row not in known]
                new = dict(text.read(self._connection, self._log.organization, missing))
                yield from new.items()
                self._log.text_rows.put(self._log, new, self._indexed)

    def _places(self, said: text.Said) -> Iterable[int]:
        """The places in a row of texts of the events that hold them."""
        (piece, in_ids), *others = self._pieces
        found = said.places(piece, in_ids=in_ids)
        for piece, in_ids in others:
            if not found:
                break
            found = sorted({*found}.intersection(said.places(piece, in_ids=in_ids)))
        return found


def _cuts(seqs: Numbers) -> list[int]:
    """Where the row of texts of one event is another than that of the event before, and both ends."""
    if not len(seqs):
        return [0]
    rows = seqs >> text.GROUP_BITS
    return [0, *(np.flatnonzero(rows[1:] != rows[:-1]) + 1).tolist(), len(seqs)]
