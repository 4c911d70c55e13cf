"""Lists of events in both orders, and one by its number: what is answered is what is stored, each event once."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from minutebook.model import Plan, Role
from minutebook.organization.modes import CreateMode
from minutebook.organization.organizations import ChangePlan
from minutebook.organization.sign_in import RecordFailedSignIn
from minutebook.store.event_json import event_json
from tests.support.dashboard import Dashboard, Somebody


@pytest.fixture
def program(dashboard: Dashboard) -> Program:
    return Program(dashboard)


class Program:
    """A program with an API token."""

    def __init__(self, dashboard: Dashboard) -> None:
        self.dashboard = dashboard
        self.token = dashboard.token()
        self.somebody: Somebody = dashboard.anybody()
        self.get(limit=1)  # its sitting is open now, so that reading records nothing more

    def get(self, path: str = "", *pairs: tuple[str, str], **query: object) -> dict[str, Any]:
        """The answer below the path of the events, or at a whole path."""
        whole = path if path.startswith("/api/") else self.dashboard.api(*filter(None, [path]))
        answer = self.somebody.ask(whole, *pairs, token=self.token, **query) if pairs or query else self._plain(whole)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = orjson.loads(answer.content)
        return body

    def _plain(self, path: str) -> Any:
        return self.somebody.get(path, Authorization=f"Bearer {self.token}")

    def walk(self, key: str = "next", **query: object) -> Iterator[dict[str, Any]]:
        """Page after page, as long as one leads to another."""
        page = self.get("", **query)
        while True:
            yield page
            if page[key] is None:
                return
            page = self.get(page[key])

    def stored(self) -> list[dict[str, Any]]:
        return [orjson.loads(event_json(event)) for event in self.dashboard.events()]


def act(dashboard: Dashboard, number: int) -> None:
    dashboard.deployment.act(dashboard.people[Role.OWNER], dashboard.number, CreateMode(f"Mode {number}", "", ()))


def newest_first(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(events, key=lambda event: (event["occurred_at"], event["seq"]), reverse=True)


@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
def test_every_event_once_in_either_order(program: Program, limit: int) -> None:
    stored = program.stored()
    newest = [event for page in program.walk(limit=limit) for event in page["events"]]
    assert newest == newest_first(stored)
    in_order = [event for page in program.walk(order="log", limit=limit) for event in page["events"]]
    assert in_order == stored


def test_nothing_shifts_while_events_arrive(program: Program) -> None:
    """The pages of people are those of the log as it was; a program in the order of the log meets what is new."""
    stored, pages = program.stored(), []
    for number, page in enumerate(program.walk(limit=3)):
        act(program.dashboard, number)
        pages.append(page)
    assert [event for page in pages for event in page["events"]] == newest_first(stored)
    assert {page["size"] for page in pages} == {len(stored)}
    back = [pages[-1]]
    while back[-1]["previous"]:
        back.append(program.get(back[-1]["previous"]))
    assert [page["events"] for page in reversed(back)] == [page["events"] for page in pages]
    seen = []
    for number, page in enumerate(program.walk(order="log", limit=5)):
        if number < 3:
            act(program.dashboard, 100 + number)
        seen += page["events"]
    assert seen == program.stored()
    assert page["next"] is None
    assert page["previous"] is None
    act(program.dashboard, 200)
    (new,) = program.get(order="log", after=page["size"] - 1)["events"]
    assert new == program.stored()[-1]


def test_a_filter_holds_on_every_page(program: Program) -> None:
    wanted = [event for event in program.stored() if event["action"] == "user.invite"]
    for query in ({"action": "user.invite"}, {"q": "action:user.invite after:-7d"}, {"q": "action:user.inv*"}):
        for order in ("newest", "log"):
            pages = list(program.walk(order=order, limit=1, **query))
            found = [event for page in pages for event in page["events"]]
            assert found == (newest_first(wanted) if order == "newest" else wanted)
    pairs = [("action", "user.invite"), ("action", "log.view")]
    assert len(program.get("", *pairs)["events"]) == len(wanted) + 1


def test_a_link_says_everything_in_its_one_way(program: Program) -> None:
    page = program.get(q="action:user.invite after:-7d -outcome:denied", limit=1)
    parts = urlsplit(page["next"])
    assert parts.path == program.dashboard.api()
    asked = dict(parse_qsl(parts.query))
    assert asked.keys() == {"action", "start", "q", "limit", "older"}
    assert (asked["action"], asked["limit"]) == ("user.invite", "1")


def test_one_event_is_what_the_page_shows(program: Program) -> None:
    stored = program.stored()
    for seq in (0, 1, len(stored) - 1):
        assert program.get(str(seq)) == stored[seq]
    ada = program.dashboard.signed_in(Role.OWNER)
    assert ada.get(program.dashboard.path("audit-logs", "3.json")).json() == stored[3]
    missing = program.somebody.ask(program.dashboard.api("99999"), token=program.token)
    assert missing.status_code == 404


def test_counts_add_up(program: Program) -> None:
    stored = program.stored()
    assert program.get("count") == {"count": len(stored), "is_exact": True, "size": len(stored)}
    assert program.get("count", q="action:user.*")["count"] == sum(e["action"].startswith("user.") for e in stored)
    facets = program.get("facets")
    parts: dict[str, Callable[[dict[str, Any]], str | None]] = {
        "actions": lambda event: event["action"],
        "actors": lambda event: event["actor"]["email"] or event["actor"]["id"],  # the system is called as its kind is
        "outcomes": lambda event: event["outcome"],
        "clients": lambda event: event["context"]["client"],
    }
    clients = {event["context"]["client"] for event in stored}
    assert len(clients) > 1
    assert None in clients, "what came from no client is no choice"
    for key, of in parts.items():
        values = [of(event) for event in stored]
        expected = {value: values.count(value) for value in values if value}
        assert {facet["value"]: facet["count"] for facet in facets[key]} == expected
        counts = [facet["count"] for facet in facets[key]]
        assert counts == sorted(counts, reverse=True)
    one = program.get("facets", action="user.invite")
    assert one["actions"] == facets["actions"], "a facet counts beside its own part"
    assert one["outcomes"] == [{"value": "success", "count": 4}]


def test_of_the_actors_the_100_busiest_are_counted(light_dashboard: Dashboard) -> None:
    program, deployment, here = Program(light_dashboard), light_dashboard.deployment, light_dashboard.number
    deployment.act(None, here, ChangePlan(Plan.ENTERPRISE, 1_000))
    for number in range(120):
        actor = deployment.join(here, light_dashboard.people[Role.OWNER], Role.MEMBER)
        for attempt in range(number % 3):
            deployment.act(actor, here, RecordFailedSignIn("Wrong password", attempt + 1))
    counts = Counter(event["actor"]["email"] for event in program.stored() if event["actor"]["email"])
    assert len(counts) > 120
    busiest = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:100]
    assert [(facet["value"], facet["count"]) for facet in program.get("facets")["actors"]] == busiest


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/New_York"])
def test_the_histogram_holds_every_event_in_its_bucket(program: Program, zone: str) -> None:
    stored = program.stored()
    histogram = program.get("histogram", zone=zone)
    assert histogram["zone"] == zone
    buckets = histogram["buckets"]
    for before, after in itertools.pairwise(buckets):
        assert before["end"] == after["start"]
    for bucket in buckets:
        inside = [event for event in stored if bucket["start"] <= event["occurred_at"] < bucket["end"]]
        done = sum(event["outcome"] == "success" for event in inside)
        assert (bucket["succeeded"], bucket["other"]) == (done, len(inside) - done)
    assert sum(bucket["succeeded"] + bucket["other"] for bucket in buckets) == len(stored)
    ages = program.get("histogram", zone=zone, start="1970-01-01", end="9998-12-31")
    assert ages["is_exact"]
    assert len(ages["buckets"]) <= 64
    assert sum(bucket["succeeded"] + bucket["other"] for bucket in ages["buckets"]) == len(stored)
    days = program.get("histogram", zone=zone, start="2026-03-01", end="2026-03-31")
    assert days["every"] == "day"
    assert len(days["buckets"]) in (31, 32)
    assert sum(bucket["succeeded"] for bucket in days["buckets"]) == 0
