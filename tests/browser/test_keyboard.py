"""Everything by the keyboard alone: the focus is always visible, and comes back to where it was."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.support.deployment import PASSWORD
from tests.support.server import Site
from tests.support.visitor import Arrive, Visitor

# Where the ring of the focus is drawn: on the element, over it, or on the label or box that stands for it.
RING = """() => {
    const at = document.activeElement;
    const boxes = [at, at.parentElement, at.parentElement?.parentElement].filter(Boolean);
    const rings = [...boxes.map(box => getComputedStyle(box)), getComputedStyle(at, "::after")];
    const seen = at.getBoundingClientRect();
    return {
        what: at.outerHTML.slice(0, 120),
        ring: rings.some(style => (style.outlineStyle === "solid" && parseFloat(style.outlineWidth) >= 2)
            || /0px 0px 0px 2px inset/.test(style.boxShadow)),
        inView: seen.width > 0 && seen.bottom > 0 && seen.top < innerHeight && seen.right > 0 && seen.left < innerWidth,
        body: at === document.body,
    };
}"""


class Typist(Visitor):
    """A visitor without a mouse."""

    def keys(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def tab_to(self, target: Locator, key: str = "Tab", most: int = 150) -> None:
        """Goes to it with Tab; every stop on the way shows that it has the focus."""
        for _ in range(most):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.keys(key)
            self.see_focus()
        raise AssertionError(f"{most} times {key} did not lead to {target}; the focus is on {self.focused()}")

    def see_focus(self) -> None:
        focus = self.page.evaluate(RING)
        if not focus["body"]:  # between the last stop and the first, the focus is the browser's own
            assert focus["ring"], f"the focus cannot be seen: {focus['what']}"
            assert focus["inView"], f"the focus is out of sight: {focus['what']}"

    def goes_on(self, *keys: str) -> None:
        """Presses keys, the last of which leads to another page."""
        with self.page.expect_navigation():
            self.keys(*keys)

    def row_in_hand(self) -> str:
        """The event whose row has the focus, as `e12`."""
        self.see_focus()
        row: str = self.page.evaluate("document.activeElement.closest('.ev')?.id ?? ''")
        return row


@pytest.fixture
def typist(arrive: Arrive, site: Site) -> Typist:
    """An admin at Audit Logs."""
    typist = arrive(site.company.admin, visitor=Typist)
    typist.open_log()
    return typist


def test_rows_are_walked_opened_and_closed(typist: Typist) -> None:
    ids = [f"e{seq}" for seq in typist.found()]
    panel = typist.page.locator("#panel")
    typist.keys("j")
    assert typist.row_in_hand() == ids[0]
    typist.keys("j", "j", "k")
    assert typist.row_in_hand() == ids[1]
    expect(typist.page.locator(f"#{ids[1]}")).to_have_attribute("aria-current", "true")
    typist.keys("Enter")
    expect(panel).to_have_attribute("data-seq", ids[1][1:])
    expect(panel).to_be_focused()
    assert f"event={ids[1][1:]}" in typist.page.url
    typist.keys("j")
    expect(panel).to_have_attribute("data-seq", ids[2][1:])
    typist.keys("k", "k", "k", "k")
    expect(panel).to_have_attribute("data-seq", ids[0][1:])
    typist.keys("Escape")
    expect(panel).to_be_hidden()
    assert typist.row_in_hand() == ids[0]
    assert "event=" not in typist.page.url


def test_everything_in_the_panel_is_reached(typist: Typist) -> None:
    typist.keys("j", "Enter")
    panel = typist.page.locator("#panel")
    expect(panel).to_be_focused()
    typist.tab_to(panel.get_by_role("link", name="Older event"))
    first = panel.get_attribute("data-seq")
    typist.keys("Enter")
    expect(panel).not_to_have_attribute("data-seq", first or "")
    typist.tab_to(panel.get_by_role("tab", name="Event", exact=True))
    typist.keys("ArrowRight")
    expect(panel.get_by_role("tab", name="Raw JSON")).to_be_focused()
    expect(panel.get_by_role("tabpanel", name="Raw JSON")).to_be_visible()
    typist.keys("ArrowLeft")
    typist.tab_to(panel.get_by_role("link", name="Everything by this actor"))
    typist.keys("Escape")
    expect(panel).to_be_hidden()
    assert typist.row_in_hand() == f"e{typist.found()[1]}"


def test_the_search_is_at_a_slash_and_keys_are_letters_in_it(typist: Typist) -> None:
    typist.keys("/")
    search = typist.page.get_by_role("combobox", name="Search the log")
    expect(search).to_be_focused()
    typist.see_focus()
    typist.type("jkaedu/?c")
    expect(search).to_have_value("jkaedu/?c")
    search.clear()
    typist.type("invited wen")
    typist.goes_on("Enter")
    assert [row.details for row in typist.rows()] == ["Invited wen.li@calder.example as Member"]
    expect(search).to_be_focused()
    typist.keys("Escape", "j")
    assert typist.row_in_hand() == f"e{typist.found()[0]}"
    expect(search).to_have_value("invited wen")


def test_actions_are_chosen(typist: Typist) -> None:
    typist.keys("a")
    menu = typist.page.locator("details[data-menu=actions]")
    expect(menu.get_by_label("Find an action")).to_be_focused()
    typist.see_focus()
    typist.type("invite")
    typist.keys("ArrowDown", "ArrowDown", "ArrowUp")
    typist.tab_to(menu.locator("input[value='user.invite']"))
    typist.keys("Space")
    expect(menu.locator("input[value='user.invite']")).to_be_checked()
    typist.keys("Escape")
    expect(menu.locator("summary")).to_be_focused()
    typist.see_focus()
    expect(menu.locator(".pop")).to_be_hidden()
    typist.keys("Enter")
    typist.tab_to(menu.get_by_role("button", name="Apply"))
    typist.goes_on("Enter")
    assert {row.action for row in typist.rows()} == {"user.invite"}


def test_an_actor_is_typed_or_taken_from_the_list(typist: Typist) -> None:
    typist.keys("e")
    field = typist.page.get_by_role("searchbox", name="Actor email")
    expect(field).to_be_focused()
    typist.see_focus()
    typist.type("bo.karlsen@calder.example")
    typist.goes_on("Enter")
    assert {row.actor for row in typist.rows()} == {"bo.karlsen@calder.example"}
    typist.tab_to(typist.page.get_by_role("link", name="Remove filter: actor is bo.karlsen@calder.example"))
    typist.goes_on("Enter")
    typist.keys("e")
    typist.type("yusuf")
    typist.keys("ArrowDown")
    typist.see_focus()
    typist.goes_on("Enter")
    assert {row.actor for row in typist.rows()} == {"yusuf.demir@calder.example"}


def test_dates_are_typed(typist: Typist) -> None:
    whole = typist.number_found()
    typist.keys("d")
    expect(typist.page.get_by_label("Start date")).to_be_focused()
    typist.see_focus()
    typist.type("2020-01-01")
    typist.keys("Tab")
    typist.type("10:00")
    typist.keys("Tab", "Tab")
    expect(typist.page.get_by_label("End time")).to_be_focused()
    typist.keys("Shift+Tab")
    typist.type("2019-01-01")
    typist.goes_on("Enter")
    expect(typist.page.get_by_label("End date")).to_be_focused()
    typist.see_focus()
    assert "is before the start" in typist.field_error("End date")
    typist.keys("Control+a")
    typist.type("2100-01-01")
    typist.goes_on("Enter")
    assert typist.number_found() == whole
    typist.keys("d")
    typist.tab_to(typist.page.get_by_role("link", name="Last hour"), key="Shift+Tab")


def test_the_zone_is_switched(typist: Typist) -> None:
    heading = typist.page.locator("th.c-time")
    expect(heading).not_to_have_text("Time UTC")
    typist.goes_on("u")
    expect(heading).to_have_text("Time UTC")
    typist.goes_on("u")
    expect(heading).not_to_have_text("Time UTC")


def test_the_link_to_an_event_is_copied(typist: Typist) -> None:
    typist.context.grant_permissions(["clipboard-read", "clipboard-write"])
    seq = typist.found()[3]
    typist.keys("j", "j", "j", "j", "Enter")
    expect(typist.page.locator("#panel")).to_be_focused()
    typist.keys("c")
    typist.told("Link copied")
    link = typist.page.evaluate("navigator.clipboard.readText()")
    assert link == f"{typist.site.base_url}{typist.path('audit-logs', str(seq))}"
    expect(typist.page.locator("#panel")).to_be_focused()
    typist.go(link)
    expect(typist.page.locator("#panel")).to_have_attribute("data-seq", str(seq))


def test_a_link_to_an_event_begins_at_it(typist: Typist) -> None:
    seq = typist.found()[3]
    typist.open("audit-logs", str(seq))
    panel = typist.page.locator("#panel")
    expect(panel).to_be_focused()
    typist.keys("Tab")
    assert panel.evaluate("panel => panel.contains(document.activeElement)")
    typist.keys("Escape")
    expect(panel).to_be_hidden()
    assert typist.row_in_hand() == f"e{seq}"


def test_the_focus_returns_to_the_filter_that_was_changed(typist: Typist) -> None:
    menus = {which: typist.page.locator(f"[data-menu={which}] summary") for which in ("actions", "actor", "dates")}
    search = typist.page.get_by_role("combobox", name="Search the log")
    typist.keys("e")
    typist.type("calder")
    typist.goes_on("Enter")
    expect(menus["actor"]).to_be_focused()
    typist.see_focus()
    typist.keys("a")
    typist.tab_to(typist.page.locator("input[value='user.login']"))
    typist.keys("Space")
    typist.tab_to(typist.page.locator("[data-menu=actions]").get_by_role("button", name="Apply"))
    typist.goes_on("Enter")
    expect(menus["actions"]).to_be_focused()
    typist.keys("d")
    typist.tab_to(typist.page.get_by_role("link", name="Last hour"), key="Shift+Tab")
    typist.goes_on("Enter")
    expect(menus["dates"]).to_be_focused()
    typist.tab_to(typist.page.get_by_role("link", name="Remove filter: dates"))
    typist.goes_on("Enter")
    expect(menus["dates"]).to_be_focused()
    typist.keys("/")
    typist.type("password")
    typist.goes_on("Enter")
    expect(search).to_be_focused()
    typist.open_log()
    assert typist.focused() not in ("text", "Actions", "Actor email", "Dates")


def test_the_help_opens_closes_and_turns_the_keys_off(typist: Typist) -> None:
    typist.keys("j", "?")
    help_ = typist.page.get_by_role("dialog", name="Keyboard")
    expect(help_).to_be_visible()
    typist.keys("Escape")
    expect(help_).to_be_hidden()
    assert typist.row_in_hand() == f"e{typist.found()[0]}"
    typist.keys("?")
    stay_inside(typist, help_)
    typist.tab_to(help_.get_by_label("Use single keys"))
    typist.keys("Space", "Escape", "?", "d")
    expect(help_).to_be_hidden()
    typist.page.reload()
    typist.keys("?", "a", "j")
    expect(help_).to_be_hidden()
    expect(typist.page.locator("details[open]")).to_have_count(0)
    # Its button still opens it, and turns the keys on again.
    typist.tab_to(typist.page.get_by_role("button", name="Keyboard help"))
    typist.keys("Enter")
    typist.tab_to(help_.get_by_label("Use single keys"))
    typist.keys("Space", "Escape")
    expect(typist.page.get_by_role("button", name="Keyboard help")).to_be_focused()
    typist.keys("j")
    assert typist.row_in_hand() == f"e{typist.found()[0]}"


def test_every_stop_of_the_page_shows_the_focus(typist: Typist) -> None:
    typist.keys("Tab")
    skip = typist.page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    typist.see_focus()
    typist.tab_to(typist.page.locator("#e0 a").last, most=200)
    skip.focus()
    typist.keys("Enter", "Tab")
    expect(typist.page.get_by_role("link", name="Help", exact=True)).to_be_focused()


def test_signing_in(arrive: Arrive, site: Site) -> None:
    typist = arrive(visitor=Typist)
    typist.go("/sign-in")
    expect(typist.page.get_by_label("Email address")).to_be_focused()
    typist.see_focus()
    typist.type(site.company.auditor.email)
    typist.keys("Tab")
    typist.type("not the password")
    typist.goes_on("Enter")
    typist.see_focus()
    assert "do not belong together" in typist.field_error("Password")
    expect(typist.page.get_by_label("Email address")).to_have_value(site.company.auditor.email)
    expect(typist.page.get_by_label("Password")).to_be_focused()
    typist.type(PASSWORD)
    typist.goes_on("Enter")
    assert typist.heading == "Calder Robotics"


def test_inviting(arrive: Arrive, site: Site) -> None:
    typist = arrive(site.company.admin, visitor=Typist)
    typist.open("members")
    opener = typist.page.get_by_role("link", name="Invite people")
    dialog = typist.page.get_by_role("dialog", name="Invite people")
    typist.tab_to(opener)
    typist.keys("Enter")
    expect(dialog.get_by_label("Email addresses")).to_be_focused()
    typist.see_focus()
    stay_inside(typist, dialog)
    typist.keys("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    typist.keys("Enter")
    expect(dialog.get_by_label("Email addresses")).to_be_focused()
    typist.type("mira.novak@calder.example")
    typist.tab_to(dialog.get_by_role("radio", name="Member"))
    typist.keys("ArrowUp")
    typist.see_focus()
    typist.tab_to(dialog.get_by_role("button", name="Invite", exact=True))
    typist.goes_on("Enter")
    assert typist.heading == "1 person invited"
    assert typist.page.get_by_role("row").nth(1).inner_text().split()[:3] == [
        "mira.novak@calder.example",
        "Billing",
        "manager",
    ]


def test_a_removal_begins_on_its_field_and_gives_the_focus_back(arrive: Arrive, site: Site) -> None:
    typist = arrive(site.company.owner, visitor=Typist)
    typist.open("members")
    opener = typist.page.locator("summary[aria-label='More for Elin Berg']")
    dialog = typist.page.get_by_role("alertdialog")
    typist.tab_to(opener)
    typist.keys("Enter", "ArrowDown", "ArrowDown")
    typist.see_focus()
    typist.keys("Enter")
    expect(dialog.get_by_role("textbox")).to_be_focused()
    stay_inside(typist, dialog)
    typist.keys("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def stay_inside(typist: Typist, dialog: Locator) -> None:
    """Tab goes around inside a dialog, in both directions."""
    for key in ("Tab", "Shift+Tab"):
        for _ in range(12):
            typist.keys(key)
            typist.see_focus()
            outside = "dialog => document.activeElement !== document.body && !dialog.contains(document.activeElement)"
            assert not dialog.evaluate(outside), f"{key} left the dialog for {typist.focused()}"


def test_the_navigation_of_a_phone_opens_and_closes(arrive: Arrive, site: Site) -> None:
    typist = arrive(site.company.owner, visitor=Typist, width=360)
    typist.open("members")
    navigation = typist.page.get_by_role("navigation", name="Organization")
    typist.tab_to(typist.page.get_by_role("link", name="Open navigation"))
    typist.keys("Enter")
    expect(navigation).to_be_visible()
    typist.tab_to(navigation.get_by_role("link", name="Modes"))
    typist.keys("Escape")
    expect(navigation).to_be_hidden()
    typist.tab_to(typist.page.get_by_role("link", name="Invite people"))
