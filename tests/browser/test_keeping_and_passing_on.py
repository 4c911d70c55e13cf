"""Searches that are kept, histories, and links for auditors, by the keyboard alone and on a small screen."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from minutebook.model import Role
from minutebook.organization.seats import ChangeRole
from tests.browser.test_keyboard import Typist
from tests.support.server import Site
from tests.support.states import auditor_link, let_support_in
from tests.support.visitor import Arrive, Visitor


def test_a_search_is_saved_and_found_again_by_the_keyboard(site: Site, arrive: Arrive) -> None:
    typist = arrive(site.company.owner, visitor=Typist)
    typist.open_log(("query", "-outcome:success"))
    typist.keys("s")
    menu = typist.page.locator("details[data-menu=saved]")
    expect(menu.get_by_role("link", name="All events")).to_be_visible()
    expect(menu.locator("summary")).to_be_focused()
    typist.see_focus()
    typist.keys("Escape")
    save = typist.page.get_by_role("link", name="Save search")
    typist.tab_to(save)
    typist.keys("Enter")
    dialog = typist.page.get_by_role("dialog", name="Save this search")
    expect(dialog.get_by_label("Name")).to_be_focused()
    typist.keys("Escape")
    expect(dialog).to_be_hidden()
    expect(save).to_be_focused()
    typist.keys("?")
    expect(typist.page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    typist.keys("Escape")
    typist.keys("Enter")
    expect(dialog.get_by_label("Name")).to_be_focused()
    typist.type("What went wrong")
    typist.keys("Tab")
    typist.see_focus()
    typist.keys("ArrowDown")
    expect(dialog.get_by_label("Everybody")).to_be_checked()
    typist.goes_on("Enter")
    typist.told("Search saved")
    assert "q=-outcome:success" in typist.page.url
    typist.open_log()
    typist.keys("s", "ArrowDown", "ArrowDown")
    expect(menu.get_by_role("link", name="What went wrong")).to_be_focused()
    typist.see_focus()
    typist.goes_on("Enter")
    assert "q=-outcome:success" in typist.page.url
    expect(menu.locator("a[aria-current]")).to_have_count(1)


def test_support_staff_enters_and_an_owner_ends_it_by_the_keyboard(site: Site, arrive: Arrive) -> None:
    sam = arrive(visitor=Typist, width=360)
    sam.go(f"/support/{let_support_in(sam, 'Sam Stone', 'Ticket 4711')}")
    sam.tab_to(sam.page.get_by_role("button", name="Enter"))
    sam.goes_on("Enter")
    expect(sam.page.get_by_role("note", name="Support staff")).to_contain_text("Sam Stone")
    owner = arrive(site.company.owner, visitor=Typist, width=360)
    owner.open_log()
    end = owner.page.get_by_role("button", name="End access")
    owner.tab_to(end)
    owner.see_focus()
    owner.goes_on("Enter")
    owner.told("The access of support staff is over")
    expect(owner.page.get_by_role("note", name="Support staff")).to_have_count(0)
    sam.expect_complaint("status of 404")
    sam.page.reload()
    expect(sam.page.get_by_role("heading", name="Page not found")).to_be_visible()


def test_a_row_and_its_panel_lead_to_the_histories_of_those_in_it(site: Site, arrive: Arrive) -> None:
    company = site.company
    company.act(company.owner, ChangeRole(company.member.id, Role.ADMIN))
    company.act(company.owner, ChangeRole(company.member.id, Role.MEMBER))
    visitor = arrive(company.owner)
    visitor.open_log(("action", "member.change_role"))
    row = visitor.page.locator("tr.ev").first
    # The name narrows what is searched for, as every value does; the panel leads to all of it.
    visitor.follow(row.get_by_role("link", name="Wen Li"))
    box = visitor.page.locator("[data-search]")
    expect(box).to_have_value(f"action:member.change_role target_id:{company.member.id}")
    assert len(visitor.rows()) == 2
    visitor.open_event(visitor.found()[0])
    visitor.follow(visitor.page.get_by_role("link", name="Everything done to this target"))
    section = visitor.page.get_by_role("region", name="History of Wen Li")
    done = section.get_by_role("link", name="Done to them")
    expect(done).to_have_attribute("aria-current", "true")
    assert len(visitor.rows()) == int(done.locator(".num").inner_text())
    visitor.follow(row.get_by_role("link", name="Everything by Ada Okafor"))
    expect(visitor.page.get_by_role("heading", name="History of Ada Okafor")).to_be_visible()
    visitor.follow(visitor.page.get_by_role("link", name="Done to them"))
    expect(visitor.page.get_by_role("heading", name="History of Ada Okafor")).to_be_visible()


@pytest.mark.parametrize("script", [True, False])
def test_an_auditor_reads_what_they_may_on_a_small_screen(site: Site, arrive: Arrive, script: bool) -> None:
    company = site.company
    owner = arrive(company.owner)
    owner.open_log(("query", "action:user.accept_invite"))
    shown = owner.found()
    dialog = owner.page.get_by_role("dialog", name="New auditor link")
    owner.page.get_by_role("link", name="Auditor link", exact=True).click()
    expect(dialog.get_by_label("What it shows")).to_have_value("action:user.accept_invite")
    dialog.get_by_label("Who it is for").fill("Nordwind Audit")
    owner.press("Make link", dialog)
    address = owner.page.locator("#link").inner_text()

    auditor = arrive(None, width=360, script=script)
    auditor.go(address)
    assert address.rpartition("/")[2] not in auditor.page.url
    auditor.press("Open the audit log")
    assert auditor.found() == shown
    assert re.search(r"/audit/aud_\w+/log$", auditor.page.url)
    if script:
        auditor.open_event(shown[0])
        auditor.page.keyboard.press("Escape")
    auditor.page.reload()
    assert auditor.found() == shown
    assert not auditor.page.get_by_role("link", name="Members").count()

    owner.open("auditor-links")
    owner.page.get_by_role("link", name="Revoke the link for Nordwind Audit").first.click()
    dialog = owner.page.get_by_role("alertdialog")
    dialog.get_by_label("Type Nordwind Audit to confirm").fill("Nordwind Audit")
    owner.press("Revoke link", dialog)
    owner.told("Auditor link revoked")
    auditor.expect_complaint("status of 410")
    auditor.page.reload()
    assert auditor.heading == "This link cannot be used"


def test_leaving_ends_it(site: Site, arrive: Arrive) -> None:
    visitor: Visitor = arrive(None)
    visitor.go(f"/audit/{auditor_link(visitor, 'Leaving', '')}")
    visitor.press("Open the audit log")
    visitor.expect_complaint("status of 410")
    visitor.sign_out()
    assert visitor.heading == "This link cannot be used"
