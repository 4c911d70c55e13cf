"""From an event to what is shown of it: its line in the table, its panel, and its JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from itertools import groupby, zip_longest
from zoneinfo import ZoneInfo

import orjson
from pydantic import BaseModel

from minutebook.actions import CATALOGUE, Details, known_details, sentence, severity_of
from minutebook.actions.parts import Gone
from minutebook.actions.telling import path_title
from minutebook.actions.values import Erased, Person, Query
from minutebook.errors import Invalid
from minutebook.filters import TERMS, UTC, normal_text, zone_label
from minutebook.filters.expression import Expression, Term
from minutebook.filters.globs import STAR
from minutebook.filters.moments import ANYWHERE
from minutebook.filters.paths import known_paths
from minutebook.filters.term_values import CLIENTS, DetailValue, actor_of
from minutebook.filters.words import values, written
from minutebook.model import Actor, Event, Target
from minutebook.store.event_json import event_json
from minutebook.web import times
from minutebook.web.browsers import UNKNOWN, browser_of
from minutebook.web.log_address import Address
from minutebook.web.subject import everything_by, everything_to
from minutebook.web.views.integrity import Proof
from minutebook.web.views.log import ActorLink, DayGroup, EventPanel, EventRow, Fact

ID = re.compile(r"[a-z]{3}_[a-z0-9]{12,}|[0-9a-f]{64}")
LONGEST_ASKED = 200
"""Characters of a value that leads to what else has it."""
CREDENTIALS = {"session": "Session", "token": "API token", "link": "Auditor link"}


@dataclass(frozen=True, slots=True)
class Around:
    """What the panel says of the log around an event: how it is proven, its neighbours in what was found, and its
    actor's events."""

    proof: Proof
    newer: int | None
    older: int | None
    by_actor: int | None
    to_targets: tuple[int | None, ...] = ()
    """Of the first of its targets, how many events there are of what was done to each."""

    erased_by: Mapping[str, int] = field(default_factory=dict)
    """Of what was erased of it, by path, the number of the event that says so."""


def days(events: Iterable[Event], address: Address, zone: ZoneInfo, now: int) -> tuple[DayGroup, ...]:
    """The lines of the table under the days of the zone, in the order given.

    Where the clock changes between the lines, each heading says which time it is; a day with both has two.
    """
    today = times.local_date(now, zone)

    def heading(event: Event) -> tuple[date, str]:
        return times.local_date(event.occurred_at, zone), zone_label(event.occurred_at, zone)

    parts = [(day, clock, tuple(of_day)) for (day, clock), of_day in groupby(events, heading)]
    changes = len({clock for _, clock, _ in parts}) > 1
    actor_of = cache(lambda actor: _actor(actor, address))  # the same few stand in most lines
    action_href = cache(lambda action: address.only("action", (action,)).href)
    href_of = cache(lambda part: _also(address, part))
    groups = []
    for day, clock, of_day in parts:
        label, note = times.day_heading(day, today)
        note = ", ".join(filter(None, [note, clock if changes else ""]))
        rows = (
            _row(event, actor_of(event.actor), action_href(event.action), href_of, address, zone) for event in of_day
        )
        groups.append(DayGroup(label, tuple(rows), note))
    return tuple(groups)


def _row(
    event: Event,
    actor: ActorLink,
    action_href: str,
    href_of: Callable[[Expression], str | None],
    address: Address,
    zone: ZoneInfo,
) -> EventRow:
    return EventRow(
        seq=event.seq,
        href=address.showing(event.seq).href,
        time=times.row_time(event.occurred_at, zone),
        action=event.action,
        action_href=action_href,
        severity=severity_of(event.action),
        outcome=event.outcome.value,
        actor=actor,
        says=sentence(event.action, event.details, event.erased),
        says_hrefs={name: href for name, part in _named(event).items() if (href := href_of(part))},
    )


def panel(event: Event, around: Around, address: Address, zone: ZoneInfo, own: ZoneInfo, now: int) -> EventPanel:
    """Everything about one event, beside the page of the address. `own` is the viewer's zone."""
    at = event.occurred_at
    other = own if zone is UTC else UTC
    told = [times.elsewhere(at, zone, other)] if other is not zone else []
    details = known_details(event.action, event.details, event.erased)
    action = CATALOGUE.get(event.action)
    diffs = details.diffs() if details else ()
    found = _Found(event, address)

    def gone(label: str, path: str) -> Fact:
        by = around.erased_by.get(path)
        if by is None:
            return Fact(label, Gone.text, gone=True)
        return Fact(label, Gone.text, f"by event {by:,}", small_href=address.showing(by).href, gone=True)

    return EventPanel(
        seq=event.seq,
        says=sentence(event.action, event.details, event.erased),
        actor=_actor(event.actor, address),
        when=times.full_time(at, zone),
        when_utc=", ".join(filter(None, [*told, times.ago(at, now)])),
        outcome=event.outcome.value,
        outcome_href=_with(address, "outcome", event.outcome.value),
        severity=severity_of(event.action),
        severity_href=_with(address, "severity", severity_of(event.action)),
        action=event.action,
        action_title=action.title if action else event.action,
        action_href=address.only("action", (event.action,)).href,
        diffs=diffs,
        diff_hrefs={
            (diff.name, line): href
            for diff in diffs
            for line in diff.lines
            if line.found_by and (href := found.href((diff.name, *line.found_by[0]), line.found_by[1]))
        },
        facts=(*_facts(event, address, zone, gone), *_details_told(event, details, found, zone, gone)),
        proof=around.proof,
        raw_json=raw_json(event),
        permalink=f"{address.path}/{event.seq}",
        close_href=address.showing(None).href,
        newer_href=address.showing(around.newer).href if around.newer is not None else None,
        older_href=address.showing(around.older).href if around.older is not None else None,
        by_actor_href=_everything_by(event.actor, address),
        by_actor_count=around.by_actor,
        to_target_hrefs=tuple(
            (target.name or target.id, _everything_to(target, address), count)
            for target, count in zip_longest(event.known_targets, around.to_targets)
        ),
    )


def raw_json(event: Event) -> str:
    """The event as programs read it, indented for people."""
    return orjson.dumps(orjson.loads(event_json(event)), option=orjson.OPT_INDENT_2).decode()


def _actor(actor: Actor, address: Address) -> ActorLink:
    value = actor_of(actor.kind, actor.id, actor.email)
    return ActorLink(
        kind=actor.kind.value,
        name=actor.name or ("" if actor.email else actor.id),
        email=actor.email or "",
        on_behalf_of=actor.on_behalf_of or "",
        href=_with(address, "actor", value) if value else None,
        history_href=_everything_by(actor, address),
    )


def _everything_by(actor: Actor, address: Address) -> str | None:
    """All that they ever did, whatever is searched for now."""
    by = everything_by(actor.id)
    return address.afresh.asking(by).href if by else None


def _everything_to(target: Target, address: Address) -> str:
    """All that was ever done to it, whatever is searched for now."""
    return address.afresh.asking(everything_to(target.id)).href


def _also(address: Address, part: Expression) -> str | None:
    """The same search, of what is meant by this, too; None where it cannot be asked for."""
    narrower = address.asking_also(part)
    return narrower.href if narrower else None


def _asking(address: Address, key: str, value: str | None) -> str | None:
    """The same search, of what has this value; None where it cannot be asked for."""
    try:
        return _with(address, key, TERMS[key].parse(value or "", ANYWHERE))
    except Invalid:
        return None


def _with(address: Address, key: str, value: Hashable) -> str:
    return address.asking_only(key, Term(key, value)).href


def _named(event: Event) -> dict[str, Expression]:
    """What asks for what the sentence names: its targets, by what they are called, and the people in its details."""
    details = known_details(event.action, event.details, event.erased)
    found: dict[str, Expression] = {}
    for field_ in type(details).model_fields if details else ():
        value = getattr(details, field_)
        if isinstance(value, Person):
            is_target = value.id in {target.id for target in event.targets}
            asked = Term("details", DetailValue((field_, "id"), normal_text(value.id)))
            found[value.name or value.email] = everything_to(value.id) if is_target else asked
    return {target.name: everything_to(target.id) for target in event.targets if target.name} | found


def _facts(event: Event, address: Address, zone: ZoneInfo, gone: Callable[[str, str], Fact]) -> Iterator[Fact]:
    """The fields that every event has."""
    actor, context = event.actor, event.context
    link = _actor(actor, address)
    name = actor.name or actor.email or actor.id
    beside = ", ".join(filter(None, [actor.email if actor.name else None, actor.id if name != actor.id else None]))
    yield Fact("Actor", name, beside, href=link.href)
    if actor.on_behalf_of:
        yield Fact("On behalf of", actor.on_behalf_of)
    if actor.credential:
        yield Fact(
            "Credential",
            CREDENTIALS.get(actor.credential, actor.credential),
            context.session_id or "",
            small_href=_asking(address, "session", context.session_id),
        )
    elif context.session_id:
        yield Fact("Session", context.session_id, href=_asking(address, "session", context.session_id), code=True)
    for target in event.known_targets:
        beside = ", ".join(dict.fromkeys(text for text in (target.kind, target.id) if text != target.name))
        yield Fact("Target", target.name or target.id, beside, href=_also(address, everything_to(target.id)))
    if event.occurred_at != event.recorded_at:
        yield Fact("Occurred", times.full_time(event.occurred_at, zone).text)
    said, browser = context.user_agent or "", browser_of(context.user_agent)
    for fact in (
        Fact("IP address", context.ip or "", href=_asking(address, "ip", context.ip), code=True),
        Fact(
            "Client",
            CLIENTS.get(context.client or "", context.client or ""),
            href=_asking(address, "client", context.client),
        ),
        Fact("Browser", said) if browser == UNKNOWN else Fact("Browser", browser, said),
        Fact("Request", context.request_id or "", href=_asking(address, "request", context.request_id), code=True),
        Fact("Event id", event.id, code=True),
    ):
        if fact.value:
            yield fact
    for path in sorted(event.erased):
        if not path.startswith("details."):
            yield gone(path_title(path), path)


@dataclass(frozen=True, slots=True)
class _Found:
    """How what stands in the details of an event is searched for, beside what is searched for now."""

    event: Event
    address: Address

    def href(self, path: tuple[str, ...], value: str | int) -> str | None:
        """The same search, of what has this value there; None for one that cannot be asked for."""
        pattern = normal_text(written(value))
        if ".".join(path) not in known_paths() or STAR in pattern or not 0 < len(pattern) <= LONGEST_ASKED:
            return None
        return _also(self.address, Term("details", DetailValue(path, pattern)))

    def single(self, path: tuple[str, ...]) -> str | None:
        """The same of the value there, if there is one."""
        inside = self._inside(path)
        return self.href(*inside[0]) if len(inside) == 1 else None

    def each(self, path: tuple[str, ...]) -> list[str | None]:
        """The same of each value there."""
        return [self.href(*one) for one in self._inside(path)]

    def _inside(self, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], str | int]]:
        return [(there, one) for there, one in values(dict(self.event.details)) if there[: len(path)] == path]


def _details_told(
    event: Event, details: Details | None, found: _Found, zone: ZoneInfo, gone: Callable[[str, str], Fact]
) -> Iterator[Fact]:
    """The fields of the details that no diff shows."""
    if details is None:
        for name, value in event.details.items():
            if (path := f"details.{name}") in event.erased:
                yield gone(name, path)
            else:
                text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                yield Fact(name, text, href=found.single((name,)), code=True)
        return
    for title, name, told in details.facts():
        if isinstance(told, Erased):
            yield gone(title, f"details.{name}")
        else:
            yield from _told(title, (name,), told, found, zone)


def _told(title: str, path: tuple[str, ...], value: object, found: _Found, zone: ZoneInfo) -> Iterator[Fact]:
    """One field of the details. Whole numbers called `…_at` are times."""
    href = found.single(path)
    if isinstance(value, Person):
        beside = ", ".join(filter(None, [value.name and value.email, value.id]))
        yield Fact(title, value.name or value.email, beside, href=found.single((*path, "id")))
    elif isinstance(value, Query):
        yield Fact(title, value.text, href=href, code=True)
    elif isinstance(value, BaseModel) and "__str__" not in vars(type(value)):
        for inner in type(value).model_fields:
            inner_title = type(value).model_fields[inner].title or inner.replace("_", " ").capitalize()
            yield from _told(inner_title, (*path, inner), getattr(value, inner), found, zone)
    elif isinstance(value, tuple) and value and isinstance(value[0], tuple):
        yield Fact(title, f"{len(value):,}", "Each is in the raw JSON")
    elif isinstance(value, tuple):
        texts, hrefs = [str(one) for one in value], found.each(path)
        yield Fact(
            title,
            ", ".join(texts) or "None",
            each=tuple(zip(texts, hrefs, strict=True)) if len(texts) == len(hrefs) else (),
        )
    elif isinstance(value, bool):
        yield Fact(title, "Yes" if value else "No", href=href)
    elif isinstance(value, int) and path[-1].endswith("_at"):
        yield Fact(title, times.full_time(value, zone).text)
    elif isinstance(value, int):
        yield Fact(title, f"{value:,}", href=href)
    else:
        label = getattr(value, "label", None)
        text = label if isinstance(label, str) else str(value)
        yield Fact(title, text, href=href, code=bool(ID.fullmatch(text)), lines="\n" in text)
