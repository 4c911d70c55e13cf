"""What must not be rolled back together with the database: a small SQLite file beside the keys.

- `high_water`: of each log, the tree that was last signed. Written before the signature is used, durably, so that
  nothing smaller and nothing else is ever signed for the same log.
- `ended`: the logs that nothing is signed of any more, since a backup was restored (`restore.py`).
- `statement`: the signed statements about keys, in order (`evidence/key_chain.py`).
- `meta`: the host that the names of all logs begin with, fixed by the first key; the name of the anchor log.

Whoever changes it holds its lock meanwhile: two servers that share the directory sign one after the other.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from minutebook.evidence.anchor_entry import ANCHOR_LOG, name_after
from minutebook.evidence.tree import CompactRange
from minutebook.store import sqlite

FILE = "custody.sqlite3"
KEYS = "keys"
HOST, ANCHOR_NAME = "host", "anchor_log"
PATIENCE = 20.0
SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS high_water
    (log_id TEXT PRIMARY KEY, size INTEGER NOT NULL, peaks BLOB NOT NULL, signed_at INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS ended
    (log_id TEXT PRIMARY KEY, next TEXT, shared INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS statement (number INTEGER PRIMARY KEY, note TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
COMMIT;
"""


@dataclass(frozen=True, slots=True)
class HighWater:
    """The tree of a log as it was last signed, and when (UTC microseconds)."""

    log_id: str
    tree: CompactRange
    signed_at: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A log went on under the id `next`, which has its first `shared` events; None when the backup had none of it."""

    next: str | None
    shared: int


class Custody:
    """The custody directory of a deployment. It is made, closed to others, when it is first changed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / FILE
        self.keys = directory / KEYS

    @contextmanager
    def changing(self) -> Iterator[Held]:
        """Holds the lock of the file until the block ends; what was written is then durable, unless it raises."""
        for folder in (self.directory, self.keys):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.file.exists():
            self.file.touch(mode=0o600)
        with self._opened() as connection:
            connection.execute("PRAGMA synchronous=EXTRA")
            if not _is_made(connection):
                connection.executescript(SCHEMA)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield Held(connection)
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[Held | None]:
        """What is there, for reading only; None when nothing is there yet."""
        if not self.file.is_file():
            yield None
            return
        with self._opened() as connection:
            connection.execute("PRAGMA query_only=ON")
            connection.execute("BEGIN")
            yield Held(connection) if _is_made(connection) else None

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite.driver().connect(self.file, timeout=PATIENCE, isolation_level=None)
        try:
            yield connection
        finally:
            connection.close()


def _is_made(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'meta'").fetchone() is not None


class Held:
    """The file within one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def high_waters(self) -> dict[str, HighWater]:
        """Of every log that was signed, by its id."""
        rows = self._connection.execute("SELECT log_id, size, peaks, signed_at FROM high_water ORDER BY log_id")
        return {
            log_id: HighWater(log_id, CompactRange.from_bytes(size, peaks), signed_at)
            for log_id, size, peaks, signed_at in rows
        }

    def high_water(self, log_id: str) -> HighWater | None:
        """Of one log, if it was signed."""
        rows = self._connection.execute("SELECT size, peaks, signed_at FROM high_water WHERE log_id = ?", (log_id,))
        for size, peaks, signed_at in rows:
            return HighWater(log_id, CompactRange.from_bytes(size, peaks), signed_at)
        return None

    def raise_to(self, marks: Iterable[HighWater]) -> None:
        """Notes what is about to be signed. Nothing is ever lowered: a smaller one changes nothing."""
        self._connection.executemany(
            "INSERT INTO high_water VALUES (?, ?, ?, ?) ON CONFLICT (log_id) DO UPDATE SET "
            "size = excluded.size, peaks = excluded.peaks, signed_at = excluded.signed_at "
            "WHERE excluded.size > high_water.size",
            [(mark.log_id, mark.tree.size, mark.tree.to_bytes(), mark.signed_at) for mark in marks],
        )

    def ended(self) -> dict[str, Ended]:
        """Every log that has ended, by its id."""
        rows = self._connection.execute("SELECT log_id, next, shared FROM ended ORDER BY log_id")
        return {log_id: Ended(next_, shared) for log_id, next_, shared in rows}

    def end(self, log_id: str, ended: Ended, at: int) -> None:
        """Notes that a log has ended, at `at` (UTC microseconds)."""
        self._connection.execute(
            "INSERT OR REPLACE INTO ended VALUES (?, ?, ?, ?)", (log_id, ended.next, ended.shared, at)
        )

    def host(self) -> str | None:
        """What the names of all logs begin with; None before the first key."""
        return self._meta(HOST)

    def fix_host(self, host: str) -> None:
        """Fixes it for good."""
        self._connection.execute("INSERT INTO meta VALUES (?, ?)", (HOST, host))

    def anchor_log(self) -> str:
        """What the anchor log is called: `anchor`, or after a restore `anchor.2` and so on."""
        return self._meta(ANCHOR_NAME) or ANCHOR_LOG

    def renew_anchor_log(self) -> None:
        """Lets the anchor log go on under another name: entries were lost that were signed, and with the old name the
        next ones would be a second history."""
        value = name_after(self.anchor_log())
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (ANCHOR_NAME, value))

    def statements(self) -> list[str]:
        """The signed statements about keys, in their order."""
        return [note for (note,) in self._connection.execute("SELECT note FROM statement ORDER BY number")]

    def state(self, note: str) -> None:
        """Adds a statement behind the others."""
        self._connection.execute("INSERT INTO statement SELECT count(*), ? FROM statement", (note,))

    def _meta(self, name: str) -> str | None:
        row = self._connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None
