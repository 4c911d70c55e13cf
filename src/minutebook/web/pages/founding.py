"""The organizations of the viewer, and founding another one."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from minutebook.errors import NotAllowed, TooManyFoundings
from minutebook.filters import normal_text
from minutebook.model import Seat
from minutebook.organization import support, wording
from minutebook.organization.held_seats import HeldSeat, held_seats
from minutebook.organization.organizations import CreateOrganization, read_organization
from minutebook.permissions import Support
from minutebook.record import NoChange, perform
from minutebook.web.forms import STAYS, Sent, form_after
from minutebook.web.render import Said, go, show
from minutebook.web.session import Viewer, Viewing
from minutebook.web.views.page import Form, OrganizationLink

router = APIRouter()

MAX_SEARCH = 200


@router.get("/organizations")
def show_organizations(request: Request, viewer: Viewing) -> Response:
    """All organizations where the viewer holds a seat or is let in, or those whose name holds what is searched for."""
    text = request.query_params.get("q", "").strip()[:MAX_SEARCH]
    places = [(seat.organization, seat.role.label) for seat in _held(viewer)]
    with viewer.site.store.reading() as connection:
        grants = support.entered_by(connection, viewer.user.id, viewer.session.id, viewer.at).values()
        places += [(read_organization(connection, grant.organization), Support.label) for grant in grants]
    wanted = normal_text(text)
    return show(
        request,
        "organizations.html",
        text=text,
        count=len(places),
        organizations=[
            OrganizationLink(organization.name, label, f"/o/{organization.id}")
            for organization, label in places
            if wanted in normal_text(organization.name)
        ],
        new_href="/organizations/new" if viewer.site.settings.anybody_founds else None,
    )


@router.get("/organizations/new")
def show_new_organization(request: Request, viewer: Viewing) -> Response:
    """The form; also where somebody lands who holds no seat anywhere."""
    return _show(request, viewer, Form())


@router.post("/organizations/new")
def create_organization(request: Request, viewer: Viewing, sent: Sent) -> Response:
    """Founds an organization on the plan `teams`, owned by the viewer."""
    store = viewer.site.store
    try:
        if not viewer.site.settings.anybody_founds:
            raise NotAllowed("Here only whoever runs Minutebook founds organizations.")
        name = wording.name(sent.one("name"), "name", "The name")  # what is none does not count
        viewer.site.foundings.check(viewer.user.id, TooManyFoundings)
        event = perform(store, Seat(0, viewer.user.actor(), viewer.context), CreateOrganization(name, viewer.user))
    except (*STAYS, TooManyFoundings) as error:
        return _show(request, viewer, form_after(sent, error, ("name",)), error.status)
    assert not isinstance(event, NoChange)
    with store.reading() as connection:
        made = read_organization(connection, event.organization)
    return go(viewer.site, f"/o/{made.id}", Said.ORGANIZATION_CREATED)


def _held(viewer: Viewer) -> list[HeldSeat]:
    with viewer.site.store.reading() as connection:
        return held_seats(connection, viewer.user.id, viewer.session.id)


def _show(request: Request, viewer: Viewer, form: Form, status: int = 200) -> Response:
    held = _held(viewer)
    return show(
        request,
        "new_organization.html",
        status=status,
        form=form,
        email=viewer.user.email,
        may=viewer.site.settings.anybody_founds,
        back_href=f"/o/{held[0].organization.id}" if held else None,
    )
