"""Parquet: the columns with their types, in row groups that are written as they fill."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import orjson

from minutebook.deliver.formats.columns import COLUMNS
from minutebook.deliver.formats.writer import Origin, Row, Trailer

if TYPE_CHECKING:
    import pyarrow

ROW_GROUP = 16_384
TRAILER_KEY = "minutebook.trailer"


class ParquetWriter:
    """Writes Parquet, with pyarrow, which is loaded only when somebody asks for this format."""

    def __init__(self, origin: Origin) -> None:
        from pyarrow import parquet

        del origin
        self._sink = _Sink()
        self._schema = schema()
        self._waiting: list[pyarrow.RecordBatch] = []
        self._file = parquet.ParquetWriter(self._sink, self._schema, compression="zstd")

    def head(self) -> bytes:
        return self._sink.taken()

    def rows(self, rows: Sequence[Row]) -> bytes:
        self._waiting.append(_batch(rows, self._schema))
        if sum(batch.num_rows for batch in self._waiting) >= ROW_GROUP:
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

        self._file.write_table(pyarrow.Table.from_batches(self._waiting))
        self._waiting.clear()


def schema() -> pyarrow.Schema:
    """The columns as Arrow knows them; times in microseconds, UTC."""
    import pyarrow

    kinds = {"text": pyarrow.string(), "integer": pyarrow.int64(), "time": pyarrow.timestamp("us", tz="UTC")}
    return pyarrow.schema([pyarrow.field(column.name, kinds[column.kind]) for column in COLUMNS])


def _batch(rows: Sequence[Row], of: pyarrow.Schema) -> pyarrow.RecordBatch:
    import pyarrow

    events = [orjson.loads(row.json) for row in rows]
    arrays = []
    for column in COLUMNS:
        values = [column.of(event) for event in events]
        if column.kind == "time":
            values = [datetime.fromisoformat(value) for value in values]
        arrays.append(pyarrow.array(values, of.field(column.name).type))
    return pyarrow.RecordBatch.from_arrays(arrays, schema=of)


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
