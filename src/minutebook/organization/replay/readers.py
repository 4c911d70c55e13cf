"""Who else reads the log, and what reading leaves: tokens, auditor links, searches, sittings."""

from __future__ import annotations

from minutebook.actions.link import LinkCreated, LinkRevoked, LinkUsed
from minutebook.actions.log import LogExported, LogVerified, LogViewed
from minutebook.actions.search import SearchDeleted, SearchRenamed, SearchSaved
from minutebook.actions.support import SupportEntered, SupportGranted, SupportLeft
from minutebook.actions.token import TokenCreated, TokenRevoked
from minutebook.model import ActorKind, Event
from minutebook.organization.replay.state import (
    State,
    changed,
    end_each_access,
    give_access,
    json_of,
    put,
    replays,
    require,
    row,
    take,
    user_of,
)
from minutebook.organization.saved_searches import SHARED


@replays("log.view", "sitting")
def _log_viewed(state: State, event: Event, _details: LogViewed) -> None:
    if event.actor.kind is ActorKind.SYSTEM:  # the operator has no session
        return
    if event.actor.kind is ActorKind.TOKEN:
        reader = event.actor.id
        row(state.token, reader, "token")
    else:
        reader = event.context.session_id or ""
        row(state.access, reader, "access of the session")
    state.sitting[reader] = {"opened_at": event.recorded_at}


@replays("support.grant", "support_grant")
def _support_granted(state: State, event: Event, details: SupportGranted) -> None:
    at, person = event.recorded_at, details.person
    who = {"user": person.id, "email": person.email, "name": person.name, "reason": details.reason}
    given = {"may": json_of(details.may), "granted_by": event.actor.called, "granted_at": at, "entered_at": None}
    put(state.support_grant, details.grant, {**who, **given, "expires_at": at + details.lasts}, "grant")


@replays("support.enter", "support_grant", "access", "sitting")
def _support_entered(state: State, event: Event, details: SupportEntered) -> None:
    grant = row(state.support_grant, details.grant, "grant")
    require(grant["user"] == event.actor.id and grant["reason"] == details.reason, "it was granted to another")
    require(grant["entered_at"] is None, "the grant was used already")
    require(grant["expires_at"] > event.recorded_at, "the time of the grant was over")
    grant["entered_at"] = event.recorded_at
    give_access(state, event)


@replays("support.leave", "support_grant", "access", "sitting")
def _support_left(state: State, _event: Event, details: SupportLeft) -> None:
    grant = take(state.support_grant, details.grant, "grant")
    require(grant["user"] == details.person.id, "it was granted to another")
    end_each_access(state, details.person.id)


@replays("token.create", "token", "sitting")
def _token_created(state: State, event: Event, details: TokenCreated) -> None:
    row = {
        **details.model_dump(mode="json", include={"name", "expires_at"}),
        "scopes": json_of(details.scopes),
        "created_by": event.actor.called,
        "creator": user_of(event),
        "created_at": event.recorded_at,
    }
    put(state.token, details.token, row, "token")


@replays("token.revoke", "token", "sitting")
def _token_revoked(state: State, _event: Event, details: TokenRevoked) -> None:
    token = take(state.token, details.token, "token")
    require(token["name"] == details.name, f"the token was called {token['name']}")
    state.sitting.pop(details.token, None)


@replays("log.export")
def _log_exported(_state: State, event: Event, details: LogExported) -> None:
    require(details.size <= event.seq, "the log never held so many events")
    require((details.first or 0) <= details.size, "it begins beyond the events of the snapshot")


@replays("log.verify")
def _log_verified(_state: State, event: Event, details: LogVerified) -> None:
    require(0 < details.size <= event.seq, "the log never held so many events")


@replays("search.save", "saved_search")
def _search_saved(state: State, event: Event, details: SearchSaved) -> None:
    shelf = SHARED if details.shared else event.actor.id
    require(details.replaced == (details.search in state.saved_search), "there was none, or one already")
    row = state.saved_search.get(details.search) or {"shelf": shelf, "saved_by": event.actor.id}
    require(row["shelf"] == shelf, "the search was on another shelf")
    if details.shared:
        row |= _names_of(state, details.search, details.name or "")
        if details.query:
            row["query"] = changed("query", row.get("query"), details.query)
    state.saved_search[details.search] = {**row, "saved_at": event.recorded_at}


@replays("search.rename", "saved_search")
def _search_renamed(state: State, event: Event, details: SearchRenamed) -> None:
    row = take(state.saved_search, details.search, "search")
    require(row["shelf"] == (SHARED if details.shared else event.actor.id), "the search was on another shelf")
    if details.name:
        row = row | _names_of(state, details.search, changed("name", row.get("name"), details.name) or "")
    state.saved_search[details.search] = row


def _names_of(state: State, search: str, name: str) -> dict[str, str]:
    """What a shared search is called from now on."""
    key = name.casefold()
    same = [known for known, other in state.saved_search.items() if other.get("name_key") == key]
    require(set(same) <= {search}, f"another shared search was called {name}")
    return {"name": name, "name_key": key}


@replays("search.delete", "saved_search")
def _search_deleted(state: State, event: Event, details: SearchDeleted) -> None:
    row = take(state.saved_search, details.search, "search")
    require(row.get("name") == details.name, f"the search was called {row.get('name')}")
    require(row["shelf"] == (SHARED if details.shared else event.actor.id), "the search was on another shelf")


@replays("link.create", "auditor_link")
def _link_created(state: State, event: Event, details: LinkCreated) -> None:
    at = event.recorded_at
    require(details.expires_at > at, "the link had expired when it was made")
    row = {"name": details.name, "query": details.query or "", "created_by": event.actor.called}
    put(state.auditor_link, details.link, {**row, "created_at": at, "expires_at": details.expires_at}, "link")


@replays("link.use", "auditor_link", "access", "sitting")
def _link_used(state: State, event: Event, details: LinkUsed) -> None:
    link = row(state.auditor_link, details.link, "link")
    require(event.actor.id == details.link, "another link was used")
    require(link["name"] == details.name, f"the link was called {link['name']}")
    require(link["expires_at"] > event.recorded_at, "the link had expired")
    require(event.context.session_id not in state.access, "the session had access already")
    give_access(state, event)


@replays("link.revoke", "auditor_link", "access", "sitting")
def _link_revoked(state: State, _event: Event, details: LinkRevoked) -> None:
    link = take(state.auditor_link, details.link, "link")
    require(link["name"] == details.name, f"the link was called {link['name']}")
    end_each_access(state, details.link)
