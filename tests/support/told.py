"""What clients were told: the half of the truth that the log is compared with.

Every attempt carries a request id of its own, which its events record, so each event can be laid beside its attempt.
"""

from __future__ import annotations

import itertools
import threading
import zlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import Enum

from minutebook.errors import MinutebookError, OutcomeUnknown
from minutebook.model import Event, Seat
from minutebook.record import Command, NoChange, PersonalCommand, perform, perform_everywhere
from minutebook.store.engine import Store
from tests.support.sentences import check_refusal


class Answer(Enum):
    """What the client knows. No answer, or one that says so, leaves the outcome unknown."""

    UNKNOWN = "unknown"
    ACKNOWLEDGED = "acknowledged"
    NOTHING = "nothing"  # refused, or already as asked: no event


def request_of(writer: str, number: int) -> str:
    """The request id of one attempt, without the writer's name: whoever erases them finds it nowhere."""
    return f"req_{zlib.crc32(writer.encode()):08x}{number}"


@dataclass
class Attempt:
    """One act that a writer asked for. `events` are those it was shown; `organization` is None while it is founded, and
    for an act on a person, which is recorded in all of `everywhere` or in none."""

    writer: str
    number: int
    organization: int | None
    answer: Answer = Answer.UNKNOWN
    events: tuple[Event, ...] = ()
    everywhere: frozenset[int] | None = None

    @property
    def request(self) -> str:
        return request_of(self.writer, self.number)


class Told:
    """All attempts of all writers. Safe to share between threads."""

    def __init__(self) -> None:
        self.attempts: dict[str, Attempt] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def copy(self) -> Told:
        """The same attempts, for a copy of the database that they were made on."""
        told = Told()
        told.attempts = dict(self.attempts)
        told._numbers = itertools.count(len(self.attempts) + 1)
        return told

    def attempt(self, writer: str, organization: int | None) -> Attempt:
        """A new attempt, whose outcome is unknown until it is answered."""
        with self._lock:
            attempt = Attempt(writer, next(self._numbers), organization)
            self.attempts[attempt.request] = attempt
        return attempt

    def perform(self, store: Store, writer: str, seat: Seat, command: Command) -> Event | NoChange:
        """`record.perform()`, and notes what it answered."""
        attempt = self.attempt(writer, seat.organization or None)
        seat = replace(seat, context=replace(seat.context, request_id=attempt.request))
        try:
            answer = perform(store, seat, command)
        except OutcomeUnknown:
            raise
        except MinutebookError as refusal:
            attempt.answer = Answer.NOTHING
            check_refusal(refusal)
            raise
        if isinstance(answer, NoChange):
            attempt.answer = Answer.NOTHING
        else:
            attempt.answer, attempt.events = Answer.ACKNOWLEDGED, (answer,)
        return answer

    def perform_everywhere(
        self, store: Store, writer: str, seat: Seat, command: PersonalCommand, everywhere: Collection[int]
    ) -> tuple[Event, ...]:
        """The same of `record.perform_everywhere()`, by whoever holds the seat; it must be recorded `everywhere`."""
        attempt = self.attempt(writer, None)
        attempt.everywhere = frozenset(everywhere)
        context = replace(seat.context, request_id=attempt.request)
        try:
            events = perform_everywhere(store, seat.actor, context, command)
        except OutcomeUnknown:
            raise
        except MinutebookError as refusal:
            attempt.answer = Answer.NOTHING
            check_refusal(refusal)
            raise
        if isinstance(events, NoChange) or not events:
            attempt.answer = Answer.NOTHING
            return ()
        attempt.answer, attempt.events = Answer.ACKNOWLEDGED, events
        return events
