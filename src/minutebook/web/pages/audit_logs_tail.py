"""The live tail of Audit Logs: what is recorded from now on, as it is recorded."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from minutebook.filters import Here, parse
from minutebook.permissions import Permission
from minutebook.web.event_stream import AFTER, asked_after, stream
from minutebook.web.session import Place, place

router = APIRouter()
Reader = Annotated[Place, Depends(place(Permission.LOG_READ))]


@router.get("/o/{org}/audit-logs/tail")
def audit_logs_tail(request: Request, reader: Reader) -> Response:
    """The events that a filter finds behind `after`, or from now on, as server-sent events."""
    pairs = [pair for pair in request.query_params.multi_items() if pair[0] != AFTER]
    filter_ = parse(pairs).at(Here(reader.viewer.zone, reader.viewer.at))
    return stream(reader.site, reader.seat, reader.viewer.session.id, filter_, asked_after(request))
