"""No query goes on beyond its bound: each loop looks at the clock, and gives up when the time is over.

The clock goes on with every look at it, so that nothing here depends on how fast a machine is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, event

from minutebook.errors import TooSlow
from minutebook.filters import Filter, filter_of, language
from minutebook.filters.expression import Expression, terms
from minutebook.filters.language import BadQuery
from minutebook.filters.moments import Here
from minutebook.model import DAY
from minutebook.store import blocks, closer, columns, index, memory, search, survey, text, text_memory, view
from minutebook.store.bound import bounded
from minutebook.store.scope import Scope
from minutebook.store.view import View, view_of
from tests.fuzz.queries import queries
from tests.store.test_query import expressions, fill
from tests.support.deployment import START, Deployment
from tests.support.walk import FILLED

HERE = Here(now=START)
LIMIT = 5
SECONDS = 2.0
"""Of every bound here."""


class Clock:
    """Goes on by some seconds with every look at it, and sees what is done between two looks."""

    def __init__(self) -> None:
        self.begin(1, 1)

    def begin(self, bound: float, looks: int) -> None:
        """Nothing has been done, and `bound` seconds are over after so many looks."""
        self.now, self._bound, self._step = 0.0, bound, bound / looks
        self._chunks, self._statements = set[tuple[int, int]](), list[str]()
        self.most_chunks = self.most_statements = 0
        self.late = list[str]()

    def __call__(self) -> float:
        self.now += self._step
        self._chunks.clear()
        self._statements.clear()
        return self.now

    @property
    def is_over(self) -> bool:
        return self.now > self._bound + self._step

    def chunk(self, first: int, end: int) -> None:
        """A column between two numbers is looked at."""
        self._chunks.add((first, end))
        self.most_chunks = max(self.most_chunks, len(self._chunks))

    def statement(self, *sent: Any) -> None:
        """SQLAlchemy's `before_cursor_execute`."""
        if sent[2].startswith("SELECT"):
            self._statements.append(sent[2])
            self.most_statements = max(self.most_statements, len(self._statements))
            if self.is_over:
                self.late.append(sent[2])


@contextmanager
def watching(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clock is the one that bounds look at, and sees statements and chunks of columns."""
    column = View.column

    def noted(view: View, name: str, first: int, end: int) -> NDArray[Any]:
        clock.chunk(first, end)
        return column(view, name, first, end)

    monkeypatch.setattr(View, "column", noted)
    for asking in (search, survey):
        monkeypatch.setattr(asking, "bounded", lambda connection, seconds, *_: bounded(connection, seconds, clock))
    event.listen(Engine, "before_cursor_execute", clock.statement)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", clock.statement)


def understood(query: str) -> Expression | None:
    try:
        return language.read(query, HERE)
    except BadQuery:
        return None


def newest_first(connection: Connection, scope: Scope, asked: Filter) -> bool:
    search.place(connection, scope, asked, None, LIMIT)
    return True


def in_order(connection: Connection, scope: Scope, asked: Filter) -> bool:
    search.window_rows(connection, scope, asked, first=0, limit=LIMIT)
    return True


def by_strides(connection: Connection, scope: Scope, asked: Filter) -> bool:
    return search.stride(connection, scope, asked, bool, first=0, seconds=search.PAGE_SECONDS / 2) == scope.size


def counted(connection: Connection, scope: Scope, asked: Filter) -> bool:
    return survey.survey(connection, scope, asked, ("action", "actor"), [START, START + DAY]).total.is_exact


ASKING: tuple[Callable[[Connection, Scope, Filter], bool], ...] = (newest_first, in_order, by_strides, counted)
"""Ways to ask; they return whether all was looked at, and raise TooSlow."""


def test_every_loop_looks_at_the_clock_and_gives_up_in_time(
    filled: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 16)
    monkeypatch.setattr(view, "CHUNK", 2)
    monkeypatch.setattr(memory, "PART", 2)
    monkeypatch.setattr(text_memory, "MOST_TEXTS", 8)
    monkeypatch.setattr(text, "GROUP_BITS", 4)
    monkeypatch.setattr(text, "GROUP", 16)
    for looking in (text, closer, search, survey):
        monkeypatch.setattr(looking, "AT_ONCE", 4)
    monkeypatch.setattr(search, "AT_FIRST", 4)
    fill(filled, -filled.size(FILLED) % 16)
    for day in range(1, 10):  # each fills its blocks, so that the log can be cut between them
        fill(filled, 32, day, filled.clock.now + day * DAY)
    index.follow_all(filled.store)
    fill(filled, 14, 0, filled.clock.now + 10 * DAY)
    scope = Scope(FILLED, filled.size(FILLED), here=HERE)
    with filled.store.reading() as connection:  # what is read once and kept has no part in it
        for name in (*columns.TIMES, *columns.SHARED):
            view_of(connection, FILLED, scope.size).column(name, 0, scope.size)
    for asking, name in ((search, "PAGE_SECONDS"), (survey, "COUNT_SECONDS")):
        monkeypatch.setattr(asking, name, SECONDS)
    clock, ends = Clock(), set[tuple[object, bool]]()

    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.one_of(expressions(filled.events(FILLED)), queries().map(understood).filter(bool)),
        st.sampled_from(ASKING),
        st.sampled_from([1, 2, 5, 20, 1_000_000]),
    )
    def check(expression: Expression, ask: Callable[[Connection, Scope, Filter], bool], looks: int) -> None:
        clock.begin(SECONDS, looks)
        with filled.store.reading() as connection:
            try:
                is_whole = ask(connection, scope, filter_of(expression))
            except TooSlow as slow:
                is_whole = False
                assert slow.message.startswith("This search was given up after 2 seconds. Narrow it: give a start")
        ends.add((ask, is_whole))
        assert not (is_whole and clock.is_over)
        assert not clock.late, "the time was over, and still the database was asked"
        assert clock.most_chunks <= 2
        assert clock.most_statements <= 3 + 2 * sum(1 for _ in terms(expression))

    with watching(clock, monkeypatch):
        check()
    assert ends == {(ask, is_whole) for ask in ASKING for is_whole in (True, False)}
