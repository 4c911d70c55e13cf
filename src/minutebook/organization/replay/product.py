"""What the seats are for: settings, modes, credits, the SSO domain."""

from __future__ import annotations

import orjson

from minutebook.actions.credits import CreditsGranted, CreditsPurchased, LedgerExported
from minutebook.actions.mode import ModeCreated, ModeDeleted, ModeUpdated
from minutebook.actions.settings import SettingsChanged
from minutebook.actions.sso import SsoDomainLapsed, SsoDomainRemoved, SsoDomainSet, SsoDomainVerified
from minutebook.model import Event
from minutebook.organization.replay.state import (
    ONE,
    Row,
    State,
    changed,
    changed_set,
    json_of,
    put,
    replays,
    require,
    row,
    take,
)


@replays("settings.change", "organization", "setting")
def _settings_changed(state: State, _event: Event, details: SettingsChanged) -> None:
    organization = state.organization[ONE]
    require(details.model_dump(exclude={"section"}, exclude_none=True), "nothing was changed")
    if details.name:
        organization["name"] = changed("name", organization["name"], details.name)
    if details.plan:
        organization["plan"] = changed("plan", organization["plan"], details.plan)
    if details.seat_limit:
        limit = changed("seat limit", str(organization["seat_limit"]), details.seat_limit)
        organization["seat_limit"] = int(limit or 0)
    for name in ("models", "providers"):
        if listed := getattr(details, name):
            state.setting[name] = {"value": changed_set(name, state.setting[name]["value"], listed)}
    if details.second_factor:
        stored = state.setting.get("second_factor", {"value": json_of("optional")})
        after = changed("second factor", orjson.loads(stored["value"]), details.second_factor)
        state.setting["second_factor"] = {"value": json_of(after)}
    for name in ("default_model", "data_collection"):
        if chosen := getattr(details, name):
            before = orjson.loads(state.setting[name]["value"])
            state.setting[name] = {"value": json_of(changed(name, before, chosen))}
    for name in ("daily_limit", "balance_alert"):
        if amount := getattr(details, name):
            _set(state, name, *(cents and cents.cents for cents in (amount.before, amount.after)))
    if details.session_hours:
        _set(state, "session_hours", details.session_hours.before, details.session_hours.after)


def _set(state: State, name: str, before: int | None, after: int | None) -> None:
    require(orjson.loads(state.setting[name]["value"]) == before, f"the {name} before was another")
    require(before != after, f"the {name} was the same before")
    state.setting[name] = {"value": json_of(after)}


@replays("mode.create", "mode")
def _mode_created(state: State, event: Event, details: ModeCreated) -> None:
    at = event.recorded_at
    row = {"instructions": details.instructions, "tools": json_of(details.tools)}
    put(state.mode, details.mode, {**row, "created_by": event.actor.called, "created_at": at, "updated_at": at}, "mode")
    _name_mode(state, details.mode, details.name)


@replays("mode.update", "mode")
def _mode_updated(state: State, event: Event, details: ModeUpdated) -> None:
    mode = row(state.mode, details.mode, "mode")
    require(details.name or details.instructions or details.tools, "nothing was changed")
    if details.name:
        _name_mode(state, details.mode, changed("name", mode["name"], details.name) or "")
    if details.instructions:
        mode["instructions"] = changed("instructions", mode["instructions"], details.instructions)
    if details.tools:
        mode["tools"] = changed_set("tools", mode["tools"], details.tools)
    require(mode["name"] == details.current_name, f"the mode was called {mode['name']}")
    mode["updated_at"] = event.recorded_at


def _name_mode(state: State, mode: str, name: str) -> None:
    key = name.casefold()
    others = (row["name_key"] for known, row in state.mode.items() if known != mode)
    require(key not in others, f"another mode was called {name}")
    state.mode[mode] |= {"name": name, "name_key": key}


@replays("mode.delete", "mode")
def _mode_deleted(state: State, _event: Event, details: ModeDeleted) -> None:
    mode = take(state.mode, details.mode, "mode")
    require(mode["name"] == details.name, f"the mode was called {mode['name']}")


@replays("credits.purchase", "credit_entry")
def _credits_purchased(state: State, event: Event, details: CreditsPurchased) -> None:
    _enter(state, event, details, event.actor.called, None)


@replays("credits.grant", "credit_entry")
def _credits_granted(state: State, event: Event, details: CreditsGranted) -> None:
    _enter(state, event, details, details.granted_by, details.reason)


def _enter(
    state: State, event: Event, details: CreditsPurchased | CreditsGranted, entered_by: str, reason: str | None
) -> None:
    cents = details.amount.cents
    require(details.balance.cents == state.balance + cents, f"the balance before was {state.balance} cents")
    state.balance += cents
    row = {"cents": cents, "balance": state.balance, "entered_by": entered_by, "entered_at": event.recorded_at}
    put(state.credit_entry, details.reference, {**row, "reason": reason}, "payment or grant")


@replays("credits.export", "credit_entry")
def _ledger_exported(state: State, _event: Event, details: LedgerExported) -> None:
    require(details.entries <= len(state.credit_entry), "the ledger never had so many entries")


@replays("sso.set_domain", "sso_domain")
def _sso_domain_set(state: State, event: Event, details: SsoDomainSet) -> None:
    domain = changed("domain", state.sso_domain.get(ONE, {}).get("domain"), details.domain)
    state.sso_domain[ONE] = {
        "domain": domain,
        "set_by": event.actor.called,
        "set_at": event.recorded_at,
        "verified_at": None,
    }


@replays("sso.verify_domain", "sso_domain")
def _sso_domain_verified(state: State, event: Event, details: SsoDomainVerified) -> None:
    domain = _sso_domain(state, details.domain)
    require(domain["verified_at"] is None, "the domain was verified already")
    domain["verified_at"] = event.recorded_at


@replays("sso.lapse_domain", "sso_domain")
def _sso_domain_lapsed(state: State, _event: Event, details: SsoDomainLapsed) -> None:
    domain = _sso_domain(state, details.domain)
    require(domain["verified_at"] is not None, "the domain was not verified")
    domain["verified_at"] = None


def _sso_domain(state: State, name: str) -> Row:
    domain = row(state.sso_domain, ONE, "domain")
    require(domain["domain"] == name, f"the domain was {domain['domain']}")
    return domain


@replays("sso.remove_domain", "sso_domain")
def _sso_domain_removed(state: State, _event: Event, details: SsoDomainRemoved) -> None:
    _sso_domain(state, details.domain)
    del state.sso_domain[ONE]
