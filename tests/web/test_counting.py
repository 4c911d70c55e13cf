"""A page does not wait for a count that takes long: what is there says "at least", and asks for the rest itself."""

from __future__ import annotations

import html
import http.client
import inspect
import math
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from httpx2 import Response
from starlette.requests import Request

from minutebook.filters import Here, filter_of
from minutebook.filters.language import read
from minutebook.model import Role
from minutebook.organization.modes import CreateMode
from minutebook.store import blocks, memory, survey
from minutebook.store.scope import Scope
from minutebook.web import log_page
from minutebook.web.searches import Limits, Searches
from minutebook.web.waiting import waits
from tests.support.dashboard import Dashboard
from tests.support.reader import Reader, found, rows, text
from tests.support.server import Site, site_on

WAIT = {"Prefer": "wait=2"}
SLOW = ("q", "-details.remark:*")
COUNTS = re.compile(r'data-counts="([^"]*)"')


@pytest.fixture
def reader(light_dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch) -> Reader:
    monkeypatch.setattr(log_page, "SURVEY_SECONDS", 0.0)
    return Reader(light_dashboard, Role.OWNER)


def counts_of(page: Response) -> list[str]:
    """Where more is counted."""
    return [html.unescape(href) for href in COUNTS.findall(page.text)]


def is_counted(page: str) -> bool:
    return 'class="band"' in page and "at least" not in text(page)


@pytest.mark.parametrize(
    ("prefer", "told"),
    [
        ("wait=2", True),
        ("respond-async, wait=10", True),
        ("respond-async;x, WAIT = 1", True),
        ("wait=0", False),
        ("await=5", False),
        ("respond-async", False),
        (None, False),
    ],
)
def test_who_would_rather_wait_says_so(prefer: str | None, told: bool) -> None:
    headers = [(b"prefer", prefer.encode())] if prefer else []
    assert waits(Request({"type": "http", "headers": headers})) is told


def test_more_is_counted_where_the_page_says_for_who_waits(reader: Reader) -> None:
    page = reader.read(SLOW)
    assert "at least" in found(page)
    assert "Counting what was found would take too long. Narrow the search" in text(page.text)
    [href] = counts_of(page)
    whole = reader.open(href, WAIT)
    assert is_counted(whole.text)
    assert not COUNTS.search(whole.text)
    pieces = [re.findall(r'data-counted="(\w+)"', answer.text) for answer in (page, whole)]
    assert pieces[0] == pieces[1] == ["overview", "found", "export", "pager"]


def test_what_is_counted_at_once_asks_for_nothing_more(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_page, "SURVEY_SECONDS", 60.0)
    page = reader.read(SLOW)
    assert is_counted(page.text)
    assert not COUNTS.search(page.text)


def test_a_count_has_a_bound_too_and_is_asked_for_once(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_page, "WHOLE_SECONDS", 0.0)
    page = reader.get(SLOW, headers=WAIT)
    assert "at least" in found(page)
    assert not COUNTS.search(page.text)


def test_an_event_that_is_open_is_not_part_of_what_is_counted(reader: Reader) -> None:
    [href] = counts_of(reader.get(SLOW, ("event", "0")))
    assert "event" not in href


def test_who_counts_takes_no_turn_of_those_who_search(reader: Reader, light_dashboard: Dashboard) -> None:
    site = light_dashboard.app.state.site
    counts = Searches(light_dashboard.store, Limits(at_once=1, waiting=1, patience=0.01))
    light_dashboard.app.state.site = replace(site, counts=counts)
    try:
        with counts.reading(light_dashboard.number):
            assert reader.get(SLOW, headers=WAIT).status_code == 429
            assert reader.get(SLOW).status_code == 200
        assert reader.get(SLOW, headers=WAIT).status_code == 200
    finally:
        light_dashboard.app.state.site = site


def test_who_has_gone_before_it_begins_is_not_counted_for_either(light_dashboard: Dashboard) -> None:
    with light_dashboard.store.reading() as connection:
        scope = Scope(light_dashboard.number, len(light_dashboard.events()))
        gone = survey.Patience(2.0, lambda: math.inf)
        asked = filter_of(read(SLOW[1], Here()))
        assert not survey.survey(connection, scope, asked, patience=gone).total.is_exact


def test_what_is_recorded_meanwhile_is_not_counted_with_what_is_shown(
    reader: Reader, light_dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = reader.read(SLOW)
    [href] = counts_of(page)
    monkeypatch.setattr(log_page, "SURVEY_SECONDS", 60.0)
    before = found(reader.read(SLOW))
    light_dashboard.deployment.act(
        light_dashboard.people[Role.OWNER], light_dashboard.number, CreateMode("Later", "", ())
    )
    whole = reader.open(href, WAIT)
    assert found(whole) == before
    assert rows(whole) == rows(page)
    assert exports(whole) == exports(page), "they are of the log as it was, too"
    assert int(found(reader.read(SLOW)).split()[0]) == int(before.split()[0]) + 1


def exports(page: Response) -> list[str]:
    return re.findall(r"size=\d+&amp;now=\d+|now=\d+&amp;size=\d+|size=\d+", page.text)


def test_no_number_is_told_of_an_actor_that_is_counted_in_part(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    people = re.compile(
        r'<a class="opt" href="[^"]*" data-value="([^"]*)">.*?<span class="num" data-counted="number of \1">(.*?)<'
    )
    monkeypatch.setattr(log_page, "SURVEY_SECONDS", 0.0)
    monkeypatch.setattr(blocks, "BLOCK", 4)
    monkeypatch.setattr(memory, "PART", 1)
    page = reader.read()
    assert "at least" in found(page)
    told = dict(people.findall(page.text))
    assert set(told.values()) == {""}
    [href] = counts_of(page)
    counted = dict(people.findall(reader.open(href, WAIT).text))
    assert told.keys() <= counted.keys()
    assert all(int(number) for number in counted.values())


@pytest.fixture
def site(sqlite_template: Path, tmp_path: Path) -> Iterator[Site]:
    shutil.copy(sqlite_template, tmp_path / "site.db")
    with site_on(f"sqlite:///{tmp_path / 'site.db'}") as site:
        yield site


def test_nothing_is_counted_for_who_has_gone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, over = threading.Event(), threading.Event()
    counting = survey.survey

    def slowly(*args: Any, **named: Any) -> survey.Survey:
        if len(args) == len(inspect.signature(counting).parameters):
            clock = args[-1].clock
            began = clock()
            begun.set()
            while began <= (now := clock()) < began + 20:
                pass
            if now == math.inf:
                over.set()
        return counting(*args, **named)

    monkeypatch.setattr(survey, "survey", slowly)
    client = http.client.HTTPConnection(urlsplit(site.base_url).netloc)
    cookie = f"minutebook-session={site.company.session(site.company.owner)}"
    client.request("GET", f"/o/{site.company.id}/audit-logs", headers={"Cookie": cookie, **WAIT})
    assert begun.wait(20)
    assert not over.wait(0.2), "somebody waits for it"
    client.close()
    assert over.wait(10)
