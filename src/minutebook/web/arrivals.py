"""Each request as it arrives: the id it is noted under, where it came from, and its line in the access log.

Whoever is refused for want of a permission or a seat has a line in the security log too. The lines name the route,
never the address: paths hold single-use tokens and queries hold what people search for.
"""

from __future__ import annotations

import time

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from minutebook.errors import MinutebookError, NotAllowed
from minutebook.identifiers import new_id
from minutebook.web.refusals import respond
from minutebook.web.session import ID
from minutebook.web.site import site_of
from minutebook.web.source import client_ip

log = structlog.get_logger("minutebook.access")
security_log = structlog.get_logger("minutebook.security")


class Arrivals:
    """Gives every request an id, answers what nobody expected with a 500, and writes both logs.

    What stands in `request.state.headers` is added to the answer, whatever that is.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        request.state.request_id = new_id("req", site_of(request).store.randomness)
        request.state.ip = client_ip(request)
        request.state.user = request.state.refused = None
        request.state.headers = {}
        began, status = time.perf_counter(), 0

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update({"x-request-id": request.state.request_id} | request.state.headers)
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
            _note_refusal(request, status)
            log.info(
                "request",
                request_id=request.state.request_id,
                method=scope["method"],
                route=_route(scope),
                status=status,
                ms=round((time.perf_counter() - began) * 1000, 1),
            )


def _note_refusal(request: Request, status: int) -> None:
    # A page that shows its form again says nothing but 403; what was noted elsewhere is an empty reason.
    unsaid = NotAllowed.code if status == NotAllowed.status else ""
    reason = unsaid if request.state.refused is None else request.state.refused
    if reason:
        asked = str(request.path_params.get("org", ""))
        security_log.warning(
            "access_denied",
            route=_route(request.scope),
            method=request.method,
            user=request.state.user,
            organization=asked if ID.fullmatch(asked) else None,
            reason=reason,
            request_id=request.state.request_id,
            ip=request.state.ip,
        )


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "none")
