"""Where a form may send somebody on to."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request
from starlette.routing import Match

NOT_TO = ("/sign-in", "/sign-in/second-factor", "/sign-out")


def own_path(request: Request, text: str) -> str:
    """The path when it leads to a page of ours, else `/`: nobody is sent elsewhere by a link to the sign-in."""
    printable = text.isascii() and text.isprintable() and "\\" not in text and " " not in text
    if not printable or not text.startswith("/") or text.startswith("//") or len(text) > 2_000:
        return "/"
    path = urlsplit(text).path
    scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": []}
    leads_to_a_page = any(route.matches(scope)[0] is Match.FULL for route in request.app.router.routes)
    return text if leads_to_a_page and path not in NOT_TO else "/"
