"""Replay: from the events of a log alone, every row that its organization has.

Whether each act was allowed is not asked here. Once something of an event was erased or pruned, what it did cannot be
told any more: of the tables that its action touches, nothing is said from there on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from minutebook.actions import read_details
from minutebook.actions.credits import CreditsPurchased
from minutebook.actions.link import LinkCreated, LinkRevoked, LinkUsed
from minutebook.actions.log import (
    ALL,
    ClockConfirmed,
    ClockStepped,
    FieldsErased,
    HoldChanged,
    LogExported,
    LogPruned,
    LogRestored,
    LogVerified,
    LogViewed,
    RetentionChanged,
    kept_for,
)
from minutebook.actions.member import MemberRemoved, RoleChanged
from minutebook.actions.mode import ModeCreated, ModeDeleted, ModeUpdated
from minutebook.actions.organization import OrganizationCreated
from minutebook.actions.search import SearchDeleted, SearchSaved
from minutebook.actions.settings import SettingsChanged
from minutebook.actions.sso import SsoDomainRemoved, SsoDomainSet
from minutebook.actions.token import TokenCreated, TokenRevoked
from minutebook.actions.user import (
    InvitationAccepted,
    InvitationRevoked,
    PersonInvited,
    SignedIn,
    SignedOut,
    SignInFailed,
)
from minutebook.actions.values import Change, SetChange
from minutebook.model import ActorKind, Event, Role
from minutebook.organization.saved_searches import SHARED

ONE = ""
"""The key of the only row that an organization has in a table."""

Row = dict[str, Any]
Rows = dict[str, Row]


class DoesNotFollow(Exception):
    """An event that cannot have come after those before it; says why."""


@dataclass
class State:
    """What an organization has, as its tables hold it: by table and key, without `organization` and the key itself."""

    organization: Rows = field(default_factory=dict)
    seat: Rows = field(default_factory=dict)
    access: Rows = field(default_factory=dict)
    invitation: Rows = field(default_factory=dict)
    setting: Rows = field(default_factory=dict)
    mode: Rows = field(default_factory=dict)
    credit_entry: Rows = field(default_factory=dict)
    sso_domain: Rows = field(default_factory=dict)
    sitting: Rows = field(default_factory=dict)
    saved_search: Rows = field(default_factory=dict)
    auditor_link: Rows = field(default_factory=dict)
    token: Rows = field(default_factory=dict)
    retention: Rows = field(default_factory=dict)
    hold: Rows = field(default_factory=dict)
    clock_step: Rows = field(default_factory=dict)
    generation: Rows = field(default_factory=dict)
    size: int = 0
    balance: int = 0
    untold: set[str] = field(default_factory=set)
    """The tables of which the events cannot tell any more what they hold."""
    pruned: bool = False
    """Whether events are missing, of which only a later event says of what kind they were."""
    last: int = 0
    """When the last event was recorded, in UTC microseconds; the clock may once have been set back."""


def apply(state: State, event: Event) -> None:
    """Does to the state what the event says was done. Raises DoesNotFollow."""
    first = event.action == OrganizationCreated.action.name
    _require(first == (state.size == 0), "a log begins with the creation of its organization, and only there")
    touched, is_erased = TOUCHES.get(event.action, frozenset()), not event.erased <= UNASKED
    try:
        APPLY[event.action](state, event, read_details(event.action, event.details, event.erased))
    except (DoesNotFollow, LookupError, TypeError, ValueError, AttributeError):
        if not (is_erased or state.pruned or touched & state.untold):
            raise
        state.untold |= touched
    if is_erased:
        state.untold |= touched
    state.size += 1
    state.last = max(state.last, event.recorded_at)


def pass_over(state: State) -> None:
    """The next event of the log was pruned."""
    state.size += 1
    state.pruned = True


def _require(fact: object, what: str) -> None:
    if not fact:
        raise DoesNotFollow(what)


def _row(rows: Rows, key: str, what: str) -> Row:
    if key not in rows:
        raise DoesNotFollow(f"there was no {what} {key}")
    return rows[key]


def _take(rows: Rows, key: str, what: str) -> Row:
    _row(rows, key, what)
    return rows.pop(key)


def _put(rows: Rows, key: str, row: Row, what: str) -> None:
    _require(key not in rows, f"there was a {what} {key} already")
    rows[key] = row


def _by(event: Event) -> str:
    return event.actor.name or "Minutebook"


def _user(event: Event) -> str | None:
    return event.actor.id if event.actor.kind is ActorKind.USER else None


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _changed(name: str, before: Any, change: Change) -> str | None:
    _require(before == change.before, f"the {name} before was {before}")
    _require(change.before != change.after, f"the {name} was the same before")
    return change.after


def _changed_set(name: str, stored: str, change: SetChange) -> str:
    before, added, removed = set(orjson.loads(stored)), set(change.added), set(change.removed)
    _require(added or removed, f"of the {name}, nothing was added or removed")
    _require(not added & before and removed <= before, f"the {name} before were others")
    after = before - removed | added
    _require((change.before, change.after) == (len(before), len(after)), f"the {name} are counted wrong")
    return _json(sorted(after))


def _organization_created(state: State, event: Event, details: OrganizationCreated) -> None:
    at = event.recorded_at
    kept = details.model_dump(mode="json", include={"id", "name", "plan", "seat_limit"})
    state.organization[ONE] = {**kept, "created_at": at}
    state.seat[details.owner.id] = {"role": Role.OWNER.value, "joined_at": at}
    state.setting = {name: {"value": _json(value)} for name, value in details.settings.model_dump(mode="json").items()}
    if event.actor.id == details.owner.id:
        _give_access(state, event)


def _signed_in(state: State, event: Event, _details: SignedIn) -> None:
    _require(event.context.session_id not in state.access, "the session had access already")
    _give_access(state, event)


def _give_access(state: State, event: Event) -> None:
    session = event.context.session_id
    if session is not None and session not in state.access:
        state.access[session] = {"user": event.actor.id, "entered_at": event.recorded_at}


def _sign_in_failed(_state: State, _event: Event, _details: SignInFailed) -> None:
    """Somebody was refused, so nothing became different."""


def _signed_out(state: State, event: Event, _details: SignedOut) -> None:
    session = event.context.session_id or ""
    _row(state.access, session, "access of the session")
    _end_access(state, session)


def _end_access(state: State, session: str) -> None:
    del state.access[session]
    state.sitting.pop(session, None)


def _end_each_access(state: State, user: str) -> None:
    for session in [session for session, row in state.access.items() if row["user"] == user]:
        _end_access(state, session)


def _person_invited(state: State, event: Event, details: PersonInvited) -> None:
    _require(details.invitation not in state.invitation, f"there was an invitation {details.invitation} already")
    for known, offer in list(state.invitation.items()):
        if offer["email"] == details.email:  # an invitation that cannot be accepted any more gives way
            del state.invitation[known]
    state.invitation[details.invitation] = {
        **details.model_dump(mode="json", include={"email", "role", "expires_at"}),
        "invited_by": _by(event),
        "inviter": _user(event),
        "created_at": event.recorded_at,
    }


def _invitation_accepted(state: State, event: Event, details: InvitationAccepted) -> None:
    offer = _take(state.invitation, details.invitation, "invitation")
    offered, taken = (offer["role"], offer["invited_by"]), (details.role, details.invited_by)
    _require(offered == taken, "the invitation was for another role, or from somebody else")
    _put(state.seat, details.member.id, {"role": details.role.value, "joined_at": event.recorded_at}, "seat of")
    _give_access(state, event)


def _invitation_revoked(state: State, _event: Event, details: InvitationRevoked) -> None:
    offer = _take(state.invitation, details.invitation, "invitation")
    same = (offer["email"], offer["role"]) == (details.email, details.role)
    _require(same, "the invitation was for another address or role")


def _role_changed(state: State, _event: Event, details: RoleChanged) -> None:
    seat, change = _row(state.seat, details.member.id, "seat of"), details.role
    _require(seat["role"] == change.before, f"the role before was {seat['role']}")
    _require(change.before != change.after, "the role was the same before")
    seat["role"] = change.after.value


def _member_removed(state: State, _event: Event, details: MemberRemoved) -> None:
    seat = _take(state.seat, details.member.id, "seat of")
    _require(seat["role"] == details.role, f"the role was {seat['role']}")
    _end_each_access(state, details.member.id)
    state.saved_search = {key: row for key, row in state.saved_search.items() if row["shelf"] != details.member.id}


def _settings_changed(state: State, _event: Event, details: SettingsChanged) -> None:
    organization = state.organization[ONE]
    _require(details.model_dump(exclude={"section"}, exclude_none=True), "nothing was changed")
    if details.plan:
        organization["plan"] = _changed("plan", organization["plan"], details.plan)
    if details.seat_limit:
        limit = _changed("seat limit", str(organization["seat_limit"]), details.seat_limit)
        organization["seat_limit"] = int(limit or 0)
    for name in ("models", "providers"):
        if listed := getattr(details, name):
            state.setting[name] = {"value": _changed_set(name, state.setting[name]["value"], listed)}
    for name in ("default_model", "data_collection"):
        if chosen := getattr(details, name):
            before = orjson.loads(state.setting[name]["value"])
            state.setting[name] = {"value": _json(_changed(name, before, chosen))}


def _mode_created(state: State, event: Event, details: ModeCreated) -> None:
    at = event.recorded_at
    row = {"instructions": details.instructions, "tools": _json(details.tools)}
    _put(state.mode, details.mode, {**row, "created_by": _by(event), "created_at": at, "updated_at": at}, "mode")
    _name_mode(state, details.mode, details.name)


def _mode_updated(state: State, event: Event, details: ModeUpdated) -> None:
    mode = _row(state.mode, details.mode, "mode")
    _require(details.name or details.instructions or details.tools, "nothing was changed")
    if details.name:
        _name_mode(state, details.mode, _changed("name", mode["name"], details.name) or "")
    if details.instructions:
        mode["instructions"] = _changed("instructions", mode["instructions"], details.instructions)
    if details.tools:
        mode["tools"] = _changed_set("tools", mode["tools"], details.tools)
    _require(mode["name"] == details.current_name, f"the mode was called {mode['name']}")
    mode["updated_at"] = event.recorded_at


def _name_mode(state: State, mode: str, name: str) -> None:
    key = name.casefold()
    others = (row["name_key"] for known, row in state.mode.items() if known != mode)
    _require(key not in others, f"another mode was called {name}")
    state.mode[mode] |= {"name": name, "name_key": key}


def _mode_deleted(state: State, _event: Event, details: ModeDeleted) -> None:
    mode = _take(state.mode, details.mode, "mode")
    _require(mode["name"] == details.name, f"the mode was called {mode['name']}")


def _credits_purchased(state: State, event: Event, details: CreditsPurchased) -> None:
    cents = details.amount.cents
    _require(details.balance.cents == state.balance + cents, f"the balance before was {state.balance} cents")
    state.balance += cents
    row = {"cents": cents, "balance": state.balance, "entered_by": _by(event), "entered_at": event.recorded_at}
    _put(state.credit_entry, details.reference, row, "payment")


def _sso_domain_set(state: State, event: Event, details: SsoDomainSet) -> None:
    domain = _changed("domain", state.sso_domain.get(ONE, {}).get("domain"), details.domain)
    state.sso_domain[ONE] = {"domain": domain, "set_by": _by(event), "set_at": event.recorded_at}


def _sso_domain_removed(state: State, _event: Event, details: SsoDomainRemoved) -> None:
    domain = _take(state.sso_domain, ONE, "domain")["domain"]
    _require(domain == details.domain, f"the domain was {domain}")


def _log_viewed(state: State, event: Event, _details: LogViewed) -> None:
    if event.actor.kind is ActorKind.SYSTEM:  # the operator has no session
        return
    if event.actor.kind is ActorKind.TOKEN:
        reader = event.actor.id
        _row(state.token, reader, "token")
    else:
        reader = event.context.session_id or ""
        _row(state.access, reader, "access of the session")
    state.sitting[reader] = {"opened_at": event.recorded_at}


def _token_created(state: State, event: Event, details: TokenCreated) -> None:
    row = {
        **details.model_dump(mode="json", include={"name", "expires_at"}),
        "scopes": _json(details.scopes),
        "created_by": _by(event),
        "creator": _user(event),
        "created_at": event.recorded_at,
    }
    _put(state.token, details.token, row, "token")


def _token_revoked(state: State, _event: Event, details: TokenRevoked) -> None:
    token = _take(state.token, details.token, "token")
    _require(token["name"] == details.name, f"the token was called {token['name']}")
    state.sitting.pop(details.token, None)


def _log_exported(_state: State, event: Event, details: LogExported) -> None:
    _require(details.size <= event.seq, "the log never held so many events")
    _require((details.first or 0) <= details.size, "it begins beyond the events of the snapshot")


def _log_verified(_state: State, event: Event, details: LogVerified) -> None:
    _require(0 < details.size <= event.seq, "the log never held so many events")


def _log_restored(state: State, event: Event, details: LogRestored) -> None:
    _require(details.restored_size == event.seq, f"the log had {event.seq} events")
    latest = max(state.generation, key=lambda log_id: state.generation[log_id]["first"], default=details.previous_log)
    _require(details.previous_log == latest, f"the log before was {latest}")
    row = {"first": event.seq, "previous": details.previous_log}
    _put(state.generation, details.log, row, "generation")


def _search_saved(state: State, event: Event, details: SearchSaved) -> None:
    shelf = SHARED if details.shared else event.actor.id
    _require(details.replaced == (details.search in state.saved_search), "there was none, or one already")
    row = state.saved_search.get(details.search) or {"shelf": shelf, "saved_by": event.actor.id}
    _require(row["shelf"] == shelf, "the search was on another shelf")
    if details.shared:
        key = (details.name or "").casefold()
        same = [known for known, other in state.saved_search.items() if other.get("name_key") == key]
        _require(set(same) <= {details.search}, f"another shared search was called {details.name}")
        row |= {"name": details.name, "name_key": key}
        if details.query:
            row["query"] = _changed("query", row.get("query"), details.query)
    state.saved_search[details.search] = {**row, "saved_at": event.recorded_at}


def _search_deleted(state: State, event: Event, details: SearchDeleted) -> None:
    row = _take(state.saved_search, details.search, "search")
    _require(row.get("name") == details.name, f"the search was called {row.get('name')}")
    _require(row["shelf"] == (SHARED if details.shared else event.actor.id), "the search was on another shelf")


def _link_created(state: State, event: Event, details: LinkCreated) -> None:
    at = event.recorded_at
    _require(details.expires_at > at, "the link had expired when it was made")
    row = {"name": details.name, "query": details.query or "", "created_by": _by(event)}
    _put(state.auditor_link, details.link, {**row, "created_at": at, "expires_at": details.expires_at}, "link")


def _link_used(state: State, event: Event, details: LinkUsed) -> None:
    link = _row(state.auditor_link, details.link, "link")
    _require(event.actor.id == details.link, "another link was used")
    _require(link["name"] == details.name, f"the link was called {link['name']}")
    _require(link["expires_at"] > event.recorded_at, "the link had expired")
    _require(event.context.session_id not in state.access, "the session had access already")
    _give_access(state, event)


def _link_revoked(state: State, _event: Event, details: LinkRevoked) -> None:
    link = _take(state.auditor_link, details.link, "link")
    _require(link["name"] == details.name, f"the link was called {link['name']}")
    _end_each_access(state, details.link)


def _erased(_state: State, _event: Event, _details: FieldsErased) -> None:
    """What was erased is known by then."""


def _pruned(state: State, _event: Event, details: LogPruned) -> None:
    state.untold |= {
        table
        for action, tables in TOUCHES.items()
        if details.family in (ALL, action.partition(".")[0])
        for table in tables
    }


def _retention_changed(state: State, _event: Event, details: RetentionChanged) -> None:
    before = state.retention.pop(details.family, {}).get("days")
    _require(before == details.before, f"it was kept {kept_for(before)} before")
    _require(details.before != details.after, "it was kept as long before")
    if details.after is not None:
        state.retention[details.family] = {"days": details.after}


def _hold_changed(state: State, event: Event, details: HoldChanged) -> None:
    said = {"name": details.name, "query": details.query}
    if details.placed:
        _put(state.hold, details.hold, {**said, "placed_by": _by(event), "placed_at": event.recorded_at}, "hold")
    else:
        row = _take(state.hold, details.hold, "hold")
        _require(row.items() >= said.items(), "the hold was another")


def _clock_stepped(state: State, _event: Event, details: ClockStepped) -> None:
    if details.after > details.before:
        known = state.clock_step.get(ONE, {"before": details.before, "after": details.before})
        _require(details.after > known["after"], "the clock had gone as far before")
        state.clock_step[ONE] = {"before": known["before"], "after": details.after}


def _clock_confirmed(state: State, _event: Event, details: ClockConfirmed) -> None:
    step = _take(state.clock_step, ONE, "step of the clock")
    _require(step == details.model_dump(), "the clock stepped from or to another time")


APPLY: dict[str, Callable[[State, Event, Any], None]] = {
    "organization.create": _organization_created,
    "user.login": _signed_in,
    "user.login_failed": _sign_in_failed,
    "user.logout": _signed_out,
    "user.invite": _person_invited,
    "user.accept_invite": _invitation_accepted,
    "user.revoke_invite": _invitation_revoked,
    "member.change_role": _role_changed,
    "member.remove": _member_removed,
    "settings.change": _settings_changed,
    "mode.create": _mode_created,
    "mode.update": _mode_updated,
    "mode.delete": _mode_deleted,
    "credits.purchase": _credits_purchased,
    "sso.set_domain": _sso_domain_set,
    "sso.remove_domain": _sso_domain_removed,
    "token.create": _token_created,
    "token.revoke": _token_revoked,
    "log.view": _log_viewed,
    "log.export": _log_exported,
    "log.verify": _log_verified,
    "log.restore": _log_restored,
    "link.create": _link_created,
    "link.use": _link_used,
    "link.revoke": _link_revoked,
    "search.save": _search_saved,
    "search.delete": _search_deleted,
    "log.erase": _erased,
    "log.prune": _pruned,
    "log.policy_change": _retention_changed,
    "log.hold": _hold_changed,
    "log.clock_step": _clock_stepped,
    "log.clock_confirm": _clock_confirmed,
}
"""What each action does to an organization."""

_SEATS = ("seat", "access", "sitting", "saved_search")
TOUCHES: dict[str, frozenset[str]] = {
    action: frozenset(tables)
    for actions, tables in (
        (("organization.create",), ("organization", "seat", "setting", "access", "sitting")),
        (("user.login", "user.logout"), ("access", "sitting")),
        (("user.invite", "user.revoke_invite"), ("invitation",)),
        (("user.accept_invite",), ("invitation", *_SEATS)),
        (("member.change_role",), ("seat",)),
        (("member.remove",), _SEATS),
        (("settings.change",), ("organization", "setting")),
        (("mode.create", "mode.update", "mode.delete"), ("mode",)),
        (("credits.purchase",), ("credit_entry",)),
        (("sso.set_domain", "sso.remove_domain"), ("sso_domain",)),
        (("token.create", "token.revoke"), ("token", "sitting")),
        (("log.view",), ("sitting",)),
        (("link.create",), ("auditor_link",)),
        (("link.use",), ("auditor_link", "access", "sitting")),
        (("link.revoke",), ("auditor_link", "access", "sitting")),
        (("search.save", "search.delete"), ("saved_search",)),
        (("log.policy_change",), ("retention",)),
        (("log.hold",), ("hold",)),
        (("log.clock_step", "log.clock_confirm"), ("clock_step",)),
    )
    for action in actions
}
"""The tables that each action reads and changes; those that are not here touch none."""
UNASKED = frozenset({"actor.email", "actor.credential", "actor.on_behalf_of"}) | {
    f"context.{name}" for name in ("ip", "user_agent", "request_id", "client")
}
"""The paths that nothing here asks for."""
