"""Going on from a backup: whatever was signed and is not in it is lost, and the log says so itself.

    find out what is wrong → a new generation of each log that is behind → erase again → settle

A log that has less than was signed of it goes on under another id: its first event under that says what was last known
of it, `log.restore`. So no id ever stands for two histories. Until custody knows what has become of every log that was
signed (`settle`), no server starts (`signer.require_not_behind`). Whatever interrupts it, it can be done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from sqlalchemy import Connection, insert

from minutebook.actions.log_custody import LogRestored
from minutebook.custody import anchor_log, keys
from minutebook.custody import erase_again as erasing
from minutebook.custody.growth import Refused, checkpoint_problem, grown_tree
from minutebook.custody.high_water import Custody, Ended, Held, HighWater
from minutebook.custody.ledger import Ledger
from minutebook.errors import CustodyBroken, NotAllowed
from minutebook.evidence.tree import CompactRange
from minutebook.model import Event, Randomness, Seat
from minutebook.record import ANYBODY, Act, Command, perform
from minutebook.store import check, checkpoints, generations, log, schema, tiles
from minutebook.store.anchor_log import size as anchored
from minutebook.store.check import Finding, Progress
from minutebook.store.engine import Store
from minutebook.store.generations import Generation
from minutebook.store.log import Head


@dataclass(frozen=True)
class BeginGeneration(Command):
    """Lets a log go on under another id, and says what was last known of it. Only Minutebook itself does that."""

    needs: ClassVar = ANYBODY
    behind_seal: ClassVar = True  # a backup may lack what was erased behind it

    log_id: str
    known: CompactRange
    known_log: str
    lost: int
    other_logs: tuple[tuple[str, int], ...] = ()

    def open_log(self, connection: Connection, seat: Seat, randomness: Randomness) -> tuple[log.Head, Seat]:
        """The log as it was, and from here on under its new id."""
        del randomness
        head = log.lock_head(connection, seat.organization)
        row = {"organization": seat.organization, "log_id": self.log_id, "first": head.size, "previous": head.log_id}
        connection.execute(insert(schema.generation).values(row))
        return log.rename(connection, head, self.log_id), seat

    def change(self, act: Act) -> LogRestored:
        if not act.by_operator:
            raise NotAllowed("Only whoever runs Minutebook restores a backup.")
        # a step of the clock may stand between what was restored and this event
        before, begun = generations.generations(act.connection, act.organization)[-2:]
        previous = before.log_id
        return LogRestored(
            log=begun.log_id,
            previous_log=previous,
            restored_size=begun.first,
            restored_root=tiles.root(act.connection, act.organization, begun.first).hex(),
            known_log=None if self.known_log == previous else self.known_log,
            known_size=self.known.size,
            known_root=self.known.root().hex(),
            lost=self.lost,
            other_logs=self.other_logs,
        )


@dataclass(frozen=True, slots=True)
class Newest:
    """What custody knows of a log by its newest id: the tree that was last signed, and how many of its events the log
    that is here has, too. `others` are the ids before that one of which the log knows nothing, each with how many
    events it shares."""

    log_id: str
    tree: CompactRange
    shared: int
    others: tuple[tuple[str, int], ...] = ()


def wrong(store: Store, custody: Custody, progress: Progress | None = None) -> Iterator[str]:
    """Why the database is not what was signed, as far as it goes. Every log is read from its first event.

    Raises CustodyBroken when custody cannot tell.
    """
    with custody.reading() as held, store.reading() as connection:
        if held is None or held.host() is None:
            if checkpoints.any_signed(connection):
                raise CustodyBroken(why=f"the logs were signed, and {custody.directory} knows nothing of it")
            known, marks, ended = {}, dict[str, HighWater](), dict[str, Ended]()
        else:
            known, marks, ended = keys.standings(held), held.high_waters(), held.ended()
        heads = [one.head for one in checkpoints.heads(connection)]
        here = {one.log_id for head in heads for one in _generations(connection, head)}
        if marks and not here & (marks.keys() | ended.keys()):
            yield "It is of another deployment: it has none of the logs that were signed here."
            return
        for head in heads:
            if finding := _first(check.check_log(connection, head.organization, progress=progress)):
                place = "" if finding.seq is None else f", event {finding.seq:,}"
                yield f"Organization {head.organization}{place}: {finding.problem}"
                return
            for signed in checkpoints.every(connection, head.organization):
                if problem := checkpoint_problem(connection, head.organization, head.size, signed, known):
                    yield f"Organization {head.organization}: {problem}"
            if head.log_id in marks and not newest_of(head, _generations(connection, head), marks, ended):
                try:
                    grown_tree(connection, head, marks[head.log_id])
                except Refused as refused:
                    yield f"Organization {head.organization}: {refused}"


def begin_generations(store: Store, custody: Custody, seat_of: Callable[[int], Seat]) -> list[Event]:
    """Begins a new generation of each log that is behind; the events that say so. Other logs go on as they are."""
    with custody.reading() as held, store.reading() as connection:
        marks, ended = (held.high_waters(), held.ended()) if held else ({}, {})
        behind = {
            head.organization: newest
            for head in (one.head for one in checkpoints.heads(connection))
            if (newest := newest_of(head, _generations(connection, head), marks, ended))
        }
    done = []
    for organization, newest in behind.items():
        log_id, lost = log.new_log_id(store.randomness), max(0, newest.tree.size - newest.shared)
        begin = BeginGeneration(log_id, newest.tree, newest.log_id, lost, newest.others)
        event = perform(store, seat_of(organization), begin)
        assert isinstance(event, Event)
        done.append(event)
    return done


def newest_of(
    head: Head, known: Sequence[Generation], marks: Mapping[str, HighWater], ended: Mapping[str, Ended]
) -> Newest | None:
    """What custody knows of a log that is behind; None of one that goes on as it is."""
    ends = [*(one.first for one in known[1:]), head.size]
    signed = [pair for pair in zip(known, ends, strict=True) if pair[0].log_id in marks or pair[0].log_id in ended]
    if not signed:
        return None
    start, end = signed[-1]
    last, shared = _follow(start.log_id, end, ended)
    tree = marks[last].tree if last in marks else CompactRange()
    is_here = last not in ended and any(one.log_id == last for one in known)
    # an older id is the last one where the log has gone on, and that is not settled yet
    if is_here and (last != head.log_id or tree.size <= head.size):
        return None
    own = {one.log_id for one in known}
    ways = ((log_id, *_follow(log_id, shared, ended)) for log_id in sorted((marks.keys() | ended.keys()) - own))
    others = tuple((log_id, common) for log_id, end_, common in ways if end_ == last)
    return Newest(last, tree, min(shared, tree.size), others)


def erase_again(store: Store, custody: Custody, seat_of: Callable[[int], Seat]) -> list[Event]:
    """Erases what the ledger names of each log, under any id that it ever had, and what is there again; the events that
    say so."""
    with custody.reading() as held, store.reading() as connection:
        marks, ended = (held.high_waters(), held.ended()) if held else ({}, {})
        ids = dict[int, list[str]]()
        for head in (one.head for one in checkpoints.heads(connection)):
            own = {one.log_id for one in _generations(connection, head)}
            last = {_follow(log_id, 0, ended)[0] for log_id in own}
            every = sorted(own | marks.keys() | ended.keys())
            ids[head.organization] = [log_id for log_id in every if _follow(log_id, 0, ended)[0] in last]
    ledger = Ledger(custody.directory)
    return [
        event
        for organization, known in ids.items()
        for event in erasing.erase_again(store, organization, known, ledger, seat_of)
    ]


def settle(store: Store, custody: Custody) -> dict[str, int]:
    """Notes under which id each log goes on. Of logs that were signed and are not here at all it returns id and size;
    they have ended."""
    with custody.changing() as held, store.reading() as connection:
        ended, before, current = held.ended(), held.ended().keys(), set[str]()
        for head in (one.head for one in checkpoints.heads(connection)):
            known = _generations(connection, head)
            current.add(head.log_id)
            # the newest first: it has most in common with what comes now
            for one, after in reversed(list(pairwise(known))):
                last, shared = _follow(one.log_id, after.first, ended)
                if last != head.log_id:
                    _end(held, ended, last, Ended(head.log_id, shared), store.clock())
        missing = {
            log_id: mark.tree.size
            for log_id, mark in held.high_waters().items()
            if log_id not in current and log_id not in ended and not anchor_log.is_anchor_log(log_id)
        }
        for log_id in missing:
            _end(held, ended, log_id, Ended(None, 0), store.clock())
        marks = held.high_waters()
        entered = marks.get(held.anchor_log())
        is_lost = marks.keys() & (ended.keys() - before)
        if is_lost or (entered and anchored(connection) < entered.tree.size):
            held.renew_anchor_log()
    return missing


def _first(findings: Iterator[Finding]) -> Finding | None:
    found = next(findings, None)
    for _ in findings:  # PostgreSQL wants its answer read to the end
        pass
    return found


def _end(held: Held, ended: dict[str, Ended], log_id: str, how: Ended, at: int) -> None:
    held.end(log_id, how, at)
    ended[log_id] = how


def _follow(log_id: str, shared: int, ended: Mapping[str, Ended]) -> tuple[str, int]:
    """Under which id a log was last known, and how many of so many first events that has, too."""
    while log_id in ended and (following := ended[log_id].next):
        log_id, shared = following, min(shared, ended[log_id].shared)
    return log_id, shared


def _generations(connection: Connection, head: Head) -> tuple[Generation, ...]:
    return generations.of_head(connection, head.organization, head.log_id)
