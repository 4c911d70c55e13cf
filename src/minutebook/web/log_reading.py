"""Reading an address of Audit Logs: what its keys and the forms ask for, and what is wrong with it. Never raises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from minutebook.actions import CATALOGUE
from minutebook.errors import Invalid, Problem
from minutebook.filters import (
    TERMS,
    UTC,
    Cursor,
    Filter,
    Here,
    Seal,
    bad_query,
    expression_of,
    filter_of,
    globs,
    in_order,
    language,
    wall_fields,
    write,
)
from minutebook.filters.cursor import ONE_OF_BOTH
from minutebook.filters.expression import (
    NOTHING_ASKED,
    Expression,
    Term,
    all_of,
    any_of,
    conjuncts,
    none_of,
)
from minutebook.filters.globs import STAR
from minutebook.filters.moments import ANYWHERE, is_backwards
from minutebook.filters.quote import quoted
from minutebook.filters.term_values import named_actions
from minutebook.identifiers import event_number
from minutebook.web.log_address import (
    ALONE,
    BOX,
    CONTROLS,
    CURSORS,
    DATES,
    IS,
    IS_NOT,
    KNOWN,
    MOST_KEPT,
    MOST_NAMED,
    QUERIES,
    TURNS,
    ZONE_OF_FORM,
    Address,
    Control,
    Pairs,
    Reading,
)
from minutebook.web.log_dates import Dates, backwards, read_dates, zone_of_form
from minutebook.web.log_given import Given


def read(pairs: Iterable[tuple[str, str]], path: str, log: str, seal: Seal, own: ZoneInfo) -> Reading:
    """Understands the keys and values of an address, as far as they can be. Never raises.

    `log` is the public id of what a cursor is of, `own` the viewer's zone.
    """
    given = Given(pairs)
    given.parsed([pair for pair in given.pairs if pair[0] not in KNOWN])
    in_utc = _in_utc(given)
    zone = UTC if in_utc else own
    dates = read_dates(given, zone)
    found = _with_queries(given, _by_fields(given, dates), zone)
    # A cursor belongs to a whole search: beside a wrong one it means nothing.
    cursor = None if given.problems or dates.errors else _cursor(given, log, seal, found)
    event = _event(given)
    address = Address(path, found, in_utc, cursor, event, _not_understood(given, dates), seal)
    if not dates.errors and dates.bounds != (found.start, found.end):  # said in a query of which more was wrong
        range_ = Filter(start=found.start, end=found.end)
        dates = replace(dates, values=wall_fields(range_, zone), hidden=tuple(write(range_)))
    return _reading(given, address, zone, dates)


def _by_fields(given: Given, dates: Dates) -> Filter:
    """What the controls and the fields of the filter ask for, each by itself, so that what is wrong with one leaves the
    others as they are."""
    found = Filter(start=dates.bounds[0], end=dates.bounds[1])
    asked = {"action": _asked_of_actions(given), "actor": _asked_of_actors(given)}
    for field in ALONE:
        if not asked.get(field.key):
            plain = [(key, text) for key, text in given.of(field.key) if key != "action" or not _is_pattern(text)]
            found = replace(found, **{field.attribute: field.value(given.parsed(plain))})
    return filter_of(all_of(part for part in asked.values() if part), found)


def _not_understood(given: Given, dates: Dates) -> Pairs:
    """What the address says that means nothing, or is wrong: all of it, or what is left of a query."""
    wrong = {key for key in (*(field.key for field in ALONE), "zone", "event", *QUERIES) if given.wrong(key)}
    wrong |= {turn for key, turn in TURNS.items() if given.wrong(key, turn)}
    wrong |= {*CURSORS} if given.wrong(*CURSORS) else set()
    wrong |= {*DATES} if dates.errors or given.wrong(ZONE_OF_FORM) else set()
    return _kept(
        [(key, given.not_understood.get(key, text)) for key, text in given.pairs if key in wrong or key not in KNOWN]
    )


def _reading(given: Given, address: Address, zone: ZoneInfo, dates: Dates) -> Reading:
    """The address with what the forms show of it."""
    found = address.filter
    actions, actor = Control.of("action", found), Control.of("actor", found)
    others = [part for part in conjuncts(found.more or NOTHING_ASKED) if part not in (actions.part, actor.part)]
    beside = replace(found, more=all_of(others) if others else None)
    chosen = _chosen(filter(_is_known, _named(given))) if given.wrong("action") else actions.texts
    return Reading(
        address=address,
        zone=zone,
        problems=(*given.problems, *(Problem(field, text) for field, text in dates.errors.items())),
        values={
            BOX: _in_box(given, found, zone),
            "actor": given.typed("actor") if given.wrong("actor") else ", ".join(actor.texts),
            **dates.values,
        },
        errors=_beside_fields(given.problems) | dates.errors,
        hidden=(*([("zone", "utc")] if address.in_utc else []), (ZONE_OF_FORM, zone.key or "UTC")),
        hidden_with_controls=(
            *dates.hidden,
            *(pair for pair in write(beside) if pair[0] not in CONTROLS),
            *(pair for pair in address.kept if pair[0] == BOX),
        ),
        actions=actions,
        actor=actor,
        wrong_actions=tuple(name[:MOST_KEPT] for name in _named(given) if not _is_known(name))[:MOST_NAMED],
        chosen_actions=chosen,
        turned=frozenset(control.key for control in (actions, actor) if _shows_turned(given, control)),
        canonical=address.pairs == given.pairs,
        bad_queries=given.bad_queries,
    )


def _kept(pairs: Sequence[tuple[str, str]]) -> Pairs:
    """What every link says again; of more than anybody types, only what is right of it."""
    if sum(len(key) + len(text) for key, text in pairs) <= MOST_KEPT:
        return tuple(pairs)
    return tuple(dict.fromkeys((key, text) for key, text in pairs if key == "action" and text in CATALOGUE))


def _shows_turned(given: Given, control: Control) -> bool:
    """Whether a control asks for all but these: as it was sent, where what it asks is wrong."""
    return given.typed(TURNS[control.key]) == IS_NOT if given.wrong(control.key) else control.is_turned


def _turning(given: Given, key: str) -> Callable[[Expression], Expression]:
    """What the controls make of these; says so when they say neither of the two."""
    if (text := given.one(TURNS[key])) not in (None, IS, IS_NOT):
        message = f"{TURNS[key]} is {IS} for these, or {IS_NOT} for all but these."
        given.problems.append(Problem(TURNS[key], message))
    return none_of if text == IS_NOT else lambda part: part


def _asked_of_actions(given: Given) -> Expression | None:
    """What only the query language can say: all but these, or patterns. None where the field of the filter can."""
    names, turned = _named(given), _turning(given, "action")
    is_plain = turned is not none_of and not any(map(_is_pattern, names))
    if is_plain or not names or not all(map(_is_known, names)):
        return None
    return turned(any_of(Term("action", name) for name in _chosen(names)))


def _is_pattern(text: str) -> bool:
    """Whether it means actions by a pattern; one that means none is as wrong as a name that does not exist."""
    return STAR in text and named_actions(text.strip()) != []


def _is_known(name: str) -> bool:
    return name in CATALOGUE or _is_pattern(name)


def _chosen(names: Iterable[str]) -> tuple[str, ...]:
    """Patterns, and after them the names that these do not mean already, in the order of the catalogue."""
    chosen = tuple(names)
    patterns = tuple(dict.fromkeys(globs.collapsed(name) for name in chosen if STAR in name))
    covered = {name for pattern in patterns for name in named_actions(pattern)}
    return (*patterns, *in_order(name for name in chosen if STAR not in name and name not in covered))


def _asked_of_actors(given: Given) -> Expression | None:
    """What was typed into the control, several separated by commas, each as after `actor:` in a query. None where it
    was not typed there."""
    turned = _turning(given, "actor")
    if not given.of(TURNS["actor"]) or len(given.texts("actor")) != 1:
        return None
    pieces = [piece for piece in given.typed("actor").split(",") if piece.strip()]
    try:
        values = [TERMS["actor"].parse(piece, Here()) for piece in pieces]
    except Invalid as invalid:
        given.problems.append(Problem("actor", invalid.message))
        return NOTHING_ASKED
    return turned(any_of(Term("actor", value) for value in values)) if values else None


def _with_queries(given: Given, found: Filter, zone: ZoneInfo) -> Filter:
    """The filter with what the address and the search box ask for beside it."""
    in_box = Here(zone_of_form(given, zone, BOX))
    asked = {"q": given.asked("q", ANYWHERE), BOX: given.asked(BOX, in_box)}
    for key, (expression, not_understood) in asked.items():
        mistakes = list(not_understood)
        before, found = found, filter_of(expression, found)
        if before != found and is_backwards(found.start, found.end):
            mistakes.append(bad_query.backwards(given.typed(key), backwards(found, zone), has_end=before.end is None))
            found = before
            given.not_understood.pop(key, None)
        if mistakes:
            beside = language.write_beside(expression_of(before), zone)
            given.refuse(key, sorted(mistakes, key=lambda bad: bad.at), beside)
    return found


def _in_box(given: Given, found: Filter, zone: ZoneInfo) -> str:
    """What the search box holds: what is wrong as it was typed, else the whole filter."""
    return given.bad_queries[0].query if given.bad_queries else language.write(expression_of(found), zone)


def _beside_fields(problems: Iterable[Problem]) -> dict[str, str]:
    """The problems that are shown beside a field of the form."""
    shown = {problem.field: problem.message for problem in problems if problem.field in ("action", "actor", *QUERIES)}
    return {BOX if key in QUERIES else key: message for key, message in shown.items()}


def _named(given: Given) -> list[str]:
    return list(dict.fromkeys(text.strip() for text in given.texts("action")))


def _in_utc(given: Given) -> bool:
    text = given.one("zone")
    if text and text != "utc":
        message = f"{quoted(text)} cannot be shown: write zone=utc for UTC, or leave it out for your own time zone."
        given.problems.append(Problem("zone", message))
    return text == "utc"


def _cursor(given: Given, log: str, seal: Seal, filter_: Filter) -> Cursor | None:
    older, newer = (given.one(direction) for direction in CURSORS)
    if older and newer:
        given.problems.append(Problem("newer", ONE_OF_BOTH))
        return None
    try:
        for direction, text in zip(CURSORS, (older, newer), strict=True):
            if text:
                return seal.read(text, log, filter_, direction)
    except Invalid as invalid:
        given.problems.extend(invalid.problems)
    return None


def _event(given: Given) -> int | None:
    text = given.one("event")
    if text is None:
        return None
    number = event_number(text)
    if number is not None:
        return number
    given.problems.append(Problem("event", f"{quoted(text)} is not the number of an event, such as 204."))
    return None
