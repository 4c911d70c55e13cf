"""Who reads by an auditor link: their session, which is no user's and opens nothing but the log of that link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import Depends, Request, Response

from minutebook.errors import MinutebookError
from minutebook.model import SECOND, Context, Seat
from minutebook.organization import auditor_links
from minutebook.organization.auditor_links import SESSION_LIFETIME, LinkSession
from minutebook.web import times
from minutebook.web.session import known_id, zone_of
from minutebook.web.site import Site, site_of
from minutebook.web.source import context_of
from minutebook.web.views.log import LinkNote
from minutebook.web.views.page import NavGroup, NavItem, Shell, Viewer

PATH = "/audit"


class LinkOver(MinutebookError):
    """This auditor link is not open in this browser: it was revoked, it has expired, or it was opened more than 12
    hours ago. Open the link once more; if it does not work, ask who gave it to you."""

    status = 410
    code = "link_over"


@dataclass(frozen=True, slots=True)
class Auditor:
    """Somebody who opened an auditor link. `at` is now, in UTC microseconds."""

    site: Site
    session: LinkSession
    context: Context
    zone: ZoneInfo
    at: int

    @property
    def path(self) -> str:
        """Where the log is for them."""
        return log_path(self.session)

    @property
    def seat(self) -> Seat:
        """For `record.perform()`: a link holds no seat, and its commands decide by themselves."""
        return Seat(self.session.organization.number, self.session.link.actor(), self.context)

    @property
    def note(self) -> LinkNote:
        """What is said about the link on each page."""
        link = self.session.link
        return LinkNote(link.name, link.query, link.moves, times.minute_time(link.expires_at, self.zone))

    @property
    def shell(self) -> Shell:
        """The frame of their pages: there is one."""
        link, organization = self.session.link, self.session.organization
        return Shell(
            viewer=Viewer(link.name, "", "Auditor link"),
            organization=organization.name,
            plan="Read only",
            organizations=(),
            nav=(NavGroup("Record", (NavItem("Audit Logs", "log", self.path, current=True),)),),
            sign_out_href=f"{PATH}/{link.id}/leave",
        )


def log_path(session: LinkSession) -> str:
    """`/audit/aud_…/log`."""
    return f"{PATH}/{session.link.id}/log"


def find_auditor(request: Request, link: str) -> Auditor:
    """Who reads by this link. Raises LinkOver, alike for a link that is over and for one that never was."""
    site = site_of(request)
    at = site.store.clock()
    with site.store.reading() as connection:
        found = auditor_links.find_session(connection, request.cookies.get(_cookie(site), ""), at)
    if found is None or found.link.id != known_id(link):
        raise LinkOver
    request.state.user = found.link.id
    return Auditor(site, found, context_of(request, found.id), zone_of(request), at)


Auditing = Annotated[Auditor, Depends(find_auditor)]


def begin(response: Response, site: Site, session: LinkSession, token: str) -> None:
    """Gives the browser the session, for the pages of this link and no others."""
    response.set_cookie(
        _cookie(site),
        token,
        max_age=SESSION_LIFETIME // SECOND,
        path=f"{PATH}/{session.link.id}",
        secure=site.is_https,
        httponly=True,
        samesite="lax",
    )


def end(response: Response, auditor: Auditor) -> None:
    """Takes the session from the browser."""
    site, path = auditor.site, f"{PATH}/{auditor.session.link.id}"
    response.delete_cookie(_cookie(site), path=path, secure=site.is_https, httponly=True, samesite="lax")


def _cookie(site: Site) -> str:
    """Its name. `__Host-` would stand for every path."""
    return "__Secure-minutebook-auditor" if site.is_https else "minutebook-auditor"
