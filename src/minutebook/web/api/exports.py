"""Exports for programs."""

from __future__ import annotations

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import StreamingResponse

from minutebook.actions.log import Format
from minutebook.deliver import bundle
from minutebook.deliver.export import ExportLog
from minutebook.deliver.formats import FORMATS
from minutebook.filters import UTC, Here
from minutebook.identifiers import MOST_SEQ
from minutebook.permissions import Permission
from minutebook.web import exporting
from minutebook.web.api.parameters import Accepted, Parameter, one_of, whole
from minutebook.web.api.principal import OF_ORGANIZATION, Principal, principal

DEFAULT = Format.JSONL
FORMAT = one_of(
    exporting.FORMAT,
    "What the file is written as; docs/export.md describes each.",
    [DEFAULT.value, *(format_.value for format_ in FORMATS if format_ is not DEFAULT)],
)
SIZE = whole(
    exporting.SIZE,
    "How many events the log held at the snapshot: with what `Minutebook-Log-Size` of an earlier answer says, the same "
    "events are exported again. Without it, as many as it holds now.",
    None,
    least=0,
    most=MOST_SEQ + 1,
)
FIRST = whole(
    exporting.FIRST,
    "The number of the event to begin with: one more than the last that arrived, to go on where an export was cut off.",
    0,
    least=0,
    most=MOST_SEQ + 1,
)
EXPORT = Accepted((FORMAT, SIZE, FIRST))

WITHHOLD: Parameter[tuple[str, ...]] = Parameter(
    "withhold",
    "Fields that the evidence is not to show, as `context.ip`, or groups, as `targets.*`. What is withheld is named.",
    {"type": "array", "items": {"type": "string"}, "examples": [["context.ip", "actor.email"]]},
    (),
    lambda text: bundle.parse_withheld(text.split(",")),
    repeated=True,
)
EVIDENCE = Accepted((WITHHOLD,))

ANSWER: dict[str, Any] = {
    "description": "The file. It ends with a trailer that says how many events are in it; without that it was cut off.",
    "content": {kind.media_type: {"schema": {"type": "string", "format": "binary"}} for kind in FORMATS.values()},
    "headers": {
        exporting.LOG_SIZE: {
            "description": "How many events the log held at the snapshot.",
            "schema": {"type": "integer"},
        },
        exporting.ASKED_AT: {
            "description": "What the relative times of the filter were told from.",
            "schema": {"type": "string", "format": "date-time"},
        },
        "Content-Disposition": {"description": "What the file is called.", "schema": {"type": "string"}},
    },
}

EVIDENCE_ANSWER: dict[str, Any] = {
    "description": "A zip. The program minutebook_verify.py in it verifies it.",
    "content": {bundle.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
    "headers": ANSWER["headers"],
}

Exporter = Annotated[Principal, Depends(principal(Permission.LOG_EXPORT))]

router = APIRouter(prefix=OF_ORGANIZATION)


@router.get("/events/export", operation_id="exportEvents", summary="Export events",
            response_class=StreamingResponse, openapi_extra=EXPORT.described(), responses={200: ANSWER})  # fmt: skip
def export_events(request: Request, exporter: Exporter) -> Response:
    """A file of all events that the filter finds, of any size, in the order of the log, as it was at one moment.

    It is recorded in the log before its first byte. A connection that breaks off leaves a file without its trailer: ask
    again with the same `size`, with the same `now` where the filter has relative times, and with `first`. Each answer
    is a file of its own with a trailer of its own. Whoever takes nothing for 30 seconds is cut off, and so is who may
    not export the log any more. A token may have 2 exports written at once, an organization 4.
    """
    return exporting.answer(
        request,
        exporter.site,
        exporter.seat,
        exporter.sitting,
        exporter.organization,
        command_of(request, exporter.at),
    )


@router.get("/log/bundle", operation_id="exportEvidence", summary="Export evidence",
            response_class=StreamingResponse, openapi_extra=EVIDENCE.described(),
            responses={200: EVIDENCE_ANSWER})  # fmt: skip
def export_evidence(request: Request, exporter: Exporter) -> Response:
    """A zip of all events that the filter finds, of any size, with all that shows offline that they are what was
    recorded: `docs/verify.md` describes it. Without a filter it shows that nothing was removed, too.

    It is recorded in the log before its first byte, and proven by the head that is signed then. A connection that
    breaks off leaves no zip: ask again. The limits are those of other exports.
    """
    return exporting.answer(
        request,
        exporter.site,
        exporter.seat,
        exporter.sitting,
        exporter.organization,
        evidence_of(request, exporter.at),
    )


def evidence_of(request: Request, at: int, calendar: ZoneInfo = UTC) -> ExportLog:
    """What the query of a request asks evidence for, as `command_of` does. Raises Invalid."""
    given = EVIDENCE.read(request, at)
    here = Here(now=given.now, calendar=calendar)
    return ExportLog(Format.BUNDLE, given.filter, here=here, withheld=given.of(WITHHOLD))


def command_of(request: Request, at: int, calendar: ZoneInfo = UTC) -> ExportLog:
    """What the query of a request asks for at `at` (UTC microseconds), `today` being a day of the zone `calendar`.

    Raises Invalid for all that is wrong with it.
    """
    given = EXPORT.read(request, at)
    here = Here(now=given.now, calendar=calendar)
    return ExportLog(Format(given.of(FORMAT)), given.filter, given.of(SIZE), given.of(FIRST), here)
