"""SSO: the domain whose people belong to the organization's identity provider."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from minutebook.errors import NotFound, TooManyDomainChecks
from minutebook.organization.domain_checks import LAPSES_AFTER, DomainCheck, last_check
from minutebook.organization.sso import (
    RemoveSsoDomain,
    SetSsoDomain,
    SsoDomain,
    VerifySsoDomain,
    read_domain,
    record_name,
    record_text,
)
from minutebook.permissions import Permission
from minutebook.record import NoChange, perform
from minutebook.web import shell, times
from minutebook.web.forms import STAYS, Sent, confirm, form_after
from minutebook.web.render import Said, go, show
from minutebook.web.session import Place, place
from minutebook.web.views.page import Form

router = APIRouter()

Seen = Annotated[Place, Depends(place(Permission.SSO_READ))]
Changed = Annotated[Place, Depends(place(Permission.SSO_WRITE))]


@router.get("/o/{org}/sso")
def show_sso(request: Request, place: Seen) -> Response:
    """The domain, and the form that sets it."""
    return _show(request, place, Form())


@router.post("/o/{org}/sso")
def set_domain(request: Request, place: Changed, sent: Sent) -> Response:
    """Sets the domain, in place of the one before."""
    try:
        done = perform(place.site.store, place.seat, SetSsoDomain(sent.one("domain")))
    except STAYS as error:
        return _show(request, place, form_after(sent, error, ("domain",)), status=error.status)
    said = Said.NOTHING_TO_CHANGE if isinstance(done, NoChange) else Said.SSO_SET
    return go(place.site, place.path(shell.SSO), said)


@router.post("/o/{org}/sso/verify")
def verify_domain(request: Request, place: Changed, sent: Sent) -> Response:
    """Asks the name servers whether the domain has the organization's record."""
    asked = VerifySsoDomain(sent.one("checked"), place.site.name_servers)
    try:
        place.site.domain_checks.check(place.viewer.user.id, TooManyDomainChecks)
        done = perform(place.site.store, place.seat, asked)
    except (*STAYS, TooManyDomainChecks) as error:
        return _show(request, place, Form(), verifying=form_after(sent, error), status=error.status)
    said = Said.SSO_STILL_VERIFIED if isinstance(done, NoChange) else Said.SSO_VERIFIED
    return go(place.site, place.path(shell.SSO), said)


@router.get("/o/{org}/sso/verify")
def leave_verifying(place: Changed) -> Response:
    """For somebody who loads the address of a refused check again."""
    return go(place.site, place.path(shell.SSO))


@router.get("/o/{org}/sso/remove")
def ask_to_remove(request: Request, place: Changed) -> Response:
    """Says what happens when the domain is removed, and asks to type it."""
    if _domain(place) is None:
        raise NotFound
    return _show(request, place, Form(), removing=Form())


@router.post("/o/{org}/sso/remove")
def remove_domain(request: Request, place: Changed, sent: Sent) -> Response:
    """Removes the domain, when it was typed."""
    now = _domain(place)
    if now is None:
        raise NotFound
    try:
        confirm(sent, now.domain)
        perform(place.site.store, place.seat, RemoveSsoDomain())
    except STAYS as error:
        return _show(request, place, Form(), removing=form_after(sent, error, ("confirm",)), status=error.status)
    return go(place.site, place.path(shell.SSO), Said.SSO_REMOVED)


def _domain(place: Place) -> SsoDomain | None:
    with place.site.store.reading() as connection:
        return read_domain(connection, place.organization.number)


def _last_check(place: Place, now: SsoDomain | None) -> DomainCheck | None:
    if now is None or now.verified_at is None:
        return None
    with place.site.store.reading() as connection:
        return last_check(connection, now)


def _show(
    request: Request,
    place: Place,
    form: Form,
    *,
    verifying: Form | None = None,
    removing: Form | None = None,
    status: int = 200,
) -> Response:
    now, zone = _domain(place), place.viewer.zone
    check = _last_check(place, now)
    return show(
        request,
        "sso.html",
        place=place,
        current=shell.SSO,
        status=status,
        form=form,
        domain=now.domain if now else "",
        set_by=now.set_by if now else "",
        set_at=times.day_of(now.set_at, zone) if now else None,
        verified_at=times.day_of(now.verified_at, zone) if now and now.verified_at is not None else None,
        checked_at=times.minute_time(check.checked_at, zone) if check else None,
        checks_left=LAPSES_AFTER - check.missed if check and check.missed else None,
        record_name=record_name(now.domain) if now else "",
        record_text=record_text(place.organization.id),
        verifying=verifying or Form(),
        verify_action=place.path(shell.SSO, "verify"),
        action=place.path(shell.SSO),
        remove_href=place.path(shell.SSO, "remove"),
        removing=removing,
        may_change=place.may(Permission.SSO_WRITE),
    )
