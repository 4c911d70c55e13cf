"""Events for programs: found ones in either order, and one by its number."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import orjson
from fastapi import APIRouter, Depends, Path, Request, Response
from sqlalchemy import Connection

from minutebook.errors import Invalid, Problem, kept
from minutebook.filters import Cursor, Direction, Here, search_of, write
from minutebook.filters.cursor import NO_SUCH_PAGE, ONE_OF_BOTH
from minutebook.filters.instants import write_start
from minutebook.filters.quote import quoted
from minutebook.identifiers import MOST_SEQ, event_number
from minutebook.permissions import Permission
from minutebook.store import log, search
from minutebook.store.closer import Rows
from minutebook.store.event_json import event_json, row_json
from minutebook.store.log import Stored, seq_of
from minutebook.store.scope import Scope
from minutebook.web.api import answers
from minutebook.web.api.parameters import AFTER, LIMIT, NOW, Accepted, Given, one_of, text
from minutebook.web.api.principal import OF_ORGANIZATION, Principal, principal
from minutebook.web.log_address import readable

JSON = "application/json"
NEWEST, LOG = "newest", "log"

ORDER = one_of(
    "order",
    "`newest`: by when it happened, the newest first, as people see it; nothing shifts from page to page while events "
    "arrive. `log`: by number, the oldest first; a page once read never changes, so that a copy can be kept complete.",
    (NEWEST, LOG),
)
OLDER = text("older", "With `order=newest`: where a page begins. Only taken from `next` of another answer.")
NEWER = text("newer", "With `order=newest`: where a page ends. Only taken from `previous` of another answer.")
LIST, ONE = Accepted((ORDER, LIMIT, OLDER, NEWER, AFTER)), Accepted(filtered=False)
SEQ = Path(
    description="The number of the event in its log.",
    json_schema_extra={"type": "integer", "minimum": 0, "maximum": MOST_SEQ},
)

Reader = Annotated[Principal, Depends(principal(Permission.LOG_READ))]

Pairs = list[tuple[str, str]]


class Part(NamedTuple):
    """Some of the events, and what leads to those behind and before them."""

    rows: Rows
    following: Pairs | None
    previous: Pairs | None


router = APIRouter(prefix=OF_ORGANIZATION)
one_router = APIRouter(prefix=OF_ORGANIZATION)
"""Included last: its path would take `/events/count` for a number."""


@router.get("/events", operation_id="listEvents", summary="List events", openapi_extra=LIST.described(),
            responses={200: {"model": answers.Events}})  # fmt: skip
def list_events(request: Request, reader: Reader) -> Response:
    """The events that the filter finds. `next` and `previous` are paths with everything needed to go on.

    To follow a log, ask with `order=log` and follow `next`; where it is null, ask again with `after` = `size` − 1.
    """
    given = LIST.read(request, reader.at)
    _check_order(given)
    cursor = _cursor(given, reader)
    reader.sit()
    number = reader.organization.number
    with reader.reading() as connection:
        size = log.read_head(connection, number).size
        if cursor and cursor.size > size:
            raise Invalid.one(cursor.direction, NO_SUCH_PAGE)
        here = Here(now=cursor.asked_at) if cursor else given.here
        scope = Scope(number, cursor.size if cursor else size, here=here)
        if given.of(ORDER) == LOG:
            part = _in_order(connection, scope, given)
        else:
            part = _newest_first(connection, scope, given, cursor, reader)
    return _answer(request, given, part, scope.size)


@one_router.get("/events/{seq}", operation_id="getEvent", summary="Get one event", openapi_extra=ONE.described(),
                responses={200: {"model": answers.EventOf}})  # fmt: skip
def one_event(request: Request, reader: Reader, seq: Annotated[str, SEQ]) -> Response:
    """One event by its number."""
    problems: list[Problem] = []
    try:
        ONE.read(request, reader.at)
    except Invalid as invalid:
        problems += invalid.problems
    number = kept(problems, seq_of_path, seq)
    if number is None or problems:
        raise Invalid(*problems)
    reader.sit()
    with reader.reading() as connection:
        event = log.find(connection, reader.organization.number, number)
    return Response(event_json(event), media_type=JSON)


def seq_of_path(seq: str) -> int:
    """The number of an event in an address. Raises Invalid."""
    number = event_number(seq)
    if number is None:
        message = f"{quoted(seq)} is not the number of an event. Write one, such as 204, from 0 to {MOST_SEQ}."
        raise Invalid.one("seq", message)
    return number


def _check_order(given: Given) -> None:
    """Raises Invalid for a parameter of the other order."""
    others = (OLDER, NEWER) if given.of(ORDER) == LOG else (AFTER,)
    order = NEWEST if given.of(ORDER) == LOG else LOG
    wrong = [
        Problem(other.name, f"{other.name} goes with order={order} only. Leave it out, or ask in that order.")
        for other in others
        if given.has(other)
    ]
    if given.has(NOW) and (given.has(OLDER) or given.has(NEWER)):
        wrong.append(Problem("now", "A page means what the first one meant. Leave now out."))
    if given.has(OLDER) and given.has(NEWER) and not wrong:
        wrong.append(Problem("newer", ONE_OF_BOTH))
    if wrong:
        raise Invalid(*wrong)


def _cursor(given: Given, reader: Principal) -> Cursor | None:
    older, newer, which = given.of(OLDER), given.of(NEWER), (reader.organization.id, given.filter)
    if older:
        return reader.site.seal.read(older, *which, "older")
    return reader.site.seal.read(newer, *which, "newer") if newer else None


def _in_order(connection: Connection, scope: Scope, given: Given) -> Part:
    after, limit = given.of(AFTER), given.of(LIMIT)
    first = 0 if after is None else after + 1
    found = search.window_rows(connection, scope, given.filter, first=first, limit=limit + 1)
    rows = found[:limit]
    if len(found) <= limit:
        return Part(rows, None, None)
    now = [(NOW.name, write_start(given.now))] if given.filter.is_relative else []
    return Part(rows, [("order", LOG), ("after", str(seq_of(rows[-1]))), *now], None)


def _newest_first(connection: Connection, scope: Scope, given: Given, cursor: Cursor | None, reader: Principal) -> Part:
    page = search.place(connection, scope, given.filter, cursor, given.of(LIMIT))
    if not page.rows:
        return Part([], None, None)

    def beyond(direction: Direction, row: Stored, rank: int) -> Pairs:
        which = (reader.organization.id, search_of(given.filter), scope.size)
        beyond_it = Cursor(*which, row.occurred_at, seq_of(row), rank, direction, scope.here.now or 0)
        return [(direction, reader.site.seal.write(beyond_it))]

    older = beyond("older", page.rows[-1], page.rank + len(page.rows)) if page.has_older else None
    newer = beyond("newer", page.rows[0], page.rank) if page.has_newer else None
    return Part(page.rows, older, newer)


def _answer(request: Request, given: Given, part: Part, size: int) -> Response:
    """Joined and not built, since the events are bytes already."""

    def link(pairs: Pairs | None) -> bytes:
        if pairs is None:
            return b"null"
        query = [*write(given.filter), ("limit", str(given.of(LIMIT))), *pairs]
        return orjson.dumps(readable(request.url.path, query))

    events = b",".join(map(row_json, part.rows))
    parts = (events, link(part.following), link(part.previous), size)
    return Response(b'{"events":[%s],"next":%s,"previous":%s,"size":%d}' % parts, media_type=JSON)
