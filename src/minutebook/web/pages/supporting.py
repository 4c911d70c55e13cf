"""Support staff: the link by which somebody enters an organization, and the end of their access."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from minutebook.errors import NotFound
from minutebook.organization import support
from minutebook.organization.organizations import read_organization
from minutebook.organization.support import EndSupport, Grant
from minutebook.permissions import Permission
from minutebook.record import perform
from minutebook.web import shell, times
from minutebook.web.pages.links import carried, carry, drop
from minutebook.web.render import Said, go, show
from minutebook.web.session import Place, Viewer, Viewing, known_id, place
from minutebook.web.site import site_of

router = APIRouter()

LINK = "support"
"""The cookie that holds the token of a link until the button is pressed."""
PATH = "/support"

Ending = Annotated[Place, Depends(place(Permission.SUPPORT_END))]


@router.get("/support/{token}")
def take_support_link(request: Request, token: str) -> Response:
    """Takes the token out of the address."""
    return carry(site_of(request), LINK, token, PATH)


@router.get("/support")
def show_support_link(request: Request, viewer: Viewing) -> Response:
    """Which organization the link opens, why and until when, for the one person it is for."""
    grant = _grant(request, viewer)
    if grant is None:
        return _over(request)
    with viewer.site.store.reading() as connection:
        organization = read_organization(connection, grant.organization)
    return show(
        request,
        "support_link.html",
        organization=organization.name,
        reason=grant.reason,
        may=grant.may,
        granted_by=grant.granted_by,
        until=times.minute_time(grant.expires_at, viewer.zone),
    )


@router.post("/support")
def enter_as_support(request: Request, viewer: Viewing) -> Response:
    """Uses the link up and lets its person in, which is recorded."""
    grant = _grant(request, viewer)
    try:
        if grant is None:
            raise NotFound
        support.enter(viewer.site.store, grant, carried(request, LINK), viewer.context)
    except NotFound:
        return _over(request)
    with viewer.site.store.reading() as connection:
        organization = read_organization(connection, grant.organization)
    response = go(viewer.site, f"/o/{organization.id}/{shell.MEMBERS}")
    drop(response, viewer.site, LINK)
    return response


@router.get("/o/{org}/support/{grant}/end")
def leave_end_of_support(place: Ending) -> Response:
    """For somebody who loads the address of the form again."""
    return go(place.site, place.path(shell.MEMBERS))


@router.post("/o/{org}/support/{grant}/end")
def end_support(place: Ending, grant: str) -> Response:
    """Ends the access of support staff at once, an owner's or one's own."""
    perform(place.site.store, place.seat, EndSupport(known_id(grant)))
    return go(place.site, "/" if place.entry else place.path(shell.MEMBERS), Said.SUPPORT_ENDED)


def _grant(request: Request, viewer: Viewer) -> Grant | None:
    with viewer.site.store.reading() as connection:
        found = support.find_by_token(connection, carried(request, LINK), viewer.at)
    return found if found and found.person.id == viewer.user.id else None


def _over(request: Request) -> Response:
    return show(request, "link_over.html", status=410, kind="support", done=False)
