"""The deployment that a command works on, and in whose name."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from sqlalchemy.exc import ArgumentError

from minutebook import security
from minutebook.cli.chosen import Chosen
from minutebook.config import CONFIG_FILE, Settings, load_settings
from minutebook.custody.clock import record_step_at_start
from minutebook.errors import BadSettings
from minutebook.model import Actor, ActorKind, Client, Context, Event, Seat
from minutebook.record import Command, NoChange, PersonalCommand, perform, perform_everywhere
from minutebook.security import SecurityLog
from minutebook.store.engine import Store
from minutebook.store.migrate import migrate, require_current

MEGABYTE = 1_000_000
OPERATOR = Actor(ActorKind.SYSTEM, "system", name="Minutebook (command line)")


def settings_of(context: typer.Context, **chosen: object) -> Settings:
    """The settings, options first. Raises BadSettings."""
    before: Chosen = context.obj or Chosen()
    return load_settings(data_directory=before.data_directory, **chosen)


@contextmanager
def _telling(settings: Settings, store: Store) -> Iterator[Store]:
    """The store, with the security log where the settings say."""
    path = settings.security_file
    size, kept = settings.security_log_megabytes * MEGABYTE, settings.security_log_files
    security.write_to(SecurityLog(path, size, kept, store.clock) if path else None)
    try:
        yield store
    finally:
        security.write_to(None)


def open_store(settings: Settings, *, lock: bool = True) -> Store:
    """The store of a deployment, its data directory made and closed to others; the schema is not looked at.

    Raises StoreInUse, UnsafeSqlite, BadSettings for an address that is none.
    """
    settings.data_directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        return Store(settings.database, lock=lock)
    except (ArgumentError, ValueError):  # a ValueError of the address would repeat its password
        raise BadSettings("MINUTEBOOK_DATABASE_URL is not the address of a database.") from None


@contextmanager
def current_store(settings: Settings, backed_up: Callable[[Path], None]) -> Iterator[Store]:
    """The store with this program's schema; `backed_up` is told the backup of an older one. Raises SchemaTooNew."""
    store = open_store(settings)
    try:
        saved = migrate(store)
        if saved:
            backed_up(saved)
        with _telling(settings, store):
            yield store
    finally:
        store.close()


@contextmanager
def writing(settings: Settings) -> Iterator[Store]:
    """The store, for a command that acts: a step of the clock while nothing ran is recorded before. Raises StoreInUse
    while a server has the SQLite file."""
    with maintaining(settings) as store:
        record_step_at_start(store)
        yield store


@contextmanager
def maintaining(settings: Settings) -> Iterator[Store]:
    """The store, for a command that writes but is no act. Raises StoreInUse while a server has the SQLite file."""
    _must_exist(settings)
    store = open_store(settings)
    try:
        require_current(store)
        with _telling(settings, store):
            yield store
    finally:
        store.close()


@contextmanager
def reading(settings: Settings) -> Iterator[Store]:
    """The store, for a command that only reads: it works beside a running server."""
    _must_exist(settings)
    store = open_store(settings, lock=False)
    try:
        require_current(store)
        yield store
    finally:
        store.close()


def operate(store: Store, organization: int, command: Command) -> Event | NoChange:
    """Does it in the name of whoever runs Minutebook, recorded as such."""
    return perform(store, operator_seat(organization), command)


def operate_on_person(store: Store, command: PersonalCommand) -> tuple[Event, ...] | NoChange:
    """The same of what is done to a person."""
    return perform_everywhere(store, OPERATOR, operator_seat(0).context, command)


def operator_seat(organization: int) -> Seat:
    """What whoever runs Minutebook acts by at the command line."""
    return Seat(organization, OPERATOR, Context(client=Client.CLI))


def sqlite_file(settings: Settings) -> Path | None:
    """The file of a SQLite database; None for PostgreSQL."""
    prefix = "sqlite:///"
    return Path(settings.database.removeprefix(prefix)) if settings.database.startswith(prefix) else None


def open_to_others(settings: Settings) -> Iterator[str]:
    """A sentence for each of the data directory, the database, the settings and security log that other
    accounts may open."""
    directory = settings.data_directory
    secret = (sqlite_file(settings), directory / CONFIG_FILE, settings.security_file)
    for path, right in ((directory, 0o700), *((file, 0o600) for file in secret)):
        if path and path.exists() and (found := stat.S_IMODE(path.stat().st_mode)) & 0o077:
            yield f"{path} is open to other accounts of this machine ({found:o}). Run: chmod {right:o} {path}"


def _must_exist(settings: Settings) -> None:
    file = sqlite_file(settings)
    if file and not file.is_file():
        raise BadSettings(
            f"There is no database at {file} yet. Run minutebook init first, or say where it is: "
            "minutebook --data-directory DIRECTORY …"
        )
