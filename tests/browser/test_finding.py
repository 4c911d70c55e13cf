"""The search box, the chips and the histogram in the real page: three views of one filter."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, expect

from minutebook.model import HOUR, to_micros
from minutebook.organization.modes import CreateMode, DeleteMode
from tests.support.server import Clock, Site, site_on
from tests.support.visitor import Arrive, Visitor

START = to_micros(datetime.fromisoformat("2026-10-20T08:00:00+00:00"))


@pytest.fixture(scope="module")
def site(site_url: str) -> Iterator[Site]:
    """A log of ten days, with an act every five hours and its undoing an hour later."""
    clock = Clock()
    clock.stop(START)
    with site_on(site_url, clock) as site:
        for number in range(40):
            clock.stop(START + number * 5 * HOUR)
            made = site.company.act(site.company.owner, CreateMode(f"Mode {number}", "", ()))
            if number % 3 == 0:
                clock.stop(START + number * 5 * HOUR + HOUR)
                site.company.act(site.company.admin, DeleteMode(str(made.details["mode"])))
        clock.run(START + 10 * 24 * HOUR)
        yield site


@pytest.fixture
def reader(site: Site, arrive: Arrive) -> Visitor:
    reader = arrive(site.company.owner)
    reader.open_log()
    return reader


def box(reader: Visitor) -> Locator:
    return reader.page.get_by_role("combobox", name="Search the log")


def ask(reader: Visitor, query: str) -> None:
    """Types a query over what the box holds, and sends it by the keyboard."""
    box(reader).fill(query)
    with reader.page.expect_navigation():
        box(reader).press("Enter")


def actions(reader: Visitor) -> set[str]:
    return {row.action for row in reader.rows()}


def test_the_box_and_the_chips_agree_in_both_directions(reader: Visitor) -> None:
    ask(reader, "action:mode.create -actor:nobody@x.example mode")
    assert actions(reader) == {"mode.create"}
    chips = reader.page.locator("form.filters .chip")
    expect(chips.filter(has_text="Actions")).to_contain_text("mode.create")
    expect(chips.filter(has_text="nobody@x.example")).to_contain_text("is not")
    expect(chips.filter(has_text="“mode”")).to_be_visible()
    reader.follow(chips.filter(has_text="Actions").get_by_role("link", name="is", exact=True))
    expect(box(reader)).to_have_value("mode -action:mode.create -actor:nobody@x.example")
    expect(chips.filter(has_text="Actions")).to_contain_text("is not")
    assert "mode.create" not in actions(reader)
    reader.follow(reader.page.get_by_role("link", name="Remove filter: actor is not nobody@x.example"))
    expect(box(reader)).to_have_value("mode -action:mode.create")
    reader.page.go_back()
    expect(box(reader)).to_have_value("mode -action:mode.create -actor:nobody@x.example")
    reader.page.go_forward()
    expect(box(reader)).to_have_value("mode -action:mode.create")
    reader.follow(reader.page.get_by_role("link", name="Clear the search"))
    expect(box(reader)).to_have_value("")
    assert urlsplit(reader.page.url).query == ""


def test_a_bad_query_is_mended_with_one_click_by_keyboard(reader: Visitor) -> None:
    reader.expect_complaint("422")
    ask(reader, "action:mode.crate mode")
    expect(reader.page.get_by_role("alert")).to_contain_text("“mode.crate” is not an action. Did you mean mode.create")
    expect(box(reader)).to_be_focused()
    mend = reader.page.get_by_role("link", name="Search for action:mode.create mode")
    for _ in range(10):
        reader.page.keyboard.press("Tab")
        if mend.evaluate("link => link === document.activeElement"):
            break
    with reader.page.expect_navigation():
        reader.page.keyboard.press("Enter")
    expect(box(reader)).to_have_value("action:mode.create mode")
    assert actions(reader) == {"mode.create"}


def test_a_range_is_dragged_on_the_histogram(reader: Visitor) -> None:
    plot = reader.page.locator("[data-histo]")
    bars = reader.page.locator("[data-bar]")
    place = plot.bounding_box()
    assert place
    number = bars.count()
    width = place["width"] / number
    first, last = number // 4, number // 2
    reader.page.mouse.move(place["x"] + (last + 0.5) * width, place["y"] + 20)
    reader.page.mouse.down()
    reader.page.mouse.move(place["x"] + (first + 0.5) * width, place["y"] + 30, steps=5)
    reader.page.mouse.up()
    inside = [int(bars.nth(index).get_attribute("data-count") or 0) for index in range(first, last + 1)]
    picked = reader.page.locator("[data-picked]")
    expect(picked).to_contain_text(f"{sum(inside)} events")
    reader.follow(picked.get_by_role("link", name="Zoom in"))
    query = parse_qs(urlsplit(reader.page.url).query)
    assert set(query) == {"start", "end"}
    expect(reader.page.get_by_role("status").filter(has_text="events of")).to_contain_text(f"{sum(inside)} events")


def test_what_is_typed_after_a_menu_was_opened_is_searched_in_it(reader: Visitor) -> None:
    for which, label in (("actions", "Find an action"), ("actor", "Actor email")):
        menu = reader.page.locator(f"details[data-menu={which}]")
        menu.locator("summary").click()
        field = menu.get_by_label(label)
        expect(field).to_be_focused()
        reader.page.keyboard.type("made")  # each of these letters but one is a key of the page
        expect(field).to_have_value("made")
        reader.page.keyboard.press("Escape")
        expect(menu.locator("summary")).to_be_focused()


def choose(reader: Visitor, key: str, words: str) -> None:
    """Opens a control by its key, and takes the first that the words find."""
    reader.page.keyboard.press(key)
    reader.page.keyboard.type(words)
    with reader.page.expect_navigation():
        reader.page.keyboard.press("Enter")


def test_enter_takes_the_first_that_is_found(reader: Visitor, site: Site) -> None:
    owner, admin = site.company.owner, site.company.admin
    reader.page.keyboard.press("e")
    reader.page.keyboard.type(owner.name.lower())
    expect(reader.page.locator(".opt[data-next]")).to_contain_text(owner.email)
    with reader.page.expect_navigation():
        reader.page.keyboard.press("Enter")
    expect(box(reader)).to_have_value(f"actor:{owner.email}")
    # A part of an address is searched for as it is, and a second one stands beside the first.
    reader.page.keyboard.press("e")
    reader.page.get_by_label("Actor email").fill(f"{owner.email}, {admin.name.lower()}")
    with reader.page.expect_navigation():
        reader.page.keyboard.press("Enter")
    expect(box(reader)).to_have_value(f"actor:{owner.email},{admin.email}")
    choose(reader, "e", "@calder")
    expect(box(reader)).to_have_value("actor:@calder")
    choose(reader, "a", "mode deleted")
    expect(box(reader)).to_have_value("action:mode.delete actor:@calder")


def test_a_control_shows_what_is_left_out_and_every_action_of_a_group(reader: Visitor) -> None:
    ask(reader, "-action:mode.*")
    menu = reader.page.locator("details[data-menu=actions]")
    menu.locator("summary").click()
    expect(menu.get_by_role("radio", name="All but these")).to_be_checked()
    for name in ("mode.create", "mode.update", "mode.delete"):
        expect(menu.get_by_role("checkbox", name=name)).to_be_checked()
    expect(menu.locator("[data-group=mode]")).to_be_checked()
    with reader.page.expect_navigation():
        menu.get_by_role("button", name="Apply").click()
    expect(box(reader)).to_have_value("-action:mode.*")
    menu.locator("summary").click()
    menu.get_by_role("checkbox", name="mode.delete").uncheck()
    assert menu.locator("[data-group=mode]").evaluate("box => box.indeterminate")
    menu.get_by_text("Only these").click()
    with reader.page.expect_navigation():
        menu.get_by_role("button", name="Apply").click()
    expect(box(reader)).to_have_value("action:mode.create,mode.update")
    # That each of a group is ticked does not ask for those to come; to tick the group does.
    menu.locator("summary").click()
    menu.get_by_role("checkbox", name="mode.delete").check()
    expect(menu.locator("[data-group=mode]")).to_be_checked()
    with reader.page.expect_navigation():
        menu.get_by_role("button", name="Apply").click()
    expect(box(reader)).to_have_value("action:mode.create,mode.update,mode.delete")
    menu.locator("summary").click()
    with reader.page.expect_navigation():
        menu.get_by_role("button", name="Apply").click()
    expect(box(reader)).to_have_value("action:mode.create,mode.update,mode.delete")
    menu.locator("summary").click()
    menu.locator("[data-group=mode]").uncheck()
    menu.locator("[data-group=mode]").check()
    with reader.page.expect_navigation():
        menu.get_by_role("button", name="Apply").click()
    expect(box(reader)).to_have_value("action:mode.*")


@pytest.mark.parametrize("width", [1440, 900, 360])
@pytest.mark.parametrize("range_", [(), (("start", "2024-01-01"),), (("start", "2026-10-24"),)])
def test_every_label_of_the_histogram_can_be_read(
    reader: Visitor, width: int, range_: tuple[tuple[str, str], ...]
) -> None:
    reader.page.set_viewport_size({"width": width, "height": 900})
    reader.open_log(*range_)
    labels = reader.page.locator(".histo__axis text")
    boxes = [box for label in labels.all() if (box := label.bounding_box())]
    assert len(boxes) > 2
    for left, right in itertools.pairwise(boxes):
        assert left["x"] + left["width"] < right["x"]
    plot = reader.page.locator("[data-histo]").bounding_box()
    most = reader.page.locator(".histo__max").bounding_box()
    assert plot
    assert most
    assert boxes[-1]["x"] + boxes[-1]["width"] <= plot["x"] + plot["width"] + 1
    assert most["y"] + most["height"] <= plot["y"]


def test_a_range_is_chosen_with_the_keyboard_and_given_up(reader: Visitor) -> None:
    plot = reader.page.locator("[data-histo]")
    plot.focus()
    picked = reader.page.locator("[data-picked]")
    expect(picked).to_be_hidden()
    reader.page.keyboard.press("ArrowRight")
    reader.page.keyboard.press("Shift+ArrowRight")
    reader.page.keyboard.press("Shift+ArrowRight")
    counts = [int(reader.page.locator("[data-bar]").nth(index).get_attribute("data-count") or 0) for index in range(3)]
    expect(picked).to_contain_text(f"{sum(counts)} event")
    reader.page.keyboard.press("Escape")
    expect(picked).to_be_hidden()
    reader.page.keyboard.press("ArrowRight")
    with reader.page.expect_navigation():
        reader.page.keyboard.press("Enter")
    assert len(reader.rows()) == counts[0]


def test_an_arrow_extends_in_both_directions_and_moves_again(reader: Visitor) -> None:
    plot, picked = reader.page.locator("[data-histo]"), reader.page.locator("[data-picked]")
    bars = reader.page.locator("[data-bar]")
    told = [bar.get_attribute("data-told") or "" for bar in bars.all()]
    inside = "bars => bars.flatMap((bar, place) => bar.classList.contains('in') ? [place] : [])"
    last = len(told) - 1
    plot.focus()
    for keys, chosen in (
        (("ArrowLeft",), [last]),  # from the end that is nearest to now
        (("Shift+ArrowLeft", "Shift+ArrowLeft"), [last - 2, last - 1, last]),
        (("Shift+ArrowRight",), [last - 1, last]),
        (("ArrowLeft",), [last - 2]),
        (("Shift+ArrowRight",), [last - 2, last - 1]),
    ):
        for key in keys:
            reader.page.keyboard.press(key)
        assert bars.evaluate_all(inside) == chosen
        expect(picked).to_contain_text(told[chosen[0]].split(" – ")[0])
    picked.get_by_role("button", name="Clear").click()
    expect(picked).to_be_hidden()
    expect(plot).to_be_focused()


def test_a_drag_that_leaves_the_plot_goes_to_its_end_and_holds_whole_bars(reader: Visitor) -> None:
    plot, bars = reader.page.locator("[data-histo]"), reader.page.locator("[data-bar]")
    place = plot.bounding_box()
    assert place
    middle = bars.count() // 2
    reader.page.mouse.move(place["x"] + (middle + 0.9) * place["width"] / bars.count(), place["y"] + 20)
    reader.page.mouse.down()
    reader.page.mouse.move(place["x"] - 50, place["y"] + 300, steps=5)
    reader.page.mouse.up()
    picked = reader.page.locator("[data-picked]")
    start, end = (bars.nth(at).get_attribute(f"data-{which}") for at, which in ((0, "start"), (middle, "end")))
    reader.follow(picked.get_by_role("link", name="Zoom in"))
    assert parse_qs(urlsplit(reader.page.url).query) == {"start": [start], "end": [end]}


# ── Each control and the box are two views of one filter ─────────────────────────────────────────────────────────────


def test_actions_that_are_ticked_are_in_the_box_and_the_other_way_round(reader: Visitor) -> None:
    reader.apply(reader.choose_actions("mode.create", "mode.delete"))
    expect(box(reader)).to_have_value("action:mode.create,mode.delete")
    assert actions(reader) == {"mode.create", "mode.delete"}
    ask(reader, "action:mode.delete,log.view mode")
    menu = reader.menu("actions")
    ticked = menu.locator("input[name=action]:checked")
    assert [each.get_attribute("value") for each in ticked.all()] == ["mode.delete", "log.view"]
    reader.apply(reader.choose_actions("mode.delete"))
    expect(box(reader)).to_have_value("action:mode.delete mode")  # the word has no control there and is kept


def test_the_actor_is_in_the_box_and_the_other_way_round(site: Site, reader: Visitor) -> None:
    admin = site.company.admin.email
    reader.apply(reader.choose_actor(admin))
    expect(box(reader)).to_have_value(f"actor:{admin}")
    assert actions(reader) == {"mode.delete", "user.accept_invite"}
    ask(reader, f"actor:{admin[:4]}* -action:log.view")
    expect(reader.menu("actor").get_by_role("searchbox")).to_have_value(f"{admin[:4]}*")
    ask(reader, "-actor:system")  # a kind, turned around
    expect(reader.menu("actor").get_by_role("searchbox")).to_have_value("system")
    expect(reader.menu("actor").get_by_label("All but these")).to_be_checked()


def test_dates_are_in_the_box_and_the_other_way_round(reader: Visitor) -> None:
    """In the zone of the page, both."""
    reader.apply(reader.choose_dates(("2026-10-22", ""), ("2026-10-25", "12:30")))
    expect(box(reader)).to_have_value("after:2026-10-22 before:2026-10-25T12:31")
    reader.show_zone("UTC")
    expect(box(reader)).to_have_value("after:2026-10-21T22:00 before:2026-10-25T11:31")
    ask(reader, "after:2026-10-23T06:00 before:2026-10-24")
    menu = reader.menu("dates")
    expect(menu.get_by_label("Start date")).to_have_value("2026-10-23")
    expect(menu.get_by_label("Start time")).to_have_value("06:00")
    expect(menu.get_by_label("End date")).to_have_value("2026-10-23")
    expect(menu.get_by_label("End time")).to_have_value("")
    reader.remove_filter("dates")
    expect(box(reader)).to_have_value("")


def test_what_is_zoomed_into_is_in_the_box_and_the_dates(reader: Visitor) -> None:
    reader.page.locator("[data-histo]").focus()
    for key in ("ArrowRight", "Shift+ArrowRight"):
        reader.page.keyboard.press(key)
    with reader.page.expect_navigation():
        reader.page.keyboard.press("Enter")
    start, end = (parse_qs(urlsplit(reader.page.url).query)[key][0] for key in ("start", "end"))
    held = box(reader).input_value()
    assert held.startswith("after:2026-10-20T")
    assert " before:2026-10-2" in held
    expect(reader.menu("dates").get_by_label("Start date")).to_have_value("2026-10-20")
    ask(reader, held)
    assert parse_qs(urlsplit(reader.page.url).query) == {"start": [start], "end": [end]}


@pytest.mark.parametrize(
    ("facet", "choice", "query"),
    [
        ("Outcome", "Success", "outcome:success"),
        ("Action", "mode.create", "action:mode.create"),
        ("Actor", "", "actor:{}"),
    ],
)
def test_a_facet_is_in_the_box_and_a_chip_takes_it_back(reader: Visitor, facet: str, choice: str, query: str) -> None:
    ask(reader, "mode")
    rows = reader.page.locator(".facet").filter(has=reader.page.get_by_role("heading", name=facet)).locator("li")
    row = rows.filter(has_text=choice).first if choice else rows.first
    number = row.locator(".num").inner_text()
    address = row.locator(".mail").text_content() if facet == "Actor" else ""
    reader.follow(row.get_by_role("link"))
    held = {*box(reader).input_value().split()}
    assert held == {query.format(address), "mode"}
    expect(reader.page.get_by_role("status").filter(has_text="of")).to_contain_text(f"{number} event")
    reader.page.go_back()
    expect(box(reader)).to_have_value("mode")
    reader.page.go_forward()
    assert {*box(reader).input_value().split()} == held
    reader.remove_filter(facet.lower())
    expect(box(reader)).to_have_value("mode")


def test_without_script_a_bar_is_a_link(site: Site, arrive: Arrive) -> None:
    reader = arrive(site.company.owner, script=False)
    reader.open_log()
    count = int(reader.page.locator("[data-bar]").first.get_attribute("data-count") or 0)
    reader.follow(reader.page.locator("[data-bar]").first)
    assert len(reader.rows()) == count
