"""What is out of a scope is not there: not on a page, not in a count, not as a neighbour, not by its number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from minutebook.errors import NotFound
from minutebook.filters import EVERYTHING, Filter, expression_of, filter_of
from minutebook.filters.expression import Expression, all_of, conjuncts, terms
from minutebook.filters.language import read
from minutebook.filters.moments import Here
from minutebook.model import HOUR, Event, Outcome
from minutebook.store import index, search, survey
from minutebook.store.scope import Scope
from minutebook.store.survey import Count, Sums
from tests.store.test_query import called, expressions, fill, means, stridden
from tests.support.deployment import Deployment
from tests.support.full import FULL
from tests.support.sent import Sent, statements
from tests.support.walk import FILLED, OTHER


def test_no_door_leads_out_of_a_scope(filled: Deployment) -> None:
    fill(filled)
    events = sorted(filled.events(FILLED), key=lambda event: (event.occurred_at, event.seq), reverse=True)
    narrowed = 0

    @settings(max_examples=400 if FULL else 40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(expressions(events), expressions(events))
    def check(within: Expression, asked: Expression) -> None:
        nonlocal narrowed
        there = [event for event in events if means(within, event)]
        narrowed += 0 < len(there) < len(events)
        scope, filter_ = Scope(FILLED, len(events), within), filter_of(asked)
        with filled.store.reading() as connection:
            found = [event for event in there if means(expression_of(filter_), event)]
            seqs = [event.seq for event in found]
            page = search.page(connection, scope, filter_, None, 1000)
            assert ([event.seq for event in page.events], page.total) == (seqs, Count(len(found), is_exact=True))
            assert [event.seq for event in search.window(connection, scope, filter_, first=0, limit=9)] == sorted(seqs)[
                :9
            ]
            assert stridden(connection, scope, filter_) == sorted(seqs)
            assert survey.count(connection, scope, EVERYTHING).number == len(there)
            check_counts(there, filter_, lambda name, *rest: getattr(survey, name)(connection, scope, *rest))
            ends = [event.occurred_at for event in there]
            assert search.span(connection, scope) == ((min(ends), max(ends)) if ends else None)
            for event in events[::7]:
                check_event(event, there, lambda name, *rest: getattr(search, name)(connection, scope, *rest))

    check()
    assert narrowed > 5, "the scopes tried were too wide or too narrow to show anything"


def check_counts(there: list[Event], filter_: Filter, ask: Callable[..., Any]) -> None:
    """What each facet leaves out is its own part of the filter, never the scope."""

    def tally(of: Filter, key: Callable[[Event], Any]) -> dict[Any, int]:
        return Counter(key(event) for event in there if means(expression_of(of), event))

    def without(key: str) -> Filter:
        parts = conjuncts(expression_of(filter_))
        return filter_of(all_of(part for part in parts if {term.key for term in terms(part)} != {key}))

    assert ask("count_by", filter_, "action") == tally(without("action"), lambda event: event.action)
    by_actor = tally(without("actor"), called)
    assert ask("count_by_actor", filter_, 1000) == by_actor
    assert ask("count_by", filter_, "outcome") == tally(without("outcome"), lambda event: event.outcome.value)
    assert ask("count_by", filter_, "client") == tally(without("client"), lambda event: event.context.client or "")
    hours = tally(filter_, lambda event: (event.occurred_at // HOUR, event.outcome is Outcome.SUCCESS))
    first, last = (of((event.occurred_at // HOUR for event in there), default=0) for of in (min, max))
    expected = [Sums(hours[hour, True], hours[hour, False]) for hour in range(first, last + 1)]
    edges = [hour * HOUR for hour in range(first, last + 2)]
    assert ask("survey", filter_, (), edges).in_time == expected


def check_event(event: Event, there: list[Event], ask: Callable[..., Any]) -> None:
    found = None
    with suppress(NotFound):
        found = ask("find", event.seq)
    assert (found is not None) == (event in there)
    newer, older = ask("neighbours", EVERYTHING, event.occurred_at, event.seq)
    place = (event.occurred_at, event.seq)
    after = [each.seq for each in there if (each.occurred_at, each.seq) > place]
    before = [each.seq for each in there if (each.occurred_at, each.seq) < place]
    assert (newer, older) == (after[-1] if after else None, before[0] if before else None)


def test_an_event_beyond_the_size_of_a_scope_is_not_there(filled_sqlite: Deployment) -> None:
    with filled_sqlite.store.reading() as connection:
        assert search.find(connection, Scope(FILLED, 2), 1).seq == 1
        for seq in (2, 10_000, -1, 1 << 41):
            with suppress(NotFound):
                raise AssertionError(search.find(connection, Scope(FILLED, 2), seq))


@pytest.mark.parametrize("word", ["opus", "absent", "%", "eu"])
def test_a_word_that_is_common_in_another_log_costs_nothing(filled: Deployment, word: str) -> None:
    """What is read for it is the same, row by row, however often others say it."""
    fill(filled, 20)
    filter_, scope = filter_of(read(word, Here())), Scope(FILLED, filled.size(FILLED))

    def read_for_it() -> list[Sent]:
        with filled.store.reading() as connection, statements() as sent:
            search.page(connection, scope, filter_, None, 10)
            survey.count_by(connection, scope, filter_, "action")
        return sent

    index.follow_all(filled.store)
    read_for_it()  # columns and marks are read once, and kept
    before = read_for_it()
    fill(filled, 150, log_=OTHER)
    index.follow_all(filled.store)
    assert before
    assert read_for_it() == before
