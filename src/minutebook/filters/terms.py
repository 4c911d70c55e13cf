"""The terms of the query language: one row for each, with what it means. `store/where.py` has its clause.

To add one: a row of TERMS, and its clause.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from minutebook.actions import CATALOGUE, severity_of
from minutebook.filters import globs
from minutebook.filters.clause import Clause, listed
from minutebook.filters.expression import AllOf, AnyOf, Expression, Not, Term
from minutebook.filters.globs import STAR
from minutebook.filters.moments import Here, tell, write_moment
from minutebook.filters.term_values import (
    CLIENTS,
    SEVERITIES,
    Fits,
    actor_clause,
    actor_fits,
    before_clause,
    details_fits,
    ip_fits,
    parse_action,
    parse_actor,
    parse_before,
    parse_client,
    parse_details,
    parse_id,
    parse_ip,
    parse_outcome,
    parse_request,
    parse_seq,
    parse_session,
    parse_severity,
    parse_target,
    parse_target_id,
    parse_time,
    parse_word,
    request_fits,
    seq_fits,
    session_fits,
    target_fits,
    target_id_fits,
    text_fits,
    write_actor,
    write_seq,
)
from minutebook.model import ActorKind, Outcome

DETAILS = "details."


@dataclass(frozen=True, slots=True)
class TermKind:
    """One row of TERMS.

    `parse` makes the value of what is written behind the colon and raises Invalid for the field `q`; `write` gives
    what `parse` reads as the same value in a zone, without one in every zone; `clause` tells it; `fits` makes the test
    of an event, from a value without a relative time (`moments.resolved`). `known` are the values that there are, where
    they can be counted, each with what people call it.
    """

    key: str
    help: str
    examples: tuple[str, ...]
    parse: Callable[[str, Here], Any]
    write: Callable[[Any, ZoneInfo | None], str]
    clause: Callable[[Any, ZoneInfo], Clause]
    fits: Callable[[Any], Fits]
    known: Mapping[str, str] = field(default_factory=dict)


def _as_is(value: Any, _zone: ZoneInfo | None) -> str:
    return str(value)


def _is(subject: str) -> Callable[[Any, ZoneInfo], Clause]:
    return lambda value, _zone: Clause(subject, "matches" if STAR in value else "is", value)


_KINDS = (
    TermKind(
        "action",
        "The kind of act. A * stands for any characters.",
        ("action:user.login", "action:member.*"),
        parse_action,
        _as_is,
        _is("action"),
        lambda pattern: lambda event: globs.fits(pattern, event.action),
        {name: action.title for name, action in CATALOGUE.items()},
    ),
    TermKind(
        "actor",
        "Who did it. A complete address fits exactly, a part of one as a part, and * stands for any characters; also "
        f"an id (usr_…, tok_…, aud_…) or a kind: {listed(list(ActorKind), 'or')}.",
        ("actor:ada@example.com", "actor:@example.com", "actor:token"),
        parse_actor,
        write_actor,
        actor_clause,
        actor_fits,
    ),
    TermKind(
        "target",
        "What it was done to: its id, its complete address, or a part of its name.",
        ("target:ada@example.com", "target:reviewer"),
        parse_target,
        _as_is,
        _is("target"),
        target_fits,
    ),
    TermKind(
        "target_id",
        "What it was done to, by its id alone, whatever others are called. A * stands for any characters.",
        ("target_id:usr_4ulpqrl4b6pd", "target_id:calder.example"),
        parse_target_id,
        _as_is,
        _is("target id"),
        target_id_fits,
    ),
    TermKind(
        "ip",
        "The network address it came from, or a range of them. A mapped address, such as ::ffff:203.0.113.7, is "
        "the one that it stands for.",
        ("ip:203.0.113.7", "ip:10.0.0.0/8", "ip:2001:db8::/32"),
        parse_ip,
        _as_is,
        lambda text, _zone: Clause("IP address", "in" if "/" in text else "is", text),
        ip_fits,
    ),
    TermKind(
        "client",
        f"What it was done with: {listed(list(CLIENTS), 'or')}.",
        ("client:cli",),
        parse_client,
        _as_is,
        _is("client"),
        lambda client: lambda event: (event.context.client or "") == client,
        CLIENTS,
    ),
    TermKind(
        "outcome",
        f"How it ended: {listed(list(Outcome), 'or')}.",
        ("outcome:failure,denied",),
        parse_outcome,
        _as_is,
        _is("outcome"),
        lambda outcome: lambda event: event.outcome == outcome,
        dict.fromkeys(Outcome, ""),
    ),
    TermKind(
        "severity",
        f"How much attention such an act deserves: {listed(SEVERITIES, 'or')}.",
        ("severity:high,critical",),
        parse_severity,
        _as_is,
        _is("severity"),
        lambda severity: lambda event: severity_of(event.action) == severity,
        dict.fromkeys(SEVERITIES, ""),
    ),
    TermKind(
        "after",
        "At that time or later. A day without a time means its beginning; -7d is seven days ago (s, m, h, d, w).",
        ("after:2026-10-01", "after:2026-10-01T17:05", "after:-7d", "after:yesterday", "after:this-month"),
        parse_time,
        write_moment,
        lambda start, zone: Clause("", "from", tell(start, zone)),
        lambda start: lambda event: event.occurred_at >= start,
    ),
    TermKind(
        "before",
        "Earlier than that time.",
        ("before:2026-11-01", "before:-1h"),
        parse_before,
        write_moment,
        before_clause,
        lambda end: lambda event: event.occurred_at < end,
    ),
    TermKind(
        "seq",
        "The number of the event in its log, or a range of numbers.",
        ("seq:204", "seq:200..300", "seq:1000.."),
        parse_seq,
        write_seq,
        lambda numbers, zone: Clause("number", "is", write_seq(numbers, zone)),
        seq_fits,
    ),
    TermKind(
        "id",
        "The id of the event.",
        ("id:019372a4-5c6e-7a10-8b3f-2f1e0d9c8b7a",),
        parse_id,
        _as_is,
        _is("id"),
        lambda id_: lambda event: event.id == id_,
    ),
    TermKind(
        "request",
        "The id of the request by which it came: all that one request did. A * stands for any characters.",
        ("request:req_4ulpqrl4b6pd",),
        parse_request,
        _as_is,
        _is("request"),
        request_fits,
    ),
    TermKind(
        "session",
        "The id of the session in which it was done: all since one sign-in. A * stands for any characters.",
        ("session:ses_4ulpqrl4b6pd",),
        parse_session,
        _as_is,
        _is("session"),
        session_fits,
    ),
    TermKind(
        "details",
        "A single value inside the details, by the names that lead to it or the last of them. The whole value must "
        "fit; a * stands for any characters. Case and accents make no difference.",
        ("details.role.after:admin", "details.after:admin", "details.models.added:*opus*"),
        lambda text, _here: parse_details("", text),
        lambda of, _zone: of.pattern,
        lambda of, _zone: Clause(f"details.{'.'.join(of.path)}", "matches" if STAR in of.pattern else "is", of.pattern),
        details_fits,
    ),
    TermKind(
        "text",
        "A word, or a phrase in quotation marks: found anywhere in the sentence, the actor, the targets and the "
        "details, also inside a longer word; the network address, and an id of the actor, of a target, of the request, "
        "of the session or in the details. Case and accents make no difference; % and _ are themselves.",
        ("opus", '"billing manager"'),
        parse_word,
        _as_is,
        lambda word, _zone: Clause("text", "contains", f"“{word}”"),
        text_fits,
    ),
)
TERMS: dict[str, TermKind] = {kind.key: kind for kind in _KINDS}
"""By key, in the order of the documentation. A term of `text` is written without its key."""


def fits(expression: Expression) -> Fits:
    """The test of whether an event is meant, by an expression without relative times (`moments.resolved`)."""
    match expression:
        case Term(key, value):
            return TERMS[key].fits(value)
        case Not(of):
            other = fits(of)
            return lambda event: not other(event)
        case AllOf(parts):
            tests = [fits(part) for part in parts]
            return lambda event: all(test(event) for test in tests)
        case AnyOf(parts):
            tests = [fits(part) for part in parts]
            return lambda event: any(test(event) for test in tests)
