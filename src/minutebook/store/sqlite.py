"""SQLite: which library, which pragmas, and who may write."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from minutebook.errors import StoreInUse, UnsafeSqlite

PATCHED = {(3, 44, 6), (3, 50, 7)}
COMMON = (
    "journal_mode=WAL",
    "foreign_keys=ON",
    "recursive_triggers=ON",  # so that the guard sees the rows that REPLACE deletes
    "wal_autocheckpoint=65536",
    "cache_size=-65536",
    "temp_store=MEMORY",
)


def driver() -> ModuleType:
    """The newest SQLite there is; raises UnsafeSqlite when it has the bug that corrupts a WAL database on reset."""
    module: ModuleType
    try:
        import pysqlite3 as module  # type: ignore[no-redef]
    except ImportError:
        module = sqlite3
    version: tuple[int, ...] = module.sqlite_version_info
    if (3, 7, 0) <= version <= (3, 51, 2) and version not in PATCHED:
        raise UnsafeSqlite(version=module.sqlite_version)
    return module


def writing_engine(file: Path, patience: float, *, durable: bool = True) -> Engine:
    """One connection, whose transactions take the write lock when they begin. Durable at commit: synchronous=FULL."""
    # secure_delete: a link that was mailed or used does not stay readable in the file
    pragmas = (f"synchronous={'FULL' if durable else 'OFF'}", "secure_delete=ON")
    engine = _engine(file, pragmas, patience, pool_size=1)

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def checkpoint(engine: Engine) -> None:
    """Moves the write-ahead log into the file and waits until the disk has both. No transaction may be open."""
    connection = engine.raw_connection()
    try:
        for pragma in ("synchronous=FULL", "wal_checkpoint(TRUNCATE)"):
            connection.cursor().execute(f"PRAGMA {pragma}")
    finally:
        connection.close()


def empty_log(file: Path) -> bool:
    """Moves the write-ahead log into the file and leaves nothing of it on the disk; False while a reader or a writer
    still needs it, or the disk has no room. Nobody waits for that."""
    module = driver()
    connection = module.connect(str(file), timeout=0.1, isolation_level=None)
    try:
        for pragma in COMMON:
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("PRAGMA synchronous=FULL")
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except module.OperationalError:
        return False
    finally:
        connection.close()
    return not busy


def reading_engine(file: Path, patience: float) -> Engine:
    """Connections that cannot write, and see one snapshot from the first read until they are back in the pool: what
    SQLAlchemy does for each transaction takes as long as a short query. Whoever commits or rolls back ends it."""
    return _reading(file, patience)


def streaming_engine(file: Path, patience: float) -> Engine:
    """The same for reading all of a log once: what is not read again is not worth the memory that would keep it."""
    return _reading(file, patience, "cache_size=-4096")


def _reading(file: Path, patience: float, *pragmas: str) -> Engine:
    engine = _engine(file, ("query_only=ON", "mmap_size=0", *pragmas), patience, pool_size=16)

    @event.listens_for(engine, "checkout")
    def _on_checkout(connection: Any, _record: Any, _proxy: Any) -> None:
        connection.execute("BEGIN")  # and the pool rolls it back

    return engine


def _engine(file: Path, pragmas: tuple[str, ...], patience: float, *, pool_size: int) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(file)),
        module=driver(),
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=patience,
        hide_parameters=True,
        connect_args={"timeout": patience, "isolation_level": None, "check_same_thread": False},
    )
    pragmas = (*COMMON, *pragmas)

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    return engine


def is_a_mistake(error: BaseException | None) -> bool:
    """Whether SQLite's answer means a wrong statement, such as a syntax error, and not a file away or busy."""
    return getattr(error, "sqlite_errorname", "") == "SQLITE_ERROR"


def is_damage(error: BaseException | None) -> bool:
    """Whether SQLite's answer means that the file is damaged, or is none of its own."""
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT"))


class WriterLock:
    """One process writes one data directory. The file says who; the lock goes with the process, however it ends."""

    def __init__(self, file: Path) -> None:
        self._file = file.with_name(file.name + ".lock")
        self._handle = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._handle, 100).decode(errors="replace").strip() or "another process"
            os.close(self._handle)
            raise StoreInUse(directory=file.parent, holder=holder) from None
        os.ftruncate(self._handle, 0)
        os.write(self._handle, f"process {os.getpid()}\n".encode())

    def release(self) -> None:
        """Gives the data directory free."""
        os.close(self._handle)
