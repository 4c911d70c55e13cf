"""Replaying a log: from its events alone, everything that its organization has, and whether each act was lawful then.

The rules are written down here a second time, on purpose: a rule that the product forgets is noticed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from tests.support.stored import Stored

DAY = 86_400_000_000

WRITERS = {"owner", "admin"}
ALLOWED: dict[str, set[str]] = {
    "member.change_role": WRITERS,
    "member.remove": WRITERS,
    "user.invite": WRITERS,
    "user.revoke_invite": WRITERS,
    "settings.change": WRITERS,
    "mode.create": WRITERS,
    "mode.update": WRITERS,
    "mode.delete": WRITERS,
    "sso.set_domain": WRITERS,
    "sso.remove_domain": WRITERS,
    "credits.purchase": {"owner", "billing_manager"},
    "log.view": {"owner", "admin", "auditor"},
    "user.login": {"owner", "admin", "auditor", "billing_manager", "member"},
    "user.login_failed": {"owner", "admin", "auditor", "billing_manager", "member"},
    "user.logout": {"owner", "admin", "auditor", "billing_manager", "member"},
}
"""Which roles may do what. Founding and accepting need no seat; the operator needs none for anything."""
ADMINS_OWN = {"admin", "billing_manager", "member", None}

Row = dict[str, Any]


@dataclass
class State:
    """What an organization has, by table and key, as the database has it."""

    organization: Row = field(default_factory=dict)
    seat: dict[str, Row] = field(default_factory=dict)
    invitation: dict[str, Row] = field(default_factory=dict)
    setting: dict[str, Any] = field(default_factory=dict)
    mode: dict[str, Row] = field(default_factory=dict)
    credit_entry: dict[str, Row] = field(default_factory=dict)
    sso_domain: Row = field(default_factory=dict)
    access: dict[str, Row] = field(default_factory=dict)
    sitting: dict[str, int] = field(default_factory=dict)

    @property
    def balance(self) -> int:
        return sum(entry["cents"] for entry in self.credit_entry.values())

    def owners(self) -> int:
        return sum(seat["role"] == "owner" for seat in self.seat.values())


class Unlawful(Exception):
    """An event that the rules did not allow when it was recorded."""


def replay(events: list[Stored]) -> tuple[State, list[str]]:
    """What the events add up to, and what was wrong with them."""
    state, problems = State(), []
    for event in events:
        try:
            _check_allowed(state, event)
            APPLY[event.action](state, event)
            _check_state(state, event)
        except Unlawful as unlawful:
            problems.append(f"seq {event.seq} {event.action}: {unlawful}")
        except (KeyError, TypeError) as error:
            problems.append(f"seq {event.seq} {event.action} cannot be replayed: {error!r}")
    return state, problems


def differences(replayed: State, stored: State, live_sessions: set[str]) -> Iterator[str]:
    """Where what is stored is not what the events add up to.

    Access of sessions that have ended may have been tidied away; access that no event gave is always wrong.
    """
    for table in State.__dataclass_fields__:
        expected, found = getattr(replayed, table), getattr(stored, table)
        if table in {"access", "sitting"}:
            gone = expected.keys() - found.keys() - live_sessions
            expected = {session: row for session, row in expected.items() if session not in gone}
        if expected != found:
            keys = [key for key in {**expected, **found} if expected.get(key) != found.get(key)]
            shown = "; ".join(f"{key}: {expected.get(key)!r} recorded, {found.get(key)!r} stored" for key in keys[:3])
            yield f"{table}: {shown}"


def stored_state(connection: Connection, organization: int) -> State:
    """What the organization's tables hold."""

    def rows(table: str, *columns: str) -> list[Row]:
        names = ", ".join(f'"{column}"' for column in columns)
        found = connection.exec_driver_sql(f'SELECT {names} FROM "{table}" WHERE organization = {organization}')
        return [dict(zip(columns, row, strict=True)) for row in found]

    def keyed(table: str, key: str, *columns: str) -> dict[str, Row]:
        return {row.pop(key): row for row in rows(table, key, *columns)}

    organizations = rows("organization", "id", "name", "plan", "seat_limit", "created_at")
    domains = rows("sso_domain", "domain", "set_by", "set_at")
    modes = keyed("mode", "id", "name", "name_key", "instructions", "tools", "created_by", "created_at", "updated_at")
    for mode in modes.values():
        mode["tools"] = json.loads(mode["tools"])
    return State(
        organization=organizations[0] if organizations else {},
        seat=keyed("seat", "user", "role", "joined_at"),
        invitation=keyed("invitation", "id", "email", "role", "invited_by", "inviter", "created_at", "expires_at"),
        setting={row["name"]: json.loads(row["value"]) for row in rows("setting", "name", "value")},
        mode=modes,
        credit_entry=keyed("credit_entry", "reference", "cents", "balance", "entered_by", "entered_at"),
        sso_domain=domains[0] if domains else {},
        access=keyed("access", "session", "user", "entered_at"),
        sitting={row["session"]: row["opened_at"] for row in rows("sitting", "session", "opened_at")},
    )


def _check_allowed(state: State, event: Stored) -> None:
    first = event.action == "organization.create"
    if first != (event.seq == 0):
        raise Unlawful("a log begins with organization.create, and only there")
    if event.actor["kind"] == "system" or first or event.action == "user.accept_invite":
        return
    seat = state.seat.get(event.actor["id"])
    if seat is None:
        raise Unlawful(f"{event.actor['email']} held no seat")
    if seat["role"] not in ALLOWED[event.action]:
        raise Unlawful(f"the role {seat['role']} may not")


def _check_state(state: State, event: Stored) -> None:
    if not state.owners():
        raise Unlawful("no owner is left")
    limit = state.organization["seat_limit"]
    offers = sum(_is_live(state, offer, event.recorded_at) for offer in state.invitation.values())
    if event.action == "user.accept_invite" and len(state.seat) > limit:
        raise Unlawful(f"{len(state.seat)} seats are taken, of {limit}")
    if event.action == "user.invite" and len(state.seat) + offers > limit:
        raise Unlawful(f"{len(state.seat)} seats and {offers} invitations, of {limit}")


def _check_grant(state: State, event: Stored, *roles: str) -> None:
    actor = event.actor
    if actor["kind"] == "user" and state.seat[actor["id"]]["role"] == "admin" and not ADMINS_OWN.issuperset(roles):
        raise Unlawful(f"an admin touched {', '.join(roles)}")


def _check_other(event: Stored, user: str) -> None:
    if event.actor["id"] == user:
        raise Unlawful("it was done to the actor's own seat")


def _require(fact: object, what: str) -> None:
    if not fact:
        raise Unlawful(what)


def _organization_create(state: State, event: Stored) -> None:
    details, at = event.details, event.recorded_at
    kept = {name: details[name] for name in ("id", "name", "plan", "seat_limit")}
    state.organization = {**kept, "created_at": at}
    state.seat[details["owner"]["id"]] = {"role": "owner", "joined_at": at}
    state.setting = dict(details["settings"])
    if event.actor["id"] == details["owner"]["id"]:
        _give_access(state, event)


def _login(state: State, event: Stored) -> None:
    _require(event.context["session_id"] not in state.access, "the session had access already")
    _give_access(state, event)


def _give_access(state: State, event: Stored) -> None:
    session = event.context["session_id"]
    if session is not None and session not in state.access:
        state.access[session] = {"user": event.actor["id"], "entered_at": event.recorded_at}


def _login_failed(_state: State, event: Stored) -> None:
    _require(event.outcome == "failure", "its outcome is not failure")
    _require(event.details["attempt"] >= 1, "attempts are counted from 1")


def _logout(state: State, event: Stored) -> None:
    _end_access(state, event.context["session_id"])


def _end_access(state: State, session: str) -> None:
    del state.access[session]
    state.sitting.pop(session, None)


def _invite(state: State, event: Stored) -> None:
    details, at = event.details, event.recorded_at
    _check_grant(state, event, details["role"])
    _require(details["expires_at"] == at + 7 * DAY, "it does not expire after 7 days")
    for known, offer in list(state.invitation.items()):
        if offer["email"] == details["email"]:
            _require(not _is_live(state, offer, at), "the address was invited already")
            del state.invitation[known]  # one that cannot be accepted gives way
    kept = {name: details[name] for name in ("email", "role", "expires_at")}
    kept["inviter"] = event.actor["id"] if event.actor["kind"] == "user" else None
    state.invitation[details["invitation"]] = {**kept, "invited_by": _by(event), "created_at": at}


def _is_live(state: State, offer: Row, at: int) -> bool:
    """An invitation holds for seven days, and while who invited could give the role still."""
    inviter = state.seat.get(offer["inviter"], {"role": "none"})["role"]
    gives = offer["inviter"] is None or inviter == "owner" or (inviter == "admin" and offer["role"] in ADMINS_OWN)
    return gives and offer["expires_at"] > at


def _accept(state: State, event: Stored) -> None:
    details, member = event.details, event.details["member"]
    offer = state.invitation.pop(details["invitation"])
    _require(event.actor["id"] == member["id"], "someone else accepted")
    _require(offer["email"] == member["email"] == event.actor["email"], "it was for another address")
    _require(_is_live(state, offer, event.recorded_at), "it had expired, or who invited could not any more")
    _require(member["id"] not in state.seat, "they held a seat already")
    _require((offer["role"], offer["invited_by"]) == (details["role"], details["invited_by"]), "it was another offer")
    state.seat[member["id"]] = {"role": details["role"], "joined_at": event.recorded_at}
    _give_access(state, event)


def _revoke(state: State, event: Stored) -> None:
    offer = state.invitation.pop(event.details["invitation"])
    _check_grant(state, event, offer["role"])
    _require((offer["email"], offer["role"]) == (event.details["email"], event.details["role"]), "another invitation")


def _change_role(state: State, event: Stored) -> None:
    user, change = event.details["member"]["id"], event.details["role"]
    _check_other(event, user)
    _check_grant(state, event, change["before"], change["after"])
    _require(state.seat[user]["role"] == change["before"] != change["after"], "the role before was another")
    state.seat[user]["role"] = change["after"]


def _remove(state: State, event: Stored) -> None:
    user = event.details["member"]["id"]
    _check_other(event, user)
    _check_grant(state, event, event.details["role"])
    _require(state.seat.pop(user)["role"] == event.details["role"], "the role was another")
    for session in [session for session, row in state.access.items() if row["user"] == user]:
        _end_access(state, session)


def _settings(state: State, event: Stored) -> None:
    changes = {name: value for name, value in event.details.items() if name not in {"v", "section"}}
    _require(changes, "nothing was changed")
    for name, change in changes.items():
        if name in {"plan", "seat_limit"}:
            _require(event.actor["kind"] == "system", "only the operator changes plans")
            _require(str(state.organization[name]) == change["before"] != change["after"], f"{name} was another")
            state.organization[name] = change["after"] if name == "plan" else int(change["after"])
        elif name in {"models", "providers"}:
            state.setting[name] = _changed_set(state.setting[name], change)
        else:
            _require(state.setting[name] == change["before"] != change["after"], f"{name} was another")
            state.setting[name] = change["after"]
    _require(state.setting["default_model"] in state.setting["models"], "the default model is not allowed")


def _changed_set(before: list[str], change: Row) -> list[str]:
    added, removed = set(change["added"]), set(change["removed"])
    _require(added or removed, "nothing was added or removed")
    _require(not added & set(before) and removed <= set(before), "added what was there or removed what was not")
    after = sorted(set(before) - removed | added)
    _require((change["before"], change["after"]) == (len(before), len(after)), "the counts are wrong")
    return after


def _mode_create(state: State, event: Stored) -> None:
    details, at = event.details, event.recorded_at
    kept = {name: details[name] for name in ("name", "instructions", "tools")}
    times = {"created_by": _by(event), "created_at": at, "updated_at": at}
    _name_mode(state, details["mode"], {**kept, **times})


def _mode_update(state: State, event: Stored) -> None:
    details = event.details
    mode = dict(state.mode[details["mode"]])
    for name in {"name", "instructions"} & details.keys():
        _require(mode[name] == details[name]["before"] != details[name]["after"], f"its {name} was another")
        mode[name] = details[name]["after"]
    if "tools" in details:
        mode["tools"] = _changed_set(mode["tools"], details["tools"])
    _require({"name", "instructions", "tools"} & details.keys(), "nothing was changed")
    _require(mode["name"] == details["current_name"], "it is called otherwise")
    _name_mode(state, details["mode"], {**mode, "updated_at": event.recorded_at})


def _name_mode(state: State, mode: str, row: Row) -> None:
    key = row["name"].casefold()
    _require(all(other["name_key"] != key for id_, other in state.mode.items() if id_ != mode), "the name was taken")
    state.mode[mode] = {**row, "name_key": key}


def _mode_delete(state: State, event: Stored) -> None:
    _require(state.mode.pop(event.details["mode"])["name"] == event.details["name"], "it was called otherwise")


def _purchase(state: State, event: Stored) -> None:
    reference, cents = event.details["reference"], event.details["amount"]["cents"]
    _require(reference not in state.credit_entry, "the payment was entered before")
    _require(cents > 0, "an amount is positive")
    balance = state.balance + cents
    _require(event.details["balance"]["cents"] == balance, f"the balance was {balance}")
    row = {"cents": cents, "balance": balance, "entered_by": _by(event), "entered_at": event.recorded_at}
    state.credit_entry[reference] = row


def _set_domain(state: State, event: Stored) -> None:
    change = event.details["domain"]
    _require(state.sso_domain.get("domain") == change["before"] != change["after"], "the domain was another")
    state.sso_domain = {"domain": change["after"], "set_by": _by(event), "set_at": event.recorded_at}


def _remove_domain(state: State, event: Stored) -> None:
    _require(state.sso_domain["domain"] == event.details["domain"], "the domain was another")
    state.sso_domain = {}


def _log_view(state: State, event: Stored) -> None:
    _require(event.context["session_id"] in state.access, "the session had no access")
    state.sitting[event.context["session_id"]] = event.recorded_at


def _by(event: Stored) -> str:
    return event.actor["name"] or "Minutebook"


APPLY: dict[str, Callable[[State, Stored], None]] = {
    "organization.create": _organization_create,
    "user.login": _login,
    "user.login_failed": _login_failed,
    "user.logout": _logout,
    "user.invite": _invite,
    "user.accept_invite": _accept,
    "user.revoke_invite": _revoke,
    "member.change_role": _change_role,
    "member.remove": _remove,
    "settings.change": _settings,
    "mode.create": _mode_create,
    "mode.update": _mode_update,
    "mode.delete": _mode_delete,
    "credits.purchase": _purchase,
    "sso.set_domain": _set_domain,
    "sso.remove_domain": _remove_domain,
    "log.view": _log_view,
}
"""What each action does to an organization. An action that is missing here cannot be replayed, which a test notices."""
