"""Audit Logs from one snapshot of the store: what was found, how many, and the ways on from there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from minutebook.actions import CATALOGUE, known_details
from minutebook.actions.log_custody import FieldsErased
from minutebook.deliver.formats import FORMATS
from minutebook.email_address import is_email
from minutebook.errors import NotFound, Problem, TooSlow
from minutebook.filters import (
    EVERYTHING,
    Cursor,
    Direction,
    expression_of,
    filter_of,
    instants,
    language,
    search_of,
    write,
)
from minutebook.filters.buckets import Buckets, buckets_of
from minutebook.filters.cursor import NO_SUCH_PAGE
from minutebook.filters.expression import Expression, Term, all_of, conjuncts
from minutebook.filters.moments import ANYWHERE
from minutebook.filters.term_values import DetailValue, named_actions, parse_actor
from minutebook.model import Event
from minutebook.organization import seats
from minutebook.store import anchor_log, checkpoints, log, search, survey
from minutebook.store.scope import Scope
from minutebook.store.search import EventPage
from minutebook.store.spans import LAST
from minutebook.store.survey import Count, Patience, Sums
from minutebook.web import exporting, log_views, overview, times
from minutebook.web.log_address import CURSORS, FIELD_KEYS, QUERIES, Address
from minutebook.web.log_controls import controls_of, done_by, with_counts, with_people
from minutebook.web.look import Look
from minutebook.web.proving import Grounds, problem_with, proof_of
from minutebook.web.subject import everything_by, everything_to, subject_of
from minutebook.web.views.controls import ActionOption
from minutebook.web.views.log import (
    EventPanel,
    EvidenceChoice,
    ExportChoice,
    Failure,
    Histogram,
    LiveTail,
    LogPage,
    Mistake,
    Without,
    ZoneSwitch,
)
from minutebook.web.views.page import Moment, Pager

PAGE_SIZE = 50
FACETS = ("outcome", "action", "actor", "client")
SURVEY_SECONDS = 0.05
"""For counting all that is found: a page that would wait longer for it is shown with "at least"."""
WHOLE_SECONDS = 2.0
"""For the same, when the page is there and asks once more for whatever was counted in part."""
MOST_EXITS = 8
MOST_COUNTED = 3
"""Of the targets of an event, beside which it is said how much was done to them."""
COUNTED_SECONDS = 0.05
JUST_BEGUN = 3
"""A log of at most so many events says which acts will come next."""
FIRST_ACTS = ("user.login", "user.invite", "member.change_role", "settings.change", "mode.create", "credits.purchase")
NOTHING = Count(0, is_exact=True)
FIRST_PAGE, LEAVE_OUT = "First page", "Leave it out"


def log_page(
    connection: Connection, look: Look, page_size: int = PAGE_SIZE, *, clock: Callable[[], float] | None = None
) -> LogPage:
    """The page, all of it from the snapshot of this connection; at most `page_size` events. With a `clock` (seconds)
    the counts are waited for, as long as its time is not over."""
    head = log.read_head(connection, look.organization.number)
    cursor = look.address.cursor
    if cursor and cursor.size > head.size:
        look = _refused(look, Problem(cursor.direction, NO_SUCH_PAGE))
        cursor = None
    scope = look.scope(cursor.size if cursor else head.size)
    patience = Patience(WHOLE_SECONDS, clock) if clock else Patience(SURVEY_SECONDS, all_or_nothing=True)
    total = survey.survey(connection, scope, EVERYTHING, patience=patience).total
    empty = unsearched_page(look, total=total, kept_since=kept_since(connection, look))
    if look.reading.problems:
        return replace(empty, controls=with_people(connection, look, empty.controls))
    filter_ = look.address.filter
    buckets = _buckets(connection, scope, look)
    counted = survey.survey(connection, scope, filter_, FACETS, buckets.edges if buckets else (), patience)
    found = search.page(connection, scope, filter_, cursor, page_size, counted.total)
    event, missing = _event(connection, look, head.size)
    by_actor = survey.by_text(counted.by["actor"], len(counted.by["actor"]))
    is_empty = not found.events and not found.total.number  # else what was on this page was pruned meanwhile
    is_overseen = bool(found.events) and counted.total.number > 0
    return replace(
        empty,
        controls=with_counts(
            empty.controls,
            connection,
            scope,
            look,
            counted.by["action"] if counted.total.is_exact else None,
            by_actor,
        ),
        histogram=_histogram(buckets, counted.in_time, look) if is_overseen else None,
        facets=overview.facets(look.address, {**counted.by, "actor": by_actor}, partial(_called, connection, scope))
        if is_overseen
        else (),
        subject=subject_of(connection, scope, look.address, look.zone),
        zone=_zone_switch(look, [event.occurred_at for event in found.events]),
        found=found.total.number,
        found_exactly=found.total.is_exact,
        counts_href=None if found.total.is_exact or clock else _counts_href(look, scope),
        days=log_views.days(found.events, look.address, look.zone, look.now),
        pager=_pager(look, scope, found),
        exports=_exports(look, scope) if found.events else (),
        evidence=_evidence(look) if found.events else None,
        newer=_newer(connection, scope, look, head.size, found.total) if cursor else 0,
        live=None if cursor else LiveTail(look.address.tail_href, head.size - 1),
        signed=_signed(connection, look),
        integrity_href=look.integrity,
        newest_href=look.address.without().href,
        event=event,
        event_missing=missing,
        without=_without(connection, scope, look, total) if is_empty else (),
        instead=_instead(connection, scope, look) if is_empty else (),
        first_acts=_first_acts(look, scope),
    )


def unsearched_page(
    look: Look, *, total: Count = NOTHING, kept_since: Moment | None = None, failure: Failure | None = None
) -> LogPage:
    """The page when nothing was searched: a field or the address is wrong, or the store did not answer."""
    return LogPage(
        controls=controls_of(look),
        zone=_zone_switch(look, []),
        total=total.number,
        total_exactly=total.is_exact,
        kept_since=kept_since,
        failure=failure,
        mistakes=tuple(
            Mistake(
                problem.message,
                look.address.leaving_out(problem).href,
                FIRST_PAGE if problem.field in CURSORS else LEAVE_OUT,
            )
            for problem in look.reading.problems
            if problem.field not in (*look.reading.errors, *QUERIES)
        ),
    )


def event_panel(connection: Connection, look: Look) -> EventPanel | None:
    """The event that the address names, if it is there."""
    return _event(connection, look, log.read_head(connection, look.organization.number).size)[0]


def kept_since(connection: Connection, look: Look) -> Moment | None:
    """When the log began."""
    size = log.read_head(connection, look.organization.number).size
    for first in search.window(connection, look.scope(size), EVERYTHING, first=0, limit=1):
        return times.day_of(first.recorded_at, look.zone)
    return None


def _signed(connection: Connection, look: Look) -> Moment | None:
    """When the log was signed last: the time alone, if that was today."""
    newest = checkpoints.latest(connection, look.organization.number) if look.integrity else None
    return times.beside(newest.signed_at, look.now, look.zone) if newest else None


def _refused(look: Look, problem: Problem) -> Look:
    reading = replace(
        look.reading, problems=(*look.reading.problems, problem), address=replace(look.address, cursor=None)
    )
    return replace(look, reading=reading)


def _event(connection: Connection, look: Look, size: int) -> tuple[EventPanel | None, str]:
    """The panel of the event that the address names, or that there is no such event."""
    seq = look.address.event
    if seq is None:
        return None, ""
    try:
        event = search.find(connection, look.scope(size), seq)
    except NotFound:
        if not look.sees_all:
            return None, f"There is no event {seq:,} here."
        if seq < size:
            return None, (
                f"Event {seq:,} was pruned: it was older than such events are kept. "
                "The events log.prune say when, and by which policy."
            )
        return None, f"There is no event {seq:,} in this log; its newest is {size - 1:,}."
    return log_views.panel(
        event, _around(connection, look, event, size), look.address, look.zone, look.own, look.now
    ), ""


def _called(connection: Connection, scope: Scope, actor: str) -> str:
    """What an actor without an address is called in their newest event."""
    with suppress(TooSlow):
        asked = filter_of(Term("actor", parse_actor(actor, ANYWHERE)))
        for event in search.page(connection, scope, asked, None, 1).events:
            return event.actor.name or actor
    return actor


def _around(connection: Connection, look: Look, event: Event, size: int) -> log_views.Around:
    scope = look.scope(size)
    newer, older = search.neighbours(connection, scope, look.address.filter, event.occurred_at, event.seq)
    by = everything_by(event.actor.id)
    by_actor = _counted(connection, scope, by) if by else None
    to_targets = tuple(
        _counted(connection, scope, everything_to(target.id)) for target in event.known_targets[:MOST_COUNTED]
    )
    signed = checkpoints.covering(connection, look.organization.number, event.seq)
    anchors = anchor_log.states(connection, look.organization.number)
    problem = problem_with(connection, event, signed, look.custody)
    grounds = Grounds(log.leaf_hash_of(connection, event), signed, problem, anchors)
    proof = proof_of(event, grounds, look.zone, look.now, look.address.path, look.integrity)
    return log_views.Around(proof, newer, older, by_actor, to_targets, _erased_by(connection, scope, event))


def _erased_by(connection: Connection, scope: Scope, event: Event) -> dict[str, int]:
    """Of what was erased of an event, by path, the number of the event that says so, as far as the viewer sees it."""
    told: dict[str, int] = {}
    erasure = FieldsErased.action.name
    asked = filter_of(all_of([Term("action", erasure), Term("details", DetailValue(("erased",), str(event.seq)))]))
    first = event.seq + 1
    with suppress(TooSlow):
        while told.keys() < event.erased and (
            found := search.window(connection, scope, asked, first=first, limit=PAGE_SIZE)
        ):
            for one in found:
                details = known_details(one.action, one.details)
                if isinstance(details, FieldsErased):
                    told |= {path: one.seq for seq, path, _ in details.erased if seq == event.seq}
            first = found[-1].seq + 1
    return told


def _counted(connection: Connection, scope: Scope, history: Expression) -> int | None:
    """How many events there are of a history; None where that is not counted at once."""
    patience = Patience(COUNTED_SECONDS, all_or_nothing=True)
    total = survey.survey(connection, scope, filter_of(history), patience=patience).total
    return total.number if total.is_exact else None


def _pager(look: Look, scope: Scope, found: EventPage) -> Pager | None:
    if not found.events:
        return None

    def link(direction: Direction, event: Event, rank: int) -> str:
        return _beyond(look, scope, direction, event.occurred_at, event.seq, rank)

    first, last = found.rank + 1, found.rank + len(found.events)
    return Pager(
        text=f"{first:,}–{last:,} of {'' if found.total.is_exact else 'at least '}{found.total.number:,}, newest first",
        before_href=link("newer", found.events[0], found.rank) if found.has_newer else None,
        after_href=link("older", found.events[-1], last) if found.has_older else None,
    )


def _beyond(look: Look, scope: Scope, direction: Direction, occurred_at: int, seq: int, rank: int) -> str:
    """The page beyond a row, of the log and as of the time of this page."""
    which = (look.log, search_of(look.address.filter), scope.size)
    return look.address.at(Cursor(*which, occurred_at, seq, rank, direction, look.here.now or 0)).href


def _counts_href(look: Look, scope: Scope) -> str:
    """This page once more. What was recorded since is not in it, so that what it counts is what is shown here."""
    return look.address.showing(None).href if look.address.cursor else _beyond(look, scope, "older", LAST, 0, 0)


def _exports(look: Look, scope: Scope) -> tuple[ExportChoice, ...]:
    path = f"{look.address.path}/export"
    return tuple(
        ExportChoice(
            format_.value,
            format_.label,
            kind.purpose,
            exporting.href(path, format_, look.address.filter, scope.size, look.here.now or 0),
        )
        for format_, kind in FORMATS.items()
    )


WITHHOLD = (
    ("context.ip", "IP addresses"),
    ("actor.email", "Actors’ e-mail addresses"),
    ("targets.*", "Whom and what it was done to"),
    ("details.*", "Details"),
)


def _evidence(look: Look) -> EvidenceChoice:
    asked = look.address.filter
    now = [(exporting.NOW, instants.write_start(look.here.now or 0))] if asked.is_relative else []
    return EvidenceChoice(f"{look.address.path}/evidence", (*write(asked), *now), WITHHOLD)


def _zone_switch(look: Look, shown: list[int]) -> ZoneSwitch:
    local, utc = (look.address.shown_in(utc=utc).href for utc in (False, True))
    return times.zone_switch(shown, look.zone, look.own, look.now, local, utc)


def _newer(connection: Connection, scope: Scope, look: Look, size: int, total: Count) -> int:
    """How many events the search would find besides, that were recorded since its first page was opened."""
    if size == scope.size or not total.is_exact:
        return 0
    patience = Patience(SURVEY_SECONDS, all_or_nothing=True)
    now = survey.survey(connection, replace(scope, size=size), look.address.filter, patience=patience).total
    return now.number - total.number if now.is_exact else 0


def _buckets(connection: Connection, scope: Scope, look: Look) -> Buckets | None:
    span = search.span(connection, scope)
    asked, now = look.address.filter.at(look.here), look.here.now or 0
    return buckets_of(*asked.bounds, span, look.zone, now) if span else None


def _histogram(buckets: Buckets | None, sums: list[Sums] | None, look: Look) -> Histogram | None:
    if buckets is None or sums is None:
        return None
    return overview.histogram(buckets, sums, look.address, look.zone)


def _without(connection: Connection, scope: Scope, look: Look, total: Count) -> tuple[Without, ...]:
    """Each clause without which there would be events, and how many; when none of them alone helps, all of them."""
    if look.address.filter == EVERYTHING:
        return ()
    found = []
    parts = conjuncts(expression_of(look.address.filter))
    for part in parts[:MOST_EXITS]:
        wider = look.address.asking(all_of(other for other in parts if other != part))
        count = survey.count(connection, scope, wider.filter)
        if count.number:
            found.append(Without(language.write(part, look.zone), wider.href, *count))
        if not count.is_exact:
            break  # the next would take as long
    return tuple(found) or (Without("", look.address.without(*FIELD_KEYS).href, *total),)


def _instead(connection: Connection, scope: Scope, look: Look) -> tuple[Without, ...]:
    """What was meant, as far as it finds something: parts of an address or whoever is called so, in place of an actor
    who did nothing, and an action in place of a word that is its name."""
    offers = [
        *((part, look.address.asking_only("actor", part)) for part in _other_actors(connection, scope, look)),
        *_named_actions(look),
    ]
    counted = [(part, near, survey.count(connection, scope, near.filter)) for part, near in offers]
    return tuple(Without(language.write(part), near.href, *count) for part, near, count in counted if count.number)


def _other_actors(connection: Connection, scope: Scope, look: Look) -> list[Expression]:
    actor = look.address.filter.actor
    if actor is None or "*" in actor:
        return []
    if not is_email(actor):
        return [done_by(email) for email in seats.called(connection, scope.organization, actor, MOST_EXITS)]
    local, _, domain = actor.partition("@")
    return [done_by(f"{local}@"), done_by(f"@{domain}")]


def _named_actions(look: Look) -> Iterator[tuple[Expression, Address]]:
    parts = conjuncts(expression_of(look.address.filter))
    for part in parts[:MOST_EXITS]:
        match part:
            case Term("text", str(word)) if "." in word and named_actions(word.lower()):
                meant = Term("action", word.lower())
                yield meant, look.address.asking(all_of(meant if other == part else other for other in parts))


def _first_acts(look: Look, scope: Scope) -> tuple[ActionOption, ...]:
    if look.address.filter != EVERYTHING or scope.size > JUST_BEGUN or not look.sees_all:
        return ()
    return tuple(ActionOption(name, CATALOGUE[name].title) for name in FIRST_ACTS)
