"""Completion in the search box: a combobox that is never in the way of whoever types."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Route, expect

from minutebook.filters.term_values import CLIENTS
from minutebook.filters.terms import TERMS
from minutebook.organization.modes import CreateMode
from tests.support.server import Site, site_on
from tests.support.visitor import Arrive, Visitor

SOON_MS = 120
"""How long somebody types nothing before the box asks."""


@pytest.fixture(scope="module")
def site(site_url: str) -> Iterator[Site]:
    """Modes whose names need quotation marks."""
    with site_on(site_url) as site:
        for name in ("Code reviewer", 'Say "yes" 𝕏'):
            site.company.act(site.company.owner, CreateMode(name, "", ()))
        yield site


@pytest.fixture
def reader(site: Site, arrive: Arrive) -> Visitor:
    reader = arrive(site.company.owner)
    reader.open_log()
    return reader


def box(reader: Visitor) -> Locator:
    return reader.page.get_by_role("combobox", name="Search the log")


def list_(reader: Visitor) -> Locator:
    return reader.page.locator("#completions")


def options(reader: Visitor) -> Locator:
    """Those for what is in the box now, not for what was there before."""
    listbox = reader.page.get_by_role("listbox", name="Completions")
    return listbox.and_(reader.page.locator("[aria-busy=false]")).get_by_role("option")


def type_(reader: Visitor, text: str) -> None:
    box(reader).press_sequentially(text)


def stop_clock(reader: Visitor) -> None:
    """From here on the page waits for as long as it is told to, however slow the machine is."""
    reader.page.clock.install()
    reader.page.clock.pause_at(datetime.now() + timedelta(hours=1))  # noqa: DTZ005


def active(reader: Visitor) -> str:
    """What the box says is chosen, by the id of the option."""
    chosen = box(reader).get_attribute("aria-activedescendant")
    return reader.page.locator(f"#{chosen} code").inner_text() if chosen else ""


def test_a_query_is_written_by_arrows_and_tab_and_sent_by_enter(reader: Visitor) -> None:
    expect(box(reader)).to_have_attribute("aria-expanded", "false")
    type_(reader, "act")
    expect(options(reader).first).to_contain_text("action:")
    expect(box(reader)).to_have_attribute("aria-expanded", "true")
    assert active(reader) == ""
    reader.page.keyboard.press("ArrowDown")
    assert active(reader) == "action:"
    expect(options(reader).first).to_have_attribute("aria-selected", "true")
    reader.page.keyboard.press("Tab")
    expect(box(reader)).to_have_value("action:")
    expect(box(reader)).to_be_focused()
    expect(options(reader).filter(has_text="mode.create")).to_be_visible()
    type_(reader, "mode")
    expect(options(reader)).to_have_count(4)
    reader.page.keyboard.press("ArrowUp")  # the last one
    assert active(reader) == "mode.*"
    reader.page.keyboard.press("ArrowDown")  # none, then the first
    assert active(reader) == ""
    reader.page.keyboard.press("ArrowDown")
    reader.page.keyboard.press("Enter")
    expect(box(reader)).to_have_value("action:mode.create ")
    expect(options(reader)).to_have_count(0)
    type_(reader, "target:cod")
    expect(options(reader)).to_have_count(1)
    reader.page.keyboard.press("ArrowDown")
    reader.page.keyboard.press("Enter")
    expect(box(reader)).to_have_value('action:mode.create target:"Code reviewer" ')
    with reader.page.expect_navigation():
        reader.page.keyboard.press("Enter")
    assert [row.action for row in reader.rows()] == ["mode.create"]


def test_what_is_chosen_by_pointer_takes_the_place_of_what_was_typed(reader: Visitor) -> None:
    """Also behind a character that a script counts as two."""
    box(reader).fill('𝕏 target:"yes')
    type_(reader, '"')
    options(reader).first.click()
    expect(box(reader)).to_have_value('𝕏 target:"Say \\"yes\\" 𝕏" ')
    expect(box(reader)).to_be_focused()
    owner = reader.site.company.owner.email
    box(reader).fill(f"actor:{owner[:4]} action:x")
    for _ in range(len(" action:x")):
        reader.page.keyboard.press("ArrowLeft")
    reader.page.keyboard.press("ArrowDown")
    options(reader).filter(has_text=owner).click()
    expect(box(reader)).to_have_value(f"actor:{owner} action:x")


def test_escape_closes_the_list_first(reader: Visitor) -> None:
    reader.page.locator(".ev__open").first.click()
    panel = reader.page.locator("#panel")
    expect(panel).to_be_visible()
    type_(reader, "outc")
    expect(options(reader)).to_have_count(1)
    reader.page.keyboard.press("Escape")
    expect(options(reader)).to_have_count(0)
    expect(box(reader)).to_have_value("outc")
    expect(box(reader)).to_be_focused()
    expect(panel).to_be_visible()
    reader.page.keyboard.press("ArrowDown")
    expect(options(reader)).to_have_count(1)
    reader.page.get_by_role("heading", level=1).click()
    expect(options(reader)).to_have_count(0)


def test_enter_sends_what_was_typed_however_slow_the_answers(reader: Visitor) -> None:
    """What comes too late is for another text and is not shown."""
    held: list[Route] = []

    def held_back(route: Route) -> None:
        held.append(route)

    reader.intercept("**/complete?*", held_back)
    stop_clock(reader)
    type_(reader, "mode")
    reader.page.clock.run_for(SOON_MS)
    reader.wait_until(lambda: held)
    type_(reader, "s")
    with reader.page.expect_event("requestfinished"):
        held[0].fulfill(body='<div data-start="0" data-end="4"><div role="option" id="completion-1">old</div></div>')
    expect(list_(reader)).to_be_hidden()
    assert len(held) == 1
    reader.page.unroute("**/complete?*")
    box(reader).fill("action:mode.create")
    with reader.page.expect_navigation():
        box(reader).press("Enter")
    assert {row.action for row in reader.rows()} == {"mode.create"}


def test_escape_empties_no_box(reader: Visitor) -> None:
    """Neither the box, with its list open or not, nor the search in a menu."""
    type_(reader, "outc")
    expect(options(reader)).to_have_count(1)
    for _ in range(3):
        reader.page.keyboard.press("Escape")
    expect(options(reader)).to_have_count(0)
    expect(box(reader)).to_have_value("outc")
    menu = reader.menu("actor")
    menu.get_by_role("searchbox").fill("gra")
    reader.page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(menu.locator("[data-find]")).to_have_value("gra")


def test_what_there_is_to_write_is_shown_at_an_empty_box_and_where_a_term_begins(reader: Visitor) -> None:
    expect(options(reader)).to_have_count(0)
    reader.page.keyboard.press("/")
    expect(options(reader).first).to_contain_text("action:")
    reader.page.keyboard.press("Escape")
    for begun in ("opus ", "opus OR ", "opus (", "opus -"):
        box(reader).fill("")
        type_(reader, begun)
        expect(options(reader).first).to_contain_text("action:")
    box(reader).fill("")
    type_(reader, "client:")
    expect(options(reader)).to_have_text([name + called for name, called in CLIENTS.items()])
    box(reader).fill("")
    type_(reader, reader.site.company.member.name.split()[0])
    expect(options(reader).filter(has_text=f"actor:{reader.site.company.member.email}")).to_be_visible()


def test_the_list_is_under_the_box_on_a_phone_too(site: Site, arrive: Arrive) -> None:
    reader = arrive(site.company.owner, width=360)
    reader.open_log()
    box(reader).click()
    expect(options(reader).first).to_be_visible()
    field, under = box(reader).bounding_box(), list_(reader).bounding_box()
    assert field
    assert under
    assert 0 <= under["y"] - (field["y"] + field["height"]) < 16


def test_what_was_typed_and_not_sent_goes_along_with_another_filter(reader: Visitor) -> None:
    type_(reader, "opus")
    reader.page.keyboard.press("Escape")
    reader.menu("dates")
    reader.follow(reader.page.get_by_role("link", name="Last 7 days"))
    assert box(reader).input_value().startswith("after:")
    assert box(reader).input_value().endswith(" opus")
    # Unfinished, it comes back, and the other filter holds.
    box(reader).press("End")
    type_(reader, " outcome:")
    reader.page.keyboard.press("Escape")
    menu = reader.choose_actions("mode.create")
    reader.expect_complaint("status of 422")
    reader.apply(menu)
    expect(box(reader)).to_have_value("action:mode.create after:-7d opus outcome:")
    assert "needs a value" in reader.page.locator("#query-error").inner_text()
    assert {"action=mode.create", "text=opus"} <= set(reader.page.url.partition("?")[2].split("&"))
    # Before what is searched for as well as behind it.
    reader.open_log(("query", "outcome:success"))
    box(reader).press("Home")
    type_(reader, "opus ")
    reader.follow(reader.page.locator(".chip__x").last)
    expect(box(reader)).to_have_value("opus")
    # In the other zone.
    reader.open_log()
    type_(reader, "opus")
    reader.page.keyboard.press("Escape")
    reader.follow(reader.page.locator("[data-zone-switch]").get_by_role("link", name="UTC"))
    expect(box(reader)).to_have_value("opus")
    assert set(parse_qs(urlsplit(reader.page.url).query)) == {"text", "zone"}
    # What was reworded is no more than that: nothing can be added to it.
    reader.open_log(("query", "outcome:success"))
    box(reader).fill("outcome:failure")
    reader.follow(reader.page.locator(".facet a").first)
    assert "failure" not in box(reader).input_value()


def test_a_filter_without_a_control_is_begun_in_the_box_and_what_is_wrong_there_is_selected(reader: Visitor) -> None:
    type_(reader, "𝕏 ")
    # The list lies over the controls while it is open, and it opens whenever its answer comes.
    expect(list_(reader)).to_be_visible()
    reader.page.keyboard.press("Escape")
    menu = reader.page.get_by_role("form", name="Filters").locator("[data-menu=others]")
    menu.locator("summary").click()
    reader.page.keyboard.press("ArrowDown")
    expect(menu.get_by_role("button")).to_have_count(len(TERMS) - len(("action", "actor", "after", "before", "text")))
    menu.get_by_role("button", name="Outcome outcome:").click()
    expect(box(reader)).to_have_value("𝕏 outcome:")
    expect(box(reader)).to_be_focused()
    expect(options(reader)).to_have_count(3)
    type_(reader, "denid actor:ada")
    reader.page.keyboard.press("Enter")
    expect(reader.page.locator("#query-error mark")).to_have_text("denid")
    expect(box(reader)).to_be_focused()
    reader.page.keyboard.type("denied")
    expect(box(reader)).to_have_value("𝕏 outcome:denied actor:ada")


def test_a_word_that_is_typed_through_asks_once(reader: Visitor) -> None:
    asked: list[str] = []
    reader.page.on("request", lambda request: asked.append(request.url) if "/complete?" in request.url else None)
    stop_clock(reader)
    for word in ("login ", "outc"):
        type_(reader, word)
        reader.page.clock.run_for(SOON_MS - 1)
    reader.page.clock.run_for(1)
    expect(options(reader)).to_have_count(1)
    assert len(asked) == 1


@pytest.mark.parametrize("answer", [500, 403, None])
def test_when_nothing_comes_the_box_is_a_plain_field(reader: Visitor, answer: int | None) -> None:
    reader.expect_complaint("net::ERR_FAILED" if answer is None else f"status of {answer}")
    reader.intercept(
        "**/complete?*", lambda route: route.fulfill(status=answer, body="no") if answer else route.abort()
    )
    type_(reader, "outc")
    expect(list_(reader)).to_have_attribute("aria-busy", "false")
    expect(list_(reader)).to_be_hidden()
    expect(box(reader)).to_have_attribute("aria-expanded", "false")


def test_without_script_the_box_is_a_plain_search_field(site: Site, arrive: Arrive) -> None:
    reader = arrive(site.company.owner, script=False)
    reader.open_log()
    plain = reader.page.get_by_role("searchbox", name="Search the log")
    plain.fill("action:mode.create")
    with reader.page.expect_navigation():
        plain.press("Enter")
    assert {row.action for row in reader.rows()} == {"mode.create"}
