"""The log's own acts: erasure, retention, holds, restoring, the clock."""

from __future__ import annotations

from minutebook.actions.log_custody import (
    ALL,
    ClockConfirmed,
    ClockStepped,
    FieldsErased,
    HoldChanged,
    LogPruned,
    LogRestored,
    RetentionChanged,
    kept_for,
)
from minutebook.model import Event
from minutebook.organization.replay.state import ONE, TOUCHES, State, put, replays, require, take


@replays("log.restore")
def _log_restored(state: State, event: Event, details: LogRestored) -> None:
    # a step of the clock may come before it
    require(details.restored_size in (event.seq, event.seq - 1), f"the log had {event.seq} events")
    latest = max(state.generation, key=lambda log_id: state.generation[log_id]["first"], default=details.previous_log)
    require(details.previous_log == latest, f"the log before was {latest}")
    row = {"first": details.restored_size, "previous": details.previous_log}
    put(state.generation, details.log, row, "generation")


@replays("log.erase")
def _erased(_state: State, _event: Event, _details: FieldsErased) -> None:
    """What was erased is known by then."""


@replays("log.prune")
def _pruned(state: State, _event: Event, details: LogPruned) -> None:
    state.untold |= {
        table
        for action, tables in TOUCHES.items()
        if details.family in (ALL, action.partition(".")[0])
        for table in tables
    }


@replays("log.policy_change", "retention")
def _retention_changed(state: State, _event: Event, details: RetentionChanged) -> None:
    before = state.retention.pop(details.family, {}).get("days")
    require(before == details.before, f"it was kept {kept_for(before)} before")
    require(details.before != details.after, "it was kept as long before")
    if details.after is not None:
        state.retention[details.family] = {"days": details.after}


@replays("log.hold", "hold")
def _hold_changed(state: State, event: Event, details: HoldChanged) -> None:
    said = {"name": details.name, "query": details.query}
    if details.placed:
        put(state.hold, details.hold, {**said, "placed_by": event.actor.called, "placed_at": event.recorded_at}, "hold")
    else:
        row = take(state.hold, details.hold, "hold")
        require(row.items() >= said.items(), "the hold was another")


@replays("log.clock_step", "clock_step", "invitation", "auditor_link", "token", "support_grant")
def _clock_stepped(state: State, _event: Event, details: ClockStepped) -> None:
    if details.after > details.before:
        known = state.clock_step.get(ONE, {"before": details.before, "after": details.before})
        require(details.after > known["after"], "the clock had gone as far before")
        state.clock_step[ONE] = {"before": known["before"], "after": details.after}
    ending = (state.invitation, state.auditor_link, state.token, state.support_grant)
    for row in (row for rows in ending for row in rows.values()):
        if details.after < row["expires_at"] <= details.before:
            row["expires_at"] = details.after


@replays("log.clock_confirm", "clock_step")
def _clock_confirmed(state: State, _event: Event, details: ClockConfirmed) -> None:
    step = take(state.clock_step, ONE, "step of the clock")
    require(step == details.model_dump(), "the clock stepped from or to another time")
