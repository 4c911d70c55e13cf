"""What a browser is called, by what it says of itself; so that somebody knows their own again."""

from __future__ import annotations

BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
"""In this order: most say that they are some of the others, too."""
SYSTEMS = (
    *(("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows")),
    *(("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux")),
)
UNKNOWN = "A browser"


def browser_of(user_agent: str | None) -> str:
    """`Firefox on Linux`; what can be told of it, and UNKNOWN where nothing can."""
    said = user_agent or ""
    browser, system = (next((name for sign, name in signs if sign in said), "") for signs in (BROWSERS, SYSTEMS))
    return f"{browser or UNKNOWN} on {system}" if system else browser or UNKNOWN
