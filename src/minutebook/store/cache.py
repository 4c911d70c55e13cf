"""The columns of logs that a process shares between its searches, until something is erased from them or others need
the room.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, select

from minutebook.store.direct import Among, Direct
from minutebook.store.memory import Log
from minutebook.store.schema import log_index
from minutebook.store.text_memory import TextRows

MOST = 16_000_000
"""Events kept in memory, of all logs of a database together: 36 bytes each at most, 4 to 12 for each column where
something rare is searched for, half a byte for each that is counted, once more for each of the last few searches that
counted it (`counted.py`), and 62 of marks where words are. Once there are more the logs least asked for make room for
the next one."""
OPTION: Final = "minutebook_columns"
"""The execution option of an engine by which its connections share a `Cache`."""


class Cache:
    """The logs of one database that were asked for last. Safe to share between threads."""

    def __init__(self) -> None:
        self._text_rows = TextRows()
        self._logs: OrderedDict[int, Log] = OrderedDict()
        self._lock = threading.Lock()

    def log(self, organization: int, rewritten: int = 0, pruned: int = 0) -> Log:
        """The columns of a log, as far as they have been read since something was last erased from it."""
        with self._lock:
            found = self._logs.get(organization)
            if found is not None and found.rewritten > rewritten:  # this snapshot is older: what it sees goes with it
                return Log(organization, rewritten, pruned)
            if found is None:
                self._make_room()
            if found is None or found.rewritten < rewritten:
                before, found = found, Log(organization, rewritten, pruned, before=found, rows=self._text_rows)
                self._logs[organization] = found
                if before:
                    self._let_go(before)
                    self._text_rows.forget(organization, rewritten)
            self._logs.move_to_end(organization)
        return found

    def _make_room(self) -> None:
        """For a log that is asked for the first time; not for each search, because the logs can be many."""
        events = sum(log.size for log in self._logs.values())
        while events > MOST:
            _, gone = self._logs.popitem(last=False)
            self._let_go(gone)
            events -= gone.size

    @staticmethod
    def _let_go(log: Log) -> None:
        """Whoever still searches it keeps what is read to himself."""
        log.text_rows = TextRows()

    def forget(self, connection: Connection) -> None:
        """Lets go of what was erased since it was read."""
        with self._lock:
            known = {number: log.rewritten for number, log in self._logs.items()}
        there = known.keys() | self._text_rows.organizations()
        if there:
            for number, rewritten, pruned in _REWRITTEN.rows(connection, organizations=list(there)):
                if known.get(number, rewritten) < rewritten:
                    self.log(number, rewritten, pruned)
                self._text_rows.forget(number, rewritten)


_REWRITTEN = Direct(
    select(log_index.c.organization, log_index.c.rewritten, log_index.c.pruned).where(
        Among(log_index.c.organization, "organizations")
    )
)
_STANDS = Direct(
    select(log_index.c.rewritten, log_index.c.pruned, log_index.c.texts, log_index.c.blocks).where(
        log_index.c.organization == bindparam("organization")
    )
)


class Indexed(NamedTuple):
    """How far a log is followed: the number of events whose texts the index knows, and of written blocks."""

    texts: int
    blocks: int


def columns_of(connection: Connection, organization: int) -> tuple[Log, Indexed]:
    """The columns of a log as they stand in memory, and how far it is followed.

    A connection of an engine that has a cache must see only what is committed: others get columns of their own.
    """
    cache: Cache | None = connection.get_execution_options().get(OPTION)
    rewritten, pruned, texts, blocks = next(iter(_STANDS.rows(connection, organization=organization)), (0, 0, 0, 0))
    log = cache.log if cache else Log
    return log(organization, rewritten, pruned), Indexed(texts, blocks)
