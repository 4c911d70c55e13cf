"""The HTTP side of a witness: `POST /add-checkpoint` (c2sp.org/tlog-witness)."""

from __future__ import annotations

from http import HTTPStatus

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from minutebook.witness.book import Book

MOST_BYTES = 65_536
"""Far more than a proof of 63 hashes and a note with 100 signatures have."""


def create_app(book: Book) -> Starlette:
    """The application of a witness."""

    async def add_checkpoint(request: Request) -> Response:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                text = f"At most {MOST_BYTES:,} bytes are accepted.\n"
                return PlainTextResponse(text, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        reply = await run_in_threadpool(book.add_checkpoint, body)
        # the type is compared as it is: no charset may stand behind it
        return Response(reply.body.encode(), reply.status, {"Content-Type": reply.content_type})

    return Starlette(routes=[Route("/add-checkpoint", add_checkpoint, methods=["POST"])])
