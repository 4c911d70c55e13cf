"""The formats of an export: each writes what it is given piece by piece, in constant memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from minutebook.actions.log import Format
from minutebook.deliver.formats.csv import CsvWriter
from minutebook.deliver.formats.jsonl import JsonlWriter
from minutebook.deliver.formats.ocsf import OcsfWriter
from minutebook.deliver.formats.parquet import ParquetWriter
from minutebook.deliver.formats.writer import Origin, Row, Trailer, Writer

__all__ = ["FORMATS", "FileKind", "Origin", "Row", "Trailer", "Writer"]


@dataclass(frozen=True, slots=True)
class FileKind:
    """What is known of a format: how its files are called and how one is written.

    A text is continued where it was cut off: what comes next does not depend on what was written before it.
    """

    extension: str
    media_type: str
    writer: Callable[[Origin], Writer]
    purpose: str
    help: str
    is_text: bool = True


FORMATS: dict[Format, FileKind] = {
    Format.CSV: FileKind(
        "csv",
        "text/csv; charset=utf-8; header=present",
        CsvWriter,
        "for spreadsheets",
        "For spreadsheets: a row an event, RFC 4180 in UTF-8, and nothing in it that a spreadsheet would take for a "
        "formula, also one that parts cells at semicolons, bars or tabs: an apostrophe goes before = + - @ ＝ ＋ － ＠ "
        "at the beginning of a value and behind a ; or | or tab or line break in it (blanks and quotation marks may "
        "stand between, and come behind the apostrophe), and before a tab or line break at the beginning of a value. "
        "Where apostrophes stand in such a place already, it is one more: whoever takes one from each has the value as "
        "it was recorded. In columns of JSON such a sign is written as its number instead (\\u003d), which is the "
        "same JSON. The last record is the trailer: all its fields are empty but the last one.",
    ),
    Format.JSONL: FileKind(
        "jsonl",
        "application/jsonl",
        JsonlWriter,
        "as recorded",
        "Everything exactly as it was recorded: a line an event, the JSON that the API gives. The last line is the "
        "trailer.",
    ),
    Format.PARQUET: FileKind(
        "parquet",
        "application/vnd.apache.parquet",
        ParquetWriter,
        "for analysis",
        "For analysis: the columns of the CSV with their types, compressed. The trailer is in the metadata of the "
        "file, under the key minutebook.trailer; its hash is over all bytes before the footer.",
        is_text=False,
    ),
    Format.OCSF: FileKind(
        "ocsf.jsonl",
        "application/jsonl",
        OcsfWriter,
        "for security tools",
        "For security tools: a line an event in the Open Cybersecurity Schema Framework. The last line is the trailer.",
    ),
}
