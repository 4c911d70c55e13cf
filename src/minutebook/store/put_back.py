"""Putting a backup in the place of a SQLite database, whatever interrupts it: nothing is lost, and nothing is mixed.

    copy → (what is to be done to the copy) → put in place

The copy is made beside the database, and takes its place in one step. A write-ahead log that was left belongs to the
old database alone: SQLite would play it back into any file of that name.
"""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path

from minutebook.errors import Conflict
from minutebook.store import sqlite
from minutebook.store.engine import Store
from minutebook.store.migrate import is_ours, migrate

WAL, SHM = "-wal", "-shm"


def copy(backup: Path, database: Path) -> Path:
    """A copy of the backup beside the database, with this program's schema. What an interrupted copy has left goes.

    Raises Conflict when it is damaged or no database of Minutebook, SchemaTooNew.
    """
    if not backup.is_file():
        raise Conflict(f"There is no file {backup}.")
    if database.exists() and backup.samefile(database):
        raise Conflict(f"{backup} is the database itself. Run minutebook restore without a file to go on from it.")
    to = _beside(database, ".restoring")
    discard(to)
    to.touch(mode=0o600)
    try:
        _copy(backup, to)
        store = Store(f"sqlite:///{to}", lock=False)
        try:
            if not is_ours(store):
                raise Conflict(f"{backup} is no database of Minutebook. Nothing was changed.")
            migrate(store)
        finally:
            store.close()
    except sqlite.driver().Error as error:
        discard(to)
        raise Conflict(f"{backup} is damaged, or no database: {error}. Nothing was changed.") from None
    except BaseException:
        discard(to)
        raise
    return to


def _copy(backup: Path, to: Path) -> None:
    # without a write-ahead log there is nothing to wait for, and nothing is written beside it, as on a read-only disk
    still = "" if _beside(backup, WAL).exists() else "&immutable=1"
    source = sqlite.driver().connect(f"{backup.absolute().as_uri()}?mode=ro{still}", uri=True)
    target = sqlite.driver().connect(str(to))
    try:
        source.backup(target)
        for (found,) in target.execute("PRAGMA integrity_check(1)"):
            if found != "ok":
                raise sqlite.driver().DatabaseError(found)
    finally:
        source.close()
        target.close()


def put_in_place(copied: Path, database: Path, stamp: str) -> Path | None:
    """Puts the copy, which nobody has open, in the place of the database. Returns as what that is kept, by a name with
    the stamp; None when there was none.

    A crash leaves the one, or the other, or none in its place; the old one is whole in any case.
    """
    aside = _free(database, f"-before-restore-{stamp}")
    there = [ending for ending in ("", WAL) if _beside(database, ending).exists()]
    if WAL in there:
        _keep(_beside(database, WAL), _beside(aside, WAL))
    if "" in there:
        database.rename(aside)
    _sync(database.parent)
    for ending in (WAL, SHM):
        _beside(database, ending).unlink(missing_ok=True)
    copied.replace(database)
    _sync(database.parent)
    return aside if there else None


def discard(copied: Path) -> None:
    """Takes a copy away that is not needed."""
    for ending in ("", WAL, SHM, "-journal"):
        _beside(copied, ending).unlink(missing_ok=True)


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(file.name + ending)


def _free(database: Path, ending: str) -> Path:
    """A name for what is kept that nothing has yet."""
    names = (f"{database.stem}{ending}{f'-{n}' if n > 1 else ''}{database.suffix}" for n in itertools.count(1))
    free = (database.with_name(name) for name in names)
    return next(file for file in free if not file.exists() and not _beside(file, WAL).exists())


def _keep(file: Path, under: Path) -> None:
    """Gives a file a second name; where a file can have only one, copies it."""
    try:
        under.hardlink_to(file)
    except OSError:
        shutil.copy2(file, under)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
