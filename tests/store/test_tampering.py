"""Whatever is done to the rows of a log is found, with its place, by the product's own check and by the oracle (R6)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection

from minutebook.store import body, check, log, schema
from minutebook.store.check_gone import Gone
from tests.support import stored
from tests.support.check_log import check_chain
from tests.support.deployment import Deployment
from tests.support.walk import FILLED, OTHER

COLUMNS = [column.name for column in schema.event.c]
BYTES = ("disclosures", "secret", "leaf_hash")


@pytest.fixture
def opened(filled_sqlite: Deployment) -> Deployment:
    """A deployment of somebody who owns the machine and has dropped what guards it."""
    with filled_sqlite.store.housekeeping() as connection:
        triggers = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all()
        for trigger in triggers:
            connection.exec_driver_sql(f"DROP TRIGGER {trigger}")
    return filled_sqlite


@contextmanager
def tampered(deployment: Deployment, *statements: str) -> Iterator[Connection]:
    """The database with the statements done, for as long as the block lasts."""
    with deployment.store.housekeeping() as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            assert connection.exec_driver_sql(statement).rowcount, statement
        yield connection
        connection.rollback()
        connection.exec_driver_sql("PRAGMA ignore_check_constraints = OFF")


def places(deployment: Deployment, *statements: str) -> set[int | None]:
    """Where the product's check finds something; the oracle must agree that there is something."""
    with tampered(deployment, *statements) as connection:
        found = list(check.check_log(connection, FILLED))
        assert list(check.check_log(connection, OTHER)) == []
        (head,) = (head for head in stored.heads(connection) if head.organization == FILLED)
        own = list(check_chain(head, stored.events(connection, FILLED)))
    assert bool(own) is bool(found), (found, own)
    return {finding.seq for finding in found}


def at(seq: int) -> int:
    return log.position(FILLED, seq)


def test_a_whole_log_raises_no_alarm(opened: Deployment) -> None:
    with opened.store.reading() as connection:
        assert list(check.check_log(connection, FILLED)) == []
    assert places(opened, "UPDATE event SET secret = secret") == set()
    opened.check()


def test_every_column_of_every_event(opened: Deployment) -> None:
    for seq in range(opened.size(FILLED)):
        for name in COLUMNS:
            match name:
                case "position" | "organization":
                    continue  # moved rows: below
                case "recorded_at" | "occurred_at":
                    value = f"{name} + 1"
                case "disclosures" | "secret" | "leaf_hash":
                    other = f"CASE WHEN substr({name}, -1) = x'ff' THEN x'00' ELSE x'ff' END"
                    value = f"CAST(substr({name}, 1, length({name}) - 1) || {other} AS BLOB)"
                case _:
                    value = f"'x' || {name}"
            statement = f"UPDATE event SET {name} = {value} WHERE position = {at(seq)}"
            if seq % 12:  # the event by itself: many times as fast
                assert seen_in_the_row(opened, seq, statement), (seq, name)
            else:  # the tree notices a changed hash, too
                assert places(opened, statement) == ({seq, None} if name == "leaf_hash" else {seq}), (seq, name)


def seen_in_the_row(deployment: Deployment, seq: int, statement: str) -> list[str]:
    """What the product's check says about one event behind the statement."""
    with tampered(deployment, statement) as connection:
        (head,) = (head for head in stored.heads(connection) if head.organization == FILLED)
        row = connection.execute(schema.event.select().where(schema.event.c.position == at(seq))).one()
        return list(check.problems_of(row, FILLED, head.log_of(seq), Gone()))


def plain(lines: list[tuple[str, bytes]]) -> bytes:
    """What the frame would hold of these lines, also of ones that no event has."""
    return b"\t".join(path.encode() for path, _ in lines) + b"\n" + b"".join(text + b"\n" for _, text in lines)


def test_every_disclosure_of_every_event(opened: Deployment) -> None:
    """Each line is left out, put in twice, and has one byte of its text changed."""
    with opened.store.reading() as connection:
        events = stored.events(connection, FILLED)
    for event in events:
        lines = list(stored.lines_of(event.disclosures))
        for number, (path, text) in enumerate(lines):
            line = (path, text)
            changed = (path, bytes([text[0] ^ 1]) + text[1:])
            renamed = (chr(ord(path[0]) ^ 1) + path[1:], text)
            swapped = [*lines[number + 1 : number + 2], line]  # with the line behind it, if there is one
            for new in ([], [line, line], [changed], [renamed], *([swapped] if len(swapped) > 1 else [])):
                rest = lines[number + 2 :] if new == swapped else lines[number + 1 :]
                disclosures = body.wrapped(plain([*lines[:number], *new, *rest]))
                statement = f"UPDATE event SET disclosures = x'{disclosures.hex()}' WHERE position = {event.position}"
                assert seen_in_the_row(opened, event.seq, statement), (event.seq, new)


def test_every_row_deleted_and_every_tail_cut(opened: Deployment) -> None:
    size = opened.size(FILLED)
    for seq in range(size):
        delete = f"DELETE FROM event WHERE position = {at(seq)}"
        assert seq in places(opened, delete)
        cut = f"DELETE FROM event WHERE position >= {at(seq)} AND position < {at(size)}"
        assert seq in places(opened, cut)


def test_every_two_neighbours_swapped(opened: Deployment) -> None:
    aside = at(2**30)
    for seq in range(opened.size(FILLED) - 1):
        swap = (
            f"UPDATE event SET position = {aside} WHERE position = {at(seq)}",
            f"UPDATE event SET position = {at(seq)} WHERE position = {at(seq + 1)}",
            f"UPDATE event SET position = {at(seq + 1)} WHERE position = {aside}",
        )
        assert {seq, seq + 1} <= places(opened, *swap)


def test_every_row_put_in_twice_or_over_another(opened: Deployment) -> None:
    size = opened.size(FILLED)
    others = ", ".join(name for name in COLUMNS if name != "position")
    copied = (
        f"INSERT OR REPLACE INTO event (position, {others}) SELECT {{to}}, {others} FROM event WHERE position = {{of}}"
    )
    for seq in range(size):
        assert size in places(opened, copied.format(to=at(size), of=at(seq)))
        over = (seq + 1) % size
        assert over in places(opened, copied.format(to=at(over), of=at(seq)))


def test_an_event_of_another_log_put_in(opened: Deployment) -> None:
    others = ", ".join(name for name in COLUMNS if name not in {"position", "organization"})
    theirs = f"SELECT {at(3)}, {FILLED}, {others} FROM event WHERE position = {log.position(OTHER, 0)}"
    statement = f"INSERT OR REPLACE INTO event (position, organization, {others}) {theirs}"
    assert 3 in places(opened, statement)


def test_the_head_changed(opened: Deployment) -> None:
    size = opened.size(FILLED)
    with opened.store.reading() as connection:
        (head,) = (head for head in stored.heads(connection) if head.organization == FILLED)
    statements = ["size = size + 1", "size = size - 1", "size = 0", "peaks = x''", "log_id = 'x'"]
    statements += ["peaks = CAST(peaks || peaks AS BLOB)"]
    for byte in range(0, len(head.peaks), 7):
        peaks = bytes(value ^ (number == byte) for number, value in enumerate(head.peaks))
        statements.append(f"peaks = x'{peaks.hex()}'")
    for statement in statements:
        assert places(opened, f"UPDATE log_head SET {statement} WHERE organization = {FILLED}"), statement
    assert places(opened, f"UPDATE log_head SET size = size - 1 WHERE organization = {FILLED}") >= {size - 1}


def test_what_no_column_should_hold(opened: Deployment) -> None:
    """SQLite keeps any type in any column, also text that is none."""
    for statement in ("size = 'many'", "peaks = peaks || peaks", "peaks = 7", "log_id = x'ff'"):
        with tampered(opened, f"UPDATE log_head SET {statement} WHERE organization = {FILLED}") as connection:
            assert list(check.check_log(connection, FILLED)), statement
    for name in COLUMNS[2:]:
        for value in ("CAST(x'ff' AS TEXT)", "x'ff'", "7", "1.5", "''"):
            with tampered(opened, f"UPDATE event SET {name} = {value} WHERE position = {at(3)}") as connection:
                found = {finding.seq for finding in check.check_log(connection, FILLED)}
            assert found == ({3, None} if name == "leaf_hash" else {3}), (name, value)


def test_rewritten_with_its_own_hash(opened: Deployment) -> None:
    """Who rewrites an event and its hash is found by the head, and who rewrites the head as well by what was told."""
    with opened.store.reading() as connection:
        (head,) = (head for head in stored.heads(connection) if head.organization == FILLED)
        events = stored.events(connection, FILLED)
    last = events[-1]
    forged = stored.Stored(**{**vars(last), "secret": bytes(32)})
    leaf = stored.leaf_hash(stored.leaf(head.log_of(forged.seq), forged))
    rewrite = (
        f"UPDATE event SET secret = x'{bytes(32).hex()}', leaf_hash = x'{leaf.hex()}' WHERE position = {last.position}"
    )
    assert places(opened, rewrite) == {None}
    peaks = stored.peaks([*(event.leaf_hash for event in events[:-1]), leaf])
    everything = (rewrite, f"UPDATE log_head SET peaks = x'{peaks.hex()}' WHERE organization = {FILLED}")
    assert places(opened, *everything) == set()
