"""Retention & erasure in a browser: with the keyboard alone, and a plan that is seen before it is approved."""

from __future__ import annotations

from playwright.sync_api import expect

from minutebook.model import Role
from tests.support.server import Site, new_person
from tests.support.visitor import Arrive


def test_a_policy_is_changed_with_the_keyboard(arrive: Arrive, site: Site) -> None:
    owner = arrive(site.company.owner)
    page = owner.page
    owner.open("retention")
    opener = page.get_by_role("link", name="Change how long Credits is kept")
    opener.focus()
    page.keyboard.press("Enter")
    days = page.get_by_role("dialog", name="How long is it kept?").get_by_label("Days")
    expect(days).to_be_focused()
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    expect(days).to_be_focused()
    page.keyboard.type("400")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Retention changed")).to_be_visible()
    expect(page.get_by_role("row", name="Credits 400 days")).to_be_visible()


def test_a_person_is_erased_and_gone_from_the_page_that_shows_the_log(arrive: Arrive, site: Site) -> None:
    person = new_person(site.store, "Robin Zweigelt")
    site.company.join(person, Role.MEMBER)
    owner = arrive(site.company.owner)
    page = owner.page
    owner.open_log(("query", f"target:{person.email}"))
    seq = owner.found()[0]
    owner.open("retention", "erase")
    expect(page.get_by_label("A person")).to_be_focused()
    page.keyboard.type(person.email)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="The plan")).to_be_visible()
    number = page.get_by_label("to approve").locator("xpath=..").locator("label").inner_text().split()[1]
    page.get_by_label("Why").fill("Asked by letter of 3 May")
    page.get_by_label("to approve").fill(number)
    owner.press("Erase for good")
    told = page.get_by_role("status").filter(has_text="Erased ")
    expect(told).to_contain_text(f"Erased {number} fields in ")
    told.get_by_role("link").click()
    expect(page.locator("#panel")).to_contain_text("Asked by letter of 3 May")
    owner.open_log(("query", f"target:{person.email}"))
    assert owner.found() == []
    owner.open_log(("event", str(seq)))
    expect(page.locator("#panel").get_by_text("erased").first).to_be_visible()
    assert person.email not in page.content()
