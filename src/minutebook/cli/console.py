"""What is printed: to people as text and tables, to machines as JSON. What people once typed is printed inert."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress

from rich.console import Console
from rich.table import Table
from rich.text import Text

from minutebook.unseen import marked


class _Console(Console):
    """Leaves it to the command what the end of a pipe means; rich would end the program."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


out = _Console(soft_wrap=True)
err = _Console(stderr=True, soft_wrap=True)
LINE_FEED = re.compile(r"(\r?\n)")


def say(message: str) -> None:
    """One line for the reader."""
    out.print(Text(message))


def complain(message: str) -> None:
    """What went wrong, on standard error."""
    err.print(Text("\n".join(map(shown, message.split("\n"))), style="red"))


def remark(message: str) -> None:
    """What the reader should know but a program that reads the output should not get, on standard error."""
    err.print(Text(message))


def shown(text: str) -> str:
    """The text, with characters that nobody sees, or that would move the cursor, written as their numbers."""
    text = marked(text, _number)
    return "".join(character if character.isprintable() else _number(character) for character in text)


def shown_lines(text: str) -> str:
    """The same of several lines."""
    return "".join(part if place % 2 else shown(part) for place, part in enumerate(LINE_FEED.split(text)))


def end_output() -> None:
    """Nothing that is printed goes anywhere from here on: else Python, when it ends, complains of what is left."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _number(character: str) -> str:
    return f"\\u{ord(character):04x}"


def inert_json(line: str) -> str:
    """The same JSON value, written without characters that nobody sees or that would move the cursor."""
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in marked(line, lambda c: json.dumps(c)[1:-1]))


def print_line(event: bytes) -> None:
    """A line of JSON as it is; at a terminal inert."""
    line = event.decode()
    sys.stdout.write((inert_json(line) if sys.stdout.isatty() else line) + "\n")


def print_json(value: object) -> None:
    """The value as JSON, with all characters as they are."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A plain table; on a narrow terminal, cells wrap rather than lose their ends."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(shown(cell)) for cell in row))
    out.print(table, soft_wrap=False)
