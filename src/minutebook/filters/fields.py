"""The Filter, and the one table from which the URL, the controls and the documentation derive.

Whatever can be asked of an event is a term of the query language (`terms.py`), and is in a URL as `q`. The few fields
here are the terms that people set by a control of their own: `expression_of` and `filter_of` lead there and back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from minutebook.actions import CATALOGUE, NOUNS
from minutebook.errors import Invalid, Problem
from minutebook.filters import instants, language
from minutebook.filters.actor import actor_match
from minutebook.filters.bad_query import backwards
from minutebook.filters.clause import Clause, listed
from minutebook.filters.expression import NOTHING_ASKED, AnyOf, Expression, Not, Term, all_of, any_of, conjuncts
from minutebook.filters.globs import STAR
from minutebook.filters.moments import (
    WORD_OF,
    Here,
    Moment,
    Relative,
    backwards_told,
    is_backwards,
    is_relative,
    parse_relative,
    resolved,
    write_relative,
)
from minutebook.filters.quote import LIMIT, quoted
from minutebook.filters.term_values import ActorValue, meant
from minutebook.filters.terms import TERMS
from minutebook.filters.text import MAX_LENGTH, parse_text, written_words
from minutebook.filters.zones import UTC

MOST_NAMED = 5
ACCEPTED = (
    "Write a day, such as 2026-11-06, a time in UTC, such as 2026-11-06T17:05Z, or a time told from now on, such as "
    "-7d."
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events are meant: those that fit every field that is set.

    `actions` are names of the catalogue in its order, without repetition (`in_order`), and any of them fits. `start` is
    inclusive, `end` exclusive, in UTC microseconds or told from now on (`at` makes instants of them). `actor` is a
    text for `actor_match`, `text` one for `text_words`. `more` is what only the query language can say, and holds
    nothing that the others could (`filter_of`).
    """

    actions: tuple[str, ...] = ()
    actor: str | None = None
    start: Moment | None = None
    end: Moment | None = None
    text: str | None = None
    more: Expression | None = None

    @property
    def is_relative(self) -> bool:
        """Whether it means something else at another time."""
        return is_relative(expression_of(self))

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        """Start and end, where they are instants: all that there are once `at` has made them."""
        start, end = (bound if isinstance(bound, int) else None for bound in (self.start, self.end))
        return start, end

    def at(self, here: Here) -> Filter:
        """What it means to who asks there and then: an instant for each relative time.

        Where nothing is between them just now, the end is no field: what only is so today is no mistake, and is written
        so that it can be read again.
        """
        found = filter_of(resolved(expression_of(self), here))
        if is_backwards(found.start, found.end) and found.end is not None:
            return filter_of(Not(Term("after", found.end)), replace(found, end=None))
        return found


EVERYTHING = Filter()


@dataclass(frozen=True, slots=True)
class Field:
    """One row of FIELDS. `key` is its name in a URL, `attribute` its name in a Filter.

    `parse` takes the texts given for the key, none of them blank and only one unless `repeated`, and the zone of times
    that name no offset, which is None in a URL; it raises Invalid. `write` gives the texts of a URL from which `parse`
    makes the same value. `clause` tells a value in a time zone.
    """

    key: str
    attribute: str
    label: str
    help: str
    example: str
    parse: Callable[[Sequence[str], ZoneInfo | None], Any]
    write: Callable[[Any], list[str]]
    clause: Callable[[Any, ZoneInfo], Clause]
    repeated: bool = False

    def value(self, of: Filter) -> Any:
        """The field's value in a filter; None or () when it is not set."""
        return getattr(of, self.attribute)

    def sentence(self, value: Any, zone: ZoneInfo) -> str:
        """`action is user.login or member.remove`, `up to 6 Nov 2026 17:05 CET`."""
        return self.clause(value, zone).sentence


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """The actions as a Filter holds them: each once, grouped by noun and in the order of the catalogue."""
    places = _places()
    return tuple(sorted(set(names), key=places.__getitem__))


@cache
def _places() -> Mapping[str, int]:
    nouns = list(NOUNS)
    names = sorted(CATALOGUE, key=lambda name: nouns.index(CATALOGUE[name].noun))  # stable
    return {name: place for place, name in enumerate(names)}


def expression_of(filter_: Filter) -> Expression:
    """The filter as one expression."""
    parts: list[Expression] = []
    if filter_.actions:
        parts.append(any_of(Term("action", name) for name in filter_.actions))
    if filter_.actor is not None:
        parts.append(Term("actor", ActorValue("email", filter_.actor)))
    if filter_.start is not None:
        parts.append(Term("after", filter_.start))
    if filter_.end is not None:
        parts.append(Term("before", filter_.end))
    parts += [Term("text", word) for word in written_words(filter_.text or "")]
    return all_of([*parts, *([filter_.more] if filter_.more else [])])


def filter_of(expression: Expression, beside: Filter = EVERYTHING) -> Filter:
    """The filter that means the expression and what is asked beside it; each part where a control can show it."""
    found, rest = beside, [beside.more] if beside.more else []
    words = written_words(beside.text or "")
    for part in conjuncts(expression):
        lifted = _lifted(part, found)
        if lifted:
            found = lifted
        elif isinstance(part, Term) and part.key == "text" and (together := _joined([*words, str(part.value)])):
            words.append(str(part.value))
            found = replace(found, text=together)
        else:
            rest.append(part)
    more = all_of(rest) if rest else None
    return found if more == found.more else replace(found, more=None if more == NOTHING_ASKED else more)


def _lifted(part: Expression, found: Filter) -> Filter | None:
    """The filter with the part in a field of its own, if it has one that is free."""
    match part:
        case Term("actor", ActorValue("email", text)) if found.actor is None:
            return replace(found, actor=text)
        case Term("after", int() | Relative() as start) if found.start is None:
            return replace(found, start=start)
        case Term("before", int() | Relative() as end) if found.end is None and _can_be_an_end(end):
            return replace(found, end=end)
    alternatives = part.of if isinstance(part, AnyOf) else (part,)
    names = [str(term.value) for term in alternatives if isinstance(term, Term) and term.key == "action"]
    if len(names) == len(alternatives) and not found.actions and all(STAR not in name for name in names):
        return replace(found, actions=in_order(names))
    return None


def _last_of(end: Relative) -> Relative:
    """The day or month that is over at that beginning of the next: as an end of a URL includes it."""
    return Relative(end.count + 1, end.unit)


def _can_be_an_end(end: Moment) -> bool:
    return isinstance(end, int) or not end.is_of_calendar or _last_of(end) in WORD_OF


def _joined(words: list[str]) -> str | None:
    """The words as one text of a filter; None when it would be read otherwise."""
    text = " ".join(f'"{word}"' if " " in word else word for word in words)
    return text if len(text) <= MAX_LENGTH and written_words(text) == words else None


def parse(pairs: Iterable[tuple[str, str]], zone: ZoneInfo | None = None) -> Filter:
    """The filter of a URL's keys and values. A blank value counts as absent, as a form sends it. Times that name no
    offset are in `zone`; in a URL, which has none, they are in UTC.

    Raises Invalid with one Problem for each key that is wrong: nothing is left out silently.
    """
    given: dict[str, list[str]] = {}
    for key, text in pairs:
        given.setdefault(key, []).extend([text] if text.strip() else [])
    problems = _unknown_keys(given)
    values: dict[str, Any] = {}
    for field in FIELDS:
        texts = given.get(field.key, [])
        if len(texts) > 1 and not field.repeated:
            problems.append(Problem(field.key, f"{field.key} is given {len(texts)} times; it can be given once."))
        elif texts:
            try:
                values[field.attribute] = field.parse(texts, zone)
            except Invalid as invalid:
                problems.extend(invalid.problems)
    more = values.pop("more", None)
    found = Filter(**values)
    by_fields = found.start, found.end
    if more:
        found = filter_of(more, found)
    if is_backwards(found.start, found.end):
        start, end = _write_start(found.start)[0], _write_end(found.end)[0]
        message = backwards_told(start, end)
        if by_fields == (found.start, found.end):
            problems.append(Problem("end", message))
        else:
            problems += backwards(given["q"][0], message, has_end=by_fields[1] is None).problems
    if problems:
        raise Invalid(*problems)
    return found


def write(written: Filter) -> list[tuple[str, str]]:
    """The keys and values of a filter, in the order of FIELDS, from which `parse` makes the same filter."""
    return [
        (field.key, text)
        for field in FIELDS
        if (value := field.value(written)) not in (None, ())
        for text in field.write(value)
    ]


def _unknown_keys(given: Iterable[str]) -> list[Problem]:
    known = [field.key for field in FIELDS]
    problems = []
    for key in [key for key in given if key not in known][:MOST_NAMED]:
        message = f"There is no filter {quoted(key)}. {meant(key, known)}The filters are {listed(known, 'and')}."
        problems.append(Problem(key[:LIMIT], message))
    return problems


def _parse_actions(texts: Sequence[str], _zone: ZoneInfo | None) -> tuple[str, ...]:
    names = list(dict.fromkeys(text.strip() for text in texts))
    unknown = [name for name in names if name not in CATALOGUE]
    if unknown:
        sentences = [
            f"{quoted(name)} is not an action. {meant(name, tuple(CATALOGUE))}" for name in unknown[:MOST_NAMED]
        ]
        advice = (
            "An action is written noun.verb, such as user.login; the list of Actions has them all, and a query "
            "understands action:member.*."
        )
        raise Invalid.one("action", "".join(sentences) + advice)
    return in_order(names)


def _parse_start(texts: Sequence[str], zone: ZoneInfo | None) -> Moment:
    return parse_relative(texts[0].strip(), "start") or instants.parse_start(texts[0], zone=zone, accepted=ACCEPTED)


def _write_start(start: Any) -> list[str]:
    return [write_relative(start) if isinstance(start, Relative) else instants.write_start(start)]


def _parse_end(texts: Sequence[str], zone: ZoneInfo | None) -> Moment:
    """A day or month is over when the next begins."""
    end = parse_relative(texts[0].strip(), "end")
    if end is None:
        return instants.parse_end(texts[0], zone=zone, accepted=ACCEPTED)
    over = Relative(end.count - 1, end.unit) if end.is_of_calendar else end
    if over.is_of_calendar and over not in WORD_OF:
        raise Invalid.one("end", f"{quoted(texts[0])} is not a time. {ACCEPTED}")
    return over


def _write_end(end: Any) -> list[str]:
    if isinstance(end, Relative):
        return [write_relative(_last_of(end) if end.is_of_calendar else end)]
    return [instants.write_end(end)]


FIELDS: tuple[Field, ...] = (
    Field(
        key="action",
        attribute="actions",
        label="Actions",
        help="The kind of act. Given several times, any of them fits.",
        example="user.login",
        repeated=True,
        parse=_parse_actions,
        write=list,
        clause=lambda names, _zone: Clause("action", "is", listed(names, "or")),
    ),
    Field(
        key="actor",
        attribute="actor",
        label="Actor email",
        help="Who did it. A complete address fits exactly, a part of one as a part, and * stands for any characters. "
        "Upper and lower case are the same.",
        example="ada@example.com",
        parse=lambda texts, _zone: actor_match(texts[0]).text,
        write=lambda actor: [actor],
        clause=lambda actor, zone: TERMS["actor"].clause(ActorValue("email", actor), zone),
    ),
    Field(
        key="start",
        attribute="start",
        label="Start",
        help="The first time that fits: a day, a minute, a second or a microsecond in UTC, or with an offset such as "
        "+01:00 (in a URL, %2B01:00); or a time told from now on, such as -7d, today or this-month.",
        example="2026-11-06T00:00Z",
        parse=_parse_start,
        write=_write_start,
        clause=TERMS["after"].clause,
    ),
    Field(
        key="end",
        attribute="end",
        label="End",
        help="The last time that fits, including all of what is written: 17:05 includes 17:05:59, and a day all of it. "
        "Or a time told from now on, such as -1h, yesterday or last-month.",
        example="2026-11-06T17:05Z",
        parse=_parse_end,
        write=_write_end,
        clause=TERMS["before"].clause,
    ),
    Field(
        key="text",
        attribute="text",
        label="Text",
        help="Words that are found anywhere in the sentence, the actor, the targets and the details. All of them must "
        'be found, each also inside a longer one; a "quoted phrase" keeps its blanks. Case and accents make no '
        "difference.",
        example='opus "billing manager"',
        parse=lambda texts, _zone: parse_text(texts[0]),
        write=lambda text: [text],
        clause=lambda text, _zone: Clause("text", "contains", listed([f"“{w}”" for w in written_words(text)], "and")),
    ),
    Field(
        key="q",
        attribute="more",
        label="Query",
        help="Anything that the query language can say. Its times are in UTC where they name no offset.",
        example="ip:10.0.0.0/8 -outcome:success",
        parse=lambda texts, zone: language.read(texts[0], Here(zone or UTC)),
        write=lambda more: [language.write(more)],
        clause=lambda more, zone: Clause("", "", language.write(more, zone)),
    ),
)
"""In the order of a canonical URL."""
