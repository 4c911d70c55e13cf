"""What is measured: each system answers the same questions in its own way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import orjson
import psycopg

from bench.baseline import Baseline
from bench.fill import Place
from bench.questions import PAGE_SIZE, TOP_ACTORS, Question, Shape
from minutebook.actions.log import Format
from minutebook.deliver.export import Export, stored
from minutebook.deliver.formats import Origin
from minutebook.errors import TooSlow
from minutebook.filters import EVERYTHING, Cursor, search_of
from minutebook.model import DAY, to_micros
from minutebook.store import search, survey
from minutebook.store.engine import Store
from minutebook.store.scope import Scope

GAVE_UP, NOT_COMPARED = "gave up", "not compared"


class System(Protocol):
    """One of the systems."""

    name: str

    def ask(self, question: Question, /) -> Any:
        """The answer as the system gives it; this is what is timed."""

    def told(self, question: Question, answer: Any, /) -> object:
        """The answer in a form that is the same for all systems; GAVE_UP when there is none, NOT_COMPARED where it
        cannot be in that form."""

    def export(self, organization: int, /) -> Iterator[bytes]:
        """Every event of an organization as a line of JSON, the oldest first."""

    def close(self) -> None:
        """Ends its connections."""


def cursor_of(question: Question, place: Place) -> Cursor | None:
    """Where the page begins in ours."""
    if question.after is None:
        return None
    at, seq, rank = question.after
    return Cursor(place.id, search_of(question.filter), place.size, at, seq, rank, "older")


class Ours:
    """Our store."""

    def __init__(self, name: str, store: Store, places: Mapping[int, Place]) -> None:
        self.name = name
        self.store = store
        self.places = places

    def ask(self, question: Question) -> Any:
        with self.store.reading() as connection:
            scope, filter_ = self._scope(question.organization), question.filter
            match question.shape:
                case Shape.PAGE:
                    try:
                        cursor = cursor_of(question, self.places[question.organization])
                        return search.place(connection, scope, filter_, cursor, PAGE_SIZE)
                    except TooSlow:
                        return None
                case Shape.COUNT:
                    return survey.count(connection, scope, filter_)
                case Shape.HISTOGRAM:
                    start, end = filter_.bounds
                    assert start is not None and end is not None
                    edges = list(range(start // DAY * DAY, end + DAY, DAY))
                    return edges, survey.survey(connection, scope, filter_, edges=edges)
                case Shape.FACETS:
                    found = survey.survey(connection, scope, filter_, ("action", "actor"))
                    return found.total.is_exact and (
                        found.by["action"],
                        survey.by_text(found.by["actor"], TOP_ACTORS),
                    )

    def told(self, question: Question, answer: Any) -> object:
        if answer is None:
            return GAVE_UP
        match question.shape:
            case Shape.PAGE:
                return [row.occurred_at for row in answer.rows]
            case Shape.COUNT:
                return answer.number if answer.is_exact else GAVE_UP
            case Shape.FACETS:
                return answer or GAVE_UP
            case Shape.HISTOGRAM:
                edges, found = answer
                if not found.total.is_exact:
                    return GAVE_UP
                days = {start // DAY: sum(sums) for start, sums in zip(edges, found.in_time, strict=False)}
                return sorted((day, number) for day, number in days.items() if number)

    def export(self, organization: int) -> Iterator[bytes]:
        place = self.places[organization]
        every = Export(Origin(place.id, ""), place.size, EVERYTHING, Format.JSONL, 0)
        yield from (row.json for rows in stored(self.store, place.number, every)(0) for row in rows)

    def close(self) -> None:
        self.store.close()

    def _scope(self, rank: int) -> Scope:
        """The log as it was when all was filled; what was written since is in other organizations."""
        return Scope(self.places[rank].number, self.places[rank].size)


class BesideUs:
    """One of the baselines."""

    def __init__(self, name: str, conninfo: str, table: str) -> None:
        self.name = name
        self._connection = psycopg.connect(conninfo, autocommit=True)
        self.table = Baseline(self._connection, table)

    def ask(self, question: Question) -> Any:
        organization, filter_ = question.organization, question.filter
        match question.shape:
            case Shape.PAGE:
                return self.table.page(organization, filter_, question.after.occurred_at if question.after else None)
            case Shape.COUNT:
                return self.table.count(organization, filter_)
            case Shape.HISTOGRAM:
                return self.table.histogram(organization, filter_)
            case Shape.FACETS:
                by_action = self.table.counted(organization, filter_, "action", None)
                return by_action, self.table.counted(organization, filter_, "actor_email", TOP_ACTORS)

    def told(self, question: Question, answer: Any) -> object:
        match question.shape:
            case Shape.PAGE:
                return [to_micros(row[-1]) for row in answer[:PAGE_SIZE]]
            case Shape.HISTOGRAM:
                return [(to_micros(day) // DAY, number) for day, number in answer]
        return answer

    def export(self, organization: int) -> Iterator[bytes]:
        yield from map(orjson.dumps, self.table.everything(organization))

    def close(self) -> None:
        self._connection.close()
