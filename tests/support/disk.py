"""The disk under SQLite in this process, which fails where it is told to.

SQLite asks a `sqlite3_vfs` for files and each file for its operations (https://sqlite.org/vfs.html). This one passes
all of them on to that of the system, counts those that matter to what is kept, and lets one of them fail.
"""

from __future__ import annotations

import ctypes
import importlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from pathlib import Path
from typing import Any

import pytest

from minutebook.store import sqlite

WRITE, TRUNCATE, SYNC = -1, -2, -3
FULL, IOERR_WRITE, IOERR_FSYNC, IOERR_TRUNCATE = 13, 778, 1034, 1546

_KEPT: list[Any] = []
"""What SQLite was given and may still ask: a file that is open outlives the block that it was opened in."""

_Open = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
_Write = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_Truncate = CFUNCTYPE(c_int, c_void_p, c_int64)
_Sync = CFUNCTYPE(c_int, c_void_p, c_int)


class _Vfs(Structure):
    _fields_ = (
        *((name, c_int) for name in ("iVersion", "szOsFile", "mxPathname")),
        ("pNext", c_void_p),
        ("zName", c_char_p),
        ("pAppData", c_void_p),
        ("xOpen", c_void_p),
        ("others", c_void_p * 15),
    )


class _Methods(Structure):
    _fields_ = (
        ("iVersion", c_int),
        *((name, c_void_p) for name in ("xClose", "xRead", "xWrite", "xTruncate", "xSync")),
        ("others", c_void_p * 13),
    )


class Disk:
    """A disk that is whole until it is told otherwise: `full`, or to break in one operation."""

    def __init__(self) -> None:
        self.full = False
        self.broken = 0
        """How many operations did fail."""
        self._left = 0
        self._code: int | None = None
        self._copy: tuple[Path, Path] | None = None

    def breaks_in(self, operation: int, *, by_space: bool, copy: tuple[Path, Path] | None = None) -> None:
        """The operation of this number from now on is done by half and fails, for want of space or altogether; that of
        number 0 is the next that waits for the disk. With `copy` the files at the first path are copied to the second
        in that moment: what a kill then would leave."""
        self._left, self._code, self._copy = operation or SYNC, FULL if by_space else None, copy

    def holds(self) -> None:
        """Nothing fails any more."""
        self._left, self.full = 0, False

    def fails(self, kind: int) -> bool:
        """Whether the operation at hand fails."""
        if self._left == SYNC == kind:
            self._left = 1
        if self._left > 0:
            self._left -= 1
            if not self._left:
                self.broken += 1
                return True
        return self.full and kind == WRITE

    def copy(self) -> None:
        """What was asked to be copied, as it is now."""
        if self._copy:
            source, target = self._copy
            for suffix in ("", "-wal"):
                shutil.copy(f"{source}{suffix}", f"{target}{suffix}")

    def write(self, write: Any, file: int, data: int, size: int, at: int) -> int:
        if not self.fails(WRITE):
            return int(write(file, data, size, at))
        if not self.full:
            write(file, data, size // 2, at)
            self.copy()
        return FULL if self.full else self._code or IOERR_WRITE

    def other(self, kind: int, call: Any, code: int, *arguments: int) -> int:
        if not self.fails(kind):
            return int(call(*arguments))
        self.copy()
        return code


@contextmanager
def breakable_disk() -> Iterator[Disk]:
    """The disk under each SQLite file that is opened in the block."""
    library = _library()
    library.sqlite3_vfs_find.restype = POINTER(_Vfs)
    system = library.sqlite3_vfs_find(None)
    disk, kept = Disk(), []
    own, made = _Vfs(), dict[int, _Methods]()
    ctypes.memmove(ctypes.byref(own), system, ctypes.sizeof(_Vfs))
    open_file = _Open(system.contents.xOpen)

    def methods_of(original: int) -> _Methods:
        methods = _Methods()
        ctypes.memmove(ctypes.byref(methods), original, ctypes.sizeof(_Methods))
        write, truncate, sync = _Write(methods.xWrite), _Truncate(methods.xTruncate), _Sync(methods.xSync)
        callbacks: list[Callable[..., int]] = [
            _Write(lambda file, data, size, at: disk.write(write, file, data, size, at)),
            _Truncate(lambda file, size: disk.other(TRUNCATE, truncate, IOERR_TRUNCATE, file, size)),
            _Sync(lambda file, flags: disk.other(SYNC, sync, IOERR_FSYNC, file, flags)),
        ]
        kept.extend(callbacks)
        methods.xWrite, methods.xTruncate, methods.xSync = (ctypes.cast(one, c_void_p) for one in callbacks)  # type: ignore[arg-type]
        return methods

    def open_breakable(_: int, name: int, file: int, flags: int, told: int) -> int:
        code = int(open_file(ctypes.addressof(system.contents), name, file, flags, told))
        of_file = c_void_p.from_address(file)
        if code == 0 and of_file.value:
            if of_file.value not in made:
                made[of_file.value] = methods_of(of_file.value)
            of_file.value = ctypes.addressof(made[of_file.value])
        return code

    opened = _Open(open_breakable)
    _KEPT.append((own, made, kept, opened))
    own.zName, own.xOpen = b"breakable", ctypes.cast(opened, c_void_p)
    assert library.sqlite3_vfs_register(ctypes.byref(own), 1) == 0
    try:
        yield disk
    finally:
        disk.holds()
        library.sqlite3_vfs_unregister(ctypes.byref(own))
        library.sqlite3_vfs_register(system, 1)


def _library() -> Any:
    """The SQLite that Minutebook uses, as it is loaded."""
    package = sqlite.driver().__name__.partition(".")[0]
    module = importlib.import_module("_sqlite3" if package == "sqlite3" else f"{package}._sqlite3")
    try:
        library = ctypes.CDLL(module.__file__)
        library.sqlite3_vfs_find, library.sqlite3_vfs_register  # noqa: B018
    except (AttributeError, OSError, TypeError):
        pytest.skip("this build of SQLite does not show its functions")
    return library
