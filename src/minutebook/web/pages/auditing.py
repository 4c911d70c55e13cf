"""The auditor's side of an auditor link: opening it, and the one log that it shows, in part or in full, read only."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from minutebook.errors import NotFound, TooManyOpenings
from minutebook.organization import auditor_links
from minutebook.organization.organizations import read_organization
from minutebook.security import neighbourhood
from minutebook.web import auditor, times
from minutebook.web.auditor import PATH, Auditing
from minutebook.web.log_reader import LogReader
from minutebook.web.pages.audit_logs import json_of, log_of, permalink_of, proof_of
from minutebook.web.pages.links import carried, carry, drop
from minutebook.web.rates import OPENINGS
from minutebook.web.render import go, show
from minutebook.web.session import zone_of
from minutebook.web.site import site_of
from minutebook.web.source import context_of

router = APIRouter()

LINK = "audit"
"""The cookie that holds the token of a link until the button is pressed."""


def log_reader(found: Auditing) -> LogReader:
    """Whoever opened the link in this browser."""
    return LogReader.of_auditor(found)


Reader = Annotated[LogReader, Depends(log_reader)]


@router.get("/audit/{token}")
def take_link(request: Request, token: str) -> Response:
    """Takes the token out of the address. A preview of the link goes no further, so it is no use of it."""
    return carry(site_of(request), LINK, token, PATH)


@router.get("/audit")
def show_link(request: Request) -> Response:
    """What the link shows and until when, and the button that opens it."""
    site = site_of(request)
    at = site.store.clock()
    with site.store.reading() as connection:
        link = auditor_links.find_by_token(connection, carried(request, LINK), at)
        organization = read_organization(connection, link.organization) if link else None
    if link is None or organization is None:
        return _over(request)
    return show(
        request,
        "auditor_link.html",
        name=link.name,
        query=link.query,
        moves=link.moves,
        organization=organization.name,
        created_by=link.created_by,
        expires=times.minute_time(link.expires_at, zone_of(request)),
    )


@router.post("/audit")
def open_link(request: Request) -> Response:
    """Opens the link in this browser, which is recorded, and leads to the log."""
    site = site_of(request)
    try:
        _count(request)
        token, session = auditor_links.open_link(site.store, carried(request, LINK), context_of(request))
    except NotFound:
        return _over(request)
    response = go(site, auditor.log_path(session))
    drop(response, site, LINK)
    auditor.begin(response, site, session, token)
    return response


@router.get("/audit/{link}/log")
def audited_log(request: Request, reader: Reader) -> Response:
    """The log as far as the link shows it; only the panel for a script that asks for no more."""
    return log_of(request, reader)


@router.get("/audit/{link}/log/{seq}.json")
def audited_event_as_json(reader: Reader, seq: str) -> Response:
    """One event for programs."""
    return json_of(reader, seq)


@router.get("/audit/{link}/log/{seq}.tlog-proof")
def audited_proof(reader: Reader, seq: str) -> Response:
    """All that shows offline that the event is in the log."""
    return proof_of(reader, seq)


@router.get("/audit/{link}/log/{seq}")
def audited_event(reader: Reader, seq: str) -> Response:
    """The permalink of an event for whoever reads by the same link."""
    return permalink_of(reader, seq)


@router.post("/audit/{link}/leave")
def leave(found: Auditing) -> Response:
    """Closes the link in this browser."""
    auditor_links.close_session(found.site.store, found.session)
    response = go(found.site, PATH)
    auditor.end(response, found)
    return response


def _count(request: Request) -> None:
    """Counts one more opening, of the link and from where. Raises NotFound and TooManyOpenings."""
    site = site_of(request)
    with site.store.reading() as connection:
        link = auditor_links.find_by_token(connection, carried(request, LINK), site.store.clock())
    if link is None:
        raise NotFound
    for standing in (site.openings_from.ask(neighbourhood(request.state.ip)), site.openings.ask(link.id)):
        if standing.is_over:
            raise TooManyOpenings(limit=OPENINGS, seconds=standing.seconds)


def _over(request: Request) -> Response:
    return show(request, "link_over.html", status=auditor.LinkOver.status, kind="audit", done=False)
