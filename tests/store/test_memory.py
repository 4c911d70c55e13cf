"""Columns in memory and in blocks: what was read once stays true, a block says what its events say, what cannot be read
is read from the events, and the order of time survives clocks."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import orjson
import pytest
import zstandard
from sqlalchemy import Connection, create_engine, delete, insert, select, update

from minutebook.filters import EVERYTHING, Cursor, Filter
from minutebook.store import (
    blocks,
    body,
    cache,
    columns,
    counted,
    index,
    log,
    memory,
    schema,
    search,
    sqlite,
    stripes,
    text_memory,
    view,
)
from minutebook.store.cache import Indexed
from minutebook.store.columns import SHARED, TIMES, Who
from minutebook.store.log import position as position_of
from minutebook.store.memory import Few, Log
from minutebook.store.scope import Scope
from minutebook.store.spans import FIRST, LAST
from minutebook.store.survey import Patience, Sums, Survey, survey
from minutebook.store.view import Chunk, View, Within

ORGANIZATION = 3


class Row(NamedTuple):
    occurred_at: int
    recorded_at: int
    action: str
    outcome: str
    actor: Who
    ip: str
    client: str


def rows(number: int, *, seed: int = 1, step_back: int = 0) -> list[Row]:
    chance = random.Random(seed)
    return [
        Row(
            1_000 * at - (step_back if at % 1000 > 900 else 0),
            1_000 * at + (at % 7),
            chance.choice(["user.login", "mode.create"]),
            "success",
            Who("user", f"usr_{chance.randrange(at // 10 + 1)}", chance.choice(["", "ada@calder.example"])),
            chance.choice(["", "10.1.2.3", "2001:db8::1"]),
            chance.choice(["", "web"]),
        )
        for at in range(number)
    ]


def stripe_number(number: int) -> int:
    return position_of(ORGANIZATION, 0) // stripes.SIZE + number


class Shelf:
    """A log of such rows in a database without a guard, and its columns in memory."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.log = Log(ORGANIZATION)
        self.size = 0
        self.written = 0
        self.stripes = 0

    def add(self, events: list[Row]) -> None:
        self.connection.execute(
            insert(schema.event), [self._stored(self.size + at, row) for at, row in enumerate(events)]
        )
        self.size += len(events)

    def write_blocks(self) -> None:
        """What `index.follow` does of it."""
        while (self.written + 1) * blocks.BLOCK <= self.size:
            contents = index.written_block(self.connection, ORGANIZATION, self.written)
            blocks.put(self.connection, ORGANIZATION, self.written, contents)
            stripes.forget(self.connection, ORGANIZATION)
            self.written += 1
            self.stripes = self.written * blocks.BLOCK // stripes.SIZE
        while (self.stripes + 1) * stripes.SIZE <= self.size:
            contents = stripes.made(self.connection, ORGANIZATION, self.stripes)
            stripes.put(self.connection, ORGANIZATION, self.stripes, contents)
            self.stripes += 1

    def change_stripe(self, number: int, name: str, content: bytes | None) -> None:
        """Puts another content into it, or takes it out."""
        contents: dict[str, bytes | None] = {**stripes.written(self.connection, ORGANIZATION)[number]}
        assert contents[name]
        contents[name] = content
        parts = [part for one, of_one in contents.items() if of_one is not None for part in (one.encode(), of_one)]
        there = schema.stripe.c.number == stripe_number(number)
        self.connection.execute(update(schema.stripe).where(there).values(content=blocks.framed(parts)))

    def view(self, size: int | None = None) -> View:
        size = self.size if size is None else size
        self.log.read_to(self.connection, size)
        return View(self.log, size, Indexed(texts=0, blocks=0), self.connection)

    @staticmethod
    def _stored(seq: int, row: Row) -> dict[str, Any]:
        known = zip(columns.PATHS, (*row.actor, row.ip, row.client), strict=True)
        texts = {path: orjson.dumps(value) for path, value in known if value or path == "actor.kind"}
        given = {
            "position": ORGANIZATION << schema.SEQ_BITS | seq,
            "organization": ORGANIZATION,
            "id": f"{seq:036}",
            "recorded_at": row.recorded_at,
            "occurred_at": row.occurred_at,
            "action": row.action,
            "outcome": row.outcome,
            "disclosures": body.pack(texts),
        }
        others = (column.name for column in schema.event.columns if column.name not in given)
        return given | dict.fromkeys(others, b"")


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """Blocks of 16 events, four of which are looked at together and stand in one row, and before in two."""
    monkeypatch.setattr(blocks, "BLOCK", 16)
    monkeypatch.setattr(stripes, "SIZE", 4)
    monkeypatch.setattr(blocks, "PACKS", (2, 4))
    monkeypatch.setattr(view, "CHUNK", 4)
    engine = create_engine("sqlite://", module=sqlite.driver())
    with engine.connect() as connection:
        schema.metadata.create_all(connection)
        yield Shelf(connection)
    engine.dispose()


def read_back(view: View, chunk: Chunk) -> list[Row]:
    shared = [[view.log.words[name].values[code] for code in chunk.codes(name)] for name in SHARED]
    times = [chunk.occurred_at.tolist(), chunk.recorded_at.tolist()]
    return [Row(*row) for row in zip(*times, *shared, strict=True)]


def everything(view: View) -> list[Row]:
    return [row for chunk in view.chunks() for row in read_back(view, chunk)]


@pytest.mark.parametrize("size", [1, 16, 17, 63, 64, 65, 100, 200])
def test_from_the_last_event_back_chunks_grow_up_to_what_is_counted_together(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(memory, "PART", 4)
    shelf.add(rows(size))
    chunks = list(shelf.view().newest_first())
    assert [seq for chunk in chunks for seq in range(chunk.end - 1, chunk.first - 1, -1)] == [*range(size - 1, -1, -1)]
    for chunk in chunks:
        assert not chunk.first % 16
        assert chunk.first // 64 == (chunk.end - 1) // 64, "no chunk is of two parts"
    assert all(len(chunk) <= 32 for chunk in chunks[:1])
    assert all(len(chunk) == 64 for chunk in chunks[3:])


def test_what_is_counted_of_a_part_is_kept(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "PART", 2)
    shelf.add(rows(90))
    for _ in range(2):
        for chunk in shelf.view().newest_first():
            assert chunk.sums("client").tolist() == np.bincount(chunk.codes("client")).tolist()
    assert sorted(shelf.log._columns["client"].sums) == [0, 1]
    monkeypatch.setattr(memory, "MOST_COUNTS", 1)
    [chunk.sums("actor") for chunk in shelf.view().newest_first()]
    assert not shelf.log._columns["actor"].sums, "they take as much as the codes"


@pytest.mark.parametrize("at_once", [1, 7, 21])
@pytest.mark.parametrize("is_written", [False, True])
def test_chunks_are_the_events_in_their_order(shelf: Shelf, at_once: int, *, is_written: bool) -> None:
    events = rows(333)
    for first in range(0, len(events), at_once):
        shelf.add(events[first : first + at_once])
        if is_written:
            shelf.write_blocks()
        assert everything(shelf.view()) == events[: first + at_once]
    for size in (1, 15, 16, 17, 64, 200, 333):
        assert everything(shelf.view(size)) == events[:size]
        for chunk in shelf.view(size).chunks():
            assert (chunk.span.earliest, chunk.span.latest) == (chunk.occurred_at.min(), chunk.occurred_at.max())
            assert chunk.span.is_sorted == all(one <= other for one, other in pairwise(chunk.occurred_at))


@pytest.mark.parametrize("seed", range(20))
def test_what_is_asked_for_in_any_order_is_the_same(shelf: Shelf, seed: int) -> None:
    """Chunks, columns and sizes at random, while the log grows and is written down now and then."""
    chance = random.Random(seed)
    events = rows(400, seed=seed, step_back=chance.choice([0, 100_000]))
    while shelf.size < len(events):
        shelf.add(events[shelf.size :][: chance.randrange(1, 90)])
        if chance.random() < 0.5:
            shelf.write_blocks()
        view = shelf.view(chance.randrange(1, shelf.size + 1))
        for chunk in chance.sample(found := list(view.chunks()), chance.randrange(len(found) + 1)):
            for name in chance.sample((*TIMES, *SHARED), 3):
                known = view.column(name, chunk.first, chunk.end).tolist()
                said = [view.log.words[name].values[code] for code in known] if name in SHARED else known
                assert said == [getattr(row, name) for row in events[chunk.first : chunk.end]]


def test_a_view_stays_as_it_was_while_the_log_grows(shelf: Shelf) -> None:
    events = rows(300)
    shelf.add(events[:10])
    before = shelf.view()
    (chunk,) = before.chunks()
    seen = chunk.occurred_at
    for row in events[10:]:
        shelf.add([row])
        everything(shelf.view())
    assert read_back(before, chunk) == events[:10]
    assert seen.tolist() == [row.occurred_at for row in events[:10]]


def test_codes_get_wider_as_values_become_many(shelf: Shelf) -> None:
    """More values than a byte has, in blocks and behind them; a view from before stays as it was."""
    events = [row._replace(ip=f"10.0.{at // 200}.{at % 200}") for at, row in enumerate(rows(300))]
    shelf.add(events[:200])
    shelf.write_blocks()
    before = shelf.view()
    chunk = next(before.chunks())
    few = chunk.codes("ip")
    shelf.add(events[200:])
    assert everything(shelf.view()) == events
    assert few.tolist() == list(range(len(chunk)))
    assert read_back(before, chunk) == events[: len(chunk)]


def test_blocks_are_brought_together_few_first_and_then_many(shelf: Shelf) -> None:
    numbers = select(schema.block.c.number).where(schema.block.c.name == "actor").order_by(schema.block.c.number)
    found = []
    for _ in range(9):
        shelf.add(rows(16))
        shelf.write_blocks()
        found.append(shelf.connection.execute(numbers).scalars().all())
        assert found[-1] == sorted({blocks.row_of(number, shelf.written)[-1] for number in range(shelf.written)})
    assert found == [[0], [1], [1, 2], [3], [3, 4], [3, 5], [3, 5, 6], [3, 7], [3, 7, 8]]


def test_what_is_written_is_not_read_from_the_events(shelf: Shelf) -> None:
    """Three blocks, and two stripes of the next one; also as a search sees them that began before the second was."""
    events = rows(48 + 8)
    shelf.add(events)
    shelf.write_blocks()
    shelf.connection.execute(delete(schema.event))
    for size in (48 + 4, 48 + 8):
        shelf.log = Log(ORGANIZATION)
        assert everything(shelf.view(size)) == events[:size]


def test_times_that_outlast_an_erasure_leave_no_gap_in_other_columns(shelf: Shelf) -> None:
    events = rows(14)
    shelf.add(events[:10])
    everything(shelf.view())
    shelf.log = Log(ORGANIZATION, rewritten=1, before=shelf.log)
    shelf.add(events[10:])
    assert shelf.view().column("occurred_at", 0, 14).tolist() == [row.occurred_at for row in events]
    assert everything(shelf.view()) == events


def test_a_stripe_goes_with_the_last_event_of_its_block(shelf: Shelf) -> None:
    found = []
    for _ in range(12):
        shelf.add(rows(4))
        shelf.write_blocks()
        found.append(len(shelf.connection.execute(select(schema.stripe)).all()))
    assert found == [1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0]


@pytest.mark.parametrize("broken", [*blocks.COLUMNS, "actor words", "action words"])
@pytest.mark.parametrize("content", [b"", b"junk", "other", None])
def test_stripes_that_cannot_be_read_are_read_from_the_events(
    shelf: Shelf, broken: str, content: bytes | str | None
) -> None:
    """Of the second of three one column, also one that was not yet there when it was written."""
    events = rows(16 + 14)
    shelf.add(events)
    shelf.write_blocks()
    other = blocks._packed(np.full(4, 999, np.uint16))
    shelf.change_stripe(5, broken, other if isinstance(content, str) else content)
    assert everything(shelf.view()) == events


@pytest.mark.parametrize("words", [[0, 5], [0, "abcdef"], [0, [["x"]]], [0, [5, 6]], [0, {"a": "b"}], [0], 0, None])
@pytest.mark.parametrize("name", ["actor", "action"])
def test_words_of_another_shape_are_read_from_the_events(shelf: Shelf, name: str, words: Any) -> None:
    events = rows(16 + 14)
    shelf.add(events)
    shelf.write_blocks()
    content = zstandard.compress(orjson.dumps(words))
    shelf.change_stripe(5, f"{name} words", content)
    assert everything(shelf.view()) == events
    written = schema.block.c.name == f"{name} words"
    shelf.connection.execute(update(schema.block).where(written).values(content=blocks.framed([content])))
    shelf.log = Log(ORGANIZATION)
    assert everything(shelf.view()) == events


def test_a_stripe_that_is_missing_is_read_from_the_events(shelf: Shelf) -> None:
    """And so are those behind it, which may be of another log's events."""
    events = rows(16 + 14)
    shelf.add(events)
    shelf.write_blocks()
    shelf.connection.execute(delete(schema.stripe).where(schema.stripe.c.number == stripe_number(5)))
    assert everything(shelf.view()) == events


def test_what_is_known_of_blocks_stays_where_a_stripe_cannot_be_read(shelf: Shelf) -> None:
    events = rows(16 + 14)
    shelf.add(events)
    shelf.write_blocks()
    shelf.connection.execute(update(schema.stripe).values(content=b"junk"))
    shelf.connection.execute(delete(schema.event).where(schema.event.c.position < position_of(ORGANIZATION, 16)))
    shelf.view().column("ip", 16, 30)
    assert everything(shelf.view()) == events


def test_stripes_are_read_where_some_of_their_events_were(shelf: Shelf) -> None:
    events = rows(16 + 14)
    shelf.add(events[: 16 + 5])
    shelf.view().column("ip", 16, 16 + 5)
    shelf.add(events[16 + 5 :])
    shelf.write_blocks()
    in_stripes = schema.event.c.position.between(position_of(ORGANIZATION, 16), position_of(ORGANIZATION, 16 + 11))
    shelf.connection.execute(delete(schema.event).where(in_stripes))
    *_, newest = shelf.view().chunks()
    assert newest.codes("ip").tolist() == shelf.log.words["ip"].codes(row.ip for row in events[16:])


@pytest.mark.parametrize("content", [b"", b"junk", b"\4\0\0\0junk"])
def test_stripes_of_another_shape_are_read_from_the_events(shelf: Shelf, content: bytes) -> None:
    events = rows(16 + 14)
    shelf.add(events)
    shelf.write_blocks()
    shelf.connection.execute(update(schema.stripe).values(content=content))
    assert everything(shelf.view()) == events


def test_a_page_without_a_filter_reads_no_column_of_what_is_written(shelf: Shelf) -> None:
    shelf.add(rows(160))
    shelf.write_blocks()
    shelf.connection.execute(delete(schema.event))
    shelf.connection.execute(delete(schema.block).where(schema.block.c.name != blocks.SPAN))
    assert [len(chunk) for chunk in shelf.view().in_time(newest_first=True)] == [16, 32, 64, 48]


@pytest.mark.parametrize("broken", [*TIMES, *SHARED, blocks.SPAN, "actor words", "action words"])
@pytest.mark.parametrize("content", [b"", b"junk", b"\4\0\0\0junk", b"\4\0\0\0junk\4", "other", None])
@pytest.mark.parametrize("number", [3, 5, 6], ids=["of four", "of two", "of one"])
def test_what_cannot_be_read_is_read_from_the_events(
    shelf: Shelf, broken: str, content: bytes | str | None, number: int
) -> None:
    events = rows(116)
    shelf.add(events)
    shelf.write_blocks()
    table = schema.block
    there = (table.c.name == broken) & (table.c.number == (3 if broken.endswith("words") else number))
    assert shelf.connection.execute(select(table).where(there)).one()
    if content is None:
        shelf.connection.execute(delete(table).where(there))
    elif content == "other":
        if broken in {*TIMES, blocks.SPAN, "outcome"}:
            return  # well formed: only the doctor can tell
        other = blocks.write(
            {name: [getattr(row, name) for row in rows(16, seed=9)] for name in blocks.COLUMNS}, made()
        )
        part = other["actor words"] if broken.endswith("words") else blocks._packed(np.full(16, 999, np.uint16))
        content = len(part).to_bytes(4, "little") + part
        shelf.connection.execute(update(table).where(there).values(content=content))
    else:
        shelf.connection.execute(update(table).where(there).values(content=content))
    assert everything(shelf.view()) == events


def made() -> dict[str, columns.Words]:
    words = {name: columns.Words() for name in SHARED}
    for known in words.values():
        known.codes(["what no block has"])
    return words


def test_a_block_is_small(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 4096)
    shelf.add(rows(2 * 4096))
    shelf.write_blocks()
    contents = index.written_block(shelf.connection, ORGANIZATION, 1)
    assert sum(map(len, contents.values())) < 4 * 4096


@pytest.mark.parametrize("step_back", [0, 5_000, 50_000, 10_000_000])
def test_chunks_in_time_do_not_reach_into_each_other(shelf: Shelf, step_back: int) -> None:
    shelf.add(rows(3000, step_back=step_back))
    shelf.write_blocks()
    for size in (1, 16, 950, 2992, 2999, 3000):
        view = shelf.view(size)
        oldest_first = list(view.in_time(newest_first=False))
        newest_first = list(view.in_time(newest_first=True))
        for chunks in (oldest_first, newest_first[::-1]):
            assert chunks[0].first == 0
            assert all(one.end == two.first for one, two in pairwise(chunks))
            assert chunks[-1].end == size
            assert not any(later.span.earliest < earlier.span.latest for earlier, later in pairwise(chunks))
        if not step_back:
            assert max(len(newest_first[0]), len(oldest_first[0])) <= 16, "a first page looks at a few events only"


@pytest.mark.parametrize("step_back", [0, 5_000, 50_000, 10_000_000])
@pytest.mark.parametrize("newest_first", [False, True])
def test_chunks_within_a_time_hold_all_that_happened_then_and_hardly_more(
    shelf: Shelf, step_back: int, *, newest_first: bool
) -> None:
    events = rows(1000, step_back=step_back)
    shelf.add(events)
    shelf.write_blocks()
    times = sorted(row.occurred_at for row in events)
    chance = random.Random(step_back)
    for size in (1, 16, 500, 992, 1000):
        for _ in range(20):
            earliest, latest = sorted(chance.choice(times) + chance.choice((-1, 0, 1)) for _ in range(2))
            chunks = list(shelf.view(size).in_time(Within(earliest, latest), newest_first=newest_first))
            found = {seq for chunk in chunks for seq in range(chunk.first, chunk.end)}
            meant = {seq for seq in range(size) if earliest <= events[seq].occurred_at <= latest}
            assert meant <= found
            if not step_back:
                assert len(found) < len(meant) + 4 * 16, "two blocks at each end"


@pytest.mark.parametrize("newest_first", [False, True])
def test_hardly_anything_is_looked_at_for_a_time_that_ends_before_it_begins(
    shelf: Shelf, *, newest_first: bool
) -> None:
    events = rows(1000)
    shelf.add(events)
    shelf.write_blocks()
    view, times = shelf.view(1000), [row.occurred_at for row in events]
    few = Few(0, np.arange(0, 1000, 50), None)
    for earliest, latest in ((times[500], times[499]), (times[900], times[100]), (LAST, FIRST)):
        within = Within(earliest, latest)
        assert len(view.range_of(within)) <= 16
        for some in (None, few):
            assert sum(map(len, view.in_time(within, some, newest_first=newest_first))) <= 16


@pytest.mark.parametrize("step_back", [0, 50_000, 10_000_000])
@pytest.mark.parametrize("newest_first", [False, True])
def test_a_few_are_found_by_their_places_as_far_back_as_they_were_read(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, step_back: int, *, newest_first: bool
) -> None:
    monkeypatch.setattr(memory, "PART", 2)
    monkeypatch.setattr(memory, "RARE", 10)
    monkeypatch.setattr(memory, "MOST_PARTS", 30)
    monkeypatch.setattr(view, "FEW", 2)
    shelf.log = memory.Log(ORGANIZATION)
    events = rows(1000, step_back=step_back)
    shelf.add(events)
    shelf.write_blocks()
    wanted = Who("user", "usr_7", "")
    meant = [seq for seq in range(1000) if events[seq].actor == wanted]
    assert 3 < len(meant) <= 100
    assert shelf.view().few("actor", "this", wanted.__eq__) is None, "nothing was read"
    firsts = []
    for first in (800, 400, 0):
        [chunk.codes("actor") for chunk in shelf.view().chunks(first)]
        few = shelf.view().few("actor", "this", wanted.__eq__)
        assert few is not None
        firsts.append(few.first)
        assert few.seqs.tolist() == [seq for seq in meant if seq >= few.first]
        chunks = list(shelf.view().in_time(few=few, newest_first=newest_first))
        found = sorted(seq for chunk in chunks for seq in chunk.seqs.tolist())
        assert {*few.seqs.tolist(), *range(few.first)} <= set(found)
        if step_back < 10_000_000:  # then all of the log is one cut
            assert [seq for seq in found if seq >= few.first] == few.seqs.tolist()
        spans = [chunk.span for chunk in (chunks[::-1] if newest_first else chunks)]
        assert not any(later.earliest < earlier.latest for earlier, later in pairwise(spans))
    assert firsts == sorted(firsts, reverse=True)
    assert firsts[-1] == 0
    assert shelf.view().few("actor", "any", bool) is None, "they are not few"
    last = events[-1].actor
    for key, who, size in itertools.product(("this", "that"), (wanted, last), (1000, 999, 999, 1000)):
        few = shelf.view(size).few("actor", (key, who), who.__eq__)  # also the same as before
        assert few is not None
        assert few.seqs.tolist() == [seq for seq in range(size) if events[seq].actor == who]


def test_places_are_sorted_a_part_of_the_log_at_a_time(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "PART", 1)
    monkeypatch.setattr(memory, "MOST_PARTS", 2)
    shelf.log = memory.Log(ORGANIZATION)
    shelf.add(rows(70))
    [chunk.codes("client") for chunk in shelf.view().chunks()]
    found = [few.first for _ in range(4) if (few := shelf.view().few("client", "this", "nowhere".__eq__))]
    assert found == [32, 0, 0, 0]


def test_a_view_is_cut_as_it_was_when_blocks_come_in_the_same_moment(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add(rows(64))
    shelf.write_blocks()
    before = shelf.view(32)

    def meanwhile(seen: Any) -> int:
        """How many there are; and once that is known, another thread reads on."""
        number = len(seen)
        monkeypatch.delattr(memory, "len")
        shelf.view(64)
        return number

    monkeypatch.setattr(memory, "len", meanwhile, raising=False)
    assert [chunk.end for chunk in before.in_time(newest_first=False)] == [16, 32]


def test_a_view_is_cut_for_itself_when_another_is_in_the_same_moment(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add(rows(64))
    before, after = shelf.view(32), shelf.view(64)
    assert [chunk.end for chunk in before.in_time(newest_first=False)] == [16, 32]

    def meanwhile(value: Any) -> int:
        """The same; and another thread cuts a larger view."""
        monkeypatch.delattr(memory, "int")
        assert list(after.in_time(newest_first=False))[-1].end == 64
        return int(value)

    monkeypatch.setattr(memory, "int", meanwhile, raising=False)
    assert [chunk.end for chunk in before.in_time(newest_first=False)] == [16, 32]
    assert not hasattr(memory, "int")


def test_of_a_column_only_the_blocks_of_a_few_are_read(shelf: Shelf) -> None:
    events = rows(333)
    shelf.add(events)
    seqs = np.array([20, 21, 40, 170, 332])
    found = shelf.view().at("occurred_at", seqs)
    assert found.tolist() == [events[seq].occurred_at for seq in seqs.tolist()]
    codes = shelf.view().at("actor", seqs)
    assert [shelf.log.words["actor"].values[code] for code in codes] == [events[seq].actor for seq in seqs.tolist()]
    filled = shelf.log._columns["actor"].filled
    assert np.flatnonzero(filled).tolist() == [1, 2, 10, 20]
    assert shelf.view().at("actor", seqs[:0]).tolist() == []


def test_an_event_that_is_gone_leaves_the_others(shelf: Shelf) -> None:
    events = rows(40)
    shelf.add(events)
    shelf.connection.execute(
        delete(schema.event).where(schema.event.c.position == (ORGANIZATION << schema.SEQ_BITS | 7))
    )
    found = everything(shelf.view())
    assert found[7] == Row(*(columns.NOTHING[name] for name in Row._fields))
    assert found[:7] + found[8:] == events[:7] + events[8:]


def test_outcomes_are_counted_by_the_values_that_their_codes_stand_for(shelf: Shelf) -> None:
    """Also in the first count of all, which reads them, where the first of them is no success."""
    shelf.add([row._replace(outcome=["denied", "success"][at % 2]) for at, row in enumerate(rows(48))])
    shelf.write_blocks()
    counted = survey(shelf.connection, Scope(ORGANIZATION, 48), EVERYTHING, edges=[0, 15_000, 48_000])
    assert counted.in_time == [Sums(succeeded=7, other=8), Sums(succeeded=17, other=16)]


@pytest.mark.parametrize(("since", "number"), [(150_000, 10), (130_000, 30), (30_000, None)])
def test_what_did_not_happen_in_time_does_not_have_to_be_counted(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, since: int, number: int | None
) -> None:
    """Of ten chunks each takes a third of the time that there is for all; nothing has to be done for those before."""
    monkeypatch.setattr(memory, "PART", 1)
    shelf.add(rows(160))
    now = itertools.count()
    monkeypatch.setattr("time.thread_time", lambda: next(now) / 3)
    patience = Patience(1.0, lambda: 0.0, all_or_nothing=True)
    found = survey(shelf.connection, Scope(ORGANIZATION, 160), Filter(start=since), patience=patience).total
    assert found.is_exact is (number is not None)
    assert number in (found.number, None)


def test_the_oldest_texts_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_memory, "MOST_TEXTS", 2)
    texts = text_memory.Texts()
    for position in (5, 3, 9):
        texts.put(position, str(position))
    assert [texts.get(position) for position in (5, 3, 9)] == [None, "3", "9"]


def test_a_test_of_values_is_kept_and_meets_each_value_once() -> None:
    words, met = columns.Words(), []

    def is_b(value: str) -> bool:
        met.append(value)
        return value == "b"

    assert words.codes(["a", "b", "a"]) == [0, 1, 0]
    assert words.passing("b", is_b)[1:] == (1, 1)
    words.codes(["b", "c"])
    found = words.passing("b", is_b)
    assert (found.codes.tolist(), found.number, found.first) == ([False, True, False], 1, 1)
    assert met == ["a", "b", "c"]
    for other in range(columns.Words.MOST_TESTS):
        words.passing(other, lambda _: False)
    assert words.passing("b", is_b).codes.tolist() == [False, True, False]


@pytest.mark.parametrize("step_back", [0, 50_000])
def test_what_was_counted_is_not_counted_again(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, step_back: int) -> None:
    """And nothing else that was asked for is answered with it."""
    monkeypatch.setattr(memory, "PART", 2)
    monkeypatch.setattr(counted, "MOST_ASKED", 4)
    shelf.add(rows(200, step_back=step_back))
    looked_at: list[int] = []
    codes = Chunk.codes

    def counting(chunk: Chunk, name: str) -> columns.Codes:
        looked_at.append(chunk.first // 32)
        return codes(chunk, name)

    monkeypatch.setattr(Chunk, "codes", counting)
    kept = cache.Cache()

    def ask(filter_: Filter, by: tuple[str, ...], edges: list[int], size: int, known: cache.Cache | None) -> Survey:
        shelf.connection.execution_options(**{cache.OPTION: known})
        return survey(shelf.connection, Scope(ORGANIZATION, size), filter_, by, edges)

    questions = list(
        itertools.product(
            [EVERYTHING, Filter(actions=("user.login",)), Filter(actor="ada"), Filter(start=50_000, end=99_000)],
            [(), ("action",), ("action", "actor")],
            [[], [0, 40_000, 200_000], [90_000, 100_000]],
            [96, 128, 150, 200],
        )
    )
    chance = random.Random(step_back)
    for question in chance.choices(questions, k=120):
        expected = ask(*question, None)
        assert [ask(*question, kept) for _ in range(2)] == [expected] * 2, question
    for most, parts in ((counted.MOST_COUNTS, []), (2, [0, 1, 2, 3, 4, 5, 6])):
        monkeypatch.setattr(counted, "MOST_COUNTS", most)
        for _ in range(2):
            looked_at.clear()
            ask(Filter(actions=("user.login",), start=most), ("action", "actor"), [0, 200_000], 200, kept)
        assert sorted(set(looked_at)) == parts, "what has many codes takes as much memory as they"
    known = kept.log(ORGANIZATION).counted._asked
    assert len(known) == 4
    for size in (150, 171, 199):
        ask(EVERYTHING, ("action",), [], size, kept)
    assert len([*known.values()][-1]) == len(list(shelf.view().newest_first())), "no more than are of use"


@pytest.mark.parametrize("tied", [3, 16, 40, 200])
def test_pages_go_through_what_happened_in_one_instant(shelf: Shelf, tied: int) -> None:
    """Over as many chunks as it fills: a day that was imported has one time for all."""
    shelf.add([row._replace(occurred_at=1_000 * (at // tied)) for at, row in enumerate(rows(200))])
    shelf.write_blocks()
    found: list[int] = []
    cursor = None
    while True:
        page = search.place(shelf.connection, Scope(ORGANIZATION, 200), EVERYTHING, cursor, 7)
        seqs = [row.position & log.SEQ_MASK for row in page.rows]
        if cursor and seqs:
            back = Cursor("org", "", 200, page.rows[0].occurred_at, seqs[0], len(found), "newer")
            newer = search.place(shelf.connection, Scope(ORGANIZATION, 200), EVERYTHING, back, 7)
            assert [row.position & log.SEQ_MASK for row in newer.rows] == found[-7:]
        found += seqs
        if not page.has_older:
            break
        cursor = Cursor("org", "", 200, page.rows[-1].occurred_at, seqs[-1], len(found), "older")
    assert found == [*range(199, -1, -1)]
    for at in range(0, 200, tied):
        this = Filter(start=1_000 * (at // tied), end=1_000 * (at // tied) + 1)
        page = search.place(shelf.connection, Scope(ORGANIZATION, 200), this, None, 200)
        assert [row.position & log.SEQ_MASK for row in page.rows] == [*range(min(at + tied, 200) - 1, at - 1, -1)]


def test_of_what_is_never_counted_to_its_end_no_more_is_kept_than_is_of_use(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the log grows, and each count is given up behind its newest events."""
    monkeypatch.setattr(memory, "PART", 2)
    kept = cache.Cache()
    shelf.connection.execution_options(**{cache.OPTION: kept})
    for row in rows(90):
        shelf.add([row])
        times = itertools.count()
        patience = Patience(1.0, lambda: float(next(times)))  # noqa: B023 - of this turn
        survey(shelf.connection, Scope(ORGANIZATION, shelf.size), EVERYTHING, ("action",), patience=patience)
    (known,) = kept.log(ORGANIZATION).counted._asked.values()
    assert 1 <= len(known) <= len(list(shelf.view().newest_first()))
