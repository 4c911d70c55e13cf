"""The values of terms: how each is read as it is written, written again, told, and what it means of an event.

What reads one raises Invalid for the field `q`; what tests one takes no relative time (`moments.resolved`).
"""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from zoneinfo import ZoneInfo

from minutebook.actions import CATALOGUE, NOUNS, Severity
from minutebook.email_address import is_email
from minutebook.errors import Invalid
from minutebook.filters import globs
from minutebook.filters.actor import MatchKind, actor_match, matches
from minutebook.filters.clause import Clause, listed
from minutebook.filters.globs import STAR
from minutebook.filters.instants import RANGE
from minutebook.filters.moments import Here, Moment, parse_moment, tell
from minutebook.filters.quote import quoted
from minutebook.filters.text import normal_text
from minutebook.filters.words import id_text, is_id, search_text, values, written
from minutebook.filters.zones import told_end
from minutebook.identifiers import MOST_SEQ, event_number
from minutebook.ip_address import address_of, is_inside, network_of
from minutebook.model import ActorKind, Client, Event, Outcome

FIELD = "q"
CLIENTS: Mapping[str, str] = {
    Client.WEB: "Dashboard",
    Client.API: "API",
    Client.CLI: "Command line",
    Client.DEMO: "Demo",
    Client.SYSTEM: "Minutebook itself",
}
"""What people call each."""
IDS = re.compile("(usr|tok|aud)_[a-z0-9]*")
"""The ids of those who can act. What holds anything else, such as an address, is none."""
SEVERITIES = tuple(severity.label.lower() for severity in Severity)
NOUN_PATTERNS = tuple(f"{noun}.*" for noun in NOUNS)
"""All actions of a noun, for each of them."""
WHICH_DETAIL = "Write which detail is meant, such as details.role.after:admin."

Fits = Callable[[Event], bool]


@dataclass(frozen=True, slots=True)
class ActorValue:
    """An actor: by their address (the text of `actor_match`), by their id, or by their kind."""

    by: str
    text: str


@dataclass(frozen=True, slots=True)
class DetailValue:
    """A single value inside details: the last of the names that lead to it, and a pattern in normal text."""

    path: tuple[str, ...]
    pattern: str


@dataclass(frozen=True, slots=True)
class SeqRange:
    """Numbers of events, both ends included; None where there is no end."""

    first: int | None
    last: int | None


def meant(text: str, known: Iterable[str], before: str = "") -> str:
    """`Did you mean member.remove? ` for something that is close, with `before` before it; nothing when nothing is."""
    close = [before + one for one in get_close_matches(text.lower(), list(known), n=3, cutoff=0.55)]
    return f"Did you mean {listed(close, 'or')}? " if close else ""


def closest(text: str, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant."""
    return next(iter(get_close_matches(text.lower(), list(known), n=1, cutoff=0.65)), None)


def named_actions(pattern: str) -> list[str]:
    """The actions of the catalogue that a name or pattern means."""
    return [name for name in CATALOGUE if globs.fits(pattern, name)]


# ── action ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def parse_action(text: str, _here: Here) -> str:
    """The name of an action, or a pattern that some actions fit."""
    pattern = globs.collapsed(text.strip().lower())
    if not named_actions(pattern):
        close = meant(text, (*CATALOGUE, *NOUN_PATTERNS))
        accepted = "An action is written noun.verb, such as user.login; member.* means all of a noun."
        raise Invalid.one(FIELD, f"{quoted(text)} is not an action. {close}{accepted}")
    return pattern


# ── actor ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def parse_actor(text: str, _here: Here) -> ActorValue:
    """A kind, an id, or else an address or a part of one."""
    word = text.strip().lower()
    if word in set(ActorKind):
        return ActorValue("kind", word)
    if IDS.fullmatch(word):
        return ActorValue("id", word)
    return ActorValue("email", actor_match(text, FIELD).text)


def write_actor(actor: ActorValue, _zone: ZoneInfo | None) -> str:
    """What is read as the same actor, also a part of an address that looks like a kind or an id."""
    is_otherwise = actor.by == "email" and (actor.text in set(ActorKind) or IDS.fullmatch(actor.text) is not None)
    return f"{STAR}{actor.text}{STAR}" if is_otherwise and STAR not in actor.text else actor.text


def actor_of(kind: str, id_: str, email: str | None) -> ActorValue | None:
    """What finds all that this actor did, and nothing else; None where nothing does: one who was erased."""
    if email:
        return ActorValue("email", email)
    if kind == ActorKind.SYSTEM:
        return ActorValue("kind", kind)
    normal = normal_text(id_)
    return ActorValue("id", normal) if IDS.fullmatch(normal) else None


def actor_clause(actor: ActorValue, _zone: ZoneInfo) -> Clause:
    """Who did it, as it is told."""
    if actor.by == "email":
        operators = {MatchKind.EXACT: "is", MatchKind.PATTERN: "matches", MatchKind.PART: "contains"}
        return Clause("actor", operators[actor_match(actor.text).kind], actor.text)
    return Clause(f"actor {actor.by}", "is", actor.text)


def actor_fits(actor: ActorValue) -> Fits:
    """Whether that actor did it."""
    if actor.by == "kind":
        return lambda event: event.actor.kind == actor.text
    if actor.by == "id":
        return lambda event: normal_text(event.actor.id) == actor.text
    match = actor_match(actor.text)
    return lambda event: matches(match, event.actor.email)


# ── target ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def parse_target(text: str, _here: Here) -> str:
    """A pattern in normal text."""
    return _pattern(text, "the name, address or id of what was changed")


def target_fits(pattern: str) -> Fits:
    """Whether it was done to something of that id, complete address, or part of a name."""
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


def parse_target_id(text: str, _here: Here) -> str:
    """The same of an id alone."""
    return _pattern(text, "the id of what was changed, such as usr_4ulpqrl4b6pd")


def target_id_fits(pattern: str) -> Fits:
    """Whether it was done to something of that id."""
    return lambda event: any(globs.fits(pattern, normal_text(target.id)) for target in event.known_targets)


def _pattern(text: str, expected: str) -> str:
    pattern = globs.collapsed(normal_text(text))
    if not pattern:
        raise Invalid.one(FIELD, f"{quoted(text)} names nothing. Write {expected}.")
    return pattern


# ── request, session ─────────────────────────────────────────────────────────────────────────────────────────────────


def parse_request(text: str, _here: Here) -> str:
    """A pattern of its id in normal text."""
    return _pattern(text, "the id of a request, such as req_4ulpqrl4b6pd")


def parse_session(text: str, _here: Here) -> str:
    """A pattern of its id in normal text."""
    return _pattern(text, "the id of a session, such as ses_4ulpqrl4b6pd")


def request_fits(pattern: str) -> Fits:
    """Whether it came by that request."""
    return lambda event: _is_id_of(pattern, event.context.request_id)


def session_fits(pattern: str) -> Fits:
    """Whether it was done in that session."""
    return lambda event: _is_id_of(pattern, event.context.session_id)


def _is_id_of(pattern: str, id_: str | None) -> bool:
    return bool(id_) and globs.fits(pattern, normal_text(id_ or ""))


# ── ip ───────────────────────────────────────────────────────────────────────────────────────────────────────────────


HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]*)\]|([0-9.]*))(?::[0-9]*)?")
"""An address as URLs and logs have it: in brackets, if it is one with colons, and a port may follow."""


def parse_ip(text: str, _here: Here) -> str:
    """An address, or a range of them in the usual form; of mapped addresses, that of those they stand for."""
    try:
        network = network_of(text.strip())
    except ValueError:
        raise Invalid.one(
            FIELD, f"{quoted(text)} is not an IP address. Write one, such as 10.1.2.3, or a range, such as 10.0.0.0/8."
        ) from None
    single = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if single else str(network)


def network_meant(text: str) -> str | None:
    """`10.0.0.0/32` for `10.0.0.0/33`, `203.0.113.0/24` for `203.0.113` or `203.0.113.*`, `2001:db8::1` for
    `[2001:db8::1]:443`; None for what is no part of an address, or has a zone. A mapped address is the one that is
    recorded for it."""
    if "%" in text:
        return None
    if (host := HOST.fullmatch(text.strip())) and (given := address_of(host[1] or host[2] or "")):
        return str(given)
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


def ip_fits(text: str) -> Fits:
    """Whether it came from that address or range."""
    network = network_of(text)
    return lambda event: is_inside(address_of(event.context.ip or ""), network)


# ── outcome, severity, seq, id ───────────────────────────────────────────────────────────────────────────────────────


def parse_outcome(text: str, _here: Here) -> str:
    """How an act can end."""
    word = text.strip().lower()
    if word not in set(Outcome):
        raise Invalid.one(FIELD, f"{quoted(text)} is not an outcome. The outcomes are {listed(list(Outcome), 'and')}.")
    return str(Outcome(word))


def parse_severity(text: str, _here: Here) -> str:
    """One of SEVERITIES."""
    word = text.strip().lower()
    if word not in SEVERITIES:
        raise Invalid.one(FIELD, f"{quoted(text)} is not a severity. The severities are {listed(SEVERITIES, 'and')}.")
    return word


def parse_client(text: str, _here: Here) -> str:
    """One of CLIENTS."""
    word = text.strip().lower()
    if word not in CLIENTS:
        raise Invalid.one(FIELD, f"{quoted(text)} is not a client. The clients are {listed(list(CLIENTS), 'and')}.")
    return word


def parse_seq(text: str, _here: Here) -> SeqRange:
    """One number, or a range of which one end may be open."""
    first, dots, last = text.strip().replace(",", "").partition("..")
    numbers = [event_number(part) for part in (first, last)]
    if any(part and number is None for part, number in zip((first, last), numbers, strict=True)):
        raise _no_seq(text)
    found = SeqRange(*numbers) if dots else SeqRange(numbers[0], numbers[0])
    if found.first is None and found.last is None:
        raise _no_seq(text)
    if found.first is not None and found.last is not None and found.last < found.first:
        raise _no_seq(text)
    return found


def _no_seq(text: str) -> Invalid:
    message = f"{quoted(text)} is not the number of an event. Write one, such as 204, or a range, such as 200..300."
    return Invalid.one(FIELD, message)


def write_seq(numbers: SeqRange, _zone: ZoneInfo | None) -> str:
    """The number, or the range."""
    first, last = ("" if number is None else str(number) for number in (numbers.first, numbers.last))
    return first if first == last else f"{first}..{last}"


def seq_fits(numbers: SeqRange) -> Fits:
    """Whether its number is among them."""
    first = 0 if numbers.first is None else numbers.first
    last = MOST_SEQ if numbers.last is None else numbers.last
    return lambda event: first <= event.seq <= last


def parse_id(text: str, _here: Here) -> str:
    """The id of an event in its usual form."""
    try:
        return str(uuid.UUID(text.strip()))
    except ValueError:
        example = "019372a4-5c6e-7a10-8b3f-2f1e0d9c8b7a"
        raise Invalid.one(FIELD, f"{quoted(text)} is not the id of an event, such as {example}.") from None


# ── after, before ────────────────────────────────────────────────────────────────────────────────────────────────────


def parse_time(text: str, here: Here) -> Moment:
    """A time, or how long ago."""
    return parse_moment(text, here, FIELD)


def parse_before(text: str, here: Here) -> Moment:
    """The same for an end: some time must be before it."""
    before = parse_time(text, here)
    if before == 0:
        raise Invalid.one(FIELD, f"Nothing is before {quoted(text)}. {RANGE}")
    return before


def before_clause(end: Moment, zone: ZoneInfo) -> Clause:
    """Up to when, as it is told."""
    return Clause("", "up to", told_end(end, zone) if isinstance(end, int) else tell(end, zone))


# ── details, words ───────────────────────────────────────────────────────────────────────────────────────────────────


def parse_details(path: str, text: str) -> DetailValue:
    """The value of a term `details.…`; raises Invalid."""
    names = tuple(path.split("."))
    if not all(names):
        raise Invalid.one(FIELD, WHICH_DETAIL)
    return DetailValue(names, globs.collapsed(normal_text(text)))


def details_fits(of: DetailValue) -> Fits:
    """Whether a value inside the details, under these names, fits the pattern."""

    def fits(event: Event) -> bool:
        return any(
            path[-len(of.path) :] == of.path and globs.fits(of.pattern, normal_text(written(value)))
            for path, value in values(dict(event.details))
        )

    return fits


def text_fits(word: str) -> Fits:
    """Whether its words hold the text, or where that is an id, its ids."""
    normal = normal_text(word)
    if is_id(normal):
        return lambda event: normal in id_text(event) or normal in search_text(event)
    return lambda event: normal in search_text(event)


def parse_word(text: str, _here: Here) -> str:
    """A word or phrase; raises Invalid when nothing of it can be searched for."""
    if not normal_text(text):
        raise Invalid.one(FIELD, f"There is nothing to search for in {quoted(text)}. Write a word or a phrase.")
    return " ".join(text.split())
