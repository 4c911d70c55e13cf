"""The export in the real page: a plain link without script, with it how far it is, and never a file without its end."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Download, Locator, Page, Route, expect

from minutebook.actions.log import Format
from minutebook.deliver import export
from minutebook.deliver.formats import FORMATS
from minutebook.errors import StoreUnavailable
from minutebook.model import Event, rfc3339
from minutebook.organization.modes import CreateMode
from minutebook.store import log
from tests.support.component_examples import HOSTILE
from tests.support.exports import read
from tests.support.server import Site
from tests.support.visitor import Arrive, Visitor


@pytest.fixture(scope="module")
def site(site: Site) -> Site:
    """A log with something in it, quotes and line feeds among it."""
    for number in range(20):
        site.company.act(site.company.owner, CreateMode(f'Mode {number} "x",=1+1', HOSTILE, ()))
    return site


@pytest.fixture
def reader(site: Site, arrive: Arrive) -> Visitor:
    reader = arrive(site.company.owner)
    reader.open_log(("action", "mode.create"))
    return reader


def events(site: Site) -> list[Event]:
    with site.company.store.reading() as connection:
        return list(log.events(connection, site.company.number))


def menu(page: Page) -> Locator:
    return page.locator("details.menu", has=page.locator("summary", has_text="Export"))


def choose(page: Page, label: str) -> None:
    menu(page).locator("summary").click()
    menu(page).get_by_role("link", name=label).click()


def content(download: Download, format_: Format) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    return read(format_, Path(download.path()).read_bytes())


@pytest.mark.parametrize("format_", FORMATS)
def test_it_says_how_far_it_is_and_saves_a_whole_file(site: Site, reader: Visitor, format_: Format) -> None:
    expect(menu(reader.page).locator("summary")).to_be_visible()
    with reader.page.expect_download() as downloading:
        choose(reader.page, format_.label)
    dialog = reader.page.get_by_role("dialog", name=f"Export as {format_.label}")
    found, trailer = content(downloading.value, format_)
    assert len(found) == sum(event.action == "mode.create" for event in events(site)[: trailer["size"]]) >= 20
    name = downloading.value.suggested_filename
    assert name.startswith(f"calder-robotics-audit-log-{rfc3339(site.clock())[:10]}.")
    expect(dialog.get_by_role("status")).to_have_text(f"Complete. Saved as {name}.")
    expect(dialog).to_contain_text(f"{len(found)} events, ")
    expect(dialog.locator("progress")).to_have_js_property("value", 1)
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    expect(menu(reader.page).locator("summary")).to_be_focused()
    assert events(site)[-1].action == "log.export"


def test_the_menu_is_within_reach_on_a_phone(site: Site, arrive: Arrive) -> None:
    site.sign()
    reader = arrive(site.company.owner, width=360)
    reader.open_log()
    for height in (780, 400):
        reader.page.set_viewport_size({"width": 360, "height": height})
        menu(reader.page).locator("summary").click()
        box = menu(reader.page).locator(".pop").bounding_box()
        assert box and box["y"] >= 0 and box["y"] + box["height"] <= height
        menu(reader.page).get_by_role("button", name="Evidence (zip)").scroll_into_view_if_needed()
        expect(menu(reader.page).get_by_role("button", name="Evidence (zip)")).to_be_in_viewport(ratio=1)
        reader.page.keyboard.press("Escape")


def test_evidence_is_saved_and_the_page_is_not_left_waiting(site: Site, reader: Visitor) -> None:
    site.sign()
    reader.open_log(("action", "mode.create"))
    page = reader.page
    menu(page).locator("summary").click()
    menu(page).get_by_label("IP addresses").check()
    with page.expect_download() as download:
        menu(page).get_by_role("button", name="Evidence (zip)").click()
    assert download.value.suggested_filename.endswith(".zip")
    expect(menu(page).get_by_role("button", name="Evidence (zip)")).not_to_be_visible()
    expect(page.get_by_text("Evidence is on its way")).to_be_visible()
    expect(menu(page).locator("summary")).to_be_focused()
    assert "is-on" not in (page.locator("#busy").get_attribute("class") or "")


def test_by_keyboard_alone(reader: Visitor) -> None:
    menu(reader.page).locator("summary").focus()
    reader.page.keyboard.press("Enter")
    reader.page.keyboard.press("ArrowDown")
    reader.page.keyboard.press("ArrowDown")
    with reader.page.expect_download() as downloading:
        reader.page.keyboard.press("Enter")
    assert downloading.value.suggested_filename.endswith(".jsonl")
    expect(reader.page.get_by_role("status").filter(has_text="Complete")).to_be_visible()
    reader.page.keyboard.press("Escape")
    expect(menu(reader.page).locator("summary")).to_be_focused()


def test_without_script_it_is_a_plain_download(site: Site, arrive: Arrive) -> None:
    reader = arrive(site.company.owner, script=False)
    reader.open_log(("action", "mode.create"))
    with reader.page.expect_download() as downloading:
        choose(reader.page, "CSV")
    found, _ = content(downloading.value, Format.CSV)
    assert len(found) >= 20


@pytest.mark.parametrize("format_", FORMATS)
def test_a_text_that_breaks_off_goes_on_and_parquet_starts_over(
    site: Site, reader: Visitor, format_: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, real, arrived = itertools.count(), export._slice, threading.Event()

    def breaking(*arguments: Any) -> Any:
        if next(reads) == 3:
            arrived.wait(20)  # a browser forgets what arrives together with the break
            raise StoreUnavailable
        return real(*arguments)

    monkeypatch.setattr(export, "PIECE", 1)
    monkeypatch.setattr(export, "_slice", breaking)
    reader.expect_complaint("ERR_INCOMPLETE_CHUNKED_ENCODING")
    choose(reader.page, format_.label)
    dialog, is_text = reader.page.get_by_role("dialog"), format_ is not Format.PARQUET
    # What came last may be the trailer until something follows it.
    expect(dialog.locator("[data-far]")).to_contain_text("2 of " if is_text else "kB")
    arrived.set()
    kept = ", after 3 events. Nothing is saved yet." if is_text else ". What had arrived was thrown away."
    expect(dialog.get_by_role("status")).to_have_text(f"The connection broke off{kept}", timeout=30_000)
    with reader.page.expect_download() as downloading:
        dialog.get_by_role("button", name="Go on" if is_text else "Try again").click()
    found, trailer = content(downloading.value, format_)
    assert len(found) == sum(event.action == "mode.create" for event in events(site)[: trailer["size"]]) >= 20
    assert trailer["first"] == 0
    assert "-from-" not in downloading.value.suggested_filename
    expect(dialog).to_contain_text("Recorded as log.export")
    begins = [event.details.get("first") for event in events(site) if event.action == "log.export"][-2:]
    number = int(found[2]["metadata"]["sequence"] if format_ is Format.OCSF else found[2]["seq"])
    assert begins == [None, number + 1 if is_text else None]


def test_what_does_not_reach_the_server_is_not_said_to_be_recorded(reader: Visitor) -> None:
    reader.expect_complaint("ERR_FAILED")
    reader.intercept("**/audit-logs/export?*", lambda route: route.abort())
    choose(reader.page, "CSV")
    dialog = reader.page.get_by_role("dialog")
    expect(dialog.get_by_role("status")).to_have_text("The server could not be reached.")
    expect(dialog.get_by_text("Recorded as")).to_be_hidden()


def test_what_the_server_refuses_is_said_in_its_words(reader: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(*arguments: Any) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(export, "perform", refusing)
    reader.expect_complaint("503")
    choose(reader.page, "CSV")
    expect(reader.page.get_by_role("dialog").get_by_role("status")).to_contain_text("The database cannot be reached")


@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_without_its_end_is_never_saved(reader: Visitor, format_: Format) -> None:
    """Not even when whatever stands between makes the answer look complete."""
    saved: list[Download] = []

    def note(download: Download) -> None:
        saved.append(download)

    def cut(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.body()[:-1] if format_ is Format.PARQUET else answer.body()[:-300])

    reader.intercept("**/audit-logs/export?*", cut)
    reader.page.on("download", note)
    choose(reader.page, format_.label)
    end = reader.page.get_by_role("dialog").get_by_role("status")
    expect(end).to_contain_text("The file arrived without its end")
    assert not saved


def test_cancel_stops_it(reader: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    reads, real, cancelled = itertools.count(), export._slice, threading.Event()

    def waiting(*arguments: Any) -> Any:
        if next(reads) > 5:
            cancelled.wait(20)
        return real(*arguments)

    monkeypatch.setattr(export, "PIECE", 1)
    monkeypatch.setattr(export, "_slice", waiting)
    choose(reader.page, "JSON Lines")
    dialog = reader.page.get_by_role("dialog")
    expect(dialog).to_contain_text("5 of ")  # the sixth may be the trailer until something follows it
    assert 0 < dialog.locator("progress").evaluate("bar => bar.value") < 1
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    cancelled.set()
    expect(menu(reader.page).locator("summary")).to_be_focused()
