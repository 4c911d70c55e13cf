"""The address of Audit Logs is its whole state: what it says, what is wrong with it, and the links that change it.

    /o/org_…/audit-logs?action=user.login&actor=ada@x.example&start=2026-11-06&zone=utc&older=…&event=7

What the search box sends (`query`, in the query language and the viewer's zone) and what the controls send besides
(`action_is` and `actor_is`, which may turn these around, and `start_date`, `start_time`, `end_date`, `end_time`) is
turned into the keys of the filter (`log_reading.py`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, get_args
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from minutebook.actions import CATALOGUE
from minutebook.errors import Problem
from minutebook.filters import (
    EVERYTHING,
    FIELDS,
    TERMS,
    UTC,
    Cursor,
    Direction,
    Filter,
    Moment,
    Seal,
    expression_of,
    filter_of,
    in_order,
    language,
    write,
)
from minutebook.filters.expression import (
    Expression,
    all_of,
    conjuncts,
    terms,
    values_of,
)
from minutebook.filters.language import BadQuery

Pairs = tuple[tuple[str, str], ...]

BOUNDS = ("start", "end")
WALL = ("start_date", "start_time", "end_date", "end_time")
ZONE_OF_FORM = "form_zone"
"""The zone in which the form was shown: what was typed under that label is meant in it."""
BOX = "query"
QUERIES = ("q", BOX)
TURNS = {"action": "action_is", "actor": "actor_is"}
"""The keys with which the controls say whether they ask for these or for all but these."""
IS, IS_NOT = "only", "not"
DATES = (*BOUNDS, *WALL, ZONE_OF_FORM)
CURSORS: tuple[Direction, ...] = get_args(Direction)
PLACE = (*CURSORS, "event")
FIELD_KEYS = tuple(field.key for field in FIELDS)
ALONE = tuple(field for field in FIELDS if field.key not in (*BOUNDS, "q"))
CONTROLS = ("action", "actor", *BOUNDS)
"""What the form of the controls shows, and so sends by itself."""
KNOWN = frozenset({*FIELD_KEYS, *TURNS.values(), *DATES, *PLACE, BOX, "zone"})
TWICE = "{key} is given more than once; it can be given once."
MOST_KEPT = 4_000
"""Characters of what could not be understood, which stands in every link of a page."""
MOST_NAMED = 20


def readable(path: str, pairs: Iterable[tuple[str, str]]) -> str:
    """The address of these keys and values, in which what a filter mostly holds stands as it is."""
    query = urlencode(tuple(pairs), quote_via=quote, safe=":@*/")
    return f"{path}?{query}" if query else path


@dataclass(frozen=True, slots=True)
class Address:
    """One address. `kept` is what it says that could not be understood, so that no link loses what was typed."""

    path: str
    filter: Filter = EVERYTHING
    in_utc: bool = False
    cursor: Cursor | None = None
    event: int | None = None
    kept: Pairs = ()
    seal: Seal | None = None
    """What the cursor is written by, where there may be one."""

    @property
    def pairs(self) -> Pairs:
        """Keys and values in their one order."""
        pairs = write(self.filter)
        pairs += [("zone", "utc")] if self.in_utc else []
        pairs += [(self.cursor.direction, self.seal.write(self.cursor))] if self.cursor and self.seal else []
        pairs += [("event", str(self.event))] if self.event is not None else []
        return (*pairs, *self.kept)

    @property
    def href(self) -> str:
        """The path with its query."""
        return readable(self.path, self.pairs)

    @property
    def tail_href(self) -> str:
        """Where the same search is followed live."""
        return Address(f"{self.path}/tail", self.filter).href

    def without(self, *keys: str) -> Address:
        """The same search without these keys, from its first page."""
        left_out = {*keys, *PLACE}
        unset = {field.attribute: getattr(EVERYTHING, field.attribute) for field in FIELDS if field.key in keys}
        return replace(
            self,
            filter=replace(self.filter, **unset),
            in_utc=self.in_utc and "zone" not in keys,
            cursor=None,
            event=None,
            kept=tuple(pair for pair in self.kept if pair[0] not in left_out),
        )

    @property
    def afresh(self) -> Address:
        """No search at all in the same zone, and nothing of what was wrong."""
        return Address(self.path, in_utc=self.in_utc)

    def asking(self, expression: Expression) -> Address:
        """Another search, from its first page."""
        return self._finding(filter_of(expression))

    def _finding(self, filter_: Filter) -> Address:
        kept = tuple(pair for pair in self.kept if pair[0] not in PLACE)
        return Address(self.path, filter_, self.in_utc, None, None, kept, self.seal)

    def asking_only(self, key: str, part: Expression | None) -> Address:
        """The same search with this in place of what it asks of a term alone; None for nothing."""
        beside = _besides(self.filter, key)
        return self._finding(filter_of(part, beside) if part else beside)

    def asking_also(self, part: Expression) -> Address | None:
        """The same search, of what is meant by this, too; None where that is more than a query may be."""
        whole = all_of(dict.fromkeys([*conjuncts(expression_of(self.filter)), part]))
        return self._finding(filter_of(whole)) if language.fits_in_a_query(whole) else None

    def only(self, key: str, value: Any) -> Address:
        """The same search with this value in place of what the field says."""
        (attribute,) = (field.attribute for field in FIELDS if field.key == key)
        plain = self.without(key)
        return replace(plain, filter=replace(plain.filter, **{attribute: value}))

    def between(self, start: Moment | None, end: Moment | None) -> Address:
        """The same search in another range: start inclusive, end exclusive."""
        plain = self.without(*DATES)
        return replace(plain, filter=replace(plain.filter, start=start, end=end))

    def at(self, cursor: Cursor) -> Address:
        """Another page of the same search."""
        return replace(self.without(), cursor=cursor)

    def showing(self, event: int | None) -> Address:
        """This same page with an event beside it, or none."""
        return replace(self, event=event, kept=tuple(pair for pair in self.kept if pair[0] != "event"))

    def shown_in(self, *, utc: bool) -> Address:
        """This same page in another zone."""
        return replace(self, in_utc=utc, kept=tuple(pair for pair in self.kept if pair[0] != "zone"))

    def leaving_out(self, problem: Problem) -> Address:
        """The same search without what is wrong."""
        key = problem.field
        if key not in KNOWN:
            return self.without(*(other for other, _ in self.kept if other not in KNOWN))
        if key == "action":
            return self.only(key, in_order(name for _, name in self.kept if name in CATALOGUE))
        bound = key.partition("_")[0]
        if bound in BOUNDS:
            return self.without(bound, f"{bound}_date", f"{bound}_time")
        return self.without(key)


@lru_cache(maxsize=64)
def _besides(filter_: Filter, key: str) -> Filter:
    """What a filter asks but for what it asks of a term alone: the same for each of the many links of a page."""
    others = (part for part in conjuncts(expression_of(filter_)) if {term.key for term in terms(part)} != {key})
    return filter_of(all_of(others))


@dataclass(frozen=True, slots=True)
class Control:
    """What one of the controls shows: the part of the filter that asks for any of these values, or all but these."""

    key: str
    part: Expression | None = None
    values: tuple[Hashable, ...] = ()
    is_turned: bool = False

    @staticmethod
    def of(key: str, filter_: Filter) -> Control:
        """The first part that is about nothing else; where the filter has a field for it, that."""
        for part in conjuncts(expression_of(filter_)):
            values, is_turned = values_of(part, key)
            if values:
                return Control(key, part, values, is_turned)
        return Control(key)

    @property
    def texts(self) -> tuple[str, ...]:
        """The values as the query language writes them."""
        return tuple(TERMS[self.key].write(value, UTC) for value in self.values)


@dataclass(frozen=True, slots=True)
class Reading:
    """An address as it was understood.

    `values` and `errors` are by field of the forms; `hidden` is what both send along, `hidden_with_controls` what that
    of the controls sends besides. `chosen_actions` are names and patterns.
    """

    address: Address
    zone: ZoneInfo
    problems: tuple[Problem, ...]
    values: Mapping[str, str]
    errors: Mapping[str, str]
    hidden: Pairs
    hidden_with_controls: Pairs
    actions: Control
    actor: Control
    wrong_actions: tuple[str, ...]
    chosen_actions: tuple[str, ...]
    turned: frozenset[str]
    """Which of the controls ask for all but these."""
    canonical: bool
    bad_queries: tuple[BadQuery, ...] = ()
    """What is wrong in what the search box holds, from left to right; each has all that it holds as its `query`."""
