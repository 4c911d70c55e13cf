"""Audit Logs finds exactly what a plain look at every event finds, page for page, in every zone."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from random import Random

import pytest
from httpx2 import Response
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from minutebook.actions import describe, read_details
from minutebook.actions.parts import plain
from minutebook.filters import EVERYTHING, Cursor, Direction, Filter, in_order, search_of, wall_fields, zone_named
from minutebook.model import DAY, HOUR, MINUTE, SECOND, Event, Role, to_micros
from minutebook.organization import credits, invitations, modes
from minutebook.organization.people import User
from minutebook.organization.sign_in import RecordFailedSignIn
from minutebook.store import log, search, survey
from minutebook.store.scope import Scope
from minutebook.web.log_page import PAGE_SIZE
from tests.store.test_query import called
from tests.support.dashboard import Dashboard
from tests.support.deployment import START, Deployment
from tests.support.reader import Reader, found, link, rows, text

WORDS = ("opus", "Opus 4", "haiku", "100 %", "under_score", "Zażółć", 'a "quoted phrase" here', "back\\slash", "*")
PEOPLE = ("ada@calder.example", "adam@calder.example", "a_a@calder.example", "axa@calder.example", "%@other.example")


@dataclass
class Filled:
    """A log of some 300 events, many of which share their microsecond, and who acted in it."""

    deployment: Deployment
    organization: int
    people: list[User]
    random: Random

    def act(self) -> None:
        """One more event of some kind, by somebody."""
        who, word, unique = self.random.choice(self.people), self.random.choice(WORDS), self.random.randrange(10**9)
        commands = (
            RecordFailedSignIn(f"Wrong password {word}", unique % 7),
            credits.BuyCredits(100 + unique % 900, f"inv-{unique}"),
            invitations.InvitePerson(f"guest{unique}@{who.email.partition('@')[2]}", Role.MEMBER, str(unique)),
        )
        self.deployment.act(who, self.organization, self.random.choice(commands))

    def events(self) -> list[Event]:
        """All, newest first."""
        return sorted(
            self.deployment.events(self.organization), key=lambda event: (event.occurred_at, event.seq), reverse=True
        )


@pytest.fixture
def filled(deployment: Deployment) -> Filled:
    owner = deployment.person("ada@calder.example", "Ada Okafor")
    organization = deployment.found(owner, seat_limit=1_000)
    people = [owner, *(deployment.person(email, email.partition("@")[0].title()) for email in PEOPLE[1:])]
    for person in people[1:]:
        deployment.join(organization, owner, Role.OWNER, person)
    made = Filled(deployment, organization, people, Random(7))
    deployment.clock.step = 0
    for _ in range(290):
        # Often not at all, mostly a little, sometimes back: the server's clock was set.
        deployment.clock.now += made.random.choice([0, 0, 0, 1, SECOND, 7 * MINUTE, 5 * HOUR, -20 * MINUTE])
        made.act()
    return made


def is_meant(event: Event, filter_: Filter) -> bool:
    """The filter in plain Python, over the event itself."""
    start, end = filter_.bounds
    return (
        (not filter_.actions or event.action in filter_.actions)
        and (filter_.actor is None or is_by(event.actor.email or "", filter_.actor))
        and (start is None or event.occurred_at >= start)
        and (end is None or event.occurred_at < end)
        and (filter_.text is None or all(fold(word) in told(event) for word in words(filter_.text)))
    )


TOLD: dict[str, str] = {}


def told(event: Event) -> str:
    """All that an event says, in one line; worked out once for each."""
    if event.id not in TOLD:
        said = plain(describe(read_details(event.action, event.details)))
        names = [event.actor.email or "", event.actor.name or "", *(target.name for target in event.targets)]
        texts = [text for text in strings(dict(event.details)) if len(text) != 16 or text[3] != "_"]  # ids are no words
        TOLD[event.id] = fold(" ".join([said, *names, *texts]))
    return TOLD[event.id]


def strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for name in value for text in strings(value[name])]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


def is_by(email: str, typed: str) -> bool:
    if not email:
        return False
    typed = typed.lower()
    if "*" in typed:
        return fnmatchcase(email, typed.replace("[", "[[]").replace("?", "[?]"))
    return email == typed if typed in {*PEOPLE, "nobody@calder.example"} else typed in email


def words(typed: str) -> list[str]:
    """Words, and phrases in quotation marks."""
    pieces = typed.split('"')
    return [word for number, piece in enumerate(pieces) for word in ([piece] if number % 2 else piece.split())]


def fold(shown: str) -> str:
    return " ".join(shown.lower().translate(str.maketrans("żółć", "zolc")).split())


def filters_over(events: list[Event]) -> st.SearchStrategy[Filter]:
    """Filters about these events: addresses, bounds and words that are in them, or nearly."""
    times = st.sampled_from([event.occurred_at for event in events])
    bounds = st.none() | st.tuples(times, st.sampled_from([-1, 0, 1])).map(sum)
    actors = [*PEOPLE, "nobody@calder.example", "ADA@Calder.Example", "ada", "@calder", "a_a", "%", "*a@*", "a*a@*e"]
    texts = ["opus", "OPUS", "opus 4", '"opus 4"', "%", "_", "zazolc", '"quoted phrase"', "absent", "wrong ada", "\\"]
    return st.builds(
        Filter,
        st.lists(st.sampled_from([*{event.action for event in events}, "mode.delete"]), max_size=3).map(in_order),
        st.none() | st.sampled_from(actors),
        bounds,
        bounds,
        st.none() | st.sampled_from(texts),
    )


def pages(
    connection: Connection, scope: Scope, filter_: Filter, size: int, cursor: Cursor | None, direction: Direction
) -> Iterator[list[Event]]:
    """The pages in one direction, each found from the edge of the one before."""
    while True:
        page = search.page(connection, scope, filter_, cursor, size)
        yield list(page.events)
        if not (page.has_older if direction == "older" else page.has_newer):
            return
        edge = page.events[-1 if direction == "older" else 0]
        rank = page.rank + (len(page.events) if direction == "older" else 0)
        which = ("org", search_of(filter_), scope.size)
        cursor = Cursor(*which, edge.occurred_at, edge.seq, rank, direction)


def test_every_filter_finds_what_a_plain_look_finds(filled: Filled) -> None:
    events = filled.events()
    assert len({event.occurred_at for event in events}) < len(events) - 50
    hits: set[str] = set()

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(filters_over(events), st.integers(1, 9))
    def check(filter_: Filter, parts: int) -> None:
        wanted = [event.seq for event in events if is_meant(event, filter_)]
        size = len(wanted) // parts + 1
        scope = Scope(filled.organization, len(events))
        with filled.deployment.store.reading() as connection:
            forth = list(pages(connection, scope, filter_, size, None, "older"))
            assert [event.seq for page in forth for event in page] == wanted
            assert survey.count(connection, scope, filter_) == (len(wanted), True)
            by_action = survey.count_by(connection, scope, filter_, "action")
            by_actor = survey.count_by_actor(connection, scope, filter_, 100)
            if forth[-1]:
                edge = forth[-1][0]
                rank = size * (len(forth) - 1)
                cursor = Cursor("org", search_of(filter_), scope.size, edge.occurred_at, edge.seq, rank, "newer")
                back = list(pages(connection, scope, filter_, size, cursor, "newer")) if rank else []
                assert back == forth[-2::-1]
        if wanted:
            hits.update(key for key in Filter.__slots__ if getattr(filter_, key))
        without = {"actions": replace(filter_, actions=()), "actor": replace(filter_, actor=None)}
        of_actions = [event.action for event in events if is_meant(event, without["actions"])]
        assert by_action == {name: of_actions.count(name) for name in of_actions}
        of_actors = [called(event) for event in events if is_meant(event, without["actor"])]
        assert by_actor == {name: of_actors.count(name) for name in of_actors}

    check()
    assert hits == set(Filter.__slots__) - {"more"}, "the filters tried were too narrow to show anything"


def test_nothing_is_lost_or_repeated_while_events_arrive(filled: Filled) -> None:
    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.sampled_from([EVERYTHING, Filter(actor="calder"), Filter(actions=("user.login_failed",))]),
        st.integers(1, 40),
        st.lists(st.sampled_from([0, -DAY, SECOND]), min_size=1, max_size=6),
    )
    def check(filter_: Filter, size: int, steps: list[int]) -> None:
        with filled.deployment.store.reading() as connection:
            scope = Scope(filled.organization, log.read_head(connection, filled.organization).size)
        wanted = [event.seq for event in filled.events() if is_meant(event, filter_)]
        seen: list[int] = []
        cursor: Cursor | None = None
        arriving = iter(steps)
        while True:
            with filled.deployment.store.reading() as connection:  # a new snapshot, as each request has
                page = search.page(connection, scope, filter_, cursor, size)
            seen += [event.seq for event in page.events]
            if not page.has_older:
                break
            last = page.events[-1]
            cursor = Cursor("org", "", scope.size, last.occurred_at, last.seq, page.rank + len(page.events), "older")
            if (step := next(arriving, None)) is not None:
                filled.deployment.clock.now += step  # also older than what is being read
                filled.act()
        assert seen == wanted

    check()


def test_pages_forth_and_back_by_their_links_while_events_arrive(filled: Filled) -> None:
    reader = reader_of(filled.deployment, filled.people[0], filled.organization)
    page = reader.read(("actor", "calder"))
    expected = [event.seq for event in filled.events() if is_meant(event, Filter(actor="calder"))]
    assert len(expected) > 3 * PAGE_SIZE
    assert found(page) == f"{len(expected)} events of {filled.deployment.size(filled.organization)}"
    walked = [page]
    while href := link(walked[-1], "Older"):
        filled.act()
        walked.append(reader.open(href))
    assert [seq for page in walked for seq in rows(page)] == expected
    assert {found(page) for page in walked} == {found(page)}
    last = len(walked) - 1
    assert f"{last * PAGE_SIZE + 1:,}–{len(expected):,} of {len(expected):,}, newest first" in text(walked[-1].text)
    back = [walked[-1]]
    while href := link(back[-1], "Newer"):
        filled.act()
        back.append(reader.open(href))
    assert [rows(page) for page in back] == [rows(page) for page in reversed(walked)]
    assert text(back[-1].text).count("1–50 of") == 1


def test_a_page_that_was_opened_before_says_how_many_of_what_is_found_are_new(filled: Filled) -> None:
    def new(page: Response) -> list[str]:
        return [text(bar) for bar in re.findall(r"<a[^>]* data-fresh>(.*?)<kbd", page.text)]

    reader = reader_of(filled.deployment, filled.people[0], filled.organization)
    owner, search_ = filled.people[0], ("action", "user.login_failed")
    older = reader.open(link(reader.read(search_), "Older"))
    assert new(older) == []
    for number, reason in enumerate(("Wrong password", "Too many attempts")):
        filled.deployment.act(owner, filled.organization, RecordFailedSignIn(reason, number))
        filled.deployment.act(owner, filled.organization, credits.BuyCredits(100, f"new-{number}"))
    first = reader.open(link(older, "Newer"))
    assert new(first) == ["2 new events"]
    assert new(reader.open(link(first, "Older"))) == ["2 new events"]
    [href] = re.findall(r'<a class="fresh num" href="([^"]*)"', first.text)
    newest = reader.open(html.unescape(href))
    assert len(set(rows(newest)) - set(rows(first))) == 2
    assert new(newest) == []
    assert new(reader.open(link(reader.read(("actor", "calder")), "Older"))) == []


def test_the_neighbours_of_an_event_are_those_that_were_found(filled: Filled) -> None:
    events = filled.events()

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(filters_over(events), st.sampled_from(events))
    def check(filter_: Filter, event: Event) -> None:
        place = events.index(event)
        newer = [other.seq for other in events[:place] if is_meant(other, filter_)]
        older = [other.seq for other in events[place + 1 :] if is_meant(other, filter_)]
        scope = Scope(filled.organization, len(events))
        with filled.deployment.store.reading() as connection:
            beside = search.neighbours(connection, scope, filter_, event.occurred_at, event.seq)
        assert beside == (newer[-1] if newer else None, older[0] if older else None)

    check()


def reader_of(deployment: Deployment, who: User, organization: int, zone: str = "") -> Reader:
    dashboard = Dashboard(deployment)
    dashboard.number = organization
    return Reader(dashboard, who, zone)


# ── Zones ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def utc(written: str) -> int:
    return to_micros(datetime.fromisoformat(written).replace(tzinfo=UTC))


NIGHT = [utc("2026-10-24T21:00") + quarter * 15 * MINUTE for quarter in range(40)]
"""Every quarter of an hour of the night in which Berlin's clock goes back, from 23:00 CEST to 07:45 CET."""
EDGES = [utc("2026-11-06T16:04:59.999999"), utc("2026-11-06T16:05"), utc("2026-11-06T16:05:59.999999")]
EDGES.append(utc("2026-11-06T16:06"))
DAYS = ("Sunday 25", "Sunday 25", "Saturday 24")
MINUTE_1705 = (("date", "2026-11-06"), ("time", "17:05"))


@pytest.fixture
def night(deployment: Deployment) -> tuple[Deployment, User, int]:
    ada = deployment.person("ada@calder.example", "Ada Okafor")
    deployment.clock.now = utc("2026-10-01T00:00")
    organization = deployment.found(ada)
    deployment.clock.step = 0
    for number, time in enumerate([*NIGHT, *EDGES]):
        deployment.clock.now = time
        deployment.act(ada, organization, modes.CreateMode(f"Mode {number}", "", ()))
    deployment.clock.now = START + 10 * DAY
    return deployment, ada, organization


def times_found(reader: Reader, *pairs: tuple[str, str]) -> set[int]:
    page = reader.read(("action", "mode.create"), *pairs)
    times = {event.seq: event.occurred_at for event in reader.dashboard.events()}
    return {times[seq] for seq in rows(page)}


def test_an_end_includes_the_whole_minute_that_was_typed(night: tuple[Deployment, User, int]) -> None:
    deployment, ada, organization = night
    reader = reader_of(deployment, ada, organization, zone="Europe/Berlin")
    minute = [(f"{bound}_{part}", value) for bound in ("start", "end") for part, value in MINUTE_1705]
    assert times_found(reader, *minute) == set(EDGES[1:3])
    second = [("start_date", "2026-11-06"), ("end_date", "2026-11-06"), ("end_time", "17:05:59")]
    assert times_found(reader, *second) == set(EDGES[:3])
    assert times_found(reader, ("end", "2026-11-06T16:05Z"), ("start", "2026-11-06")) == set(EDGES[:3])


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Los_Angeles", "Asia/Kathmandu", "UTC"])
def test_the_same_instants_are_found_in_every_zone(night: tuple[Deployment, User, int], zone: str) -> None:
    deployment, ada, organization = night
    reader = reader_of(deployment, ada, organization, zone=zone)
    start, end = utc("2026-10-24T22:15"), utc("2026-10-25T03:31")
    wanted = {time for time in NIGHT if start <= time < end}
    assert len(wanted) == 22
    # As a link that somebody in another zone has sent, and as typed on the clock of this one.
    assert times_found(reader, ("start", "2026-10-24T22:15Z"), ("end", "2026-10-25T03:30Z")) == wanted
    typed = wall_fields(Filter(start=start, end=end), zone_named(zone))
    assert times_found(reader, *typed.items()) == wanted
    in_utc = wall_fields(Filter(start=start, end=end), zone_named("UTC"))
    assert times_found(reader, ("zone", "utc"), *in_utc.items()) == wanted


def test_an_hour_that_comes_twice_is_found_both_times(night: tuple[Deployment, User, int]) -> None:
    deployment, ada, organization = night
    reader = reader_of(deployment, ada, organization, zone="Europe/Berlin")
    hour = [("start_date", "2026-10-25"), ("start_time", "02:30"), ("end_date", "2026-10-25"), ("end_time", "02:30")]
    # From the first 02:30 to the second, both included
    assert times_found(reader, *hour) == {
        utc(f"2026-10-25T{time}") for time in ("00:30", "00:45", "01:00", "01:15", "01:30")
    }
    day = [("start_date", "2026-10-25"), ("end_date", "2026-10-25")]
    assert times_found(reader, *day) == {t for t in NIGHT if t >= utc("2026-10-24T22:00")}
    page = reader.read(("action", "mode.create"))
    headings = [text(inner) for inner in re.findall(r'<tr class="day".*?>(.*?)</tr>', page.text, re.DOTALL)]
    assert headings[0] == "Friday 6 November CET"
    assert headings[1:] == [f"{day} October {label}" for day, label in zip(DAYS, ("CET", "CEST", "CEST"), strict=True)]
    assert "Time <span>CET/CEST</span>" in page.text
    assert "Sun 25 Oct 2026, 02:30:00.000000 CEST" in page.text
    assert "Sun 25 Oct 2026, 02:30:00.000000 CET" in page.text
