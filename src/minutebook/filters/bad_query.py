"""What is wrong in a query: where, how to mend it, and which part of the query can be left out instead."""

from __future__ import annotations

import re

from minutebook.errors import Invalid, Problem
from minutebook.filters.query_text import JOINING, NEGATING

QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
BEFORE_A_PART = (NEGATING, "-")
"""What is wrong by itself, and means the part behind it."""
START, END = "after:", "before:"


class BadQuery(Invalid):
    """{summary}"""

    code = "bad_query"

    def __init__(self, query: str, at: int, length: int, message: str, fix: str | None = None) -> None:
        """`at` and `length` are in characters of the query; `fix` is a query that would be understood, if one is."""
        super().__init__(Problem("q", message, at, length, fix))
        self.query, self.at, self.length, self.fix = query, at, length, fix

    @property
    def is_joined(self) -> bool:
        """Whether it is a query of alternatives."""
        return any(self.query[start:end] in JOINING for start, end in clauses(self.query))

    @property
    def clause(self) -> tuple[int, int]:
        """From where to where the part goes that is wrong and can be left out: one of those that must all hold, a `NOT`
        with what it stands before, or all of a query of alternatives."""
        if self.is_joined:
            return 0, len(self.query)
        found = clauses(self.query)
        place = next((place for place, (_, end) in enumerate(found) if self.at < end), None)
        if place is None:
            return 0, len(self.query)
        start, end = found[place]
        for _, behind in found[place + 1 :]:
            if self.query[start:end].split()[-1] not in BEFORE_A_PART:
                break
            end = behind
        return start, end

    @property
    def without(self) -> str:
        """The query without that part."""
        start, end = self.clause
        return " ".join(part for part in (self.query[:start].strip(), self.query[end:].strip()) if part)

    def inside(self, before: str, after: str) -> BadQuery:
        """The same mistake, in a longer query."""
        fix = None if self.fix is None else f"{before}{self.fix}{after}"
        return BadQuery(f"{before}{self.query}{after}", len(before) + self.at, self.length, self.message, fix)


def backwards(query: str, message: str, *, has_end: bool) -> BadQuery:
    """The mistake of a query that asks for what is before a start: it points at the end if it `has_end`, else at the
    start, if that is in it."""
    key = END if has_end else START
    bounds = (
        (start, end)
        for start, end in clauses(query)
        if query[start:end].lower().startswith(key) and "," not in query[start:end]
    )
    start, end = next(bounds, (0, len(query)))  # of several the first is the filter's
    return BadQuery(query, start, end - start, message)


def clauses(query: str) -> list[tuple[int, int]]:
    """From where to where the parts go that blanks separate, but for those in parentheses and in quotation marks."""
    found: list[tuple[int, int]] = []
    at, start, depth = 0, None, 0
    while at < len(query):
        character = query[at]
        if character.isspace() and not depth:
            found += [(start, at)] if start is not None else []
            start = None
            at += 1
            continue
        start = at if start is None else start
        depth = max(0, depth + (character == "(") - (character == ")"))
        is_opened = character == '"' and (at == start or query[at - 1] in "-(:, ")
        quoted_part = QUOTED.match(query, at) if is_opened else None
        at = len(query) if is_opened and not quoted_part else quoted_part.end() if quoted_part else at + 1
    return [*found, (start, len(query))] if start is not None else found
