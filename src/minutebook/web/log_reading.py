"""Reading an address of Audit Logs: what its keys and the forms ask for, and what is wrong with it. Never raises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from minutebook.actions import CATALOGUE
from minutebook.errors import Invalid, Problem
from minutebook.filters import (
    EVERYTHING,
    TERMS,
    UTC,
    Cursor,
    Filter,
    Here,
    Moment,
    Seal,
    expression_of,
    filter_of,
    globs,
    in_order,
    language,
    parse,
    parse_wall,
    wall_fields,
    write,
    zone_named,
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
from minutebook.filters.language import BadQuery
from minutebook.filters.moments import ANYWHERE, is_backwards
from minutebook.filters.quote import quoted
from minutebook.filters.terms import named_actions
from minutebook.web.log_address import (
    ALONE,
    BOUNDS,
    BOX,
    CONTROLS,
    CURSORS,
    DATES,
    IS,
    IS_NOT,
    KNOWN,
    LONGEST_EVENT,
    MOST_KEPT,
    MOST_NAMED,
    QUERIES,
    TURNS,
    TWICE,
    WALL,
    ZONE_OF_FORM,
    Address,
    Control,
    Pairs,
    Reading,
)


class _Given:
    """The keys and values of an address, and what turns out to be wrong with them."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.pairs = tuple(pairs)
        self.problems: list[Problem] = []
        self.bad_queries: tuple[BadQuery, ...] = ()
        self.not_understood: dict[str, str] = {}
        """What is left of a query without what was understood of it."""

    def of(self, *keys: str) -> Pairs:
        return tuple(pair for pair in self.pairs if pair[0] in keys)

    def texts(self, key: str) -> list[str]:
        """The values of a key that are not blank."""
        return [text for _, text in self.of(key) if text.strip()]

    def typed(self, key: str) -> str:
        """What a field of the form holds: as it was typed."""
        return next(iter(self.texts(key)), "")

    def one(self, key: str) -> str | None:
        """The single value of a key; None for none, and for several, which is wrong."""
        texts = self.texts(key)
        if len(texts) > 1:
            self.problems.append(Problem(key, TWICE.format(key=key)))
        return texts[0] if len(texts) == 1 else None

    def parsed(self, pairs: Sequence[tuple[str, str]]) -> Filter:
        """The filter of some of the pairs; nothing of it when they are wrong."""
        try:
            return parse(pairs)
        except Invalid as invalid:
            self.problems.extend(invalid.problems)
            return EVERYTHING

    def asked(self, key: str, here: Here) -> tuple[Expression, tuple[BadQuery, ...]]:
        """What a query asks for, and what is wrong: of the search box what is understood, of a wrong `q` nothing."""
        text = self.one(key) or ""
        asked, mistakes = language.read_what_can_be(text, here)
        if not mistakes:
            return asked, ()
        if key != BOX:
            return NOTHING_ASKED, mistakes
        self.not_understood[key] = " ".join(text[slice(*bad.clause)] for bad in mistakes)
        return asked, mistakes

    def refuse(self, key: str, mistakes: Sequence[BadQuery], beside: str) -> None:
        """What is wrong in a query, shown in a box that holds what is asked beside it, too."""
        typed = mistakes[0].query
        before, after = (f"{beside} ", "") if beside else ("", "")
        if beside and mistakes[0].clause == (0, len(typed)) and " " in typed:
            before, after = f"{before}(", ")"  # it may have alternatives
        self.bad_queries = tuple(bad.inside(before, after) for bad in mistakes)
        self.problems.extend(Problem(key, bad.message) for bad in mistakes)

    def wrong(self, *keys: str) -> bool:
        return any(problem.field in keys for problem in self.problems)


def read(pairs: Iterable[tuple[str, str]], path: str, organization: str, seal: Seal, own: ZoneInfo) -> Reading:
    """Understands the keys and values of an address, as far as they can be. Never raises.

    `organization` is its public id, `own` the viewer's zone.
    """
    given = _Given(pairs)
    given.parsed([pair for pair in given.pairs if pair[0] not in KNOWN])
    in_utc = _in_utc(given)
    zone = UTC if in_utc else own
    dates = _read_dates(given, zone)
    found = _with_queries(given, _by_fields(given, dates), zone)
    # A cursor belongs to a whole search: beside a wrong one it means nothing.
    cursor = None if given.problems or dates.errors else _cursor(given, organization, seal, found)
    event = _event(given)
    address = Address(path, found, in_utc, cursor, event, _not_understood(given, dates), seal)
    if not dates.errors and dates.bounds != (found.start, found.end):  # said in a query of which more was wrong
        range_ = Filter(start=found.start, end=found.end)
        dates = replace(dates, values=wall_fields(range_, zone), hidden=tuple(write(range_)))
    return _reading(given, address, zone, dates)


def _by_fields(given: _Given, dates: _Dates) -> Filter:
    """What the controls and the fields of the filter ask for, each by itself, so that what is wrong with one leaves the
    others as they are."""
    found = Filter(start=dates.bounds[0], end=dates.bounds[1])
    asked = {"action": _asked_of_actions(given), "actor": _asked_of_actors(given)}
    for field in ALONE:
        if not asked.get(field.key):
            plain = [(key, text) for key, text in given.of(field.key) if key != "action" or not _is_pattern(text)]
            found = replace(found, **{field.attribute: field.value(given.parsed(plain))})
    return filter_of(all_of(part for part in asked.values() if part), found)


def _not_understood(given: _Given, dates: _Dates) -> Pairs:
    """What the address says that means nothing, or is wrong: all of it, or what is left of a query."""
    wrong = {key for key in (*(field.key for field in ALONE), "zone", "event", *QUERIES) if given.wrong(key)}
    wrong |= {turn for key, turn in TURNS.items() if given.wrong(key, turn)}
    wrong |= {*CURSORS} if given.wrong(*CURSORS) else set()
    wrong |= {*DATES} if dates.errors or given.wrong(ZONE_OF_FORM) else set()
    return _kept(
        [(key, given.not_understood.get(key, text)) for key, text in given.pairs if key in wrong or key not in KNOWN]
    )


def _reading(given: _Given, address: Address, zone: ZoneInfo, dates: _Dates) -> Reading:
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


def _shows_turned(given: _Given, control: Control) -> bool:
    """Whether a control asks for all but these: as it was sent, where what it asks is wrong."""
    return given.typed(TURNS[control.key]) == IS_NOT if given.wrong(control.key) else control.is_turned


def _turning(given: _Given, key: str) -> Callable[[Expression], Expression]:
    """What the controls make of these; says so when they say neither of the two."""
    if (text := given.one(TURNS[key])) not in (None, IS, IS_NOT):
        message = f"{TURNS[key]} is {IS} for these, or {IS_NOT} for all but these."
        given.problems.append(Problem(TURNS[key], message))
    return none_of if text == IS_NOT else lambda part: part


def _asked_of_actions(given: _Given) -> Expression | None:
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


def _asked_of_actors(given: _Given) -> Expression | None:
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


def _with_queries(given: _Given, found: Filter, zone: ZoneInfo) -> Filter:
    """The filter with what the address and the search box ask for beside it."""
    zone_of_form = _zone_of_form(given, zone, BOX)
    asked = {"q": given.asked("q", ANYWHERE), BOX: given.asked(BOX, Here(zone_of_form))}
    for key, (expression, not_understood) in asked.items():
        mistakes = list(not_understood)
        before, found = found, filter_of(expression, found)
        if before != found and is_backwards(found.start, found.end):
            text = given.typed(key)
            at = max(0, text.lower().rfind("before:"))
            message = _backwards(found, zone)
            mistakes.append(BadQuery(text, at, len(text[at:].split(" ")[0]), message))
            found = before
            given.not_understood.pop(key, None)
        if mistakes:
            given.refuse(key, sorted(mistakes, key=lambda bad: bad.at), language.write(expression_of(before), zone))
    return found


def _in_box(given: _Given, found: Filter, zone: ZoneInfo) -> str:
    """What the search box holds: what is wrong as it was typed, else the whole filter."""
    return given.bad_queries[0].query if given.bad_queries else language.write(expression_of(found), zone)


def _beside_fields(problems: Iterable[Problem]) -> dict[str, str]:
    """The problems that are shown beside a field of the form."""
    shown = {problem.field: problem.message for problem in problems if problem.field in ("action", "actor", *QUERIES)}
    return {BOX if key in QUERIES else key: message for key, message in shown.items()}


def _named(given: _Given) -> list[str]:
    return list(dict.fromkeys(text.strip() for text in given.texts("action")))


def _in_utc(given: _Given) -> bool:
    text = given.one("zone")
    if text and text != "utc":
        message = f"{quoted(text)} cannot be shown: write zone=utc for UTC, or leave it out for your own time zone."
        given.problems.append(Problem("zone", message))
    return text == "utc"


def _cursor(given: _Given, organization: str, seal: Seal, filter_: Filter) -> Cursor | None:
    older, newer = (given.one(direction) for direction in CURSORS)
    if older and newer:
        given.problems.append(Problem("newer", ONE_OF_BOTH))
        return None
    try:
        for direction, text in zip(CURSORS, (older, newer), strict=True):
            if text:
                return seal.read(text, organization, filter_, direction)
    except Invalid as invalid:
        given.problems.extend(invalid.problems)
    return None


def _event(given: _Given) -> int | None:
    text = given.one("event")
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) <= LONGEST_EVENT:
        return int(text)
    given.problems.append(Problem("event", f"{quoted(text)} is not the number of an event, such as 204."))
    return None


def _zone_of_form(given: _Given, shown: ZoneInfo, *fields: str) -> ZoneInfo:
    """The zone that holds for what was typed into the fields of the form."""
    name = given.one(ZONE_OF_FORM)
    if not name or not given.of(*fields):
        return shown
    zone = zone_named(name)
    if zone.key != name:
        given.problems.append(Problem(ZONE_OF_FORM, f"{quoted(name)} is not a time zone, such as Europe/Berlin."))
    return zone


@dataclass(frozen=True, slots=True)
class _Dates:
    """The range, and the fields of the date form with what is wrong in them."""

    bounds: tuple[Moment | None, Moment | None]
    values: dict[str, str]
    errors: dict[str, str]
    hidden: Pairs


def _read_dates(given: _Given, zone: ZoneInfo) -> _Dates:
    """The range of `start` and `end`, or of the date form where the address holds one."""
    zone = _zone_of_form(given, zone, *WALL)
    problems: dict[str, str] = {}
    bounds: dict[str, Moment | None] = {}
    for key in BOUNDS:
        try:
            bounds[key] = getattr(parse(given.of(key)), key)
        except Invalid as invalid:
            bounds[key] = None
            problems[f"{key}_date"] = invalid.message
    filled = Filter(start=bounds["start"], end=bounds["end"])
    hidden = tuple(write(filled))
    if given.of(*WALL):
        return _typed_dates(given, filled, hidden, zone, problems)
    values = wall_fields(filled, zone)
    for key in BOUNDS:
        if f"{key}_date" in problems:
            values[f"{key}_date"] = given.typed(key)
    problems = problems or _order(filled, values, zone)
    return _Dates((None, None) if problems else (filled.start, filled.end), values, problems, hidden)


def _typed_dates(given: _Given, filled: Filter, hidden: Pairs, zone: ZoneInfo, problems: dict[str, str]) -> _Dates:
    """The range of the date form. A bound that reads as the form was filled keeps its instant: seconds and all."""
    told_before = wall_fields(filled, zone)
    values = {key: given.typed(key) for key in WALL}
    for bound in BOUNDS:
        keys = (f"{bound}_date", f"{bound}_time")
        if not given.of(*keys):
            values |= {key: told_before[key] for key in keys}
    problems |= {key: TWICE.format(key=key) for key in WALL if len(given.texts(key)) > 1}
    start: Moment | None
    end: Moment | None
    try:
        start, end = parse_wall(**values, zone=zone)
    except Invalid as invalid:
        problems |= {problem.field: problem.message for problem in invalid.problems}
        return _Dates((None, None), values, problems, hidden)
    if _same(values, told_before, "start_date", "start_time"):
        start = filled.start
    if _same(values, told_before, "end_date", "end_time"):
        end = filled.end
    problems = problems or _order(Filter(start=start, end=end), values, zone)
    return _Dates((None, None) if problems else (start, end), values, problems, hidden)


def _same(typed: Mapping[str, str], filled: Mapping[str, str], *keys: str) -> bool:
    return all(typed[key].strip() == filled[key] for key in keys)


def _order(range_: Filter, values: Mapping[str, str], zone: ZoneInfo) -> dict[str, str]:
    """What is wrong with an end before its start: the error beside the last field of the end that is filled."""
    if not is_backwards(range_.start, range_.end):
        return {}
    field = "end_time" if values["end_time"] else "end_date"
    return {field: _backwards(range_, zone)}


def _backwards(range_: Filter, zone: ZoneInfo) -> str:
    end, start = (
        TERMS[key].clause(bound, zone).value for key, bound in (("before", range_.end), ("after", range_.start))
    )
    return f"The end, {end}, is before the start, {start}."
