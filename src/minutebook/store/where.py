"""Filter → SQL: one clause for each term of `filters.TERMS` (a test fails when one is missing).

What SQL cannot say exactly it says as narrowly as it can: the clause then holds for every event that is meant and for
some that are not, which `filters.fits` sorts out.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, false, not_, or_

from minutebook.filters import MatchKind, actor_match, globs, is_id, normal_text
from minutebook.filters.expression import AllOf, AnyOf, Expression, Not, Term
from minutebook.filters.terms import ActorValue, Details, Numbers
from minutebook.store.schema import SEQ_BITS, event

ESCAPE = "\\"
Column = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Plan:
    """The clause holds for every event that is meant; where `is_exact`, for no other. None holds for all."""

    clause: Column | None
    is_exact: bool


def plan(expression: Expression, organization: int) -> Plan:
    """The condition on the table `event`, without the organization, which is the caller's to set first."""
    match expression:
        case Term(key, value):
            return CLAUSES[key](value, organization)
        case Not(of):
            return _not(plan(of, organization))
        case AllOf(parts):
            plans = [plan(part, organization) for part in parts]
            clauses = [one.clause for one in plans if one.clause is not None]
            return Plan(and_(*clauses) if clauses else None, all(one.is_exact for one in plans))
        case AnyOf(parts):
            return _any(parts, organization)


def _not(of: Plan) -> Plan:
    if not of.is_exact:
        return Plan(None, is_exact=False)
    return Plan(false() if of.clause is None else not_(of.clause), is_exact=True)


def _any(parts: tuple[Expression, ...], organization: int) -> Plan:
    # One IN for all names: both databases then read one range of the index for each
    names = [part.value for part in parts if isinstance(part, Term) and _is_action_name(part)]
    plans = [plan(part, organization) for part in parts if not (isinstance(part, Term) and _is_action_name(part))]
    clauses: list[Column] = [event.c.action.in_(names)] if names else []
    for one in plans:
        if one.clause is None:
            return Plan(None, all(other.is_exact for other in plans))
        clauses.append(one.clause)
    return Plan(or_(*clauses), all(one.is_exact for one in plans))


def _is_action_name(term: Term) -> bool:
    return term.key == "action" and globs.STAR not in str(term.value)


def _exactly(clause: Column) -> Plan:
    return Plan(clause, is_exact=True)


def _like(column: ColumnElement[str], pattern: str) -> Column:
    """The column against a pattern with stars."""
    escaped = pattern.translate({ord(character): ESCAPE + character for character in f"%_{ESCAPE}"})
    return column.like(escaped.replace(globs.STAR, "%"), escape=ESCAPE)


def _holds(text: str) -> Plan:
    """What an event must hold somewhere in its texts, for a test that looks closer."""
    return Plan(_in_texts(text) if text else None, is_exact=False)


def _in_texts(text: str) -> Column:
    return or_(*(column.contains(text, autoescape=True) for column in (event.c.search, event.c.ids)))


def _text(word: str, _organization: int) -> Plan:
    normal = normal_text(word)
    return _exactly(_in_texts(normal) if is_id(normal) else event.c.search.contains(normal, autoescape=True))


def _action(pattern: str, _organization: int) -> Plan:
    return _exactly(_like(event.c.action, pattern) if globs.STAR in pattern else event.c.action == pattern)


def _actor(actor: ActorValue, _organization: int) -> Plan:
    if actor.by == "kind":
        return Plan(None, is_exact=False)
    if actor.by == "id":
        return _exactly(event.c.actor_id == actor.text)
    match = actor_match(actor.text)
    column = event.c.actor_email
    if match.kind is MatchKind.EXACT:
        return _exactly(column == match.text)
    pattern = f"*{match.text}*" if match.kind is MatchKind.PART else match.text
    # an actor without an address (the system) is never meant, not even by *
    return _exactly(and_(_like(column, pattern), column != ""))


def _ip(text: str, _organization: int) -> Plan:
    network = ipaddress.ip_network(text)
    if network.prefixlen == network.max_prefixlen:
        return _holds(text)
    if network.version == 4:
        whole = network.prefixlen // 8
        return _holds(".".join(str(network.network_address).split(".")[:whole]) + "." if whole else "")
    first = int(network.network_address) >> 112
    return _holds(f"{first:x}:" if network.prefixlen >= 16 and first else "")


def _seq(numbers: Numbers, organization: int) -> Plan:
    column, base = event.c.position, organization << SEQ_BITS
    if numbers.first is None:
        return _exactly(column <= base | (numbers.last or 0))
    if numbers.last is None:
        return _exactly(column >= base | numbers.first)
    return _exactly(column.between(base | numbers.first, base | numbers.last))


def _details(of: Details, _organization: int) -> Plan:
    return _holds(globs.longest_piece(of.pattern).strip())


CLAUSES: dict[str, Callable[[Any, int], Plan]] = {
    "action": _action,
    "actor": _actor,
    "target": lambda pattern, _organization: _holds(globs.longest_piece(pattern).strip()),
    "ip": _ip,
    "outcome": lambda outcome, _organization: _exactly(event.c.outcome == outcome),
    "after": lambda start, _organization: _exactly(event.c.occurred_at >= start),
    "before": lambda end, _organization: _exactly(event.c.occurred_at < end),
    "seq": _seq,
    "id": lambda id_, _organization: _exactly(event.c.id == id_),
    "details": _details,
    "text": _text,
}
