"""The store: how a transaction begins and ends, on SQLite and on PostgreSQL.

Three doors, named for what may be done behind them: `reading()` (`streaming()` for all of a log), `acting()` (one act
with its event; only `record.perform()` opens it) and `housekeeping()` (sessions, links, mail: nothing that an
organization owns).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from minutebook.errors import MinutebookError, OutcomeUnknown, StoreUnavailable
from minutebook.model import Clock, Randomness
from minutebook.store import cache, sqlite
from minutebook.store.recorded import Recorded

PATIENCE = 20.0


def system_clock() -> int:
    """Now, in UTC microseconds, by the server's clock as it is."""
    return time.time_ns() // 1000


class Store:
    """A database with the schema of `schema.py`. Safe to share between threads.

    `lock=False` opens a SQLite file that another process may be writing: for reading only. With `durable=False` a
    commit of SQLite does not wait for the disk; only the demo fills a new file so, and calls `make_durable()` after it.
    Whoever waits `patience` seconds for another's write gets StoreUnavailable. `recorded` tells what was recorded
    through this store.
    """

    def __init__(
        self,
        url: str | URL,
        *,
        clock: Clock = system_clock,
        randomness: Randomness = os.urandom,
        lock: bool = True,
        durable: bool = True,
        patience: float = PATIENCE,
    ) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.clock = clock
        self.randomness = randomness
        self.recorded = Recorded()
        self._lock: sqlite.WriterLock | None = None
        self._writer: Engine
        self._reader: Engine
        self._streamer: Engine
        if self.is_sqlite:
            file = self.file
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if lock:
                self._lock = sqlite.WriterLock(file)
            file.touch(mode=0o600)
            self._writer = sqlite.writing_engine(file, patience, durable=durable)
            self._reader = sqlite.reading_engine(file, patience)
            self._streamer = sqlite.streaming_engine(file, patience)
        else:
            from minutebook.store import postgresql  # whoever has SQLite need not wait for its driver

            self._writer, self._reader = postgresql.engines(self.url, patience)
            self._streamer = self._reader
        # what is read is committed, so that all readers can share the columns that one of them has read
        self._cache = cache.Cache()
        shared = {cache.OPTION: self._cache}
        self._reader = self._reader.execution_options(**shared)
        self._streamer = self._streamer.execution_options(**shared)

    @property
    def file(self) -> Path:
        """The SQLite file; PostgreSQL has none."""
        assert self.is_sqlite and self.url.database
        return Path(self.url.database)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent snapshot. Raises StoreUnavailable when the database is not there."""
        with _translated(StoreUnavailable), self._reader.connect() as connection:
            yield connection

    @contextmanager
    def streaming(self) -> Iterator[Connection]:
        """The same for what reads all of a log: it takes no more memory the longer the log is."""
        with _translated(StoreUnavailable), self._streamer.connect() as connection:
            yield connection

    @contextmanager
    def acting(self) -> Iterator[Connection]:
        """One act and its event, durable when the block ends, undone when it raises."""
        with self._writing() as connection:
            yield connection

    @contextmanager
    def housekeeping(self) -> Iterator[Connection]:
        """Changes to deployment tables; the guard refuses a change to an organization's table here."""
        with self._writing() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with _translated(StoreUnavailable), self._writer.connect() as connection:
            transaction = connection.begin()
            yield connection  # when this raises, closing the connection rolls back
            if transaction.is_active:
                with _translated(OutcomeUnknown), _dropped_when_refused(connection):
                    transaction.commit()

    def forget(self) -> None:
        """Lets go of what this process has in memory and was erased by whomever."""
        with self.reading() as connection:
            self._cache.forget(connection)

    def scrub(self) -> bool:
        """Takes what was erased out of SQLite's write-ahead log; False while a reader still needs something of it or
        the disk has no room, and then it is to be asked again. On PostgreSQL that is the operator's part:
        `docs/operate.md`."""
        return sqlite.empty_log(self.file) if self.is_sqlite else True

    def make_durable(self) -> None:
        """Brings everything committed so far to the disk; until then a power cut may ruin a file filled without."""
        sqlite.checkpoint(self._writer)

    def close(self) -> None:
        """Ends all connections and gives the data directory free."""
        self._reader.dispose()
        self._streamer.dispose()
        self._writer.dispose()
        if self._lock:
            self._lock.release()
            self._lock = None


@contextmanager
def _dropped_when_refused(connection: Connection) -> Iterator[None]:
    """Parts with a connection whose commit fails: SQLite leaves that transaction open, so none could begin after it."""
    try:
        yield
    except BaseException:
        connection.invalidate()
        raise


@contextmanager
def _translated(to: type[MinutebookError]) -> Iterator[None]:
    """Turns a database that is away, busy or full into the error that people see; anything else is a bug and stays."""
    try:
        yield
    except PoolTimeout as error:
        raise to from error
    except (OperationalError, InterfaceError) as error:
        if sqlite.is_a_mistake(error.orig):
            raise
        raise to from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise to from error
        raise
