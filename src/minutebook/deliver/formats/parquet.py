"""Parquet: the columns with their types, in row groups that are written as they fill."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from minutebook.deliver.formats.columns import COLUMNS
from minutebook.deliver.formats.writer import Origin, Row, Trailer

if TYPE_CHECKING:
    import pyarrow

ROW_GROUP = 16_384
TRAILER_KEY = "minutebook.trailer"


class ParquetWriter:
    """Writes Parquet. The reading side is pyarrow's, which is loaded only when somebody asks for this format."""

    def __init__(self, origin: Origin) -> None:
        from pyarrow import parquet

        del origin
        self._sink = _Sink()
        self._schema = schema()
        self._waiting: list[dict[str, Any]] = []
        self._file = parquet.ParquetWriter(self._sink, self._schema, compression="zstd")

    def head(self) -> bytes:
        return self._sink.taken()

    def rows(self, rows: Sequence[Row]) -> bytes:
        for row in rows:
            event = orjson.loads(row.json)
            self._waiting.append({column.name: column.of(event) for column in COLUMNS})
        if len(self._waiting) >= ROW_GROUP:
            self._write()
        return self._sink.taken()

    def rest(self) -> bytes:
        if self._waiting:
            self._write()
        return self._sink.taken()

    def trailer(self, trailer: Trailer) -> bytes:
        self._file.add_key_value_metadata({TRAILER_KEY: trailer.json().decode()})
        self._file.close()
        return self._sink.taken()

    def _write(self) -> None:
        import pyarrow

        arrays = [_array(column.name, column.kind, self._waiting, self._schema) for column in COLUMNS]
        self._file.write_batch(pyarrow.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._waiting.clear()


def schema() -> pyarrow.Schema:
    """The columns as Arrow knows them; times in microseconds, UTC."""
    import pyarrow

    kinds = {"text": pyarrow.string(), "integer": pyarrow.int64(), "time": pyarrow.timestamp("us", tz="UTC")}
    return pyarrow.schema([pyarrow.field(column.name, kinds[column.kind]) for column in COLUMNS])


def _array(name: str, kind: str, rows: list[dict[str, Any]], of: pyarrow.Schema) -> pyarrow.Array:
    import pyarrow

    values = [row[name] for row in rows]
    if kind == "time":
        values = [datetime.fromisoformat(value) for value in values]
    return pyarrow.array(values, of.field(name).type)


class _Sink:
    """What pyarrow writes into: the bytes wait here until they are taken."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._written = 0

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        """Nothing waits anywhere else."""

    def close(self) -> None:
        self.closed = True

    def taken(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data
