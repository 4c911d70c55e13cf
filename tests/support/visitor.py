"""Somebody at a browser of their own: what they do on the pages of an organization, and what they see there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar, Unpack, overload
from urllib.parse import quote, urlencode

from playwright.sync_api import Locator, Page, Response, Route, expect

from minutebook.organization.people import User
from tests.support.browser import PATIENCE_MS, Contexts, Screen
from tests.support.deployment import PASSWORD
from tests.support.server import Site

ROWS = r"""rows => rows.map(row => ({
    seq: Number(row.id.slice(1)),
    utc: row.querySelector("time").dateTime,
    time: row.querySelector("time").textContent,
    action: row.querySelector(".act").textContent,
    actor: row.querySelector(".who").innerText.replace(/^\w{1,2}\s/, ""),
    details: row.querySelector(".what").innerText.replace(/\s+/g, " ").trim(),
    added: [...row.querySelectorAll("ins bdi")].map(chip => chip.textContent),
    removed: [...row.querySelectorAll("del bdi")].map(chip => chip.textContent),
}))"""


@dataclass(frozen=True)
class Row:
    """One line of the table, as it is shown; `utc` is for machines."""

    seq: int
    utc: str
    time: str
    action: str
    actor: str
    details: str
    added: list[str]
    removed: list[str]


class Visitor:
    """A person in a browser. With `user` they are signed in already; else `sign_in()` does that by the form."""

    def __init__(self, contexts: Contexts, site: Site, user: User | None = None, **screen: Unpack[Screen]) -> None:
        self.site = site
        self.expect_complaint = contexts.expect_complaint
        self.context = contexts(base_url=site.base_url, **screen)
        self.page: Page = self.context.new_page()
        if user:
            cookies = {"minutebook-session": site.company.session(user)}
            if screen.get("script", True):
                # They were here before, so the server knows their zone, by the name that this browser has for it.
                cookies["zone"] = self.page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
            self.context.add_cookies([{"name": n, "value": v, "url": site.base_url} for n, v in cookies.items()])

    # ── Going somewhere ──

    def path(self, *parts: str) -> str:
        return "/".join(("/o", self.site.company.id, *parts))

    def open(self, *parts: str) -> Response:
        """Opens a page of the organization by its address."""
        return self.go(self.path(*parts))

    def open_log(self, *pairs: tuple[str, str]) -> Response:
        """Opens Audit Logs with these keys and values."""
        return self.go(self.path("audit-logs") + (f"?{urlencode(pairs, quote_via=quote)}" if pairs else ""))

    def go(self, address: str) -> Response:
        response = self.page.goto(address)
        assert response
        return response

    def follow(self, link: Locator) -> Response:
        """Clicks what leads to another page, and waits until it is there."""
        with self.page.expect_navigation() as navigation:
            link.click()
        response: Response = navigation.value
        return response

    def navigate(self, label: str) -> Response:
        """Goes to a page by the navigation: at the side, or behind its button on a small screen."""
        link = self.page.get_by_role("navigation", name="Organization").get_by_role("link", name=label)
        opener = self.page.get_by_role("link", name="Open navigation")
        if opener.is_visible():
            opener.click()
        return self.follow(link)

    def press(self, label: str, inside: Locator | None = None) -> Response:
        """Presses the button that sends a form."""
        return self.follow((inside or self.page.get_by_role("main")).get_by_role("button", name=label, exact=True))

    def sign_in(self, email: str, password: str = PASSWORD) -> None:
        """Signs in by the form."""
        self.go("/sign-in")
        self.page.get_by_label("Email address").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.press("Sign in")

    def sign_out(self) -> None:
        self.press("Sign out", self.page.get_by_role("navigation"))

    def wait_until(self, done: Callable[[], object]) -> None:
        """For what no locator can tell; the page goes on meanwhile. Fails after PATIENCE_MS."""
        patience = time.monotonic() + PATIENCE_MS / 1000
        while not done():
            assert time.monotonic() < patience
            self.page.wait_for_timeout(20)

    def intercept(
        self, which: str | Callable[[str], bool], answer: Callable[[Route], object], times: int | None = None
    ) -> None:
        """Answers from now on what the page asks for, in place of the server.

        Holds for a page that is open: its browser begins a moment after it was told to, and lets what is asked in that
        moment through.
        """
        self.page.route("**/healthz", lambda route: route.fulfill(body="intercepted"))
        self.wait_until(lambda: self.page.evaluate("fetch('/healthz').then(answer => answer.text())") == "intercepted")
        self.page.route(which, answer, times=times)
        self.page.unroute("**/healthz")

    # ── What is on the page ──

    @property
    def heading(self) -> str:
        return self.page.get_by_role("heading", level=1).inner_text()

    def told(self, text: str) -> None:
        """Fails unless the page says, once, what was just done."""
        expect(self.page.get_by_role("status").filter(has_text=text)).to_be_visible()

    def field_error(self, label: str) -> str:
        """What is said to be wrong with a field."""
        field = self.page.get_by_label(label, exact=True)
        expect(field).to_have_attribute("aria-invalid", "true")
        ids = (field.get_attribute("aria-describedby") or "").split()
        return self.page.locator(f"#{next(id_ for id_ in ids if id_.endswith('-error'))}").inner_text()

    def focused(self) -> str:
        """What has the focus: its id, or what it is called."""
        told: str = self.page.evaluate(
            "(at => at.id || at.ariaLabel || at.textContent.trim() || at.tagName)(document.activeElement)"
        )
        return told

    # ── Audit Logs ──

    def rows(self) -> list[Row]:
        """The lines of the table, from top to bottom."""
        read: list[dict[str, Any]] = self.page.locator("tr.ev").evaluate_all(ROWS)
        return [Row(**row) for row in read]

    def found(self) -> list[int]:
        """The numbers of the events in the table."""
        return [row.seq for row in self.rows()]

    def number_found(self) -> str:
        """`3 events of 20`."""
        return " ".join(self.page.locator(".results__n").inner_text().split())

    def menu(self, which: str) -> Locator:
        """The popover of a filter: actions, actor or dates; opened, if it is not."""
        menu = self.page.locator(f"details[data-menu={which}]")
        if menu.get_attribute("open") is None:
            menu.locator("summary").click()
        return menu

    def choose_actions(self, *names: str) -> Locator:
        """Ticks these actions and no others; the popover, not applied yet."""
        menu = self.menu("actions")
        boxes = menu.locator("input[name=action]")
        ticked = {box.get_attribute("value") or "" for box in menu.locator("input[name=action]:checked").all()}
        for name in ticked ^ set(names):
            boxes.and_(menu.locator(f"[value='{name}']")).set_checked(name in names)
        return menu

    def choose_actor(self, email: str) -> Locator:
        """Types an address or a part of one; the popover, not applied yet."""
        menu = self.menu("actor")
        menu.get_by_role("searchbox").fill(email)
        return menu

    def choose_dates(self, start: tuple[str, str] = ("", ""), end: tuple[str, str] = ("", "")) -> Locator:
        """Types days and times, each pair as (day, time); the popover, not applied yet."""
        menu = self.menu("dates")
        for bound, typed in (("Start", start), ("End", end)):
            for part, text in zip(("date", "time"), typed, strict=True):
                menu.get_by_label(f"{bound} {part}").fill(text)
        return menu

    def apply(self, menu: Locator) -> Response:
        """Applies what was chosen in all popovers, as there is one form."""
        return self.press("Apply", menu)

    def remove_filter(self, what: str) -> None:
        """Clicks the × of a filter whose name begins so."""
        self.follow(self.page.get_by_role("link", name=f"Remove filter: {what}"))

    def show_zone(self, name: str) -> None:
        """Turns the switch to `UTC` or `Local CET`."""
        self.follow(self.page.get_by_role("group", name="Time zone").get_by_role("link", name=name))

    def open_event(self, seq: int) -> Locator:
        """Opens an event of the table; its panel."""
        self.page.locator(f"#e{seq} .ev__open").click()
        panel = self.page.get_by_role("complementary", name=f"Event {seq:,}")
        expect(panel).to_be_visible()
        return panel


V = TypeVar("V", bound=Visitor)


class Arrive:
    """Makes visitors of a site: the fixture `arrive`."""

    def __init__(self, site: Site, contexts: Contexts) -> None:
        self._site = site
        self._contexts = contexts

    @overload
    def __call__(self, user: User | None = None, **screen: Unpack[Screen]) -> Visitor: ...

    @overload
    def __call__(self, user: User | None = None, *, visitor: type[V], **screen: Unpack[Screen]) -> V: ...

    def __call__(
        self, user: User | None = None, *, visitor: type[Visitor] = Visitor, **screen: Unpack[Screen]
    ) -> Visitor:
        """Somebody at a browser of their own, signed in if a user is given."""
        return visitor(self._contexts, self._site, user, **screen)


def facts_of(panel: Locator) -> dict[str, str]:
    """What stands under Details in the panel of an event, by its labels."""
    labels, values = panel.locator(".facts dt"), panel.locator(".facts dd")
    return dict(zip(_texts(labels.all_inner_texts()), _texts(values.all_inner_texts()), strict=True))


def _texts(raw: Iterable[str]) -> list[str]:
    return [" ".join(text.split()) for text in raw]
