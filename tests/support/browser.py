"""The browser of the tests: the machine's Chromium, driven by Playwright."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

FINDER = Path(__file__).parents[2] / "tools" / "find_browser.py"
SCREENSHOTS = Path(__file__).parents[2] / "test-results"

PATIENCE_MS = 20_000
"""For what is promised without a time: a machine that is busy makes no test wrong."""
expect.set_options(timeout=PATIENCE_MS)

# Nothing that asks hosts on the internet, and no graphics card.
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    # A page of ours asks nobody else; where one did, this makes it fail and be complained of.
    "--host-resolver-rules=MAP localhost 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def executable() -> str:
    """The path that `make test` passes on, else what the finder finds (and installs)."""
    chosen = os.environ.get("MINUTEBOOK_TEST_BROWSER")
    if chosen:
        return chosen
    found = subprocess.run([sys.executable, FINDER], stdout=subprocess.PIPE, text=True, check=False)
    if found.returncode != 0:
        raise RuntimeError("No browser for the tests; the lines above say what to do")
    return found.stdout.strip()


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A headless browser.

    The sandbox is off because Chromium has none when it runs as root, and the tests only open their own pages.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS, chromium_sandbox=False)
        yield browser
        browser.close()


REFUSED = "Failed to load resource: the server responded with a status of 4"


class Screen(TypedDict, total=False):
    """What somebody looks at a page with: keywords of `Contexts`."""

    zone: str
    width: int
    height: int
    dark: bool
    script: bool


class Contexts:
    """Makes browser contexts: each call is a person with cookies of their own. `close()` closes them all."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._open: list[BrowserContext] = []
        self._complaints: list[tuple[str, str]] = []
        self._expected: list[str] = []

    def __call__(
        self,
        *,
        zone: str = "Europe/Berlin",
        width: int = 1440,
        height: int = 900,
        dark: bool = False,
        script: bool = True,
        base_url: str | None = None,
    ) -> BrowserContext:
        """A new context; `zone` is an IANA name, `script=False` turns JavaScript off."""
        context = self._browser.new_context(
            timezone_id=zone,
            locale="en-GB",
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            java_script_enabled=script,
            base_url=base_url,
        )
        context.set_default_timeout(PATIENCE_MS)
        self._watch(context)
        self._open.append(context)
        return context

    def complaints(self) -> list[str]:
        """What the browser found wrong so far: errors of scripts, what the CSP forbade, what could not be loaded.

        A page that is refused is an answer; a file that is refused is a mistake of the page that asked for it.
        """
        return [
            f"{text} ({url})"
            for text, url in self._complaints
            if not (text.startswith(REFUSED) and not urlsplit(url).path.startswith("/static/"))
            and not any(expected in text for expected in self._expected)
        ]

    def expect_complaint(self, text: str) -> None:
        """Lets the browser complain of this: the test itself brings it about."""
        self._expected.append(text)

    def _watch(self, context: BrowserContext) -> None:
        """Listens to no more than it needs: each kind of event is a message for every file of every page."""

        def said(message: ConsoleMessage) -> None:
            if message.type == "error":
                self._complaints.append((message.text, message.location["url"]))

        context.on("console", said)
        context.on("weberror", lambda error: self._complaints.append((str(error.error), "a script")))

    def pages(self) -> list[Page]:
        """All pages that are open."""
        return [page for context in self._open for page in context.pages]

    def photograph(self, name: str) -> None:
        """A screenshot of every open page, into `test-results/`, to see what a failed test saw."""
        SCREENSHOTS.mkdir(exist_ok=True)
        for number, page in enumerate(self.pages(), start=1):
            page.screenshot(path=SCREENSHOTS / f"{name}-{number}.png", full_page=True)

    def close(self) -> None:
        """Closes all contexts."""
        while self._open:
            self._open.pop().close()
