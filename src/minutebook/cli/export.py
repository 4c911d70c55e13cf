"""minutebook export."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich import progress

from minutebook.actions.log import Format
from minutebook.cli.asked import Actions, ActorEmail, Asked, End, Query, Start, Text
from minutebook.cli.console import err, remark
from minutebook.cli.deployment import operator_seat, reading, settings_of, writing
from minutebook.cli.org import Named, find
from minutebook.config import Settings
from minutebook.deliver.export import Export, ExportLog, Piece, Written, begin, pieces
from minutebook.deliver.formats import FORMATS, Origin
from minutebook.deliver.partial import PartialFile, Progress, Words
from minutebook.errors import Conflict, Invalid, MinutebookError
from minutebook.store.engine import system_clock

AGAIN = "The export is not whole. Run the same again: it goes on where it stopped."

Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="The file to write; run again after an interruption, it goes on."),
]
As = Annotated[
    Format | None,
    typer.Option("--format", "-f", help="What to write; by default what the name of the file says, else jsonl."),
]
Restart = Annotated[bool, typer.Option("--restart", help="Throw away what an interrupted export left of the file.")]
First = Annotated[int, typer.Option("--first", min=0, help="Begin with the event of this number.")]


def export(
    context: typer.Context,
    org: Named,
    query: Query = None,
    output: Output = None,
    format_: As = None,
    first: First = 0,
    restart: Restart = False,
    actions: Actions = None,
    actor: ActorEmail = None,
    start: Start = None,
    end: End = None,
    text: Text = None,
) -> None:
    """Write what a filter finds in an organization's log to a file, of any size, as it is at this moment.

    The export is recorded in the log before its first byte. Every file ends with a trailer that has the number of its
    events and a SHA-256: without it, the file was cut off. docs/export.md describes the formats. With SQLite, stop the
    server first, or export from the dashboard or through the API.

    [bold]Examples[/bold]

        minutebook export "Calder Robotics" --output calder.jsonl

        minutebook export "Calder Robotics" 'action:member.* after:-90d' --output members.csv

        minutebook export "Calder Robotics" --format ocsf --first 48213 | siem-agent
    """
    asked = Asked(query, actions, actor, start, end, text)
    chosen = format_ or _format_of(output)
    settings = settings_of(context)
    if output is None:
        _to_standard_output(settings, org, ExportLog(chosen, asked.filter(system_clock()), first=first))
        return
    file = PartialFile(output)
    if restart:
        file.forget()
    _to_file(settings, org, file, chosen, asked, first)


def _format_of(output: Path | None) -> Format:
    """The format that the name of a file says; JSON Lines where it says none."""
    named = [
        format_ for format_, kind in FORMATS.items() if output and output.name.lower().endswith(f".{kind.extension}")
    ]
    return max(named, key=lambda format_: len(FORMATS[format_].extension), default=Format.JSONL)


def _to_standard_output(settings: Settings, org: str, command: ExportLog) -> None:
    if sys.stdout.isatty() and not FORMATS[command.format].is_text:
        raise Invalid.one("format", f"{command.format.label} is nothing for a terminal: name a file with --output.")
    export_ = _record(settings, org, command)
    out = sys.stdout.buffer
    try:
        for piece in _shown(settings, export_):
            out.write(piece.data)
        out.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it ends
        raise Conflict("Whoever read the export stopped before its end.") from None


def _to_file(settings: Settings, org: str, file: PartialFile, format_: Format, asked: Asked, first: int) -> None:
    """Writes the file, or the rest of one that an earlier export left."""
    with reading(settings) as store, store.reading() as connection:
        of = find(connection, org)
    words: Words = {
        "organization": of.id,
        "format": format_.value,
        "first": first,
        "filter": [list(pair) for pair in asked.pairs()],
    }
    begun = file.begun()
    if begun and begun.asked != words:
        raise Conflict(f"{file.part} is of another export. Finish that one, name another file, or add --restart.")
    if begun and begun.is_whole and file.written(begun):
        file.finish()  # only its name was missing
        return
    if begun:
        export_, begun, written = _go_on(settings, of.id, file, format_, begun)
    else:
        export_ = _record(settings, of.id, ExportLog(format_, asked.filter(system_clock()), first=first))
        begun, written = Progress.of(export_, words), None
    _write(settings, export_, file, begun, written)


def _go_on(
    settings: Settings, org: str, file: PartialFile, format_: Format, begun: Progress
) -> tuple[Export, Progress, Written | None]:
    """The same export, from where its file ends; from its start where a file of this format cannot go on."""
    written = file.written(begun) if FORMATS[format_].is_text and not begun.is_whole else None
    if written is None:
        begun = begun.from_the_start()
    export_ = _record(settings, org, ExportLog(format_, begun.meant, begun.size, begun.next))
    remark(f"Going on from number {begun.next:,} of {begun.size:,}.")
    return replace(export_, first=begun.first), begun, written


def _write(settings: Settings, export_: Export, file: PartialFile, begun: Progress, written: Written | None) -> None:
    try:
        with file.open(begun, written) as open_file:
            for piece in _shown(settings, export_, written):
                open_file.write(piece)
    except OSError as error:
        raise Conflict(f"{file.part} cannot be written: {error.strerror}. {AGAIN}") from error
    except (MinutebookError, KeyboardInterrupt):
        remark(AGAIN)
        raise
    file.finish()
    done = open_file.progress
    remark(f"{done.events:,} events, {done.bytes:,} bytes, of the first {done.size:,} in the log.")


def _record(settings: Settings, org: str, command: ExportLog) -> Export:
    """Records the export, and leaves the database to others before its first byte."""
    with writing(settings) as store:
        with store.reading() as connection:
            organization = find(connection, org)
        seat = operator_seat(organization.number)
        return begin(store, seat, Origin(organization.id, organization.name), command)


def _shown(settings: Settings, export_: Export, written: Written | None = None) -> Iterator[Piece]:
    """The pieces of the file, and how far it is on standard error."""
    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TimeRemainingColumn(),
    )
    with (
        reading(settings) as store,
        progress.Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar,
        closing(pieces(store, export_, written)) as found,
    ):
        task = bar.add_task("Exporting", total=export_.scope.size - export_.first)
        for piece in found:
            yield piece
            bar.update(task, completed=piece.next - export_.first, description=f"{piece.events:,} events")
