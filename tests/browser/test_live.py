"""The live tail in the real page: a burst is counted and moves nothing, and is added when somebody asks for it."""

from __future__ import annotations

import threading
import time
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Route, expect

from minutebook.model import Role
from minutebook.organization.credits import BuyCredits
from minutebook.organization.seats import ChangeRole
from minutebook.store import log
from minutebook.store.engine import Store
from tests.support.browser import Contexts
from tests.support.server import Clock, Company, Site, serving
from tests.support.visitor import Arrive, Visitor

BURST = 300
WRITERS = 4
# Of one moment: another page may come between two looks.
FIRST_AND_WAITING = """() => {
    const fresh = document.querySelector("[data-live-bar] [data-fresh]");
    return [Number(document.querySelector("tr.ev").id.slice(1)), fresh.hidden ? 0 : parseInt(fresh.textContent)];
}"""
# Playwright shows each of its pages as one that is seen, so the page is told in the browser's place.
TURNED = """state => {
    Object.defineProperty(document, "visibilityState", { configurable: true, value: state });
    Object.defineProperty(document, "hidden", { configurable: true, value: state === "hidden" });
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
}"""
PLACES = "rows => rows.map(row => [row.id, row.getBoundingClientRect().top])"


def buy(site: Site, reference: str) -> None:
    site.company.act(site.company.owner, BuyCredits(100, reference))


def burst(site: Site, name: str, number: int = BURST) -> list[threading.Thread]:
    """Begins to record so many payments, from several threads."""

    def write(writer: int) -> None:
        for each in range(writer, number, WRITERS):
            buy(site, f"{name}-{each}")

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    return threads


def size(site: Site) -> int:
    with site.store.reading() as connection:
        return log.read_head(connection, site.company.number).size


def toggle(reader: Visitor) -> Locator:
    return reader.page.get_by_role("button", name="Live tail")


def bar(reader: Visitor) -> Locator:
    return reader.page.locator("[data-live-bar]")


def fresh(reader: Visitor) -> Locator:
    return bar(reader).locator("[data-fresh]")


def go_live(reader: Visitor) -> None:
    toggle(reader).click()
    expect_live(reader)


def expect_live(reader: Visitor) -> None:
    expect(toggle(reader)).to_have_attribute("data-live-is", "live")


@pytest.fixture
def reader(site: Site, arrive: Arrive) -> Visitor:
    for number in range(60):
        buy(site, f"before-{time.time_ns()}-{number}")
    reader = arrive(site.company.auditor)
    reader.open_log()
    return reader


@pytest.mark.parametrize("scrolled", [0, 900])
def test_a_burst_is_counted_moves_nothing_and_is_added_on_request(site: Site, reader: Visitor, scrolled: int) -> None:
    go_live(reader)
    scroller = reader.page.locator("main")
    scroller.evaluate("(main, by) => main.scrollTo(0, by)", scrolled)
    shown, before = reader.found(), size(site)
    places = reader.page.locator("tr.ev").evaluate_all(PLACES)
    writers = burst(site, f"burst-{scrolled}")
    while any(thread.is_alive() for thread in writers):
        assert reader.page.locator("tr.ev").evaluate_all(PLACES) == places
        reader.page.wait_for_timeout(50)
    expect(fresh(reader)).to_have_text(f"{BURST} new events n")
    assert reader.page.locator("tr.ev").evaluate_all(PLACES) == places
    assert reader.found() == shown
    assert size(site) == before + BURST
    reader.page.keyboard.press("n")
    expect(fresh(reader)).to_be_hidden()
    assert reader.found() == list(range(before + BURST - 1, before + BURST - 51, -1))
    assert reader.number_found() == f"{before + BURST:,} events"
    assert reader.page.evaluate("document.activeElement.closest('tr').id") == f"e{before + BURST - 1}"
    expect(bar(reader)).to_be_in_viewport()
    expect_live(reader)
    # It goes on from there, and counts anew.
    buy(site, f"one-more-{scrolled}")
    expect(fresh(reader)).to_have_text("1 new event n")
    fresh(reader).click()
    expect(reader.page.locator(f"#e{before + BURST}")).to_be_visible()
    expect(fresh(reader)).to_be_hidden()


def test_what_arrives_while_the_rows_are_fetched_is_neither_lost_nor_counted_twice(site: Site, reader: Visitor) -> None:
    go_live(reader)
    before = size(site)
    writers = burst(site, "while-fetched")
    expect(fresh(reader)).to_be_visible()
    while any(thread.is_alive() for thread in writers):
        reader.page.keyboard.press("n")
        reader.page.wait_for_timeout(20)
    expect(toggle(reader)).to_have_attribute("data-live-is", "live")
    newest = before + BURST - 1

    def all_there() -> bool:
        first, waiting = reader.page.evaluate(FIRST_AND_WAITING)
        return bool(first + waiting == newest)

    def all_shown() -> bool:
        reader.page.keyboard.press("n")  # which does nothing while rows are on their way
        return reader.found()[0] == newest

    reader.wait_until(all_there)
    reader.wait_until(all_shown)


def test_what_arrives_behind_the_rows_that_are_on_their_way_goes_on_waiting(site: Site, reader: Visitor) -> None:
    go_live(reader)
    buy(site, f"asked-for-{time.time_ns()}")
    expect(fresh(reader)).to_have_text("1 new event n")
    path = urlsplit(reader.page.url).path
    held: list[Route] = []

    def held_back(route: Route) -> None:
        held.append(route)

    reader.intercept(lambda url: urlsplit(url).path == path, held_back)
    before = size(site)
    reader.page.keyboard.press("n")
    reader.wait_until(lambda: held)
    answer = held[0].fetch()
    for number in range(2):
        buy(site, f"behind-{time.time_ns()}-{number}")
    expect(fresh(reader)).to_have_text("3 new events n")
    held[0].fulfill(response=answer)
    expect(reader.page.locator("tr.ev").first).to_have_id(f"e{before - 1}")
    expect(fresh(reader)).to_have_text("2 new events n")
    assert len(held) == 1


def test_an_answer_without_the_table_is_shown_whole(site: Site, reader: Visitor) -> None:
    """Such as the page that asks for another plan: the old rows are not replaced by nothing."""
    go_live(reader)
    buy(site, f"asked-for-{time.time_ns()}")
    expect(fresh(reader)).to_have_text("1 new event n")
    path = urlsplit(reader.page.url).path
    reader.intercept(
        lambda url: urlsplit(url).path == path,
        lambda route: route.fulfill(body="<!doctype html><h1>Upgrade</h1>", content_type="text/html"),
    )
    with reader.page.expect_navigation():
        reader.page.keyboard.press("n")
    assert reader.heading == "Upgrade"


def test_it_follows_the_filter_and_stays_on_with_the_next(site: Site, reader: Visitor) -> None:
    reader.open_log(("action", "member.change_role"))
    go_live(reader)
    member = site.company.person("Wen Li")
    burst_ = burst(site, "not-found", 40)
    site.company.act(site.company.owner, ChangeRole(member.id, Role.ADMIN))
    site.company.act(site.company.owner, ChangeRole(member.id, Role.MEMBER))
    for thread in burst_:
        thread.join()
    expect(fresh(reader)).to_have_text("2 new events n")
    fresh(reader).click()
    expect(reader.page.locator("tr.ev").first).to_contain_text("Admin")
    reader.follow(reader.page.get_by_role("link", name="Clear the search"))
    expect_live(reader)
    reader.follow(reader.page.get_by_role("link", name="Older"))
    expect(toggle(reader)).to_have_count(0)
    reader.page.go_back()
    expect_live(reader)
    toggle(reader).click()
    expect(bar(reader)).to_be_hidden()
    buy(site, f"off-{time.time_ns()}")
    reader.page.reload()
    expect(toggle(reader)).to_have_attribute("aria-pressed", "false")


def test_whoever_signs_out_or_loses_the_seat_is_told_that_it_ended(site: Site, arrive: Arrive) -> None:
    reader = arrive(site.company.person("Jonas Weiss"))
    site.company.act(site.company.owner, ChangeRole(site.company.person("Jonas Weiss").id, Role.AUDITOR))
    reader.open_log()
    go_live(reader)
    site.company.act(site.company.owner, ChangeRole(site.company.person("Jonas Weiss").id, Role.MEMBER))
    expect(bar(reader)).to_contain_text("The live tail has ended")
    expect(fresh(reader)).to_be_hidden()
    assert reader.follow(bar(reader).get_by_role("link", name="Open the page again")).status == 403
    auditor = arrive(site.company.auditor)
    auditor.open_log()
    go_live(auditor)
    other = auditor.context.new_page()
    other.goto(site.base_url + auditor.path("audit-logs"))
    with other.expect_navigation():
        other.get_by_role("button", name="Sign out").click()
    expect(bar(auditor)).to_contain_text("The live tail has ended")
    auditor.follow(bar(auditor).get_by_role("link", name="Open the page again"))
    assert urlsplit(auditor.page.url).path == "/sign-in"


def test_a_tab_that_nobody_sees_follows_nothing_and_catches_up_when_it_is_seen(site: Site, reader: Visitor) -> None:
    go_live(reader)
    reader.wait_until(lambda: site.followers == 1)
    reader.page.evaluate(TURNED, "hidden")
    reader.wait_until(lambda: site.followers == 0)
    before = size(site)
    for number in range(2):
        buy(site, f"unseen-{time.time_ns()}-{number}")
    expect(fresh(reader)).to_be_hidden()
    reader.page.evaluate(TURNED, "visible")
    expect(fresh(reader)).to_have_text("2 new events n")
    expect_live(reader)
    assert site.followers == 1
    buy(site, f"seen-{time.time_ns()}")
    expect(fresh(reader)).to_have_text("3 new events n")
    reader.page.keyboard.press("n")
    expect(reader.page.locator("tr.ev").first).to_have_id(f"e{before + 2}")


def test_a_server_that_was_away_is_found_again_and_nothing_is_missed(
    migrated_sqlite: str, page_context: Contexts
) -> None:
    store = Store(migrated_sqlite)
    company = Company(store, colleagues=())
    with serving(store) as address:
        site = Site(address, company, Clock())
        port = urlsplit(address).port or 0
        reader = Visitor(page_context, site, company.owner)
        reader.expect_complaint("ERR_")
        reader.open_log()
        go_live(reader)
        buy(site, "here")
        expect(fresh(reader)).to_have_text("1 new event n")
    expect(toggle(reader)).to_have_attribute("data-live-is", "cut")
    for number in range(5):
        buy(site, f"away-{number}")
    with serving(store, port=port):
        expect(fresh(reader)).to_have_text("6 new events n")
        expect_live(reader)
        reader.page.keyboard.press("n")
        expect(fresh(reader)).to_be_hidden()
        assert reader.found()[0] == size(site) - 1
    store.close()
