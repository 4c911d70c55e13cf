r"""The query language: text → Expression, and back again (`query_text.py`).

    query   = any
    any     = all *( "OR" all )
    all     = part *( [ "AND" ] part )             ; parts side by side must all hold
    part    = "-" part / "(" query ")" / term
    term    = key ":" value *( "," value ) / word  ; several values: any of them
    value   = bare / quoted
    word    = bare / quoted                        ; a word without a key is searched for in the text of an event
    bare    = 1*( any character but blank, "(" and ")"; in a value also no "," )
    quoted  = DQUOTE *( any character; \" and \\ for these two ) DQUOTE

`OR` and `AND` are words of the language in capitals only; `NOT` is refused for `-`, and so is `seq:4,700`, which can be
one number or two. Keys and their values are the same in any case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NoReturn, TypeVar

from minutebook.actions import CATALOGUE
from minutebook.errors import Invalid
from minutebook.filters.bad_query import QUOTED, BadQuery, clauses
from minutebook.filters.clause import listed
from minutebook.filters.expression import (
    NOTHING_ASKED,
    Expression,
    Term,
    all_of,
    any_of,
    none_of,
    terms,
)
from minutebook.filters.moments import AGO, TIME_OF_DAY, Here, two_digits
from minutebook.filters.paths import known_paths
from minutebook.filters.query_text import GROUPED, JOINING, NEGATING, in_quotes, one_or_several, write, write_beside
from minutebook.filters.quote import quoted
from minutebook.filters.term_values import (
    NOUN_PATTERNS,
    WHICH_DETAIL,
    closest,
    meant,
    network_meant,
    parse_details,
)
from minutebook.filters.terms import DETAILS, TERMS
from minutebook.filters.text import unsearchable

__all__ = ["BadQuery", "read", "read_what_can_be", "write", "write_beside"]

LONGEST = 2_000
MOST_TERMS = 100
MOST_MISTAKES = 8
DEEPEST = 20
BOUNDS = {"start": "after", "end": "before"}
"""What the bounds are called as keys of an address: whoever read them there means these."""
KEYS = [f"{DETAILS}NAME" if key == "details" else key for key in TERMS if key != "text"]

BLANK = re.compile(r"\s*")
KEY = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*):")
DAY_BEFORE = re.compile(r"(?<![\w.:-])-?(?:after|before):[0-9]{4}-[0-9]{2}-[0-9]{2}\s+$", re.IGNORECASE)
BARE_WORD = re.compile(r"[^\s()]+")
BARE_VALUE = re.compile(r"[^\s(),]+")
BARE_VALUES = re.compile(r'[^\s()"]*')
ALTERNATIVES = re.compile(r"\(([^()]*)\)?")
BETWEEN = re.compile(r"\s+OR\s+|\s*,\s*")
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
T = TypeVar("T")


def read(query: str, here: Here, *, suggesting: bool = True) -> Expression:
    """What is asked for; nothing for a blank text. Raises BadQuery, which points at the first place that is wrong.

    It suggests how to mend it, too, unless it is a suggestion that is read.
    """
    if len(query) > LONGEST:
        message = f"The query is {len(query):,} characters long; at most {LONGEST:,} are accepted."
        raise BadQuery(query, LONGEST, len(query) - LONGEST, message)
    if strange := unsearchable(query):
        at, message = strange
        without = "".join(character for character in query if not unsearchable(character))
        raise BadQuery(query, at, 1, message, without if suggesting and _is_understood(without, here) else None)
    found = _Reader(query, here, suggesting).whole()
    if (length := len(write(found))) > LONGEST:  # an address, a saved search and a link hold it written out
        start, end = max(clauses(query), key=lambda clause: clause[1] - clause[0])
        accepted = f"at most {LONGEST:,} are accepted."
        message = f"Written out, with times in UTC, the query is {length:,} characters long; {accepted}"
        raise BadQuery(query, start, end - start, message)
    return found


def read_what_can_be(query: str, here: Here) -> tuple[Expression, tuple[BadQuery, ...]]:
    """What the parts of a query ask for that are understood, and what is wrong with the others, from left to right.

    Only the first mistake has a `fix`: it mends all of them, or there is none.
    """
    rest, found = query, list[BadQuery]()
    while True:
        try:
            asked = read(rest, here)
        except BadQuery as bad:
            start, end = bad.clause
            found.append(bad)
            if len(query) > LONGEST or len(found) > MOST_MISTAKES:
                return NOTHING_ASKED, (_as_it_stands(found[0], query, found[0].fix),)
            rest = rest[:start] + " " * (end - start) + rest[end:]  # so that what follows keeps its place
        else:
            fix = found[0].fix if len(found) == 1 else _mended_all(query, found, here)
            return asked, tuple(_as_it_stands(bad, query, None if place else fix) for place, bad in enumerate(found))


class _Reader:
    """One reading of one query, from left to right."""

    def __init__(self, query: str, here: Here, suggesting: bool) -> None:
        self.query = query
        self.here = here
        self.suggesting = suggesting
        self.at = 0
        self.terms = 0

    def whole(self) -> Expression:
        self._skip()
        found = NOTHING_ASKED if self._ends() else self._any(0)
        if self.at < len(self.query):
            self._wrong(self.at, 1, "This ) closes nothing.", self.query[: self.at] + self.query[self.at + 1 :])
        return found

    def _any(self, depth: int) -> Expression:
        parts = [self._all(depth)]
        while self._word() == "OR":
            start = self.at
            self.at += 2
            self._skip()
            if self._ends() or self._word() in JOINING:
                self._wrong(start, 2, "OR stands between two things, and nothing follows it.", self._without(start, 2))
            parts.append(self._all(depth))
        return any_of(parts)

    def _all(self, depth: int) -> Expression:
        if self._word() in JOINING:
            word = self._word()
            message = (
                f'{word} stands between two things, and nothing is before it. To search for the word, write "{word}".'
            )
            self._wrong(self.at, len(word), message, self._without(self.at, len(word)))
        parts = [self._part(depth)]
        while not self._ends() and self._word() != "OR":
            if self._word() == "AND":
                start = self.at
                self.at += 3
                self._skip()
                if self._ends() or self._word() in JOINING:
                    self._wrong(
                        start, 3, "AND stands between two things, and nothing follows it.", self._without(start, 3)
                    )
            parts.append(self._part(depth))
        return all_of(parts)

    def _part(self, depth: int) -> Expression:
        if depth > DEEPEST:
            self._wrong(self.at, 1, f"This is nested deeper than the {DEEPEST} levels that are accepted.")
        start = self.at
        if self._peek() == "-":
            self.at += 1
            if self._ends() or self._peek().isspace():
                self._refuse_dash(start)
            return none_of(self._part(depth + 1))
        if self._word() == NEGATING:
            self._refuse_not()
        if self._peek() == "(":
            return self._group(depth)
        return self._term()

    def _refuse_dash(self, start: int) -> NoReturn:
        behind = self.query[self.at :].lstrip()
        is_joined = (BARE_WORD.match(behind) or [""])[0] in JOINING
        fix = None if is_joined else f"{self.query[: self.at]}{behind}"
        message = "A - leaves out what follows it without a blank, and nothing does."
        self._wrong(start, 1, message, fix, self._without(start, 1))

    def _refuse_not(self) -> NoReturn:
        before, behind = self.query[: self.at], self.query[self.at + len(NEGATING) :].lstrip()
        message = f'To leave something out, write - before it. To search for the word, write "{NEGATING}".'
        word = (BARE_WORD.match(behind) or [""])[0]
        if behind[:1] in ("", ")"):
            fix = f'{before}"{NEGATING}"{behind}'
        else:
            fix = f'{before}"{NEGATING}" {behind}' if word in JOINING else f"{before}-{behind}"
        self._wrong(self.at, len(NEGATING), message, fix)

    def _group(self, depth: int) -> Expression:
        start = self.at
        self.at += 1
        self._skip()
        if self._peek() == ")":
            self._wrong(
                start,
                self.at + 1 - start,
                "There is nothing in these parentheses.",
                self._without(start, self.at + 1 - start),
            )
        if self.at == len(self.query):
            self._wrong(start, 1, "This ( is never closed.", self._without(start, 1))
        found = self._any(depth + 1)
        if self._peek() != ")":
            self._wrong(start, 1, "This ( is never closed.", self.query + ")")
        self.at += 1
        self._skip()
        return found

    def _term(self) -> Expression:
        self.terms += 1
        if self.terms > MOST_TERMS:
            self._wrong(self.at, 1, f"There are more than the {MOST_TERMS} terms that are accepted.")
        key = KEY.match(self.query, self.at)
        found = self._keyed(key[1].lower(), key.end()) if key else self._text()
        self._skip()
        return found

    def _text(self) -> Expression:
        start = self.at
        is_bare = self._peek() != '"'
        word = self._bare(BARE_WORD) if is_bare else self._quoted()
        if is_bare and TIME_OF_DAY.fullmatch(word) and DAY_BEFORE.search(self.query[:start]):
            fix = f"{self.query[:start].rstrip()}T{two_digits(word)}{self.query[self.at :]}"
            self._wrong(start, len(word), "A time of day is joined to its day by a T, such as 2026-11-06T17:05.", fix)
        return Term("text", self._parsed(start, lambda: TERMS["text"].parse(word, self.here)))

    def _keyed(self, key: str, behind: int) -> Expression:
        start = self.at
        is_details = key.startswith(DETAILS)
        if not is_details and (key not in TERMS or key in ("text", "details")):
            self._refuse_key(key, start, behind)
        if is_details:
            self._known_detail(key, start, behind)
        self.at = behind
        self._refuse_one_or_several(key)
        values = [self._value(key, start)]
        while self._peek() == ",":
            self.at += 1
            values.append(self._value(key, self.at - 1))
        return any_of(values)

    def _refuse_one_or_several(self, key: str) -> None:
        """Refuses a number with commas in it: read as several, it would find other events than were meant."""
        values = (BARE_VALUES.match(self.query, self.at) or [""])[0]
        found = one_or_several(key, values)
        if not found:
            return
        start, end = values.rfind(",", 0, found.start()) + 1, found.end()
        several = " OR ".join(f"{key}:{value}" for value in values[start:end].split(","))
        one, fix = (GROUPED.sub(lambda number: number[0].replace(",", ""), text) for text in (found[0], values))
        self._wrong(
            self.at + found.start(),
            len(found[0]),
            f"{found[0]} can be one number or several. Write one without commas, {one}, or several as {several}.",
            f"{self.query[: self.at]}{fix}{self.query[self.at + len(values) :]}",
        )

    def _refuse_key(self, key: str, start: int, behind: int) -> NoReturn:
        in_quotation_marks = QUOTED.match(self.query, behind)
        found = in_quotation_marks or BARE_WORD.match(self.query, behind)
        value, rest = (found[0], self.query[found.end() :]) if found else ("", self.query[behind:])
        if key == "text":
            close, instead = "Words are searched for without one. ", value
        else:
            said = BOUNDS.get(key.lower(), key)
            mended, close = closest(said, [known for known in KEYS if known in TERMS]), meant(said, KEYS)
            word = ESCAPED.sub(r"\1", in_quotation_marks[1]) if in_quotation_marks else value
            instead = f"{mended}:{value}" if mended else in_quotes(self.query[start:behind] + word)
        message = (
            f"There is no field {quoted(key)}. {close}The fields are {listed(KEYS, 'and')}. "
            "To search for the word itself, put it in quotation marks."
        )
        self._wrong(start, behind - start, message, self.query[:start] + instead + rest)

    def _known_detail(self, key: str, start: int, behind: int) -> None:
        """Refuses what no details have: left out, it would leave out nothing, and nobody would be told."""
        path, known = key.removeprefix(DETAILS), known_paths()
        if path in known:
            return
        if not all(path.split(".")):
            self._wrong(start, behind - start, WHICH_DETAIL)
        # what is nested in it is closest
        known = frozenset(name for name in known if name.startswith(f"{path}.")) or known
        message = (
            f"There is no {quoted(path)} in the details of any action. {meant(path, known, DETAILS)}They are called as "
            "in the JSON of an event, such as details.role.after; docs/actions.md has all of them."
        )
        mended = closest(path, known)
        fix = f"{self.query[:start]}{DETAILS}{mended}{self.query[behind - 1 :]}" if mended else None
        self._wrong(start, behind - start, message, fix)

    def _value(self, key: str, start: int) -> Term:
        """One value, behind the key or the comma that begins at `start`."""
        at = self.at
        if self._ends() or self._peek().isspace() or self._peek() == ",":
            kind = TERMS["details" if key.startswith(DETAILS) else key]
            joined = self.query[:at] + self.query[at:].lstrip(" ,")
            if self.query[start] == ",":
                message = "A comma stands between two values, and nothing follows it."
                self._wrong(start, 1, message, joined, self.query[:start] + self.query[at:])
            self._wrong(start, at - start, f"{key}: needs a value behind it, such as {kind.examples[0]}.", joined)
        if self._peek() == "(":
            message = f"{key}: takes no parentheses. Separate several values by commas, without blanks."
            self._wrong(at, 1, message, self._with_commas(at))
        text = self._quoted() if self._peek() == '"' else self._bare(BARE_VALUE)
        if key.startswith(DETAILS):
            return Term("details", self._parsed(at, lambda: parse_details(key.removeprefix(DETAILS), text)))
        return Term(key, self._parsed(at, lambda: TERMS[key].parse(text, self.here), lambda: _meant(key, text)))

    def _with_commas(self, at: int) -> str | None:
        """The query with the alternatives in the parentheses that begin there as values with commas between."""
        group = ALTERNATIVES.match(self.query, at)
        values = BETWEEN.split(group[1].strip()) if group else [""]
        if not group or not all(map(BARE_VALUE.fullmatch, values)):
            return None
        return self.query[:at] + ",".join(values) + self.query[group.end() :]

    def _parsed(self, start: int, parse: Callable[[], T], mend: Callable[[], str | None] = lambda: None) -> T:
        try:
            return parse()
        except Invalid as invalid:
            instead = mend() if self.suggesting else None
            fix = self.query[:start] + instead + self.query[self.at :] if instead else None
            self._wrong(start, max(1, self.at - start), invalid.message, fix)

    def _quoted(self) -> str:
        found = QUOTED.match(self.query, self.at)
        if not found:
            self._wrong(self.at, 1, "This quotation mark is never closed.", _closed(self.query, self.at))
        self.at = found.end()
        return ESCAPED.sub(r"\1", found[1])

    def _bare(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.query, self.at)
        assert found, "it begins with what is no blank, parenthesis or comma"
        self.at = found.end()
        return found[0]

    def _word(self) -> str:
        found = BARE_WORD.match(self.query, self.at)
        return found[0] if found else ""

    def _peek(self) -> str:
        return self.query[self.at : self.at + 1]

    def _ends(self) -> bool:
        return self._peek() in ("", ")")

    def _skip(self) -> None:
        found = BLANK.match(self.query, self.at)
        self.at = found.end() if found else self.at

    def _without(self, start: int, length: int) -> str:
        return " ".join((self.query[:start] + " " + self.query[start + length :]).split())

    def _wrong(self, at: int, length: int, message: str, *fixes: str | None) -> NoReturn:
        """Refuses what is there, suggesting the first of the fixes that is understood."""
        tried = (fix for fix in fixes if fix is not None and self.suggesting and _is_understood(fix, self.here))
        raise BadQuery(self.query, at, length, message, next(tried, None))


def _as_it_stands(bad: BadQuery, query: str, fix: str | None) -> BadQuery:
    return BadQuery(query, bad.at, bad.length, bad.message, fix)


def _mended_all(query: str, found: Sequence[BadQuery], here: Here) -> str | None:
    """The query with each of its mistakes mended; None where one of them cannot be."""
    for bad in reversed(found):
        start, end = bad.clause
        try:
            read(query[start:end], here)
        except BadQuery as alone:
            if alone.fix is None:
                return None
            query = query[:start] + alone.fix + query[end:]
    return query if found and _is_understood(query, here) else None


def fits_in_a_query(expression: Expression) -> bool:
    """Whether it is short enough, as it is written, and has few enough terms to be read."""
    return len(write(expression)) <= LONGEST and sum(1 for _ in terms(expression)) <= MOST_TERMS


def _meant(key: str, text: str) -> str | None:
    """What was probably meant by a value that is not understood."""
    match key:
        case "ip":
            return network_meant(text)
        case "after" | "before":
            return f"-{text}" if AGO.fullmatch(f"-{text}") else None
        case "action":
            return closest(text, (*CATALOGUE, *NOUN_PATTERNS))
    return closest(text, TERMS[key].known)


def _is_understood(query: str, here: Here) -> bool:
    if not query.strip():
        return False
    try:
        read(query, here, suggesting=False)
    except BadQuery:
        return False
    return True


def _closed(query: str, at: int) -> str:
    """The query with the quotation mark at that place closed behind the rest, or taken for a character like others."""
    rest = query[at + 1 :].replace('"', "").replace("\\", "")
    return f'{query[:at]}"{rest}"' if rest.strip() else query[:at]
