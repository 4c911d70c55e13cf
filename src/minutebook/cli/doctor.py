"""minutebook doctor."""

from __future__ import annotations

import itertools
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from minutebook.cli.console import complain, err, say, shown
from minutebook.cli.deployment import open_store, open_to_others, settings_of, sqlite_file
from minutebook.config import Settings, strange_variables
from minutebook.custody import keys, signer, witnesses
from minutebook.custody.high_water import Custody
from minutebook.custody.ledger import Ledger
from minutebook.custody.unnamed import unnamed
from minutebook.errors import MinutebookError
from minutebook.organization import totp
from minutebook.organization.differences import check_organization
from minutebook.organization.factor_key import FactorKey
from minutebook.storage import storage_of
from minutebook.store import anchors, check, check_schema, migrate, schema, sqlite
from minutebook.store.check import Finding
from minutebook.store.check import Progress as Told
from minutebook.store.check_index import check_index
from minutebook.store.check_schema import Deviation, Way
from minutebook.store.engine import Store

SHOWN_PER_LOG = 5
RESTORE = "Stop the server, keep the database for evidence, and restore the last good backup."
REINDEX = "Stop the server and run minutebook reindex: the event itself is whole."
SIGNED = "Keep database and custody directory for evidence. docs/operate.md says what each of these can mean."
NO_CODES = (
    "Put the file back from its backup; until then people sign in with recovery codes, or see minutebook user reset."
)
ANCHOR = "Recording and signing go on; the server tries again."
UNNAMED = (
    "Somebody else than Minutebook may have written it, or the ledger was lost, and a backup that is restored has it "
    "again. Keep database and custody directory for evidence."
)
MAKE_ROOM = "Make room, or move the data directory to a larger one: on a full disk nothing can be recorded, or done."
LOOK = "Find out who did and why; when nobody knows, keep the database for evidence and restore the last good backup."


def doctor(
    context: typer.Context,
    quick: Annotated[
        bool, typer.Option("--quick", help="Believe stored hashes, and do not look into events: nothing is replayed.")
    ] = False,
) -> None:
    """Look for what is wrong, change nothing, and say what to do.

    Looks at settings, permissions and SQLite; compares the schema and its guard with what this version makes; and reads
    every log from its first event: numbers without gaps, hashes computed anew from what the events say, the tree, the
    columns that searches use, and what was signed of it. Replays each log, and compares what its events add up to with
    the seats, settings, modes, credits and everything else that is stored, and what is erased with the ledger of that.
    Works beside a running server. Exits with 1
    when something is wrong.

    [bold]Examples[/bold]

        minutebook doctor

        minutebook -d /var/lib/minutebook doctor --quick
    """
    settings = settings_of(context)
    wrong = 0
    for problem in examine(settings, quick=quick):
        complain(f"✗ {problem}")
        wrong += 1
    if wrong:
        complain(f"{wrong} thing{'s are' if wrong > 1 else ' is'} wrong.")
        raise typer.Exit(1)
    say("Nothing is wrong.")


def examine(settings: Settings, *, quick: bool) -> Iterator[str]:
    """Everything that is wrong, each with what to do; says on standard output what is well."""
    yield from strange_variables(os.environ)
    file = sqlite_file(settings)
    if file:
        try:
            say(f"SQLite {sqlite.driver().sqlite_version}")
        except MinutebookError as error:
            yield error.message
            return
        if not file.is_file():
            yield f"There is no database at {file}. Run minutebook init, or name the right --data-directory."
            return
        yield from open_to_others(settings)
    _tell_of_storage(settings)
    try:
        store = open_store(settings, lock=False)
    except MinutebookError as error:
        yield error.message
        return
    try:
        yield from _examine_store(store, Ledger(settings.custody), quick=quick)
        yield from _examine_custody(store, Custody(settings.custody), settings.witnesses)
    except MinutebookError as error:
        yield error.message
    except DBAPIError as error:
        yield f"The database cannot be read: {error.orig}. {RESTORE}"
    finally:
        store.close()


def _tell_of_storage(settings: Settings) -> None:
    """Nothing is wrong with a disk that fills, yet."""
    storage = storage_of(settings.data_directory)
    if storage.is_low:
        complain(f"! The disk of {storage.directory} is low: {storage}. {MAKE_ROOM}")
    else:
        say(f"Disk: {storage}")


def _examine_store(store: Store, ledger: Ledger, *, quick: bool) -> Iterator[str]:
    migrate.require_current(store)
    yield from _examine_schema(store)
    with store.reading() as connection:
        if store.is_sqlite:
            yield from _examine_file(connection, "quick_check" if quick else "integrity_check")
        gone = check.missing_logs(connection)
        for finding in itertools.islice(gone, SHOWN_PER_LOG):
            yield f"Organization {finding.organization}: {finding.problem} {RESTORE}"
        if more := sum(1 for _ in gone):
            yield f"And {more:,} more organizations."
        for number in check.logs(connection):
            label = f"{_name(connection, number)} ({number})"
            findings = list(_examine_log(connection, number, label, quick=quick))
            for finding in findings:
                yield f"{label}{_place(finding)}: {finding.problem} {RESTORE}"
            if not findings and not quick:
                for finding in itertools.islice(check_index(connection, number), SHOWN_PER_LOG):
                    yield f"{label}{_place(finding)}: {finding.problem} {REINDEX}"
                for finding in itertools.islice(unnamed(connection, number, ledger), SHOWN_PER_LOG):
                    yield f"{label}{_place(finding)}: {finding.problem} {UNNAMED}"


def _examine_schema(store: Store) -> Iterator[str]:
    alike = defaultdict[tuple[str, Way], list[Deviation]](list)
    try:
        for found in check_schema.deviations(store):
            alike[found.kind, found.way].append(found)
    except check_schema.NotCompared as role:
        yield (
            f"The schema and its guard could not be compared with what they should be: the role {shown(str(role))} may "
            "not make a second one, which is then taken back. Run minutebook doctor as the role that owns the database."
        )
    for (_, way), (first, *others) in alike.items():
        if len(others) < SHOWN_PER_LOG:
            said = [f"{one.thing} {way}" for one in (first, *others)]
        else:
            where = ", ".join(sorted({one.table or one.name for one in others}))
            said = [f"{first.thing} {way}, and {len(others):,} more like it ({where})"]
        for one in said:
            what_to_do = LOOK if way is Way.ADDED else RESTORE
            yield f"The {shown(one)}, so changes without a record may be possible. {what_to_do}"


def _examine_custody(store: Store, custody: Custody, watching: Iterable[str]) -> Iterator[str]:
    yield from keys.open_to_others(custody)
    with store.reading() as connection:
        key = FactorKey(custody.directory)
        if unread := totp.unreadable(connection, key):
            yield f"The secrets of {unread:,} authenticator app(s) cannot be read with {key.file}. {NO_CODES}"
        for number, problem in signer.examine(store, custody):
            label = f"{_name(connection, number)} ({number}): " if number else ""
            yield f"{label}{problem} {SIGNED}"
        yield from _examine_anchors(connection)
        for one in itertools.islice(witnesses.not_signed(connection, map(witnesses.key_of, watching)), SHOWN_PER_LOG):
            head = f"the head of {one.size:,} events of the log {one.log_id}"
            yield f"The witness {shown(one.name)} is said to have seen {head}, and has not signed it. {SIGNED}"


def _examine_anchors(connection: Connection) -> Iterator[str]:
    """A sentence for each anchor that could not be shown a head, with what went wrong last."""
    failed = sorted(anchors.failures(connection), key=lambda one: (one.kind, one.name, -one.at))
    for (kind, name), said in itertools.groupby(failed, key=lambda one: (one.kind, one.name)):
        last, *others = said
        logs = f"{1 + len(others):,} logs wait" if others else f"The log {last.log_id} waits"
        yield f"The anchor {shown(name)} ({kind.value}) {shown(last.error or '')}. {logs} for it. {ANCHOR}"


def _examine_file(connection: Connection, pragma: str) -> Iterator[str]:
    for problem in connection.execute(text(f"PRAGMA {pragma}(10)")).scalars():
        if problem != "ok":
            yield f"The file is damaged: {problem}. {RESTORE}"
    astray = Counter[tuple[str, str]]()
    for table, row, parent, _ in connection.execute(text("PRAGMA foreign_key_check")):
        astray[table, parent] += 1
        if astray[table, parent] <= SHOWN_PER_LOG:
            yield f"Row {row} of {table} points to a row of {parent} that is not there. {RESTORE}"
    for (table, parent), count in astray.items():
        if count > SHOWN_PER_LOG:
            yield f"And {count - SHOWN_PER_LOG:,} more rows of {table} that point to none of {parent}."


def _name(connection: Connection, number: int) -> str:
    """What the organization is called, whatever else its row holds."""
    row = next(check.raw_rows(connection, schema.organization, number), None)
    return shown(str(row.name)) if row else "an organization that is not there"


def _examine_log(connection: Connection, number: int, label: str, *, quick: bool) -> Iterator[Finding]:
    size = connection.execute(text("SELECT size FROM log_head WHERE organization = :n"), {"n": number}).scalar()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task(f"Reading the log of {label}", total=size if isinstance(size, int) else None)
        told: Told = lambda seq: bar.update(task, completed=seq + 1)  # noqa: E731
        untold = set[str]()
        findings = check_organization(connection, number, hashes=not quick, progress=told, untold=untold.update)
        first = list(itertools.islice(findings, SHOWN_PER_LOG))
        more = sum(1 for _ in findings)
    yield from first
    if more:
        yield Finding(number, None, f"And {more:,} more.")
    if untold:
        tables = ", ".join(sorted(untold))
        say(f"Of {tables} of {label} it cannot be told what events add up to: something of these was erased or pruned.")
    if not first:
        also = ", hashes believed, nothing replayed" if quick else ", and what is stored is what they add up to"
        say(f"The log of {label} is whole: {size:,} events{also}.")


def _place(finding: Finding) -> str:
    return "" if finding.seq is None else f", event {finding.seq}"
