"""The filter at the command line: an option for each field that has a control, and the query language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NoReturn
from zoneinfo import ZoneInfo

import typer
from rich.cells import cell_len

from minutebook.cli.console import complain, shown
from minutebook.errors import Invalid, Problem
from minutebook.filters import Filter, parse

Query = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[QUERY]...",
        help="A query such as 'action:member.*', as in the search box; behind -- where it begins with a minus.",
    ),
]
Actions = Annotated[list[str] | None, typer.Option("--action", help="Only this kind of act; may be repeated.")]
ActorEmail = Annotated[str | None, typer.Option("--actor", help="Only what this address did, or one with this in it.")]
Start = Annotated[
    str | None, typer.Option(help="Only from this time on: 2026-11-06, 2026-11-06T17:05, with an offset or Z, or -7d.")
]
End = Annotated[str | None, typer.Option(help="Only up to this time, all of it included.")]
Text = Annotated[str | None, typer.Option(help="Only where the details contain these words.")]


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for, as it was typed."""

    query: list[str] | None
    """Its words as the shell gives them."""
    actions: list[str] | None
    actor: str | None
    start: str | None
    end: str | None
    text: str | None
    zone: ZoneInfo
    """Of times that name no offset."""

    @property
    def _query(self) -> str:
        return " ".join(self.query or ())

    def pairs(self) -> list[tuple[str, str]]:
        """The same as keys and values of a URL."""
        given = [("actor", self.actor), ("start", self.start), ("end", self.end), ("text", self.text)]
        named = [("action", name) for name in self.actions or ()]
        return [*named, *((key, text) for key, text in (*given, ("q", self._query or None)) if text is not None)]

    def filter(self) -> Filter:
        """The filter. Raises Invalid; a query that is wrong is pointed at, and ends the command."""
        try:
            return parse(self.pairs(), self.zone)
        except Invalid as invalid:
            if [problem.at is not None for problem in invalid.problems] == [True]:
                refuse(self._query, invalid.problems[0])
            raise


def refuse(query: str, problem: Problem) -> NoReturn:
    """Ends the command with the query, ^^^^ under what is wrong, what would be understood, and a query that is."""
    at = problem.at or 0
    end = at + (problem.length or 0)
    before, wrong, after = (shown(part) for part in (query[:at], query[at:end], query[end:]))
    carets = " " * cell_len(before) + "^" * max(1, cell_len(wrong))
    fix = f"\nUnderstood would be: {problem.fix}" if problem.fix else ""
    complain(f"{before}{wrong}{after}\n{carets}\n{problem.message}{fix}")
    raise typer.Exit(Invalid.exit_code)
