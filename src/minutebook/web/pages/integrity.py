"""Integrity: what shows that a log is what was recorded, and how to verify it without believing this server."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection

from minutebook.custody.log_state import LogState, state_of
from minutebook.custody.verifications import RecordVerification
from minutebook.errors import NotFound
from minutebook.evidence.note import VerifierKey, to_base64
from minutebook.identifiers import event_number
from minutebook.model import SECOND, Plan
from minutebook.organization import sittings
from minutebook.permissions import Permission
from minutebook.record import perform
from minutebook.store import anchor_log, checkpoints, index, log
from minutebook.store.anchor_log import State
from minutebook.store.checkpoints import Signed
from minutebook.web import times
from minutebook.web.api.principal import ORGANIZATIONS
from minutebook.web.forms import Sent
from minutebook.web.pages.audit_logs import upgrade
from minutebook.web.paging import page_asked
from minutebook.web.proving import ANCHOR_LOG, KINDS
from minutebook.web.render import Said, go, show
from minutebook.web.session import Place, place
from minutebook.web.shell import AUDIT_LOGS, INTEGRITY, shell_of
from minutebook.web.views.integrity import AnchorRow, CheckpointRow, Integrity, KeyRow, Signing

router = APIRouter()

Reading = Annotated[Place, Depends(place(Permission.LOG_READ))]

PAGE_SIZE = 20


@router.get("/o/{org}/integrity")
def show_integrity(request: Request, place: Reading) -> Response:
    """What was signed of the log, by which keys, and since when."""
    number, zone = place.organization.number, place.viewer.zone
    if place.organization.plan is not Plan.ENTERPRISE:
        with place.site.store.reading() as connection:
            recorded, first = log.read_head(connection, number).size, log.recorded_at(connection, number, 0)
        since = None if first is None else times.day_of(first, zone)
        return upgrade(request, shell_of(place, INTEGRITY), "Integrity", recorded, since)
    _sit(place)
    with place.site.store.reading() as connection:
        state = state_of(connection, place.site.custody, number)
        page = _integrity(request, place, connection, state)
    return show(request, "integrity.html", place=place, current=INTEGRITY, page=page)


@router.get("/o/{org}/integrity/checkpoints/{size}")
def download_checkpoint(place: Reading, size: str) -> Response:
    """A checkpoint that was kept, as a signed note."""
    place.require_plan()
    number = event_number(size)
    if number is None:
        raise NotFound
    _sit(place)
    with place.site.store.reading() as connection:
        signed = checkpoints.of_size(connection, place.organization.number, number)
    if signed is None:
        raise NotFound
    name = f"checkpoint-{place.organization.id}-{signed.size}.txt"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(str(signed), media_type="text/plain", headers=headers)


@router.get("/o/{org}/integrity/verified")
def lead_back(place: Reading) -> Response:
    """The address of the form alone: the page that it is on."""
    return go(place.site, place.path(INTEGRITY))


@router.post("/o/{org}/integrity/verified")
def record_verification(place: Reading, sent: Sent) -> Response:
    """Records what the browser claims to have found."""
    place.require_plan()
    size = sent.one("size")
    perform(place.site.store, place.seat, RecordVerification(event_number(size) or 0, sent.one("verdict")))
    return go(place.site, place.path(INTEGRITY), Said.VERIFICATION_RECORDED)


def _sit(place: Place) -> None:
    sittings.sit(place.site.store, place.seat, place.viewer.session.id, place.viewer.at)


def _integrity(request: Request, place: Place, connection: Connection, state: LogState) -> Integrity:
    number, zone, at = place.organization.number, place.viewer.zone, place.viewer.at
    asked = page_asked(request, checkpoints.count(connection, number), PAGE_SIZE)
    keys = _keys(place, state)
    return Integrity(
        signing=_signing(state, at),
        size=state.head.size,
        pruned=index.pruned(connection, number),
        waiting=state.waiting,
        waits_since=None if state.waits_since is None else times.full_time(state.waits_since, zone),
        problem=state.problem,
        vkey=next((key.vkey for key in keys if key.signs), ""),
        newest=_row(place, state.signed) if state.signed else None,
        newest_ago=times.ago(state.signed.signed_at, at) if state.signed else "",
        anchors=tuple(_anchor(place, one) for one in anchor_log.states(connection, number)),
        keys=keys,
        history=tuple(_row(place, one) for one in checkpoints.page(connection, number, asked.first, PAGE_SIZE)),
        history_count=asked.count,
        pager=asked.pager(place.path(INTEGRITY)),
        organization=place.organization.id,
        api=f"{ORGANIZATIONS}/{place.organization.id}/log",
        log_href=place.path(AUDIT_LOGS),
        verified_href=place.path(INTEGRITY, "verified"),
    )


def _signing(state: LogState, at: int) -> Signing:
    if state.problem:
        return "wrong"
    if not state.head.size:
        return "empty"
    if state.is_late(at):
        return "late"
    return "up to date" if state.signed else "unsigned"


def _row(place: Place, signed: Signed) -> CheckpointRow:
    return CheckpointRow(
        origin=signed.checkpoint.origin,
        size=signed.size,
        root=to_base64(signed.checkpoint.root),
        signed=times.full_time(signed.signed_at, place.viewer.zone),
        key_id=signed.signatures[0].key_id.hex() if signed.signatures else "not readable",
        href=place.path(INTEGRITY, "checkpoints", str(signed.size)),
    )


def _anchor(place: Place, one: State) -> AnchorRow:
    since = None if one.at is None or not one.size else times.full_time(one.at, place.viewer.zone)
    here = one.kind == ANCHOR_LOG
    return AnchorRow(KINDS[one.kind], one.name, one.size, since, one.error or "", here, one.by_anchor_log)


def _keys(place: Place, state: LogState) -> tuple[KeyRow, ...]:
    """Every key that ever counted, the newest first."""
    counting = [key.public for key in state.known if key.counts]
    rows = []
    for key in reversed(state.known):
        named = VerifierKey(state.origin or "", key.public)
        cut_off = None if key.cut_off is None else times.full_time(key.cut_off * SECOND, place.viewer.zone)
        since = times.full_time(key.since * SECOND, place.viewer.zone)
        rows.append(KeyRow(named.key_id.hex(), str(named), since, cut_off, key.public == (counting or [b""])[-1]))
    return tuple(rows)
