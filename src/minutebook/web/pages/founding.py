"""Founding another organization, which anybody may who can sign in."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from minutebook.model import Seat
from minutebook.organization.organizations import CreateOrganization, read_organization
from minutebook.organization.places import held_seats
from minutebook.record import NoChange, perform
from minutebook.web.forms import STAYS, Sent, form_after
from minutebook.web.render import Said, go, show
from minutebook.web.session import Viewer, Viewing
from minutebook.web.views.page import Form

router = APIRouter()


@router.get("/organizations/new")
def show_new_organization(request: Request, viewer: Viewing) -> Response:
    """The form; also where somebody lands who holds no seat anywhere."""
    return _show(request, viewer, Form())


@router.post("/organizations/new")
def create_organization(request: Request, viewer: Viewing, sent: Sent) -> Response:
    """Founds an organization on the plan `teams`, owned by the viewer."""
    store = viewer.site.store
    command = CreateOrganization(sent.one("name"), viewer.user)
    try:
        event = perform(store, Seat(0, viewer.user.actor(), viewer.context), command)
    except STAYS as error:
        return _show(request, viewer, form_after(sent, error, ("name",)), error.status)
    assert not isinstance(event, NoChange)
    with store.reading() as connection:
        made = read_organization(connection, event.organization)
    return go(viewer.site, f"/o/{made.id}", Said.ORGANIZATION_CREATED)


def _show(request: Request, viewer: Viewer, form: Form, status: int = 200) -> Response:
    with viewer.site.store.reading() as connection:
        held = held_seats(connection, viewer.user.id, viewer.session.id)
    return show(
        request,
        "new_organization.html",
        status=status,
        form=form,
        email=viewer.user.email,
        back_href=f"/o/{held[0].organization.id}/members" if held else None,
    )
