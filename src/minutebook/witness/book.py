"""What a witness knows: the logs it looks after, the head of each that it signed last, and its key.

All of it is in one folder: the key in a file that only its owner may open, everything else in one SQLite file. A head
is checked, written down durably and signed in one transaction, so that of two requests at once neither rolls back the
other.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from minutebook.errors import Conflict, MinutebookError
from minutebook.evidence import note
from minutebook.evidence.checkpoint import Checkpoint
from minutebook.evidence.note import COSIGNATURE, NotANote, Note, NotSigned, PrivateKey, VerifierKey
from minutebook.evidence.proof import verify_consistency
from minutebook.evidence.submission import SIZE_TYPE, Submission
from minutebook.evidence.tree import EMPTY_ROOT
from minutebook.model import SECOND, Clock, Randomness
from minutebook.store import sqlite

FILE, KEY_FILE = "witness.sqlite3", "witness.key"
PATIENCE = 20.0
TEXT = "text/plain"
SCHEMA = """
CREATE TABLE IF NOT EXISTS log (vkey TEXT PRIMARY KEY, origin TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS head (
    origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
"""


class NoWitness(MinutebookError):
    """There is no witness in {directory} yet. Run minutebook witness init."""

    code = "no_witness"
    exit_code = 2


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request is answered with."""

    status: int
    body: str
    content_type: str = TEXT


@dataclass(frozen=True, slots=True)
class Seen:
    """A log that is looked after, and what was signed of it last: its size, 0 before the first time, and when (UTC
    microseconds)."""

    vkey: str
    origin: str
    size: int
    at: int | None


class Book:
    """The book of a witness in a folder. Safe to share between threads and processes. Raises NoWitness."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._file = directory / FILE
        self._clock = clock
        try:
            text = (directory / KEY_FILE).read_text(encoding="utf-8")
            self._name, self._key = PrivateKey.parse(text.rstrip("\n"))
        except (OSError, NotANote):
            raise NoWitness(directory=directory) from None
        with self._opened() as connection:
            connection.executescript(SCHEMA)

    @property
    def vkey(self) -> VerifierKey:
        """What logs and auditors pin."""
        return VerifierKey(self._name, self._key.public, COSIGNATURE)

    def look_after(self, key: VerifierKey) -> None:
        """Signs heads of the log whose key this is from now on: of its name as origin. Twice is as good as once."""
        with self._opened() as connection:
            connection.execute("INSERT OR IGNORE INTO log VALUES (?, ?)", (str(key), key.name))

    def logs(self) -> list[Seen]:
        """Every log that is looked after."""
        joined = "SELECT vkey, log.origin, coalesce(size, 0), at FROM log LEFT JOIN head USING (origin) ORDER BY vkey"
        with self._opened() as connection:
            return [Seen(*row) for row in connection.execute(joined)]

    def add_checkpoint(self, body: bytes) -> Reply:
        """What C2SP tlog-witness answers to this: the cosignature, or why there is none."""
        try:
            submission = Submission.parse(body)
            opened = Note.parse(submission.note.encode())
            checkpoint = Checkpoint.parse(opened.text)
        except NotANote as error:
            return _refused(HTTPStatus.BAD_REQUEST, str(error))
        with self._changing() as connection:
            rows = connection.execute("SELECT vkey FROM log WHERE origin = ?", (checkpoint.origin,))
            keys = [VerifierKey.parse(vkey) for (vkey,) in rows]
            if not keys:
                return _refused(HTTPStatus.NOT_FOUND, "this log is not looked after")
            try:
                opened.signed_by(keys)
            except NotSigned as error:
                return _refused(HTTPStatus.FORBIDDEN, str(error))
            if submission.old > checkpoint.size:
                return _refused(HTTPStatus.BAD_REQUEST, "the old size is larger than that of the checkpoint")
            last = connection.execute("SELECT size, root FROM head WHERE origin = ?", (checkpoint.origin,)).fetchone()
            size, root = (last[0], bytes(last[1])) if last else (0, EMPTY_ROOT)
            if submission.old != size or (size == checkpoint.size and root != checkpoint.root):
                return Reply(HTTPStatus.CONFLICT, f"{size}\n", SIZE_TYPE)
            if not verify_consistency(size, root, checkpoint.size, checkpoint.root, submission.path):
                return _refused(HTTPStatus.UNPROCESSABLE_ENTITY, "the proof does not lead from the old size to the new")
            at = self._clock()
            signature = note.cosign(opened.text, self._name, self._key, at // SECOND)
            connection.execute(
                "INSERT OR REPLACE INTO head VALUES (?, ?, ?, ?, ?)",
                (checkpoint.origin, checkpoint.size, checkpoint.root, submission.note, at),
            )
        return Reply(HTTPStatus.OK, signature.line())

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """Holds the lock until the block ends; what was written is durable then, and nothing was when it raises."""
        with self._opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite.driver().connect(self._file, timeout=PATIENCE, isolation_level=None)
        try:
            connection.execute("PRAGMA synchronous=EXTRA")
            yield connection
        finally:
            connection.close()


def make(directory: Path, name: str, randomness: Randomness, clock: Clock) -> Book:
    """Makes a witness of this name with a new key. Raises Conflict when there is one, or a key may not have that
    name."""
    if not note.is_name(name):
        raise Conflict("The name of a witness has no spaces and no plus, such as witness.example.com/minutebook.")
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        file = os.open(directory / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict(f"There is a witness in {directory} already.") from None
    with os.fdopen(file, "w", encoding="utf-8") as written:
        written.write(f"{PrivateKey(randomness(note.KEY_SIZE)).to_text(name)}\n")
        written.flush()
        os.fsync(written.fileno())
    (directory / FILE).touch(mode=0o600)
    return Book(directory, clock)


def _refused(status: HTTPStatus, why: str) -> Reply:
    return Reply(status, f"{why[:1].upper()}{why[1:]}.\n")
