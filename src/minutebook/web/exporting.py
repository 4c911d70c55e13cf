"""An export as an answer: its address, and the file as it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from starlette.responses import StreamingResponse

from minutebook.actions.log import Format
from minutebook.deliver.export import Export, ExportLog, Rows, begin, pieces, stored
from minutebook.deliver.formats import FORMATS, Origin
from minutebook.errors import CrossOrigin, MinutebookError, TooManyExports
from minutebook.filters import Filter, instants, write
from minutebook.model import Seat
from minutebook.organization.organizations import Organization
from minutebook.store.engine import Store
from minutebook.web.site import site_of

FORMAT, SIZE, FIRST = "format", "size", "first"
NOW = "now"
LOG_SIZE = "Minutebook-Log-Size"
"""The header that says how many events the log held at the snapshot: with it as `size`, an export goes on."""
ASKED_AT = "Minutebook-Now"
"""The header that says from when relative times were told: with it as `now`, an export goes on with the same."""


class BrokenOff(Exception):
    """An export that ended before its trailer."""


def href(path: str, format_: Format, filter_: Filter, size: int, now: int) -> str:
    """The address of an export of what the filter finds in the log as it was when it held `size` events, its relative
    times told from `now` (UTC microseconds)."""
    pairs = [(FORMAT, format_.value), *write(filter_), (SIZE, str(size))]
    pairs += [(NOW, instants.write_start(now))] if filter_.is_relative else []
    return f"{path}?{urlencode(pairs, quote_via=quote, safe=':@*/')}"


def answer(request: Request, store: Store, seat: Seat, organization: Organization, command: ExportLog) -> Response:
    """The file, once the export is recorded. HEAD is told its headers, and nothing is recorded.

    Raises CrossOrigin for a page of another site, which could only make people seem to have wanted it; TooManyExports;
    and what `begin` raises.
    """
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise CrossOrigin
    if request.method == "HEAD":
        return StreamingResponse(iter(()), media_type=FORMATS[command.format].media_type)
    standing = site_of(request).exports.ask(seat.actor.id)
    if standing.is_over:
        raise TooManyExports(limit=standing.limit, seconds=standing.seconds)
    export = begin(store, seat, Origin(organization.id, organization.name), command)
    return StreamingResponse(
        _bytes(export, stored(store, organization.number, export)),
        media_type=FORMATS[export.format].media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{file_name(organization, export)}"',
            LOG_SIZE: str(export.size),
            **({ASKED_AT: instants.write_start(command.here.now)} if command.here.now is not None else {}),
        },
    )


def file_name(organization: Organization, export: Export) -> str:
    """`calder-robotics-audit-log-48213.csv`: ASCII, whatever the organization is called."""
    name = re.sub(r"[^a-z0-9]+", "-", organization.name.lower()).strip("-")[:60] or organization.id
    part = f"-from-{export.first}" if export.first else ""
    return f"{name}-audit-log-{export.size}{part}.{FORMATS[export.format].extension}"


def _bytes(export: Export, rows_from: Rows) -> Iterator[bytes]:
    """What goes wrong on the way breaks the connection off: no client takes what it got for the whole."""
    try:
        for piece in pieces(export, rows_from):
            if piece.data:
                yield piece.data
    except MinutebookError as error:
        raise BrokenOff from error  # it is too late for an answer that says so
