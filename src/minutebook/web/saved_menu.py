"""The saved searches beside the search box, and the addresses that lead to each."""

from __future__ import annotations

from urllib.parse import urlencode

from sqlalchemy import Connection

from minutebook.errors import Invalid
from minutebook.filters import EVERYTHING
from minutebook.organization import saved_searches
from minutebook.organization.saved_searches import SavedSearch
from minutebook.permissions import Permission
from minutebook.web.log_address import Address
from minutebook.web.session import Place
from minutebook.web.shell import AUDIT_LOGS, AUDITOR_LINKS
from minutebook.web.views.controls import SavedMenu, SavedOption

SAVED = "saved"
ALL = "All events"


def saved_menu(connection: Connection, place: Place, address: Address) -> SavedMenu:
    """What the viewer has saved and what others share, with the search of the address marked."""
    found = saved_searches.searches(connection, place.organization.number, place.viewer.user.id)
    query = _query_of(address)
    may_link = place.may(Permission.LINKS_WRITE) and not address.kept

    def options(*, shared: bool) -> tuple[SavedOption, ...]:
        return tuple(
            SavedOption(
                search.name, search.query, address_of(place, search.id), search.id, current=search.query == query
            )
            for search in found
            if search.shared is shared
        )

    own, shared = options(shared=False), options(shared=True)
    shows_everything = address.filter == EVERYTHING and not address.kept
    opened = next((option.name for option in (*own, *shared) if option.current), "")
    return SavedMenu(
        own=own,
        shared=shared,
        open_name=opened or (ALL if shows_everything else ""),
        everything_href=address.afresh.href,
        shows_everything=shows_everything,
        all_href=place.path(AUDIT_LOGS, SAVED),
        counts_href=place.path(AUDIT_LOGS, SAVED, "counts"),
        link_href=f"{place.path(AUDITOR_LINKS, 'new')}?{urlencode({'query': query})}" if may_link else "",
        save_href=f"{place.path(AUDIT_LOGS, SAVED, 'new')}?{urlencode({'query': query})}" if query else "",
    )


def address_of(place: Place, search: str) -> str:
    """The address by which a search is passed on, whatever it asks for one day."""
    return place.path(AUDIT_LOGS, SAVED, search)


def search_address(place: Place, search: SavedSearch) -> Address:
    """Audit Logs with what the search asks for. Raises Invalid when this version of Minutebook cannot read it."""
    return Address(place.path(AUDIT_LOGS), saved_searches.asked(search.query))


def _query_of(address: Address) -> str:
    """What would be saved of the address; nothing where there is nothing that can be."""
    if address.filter == EVERYTHING or address.kept:
        return ""
    try:
        return saved_searches.written(address.filter)
    except Invalid:
        return ""
