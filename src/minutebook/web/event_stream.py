"""A tail as server-sent events (HTML Living Standard, section 9.2), for the page and for programs.

A message is one event: its `id` is the event's number, its data the event's one JSON. Whoever reconnects sends the last
id as Last-Event-ID and goes on behind it. A message with an id alone says how far was looked where nothing was found:
it is not shown to a program, but counts as the last id. A comment is sent at least every 15 seconds. A message `ended`
is the last one: its data says why (as problem details), and that there is no use in coming back.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import NamedTuple

import anyio
import structlog
from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from minutebook.deliver.tail import Batch, begin
from minutebook.deliver.tails import Tails
from minutebook.errors import Invalid, MinutebookError, OutcomeUnknown, StoreUnavailable, TooSlow
from minutebook.filters import Filter
from minutebook.filters.quote import quoted
from minutebook.identifiers import MOST_SEQ
from minutebook.model import Seat
from minutebook.organization import sittings
from minutebook.web.following import Following, must_read
from minutebook.web.refusals import problem_json
from minutebook.web.site import Site

LAST_EVENT_ID = "Last-Event-ID"
AFTER = "after"
RETRY_MS = 2000
HEARTBEAT = b":\n\n"
NUMBER = re.compile(r"-1|[0-9]{1,13}")

log = structlog.get_logger("minutebook.tail")


class After(NamedTuple):
    """The number that a request wants to go on behind, if any, and the header or parameter that says so."""

    seq: int | None
    field: str


def stream(site: Site, seat: Seat, sitting: str, filter_: Filter, after: After) -> EventStream:
    """The answer for somebody whose permission was asked for already. `sitting` is the id of their session.

    Raises Invalid for a number that the log does not have, TooManyTails and TooManyTailsHere, NotAllowed on another
    plan, and as `perform` when the sitting cannot be recorded.
    """
    with site.store.reading() as connection:
        must_read(connection, seat, sitting, site.store.clock())
        tail = begin(connection, seat.organization, filter_, after.seq, after.field)
    site.tails.take(seat.organization, sitting)
    try:
        sittings.sit(site.store, seat, sitting, site.store.clock())
    except BaseException:
        site.tails.give_back(seat.organization, sitting)
        raise
    return EventStream(site.tails, Following(site.store, seat, sitting, tail))


class EventStream(Response):
    """The answer that goes on until the reader leaves, takes nothing for too long, or may not read any more.

    A place in `tails` was taken for it, which is given back.
    """

    media_type = "text/event-stream"
    charset = "utf-8"

    def __init__(self, tails: Tails, following: Following) -> None:
        super().__init__()
        del self.headers["content-length"]  # it has no end
        self.headers["X-Accel-Buffering"] = "no"  # for a proxy in front of it
        self._tails = tails
        self._following = following
        self._tail = following.tail

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b""})
                return
            async with anyio.create_task_group() as group:
                group.start_soon(leave, receive, group.cancel_scope)
                await self._send_all(send, scope["state"]["request_id"])
                group.cancel_scope.cancel()
        finally:
            self._tails.give_back(self._tail.organization, self._following.sitting)

    async def _send_all(self, send: Send, request_id: str) -> None:
        async with aclosing(self._frames(request_id)) as frames:
            async for frame in frames:
                with anyio.move_on_after(self._tails.limits.slow_seconds) as patience:
                    await send({"type": "http.response.body", "body": frame, "more_body": True})
                if patience.cancelled_caught:
                    # Without its last part the answer counts as broken, and the server closes the connection.
                    log.info("slow_reader_cut_off", organization=self._tail.organization)
                    return
        await send({"type": "http.response.body", "body": b""})

    async def _frames(self, request_id: str) -> AsyncGenerator[bytes]:
        said = self._tail.after
        # With its place from the start: who is cut off before the first event comes back to here, not to a later end.
        yield b"retry: %d\nid: %d\n\n" % (RETRY_MS, said)
        try:
            async with aclosing(self._tails.follow(self._tail.organization, self._following.look)) as batches:
                async for batch in batches:
                    yield frame_of(batch) if batch.through != said else HEARTBEAT
                    said = batch.through
        except (StoreUnavailable, OutcomeUnknown, TooSlow) as error:
            log.warning("tail_broke_off", organization=self._tail.organization, reason=error.code)
        except MinutebookError as error:
            if error.status >= 500:
                raise
            yield b"event: ended\ndata: %s\n\n" % problem_json(error, request_id)


async def leave(receive: Receive, stream: anyio.CancelScope) -> None:
    """Cancels what is sent when its reader leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
    stream.cancel()


def frame_of(batch: Batch) -> bytes:
    """The messages of a batch, and how far was looked."""
    messages = [b"id: %d\ndata: %s\n\n" % row for row in batch.rows]
    if not batch.rows or batch.rows[-1].seq != batch.through:
        messages.append(b"id: %d\n\n" % batch.through)
    return b"".join(messages)


def asked_after(request: Request) -> After:
    """Where the request wants to go on. A browser that reconnects sends both: the header is newer. Raises Invalid."""
    header = request.headers.get(LAST_EVENT_ID, "").strip()
    texts = [header] if header else [text for text in request.query_params.getlist(AFTER) if text.strip()]
    field = LAST_EVENT_ID if header else AFTER
    return After(parse_after(field, *texts) if texts else None, field)


def parse_after(field: str, *texts: str) -> int:
    """The one number that is given for a field. Raises Invalid."""
    if len(texts) > 1 or not NUMBER.fullmatch(texts[0].strip()) or int(texts[0]) > MOST_SEQ:
        accepted = "Give the number of the last event you have seen, such as 204, once; -1 begins with the first."
        raise Invalid.one(field, f"{quoted(', '.join(texts))} is not accepted. {accepted}")
    return int(texts[0])
