"""Inviting many in the browser: a file is read into the field, looked at row by row, and sent."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from minutebook.web.pasted_rows import MOST_CHARACTERS
from tests.support.server import Site
from tests.support.visitor import Arrive


def test_a_file_is_read_looked_at_and_sent(arrive: Arrive, site: Site, tmp_path: Path) -> None:
    owner = arrive(site.company.owner, width=360)
    page = owner.page
    owner.open("invitations", "bulk")
    large, small = tmp_path / "large.csv", tmp_path / "people.csv"
    large.write_text("x" * (MOST_CHARACTERS + 1))
    small.write_text("email,role\nfrom.a.file@calder.example,admin\nnobody\n")
    rows = page.get_by_label("Email and role, one person a line")
    page.get_by_label("A CSV file").set_input_files(large)
    expect(page.get_by_role("alert")).to_contain_text("large.csv is too large")
    expect(rows).to_have_value("")
    page.get_by_label("A CSV file").set_input_files(small)
    expect(rows).to_have_value(small.read_text())
    expect(rows).to_be_focused()
    expect(page.get_by_role("alert")).to_have_count(0)
    owner.press("Check")
    owner.press("Invite 1 person")
    assert owner.heading == "1 person invited"
    expect(page.locator("code.link-once")).to_have_count(1)
    expect(rows).to_have_value("nobody,member\n")
