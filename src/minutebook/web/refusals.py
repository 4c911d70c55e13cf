"""Every error as an answer: a page for people, problem details (RFC 9457) for programs, with the request's id."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import quote, urlencode

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Match

from minutebook.errors import (
    PROBLEM,
    Forbidden,
    Invalid,
    MinutebookError,
    NotFound,
    NotSignedIn,
    SecondFactorRequired,
    SignInAgain,
    TooManyRequests,
)
from minutebook.web.render import show
from minutebook.web.shell import NOWHERE

JSON_TYPES = frozenset({"application/json", PROBLEM, "text/event-stream"})
PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml", "text/*", "*/*"})
SAFE = frozenset({"GET", "HEAD"})
NOTED = frozenset({401, 403, 410})
"""What the security log is told of: a wrong or missing credential, what is not allowed, a link that is over."""

TITLES = {
    400: "This address is not right",
    401: "You are not signed in",
    403: "You may not do this",
    404: "Page not found",
    405: "This is not done this way",
    409: "This cannot be done now",
    410: "This link cannot be used",
    413: "That is too large",
    415: "This is not what was expected",
    422: "Something is not right",
    429: "Too many attempts",
    500: "Something went wrong here",
    503: "The database does not answer",
}


BARRED = "A second factor is required"
WRONG_PART = "index#when-something-does-not-work"
SECOND_FACTOR_PART = "account#second-factors"
"""The parts of the guide that errors lead to."""


class MethodNotAllowed(MinutebookError):
    """This address takes {methods} and no other method."""

    status = 405
    code = "method_not_allowed"


class BadRequest(MinutebookError):
    """The request could not be read."""

    status = 400
    code = "bad_request"


def respond(request: Request, error: MinutebookError) -> Response:
    """The answer for an error. Someone who asks for a page without being signed in is led to the sign-in.

    Notes for the security log why somebody was refused, if that is what the error says.
    """
    if wants_json(request):
        request.state.refused = _refused(error)
        return problem_details(request, error)
    here = quote(request.url.path) + (f"?{request.url.query}" if request.url.query else "")
    if isinstance(error, NotSignedIn) and request.method in SAFE:
        again = {"again": "yes"} if isinstance(error, SignInAgain) else {}
        return RedirectResponse(f"/sign-in?{urlencode({'next': here, **again})}", 303)
    request.state.refused = _refused(error)
    place = getattr(request.state, "place", None)
    return show(
        request,
        "error.html",
        place=place,
        current=NOWHERE,
        status=error.status,
        title=BARRED if isinstance(error, SecondFactorRequired) else TITLES.get(error.status, TITLES[500]),
        message=error.message if error.status != 500 else "",
        code=error.code,
        request_id=request.state.request_id,
        ask_somebody=isinstance(error, Forbidden) and place is not None,
        unsure=error.status == 500 and request.method not in SAFE,
        again_href=here if request.method in SAFE and error.status >= 500 else None,
        signed_out=isinstance(error, NotSignedIn),
        account_href="/account/second-factors" if isinstance(error, SecondFactorRequired) else None,
        part=SECOND_FACTOR_PART if isinstance(error, SecondFactorRequired) else WRONG_PART,
    )


def problem_details(request: Request, error: MinutebookError) -> Response:
    """RFC 9457, with the code of the error, the fields that are wrong and the id of the request."""
    response = Response(problem_json(error, request.state.request_id), error.status, media_type=PROBLEM)
    if error.status == NotSignedIn.status:
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.facts["seconds"])
    return response


def problem_json(error: MinutebookError, request_id: str) -> bytes:
    """What is answered, as one line."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.message,
        "code": error.code,
        "request_id": request_id,
    }
    if isinstance(error, Invalid):
        body["errors"] = [problem.written() for problem in error.problems]
    return orjson.dumps(body)


def wants_json(request: Request) -> bool:
    """Whether a program asks: below /api and for a .json always, elsewhere when it prefers JSON, or a
    stream of events, to a page."""
    path = request.url.path
    if path == "/api" or path.startswith("/api/") or path.endswith(".json"):
        return True
    wish = {"page": 0.0, "json": 0.0}
    for part in request.headers.get("accept", "").split(","):
        kind, _, parameters = part.partition(";")
        group = "json" if kind.strip().lower() in JSON_TYPES else "page" if kind.strip().lower() in PAGE_TYPES else ""
        if group:
            wish[group] = max(wish[group], _quality(parameters))
    return wish["json"] > wish["page"]


def install(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Answers every error that a page raises. By the routes it is told what else an address takes."""

    def known(request: Request, error: Exception) -> Response:
        assert isinstance(error, MinutebookError)
        return respond(request, error)

    def by_status(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 405:
            matching = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
            methods = ", ".join(sorted({one for route in matching for one in getattr(route, "methods", None) or ()}))
            response = respond(request, MethodNotAllowed(methods=methods))
            response.headers["Allow"] = methods
            return response
        response = respond(request, NotFound() if error.status_code == 404 else BadRequest())
        response.headers.update(error.headers or {})
        return response

    def not_valid(request: Request, error: Exception) -> Response:
        del error
        return respond(request, BadRequest())

    app.add_exception_handler(MinutebookError, known)
    app.add_exception_handler(HTTPException, by_status)
    app.add_exception_handler(RequestValidationError, not_valid)


def _refused(error: MinutebookError) -> str:
    if isinstance(error, Forbidden):
        return error.message
    # what other errors say may hold an address
    return error.code if error.status in NOTED else str(error.facts.get("why", ""))


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
