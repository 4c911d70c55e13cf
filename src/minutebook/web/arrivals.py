"""Each request as it arrives: the id it is noted under, where it came from, and its line in the access log.

What somebody is refused who has a place in the organization is left to be recorded in its log; others have a line in
the security log. Both name the route, never the address: paths hold single-use tokens and queries hold what people
search for.
"""

from __future__ import annotations

import re
import time

import structlog
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from minutebook import security
from minutebook.denied import NOTED, Denied
from minutebook.errors import MinutebookError, NotAllowed
from minutebook.identifiers import ID, new_id
from minutebook.organization.denials import Attempt
from minutebook.web.auditor import LinkOver
from minutebook.web.refusals import SAFE, TITLES, respond
from minutebook.web.site import site_of
from minutebook.web.source import client_ip

PARAMETER = re.compile(r"^/o/\{org\}|/?\{\w+\}")
log = structlog.get_logger("minutebook.access")


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
        began, status, denied = time.perf_counter(), 0, list[Denied]()
        listening = NOTED.set(denied)

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                site_of(request).metrics.answered(_route(scope), scope["method"], status, time.perf_counter() - began)
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
            await _unexpected(request)(scope, receive, send_noted)
        finally:
            NOTED.reset(listening)
            _note_refusals(request, status, denied)
            log.info(
                "request",
                request_id=request.state.request_id,
                method=scope["method"],
                route=_route(scope),
                status=status,
                ms=round((time.perf_counter() - began) * 1000, 1),
            )


def _unexpected(request: Request) -> Response:
    """The page for what nobody expected; a few plain words should it fail as well, for the same reason perhaps."""
    try:
        return respond(request, MinutebookError())
    except Exception:
        log.exception("error_page_failed", request_id=request.state.request_id, route=_route(request.scope))
        return PlainTextResponse(f"{TITLES[500]}.\nNoted as {request.state.request_id}\n", 500)


def _note_refusals(request: Request, status: int, denied: list[Denied]) -> None:
    if denied:
        attempt = Attempt(_operation(request.scope), f"{request.method} {_route(request.scope)}", _asked(request))
        for each in denied:
            site_of(request).denials.note(attempt, each)
        return
    # Pages that show a form again, or that a link is over, say no more; what was noted elsewhere is an empty reason.
    unsaid = {NotAllowed.status: NotAllowed.code, LinkOver.status: LinkOver.code}.get(status, "")
    reason = unsaid if request.state.refused is None else request.state.refused
    if reason:
        security.tell(
            "access_denied",
            route=_route(request.scope),
            method=request.method,
            user=request.state.user,
            organization=_asked(request),
            reason=reason,
            request_id=request.state.request_id,
            ip=request.state.ip,
        )


def _asked(request: Request) -> str | None:
    asked = str(request.path_params.get("org", ""))
    return asked if ID.fullmatch(asked) else None


def _operation(scope: Scope) -> str:
    """What was tried, in words: `open the page audit-logs/export`, `change role`, `list events`."""
    route: APIRoute = scope["route"]
    if route.summary:
        return route.summary[:1].lower() + route.summary[1:]
    if scope["method"] in SAFE:
        return f"open the page {PARAMETER.sub('', route.path).strip('/')}"
    return route.name.replace("_", " ")


def _route(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "none")
