"""Shows heads to others, in a thread of the server: whatever comes of it, recording and signing go on.

What an anchor says is kept, and so is what went wrong, which is tried again after 1, 2, 4 … minutes, an hour at most.
An anchor that cannot be reached is left alone for all logs until then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog
from sqlalchemy import Connection

from minutebook.background import Job
from minutebook.evidence.checkpoint import log_of
from minutebook.evidence.proof import Path
from minutebook.model import HOUR, MINUTE
from minutebook.outgoing import Unreachable
from minutebook.store import anchors, checkpoints, tiles
from minutebook.store.anchors import AnchorKind, Said
from minutebook.store.checkpoints import Signed
from minutebook.store.engine import Store

log_ = structlog.get_logger("minutebook.anchoring")

ROUND_SECONDS = 2.0
STOP_SECONDS = 5.0


class Refused(Exception):
    """The anchor does not vouch for this head: why, as the end of a sentence that begins with what it is called."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A head that an anchor is shown. `known` is the size that it vouched for before, 0 without one; `prove` gives the
    proof that the head goes on from another size."""

    organization: int
    head: Signed
    known: int
    prove: Callable[[int], Path]


class Anchor(Protocol):
    """Who keeps heads, or signs them."""

    @property
    def kind(self) -> AnchorKind:
        """What sort of anchor it is."""

    @property
    def name(self) -> str:
        """What it is called, among those of its kind."""

    @property
    def every(self) -> int:
        """For how many microseconds it is not shown the same log again."""

    def takes(self, organization: int) -> bool:
        """Whether it is shown the log of this organization, or ANCHOR."""

    def ask(self, asked: Asked) -> bytes | None:
        """Shows it a head; what it gives as evidence. Raises Refused, Unreachable."""


@dataclass(frozen=True, slots=True)
class _Wait:
    tries: int = 0
    until: int = 0

    def longer(self, now: int) -> _Wait:
        return _Wait(self.tries + 1, now + min(MINUTE << min(self.tries, 6), HOUR))


class Rounds:
    """Shows every anchor what is new, round by round. For one thread."""

    def __init__(self, store: Store, anchors_: Sequence[Anchor]) -> None:
        self._store = store
        self._anchors = anchors_
        self._vouched: dict[tuple[AnchorKind, str], dict[str, Said]] = {}
        self._heads: dict[int, Signed] = {}
        self._waits: dict[tuple[AnchorKind, str, str | None], _Wait] = defaultdict(_Wait)

    def go(self, is_stopping: Callable[[], bool] = lambda: False) -> None:
        """One round. Raises StoreUnavailable."""
        if not self._anchors:
            return
        with self._store.reading() as connection:
            newest = checkpoints.newest(connection)
            self._heads = heads = {number: self._head(connection, number, *known) for number, known in newest.items()}
            for one in self._anchors:
                if (one.kind, one.name) not in self._vouched:
                    self._vouched[one.kind, one.name] = anchors.vouched(connection, one.kind, one.name)
        for one in self._anchors:
            self._show(one, heads, is_stopping)

    def _head(self, connection: Connection, number: int, size: int, signed_at: int) -> Signed:
        """The newest checkpoint of a log, read once."""
        known = self._heads.get(number)
        if known is None or (known.size, known.signed_at) != (size, signed_at):
            known = checkpoints.of_size(connection, number, size)
            assert known, "its size was just read in the same snapshot"
        return known

    def _show(self, anchor: Anchor, heads: Mapping[int, Signed], is_stopping: Callable[[], bool]) -> None:
        if self._store.clock() < self._waits[anchor.kind, anchor.name, None].until:
            return
        due = [asked for number, head in heads.items() if (asked := self._due(anchor, number, head))]
        for at, asked in enumerate(due):
            if is_stopping():
                return
            try:
                self._ask(anchor, asked)
            except Unreachable as error:
                now = self._store.clock()
                whole = (anchor.kind, anchor.name, None)
                self._waits[whole] = self._waits[whole].longer(now)
                self._note(*(_failed(anchor, one, now, str(error)) for one in due[at:]))
                log_.warning("anchor_unreachable", kind=anchor.kind.value, name=anchor.name, error=str(error))
                return
            self._waits.pop((anchor.kind, anchor.name, None), None)

    def _due(self, anchor: Anchor, number: int, head: Signed) -> Asked | None:
        """What the anchor is to be shown of a log now; None when there is nothing."""
        log_id, now = log_of(head.checkpoint.origin), self._store.clock()
        before = self._vouched[anchor.kind, anchor.name].get(log_id)
        is_new = before is None or (head.size > before.size and not before.at <= now < before.at + anchor.every)
        waits = now < self._waits[anchor.kind, anchor.name, log_id].until
        if not anchor.takes(number) or not is_new or waits:
            return None

        def prove(old: int) -> Path:
            with self._store.reading() as connection:
                return tiles.consistency(connection, number, old, head.size)

        return Asked(number, head, before.size if before else 0, prove)

    def _ask(self, anchor: Anchor, asked: Asked) -> None:
        log_id = log_of(asked.head.checkpoint.origin)
        own = (anchor.kind, anchor.name, log_id)
        try:
            evidence = anchor.ask(asked)
        except Refused as refused:
            now = self._store.clock()
            self._waits[own] = self._waits[own].longer(now)
            self._note(_failed(anchor, asked, now, str(refused)))
            log_.error("anchor_refused", kind=anchor.kind.value, name=anchor.name, log=log_id, error=str(refused))
            return
        self._waits.pop(own, None)
        said = Said(log_id, anchor.kind, anchor.name, asked.head.size, self._store.clock(), evidence)
        self._note(said)
        self._vouched[anchor.kind, anchor.name][log_id] = said

    def _note(self, *said: Said) -> None:
        with self._store.housekeeping() as connection:
            anchors.note(connection, said)


def _failed(anchor: Anchor, asked: Asked, at: int, why: str) -> Said:
    log_id = log_of(asked.head.checkpoint.origin)
    return Said(log_id, anchor.kind, anchor.name, asked.head.size, at, error=why)


class Anchoring(Job):
    """Shows heads to anchors while a server runs."""

    name = "anchoring"
    patience = STOP_SECONDS
    at_once = False

    def __init__(self, store: Store, anchors_: Sequence[Anchor], *, every: float = ROUND_SECONDS) -> None:
        super().__init__(every)
        self._store = store
        self._rounds = Rounds(store, anchors_)
        self._keep = [(one.kind, one.name) for one in anchors_]
        self._is_first = True

    def round(self) -> None:
        """Shows each anchor what it has not seen and is due."""
        if self._is_first:
            with self._store.housekeeping() as connection:
                anchors.forget_failures(connection, self._keep)
            self._is_first = False
        self._rounds.go(self._stopping.is_set)
