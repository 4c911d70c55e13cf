"""What waits, counted over all logs: for whoever runs Minutebook, who looks at numbers and not into logs."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from minutebook.store import schema
from minutebook.store.anchors import FAILED


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much there is, and how much of it waits to be signed, searched, mailed or anchored."""

    organizations: int
    events: int
    unsigned_logs: int
    unindexed_events: int
    waiting_mails: int
    failing_anchors: int


def read_backlog(connection: Connection) -> Backlog:
    """The counts as they are now; as much work as there are organizations, not events."""
    heads, index, signed = schema.log_head.c, schema.log_index.c, schema.checkpoint.c
    newest = select(func.max(signed.size)).where(signed.organization == heads.organization).scalar_subquery()
    of_logs = select(
        func.count(),
        func.coalesce(func.sum(heads.size), 0),
        func.coalesce(func.sum(heads.size - func.coalesce(index.texts, 0)), 0),
    ).select_from(schema.log_head.outerjoin(schema.log_index, index.organization == heads.organization))
    organizations, events, unindexed = connection.execute(of_logs).one()
    unsigned = select(func.count()).select_from(schema.log_head).where(heads.size > func.coalesce(newest, 0))
    failing = select(schema.anchor.c.kind, schema.anchor.c.name).where(schema.anchor.c.state == FAILED).distinct()
    # of those that left or were taken back nothing but a row is kept for a day; of those given up the subject, too
    waiting = select(func.count()).select_from(schema.outbox).where(schema.outbox.c.subject != "")
    return Backlog(
        organizations=organizations,
        events=int(events),
        unsigned_logs=connection.execute(unsigned).scalar_one(),
        unindexed_events=int(unindexed),
        waiting_mails=connection.execute(waiting).scalar_one(),
        failing_anchors=len(connection.execute(failing).all()),
    )
