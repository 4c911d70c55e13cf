"""Settings: the data-collection policy, and what the organization is."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from minutebook.actions.values import Diff
from minutebook.errors import Conflict
from minutebook.organization import second_factor_rule
from minutebook.organization.settings import DATA_COLLECTION, ChangeDataCollection, Settings
from minutebook.permissions import Permission
from minutebook.record import NoChange, perform
from minutebook.web import shell
from minutebook.web.forms import STAYS, Sent, form_after
from minutebook.web.render import Said, go, show
from minutebook.web.session import Place, place
from minutebook.web.settings_form import changed_meanwhile, from_field, seen_hash, settings_now, to_field
from minutebook.web.views.page import Choice, Form

router = APIRouter()

Seen = Annotated[Place, Depends(place(Permission.SETTINGS_READ))]
Changed = Annotated[Place, Depends(place(Permission.SETTINGS_WRITE))]


@router.get("/o/{org}/settings")
def show_settings(request: Request, place: Seen) -> Response:
    """The policy, with a form for those who may change it, and the facts."""
    now = settings_now(place)
    return _show(request, place, now, Form(values={"data_collection": now.data_collection}))


@router.post("/o/{org}/settings")
def save_settings(request: Request, place: Changed, sent: Sent) -> Response:
    """Saves the data-collection policy."""
    before = from_field(sent)
    try:
        command = ChangeDataCollection(sent.one("data_collection"), seen_hash(before))
        done = perform(place.site.store, place.seat, command)
    except STAYS as error:
        now = settings_now(place)
        meanwhile = changed_meanwhile(before, now) if isinstance(error, Conflict) else ()
        return _show(request, place, now, form_after(sent, error, ("data_collection",)), meanwhile, error.status)
    said = Said.NOTHING_TO_CHANGE if isinstance(done, NoChange) else Said.SETTINGS_SAVED
    return go(place.site, place.path(shell.SETTINGS), said)


def _show(
    request: Request, place: Place, now: Settings, form: Form, meanwhile: tuple[Diff, ...] = (), status: int = 200
) -> Response:
    with place.site.store.reading() as connection:
        rule = second_factor_rule.read_rule(connection, place.organization.number)
    return show(
        request,
        "settings.html",
        place=place,
        current=shell.SETTINGS,
        status=status,
        form=form,
        choices=tuple(Choice(value, value.capitalize(), hint) for value, hint in DATA_COLLECTION.items()),
        policy=DATA_COLLECTION[now.data_collection],
        before=to_field(now),
        meanwhile=meanwhile,
        organization=place.organization,
        action=place.path(shell.SETTINGS),
        members_href=place.path(shell.MEMBERS),
        taken=place.members,
        second_factor=rule,
        second_factor_href=place.path(shell.SETTINGS, "second-factor"),
        may_change=place.may(Permission.SETTINGS_WRITE),
    )
