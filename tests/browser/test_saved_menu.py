"""The menu of saved searches, which says how many events each of them finds."""

from __future__ import annotations

from playwright.sync_api import expect

from minutebook.organization.saved_searches import SaveSearch
from tests.support.server import Site
from tests.support.visitor import Arrive


def test_the_menu_says_how_many_each_finds_once_it_is_open(site: Site, arrive: Arrive) -> None:
    reader = arrive(site.company.owner)
    site.company.act(site.company.owner, SaveSearch("Everything that was saved", "action:search.save", shared=False))
    reader.open_log()
    number = reader.page.locator("[data-menu=saved] [data-count-of]")
    expect(number).to_have_text("")
    reader.page.locator("[data-menu=saved] summary").click()
    expect(number).to_have_text("1")
    # At the end of the row, and the name has the rest of it.
    option = reader.page.locator("[data-menu=saved] .opt:has([data-count-of])")
    name, count, row = (found.bounding_box() for found in (option.locator("span").first, number, option))
    assert name and count and row
    assert row["x"] + row["width"] - count["x"] - count["width"] < 16
    assert name["width"] > row["width"] / 2
    # What was saved meanwhile is counted when it is opened again.
    site.company.act(site.company.owner, SaveSearch("Something else", "action:user.login", shared=False))
    reader.page.keyboard.press("Escape")
    reader.page.locator("[data-menu=saved] summary").click()
    expect(number).to_have_text("2")
