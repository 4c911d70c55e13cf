"""What others said of the heads of logs: for each of them the newest of every hour, and what went wrong last.

A log is named by its id here, the anchor log by its name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from minutebook.evidence.checkpoint import log_of
from minutebook.evidence.note import Note, Signature
from minutebook.model import HOUR
from minutebook.store import schema
from minutebook.store.checkpoints import Signed

DONE, FAILED = "done", "failed"


class AnchorKind(StrEnum):
    """Who keeps a head where whoever runs Minutebook cannot change it, or says that they have seen it."""

    WITNESS = "witness"
    TIMESTAMP = "timestamp"
    MAIL = "mail"
    DIRECTORY = "directory"
    OBJECT_STORE = "object_store"


@dataclass(frozen=True, slots=True)
class Said:
    """What an anchor said of a head, when (UTC microseconds); `evidence` is what it gave: the signature lines of a
    witness, the answer of a timestamp authority. With an error, why it could not be asked."""

    log_id: str
    kind: AnchorKind
    name: str
    size: int
    at: int
    evidence: bytes | None = None
    error: str | None = None

    @property
    def is_done(self) -> bool:
        """Whether it vouches for the head."""
        return self.error is None


def note(connection: Connection, said: Iterable[Said]) -> None:
    """Notes what was said. Of one that vouches for a head, what it said before it in the same hour goes; of any, what
    went wrong before."""
    table = schema.anchor.c
    for one in said:
        by = (table.log_id == one.log_id, table.kind == one.kind, table.name == one.name)
        connection.execute(delete(schema.anchor).where(*by, table.state == FAILED))
        if one.is_done:
            hour = one.at - one.at % HOUR
            within = table.at.between(hour, hour + HOUR - 1) | (table.size == one.size)
            connection.execute(delete(schema.anchor).where(*by, table.state == DONE, within))
        connection.execute(
            insert(schema.anchor).values(
                log_id=one.log_id,
                kind=one.kind.value,
                name=one.name,
                state=DONE if one.is_done else FAILED,
                size=one.size,
                at=one.at,
                evidence=one.evidence,
                error=one.error,
            )
        )


def newest(connection: Connection, log_id: str) -> list[Said]:
    """Of each anchor the newest head of a log that it vouches for, and what went wrong after that."""
    table = schema.anchor.c
    last = (
        select(table.kind, table.name, table.state, func.max(table.size).label("size"))
        .where(table.log_id == log_id)
        .group_by(table.kind, table.name, table.state)
        .subquery()
    )
    same = (
        (last.c.kind == table.kind)
        & (last.c.name == table.name)
        & (last.c.state == table.state)
        & (last.c.size == table.size)
    )
    statement = select(schema.anchor).join(last, same).where(table.log_id == log_id)
    return [_said(row) for row in connection.execute(statement.order_by(table.kind, table.name, table.state))]


def vouched(connection: Connection, kind: AnchorKind, name: str) -> dict[str, Said]:
    """Of each log that an anchor vouches for, the newest head. Evidence is left out."""
    table = schema.anchor.c
    statement = (
        select(table.log_id, func.max(table.size).label("size"), func.max(table.at).label("at"))
        .where(table.kind == kind.value, table.name == name, table.state == DONE)
        .group_by(table.log_id)
    )
    return {row.log_id: Said(row.log_id, kind, name, row.size, row.at) for row in connection.execute(statement)}


def sizes(connection: Connection, log_id: str, kind: AnchorKind) -> set[int]:
    """The sizes of the heads of a log that anchors of this kind vouch for."""
    table = schema.anchor.c
    where = (table.log_id == log_id, table.kind == kind.value, table.state == DONE)
    return set(connection.execute(select(table.size).where(*where)).scalars())


def done(connection: Connection, kind: AnchorKind) -> Iterator[Said]:
    """Every head that an anchor of this kind vouches for."""
    table = schema.anchor.c
    statement = select(schema.anchor).where(table.kind == kind.value, table.state == DONE)
    yield from map(_said, connection.execute(statement.order_by(table.name, table.log_id, table.size)))


def failures(connection: Connection) -> list[Said]:
    """Everything that went wrong last and was not made good since."""
    table = schema.anchor.c
    statement = select(schema.anchor).where(table.state == FAILED)
    return [_said(row) for row in connection.execute(statement.order_by(table.kind, table.name, table.at))]


def forget_failures(connection: Connection, keep: Collection[tuple[AnchorKind, str]]) -> None:
    """Forgets what went wrong with anchors that are no longer asked."""
    table = schema.anchor.c
    for row in connection.execute(select(table.kind, table.name).where(table.state == FAILED).distinct()).all():
        if (row.kind, row.name) not in keep:
            by = (table.kind == row.kind, table.name == row.name, table.state == FAILED)
            connection.execute(delete(schema.anchor).where(*by))


def cosigned(connection: Connection, head: Signed) -> Note:
    """The note of a checkpoint with the cosignatures that are kept of it. What somebody made unreadable is none."""
    more = list[Signature]()
    for evidence in _evidence(connection, head, AnchorKind.WITNESS):
        more += cosignatures(evidence)
    return Note(head.checkpoint.text(), (*head.signatures, *more))


def cosignatures(evidence: bytes | None) -> list[Signature]:
    """The signature lines of a witness; none of what somebody made unreadable."""
    try:
        return [Signature.parse(line) for line in (evidence or b"").decode().removesuffix("\n").split("\n")]
    except ValueError:
        return []


def timestamp(connection: Connection, head: Signed) -> bytes | None:
    """What a timestamp authority answered about a checkpoint (a TimeStampResp of RFC 3161); None when it was not
    asked."""
    return next(iter(_evidence(connection, head, AnchorKind.TIMESTAMP)), None)


def _evidence(connection: Connection, head: Signed, kind: AnchorKind) -> list[bytes]:
    table = schema.anchor.c
    of_head = (table.log_id == log_of(head.checkpoint.origin), table.size == head.size)
    statement = select(table.evidence).where(*of_head, table.kind == kind.value, table.state == DONE)
    return [bytes(row.evidence) for row in connection.execute(statement.order_by(table.name)) if row.evidence]


def _said(row: Row[Any]) -> Said:
    evidence = None if row.evidence is None else bytes(row.evidence)
    return Said(row.log_id, AnchorKind(row.kind), row.name, row.size, row.at, evidence, row.error)
