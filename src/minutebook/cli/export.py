"""minutebook export."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich import progress

from minutebook.actions.log import Format
from minutebook.cli.asked import Actions, ActorEmail, Asked, End, Query, Start, Text
from minutebook.cli.console import end_output, err, inert_json, remark, shown_lines
from minutebook.cli.local_time import zone_of
from minutebook.cli.read_from import FromServer, Org, TokenFile, source_of
from minutebook.cli.source import Source
from minutebook.deliver.bundle import parse_withheld
from minutebook.deliver.export import Export, ExportLog, Piece, Rows, Written, pieces
from minutebook.deliver.formats import FORMATS
from minutebook.deliver.partial import PartialFile, Progress, Words, at_once, write_all
from minutebook.deliver.received import Altered
from minutebook.errors import Conflict, Invalid, MinutebookError
from minutebook.filters import Here
from minutebook.filters.clause import listed
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
Withhold = Annotated[
    list[str] | None,
    typer.Option(help="With --format bundle: a field that is not to be shown, as context.ip or targets.*; repeatable."),
]
Restart = Annotated[bool, typer.Option("--restart", help="Throw away what an interrupted export left of the file.")]
First = Annotated[int, typer.Option("--first", min=0, help="Begin with the event of this number.")]


def export(
    context: typer.Context,
    query: Query = None,
    org: Org = None,
    output: Output = None,
    format_: As = None,
    first: First = 0,
    restart: Restart = False,
    actions: Actions = None,
    actor: ActorEmail = None,
    start: Start = None,
    end: End = None,
    text: Text = None,
    utc: Annotated[
        bool, typer.Option("--utc", help="Read times in UTC and not in the local zone; files are in UTC.")
    ] = False,
    withhold: Withhold = None,
    server: FromServer = None,
    token_file: TokenFile = None,
) -> None:
    """Write what a filter finds in an organization's log to a file, of any size, as it is at this moment.

    The export is recorded in the log before its first byte. Every file ends with a trailer that has the number of its
    events and a SHA-256: without it, the file was cut off. docs/export.md describes the formats. With SQLite, stop the
    server first, or let it export (--server): it gives JSON Lines, which are held against their trailer and written
    here as what was asked for.

    [bold]Examples[/bold]

        minutebook export --org "Calder Robotics" --output calder.jsonl

        minutebook export --server https://minutebook.example.com 'action:member.* after:-90d' --output members.csv

        minutebook export --format ocsf --first 48213 | siem-agent

        minutebook export --format bundle --withhold context.ip --output evidence.zip
    """
    asked = Asked(query, actions, actor, start, end, text, zone_of(utc))
    chosen = format_ or _format_of(output)
    if withhold and chosen is not Format.BUNDLE:
        raise Invalid.one("withhold", "Only evidence (--format bundle) can do without a field and still be verified.")
    if chosen is Format.BUNDLE and first:
        raise Invalid.one("first", "Evidence begins with the first event that is found.")
    with source_of(context, org, server, token_file) as source:
        if chosen is Format.BUNDLE:
            command = ExportLog(chosen, asked.filter(), here=_here(asked), withheld=parse_withheld(withhold or ()))
            _evidence(source, command, output)
            return
        if output is None:
            _to_standard_output(source, ExportLog(chosen, asked.filter(), first=first, here=_here(asked)))
            return
        file = PartialFile(output)
        if restart:
            file.forget()
        _to_file(source, file, chosen, asked, first)


def _here(asked: Asked) -> Here:
    return Here(asked.zone, system_clock())


def _format_of(output: Path | None) -> Format:
    """The format that the name of a file says; JSON Lines for standard output and a name without an ending. Raises
    Invalid for an ending that is none."""
    named = [
        format_ for format_, kind in FORMATS.items() if output and output.name.lower().endswith(f".{kind.extension}")
    ]
    if output and output.suffix and not named:
        endings = listed([f".{kind.extension}" for kind in FORMATS.values()], "or")
        raise Invalid.one(
            "output", f"No format is called {output.suffix}. End the name in {endings}, or say which with --format."
        )
    return max(named, key=lambda format_: len(FORMATS[format_].extension), default=Format.JSONL)


def _to_standard_output(source: Source, command: ExportLog) -> None:
    if sys.stdout.isatty() and not FORMATS[command.format].is_text:
        raise Invalid.one("format", f"{command.format.label} is nothing for a terminal: name a file with --output.")
    with source.export(command) as (export_, rows_from), _standard_output() as out:
        for piece in _shown(export_, rows_from):
            out.write(_inert(piece.data, command.format) if sys.stdout.isatty() else piece.data)


@contextmanager
def _standard_output() -> Iterator[BinaryIO]:
    out = sys.stdout.buffer
    try:
        yield out
        out.flush()
    except BrokenPipeError:
        end_output()
        raise Conflict("Whoever read the export stopped before its end.") from None


def _inert(data: bytes, format_: Format) -> bytes:
    """Whole lines as a terminal may have them: what somebody once typed moves no cursor there."""
    text = data.decode()
    is_json = format_ is not Format.CSV
    return ("\n".join(map(inert_json, text.split("\n"))) if is_json else shown_lines(text)).encode()


def _evidence(source: Source, command: ExportLog, output: Path | None) -> None:
    """Writes the zip; to its own name only when it is whole."""
    if output is None:
        if sys.stdout.isatty():
            raise Invalid.one("format", "A zip is nothing for a terminal: name a file with --output.")
        with source.evidence(command) as data, _standard_output() as out:
            for part in data:
                out.write(part)
        return
    try:
        with at_once(output) as file, source.evidence(command) as data:
            for part in data:
                write_all(file, part)
    except OSError as error:
        raise Conflict(f"{output} cannot be written: {error.strerror}.") from error
    remark(f"{output.stat().st_size:,} bytes. Verify it with: minutebook verify {output} --key …")


def _to_file(source: Source, file: PartialFile, format_: Format, asked: Asked, first: int) -> None:
    """Writes the file, or the rest of one that an earlier export left."""
    words: Words = {
        "organization": source.origin().id,
        "format": format_.value,
        "first": first,
        "filter": [list(pair) for pair in asked.pairs()],
        "zone": asked.zone.key,
    }
    begun = file.begun()
    if begun and begun.asked != words:
        raise Conflict(f"{file.part} is of another export. Finish that one, name another file, or add --restart.")
    if begun and begun.is_whole and (whole := file.written(begun)):
        with file.open(begun, whole) as open_file:
            open_file.finish()  # only its name was missing
        return
    if begun:
        _go_on(source, file, format_, begun)
        return
    with source.export(ExportLog(format_, asked.filter(), first=first, here=_here(asked))) as (export_, rows_from):
        _write(export_, rows_from, file, Progress.of(export_, words), None)


def _go_on(source: Source, file: PartialFile, format_: Format, begun: Progress) -> None:
    """The same export, from where its file ends; from its start where a file of this format cannot go on."""
    written = file.written(begun) if FORMATS[format_].is_text and not begun.is_whole else None
    if written is None:
        begun = begun.from_the_start()
    with source.export(ExportLog(format_, begun.meant, begun.size, begun.next)) as (export_, rows_from):
        remark(f"Going on from number {begun.next:,} of {begun.size:,}.")
        _write(replace(export_, first=begun.first), rows_from, file, begun, written)


def _write(export_: Export, rows_from: Rows, file: PartialFile, begun: Progress, written: Written | None) -> None:
    open_file = file.open(begun, written)
    try:
        with open_file:
            for piece in _shown(export_, rows_from, written):
                open_file.write(piece)
            open_file.finish()
    except OSError as error:
        raise Conflict(f"{file.part} cannot be written: {error.strerror}. {AGAIN}") from error
    except Altered:
        file.forget()
        raise
    except (MinutebookError, KeyboardInterrupt):
        remark(AGAIN)
        raise
    done = open_file.progress
    remark(f"{done.events:,} events, {done.bytes:,} bytes, of the first {done.size:,} in the log.")


def _shown(export_: Export, rows_from: Rows, written: Written | None = None) -> Iterator[Piece]:
    """The pieces of the file, and how far it is on standard error."""
    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TimeRemainingColumn(),
    )
    with (
        progress.Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar,
        closing(pieces(export_, rows_from, written)) as found,
    ):
        task = bar.add_task("Exporting", total=export_.size - export_.first)
        for piece in found:
            yield piece
            bar.update(task, completed=piece.next - export_.first, description=f"{piece.events:,} events")
