"""Audit Logs: the page, its panel, and one event by its own address.

In this order: permission → plan → sitting → search. No event is shown before the reading is recorded. On the plan
`teams` none is shown: the page tells only how many there are and when the first was recorded, without a sitting.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import HTMLResponse

from minutebook.errors import Invalid, NotFound, OutcomeUnknown, StoreUnavailable, TooSlow
from minutebook.identifiers import event_number
from minutebook.model import Plan
from minutebook.permissions import Permission
from minutebook.store import log, search
from minutebook.store.opened import proven
from minutebook.store.scope import Scope
from minutebook.web import exporting, log_page, log_reading, log_views
from minutebook.web.api import exports
from minutebook.web.log_address import Address
from minutebook.web.log_reader import LogReader
from minutebook.web.look import Look
from minutebook.web.render import go, show
from minutebook.web.session import Place, place
from minutebook.web.shell import INTEGRITY
from minutebook.web.views.log import Failure
from minutebook.web.views.page import Moment, Shell
from minutebook.web.waiting import clock_of, waits

router = APIRouter()
Exporter = Annotated[Place, Depends(place(Permission.LOG_EXPORT))]


def log_reader(found: Annotated[Place, Depends(place(Permission.LOG_READ))]) -> LogReader:
    """Whoever may read the log by their role."""
    return LogReader.of_place(found)


Reader = Annotated[LogReader, Depends(log_reader)]

UNREADABLE = "The log cannot be read just now"


@router.get("/o/{org}/audit-logs")
def audit_logs(request: Request, reader: Reader) -> Response:
    """The page; only the panel for a script that asks for no more."""
    return log_of(request, reader)


@router.get("/o/{org}/audit-logs/export")
def export(request: Request, reader: Exporter) -> Response:
    """A file of exactly what the filter of the address finds."""
    reader.require_plan()
    command = exports.command_of(request, reader.viewer.at, reader.viewer.zone)
    session = reader.viewer.session.id
    return exporting.answer(request, reader.site, reader.seat, session, reader.organization, command)


@router.get("/o/{org}/audit-logs/evidence")
def evidence(request: Request, reader: Exporter) -> Response:
    """A zip of what the filter of the address finds, with all that shows offline that it is what was recorded."""
    reader.require_plan()
    command = exports.evidence_of(request, reader.viewer.at, reader.viewer.zone)
    session = reader.viewer.session.id
    return exporting.answer(request, reader.site, reader.seat, session, reader.organization, command)


@router.get("/o/{org}/audit-logs/{seq}.json")
def event_as_json(reader: Reader, seq: str) -> Response:
    """One event for programs, the same JSON that its panel shows."""
    return json_of(reader, seq)


@router.get("/o/{org}/audit-logs/{seq}.tlog-proof")
def event_proof(reader: Reader, seq: str) -> Response:
    """All that shows offline that the event is in the log."""
    return proof_of(reader, seq)


@router.get("/o/{org}/audit-logs/{seq}")
def event_by_number(reader: Reader, seq: str) -> Response:
    """The permalink of an event: leads to the log with it open, whatever was filtered when the link was copied."""
    return permalink_of(reader, seq)


def log_of(request: Request, reader: LogReader) -> Response:
    """The page or its panel, for whoever reads."""
    fragment = request.headers.get("hx-request") == "true" and request.headers.get("hx-target") == "panel"
    pairs = request.query_params.multi_items()
    reading = log_reading.read(pairs, reader.path, reader.log, reader.site.seal, reader.zone)
    integrity = reader.place.path(INTEGRITY) if reader.place else None
    look = Look(
        reader.organization,
        reading,
        own=reader.zone,
        now=reader.at,
        log=reader.log,
        within=reader.within,
        integrity=integrity,
        custody=reader.site.custody,
    )
    if reader.organization.plan is not Plan.ENTERPRISE:
        if fragment or not reader.place:
            reader.require_plan()
        return _upgrade(request, reader, look)
    if not reading.problems and not reading.canonical:
        return go(reader.site, reading.address.href)
    return _panel(reader, look) if fragment else _page(request, reader, look)


def json_of(reader: LogReader, seq: str) -> Response:
    """One event, if it is there for whoever reads."""
    number = _number(seq)
    reader.require_plan()
    reader.sit()
    with reader.site.store.reading() as connection:
        size = log.read_head(connection, reader.organization.number).size
        event = search.find(connection, Scope(reader.organization.number, size, reader.within(reader.at)), number)
    return Response(log_views.raw_json(event), media_type="application/json")


def proof_of(reader: LogReader, seq: str) -> Response:
    """The proof of one event, if the event is there for whoever reads. It tells the size of the log, and nothing of
    other events."""
    number = _number(seq)
    reader.require_plan()
    reader.sit()
    organization = reader.organization.number
    with reader.site.store.reading() as connection:
        size = log.read_head(connection, organization).size
        search.find(connection, Scope(organization, size, reader.within(reader.at)), number)
        proof = proven(connection, organization, number)
    headers = {"Content-Disposition": f'attachment; filename="{reader.organization.id}-{number}.tlog-proof"'}
    return Response(str(proof), media_type="text/plain", headers=headers)


def permalink_of(reader: LogReader, seq: str) -> Response:
    """Leads to the log with the event open."""
    return go(reader.site, Address(reader.path, event=_number(seq)).href)


def _page(request: Request, reader: LogReader, look: Look) -> Response:
    saved = None
    searches, clock = reader.site.searches, None
    if waits(request):
        searches, clock = reader.site.counts, clock_of(request)
    try:
        reader.sit()
        with searches.reading(reader.organization.number) as connection:
            saved = reader.saved(connection, look.address)
            page = log_page.log_page(connection, look, clock=clock)
    except TooSlow as slow:
        failure = Failure("This search takes too long", request.state.request_id, look.address.href, slow.message)
        page, status = log_page.unsearched_page(look, failure=failure), slow.status
    except (StoreUnavailable, OutcomeUnknown):
        failure = Failure(UNREADABLE, request.state.request_id, look.address.href)
        page, status = log_page.unsearched_page(look, failure=failure), StoreUnavailable.status
    else:
        status = 200 if page.searched else Invalid.status
        status = NotFound.status if page.event_missing else status
    return show(request, "audit_logs.html", shell=reader.shell, status=status, page=page, saved=saved, link=reader.link)


def _panel(reader: LogReader, look: Look) -> Response:
    if look.reading.problems:
        raise Invalid(*look.reading.problems)
    reader.sit()
    with reader.site.store.reading() as connection:
        event = log_page.event_panel(connection, look)
    if event is None and look.address.event is not None:
        raise NotFound
    return HTMLResponse(reader.site.templates.get_template("_event_panel.html").render(event=event))


def _upgrade(request: Request, reader: LogReader, look: Look) -> Response:
    """What an organization on the plan `teams` is told: nothing of its log but that it is there."""
    with reader.site.store.reading() as connection:
        recorded = log.read_head(connection, reader.organization.number).size
        since = log_page.kept_since(connection, look)
    return upgrade(request, reader.shell, "Audit Logs", recorded, since)


def upgrade(request: Request, shell: Shell, title: str, recorded: int, since: Moment | None) -> Response:
    """The page that stands in the place of one of the log."""
    return show(request, "audit_logs_upgrade.html", shell=shell, title=title, recorded=recorded, kept_since=since)


def _number(seq: str) -> int:
    number = event_number(seq)
    if number is None:
        raise NotFound
    return number
