"""The OpenAPI document of the API: made of its routes, with the errors and the ways in that all of them share."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from minutebook import __version__
from minutebook.errors import PROBLEM
from minutebook.web.api.answers import ProblemDetails

REF = "#/components/schemas/{model}"

DESCRIPTION = """\
Reads the audit log of an organization: the same filters as the page Audit Logs, the same events.

Send an API token of the organization (page *API tokens*) as `Authorization: Bearer mbt_…`; a browser that is signed in
may ask with its session instead. A request with a token is judged by it alone. That the log is read is recorded in it,
once in 30 minutes for each token or session, before the first event is answered.

Times in answers are RFC 3339 in UTC with six digits. A parameter that is not known, not understood, or given twice
where it takes one value is an error that names it and what is accepted; nothing is left out silently. An
organization or event that is not there and one that is not yours to see get the same answer, 404. Nothing here
changes anything."""

ERRORS = {
    400: "The request could not be read, or was sent to a host that this server does not answer for.",
    401: "No token or session was sent, or it cannot be used.",
    403: "The role or the token may not read the log, or the organization's plan does not include it.",
    404: "There is nothing here, or it is not yours to see.",
    409: "What would prove it is not signed yet.",
    410: "It was pruned, or the entry bundle holds an event that was; `detail` names it and the event that says so.",
    422: "A parameter is wrong; `errors` says which and what is accepted.",
    429: "The token has asked too often, or too many searches of the organization run at once, exports were begun or "
    "are being written, or too many follow the log live.",
    503: "The database does not answer, the search was given up after its time and should be narrowed, or the server "
    "sends as many live tails as it can.",
}
RATE = {
    "RateLimit-Limit": "How often the token may ask in a minute.",
    "RateLimit-Remaining": "How often it may still ask in this minute.",
    "RateLimit-Reset": "In how many seconds the next minute begins.",
}
WAYS_IN = {
    "token": {"type": "http", "scheme": "bearer", "description": "An API token of the organization."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "minutebook-session",
        "description": "The session of somebody who is signed in (over https: `__Host-minutebook-session`).",
    },
}


def document(routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these routes."""
    built: dict[str, Any] = get_openapi(
        title="Minutebook",
        version=__version__,
        openapi_version="3.1.0",
        summary="The audit log of an organization, for programs.",
        description=DESCRIPTION,
        routes=list(routes),
    )
    components = built["components"]
    components["securitySchemes"] = WAYS_IN
    schema = ProblemDetails.model_json_schema(ref_template=REF)
    components["schemas"] |= {**schema.pop("$defs"), "ProblemDetails": schema}
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    for operations in built["paths"].values():
        for operation in operations.values():
            operation["security"] = [{name: []} for name in WAYS_IN]
            responses = operation["responses"]
            responses["200"]["headers"] = responses["200"].get("headers", {}) | _headers(RATE)
            for status, told in ERRORS.items():
                responses[str(status)] = _problem(status, told)
    return built


def _problem(status: int, told: str) -> dict[str, Any]:
    problem: dict[str, Any] = {
        "description": told,
        "content": {PROBLEM: {"schema": {"$ref": REF.format(model="ProblemDetails")}}},
    }
    if status == HTTPStatus.UNAUTHORIZED:
        problem["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        problem["headers"] = _headers({"Retry-After": "In how many seconds to try again, where that is known.", **RATE})
    return problem


def _headers(told: dict[str, str]) -> dict[str, Any]:
    return {name: {"description": text, "schema": {"type": "integer"}} for name, text in told.items()}
