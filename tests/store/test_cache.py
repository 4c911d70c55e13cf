"""What searches share of logs: as much as has room, and nothing that was erased."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine, insert

from minutebook.store import cache, schema, sqlite, text, text_memory
from minutebook.store.cache import Cache
from minutebook.store.text import Said

ORGANIZATION = 3
INDEXED = 999
"""Events of a log: all that its rows of texts can hold."""


@pytest.fixture
def connection() -> Iterator[Connection]:
    """To a new database without a guard."""
    engine = create_engine("sqlite://", module=sqlite.driver())
    with engine.connect() as connection:
        schema.metadata.create_all(connection)
        yield connection
    engine.dispose()


def test_the_log_least_asked_for_leaves_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "MOST", 100)
    kept = Cache()
    first, second = kept.log(1), kept.log(2)
    first.size = second.size = 60
    assert kept.log(1) is first
    third = kept.log(3)
    assert kept.log(1) is first
    assert kept.log(3) is third
    assert kept.log(2) is not second


def test_rows_of_texts_are_kept_as_far_as_they_have_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_memory, "MOST_BYTES", 10)
    five, six, seven, two = map(Said, (b"five", b"six", b"seven", b"2"))
    kept = Cache()
    one, other = kept.log(1), kept.log(2)
    assert one.text_rows is other.text_rows
    one.text_rows.put(one, {5: five, 6: six}, INDEXED)
    other.text_rows.put(other, {5: two}, INDEXED)
    assert one.text_rows.get(one, [5, 6, 7], INDEXED) == {5: five, 6: six}
    one.text_rows.put(one, {7: seven, 6: six}, INDEXED)  # eight bytes, beside two
    assert other.text_rows.get(other, [5], INDEXED) == {}, "asked for longest ago"
    assert one.text_rows.get(one, [5, 6, 7], INDEXED) == {6: six, 7: seven}


def test_a_row_of_texts_that_more_events_were_put_into_is_not_what_it_was() -> None:
    log, part, whole = Cache().log(1), Said(b"part"), Said(b"whole")
    first = text.GROUP + text.GROUP // 2
    log.text_rows.put(log, {0: whole, 1: part}, first)
    assert log.text_rows.get(log, [0, 1], first) == {0: whole, 1: part}
    for more in (first + text.STEP, 2 * text.GROUP, 3 * text.GROUP):
        assert log.text_rows.get(log, [0, 1], more) == {0: whole}


def test_rows_of_texts_of_a_log_that_made_room_are_forgotten_with_what_was_erased(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "MOST", 0)
    kept, erased = Cache(), Said(b"erased")
    before = kept.log(ORGANIZATION)
    before.size = 1
    rows_ = before.text_rows
    rows_.put(before, {5: erased}, INDEXED)
    kept.log(9)
    assert kept.log(ORGANIZATION) is not before
    values = {"organization": ORGANIZATION, "texts": 0, "blocks": 0, "stripes": 0, "rewritten": 1, "pruned": 0}
    connection.execute(insert(schema.log_index).values(values))
    kept.forget(connection)
    assert rows_.organizations() == set()
    before.text_rows.put(before, {5: erased}, INDEXED)
    assert rows_.organizations() == set(), "a search that began before keeps it to itself"


def test_rows_of_texts_of_before_an_erasure_are_forgotten_and_not_kept_any_more() -> None:
    erased, other_text = Said(b"erased"), Said(b"of another")
    kept = Cache()
    before, other = kept.log(1), kept.log(2)
    shared = before.text_rows
    shared.put(before, {5: erased}, INDEXED)
    shared.put(other, {5: other_text}, INDEXED)
    after = kept.log(1, rewritten=1)
    assert after.text_rows is shared
    shared.put(before, {5: erased, 6: erased}, INDEXED)  # by a search that began before
    for log in (before, after):
        assert shared.get(log, [5, 6], INDEXED) == {}
    assert shared.get(other, [5], INDEXED) == {5: other_text}
    assert kept.log(1).text_rows is not shared, "an older snapshot keeps what it reads to itself"
