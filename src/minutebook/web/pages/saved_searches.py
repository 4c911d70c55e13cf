"""Saved searches: the list of them, saving, renaming and deleting one, and the address that leads to one."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import JSONResponse

from minutebook.errors import Invalid, Problem
from minutebook.filters import Here
from minutebook.model import Role
from minutebook.organization import saved_searches
from minutebook.organization.saved_searches import DeleteSearch, RenameSearch, SavedSearch, SaveSearch
from minutebook.permissions import Permission
from minutebook.record import NoChange, perform
from minutebook.store import log, survey
from minutebook.store.scope import Scope
from minutebook.store.survey import Patience
from minutebook.web import times
from minutebook.web.forms import STAYS, Sent, Typed, form_after
from minutebook.web.log_address import Address
from minutebook.web.log_reader import LogReader
from minutebook.web.render import Said, go, show
from minutebook.web.saved_menu import SAVED, address_of, search_address
from minutebook.web.session import Place, known_id, place
from minutebook.web.shell import AUDIT_LOGS
from minutebook.web.views.page import Choice, Form, Moment

router = APIRouter()


def reader(found: Annotated[Place, Depends(place(Permission.LOG_READ))]) -> Place:
    """Whoever may read the log. Raises NotAllowed on the plan `teams`, where it is not read."""
    found.require_plan()
    return found


Reader = Annotated[Place, Depends(reader)]

COUNTED_SECONDS = 1.0
"""For all searches together."""
FIELDS = ("name", "shared", "replace")
ONLY_ME, EVERYBODY = "no", "yes"
AUDIENCES = (
    Choice(ONLY_ME, "Only me", "The log says that you saved a search, not which"),
    Choice(EVERYBODY, "Everybody", "Whoever may read the log here finds it"),
)


@dataclass(frozen=True, slots=True)
class SearchRow:
    """One search of the list."""

    name: str
    query: str
    audience: str
    saved_by: str
    saved: Moment
    href: str
    rename_href: str
    delete_href: str
    may_change: bool


@router.get("/o/{org}/audit-logs/saved")
def show_searches(request: Request, reader: Reader) -> Response:
    """All searches that the viewer may use."""
    return _list(request, reader)


@router.get("/o/{org}/audit-logs/saved/new")
def ask_for_name(request: Request, reader: Reader, query: str = "") -> Response:
    """The form that keeps a search, open over the list."""
    return _saving(request, reader, query, Form(values={"shared": ONLY_ME}))


@router.post("/o/{org}/audit-logs/saved/new")
def save_search(request: Request, reader: Reader, sent: Sent) -> Response:
    """Keeps a search, and leads back to it."""
    query = sent.one("query")
    try:
        shared = _shared(sent)
        command = SaveSearch(sent.one("name"), query, shared, replace=sent.one("replace") == "yes")
        done = perform(reader.site.store, reader.seat, command)
    except STAYS as error:
        return _saving(request, reader, query, form_after(sent, error, FIELDS), error.status)
    said = Said.NOTHING_TO_CHANGE if isinstance(done, NoChange) else Said.SEARCH_SAVED
    return go(reader.site, Address(reader.path(AUDIT_LOGS), saved_searches.asked(query)).href, said)


@router.get("/o/{org}/audit-logs/saved/counts")
def count_searches(reader: Reader) -> Response:
    """How many events each of them finds now, by its id; without those that are not counted at once, and those that
    this version of Minutebook cannot read."""
    log_reader = LogReader.of_place(reader)
    log_reader.sit()
    found: dict[str, int] = {}
    until = time.monotonic() + COUNTED_SECONDS
    with reader.site.searches.reading(reader.organization.number) as connection:
        number, viewer = reader.organization.number, reader.viewer
        scope = Scope(number, log.read_head(connection, number).size, here=Here(viewer.zone, viewer.at))
        for search in saved_searches.searches(connection, number, viewer.user.id):
            if (left := until - time.monotonic()) <= 0:
                break
            with suppress(Invalid):
                patience = Patience(left, all_or_nothing=True)
                total = survey.survey(connection, scope, saved_searches.asked(search.query), patience=patience).total
                if total.is_exact:
                    found[search.id] = total.number
    return JSONResponse(found)


@router.get("/o/{org}/audit-logs/saved/{search}")
def open_search(reader: Reader, search: str) -> Response:
    """Leads to what the search asks for."""
    return go(reader.site, search_address(reader, _search(reader, search)).href)


@router.get("/o/{org}/audit-logs/saved/{search}/rename")
def ask_for_another_name(request: Request, reader: Reader, search: str) -> Response:
    """The form that calls a search something else, open over the list."""
    found = _search(reader, search)
    return _list(request, reader, renaming=found, form=Form(values={"name": found.name}))


@router.post("/o/{org}/audit-logs/saved/{search}/rename")
def rename_search(request: Request, reader: Reader, search: str, sent: Sent) -> Response:
    """Calls a search something else."""
    found = _search(reader, search)
    try:
        done = perform(reader.site.store, reader.seat, RenameSearch(found.id, sent.one("name")))
    except STAYS as error:
        form = form_after(sent, error, FIELDS)
        return _list(request, reader, renaming=found, form=form, status=error.status)
    said = Said.NOTHING_TO_CHANGE if isinstance(done, NoChange) else Said.SEARCH_RENAMED
    return go(reader.site, reader.path(AUDIT_LOGS, SAVED), said)


@router.get("/o/{org}/audit-logs/saved/{search}/delete")
def ask_to_delete(request: Request, reader: Reader, search: str) -> Response:
    """Asks once more before a search is deleted."""
    return _list(request, reader, deleting=_search(reader, search), form=Form())


@router.post("/o/{org}/audit-logs/saved/{search}/delete")
def delete_search(request: Request, reader: Reader, search: str) -> Response:
    """Deletes a search."""
    found = _search(reader, search)
    try:
        perform(reader.site.store, reader.seat, DeleteSearch(found.id))
    except STAYS as error:
        form = form_after(Typed(), error)
        return _list(request, reader, deleting=found, form=form, status=error.status)
    return go(reader.site, reader.path(AUDIT_LOGS, SAVED), Said.SEARCH_DELETED)


def _shared(sent: Typed) -> bool:
    """Whether the search is for everybody. Raises Invalid for all that is wrong with the form itself."""
    if sent.one("shared") not in (ONLY_ME, EVERYBODY):
        raise Invalid(Problem("shared", "Choose who finds it: only you, or everybody."))
    return sent.one("shared") == EVERYBODY


def _search(reader: Place, search: str) -> SavedSearch:
    with reader.site.store.reading() as connection:
        number, user = reader.organization.number, reader.viewer.user.id
        return saved_searches.find_search(connection, number, user, known_id(search))


def _saving(request: Request, reader: Place, query: str, form: Form, status: int = 200) -> Response:
    log = Address(reader.path(AUDIT_LOGS))
    try:
        close_href = Address(log.path, saved_searches.asked(query)).href
    except Invalid as invalid:  # nobody can mend it here
        errors = {"": invalid.message} | {name: text for name, text in form.errors.items() if name}
        form, status, close_href = Form(form.values, errors), Invalid.status, log.href
    return _list(request, reader, saving=query, form=form, close_href=close_href, status=status)


def _list(
    request: Request,
    reader: Place,
    *,
    saving: str | None = None,
    renaming: SavedSearch | None = None,
    deleting: SavedSearch | None = None,
    form: Form | None = None,
    close_href: str = "",
    status: int = 200,
) -> Response:
    with reader.site.store.reading() as connection:
        found = saved_searches.searches(connection, reader.organization.number, reader.viewer.user.id)
    return show(
        request,
        "saved_searches.html",
        place=reader,
        current=AUDIT_LOGS,
        status=status,
        searches=[_row(reader, search) for search in found],
        log_href=reader.path(AUDIT_LOGS),
        list_href=reader.path(AUDIT_LOGS, SAVED),
        save_href=reader.path(AUDIT_LOGS, SAVED, "new"),
        saving=saving,
        renaming=_row(reader, renaming) if renaming else None,
        deleting=_row(reader, deleting) if deleting else None,
        form=form,
        close_href=close_href,
        audiences=AUDIENCES,
    )


def _row(reader: Place, search: SavedSearch) -> SearchRow:
    href = address_of(reader, search.id)
    is_own = search.saved_by == reader.viewer.user.id and isinstance(reader.role, Role)
    return SearchRow(
        name=search.name,
        query=search.query,
        audience="Everybody" if search.shared else "Only you",
        saved_by=search.saver,
        saved=times.day_of(search.saved_at, reader.viewer.zone),
        href=href,
        rename_href=f"{href}/rename",
        delete_href=f"{href}/delete",
        may_change=is_own or reader.may(Permission.SEARCHES_WRITE),
    )
