"""Refusals of people who have a place in an organization, as events of its log: soon after, and beside the answers.

Nobody waits for them, and nothing fails when they cannot be recorded: they are kept until the database takes them, and
told to the security log when the server ends before. The same refusal of the same person is recorded once; how often it
followed in the 15 minutes after it, is one event more. Who tries everything there is has ten events for ten different
things, and one for all others. So a flood cannot bury a log.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import ClassVar

import structlog
from sqlalchemy import select

from minutebook import security
from minutebook.actions.access import AccessDenied
from minutebook.background import Job
from minutebook.denied import Denied
from minutebook.errors import OutcomeUnknown, Sealed, StoreUnavailable
from minutebook.model import MINUTE, ActorKind, Role
from minutebook.record import ANYBODY, NO_CHANGE, Act, Command, NoChange, perform, standing_of
from minutebook.store import schema
from minutebook.store.engine import Store

WINDOW = 15 * MINUTE
EVERY = 0.25
"""Seconds from one look at what is to be recorded to the next."""
APART = 10
"""How many different things of one person are told apart at once."""
OTHERS = "various other things"
MOST = 10_000
"""How many windows are open at once in a process; what comes on top is told to the security log."""

log = structlog.get_logger("minutebook.denials")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody tried to do: in words, and as method and route, which hold nothing that was sent. `organization` is
    the id of the one it was tried in, where the address has it."""

    operation: str
    route: str | None = None
    organization: str | None = None


@dataclass(frozen=True)
class RecordDenial(Command):
    """Records that somebody was refused, unless they have no place in the organization any more."""

    needs: ClassVar = ANYBODY

    denial: AccessDenied

    def change(self, act: Act) -> AccessDenied | NoChange:
        # what is counted belongs to an event that is there
        return self.denial if self.denial.more or _has_place(act) else NO_CHANGE


def _has_place(act: Act) -> bool:
    if act.seat.actor.kind is not ActorKind.AUDITOR_LINK:
        return standing_of(act) is not None
    links = schema.auditor_link.c
    where = (links.organization == act.organization, links.id == act.seat.actor.id)
    return act.connection.execute(select(links.id).where(*where)).first() is not None


@dataclass(slots=True)
class _Window:
    """The same refusal of the same person, for 15 minutes from the first on. `times` counts what is not recorded."""

    attempt: Attempt
    denied: Denied
    since: int
    until: int
    times: int = 1
    is_recorded: bool = False

    def details(self) -> AccessDenied:
        standing, needed = self.denied.standing, self.denied.needed
        return AccessDenied(
            operation=self.attempt.operation,
            route=self.attempt.route,
            needed=needed.value if needed else None,
            reason=self.denied.reason,
            role=standing if isinstance(standing, Role) else None,
            scopes=tuple(map(str, standing)) if isinstance(standing, tuple) else None,
            times=self.times,
            more=self.is_recorded,
            since=self.since,
            until=self.until,
        )

    def is_over(self, at: int) -> bool:
        # also when the clock was set back
        return not self.since <= at < self.since + WINDOW


_Key = tuple[Attempt, str | None, str | None]
"""What was tried and why it was refused."""
_Person = tuple[int, ActorKind, str]
"""The number of an organization, and who was refused there."""


class Denials(Job):
    """Keeps what was refused until it is recorded. Safe to share between threads."""

    name = "denials"

    def __init__(self, store: Store) -> None:
        super().__init__(EVERY)
        self._store = store
        self._lock = threading.Lock()
        self._windows: dict[_Person, dict[_Key, _Window]] = {}
        self._open = 0
        self._waits = False

    def note(self, attempt: Attempt, denied: Denied) -> None:
        """Notes a refusal of just now. Writes nothing, and never waits for who does."""
        actor, at = denied.seat.actor, self._store.clock()
        person = (denied.seat.organization, actor.kind, actor.id)
        with self._lock:
            windows = self._windows.get(person, {})
            key: _Key = (attempt, denied.needed, denied.reason)
            if key not in windows and len(windows) >= APART:
                attempt, denied = (
                    replace(attempt, operation=OTHERS, route=None),
                    replace(denied, needed=None, reason=None),
                )
                key = (attempt, None, None)
            window = windows.get(key)
            if window:
                window.times, window.until, window.denied = window.times + 1, at, denied
                return
            if self._open < MOST:
                self._open += 1
                self._windows.setdefault(person, windows)[key] = _Window(attempt, denied, since=at, until=at)
                return
        _tell(_Window(attempt, denied, since=at, until=at))

    def round(self) -> None:
        """Records what was refused for the first time, and of windows that are over what followed; the security log is
        told what it has counted. Raises StoreUnavailable and OutcomeUnknown; what is not recorded yet stays."""
        security.tell_counted()
        self._record(self._store.clock())
        self._waits = False

    def failed(self, error: Exception) -> None:
        """Tells of it once, and not at each round."""
        if not self._waits:
            super().failed(error)
        self._waits = True

    def stop(self) -> None:
        """Ends, and records what was counted so far; what cannot be is told to the security log."""
        super().stop()
        try:
            self._record(None)
        except (StoreUnavailable, OutcomeUnknown) as error:
            self.failed(error)
        for windows in self._windows.values():
            for window in windows.values():
                _tell(window)

    def _record(self, at: int | None) -> None:
        """Also windows that are not over yet, without a time."""
        with self._lock:
            found = [(person, key) for person, windows in self._windows.items() for key in windows]
        for person, key in found:
            with self._lock:
                window = self._windows[person][key]
                is_over = at is None or window.is_over(at)
                taken = replace(window)
            if not taken.is_recorded or (is_over and taken.times):
                self._record_window(taken)
                with self._lock:
                    window.times, window.is_recorded = window.times - taken.times, True
            with self._lock:
                if is_over and not window.times:
                    self._close(person, key)

    def _record_window(self, window: _Window) -> None:
        """Raises StoreUnavailable and OutcomeUnknown: then it is tried again, and may be recorded twice."""
        try:
            answer = perform(self._store, window.denied.seat, RecordDenial(window.details()))
        except (StoreUnavailable, OutcomeUnknown):
            raise
        except Sealed:  # the organization was deleted meanwhile
            answer = NO_CHANGE
        except Exception:
            log.exception("denial_not_recorded")
            answer = NO_CHANGE
        if isinstance(answer, NoChange):
            _tell(window)

    def _close(self, person: _Person, key: _Key) -> None:
        del self._windows[person][key]
        self._open -= 1
        if not self._windows[person]:
            del self._windows[person]


def _tell(window: _Window) -> None:
    """Tells the security log what the log of the organization cannot hold."""
    if window.times:
        seat = window.denied.seat
        security.tell(
            "access_denied",
            route=window.attempt.route,
            user=seat.actor.id,
            organization=window.attempt.organization,
            reason=window.denied.reason or window.denied.needed,
            request_id=seat.context.request_id,
            ip=seat.context.ip,
            times=window.times if window.times > 1 else None,
        )
