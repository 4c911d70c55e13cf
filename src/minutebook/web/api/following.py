"""A log followed live by programs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response

from minutebook.identifiers import MOST_SEQ
from minutebook.permissions import Permission
from minutebook.web.api.parameters import Accepted, Parameter
from minutebook.web.api.principal import OF_ORGANIZATION, Principal, principal
from minutebook.web.event_stream import AFTER, LAST_EVENT_ID, asked_after, parse_after, stream

Reader = Annotated[Principal, Depends(principal(Permission.LOG_READ))]

BEHIND: Parameter[int | None] = Parameter(
    AFTER,
    "Begin behind the event of this number; -1 begins with the first. Without it, with what is recorded from now on.",
    {"type": "integer", "minimum": -1, "maximum": MOST_SEQ},
    None,
    lambda text: parse_after(AFTER, text),
)
TAIL = Accepted((BEHIND,))
LAST = Header(
    alias=LAST_EVENT_ID,
    description="The last `id` that was received, as a browser sends it by itself when it reconnects: the tail goes on "
    "behind it, whatever `after` says.",
    json_schema_extra={"type": "integer", "minimum": -1, "maximum": MOST_SEQ},
)

router = APIRouter(prefix=OF_ORGANIZATION)


TOLD: dict[int | str, dict[str, Any]] = {
    200: {"description": "Until you leave.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}


@router.get("/events/tail", operation_id="tailEvents", summary="Follow the log live", openapi_extra=TAIL.described(),
            response_class=Response, responses=TOLD)  # fmt: skip
def tail_events(request: Request, reader: Reader, _last: Annotated[str | None, LAST] = None) -> Response:
    """What is recorded and fits the filter, in the order of the log, as server-sent events.

    `id` is the number of the event and `data` its JSON. A message with an `id` alone says how far was looked; a comment
    comes at least every 15 seconds. Whoever takes nothing for 10 seconds is cut off: reconnect with the last id as
    `Last-Event-ID`, and no event is missed or repeated. A message of the type `ended` says, as problem details, that
    the log may not be read any more: do not reconnect. A token may follow the log in 10 places at once, an organization
    in 50.
    """
    given = TAIL.read(request, reader.at)
    return stream(reader.site, reader.seat, reader.sitting, given.filter.at(given.here), asked_after(request))
