"""Auditor links, as owners make them and take them back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from minutebook.actions.values import number_of
from minutebook.identifiers import new_token
from minutebook.model import Plan
from minutebook.organization import auditor_links
from minutebook.organization.auditor_links import LIFETIMES, AuditorLink, CreateLink, RevokeLink
from minutebook.permissions import Permission
from minutebook.record import perform
from minutebook.web import shown_once, times
from minutebook.web.auditor import PATH
from minutebook.web.forms import STAYS, Sent, confirm, form_after
from minutebook.web.log_address import Address
from minutebook.web.render import Said, go, show
from minutebook.web.session import Place, known_id, place
from minutebook.web.shell import AUDIT_LOGS, AUDITOR_LINKS
from minutebook.web.subject import everything_by
from minutebook.web.views.page import Choice, Form, Moment

router = APIRouter()

Owner = Annotated[Place, Depends(place(Permission.LINKS_WRITE))]

FIELDS = ("name", "query", "days")
USUAL_DAYS = 30
MADE = "link"
"""The cookie that holds the token of a new link until it is shown."""
CHOICES = tuple(Choice(str(days), number_of(days, "day")) for days in LIFETIMES)


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One link of the list."""

    id: str
    name: str
    query: str
    moves: bool
    created_by: str
    created: Moment
    expires: Moment
    over: bool
    open_in: int
    history_href: str
    revoke_href: str


@router.get("/o/{org}/auditor-links")
def show_links(request: Request, place: Owner) -> Response:
    """All links that were not revoked."""
    return _list(request, place)


@router.get("/o/{org}/auditor-links/new")
def ask_for_whom(request: Request, place: Owner, query: str = "") -> Response:
    """The form for a new link, open over the list."""
    return _list(request, place, making=Form(values={"query": query}))


@router.post("/o/{org}/auditor-links/new")
def create_link(request: Request, place: Owner, sent: Sent) -> Response:
    """Makes a link, and leads to where it is shown."""
    site, token, days = place.site, new_token(place.site.store.randomness), sent.one("days")
    command = CreateLink(sent.one("name"), sent.one("query"), int(days) if days in map(str, LIFETIMES) else 0, token)
    try:
        perform(site.store, place.seat, command)
    except STAYS as error:
        return _list(request, place, making=form_after(sent, error, FIELDS), status=error.status)
    return shown_once.send(place.viewer, MADE, token, place.path(AUDITOR_LINKS, "made"))


@router.get("/o/{org}/auditor-links/made")
def show_link(request: Request, place: Owner) -> Response:
    """The link that was just made, this once; after that, the list."""
    token = shown_once.sent(request, place.viewer, MADE)
    with place.site.store.reading() as connection:
        link = auditor_links.find_by_token(connection, token, place.viewer.at)
    if link is None or link.organization != place.organization.number:
        return go(place.site, place.path(AUDITOR_LINKS), Said.LINK_SHOWN)
    page = show(
        request,
        "auditor_link_made.html",
        place=place,
        current=AUDITOR_LINKS,
        name=link.name,
        query=link.query,
        moves=link.moves,
        link=place.site.link(f"{PATH}/{token}"),
        expires=times.day_of(link.expires_at, place.viewer.zone),
        links_href=place.path(AUDITOR_LINKS),
    )
    return shown_once.forget(page, place.viewer, MADE)


@router.get("/o/{org}/auditor-links/{link}/revoke")
def ask_to_revoke(request: Request, place: Owner, link: str) -> Response:
    """Says what happens when the link is revoked, and asks to type its name."""
    return _list(request, place, revoking=_link(place, link), form=Form())


@router.post("/o/{org}/auditor-links/{link}/revoke")
def revoke_link(request: Request, place: Owner, link: str, sent: Sent) -> Response:
    """Takes a link back, when its name was typed."""
    found = _link(place, link)
    try:
        confirm(sent, found.name)
        perform(place.site.store, place.seat, RevokeLink(found.id))
    except STAYS as error:
        return _list(request, place, revoking=found, form=form_after(sent, error, ("confirm",)), status=error.status)
    return go(place.site, place.path(AUDITOR_LINKS), Said.LINK_REVOKED)


def _link(place: Place, link: str) -> AuditorLink:
    with place.site.store.reading() as connection:
        return auditor_links.read_link(connection, place.organization.number, known_id(link))


def _list(
    request: Request,
    place: Place,
    *,
    making: Form | None = None,
    revoking: AuditorLink | None = None,
    form: Form | None = None,
    status: int = 200,
) -> Response:
    with place.site.store.reading() as connection:
        links = auditor_links.all_links(connection, place.organization.number)
        uses = auditor_links.uses(connection, place.organization.number, place.viewer.at)
    return show(
        request,
        "auditor_links.html",
        place=place,
        current=AUDITOR_LINKS,
        status=status,
        links=[_row(place, link, uses.get(link.id, 0)) for link in links],
        making=making,
        revoking=_row(place, revoking, uses.get(revoking.id, 0)) if revoking else None,
        form=form,
        days=CHOICES,
        usual_days=str(USUAL_DAYS),
        new_href=place.path(AUDITOR_LINKS, "new"),
        list_href=place.path(AUDITOR_LINKS),
        is_read=place.organization.plan is Plan.ENTERPRISE,
    )


def _row(place: Place, link: AuditorLink, open_in: int) -> LinkRow:
    history = everything_by(link.id)
    log = Address(place.path(AUDIT_LOGS))
    return LinkRow(
        id=link.id,
        name=link.name,
        query=link.query,
        moves=link.moves,
        created_by=link.created_by,
        created=times.minute_time(link.created_at, place.viewer.zone),
        expires=times.day_of(link.expires_at, place.viewer.zone),
        over=link.expires_at <= place.viewer.at,
        open_in=open_in,
        history_href=(log.asking(history) if history else log).href,
        revoke_href=place.path(AUDITOR_LINKS, link.id, "revoke"),
    )
