"""CSV for spreadsheets: RFC 4180, with nothing in it that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import orjson

from minutebook.deliver.formats.columns import COLUMNS, TRAILER_COLUMN
from minutebook.deliver.formats.writer import Origin, Row, Trailer

FORMULA = frozenset("=+-@\t\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection)."""
TAKERS = tuple(column.of for column in COLUMNS)


class CsvWriter:
    """Writes CSV."""

    def __init__(self, origin: Origin) -> None:
        del origin

    def head(self) -> bytes:
        return _encoded([[*(column.name for column in COLUMNS), TRAILER_COLUMN]])

    def rows(self, rows: Sequence[Row]) -> bytes:
        events = [orjson.loads(row.json) for row in rows]
        return _encoded([[*(inert(of(event)) for of in TAKERS), ""] for event in events])

    def rest(self) -> bytes:
        return b""

    def trailer(self, trailer: Trailer) -> bytes:
        return _encoded([[*("" for _ in COLUMNS), trailer.json().decode()]])


def inert(value: Any) -> Any:
    """The value as no spreadsheet runs it."""
    return "'" + value if isinstance(value, str) and value[:1] in FORMULA else value


def _encoded(records: list[list[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(records)
    return text.getvalue().encode()
