"""The tail: what is recorded in one organization from a number on, in the order of the log, where a filter finds it.

Order is `seq`, never a clock, and a window of the log that was read once never changes. So one number says where a
reader is: who goes on behind it, in another connection or another process, misses no event and sees none twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from minutebook.deliver.formats import Row
from minutebook.deliver.pace import Pace
from minutebook.errors import Invalid
from minutebook.filters import Filter
from minutebook.store import log
from minutebook.store.engine import Store
from minutebook.store.event_json import row_json
from minutebook.store.log import Stored, seq_of
from minutebook.store.scope import Scope

AT_ONCE = 100
"""The most events of one batch."""
STRIDE = 5_000
"""How many numbers a read looks at, at most."""
POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Batch:
    """What one read found. Everything up to the number `through` has been looked at; -1 before the first event."""

    rows: tuple[Row, ...]
    through: int
    is_more: bool
    """Whether the log went on behind it when it was read."""


class Tail:
    """One reader's way along a log: from behind the number `after` on. Not to be read by two threads at once."""

    def __init__(self, organization: int, filter_: Filter, after: int) -> None:
        self.organization = organization
        self.after = after
        self._filter = filter_
        self._pace = Pace(STRIDE)

    def read(self, connection: Connection) -> Batch:
        """The next of what is found, from the snapshot of this connection; empty at the end of the log, and where
        nothing was found for a while.

        Raises TooSlow; the tail is then where it was.
        """
        size = log.read_head(connection, self.organization).size
        found: list[Row] = []

        def take(row: Stored) -> bool:
            found.append(Row(seq_of(row), row_json(row)))
            return len(found) < AT_ONCE

        if self.after + 1 < size:
            scope = Scope(self.organization, size)
            self.after = self._pace.look(connection, scope, self._filter, take, self.after + 1) - 1
        return Batch(tuple(found), self.after, is_more=self.after < size - 1)


def begin(connection: Connection, organization: int, filter_: Filter, after: int | None, field: str) -> Tail:
    """The tail behind the number `after`, -1 for the whole log; None begins with what is recorded from now on.

    Raises Invalid for `field` where the log is shorter: the number is of another log, or of one that was cut.
    """
    size = log.read_head(connection, organization).size
    if after is not None and not -1 <= after < size:
        message = f"There is no event {after:,} in this log; its newest is {size - 1:,}. Leave it out to begin there."
        raise Invalid.one(field, message)
    return Tail(organization, filter_, size - 1 if after is None else after)


def poll(store: Store, tail: Tail, sleep: Callable[[float], None]) -> Iterator[Batch]:
    """The tail from outside of the process that records: looks about once a second, and never ends."""
    while True:
        with store.reading() as connection:
            batch = tail.read(connection)
        yield batch
        if not batch.is_more:
            sleep(POLL_SECONDS)
