"""What an organization has while its log is replayed, and what the acts that are replayed share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from minutebook.actions.values import Change, SetChange
from minutebook.model import ActorKind, Event

ONE = ""
"""The key of the only row that an organization has in a table."""
SEATS = ("seat", "access", "sitting", "saved_search")
"""The tables that losing a seat concerns."""

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
    support_grant: Rows = field(default_factory=dict)
    retention: Rows = field(default_factory=dict)
    hold: Rows = field(default_factory=dict)
    clock_step: Rows = field(default_factory=dict)
    generation: Rows = field(default_factory=dict)
    deletion: Rows = field(default_factory=dict)
    size: int = 0
    balance: int = 0
    untold: set[str] = field(default_factory=set)
    """The tables of which the events cannot tell any more what they hold."""
    pruned: bool = False
    """Whether events are missing, of which only a later event says of what kind they were."""
    last: int = 0
    """When the last event was recorded, in UTC microseconds; the clock may once have been set back."""


Replayed = Callable[[State, Event, Any], None]

APPLY: dict[str, Replayed] = {}
"""What each action does to an organization."""
TOUCHES: dict[str, frozenset[str]] = {}
"""The tables that each action reads and changes."""


def replays(action: str, *tables: str) -> Callable[[Replayed], Replayed]:
    """Marks what the action does to a state; `tables` are those that it reads and changes."""

    def declare(does: Replayed) -> Replayed:
        APPLY[action], TOUCHES[action] = does, frozenset(tables)
        return does

    return declare


def require(fact: object, what: str) -> None:
    """Raises DoesNotFollow, which says `what`, unless it is a fact."""
    if not fact:
        raise DoesNotFollow(what)


def row(rows: Rows, key: str, what: str) -> Row:
    """The row that must be there."""
    if key not in rows:
        raise DoesNotFollow(f"there was no {what} {key}")
    return rows[key]


def take(rows: Rows, key: str, what: str) -> Row:
    """Takes out the row that must be there."""
    row(rows, key, what)
    return rows.pop(key)


def put(rows: Rows, key: str, row: Row, what: str) -> None:
    """Adds a row that must not be there."""
    require(key not in rows, f"there was a {what} {key} already")
    rows[key] = row


def user_of(event: Event) -> str | None:
    """The user who acts; None when none does."""
    return event.actor.id if event.actor.kind is ActorKind.USER else None


def json_of(value: object) -> str:
    """As the column of a value holds it."""
    return orjson.dumps(value).decode()


def changed(name: str, before: Any, change: Change) -> str | None:
    """The value after; the one before must be that of the change."""
    require(before == change.before, f"the {name} before was {before}")
    require(change.before != change.after, f"the {name} was the same before")
    return change.after


def changed_set(name: str, stored: str, change: SetChange) -> str:
    """The stored list after; the one before, as it is stored, must be that of the change."""
    before, added, removed = set(orjson.loads(stored)), set(change.added), set(change.removed)
    require(added or removed, f"of the {name}, nothing was added or removed")
    require(not added & before and removed <= before, f"the {name} before were others")
    after = before - removed | added
    require((change.before, change.after) == (len(before), len(after)), f"the {name} are counted wrong")
    return json_of(sorted(after))


def give_access(state: State, event: Event) -> None:
    """The session of the event has access from now on."""
    session = event.context.session_id
    if session is not None and session not in state.access:
        state.access[session] = {"user": event.actor.id, "entered_at": event.recorded_at}


def end_access(state: State, session: str) -> None:
    """A session has no access any more."""
    del state.access[session]
    state.sitting.pop(session, None)


def end_each_access(state: State, user: str, but: str | None = None) -> None:
    """No session of the user has access any more, or none `but` one."""
    for session in [session for session, row in state.access.items() if row["user"] == user and session != but]:
        end_access(state, session)
