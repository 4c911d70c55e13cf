"""Filter → columns: one clause for each term of `filters.TERMS` (a test fails when one is missing).

A clause says of a chunk of events which of them are meant, as a mask. What the columns cannot say exactly they say as
narrowly as they can: the mask then holds for every event that is meant and for some that are not, and what is left of
the filter is looked for in the events themselves (`store/closer.py`).
"""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from minutebook.filters import actor_match, globs, matches, normal_text
from minutebook.filters.expression import NOTHING_ASKED, AllOf, AnyOf, Expression, Not, Term, all_of
from minutebook.filters.terms import ActorValue, Details
from minutebook.filters.terms import Numbers as SeqRange
from minutebook.store import index, text
from minutebook.store.columns import Who
from minutebook.store.memory import Chunk, View
from minutebook.store.text import SHORTEST

Mask: TypeAlias = "NDArray[np.bool_] | bool"
"""Of each event of a chunk, whether it is meant; a plain True or False where that is the same for all."""
Look: TypeAlias = Callable[[Chunk], Mask]
Numbers: TypeAlias = "NDArray[np.int64]"


@dataclass(frozen=True, slots=True)
class Plan:
    """`look` finds every event that is meant, and no other that fits `rest`."""

    look: Look
    rest: Expression = NOTHING_ASKED

    @property
    def is_exact(self) -> bool:
        """Whether `look` finds no event that is not meant."""
        return self.rest == NOTHING_ASKED


@dataclass(frozen=True, slots=True)
class Means:
    """What clauses look things up in: the log's own values, and the text index for pieces of text."""

    view: View
    holding: Callable[[tuple[str, ...]], Look]


def plan(expression: Expression, means: Means) -> Plan:
    """How to find the events that are meant."""
    match expression:
        case Term(key, value):
            look = CLAUSES[key](value, means)
            return Plan(look, expression if key in INEXACT else NOTHING_ASKED)
        case Not(of):
            inner = plan(of, means)
            return Plan(_turned(inner.look)) if inner.is_exact else Plan(_everything, expression)
        case AllOf(parts):
            return _all(parts, means)
        case AnyOf(parts):
            plans = [plan(part, means) for part in parts]
            look = _any_mask([one.look for one in plans])
            return Plan(look, NOTHING_ASKED if all(one.is_exact for one in plans) else expression)


def _all(parts: tuple[Expression, ...], means: Means) -> Plan:
    """Pieces of text that must all be there are looked up together: a rare one spares the index a common one."""
    pieces = tuple(piece for part in parts for piece in _pieces_of(part))
    others = [part for part in parts if not _pieces_of(part)]
    plans = [plan(part, means) for part in others]
    looks = [one.look for one in plans] + ([means.holding(pieces)] if pieces else [])
    rest = [*(one.rest for one in plans), *(part for part in parts if _pieces_of(part))]
    return Plan(_all_mask(looks), all_of(rest))


def _all_mask(looks: list[Look]) -> Look:
    def look(chunk: Chunk) -> Mask:
        found: Mask = True
        for one in looks:
            found = found & one(chunk)
            if not np.any(found):
                return False
        return found

    return look


def _any_mask(looks: list[Look]) -> Look:
    def look(chunk: Chunk) -> Mask:
        found: Mask = False
        for one in looks:
            found = found | one(chunk)
        return found

    return look


def _turned(look: Look) -> Look:
    def turned(chunk: Chunk) -> Mask:
        mask = look(chunk)
        return not mask if isinstance(mask, bool) else ~mask

    return turned


def numbers(chunk: Chunk, mask: Mask) -> Numbers:
    """The numbers of the events of a chunk for which the mask holds."""
    if isinstance(mask, bool):
        return np.arange(chunk.first, chunk.end if mask else chunk.first)
    return np.flatnonzero(mask) + chunk.first


def _everything(_chunk: Chunk) -> Mask:
    return True


def _shared(name: str, key: Hashable, test: Callable[[Any], bool], means: Means) -> Look:
    """The events whose value in a shared column passes the test; equal keys stand for equal tests."""

    def look(chunk: Chunk) -> Mask:
        codes = chunk.codes(name)  # first: whatever values they stand for are known then
        passing = means.view.passing(name, key, test)
        if passing.number in (0, len(passing.codes)):
            return passing.number > 0
        return codes == passing.first if passing.number == 1 else passing.codes[codes]

    return look


# ── Pieces of text ───────────────────────────────────────────────────────────────────────────────────────────────────


def _pieces_of(part: Expression) -> tuple[str, ...]:
    """What the text of an event must hold for the part to mean it; nothing where the index cannot tell."""
    match part:
        case Term("text", str(word)):
            piece = normal_text(word)
        case Term("target", str(pattern)):
            piece = globs.longest_piece(pattern).strip()
        case Term("details", Details(_, pattern)):
            piece = globs.longest_piece(pattern).strip()
        case _:
            return ()
    return (piece,) if len(piece) >= SHORTEST else ()


def _holding(key: str) -> Callable[[Any, Means], Look]:
    def clause(value: Any, means: Means) -> Look:
        pieces = _pieces_of(Term(key, value))
        return means.holding(pieces) if pieces else _everything

    return clause


# ── Times and numbers ────────────────────────────────────────────────────────────────────────────────────────────────


def _after(start: int, _means: Means) -> Look:
    def look(chunk: Chunk) -> Mask:
        if chunk.earliest >= start or chunk.latest < start:
            return chunk.earliest >= start
        return chunk.occurred_at >= start

    return look


def _before(end: int, _means: Means) -> Look:
    def look(chunk: Chunk) -> Mask:
        if chunk.latest < end or chunk.earliest >= end:
            return chunk.latest < end
        return chunk.occurred_at < end

    return look


def _seq(range_: SeqRange, _means: Means) -> Look:
    first = 0 if range_.first is None else range_.first

    def look(chunk: Chunk) -> Mask:
        end = chunk.end if range_.last is None else range_.last + 1
        if first <= chunk.first and chunk.end <= end:
            return True
        if chunk.end <= first or end <= chunk.first:
            return False
        mask = np.zeros(len(chunk), np.bool_)
        mask[max(0, first - chunk.first) : end - chunk.first] = True
        return mask

    return look


def _id(id_: str, _means: Means) -> Look:
    """The id of an event begins with the millisecond of its recording (UUIDv7, RFC 9562, section 5.7)."""
    milliseconds = uuid.UUID(id_).int >> 80
    return lambda chunk: chunk.recorded_at // 1000 == milliseconds


# ── Actors and addresses ─────────────────────────────────────────────────────────────────────────────────────────────


def _actor(actor: ActorValue, means: Means) -> Look:
    tests: dict[str, Callable[[Who], bool]] = {
        "kind": lambda who: who.kind == actor.text,
        "id": lambda who: normal_text(who.id) == actor.text,
    }
    if actor.by in tests:
        return _shared("actor", actor, tests[actor.by], means)
    match = actor_match(actor.text)
    return _shared("actor", actor, lambda who: matches(match, who.email or None), means)


def _ip(text: str, means: Means) -> Look:
    network = ipaddress.ip_network(text)

    def inside(address: str) -> bool:
        known = _address(address)
        return known is not None and known.version == network.version and known in network

    return _shared("ip", text, inside, means)


@lru_cache(maxsize=1 << 18)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


CLAUSES: dict[str, Callable[[Any, Means], Look]] = {
    "action": lambda pattern, means: _shared("action", pattern, lambda name: globs.fits(pattern, name), means),
    "actor": _actor,
    "target": _holding("target"),
    "ip": _ip,
    "client": lambda client, means: _shared("client", client, lambda known: bool(known == client), means),
    "outcome": lambda outcome, means: _shared("outcome", outcome, lambda known: bool(known == outcome), means),
    "after": _after,
    "before": _before,
    "seq": _seq,
    "id": _id,
    "details": _holding("details"),
    "text": _holding("text"),
}
INEXACT = {"target", "id", "details", "text"}
"""The keys of clauses that find more than what is meant."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Which events of each chunk hold pieces of text.

    `found` looks into the text index between two numbers; events from the number `indexed` on are not in it yet, so
    that each of them may be meant.
    """

    found: Callable[[int, int], list[int]]
    indexed: int

    def look(self, chunk: Chunk) -> Mask:
        """The events of the chunk that may be meant."""
        mask = np.zeros(len(chunk), np.bool_)
        mask[max(0, self.indexed - chunk.first) :] = True
        if chunk.first < self.indexed:
            last = min(chunk.end, self.indexed) - 1
            mask[[number - chunk.first for number in self.found(chunk.first, last)]] = True
        return mask


def means_of(connection: Connection, organization: int, view: View) -> Means:
    """What the clauses of a search look things up in."""

    def holding(pieces: tuple[str, ...]) -> Callable[[Chunk], Mask]:
        found = partial(text.holding, connection, organization, pieces)
        return Holding(found, index.reached(connection, organization).texts).look

    return Means(view, holding)
