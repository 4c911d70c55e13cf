"""Legal holds: of what a hold's filter finds, nothing is pruned and nothing erased, whatever else says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, delete, insert, select

from minutebook.actions.log_custody import HoldChanged
from minutebook.errors import Conflict, Invalid, NotFound, Problem, kept
from minutebook.filters import Here, expression_of, filter_of, fits, language
from minutebook.filters.expression import NOTHING_ASKED, Expression, any_of
from minutebook.filters.language import BadQuery
from minutebook.filters.moments import ANYWHERE, resolved
from minutebook.identifiers import new_id
from minutebook.model import Event
from minutebook.organization import wording
from minutebook.permissions import Permission
from minutebook.record import Act, Command
from minutebook.store import schema

MAX_HOLDS = 100
MAX_NAME = 60


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold; its times are instants. `placed_at` in UTC microseconds."""

    id: str
    name: str
    query: str
    placed_by: str
    placed_at: int


@dataclass(frozen=True)
class PlaceHold(Command):
    """Places a hold on what a query finds, now and later; a time told from now on is meant from when it is placed.

    Raises Invalid on `name` or `query`, Conflict beyond MAX_HOLDS.
    """

    needs: ClassVar = Permission.RETENTION_WRITE

    name: str
    query: str

    def check(self) -> None:
        """Raises Invalid on `name` and `query` both."""
        problems: list[Problem] = []
        kept(problems, self._named)
        kept(problems, meant_by, self.query)
        if problems:
            raise Invalid(*problems)

    def _named(self) -> str:
        return wording.name(self.name, "name", "The name", limit=MAX_NAME)

    def change(self, act: Act) -> HoldChanged:
        self.check()
        name = self._named()
        query = language.write(expression_of(filter_of(resolved(meant_by(self.query), Here(now=act.at)))))
        meant_by(query)
        if len(holds(act.connection, act.organization)) >= MAX_HOLDS:
            raise Conflict(f"There are {MAX_HOLDS} holds, which is the most. Release one first.")
        hold = new_id("hol", act.randomness)
        said = {"name": name, "query": query, "placed_by": act.seat.actor.called, "placed_at": act.at}
        act.connection.execute(insert(schema.hold).values(organization=act.organization, id=hold, **said))
        return HoldChanged(hold=hold, name=name, query=query, placed=True)


@dataclass(frozen=True)
class ReleaseHold(Command):
    """Releases a hold: what it was on may go from then on. Raises NotFound."""

    needs: ClassVar = Permission.RETENTION_WRITE

    hold: str

    def change(self, act: Act) -> HoldChanged:
        found = find_hold(act.connection, act.organization, self.hold)
        table = schema.hold.c
        here = (table.organization == act.organization, table.id == self.hold)
        act.connection.execute(delete(schema.hold).where(*here))
        return HoldChanged(hold=found.id, name=found.name, query=found.query, placed=False)


def meant_by(query: str) -> Expression:
    """What a query asks for. Raises Invalid on `query`, also when it asks for nothing."""
    try:
        asked = language.read(query, ANYWHERE)
    except BadQuery as bad:
        raise Invalid.one("query", bad.message) from bad
    if asked == NOTHING_ASKED:
        raise Invalid.one("query", "Say what is held, such as actor:ada@example.com; seq:0.. holds everything.")
    return asked


def holds(connection: Connection, organization: int) -> list[Hold]:
    """All holds, the newest first."""
    table = schema.hold.c
    columns = (table.id, table.name, table.query, table.placed_by, table.placed_at)
    order = (table.placed_at.desc(), table.id)
    rows = connection.execute(select(*columns).where(table.organization == organization).order_by(*order))
    return [Hold(*row) for row in rows]


def find_hold(connection: Connection, organization: int, hold: str) -> Hold:
    """One of them. Raises NotFound."""
    for found in holds(connection, organization):
        if found.id == hold:
            return found
    raise NotFound


def held_by(connection: Connection, organization: int) -> Callable[[Event], bool]:
    """Whether a hold is on an event."""
    queries = [meant_by(hold.query) for hold in holds(connection, organization)]
    return fits(any_of(queries)) if queries else lambda _: False
