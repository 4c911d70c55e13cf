"""What the formats write of what people once typed: CSV that no spreadsheet runs, Parquet with its types."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from minutebook.actions.log import Format
from minutebook.deliver.formats import FORMATS, Origin, Row, Trailer
from minutebook.deliver.formats import csv as csv_format
from minutebook.deliver.formats.columns import COLUMNS
from minutebook.deliver.formats.parquet import ROW_GROUP, ParquetWriter
from minutebook.model import Actor, ActorKind, Context, Event, Outcome, Target
from minutebook.store.event_json import event_json
from tests.support.exports import read_csv

HOSTILE = (
    *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=cmd|" /C calc"!A0', '=HYPERLINK("http://x.example")'),
    *("\x1b[2J\x1b]0;x\x07", "a\r\nb", "a\nb", "\r\n", "\u202egnp.exe", "a\0b", "<script>alert(1)</script>"),
    *('"', '""', '",=1+1,"', "a,b", ",=1", ";=1", "'=1", "", " ", "𝕏", "\ufeffx", "x" * 100_000, '"}\r\n,,,,"{'),
    *("x;=1+1;", "x|+1|", "x\t@SUM(A1)\t", "x\n-1\n", "x\r\n=1;", '";=1;"', ';"=1";', ';""=1', "; =1;", " =1", '"=1'),
    *("＝1+1", "x;＠SUM(A1)", "\ufeff=1", "\n=1", "''=1", "x;''=1;'-1", "'x", "x;'y", "'\t", "\t\n=1"),
)
CELLS = re.compile(r"[;|\t\r\n]")
BLANK = '" \u00a0\u3000\ufeff'
FORMULA = re.compile("[=+@＝＋－＠-]")
EVENT = Event(
    organization=1,
    seq=7,
    id="01a1ae27-e2e0-75ac-a8c6-e765c553d996",
    recorded_at=1_793_923_212_000_001,
    occurred_at=1_793_923_212_000_000,
    action="user.login_failed",
    outcome=Outcome.FAILURE,
    actor=Actor(ActorKind.USER, "usr_a", "ada@x.example", "Ada"),
    targets=(Target("user", "usr_b", "bob@x.example"),),
    context=Context(),
    details={"v": 1},
)
TRAILER = Trailer("csv", "org_x", "", 8, 0, 1, "00")


def row(event: Event) -> Row:
    return Row(event.seq, event_json(event))


def hostile(text: str) -> Event:
    return replace(
        EVENT,
        actor=Actor(ActorKind.USER, text, text, text, text, text),
        targets=(Target(text, text, text), Target("user", "usr_b", text)),
        context=Context(text, text, text, text, text),
        details={"v": 1, "reason": text, "more": [text, {"inner": text}]},
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_no_field_of_a_csv_begins_like_a_formula(text: str) -> None:
    writer = FORMATS[Format.CSV].writer(Origin("org_x", text))
    event = hostile(text)
    data = writer.head() + writer.rows([row(event)]) + writer.rest() + writer.trailer(TRAILER)
    ([found], trailer, _) = read_csv(data)
    assert trailer["count"] == 1
    for name in ("actor_email", "actor_name", "target_name", "user_agent", "client"):
        assert as_recorded(found[name]) == text
    assert not [value for value in found.values() if value[:1] in tuple("=+-@＝＋－＠\t\r\n")]
    assert orjson.loads(found["details"]) == event.details
    assert orjson.loads(found["targets"])[1]["name"] == text


def as_recorded(value: str) -> str:
    """The value as docs/export.md says how to get it back."""
    return re.sub(rf"((?:^|[;|\t\r\n]))'(?='*[{BLANK}]*[=+@＝＋－＠-])|^'(?='*[{BLANK}]*[\t\r\n])", r"\1", value)


@pytest.mark.parametrize("separator", [",", ";", "|", "\t"])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_is_a_formula_wherever_cells_are_parted(text: str, separator: str) -> None:
    """As people open it whose commas are decimal: a quotation mark in the middle of a cell quotes nothing."""
    writer = FORMATS[Format.CSV].writer(Origin("org_x", ""))
    data = writer.rows([row(hostile(text))]) + writer.trailer(replace(TRAILER, query=f'text:"{text}"'))
    csv.field_size_limit(2**31 - 1)
    for cells in csv.reader(io.StringIO(data.decode(), newline=""), delimiter=separator):
        assert not [cell for cell in cells if FORMULA.match(cell.lstrip(BLANK))]


@given(st.text("=-＝;|\t\n\r '\"x\ufeff", max_size=8))
def test_what_was_made_inert_can_be_had_back(text: str) -> None:
    inert = csv_format.inert(text)
    assert as_recorded(inert) == text
    assert not [cell for cell in CELLS.split(inert) if FORMULA.match(cell.lstrip(BLANK))]


def test_what_is_no_formula_stays_as_it_is() -> None:
    for text in ("x'y", "'x", "it's;fine", "a-b=c", "Mozilla/5.0 (X11; rv:1)", "ada+audit@x.example"):
        assert csv_format.inert(text) == text


def test_records_end_as_rfc_4180_says() -> None:
    writer = FORMATS[Format.CSV].writer(Origin("org_x", ""))
    data = writer.head() + writer.rows([row(EVENT)]) + writer.trailer(TRAILER)
    lines = data.split(b"\r\n")
    assert [line.count(b'"') % 2 for line in lines] == [0, 0, 0, 0]
    assert lines[0].decode().split(",") == [*(column.name for column in COLUMNS), "trailer"]
    assert lines[2].startswith(b"," * len(COLUMNS) + b'"{""format"":""csv""')
    assert lines[3] == b""


def test_shipped_columns_keep_their_places() -> None:
    """They may be relied on by position: what comes later comes behind them."""
    assert [column.name for column in COLUMNS][:24] == (
        "seq id recorded_at occurred_at action title severity outcome actor_kind actor_id actor_email actor_name "
        "actor_on_behalf_of actor_credential target_kind target_id target_name targets ip user_agent request_id "
        "session_id client details"
    ).split()


def test_what_another_version_recorded_is_exported_too() -> None:
    unknown = replace(EVENT, action="planet.visit", targets=(), details={"v": 9, "x": None})
    for format_ in FORMATS:
        writer = FORMATS[format_].writer(Origin("org_x", "Calder"))
        data = writer.head() + writer.rows([row(unknown)]) + writer.rest() + writer.trailer(TRAILER)
        assert b"planet.visit" in data


def test_parquet_has_types_and_its_groups_are_written_as_they_fill() -> None:
    writer = ParquetWriter(Origin("org_x", ""))
    data = writer.head()
    events = [replace(EVENT, seq=seq) for seq in range(ROW_GROUP + 5)]
    first = writer.rows([row(event) for event in events[:ROW_GROUP]])
    assert first
    assert writer.rows([row(event) for event in events[ROW_GROUP:]]) == b""
    data += first + writer.rest() + writer.trailer(TRAILER)
    file = parquet.ParquetFile(io.BytesIO(data))
    assert file.metadata.num_row_groups == 2
    columns = [file.metadata.row_group(group).column(at) for group in (0, 1) for at in range(len(COLUMNS))]
    assert {column.compression for column in columns} == {"ZSTD"}
    kinds = {field.name: str(field.type) for field in file.schema_arrow}
    assert (kinds["seq"], kinds["occurred_at"], kinds["action"]) == ("int64", "timestamp[us, tz=UTC]", "string")
    table = file.read()
    assert table["seq"].to_pylist() == list(range(ROW_GROUP + 5))
    assert table["recorded_at"][0].value == EVENT.recorded_at
    assert table["ip"][0].as_py() is None


@pytest.mark.parametrize("text", HOSTILE)
def test_parquet_and_json_keep_every_text_as_it_is(text: str) -> None:
    event = hostile(text)
    writer = ParquetWriter(Origin("org_x", ""))
    data = writer.head() + writer.rows([row(event)]) + writer.rest() + writer.trailer(TRAILER)
    [found] = parquet.read_table(io.BytesIO(data)).to_pylist()
    assert (found["actor_name"], found["client"], found["target_name"]) == (text, text, text)
    lines = FORMATS[Format.JSONL].writer(Origin("org_x", "")).rows([row(event)])
    assert lines.count(b"\n") == 1
    assert orjson.loads(lines)["actor"]["name"] == text
