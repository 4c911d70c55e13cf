"""Prints the path of a Chromium or Chrome that starts, for the tests; installs one where it can.

In this order: MINUTEBOOK_TEST_BROWSER; a browser on the PATH or in its usual place; one that Playwright
downloaded before; the system's package, as root on Debian and its relatives; Playwright's download.

Of the system's packages first Chromium without its windows ("headless shell"): the same pages take it little more than
half the processor time.

Standard library only. What it does goes to standard error, the path alone to standard output.
Run it with the Python that has Playwright installed.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = ("chromium-headless-shell", "chromium")
NAMES = (*PACKAGES, "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MACOS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
# The faces the pages are set in, so that screenshots look alike everywhere.
FONTS = ("fonts-inter", "fonts-liberation", "fonts-dejavu-core")

ASK_PLAYWRIGHT = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""


def main() -> int:
    """Prints the path and returns 0, or says what to do and returns 1."""
    chosen = os.environ.get("MINUTEBOOK_TEST_BROWSER")
    if chosen:
        if starts(chosen):
            print(chosen)
            return 0
        say(f"MINUTEBOOK_TEST_BROWSER is {chosen!r}, and that does not start as a Chromium or Chrome.")
        return 1
    found = on_this_machine() or from_playwright() or by_apt() or by_playwright()
    if found:
        print(found)
        return 0
    say(
        "No browser for the tests was found, and none could be installed.\n"
        "Install Chromium or Chrome, or name one:  make test MINUTEBOOK_TEST_BROWSER=/path/to/chromium"
    )
    return 1


def say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def starts(program: str) -> bool:
    """Whether it runs at all: Ubuntu's `chromium-browser` may be a note that asks for a snap."""
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and ("Chrom" in answer.stdout)


def on_this_machine() -> str | None:
    candidates = [path for name in NAMES if (path := shutil.which(name))]
    candidates += [path for path in MACOS if Path(path).is_file()]
    return next((path for path in candidates if starts(path)), None)


def from_playwright() -> str | None:
    """A browser that Playwright downloaded earlier."""
    answer = subprocess.run([sys.executable, "-c", ASK_PLAYWRIGHT], capture_output=True, text=True, check=False)
    path = answer.stdout.strip()
    return path if answer.returncode == 0 and starts(path) else None


def by_apt() -> str | None:
    if os.name != "posix" or os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    say("Installing Chromium from the system's packages, for the tests …")
    install = ("install", "--yes", "--no-install-recommends")
    if not apt("update"):
        return None
    for package in PACKAGES:
        if apt(*install, package) and (found := on_this_machine()):
            apt(*install, *FONTS)  # without them pages are only less good to look at
            return found
    return None


def apt(*arguments: str) -> bool:
    """Runs apt-get quietly, and whether it did it; shows what it said only when it failed."""
    answer = subprocess.run(
        ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        say(f"apt-get {arguments[0]} failed:\n{answer.stdout.strip()}")
    return answer.returncode == 0


def by_playwright() -> str | None:
    say("Having Playwright download Chromium, for the tests …")
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], stdout=sys.stderr, check=False)
    return from_playwright()


if __name__ == "__main__":
    sys.exit(main())
