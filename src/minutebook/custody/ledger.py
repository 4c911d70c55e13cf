"""The ledger of erasures: what was erased from which log, kept outside the database, beside the keys.

A backup of the database still has what was erased after it was made. From the ledger it is erased again before the
backup is served. It is written before the erasure is committed: what it names beyond that harms nothing.

It is a file of its own: whoever signs holds `custody.sqlite3` while they wait for the database, and an erasure holds
the database while it writes here.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from minutebook.errors import StoreUnavailable
from minutebook.store import sqlite

FILE = "erasures.sqlite3"
# The digest is of the key: what nobody had signed yet may be lost without a new log id, and its numbers given again.
TABLE = """
CREATE TABLE IF NOT EXISTS erasure (
    log_id TEXT NOT NULL, seq INTEGER NOT NULL, path TEXT NOT NULL, digest BLOB NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (log_id, seq, path, digest)
) WITHOUT ROWID
"""
WHOLE = ""
"""In the place of a path: all of an event, which was pruned; its leaf hash is in the place of the commitment."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger in a directory, which is made when something is first written."""

    directory: Path

    def write(self, log_id: str, at: int, erased: Iterable[tuple[int, str, bytes]]) -> None:
        """Adds what is to be erased: number of the event, path, commitment. On the disk when it returns."""
        rows = [(log_id, seq, path, digest, at) for seq, path, digest in erased]
        with self._opened() as connection:
            connection.executemany("INSERT OR IGNORE INTO erasure VALUES (?, ?, ?, ?, ?)", rows)

    def read(self, log_id: str) -> list[tuple[int, str, bytes]]:
        """Everything that was erased from a log, in its order."""
        if not (self.directory / FILE).exists():
            return []
        with self._opened() as connection:
            found = connection.execute(
                "SELECT seq, path, digest FROM erasure WHERE log_id = ? ORDER BY seq, path", (log_id,)
            )
            return [(seq, path, digest) for seq, path, digest in found]

    def every(self) -> Iterator[tuple[str, bytes]]:
        """Path and commitment of everything that was erased from any log."""
        if not (self.directory / FILE).exists():
            return
        with self._opened() as connection:
            yield from connection.execute("SELECT path, digest FROM erasure")

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """Raises StoreUnavailable where the disk is full or fails; then nothing is erased either."""
        driver, file = sqlite.driver(), self.directory / FILE
        try:
            self.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
            connection: sqlite3.Connection = driver.connect(str(file))
            try:
                connection.execute("PRAGMA synchronous=FULL")
                with connection:
                    connection.execute(TABLE)
                    yield connection
            finally:
                connection.close()
        except (driver.OperationalError, OSError) as error:
            raise StoreUnavailable from error
