"""Audit Logs from one snapshot of the store: what was found, how many, and the ways on from there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from minutebook.actions import CATALOGUE, NOUNS
from minutebook.deliver.formats import FORMATS
from minutebook.email_address import is_email
from minutebook.errors import Problem
from minutebook.filters import (
    EVERYTHING,
    FIELDS,
    UTC,
    Cursor,
    Direction,
    Filter,
    expression_of,
    presets,
    search_of,
)
from minutebook.filters.buckets import buckets_of
from minutebook.filters.expression import all_of, conjuncts, none_of
from minutebook.filters.telling import clause_of
from minutebook.model import Event
from minutebook.organization import seats
from minutebook.organization.organizations import Organization
from minutebook.store import log, search
from minutebook.store.search import Count, EventPage, Scope
from minutebook.web import exporting, log_views, overview, times
from minutebook.web.log_address import BOX, DATES, FIELD_KEYS, QUERIES, Address, Reading
from minutebook.web.views import (
    ActionGroup,
    ActionOption,
    ActorSuggestion,
    BadQueryView,
    DatePreset,
    EventPanel,
    ExportChoice,
    Failure,
    FilterControls,
    Form,
    Histogram,
    LiveTail,
    LogPage,
    Mistake,
    Moment,
    Pager,
    QueryChip,
    Without,
    ZoneSwitch,
)

PAGE_SIZE = 50
SUGGESTIONS = 100
MOST_EXITS = 8
JUST_BEGUN = 3
"""A log of at most so many events says which acts will come next."""
FIRST_ACTS = ("user.login", "user.invite", "member.change_role", "settings.change", "mode.create", "credits.purchase")
FORM_FIELDS = (BOX, "action", "actor", "start_date", "start_time", "end_date", "end_time")
NO_SUCH_PAGE = "This is a link to a page of a log that was longer. Open the first page again."


@dataclass(frozen=True, slots=True)
class Look:
    """Who looks where: the organization, what the address says, the viewer's own zone, and now (UTC microseconds)."""

    organization: Organization
    reading: Reading
    own: ZoneInfo
    now: int

    @property
    def address(self) -> Address:
        return self.reading.address

    @property
    def zone(self) -> ZoneInfo:
        return self.reading.zone


def log_page(connection: Connection, look: Look, page_size: int = PAGE_SIZE) -> LogPage:
    """The page, all of it from the snapshot of this connection; at most `page_size` events."""
    head = log.read_head(connection, look.organization.number)
    cursor = look.address.cursor
    if cursor and cursor.size > head.size:
        look = _refused(look, Problem(cursor.direction, NO_SUCH_PAGE))
        cursor = None
    scope = Scope(look.organization.number, cursor.size if cursor else head.size)
    empty = unsearched_page(look, total=scope.size, kept_since=kept_since(connection, look))
    if look.reading.problems:
        return empty
    found = search.page(connection, scope, look.address.filter, cursor, page_size)
    event, missing = _event(connection, look, head.size)
    filter_ = look.address.filter
    # What is slow to count once would be slow each time: after the first that takes too long the others are left out.
    by_action = search.count_by_action(connection, scope, filter_) if found.total.is_exact else None
    by_actor = search.count_by_actor(connection, scope, filter_, SUGGESTIONS) if by_action is not None else None
    by_outcome = search.count_by_outcome(connection, scope, filter_) if by_actor is not None else None
    is_overseen = bool(found.events) and by_outcome is not None
    return replace(
        empty,
        controls=_with_counts(empty.controls, connection, scope, look, by_action, by_actor),
        histogram=_histogram(connection, scope, look) if is_overseen else None,
        facets=overview.facets(look.address, by_outcome, by_action, by_actor) if is_overseen else (),
        zone=_zone_switch(look, [event.occurred_at for event in found.events]),
        found=found.total.number,
        found_exactly=found.total.is_exact,
        days=log_views.days(found.events, look.address, look.zone, look.now),
        pager=_pager(look, scope, found),
        exports=_exports(look, scope) if found.events else (),
        newer=_newer(connection, scope, look, head.size, found.total) if cursor else 0,
        live=None if cursor else LiveTail(look.address.tail_href, head.size - 1),
        newest_href=look.address.without().href,
        event=event,
        event_missing=missing,
        without=_without(connection, scope, look) if not found.events else (),
        instead=_instead(connection, scope, look) if not found.events else (),
        first_acts=_first_acts(look, scope),
    )


def unsearched_page(
    look: Look, *, total: int = 0, kept_since: Moment | None = None, failure: Failure | None = None
) -> LogPage:
    """The page when nothing was searched: a field or the address is wrong, or the store did not answer."""
    return LogPage(
        controls=_controls(look),
        zone=_zone_switch(look, []),
        total=total,
        kept_since=kept_since,
        failure=failure,
        mistakes=tuple(
            Mistake(problem.message, look.address.leaving_out(problem).href)
            for problem in look.reading.problems
            if problem.field not in (*look.reading.errors, *QUERIES)
        ),
    )


def event_panel(connection: Connection, look: Look) -> EventPanel | None:
    """The event that the address names, if it is there."""
    return _event(connection, look, log.read_head(connection, look.organization.number).size)[0]


def kept_since(connection: Connection, look: Look) -> Moment | None:
    """When the log began."""
    for first in log.events(connection, look.organization.number, [0]):
        return times.day_of(first.recorded_at, look.zone)
    return None


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
    if seq >= size:
        return None, f"There is no event {seq:,} in this log; its newest is {size - 1:,}."
    event = log.find(connection, look.organization.number, seq)
    return log_views.panel(
        event, _around(connection, look, event, size), look.address, look.zone, look.own, look.now
    ), ""


def _around(connection: Connection, look: Look, event: Event, size: int) -> log_views.Around:
    scope = Scope(look.organization.number, size)
    newer, older = search.neighbours(connection, scope, look.address.filter, event.occurred_at, event.seq)
    by_actor = search.count(connection, scope, Filter(actor=event.actor.email)).number if event.actor.email else None
    return log_views.Around(log.leaf_hash_of(connection, event), newer, older, by_actor)


def _pager(look: Look, scope: Scope, found: EventPage) -> Pager | None:
    if not found.events:
        return None

    def link(direction: Direction, event: Event, rank: int) -> str:
        which = (look.organization.id, search_of(look.address.filter), scope.size)
        return look.address.at(Cursor(*which, event.occurred_at, event.seq, rank, direction)).href

    first, last = found.rank + 1, found.rank + len(found.events)
    return Pager(
        text=f"{first:,}–{last:,} of {'' if found.total.is_exact else 'at least '}{found.total.number:,}, newest first",
        newer_href=link("newer", found.events[0], found.rank) if found.has_newer else None,
        older_href=link("older", found.events[-1], last) if found.has_older else None,
    )


def _exports(look: Look, scope: Scope) -> tuple[ExportChoice, ...]:
    path = f"{look.address.path}/export"
    return tuple(
        ExportChoice(
            format_.value,
            format_.label,
            kind.purpose,
            exporting.href(path, format_, look.address.filter, scope.size),
        )
        for format_, kind in FORMATS.items()
    )


def _zone_switch(look: Look, shown: list[int]) -> ZoneSwitch:
    local, utc = (look.address.shown_in(utc=utc).href for utc in (False, True))
    return times.zone_switch(shown, look.zone, look.own, look.now, local, utc)


def _controls(look: Look) -> FilterControls:
    """The filter as people set it, without anything of the log."""
    address, reading = look.address, look.reading
    range_ = times.range_told(address.filter, look.zone, look.now)
    other = look.own if look.zone is UTC else UTC
    other_range = times.range_told(address.filter, other, look.now)
    return FilterControls(
        path=address.path,
        form=Form(reading.values, {name: reading.errors[name] for name in FORM_FIELDS if name in reading.errors}),
        actions=_action_groups(reading.chosen_actions, None),
        chosen_actions=reading.chosen_actions,
        wrong_actions=reading.wrong_actions,
        actor_operator=_operator(look, "actor"),
        presets=tuple(
            DatePreset(
                preset.label,
                address.between(preset.start, preset.end).href,
                current=(preset.start, preset.end) == (address.filter.start, address.filter.end),
            )
            for preset in presets(look.now, look.zone)
        ),
        range_text=range_,
        range_other=f"{other_range} in {other.key}" if range_ and other is not look.zone else "",
        hidden=reading.hidden,
        hidden_with_controls=reading.hidden_with_controls,
        bad_query=_bad_query(look) if reading.bad_query else None,
        more=_more_chips(look),
        turned_actions_href=_turned(look, "action"),
        turned_actor_href=_turned(look, "actor"),
        without_query_href=address.without(*FIELD_KEYS, BOX).href,
        without_actions_href=address.without("action").href,
        without_actor_href=address.without("actor").href,
        without_dates_href=address.without(*DATES).href,
    )


def _more_chips(look: Look) -> tuple[QueryChip, ...]:
    """What of the filter has no control of its own, each part with the ways to leave it out and to turn it around."""
    parts = conjuncts(expression_of(look.address.filter))
    own = conjuncts(expression_of(replace(look.address.filter, text=None, more=None)))
    chips = []
    for part in parts:
        if part not in own:
            others = [other for other in parts if other != part]
            clause = clause_of(part, look.zone)
            turned = [none_of(part) if other == part else other for other in parts]
            chips.append(
                QueryChip(
                    *clause,
                    href=look.address.asking(all_of(others)).href,
                    turned_href=look.address.asking(all_of(turned)).href if clause.operator else None,
                )
            )
    return tuple(chips)


def _turned(look: Look, key: str) -> str | None:
    """The same search with what a control asks for turned around."""
    parts = conjuncts(expression_of(look.address.filter))
    (attribute,) = (field.attribute for field in FIELDS if field.key == key)
    value = getattr(look.address.filter, attribute)
    if value in (None, ()):
        return None
    (asked,) = conjuncts(expression_of(Filter(**{attribute: value})))
    return look.address.asking(all_of(none_of(part) if part == asked else part for part in parts)).href


def _bad_query(look: Look) -> BadQueryView | None:
    bad = look.reading.bad_query
    if bad is None:
        return None
    end = bad.at + bad.length
    retried = look.address.without(*FIELD_KEYS, *QUERIES)

    def trying(query: str) -> str:
        return replace(retried, kept=((BOX, query),)).href

    return BadQueryView(
        before=bad.query[: bad.at],
        wrong=bad.query[bad.at : end],
        after=bad.query[end:],
        character=bad.at + 1,
        message=bad.message,
        fix=bad.fix or "",
        fix_href=trying(bad.fix) if bad.fix else "",
    )


def _operator(look: Look, key: str) -> str:
    """How the field compares: "is", "contains", "matches"; nothing when it is not set."""
    (field,) = (field for field in FIELDS if field.key == key)
    value = field.value(look.address.filter)
    return field.clause(value, look.zone).operator if value else ""


def _newer(connection: Connection, scope: Scope, look: Look, size: int, total: Count) -> int:
    """How many events the search would find besides, that were recorded since its first page was opened."""
    now = search.count(connection, replace(scope, size=size), look.address.filter)
    return now.number - total.number if now.is_exact and total.is_exact else 0


def _histogram(connection: Connection, scope: Scope, look: Look) -> Histogram | None:
    span = search.span(connection, scope)
    if span is None:
        return None
    asked = look.address.filter
    buckets = buckets_of(asked.start, asked.end, span, look.zone, look.now)
    slots = search.count_by_slot(connection, scope, asked, buckets.slot)
    return None if slots is None else overview.histogram(buckets, slots, look.address, look.zone)


def _with_counts(
    controls: FilterControls,
    connection: Connection,
    scope: Scope,
    look: Look,
    by_action: dict[str, int] | None,
    by_actor: dict[str, int] | None,
) -> FilterControls:
    """The controls with what each choice would find, beside the other fields."""
    names = seats.names_of(connection, scope.organization, by_actor or ())
    return replace(
        controls,
        actions=_action_groups(look.reading.chosen_actions, by_action),
        actors=tuple(
            ActorSuggestion(names.get(email, ""), email, look.address.only("actor", email).href, count)
            for email, count in (by_actor or {}).items()
        ),
    )


def _action_groups(chosen: tuple[str, ...], counts: dict[str, int] | None) -> tuple[ActionGroup, ...]:
    groups = []
    for noun, title in NOUNS.items():
        actions = [action for action in CATALOGUE.values() if action.noun == noun]
        options = tuple(
            ActionOption(
                action.name,
                action.title,
                checked=action.name in chosen,
                count=None if counts is None else counts.get(action.name, 0),
            )
            for action in actions
        )
        total = None if counts is None else sum(counts.get(action.name, 0) for action in actions)
        groups.append(ActionGroup(noun, title, options, total))
    return tuple(groups)


def _without(connection: Connection, scope: Scope, look: Look) -> tuple[Without, ...]:
    """Each clause without which there would be events, and how many; when none of them alone helps, all of them."""
    if look.address.filter == EVERYTHING:
        return ()
    found = []
    parts = conjuncts(expression_of(look.address.filter))
    for part in parts[:MOST_EXITS]:
        wider = look.address.asking(all_of(other for other in parts if other != part))
        count = search.count(connection, scope, wider.filter)
        if count.number:
            found.append(Without(clause_of(part, look.zone).sentence, wider.href, count.number))
        if not count.is_exact:
            break  # the next would take as long
    return tuple(found) or (Without("any filter", look.address.without(*FIELD_KEYS).href, scope.size),)


def _instead(connection: Connection, scope: Scope, look: Look) -> tuple[Without, ...]:
    """For a complete address that finds nobody: the parts of it that find somebody."""
    actor = look.address.filter.actor
    if actor is None or not is_email(actor) or "*" in actor:
        return ()
    local, _, domain = actor.partition("@")
    offers = []
    for part in (f"{local}@", f"@{domain}"):
        near = look.address.only("actor", part)
        number = search.count(connection, scope, near.filter).number
        if number:
            offers.append(Without(f"actor contains {part}", near.href, number))
    return tuple(offers)


def _first_acts(look: Look, scope: Scope) -> tuple[ActionOption, ...]:
    if look.address.filter != EVERYTHING or scope.size > JUST_BEGUN:
        return ()
    return tuple(ActionOption(name, CATALOGUE[name].title) for name in FIRST_ACTS)
