"""Whatever is changed in a log is found, and its place is named; a log that is whole raises no alarm."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import Row, Table, select

from minutebook.store import check, generations, schema
from minutebook.store.check import Finding
from minutebook.store.check_gone import Gone
from minutebook.store.engine import Store
from minutebook.store.log import position
from tests.support.deployment import Deployment
from tests.support.tampering import tamper
from tests.support.walk import FILLED, OTHER

AT = position(FILLED, 5)
COLUMNS = ", ".join(column.name for column in schema.event.c if column.name != "position")


@pytest.fixture
def store(filled: Deployment) -> Store:
    """Two organizations with events."""
    return filled.store


def findings(store: Store, organization: int = FILLED, *, hashes: bool = True) -> list[Finding]:
    with store.reading() as connection:
        return list(check.check_log(connection, organization, hashes=hashes))


def test_a_whole_log_raises_no_alarm(store: Store) -> None:
    read: list[int] = []
    with store.reading() as connection:
        assert check.logs(connection) == [FILLED, OTHER]
        assert list(check.missing_logs(connection)) == []
        for number in (FILLED, OTHER):
            assert list(check.check_log(connection, number, progress=read.append)) == []
    assert read[:3] == [0, 1, 2]


@pytest.mark.parametrize(
    "change",
    [
        "recorded_at = recorded_at + 1",
        "occurred_at = occurred_at - 1",
        "action = 'user.logout'",
        "action = 'no.such'",
        "outcome = 'denied'",
        "outcome = 'no such'",
        "id = '01930000-0000-7000-8000-000000000000'",
    ],
)
def test_a_changed_column_is_found_where_it_is(store: Store, change: str) -> None:
    tamper(store, f"UPDATE event SET {change} WHERE position = {AT}")
    assert {finding.seq for finding in findings(store)} == {5}
    assert findings(store, OTHER) == []


def test_each_changed_byte_is_found(store: Store) -> None:
    with store.reading() as connection:
        row = connection.execute(select(schema.event).where(schema.event.c.position == AT)).one()
        log_id = generations.log_of(generations.generations(connection, FILLED), 5)
    assert list(check.problems_of(row, FILLED, log_id, Gone())) == []
    for name in ("disclosures", "secret", "leaf_hash"):
        stored = getattr(row, name)
        wrong = [stored[:at] + bytes([stored[at] ^ 1]) + stored[at + 1 :] for at in range(len(stored))]
        wrong += [stored[:-1], stored + b"\n", b"", stored + stored, stored.decode("latin-1"), None]
        for value in wrong:
            changed = cast("Row[Any]", SimpleNamespace(**{**row._mapping, name: value}))
            assert list(check.problems_of(changed, FILLED, log_id, Gone())), (name, value)


@pytest.mark.parametrize(
    ("statements", "seq", "said"),
    [
        ([f"DELETE FROM event WHERE position = {AT}"], 5, "missing"),
        ([f"DELETE FROM event WHERE position BETWEEN {AT} AND {position(FILLED, 900)}"], 5, "missing"),
        ([f"DELETE FROM event WHERE position = {position(FILLED, 0)}"], 0, "missing"),
        (
            [
                f"INSERT INTO event (position, {COLUMNS}) SELECT {position(FILLED, 900)}, {COLUMNS} FROM event "
                f"WHERE position = {AT}"
            ],
            900,
            "not in the log",
        ),
        (
            [
                f"UPDATE event SET position = {position(FILLED, 900)} WHERE position = {AT}",
                f"UPDATE event SET position = {AT} WHERE position = {AT + 1}",
                f"UPDATE event SET position = {AT + 1} WHERE position = {position(FILLED, 900)}",
            ],
            5,
            "not what its hash was made of",
        ),
        ([f"UPDATE log_head SET size = size + 1 WHERE organization = {FILLED}"], None, "missing"),
        ([f"UPDATE log_head SET size = size - 1 WHERE organization = {FILLED}"], None, "not in the log"),
        ([f"UPDATE log_head SET log_id = 'log_x' WHERE organization = {FILLED}"], None, "hash"),
        (["UPDATE generation SET previous = 'log_x'"], 0, "hash"),
        ([f"UPDATE log_head SET peaks = substr(peaks, 2) WHERE organization = {FILLED}"], None, "does not fit"),
        ([f"INSERT INTO act VALUES ({position(FILLED, 900)})"], 900, "without an event"),
        ([f"DELETE FROM log_head WHERE organization = {FILLED}"], None, "no head"),
    ],
)
def test_what_was_done_to_rows_is_found(store: Store, statements: list[str], seq: int | None, said: str) -> None:
    tamper(store, *statements)
    found = findings(store)
    first = next((finding for finding in found if said in finding.problem), None)
    assert first, found
    assert seq in (None, first.seq)
    assert findings(store, OTHER) == []


def test_an_event_rewritten_with_its_hash_is_found_by_the_head(store: Store) -> None:
    with store.reading() as connection:
        size = connection.execute(select(schema.log_head.c.size)).scalars().first()
    literal = "x'" + "00" * 32 + "'" if store.is_sqlite else "'\\x" + "00" * 32 + "'::bytea"
    tamper(store, f"UPDATE event SET leaf_hash = {literal} WHERE position = {AT}")
    (finding,) = findings(store, hashes=False)
    width = 1 << (size.bit_length() - 1) if size else 0
    assert finding.problem.startswith(f"The hash of events 0 to {width - 1} is not the one that the head has")


def test_a_whole_log_that_is_gone_is_missed(store: Store) -> None:
    tamper(store, f"DELETE FROM log_head WHERE organization = {OTHER}")
    with store.reading() as connection:
        assert check.logs(connection) == [FILLED, OTHER]
        numbers = [finding.organization for finding in check.missing_logs(connection)]
    assert numbers == ([OTHER] if store.is_sqlite else [])


@pytest.mark.parametrize("change", ["UPDATE sqlite_sequence SET seq = 1", "DELETE FROM sqlite_sequence"])
def test_a_count_that_was_lowered_is_found(filled_sqlite: Deployment, change: str) -> None:
    tamper(filled_sqlite.store, f"{change} WHERE name = 'log_head'")
    with filled_sqlite.store.reading() as connection:
        (finding,) = check.missing_logs(connection)
    assert finding.problem.startswith("SQLite's count of organizations ends before this one")


@pytest.mark.parametrize("table", schema.ORGANIZATION_TABLES, ids=lambda table: table.name)
def test_a_row_of_an_organization_without_a_log_is_missed(store: Store, table: Table) -> None:
    of_other = f'DELETE FROM "{table.name}" WHERE organization = {OTHER}'
    tamper(store, of_other, f'UPDATE "{table.name}" SET organization = 77')
    with store.reading() as connection:
        assert check.logs(connection) == [FILLED, OTHER, 77]
    assert [finding.problem for finding in findings(store, 77)] == ["There is no head of this log."]


@pytest.mark.parametrize(
    "change", ["outcome = CAST(x'ff' AS TEXT)", "action = x'00'", "recorded_at = 'soon'", "secret = 7"]
)
def test_what_no_column_should_hold_is_found(filled_sqlite: Deployment, change: str) -> None:
    tamper(filled_sqlite.store, f"UPDATE event SET {change} WHERE position = {AT}")
    assert {finding.seq for finding in findings(filled_sqlite.store)} == {5}
