"""minutebook backup."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import func, select, text

from minutebook.cli.console import complain, remark, say
from minutebook.cli.deployment import reading, settings_of, sqlite_file
from minutebook.errors import Conflict
from minutebook.store import migrate, schema
from minutebook.store.engine import Store


def backup(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(help="Where to; a new file in backups/ by default.")] = None,
) -> None:
    """Copy the SQLite database, also while the server runs.

    The copy is one consistent state, and is read back before it is called good. For PostgreSQL use pg_dump.

    [bold]Examples[/bold]

        minutebook backup

        minutebook backup /mnt/backups/minutebook-$(date +%F).sqlite3
    """
    settings = settings_of(context)
    if sqlite_file(settings) is None:
        complain(
            "The database is PostgreSQL. Back it up with its own tools: pg_dump --format=custom, or a base backup."
        )
        raise typer.Exit(2)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    to = file or settings.data_directory / "backups" / f"minutebook-{stamp}.sqlite3"
    with reading(settings) as store:
        try:
            migrate.backup(store, to)
        except FileExistsError as error:
            if Path(error.filename) != to:  # a file where its folder should be
                raise
            raise Conflict(f"{to} exists. A backup never overwrites a file: name another.") from None
    events = _read_back(to)
    remark(f"{to.stat().st_size:,} bytes, {events:,} events, read back without an error.")
    say(str(to))


def _read_back(file: Path) -> int:
    """How many events the copy holds. Raises Conflict when SQLite finds it damaged."""
    store = Store(f"sqlite:///{file}", lock=False)
    try:
        with store.reading() as connection:
            found = connection.execute(text("PRAGMA quick_check(1)")).scalar_one()
            if found != "ok":
                raise Conflict(f"The copy {file} is damaged ({found}). Run minutebook doctor on what was copied.")
            return connection.execute(select(func.count()).select_from(schema.event)).scalar_one()
    finally:
        store.close()
