"""Retention: for how long the events of each family of actions are kept. Without a policy, for ever.

The daily job prunes what is older, in the name of Minutebook itself: their hashes stay, so that the log proves what is
left of it. A clock that is wrong prunes nothing: while a step forward of the server's clock waits to be confirmed
(`clock.py`), all is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, Select, delete, insert, select

from minutebook.actions import CATALOGUE, NOUNS
from minutebook.actions.log import ALL, LogPruned, RetentionChanged
from minutebook.custody.clock import TOLERANCE, RecordForwardStep, expected_at_start, find_step
from minutebook.custody.holds import held_by
from minutebook.custody.kept import NEVER_PRUNED
from minutebook.custody.ledger import WHOLE, Ledger
from minutebook.errors import Invalid, NotAllowed
from minutebook.model import DAY, Event
from minutebook.permissions import Permission
from minutebook.record import ANYBODY, NO_CHANGE, Act, Command, NoChange, own_seat, perform
from minutebook.store import log, schema
from minutebook.store.engine import Store
from minutebook.store.erase import prune
from minutebook.store.log import SEQ_MASK, position

LEAST_DAYS = 90
MOST_DAYS = 36_500
AT_ONCE = 1_000
"""Events in one act."""


@dataclass(frozen=True)
class SetRetention(Command):
    """Sets for how many days the events of a family are kept: of a noun, or of ALL that have no policy of their own;
    None for ever. Raises Invalid on `family` or `days`."""

    needs: ClassVar = Permission.RETENTION_WRITE

    family: str
    days: int | None

    def change(self, act: Act) -> RetentionChanged | NoChange:
        if self.family != ALL and self.family not in NOUNS:
            raise Invalid.one("family", f"Choose one of: {', '.join([ALL, *NOUNS])}.")
        check_days(self.days)
        before = policies(act.connection, act.organization).get(self.family)
        if before == self.days:
            return NO_CHANGE
        table = schema.retention
        here = (table.c.organization == act.organization, table.c.family == self.family)
        act.connection.execute(delete(table).where(*here))
        if self.days is not None:
            values = {"organization": act.organization, "family": self.family, "days": self.days}
            act.connection.execute(insert(table).values(values))
        return RetentionChanged(family=self.family, before=before, after=self.days)


@dataclass(frozen=True)
class Prune(Command):
    """Prunes the first AT_ONCE events of a family, from the number `first` on, that are older than its policy, and on
    which no hold is; nothing where there are none, or the clock is not confirmed. Only Minutebook itself does that."""

    needs: ClassVar = ANYBODY

    family: str
    ledger: Ledger
    first: int = 0

    def change(self, act: Act) -> LogPruned | NoChange:
        if not act.by_operator:
            raise NotAllowed("Minutebook itself prunes the log, by the policy that an owner has set.")
        days = days_of(policies(act.connection, act.organization), self.family)
        if days is None or find_step(act.connection, act.organization):
            return NO_CHANGE
        before = act.at - days * DAY
        seqs = due(act.connection, act.organization, self.family, before, first=self.first, limit=AT_ONCE)
        if not seqs:
            return NO_CHANGE
        hashes = log.leaf_hashes(act.connection, act.organization, seqs)
        self.ledger.write(_log_id(act), act.at, [(seq, WHOLE, hashes[seq]) for seq in seqs])
        prune(act.connection, act.organization, seqs)
        return LogPruned(
            family=self.family,
            days=days,
            before=before,
            first=seqs[0],
            last=seqs[-1],
            count=len(seqs),
            ranges=tuple(runs(seqs)),
        )


def check_days(days: int | None) -> None:
    """Raises Invalid on `days` for what no policy can be."""
    if days is not None and not LEAST_DAYS <= days <= MOST_DAYS:
        raise Invalid.one("days", f"Enter {LEAST_DAYS} to {MOST_DAYS:,} days, or leave it empty to keep for ever.")


def policies(connection: Connection, organization: int) -> dict[str, int]:
    """The days of each family that has a policy."""
    table = schema.retention.c
    rows = connection.execute(select(table.family, table.days).where(table.organization == organization))
    return {row.family: row.days for row in rows}


def days_of(policies: dict[str, int], family: str) -> int | None:
    """For how many days a family is kept, by its own policy or that of all; None for ever."""
    return policies.get(family, policies.get(ALL))


def due(
    connection: Connection, organization: int, family: str, before: int, *, first: int = 0, limit: int | None = None
) -> list[int]:
    """The numbers, from `first` on and ascending, of the events of a family that were recorded before a time (UTC
    microseconds) and may be pruned: the first of the log, what explains others and what is held may not."""
    is_held, found = held_by(connection, organization), list[int]()
    for row in connection.execute(_old(organization, family, before, first), execution_options={"yield_per": AT_ONCE}):
        if row.action not in NEVER_PRUNED and not is_held(log.event_of(row)):
            found.append(log.seq_of(row))
            if len(found) == limit:
                break
    return found


def _old(organization: int, family: str, before: int, first: int) -> Select[tuple[object, ...]]:
    event = schema.event.c
    of_family = [name for name, action in CATALOGUE.items() if action.noun == family]
    here = event.position.between(position(organization, first), position(organization, SEQ_MASK))
    return (
        select(*log.SHOWN).where(here, event.recorded_at < before, event.action.in_(of_family)).order_by(event.position)
    )


def runs(seqs: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The first and the last of each run of neighbours among ascending numbers."""
    first = last = seqs[0]
    for seq in seqs[1:]:
        if seq != last + 1:
            yield first, last
            first = seq
        last = seq
    yield first, last


def record_step_at_start(store: Store) -> None:
    """Records that the clock went forward while nothing ran, if it did: in every log, since what is recorded in one by
    a wrong clock makes that clock look right to the next program that starts."""
    expected, now = expected_at_start(store), store.clock()
    if now - expected > TOLERANCE:
        record_step(store, expected, now)


def record_step(store: Store, before: int, after: int) -> None:
    """Records in every log that the clock went forward, as far as it does not say so yet."""
    with store.reading() as connection:
        numbers = list(connection.execute(select(schema.organization.c.organization)).scalars())
    for number in numbers:
        perform(store, own_seat(number), RecordForwardStep(before, after))


def prune_log(store: Store, organization: int, ledger: Ledger) -> list[Event]:
    """Prunes all that is due in one log; the events that say so."""
    done = []
    for family in NOUNS:
        first = 0
        while isinstance(event := perform(store, own_seat(organization), Prune(family, ledger, first)), Event):
            done.append(event)
            first = int(str(event.details["last"])) + 1
    return done


def _log_id(act: Act) -> str:
    return log.read_head(act.connection, act.organization).log_id
