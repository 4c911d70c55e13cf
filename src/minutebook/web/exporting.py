"""An export as an answer: what an address asks for, and the file as it is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, urlencode

from fastapi import Request, Response
from starlette.responses import StreamingResponse

from minutebook.actions.log import Format
from minutebook.deliver.export import Export, ExportLog, begin, pieces
from minutebook.deliver.formats import FORMATS, Origin
from minutebook.errors import CrossOrigin, Invalid, MinutebookError, Problem
from minutebook.filters import EVERYTHING, Filter, Here, parse, write
from minutebook.filters.clause import listed
from minutebook.filters.quote import quoted
from minutebook.model import Seat
from minutebook.organization.organizations import Organization
from minutebook.store.engine import Store
from minutebook.web.log_address import LONGEST_EVENT

FORMAT, SIZE, FIRST = "format", "size", "first"
LOG_SIZE = "Minutebook-Log-Size"
"""The header that says how many events the log held at the snapshot: with it as `size`, an export goes on."""


class BrokenOff(Exception):
    """An export that ended before its trailer."""


def href(path: str, format_: Format, filter_: Filter, size: int) -> str:
    """The address of an export of what the filter finds in the log as it was when it held `size` events."""
    pairs = [(FORMAT, format_.value), *write(filter_), (SIZE, str(size))]
    return f"{path}?{urlencode(pairs, quote_via=quote, safe=':@*/')}"


def read(pairs: Iterable[tuple[str, str]], now: int) -> ExportLog:
    """What the keys and values of an address ask for; JSON Lines where they name no format. Raises Invalid."""
    given: dict[str, list[str]] = {FORMAT: [], SIZE: [], FIRST: []}
    rest = []
    for key, text in pairs:
        if key not in given:
            rest.append((key, text))
        elif text.strip():
            given[key].append(text)
    problems = [
        Problem(key, f"{key} is given {len(texts)} times; it can be given once.")
        for key, texts in given.items()
        if len(texts) > 1
    ]
    one = {key: texts[0] if texts else None for key, texts in given.items()}
    format_ = _format(one[FORMAT], problems)
    size, first = (_number(key, one[key], problems) for key in (SIZE, FIRST))
    filter_ = EVERYTHING
    try:
        filter_ = parse(rest, Here(now=now))
    except Invalid as invalid:
        problems += invalid.problems
    if problems:
        raise Invalid(*problems)
    return ExportLog(format_, filter_, size, first or 0)


def answer(request: Request, store: Store, seat: Seat, organization: Organization, command: ExportLog) -> Response:
    """The file, once the export is recorded. HEAD is told its headers, and nothing is recorded.

    Raises CrossOrigin for a page of another site, which could only make people seem to have wanted it; and what
    `begin` raises.
    """
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise CrossOrigin
    if request.method == "HEAD":
        return StreamingResponse(iter(()), media_type=FORMATS[command.format].media_type)
    export = begin(store, seat, Origin(organization.id, organization.name), command)
    return StreamingResponse(
        _bytes(store, export),
        media_type=FORMATS[export.format].media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{file_name(organization, export)}"',
            LOG_SIZE: str(export.scope.size),
        },
    )


def file_name(organization: Organization, export: Export) -> str:
    """`calder-robotics-audit-log-48213.csv`: ASCII, whatever the organization is called."""
    name = re.sub(r"[^a-z0-9]+", "-", organization.name.lower()).strip("-")[:60] or organization.id
    part = f"-from-{export.first}" if export.first else ""
    return f"{name}-audit-log-{export.scope.size}{part}.{FORMATS[export.format].extension}"


def _bytes(store: Store, export: Export) -> Iterator[bytes]:
    """What goes wrong on the way breaks the connection off: no client takes what it got for the whole."""
    try:
        for piece in pieces(store, export):
            if piece.data:
                yield piece.data
    except MinutebookError as error:
        raise BrokenOff from error  # it is too late for an answer that says so


def _format(text: str | None, problems: list[Problem]) -> Format:
    if text is None:
        return Format.JSONL
    if text not in list(Format):
        problems.append(
            Problem(FORMAT, f"{quoted(text)} is not a format. The formats are {listed(list(Format), 'and')}.")
        )
        return Format.JSONL
    return Format(text)


def _number(key: str, text: str | None, problems: list[Problem]) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= LONGEST_EVENT):
        problems.append(Problem(key, f"{quoted(text)} is not a number of events, such as 48213."))
        return None
    return int(text)
