"""The Filter, and the one table from which the URL, the chips and the documentation derive.

To add a field: an attribute of Filter, a row of FIELDS, and its clause in `store/where.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from minutebook.actions import CATALOGUE, NOUNS
from minutebook.errors import Invalid, Problem
from minutebook.filters import instants
from minutebook.filters.actor import MatchKind, actor_match
from minutebook.filters.quote import LIMIT, quoted
from minutebook.filters.text import parse_text, written_words
from minutebook.filters.zones import told, told_end

MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events are meant: those that fit every field that is set.

    `actions` are names of the catalogue in its order, without repetition (`in_order`), and any of them fits. `start` is
    inclusive, `end` exclusive, both in UTC microseconds. `actor` is a text for `actor_match`, `text` one for
    `text_words`.
    """

    actions: tuple[str, ...] = ()
    actor: str | None = None
    start: int | None = None
    end: int | None = None
    text: str | None = None


EVERYTHING = Filter()


class Clause(NamedTuple):
    """One field of a filter as people read it. Subject and operator are ours; the value may be what a person typed."""

    subject: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class Field:
    """One row of FIELDS. `key` is its name in a URL, `attribute` its name in a Filter.

    `parse` takes the texts given for the key, none of them blank and only one unless `repeated`, and raises Invalid.
    `write` gives the texts from which `parse` makes the same value. `clause` tells a value in a time zone.
    """

    key: str
    attribute: str
    label: str
    help: str
    example: str
    parse: Callable[[Sequence[str]], Any]
    write: Callable[[Any], list[str]]
    clause: Callable[[Any, ZoneInfo], Clause]
    repeated: bool = False

    def value(self, of: Filter) -> Any:
        """The field's value in a filter; None or () when it is not set."""
        return getattr(of, self.attribute)

    def sentence(self, value: Any, zone: ZoneInfo) -> str:
        """`action is user.login or member.remove`, `up to 6 Nov 2026 17:05 CET`."""
        return " ".join(word for word in self.clause(value, zone) if word)


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """The actions as a Filter holds them: each once, grouped by noun and in the order of the catalogue."""
    nouns, position = list(NOUNS), {name: number for number, name in enumerate(CATALOGUE)}
    return tuple(sorted(set(names), key=lambda name: (nouns.index(CATALOGUE[name].noun), position[name])))


def parse(pairs: Iterable[tuple[str, str]]) -> Filter:
    """The filter of a URL's keys and values. A blank value counts as absent, as a form sends it.

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
                values[field.attribute] = field.parse(texts)
            except Invalid as invalid:
                problems.extend(invalid.problems)
    found = Filter(**values)
    if found.start is not None and found.end is not None and found.end <= found.start:
        start, end = instants.write_start(found.start), instants.write_end(found.end)
        problems.append(Problem("end", f"The end, {end}, is before the start, {start}."))
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
        message = f"There is no filter {quoted(key)}. {_meant(key, known)}The filters are {_list(known, 'and')}."
        problems.append(Problem(key[:LIMIT], message))
    return problems


def _meant(text: str, known: Iterable[str]) -> str:
    close = get_close_matches(text.lower(), list(known), n=3, cutoff=0.5)
    return f"Did you mean {_list(close, 'or')}? " if close else ""


def _list(words: Sequence[str], last: str) -> str:
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _parse_actions(texts: Sequence[str]) -> tuple[str, ...]:
    names = list(dict.fromkeys(text.strip() for text in texts))
    unknown = [name for name in names if name not in CATALOGUE]
    if unknown:
        sentences = [f"{quoted(name)} is not an action. {_meant(name, CATALOGUE)}" for name in unknown[:MOST_NAMED]]
        advice = "An action is written noun.verb, such as user.login; the list of Actions has them all."
        raise Invalid.one("action", "".join(sentences) + advice)
    return in_order(names)


def _actor_clause(actor: str, _zone: ZoneInfo) -> Clause:
    operators = {MatchKind.EXACT: "is", MatchKind.PATTERN: "matches", MatchKind.PART: "contains"}
    return Clause("actor", operators[actor_match(actor).kind], actor)


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
        clause=lambda names, _zone: Clause("action", "is", _list(names, "or")),
    ),
    Field(
        key="actor",
        attribute="actor",
        label="Actor email",
        help="Who did it. A complete address fits exactly, a part of one as a part, and * stands for any characters. "
        "Upper and lower case are the same.",
        example="ada@example.com",
        parse=lambda texts: actor_match(texts[0]).text,
        write=lambda actor: [actor],
        clause=_actor_clause,
    ),
    Field(
        key="start",
        attribute="start",
        label="Start",
        help="The first time that fits: a day, a minute, a second or a microsecond in UTC, or with an offset such as "
        "+01:00 (in a URL, %2B01:00).",
        example="2026-11-06T00:00Z",
        parse=lambda texts: instants.parse_start(texts[0]),
        write=lambda start: [instants.write_start(start)],
        clause=lambda start, zone: Clause("", "from", told(start, zone)),
    ),
    Field(
        key="end",
        attribute="end",
        label="End",
        help="The last time that fits, including all of what is written: 17:05 includes 17:05:59, and a day all of it.",
        example="2026-11-06T17:05Z",
        parse=lambda texts: instants.parse_end(texts[0]),
        write=lambda end: [instants.write_end(end)],
        clause=lambda end, zone: Clause("", "up to", told_end(end, zone)),
    ),
    Field(
        key="text",
        attribute="text",
        label="Text",
        help='What the details contain. All words must be found, each also inside a longer one; a "quoted phrase" '
        "keeps its blanks. Case and accents make no difference.",
        example='opus "billing manager"',
        parse=lambda texts: parse_text(texts[0]),
        write=lambda text: [text],
        clause=lambda text, _zone: Clause("details", "contain", _list([f"“{w}”" for w in written_words(text)], "and")),
    ),
)
"""In the order of a canonical URL."""
