"""Someone who reads Audit Logs by HTTP, and what stands on the page they get."""

from __future__ import annotations

import html
import re
from urllib.parse import quote, urlencode

from httpx2 import Response

from minutebook.model import Role
from minutebook.organization.people import User
from tests.support.dashboard import Dashboard

PANEL = {"HX-Request": "true", "HX-Target": "panel"}
"""The headers of a request for the panel alone."""


class Reader:
    """A browser without scripts, at the Audit Logs of an organization. `who=None` has not signed in."""

    def __init__(self, dashboard: Dashboard, who: User | Role | None, zone: str = "") -> None:
        self.dashboard = dashboard
        self.client = (dashboard.signed_in(who) if who else dashboard.anybody()).client
        if zone:
            self.client.cookies.set("zone", zone, domain=self.client.base_url.host)
        self.path = dashboard.path("audit-logs")

    def open(self, href: str | None, headers: dict[str, str] | None = None) -> Response:
        """What a link leads to."""
        assert href is not None
        response: Response = self.client.get(href, headers=headers)
        return response

    def get(self, *pairs: tuple[str, str], headers: dict[str, str] | None = None) -> Response:
        """The log under these keys and values, without following a redirect."""
        return self.open(f"{self.path}?{urlencode(pairs, quote_via=quote)}", headers)

    def follow(self, response: Response) -> Response:
        """Where the redirect leads."""
        assert response.status_code == 303, response.status_code
        return self.open(response.headers["location"])

    def read(self, *pairs: tuple[str, str]) -> Response:
        """The log as a form asks for it: through the redirect to its one address, where it is found."""
        response = self.get(*pairs)
        if response.status_code == 303:
            response = self.follow(response)
        assert response.status_code == 200, response.text
        return response


def rows(response: Response) -> list[int]:
    """The numbers of the events in the table, from top to bottom."""
    return [int(seq) for seq in re.findall(r'<tr class="ev" id="e(\d+)"', response.text)]


def found(response: Response) -> str:
    """`3 events of 20`, as it stands above the table."""
    [inner] = re.findall(r'<p class="results__n" role="status"[^>]*>(.*?)</p>', response.text, re.DOTALL)
    return text(inner)


def text(markup: str) -> str:
    """What a person reads: without tags, blanks folded."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", markup)).split())


def link(response: Response, words: str) -> str | None:
    """Where the link with these words leads; None when it leads nowhere."""
    for attributes, inner in re.findall(r"<a\b([^>]*)>(.*?)</a>", response.text, re.DOTALL):
        if text(inner) == words or f'aria-label="{words}"' in attributes:
            href = re.search(r'href="([^"]*)"', attributes)
            return html.unescape(href[1]) if href else None
    raise AssertionError(f"no link says {words!r}")


def section(response: Response, start: str, end: str) -> str:
    """The page from one piece of markup to another."""
    return response.text[response.text.index(start) : response.text.index(end, response.text.index(start))]
