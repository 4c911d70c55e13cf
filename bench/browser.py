"""The page of the Audit Logs in a browser: how long it takes from asking for it until all of it is there, with its
facets and its histogram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from bench.api import COOKIE
from bench.fill import Place
from bench.measure import Timing
from bench.questions import Kind, Shape
from bench.workload import BEGIN
from minutebook.filters import Filter, write
from minutebook.model import HOUR
from minutebook.store.counted import MOST_ASKED
from tests.support.browser import executable, running_browser

WIDTH, HEIGHT = 1440, 900
IN_PART = "[data-counts]"
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"


@dataclass(frozen=True, slots=True)
class Shown:
    """How long the page of a kind took, in milliseconds, until it was there, and until everything that it found was
    counted: the same where the page does not say "at least" at first."""

    there: Timing = field(default_factory=Timing)
    counted: Timing = field(default_factory=Timing)


def name() -> str:
    """Which browser it is, and its version."""
    with running_browser() as browser:
        return f"{Path(executable()).name}, version {browser.version}"


def pages(address: str, token: str, places: Mapping[int, Place], kinds: Sequence[Kind], turns: int) -> dict[str, Shown]:
    """Of each kind that is a page, after each question was asked once; for somebody who is signed in by `token`. No
    count of a search is left from the time before: as many others are asked between as the store keeps counts of."""
    found: dict[str, Shown] = {}
    with running_browser() as browser:
        context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
        context.add_cookies([{"name": COOKIE, "value": token, "url": address}])
        page = context.new_page()
        for kind in kinds:
            questions = [one for one in kind.questions if one.shape is Shape.PAGE and one.after is None]
            for turn in range(len(questions) + turns if questions else 0):
                question = questions[turn % len(questions)]
                organization = places[question.organization].id
                for hours in range(1, MOST_ASKED + 1):
                    other = urlencode(write(Filter(end=BEGIN + hours * HOUR)))
                    counts = f"{address}/api/v1/organizations/{organization}/events/count?{other}"
                    assert context.request.get(counts).ok
                page.goto(f"{address}/o/{organization}/audit-logs?{urlencode(write(question.filter))}")
                page.wait_for_load_state("load")
                there = counted = page.evaluate(LOADED)
                gave_up = False
                in_part = page.locator(IN_PART)
                if in_part.count():
                    in_part.wait_for(state="detached")
                    counted = page.evaluate("performance.now()")
                    gave_up = "at least" in page.locator(".results__n").inner_text()
                if turn >= len(questions):
                    shown = found.setdefault(kind.name, Shown())
                    shown.there.milliseconds.append(there)
                    shown.there.gave_up |= counted > there
                    shown.counted.milliseconds.append(counted)
                    shown.counted.gave_up |= gave_up
        context.close()
    return found
