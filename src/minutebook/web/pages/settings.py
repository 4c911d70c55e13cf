"""Settings: what the organization is called, its plan and seats, and the data-collection policy."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from minutebook.actions.values import Cents, Diff
from minutebook.errors import Conflict, Invalid, Problem, kept
from minutebook.organization import second_factor_rule
from minutebook.organization.credits import parse_amount
from minutebook.organization.organizations import RenameOrganization
from minutebook.organization.settings import DATA_COLLECTION, ChangeDataCollection, ChangeSessionLifetime
from minutebook.organization.spending import ChangeSpending
from minutebook.permissions import Permission
from minutebook.record import NoChange, perform
from minutebook.web import shell
from minutebook.web.forms import STAYS, Sent, Typed, form_after
from minutebook.web.render import Said, go, show
from minutebook.web.session import Place, place
from minutebook.web.settings_form import (
    OTHERS,
    UNSET,
    changed_meanwhile,
    from_field,
    seen_hash,
    settings_now,
    to_field,
    told_of,
)
from minutebook.web.views.page import Choice, Form

router = APIRouter()

SPENDING = ("daily_limit", "balance_alert")

Seen = Annotated[Place, Depends(place(Permission.SETTINGS_READ))]
Changed = Annotated[Place, Depends(place(Permission.SETTINGS_WRITE))]


@router.get("/o/{org}/settings")
def show_settings(request: Request, place: Seen) -> Response:
    """What the organization is and allows, with a form for each section for those who may change it."""
    return _show(request, place)


@router.post("/o/{org}/settings")
def save_data_collection(request: Request, place: Changed, sent: Sent) -> Response:
    """Saves the data-collection policy."""
    before = from_field(sent)
    try:
        command = ChangeDataCollection(sent.one("data_collection"), seen_hash(before))
        done = perform(place.site.store, place.seat, command)
    except STAYS as error:
        meanwhile = changed_meanwhile(before, settings_now(place)) if isinstance(error, Conflict) else ()
        form = form_after(sent, error, ("data_collection",))
        return _show(request, place, meanwhile, error.status, data_collection=form)
    return _saved(place, done)


@router.get("/o/{org}/settings/name")
def show_name(request: Request, place: Changed) -> Response:
    """The same page, where the form for the name leads."""
    return _show(request, place)


@router.post("/o/{org}/settings/name")
def rename(request: Request, place: Changed, sent: Sent) -> Response:
    """Gives the organization another name."""
    try:
        done = perform(place.site.store, place.seat, RenameOrganization(sent.one("name")))
    except STAYS as error:
        return _show(request, place, (), error.status, name=form_after(sent, error, ("name",)))
    return _saved(place, done)


@router.get("/o/{org}/settings/spending")
def show_spending(request: Request, place: Changed) -> Response:
    """The same page, where the form for spending leads."""
    return _show(request, place)


@router.post("/o/{org}/settings/spending")
def save_spending(request: Request, place: Changed, sent: Sent) -> Response:
    """Saves the daily limit of each member and the balance alert."""
    before = from_field(sent)
    problems: list[Problem] = []
    try:
        daily_limit, alert = (kept(problems, _amount, sent, name) for name in SPENDING)
        if problems:
            raise Invalid(*problems)
        mails = place.site.settings.sends_mail
        done = perform(place.site.store, place.seat, ChangeSpending(daily_limit, alert, seen_hash(before), mails))
    except STAYS as error:
        meanwhile = changed_meanwhile(before, settings_now(place)) if isinstance(error, Conflict) else ()
        return _show(request, place, meanwhile, error.status, spending=form_after(sent, error, SPENDING))
    return _saved(place, done)


@router.get("/o/{org}/settings/sessions")
def show_sessions(request: Request, place: Changed) -> Response:
    """The same page, where the form for sessions leads."""
    return _show(request, place)


@router.post("/o/{org}/settings/sessions")
def save_session_lifetime(request: Request, place: Changed, sent: Sent) -> Response:
    """Saves how long a session gives access to the organization."""
    before, typed = from_field(sent), sent.one("session_hours").strip()
    hours = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 5 else 0 if typed else None
    try:
        done = perform(place.site.store, place.seat, ChangeSessionLifetime(hours, seen_hash(before)))
    except STAYS as error:
        meanwhile = changed_meanwhile(before, settings_now(place)) if isinstance(error, Conflict) else ()
        return _show(request, place, meanwhile, error.status, sessions=form_after(sent, error, ("session_hours",)))
    return _saved(place, done)


def _amount(sent: Typed, name: str) -> int | None:
    """The cents in a field; None where it is empty. Raises Invalid."""
    typed = sent.one(name)
    return parse_amount(typed, name) if typed.strip() else None


def _dollars(cents: int | None) -> str:
    return "" if cents is None else str(Cents(cents=cents)).removeprefix("$")


def _saved(place: Place, done: object) -> Response:
    said = Said.NOTHING_TO_CHANGE if isinstance(done, NoChange) else Said.SETTINGS_SAVED
    return go(place.site, place.path(shell.SETTINGS), said)


def _show(
    request: Request, place: Place, meanwhile: tuple[Diff, ...] = (), status: int = 200, **sent: Form
) -> Response:
    """The page; `sent` is the form of a section as it was sent, where it is wrong."""
    now = settings_now(place)
    forms = {
        "name": Form(values={"name": place.organization.name}),
        "data_collection": Form(values={"data_collection": now.data_collection}),
        "spending": Form(values={name: _dollars(getattr(now, name)) for name in SPENDING}),
        "sessions": Form(values={"session_hours": str(now.session_hours or "")}),
    }
    with place.site.store.reading() as connection:
        rule = second_factor_rule.read_rule(connection, place.organization.number)
    return show(
        request,
        "settings.html",
        place=place,
        current=shell.SETTINGS,
        status=status,
        forms=forms | sent,
        choices=tuple(Choice(value, value.capitalize(), hint) for value, hint in DATA_COLLECTION.items()),
        policy=DATA_COLLECTION[now.data_collection],
        told=[(title, told_of(name, now) or UNSET.get(name, "None")) for name, title in OTHERS.items()],
        before=to_field(now),
        meanwhile=meanwhile,
        organization=place.organization,
        action=place.path(shell.SETTINGS),
        members_href=place.path(shell.MEMBERS),
        deletion_href=place.path("deletion") if place.may(Permission.OWNERSHIP) and not place.deletion else None,
        mailed=place.site.settings.sends_mail,
        taken=place.members,
        second_factor=rule,
        second_factor_href=place.path(shell.SETTINGS, "second-factor"),
        may_change=place.may(Permission.SETTINGS_WRITE),
    )
