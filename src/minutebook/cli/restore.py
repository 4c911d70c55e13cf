"""minutebook restore."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TextColumn

from minutebook.actions import describe, read_details
from minutebook.actions.log_custody import FieldsErased, LogRestored
from minutebook.actions.parts import plain
from minutebook.cli.console import complain, err, remark, say, shown
from minutebook.cli.deployment import maintaining, operator_seat, settings_of, sqlite_file
from minutebook.config import Settings
from minutebook.custody import restore as restoring
from minutebook.custody.clock import record_step, step_at_start
from minutebook.custody.high_water import Custody
from minutebook.custody.revived import end_revived
from minutebook.errors import Conflict
from minutebook.model import Event
from minutebook.store import put_back, sqlite
from minutebook.store.engine import Store

MANY = 1000
"""Events between two signs of life."""


def restore(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(help="The backup; without it, the database as it is: it was put back already.")
    ] = None,
) -> None:
    """Go on from a backup: as a new generation of each log that has less than was signed of it.

    With SQLite, the file takes the place of the database, which is kept beside it. A PostgreSQL database is put back
    with its own tools first. Stop the server before. What is damaged, of another deployment, or not what was signed is
    refused, and nothing is changed. Logs that are not behind go on as they are. What was erased since, and is in the
    backup again, is erased again. Where events are lost, API tokens, auditor links and pending invitations are revoked,
    and everybody is signed out, since some may have been ended since. Whatever interrupts it: run it again.

    [bold]Examples[/bold]

        minutebook restore /mnt/backups/minutebook-2026-11-22.sqlite3

        MINUTEBOOK_DATABASE_URL=postgresql://minutebook@db/minutebook minutebook restore
    """
    settings = settings_of(context)
    custody = Custody(settings.custody)
    database = sqlite_file(settings)
    if file is None:
        with maintaining(settings) as store:
            begun = _begin(store, custody)
            missing = restoring.settle(store, custody)
    elif database is None:
        complain("The database is PostgreSQL. Put the backup back with pg_restore, then run minutebook restore.")
        raise typer.Exit(2)
    else:
        begun, missing = _put_back(settings, custody, file, database)
    for event in begun:
        _tell(event)
    if any(event.action == LogRestored.action.name for event in begun):
        say("Everybody is signed out.")
    for log_id, size in missing.items():
        complain(f"The log {log_id}, of which {size:,} events were signed, is not in the backup: all of it is lost.")
    if not begun and not missing:
        say("Nothing that was signed is lost. Every log goes on as it was.")


def _put_back(settings: Settings, custody: Custody, file: Path, database: Path) -> tuple[list[Event], dict[str, int]]:
    settings.data_directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = sqlite.WriterLock(database)
    try:
        copied = put_back.copy(file, database)
        try:
            with _opened(copied) as store:
                begun = _begin(store, custody)
            stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            if aside := put_back.put_in_place(copied, database, stamp):
                remark(f"What was in its place is kept as {aside}")
        except BaseException:
            put_back.discard(copied)
            raise
        with _opened(database) as store:
            return begun, restoring.settle(store, custody)
    finally:
        lock.release()


@contextmanager
def _opened(file: Path) -> Iterator[Store]:
    """The database in a file that nobody else writes: the lock of the data directory is held."""
    store = Store(f"sqlite:///{file}", lock=False)
    try:
        yield store
    finally:
        store.close()


def _begin(store: Store, custody: Custody) -> list[Event]:
    """Raises Conflict with the first thing that is wrong."""
    with Progress(TextColumn("{task.description}"), console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("Reading every log")

        def told(seq: int) -> None:
            if not seq % MANY:
                bar.update(task, description=f"Reading every log: event {seq:,}")

        for problem in restoring.wrong(store, custody, told):
            raise Conflict(f"{problem} It is not restored; minutebook doctor tells more of a database in its place.")
    step = step_at_start(store)  # before a new event makes the clock look right
    begun = restoring.begin_generations(store, custody, operator_seat)
    if step:  # only now: under the old id nothing is recorded any more
        record_step(store, *step)
    again = restoring.erase_again(store, custody, operator_seat)
    return [*begun, *again, *end_revived(store, custody, operator_seat)]


def _tell(event: Event) -> None:
    details = read_details(event.action, event.details)
    if isinstance(details, FieldsErased):
        say(f"Organization {event.organization}: {details.amount} that were erased before are erased again.")
        return
    if not isinstance(details, LogRestored):
        say(f"Organization {event.organization}: {shown(plain(describe(details)))}.")
        return
    say(f"Organization {event.organization} goes on from event {event.seq:,} as {details.log}: {details.loss}.")
