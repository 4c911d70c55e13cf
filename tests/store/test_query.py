"""What the store finds for a query is what a plain look at every event finds, page by page, there and back."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from ipaddress import ip_address, ip_network
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from minutebook.actions import CATALOGUE
from minutebook.errors import TooSlow
from minutebook.filters import EVERYTHING, Cursor, Filter, expression_of, filter_of, id_text, search_text
from minutebook.filters.expression import AllOf, AnyOf, Expression, Not, Term, all_of, any_of, conjuncts, none_of, terms
from minutebook.filters.language import read
from minutebook.filters.moments import Here
from minutebook.filters.term_values import ActorValue, parse_details
from minutebook.filters.terms import TERMS
from minutebook.model import HOUR, Actor, ActorKind, Context, Event, Json, Outcome, Target
from minutebook.store import (
    blocks,
    bound,
    columns,
    index,
    log,
    marks,
    memory,
    search,
    stripes,
    survey,
    text,
    view,
    where,
)
from minutebook.store.bound import bounded
from minutebook.store.log import event_of
from minutebook.store.scope import Scope
from minutebook.store.survey import Count, Patience, Sums, Survey
from tests.support.deployment import OPERATOR, START, Deployment
from tests.support.full import FULL
from tests.support.meanwhile import meanwhile
from tests.support.walk import FILLED

IPS = ("10.1.2.3", "10.1.3.4", "192.168.0.7", "2001:db8::1", "2001:db8:5::9", "::ffff:10.1.3.9", None)
NAMES = ("Opus 4", "opus 4.1", "100% Sure_thing", "EU", "naïve Ωmega", 'say "hi"', "a*b")

FACETS: dict[str, Callable[[Event], str]] = {
    "action": lambda event: event.action,
    "outcome": lambda event: event.outcome.value,
    "client": lambda event: event.context.client or "",
}
"""What a facet counts, by its column."""


def stridden(connection: Connection, scope: Scope, filter_: Filter, enough: int = 3) -> list[int]:
    """The numbers of all that is found in the order of the log, by strides that end as soon as they can."""
    found: list[int] = []
    first = 0
    while first < scope.size:
        before, taken = len(found), itertools.count(1)

        def take(row: Any, taken: Iterator[int] = taken) -> bool:
            found.append(event_of(row).seq)
            return next(taken) < enough

        next_ = search.stride(connection, scope, filter_, take, first=first, seconds=0)
        assert first < next_ <= scope.size
        assert len(found) - before <= enough
        assert all(first <= seq < next_ for seq in found[before:])
        first = next_
    return found


Kind = tuple[str, dict[str, Json], Target | None]


def fill(deployment: Deployment, number: int = 120, seed: int = 5, around: int = START, log_: int = FILLED) -> None:
    """Events that differ in everything that can be asked for; many share a microsecond, `around` that time."""
    chance = random.Random(seed)
    people = [
        Actor(ActorKind.USER, f"usr_{name}", f"{name}@calder.example", name.title()) for name in ("ada", "ben", "a_b")
    ]
    drafts = []
    for _ in range(number):
        name = chance.choice(NAMES)
        action, details, target = chance.choice(kinds(name, chance.randrange(1, 4)))
        outcome = Outcome.FAILURE if action == "user.login_failed" else chance.choice([Outcome.SUCCESS, Outcome.DENIED])
        drafts.append(
            log.Draft(
                action,
                outcome,
                chance.choice([*people, OPERATOR]),
                (target,) if target else (),
                Context(
                    ip=chance.choice(IPS),
                    client=chance.choice(["web", "api", None]),
                    request_id=chance.choice(["req_1", "req_12", None]),
                    session_id=chance.choice(["ses_aa", None]),
                ),
                {"v": 1, **details},
            )
        )
    for draft in drafts:
        at = around + chance.choice([-HOUR, 0, 0, 0, 1, HOUR])
        with deployment.store.acting() as connection:
            head = log.lock_head(connection, log_)
            log.append(connection, head, draft, at=at, randomness=deployment.store.randomness)


def kinds(name: str, attempt: int) -> list[Kind]:
    """An event of each kind that says the name."""
    models: dict[str, Json] = {"added": [name], "removed": [], "before": 1, "after": 2}
    default: dict[str, Json] = {"before": "x/y", "after": name}
    changed: dict[str, Json] = {"section": "Models & Providers", "models": models, "default_model": default}
    return [
        ("mode.delete", {"mode": "mod_1", "name": name}, Target("mode", "mod_1", name)),
        ("user.login_failed", {"reason": name, "attempt": attempt}, None),
        ("user.login", {"method": name}, None),
        ("settings.change", changed, Target("settings", "models-providers", "Models & Providers")),
    ]


def means(expression: Expression, event: Event) -> bool:
    """The meaning of an expression, said once more and plainly."""
    match expression:
        case Not(of):
            return not means(of, event)
        case AllOf(parts):
            return all(means(part, event) for part in parts)
        case AnyOf(parts):
            return any(means(part, event) for part in parts)
        case Term(key, value):
            return bool(PLAINLY[key](value, event))
    raise AssertionError


def like(pattern: str, text: str) -> bool:
    """A pattern with stars, by trying every way."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(like(pattern[1:], text[start:]) for start in range(len(text) + 1))
    return bool(text) and text[0] == pattern[0] and like(pattern[1:], text[1:])


def folded(text: str) -> str:
    return " ".join(text.lower().replace("ï", "i").split())


def singles(value: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        return [single for name, inner in value.items() for single in singles(inner, (*path, name))]
    if isinstance(value, list):
        return [single for inner in value for single in singles(inner, path)]
    return [] if value is None else [(path, str(value))]


def by_actor(value: ActorValue, event: Event) -> bool:
    email = event.actor.email
    if value.by == "kind":
        return event.actor.kind.value == value.text
    if value.by == "id":
        return event.actor.id == value.text
    if email is None:
        return False
    if "*" in value.text:
        return like(value.text, email)
    return email == value.text if value.text.endswith(".example") and value.text[0] != "@" else value.text in email


def called(event: Event) -> str:
    """What `actor:` finds who did it by."""
    return event.actor.email or (event.actor.kind if event.actor.kind is ActorKind.SYSTEM else event.actor.id)


def at_target(pattern: str, event: Event) -> bool:
    texts = [(folded(target.name), target.id) for target in event.targets]
    if "*" in pattern:
        return any(like(pattern, name) or like(pattern, id_) for name, id_ in texts)
    return any(pattern in name or pattern == id_ for name, id_ in texts)


def in_text(word: str, event: Event) -> bool:
    is_id = (word[0].isdigit() and "." in word) or word[3:4] == "_"
    return folded(word) in search_text(event) or (is_id and folded(word) in id_text(event))


PLAINLY: dict[str, Any] = {
    "action": lambda pattern, event: like(pattern, event.action),
    "actor": by_actor,
    "target": at_target,
    "target_id": lambda pattern, event: any(like(pattern, folded(target.id)) for target in event.targets),
    "request": lambda pattern, event: bool(id_ := event.context.request_id) and like(pattern, id_),
    "session": lambda pattern, event: bool(id_ := event.context.session_id) and like(pattern, id_),
    "ip": lambda text, event: (
        event.context.ip is not None and ip_address(event.context.ip.removeprefix("::ffff:")) in ip_network(text)
    ),
    "outcome": lambda outcome, event: event.outcome.value == outcome,
    "severity": lambda severity, event: CATALOGUE[event.action].severity.name == severity.upper(),
    "client": lambda client, event: event.context.client == client,
    "after": lambda at, event: event.occurred_at >= at,
    "before": lambda at, event: event.occurred_at < at,
    "seq": lambda range_, event: (range_.first or 0) <= event.seq and (range_.last is None or event.seq <= range_.last),
    "id": lambda id_, event: event.id == id_,
    "details": lambda of, event: any(
        path[len(path) - len(of.path) :] == of.path and like(of.pattern, folded(value))
        for path, value in singles(dict(event.details))
    ),
    "text": in_text,
}


def asked(events: list[Event]) -> dict[str, list[Term]]:
    """What is asked about these events, by term."""
    written: dict[str, tuple[str, ...]] = {
        "action": ("user.login", "mode.delete", "user.*", "*.change", "*"),
        "actor": ("ada@calder.example", "a_", "ben", "*a*@*", "system", "user", "usr_ben", "nobody@x.example"),
        "target": ("mod_1", "opus*", "sure_", "%", "models-providers", "Models &", "*d*s"),
        "target_id": ("mod_1", "opus 4", "models-providers", "mod*", "*", "mo"),
        "request": ("req_1", "req_12", "*12", "*", "req"),
        "session": ("ses_aa", "ses_*", "ses_b"),
        "severity": ("low", "medium", "high", "critical"),
        "ip": ("10.1.2.3", "10.0.0.0/8", "10.1.2.0/23", "0.0.0.0/0", "2001:db8::/32", "2001:db8::/47", "::/0"),
        "outcome": ("failure", "denied", "success"),
        "client": ("web", "api"),
        "seq": ("20..60", "..30", "90..", "33"),
        "text": ("opus", "OPUS 4", "100%", "_", "%", "naive", "eu", '"', "10.1", "calder", "ses_a", "req_1", "absent"),
    }
    details = [
        *[
            ("name", "opus 4"),
            ("models.added", "*OPUS*"),
            ("added", "eu"),
            ("default_model.after", "*"),
            ("after", "2"),
        ],
        *[("attempt", "2"), ("nothing", "*"), ("name", '*"*'), ("name", "a*b"), ("section", "models & providers")],
    ]
    return {
        **{key: [Term(key, TERMS[key].parse(text, Here())) for text in texts] for key, texts in written.items()},
        "after": [Term("after", at) for at in (START - HOUR, START, START + 1)],
        "before": [Term("before", at) for at in (START, START + 1, START + HOUR)],
        "id": [Term("id", event.id) for event in events],
        "details": [Term("details", parse_details(*pair)) for pair in details],
    }


def expressions(events: list[Event]) -> st.SearchStrategy[Expression]:
    """Queries about these events, of every term, joined in every way."""
    term: st.SearchStrategy[Expression] = st.one_of([st.sampled_from(terms_) for terms_ in asked(events).values()])
    return st.recursive(
        term,
        lambda inner: st.one_of(
            inner.map(none_of),
            st.lists(inner, min_size=2, max_size=3).map(all_of),
            st.lists(inner, min_size=2, max_size=3).map(any_of),
        ),
        max_leaves=6,
    )


def test_every_term_is_said_once_more() -> None:
    for term in TERMS:
        assert term in PLAINLY, f"say what {term} means in PLAINLY, and ask for it in asked()"


@pytest.mark.timeout(1800 if FULL else 300)
@pytest.mark.parametrize("followed", [False, True])
def test_a_query_finds_what_a_plain_look_finds_on_every_page(
    filled: Deployment, followed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind what the index knows and before it, over many chunks, some of which overlap in time; what is rare is
    looked up by its places, what is not in chunks."""
    monkeypatch.setattr(blocks, "BLOCK", 32)
    monkeypatch.setattr(stripes, "SIZE", 8)
    monkeypatch.setattr(memory, "PART", 1)
    monkeypatch.setattr(memory, "RARE", 6)
    monkeypatch.setattr(view, "FEW", 1)
    monkeypatch.setattr(blocks, "PACKS", (2, 4))
    monkeypatch.setattr(marks, "PACK", 2)
    monkeypatch.setattr(view, "CHUNK", 4)
    monkeypatch.setattr(text, "GROUP_BITS", 4)
    monkeypatch.setattr(text, "GROUP", 16)
    if followed:
        fill(filled, 90)
        index.follow_all(filled.store)
    fill(filled, 30 if followed else 120)
    events = sorted(filled.events(FILLED), key=lambda event: (event.occurred_at, event.seq), reverse=True)
    scope = Scope(FILLED, len(events))
    telling: set[str] = set()

    def check(expression: Expression, size: int) -> None:
        filter_ = filter_of(expression)
        wanted = wanted_of_all = [event.seq for event in events if means(expression, event)]
        if 0 < len(wanted) < len(events):
            telling.update([type(expression).__name__, *(term.key for term in terms(expression))])
        with filled.store.reading() as connection:
            forth: list[list[int]] = []
            cursor: Cursor | None = None
            rank = 0
            while True:
                page = search.page(connection, scope, filter_, cursor, size)
                assert page.total == Count(len(wanted), is_exact=True)
                assert page.rank == rank
                forth.append([event.seq for event in page.events])
                if not page.has_older:
                    break
                last = page.events[-1]
                rank += len(page.events)
                cursor = Cursor("org", "", scope.size, last.occurred_at, last.seq, rank, "older")
                if len(forth) > 15:  # enough of single pages
                    wanted = wanted[:rank]
                    break
            assert [seq for page_ in forth for seq in page_] == wanted
            if rank and page.events:
                first = page.events[0]
                back = search.page(
                    connection,
                    scope,
                    filter_,
                    Cursor("org", "", scope.size, first.occurred_at, first.seq, page.rank, "newer"),
                    size,
                )
                assert [event.seq for event in back.events] == forth[-2]
            by_number = sorted(wanted_of_all)
            middle = len(events) // 2
            window = search.window(connection, scope, filter_, first=middle, limit=size)
            assert [event.seq for event in window] == [seq for seq in by_number if seq >= middle][:size]
            assert stridden(connection, scope, filter_) == by_number
            for column, value_of in FACETS.items():
                others = all_of(
                    part for part in conjuncts(expression) if {term.key for term in terms(part)} != {column}
                )
                beside = Counter(value_of(event) for event in events if means(others, event))
                assert survey.count_by(connection, scope, filter_, column) == beside
            edges = [START - 9 * HOUR, START - HOUR, START, START + HOUR, START + 9 * HOUR]
            sums = survey.survey(connection, scope, filter_, edges=edges).in_time
            assert sum(map(sum, sums)) == len(wanted_of_all)
            assert [one.succeeded for one in sums] == counted(events, wanted_of_all, edges)

    sizes = (1, 3, 10, 1000)
    terms_of = asked(events)
    assert terms_of.keys() == TERMS.keys()
    for key, terms_ in terms_of.items():
        for one, size in zip(terms_[:20], itertools.cycle(sizes), strict=False):
            check(one, size)
        assert key in telling, f"asked() asks for no {key} that finds some of the events that fill() makes, but not all"
    some, others = terms_of["outcome"][-1], terms_of["client"][0]
    for joined in (none_of(some), all_of([some, others]), any_of([some, others])):
        check(joined, 3)
    assert {"Not", "AllOf", "AnyOf"} <= telling
    settings(max_examples=1000 if FULL else 30, deadline=None, suppress_health_check=list(HealthCheck))(
        given(expressions(events), st.sampled_from(sizes))(check)
    )()


def writing(deployment: Deployment, most: int) -> AbstractContextManager[None]:
    """Meanwhile events are added in another thread, at most so many, and followed now and then."""
    seeds = iter(range(most))

    def write() -> None:
        for seed in itertools.islice(seeds, 1):
            fill(deployment, 1, seed)
            if seed % 20 == 19:
                index.follow_all(deployment.store)

    return meanwhile(write, 0.01)


def test_a_search_stays_what_it_was_on_its_first_page_while_events_are_added(
    filled: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There and back over all pages, each in a transaction of its own, for any query and size of page."""
    monkeypatch.setattr(blocks, "BLOCK", 16)
    monkeypatch.setattr(stripes, "SIZE", 4)
    monkeypatch.setattr(memory, "PART", 2)
    monkeypatch.setattr(memory, "RARE", 2)
    monkeypatch.setattr(view, "CHUNK", 4)
    fill(filled, 60)
    grown: list[int] = []

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(expressions(filled.events(FILLED)), st.sampled_from([2, 7, 50]))
    def check(expression: Expression, size: int) -> None:
        events = sorted(filled.events(FILLED), key=lambda event: (event.occurred_at, event.seq), reverse=True)
        scope, filter_ = Scope(FILLED, len(events)), filter_of(expression)
        wanted = [event.seq for event in events if means(expression_of(filter_), event)]
        forth: list[list[Event]] = []
        cursor: Cursor | None = None
        has_older = True
        while has_older:
            with filled.store.reading() as connection:
                page = search.page(connection, scope, filter_, cursor, size)
            has_older = page.has_older
            assert (page.total, page.rank) == (Count(len(wanted), is_exact=True), sum(map(len, forth)))
            forth.append(list(page.events))
            if page.events:
                last = page.events[-1]
                cursor = Cursor("", "", scope.size, last.occurred_at, last.seq, sum(map(len, forth)), "older")
        assert [event.seq for events in forth for event in events] == wanted
        for number in range(len(forth) - 1, 0, -1):
            first, rank = forth[number][0], sum(map(len, forth[:number]))
            cursor = Cursor("", "", scope.size, first.occurred_at, first.seq, rank, "newer")
            with filled.store.reading() as connection:
                page = search.page(connection, scope, filter_, cursor, size)
            assert list(page.events) == forth[number - 1]
        grown.append(filled.size(FILLED) - scope.size)

    with writing(filled, 400):
        check()
    assert sum(grown) > 50, "hardly anything was added while pages were read"


def counted(events: list[Event], found: list[int], edges: list[int]) -> list[int]:
    """How many of those found succeeded between each two edges."""
    numbers = set(found)
    times = [event.occurred_at for event in events if event.seq in numbers and event.outcome is Outcome.SUCCESS]
    return [sum(start <= at < end for at in times) for start, end in pairwise(edges)]


def test_a_search_that_takes_too_long_is_given_up(filled: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(filled, 30)
    scope = Scope(FILLED, filled.size(FILLED))
    slow = filter_of(read("details.remark:*", Here()))
    with filled.store.reading() as connection:
        assert search.page(connection, scope, slow, None, 10).events == ()
    monkeypatch.setattr(search, "PAGE_SECONDS", 0.0)
    with filled.store.reading() as connection, pytest.raises(TooSlow, match=r"given up after 0 seconds\. Narrow it"):
        search.page(connection, scope, slow, None, 10)
    monkeypatch.setattr(survey, "COUNT_SECONDS", 0.0)
    with filled.store.reading() as connection:
        assert survey.count(connection, scope, slow).is_exact, "it was counted for the page"
        assert not survey.count(connection, scope, filter_of(read("details.plan:*", Here()))).is_exact
        assert survey.count(connection, scope, EVERYTHING).is_exact


def test_a_list_of_many_values_is_one_test_of_a_column_within_the_bound(
    filled_sqlite: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(filled_sqlite, 30)
    scope, met = Scope(FILLED, filled_sqlite.size(FILLED)), list[str]()
    list_, longer = (read(f"ip:{','.join(f'fd00::{host:x}' for host in range(most))}", Here()) for most in (200, 201))

    def never(address: str) -> bool:
        met.append(address)
        return False

    monkeypatch.setitem(where.TESTS, "ip", lambda _: never)
    with filled_sqlite.store.reading() as connection:
        for _page in range(2):
            assert search.page(connection, scope, filter_of(list_), None, 10).events == ()
    assert met
    assert len(met) == len(set(met))
    number = len(met)
    met.clear()
    with monkeypatch.context() as patch:
        patch.setattr(columns, "TESTS_AT_ONCE", 2)
        patch.setattr(search, "PAGE_SECONDS", 0.0)
        for tested in (2, 4):
            with filled_sqlite.store.reading() as connection, pytest.raises(TooSlow):
                search.page(connection, scope, filter_of(longer), None, 10)
            assert len(met) == tested, "what was tested is kept"
    with filled_sqlite.store.reading() as connection:
        assert search.page(connection, scope, filter_of(longer), None, 10).events == ()
    assert len(met) == len(set(met)) == number


def test_counts_that_take_too_long_say_at_least(filled_sqlite: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    scope = Scope(FILLED, filled_sqlite.size(FILLED))
    monkeypatch.setattr(blocks, "BLOCK", 16)
    monkeypatch.setattr(stripes, "SIZE", 4)
    monkeypatch.setattr(memory, "PART", 1)
    monkeypatch.setattr(survey, "COUNT_SECONDS", 0.0)
    newest = filled_sqlite.events(FILLED)[scope.size // 16 * 16 :]
    with filled_sqlite.store.reading() as connection:
        page = search.page(connection, scope, EVERYTHING, None, 3)
        assert (len(page.events), page.total, page.has_older) == (3, Count(scope.size, is_exact=True), True)
        found = survey.survey(connection, scope, EVERYTHING, ("action",), [0, 1 << 60])
    assert newest, "the newest events are not a whole chunk"
    done = sum(event.outcome is Outcome.SUCCESS for event in newest)
    assert found == Survey(
        Count(len(newest), is_exact=False),
        {"action": dict(Counter(event.action for event in newest))},
        [Sums(done, len(newest) - done)],
    )


def test_times_that_contradict_each_other_find_nothing(filled: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 4)
    monkeypatch.setattr(stripes, "SIZE", 2)
    times = sorted(event.occurred_at for event in filled.events(FILLED))
    early, late = times[len(times) // 4], times[-len(times) // 4]
    size = filled.size(FILLED)
    filter_ = Filter(end=early)
    scope = Scope(FILLED, size, Term("after", late))  # as that of an auditor
    with filled.store.reading() as connection:
        page = search.page(connection, scope, filter_, None, 3)
        assert (page.events, page.total) == ((), Count(0, is_exact=True))
        assert survey.survey(connection, scope, filter_, ("action",), [0, 1 << 60]).in_time == [Sums(0, 0)]


@pytest.mark.parametrize("asked", ["details.models.added:*", "-details.remark:*"])
def test_what_was_counted_until_the_time_was_over_agrees(
    filled: Deployment, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    """The newest events are counted first, and each in all counts or in none."""
    fill(filled, 60)
    scope, filter_ = Scope(FILLED, filled.size(FILLED)), filter_of(read(asked, Here()))
    looked = [0]

    def is_over(_: object) -> bool:
        looked[0] += 1
        return looked[0] > 3

    monkeypatch.setattr(survey, "AT_ONCE", 4)
    monkeypatch.setattr(bound.Deadline, "is_over", property(is_over))
    with filled.store.reading() as connection:
        found = survey.survey(connection, scope, filter_, ("action", "actor"), [0, 1 << 60])
    wanted = [event for event in filled.events(FILLED) if means(expression_of(filter_), event)]
    assert 0 < found.total.number < len(wanted)
    assert not found.total.is_exact
    newest = wanted[-found.total.number :]
    assert found.by["action"] == Counter(event.action for event in newest)
    assert sum(found.by["actor"].values()) == sum(found.in_time[0]) == found.total.number


@pytest.mark.parametrize(("pace", "is_whole"), [(0.0, True), (0.05, True), (0.3, False)])
def test_who_needs_all_counts_does_not_wait_when_they_will_not_be_done(
    filled_sqlite: Deployment, monkeypatch: pytest.MonkeyPatch, pace: float, is_whole: bool
) -> None:
    """Of ten chunks each takes so many seconds of the processor, and there is one second for all."""
    monkeypatch.setattr(blocks, "BLOCK", 16)
    monkeypatch.setattr(stripes, "SIZE", 4)
    monkeypatch.setattr(memory, "PART", 1)
    fill(filled_sqlite, 160 - filled_sqlite.size(FILLED) % 160)
    scope = Scope(FILLED, filled_sqlite.size(FILLED))
    for all_or_nothing, name in ((False, "remark"), (True, "plan")):
        now = itertools.count()
        monkeypatch.setattr("time.thread_time", lambda: pace * next(now))  # noqa: B023 - of this turn
        patience = Patience(1.0, lambda: 0.0, all_or_nothing=all_or_nothing)
        asked = filter_of(read(f"-details.{name}:*", Here()))
        with filled_sqlite.store.reading() as connection:
            total = survey.survey(connection, scope, asked, patience=patience).total
        assert total.is_exact is (is_whole or not all_or_nothing)
        assert total.is_exact or next(now) == 2, "the first chunk tells it"


def test_the_database_itself_is_stopped(filled: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement that would run for minutes; the connection serves the next search as if nothing had been."""
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000) SELECT count(*) FROM n"
    )
    with filled.store.reading() as connection:
        with pytest.raises(TooSlow, match=r"after 0\.2 seconds"), bounded(connection, 0.2):
            connection.exec_driver_sql(endless)
        # The transaction goes on where it was, without the bound.
        if not filled.store.is_sqlite:
            assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "0"
            with bounded(connection, 0.2):
                assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "200ms"
            assert connection.exec_driver_sql("SHOW statement_timeout").scalar_one() == "0"
        assert survey.count(connection, Scope(FILLED, filled.size(FILLED)), EVERYTHING).number > 0
    with filled.store.reading() as connection:
        assert survey.count(connection, Scope(FILLED, filled.size(FILLED)), EVERYTHING).number > 0
