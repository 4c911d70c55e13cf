"""The panel beside the table, by mouse: what it shows, where it leads, and what a server that is slow or gone does."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Route, expect

from minutebook.identifiers import new_token
from minutebook.model import Context
from minutebook.organization import sessions
from minutebook.organization.credits import BuyCredits
from minutebook.store.engine import Store
from tests.support.deployment import PASSWORD
from tests.support.history import live_a_little
from tests.support.server import Site, site_on
from tests.support.visitor import Arrive, Visitor, facts_of


@pytest.fixture(scope="module")
def site(site_url: str) -> Iterator[Site]:
    """A site with a little of everything."""
    with site_on(site_url) as site:
        live_a_little(site.company)
        yield site


@pytest.fixture
def reader(arrive: Arrive, site: Site) -> Visitor:
    """An auditor at the changes of settings, the newest first."""
    reader = arrive(site.company.auditor)
    reader.open_log(("action", "settings.change"))
    return reader


def test_a_row_opens_wherever_it_is_clicked_and_its_values_filter(reader: Visitor) -> None:
    first, second = reader.found()
    row = reader.page.locator(f"#e{second}")
    box = row.locator(".what").bounding_box()
    assert box
    reader.page.mouse.click(box["x"] + box["width"] - 8, box["y"] + 8)
    panel = reader.page.get_by_role("complementary", name=f"Event {second}")
    expect(panel).to_be_visible()
    expect(row).to_have_attribute("aria-current", "true")
    reader.page.locator(f"#e{first} .ev__open").click()
    expect(reader.page.get_by_role("complementary", name=f"Event {first}")).to_be_visible()
    reader.follow(reader.page.locator(f"#e{first} .who .mail"))
    assert {row.actor for row in reader.rows()} == {reader.site.company.owner.email}
    reader.follow(reader.page.locator("tr.ev .c-act a").first)
    assert "action=settings.change" in reader.page.url


def test_an_event_is_shown_whole(reader: Visitor) -> None:
    reader.context.grant_permissions(["clipboard-read", "clipboard-write"])
    seq = reader.found()[-1]
    panel = reader.open_event(seq)
    added = panel.locator(".diff .add").all_inner_texts()
    assert [text.removeprefix("added").strip() for text in added[:1]] == ["acme/coder-1"]
    assert "anthropic/claude-haiku-4.5" in " ".join(panel.locator(".diff .del").all_inner_texts())
    facts = facts_of(panel)
    assert facts["Actor"].startswith("Ada Okafor ada.okafor@calder.example")
    assert {"IP address", "Event id", "Leaf hash", "Checkpoint"} <= facts.keys()
    panel.get_by_role("tab", name="Raw JSON").click()
    shown = json.loads(panel.locator("#raw").inner_text())
    assert shown["seq"] == seq and shown["action"] == "settings.change"
    panel.get_by_role("button", name="Copy as JSON").click()
    reader.told("JSON copied")
    assert json.loads(reader.page.evaluate("navigator.clipboard.readText()")) == shown
    assert reader.context.request.get(reader.path("audit-logs", f"{seq}.json")).json() == shown


@pytest.mark.parametrize("dark", [False, True])
def test_the_ring_of_the_panel_is_drawn_within_it_and_whole(site: Site, arrive: Arrive, dark: bool) -> None:
    reader = arrive(site.company.auditor, dark=dark)
    reader.open_log()
    for key in ("j", "j", "Enter"):
        reader.page.keyboard.press(key)
    panel = reader.page.locator("#panel")
    expect(panel).to_be_focused()
    box = panel.bounding_box()
    assert box

    def photograph(left: float, top: float, width: float, height: float) -> bytes:
        # Out of the way: the row below the pointer looks different.
        reader.page.mouse.move(0, 0)
        return reader.page.screenshot(clip={"x": left, "y": top, "width": width, "height": height})

    edges = [photograph(box["x"] + inside, top, 2, 30) for inside in (1, box["width"] - 2) for top in (10, 200, 800)]
    assert len(set(edges)) == 1
    rows = photograph(0, 0, box["x"], 900)
    panel.evaluate("panel => panel.blur()")
    assert photograph(0, 0, box["x"], 900) == rows
    assert photograph(box["x"] + 1, 10, 2, 30) != edges[0]


def test_keys_turn_pages_and_show_what_is_new(reader: Visitor, site: Site) -> None:
    def buy(number: int) -> None:
        for _ in range(number):
            site.company.act(site.company.owner, BuyCredits(100, f"inv-{new_token(site.store.randomness)}"))

    def leads_on(key: str) -> list[int]:
        with reader.page.expect_navigation():
            reader.page.keyboard.press(key)
        return reader.found()

    buy(60)
    reader.open_log(("action", "credits.purchase"))
    first = reader.found()
    second = leads_on("]")
    assert set(second).isdisjoint(first)
    buy(2)
    reader.page.get_by_role("combobox", name="Search the log").press("[")
    reader.page.keyboard.press("Tab")
    assert leads_on("[") == first
    expect(reader.page.get_by_role("link", name="2 new events")).to_be_visible()
    assert leads_on("n")[2:] == first[:-2]


def test_the_panel_leads_on(reader: Visitor) -> None:
    first, second = reader.found()
    reader.open_event(second).get_by_role("link", name="Newer event").click()
    panel = reader.page.get_by_role("complementary", name=f"Event {first}")
    expect(panel).to_be_visible()
    assert panel.get_by_role("link", name="Newer event").get_attribute("aria-disabled") == "true"
    more = panel.get_by_role("link", name="Everything by this actor")
    number = more.locator(".num").inner_text()
    reader.follow(more)
    assert reader.number_found().startswith(f"{number} events")


def test_what_is_on_screen_stays_until_the_answer_is_there(reader: Visitor) -> None:
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    reader.intercept("**/audit-logs?*event=*", hold)
    seq = reader.found()[0]
    reader.page.locator(f"#e{seq} .ev__open").click()
    bar = reader.page.locator("#busy")
    expect(bar).to_have_class("busy htmx-request")
    assert len(reader.rows()) == 2
    reader.wait_until(lambda: waiting)
    waiting.pop().continue_()
    expect(reader.page.get_by_role("complementary", name=f"Event {seq}")).to_be_visible()
    expect(bar).to_have_class("busy")


def test_a_server_that_did_not_answer_is_asked_again(reader: Visitor) -> None:
    for complaint in ("net::ERR_FAILED", "htmx:sendError", "htmx:afterRequest"):
        reader.expect_complaint(complaint)
    reader.intercept("**/audit-logs?*event=*", lambda route: route.abort(), times=2)
    first, second = reader.found()
    address = reader.page.url
    for seq in (first, second):
        reader.page.locator(f"#e{seq} .ev__open").click()
        expect(reader.page.get_by_role("heading", name="The server did not answer")).to_be_visible()
        assert reader.page.url == address
    reader.page.get_by_role("link", name="Try again").click()
    expect(reader.page.get_by_role("complementary", name=f"Event {second}")).to_be_visible()
    assert f"event={second}" in reader.page.url


@pytest.mark.parametrize("left", ["to read", "to open"])
def test_whoever_is_signed_out_meanwhile_is_led_to_the_sign_in_and_back(site: Site, arrive: Arrive, left: str) -> None:
    reader = arrive(site.company.admin)
    reader.open_log(("action", "settings.change"))
    seq = reader.found()[0]
    sign_out_elsewhere(site.store, reader)
    with reader.page.expect_navigation():
        if left == "to open":
            reader.page.locator(f"#e{seq} .ev__open").click()
        else:
            reader.page.get_by_role("link", name="Remove filter").first.click()
    assert reader.heading == "Sign in"
    reader.page.get_by_label("Email address").fill(site.company.admin.email)
    reader.page.get_by_label("Password").fill(PASSWORD)
    reader.press("Sign in")
    assert reader.heading == "Audit Logs"
    expect(reader.page.locator("#panel:not([hidden])")).to_have_count(1 if left == "to open" else 0)


def sign_out_elsewhere(store: Store, reader: Visitor) -> None:
    """Ends the visitor's session, as another tab of theirs would."""
    (token,) = (each["value"] for each in reader.context.cookies() if each["name"] == "minutebook-session")
    with store.reading() as connection:
        found = sessions.find_session(connection, token, store.clock())
    assert found
    sessions.sign_out(store, found[0], Context(ip="192.0.2.9"))
