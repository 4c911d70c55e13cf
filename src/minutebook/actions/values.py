"""The types that Details are made of, and how each is told in a sentence and in a diff."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from minutebook.actions.parts import Added, Code, Gone, Part, Removed, Strong, Swap, Text
from minutebook.model import DAY, HOUR, MINUTE, SECOND, Role, Target

FoundBy: TypeAlias = "tuple[tuple[str, ...], str | int]"


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line of a diff; `same` carries a remark such as "6 not changed". `found_by` are the names that lead to its
    value inside the field, and the value; None where a line is no whole value."""

    kind: Literal["add", "del", "same"]
    text: str
    found_by: FoundBy | None = None


@dataclass(frozen=True, slots=True)
class Diff:
    """What changed in one field. The counts are of the whole list, before and after, where it is a list."""

    title: str
    lines: tuple[DiffLine, ...]
    before: int | None = None
    after: int | None = None
    name: str = ""
    """The field in the details."""

    def found_by(self, before: str | int | None, after: str | int | None, *path: str) -> Diff:
        """The same, of one value that became another: both are found under these names in `before` and `after`."""
        sides: dict[str, FoundBy] = {}
        if before is not None:
            sides["del"] = (("before", *path), before)
        if after is not None:
            sides["add"] = (("after", *path), after)
        return replace(self, lines=tuple(replace(line, found_by=sides.get(line.kind)) for line in self.lines))


class Value(BaseModel):
    """A typed value inside Details."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Erased(Value):
    """In the place of a field that was erased; what it held cannot be told."""

    def __str__(self) -> str:
        return Gone.text

    def parts(self) -> Sequence[Part]:
        return (Gone(),)


ERASED = Erased()


class Person(Value):
    """A user as they were called when it happened."""

    id: str
    email: str
    name: str

    def parts(self) -> Sequence[Part]:
        return (Strong(self.name or self.email),)

    def target(self) -> Target:
        return Target("user", self.id, self.email)


class Cents(Value):
    """An amount of money in cents of US dollars."""

    cents: int

    def __str__(self) -> str:
        sign = "−" if self.cents < 0 else ""
        dollars, cents = divmod(abs(self.cents), 100)
        return f"{sign}${dollars:,}.{cents:02d}"

    def parts(self) -> Sequence[Part]:
        return (Strong(str(self)),)


class Query(Value):
    """A filter in the query language."""

    text: str

    def parts(self) -> Sequence[Part]:
        return (Code(self.text),)


class Change(Value):
    """A text that became another; None means that there was, or is, none."""

    before: str | None
    after: str | None

    def parts(self) -> Sequence[Part]:
        if self.before is None:
            return (Added(self.after or ""),)
        if self.after is None:
            return (Removed(self.before),)
        return (Swap(self.before, self.after),)

    def diff(self, title: str) -> Diff:
        before, after = (text if text and "\n" not in text else None for text in (self.before, self.after))
        return Diff(title, tuple(_diff_lines(_lines(self.before), _lines(self.after)))).found_by(before, after)


class AmountChange(Value):
    """An amount of money that became another; None means that there was, or is, none."""

    before: Cents | None
    after: Cents | None

    def parts(self) -> Sequence[Part]:
        return self._told().parts()

    def diff(self, title: str) -> Diff:
        before, after = (None if amount is None else amount.cents for amount in (self.before, self.after))
        return self._told().diff(title).found_by(before, after, "cents")

    def _told(self) -> Change:
        before, after = (None if amount is None else str(amount) for amount in (self.before, self.after))
        return Change(before=before, after=after)


class HoursChange(Value):
    """A time in hours that became another; None means that there was, or is, none."""

    before: int | None
    after: int | None

    def parts(self) -> Sequence[Part]:
        return self._told().parts()

    def diff(self, title: str) -> Diff:
        return self._told().diff(title).found_by(self.before, self.after)

    def _told(self) -> Change:
        before, after = (None if hours is None else hours_told(hours) for hours in (self.before, self.after))
        return Change(before=before, after=after)


def hours_told(hours: int) -> str:
    """`1 hour`, `12 hours`."""
    return "1 hour" if hours == 1 else f"{hours} hours"


class Rewrite(Change):
    """A text of many lines that became another: too long for a sentence, so the sentence only says how much."""

    def parts(self) -> Sequence[Part]:
        # Counted, and not taken from the diff: a sentence is stored, and must be the same with any version of difflib.
        before, after = Counter(_lines(self.before)), Counter(_lines(self.after))
        counts = (((after - before).total(), "added"), ((before - after).total(), "removed"))
        amounts = [f"{_of_lines(number)} {what}" for number, what in counts if number]
        return (Text(", ".join(amounts) or "the same lines in another order"),)


class RoleChange(Value):
    """A role that became another."""

    before: Role
    after: Role

    def parts(self) -> Sequence[Part]:
        return (Swap(self.before.label, self.after.label),)

    def diff(self, title: str) -> Diff:
        lines = DiffLine("del", self.before.label), DiffLine("add", self.after.label)
        return Diff(title, lines).found_by(self.before.value, self.after.value)


class SetChange(Value):
    """What was added to a set of names and what was removed from it, each sorted; the counts are of the whole set."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    before: int
    after: int

    @classmethod
    def between(cls, before: Iterable[str], after: Iterable[str]) -> SetChange | None:
        """What turns one set into the other; None when nothing does."""
        old, new = frozenset(before), frozenset(after)
        if old == new:
            return None
        return cls(added=tuple(sorted(new - old)), removed=tuple(sorted(old - new)), before=len(old), after=len(new))

    def parts(self) -> Sequence[Part]:
        return (*map(Added, self.added), *map(Removed, self.removed))

    def diff(self, title: str) -> Diff:
        lines = [DiffLine("add", name, (("added",), name)) for name in self.added]
        lines += [DiffLine("del", name, (("removed",), name)) for name in self.removed]
        if same := self.before - len(self.removed):
            lines.append(DiffLine("same", f"{same} not changed"))
        return Diff(title, tuple(lines), self.before, self.after)


def _lines(text: str | None) -> list[str]:
    return text.split("\n") if text else []


def _of_lines(number: int) -> str:
    return number_of(number, "line")


def _diff_lines(before: list[str], after: list[str]) -> Iterator[DiffLine]:
    """The lines removed and added in their places; of a run that stayed, only how long it is."""
    for kind, first, last, new_first, new_last in SequenceMatcher(None, before, after).get_opcodes():
        if kind == "equal":
            yield DiffLine("same", f"{_of_lines(last - first)} not changed")
            continue
        yield from (DiffLine("del", line) for line in before[first:last])
        yield from (DiffLine("add", line) for line in after[new_first:new_last])


def lasting(micros: int) -> str:
    """How long something lasts, in its largest unit."""
    for unit, length in (("day", DAY), ("hour", HOUR), ("minute", MINUTE)):
        if micros >= length:
            return number_of(micros // length, unit)
    return number_of(micros // SECOND, "second") if micros >= SECOND else "less than a second"


def number_of(number: int, one: str, many: str = "") -> str:
    """`1 event`, `48,213 events`; `many` is for what takes more than an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def change(before: str | None, after: str | None) -> Change | None:
    """What turns one text into the other; None when nothing does."""
    return None if before == after else Change(before=before, after=after)
