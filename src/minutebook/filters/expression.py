"""A query as a tree: terms, and how "and", "or" and "not" join them. Always in one canonical form."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that is asked of an event. `key` names a row of `TERMS`, `value` is what that row parses."""

    key: str
    value: Hashable


@dataclass(frozen=True, slots=True)
class Not:
    """Every event that the other does not mean."""

    of: Expression


@dataclass(frozen=True, slots=True)
class AllOf:
    """The events that all of them mean; of none, every event."""

    of: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The events that at least one of them means."""

    of: tuple[Expression, ...]


Expression: TypeAlias = Term | Not | AllOf | AnyOf

NOTHING_ASKED = AllOf(())


def all_of(parts: Iterable[Expression]) -> Expression:
    """All of them: nothing nested in its like, nothing twice, one alone without a wrapper."""
    flat = dict.fromkeys(part for whole in parts for part in (whole.of if isinstance(whole, AllOf) else (whole,)))
    return next(iter(flat)) if len(flat) == 1 else AllOf(tuple(flat))


def any_of(parts: Iterable[Expression]) -> Expression:
    """Any of them, in the same form; at least one is given."""
    flat = dict.fromkeys(part for whole in parts for part in (whole.of if isinstance(whole, AnyOf) else (whole,)))
    if NOTHING_ASKED in flat:
        return NOTHING_ASKED
    return next(iter(flat)) if len(flat) == 1 else AnyOf(tuple(flat))


def none_of(part: Expression) -> Expression:
    """What it does not mean; twice is the same again."""
    return part.of if isinstance(part, Not) else Not(part)


def conjuncts(whole: Expression) -> tuple[Expression, ...]:
    """The parts that must all hold."""
    return whole.of if isinstance(whole, AllOf) else (whole,)


def values_of(part: Expression, key: str) -> tuple[tuple[Hashable, ...], bool]:
    """The values of which the part means any, where it asks nothing but this key; and whether it means all but them."""
    is_turned = isinstance(part, Not)
    asked = part.of if isinstance(part, Not) else part
    alternatives = asked.of if isinstance(asked, AnyOf) else (asked,)
    values = tuple(one.value for one in alternatives if isinstance(one, Term) and one.key == key)
    return (values, is_turned) if len(values) == len(alternatives) else ((), False)


def terms(whole: Expression) -> Iterator[Term]:
    """Every term, from left to right."""
    match whole:
        case Term():
            yield whole
        case Not(of):
            yield from terms(of)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from terms(part)
