"""Completion of a query: what is being typed at a place in it, and what there is to choose from without a database.

The grammar is that of `language.py`, read leniently: what stands before and behind may be wrong or unfinished.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from minutebook.actions import CATALOGUE
from minutebook.filters.bad_query import QUOTED
from minutebook.filters.language import BARE_VALUE, BARE_WORD, ESCAPED, KEY, LONGEST
from minutebook.filters.moments import WORDS, Here, instant, parse_moment
from minutebook.filters.paths import detail_paths
from minutebook.filters.query_text import OF_THE_LANGUAGE, write_value
from minutebook.filters.term_values import NOUN_PATTERNS
from minutebook.filters.terms import DETAILS, TERMS
from minutebook.filters.text import normal_text
from minutebook.filters.zones import MONTHS, told
from minutebook.model import ActorKind, from_micros

MOST = 100
SHORTEST_WORD = 2
"""Of a word without a key, before actions are offered for it."""
BEFORE_A_TERM = re.compile(r"[\s()-]*")
UNFINISHED = re.compile(r'"((?:[^"\\]|\\.)*)\\?', re.DOTALL)
TIMES = ("after", "before")
OFFERED_TIMES = ("today", "yesterday", "-1h", "-24h", "-7d", "-30d", "-90d", "this-month", "last-month")
KIND_NOTES = {
    "user": "People",
    "token": "API tokens",
    "auditor_link": "Whoever reads by an auditor link",
    "support": "Support staff",
    "system": "Minutebook itself, and whoever runs it",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """What is being typed: the value of a `key`, or without one a word that may become a key.

    `text` is what of it stands before the place, without quotation marks. What is chosen takes the place of the
    characters from `start` to `end`; `is_last` says that nothing follows them.
    """

    key: str | None
    text: str
    start: int
    end: int
    is_last: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing to choose: what is written into the query, and what is told about it. Where `goes_on`, more must be
    written behind it."""

    written: str
    note: str = ""
    goes_on: bool = False


def typed_at(query: str, at: int) -> Typed | None:
    """What is being typed at a place, in characters from the beginning; None where nothing can be completed."""
    if not 0 <= at <= len(query) <= LONGEST:
        return None
    position = 0
    while True:
        position += len((BEFORE_A_TERM.match(query, position) or [""])[0])
        if position >= at:
            is_before_another = query[at : at + 1].strip(" \t\r\n)") != ""
            return None if is_before_another else Typed(None, "", at, at, at == len(query))
        key = KEY.match(query, position)
        if key and at < key.end():
            return Typed(None, query[position:at], position, key.end(), key.end() == len(query))
        if key:
            position, value = _value_at(query, key.end(), at)
            if value:
                start, end, text = value
                return Typed(key[1].lower(), text, start, end, end == len(query))
            continue
        word = QUOTED.match(query, position) or UNFINISHED.match(query, position) or BARE_WORD.match(query, position)
        end = word.end() if word else len(query)
        if at <= end:
            return None if query[position] == '"' else Typed(None, query[position:at], position, end, end == len(query))
        position = end


def candidates(typed: Typed, here: Here) -> list[Candidate]:
    """What the language and the catalogue offer, the most likely first."""
    if typed.key is None:
        return [*_keys(typed.text), *_actions_for(typed.text)][:MOST]
    if typed.key == "actor":
        kinds = [kind.value for kind in ActorKind if kind.startswith(typed.text.lower())]
        return [Candidate(kind, KIND_NOTES[kind]) for kind in kinds]
    if typed.key in TIMES:
        return _times(typed.text, here)
    if typed.key.startswith(DETAILS):
        return _fitting(typed.text, _values(typed.key.removeprefix(DETAILS)))[:MOST]
    return _fitting(typed.text, _known(typed.key))[:MOST]


def named(text: str, note: str, key: str = "") -> Candidate:
    """A name of the organization's own, as the value of a key that is written, or with its key."""
    return Candidate(f"{key}:{write_value(text)}" if key else write_value(text), note)


def inserted(candidate: Candidate, typed: Typed) -> str:
    """What takes the place of what is typed: with a blank behind it, where the query ends and the next term begins."""
    return candidate.written + (" " if typed.is_last and not candidate.goes_on else "")


def _value_at(query: str, position: int, at: int) -> tuple[int, tuple[int, int, str] | None]:
    """The end of the values from a position on; or, of the one that is being typed, start, end and text."""
    while True:
        value = QUOTED.match(query, position)
        unfinished = None if value else UNFINISHED.match(query, position)
        bare = None if value or unfinished else BARE_VALUE.match(query, position)
        found = value or unfinished or bare
        end = found.end() if found else position
        if at <= end:
            if unfinished:
                end = at  # what follows was hardly meant to be inside the quotation marks
            text = query[position:at] if bare or not found else _unquoted(query[position:at])
            return end, (position, end, text)
        if query[end : end + 1] != ",":
            return end, None
        position = end + 1


def _unquoted(text: str) -> str:
    inside = text[1:-1] if QUOTED.fullmatch(text) else text[1:]
    return ESCAPED.sub(r"\1", inside)


def _fitting(text: str, known: Sequence[Candidate]) -> list[Candidate]:
    """Those that begin with the text, before those that hold it somewhere or in their note."""
    sought = normal_text(text.replace("*", ""))
    written = [(normal_text(one.written), normal_text(one.note), one) for one in known]
    first = [one for name, _, one in written if name.startswith(sought)]
    return first + [one for name, note, one in written if one not in first and (sought in name or sought in note)]


def _keys(text: str) -> list[Candidate]:
    """The keys that begin with the text; for one of the details, their names."""
    sought = text.lower()
    if sought.startswith(DETAILS):
        return _paths(sought.removeprefix(DETAILS))
    keys = [key for key in TERMS if key not in ("text", "details") and key.startswith(sought)]
    found = [Candidate(f"{key}:", _first_sentence(TERMS[key].help), goes_on=True) for key in keys]
    if DETAILS.startswith(sought):
        found.append(Candidate(DETAILS, _first_sentence(TERMS["details"].help), goes_on=True))
    return found


def _paths(sought: str) -> list[Candidate]:
    """The names that lead to a detail: those that begin so, then those with a name inside that does."""
    sought = sought.removesuffix(":")
    paths = detail_paths()
    found = [path for path in paths if path.startswith(sought)]
    found += [path for path in paths if path not in found and f".{sought}" in f".{path}"]
    return [Candidate(f"{DETAILS}{path}:", paths[path].note, goes_on=True) for path in found]


def _values(last: str) -> list[Candidate]:
    """The values of every detail that these names lead to, as far as they can be counted."""
    found = [value for path, at in detail_paths().items() if f".{path}".endswith(f".{last}") for value in at.values]
    return [Candidate(write_value(value)) for value in dict.fromkeys(found)]


def _known(key: str) -> list[Candidate]:
    """The values that there are of a term, where they can be counted; of actions also all of a noun."""
    known = TERMS[key].known if key in TERMS else {}
    patterns = NOUN_PATTERNS if key == "action" else ()
    return [Candidate(str(value), note) for value, note in known.items()] + [
        Candidate(pattern, "All of them") for pattern in patterns
    ]


def _actions_for(word: str) -> list[Candidate]:
    """The actions that a word without a key may mean, as whole terms."""
    sought = word.lower()
    if len(sought) < SHORTEST_WORD or word in OF_THE_LANGUAGE:
        return []
    return [
        Candidate(f"action:{name}", action.title)
        for name, action in CATALOGUE.items()
        if sought in name or sought in action.title.lower()
    ]


def _times(text: str, here: Here) -> list[Candidate]:
    if here.now is None:
        return []
    today = from_micros(here.now).astimezone(here.zone).date()
    days = [today.replace(day=1), today.replace(month=1, day=1)]
    words = dict.fromkeys((*OFFERED_TIMES, *WORDS)) if text else OFFERED_TIMES
    labelled = [(word, "") for word in words] + [
        (f"{day:%Y-%m-%d}", f"{MONTHS[day.month - 1] if day == days[0] else day.year}, ") for day in dict.fromkeys(days)
    ]
    if text[:1].isdigit():
        labelled.append((f"{today:%Y-%m-%d}", "Today, "))
    return [
        Candidate(word, note + told(instant(parse_moment(word, here, "query"), here), here.zone))
        for word, note in labelled
        if word.startswith(text.lower())
    ]


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[.:])\s", text)[0].rstrip(":.")
