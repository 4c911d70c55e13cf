"""The page of the Audit Logs in a browser: how long it takes from asking for it until all of it is there, with its
facets and its histogram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from bench.api import COOKIE
from bench.fill import Place
from bench.measure import Timing
from bench.questions import Kind, Shape
from minutebook.filters import write
from tests.support.browser import running_browser

WIDTH, HEIGHT = 1440, 900
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"


def pages(
    address: str, token: str, places: Mapping[int, Place], kinds: Sequence[Kind], turns: int
) -> dict[str, Timing]:
    """The times of each kind that is a page, in milliseconds, after each question was asked once; for somebody who is
    signed in by `token`."""
    found: dict[str, Timing] = {}
    with running_browser() as browser:
        context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
        context.add_cookies([{"name": COOKIE, "value": token, "url": address}])
        page = context.new_page()
        for kind in kinds:
            questions = [one for one in kind.questions if one.shape is Shape.PAGE and one.after is None]
            for turn in range(len(questions) + turns if questions else 0):
                question = questions[turn % len(questions)]
                query = urlencode(write(question.filter))
                page.goto(f"{address}/o/{places[question.organization].id}/audit-logs?{query}")
                page.wait_for_function(f"{LOADED} > 0")
                if turn >= len(questions):
                    found.setdefault(kind.name, Timing()).milliseconds.append(page.evaluate(LOADED))
        context.close()
    return found
