"""What stands in line: titles from page to page, the steps of the panel, a search beside its filter."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator

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


def test_the_search_for_members_and_its_filter_share_a_line_on_a_phone(site: Site, arrive: Arrive) -> None:
    owner = arrive(site.company.owner, width=360)
    owner.open("members")
    search, role = owner.page.locator(".tools .query"), owner.page.locator(".tools summary")
    assert edges(search)[0] == edges(role)[0]
    assert edges(role)[1] == 344  # the margin of the page
