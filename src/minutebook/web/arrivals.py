"""Each request as it arrives: the id it is noted under, where it came from, and its line in the access log.

The line names the route, never the address: paths hold single-use tokens and queries hold what people search for.
"""

from __future__ import annotations

import time

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from minutebook.errors import MinutebookError
from minutebook.identifiers import new_id
from minutebook.web.refusals import respond
from minutebook.web.site import site_of
from minutebook.web.source import client_ip

log = structlog.get_logger("minutebook.access")


class Arrivals:
    """Gives every request an id, answers what nobody expected with a 500, and writes the access log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        request.state.request_id = new_id("req", site_of(request).store.randomness)
        request.state.ip = client_ip(request)
        began, status = time.perf_counter(), 0

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"].append((b"x-request-id", request.state.request_id.encode()))
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except ClientDisconnect:
            log.info("client_left", request_id=request.state.request_id, route=_route(scope))
        except Exception:
            log.exception("failed", request_id=request.state.request_id, route=_route(scope))
            if status:
                raise
            await respond(request, MinutebookError())(scope, receive, send_noted)
        finally:
            log.info(
                "request",
                request_id=request.state.request_id,
                method=scope["method"],
                route=_route(scope),
                status=status,
                ms=round((time.perf_counter() - began) * 1000, 1),
            )


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "none")
