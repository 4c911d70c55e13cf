"""Saved searches: kept by whoever reads the log, for everybody who does or for themselves alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from minutebook.actions.search import SearchDeleted, SearchRenamed, SearchSaved
from minutebook.actions.values import Change
from minutebook.errors import Conflict, Invalid, NotAllowed, NotFound
from minutebook.filters import Filter, expression_of, filter_of, language
from minutebook.filters.expression import NOTHING_ASKED
from minutebook.filters.language import BadQuery
from minutebook.filters.moments import ANYWHERE
from minutebook.identifiers import new_id
from minutebook.organization import wording
from minutebook.permissions import Permission, may
from minutebook.record import NO_CHANGE, Act, Command, NoChange
from minutebook.store import schema

SHARED = "shared"
"""The shelf of the searches that everybody sees who reads the log; every user has one of their own besides."""
MAX_SEARCHES = 100
MAX_NAME = 60


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A search that was kept. `query` is in the query language, its times in UTC; `saved_at` in UTC microseconds."""

    id: str
    name: str
    query: str
    shared: bool
    saved_by: str
    saver: str
    """What whoever saved it is called now."""
    saved_at: int


@dataclass(frozen=True)
class SaveSearch(Command):
    """Keeps a search; with `replace` also in the place of the one that is called so.

    Raises Invalid, naming the field: on `replace` where there is one that may be replaced; Conflict beyond 100 searches
    of one person; NotAllowed for the operator, who has no searches.
    """

    needs: ClassVar = Permission.LOG_READ

    name: str
    query: str
    shared: bool
    replace: bool = False

    def change(self, act: Act) -> SearchSaved | NoChange:
        if act.role is None:
            raise NotAllowed("A search belongs to whoever saved it: sign in to save one.")
        name = wording.name(self.name, "name", "The name", limit=MAX_NAME)
        query = written(asked(self.query))
        before = _called(act, SHARED if self.shared else act.seat.actor.id, name)
        if before:
            return self._replaced(act, before, name, query)
        _make_room(act)
        search = new_id("sav", act.randomness)
        act.connection.execute(
            insert(schema.saved_search).values(
                organization=act.organization,
                id=search,
                shelf=SHARED if self.shared else act.seat.actor.id,
                saved_by=act.seat.actor.id,
                **_columns(act, name, query),
            )
        )
        return self._details(search, name, Change(before=None, after=query))

    def _replaced(self, act: Act, before: SavedSearch, name: str, query: str) -> SearchSaved | NoChange:
        if (before.name, before.query) == (name, query):
            return NO_CHANGE
        if not _may_change(act, before):
            raise Invalid.one("name", f"{_there_is(before)}, and it is not yours. Choose another.")
        if not self.replace:
            message = "Tick the box to put this one in its place, or choose another name."
            raise Invalid.one("replace", f"{_there_is(before)}. {message}")
        _update(act, before, _columns(act, name, query))
        return self._details(before.id, name, Change(before=before.query, after=query))

    def _details(self, search: str, name: str, query: Change) -> SearchSaved:
        if not self.shared:
            return SearchSaved(search=search, shared=False, replaced=query.before is not None)
        changed = query if query.before != query.after else None
        return SearchSaved(search=search, shared=True, replaced=query.before is not None, name=name, query=changed)


@dataclass(frozen=True)
class RenameSearch(Command):
    """Calls a search something else; its address stays. Raises Invalid on `name`, also where another of them is called
    so; else as DeleteSearch."""

    needs: ClassVar = Permission.LOG_READ

    search: str
    name: str

    def change(self, act: Act) -> SearchRenamed | NoChange:
        before = _to_change(act, self.search)
        name = wording.name(self.name, "name", "The name", limit=MAX_NAME)
        if name == before.name:
            return NO_CHANGE
        other = _called(act, SHARED if before.shared else act.seat.actor.id, name)
        if other and other.id != before.id:
            raise Invalid.one("name", f"{_there_is(other)} already. Choose another name.")
        _update(act, before, _names(name))
        change = Change(before=before.name, after=name) if before.shared else None
        return SearchRenamed(search=before.id, shared=before.shared, name=change)


@dataclass(frozen=True)
class DeleteSearch(Command):
    """Deletes a search. Raises NotFound, also for a private one of somebody else; NotAllowed for a shared one that who
    acts neither saved nor may change for another."""

    needs: ClassVar = Permission.LOG_READ

    search: str

    def change(self, act: Act) -> SearchDeleted:
        before = _to_change(act, self.search)
        table = schema.saved_search
        act.connection.execute(delete(table).where(table.c.organization == act.organization, table.c.id == self.search))
        return SearchDeleted(search=self.search, shared=before.shared, name=before.name if before.shared else None)


def asked(query: str) -> Filter:
    """What a query asks for, its times in UTC. Raises Invalid on `query`, also when it asks for nothing."""
    try:
        expression = language.read(query, ANYWHERE)
    except BadQuery as bad:
        raise Invalid.one("query", bad.message) from bad
    if expression == NOTHING_ASKED:
        raise Invalid.one("query", "There is nothing to save yet: search for something, or choose a filter, first.")
    return filter_of(expression)


def written(filter_: Filter) -> str:
    """The filter in the query language, always alike. Raises Invalid on `query` when it cannot be read again."""
    query = language.write(expression_of(filter_))
    asked(query)
    return query


def searches(connection: Connection, organization: int, user: str) -> list[SavedSearch]:
    """The private ones of the user and all shared ones, by name."""
    table = schema.saved_search.c
    return [_search(row) for row in connection.execute(_visible(organization, user).order_by(table.name_key, table.id))]


def find_search(connection: Connection, organization: int, user: str, search: str) -> SavedSearch:
    """One of those. Raises NotFound."""
    row = connection.execute(_visible(organization, user).where(schema.saved_search.c.id == search)).one_or_none()
    if row is None:
        raise NotFound
    return _search(row)


def forget(act: Act, user: str) -> None:
    """Deletes the private searches of somebody whose seat is taken away."""
    table = schema.saved_search
    act.connection.execute(delete(table).where(table.c.organization == act.organization, table.c.shelf == user))


def _visible(organization: int, user: str) -> Select[tuple[object, ...]]:
    table, people = schema.saved_search, schema.user
    return (
        select(table, func.coalesce(people.c.name, "somebody whose account was deleted").label("saver"))
        .outerjoin(people, people.c.id == table.c.saved_by)
        .where(table.c.organization == organization, table.c.shelf.in_([SHARED, user]))
    )


def _called(act: Act, shelf: str, name: str) -> SavedSearch | None:
    table = schema.saved_search.c
    which = (table.shelf == shelf, table.name_key == name.casefold())
    row = act.connection.execute(_visible(act.organization, act.seat.actor.id).where(*which)).one_or_none()
    return _search(row) if row else None


def _to_change(act: Act, search: str) -> SavedSearch:
    found = find_search(act.connection, act.organization, act.seat.actor.id, search)
    if not _may_change(act, found):
        raise NotAllowed("A shared search is renamed and deleted by whoever saved it, an owner or an admin.")
    return found


def _may_change(act: Act, search: SavedSearch) -> bool:
    if act.role is None:  # support staff may have saved it when they still had a seat
        return act.by_operator
    return search.saved_by == act.seat.actor.id or may(act.role, Permission.SEARCHES_WRITE)


def _make_room(act: Act) -> None:
    table = schema.saved_search.c
    own = (table.organization == act.organization, table.saved_by == act.seat.actor.id)
    if act.connection.execute(select(func.count()).where(*own)).scalar_one() >= MAX_SEARCHES:
        raise Conflict(f"You have saved {MAX_SEARCHES} searches here, and no more are kept. Delete one first.")


def _update(act: Act, search: SavedSearch, values: dict[str, object]) -> None:
    table = schema.saved_search
    this = (table.c.organization == act.organization, table.c.id == search.id)
    act.connection.execute(update(table).where(*this).values(values))


def _there_is(search: SavedSearch) -> str:
    return f"There is a {'shared search' if search.shared else 'search of yours'} called {search.name}"


def _names(name: str) -> dict[str, object]:
    return {"name": name, "name_key": name.casefold()}


def _columns(act: Act, name: str, query: str) -> dict[str, object]:
    return _names(name) | {"query": query, "saved_at": act.at}


def _search(row: Row[tuple[object, ...]]) -> SavedSearch:
    values = row._mapping
    return SavedSearch(
        id=values["id"],
        name=values["name"],
        query=values["query"],
        shared=values["shelf"] == SHARED,
        saved_by=values["saved_by"],
        saver=values["saver"],
        saved_at=values["saved_at"],
    )
