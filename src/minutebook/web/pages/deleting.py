"""Deleting the organization: asking for it, and taking that back while there is time."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from minutebook.organization.ending import WAITING_DAYS, CancelDeletion, RequestDeletion
from minutebook.permissions import Permission
from minutebook.record import perform
from minutebook.web import shell, times
from minutebook.web.forms import STAYS, Sent, confirm, form_after
from minutebook.web.render import Said, go, show
from minutebook.web.session import Place, place
from minutebook.web.views.page import Form

router = APIRouter()

Owned = Annotated[Place, Depends(place(Permission.OWNERSHIP))]

DELETION = "deletion"


@router.get("/o/{org}/deletion")
def show_deletion(request: Request, place: Owned) -> Response:
    """What deleting means and a form that asks for it, or when it is done and a form that takes it back."""
    return _show(request, place, Form())


@router.post("/o/{org}/deletion")
def request_deletion(request: Request, place: Owned, sent: Sent) -> Response:
    """Asks for the organization to be deleted, when its name was typed."""
    try:
        confirm(sent, place.organization.name)
        perform(place.site.store, place.seat, RequestDeletion(place.site.settings.sends_mail))
    except STAYS as error:
        return _show(request, place, form_after(sent, error, ("confirm",)), error.status)
    return go(place.site, place.path(DELETION), Said.DELETION_REQUESTED)


@router.get("/o/{org}/deletion/cancel")
def lead_back(place: Owned) -> Response:
    """The address of the form alone: the page that it is on."""
    return go(place.site, place.path(DELETION))


@router.post("/o/{org}/deletion/cancel")
def cancel_deletion(place: Owned) -> Response:
    """Takes it back."""
    perform(place.site.store, place.seat, CancelDeletion())
    return go(place.site, place.path(shell.SETTINGS), Said.DELETION_CANCELLED)


def _show(request: Request, place: Place, form: Form, status: int = 200) -> Response:
    pending = place.deletion
    return show(
        request,
        "deletion.html",
        place=place,
        current=shell.SETTINGS,
        status=status,
        form=form,
        name=place.organization.name,
        members=place.members,
        days=WAITING_DAYS,
        asked_by=pending.asked_by if pending else "",
        asked=times.day_of(pending.asked_at, place.viewer.zone) if pending else None,
        due=times.minute_time(pending.due_at, place.viewer.zone) if pending else None,
        action=place.path(DELETION),
        back_href=place.path(shell.SETTINGS),
    )
