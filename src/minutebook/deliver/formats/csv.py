"""CSV for spreadsheets: RFC 4180, with nothing in it that a spreadsheet would run.

Where commas are decimal, spreadsheets part a CSV at semicolons, and others at tabs or bars. Then a quotation mark in
the middle of such a cell quotes nothing, so that a new cell begins behind every separator and line break of a text,
whether or not the text is quoted.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from minutebook.deliver.formats.columns import COLUMNS, TRAILER_COLUMN
from minutebook.deliver.formats.writer import Origin, Row, Trailer

SIGNS = "=+\\-@＝＋－＠"
"""How formulas begin (OWASP, CSV injection), as the inside of a character class."""
PASSED_OVER = '[" \u00a0\u3000\ufeff]*'
"""What may stand before a formula in its cell: blanks, and quotation marks, which are taken for quoting."""
SUSPECT = re.compile(rf"[{SIGNS}'\" \u00a0\u3000\ufeff]|[^;|\t\r\n]*[;|\t\r\n]")
"""What a text begins with that may have a formula in it; to look for one takes longer."""
FORMULA = re.compile(rf"(?:\A|(?<=[;|\t\r\n]))(?='*{PASSED_OVER}[{SIGNS}])|\A(?='*{PASSED_OVER}[\t\r\n])")
"""Where an apostrophe makes a cell a text. One goes before those that stand there, so that each can be taken back."""
FORMULA_IN_JSON = re.compile(rf"(?<=[;|])({PASSED_OVER})([{SIGNS}])")
"""A formula in a text in JSON, where such a sign can be written as its number."""
TAKERS = tuple((column.of, column.is_json) for column in COLUMNS)


class CsvWriter:
    """Writes CSV."""

    def __init__(self, origin: Origin) -> None:
        del origin

    def head(self) -> bytes:
        return encoded([[*(column.name for column in COLUMNS), TRAILER_COLUMN]])

    def rows(self, rows: Sequence[Row]) -> bytes:
        events = [orjson.loads(row.json) for row in rows]
        return encoded([[*(inert(of(event), is_json=is_json) for of, is_json in TAKERS), ""] for event in events])

    def rest(self) -> bytes:
        return b""

    def trailer(self, trailer: Trailer) -> bytes:
        return encoded([[*("" for _ in COLUMNS), inert(trailer.json().decode(), is_json=True)]])


def inert(value: Any, *, is_json: bool = False) -> Any:
    """The value as no spreadsheet runs it: JSON as the same JSON, another text with apostrophes before formulas."""
    if not isinstance(value, str):
        return value
    if is_json:
        return FORMULA_IN_JSON.sub(_numbered, value)
    return FORMULA.sub("'", value) if SUSPECT.match(value) else value


def _numbered(found: re.Match[str]) -> str:
    return f"{found[1]}\\u{ord(found[2]):04x}"


def encoded(records: Iterable[Sequence[Any]]) -> bytes:
    """The records as lines of CSV; each text in them was made inert."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(records)
    return text.getvalue().encode()
