"""Audit Logs from one snapshot of the store: what was found, how many, and the ways on from there."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from minutebook.actions import CATALOGUE, NOUNS
from minutebook.deliver.formats import FORMATS
from minutebook.email_address import is_email
from minutebook.errors import NotFound, Problem, TooSlow
from minutebook.filters import (
    EVERYTHING,
    PRESETS,
    UTC,
    Cursor,
    Direction,
    Here,
    expression_of,
    filter_of,
    language,
    search_of,
)
from minutebook.filters.buckets import Buckets, buckets_of
from minutebook.filters.cursor import NO_SUCH_PAGE
from minutebook.filters.expression import NOTHING_ASKED, Expression, Term, all_of, conjuncts, none_of
from minutebook.filters.language import BadQuery
from minutebook.filters.moments import Relative, tell
from minutebook.filters.telling import clause_of
from minutebook.filters.terms import TERMS, ActorValue, named_actions
from minutebook.model import Event, Target, from_micros
from minutebook.organization import seats
from minutebook.organization.organizations import Organization
from minutebook.store import log, search, survey
from minutebook.store.scope import Scope
from minutebook.store.search import EventPage
from minutebook.store.survey import Count, Sums
from minutebook.web import exporting, log_views, overview, times
from minutebook.web.log_address import BOX, CURSORS, DATES, FIELD_KEYS, QUERIES, TURNS, Address, Control, Reading
from minutebook.web.subject import everything_by, everything_to, subject_of
from minutebook.web.views import (
    ActionGroup,
    ActionOption,
    ActorSuggestion,
    BadClause,
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
FACETS = ("outcome", "action", "actor", "client")
SURVEY_SECONDS = 0.4
"""For counting all that is found; a page that would wait longer for it is shown without."""
SUGGESTIONS = 100
MOST_EXITS = 8
MOST_COUNTED = 3
"""Of the targets of an event, beside which it is said how much was done to them."""
COUNTED_SECONDS = 0.05
JUST_BEGUN = 3
"""A log of at most so many events says which acts will come next."""
FIRST_ACTS = ("user.login", "user.invite", "member.change_role", "settings.change", "mode.create", "credits.purchase")
FORM_FIELDS = (BOX, "action", "actor", "start_date", "start_time", "end_date", "end_time")
TIME_OF_DAY = re.compile("[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?")
LONGEST_CHIP = 80
"""Characters of a clause that is wrong; all of it is in the box."""
SUBJECTS = {"ip": "IP address", "seq": "Number"}
FIRST_PAGE, LEAVE_OUT = "First page", "Leave it out"


@dataclass(frozen=True, slots=True)
class Look:
    """Who looks where: the organization, what the address says, the viewer's own zone, and now (UTC microseconds)."""

    organization: Organization
    reading: Reading
    own: ZoneInfo
    now: int
    within: Expression = NOTHING_ASKED
    """What the viewer may see of the log."""

    @property
    def sees_all(self) -> bool:
        return self.within == NOTHING_ASKED

    @property
    def here(self) -> Here:
        """Where and when the first page of the search was asked for: what its relative times are told from."""
        cursor = self.address.cursor
        return Here(self.own, cursor.asked_at if cursor else self.now)

    def scope(self, size: int) -> Scope:
        """Where is searched for them, in a log of this size."""
        return Scope(self.organization.number, size, self.within, self.here)

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
    scope = look.scope(cursor.size if cursor else head.size)
    total = scope.size if look.sees_all else survey.count(connection, scope, EVERYTHING).number
    empty = unsearched_page(look, total=total, kept_since=kept_since(connection, look))
    if look.reading.problems:
        return replace(empty, controls=_with_people(connection, look, empty.controls))
    filter_ = look.address.filter
    buckets = _buckets(connection, scope, look)
    counted = survey.survey(connection, scope, filter_, FACETS, buckets.edges if buckets else (), SURVEY_SECONDS)
    found = search.page(connection, scope, filter_, cursor, page_size, counted.total)
    event, missing = _event(connection, look, head.size)
    by_actor = survey.by_address(counted.by["actor"], len(counted.by["actor"]))
    is_overseen = bool(found.events) and counted.total.number > 0
    return replace(
        empty,
        controls=_with_counts(
            empty.controls,
            connection,
            scope,
            look,
            counted.by["action"] if counted.total.is_exact else None,
            by_actor,
        ),
        histogram=_histogram(buckets, counted.in_time, look) if is_overseen else None,
        facets=overview.facets(look.address, {**counted.by, "actor": by_actor}) if is_overseen else (),
        subject=subject_of(connection, scope, look.address, look.zone),
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
        without=_without(connection, scope, look, total) if not found.events else (),
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
        where = f"in this log; its newest is {size - 1:,}" if look.sees_all else "here"
        return None, f"There is no event {seq:,} {where}."
    return log_views.panel(
        event, _around(connection, look, event, size), look.address, look.zone, look.own, look.now
    ), ""


def _around(connection: Connection, look: Look, event: Event, size: int) -> log_views.Around:
    scope = look.scope(size)
    newer, older = search.neighbours(connection, scope, look.address.filter, event.occurred_at, event.seq)
    by = everything_by(event.actor.id)
    by_actor = survey.count(connection, scope, filter_of(by)).number if by else None
    to_targets = tuple(_count_to(connection, scope, target) for target in event.targets[:MOST_COUNTED])
    return log_views.Around(log.leaf_hash_of(connection, event), newer, older, by_actor, to_targets)


def _count_to(connection: Connection, scope: Scope, target: Target) -> int | None:
    """How many events there are of what was done to the target; None where that is not counted at once."""
    with suppress(TooSlow):
        total = survey.survey(connection, scope, filter_of(everything_to(target.id)), seconds=COUNTED_SECONDS).total
        return total.number if total.is_exact else None
    return None


def _pager(look: Look, scope: Scope, found: EventPage) -> Pager | None:
    if not found.events:
        return None

    def link(direction: Direction, event: Event, rank: int) -> str:
        which = (look.organization.id, search_of(look.address.filter), scope.size)
        asked_at = look.here.now or 0
        return look.address.at(Cursor(*which, event.occurred_at, event.seq, rank, direction, asked_at)).href

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
            exporting.href(path, format_, look.address.filter, scope.size, look.here.now or 0),
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
    return FilterControls(
        path=address.path,
        form=Form(reading.values, {name: reading.errors[name] for name in FORM_FIELDS if name in reading.errors}),
        actions=_action_groups(reading.chosen_actions, None),
        patterns=tuple(
            ActionOption(name, _told_number(len(named_actions(name))), checked=True)
            for name in reading.chosen_actions
            if "*" in name and name not in map(_pattern_of, NOUNS)
        ),
        chosen_actions=reading.chosen_actions,
        wrong_actions=reading.wrong_actions,
        actions_operator=_operator(look, reading.actions),
        actions_turned="action" in reading.turned,
        actions_told=_told(look, reading.actions),
        chosen_actors=reading.actor.texts,
        actor_operator=_operator(look, reading.actor),
        actor_turned="actor" in reading.turned,
        actor_told=_told(look, reading.actor),
        presets=tuple(
            DatePreset(
                preset.label,
                address.between(preset.start, preset.end).href,
                current=(preset.start, preset.end) == (address.filter.start, address.filter.end),
            )
            for preset in PRESETS
        ),
        range_text=range_,
        start_told=tell(address.filter.start, look.zone) if isinstance(address.filter.start, Relative) else "",
        end_told=tell(address.filter.end, look.zone) if isinstance(address.filter.end, Relative) else "",
        range_other=_range_besides(look) if range_ else "",
        hidden=reading.hidden,
        hidden_with_controls=reading.hidden_with_controls,
        bad_query=_bad_query(look),
        more=_more_chips(look),
        turned_actions_href=_turned(look, reading.actions),
        turned_actor_href=_turned(look, reading.actor),
        without_query_href=address.without(*FIELD_KEYS, BOX).href,
        without_actions_href=_without_control(look, reading.actions),
        without_actor_href=_without_control(look, reading.actor),
        without_dates_href=address.without(*DATES).href,
    )


def _range_besides(look: Look) -> str:
    """The range in the other zone; one that is told from now on as it is now, in the zone of the page."""
    filter_, zone = look.address.filter, look.own if look.zone is UTC else UTC
    if all(bound is None or isinstance(bound, int) for bound in (filter_.start, filter_.end)):
        return f"{times.range_told(filter_, zone, look.now)} in {zone.key}" if zone is not look.zone else ""
    return f"{times.range_told(filter_.at(look.here), look.zone, look.now)} in {look.zone.key or 'UTC'}"


def _more_chips(look: Look) -> tuple[QueryChip, ...]:
    """What of the filter has no control of its own, each part with the ways to leave it out and to turn it around."""
    parts = conjuncts(expression_of(look.address.filter))
    own = conjuncts(expression_of(replace(look.address.filter, text=None, more=None)))
    controls = (look.reading.actions.part, look.reading.actor.part)
    chips = []
    for part in parts:
        if part not in own and part not in controls:
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


def _turned(look: Look, control: Control) -> str | None:
    """The same search with what a control asks for turned around."""
    if control.part is None:
        return None
    parts = conjuncts(expression_of(look.address.filter))
    return look.address.asking(all_of(none_of(part) if part == control.part else part for part in parts)).href


def _without_control(look: Look, control: Control) -> str:
    """The same search without what a control asks for, also where that is wrong."""
    parts = conjuncts(expression_of(look.address.filter))
    address = look.address.without(control.key, TURNS[control.key])
    return address.asking(all_of(part for part in parts if part != control.part)).href


def _operator(look: Look, control: Control) -> str:
    """How a control compares: "is", "contains", "is not one of"; nothing when it is not set."""
    if control.part is None:
        return ""
    if len(control.values) > 1 or control.key == "action":
        several = " one of" if len(control.values) > 1 else ""
        return f"is not{several}" if control.is_turned else f"is{several}"
    return clause_of(control.part, look.zone).operator


def _told(look: Look, control: Control) -> str:
    return clause_of(control.part, look.zone).sentence if control.part else ""


def _trying(look: Look, query: str) -> str:
    """Where the query is read that takes the place of a wrong one."""
    plain = look.address.without(*FIELD_KEYS, *QUERIES, *TURNS.values())
    return replace(plain, kept=((BOX, query),) if query else ()).href


def _bad_query(look: Look) -> BadQueryView | None:
    mistakes = look.reading.bad_queries
    if not mistakes:
        return None
    query = mistakes[0].query
    pieces, at = [], 0
    for bad in mistakes:
        pieces += [(query[at : bad.at], False), (query[bad.at : bad.at + bad.length], True)]
        at = bad.at + bad.length
    fix = mistakes[0].fix or _with_day(mistakes, look) or ""
    return BadQueryView(
        pieces=(*pieces, (query[at:], False)),
        clauses=tuple(_bad_clause(bad, _trying(look, bad.without)) for bad in mistakes),
        fix=fix,
        fix_href=_trying(look, fix) if fix else "",
    )


def _with_day(mistakes: tuple[BadQuery, ...], look: Look) -> str | None:
    """For a time of day alone, the query with today's date before it."""
    bad, *others = mistakes
    wrong = bad.query[bad.at : bad.at + bad.length]
    if others or not TIME_OF_DAY.fullmatch(wrong):
        return None
    today = from_micros(look.now).astimezone(look.zone).date().isoformat()
    fix = f"{bad.query[: bad.at]}{today}T{wrong.zfill(5)}{bad.query[bad.at + bad.length :]}"
    return None if language.read_what_can_be(fix, Here(look.zone, look.now))[1] else fix


def _bad_clause(bad: BadQuery, without_href: str) -> BadClause:
    """The clause as a chip: `Outcome is sucess`; as it is written where it has no field that there is."""
    clause = bad.query[slice(*bad.clause)]
    if len(clause) > LONGEST_CHIP:
        clause = f"{clause[: LONGEST_CHIP - 1]}…"
    key, colon, value = clause.removeprefix("-").partition(":")
    is_field = bool(colon and value) and key.lower() in TERMS and "(" not in clause
    operator = "is not" if clause.startswith("-") else "is"
    subject = SUBJECTS.get(key.lower(), key.capitalize())
    chip = (subject, operator, value) if is_field else ("", "", clause)
    return BadClause(bad.at + 1, bad.message, *chip, without_href)


def _with_people(connection: Connection, look: Look, controls: FilterControls) -> FilterControls:
    """The controls of a search for somebody by their name, with who is called so: events are found by an address.

    Not for who sees only a part of the log, in which these may not occur.
    """
    if not look.sees_all:
        return controls
    if "actor" in look.reading.errors:
        address = look.address.without("actor", TURNS["actor"])
        people = seats.called(connection, look.organization.number, look.reading.values["actor"].strip(), SUGGESTIONS)
        suggestions = (
            ActorSuggestion(name, email, address.asking_only("actor", _by(email)).href)
            for email, name in people.items()
        )
        return replace(controls, actors=tuple(suggestions))
    bad_query = controls.bad_query
    if not bad_query or bad_query.fix or len(bad_query.clauses) > 1 or bad_query.clauses[0].subject != "Actor":
        return controls
    (bad,) = look.reading.bad_queries
    wrong = bad.query[bad.at : bad.at + bad.length]
    for email in seats.called(connection, look.organization.number, wrong.strip('" '), 1):
        fix = f"{bad.query[: bad.at]}{email}{bad.query[bad.at + bad.length :]}"
        return replace(controls, bad_query=replace(bad_query, fix=fix, fix_href=_trying(look, fix)))
    return controls


def _newer(connection: Connection, scope: Scope, look: Look, size: int, total: Count) -> int:
    """How many events the search would find besides, that were recorded since its first page was opened."""
    now = survey.count(connection, replace(scope, size=size), look.address.filter)
    return now.number - total.number if now.is_exact and total.is_exact else 0


def _buckets(connection: Connection, scope: Scope, look: Look) -> Buckets | None:
    span = search.span(connection, scope)
    asked, now = look.address.filter.at(look.here), look.here.now or 0
    return buckets_of(*asked.bounds, span, look.zone, now) if span else None


def _histogram(buckets: Buckets | None, sums: list[Sums] | None, look: Look) -> Histogram | None:
    if buckets is None or sums is None:
        return None
    return overview.histogram(buckets, sums, look.address, look.zone)


def _with_counts(
    controls: FilterControls,
    connection: Connection,
    scope: Scope,
    look: Look,
    by_action: dict[str, int] | None,
    by_actor: dict[str, int],
) -> FilterControls:
    """The controls with what each choice would find, beside the other fields."""
    busiest = dict(itertools.islice(by_actor.items(), SUGGESTIONS))
    names = seats.names_of(connection, scope.organization, busiest)
    return replace(
        controls,
        actions=_action_groups(look.reading.chosen_actions, by_action),
        actors=tuple(
            ActorSuggestion(
                names.get(email, ""),
                email,
                look.address.asking_only("actor", _by(email)).href,
                count,
                current=email in look.reading.actor.texts,
            )
            for email, count in busiest.items()
        ),
    )


def _told_number(actions: int) -> str:
    return "1 action" if actions == 1 else f"{actions} actions"


def _pattern_of(noun: str) -> str:
    return f"{noun}.*"


def _by(email: str) -> Expression:
    return Term("actor", ActorValue("email", email))


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
        pattern = _pattern_of(noun)
        groups.append(ActionGroup(noun, title, options, total, pattern, checked=pattern in chosen))
    return tuple(groups)


def _without(connection: Connection, scope: Scope, look: Look, total: int) -> tuple[Without, ...]:
    """Each clause without which there would be events, and how many; when none of them alone helps, all of them."""
    if look.address.filter == EVERYTHING:
        return ()
    found = []
    parts = conjuncts(expression_of(look.address.filter))
    for part in parts[:MOST_EXITS]:
        wider = look.address.asking(all_of(other for other in parts if other != part))
        count = survey.count(connection, scope, wider.filter)
        if count.number:
            found.append(Without(language.write(part, look.zone), wider.href, count.number))
        if not count.is_exact:
            break  # the next would take as long
    return tuple(found) or (Without("", look.address.without(*FIELD_KEYS).href, total),)


def _instead(connection: Connection, scope: Scope, look: Look) -> tuple[Without, ...]:
    """For a complete address that finds nobody: the parts of it that find somebody."""
    actor = look.address.filter.actor
    if actor is None or "*" in actor:
        return ()
    if not is_email(actor):
        by_name = [(email, _by(email)) for email in seats.called(connection, scope.organization, actor, MOST_EXITS)]
        return _finding(connection, scope, look, [(f"actor:{email}", part) for email, part in by_name])
    local, _, domain = actor.partition("@")
    return _finding(connection, scope, look, [(f"actor:{part}", _by(part)) for part in (f"{local}@", f"@{domain}")])


def _finding(
    connection: Connection, scope: Scope, look: Look, offers: Sequence[tuple[str, Expression]]
) -> tuple[Without, ...]:
    """Those of the offers, each in place of the actor, that find something."""
    found = [(told, look.address.asking_only("actor", part)) for told, part in offers]
    counted = [(told, near, survey.count(connection, scope, near.filter).number) for told, near in found]
    return tuple(Without(told, near.href, number) for told, near, number in counted if number)


def _first_acts(look: Look, scope: Scope) -> tuple[ActionOption, ...]:
    if look.address.filter != EVERYTHING or scope.size > JUST_BEGUN or not look.sees_all:
        return ()
    return tuple(ActionOption(name, CATALOGUE[name].title) for name in FIRST_ACTS)
