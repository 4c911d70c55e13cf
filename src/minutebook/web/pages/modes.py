"""Modes: the custom ways of working that members choose from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from minutebook.organization import modes
from minutebook.organization.modes import TOOLS, CreateMode, DeleteMode, Mode, UpdateMode
from minutebook.permissions import Permission
from minutebook.record import NoChange, perform
from minutebook.web import shell, times
from minutebook.web.forms import STAYS, Sent, Typed, confirm, form_after
from minutebook.web.render import Said, go, show
from minutebook.web.session import Place, known_id, place
from minutebook.web.views.page import Choice, ChoiceGroup, Form, Moment

router = APIRouter()

Seen = Annotated[Place, Depends(place(Permission.SETTINGS_READ))]
Changed = Annotated[Place, Depends(place(Permission.MODES_WRITE))]

FIELDS, GROUPS = ("name", "instructions"), ("tools",)


@dataclass(frozen=True, slots=True)
class ModeRow:
    """One mode of the list."""

    name: str
    tools: str
    created_by: str
    updated: Moment
    href: str
    delete_href: str


@router.get("/o/{org}/modes")
def show_modes(request: Request, place: Seen) -> Response:
    """All modes."""
    return _list(request, place)


@router.get("/o/{org}/modes/new")
def show_new_mode(request: Request, place: Changed) -> Response:
    """The form for a new mode."""
    return _form(request, place, None, Form(values={"tools": ("read",)}))


@router.post("/o/{org}/modes/new")
def create_mode(request: Request, place: Changed, sent: Sent) -> Response:
    """Makes a mode."""
    command = CreateMode(sent.one("name"), sent.one("instructions"), sent.every("tools"))
    try:
        perform(place.site.store, place.seat, command)
    except STAYS as error:
        return _form(request, place, None, form_after(sent, error, FIELDS, GROUPS), error.status)
    return go(place.site, place.path(shell.MODES), Said.MODE_CREATED)


@router.get("/o/{org}/modes/{mode}")
def show_mode(request: Request, place: Seen, mode: str) -> Response:
    """One mode, as a form for those who may change it."""
    now = _mode(place, mode)
    values = {"name": now.name, "instructions": now.instructions, "tools": now.tools}
    return _form(request, place, now, Form(values=values))


@router.post("/o/{org}/modes/{mode}")
def save_mode(request: Request, place: Changed, mode: str, sent: Sent) -> Response:
    """Changes a mode."""
    now = _mode(place, mode)
    command = UpdateMode(now.id, sent.one("name"), sent.one("instructions"), sent.every("tools"), _seen(sent))
    try:
        done = perform(place.site.store, place.seat, command)
    except STAYS as error:
        return _form(request, place, now, form_after(sent, error, FIELDS, GROUPS), error.status)
    said = Said.NOTHING_TO_CHANGE if isinstance(done, NoChange) else Said.MODE_SAVED
    return go(place.site, place.path(shell.MODES), said)


@router.get("/o/{org}/modes/{mode}/delete")
def ask_to_delete(request: Request, place: Changed, mode: str) -> Response:
    """Says what happens when the mode is deleted, and asks to type its name."""
    return _list(request, place, _mode(place, mode), Form())


@router.post("/o/{org}/modes/{mode}/delete")
def delete_mode(request: Request, place: Changed, mode: str, sent: Sent) -> Response:
    """Deletes a mode, when its name was typed."""
    now = _mode(place, mode)
    try:
        confirm(sent, now.name)
        perform(place.site.store, place.seat, DeleteMode(now.id))
    except STAYS as error:
        return _list(request, place, now, form_after(sent, error, ("confirm",)), error.status)
    return go(place.site, place.path(shell.MODES), Said.MODE_DELETED)


def _seen(sent: Typed) -> int | None:
    """When the mode that was shown for editing had been changed last; a text that is no time was never shown."""
    text = sent.one("seen")
    if not text:
        return None
    return int(text) if re.fullmatch(r"[0-9]{1,16}", text) else 0


def _mode(place: Place, mode: str) -> Mode:
    with place.site.store.reading() as connection:
        return modes.read_mode(connection, place.organization.number, known_id(mode))


def _list(
    request: Request, place: Place, deleting: Mode | None = None, form: Form | None = None, status: int = 200
) -> Response:
    with place.site.store.reading() as connection:
        found = modes.all_modes(connection, place.organization.number)
    return show(
        request,
        "modes.html",
        place=place,
        current=shell.MODES,
        status=status,
        modes=[_row(place, mode) for mode in found],
        new_href=place.path(shell.MODES, "new"),
        modes_href=place.path(shell.MODES),
        may_change=place.may(Permission.MODES_WRITE),
        deleting=_row(place, deleting) if deleting else None,
        form=form,
    )


def _form(request: Request, place: Place, mode: Mode | None, form: Form, status: int = 200) -> Response:
    return show(
        request,
        "mode_form.html",
        place=place,
        current=shell.MODES,
        status=status,
        mode=_row(place, mode) if mode else None,
        seen=mode.updated_at if mode else None,
        made=times.day_of(mode.created_at, place.viewer.zone) if mode else None,
        instructions=mode.instructions if mode else "",
        form=form,
        tools=(ChoiceGroup("", tuple(Choice(value, label) for value, label in TOOLS.items())),),
        action=place.path(shell.MODES, mode.id if mode else "new"),
        modes_href=place.path(shell.MODES),
        may_change=place.may(Permission.MODES_WRITE),
    )


def _row(place: Place, mode: Mode) -> ModeRow:
    return ModeRow(
        name=mode.name,
        tools=", ".join(label for tool, label in TOOLS.items() if tool in mode.tools) or "None",
        created_by=mode.created_by,
        updated=times.day_of(mode.updated_at, place.viewer.zone),
        href=place.path(shell.MODES, mode.id),
        delete_href=place.path(shell.MODES, mode.id, "delete"),
    )
