"""From a template to an answer: the frame of every page, and the way back after a form was sent."""

from __future__ import annotations

from enum import StrEnum
from typing import cast, get_args

from fastapi import Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from minutebook.web.session import Place, zone_of
from minutebook.web.shell import shell_of
from minutebook.web.site import Site, site_of
from minutebook.web.views.page import Frame, Shell, Theme

SAID = "said"
SAID_SECONDS = 60


class Said(StrEnum):
    """What a page can say was just done; the cookie that carries it holds the name, never a text."""

    NOTHING_TO_CHANGE = "Nothing to change"
    SIGNED_OUT = "Signed out"
    WELCOME = "Welcome to Minutebook"
    RESET_DONE = "Your new password is set"
    PASSWORD_CHANGED = "Password changed; your other sessions have ended"  # noqa: S105 - what a page says
    PROFILE_SAVED = "Profile saved"
    SESSIONS_ENDED = "Signed out there"
    FACTOR_ADDED = "Second factor added"
    FACTOR_REMOVED = "Second factor removed"
    ORGANIZATION_CREATED = "Organization created"
    INVITATION_ACCEPTED = "Invitation accepted"
    INVITATION_REVOKED = "Invitation revoked"
    ROLE_CHANGED = "Role changed"
    OWNERSHIP_TRANSFERRED = "The ownership was handed over"
    SESSIONS_ENDED_HERE = "Their sessions have ended here"
    MEMBER_REMOVED = "Member removed"
    LEFT = "You left the organization"
    ACCOUNT_DELETED = "Your account is deleted"
    MODELS_SAVED = "Models and providers saved"
    SETTINGS_SAVED = "Settings saved"
    MODE_CREATED = "Mode created"
    MODE_SAVED = "Mode saved"
    MODE_DELETED = "Mode deleted"
    CREDITS_BOUGHT = "Credits bought"
    PAYMENT_KNOWN = "That payment was entered before; nothing was added"
    TOKEN_REVOKED = "API token revoked"  # noqa: S105 - what a page says
    SECRET_SHOWN = "The secret of a token is shown once, and is not kept"  # noqa: S105 - what a page says
    LINK_SHOWN = "An auditor link is shown once, and is not kept"
    SSO_SET = "SSO domain set"
    LINK_REVOKED = "Auditor link revoked"
    SEARCH_SAVED = "Search saved"
    SEARCH_RENAMED = "Search renamed"
    SEARCH_DELETED = "Search deleted"
    VERIFICATION_RECORDED = "The verification was recorded"
    SSO_VERIFIED = "SSO domain verified"
    SSO_STILL_VERIFIED = "The record is there: the domain stays verified"
    SSO_REMOVED = "SSO domain removed"
    DELETION_REQUESTED = "The organization will be deleted"
    DELETION_CANCELLED = "The organization is kept"
    RETENTION_SET = "Retention changed"
    SUPPORT_ENDED = "The access of support staff is over"
    HOLD_PLACED = "Hold placed"
    HOLD_RELEASED = "Hold released"
    CLOCK_CONFIRMED = "Clock confirmed"


def show(
    request: Request,
    template: str,
    *,
    place: Place | None = None,
    current: str = "",
    shell: Shell | None = None,
    status: int = 200,
    **values: object,
) -> HTMLResponse:
    """The page. For one inside an organization, its frame, or from a place: `current` is the path of its entry in the
    navigation."""
    site = site_of(request)
    frame = frame_of(request)
    shell = shell_of(place, current) if place else shell
    body = site.templates.get_template(template).render(frame=frame, shell=shell, **values)
    response = HTMLResponse(body, status)
    if frame.said:
        response.delete_cookie(site.cookie(SAID), secure=site.is_https, httponly=True, samesite="lax")
    return response


def frame_of(request: Request) -> Frame:
    """What every page needs to know of the browser that shows it."""
    theme = request.cookies.get("theme")
    said = request.cookies.get(site_of(request).cookie(SAID), "")
    return Frame(
        theme=cast(Theme, theme) if theme in get_args(Theme) else "auto",
        keys=request.cookies.get("keys") != "off",
        zone=zone_of(request).key,
        said=Said[said].value if said in Said.__members__ else "",
    )


def go(site: Site, path: str, said: Said | None = None) -> Response:
    """The redirect after a form was sent; the page it leads to says what was done."""
    response = RedirectResponse(path, 303)
    if said:
        response.set_cookie(
            site.cookie(SAID), said.name, max_age=SAID_SECONDS, secure=site.is_https, httponly=True, samesite="lax"
        )
    return response
