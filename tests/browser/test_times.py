"""Times in the page: the viewer's own zone, across changes of the clock, typed, mistyped, and gone back to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from minutebook.model import Role, to_micros
from minutebook.organization.modes import CreateMode
from minutebook.store import log
from tests.support.server import Clock, Site, new_person, site_on
from tests.support.visitor import Arrive, Visitor

# What stands beside each is the clock of Berlin, which is put back from 03:00 to 02:00 at 01:00 UTC.
NIGHT = {
    "2026-10-25T00:00:00.000000Z": "02:00:00",
    "2026-10-25T00:30:00.000000Z": "02:30:00",
    "2026-10-25T00:59:59.999999Z": "02:59:59",
    "2026-10-25T01:00:00.000000Z": "02:00:00",
    "2026-10-25T01:30:00.000000Z": "02:30:00",
    "2026-10-25T01:30:59.999999Z": "02:30:59",
    "2026-10-25T01:31:00.000000Z": "02:31:00",
    "2026-10-25T02:30:00.000000Z": "03:30:00",
    "2026-10-25T03:30:00.000000Z": "04:30:00",
}
AROUND = ("2026-10-24T23:59:59.999999Z", "2026-10-25T03:31:00.000000Z")
FIVE_PAST = ("2026-10-26T16:05:00.000000Z", "2026-10-26T16:05:59.999999Z", "2026-10-26T16:06:00.000000Z")
LOS_ANGELES_NIGHT = ("2026-11-01T08:30:00.000000Z", "2026-11-01T09:30:00.000000Z")
AT_ONCE = "2026-10-24T09:00:00.000000Z"
PAGE = 50
DATE_FIELDS = ("start_date", "start_time", "end_date", "end_time")


def micros(utc: str) -> int:
    return to_micros(datetime.fromisoformat(utc))


@pytest.fixture(scope="module")
def site(site_url: str) -> Iterator[Site]:
    """A log with events at all these times, looked at on 6 November 2026."""
    clock = Clock()
    clock.stop(micros("2026-10-24T08:00:00Z"))
    with site_on(site_url, clock) as site:
        clock.stop(micros(AT_ONCE))
        for number in range(2 * PAGE + 10):
            site.company.act(site.company.owner, CreateMode(f"At once {number}", "", ()))
        for utc in sorted([*NIGHT, *AROUND, *FIVE_PAST, *LOS_ANGELES_NIGHT]):
            clock.stop(micros(utc))
            site.company.act(site.company.owner, CreateMode(utc, "", ()))
        clock.run(micros("2026-11-06T12:00:00Z"))
        yield site


def typed(reader: Visitor) -> list[str]:
    """What stands in the four fields of the dates."""
    return [reader.page.locator(f"#{name}").input_value() for name in DATE_FIELDS]


@pytest.mark.parametrize(
    ("zone", "start", "end", "label"),
    [
        ("Europe/Berlin", ("2026-10-25", "02:00"), ("2026-10-25", "04:30"), "CET/CEST"),
        ("America/Los_Angeles", ("2026-10-24", "17:00"), ("24 Oct 2026", "20:30"), "PDT"),
        ("Asia/Kathmandu", ("2026-10-25", "05:45"), ("2026-10-25", "9:15"), "UTC+05:45"),
    ],
)
def test_the_same_instants_are_found_in_every_zone(
    site: Site, arrive: Arrive, zone: str, start: tuple[str, str], end: tuple[str, str], label: str
) -> None:
    reader = arrive(site.company.admin, zone=zone)
    reader.open_log()
    reader.apply(reader.choose_dates(start, end))
    rows = reader.rows()
    assert [row.utc for row in rows] == sorted(NIGHT, reverse=True)
    there = ZoneInfo(zone)
    assert [row.time for row in rows] == [
        f"{datetime.fromisoformat(row.utc).astimezone(there):%H:%M:%S}" for row in rows
    ]
    assert reader.page.locator("th.c-time").inner_text() == f"Time {label}"
    query = parse_qs(urlsplit(reader.page.url).query)
    assert query == {"start": ["2026-10-25"], "end": ["2026-10-25T03:30Z"]}, "not one address for one range"


def test_the_hour_that_comes_twice_is_found_twice(site: Site, arrive: Arrive) -> None:
    reader = arrive(site.company.admin)
    reader.open_log()
    reader.apply(reader.choose_dates(("2026-10-25", "02:30"), ("2026-10-25", "02:30")))
    rows = reader.rows()
    assert [row.utc for row in rows] == [utc for utc in sorted(NIGHT, reverse=True) if "00:30" <= utc[11:16] <= "01:30"]
    assert [row.time for row in rows] == [NIGHT[row.utc] for row in rows]
    assert [" ".join(day.split()) for day in reader.page.locator("tr.day").all_inner_texts()] == [
        "Sunday 25 October CET",
        "Sunday 25 October CEST",
    ]
    west = arrive(site.company.admin, zone="America/Los_Angeles")
    west.open_log()
    west.apply(west.choose_dates(("2026-11-01", "01:30"), ("2026-11-01", "01:30")))
    assert [row.utc for row in west.rows()] == sorted(LOS_ANGELES_NIGHT, reverse=True)


def test_an_end_includes_all_of_its_minute(site: Site, arrive: Arrive) -> None:
    reader = arrive(site.company.admin)
    reader.open_log()
    reader.apply(reader.choose_dates(("2026-10-26", ""), ("2026-10-26", "17:05")))
    assert [row.utc for row in reader.rows()] == [FIVE_PAST[1], FIVE_PAST[0]]
    assert "26 Oct 00:00 – 26 Oct 17:05" in reader.page.locator("[data-menu=dates] summary").inner_text()
    reader.apply(reader.choose_dates(("2026-10-26", ""), ("2026-10-26", "17:05:58")))
    assert [row.utc for row in reader.rows()] == [FIVE_PAST[0]]


def test_times_can_be_cleared(site: Site, arrive: Arrive) -> None:
    reader = arrive(site.company.admin)
    reader.open_log(("start", "2026-10-26T16:05Z"), ("end", "2026-10-26T16:05Z"))
    assert typed(reader) == ["2026-10-26", "17:05", "2026-10-26", "17:05"]
    reader.apply(reader.choose_dates(("2026-10-26", ""), ("2026-10-26", "")))
    assert typed(reader) == ["2026-10-26", "", "2026-10-26", ""]
    assert [row.utc for row in reader.rows()] == sorted(FIVE_PAST, reverse=True)
    reader.apply(reader.choose_dates(("", ""), ("2026-10-24", "")))
    assert typed(reader) == ["", "", "2026-10-24", ""]
    reader.apply(reader.choose_dates())
    assert typed(reader) == ["", "", "", ""]
    assert "start" not in reader.page.url and "end" not in reader.page.url


@pytest.mark.parametrize("script", [True, False])
def test_an_end_before_its_start_keeps_what_was_typed(site: Site, arrive: Arrive, script: bool) -> None:
    reader = arrive(site.company.admin, script=script)
    reader.open_log(("action", "mode.create"), ("actor", "ada@"), ("zone", "utc"))
    answer = reader.apply(reader.choose_dates(("26 Oct 2026", "17:05"), ("2026-10-25", "9:30")))
    assert answer.status == 422
    assert reader.field_error("End time") == (
        "The end, 25 Oct 2026 09:30 UTC, is before the start, 26 Oct 2026 17:05 UTC."
    )
    assert typed(reader) == ["26 Oct 2026", "17:05", "2026-10-25", "9:30"]
    expect(reader.page.get_by_role("heading", name="Nothing was searched")).to_be_visible()
    assert reader.focused() == "end_time"
    # What was right stays, and the range is put right where it stands.
    reader.apply(reader.choose_dates(("25 Oct 2026", "02:30"), ("2026-10-25", "2:30")))
    assert [row.utc for row in reader.rows()] == []
    assert reader.page.locator("[data-menu=actor] input[type=search]").input_value() == "ada@"
    reader.remove_filter("actor")
    assert [row.utc for row in reader.rows()] == ["2026-10-25T02:30:00.000000Z"]


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("Start date", "2026-02-30", "“2026-02-30” is not a day of the calendar."),
        ("Start time", "25:00", "“25:00” is not a time."),
        ("End date", "06/11/2026", "“06/11/2026” can be read as two different days."),
        ("End time", "17.05", "“17.05” is not a time."),
    ],
)
def test_what_is_no_time_is_kept_and_said_to_be_wrong(
    site: Site, arrive: Arrive, field: str, text: str, says: str
) -> None:
    reader = arrive(site.company.admin)
    reader.open_log(("start", "2026-10-25"), ("end", "2026-10-26"))
    menu = reader.menu("dates")
    menu.get_by_label(field).fill(text)
    assert reader.apply(menu).status == 422
    assert says in reader.field_error(field)
    expect(reader.page.get_by_label(field)).to_have_value(text)
    expect(reader.page.get_by_label(field)).to_be_focused()
    assert reader.rows() == []


def test_a_time_without_its_day_is_kept_and_asked_for(site: Site, arrive: Arrive) -> None:
    reader = arrive(site.company.admin)
    reader.open_log()
    reader.apply(reader.choose_dates(("", "17:05")))
    assert "needs a day" in reader.field_error("Start date")
    assert typed(reader) == ["", "17:05", "", ""]


def test_a_half_typed_address_is_searched_for_as_a_part_and_kept(site: Site, arrive: Arrive) -> None:
    site.company.join(new_person(site.store, "Ada Klein", "other.example"), Role.MEMBER)
    reader = arrive(site.company.admin)
    reader.open_log()
    reader.apply(reader.choose_actor("Ada.K"))
    assert [row.actor for row in reader.rows()] == ["ada.klein@other.example"]
    assert "contains" in reader.page.get_by_role("form", name="Filters").inner_text()
    assert reader.page.locator("#actor").input_value() == "ada.k"
    answer = reader.apply(reader.choose_actor("ada k@"))
    assert answer.status == 422
    assert reader.page.locator("#actor").input_value() == "ada k@"
    assert reader.page.locator("#actor-error").is_visible()
    reader.apply(reader.choose_actor("nobody@calder.example"))
    assert reader.number_found().startswith("0 events of ")
    reader.follow(reader.page.get_by_role("link", name="@calder.example instead"))
    assert len(reader.rows()) == PAGE


def test_the_zone_is_known_from_the_first_page_on(site: Site, arrive: Arrive) -> None:
    reader = arrive(zone="Asia/Kathmandu")
    reader.sign_in(site.company.admin.email)
    assert reader.page.locator("th.c-time").inner_text() == "Time UTC+05:45"
    # Whoever comes straight to the log is shown it once more, in their zone.
    west = arrive(site.company.admin, zone="America/Los_Angeles")
    west.context.clear_cookies(name="zone")
    west.open_log(("end", LOS_ANGELES_NIGHT[0]), ("start", FIVE_PAST[0]))
    expect(west.page.locator("th.c-time")).to_have_text("Time PDT")
    assert west.rows()[0].time == "01:30:00"


def test_utc_is_at_a_switch_and_the_same_events_stay(site: Site, arrive: Arrive) -> None:
    reader = arrive(site.company.admin)
    reader.open_log(("start", "2026-10-25T00:00Z"), ("end", "2026-10-25T03:30Z"), ("event", "20"))
    local = reader.rows()
    assert typed(reader) == ["2026-10-25", "02:00", "2026-10-25", "04:30"]
    reader.show_zone("UTC")
    assert [row.seq for row in reader.rows()] == [row.seq for row in local]
    assert [row.time for row in reader.rows()] == [row.utc[11:19] for row in local]
    assert reader.page.locator("th.c-time").inner_text() == "Time UTC"
    assert typed(reader) == ["2026-10-25", "", "2026-10-25", "03:30"]
    expect(reader.page.get_by_role("complementary", name="Event 20")).to_be_visible()
    reader.page.get_by_role("link", name="Close", exact=True).click()
    reader.show_zone("Local CET")
    assert reader.rows() == local


def test_back_and_forward_lead_through_exactly_what_was_shown(site: Site, arrive: Arrive) -> None:
    reader = arrive(site.company.admin)
    reader.open_log()
    shown = [state(reader)]
    reader.apply(reader.choose_actions("mode.create", "user.invite"))
    shown.append(state(reader))
    reader.apply(reader.choose_dates(("2026-10-25", ""), ("2026-10-26", "17:05")))
    shown.append(state(reader))
    reader.open_event(reader.found()[2])
    shown.append(state(reader))
    reader.show_zone("UTC")
    shown.append(state(reader))
    for expected in shown[-2::-1]:
        reader.page.go_back()
        wait_for(reader, expected)
    for expected in shown[1:]:
        reader.page.go_forward()
        wait_for(reader, expected)


State = tuple[str, list[int], list[str], str | None]


def state(reader: Visitor) -> State:
    panel = reader.page.locator("#panel:not([hidden])")
    seq = panel.get_attribute("data-seq") if panel.count() else None
    return reader.page.url, reader.found(), typed(reader), seq


def wait_for(reader: Visitor, expected: State) -> None:
    reader.page.wait_for_url(expected[0])
    if expected[3]:
        expect(reader.page.locator("#panel")).to_have_attribute("data-seq", expected[3])
    assert state(reader) == expected


def test_pages_neither_lose_nor_repeat_an_event_while_new_ones_arrive(site: Site, arrive: Arrive) -> None:
    reader = arrive(site.company.auditor)
    reader.open_log(("action", "mode.create"))
    with site.store.reading() as connection:
        events = list(log.events(connection, site.company.number))
    expected = [event.seq for event in reversed(events) if event.action == "mode.create"]
    pages = [reader.found()]
    older, newer = (reader.page.get_by_role("link", name=name, exact=True) for name in ("Older", "Newer"))
    while older.get_attribute("href"):
        site.company.act(site.company.owner, CreateMode(f"Meanwhile {len(pages)}", "", ()))
        reader.follow(older)
        pages.append(reader.found())
    assert [seq for page in pages for seq in page] == expected
    assert [len(page) for page in pages[:-1]] == [PAGE] * (len(pages) - 1)
    for page in pages[-2::-1]:
        reader.follow(newer)
        assert reader.found() == page
    assert newer.get_attribute("href") is None


def test_what_was_typed_on_a_later_page_is_searched_in_the_other_zone_from_the_first(
    site: Site, arrive: Arrive
) -> None:
    reader = arrive(site.company.auditor)
    reader.open_log(("action", "mode.create"))
    reader.follow(reader.page.get_by_role("link", name="Older", exact=True))
    reader.page.locator("[data-search]").press("End")
    reader.page.keyboard.type(" mode")
    reader.page.keyboard.press("Escape")
    reader.follow(reader.page.locator("[data-zone-switch]").get_by_role("link", name="UTC"))
    query = parse_qs(urlsplit(reader.page.url).query)
    assert set(query) == {"action", "text", "zone"}
    assert query["text"] == ["mode"]
