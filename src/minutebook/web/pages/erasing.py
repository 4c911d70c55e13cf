"""Erasing from the log: who or what, then the plan, then its approval."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from minutebook.actions.telling import path_title
from minutebook.custody.elsewhere import copies
from minutebook.custody.erase import Plan, erase, plan_field, plan_person
from minutebook.errors import Conflict, Invalid, NotFound, Problem
from minutebook.identifiers import event_number
from minutebook.permissions import Permission
from minutebook.web.forms import STAYS, Sent, Typed, form_after
from minutebook.web.render import Said, go, show
from minutebook.web.session import Place, place
from minutebook.web.shell import AUDIT_LOGS, RETENTION
from minutebook.web.views.page import Form

router = APIRouter()

Owner = Annotated[Place, Depends(place(Permission.LOG_ERASE))]

FIELDS = ("person", "seq", "path", "reason", "confirm")
MOST_SHOWN = 8


@router.get("/o/{org}/retention/erase")
def ask_what_to_erase(request: Request, place: Owner, person: str = "", seq: str = "", path: str = "") -> Response:
    """What is to be erased; and of what was asked for, the plan."""
    asked = Typed((("person", person), ("seq", seq), ("path", path)))
    if not (person or seq or path):
        return _show(request, place, Form())
    try:
        plan = _plan(place, asked)
    except STAYS as error:
        return _show(request, place, form_after(asked, error, FIELDS), status=error.status)
    return _show(request, place, form_after(asked, Invalid(), FIELDS), plan)


@router.post("/o/{org}/retention/erase")
def erase_what_was_planned(request: Request, place: Owner, sent: Sent) -> Response:
    """Erases what the plan says that was seen."""
    plan = None
    try:
        plan = _plan(place, sent)
        if plan.digest != sent.one("plan"):
            raise Conflict("What there is to erase is not what the plan said. Look at this one, and approve it.")
        problems = []
        if not sent.one("reason").strip():
            problems.append(Problem("reason", "Say why, such as: asked by letter of 3 May. It stays in the log."))
        if sent.one("confirm").strip().replace(",", "") != str(plan.number):
            problems.append(Problem("confirm", f"Type {plan.number:,} to confirm, or cancel."))
        if problems:
            raise Invalid(*problems)
        done = erase(place.site.store, place.seat, plan, sent.one("reason"), place.site.ledger)
    except STAYS as error:
        return _show(request, place, form_after(sent, error, FIELDS), plan, status=error.status)
    if not done:  # somebody else did it in the meantime
        return go(place.site, place.path(RETENTION), Said.NOTHING_TO_CHANGE)
    return go(place.site, f"{place.path(RETENTION)}?erased={done[0].seq}-{done[-1].seq}")


def _plan(place: Place, sent: Typed) -> Plan:
    """What is to be erased. Raises Invalid beside the field that it cannot be told from, and where nothing is."""
    number, person = place.organization.number, sent.one("person").strip()
    seq, path = sent.one("seq").strip().replace(",", ""), sent.one("path").strip()
    if person and (seq or path):
        raise Invalid.one("person", "Give a person, or one event and its field, and not both: empty the other fields.")
    with place.site.store.reading() as connection:
        if person:
            plan = plan_person(connection, number, person)
            if not (plan.fields or plan.held or plan.elsewhere):
                raise Invalid.one("person", "Nothing in this log names them.")
            return plan
        event = event_number(seq)
        if event is None:
            raise Invalid.one("seq" if path or seq else "person", "Enter whose, or the number of an event and a field.")
        try:
            return plan_field(connection, number, event, path)
        except NotFound:
            raise Invalid.one("seq", f"There is no event {event:,} in this log.") from None


def _show(request: Request, place: Place, form: Form, plan: Plan | None = None, *, status: int = 200) -> Response:
    return show(
        request,
        "erasing.html",
        place=place,
        current=RETENTION,
        status=status,
        form=form,
        plan=plan,
        counts=[(path_title(path), path, number) for path, number in plan.by_path.items()] if plan else [],
        events=[(seq, place.path(AUDIT_LOGS, str(seq))) for seq in sorted(plan.fields)[-MOST_SHOWN:]] if plan else [],
        copies=len(copies(place.site.store)),
        action=place.path(RETENTION, "erase"),
        list_href=place.path(RETENTION),
    )
