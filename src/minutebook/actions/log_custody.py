"""log.*: what becomes of the log itself: erasure, how long it is kept, holds, the clock, restoring. Reading it is in
`log.py`."""

from __future__ import annotations

from collections import Counter
from typing import ClassVar

from pydantic import Field

from minutebook.actions import ocsf
from minutebook.actions.catalogue import NOUNS, Details, Severity, action
from minutebook.actions.telling import path_title, told_numbers, told_ranges
from minutebook.actions.values import Change, Query, lasting, number_of
from minutebook.model import Target

ALL = "all"
"""In the place of a family: all actions."""


def title_of(family: str) -> str:
    """What people call a family of actions."""
    return "everything" if family == ALL else NOUNS.get(family, family)


def kept_for(days: int | None) -> str:
    """How long something is kept, in words."""
    return "for ever" if days is None else number_of(days, "day")


@action(
    "log.erase",
    title="Fields erased",
    severity=Severity.HIGH,
    ocsf=ocsf.DELETE,
    says="Erased {amount}[ of the person {subject}]: {reason}[, part {of_parts}]",
    since="0.1",
)
class FieldsErased(Details):
    """What was recorded in some fields was erased, as the law may demand; that it was recorded stays proven. `erased`
    has the number of the event, the path of the field and the commitment to what it held, of each; `fields` and
    `events` say how many. Where more is erased than one act can say, `part` of `parts` is this one."""

    told_by: ClassVar = {"events": "numbers", "fields": "titles", "erased": "", "part": "of_parts", "parts": ""}

    subject: str | None = Field(default=None, title="Person")
    reason: str
    events: int = Field(title="In events")
    fields: int = Field(title="Erased")
    erased: tuple[tuple[int, str, str], ...]
    part: int = Field(default=1, title="Part")
    parts: int = 1

    @property
    def numbers(self) -> str:
        """`12, 15 to 17`: the numbers of the events."""
        return told_numbers(sorted({seq for seq, _, _ in self.erased}))

    @property
    def titles(self) -> str:
        """`IP address (3), Target (1)`: how many of each field, the most frequent first."""
        counts = Counter(path_title(path) for _, path, _ in self.erased)
        return ", ".join(f"{title} ({number:,})" for title, number in counts.most_common())

    @property
    def amount(self) -> str:
        return f"{number_of(self.fields, 'field')} in {number_of(self.events, 'event')}"

    @property
    def of_parts(self) -> str | None:
        return f"{self.part} of {self.parts}" if self.parts > 1 else None


@action(
    "log.prune",
    title="Events pruned",
    severity=Severity.HIGH,
    ocsf=ocsf.DELETE,
    says="Pruned {amount} of {family_title}, older than the {days} days that they are kept",
    since="0.1",
)
class LogPruned(Details):
    """Events that were older than their policy were taken out of the log, their hashes not. `family` is the noun of
    their actions or `all`, `days` how long these are kept, `before` the time before which they were recorded, `ranges`
    has the numbers of the first and the last of each run of them."""

    told_by: ClassVar = {
        "family": "family_alone",
        "days": "kept",
        "before": "recorded_before_at",
        "first": "",
        "last": "",
        "count": "amount",
        "ranges": "numbers",
    }

    family: str = Field(title="Actions")
    days: int = Field(title="Kept for")
    before: int = Field(title="Recorded before")
    first: int
    last: int
    count: int = Field(title="Pruned")
    ranges: tuple[tuple[int, int], ...] = Field(title="Numbers")

    @property
    def kept(self) -> str:
        return kept_for(self.days)

    @property
    def recorded_before_at(self) -> int:
        return self.before

    @property
    def numbers(self) -> str:
        """`12, 15 to 17`: the numbers of the events."""
        return told_ranges(self.ranges)

    @property
    def amount(self) -> str:
        return number_of(self.count, "event")

    @property
    def family_title(self) -> str:
        return title_of(self.family)

    @property
    def family_alone(self) -> str:
        return "All" if self.family == ALL else self.family_title


@action(
    "log.policy_change",
    title="Retention changed",
    severity=Severity.HIGH,
    ocsf=ocsf.UPDATE,
    says="Changed how long {family_title} is kept {kept}",
    since="0.1",
)
class RetentionChanged(Details):
    """An owner changed for how many days the events of a family of actions are kept; None stands for ever."""

    told_by: ClassVar = {"family": "family_alone", "before": "kept_before", "after": "kept_after"}

    family: str = Field(title="Actions")
    before: int | None = Field(default=None, title="Kept before")
    after: int | None = Field(default=None, title="Kept now")

    @property
    def family_title(self) -> str:
        return title_of(self.family)

    @property
    def family_alone(self) -> str:
        return "All" if self.family == ALL else self.family_title

    @property
    def kept_before(self) -> str:
        return kept_for(self.before)

    @property
    def kept_after(self) -> str:
        return kept_for(self.after)

    @property
    def kept(self) -> Change:
        return Change(before=self.kept_before, after=self.kept_after)


@action(
    "log.hold",
    title="Legal hold changed",
    severity=Severity.HIGH,
    ocsf=ocsf.UPDATE,
    says="[Placed the hold {placed_name}][Released the hold {released_name}] on what {filtered_by} finds",
    since="0.1",
)
class HoldChanged(Details):
    """An owner placed a legal hold on what the filter `query` finds, so that nothing of it is pruned or erased, or
    released it."""

    told_by: ClassVar = {"query": "filtered_by", "placed": "done"}

    hold: str
    name: str
    query: str = Field(title="Search")
    placed: bool = Field(title="Now")

    @property
    def done(self) -> str:
        return "Placed" if self.placed else "Released"

    @property
    def placed_name(self) -> str | None:
        return self.name if self.placed else None

    @property
    def released_name(self) -> str | None:
        return None if self.placed else self.name

    @property
    def filtered_by(self) -> Query:
        return Query(text=self.query)

    def targets(self) -> tuple[Target, ...]:
        return (Target("hold", self.hold, self.name),)


class ClockStep(Details):
    """A step of the server's clock, in UTC microseconds."""

    told_by: ClassVar = {"before": "stood_at", "after": "stands_at"}

    before: int = Field(title="Clock was")
    after: int = Field(title="Clock became")

    @property
    def stood_at(self) -> int:
        return self.before

    @property
    def stands_at(self) -> int:
        return self.after

    @property
    def amount(self) -> str:
        return lasting(abs(self.after - self.before))


@action(
    "log.clock_step",
    title="Clock set",
    severity=Severity.HIGH,
    ocsf=ocsf.UPDATE,
    says="The server's clock went {direction} by {amount}",
    since="0.1",
)
class ClockStepped(ClockStep):
    """The server's clock went from `before` to `after`: back, when it is behind what was recorded last, or forward,
    when it is ahead of the time that passed, or the server was away for long. What had expired when it said `before`
    stays expired."""

    @property
    def direction(self) -> str:
        return "forward" if self.after > self.before else "back"


@action(
    "log.clock_confirm",
    title="Clock confirmed",
    severity=Severity.MEDIUM,
    ocsf=ocsf.UPDATE,
    says="Confirmed that the server's clock is right, which went forward by {amount}",
    since="0.1",
)
class ClockConfirmed(ClockStep):
    """An owner confirmed that the clock was right to step forward, so that events are pruned by it."""


@action(
    "log.restore",
    title="Backup restored",
    severity=Severity.HIGH,
    ocsf=ocsf.UPDATE,
    says="Restored the log from a backup with {restored}; {loss}",
    since="0.1",
)
class LogRestored(Details):
    """A backup was restored, and the log goes on behind what it had, under the id `log`. Before, it had the id
    `previous_log`, and the backup `restored_size` events, the tree of which has the root `restored_root` (in
    hexadecimal). Last signed were `known_size` events with the root `known_root`, under the id `known_log` where that
    is another; `lost` of them are not in the log any more. `other_logs` are the ids that it has had as well and
    of which the backup knows nothing, each with how many of the first events under it are in the log."""

    log: str = Field(title="New log id")
    previous_log: str = Field(title="Old log id")
    restored_size: int = Field(title="Events in backup")
    restored_root: str = Field(title="Root of backup")
    known_log: str | None = Field(default=None, title="Log id signed")
    known_size: int = Field(title="Events signed")
    known_root: str = Field(title="Root signed")
    lost: int = Field(title="Events lost")
    other_logs: tuple[tuple[str, int], ...] = Field(default=(), title="Other log ids")

    @property
    def restored(self) -> str:
        return number_of(self.restored_size, "event")

    @property
    def loss(self) -> str:
        return f"{self.lost:,} signed event{' is' if self.lost == 1 else 's are'} lost"
