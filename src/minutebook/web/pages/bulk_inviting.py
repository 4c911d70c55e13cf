"""Inviting many people from a table: first what each row would do, then an invitation for each that can be made."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from minutebook.errors import Invalid, MinutebookError
from minutebook.model import Role
from minutebook.organization import invitations
from minutebook.permissions import Permission, given_by
from minutebook.web import shell, times
from minutebook.web.forms import Sent, Typed, form_after, form_with
from minutebook.web.pages.inviting import Invited, invite_each, status_of, with_invitations
from minutebook.web.pages.members import grantable
from minutebook.web.pasted_rows import FIELD, MOST_CHARACTERS, MOST_ROWS, PastedRow, read_rows
from minutebook.web.render import show
from minutebook.web.session import Place, place
from minutebook.web.views.page import Form

router = APIRouter()

Changed = Annotated[Place, Depends(place(Permission.SEATS_WRITE))]

FIELDS = (FIELD, "role")


@dataclass(frozen=True, slots=True)
class Preview:
    """What each row would do. `seen` stands for what was typed: only that is invited without another look."""

    rows: tuple[PastedRow, ...]
    seen: str = ""

    @property
    def valid(self) -> list[tuple[str, Role]]:
        return [(row.email, row.role) for row in self.rows if row.role and not row.problem]


NOTHING = Preview(())


@router.get("/o/{org}/invitations/bulk")
def ask_for_rows(request: Request, place: Changed) -> Response:
    """The form, empty."""
    return _show(request, place, Form(values={"role": Role.MEMBER.value}))


@router.post("/o/{org}/invitations/bulk")
def invite_rows(request: Request, place: Changed, sent: Sent) -> Response:
    """Shows what each row would do; sent again as it was shown, invites by each row that can be, an act of its own."""
    try:
        preview = _preview(place, sent)
    except Invalid as error:
        return _show(request, place, form_after(sent, error, FIELDS), status=error.status)
    if not preview.valid:
        return _show(request, place, form_with(sent, (), FIELDS), preview, status=Invalid.status)
    if sent.one("seen") != preview.seen:
        return _show(request, place, form_with(sent, (), FIELDS), preview)
    invited, refused = invite_each(place, preview.valid)
    left = tuple(_with_reason(row, refused) for row in preview.rows if row.problem or row.email in refused)
    rest = Typed(((FIELD, _written(left)), ("role", sent.one("role"))))
    return _show(request, place, form_with(rest, (), FIELDS), Preview(left), invited, status_of(refused))


def _preview(place: Place, sent: Typed) -> Preview:
    """Raises Invalid when the whole cannot be read, or the role is none that the viewer may give."""
    given = [role for role in Role if role in given_by(place.role)]
    default = next((role for role in given if role.value == sent.one("role")), None)
    if default is None:
        raise Invalid.one("role", "Choose a role that you may give.")
    rows = read_rows(sent.one(FIELD), default, given)
    number, at = place.organization.number, place.viewer.at
    with place.site.store.reading() as connection:
        known = invitations.refusals(connection, number, [row.email for row in rows if not row.problem], at)
    free = _free(place)
    checked: list[PastedRow] = []
    for row in rows:
        problem = row.problem or known.get(row.email, "")
        if not problem and free == 0:
            problem = "No seat is left for this one."
        free -= not problem
        checked.append(replace(row, problem=problem))
    typed = "\0".join(sent.one(name) for name in FIELDS)
    return Preview(tuple(checked), hashlib.sha256(typed.encode("utf-8", "surrogatepass")).hexdigest()[:32])


def _free(place: Place) -> int:
    return max(0, place.organization.seat_limit - place.members - (place.invitations or 0))


def _with_reason(row: PastedRow, refused: dict[str, MinutebookError]) -> PastedRow:
    return row if row.problem else replace(row, problem=refused[row.email].message)


def _written(rows: tuple[PastedRow, ...]) -> str:
    """The rows as they can be sent again."""
    text = io.StringIO()
    written = ((row.typed, row.role.value if row.role else row.called) for row in rows)
    csv.writer(text, lineterminator="\n").writerows(written)
    return text.getvalue()


def _show(
    request: Request,
    place: Place,
    form: Form,
    preview: Preview = NOTHING,
    invited: list[Invited] | None = None,
    status: int = 200,
) -> Response:
    now = with_invitations(place) if invited else place
    return show(
        request,
        "bulk_invite.html",
        place=now,
        current=shell.INVITATIONS,
        status=status,
        form=form,
        preview=preview,
        invited=invited or [],
        free=_free(now),
        roles=grantable(place),
        action=place.path("invitations", "bulk"),
        members_href=place.path(shell.MEMBERS),
        most_rows=MOST_ROWS,
        most_characters=MOST_CHARACTERS,
        mailed=place.site.settings.sends_mail,
        expires=times.day_of(place.viewer.at + invitations.LIFETIME, place.viewer.zone),
    )
