"""What a log rests on now: what was signed of it, by which keys, and whether signing keeps up with it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from minutebook.custody.growth import problem_of, signature_problem
from minutebook.custody.high_water import Custody, HighWater
from minutebook.evidence.checkpoint import origin_of
from minutebook.evidence.key_chain import BrokenChain, Standing, follow
from minutebook.model import SECOND
from minutebook.store import checkpoints, log
from minutebook.store.checkpoints import Signed
from minutebook.store.log import Head

LATE = 10 * SECOND
"""An event is signed within a second. A signer that needs longer than this for one is behind."""
MOST_LOOKED_AT = 10_000
"""Events behind the high water that are looked at to see whether they can be signed: a page does not wait for more."""
BROKEN_CHAIN = "The signed statements about the keys do not follow from one another."


@dataclass(frozen=True, slots=True)
class LogState:
    """One log. `origin` is its name in each checkpoint, None before there is a key; `signed` the newest checkpoint;
    `waits_since` when the oldest event that is not signed was recorded (UTC microseconds); `problem` a sentence, why
    the log is not what was signed of it; `known` every key that ever counted, in the order in which they were added."""

    head: Head
    origin: str | None
    signed: Signed | None
    waits_since: int | None
    problem: str
    known: tuple[Standing, ...]

    @property
    def waiting(self) -> int:
        """How many events are not signed."""
        return max(self.head.size - (self.signed.size if self.signed else 0), 0)

    def is_late(self, at: int) -> bool:
        """Whether signing is behind at `at` (UTC microseconds)."""
        return self.waits_since is not None and at - self.waits_since > LATE


def state_of(connection: Connection, custody: Custody | None, organization: int) -> LogState:
    """The state of a log as this snapshot sees it; without a custody directory, what the database alone says of it."""
    head = log.read_head(connection, organization)
    signed = checkpoints.latest(connection, organization)
    unsigned = signed.size if signed else 0
    waits_since = log.recorded_at(connection, organization, unsigned) if unsigned < head.size else None
    host, known, problem = None, tuple[Standing, ...](), ""
    if custody:
        with custody.reading() as held:
            host = held.host() if held else None
            before = held.high_water(head.log_id) if held else None
            try:
                known = tuple(follow(held.statements()).values()) if held else ()
                problem = _problem(connection, head, before, signed, known) if held else ""
            except BrokenChain:
                problem = BROKEN_CHAIN
    return LogState(
        head,
        None if host is None else origin_of(host, head.log_id),
        signed,
        waits_since,
        problem,
        known,
    )


def problem_of_signature(custody: Custody, signed: Signed) -> str:
    """Why a checkpoint shows nothing, in a sentence: no key of this deployment has signed it. Nothing when one has."""
    with custody.reading() as held:
        if held is None:
            return ""
        try:
            return signature_problem(signed, follow(held.statements())) or ""
        except BrokenChain:
            return BROKEN_CHAIN


def _problem(
    connection: Connection, head: Head, before: HighWater | None, signed: Signed | None, known: tuple[Standing, ...]
) -> str:
    if head.size - (before.tree.size if before else 0) > MOST_LOOKED_AT:
        return ""
    by_key = {key.public: key for key in known}
    return problem_of(connection, head, before, [signed] if signed else [], by_key)
