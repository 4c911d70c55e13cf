"""The API for programs: what the page Audit Logs shows, by token or session, described at /api/v1/openapi.json."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter, Response
from fastapi.routing import APIRoute

from minutebook.web.api import counting, events, exports, following, organizations, proving
from minutebook.web.api.document import document

OPERATIONS: tuple[APIRouter, ...] = (
    organizations.router,
    events.router,
    counting.router,
    exports.router,
    following.router,
    proving.router,
    events.one_router,
)
"""A module with a `router` is listed here, once. The last one takes whatever path is left for an event's number."""

OPENAPI: dict[str, Any] = document(route for operations in OPERATIONS for route in operations.routes)

description = APIRouter()


@description.get("/api/v1/openapi.json")
def openapi() -> Response:
    """The description of all of it, for everybody: it holds nothing of any organization."""
    return Response(orjson.dumps(OPENAPI), media_type="application/json")


ROUTERS = (description, *OPERATIONS)

for operation in (route for router in ROUTERS for route in router.routes):
    # as for the pages; only now, so that the description does not name each operation twice
    if isinstance(operation, APIRoute) and operation.methods:
        operation.methods.add("HEAD")
