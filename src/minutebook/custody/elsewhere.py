"""Where a person is named beside the log: by what people wrote into an organization, and in copies of the database.

An erasure takes them out of the log alone. Whoever plans one is told what else there is, and what to do about it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Table, select

from minutebook.organization.saved_searches import SHARED
from minutebook.store import schema
from minutebook.store.engine import Store


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing that people write into: what it is called, where it is written, and what to do about it."""

    title: str
    columns: tuple[str, ...]
    todo: str


KINDS: dict[Table, Kind] = {
    schema.invitation: Kind("Pending invitation", ("email",), "Revoke it."),
    schema.hold: Kind("Legal hold", ("name", "query"), "Once it may go, release it; their id can take the place."),
    schema.saved_search: Kind("Saved search", ("name", "query"), "Delete it, or have whoever saved it delete it."),
    schema.auditor_link: Kind("Auditor link", ("name", "query"), "Revoke it; make another that asks for their id."),
    schema.mode: Kind("Mode", ("name", "instructions"), "Edit its name or its instructions."),
    schema.token: Kind("API token", ("name",), "Revoke it; make another by another name."),
    schema.support_grant: Kind("Support staff", ("email", "name", "reason"), "It ends by itself within a day."),
    schema.credit_entry: Kind("Entry of the ledger", ("reason",), "It stays: no entry is ever changed."),
    schema.setting: Kind("Setting", ("value",), "Change it under Settings."),
    schema.organization: Kind("Organization", ("name",), "Change its name under Settings."),
}


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """One thing that names a person: what it is, how it is called, and what to do about it."""

    title: str
    name: str
    todo: str


def named_elsewhere(connection: Connection, organization: int, names: list[str]) -> Iterator[Elsewhere]:
    """Everything in an organization, but its log and its seats, that has one of the names of a person as a whole."""
    is_named = naming(*names)
    for table, kind in KINDS.items():
        for row in connection.execute(select(table).where(table.c.organization == organization)).mappings():
            if any(is_named(row[column] or "") for column in kind.columns):
                yield Elsewhere(kind.title, _called(table, row[kind.columns[0]], row.get("shelf")), kind.todo)


def _called(table: Table, name: str, shelf: str | None) -> str:
    if table is schema.saved_search and shelf != SHARED:
        return f"one that {shelf} alone sees"  # how they call it is their own
    return "" if table is schema.setting else name


def copies(store: Store) -> list[Path]:
    """The copies of a SQLite database that Minutebook itself has put beside it; none for PostgreSQL."""
    if not store.is_sqlite:
        return []
    beside = store.file.parent
    return sorted([*beside.glob("backups/*.sqlite3"), *beside.glob(f"{store.file.stem}-before-restore-*.sqlite3")])


def naming(*names: str) -> Callable[[str], bool]:
    """Whether a text names somebody: by one of the names as a whole, since wen@x.example stands in owen@x.example, too,
    and in wen@x.example.org."""
    whole = "|".join(rf"(?<!\w)(?<!\w[.+'-]){re.escape(name)}(?!\w)(?![.-]\w)" for name in names)
    found = re.compile(whole, re.IGNORECASE)
    return lambda text: found.search(text) is not None
