"""What was signed of each log: the checkpoints as they are stored, and the notes that they are.

A note is made anew of its size, its root and its signature lines; the first of these is the log's own, and the name in
it is the log's origin. One checkpoint is kept for each hour, the last one: any two sizes can be compared without more.
So are those that somebody else has seen, by themselves or in the anchor log.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, exists, func, literal, select, union_all

from minutebook.evidence.anchor_entry import names_until
from minutebook.evidence.checkpoint import Checkpoint, log_of
from minutebook.evidence.note import NotANote, Note, Signature
from minutebook.evidence.tree import CompactRange
from minutebook.model import HOUR
from minutebook.store import generations, schema, upsert
from minutebook.store.log import Head

ENTRIES = 3


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint, when it was signed (UTC microseconds), and the signatures under it: at least one, but where
    somebody made what is stored unreadable. It has no origin then."""

    checkpoint: Checkpoint
    signed_at: int
    signatures: tuple[Signature, ...]

    @property
    def size(self) -> int:
        """How many events were signed."""
        return self.checkpoint.size

    def __str__(self) -> str:
        """The signed note."""
        return str(Note(self.checkpoint.text(), self.signatures))


@dataclass(frozen=True, slots=True)
class Unsigned:
    """The head of a log, and whether a checkpoint of just this size is there."""

    head: Head
    is_signed: bool


def latest(connection: Connection, organization: int) -> Signed | None:
    """The newest checkpoint of a log; None when nothing of it was signed yet."""
    table = schema.checkpoint.c
    newest = _of(organization).order_by(table.size.desc()).limit(1)
    row = connection.execute(newest).one_or_none()
    return _signed(row) if row else None


def covering(connection: Connection, organization: int, seq: int) -> Signed | None:
    """The smallest checkpoint that was kept of those that hold the event."""
    table = schema.checkpoint.c
    smallest = _of(organization).where(table.size > seq).order_by(table.size).limit(1)
    row = connection.execute(smallest).one_or_none()
    return _signed(row) if row else None


def count(connection: Connection, organization: int) -> int:
    """How many checkpoints of a log were kept."""
    table = schema.checkpoint
    statement = select(func.count()).select_from(table).where(table.c.organization == organization)
    return int(connection.execute(statement).scalar_one())


def page(connection: Connection, organization: int, first: int, most: int) -> list[Signed]:
    """Some checkpoints of a log, newest first, behind the `first` ones."""
    statement = _of(organization).order_by(schema.checkpoint.c.size.desc()).offset(first).limit(most)
    return [_signed(row) for row in connection.execute(statement)]


def every(connection: Connection, organization: int) -> Iterator[Signed]:
    """Every checkpoint of a log that was kept, the newest first."""
    for row in connection.execute(_of(organization).order_by(schema.checkpoint.c.size.desc())):
        yield _signed(row)


def add(connection: Connection, organization: int, signed: Signed) -> None:
    """Adds a checkpoint, and takes those away that were signed before it in the same hour and that nobody has seen. The
    same one again changes nothing."""
    table = schema.checkpoint.c
    hour = signed.signed_at - signed.signed_at % HOUR
    here = (table.organization == organization, table.signed_at.between(hour, hour + HOUR - 1))
    seen = _seen(connection, organization, hour)
    connection.execute(delete(schema.checkpoint).where(*here, table.size < signed.size, table.size.not_in(seen)))
    values = {
        "organization": organization,
        "size": signed.size,
        "root": signed.checkpoint.root,
        "signed_at": signed.signed_at,
        "signatures": "".join(signature.line() for signature in signed.signatures),
    }
    upsert.put_missing(connection, schema.checkpoint, [values])


def of_size(connection: Connection, organization: int, size: int) -> Signed | None:
    """The checkpoint of just this size; None when it was not kept, or never signed."""
    row = connection.execute(_of(organization).where(schema.checkpoint.c.size == size)).one_or_none()
    return _signed(row) if row else None


def newest(connection: Connection) -> dict[int, tuple[int, int]]:
    """Of every log that was signed, by organization, and of the anchor log, the size of its newest checkpoint and when
    it was signed: two by which it is known again."""
    table = schema.checkpoint.c
    logs = union_all(
        select(schema.log_head.c.organization), select(literal(schema.ANCHOR).label("organization"))
    ).subquery()
    largest = schema.checkpoint.alias().c
    size = select(func.max(largest.size)).where(largest.organization == logs.c.organization).scalar_subquery()
    of_each = select(table.organization, table.size, table.signed_at).join_from(
        logs, schema.checkpoint, and_(table.organization == logs.c.organization, table.size == size)
    )
    return {number: (size, at) for number, size, at in connection.execute(of_each.order_by(table.organization))}


def heads(connection: Connection, *, unsigned: bool = False) -> list[Unsigned]:
    """Every log as it is now; or only those of which no checkpoint of just this size is there, or a larger one.

    Where somebody changed size or peaks so that they fit no tree, the tree is one that no log has: of so many events,
    and without peaks."""
    head, table = schema.log_head.c, schema.checkpoint.c
    joined = and_(table.organization == head.organization, table.size == head.size)
    statement = select(schema.log_head, table.size.label("signed")).outerjoin(schema.checkpoint, joined)
    if unsigned:
        larger = schema.checkpoint.alias().c
        cut_back = exists().where(larger.organization == head.organization, larger.size > head.size)
        statement = statement.where(table.size.is_(None) | cut_back)
    return [
        Unsigned(
            Head(row.organization, row.log_id, _tree(row), row.recorded_at),
            row.signed is not None,
        )
        for row in connection.execute(statement.order_by(head.organization))
    ]


def any_signed(connection: Connection) -> bool:
    """Whether anything was ever signed."""
    return connection.execute(select(schema.checkpoint.c.size).limit(1)).first() is not None


def _seen(connection: Connection, organization: int, since: int) -> Any:
    """The sizes of a log that others have seen since a time, under any id that it has had: itself, or in the anchor
    log; and those of its newest entries there, which others are about to see."""
    entry, anchor = schema.anchor_entry.c, schema.anchor.c
    newest = latest(connection, schema.ANCHOR)
    names = names_until(log_of(newest.checkpoint.origin)) if newest else []
    is_anchor = organization == schema.ANCHOR
    ids = names if is_anchor else [one.log_id for one in generations.generations(connection, organization)]
    of_log = select(entry.size).where(entry.log_id.in_(ids)).order_by(entry.number.desc())
    seen = [
        select(anchor.size).where(anchor.log_id.in_(ids), anchor.at >= since, anchor.state == "done"),
        select(of_log.limit(ENTRIES).subquery().c.size),
    ]
    if not is_anchor:
        last = of_log.where(entry.number < anchor.size).limit(1).correlate(schema.anchor).scalar_subquery()
        told = select(last.label("size")).where(anchor.log_id.in_(names), anchor.at >= since, anchor.state == "done")
        known = told.subquery().c.size
        seen.append(select(known).where(known.is_not(None)))
    return union_all(*seen)


def _tree(row: Row[Any]) -> CompactRange:
    try:
        return CompactRange.from_bytes(row.size, bytes(row.peaks))
    except (AttributeError, TypeError, ValueError):
        return CompactRange(row.size if isinstance(row.size, int) else 0)


def _of(organization: int) -> Any:
    return select(schema.checkpoint).where(schema.checkpoint.c.organization == organization)


def _signed(row: Row[Any]) -> Signed:
    """The checkpoint in a row. Signatures that cannot be read are none, so that whoever looks for one misses it."""
    try:
        lines = tuple(map(Signature.parse, row.signatures[:-1].split("\n")))
    except NotANote:
        lines = ()
    origin = lines[0].name if lines else ""
    return Signed(Checkpoint(origin, row.size, bytes(row.root)), row.signed_at, lines)
