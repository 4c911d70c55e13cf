"""The controls of Audit Logs: what they show of the filter, what each choice would find, and a query that is wrong."""

from __future__ import annotations

import itertools
from dataclasses import replace

from sqlalchemy import Connection

from minutebook.actions import CATALOGUE, NOUNS
from minutebook.filters import (
    PRESETS,
    UTC,
    Here,
    expression_of,
    language,
)
from minutebook.filters.expression import Expression, Term, all_of, conjuncts, none_of
from minutebook.filters.language import BadQuery
from minutebook.filters.moments import TIME_OF_DAY, Relative, tell, two_digits
from minutebook.filters.telling import clause_of
from minutebook.filters.term_values import NOUN_PATTERNS, ActorValue, named_actions
from minutebook.filters.terms import DETAILS, TERMS
from minutebook.model import from_micros
from minutebook.organization import seats
from minutebook.store.scope import Scope
from minutebook.web import times
from minutebook.web.log_address import BOX, DATES, FIELD_KEYS, QUERIES, TURNS, Control
from minutebook.web.look import Look
from minutebook.web.views.controls import (
    ActionGroup,
    ActionOption,
    ActorSuggestion,
    BadClause,
    BadQueryView,
    DatePreset,
    FilterControls,
    QueryChip,
)
from minutebook.web.views.page import Form

SUGGESTIONS = 100
LONGEST_CHIP = 80
"""Characters of a clause that is wrong; all of it is in the box."""
SUBJECTS = {"ip": "IP address", "seq": "Number", "target_id": "Target id"}
OTHERS = tuple(
    (SUBJECTS.get(key, key.capitalize()), DETAILS if key == "details" else f"{key}:")
    for key in TERMS
    if key not in ("action", "actor", "after", "before", "text")
)
"""What the query language can ask for and no control shows."""
FORM_FIELDS = (BOX, "action", "actor", "start_date", "start_time", "end_date", "end_time")


def controls_of(look: Look) -> FilterControls:
    """The filter as people set it, without anything of the log."""
    address, reading = look.address, look.reading
    range_ = times.range_told(address.filter, look.zone, look.now)
    bounds = address.filter.start, address.filter.end
    return FilterControls(
        path=address.path,
        form=Form(reading.values, {name: reading.errors[name] for name in FORM_FIELDS if name in reading.errors}),
        actions=_action_groups(reading.chosen_actions, None),
        patterns=tuple(
            ActionOption(name, _told_number(len(named_actions(name))), checked=True)
            for name in reading.chosen_actions
            if "*" in name and name not in NOUN_PATTERNS
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
        others=OTHERS,
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
        actions_alone_href=address.afresh.asking(reading.actions.part).href if reading.actions.part else None,
        actor_alone_href=address.afresh.asking(reading.actor.part).href if reading.actor.part else None,
        dates_alone_href=address.afresh.between(*bounds).href if any(bounds) else None,
    )


def _range_besides(look: Look) -> str:
    """The range in the other zone; one that is told from now on as it is now, in the zone of the page, too."""
    other = look.own if look.zone is UTC else UTC
    asked = look.address.filter.at(look.here)
    is_relative = asked.bounds != (look.address.filter.start, look.address.filter.end)
    zones = [look.zone] * is_relative + [other] * (other is not look.zone)
    return " · ".join(f"{times.range_told(asked, zone, look.now)} in {zone.key}" for zone in zones)


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
                    alone_href=look.address.afresh.asking(part).href,
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
    fix = f"{bad.query[: bad.at]}{today}T{two_digits(wrong)}{bad.query[bad.at + bad.length :]}"
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


def with_people(connection: Connection, look: Look, controls: FilterControls) -> FilterControls:
    """The controls of a search for somebody by their name, with who is called so: events are found by an address.

    Not for who sees only a part of the log, in which these may not occur.
    """
    if not look.sees_all:
        return controls
    if "actor" in look.reading.errors:
        address = look.address.without("actor", TURNS["actor"])
        people = seats.called(connection, look.organization.number, look.reading.values["actor"].strip(), SUGGESTIONS)
        suggestions = (
            ActorSuggestion(name, email, address.asking_only("actor", done_by(email)).href)
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


def with_counts(
    controls: FilterControls,
    connection: Connection,
    scope: Scope,
    look: Look,
    by_action: dict[str, int] | None,
    by_actor: dict[str, int],
) -> FilterControls:
    """The controls with what each choice would find, beside the other fields; without numbers where not all is counted
    and there are none of actions."""
    with_address = ((email, count) for email, count in by_actor.items() if "@" in email)
    busiest = dict(itertools.islice(with_address, SUGGESTIONS))
    names = seats.names_of(connection, scope.organization, busiest)
    return replace(
        controls,
        actions=_action_groups(look.reading.chosen_actions, by_action),
        actors=tuple(
            ActorSuggestion(
                names.get(email, ""),
                email,
                look.address.asking_only("actor", done_by(email)).href,
                None if by_action is None else count,
                current=email in look.reading.actor.texts,
            )
            for email, count in busiest.items()
        ),
    )


def _told_number(actions: int) -> str:
    return "1 action" if actions == 1 else f"{actions} actions"


def done_by(email: str) -> Expression:
    """What an address did."""
    return Term("actor", ActorValue("email", email))


def _action_groups(chosen: tuple[str, ...], counts: dict[str, int] | None) -> tuple[ActionGroup, ...]:
    groups = []
    for (noun, title), pattern in zip(NOUNS.items(), NOUN_PATTERNS, strict=True):
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
        groups.append(ActionGroup(noun, title, options, total, pattern, checked=pattern in chosen))
    return tuple(groups)
