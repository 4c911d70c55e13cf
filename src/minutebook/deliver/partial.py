"""A file of an export while it is written: what is there survives an interruption, and the rest is written behind it.

Until `events.csv` is whole there are `events.csv.part` with its bytes, and `events.csv.part.json`, which says what they
are of and how far they go. What stands in the first beyond that, after a crash, is taken off again. A file is called by
its own name only when it is whole.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from io import FileIO
from pathlib import Path
from typing import TypeAlias

import orjson

from minutebook.deliver.export import Export, Piece, Written
from minutebook.errors import Conflict
from minutebook.filters import Filter, parse, write
from minutebook.model import Json

KEEP_EVERY = 8 * 1024 * 1024
"""How many bytes are written, at most, before it is noted how far the file goes."""
READ_SIZE = 1024 * 1024

Words: TypeAlias = dict[str, Json]
"""What was asked for, in the asker's own words."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What a file is of, and how far it goes: `next` is the number to go on from, `sha256` is over its `bytes`.

    `filter` is what `asked` meant when it was asked, as keys and values of a URL.
    """

    asked: Words
    filter: list[list[str]]
    size: int
    first: int
    next: int
    events: int
    bytes: int
    sha256: str
    is_whole: bool = False

    @classmethod
    def of(cls, export: Export, asked: Words) -> Progress:
        """Before the first byte."""
        nothing = hashlib.sha256().hexdigest()
        pairs = [list(pair) for pair in write(export.filter)]
        return cls(asked, pairs, export.size, export.first, export.first, 0, 0, nothing)

    @property
    def meant(self) -> Filter:
        return parse([(key, text) for key, text in self.filter])

    def from_the_start(self) -> Progress:
        """The same, before the first byte."""
        return replace(self, next=self.first, events=0, bytes=0, sha256=hashlib.sha256().hexdigest())


@contextmanager
def at_once(path: Path) -> Iterator[FileIO]:
    """A new file that cannot go on where it stopped: it becomes `path` when the block ends, and is thrown away when the
    block raises. Raises Conflict where there is such a file, or one that is to become it; OSError, as files do."""
    _require_new(path)
    part = _part_of(path)
    with _locked(part) as file:
        if file.seek(0, os.SEEK_END):
            raise Conflict(f"{part} is there, of an export that did not end: remove it, or name another file.")
        try:
            yield file
            _give_name(file, part, path)
        except BaseException:
            with suppress(Conflict):
                _require_same(file, part)
                part.unlink()
            raise


def _part_of(path: Path) -> Path:
    """What is there until the file is whole."""
    return path.with_name(path.name + ".part")


def _require_new(path: Path) -> None:
    """Raises Conflict where there is such a file."""
    if path.exists():
        raise _exists(path)


def _exists(path: Path) -> Conflict:
    return Conflict(f"{path} exists. An export never overwrites a file: name another.")


def _locked(part: Path) -> FileIO:
    """The file, which only its owner may read, made where there was none. Raises Conflict while another process writes
    it."""
    file = FileIO(os.open(part, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _require_same(file, part)
    except (OSError, Conflict):
        file.close()
        raise Conflict(f"{part} is being written by another process.") from None
    return file


def _require_same(file: FileIO, part: Path) -> None:
    """Raises Conflict where another process named the file, or threw it away, since it was opened."""
    try:
        is_same = os.path.samestat(os.fstat(file.fileno()), part.stat())
    except FileNotFoundError:
        is_same = False
    if not is_same:
        raise Conflict(f"{part} was thrown away by another process.")


def write_all(file: FileIO, data: bytes) -> None:
    """Writes all of it."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def _give_name(file: FileIO, part: Path, path: Path) -> None:
    """Gives the locked file its own name, once it is whole. Raises Conflict where there is such a file by now."""
    os.fsync(file.fileno())
    _require_same(file, part)
    try:
        os.link(part, path)
    except FileExistsError:
        raise _exists(path) from None
    except OSError:  # not every file system has links
        _require_new(path)
        part.rename(path)
    part.unlink(missing_ok=True)


class PartialFile:
    """The file that becomes `path`. Raises Conflict where that exists already."""

    def __init__(self, path: Path) -> None:
        _require_new(path)
        self.path = path
        self._begun: Progress | None = None
        self.part = _part_of(path)
        self.note = path.with_name(path.name + ".part.json")

    def begun(self) -> Progress | None:
        """How far an export was that did not end; None without one. Raises Conflict when that cannot be told."""
        self._begun = self._noted()
        return self._begun

    def _noted(self) -> Progress | None:
        if not self.part.exists():
            self.note.unlink(missing_ok=True)  # of a file that was named, or thrown away
        if not self.note.exists():
            if self.part.exists() and self.part.stat().st_size:
                why = f"{self.part} is there without {self.note.name}, so it cannot be told what it is of."
                raise Conflict(f"{why} Start over, or name another file.")
            return None
        try:
            return Progress(**orjson.loads(self.note.read_bytes()))
        except (orjson.JSONDecodeError, TypeError):
            raise Conflict(f"{self.note} cannot be read. Start over, or name another file.") from None

    def forget(self) -> None:
        """Takes away what an export left that did not end."""
        for file in (self.part, self.note):
            file.unlink(missing_ok=True)

    def written(self, progress: Progress) -> Written | None:
        """What is there of the file; None where that is nothing, or not what was noted, so that it must start over."""
        hashed, left = hashlib.sha256(), progress.bytes
        if not left:
            return None
        with suppress(FileNotFoundError), self.part.open("rb") as file:
            while left and (data := file.read(min(READ_SIZE, left))):
                hashed.update(data)
                left -= len(data)
        if left or hashed.hexdigest() != progress.sha256:
            return None
        return Written(hashed, progress.next, progress.events)

    def open(self, progress: Progress, written: Written | None) -> OpenFile:
        """The file, to write what comes behind what is there of it; without that, from its first byte.

        Raises Conflict while another process writes it, or did since it was looked how far it was.
        """
        file = _locked(self.part)
        try:
            if self._noted() != self._begun:
                raise Conflict(f"{self.part} was written by another process meanwhile.")
        except BaseException:
            file.close()
            raise
        file.truncate(progress.bytes)
        file.seek(progress.bytes)
        return OpenFile(file, self, progress, written.hash.copy() if written else hashlib.sha256())


class OpenFile:
    """The file while pieces come. Leaving its block notes how far it goes. Raises OSError, as files do."""

    def __init__(self, file: FileIO, partial: PartialFile, progress: Progress, hashed: hashlib._Hash) -> None:
        self._file = file
        self._partial = partial
        self._hash = hashed
        self._kept = progress.bytes
        self._is_named = False
        self.progress = progress
        self.keep()

    def __enter__(self) -> OpenFile:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            with suppress(Conflict):  # another has thrown it away
                if not self._is_named:
                    self.keep()
        finally:
            self._file.close()

    def write(self, piece: Piece) -> None:
        write_all(self._file, piece.data)
        self._hash.update(piece.data)
        size = self.progress.bytes + len(piece.data)
        self.progress = replace(self.progress, next=piece.next, events=piece.events, bytes=size, is_whole=piece.is_last)
        if size - self._kept >= KEEP_EVERY:
            self.keep()

    def keep(self) -> None:
        """Brings all that is written to the disk, and then notes how far it goes."""
        os.fsync(self._file.fileno())
        _require_same(self._file, self._partial.part)
        self.progress = replace(self.progress, sha256=self._hash.hexdigest())
        note = self._partial.note
        new = note.with_name(note.name + ".new")
        new.write_bytes(orjson.dumps(asdict(self.progress)))
        new.replace(note)
        self._kept = self.progress.bytes

    def finish(self) -> None:
        """Gives the whole file its own name. Raises Conflict where there is such a file by now."""
        self.keep()
        _give_name(self._file, self._partial.part, self._partial.path)
        self._is_named = True
        self._partial.forget()
