"""Signs the logs: each head, at most a second after the event, and never less than was signed before, nor another log.

The tree that was signed last is kept outside the database (`high_water.py`). The next one is made of it and of the leaf
hashes that follow, and has to be the one that the head has: only then is anything signed. What is smaller or another is
refused, and goes on being recorded.

    lock the custody file → read heads and leaf hashes → sign → high water, durably → checkpoint

A crash before the checkpoint signs the same once more, which with Ed25519 is the same signature. What was signed goes
into the anchor log (`anchor_log.py`) in the same thread.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Connection

from minutebook.background import Job
from minutebook.custody import anchor_log, keys
from minutebook.custody.growth import ENDED, Refused, checkpoint_problem, grown_tree, problem_of
from minutebook.custody.high_water import Custody, Held, HighWater
from minutebook.errors import BehindHighWater, CustodyBroken, MinutebookError, NoKey, StoreUnavailable
from minutebook.evidence.checkpoint import Checkpoint, origin_of
from minutebook.evidence.tree import CompactRange
from minutebook.store import checkpoints
from minutebook.store.anchor_log import changed as changed_entry
from minutebook.store.anchor_log import size as anchored
from minutebook.store.checkpoints import Signed, Unsigned
from minutebook.store.engine import Store
from minutebook.store.log import Head
from minutebook.store.schema import ANCHOR

log_ = structlog.get_logger("minutebook.signer")

ROUND_SECONDS = 0.5
LOOK_SECONDS = 60.0
"""After which a server looks at every log, also at those that seem to be signed: with a thousand of them, a round that
does takes many times as long."""


@dataclass(frozen=True, slots=True)
class Round:
    """What came of looking at every log once: the organizations whose heads were signed, why others were not, and a
    sentence for each log that was signed and is gone."""

    signed: tuple[int, ...] = ()
    refused: Mapping[int, str] = field(default_factory=dict)
    gone: tuple[str, ...] = ()


def sign_logs(store: Store, custody: Custody, host: str, *, unsigned: bool = False) -> Round:
    """Signs every log that has grown. The first time, it makes a key, and fixes what names begin with: `host`. With
    `unsigned` it does not look at logs whose heads are signed, which may be others all the same, nor for what is gone.

    Raises NoKey and CustodyBroken when nothing can be signed, StoreUnavailable when the database is away.
    """
    with custody.changing() as held:
        with store.reading() as connection:
            if held.host() is None and checkpoints.any_signed(connection):
                raise CustodyBroken(why=f"the logs were signed, and {custody.directory} knows nothing of it")
            every = checkpoints.heads(connection, unsigned=unsigned)
            grown, refused = _look(connection, held, every)
            gone = () if unsigned else _gone(held, every)
        key = None
        if grown:
            at = store.clock()
            if held.host() is None:
                keys.add(custody, held, keys.new_key(store.randomness), host, at)
            key = keys.current(custody, held)
        signed = [_sign(head, tree, held, key, store.clock()) for head, tree in grown] if key else []
        held.raise_to(HighWater(head.log_id, tree, store.clock()) for head, tree in grown)
    if signed:  # the high water is durable now
        with store.housekeeping() as connection:
            for (head, _), one in zip(grown, signed, strict=True):
                checkpoints.add(connection, head.organization, one)
    return Round(tuple(head.organization for head, _ in grown), refused, gone)


def require_not_behind(store: Store, custody: Custody) -> None:
    """Raises BehindHighWater when the database has less than was signed: serving it would begin a second history."""
    with custody.reading() as held, store.reading() as connection:
        sizes = {one.head.log_id: one.head.size for one in checkpoints.heads(connection)}
        marks, ended = (held.high_waters(), held.ended()) if held else ({}, {})
        for log_id in sizes.keys() & ended.keys():
            raise BehindHighWater(what=f"the log {log_id} went on without what is here.")
        for mark in marks.values():
            if mark.log_id in ended or anchor_log.is_anchor_log(mark.log_id):
                continue
            if mark.log_id not in sizes:
                raise BehindHighWater(what=f"of the log {mark.log_id} nothing is there.")
            if sizes[mark.log_id] < mark.tree.size:
                has = f"{sizes[mark.log_id]:,} events, and {mark.tree.size:,} were signed."
                raise BehindHighWater(what=f"the log {mark.log_id} has {has}")
        if held and (last := marks.get(held.anchor_log())) and (size := anchored(connection)) < last.tree.size:
            raise BehindHighWater(what=anchor_log.behind(size, last))


def examine(store: Store, custody: Custody) -> Iterator[tuple[int | None, str]]:
    """Everything that is wrong with what was signed: the organization, None where it is no single one, and a sentence.

    Raises CustodyBroken when the statements about keys do not follow from one another.
    """
    with custody.reading() as held, store.reading() as connection:
        if held is None or held.host() is None:
            if checkpoints.any_signed(connection):
                yield None, f"The logs were signed, and {custody.directory} knows nothing of it."
            return
        known = keys.standings(held)
        try:
            keys.current(custody, held).sign("Is there a key?\n", "minutebook.local")
        except NoKey as error:
            yield None, error.message
        marks, ended = held.high_waters(), held.ended()
        every = checkpoints.heads(connection)
        for why in _gone(held, every):
            yield None, why
        for one in every:
            head = one.head
            kept = checkpoints.every(connection, head.organization)
            before = marks.get(head.log_id)
            if why := ENDED if head.log_id in ended else problem_of(connection, head, before, kept, known):
                yield head.organization, why
        size, last = anchored(connection), marks.get(held.anchor_log())
        if last and size < last.tree.size:
            yield None, anchor_log.behind(size, last)
        if (number := changed_entry(connection)) is not None:
            yield None, f"In the anchor log: Entry {number:,} is not what its hash was made of."
        for signed in checkpoints.every(connection, ANCHOR):
            if problem := checkpoint_problem(connection, ANCHOR, size, signed, known):
                yield None, f"In the anchor log: {problem}"
                break


def _gone(held: Held, every: Iterable[Unsigned]) -> tuple[str, ...]:
    """A sentence for each log that was signed, has not ended, and is none of all that are there."""
    marks = held.high_waters()
    missing = sorted(marks.keys() - held.ended().keys() - {one.head.log_id for one in every})
    return tuple(
        f"The log {log_id} was signed with {marks[log_id].tree.size:,} events and is gone."
        for log_id in missing
        if not anchor_log.is_anchor_log(log_id)
    )


def _look(
    connection: Connection, held: Held, heads: Iterable[Unsigned]
) -> tuple[list[tuple[Head, CompactRange]], dict[int, str]]:
    """The logs that have something to sign, with the tree that is to be signed; and those that cannot be."""
    ended = held.ended()
    found, refused = [], {}
    for one in heads:
        head, before = one.head, held.high_water(one.head.log_id)
        try:
            if head.log_id in ended:
                raise Refused(ENDED)
            tree = grown_tree(connection, head, before)
        except Refused as why:
            refused[head.organization] = str(why)
            continue
        if head.size and not (one.is_signed and before and before.tree.size == head.size):
            found.append((head, tree))
    return found, refused


def _sign(head: Head, tree: CompactRange, held: Held, key: keys.Key, at: int) -> Signed:
    checkpoint = Checkpoint(origin_of(held.host() or "", head.log_id), tree.size, tree.root())
    return Signed(checkpoint, at, (key.sign(checkpoint.text(), checkpoint.origin),))


class Signing(Job):
    """Signs every log while a server runs. `refused` says why some cannot be, by organization."""

    name = "signing"
    at_once = False

    def __init__(self, store: Store, custody: Custody, host: str, *, every: float = ROUND_SECONDS) -> None:
        super().__init__(every)
        self._store = store
        self._custody = custody
        self._host = host
        self._waits: str | None = None
        self._anchor_refused: str | None = None
        self._looked_at = -math.inf
        self._gone: tuple[str, ...] = ()
        self.refused: Mapping[int, str] = {}

    def stop(self) -> None:
        """Ends, with a last round that looks at every log: what was recorded last is signed."""
        super().stop()
        self._looked_at = -math.inf
        self.try_round()

    def round(self) -> None:
        """Signs what has grown."""
        now = time.monotonic()
        unsigned = now < self._looked_at + LOOK_SECONDS
        done = sign_logs(self._store, self._custody, self._host, unsigned=unsigned)
        self._note(done, unsigned=unsigned)
        if not unsigned:
            self._looked_at = now
        self._note_anchor(anchor_log.extend(self._store, self._custody))
        self._waits = None

    def failed(self, error: Exception) -> None:
        if isinstance(error, StoreUnavailable) or not isinstance(error, MinutebookError):
            super().failed(error)
            return
        if error.message != self._waits:  # once, not twice a second
            log_.error("nothing_is_signed", error=error.message)
        self._waits = error.message

    def _note(self, done: Round, *, unsigned: bool) -> None:
        for organization, why in done.refused.items():
            if self.refused.get(organization) != why:
                log_.error("signing_refused", organization=organization, why=why)
        others = {number: why for number, why in self.refused.items() if unsigned and number not in done.signed}
        self.refused = others | dict(done.refused)
        if not unsigned:
            for why in set(done.gone) - set(self._gone):
                log_.error("signed_log_gone", why=why)
            self._gone = done.gone

    def _note_anchor(self, why: str | None) -> None:
        if why and why != self._anchor_refused:
            log_.error("anchor_log_refused", why=why)
        self._anchor_refused = why
