"""A search that takes long: bones in place of the rows, and Stop, after which the page is what it was.

While another page is on its way, a browser that is driven runs nothing of ours in the one that is shown: the page tells
by itself what becomes of it, and is used by keys and at places that it told before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Locator, Route, expect

from minutebook.organization.modes import CreateMode
from tests.support.server import Site, site_on
from tests.support.visitor import Arrive, Visitor

MODES = 60

TELL = """addEventListener("DOMContentLoaded", () => {
    let asked = 0;
    const tell = () => {
        const place = document.querySelector("[data-searching]");
        if (!place) return;
        const list = place.nextElementSibling;
        const stop = place.querySelector("[data-stop]");
        const box = stop.getBoundingClientRect();
        const title = document.querySelector("h1").getBoundingClientRect();
        const inside = list.querySelector("td, h2");
        console.debug("told " + JSON.stringify({
            busy: list.getAttribute("aria-busy") === "true",
            after: performance.now() - asked,
            top: list.getBoundingClientRect().top,
            height: list.getBoundingClientRect().height,
            read: getComputedStyle(inside).visibility,
            bone: getComputedStyle(inside, "::before").visibility,
            stop: stop.checkVisibility() && { x: box.x + box.width / 2, y: box.y + box.height / 2 },
            stopIsFocused: document.activeElement === stop,
            said: place.querySelector("[role=status]").textContent,
            number: document.querySelector(".results__n").textContent.trim(),
            titleIsSeen: document.elementFromPoint(title.x + 5, title.y + 10)?.matches("h1") ?? false,
            menus: document.querySelectorAll("details[open]").length,
        }));
    };
    navigation.addEventListener("navigate", () => { asked = performance.now(); });
    new MutationObserver(tell).observe(document, { subtree: true, attributeFilter: ["aria-busy"] });
    addEventListener("focusin", tell);
});"""

ENDLESS = """const soon = setTimeout;
window.setTimeout = (then, ms, ...rest) => soon(then, ms === 150 ? 3_600_000 : ms, ...rest);"""


@pytest.fixture(scope="module")
def site(site_url: str) -> Iterator[Site]:
    """A log of two pages."""
    with site_on(site_url) as site:
        for number in range(MODES):
            site.company.act(site.company.owner, CreateMode(f"Mode {number}", "", ()))
        yield site


class Slow:
    """Somebody at a log that answers no more searches, and what their page told meanwhile."""

    def __init__(self, visitor: Visitor, *pairs: tuple[str, str]) -> None:
        self.visitor, self.page = visitor, visitor.page
        self.looks: list[dict[str, Any]] = []
        self.held: list[Route] = []
        self.holds = True
        self.ended: list[str] = []
        self.page.add_init_script(TELL)
        self.page.on("console", self._hear)
        self.page.on("requestfailed", lambda request: self.ended.append(request.url))
        visitor.open_log(*pairs)
        visitor.intercept(lambda _: True, self._hold)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.text.startswith("told "):
            self.looks.append(json.loads(message.text.removeprefix("told ")))

    def _hold(self, route: Route) -> None:
        if self.holds and route.request.is_navigation_request():
            self.held.append(route)
        else:
            route.continue_()

    def waits(self, number: int = 1) -> None:
        """Until so many pages are on their way."""
        self.visitor.wait_until(lambda: len(self.held) == number)

    def shows_bones(self) -> dict[str, Any]:
        """The page, as soon as it does."""
        self.visitor.wait_until(lambda: self.looks and self.looks[-1]["busy"])
        return self.looks[-1]

    def after_tab(self) -> dict[str, Any]:
        """The page, where Tab leads to."""
        before = len(self.looks)
        self.page.keyboard.press("Tab")
        self.visitor.wait_until(lambda: len(self.looks) > before)
        return self.looks[-1]

    def press_stop(self) -> None:
        """With the mouse, where it is."""
        place = self.shows_bones()["stop"]
        self.page.mouse.click(place["x"], place["y"])
        self.has_stopped()

    def has_stopped(self) -> None:
        expect(self.page.get_by_role("status").filter(has_text="Search stopped")).to_be_visible()
        self.visitor.wait_until(lambda: self.held[-1].request.url in self.ended)
        self.ended.clear()

    def let_go(self) -> None:
        """Answers the last page, and from now on all."""
        self.holds = False
        with self.page.expect_navigation():
            self.held[-1].continue_()


@pytest.fixture
def slow(site: Site, arrive: Arrive) -> Slow:
    return Slow(arrive(site.company.owner))


def box(slow: Slow) -> Locator:
    return slow.page.get_by_role("combobox", name="Search the log")


def page_of(slow: Slow) -> dict[str, Any]:
    """All that a search is to replace, and what is asked for."""
    slow.page.mouse.move(0, 0)
    return {
        "address": slow.page.url,
        "rows": slow.visitor.rows(),
        "found": slow.page.locator(".results__n").inner_text(),
        "chips": slow.page.locator("form.filters").inner_text(),
        "ticked": slow.page.locator("form.filters input:checked").count(),
        "place": slow.page.locator(".log").bounding_box(),
        "busy": slow.page.locator("#found [aria-busy], #busy.is-on").count(),
    }


def click(slow: Slow, link: Locator) -> None:
    """Clicks, and waits for nothing."""
    place = link.bounding_box()
    assert place
    slow.page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)


def by_the_box(slow: Slow) -> None:
    box(slow).fill("mode action:mode.*")
    slow.page.keyboard.press("Enter")


def by_a_menu(slow: Slow) -> None:
    click(slow, slow.visitor.choose_actions("mode.create", "user.invite").get_by_role("button", name="Apply"))


def by_a_chip(slow: Slow) -> None:
    click(slow, slow.page.get_by_role("link", name="Remove filter: actor is not nobody@x.example"))


def by_a_facet(slow: Slow) -> None:
    click(slow, slow.page.locator(".facet a", has_text="mode.create"))


def by_a_drag(slow: Slow) -> None:
    place = slow.page.locator("[data-histo]").bounding_box()
    assert place
    slow.page.mouse.move(place["x"] + 20, place["y"] + 20)
    slow.page.mouse.down()
    slow.page.mouse.move(place["x"] + place["width"] - 20, place["y"] + 30, steps=5)
    slow.page.mouse.up()
    click(slow, slow.page.get_by_role("link", name="Zoom in"))


def by_the_pager(slow: Slow) -> None:
    slow.page.keyboard.press("]")


def by_the_zone(slow: Slow) -> None:
    slow.page.keyboard.press("u")


def by_back(slow: Slow) -> None:
    slow.page.evaluate("setTimeout(() => history.back(), 50)")


WAYS = (by_the_box, by_a_menu, by_a_chip, by_a_facet, by_a_drag, by_the_pager, by_the_zone, by_back)


@pytest.mark.parametrize("way", WAYS)
def test_bones_stand_for_the_rows_and_stop_brings_them_back(
    site: Site, arrive: Arrive, way: Callable[[Slow], None]
) -> None:
    visitor = arrive(site.company.owner)
    visitor.open_log(("q", "mode"))
    slow = Slow(visitor, ("q", "-actor:nobody@x.example"))
    before = page_of(slow)
    way(slow)
    look = slow.shows_bones()
    assert look["after"] >= 149  # a clock of whole milliseconds may have begun within one
    assert (look["read"], look["bone"]) == ("hidden", "visible")
    assert (look["top"], look["height"]) == (before["place"]["y"], before["place"]["height"])
    assert (look["said"], look["number"], look["menus"]) == ("Searching", before["found"], 0)
    slow.press_stop()
    assert page_of(slow) == before
    typed = "mode action:mode.*" if way is by_the_box else "-actor:nobody@x.example"
    assert box(slow).input_value() == typed, "who stops a search wants to narrow it"
    by_the_box(slow)
    slow.waits(2)
    slow.let_go()
    expect(box(slow)).to_have_value("mode action:mode.*")
    assert {row.action for row in slow.visitor.rows()} == {"mode.create"}


def test_an_answer_that_comes_in_time_shows_no_bones(site: Site, arrive: Arrive) -> None:
    visitor = arrive(site.company.owner)
    visitor.page.add_init_script(ENDLESS)  # whatever the machine takes, it is in time
    slow = Slow(visitor)
    by_the_box(slow)
    slow.waits()
    slow.page.wait_for_timeout(300)
    slow.let_go()
    expect(box(slow)).to_have_value("mode action:mode.*")
    assert not any(look["busy"] or look["said"] for look in slow.looks)


def test_stop_is_reached_and_pressed_by_the_keyboard(slow: Slow) -> None:
    by_the_box(slow)
    slow.shows_bones()
    for _ in range(60):
        if slow.after_tab()["stopIsFocused"]:
            break
    slow.page.keyboard.press("Enter")
    slow.has_stopped()
    expect(box(slow)).to_be_focused()
    assert box(slow).input_value() == "mode action:mode.*"


def test_esc_stops_before_it_closes_the_panel(slow: Slow) -> None:
    seq = slow.visitor.found()[1]
    slow.visitor.open_event(seq)
    panel = slow.page.locator("#panel")
    address = slow.page.url
    slow.page.keyboard.press("]")
    slow.shows_bones()
    slow.page.keyboard.press("Escape")
    slow.has_stopped()
    expect(panel).to_be_visible()
    assert slow.page.url == address
    slow.page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_what_hides_takes_the_focus_along_and_gives_it_back(slow: Slow) -> None:
    link = slow.page.locator(".ev .who .mail").nth(2)
    link.focus()
    slow.page.keyboard.press("Enter")
    slow.shows_bones()
    slow.page.keyboard.press("Escape")
    slow.has_stopped()
    expect(link).to_be_focused()


def test_a_menu_that_was_sent_is_as_before(slow: Slow) -> None:
    menu = slow.visitor.menu("actions")
    menu.locator("[data-group=mode]").check()
    menu.get_by_label("Find an action").fill("mode")
    click(slow, menu.get_by_role("button", name="Apply"))
    slow.press_stop()
    expect(menu.locator("summary")).to_be_focused()
    slow.visitor.menu("actions")
    expect(menu.locator("input[type=checkbox]:checked")).to_have_count(0)
    assert not menu.locator("[data-group=mode]").evaluate("box => box.indeterminate || box.name")
    expect(menu.get_by_role("checkbox", name="user.invite")).to_be_visible()


def test_what_was_typed_stays_where_it_was_not_sent(slow: Slow) -> None:
    box(slow).fill("mode")
    slow.page.locator("h1").click()
    slow.page.keyboard.press("]")
    slow.press_stop()
    expect(box(slow)).to_have_value("mode")
    facet = slow.page.locator(".facet a", has_text="mode.create")
    address = facet.get_attribute("href")
    click(slow, facet)
    slow.waits(2)
    assert "query=mode" in slow.held[-1].request.url
    slow.press_stop()
    expect(box(slow)).to_have_value("mode")
    expect(facet).to_have_attribute("href", address or "")


def test_the_next_page_gives_no_focus_to_what_was_used_for_a_search_that_was_stopped(slow: Slow) -> None:
    by_the_box(slow)
    slow.press_stop()
    slow.page.keyboard.press("Escape")
    slow.page.keyboard.press("]")
    slow.waits(2)
    slow.let_go()
    expect(slow.page.locator(".pager")).to_contain_text("51–")
    expect(box(slow)).not_to_be_focused()


def test_a_search_in_place_of_another_goes_on_and_one_stop_stops_it(slow: Slow) -> None:
    by_the_box(slow)
    slow.shows_bones()
    slow.page.keyboard.press("Tab")
    slow.page.keyboard.press("u")
    slow.waits(2)
    slow.visitor.wait_until(lambda: len(slow.ended) == 1)
    slow.page.keyboard.press("Tab")
    assert all(look["busy"] for look in slow.looks if look["said"])
    slow.press_stop()


def test_the_way_to_another_page_shows_no_bones(slow: Slow) -> None:
    click(slow, slow.page.get_by_role("link", name="Members"))
    slow.waits()
    slow.page.wait_for_timeout(300)
    slow.let_go()
    assert not any(look["busy"] for look in slow.looks)


def test_leaving_for_another_page_brings_the_rows_back_meanwhile(slow: Slow) -> None:
    members = slow.page.get_by_role("link", name="Members").bounding_box()
    assert members
    by_the_box(slow)
    slow.shows_bones()
    slow.page.mouse.click(members["x"] + 20, members["y"] + 10)
    slow.waits(2)
    slow.visitor.wait_until(lambda: not slow.looks[-1]["busy"])
    assert slow.looks[-1]["said"] == ""
    slow.let_go()
    assert slow.visitor.heading == "Members"


def test_the_live_tail_goes_on(slow: Slow, site: Site) -> None:
    live = slow.page.get_by_role("button", name="Live tail")
    live.click()
    expect(live).to_have_attribute("data-live-is", "live")
    slow.page.evaluate(
        """() => new MutationObserver(([change]) => console.debug(`live ${change.target.dataset.liveIs}`))
            .observe(document.querySelector("[data-live]"), { attributeFilter: ["data-live-is"] })"""
    )
    states: list[str] = []
    slow.page.on("console", lambda said: states.append(said.text) if said.text.startswith("live ") else None)
    by_the_box(slow)
    slow.shows_bones()
    slow.page.keyboard.press("Escape")
    expect(slow.page.get_by_role("status").filter(has_text="Search stopped")).to_be_visible()
    site.company.act(site.company.owner, CreateMode("Live", "", ()))
    expect(slow.page.locator("[data-live-bar] [data-fresh]")).to_contain_text("1 new event")
    assert "live cut" not in states


@pytest.mark.parametrize("width", [1440, 360])
def test_stop_is_in_sight_wherever_the_page_is_scrolled_to(site: Site, arrive: Arrive, width: int) -> None:
    slow = Slow(arrive(site.company.owner, width=width, height=500))
    by_the_box(slow)
    look = slow.shows_bones()
    assert 0 < look["stop"]["y"] < 500
    assert look["titleIsSeen"]
    slow.press_stop()
    older = slow.page.get_by_role("link", name="Older", exact=True)
    older.scroll_into_view_if_needed()
    click(slow, older)
    assert 0 < slow.shows_bones()["stop"]["y"] < 500
    slow.press_stop()


def test_where_nothing_was_found_bones_stand_for_what_that_says(site: Site, arrive: Arrive) -> None:
    slow = Slow(arrive(site.company.owner), ("q", "nothing"))
    by_the_box(slow)
    look = slow.shows_bones()
    assert (look["read"], look["bone"]) == ("hidden", "visible")
    slow.press_stop()
    expect(slow.page.get_by_role("heading", name="No events match this filter")).to_be_visible()


def test_stop_and_bones_stay_when_the_list_is_made_anew_meanwhile(slow: Slow, site: Site) -> None:
    live = slow.page.get_by_role("button", name="Live tail")
    live.click()
    expect(live).to_have_attribute("data-live-is", "live")
    site.company.act(site.company.owner, CreateMode("Live meanwhile", "", ()))
    fresh = slow.page.locator("[data-live-bar] [data-fresh]")
    expect(fresh).to_contain_text("1 new event")
    slow.page.keyboard.press("u")
    slow.shows_bones()
    with slow.page.expect_response(lambda answer: answer.request.headers.get("hx-request") == "true") as answer:
        slow.page.keyboard.press("n")
    answer.value.finished()
    slow.page.keyboard.press("Tab")
    slow.page.wait_for_timeout(300)
    slow.page.keyboard.press("Tab")
    slow.page.wait_for_timeout(100)
    assert slow.looks[-1]["busy"]
    assert slow.looks[-1]["stop"]
    assert slow.looks[-1]["said"] == "Searching"
