"""Completion of the query in the search box of Audit Logs, as a list to choose from.

Names of the organization come from its log, so they are only offered while the viewer's sitting is open: opening the
page begins one, typing never does. The catalogue says nothing of the log and is always offered.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from sqlalchemy import Connection
from starlette.responses import HTMLResponse

from minutebook.errors import Invalid
from minutebook.filters import Here, zone_named
from minutebook.filters.completion import SHORTEST_WORD, Candidate, Typed, candidates, inserted, named, typed_at
from minutebook.filters.quote import quoted
from minutebook.organization import sittings
from minutebook.organization.roster import read_roster
from minutebook.permissions import Permission
from minutebook.store import completion, log
from minutebook.store.completion import Known
from minutebook.store.scope import Scope
from minutebook.web.session import Place, place
from minutebook.web.shell import AUDIT_LOGS
from minutebook.web.views.controls import Completion, Completions

router = APIRouter()
Reader = Annotated[Place, Depends(place(Permission.LOG_READ))]

MOST_NAMES = 20
MOST_FOR_A_WORD = 5
LONGEST_PLACE = 4  # digits of the longest query


@router.get(f"/o/{{org}}/{AUDIT_LOGS}/complete")
def complete(reader: Reader, query: str = "", at: str = "0", form_zone: str = "UTC") -> Response:
    """What could be meant at a place in the query, `at` in characters from its beginning; for the script of the box.

    Raises Invalid for a place that is none, NotAllowed on the plan `teams`.
    """
    reader.require_plan()
    typed = typed_at(query, _place(at, query))
    found = _found(reader, typed, _here(reader, form_zone)) if typed else []
    shown = Completions(
        start=typed.start if typed else 0,
        end=typed.end if typed else 0,
        options=tuple(
            Completion(candidate.written, candidate.note, inserted(candidate, typed), candidate.goes_on)
            for candidate in found
            if typed
        ),
    )
    return HTMLResponse(reader.site.templates.get_template("_completions.html").render(completions=shown))


def _here(reader: Place, form_zone: str) -> Here:
    return Here(zone_named(form_zone), reader.viewer.at, reader.viewer.zone)


def _found(reader: Place, typed: Typed, here: Here) -> list[Candidate]:
    found = candidates(typed, here)
    is_word = typed.key is None and len(typed.text) >= SHORTEST_WORD
    if not is_word and typed.key not in ("actor", "target"):
        return found
    number, session = reader.organization.number, reader.viewer.session.id
    with reader.site.searches.reading(reader.organization.number) as connection:
        if not sittings.is_open(connection, number, session, reader.viewer.at):
            return found
        scope = Scope(number, log.read_head(connection, number).size)
        if typed.key == "target":
            return [named(one.text, one.note) for one in completion.targets(connection, scope, typed.text, MOST_NAMES)]
        if is_word:
            busy = completion.busy_actors(connection, scope, typed.text, MOST_FOR_A_WORD)
            people = _actors(connection, scope, typed.text, busy)[:MOST_FOR_A_WORD]
            return found + [named(*pair, "actor") for pair in people]
        known = completion.actors(connection, scope, typed.text, MOST_NAMES)
        return [named(*pair) for pair in _actors(connection, scope, typed.text, known)] + found


def _actors(connection: Connection, scope: Scope, part: str, known: list[Known]) -> list[tuple[str, str]]:
    """Those known from the log and who holds a seat, with their names."""
    seats = read_roster(connection, scope.organization, part).found[:MOST_NAMES]
    noted = {one.text: one.note for one in known}
    return list((noted | {person.email: person.name for person, _, _ in seats}).items())[:MOST_NAMES]


def _place(at: str, query: str) -> int:
    if at.isascii() and at.isdigit() and len(at) <= LONGEST_PLACE and int(at) <= len(query):
        return int(at)
    raise Invalid.one("at", f"{quoted(at)} is not a place in the query. Write a number from 0 to {len(query)}.")
