"""What goes, floats or rises where there is little room, and what stays told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, expect

from minutebook.model import Client, Context, Role, Seat
from minutebook.organization.modes import CreateMode
from minutebook.organization.sign_in import RecordFailedSignIn
from minutebook.record import perform
from tests.browser.test_finding import ask, box
from tests.support.server import Site, new_person, site_on
from tests.support.visitor import Arrive, Visitor


@pytest.fixture(scope="module")
def site(site_url: str) -> Iterator[Site]:
    """Two people whose addresses differ in nothing but the domain, and acts from two clients."""
    with site_on(site_url) as site:
        company = site.company
        other = new_person(company.store, "Ada Okafor", "evil.example")
        company.join(other, Role.ADMIN)
        for number, client in enumerate((Client.WEB, Client.API) * 3):
            seat = Seat(company.number, (company.owner, other)[number // 3].actor(), Context(client=client))
            perform(company.store, seat, CreateMode(f"Mode {number}", "", ()))
        company.act(company.owner, RecordFailedSignIn("Wrong password", 1))
        yield site


@pytest.fixture
def reader(site: Site, arrive: Arrive) -> Visitor:
    reader = arrive(site.company.owner)
    reader.open_log(("action", "mode.create"))
    return reader


def facet(reader: Visitor, title: str) -> Locator:
    heading = reader.page.get_by_role("heading", name=title, exact=True, include_hidden=True)
    return reader.page.locator(".facet").filter(has=heading)


@pytest.mark.parametrize("width", [1440, 700])
def test_only_the_readers_own_domain_goes_without_saying(reader: Visitor, width: int) -> None:
    reader.page.set_viewport_size({"width": width, "height": 900})
    if width == 1440:
        names = facet(reader, "Actor").locator("li")
        assert {row.locator(".mail").inner_text() for row in names.all()} == {"ada.okafor", "ada.okafor@evil.example"}
        titles = {row.get_by_role("link").get_attribute("title") for row in names.all()}
        assert titles == {"ada.okafor@calder.example", "ada.okafor@evil.example"}
    cells = [cell.inner_text() for cell in reader.page.locator("tr.ev .mail").all()]
    own = "ada.okafor@calder.example" if width == 1440 else "ada.okafor"
    assert cells == ["ada.okafor@evil.example"] * 3 + [own] * 3


@pytest.mark.parametrize(
    ("width", "shown"),
    [(1440, ["Outcome", "Client", "Action", "Actor"]), (1280, ["Outcome", "Client", "Action"]), (1000, ["Outcome"])],
)
def test_facets_go_where_the_histogram_needs_their_room(reader: Visitor, width: int, shown: list[str]) -> None:
    reader.page.set_viewport_size({"width": width, "height": 900})
    told = reader.page.locator(".facet h3").all()
    assert [heading.inner_text() for heading in told if heading.is_visible()] == shown


@pytest.mark.parametrize(("width", "floats"), [(1440, False), (1201, False), (1199, True), (1024, True), (360, True)])
def test_the_panel_floats_where_it_would_squeeze_the_table(reader: Visitor, width: int, *, floats: bool) -> None:
    reader.page.set_viewport_size({"width": width, "height": 900})
    before = reader.page.locator("main").bounding_box()
    panel = reader.open_event(reader.rows()[0].seq)
    beside, after = panel.bounding_box(), reader.page.locator("main").bounding_box()
    assert before and beside and after
    assert (after["width"] == before["width"]) == floats
    assert beside["x"] + beside["width"] == width
    assert (beside["width"] == width) == (width < 640)


@pytest.mark.parametrize(("width", "rises"), [(700, False), (639, True)])
def test_popovers_rise_from_the_bottom_edge_of_a_small_screen(reader: Visitor, width: int, *, rises: bool) -> None:
    reader.page.set_viewport_size({"width": width, "height": 900})
    popover = reader.menu("actor").locator(".pop").bounding_box()
    assert popover
    assert (popover["y"] + popover["height"] == 900) == (popover["width"] == width) == rises


@pytest.mark.parametrize(
    ("title", "value", "query"),
    [
        ("Outcome", "Success", "outcome:success"),
        ("Action", "user.invite", "action:user.invite"),
        ("Actor", "ada.okafor@evil.example", "actor:ada.okafor@evil.example"),
        ("Client", "API", "client:api"),
    ],
)
def test_the_box_and_each_facet_agree(reader: Visitor, title: str, value: str, query: str) -> None:
    def row() -> Locator:
        return facet(reader, title).locator("li").filter(has=reader.page.get_by_text(value, exact=True))

    ask(reader, "ada")
    link = row().get_by_role("link")
    expect(link).not_to_have_attribute("aria-current", "true")
    reader.follow(link)
    assert {*box(reader).input_value().split()} == {query, "ada"}
    expect(row().get_by_role("link")).to_have_attribute("aria-current", "true")
    reader.follow(row().get_by_role("link"))
    expect(box(reader)).to_have_value("ada")
    ask(reader, f"ada {query}")
    expect(row().get_by_role("link")).to_have_attribute("aria-current", "true")
    if title in ("Action", "Actor"):  # of many values, what is left out is not among those that are offered
        return
    ask(reader, f"ada -{query}")
    out = facet(reader, title).locator("li.is-out")
    expect(out.get_by_role("link")).to_contain_text("Left out")
    reader.follow(out.get_by_role("link"))
    expect(box(reader)).to_have_value("ada")
