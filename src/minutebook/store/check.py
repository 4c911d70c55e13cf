"""Is a log what it was when it was recorded? Reads it once, in order, and says what is wrong where. The
memory that it takes grows only with what is missing.

What is found: any changed byte of an event (its disclosures, secret, hash or columns), an event deleted, inserted,
swapped or put in twice, a changed head, an act without its event, and whatever is missing of an event without an event
that says it was erased or pruned (`check_gone.py`). What cannot be found without a head that was kept
elsewhere: a log that was rewritten as a whole with all its hashes, or rolled back to what it once was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, func, select, text, type_coerce
from sqlalchemy.types import NULLTYPE

from minutebook.actions import CATALOGUE
from minutebook.errors import MinutebookError
from minutebook.evidence.leaf import disclose, leaf
from minutebook.evidence.remains import remains_of
from minutebook.evidence.tree import HASH_SIZE, CompactRange, leaf_hash
from minutebook.model import Event
from minutebook.store import body, generations, schema
from minutebook.store.check_gone import Gone
from minutebook.store.log import SEQ_MASK, event_of, facts_of, is_pruned, position

AT_ONCE = 500
MOST = (1 << 63 - schema.SEQ_BITS) - 1
"""The highest number that an organization can have."""

Progress = Callable[[int], None]
Visit = Callable[[Event | None], None]
"""Is given each event, None for one that was pruned."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong in the log of one organization; `seq` is the event, None when it is no single one."""

    organization: int
    seq: int | None
    problem: str


def check_log(
    connection: Connection,
    organization: int,
    *,
    hashes: bool = True,
    progress: Progress | None = None,
    visit: Visit | None = None,
) -> Iterator[Finding]:
    """Everything that is wrong with one log, in the order of the log, what concerns its head at the end.

    `hashes=False` believes the stored hash of each event instead of computing it anew from what the event says, which
    is many times as fast. `progress` is told each number that has been read; `visit` gets each event that can be read,
    unless hashes are believed. The connection should see one snapshot.
    """
    head = next(raw_rows(connection, schema.log_head, organization), None)
    if head is None:
        yield Finding(organization, None, "There is no head of this log.")
        return
    if not isinstance(head.size, int):
        yield Finding(organization, None, "The head says no number of events.")
        return
    if head.size == 0:
        yield Finding(organization, None, "The log is empty, but every log begins with its organization.")
    with any_text(connection):
        known = generations.of_head(connection, organization, head.log_id)
    if not all(isinstance(one.first, int) for one in known):
        yield Finding(organization, None, "From which events on the log has which id cannot be read.")
        return
    tree: CompactRange | None = CompactRange()
    gone = Gone()
    following = 0
    for row in _rows(connection, organization):
        seq = row.position & SEQ_MASK
        if seq != following:
            yield _gap(organization, following, seq)
            tree = None
        if seq >= head.size:
            yield Finding(organization, seq, f"The event is not in the log: the head says {head.size:,} events.")
        elif tree is not None:
            tree = tree.append(_hash_of(row))
        log_id = generations.log_of(known, seq)
        problems = problems_of(row, organization, log_id, gone, visit) if hashes else ()
        yield from (Finding(organization, seq, problem) for problem in problems)
        following = seq + 1
        if progress:
            progress(seq)
    if following < head.size:
        yield _gap(organization, following, head.size)
    elif tree is not None and (problem := _wrong_peaks(tree, head.peaks)):
        yield Finding(organization, None, problem)
    yield from (Finding(organization, seq, problem) for seq, problem in gone.unexplained())
    yield from _lonely_acts(connection, organization)


def problems_of(row: Row[Any], organization: int, log_id: str, gone: Gone, visit: Visit | None = None) -> Iterator[str]:
    """What is wrong with one row of the table `event`, compared with what it says itself; `gone` learns what is missing
    of it, and what it says of what is missing of others."""
    if row.organization != organization:
        yield "The column organization names another organization."
    if is_pruned(row):
        if (row.secret, row.id, row.action, row.outcome) != (b"", "", "", ""):
            yield "Only a part of the event was pruned."
        gone.pruned(row.position & SEQ_MASK)
        if visit:
            visit(None)
        return
    try:
        disclosures, written = body.unpack(row.disclosures), body.plain(row.disclosures)
        event = event_of(row)
        remains = remains_of(row.secret, disclosures)
        hashed = leaf_hash(leaf(facts_of(event, log_id), remains.nonce, remains.commitments(disclosures)))
        as_written = _as_written(event)
    except (ValueError, TypeError, KeyError, AttributeError, MinutebookError) as error:
        yield f"The event cannot be read back ({type(error).__name__})."
        return
    if visit:
        visit(event)
    if written != as_written:
        yield "The disclosures are not stored as they were written."
    if hashed != row.leaf_hash:
        yield "The event is not what its hash was made of."
    else:
        yield from gone.take(event, remains)


def _as_written(event: Event) -> bytes:
    """The disclosures as `log.append` packs them. The hash holds what each line says; this holds their order, too."""
    names = ("v", *CATALOGUE[event.action].details.model_fields)
    details = {name: event.details[name] for name in names if name in event.details}
    disclosed = disclose(event.actor, event.targets, event.context, details)
    return body.plain_of(disclosed | dict.fromkeys(event.erased, b""))


def raw_rows(connection: Connection, table: Table, organization: int) -> Iterator[Row[Any]]:
    """The rows of an organization as the database has them, whatever their types and their text."""
    with any_text(connection):
        rows = connection.execute(_raw(table).where(table.c.organization == organization)).all()
    return iter(rows)


def logs(connection: Connection) -> list[int]:
    """The number of every organization that has a row in any table, in ascending order."""
    numbers = set[int]()
    for owned in (schema.log_head, *schema.ORGANIZATION_TABLES):
        with any_text(connection):
            owners = connection.execute(select(owned.c.organization).distinct()).scalars()
            numbers |= {number for number in owners if isinstance(number, int)}
    for table in (schema.event, schema.act):
        found: int | None = connection.execute(select(func.min(table.c.position))).scalar_one()
        while found is not None:  # one step of the primary key for each organization
            numbers.add(found >> schema.SEQ_BITS)
            following = select(func.min(table.c.position)).where(table.c.position > found | SEQ_MASK)
            found = connection.execute(following).scalar_one()
    return sorted(numbers)


def missing_logs(connection: Connection) -> Iterator[Finding]:
    """Organizations that were once there and whose head is gone; only SQLite remembers how many numbers it gave out.

    Its memory can be changed, too: that is noticed when a number is known beyond it.
    """
    if connection.dialect.name != "sqlite":
        return
    given = connection.execute(text("SELECT seq FROM sqlite_sequence WHERE name = 'log_head'")).scalar_one_or_none()
    counted = min(given, MOST) if isinstance(given, int) else 0
    there = set(connection.execute(select(schema.log_head.c.organization)).scalars())
    for number in range(1, counted + 1):
        if number not in there:
            yield Finding(number, None, "The organization and its log were deleted.")
    if beyond := [number for number in logs(connection) if number > counted]:
        problem = "SQLite's count of organizations ends before this one, so it was changed, and others may be deleted."
        yield Finding(beyond[0], None, problem)


def _gap(organization: int, first: int, end: int) -> Finding:
    which = f"Event {first} is" if end == first + 1 else f"Events {first} to {end - 1} are"
    return Finding(organization, first, f"{which} missing.")


def _rows(connection: Connection, organization: int) -> Iterator[Row[Any]]:
    column = schema.event.c.position
    statement = _raw(schema.event).where(*_within(column, organization)).order_by(column)
    with any_text(connection):
        yield from connection.execute(statement, execution_options={"yield_per": AT_ONCE})


def _raw(table: Table) -> Any:
    """All columns as the database gives them: SQLite keeps any type in any column, and a wrong one is to be found."""
    return select(*(type_coerce(column, NULLTYPE).label(column.name) for column in table.c))


@contextmanager
def any_text(connection: Connection) -> Iterator[None]:
    """Lets SQLite hand out text that is not UTF-8, so that it is found rather than ends the reading."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    before = driver.text_factory
    driver.text_factory = lambda raw: raw.decode(errors="surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = before


def _hash_of(row: Row[Any]) -> bytes:
    """The stored hash; for one that cannot be one, a hash that fits nothing."""
    stored = row.leaf_hash
    return stored if isinstance(stored, bytes) and len(stored) == HASH_SIZE else b"\0" * HASH_SIZE


def _wrong_peaks(tree: CompactRange, stored: object) -> str | None:
    """Where the tree over the stored hashes is not the one of the head, as narrow as the head can tell."""
    if not isinstance(stored, bytes) or len(stored) != HASH_SIZE * len(tree.peaks):
        return "The head's tree does not fit its number of events."
    first = 0
    for number, peak in enumerate(tree.peaks):
        width = 1 << _ones(tree.size)[number]
        if stored[number * HASH_SIZE : (number + 1) * HASH_SIZE] != peak:
            where = f"event {first}" if width == 1 else f"events {first} to {first + width - 1}"
            return f"The hash of {where} is not the one that the head has: events there, or the head, were rewritten."
        first += width
    return None


def _ones(size: int) -> list[int]:
    """The places of the one-bits of a number, the highest first: each is the height of one peak."""
    return [bit for bit in reversed(range(size.bit_length())) if size >> bit & 1]


def _lonely_acts(connection: Connection, organization: int) -> Iterator[Finding]:
    act, event = schema.act.c, schema.event.c
    joined = select(act.position).outerjoin(schema.event, event.position == act.position)
    lonely_ones = joined.where(*_within(act.position, organization), event.position.is_(None)).order_by(act.position)
    for lonely in connection.execute(lonely_ones).scalars():
        yield Finding(organization, lonely & SEQ_MASK, "Something was changed without an event.")


def _within(column: ColumnElement[int], organization: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return column >= position(organization, 0), column <= position(organization, SEQ_MASK)
