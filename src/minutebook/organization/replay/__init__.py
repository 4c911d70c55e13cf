"""Replay: from the events of a log alone, every row that its organization has.

Whether each act was allowed is not asked here. Once something of an event was erased or pruned, what it did cannot be
told any more: of the tables that its action touches, nothing is said from there on. What each action does is said in
the modules of this package, next to the tables that it touches.
"""

from __future__ import annotations

from minutebook.actions import read_details
from minutebook.actions.organization import OrganizationCreated
from minutebook.model import ActorKind, Event
from minutebook.organization.replay import custody, product, readers, seats  # noqa: F401 - they fill APPLY
from minutebook.organization.replay.state import APPLY, ONE, TOUCHES, DoesNotFollow, Row, Rows, State, require

__all__ = ["APPLY", "ONE", "TOUCHES", "DoesNotFollow", "Row", "Rows", "State", "apply", "pass_over"]

UNASKED = frozenset({"actor.email", "actor.credential", "actor.on_behalf_of"}) | {
    f"context.{name}" for name in ("ip", "user_agent", "request_id", "client")
}
"""The paths that nothing here asks for."""


def apply(state: State, event: Event) -> None:
    """Does to the state what the event says was done. Raises DoesNotFollow."""
    first = event.action == OrganizationCreated.action.name
    require(first == (state.size == 0), "a log begins with the creation of its organization, and only there")
    sealed = state.organization.get(ONE, {}).get("sealed")
    require(sealed is None or _may_be_behind_seal(event), "the organization was deleted")
    touched, is_erased = TOUCHES.get(event.action, frozenset()), not event.erased <= UNASKED
    try:
        APPLY[event.action](state, event, read_details(event.action, event.details, event.erased))
    except (DoesNotFollow, LookupError, TypeError, ValueError, AttributeError) as error:
        if not (is_erased or state.pruned or touched & state.untold):
            if isinstance(error, DoesNotFollow):
                raise
            raise DoesNotFollow(f"no such act records what it says ({type(error).__name__})") from error
        state.untold |= touched
    if is_erased:
        state.untold |= touched
    state.size += 1
    if sealed is not None:
        state.organization[ONE]["sealed"] = state.size
    state.last = max(state.last, event.recorded_at)


def _may_be_behind_seal(event: Event) -> bool:
    """Whether it may be recorded in the log of an organization that was deleted: an erasure or a restore, or before
    these that the clock went back, all by Minutebook itself or whoever runs it."""
    if event.action == "log.clock_step":
        before, after = event.details.get("before"), event.details.get("after")
        is_fit = isinstance(before, int) and isinstance(after, int) and after < before
    else:
        is_fit = event.action in ("log.erase", "log.restore")
    return is_fit and event.actor.kind is ActorKind.SYSTEM


def pass_over(state: State) -> None:
    """The next event of the log was pruned."""
    state.size += 1
    state.pruned = True
