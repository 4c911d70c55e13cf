"""Whether each act of a log was lawful when it was done, by what the events before it add up to.

What an event does is the product's own replay; who may do it, and when, is written down here a second time, on purpose:
a rule that the product forgets is noticed.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from minutebook.model import ERASED_TARGET, Actor, ActorKind, Context, Event, Outcome, Target
from minutebook.organization.replay import ONE, DoesNotFollow, Row, State, apply, pass_over
from tests.support.stored import Stored

DAY = 86_400_000_000

WRITERS = {"owner", "admin"}
ALLOWED: dict[str, set[str]] = {
    "organization.request_deletion": {"owner"},
    "organization.cancel_deletion": {"owner"},
    "organization.delete": set(),
    "member.change_role": WRITERS,
    "member.transfer_ownership": {"owner"},
    "member.remove": WRITERS,
    "member.end_sessions": WRITERS,
    "user.invite": WRITERS,
    "user.revoke_invite": WRITERS,
    "user.resend_invite": WRITERS,
    "settings.change": WRITERS,
    "mode.create": WRITERS,
    "mode.update": WRITERS,
    "mode.delete": WRITERS,
    "sso.set_domain": WRITERS,
    "sso.verify_domain": WRITERS,
    "sso.lapse_domain": set(),
    "sso.remove_domain": WRITERS,
    "credits.purchase": {"owner", "billing_manager"},
    "credits.grant": set(),
    "credits.export": {"owner", "admin", "billing_manager"},
    "token.create": WRITERS,
    "token.revoke": WRITERS,
    "log.view": {"owner", "admin", "auditor"},
    "log.export": {"owner", "admin", "auditor"},
    "log.erase": {"owner"},
    "log.policy_change": {"owner"},
    "log.hold": {"owner"},
    "log.clock_confirm": {"owner"},
    "log.clock_step": set(),
    "log.prune": set(),
    "log.verify": {"owner", "admin", "auditor"},
    "log.restore": set(),
    "support.grant": set(),
    "support.enter": set(),
    "support.leave": {"owner"},
    "link.create": {"owner"},
    "link.revoke": {"owner"},
    "search.save": {"owner", "admin", "auditor"},
    "search.rename": {"owner", "admin", "auditor"},
    "search.delete": {"owner", "admin", "auditor"},
    "user.login": {"owner", "admin", "auditor", "billing_manager", "member"},
    "user.login_failed": {"owner", "admin", "auditor", "billing_manager", "member"},
    "user.logout": {"owner", "admin", "auditor", "billing_manager", "member"},
    "member.leave": {"owner", "admin", "auditor", "billing_manager", "member"},
    "user.delete": {"owner", "admin", "auditor", "billing_manager", "member"},
    "user.profile_change": {"owner", "admin", "auditor", "billing_manager", "member"},
    "user.password_change": {"owner", "admin", "auditor", "billing_manager", "member"},
    "user.password_reset": set(),
    "user.add_second_factor": {"owner", "admin", "auditor", "billing_manager", "member"},
    "user.remove_second_factor": {"owner", "admin", "auditor", "billing_manager", "member"},
    "user.make_recovery_codes": {"owner", "admin", "auditor", "billing_manager", "member"},
    "user.use_recovery_code": {"owner", "admin", "auditor", "billing_manager", "member"},
    "user.take_second_factors": set(),
}
"""Which roles may do what; the operator needs no seat for anything."""
SUPPORT_MAY = {
    "support.leave": None,
    "log.view": None,
    "log.verify": None,
    "log.export": "export the audit log",
    "settings.change": "change models and settings",
    "mode.create": "change modes",
    "mode.update": "change modes",
    "mode.delete": "change modes",
    "sso.set_domain": "change single sign-on",
    "sso.remove_domain": "change single sign-on",
}
"""What support staff may do, and what a grant must name for it."""
TOKENS_MAY = {"log.view": "log.read", "log.export": "log.export"}
"""Which scope a token needs for what; it may do nothing else."""
ADMINS_OWN = {"admin", "billing_manager", "member", None}

BY_LINK = {"link.use", "log.view"}
"""What is done by an auditor link."""
ANYWAY = {"organization.create", "user.accept_invite", "link.use", "access.denied"}
"""What needs no seat, or not always."""


class Unlawful(Exception):
    """An event that the rules did not allow when it was recorded."""


def replay(events: list[Stored]) -> tuple[State, list[str]]:
    """What the events add up to, and what was wrong with them."""
    state, problems = State(), []
    for event in events:
        if event.is_pruned:
            pass_over(state)
            continue
        try:
            # of what depends on what was erased, nothing can be said
            if not (event.erased or state.pruned or state.untold):
                _check_allowed(state, event)
                if event.action in RULES:
                    RULES[event.action](state, event)
            apply(state, event_of(event))
            if not (state.pruned or state.untold):
                _check_state(state, event)
        except (Unlawful, DoesNotFollow) as wrong:
            problems.append(f"seq {event.seq} {event.action}: {wrong}")
        except (KeyError, TypeError) as error:
            problems.append(f"seq {event.seq} {event.action} cannot be replayed: {error!r}")
    return state, problems


def event_of(event: Stored) -> Event:
    """The event as the product knows it, read without the product's own reading."""
    return Event(
        organization=event.organization,
        seq=event.seq,
        id=event.id,
        recorded_at=event.recorded_at,
        occurred_at=event.occurred_at,
        action=event.action,
        outcome=Outcome(event.outcome),
        actor=Actor(**{**event.actor, "kind": ActorKind(event.actor["kind"])}),
        targets=tuple(Target(**target) if target else ERASED_TARGET for target in event.targets),
        context=Context(**event.context),
        details=event.details,
        erased=frozenset(event.erased),
    )


def _check_allowed(state: State, event: Stored) -> None:
    if event.action == "access.denied":
        _check_denied(state, event)
        return
    if event.actor["kind"] == "auditor_link" or event.action == "link.use":
        _check_link(state, event)
        return
    if event.actor["kind"] == "system" or event.action in ANYWAY:
        return
    if event.actor["kind"] == "token":
        _check_token(state, event)
        return
    if event.actor["kind"] == "support":
        _check_support(state, event)
        return
    seat = state.seat.get(event.actor["id"])
    if seat is None:
        raise Unlawful(f"{event.actor['email']} held no seat")
    if seat["role"] not in ALLOWED[event.action]:
        raise Unlawful(f"the role {seat['role']} may not")


def _check_link(state: State, event: Stored) -> None:
    link = state.auditor_link.get(event.actor["id"])
    _require(event.actor["kind"] == "auditor_link" and event.action in BY_LINK, "this is not done by a link")
    if link is None or link["expires_at"] <= event.recorded_at:
        raise Unlawful("the link was revoked or had expired")
    entered = state.access.get(event.context["session_id"])
    by_it = entered is not None and entered["user"] == event.actor["id"]
    _require(by_it or event.action == "link.use", "the session had not come by this link")


def _check_denied(state: State, event: Stored) -> None:
    """Whoever is refused has a place there; one who had it is told only of how often, once it was recorded."""
    _require(event.outcome == "denied", "its outcome is not denied")
    places: dict[str, dict[str, Row]] = {"user": state.seat, "token": state.token, "auditor_link": state.auditor_link}
    places["support"] = {grant["user"]: grant for grant in state.support_grant.values()}
    has_place = event.actor["id"] in places.get(event.actor["kind"], {})
    _require(has_place or event.details["more"], "who was refused had no place there")


def _check_support(state: State, event: Stored) -> None:
    """Support staff acts by a grant that lives, in a session that entered by it, and says for whom."""
    actor, session = event.actor, state.access.get(event.context["session_id"])
    grants = [grant for grant in state.support_grant.values() if grant["user"] == actor["id"]]
    _require(len(grants) == 1 and grants[0]["expires_at"] > event.recorded_at, "who acted was not let in")
    _require(actor["on_behalf_of"] == grants[0]["granted_by"], "it does not say for whom")
    if event.action == "support.enter":
        _require(grants[0]["entered_at"] is None, "the link was used already")
        return
    _require(session is not None and session["user"] == actor["id"], "the session had not entered")
    needed = SUPPORT_MAY.get(event.action)
    _require(needed is None or needed in json.loads(grants[0]["may"]), f"it was not let in for {event.action}")
    _require(event.action in SUPPORT_MAY, "support staff never does that")


def _grant_support(state: State, event: Stored) -> None:
    _require(0 < event.details["lasts"] <= DAY, "support staff is let in for a day at most")
    _require(event.details["reason"], "there is no reason")
    _require(event.details["person"]["id"] not in state.seat, "they hold a seat")


def _create_link(_state: State, event: Stored) -> None:
    days = (event.details["expires_at"] - event.recorded_at) / DAY
    _require(days in {1, 7, 30, 90}, f"a link does not work for {days} days")


def _check_token(state: State, event: Stored) -> None:
    token = state.token.get(event.actor["id"])
    if token is None or token["expires_at"] <= event.recorded_at:
        raise Unlawful("the token was revoked or had expired")
    if TOKENS_MAY.get(event.action) not in json.loads(token["scopes"]):
        raise Unlawful(f"a token for {token['scopes']} may not")


def _check_state(state: State, event: Stored) -> None:
    if state.organization[ONE]["sealed"] is not None:
        if event.action not in {"organization.delete", "log.erase", "log.restore", "log.clock_step"}:
            raise Unlawful("it was recorded after the organization was deleted")
        return
    if not any(seat["role"] == "owner" for seat in state.seat.values()):
        raise Unlawful("no owner is left")
    limit = state.organization[ONE]["seat_limit"]
    offers = sum(_is_live(state, offer, event.recorded_at) for offer in state.invitation.values())
    if event.action == "user.accept_invite" and len(state.seat) > limit:
        raise Unlawful(f"{len(state.seat)} seats are taken, of {limit}")
    if event.action in ("user.invite", "user.resend_invite") and len(state.seat) + offers > limit:
        raise Unlawful(f"{len(state.seat)} seats and {offers} invitations, of {limit}")
    setting = {name: json.loads(row["value"]) for name, row in state.setting.items()}
    if setting["default_model"] not in setting["models"]:
        raise Unlawful("the default model is not allowed")


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


def _login(state: State, event: Stored) -> None:
    rule = state.setting.get("second_factor", {"value": '"optional"'})["value"]
    proven = event.details.get("second_factor") or event.details["method"] == "passkey"
    _require(rule == '"optional"' or proven, "a second factor was required")


def _login_failed(_state: State, event: Stored) -> None:
    _require(event.outcome == "failure", "its outcome is not failure")
    _require(event.details["attempt"] >= 1, "attempts are counted from 1")


def _invite(state: State, event: Stored) -> None:
    details, at = event.details, event.recorded_at
    _check_grant(state, event, details["role"])
    _require(details["expires_at"] == at + 7 * DAY, "it does not expire after 7 days")
    for offer in state.invitation.values():
        known = offer["email"] == details["email"] and _is_live(state, offer, at)
        _require(not known, "the address was invited already")


def _is_live(state: State, offer: Row, at: int) -> bool:
    """An invitation holds for seven days, and while who invited could give the role still."""
    inviter = state.seat.get(offer["inviter"], {"role": "none"})["role"]
    gives = offer["inviter"] is None or inviter == "owner" or (inviter == "admin" and offer["role"] in ADMINS_OWN)
    return gives and offer["expires_at"] > at


def _accept(state: State, event: Stored) -> None:
    offer, member = state.invitation[event.details["invitation"]], event.details["member"]
    _require(event.actor["id"] == member["id"], "someone else accepted")
    _require(offer["email"] == member["email"] == event.actor["email"], "it was for another address")
    _require(_is_live(state, offer, event.recorded_at), "it had expired, or who invited could not any more")


def _request_deletion(_state: State, event: Stored) -> None:
    _require(event.details["due_at"] == event.recorded_at + 14 * DAY, "two weeks are left to take it back")


def _delete(state: State, event: Stored) -> None:
    _require(state.deletion[ONE]["due_at"] <= event.recorded_at, "the two weeks were not over")
    _require(not state.clock_step, "the clock was not to be trusted")


def _resend(state: State, event: Stored) -> None:
    _check_grant(state, event, event.details["role"])
    _require(event.details["expires_at"] == event.recorded_at + 7 * DAY, "it does not expire after 7 days")


def _revoke(state: State, event: Stored) -> None:
    _check_grant(state, event, event.details["role"])


def _change_role(state: State, event: Stored) -> None:
    _check_other(event, event.details["member"]["id"])
    _check_grant(state, event, event.details["role"]["before"], event.details["role"]["after"])


def _transfer(_state: State, event: Stored) -> None:
    _check_other(event, event.details["member"]["id"])
    _require(event.actor["kind"] == "user", "only an owner hands over what is theirs")
    changes = event.details["role"]["after"], event.details["own"]["before"]
    _require(changes == ("owner", "owner"), "no ownership was handed over")


def _remove(state: State, event: Stored) -> None:
    _check_other(event, event.details["member"]["id"])
    _check_grant(state, event, event.details["role"])


def _end_sessions(state: State, event: Stored) -> None:
    _check_other(event, event.details["member"]["id"])
    _check_grant(state, event, state.seat[event.details["member"]["id"]]["role"])


def _delete_user(_state: State, event: Stored) -> None:
    is_own = event.actor["id"] == event.details["member"]["id"]
    _require(is_own or event.actor["kind"] == "system", "somebody else's account was deleted")


def _settings(_state: State, event: Stored) -> None:
    plans = {"plan", "seat_limit"} & event.details.keys()
    _require(not plans or event.actor["kind"] == "system", "only the operator changes plans")


def _save_search(state: State, event: Stored) -> None:
    _check_search(state, event)
    kept = [row for row in state.saved_search.values() if row["saved_by"] == event.actor["id"]]
    is_new = event.details["search"] not in state.saved_search
    _require(len(kept) < 100 or not is_new, "the actor had saved 100 searches")


def _check_search(state: State, event: Stored) -> None:
    row = state.saved_search.get(event.details["search"])
    if row and event.actor["kind"] == "user" and row["saved_by"] != event.actor["id"]:
        _require(row["shelf"] == "shared", "it was somebody else's private search")
        _require(state.seat[event.actor["id"]]["role"] in WRITERS, "it was somebody else's search")
    _require(event.details["shared"] or "name" not in event.details, "the name of a private search was recorded")


def _purchase(_state: State, event: Stored) -> None:
    _require(event.details["amount"]["cents"] > 0, "an amount is positive")


def _export_ledger(state: State, event: Stored) -> None:
    held = sum(entry["cents"] for entry in state.credit_entry.values())
    _require(event.details["balance"]["cents"] <= held, "the ledger never had this balance")


def _export(_state: State, event: Stored) -> None:
    details = event.details
    _require(details["size"] <= event.seq, "the log did not hold so many events yet")
    _require(details.get("first", 0) <= details["size"], "it begins behind what is exported")
    _require(details.get("pruned", 0) <= details["size"] - details.get("first", 0), "more is gone than there was")


def _verification(_state: State, event: Stored) -> None:
    _require(0 < event.details["size"] <= event.seq, "the log never held so many events")
    _require(event.details["verdict"] in {"valid", "invalid", "diverged"}, "there is no such verdict")


def _create_token(_state: State, event: Stored) -> None:
    lifetime = event.details["expires_at"] - event.recorded_at
    _require(lifetime in {days * DAY for days in range(1, 366)}, "a token works for 1 to 365 days")
    _require(event.details["scopes"], "a token is for something")
    _require(set(event.details["scopes"]) <= {"log.read", "log.export"}, "there is no such scope")


RULES: dict[str, Callable[[State, Stored], None]] = {
    "user.login": _login,
    "user.login_failed": _login_failed,
    "user.invite": _invite,
    "user.accept_invite": _accept,
    "user.revoke_invite": _revoke,
    "user.resend_invite": _resend,
    "organization.request_deletion": _request_deletion,
    "organization.delete": _delete,
    "member.change_role": _change_role,
    "member.remove": _remove,
    "member.end_sessions": _end_sessions,
    "user.delete": _delete_user,
    "member.transfer_ownership": _transfer,
    "settings.change": _settings,
    "credits.purchase": _purchase,
    "credits.grant": _purchase,
    "credits.export": _export_ledger,
    "link.create": _create_link,
    "support.grant": _grant_support,
    "search.save": _save_search,
    "search.rename": _check_search,
    "search.delete": _check_search,
    "token.create": _create_token,
    "log.export": _export,
    "log.verify": _verification,
}
"""What must hold before an act, besides the role of who acts."""
