"""The clock that the log is kept by. A step of it is recorded, never hidden, and what went forward prunes nothing until
an owner has confirmed that it is right.

Back: an act that is recorded before the one before it says so itself (`record.py`). Forward: nothing in a log tells a
jump from a quiet week, so the server holds its clock against the time that it has been running; and when it starts,
against what was recorded last. What it finds is recorded in every log; of a step back, where it matters there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, delete, func, insert, select

from minutebook.actions.log_custody import ClockConfirmed, ClockStepped
from minutebook.errors import NotAllowed, NotFound, Sealed
from minutebook.model import DAY, SECOND
from minutebook.permissions import Permission
from minutebook.record import ANYBODY, NO_CHANGE, Act, Command, NoChange, own_seat, perform, record_step_back
from minutebook.store import schema
from minutebook.store.engine import Store

TOLERANCE = 10 * SECOND
"""Less than that is how clocks are kept right."""
AWAY = 7 * DAY
"""A server that was away for longer cannot say that its clock is right."""


@dataclass(frozen=True)
class RecordForwardStep(Command):
    """Records that the clock went forward. Only Minutebook itself does that."""

    needs: ClassVar = ANYBODY

    before: int
    after: int

    def change(self, act: Act) -> ClockStepped | NoChange:
        if not act.by_operator:
            raise NotAllowed("Minutebook itself records a step of its clock.")
        table = schema.clock_step
        here = table.c.organization == act.organization
        known = act.connection.execute(select(table).where(here)).one_or_none()
        if self.after <= self.before or (known and known.after >= self.after):
            return NO_CHANGE
        act.connection.execute(delete(table).where(here))
        step = {"before": known.before if known else self.before, "after": self.after}
        act.connection.execute(insert(table).values(organization=act.organization, **step))
        return ClockStepped(before=self.before, after=self.after)


@dataclass(frozen=True)
class ConfirmClock(Command):
    """Confirms that the clock is right, so that events are pruned by it again. Raises NotFound when it did not step."""

    needs: ClassVar = Permission.RETENTION_WRITE

    def change(self, act: Act) -> ClockConfirmed:
        table = schema.clock_step
        here = table.c.organization == act.organization
        known = act.connection.execute(select(table).where(here)).one_or_none()
        if known is None:
            raise NotFound
        act.connection.execute(delete(table).where(here))
        return ClockConfirmed(before=known.before, after=known.after)


def find_step(connection: Connection, organization: int) -> tuple[int, int] | None:
    """From when to when (UTC microseconds) the clock went forward, if nobody has confirmed that yet."""
    table = schema.clock_step.c
    row = connection.execute(select(table.before, table.after).where(table.organization == organization)).one_or_none()
    return (row.before, row.after) if row else None


def expected_at_start(store: Store) -> int:
    """What the clock should say when nobody has watched it (UTC microseconds): what it says, or if that is behind what
    was recorded last in any log, or more than AWAY ahead of it, that."""
    with store.reading() as connection:
        last: int | None = connection.execute(select(func.max(schema.log_head.c.recorded_at))).scalar_one()
    now = store.clock()
    return last if last and not 0 <= now - last <= AWAY else now


def step_at_start(store: Store) -> tuple[int, int] | None:
    """From when to when (UTC microseconds) the clock went while nothing ran, as far as that can be told."""
    expected, now = expected_at_start(store), store.clock()
    return (expected, now) if abs(now - expected) > TOLERANCE else None


def record_step_at_start(store: Store) -> None:
    """Records such a step before anything else is recorded: in every log, since what is recorded in one by a wrong
    clock makes that clock look right to the next program that starts."""
    if step := step_at_start(store):
        record_step(store, *step)


def record_step(store: Store, before: int, after: int) -> None:
    """Records in every log that the clock went forward or back, as far as it does not say so yet."""
    with store.reading() as connection:
        numbers = open_logs(connection)
    for number in numbers:
        if after > before:
            with suppress(Sealed):  # deleted meanwhile: others still have to be told
                perform(store, own_seat(number), RecordForwardStep(before, after))
        else:
            record_step_back(store, number, before)


def open_logs(connection: Connection) -> list[int]:
    """The numbers of the organizations whose logs go on: those that were not deleted."""
    organizations = schema.organization.c
    numbers = select(organizations.organization).where(organizations.sealed.is_(None))
    return list(connection.execute(numbers).scalars())


def time_passing() -> float:
    """Seconds that only go on, also while the machine sleeps, where it can tell."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Watch:
    """Holds the clock against the time that passes. `passing` are seconds that only go on."""

    def __init__(self, store: Store, passing: Callable[[], float] = time_passing) -> None:
        self._store = store
        self._passing = passing
        self._expected, self._at = expected_at_start(store), passing()

    def step(self) -> tuple[int, int] | None:
        """What the clock should say and what it says (UTC microseconds), if it stepped since the last look."""
        passed, now = self._passing(), self._store.clock()
        expected = self._expected + int((passed - self._at) * SECOND)
        self._expected, self._at = now, passed
        return (expected, now) if abs(now - expected) > TOLERANCE else None
