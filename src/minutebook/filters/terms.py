"""The terms of the query language: one row for each, with what it means. `store/where.py` has its clause.

To add one: a row of TERMS, and its clause.
"""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from minutebook.actions import CATALOGUE
from minutebook.email_address import is_email
from minutebook.errors import Invalid
from minutebook.filters import globs
from minutebook.filters.actor import MatchKind, actor_match, matches
from minutebook.filters.clause import Clause, listed
from minutebook.filters.expression import AllOf, AnyOf, Expression, Not, Term
from minutebook.filters.globs import STAR
from minutebook.filters.instants import RANGE
from minutebook.filters.moments import Here, Moment, parse_moment, tell, write_moment
from minutebook.filters.quote import quoted
from minutebook.filters.text import normal_text
from minutebook.filters.words import id_text, is_id, search_text, values, written
from minutebook.filters.zones import told_end
from minutebook.model import ActorKind, Event, Outcome

FIELD = "q"
DETAILS = "details."
CLIENTS = {"web": "Dashboard", "api": "API", "cli": "Command line", "demo": "Demo"}
"""What acts are done with, as `context.client` records it, and what people call it."""
IDS = re.compile("(usr|tok|aud)_[a-z0-9]*")
"""The ids of those who can act. What holds anything else, such as an address, is none."""
MOST_SEQ = (1 << 40) - 1

Fits = Callable[[Event], bool]


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


@dataclass(frozen=True, slots=True)
class ActorValue:
    """An actor: by their address (the text of `actor_match`), by their id, or by their kind."""

    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Details:
    """A single value inside details: the last of the names that lead to it, and a pattern in normal text."""

    path: tuple[str, ...]
    pattern: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers of events, both ends included; None where there is no end."""

    first: int | None
    last: int | None


def meant(text: str, known: Iterable[str]) -> str:
    """`Did you mean member.remove? ` for something that is close; nothing when nothing is."""
    close = get_close_matches(text.lower(), list(known), n=3, cutoff=0.5)
    return f"Did you mean {listed(close, 'or')}? " if close else ""


def closest(text: str, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant."""
    return next(iter(get_close_matches(text.lower(), list(known), n=1, cutoff=0.65)), None)


def named_actions(pattern: str) -> list[str]:
    """The actions of the catalogue that a name or pattern means."""
    return [name for name in CATALOGUE if globs.fits(pattern, name)]


# ── action ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _parse_action(text: str, _here: Here) -> str:
    pattern = globs.collapsed(text.strip().lower())
    if not named_actions(pattern):
        raise Invalid.one(
            FIELD,
            f"{quoted(text)} is not an action. {meant(text, tuple(CATALOGUE))}An action is written noun.verb, such as "
            "user.login; member.* means all of a noun.",
        )
    return pattern


# ── actor ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _parse_actor(text: str, _here: Here) -> ActorValue:
    word = text.strip().lower()
    if word in set(ActorKind):
        return ActorValue("kind", word)
    if IDS.fullmatch(word):
        return ActorValue("id", word)
    return ActorValue("email", actor_match(text, FIELD).text)


def _write_actor(actor: ActorValue, _zone: ZoneInfo | None) -> str:
    is_otherwise = actor.by == "email" and (actor.text in set(ActorKind) or IDS.fullmatch(actor.text) is not None)
    return f"{STAR}{actor.text}{STAR}" if is_otherwise and STAR not in actor.text else actor.text


def _actor_clause(actor: ActorValue, _zone: ZoneInfo) -> Clause:
    if actor.by == "email":
        operators = {MatchKind.EXACT: "is", MatchKind.PATTERN: "matches", MatchKind.PART: "contains"}
        return Clause("actor", operators[actor_match(actor.text).kind], actor.text)
    return Clause(f"actor {actor.by}", "is", actor.text)


def _actor_fits(actor: ActorValue) -> Fits:
    if actor.by == "kind":
        return lambda event: event.actor.kind == actor.text
    if actor.by == "id":
        return lambda event: normal_text(event.actor.id) == actor.text
    match = actor_match(actor.text)
    return lambda event: matches(match, event.actor.email)


# ── target ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _parse_target(text: str, _here: Here) -> str:
    pattern = globs.collapsed(normal_text(text))
    if not pattern:
        raise Invalid.one(FIELD, f"{quoted(text)} names nothing. Write the name, address or id of what was changed.")
    return pattern


def _target_fits(pattern: str) -> Fits:
    if STAR in pattern:
        return lambda event: any(
            globs.fits(pattern, normal_text(text))
            for target in event.known_targets
            for text in (target.name, target.id)
        )
    is_whole = is_email(pattern)

    def fits(event: Event) -> bool:
        return any(
            normal_text(target.id) == pattern
            or (normal_text(target.name) == pattern if is_whole else pattern in normal_text(target.name))
            for target in event.known_targets
        )

    return fits


# ── ip ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _parse_ip(text: str, _here: Here) -> str:
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        raise Invalid.one(
            FIELD, f"{quoted(text)} is not an IP address. Write one, such as 10.1.2.3, or a range, such as 10.0.0.0/8."
        ) from None
    single = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if single else str(network)


def network_meant(text: str) -> str | None:
    """`10.0.0.0/32` for `10.0.0.0/33`, `203.0.113.0/24` for `203.0.113` or `203.0.113.*`; None for what is no part of
    an address."""
    address, slash, length = text.strip().removesuffix("*").removesuffix(".").partition("/")
    if slash:
        try:
            longest = ipaddress.ip_address(address).max_prefixlen
        except ValueError:
            return None
        return f"{address}/{longest}" if length.isdigit() and length.isascii() else None
    numbers = address.split(".")
    if not (1 < len(numbers) < 4 and all(number.isascii() and number.isdigit() for number in numbers)):
        return None
    return f"{'.'.join([*numbers, *['0'] * (4 - len(numbers))])}/{8 * len(numbers)}"


def _ip_fits(text: str) -> Fits:
    network = ipaddress.ip_network(text)

    def fits(event: Event) -> bool:
        try:
            address = ipaddress.ip_address(event.context.ip or "")
        except ValueError:
            return False
        return address.version == network.version and address in network

    return fits


# ── outcome, seq, id ─────────────────────────────────────────────────────────────────────────────────────────────────


def _parse_outcome(text: str, _here: Here) -> str:
    word = text.strip().lower()
    if word not in set(Outcome):
        raise Invalid.one(FIELD, f"{quoted(text)} is not an outcome. The outcomes are {listed(list(Outcome), 'and')}.")
    return str(Outcome(word))


def _parse_client(text: str, _here: Here) -> str:
    word = text.strip().lower()
    if word not in CLIENTS:
        raise Invalid.one(FIELD, f"{quoted(text)} is not a client. The clients are {listed(list(CLIENTS), 'and')}.")
    return word


def _parse_seq(text: str, _here: Here) -> Numbers:
    first, dots, last = text.strip().replace(",", "").partition("..")
    numbers = [_number(part, text) if part else None for part in (first, last)]
    found = Numbers(*numbers) if dots else Numbers(numbers[0], numbers[0])
    if found.first is None and found.last is None:
        raise _no_seq(text)
    if found.first is not None and found.last is not None and found.last < found.first:
        raise _no_seq(text)
    return found


def _number(part: str, text: str) -> int:
    if not (part.isascii() and part.isdigit() and len(part) <= 13 and int(part) <= MOST_SEQ):
        raise _no_seq(text)
    return int(part)


def _no_seq(text: str) -> Invalid:
    message = f"{quoted(text)} is not the number of an event. Write one, such as 204, or a range, such as 200..300."
    return Invalid.one(FIELD, message)


def _write_seq(numbers: Numbers, _zone: ZoneInfo | None) -> str:
    first, last = ("" if number is None else str(number) for number in (numbers.first, numbers.last))
    return first if first == last else f"{first}..{last}"


def _seq_fits(numbers: Numbers) -> Fits:
    first = 0 if numbers.first is None else numbers.first
    last = MOST_SEQ if numbers.last is None else numbers.last
    return lambda event: first <= event.seq <= last


def _parse_id(text: str, _here: Here) -> str:
    try:
        return str(uuid.UUID(text.strip()))
    except ValueError:
        example = "019372a4-5c6e-7a10-8b3f-2f1e0d9c8b7a"
        raise Invalid.one(FIELD, f"{quoted(text)} is not the id of an event, such as {example}.") from None


# ── after, before ────────────────────────────────────────────────────────────────────────────────────────────────────


def _parse_time(text: str, here: Here) -> Moment:
    return parse_moment(text, here, FIELD)


def _parse_before(text: str, here: Here) -> Moment:
    before = _parse_time(text, here)
    if before == 0:
        raise Invalid.one(FIELD, f"{quoted(text)} is too far away. {RANGE}")
    return before


def _before_clause(end: Moment, zone: ZoneInfo) -> Clause:
    return Clause("", "up to", told_end(end, zone) if isinstance(end, int) else tell(end, zone))


# ── details, words ───────────────────────────────────────────────────────────────────────────────────────────────────


def parse_details(path: str, text: str) -> Details:
    """The value of a term `details.…`; raises Invalid."""
    names = tuple(path.split("."))
    if not all(names):
        raise Invalid.one(FIELD, "Write which detail is meant, such as details.role.after:admin.")
    return Details(names, globs.collapsed(normal_text(text)))


def _details_fits(of: Details) -> Fits:
    def fits(event: Event) -> bool:
        return any(
            path[-len(of.path) :] == of.path and globs.fits(of.pattern, normal_text(written(value)))
            for path, value in values(dict(event.details))
        )

    return fits


def _text_fits(word: str) -> Fits:
    normal = normal_text(word)
    if is_id(normal):
        return lambda event: normal in id_text(event) or normal in search_text(event)
    return lambda event: normal in search_text(event)


def parse_word(text: str, _here: Here) -> str:
    """A word or phrase; raises Invalid when nothing of it can be searched for."""
    if not normal_text(text):
        raise Invalid.one(FIELD, f"There is nothing to search for in {quoted(text)}. Write a word or a phrase.")
    return " ".join(text.split())


def _as_is(value: Any, _zone: ZoneInfo | None) -> str:
    return str(value)


def _is(subject: str) -> Callable[[Any, ZoneInfo], Clause]:
    return lambda value, _zone: Clause(subject, "matches" if STAR in value else "is", value)


_KINDS = (
    TermKind(
        "action",
        "The kind of act. A * stands for any characters.",
        ("action:user.login", "action:member.*"),
        _parse_action,
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
        _parse_actor,
        _write_actor,
        _actor_clause,
        _actor_fits,
    ),
    TermKind(
        "target",
        "What it was done to: its id, its complete address, or a part of its name.",
        ("target:ada@example.com", "target:reviewer"),
        _parse_target,
        _as_is,
        lambda pattern, _zone: Clause("target", "matches" if STAR in pattern else "is", pattern),
        _target_fits,
    ),
    TermKind(
        "ip",
        "The network address it came from, or a range of them.",
        ("ip:203.0.113.7", "ip:10.0.0.0/8", "ip:2001:db8::/32"),
        _parse_ip,
        _as_is,
        lambda text, _zone: Clause("IP address", "in" if "/" in text else "is", text),
        _ip_fits,
    ),
    TermKind(
        "client",
        f"What it was done with: {listed(list(CLIENTS), 'or')}.",
        ("client:cli",),
        _parse_client,
        _as_is,
        _is("client"),
        lambda client: lambda event: (event.context.client or "") == client,
        CLIENTS,
    ),
    TermKind(
        "outcome",
        f"How it ended: {listed(list(Outcome), 'or')}.",
        ("outcome:failure,denied",),
        _parse_outcome,
        _as_is,
        _is("outcome"),
        lambda outcome: lambda event: event.outcome == outcome,
        dict.fromkeys(Outcome, ""),
    ),
    TermKind(
        "after",
        "At that time or later. A day without a time means its beginning; -7d is seven days ago (s, m, h, d, w).",
        ("after:2026-10-01", "after:2026-10-01T17:05", "after:-7d", "after:yesterday", "after:this-month"),
        _parse_time,
        write_moment,
        lambda start, zone: Clause("", "from", tell(start, zone)),
        lambda start: lambda event: event.occurred_at >= start,
    ),
    TermKind(
        "before",
        "Earlier than that time.",
        ("before:2026-11-01", "before:-1h"),
        _parse_before,
        write_moment,
        _before_clause,
        lambda end: lambda event: event.occurred_at < end,
    ),
    TermKind(
        "seq",
        "The number of the event in its log, or a range of numbers.",
        ("seq:204", "seq:200..300", "seq:1000.."),
        _parse_seq,
        _write_seq,
        lambda numbers, zone: Clause("number", "is", _write_seq(numbers, zone)),
        _seq_fits,
    ),
    TermKind(
        "id",
        "The id of the event.",
        ("id:019372a4-5c6e-7a10-8b3f-2f1e0d9c8b7a",),
        _parse_id,
        _as_is,
        _is("id"),
        lambda id_: lambda event: event.id == id_,
    ),
    TermKind(
        "details",
        "A single value inside the details, by the names that lead to it or the last of them. The whole value must "
        "fit; a * stands for any characters. Case and accents make no difference.",
        ("details.role.after:admin", "details.after:admin", "details.models.added:*opus*"),
        lambda text, _here: parse_details("", text),
        lambda of, _zone: of.pattern,
        lambda of, _zone: Clause(f"details.{'.'.join(of.path)}", "matches" if STAR in of.pattern else "is", of.pattern),
        _details_fits,
    ),
    TermKind(
        "text",
        "A word, or a phrase in quotation marks: found anywhere in the sentence, the actor, the targets and the "
        "details, also inside a longer word; an id or a network address among those of the event. Case and accents "
        "make no difference; % and _ are themselves.",
        ("opus", '"billing manager"'),
        parse_word,
        _as_is,
        lambda word, _zone: Clause("text", "contains", f"“{word}”"),
        _text_fits,
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
