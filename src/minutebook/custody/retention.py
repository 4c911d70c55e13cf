"""Retention: for how long the events of each family of actions are kept. Without a policy, for ever.

The daily job prunes what is older, in the name of Minutebook itself: their hashes stay, so that the log proves what is
left of it. A clock that is wrong prunes nothing: while a step forward of the server's clock waits to be confirmed
(`clock.py`), all is kept.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

from sqlalchemy import Connection, delete, insert, select

from minutebook.actions import CATALOGUE, NOUNS
from minutebook.actions.log_custody import ALL, LogPruned, RetentionChanged
from minutebook.custody.clock import find_step
from minutebook.custody.holds import held_by
from minutebook.custody.kept import NEVER_PRUNED
from minutebook.custody.ledger import WHOLE, Ledger
from minutebook.errors import Invalid, NotAllowed, Sealed
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
    """Prunes the first AT_ONCE events of a family, from the number `first` on, that are older than its policy at the
    moment `at` (UTC microseconds), and on which no hold is; nothing where there are none, or the clock is not
    confirmed. Only Minutebook itself does that."""

    needs: ClassVar = ANYBODY

    family: str
    ledger: Ledger
    at: int
    first: int = 0

    def change(self, act: Act) -> LogPruned | NoChange:
        if not act.by_operator:
            raise NotAllowed("Minutebook itself prunes the log, by the policy that an owner has set.")
        days = days_of(policies(act.connection, act.organization), self.family)
        if days is None or find_step(act.connection, act.organization):
            return NO_CHANGE
        before = min(self.at, act.at) - days * DAY  # the clock may have been set back since
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
    with closing(_old(connection, organization, family, before, first)) as old:
        return list(islice((seq for seq, is_held in old if not is_held), limit))


@dataclass(frozen=True, slots=True)
class Due:
    """What of a family would be pruned: how many events, older than how many days, the first and the last of their
    numbers; and how many more a legal hold keeps."""

    family: str
    days: int
    count: int
    first: int
    last: int
    held: int


def all_due(connection: Connection, organization: int, at: int) -> Iterator[Due]:
    """What would be pruned at a moment (UTC microseconds), of each family of which something is old enough."""
    kept = policies(connection, organization)
    for family in NOUNS:
        if (days := days_of(kept, family)) is None:
            continue
        first = last = count = held = 0
        for seq, is_held in _old(connection, organization, family, at - days * DAY):
            if is_held:
                held += 1
            else:
                first, last, count = first if count else seq, seq, count + 1
        if count or held:
            yield Due(family, days, count, first, last, held)


def _old(
    connection: Connection, organization: int, family: str, before: int, first: int = 0
) -> Generator[tuple[int, bool]]:
    """The numbers of the events of a family that are old enough and explain nothing, and whether a hold is on each."""
    event = schema.event.c
    of_family = [name for name, action in CATALOGUE.items() if action.noun == family and name not in NEVER_PRUNED]
    here = event.position.between(position(organization, first), position(organization, SEQ_MASK))
    old = (here, event.recorded_at < before, event.action.in_(of_family))
    is_held = held_by(connection, organization)
    statement = select(*log.SHOWN).where(*old).order_by(event.position)
    with connection.execute(statement, execution_options={"yield_per": AT_ONCE}) as rows:
        for row in rows:
            yield log.seq_of(row), is_held(log.event_of(row))


def runs(seqs: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The first and the last of each run of neighbours among ascending numbers."""
    first = last = seqs[0]
    for seq in seqs[1:]:
        if seq != last + 1:
            yield first, last
            first = seq
        last = seq
    yield first, last


def prune_log(store: Store, organization: int, ledger: Ledger, at: int) -> list[Event]:
    """Prunes all that is due in one log at a moment (UTC microseconds); the events that say so."""
    with store.reading() as connection:
        kept = policies(connection, organization)
    done = []
    for family in NOUNS:
        if days_of(kept, family) is None:  # most logs have no policy: nothing is begun there
            continue
        first = 0
        with suppress(Sealed):  # deleted meanwhile: others still have to be pruned
            while isinstance(event := perform(store, own_seat(organization), Prune(family, ledger, at, first)), Event):
                done.append(event)
                first = int(str(event.details["last"])) + 1
    return done


def _log_id(act: Act) -> str:
    return log.read_head(act.connection, act.organization).log_id
