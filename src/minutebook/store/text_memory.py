"""The texts of events in memory, so that the next search need not read or make them again. What was erased from a log
is let go of with its columns (`cache.py`)."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from minutebook.store import text
from minutebook.store.text import Said

if TYPE_CHECKING:
    from minutebook.store.memory import Log

MOST_TEXTS = 20_000
"""Kept of each log, each by itself."""
MOST_BYTES = 1 << 26
"""Of rows of texts, of all logs together."""


class Texts:
    """The texts of the events of a log that were looked at last, by position: the next search need not make them
    again."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}

    def get(self, position: int) -> str | None:
        """The text of an event, if it is known."""
        return self._texts.get(position)

    def put(self, position: int, said: str) -> None:
        """Keeps a text, in place of one that has been known for long."""
        while len(self._texts) >= MOST_TEXTS:
            with suppress(StopIteration, RuntimeError, KeyError):  # another thread may have been quicker
                del self._texts[next(iter(self._texts))]
        self._texts[position] = said


class _Key(NamedTuple):
    organization: int
    rewritten: int
    number: int
    """Of the row."""
    end: int
    """The number behind the last event in it."""


def _key(log: Log, number: int, indexed: int) -> _Key:
    return _Key(log.organization, log.rewritten, number, min(indexed, number + 1 << text.GROUP_BITS))


class TextRows:
    """The rows of the text index that searches read last, unpacked, of all logs of a database together. Until something
    is erased from its log a row only changes as the index goes on: how far it was then is known. Safe to share between
    threads."""

    def __init__(self) -> None:
        self._rows: OrderedDict[_Key, Said] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, log: Log, numbers: Sequence[int], indexed: int) -> dict[int, Said]:
        """What is known of some rows of a log, of which so many events are in the index."""
        found = {}
        with self._lock:
            for number in numbers:
                key = _key(log, number, indexed)
                if (said := self._rows.get(key)) is not None:
                    found[number] = said
                    self._rows.move_to_end(key)
        return found

    def put(self, log: Log, rows: Mapping[int, Said], indexed: int) -> None:
        """Keeps rows of a log, of which so many events are in the index, in place of those that have not been asked for
        for long."""
        with self._lock:
            if log.text_rows is not self:  # it was let go of, and something may have been erased from it since
                return
            for number, said in rows.items():
                key = _key(log, number, indexed)
                self._drop(key)
                self._rows[key] = said
                self._bytes += len(said.plain)
            while self._bytes > MOST_BYTES:
                self._drop(next(iter(self._rows)))

    def organizations(self) -> set[int]:
        """Of whose logs some are here."""
        with self._lock:
            return {key.organization for key in self._rows}

    def forget(self, organization: int, rewritten: int) -> None:
        """Lets go of what was read of a log before so many erasures."""
        with self._lock:
            for key in [key for key in self._rows if key.organization == organization and key.rewritten < rewritten]:
                self._drop(key)

    def _drop(self, key: _Key) -> None:
        if (said := self._rows.pop(key, None)) is not None:
            self._bytes -= len(said.plain)
