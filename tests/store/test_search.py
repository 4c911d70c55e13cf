"""Finding events: pages that neither lose nor repeat one, and filters that mean what they say."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event

from minutebook.filters import (
    EVERYTHING,
    TERMS,
    Cursor,
    Filter,
    actor_match,
    matches,
    normal_text,
    parse,
    search_text,
    text_words,
)
from minutebook.filters.words import values
from minutebook.identifiers import ID
from minutebook.model import HOUR, Context, Event, Outcome, Role
from minutebook.organization.credits import BuyCredits
from minutebook.organization.modes import CreateMode
from minutebook.organization.people import User
from minutebook.organization.sign_in import RecordFailedSignIn
from minutebook.store import log, search, survey
from minutebook.store.scope import Scope
from minutebook.store.search import EventPage
from minutebook.store.where import CLAUSES, INEXACT
from tests.store.test_query import called
from tests.support.deployment import OPERATOR, START, Deployment
from tests.support.walk import FILLED, OTHER


def append(deployment: Deployment, organization: int, at: int, name: str, actor: User | None = None) -> Event:
    """An event of any time, as a clock that is set back would record it."""
    draft = log.Draft(
        "mode.delete",
        Outcome.SUCCESS,
        actor.actor() if actor else OPERATOR,
        (),
        Context(),
        {"v": 1, "mode": "mod_1", "name": name},
    )
    with deployment.store.acting() as connection:
        head = log.lock_head(connection, organization)
        return log.append(connection, head, draft, at=at, randomness=deployment.store.randomness)


def scope(deployment: Deployment, organization: int = FILLED) -> Scope:
    return Scope(organization, deployment.size(organization))


def open_page(deployment: Deployment, where: Scope, filter_: Filter, cursor: Cursor | None, limit: int) -> EventPage:
    with deployment.store.reading() as connection:
        return search.page(connection, where, filter_, cursor, limit)


def beyond(page: EventPage, where: Scope, direction: Any) -> Cursor:
    """The cursor in a page's link to the next one."""
    edge = page.events[-1] if direction == "older" else page.events[0]
    rank = page.rank + len(page.events) if direction == "older" else page.rank
    return Cursor("org_x", "", where.size, edge.occurred_at, edge.seq, rank, direction)


def in_order_of_people(events: list[Event]) -> list[int]:
    """The numbers of the events, newest first."""
    return [event.seq for event in sorted(events, key=lambda event: (event.occurred_at, event.seq), reverse=True)]


# ── Pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("limit", [1, 3, 4, 100])
def test_pages_lose_and_repeat_nothing_while_events_arrive(filled: Deployment, limit: int) -> None:
    """Many events share a microsecond, the clock goes back and forth, and after each page more are recorded."""
    chance = random.Random(limit)
    for _ in range(25):
        append(filled, FILLED, START + chance.choice([-HOUR, 0, 0, 0, 1]), "shared")
    where = scope(filled)
    expected = in_order_of_people(filled.events(FILLED))

    def arrive() -> None:
        append(filled, FILLED, START + chance.choice([-HOUR, 0, 2 * HOUR]), "late")

    page = open_page(filled, where, EVERYTHING, None, limit)
    pages = [page]
    while page.has_older:
        arrive()
        page = open_page(filled, where, EVERYTHING, beyond(page, where, "older"), limit)
        pages.append(page)
    assert [event.seq for page in pages for event in page.events] == expected
    assert [page.rank for page in pages] == list(itertools.accumulate([0, *(len(p.events) for p in pages[:-1])]))
    assert {page.total.number for page in pages} == {len(expected)}
    assert [page.has_newer for page in pages] == [False, *[True] * (len(pages) - 1)]

    back = [page]
    while page.has_newer:
        arrive()
        page = open_page(filled, where, EVERYTHING, beyond(page, where, "newer"), limit)
        back.insert(0, page)
    assert [event.seq for page in back for event in page.events] == expected
    assert back[0].rank == 0
    assert {page.total.number for page in back} == {len(expected)}


def test_a_page_of_nothing(filled: Deployment) -> None:
    page = open_page(filled, scope(filled), Filter(actor="nobody@nowhere.example"), None, 10)
    assert page == EventPage((), 0, survey.Count(0, is_exact=True), has_older=False, has_newer=False)


def test_what_is_recorded_later_is_not_in_a_search_that_was_opened(filled: Deployment) -> None:
    where = scope(filled)
    filled.act(None, FILLED, BuyCredits(1, "later"))
    page = open_page(filled, where, EVERYTHING, None, 1000)
    assert page.total.number == len(page.events) == where.size
    assert max(event.seq for event in page.events) == where.size - 1


# ── Organizations ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_search_leaves_its_organization(filled: Deployment) -> None:
    for number in range(5):
        append(filled, OTHER, START, f"theirs {number}")
        append(filled, FILLED, START, f"ours {number}")
    for organization, filter_ in itertools.product((FILLED, OTHER), FILTERS):
        where = scope(filled, organization)
        with filled.store.reading() as connection:
            found = search.page(connection, where, filter_, None, 1000)
            counts = survey.count_by(connection, where, filter_, "action")
            actors = survey.count_by_actor(connection, where, filter_, 1000)
        assert counts is not None
        assert actors is not None
        assert all(event.organization == organization for event in found.events)
        expected = filled.events(organization)
        assert counts.keys() <= {event.action for event in expected}
        assert actors.keys() <= {called(event) for event in expected}
        assert sum(counts.values()) <= len(expected)
    # a cursor is only a place: in another organization it finds that one's events
    theirs = open_page(filled, scope(filled, OTHER), EVERYTHING, None, 1)
    cursor = beyond(theirs, scope(filled, OTHER), "older")
    ours = open_page(filled, scope(filled), EVERYTHING, cursor, 1000)
    assert {event.organization for event in ours.events} == {FILLED}


# ── Filters ──────────────────────────────────────────────────────────────────────────────────────────────────────────

FILTERS = (
    EVERYTHING,
    Filter(actions=("mode.delete",)),
    Filter(actions=("mode.create", "user.login_failed")),
    Filter(actor="ada@calder.example"),
    Filter(actor="ada"),
    Filter(actor="a%a@calder.example"),
    Filter(actor="a_a@calder.example"),
    Filter(actor="*@calder.example"),
    Filter(actor="a*a*@*.example"),
    Filter(actor="*"),
    Filter(actor="_"),
    Filter(actor="%"),
    Filter(start=START + 5_000_000),
    Filter(end=START + 5_000_000),
    Filter(start=START + 5_000_000, end=START + 5_000_001),
    Filter(text="review"),
    Filter(text="REVIEW edit"),
    Filter(text='"review edit"'),
    Filter(text="naïve"),
    Filter(text="100%"),
    Filter(text="%"),
    Filter(text="_"),
    Filter(text="\\"),
    Filter(text="eu"),
    Filter(text="calder"),
    Filter(text="nothing-says-this"),
    Filter(actions=("mode.create",), actor="ada@calder.example", text="edit", start=START, end=START + HOUR),
)


@pytest.fixture
def varied(filled: Deployment) -> Deployment:
    """More to tell apart: addresses and texts that hold what SQL patterns give a meaning."""
    people = [filled.person(f"{local}@calder.example") for local in ("a%a", "a_a", "aXa", "a*a", "x%", "under_score")]
    for person in people:
        filled.join(FILLED, None, Role.ADMIN, person)
        filled.act(person, FILLED, RecordFailedSignIn("Wrong password", 1))
    texts = (
        "100% sure",
        "100 sure",
        "under_score",
        "back\\slash",
        "EU only",
        "Naive review: edit",
        "NAÏVE",
        "edit, review",
    )
    for text in texts:
        filled.act(people[2], FILLED, CreateMode(text, f"Of {text}", ("edit",)))
    return filled


def test_filters_find_what_a_recount_finds(varied: Deployment) -> None:
    events, where = varied.events(FILLED), scope(varied)
    with varied.store.reading() as connection:
        for filter_ in FILTERS:
            expected = [event for event in events if fits(filter_, event)]
            page = search.page(connection, where, filter_, None, 1000)
            assert [event.seq for event in page.events] == in_order_of_people(expected), filter_
            assert page.total == survey.count(connection, where, filter_) == (len(expected), True)
            others = replace(filter_, actions=())
            assert survey.count_by(connection, where, filter_, "action") == Counter(
                event.action for event in events if fits(others, event)
            )
            others = replace(filter_, actor=None)
            assert survey.count_by_actor(connection, where, filter_, 1000) == Counter(
                called(event) for event in events if fits(others, event)
            )


def fits(filter_: Filter, event: Event) -> bool:
    """The meaning of a filter, in Python, for the filters above."""
    searched = search_text(event)
    start, end = filter_.bounds
    return (
        (not filter_.actions or event.action in filter_.actions)
        and (filter_.actor is None or matches(actor_match(filter_.actor), event.actor.email))
        and (start is None or event.occurred_at >= start)
        and (end is None or event.occurred_at < end)
        and (filter_.text is None or all(word in searched for word in text_words(filter_.text)))
    )


def test_what_an_event_says_twice_is_looked_through_once(varied: Deployment) -> None:
    """All that it says is found, and an address that stands in the sentence and in the details is there once."""
    invited = 0
    for event in varied.events(FILLED):
        said = search_text(event)
        names = [event.actor.email or "", event.actor.name or "", *(target.name for target in event.targets)]
        texts = [
            value for _, value in values(dict(event.details)) if isinstance(value, str) and not ID.fullmatch(value)
        ]
        assert all(normal_text(text) in said for text in (*names, *texts)), event
        if event.action == "user.invite":
            assert said.count(normal_text(str(event.details["email"]))) == 1
            invited += 1
    assert invited


WORDS = {
    "100%": ["100% sure"],
    "r_s": ["under_score"],
    "k\\s": ["back\\slash"],
    "naïve": ["NAÏVE", "Naive review: edit"],
    '"edit review"': [],
    '"edit, review"': ["edit, review"],
    "EU of": ["EU only"],
    "%sure": [],
}
ADDRESSES = {
    "a%a@calder.example": {"a%a@calder.example"},
    "a_a@calder.example": {"a_a@calder.example"},
    "A%": {"a%a@calder.example"},
    "r_s": {"under_score@calder.example"},
    "a*a@calder.example": {f"{local}@calder.example" for local in ("a%a", "a_a", "axa", "a*a", "ada")},
}


def test_words_and_addresses_are_never_patterns_of_sql(varied: Deployment) -> None:
    where = scope(varied)
    for text, names in WORDS.items():
        found = open_page(varied, where, parse([("text", text), ("action", "mode.create")]), None, 100).events
        assert sorted(str(event.details["name"]) for event in found) == names, text
    for actor, addresses in ADDRESSES.items():
        found = open_page(varied, where, parse([("actor", actor), ("action", "user.login_failed")]), None, 100).events
        assert {event.actor.email for event in found} == addresses, actor


def test_the_busiest_actors_come_first(varied: Deployment) -> None:
    with varied.store.reading() as connection:
        counts = survey.count_by_actor(connection, scope(varied), EVERYTHING, 2)
        everyone = survey.count_by_actor(connection, scope(varied), EVERYTHING, 1000)
    assert counts is not None
    assert everyone is not None
    assert list(counts.values()) == sorted(everyone.values(), reverse=True)[: len(counts)]
    assert "" not in everyone


def test_every_term_has_its_clause() -> None:
    for term in TERMS:
        assert term in CLAUSES, (
            f"add the clause of {term} to CLAUSES in store/where.py, and to INEXACT if it may find more"
        )
    assert CLAUSES.keys() == TERMS.keys(), "take out of CLAUSES in store/where.py what is no term any more"
    assert CLAUSES.keys() >= INEXACT, "take out of INEXACT in store/where.py what is no term any more"


def test_a_total_that_was_given_up_is_at_least_what_is_seen(filled: Deployment) -> None:
    where = scope(filled)
    first = open_page(filled, where, EVERYTHING, None, 5)
    with filled.store.reading() as connection:
        given_up = survey.Count(3, is_exact=False)
        page = search.page(connection, where, EVERYTHING, beyond(first, where, "older"), 5, given_up)
        assert page.total == survey.Count(10, is_exact=False)
        exact = survey.Count(3, is_exact=True)
        assert search.page(connection, where, EVERYTHING, None, 5, exact).total == exact


@pytest.mark.parametrize(
    "filter_",
    [EVERYTHING, Filter(start=START, end=START + HOUR), Filter(actions=("mode.delete",)), Filter(actor="a@b.example")],
)
def test_pages_read_what_they_show(filled_sqlite: Deployment, filter_: Filter) -> None:
    """Once the columns are there, the rows of the page and one more, however long the log."""
    statements: list[tuple[str, Any]] = []
    where = scope(filled_sqlite)
    cursor = Cursor("o", "", where.size, START + 2 * HOUR, where.size - 1, 1, "older")
    with filled_sqlite.store.reading() as connection:
        search.page(connection, where, filter_, cursor, 10)
        sqlalchemy_event.listen(
            connection, "before_cursor_execute", lambda *sent: statements.append((sent[2], sent[3]))
        )
        search.page(connection, where, filter_, cursor, 10)
        plans = [
            " ".join(row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values))
            for text, values in list(statements)
            if "FROM log_index" not in text  # one row: whether what is in memory still holds
        ]
    assert len(plans) <= 1, statements
    assert all(plan.startswith("SEARCH event USING INTEGER PRIMARY KEY") for plan in plans)
    assert all(len(values) <= 64 for _, values in statements)
