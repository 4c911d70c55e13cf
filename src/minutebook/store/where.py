"""Filter → columns: one clause for each term of `filters.TERMS` (a test fails when one is missing).

A clause says of a chunk of events which of them are meant, as a mask. What the columns cannot say exactly they say as
narrowly as they can: the mask then holds for every event that is meant and for some that are not, and what is left of
the filter is looked for in the events themselves (`store/closer.py`). Words are exact: the text index says them, and
of events that it has not reached, their texts.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from minutebook.actions import severity_of
from minutebook.filters import MatchKind, actor_match, globs, is_id, matches, normal_text
from minutebook.filters.expression import NOTHING_ASKED, AllOf, AnyOf, Expression, Not, Term, all_of, conjuncts
from minutebook.filters.term_values import ActorValue, DetailValue, SeqRange
from minutebook.ip_address import address_of, network_of
from minutebook.store.bound import Deadline
from minutebook.store.columns import Who
from minutebook.store.memory import Few
from minutebook.store.spans import FIRST, LAST
from minutebook.store.view import EVER, Chunk, Mask, View, Within, all_hold, any_holds
from minutebook.store.worded import Sought, Worded

Look: TypeAlias = Callable[[Chunk], Mask]
LookUp: TypeAlias = Callable[[], Few | None]


def _unknown() -> Few | None:
    return None


@dataclass(frozen=True, slots=True)
class Plan:
    """`look` finds every event that is meant, and no other that fits `rest`; where there are `words`, no other that
    holds them and fits `rest`. `few` says some, all that are meant among them, as far back as it is known that they
    are few."""

    look: Look
    rest: Expression = NOTHING_ASKED
    words: Worded | None = None
    few: LookUp = _unknown

    @property
    def is_exact(self) -> bool:
        """Whether what is found, and holds the words, is meant."""
        return self.rest == NOTHING_ASKED


@dataclass(frozen=True, slots=True)
class Means:
    """What clauses look things up in: the log's own values, and its texts for pieces that must all be there."""

    view: View
    worded: Callable[[tuple[Sought, ...]], Worded]
    look: Callable[[], None]
    """At the clock: raises TooSlow when the time is over. A column may have very many values."""


def within(expression: Expression) -> Within:
    """When all that is meant happened, as far as its parts say it."""
    earliest, latest = FIRST, LAST
    for part in conjuncts(expression):
        match part:
            case Term("after", int(start)):
                earliest = max(earliest, start)
            case Term("before", int(end)):
                latest = min(latest, end - 1)
    return EVER if (earliest, latest) == EVER else Within(earliest, latest)


def plan_there(expression: Expression, means: Means) -> Plan:
    """How to find the events that are meant, of those that were not pruned. Words are left to who wants few events, and
    need not look at the texts of all."""
    found = _all(conjuncts(expression), means)
    return replace(found, look=_all_mask([there(means), found.look])) if means.view.log.pruned else found


def plan(expression: Expression, means: Means) -> Plan:
    """How to find the events that are meant, if they are there, without words that are left."""
    match expression:
        case Term(key, value):
            look = CLAUSES[key](value, means)
            rest = expression if key in INEXACT else NOTHING_ASKED
            return Plan(look, rest, few=look.few if isinstance(look, _Shared) else _unknown)
        case Not(of):
            inner = plan(of, means)
            return Plan(_turned(inner.look)) if inner.is_exact else Plan(_everything, expression)
        case AllOf(parts):
            found = _all(parts, means)
            return replace(found, look=_all_mask([found.look, found.words.look]), words=None) if found.words else found
        case AnyOf(parts):
            shared, others = _by_column(parts, means)
            if len(shared) == 1 and not others:
                return Plan(shared[0], few=shared[0].few)
            plans = [plan(part, means) for part in others]
            look = _any_mask([*shared, *(one.look for one in plans)])
            return Plan(look, NOTHING_ASKED if all(one.is_exact for one in plans) else expression)


def _all(parts: tuple[Expression, ...], means: Means) -> Plan:
    """Pieces of text that must all be there are looked up together: a rare one spares the index a common one."""
    worded = {part: sought for part in parts if (sought := _sought_of(part))}
    sought = tuple(itertools.chain(*worded.values()))
    plans = [plan(part, means) for part in parts if part not in worded]
    rest = [*(one.rest for one in plans), *filter(_is_inexact, worded)]
    words = means.worded(sought) if sought else None
    looks = [one.look for one in plans] + ([words.may_hold] if words else [])
    return Plan(_all_mask(looks), all_of(rest), words, _fewest([one.few for one in plans]))


def _by_column(parts: Iterable[Expression], means: Means) -> tuple[list[_Shared], list[Expression]]:
    """Of alternatives one look for each shared column, however many values are asked for, and the others."""
    asked: dict[str, list[Any]] = {}
    others = []
    for part in parts:
        if isinstance(part, Term) and part.key in TESTS:
            asked.setdefault(part.key, []).append(part.value)
        else:
            others.append(part)
    return [_shared(key, values, means) for key, values in asked.items()], others


def _is_inexact(part: Expression) -> bool:
    return isinstance(part, Term) and part.key in INEXACT


def _all_mask(looks: list[Look]) -> Look:
    return lambda chunk: all_hold(look(chunk) for look in looks)


def _any_mask(looks: list[Look]) -> Look:
    return lambda chunk: any_holds(look(chunk) for look in looks)


def _fewest(parts: list[LookUp]) -> LookUp:
    def few() -> Few | None:
        known = [found for part in parts if (found := part()) is not None]
        return min(known, key=lambda found: (found.first, len(found.seqs)), default=None)

    return few


def _turned(look: Look) -> Look:
    def turned(chunk: Chunk) -> Mask:
        mask = look(chunk)
        return not mask if isinstance(mask, bool) else ~mask

    return turned


def there(means: Means) -> Look:
    """The events that were not pruned: such a one has no action any more."""
    return _Shared("action", bool, bool, means) if means.view.log.pruned else _everything


def _everything(_chunk: Chunk) -> Mask:
    return True


@dataclass(frozen=True, slots=True)
class _Shared:
    """Looks for the events whose value in a shared column passes the test; equal keys stand for equal tests."""

    name: str
    key: Hashable
    test: Callable[[Any], bool]
    means: Means

    def __call__(self, chunk: Chunk) -> Mask:
        if chunk.fits == (self.name, self.key):
            return True
        codes = chunk.codes(self.name)  # first: whatever values they stand for are known then
        passing = self.means.view.passing(self.name, self.key, self.test, self.means.look)
        if passing.number in (0, len(passing.codes)):
            return passing.number > 0
        return passing.of(codes)

    def few(self) -> Few | None:
        """Those events, as far back as it is known that they are few."""
        return self.means.view.few(self.name, self.key, self.test, self.means.look)


def _shared(key: str, values: Sequence[Any], means: Means) -> _Shared:
    """Looks for the events of which the column is what any of the values of that term mean."""
    return _Shared(COLUMNS.get(key, key), (key, frozenset(values)), TESTS[key](values), means)


# ── Pieces of text ───────────────────────────────────────────────────────────────────────────────────────────────────


def _sought_of(part: Expression) -> tuple[Sought, ...]:
    """What the text of an event must hold for the part to mean it; nothing where texts cannot tell."""
    match part:
        case Term("text", str(word)):
            piece = normal_text(word)
            return (Sought(piece, in_ids=is_id(piece)),)
        case Term("target" | "target_id" | "request" | "session", str(pattern)) | Term(
            "details", DetailValue(_, pattern)
        ):
            piece = globs.longest_piece(pattern).strip()
            return (Sought(piece, in_ids=True),) if piece else ()
    return ()


def _holding(key: str) -> Callable[[Any, Means], Look]:
    def clause(value: Any, means: Means) -> Look:
        sought = _sought_of(Term(key, value))
        return means.worded(sought).look if sought else _everything

    return clause


# ── Times and numbers ────────────────────────────────────────────────────────────────────────────────────────────────


def _after(start: int, _means: Means) -> Look:
    def look(chunk: Chunk) -> Mask:
        if chunk.span.earliest >= start or chunk.span.latest < start:
            return chunk.span.earliest >= start
        return _from(start, chunk)

    return look


def _before(end: int, _means: Means) -> Look:
    def look(chunk: Chunk) -> Mask:
        if chunk.span.latest < end or chunk.span.earliest >= end:
            return chunk.span.latest < end
        return ~_from(end, chunk)

    return look


def _from(start: int, chunk: Chunk) -> NDArray[np.bool_]:
    """The events that happened from then on."""
    if not chunk.span.is_sorted:
        return chunk.occurred_at >= start
    mask = np.zeros(len(chunk), np.bool_)
    mask[np.searchsorted(chunk.occurred_at, start) :] = True
    return mask


def _seq(range_: SeqRange, _means: Means) -> Look:
    first = 0 if range_.first is None else range_.first

    def look(chunk: Chunk) -> Mask:
        end = chunk.end if range_.last is None else range_.last + 1
        if first <= chunk.first and chunk.end <= end:
            return True
        if chunk.end <= first or end <= chunk.first:
            return False
        return (chunk.seqs >= first) & (chunk.seqs < end)

    return look


def _id(id_: str, _means: Means) -> Look:
    """The id of an event begins with the millisecond of its recording (UUIDv7, RFC 9562, section 5.7)."""
    milliseconds = uuid.UUID(id_).int >> 80
    return lambda chunk: chunk.recorded_at // 1000 == milliseconds


# ── Shared columns ───────────────────────────────────────────────────────────────────────────────────────────────────


def _one_of(values: Sequence[str]) -> Callable[[str], bool]:
    return frozenset(values).__contains__


def _acts(patterns: Sequence[str]) -> Callable[[str], bool]:
    return lambda name: any(globs.fits(pattern, name) for pattern in patterns)


def _actors(asked: Sequence[ActorValue]) -> Callable[[Who], bool]:
    kinds, ids = ({actor.text for actor in asked if actor.by == by} for by in ("kind", "id"))
    by_address = [_match(actor.text) for actor in asked if actor.by == "email"]
    addresses = {match.text for match in by_address if match.kind is MatchKind.EXACT}
    others = [match for match in by_address if match.kind is not MatchKind.EXACT]

    def fits(who: Who) -> bool:
        if who.email in addresses or who.kind in kinds or (ids and normal_text(who.id) in ids):
            return True
        return any(matches(match, who.email or None) for match in others)

    return fits


_match = lru_cache(maxsize=1024)(actor_match)  # here, where texts are in normal form, which bounds their length


def _addresses(texts: Sequence[str]) -> Callable[[str], bool]:
    """By the bits that a network leaves to its hosts: an address without them is that of the network, or of none."""
    networks: dict[tuple[int, int], set[int]] = {}
    for network in map(network_of, texts):
        hosts = network.max_prefixlen - network.prefixlen
        networks.setdefault((network.version, hosts), set()).add(int(network.network_address) >> hosts)

    def fits(text: str) -> bool:
        address = _address(text)
        return address is not None and any(
            address.version == version and int(address) >> hosts in known
            for (version, hosts), known in networks.items()
        )

    return fits


_address = lru_cache(maxsize=1 << 18)(address_of)

TESTS: dict[str, Callable[[Sequence[Any]], Callable[[Any], bool]]] = {
    "action": _acts,
    "actor": _actors,
    "ip": _addresses,
    "client": _one_of,
    "outcome": _one_of,
    "severity": lambda asked: lambda name: severity_of(name) in asked,
}
"""For each term that a shared column answers: which of its values any of those that are asked for mean."""
COLUMNS = {"severity": "action"}
"""The column of such a term, where it has another name."""


def _alone(key: str) -> Callable[[Any, Means], Look]:
    return lambda value, means: _shared(key, (value,), means)


CLAUSES: dict[str, Callable[[Any, Means], Look]] = {
    **{key: _alone(key) for key in TESTS},
    **{key: _holding(key) for key in ("target", "target_id", "request", "session", "details", "text")},
    "after": _after,
    "before": _before,
    "seq": _seq,
    "id": _id,
}
INEXACT = {"target", "target_id", "request", "session", "id", "details"}
"""The keys of clauses that find more than what is meant."""


def means_of(connection: Connection, view: View, deadline: Deadline) -> Means:
    """What the clauses of a search look things up in. Their looks raise TooSlow."""
    return Means(view, lambda sought: Worded(connection, view.log, view.indexed, sought, deadline), deadline.check)
