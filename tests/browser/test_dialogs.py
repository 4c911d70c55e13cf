"""Dialogs and forms when the server is slow or gone, and when there is little room."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from minutebook.organization.modes import CreateMode
from tests.support.server import Site
from tests.support.visitor import Arrive, Visitor


@pytest.fixture
def owner(arrive: Arrive, site: Site) -> Visitor:
    return arrive(site.company.owner)


def is_gone(visitor: Visitor, addresses: str, times: int) -> None:
    """The server does not answer so many times."""
    for complaint in ("net::ERR_FAILED", "htmx:sendError", "htmx:afterRequest"):
        visitor.expect_complaint(complaint)
    visitor.intercept(addresses, lambda route: route.abort(), times=times)


@pytest.mark.parametrize("dialog", ["invite", "remove", "delete"])
def test_a_dialog_that_did_not_come_says_so_in_its_place_and_is_asked_for_again(
    owner: Visitor, site: Site, dialog: str
) -> None:
    page = owner.page
    if dialog == "delete" and "Reviewer" not in site.company.modes():
        site.company.act(site.company.owner, CreateMode("Reviewer", "Read.", ()))
    owner.open("modes" if dialog == "delete" else "members")
    is_gone(owner, "**/delete" if dialog == "delete" else "**/remove" if dialog == "remove" else "**/new", times=2)
    if dialog == "invite":
        opener = page.get_by_role("link", name="Invite people")
        opener.click()
    else:
        opener = page.locator(f"summary[aria-label='More for {'Wen Li' if dialog == 'remove' else 'Reviewer'}']")
        opener.click()
        page.get_by_role("link", name="Remove from" if dialog == "remove" else "Delete").locator("visible=true").click()
    address = page.url
    failed = page.get_by_role("alertdialog", name="The server did not answer")
    again = failed.get_by_role("button", name="Try again")
    expect(again).to_be_focused()
    page.keyboard.press("Escape")
    expect(failed).to_be_hidden()
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    if dialog != "invite":
        page.get_by_role("link", name="Remove from" if dialog == "remove" else "Delete").locator("visible=true").click()
    again.click()
    wanted = page.locator(f"dialog#{dialog}[open]")
    expect(wanted).to_be_visible()
    expect(failed).to_be_hidden()
    assert page.url == address
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    assert page.url == address


@pytest.mark.parametrize("script", [True, False])
def test_what_a_dialog_is_for_is_in_sight_on_a_phone(site: Site, arrive: Arrive, script: bool) -> None:
    phone = arrive(site.company.owner, width=360, height=740, script=script)
    phone.open("members")
    phone.page.get_by_role("link", name="Invite people").click()
    dialog = phone.page.get_by_role("dialog", name="Invite people").bounding_box()
    button = phone.page.get_by_role("button", name="Invite", exact=True).bounding_box()
    assert dialog and button
    assert dialog["y"] + dialog["height"] - (button["y"] + button["height"]) >= 12


def test_a_form_is_sent_once_however_often_its_button_is_pressed(owner: Visitor) -> None:
    sent: list[Route] = []

    def hold(route: Route) -> None:
        sent.append(route)

    owner.open("modes", "new")
    owner.intercept("**/modes/new", hold)
    owner.page.get_by_label("Name").fill("Sent once")
    button = owner.page.get_by_role("button", name="Create mode")
    place = button.bounding_box()
    assert place
    for _ in range(2):
        owner.page.mouse.click(place["x"] + 5, place["y"] + 5)
        owner.wait_until(lambda: sent)
    owner.page.wait_for_timeout(200)  # a second one would arrive behind the first
    assert len(sent) == 1
    with owner.page.expect_navigation():
        sent[0].continue_()
    owner.told("Mode created")
    owner.page.unroute("**/modes/new")
    owner.page.go_back()
    expect(button).to_be_enabled()
