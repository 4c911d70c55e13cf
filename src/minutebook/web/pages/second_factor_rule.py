"""Settings, second factor: whether the organization requires one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from minutebook.organization import second_factor_rule
from minutebook.organization.second_factor_rule import CHOICES, NAME, ChangeSecondFactor
from minutebook.permissions import Permission
from minutebook.record import NoChange, perform
from minutebook.web import shell
from minutebook.web.forms import STAYS, Sent, form_after
from minutebook.web.render import Said, go, show
from minutebook.web.session import Place, place
from minutebook.web.views.page import Choice, Form

router = APIRouter()

PATH = (shell.SETTINGS, "second-factor")
Changed = Annotated[Place, Depends(place(Permission.SETTINGS_WRITE))]


@router.get("/o/{org}/settings/second-factor")
def show_rule(request: Request, place: Changed) -> Response:
    """The form, and how many it would keep out."""
    return _show(request, place, None)


@router.post("/o/{org}/settings/second-factor")
def change_rule(request: Request, place: Changed, sent: Sent) -> Response:
    """Requires a second factor, or leaves it to the members."""
    try:
        done = perform(place.site.store, place.seat, ChangeSecondFactor(sent.one(NAME)))
    except STAYS as error:
        return _show(request, place, form_after(sent, error, (NAME,)), error.status)
    said = Said.NOTHING_TO_CHANGE if isinstance(done, NoChange) else Said.SETTINGS_SAVED
    return go(place.site, place.path(*PATH), said)


def _show(request: Request, place: Place, form: Form | None, status: int = 200) -> Response:
    number = place.organization.number
    with place.site.store.reading() as connection:
        now = second_factor_rule.read_rule(connection, number)
        without = len(second_factor_rule.without(connection, number))
    return show(
        request,
        "second_factor_rule.html",
        place=place,
        current=shell.SETTINGS,
        status=status,
        form=form or Form({NAME: now}),
        choices=tuple(Choice(value, value.capitalize(), hint) for value, hint in CHOICES.items()),
        without=without,
        members=place.members,
        action=place.path(*PATH),
        without_href=f"{place.path(shell.MEMBERS)}?factor=none",
        settings_href=place.path(shell.SETTINGS),
    )
