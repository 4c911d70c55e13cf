"""Exports as somebody reads them who knows only docs/export.md."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from typing import Any

from pyarrow import parquet

from minutebook.actions.log import Format

Read = tuple[list[dict[str, Any]], dict[str, Any]]
"""What a file says of its events, and its trailer."""


class CutOff(Exception):
    """A file without its trailer, or with one that does not fit what stands before it."""


def read(format_: Format, data: bytes) -> Read:
    """The events and the trailer. Raises CutOff."""
    reader = {Format.CSV: read_csv, Format.PARQUET: read_parquet}.get(format_, read_lines)
    events, trailer, before = reader(data)
    if trailer["count"] != len(events):
        raise CutOff(f"{len(events)} events, and not {trailer['count']}")
    if trailer["sha256"] != hashlib.sha256(data[:before]).hexdigest():
        raise CutOff("the hash is another one")
    return events, trailer


def read_lines(data: bytes) -> tuple[list[dict[str, Any]], dict[str, Any], int]:
    lines = data.split(b"\n")
    if lines[-1] or len(lines) < 2 or "trailer" not in json.loads(lines[-2]):
        raise CutOff("the last line is no trailer")
    return [json.loads(line) for line in lines[:-2]], json.loads(lines[-2])["trailer"], len(data) - len(lines[-2]) - 1


def read_csv(data: bytes) -> tuple[list[dict[str, Any]], dict[str, Any], int]:
    csv.field_size_limit(2**31 - 1)
    if not data.endswith(b"\r\n"):
        raise CutOff("the last record does not end")
    rows = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    heads, last = rows[0], rows[-1]
    if heads[-1] != "trailer" or any(last[:-1]) or not last[-1]:
        raise CutOff("the last record is no trailer")
    if any(row[-1] for row in rows[1:-1]):
        raise CutOff("a trailer stands in the middle")
    before = data.rindex(b"," * (len(heads) - 1) + b'"{')
    return [dict(zip(heads, row, strict=True)) for row in rows[1:-1]], json.loads(last[-1]), before


def read_parquet(data: bytes) -> tuple[list[dict[str, Any]], dict[str, Any], int]:
    if data[-4:] != b"PAR1":
        raise CutOff("it has no footer")
    file = parquet.ParquetFile(io.BytesIO(data))
    footer = int.from_bytes(data[-8:-4], "little") + 8
    trailer = json.loads(file.metadata.metadata[b"minutebook.trailer"])
    return file.read().to_pylist(), trailer, len(data) - footer
