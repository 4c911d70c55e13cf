"""Photographs every page, wide and narrow, light and dark, into test-results/screenshots/, to be looked at.

    python tools/screenshots.py            all pages, of the demo's organization and of one with long and hostile names
    python tools/screenshots.py members    only those whose name holds "members"
    python tools/screenshots.py --readme   only docs/images/audit-logs.png
    python tools/screenshots.py --guide    only the pictures of the guide

The demo is told once, into test-results/demo/, which takes a while.
"""

from __future__ import annotations

import argparse
import base64
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import structlog  # noqa: E402
from playwright.sync_api import Page  # noqa: E402
from sqlalchemy import Connection  # noqa: E402

from minutebook.config import DATABASE_FILE  # noqa: E402
from minutebook.custody.signer import sign_logs  # noqa: E402
from minutebook.demo.fill import prepare  # noqa: E402
from minutebook.model import DAY, Context, Event, rfc3339  # noqa: E402
from minutebook.organization import people, sessions  # noqa: E402
from minutebook.organization.organizations import all_organizations  # noqa: E402
from minutebook.organization.saved_searches import asked  # noqa: E402
from minutebook.store import log, search  # noqa: E402
from minutebook.store.engine import Store  # noqa: E402
from minutebook.store.migrate import migrate  # noqa: E402
from minutebook.store.scope import Scope  # noqa: E402
from tests.support.browser import Contexts, running_browser  # noqa: E402
from tests.support.history import live_a_little  # noqa: E402
from tests.support.server import Site, custody_of, serving, site_on  # noqa: E402
from tests.support.states import STATES, set_up  # noqa: E402
from tests.support.visitor import Visitor  # noqa: E402

RESULTS = ROOT / "test-results"
README_PICTURE = ROOT / "docs" / "images" / "audit-logs.png"
GUIDE_PICTURES = ROOT / "src" / "minutebook" / "web" / "static" / "guide"
LARGEST = 300_000
LARGEST_OF_GUIDE = 70_000
LOOKS = [(width, scheme) for width in (1440, 360) for scheme in ("light", "dark")]

DEMO_PAGES: dict[str, str] = {
    "audit-logs": "audit-logs",
    "audit-logs-filtered": "audit-logs?action=settings.change&action=member.change_role&actor=ada@calder.example",
    "audit-logs-event": "audit-logs?end={day}&event={settings}",
    "audit-logs-refusal": "audit-logs?action=user.login_failed&event={refusal}",
    "audit-logs-empty": "audit-logs?action=sso.remove_domain&actor=wen@calder.example&text=okta",
    "audit-logs-wrong": "audit-logs?start_date=2026-02-30&action=user.login",
    "members": "members",
    "members-invite": "invitations/new",
    "models": "models",
    "modes": "modes",
    "mode-new": "modes/new",
    "credits": "credits",
    "integrity": "integrity",
    "sso": "sso",
    "settings": "settings",
    "guide": "../../guide/audit-logs",
    "guide-account": "../../guide/account",
}
GUIDE_PAGES = {
    "audit-logs": "audit-logs?q=-action:user.*&end={day}&event={settings}",
    "members": "members",
    "credits": "credits",
    "integrity": "integrity",
    "retention": "retention",
}
README_ACTIONS = (
    *("user.invite", "user.accept_invite", "user.revoke_invite", "member.change_role", "member.remove"),
    *("settings.change", "mode.create", "mode.update", "mode.delete", "credits.purchase", "sso.set_domain"),
)
"""What people do besides signing in and out, so that the picture shows something of everything."""
OPENED = ("actions", "actor", "dates")
HEIGHT = "Math.max(...[document.documentElement, ...document.querySelectorAll('.page')].map(each => each.scrollHeight))"
"""How high a page is, which scrolls itself or inside the frame of the dashboard."""


def main(arguments: list[str] | None = None) -> int:
    """Takes the pictures; 1 when one that is committed is too large."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", default="", help="only pages whose name holds this")
    parser.add_argument("--readme", action="store_true", help="only the picture of the README")
    parser.add_argument("--guide", action="store_true", help="only the pictures of the guide")
    options = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with running_browser() as browser:
        contexts = Contexts(browser)
        with demo(contexts) as opened:
            if options.readme:
                return photograph_for_readme(opened)
            if options.guide:
                return photograph_for_guide(opened)
            photograph_demo(opened, options.name)
        with tempfile.TemporaryDirectory() as folder, small_site(folder) as site:
            photograph_states(contexts, site, options.name)
        with tempfile.TemporaryDirectory() as folder:
            photograph_set_up(contexts, folder, options.name)
    return 0


Opened = Callable[[str, int, str], Page]
"""Opens a page of the demo's organization as its owner: path, width, light or dark."""


@contextmanager
def demo(contexts: Contexts) -> Iterator[Opened]:
    """The demo, filled if it is not yet, and served."""
    directory = RESULTS / "demo"
    print("The demo's organization …")
    prepare(directory, fresh=False, seed=1, days=365, progress=lambda _: None)
    store = Store(f"sqlite:///{directory / DATABASE_FILE}")
    with store.reading() as connection:
        organization = next(each for each in all_organizations(connection) if each.name == "Calder Robotics")
        owner = people.find_user(connection, "ada@calder.example")
        assert owner
        settings = newest(connection, organization.number, "details.models.added:* details.models.removed:*")
        refusal = newest(connection, organization.number, "action:user.login_failed")
        events = {"settings": settings.seq, "refusal": refusal.seq, "day": rfc3339(settings.occurred_at + 4 * DAY)[:10]}
    sign_logs(store, custody_of(store), "minutebook.local")
    with serving(store) as address:

        def opened(path: str, width: int, scheme: str) -> Page:
            dark, height = scheme == "dark", 900 if width > 400 else 780
            context = contexts(base_url=address, width=width, height=height, dark=dark)
            token, _ = sessions.start_session(store, owner, "password", Context(ip="203.0.113.21"))
            context.add_cookies(
                [
                    {"name": name, "value": value, "url": address}
                    for name, value in (("minutebook-session", token), ("zone", "Europe/Berlin"))
                ]
            )
            page = context.new_page()
            page.goto(f"/o/{organization.id}/{path.format(**events)}")
            return page

        yield opened
    store.close()


def newest(connection: Connection, organization: int, query: str) -> Event:
    """The newest event that a query finds."""
    scope = Scope(organization, log.read_head(connection, organization).size)
    return search.page(connection, scope, asked(query), None, 1).events[0]


@contextmanager
def small_site(folder: str) -> Iterator[Site]:
    """The organization that the tests of accessibility look at."""
    url = f"sqlite:///{folder}/minutebook.sqlite3"
    store = Store(url)
    migrate(store)
    store.close()
    with site_on(url, patience=0.3) as site:
        live_a_little(site.company)
        yield site


def photograph_for_readme(opened: Opened) -> int:
    """Writes the picture; says whether it is small enough."""
    chosen = "&".join(f"action={action}" for action in README_ACTIONS)
    page = opened(f"audit-logs?{chosen}&end={{day}}&event={{settings}}", 1440, "light")
    page.evaluate("document.activeElement.blur(); document.querySelector('.page').scrollTo(0, 0)")
    README_PICTURE.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=README_PICTURE)
    size = README_PICTURE.stat().st_size
    print(f"{README_PICTURE.relative_to(ROOT)}: {size:,} bytes")
    return int(size > LARGEST)


def photograph_for_guide(opened: Opened) -> int:
    """Writes the pictures, all of one shape (`guide.css`); says whether each is small enough."""
    largest = 0
    for name, path in GUIDE_PAGES.items():
        page = opened(path, 1120, "light")
        page.set_viewport_size({"width": 1120, "height": 700})
        page.evaluate("document.activeElement.blur(); document.querySelector('.page').scrollTo(0, 0)")
        page.wait_for_timeout(500)
        taken = page.context.new_cdp_session(page).send("Page.captureScreenshot", {"format": "webp", "quality": 70})
        picture = base64.b64decode(taken["data"])
        GUIDE_PICTURES.mkdir(exist_ok=True)
        (GUIDE_PICTURES / f"{name}.webp").write_bytes(picture)
        print(f"{name}.webp: {len(picture):,} bytes")
        largest = max(largest, len(picture))
    return int(largest > LARGEST_OF_GUIDE)


def photograph_demo(opened: Opened, wanted: str) -> None:
    """The pages as an owner finds them, and the popovers of Audit Logs."""
    for name, path in DEMO_PAGES.items():
        if wanted in f"demo-{name}":
            for width, scheme in LOOKS:
                keep(opened(path, width, scheme), f"demo-{name}", width, scheme)
    for menu in OPENED:
        if wanted in f"demo-audit-logs-{menu}":
            for width, scheme in LOOKS:
                page = opened(DEMO_PAGES["audit-logs-filtered"], width, scheme)
                page.locator(f"[data-menu={menu}] summary").click()
                keep(page, f"demo-audit-logs-{menu}", width, scheme)


def photograph_states(contexts: Contexts, site: Site, wanted: str) -> None:
    """Every state that the tests of accessibility know."""
    for state in STATES:
        if wanted not in file_name(state.name):
            continue
        visitor = Visitor(contexts, site, {"owner": site.company.owner, "member": site.company.member}.get(state.who))
        state.leads(visitor)
        photograph(visitor.page, state.name)


def photograph_set_up(contexts: Contexts, folder: str, wanted: str) -> None:
    """What is there before there is an organization."""
    store = Store(f"sqlite:///{folder}/minutebook.sqlite3")
    migrate(store)
    with serving(store) as address:
        page = contexts(base_url=address).new_page()
        for name in set_up(page, store):
            if wanted in file_name(name):
                photograph(page, name)
    store.close()


def photograph(page: Page, name: str) -> None:
    """A page in every look, as far as the screen goes; of the components everything."""
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900 if width > 400 else 780})
        if name == "components":
            page.set_viewport_size({"width": width, "height": page.evaluate(HEIGHT)})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        keep(page, file_name(name), width, scheme)


def file_name(state: str) -> str:
    """What the pictures of a state are called."""
    return state.replace(", ", "-").replace(" ", "-")


def keep(page: Page, name: str, width: int, scheme: str) -> None:
    """Writes what is on the screen."""
    folder = RESULTS / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}-{width}-{scheme}.png")
    print(f"{name} {width} {scheme}")


if __name__ == "__main__":
    sys.exit(main())
