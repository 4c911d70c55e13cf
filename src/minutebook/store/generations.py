"""The generations of a log. One that is restored from a backup goes on under another id; what it had keeps the old one.

So no two logs of one id ever differ: what was signed of the old one, and is lost, is not contradicted by what comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select

from minutebook.store import log, schema

_OF = (
    select(schema.generation)
    .where(schema.generation.c.organization == bindparam("of"))
    .order_by(schema.generation.c.first)
)


@dataclass(frozen=True, slots=True)
class Generation:
    """From the event with the number `first` on, the log has this id."""

    log_id: str
    first: int


def generations(connection: Connection, organization: int) -> tuple[Generation, ...]:
    """Every generation of a log, the oldest first. Raises NotFound."""
    return of_head(connection, organization, log.read_head(connection, organization).log_id)


def of_head(connection: Connection, organization: int, log_id: str) -> tuple[Generation, ...]:
    """The same for a log whose head has this id."""
    begun = connection.execute(_OF, {"of": organization}).all()
    ids = [*(row.previous for row in begun), log_id]
    return tuple(map(Generation, ids, [0, *(row.first for row in begun)]))


def log_of(generations: Sequence[Generation], seq: int) -> str:
    """The id that the log had when this event was recorded."""
    return next(one.log_id for one in reversed(generations) if one.first <= seq)
