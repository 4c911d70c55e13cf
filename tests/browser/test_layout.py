"""What stands in line: titles from page to page, the steps of the panel, a search beside its filter."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from minutebook.organization.auditor_links import CreateLink
from minutebook.organization.saved_searches import SaveSearch
from minutebook.organization.tokens import CreateToken
from tests.support.server import Site
from tests.support.visitor import Arrive


def edges(element: Locator) -> tuple[float, float]:
    """Its top and its right edge, in whole pixels."""
    box = element.bounding_box()
    assert box
    return round(box["y"]), round(box["x"] + box["width"])


@pytest.mark.parametrize("width", [1440, 360])
def test_titles_stand_at_one_height_on_every_page(site: Site, arrive: Arrive, width: int) -> None:
    owner = arrive(site.company.owner, width=width)
    heights = {}
    for page in ("members", "models", "modes", "credits", "sso", "settings", "audit-logs"):
        owner.open(page)
        box = owner.page.get_by_role("heading", level=1).bounding_box()
        assert box
        heights[page] = round(box["y"] + box["height"] / 2)
    assert len(set(heights.values())) == 1, heights


def test_the_steps_of_the_panel_end_in_line_counted_or_not(site: Site, arrive: Arrive) -> None:
    owner = arrive(site.company.owner)
    owner.open_log(("action", "user.accept_invite"))
    panel = owner.open_event(owner.found()[0])
    ends = {edges(arrow)[1] for arrow in panel.locator(".more a > .icon").all()}
    assert panel.locator(".more a").count() > 1
    assert len(ends) == 1


@pytest.mark.parametrize("width", [1440, 360])
@pytest.mark.parametrize("before", ["-action:user.logout ", "-action:user.logout actor:ada@calder.example opus " * 3])
def test_what_is_wrong_with_a_query_is_in_sight(site: Site, arrive: Arrive, width: int, before: str) -> None:
    """However long the query and small the screen; and the query that is offered is not broken behind a minus."""
    owner = arrive(site.company.owner, width=width)
    owner.expect_complaint("status of 422")
    owner.open_log(("query", f"{before}outcome:sucess"))
    mark = owner.page.locator(".query-error mark")
    frame, box = owner.page.locator(".query-error pre").bounding_box(), mark.bounding_box()
    assert frame
    assert box
    assert frame["x"] <= box["x"]
    assert box["x"] + box["width"] <= frame["x"] + frame["width"]
    words = owner.page.locator(".query-error__fix .whole")
    heights = {round(word.bounding_box()["height"]) for word in words.all()}  # type: ignore[index]
    assert len(heights) == 1


def test_a_list_on_a_phone_tells_all_that_it_tells_elsewhere(site: Site, arrive: Arrive) -> None:
    company = site.company
    company.act(company.owner, CreateLink("Nordwind", "action:member.*", 30, "a token of the link for Nordwind"))
    company.act(company.owner, CreateToken("SIEM", ("log.read",), 30, "a secret of the token"))
    company.act(company.owner, SaveSearch("Refusals", "outcome:denied", shared=True))
    owner = arrive(company.owner, width=360)
    for page, told in (
        ("auditor-links", ("action:member.*", "Ada Okafor", "0 browsers")),
        ("tokens", ("Never used", "Ada Okafor")),
        ("audit-logs/saved", ("outcome:denied", "Everybody", "by Ada Okafor")),
    ):
        owner.open(page)
        row = owner.page.locator(".list tbody tr").first
        for words in told:
            expect(row.get_by_text(words)).to_be_visible()


def test_the_search_for_members_and_its_filter_share_a_line_on_a_phone(site: Site, arrive: Arrive) -> None:
    owner = arrive(site.company.owner, width=360)
    owner.open("members")
    search, role = owner.page.locator(".tools .query"), owner.page.locator(".tools summary")
    assert edges(search)[0] == edges(role)[0]
    assert edges(role)[1] == 344  # the margin of the page
