"""What a page counted in part is counted to the end once the page is there, and takes the place of the part."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Route, expect

from minutebook.organization.modes import CreateMode
from minutebook.store import blocks, memory
from minutebook.web import log_page
from tests.support.server import Site, site_on
from tests.support.visitor import Arrive, Visitor

MODES = 60


@pytest.fixture(scope="module")
def site(site_url: str) -> Iterator[Site]:
    """A log that is looked through in many chunks, of which no more than the newest is counted at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK", 16)
        patch.setattr(memory, "PART", 1)
        patch.setattr(log_page, "SURVEY_SECONDS", 0.0)
        with site_on(site_url) as site:
            for number in range(MODES):
                site.company.act(site.company.owner, CreateMode(f"Mode {number}", "", ()))
            yield site


@pytest.fixture
def visitor(site: Site, arrive: Arrive) -> Visitor:
    return arrive(site.company.owner)


class Held:
    """Counts that are asked for, exports, and the next page, held until they are let go."""

    def __init__(self, visitor: Visitor) -> None:
        self.routes: list[Route] = []
        visitor.open()
        visitor.intercept(lambda _: True, self._hold)

    def _hold(self, route: Route) -> None:
        if (
            "prefer" in route.request.headers
            or "/export?" in route.request.url
            or route.request.url.endswith("/members")
        ):
            self.routes.append(route)
        else:
            route.continue_()

    def leads_to(self, name: str) -> bool:
        """Whether the last that is held is a page of that name."""
        return self.routes[-1].request.url.endswith(f"/{name}")


def opened(visitor: Visitor) -> Held:
    """The log, with what counts it held."""
    held = Held(visitor)
    visitor.open_log()
    visitor.wait_until(lambda: len(held.routes) == 1)
    expect(found(visitor)).to_contain_text("at least")
    expect(note(visitor)).to_have_text("The newest events so far: all are being counted.")
    return held


def found(visitor: Visitor) -> Locator:
    return visitor.page.locator(".results__n")


def box(visitor: Visitor) -> Locator:
    return visitor.page.get_by_role("combobox", name="Search the log")


def note(visitor: Visitor) -> Locator:
    return visitor.page.locator(".band [role=note]")


def test_all_is_counted_once_the_page_is_there(visitor: Visitor) -> None:
    held = opened(visitor)
    status = found(visitor).element_handle()
    held.routes[0].continue_()
    expect(found(visitor)).not_to_contain_text("at least")
    number = found(visitor).locator("strong").inner_text()
    assert int(number) > MODES
    assert found(visitor).evaluate("(now, before) => now === before", status), "what changes in it is read aloud"
    expect(note(visitor)).to_have_count(0)
    expect(visitor.page.locator(".facet li", has_text="mode.create")).to_contain_text(str(MODES))
    expect(visitor.page.locator(".pager")).to_contain_text(f"1–50 of {number}, newest first")
    visitor.page.get_by_text("Export", exact=True).click()
    expect(visitor.page.get_by_text(f"Exactly the {number} events found")).to_be_visible()
    visitor.page.keyboard.press("Escape")
    visitor.page.locator("summary", has_text="Actions").click()
    expect(visitor.page.get_by_role("checkbox", name="mode.create")).to_have_accessible_name(re.compile(f"{MODES}$"))
    visitor.page.keyboard.press("Escape")
    plot = visitor.page.locator("[data-histo]")
    plot.focus()
    plot.press("ArrowLeft")
    expect(visitor.page.locator("[data-picked]")).to_contain_text("event")


@pytest.mark.parametrize("use", ["picks", "focuses"])
def test_what_somebody_uses_stays_as_it_is_until_they_are_done(visitor: Visitor, use: str) -> None:
    held = opened(visitor)
    if use == "picks":
        visitor.page.locator("[data-histo]").press("ArrowLeft")
        visitor.page.locator("h1").click()
    else:
        visitor.page.locator(".facet a").first.focus()
    with visitor.page.expect_response(lambda answer: "prefer" in answer.request.headers) as answer:
        held.routes[0].continue_()
    answer.value.finished()
    visitor.page.wait_for_timeout(500)
    expect(note(visitor)).to_contain_text("The newest events so far")
    expect(found(visitor)).to_contain_text("at least")
    if use == "picks":
        visitor.page.locator("[data-unpick]").click()
    visitor.page.locator("h1").click()
    box(visitor).focus()
    expect(found(visitor)).not_to_contain_text("at least")
    expect(note(visitor)).to_have_count(0)


def test_a_count_that_has_no_turn_asks_again(visitor: Visitor) -> None:
    held = opened(visitor)
    visitor.expect_complaint("429")
    held.routes[0].fulfill(status=429, body="")
    visitor.wait_until(lambda: len(held.routes) == 2)
    held.routes[1].continue_()
    expect(found(visitor)).not_to_contain_text("at least")


def test_a_count_that_fails_leaves_the_page_as_it_was(visitor: Visitor) -> None:
    held = opened(visitor)
    visitor.expect_complaint("503")
    held.routes[0].fulfill(status=503, body="")
    expect(note(visitor)).to_contain_text("The newest events only.")
    expect(found(visitor)).to_contain_text("at least")


def test_an_answer_that_was_counted_in_part_is_the_last(visitor: Visitor) -> None:
    """Such as behind a proxy that lets nothing of it through."""
    held = opened(visitor)
    headers = {name: value for name, value in held.routes[0].request.headers.items() if name != "prefer"}
    held.routes[0].continue_(headers=headers)
    expect(note(visitor)).to_contain_text("The newest events only.")
    visitor.page.wait_for_timeout(500)
    assert len(held.routes) == 1


def test_a_file_that_is_fetched_meanwhile_does_not_end_it(visitor: Visitor) -> None:
    held = opened(visitor)
    visitor.page.evaluate("dispatchEvent(new Event('beforeunload'))")
    visitor.wait_until(lambda: len(held.routes) == 2)
    held.routes[1].continue_()
    expect(found(visitor)).not_to_contain_text("at least")


def test_what_is_recorded_meanwhile_is_not_counted(visitor: Visitor, site: Site) -> None:
    """What is counted is what is shown: the rows, the export and the next page are of the log as it was."""
    held = opened(visitor)
    before = site.company.act(site.company.owner, CreateMode("Later", "", ())).seq
    held.routes[0].continue_()
    expect(found(visitor)).not_to_contain_text("at least")
    assert int(found(visitor).locator("strong").inner_text()) == before


def test_an_export_says_how_far_it_is_of_all_that_was_counted(visitor: Visitor) -> None:
    held = opened(visitor)
    held.routes[0].continue_()
    expect(found(visitor)).not_to_contain_text("at least")
    number = found(visitor).locator("strong").inner_text()
    visitor.page.get_by_text("Export", exact=True).click()
    visitor.page.locator("[data-export=csv]").click()
    expect(visitor.page.locator("#exporting [data-far]")).to_have_text(f"0 of {number} events")
    with visitor.page.expect_download():
        held.routes[1].continue_()


def test_who_leaves_does_not_wait_for_it(visitor: Visitor) -> None:
    held = opened(visitor)
    ended: list[str] = []
    visitor.page.on("requestfailed", lambda request: ended.append(request.headers.get("prefer", "")))
    visitor.page.get_by_role("link", name="Members").click(no_wait_after=True)
    visitor.wait_until(lambda: held.leads_to("members"))
    visitor.wait_until(lambda: ended == ["wait=2"])
    held.routes[-1].continue_()
    expect(visitor.page.get_by_role("heading", level=1, name="Members")).to_be_visible()


def test_on_a_phone_the_events_stay_where_they_are(visitor: Visitor) -> None:
    visitor.page.set_viewport_size({"width": 360, "height": 740})
    held = opened(visitor)
    row = visitor.page.locator(".ev").first
    before = row.bounding_box()
    held.routes[0].continue_()
    expect(note(visitor)).to_have_count(0)
    assert row.bounding_box() == before
