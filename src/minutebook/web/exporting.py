"""An export as an answer: its address, and the file as it is written."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Mapping

import anyio
import structlog
from fastapi import Request, Response
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from minutebook.actions.log import Format
from minutebook.deliver import bundle
from minutebook.deliver.export import Export, ExportLog, Piece, begin, pieces, stored
from minutebook.deliver.exports import Exports
from minutebook.deliver.formats import FORMATS, Origin
from minutebook.deliver.turns import Stopped
from minutebook.errors import CrossOrigin, MinutebookError, TooManyExports
from minutebook.filters import Filter, instants, write
from minutebook.model import Seat, rfc3339
from minutebook.organization.organizations import Organization
from minutebook.permissions import Permission
from minutebook.web.event_stream import leave
from minutebook.web.following import must_read
from minutebook.web.log_address import readable
from minutebook.web.site import Site

FORMAT, SIZE, FIRST = "format", "size", "first"
NOW = "now"
LOG_SIZE = "Minutebook-Log-Size"
"""The header that says how many events the log held at the snapshot: with it as `size`, an export goes on."""
ASKED_AT = "Minutebook-Now"
"""The header that says from when relative times were told: with it as `now`, an export goes on with the same."""
PART = 64 * 1024
"""What a reader must take in one go, so that who is not fast is told from who does not read."""
ASK_SECONDS = 0.1
"""For how long it counts that a reader may be given the file. To ask takes as long as a hundred events."""

log = structlog.get_logger("minutebook.export")


def href(path: str, format_: Format, filter_: Filter, size: int, now: int) -> str:
    """The address of an export of what the filter finds in the log as it was when it held `size` events, its relative
    times told from `now` (UTC microseconds)."""
    pairs = [(FORMAT, format_.value), *write(filter_), (SIZE, str(size))]
    pairs += [(NOW, instants.write_start(now))] if filter_.is_relative else []
    return readable(path, pairs)


def answer(
    request: Request, site: Site, seat: Seat, sitting: str, organization: Organization, command: ExportLog
) -> Response:
    """The file, once the export is recorded. HEAD is told its headers, and nothing is recorded. `sitting` is the id of
    the session or API token.

    Raises CrossOrigin for a page of another site, which could only make people seem to have wanted it; TooManyExports
    and TooManyExportsAtOnce; NotSignedYet for evidence of a log of which nothing is signed; and what `begin` raises.
    """
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise CrossOrigin
    if command.format is Format.BUNDLE:
        bundle.require_signed(site.store, seat.organization)
    if request.method == "HEAD":
        return StreamingResponse(iter(()), media_type=_kind(command.format)[1])

    def ask() -> None:
        with site.store.reading() as connection:
            must_read(connection, seat, sitting, site.store.clock(), Permission.LOG_EXPORT)

    site.exports.take(seat.organization, sitting)
    try:
        site.export_rates.check(seat.actor.id, TooManyExports)
        export = begin(site.store, seat, Origin(organization.id, organization.name), command)
        made = _made(site, seat, export)
    except BaseException:
        site.exports.give_back(seat.organization, sitting)
        raise
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name(organization, export, site.store.clock())}"',
        LOG_SIZE: str(export.size),
        **({ASKED_AT: rfc3339(command.here.now)} if command.here.now is not None else {}),
    }
    return ExportStream(site.exports, seat.organization, sitting, made, ask, _kind(export.format)[1], headers)


def _made(site: Site, seat: Seat, export: Export) -> Generator[Piece]:
    """The file piece by piece. Evidence is proven by a head that reaches beyond the export's own event."""
    if export.format is Format.BUNDLE:
        heads = bundle.await_heads(site.store, seat.organization, site.settings.custody, export.size + 1)
        return bundle.pieces(site.store, seat.organization, export, heads)
    return pieces(export, stored(site.store, seat.organization, export))


def _kind(format_: Format) -> tuple[str, str]:
    """How such a file is called at its end, and its media type."""
    if format_ is Format.BUNDLE:
        return bundle.EXTENSION, bundle.MEDIA_TYPE
    return FORMATS[format_].extension, FORMATS[format_].media_type


def file_name(organization: Organization, export: Export, at: int) -> str:
    """`calder-robotics-audit-log-2026-11-25.csv` on that day in UTC: ASCII, whatever the organization is called."""
    name = re.sub(r"[^a-z0-9]+", "-", organization.name.lower()).strip("-")[:60] or organization.id
    part = f"-from-{export.first}" if export.first else ""
    return f"{name}-audit-log-{rfc3339(at)[:10]}{part}.{_kind(export.format)[0]}"


class ExportStream(Response):
    """The file as it is written, until the reader leaves, takes nothing for too long, may not be given any more, or
    something goes wrong. `ask` raises for a reader who may not be given any more.

    An answer that was broken off has no end, and the connection is closed, so that no client takes what it got for the
    whole. A place in `exports` was taken for it, which is given back.
    """

    charset = "utf-8"

    def __init__(
        self,
        exports: Exports,
        organization: int,
        reader: str,
        made: Generator[Piece],
        ask: Callable[[], None],
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(media_type=media_type, headers=headers)
        del self.headers["content-length"]  # nobody knows it yet
        self._exports = exports
        self._organization = organization
        self._reader = reader
        self._made = made
        self._ask = ask
        self._asked_at = -ASK_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async with anyio.create_task_group() as group:
                group.start_soon(leave, receive, group.cancel_scope)
                await self._send_all(send)
                group.cancel_scope.cancel()
        finally:
            self._exports.give_back(self._organization, self._reader)

    async def _send_all(self, send: Send) -> None:
        try:
            while (piece := await self._exports.write(self._organization, self._next)) is not None:
                for at in range(0, len(piece.data) or 1, PART):
                    await self._ask_again()
                    with anyio.move_on_after(self._exports.limits.slow_seconds) as patience:
                        await send(
                            {"type": "http.response.body", "body": piece.data[at : at + PART], "more_body": True}
                        )
                    if patience.cancelled_caught:
                        log.info("slow_reader_cut_off", organization=self._organization)
                        return
        except Stopped:
            return
        except MinutebookError as error:  # it is too late for an answer that says so
            log.warning("export_broke_off", organization=self._organization, reason=error.code)
            return
        await send({"type": "http.response.body", "body": b""})

    async def _ask_again(self) -> None:
        if time.monotonic() - self._asked_at >= ASK_SECONDS:
            self._asked_at = await self._exports.write(self._organization, self._asked)

    def _asked(self) -> float:
        at = time.monotonic()
        self._ask()
        return at

    def _next(self) -> Piece | None:
        return next(self._made, None)
