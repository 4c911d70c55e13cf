"""Erasing again what a restored backup has again, before anything of it is served.

The ledger names what was erased by the log, number, path and commitment. A log that went on under another id gave
numbers anew, but a commitment, or the hash of a pruned event, is that of no other value: whatever fits is erased. What
was pruned loses its fields like that; all of it goes when its policy says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, select

from minutebook.actions.log_custody import FieldsErased
from minutebook.custody.erase import AT_ONCE, Fields, erasable, told
from minutebook.custody.ledger import WHOLE, Ledger
from minutebook.errors import NotAllowed
from minutebook.evidence.remains import remains_of
from minutebook.model import Event, Seat
from minutebook.record import ANYBODY, NO_CHANGE, Act, Command, NoChange, perform
from minutebook.store import body, log, schema
from minutebook.store.engine import Store
from minutebook.store.erase import erase_fields

REASON = "It was erased before, and a restored backup had it again"

Named = Collection[tuple[str, bytes]]
"""What the ledger names of one event: paths with commitments, WHOLE with its hash."""


@dataclass(frozen=True)
class EraseAgain(Command):
    """Erases fields of at most AT_ONCE events that were erased before, whatever hold the backup has on them. Only
    Minutebook itself does that."""

    needs: ClassVar = ANYBODY
    behind_seal: ClassVar = True

    fields: Fields
    part: int = 1
    parts: int = 1

    def change(self, act: Act) -> FieldsErased | NoChange:
        if not act.by_operator:
            raise NotAllowed("Only whoever runs Minutebook restores a backup.")
        lost = erase_fields(act.connection, act.organization, self.fields)
        return told(lost, REASON, part=self.part, parts=self.parts) if lost else NO_CHANGE


def erase_again(
    store: Store, organization: int, ids: Iterable[str], ledger: Ledger, seat_of: Callable[[int], Seat]
) -> list[Event]:
    """Erases all that the ledger names of the log under any of these ids and that is there; the events that say so."""
    named: dict[int, set[tuple[str, bytes]]] = defaultdict(set)
    for log_id in ids:
        for seq, path, digest in ledger.read(log_id):
            named[seq].add((path, digest))
    seqs, done = sorted(named), []
    batches = [seqs[at : at + AT_ONCE] for at in range(0, len(seqs), AT_ONCE)]
    with store.reading() as connection:
        found = [dict(_there(connection, organization, {seq: named[seq] for seq in batch})) for batch in batches]
    parts = [fields for fields in found if fields]
    for part, fields in enumerate(parts, 1):
        event = perform(store, seat_of(organization), EraseAgain(fields, part, len(parts)))
        if isinstance(event, Event):
            done.append(event)
    return done


def _there(connection: Connection, organization: int, named: dict[int, Named]) -> Iterator[tuple[int, set[str]]]:
    """Number and paths of what is there of what is named."""
    positions = [log.position(organization, seq) for seq in named]
    rows = connection.execute(select(schema.event).where(schema.event.c.position.in_(positions)))
    for row in rows:
        if log.is_pruned(row):
            continue
        seq, disclosures = log.seq_of(row), body.unpack(row.disclosures)
        fitting = named[seq] & remains_of(row.secret, disclosures).commitments(disclosures).items()
        paths = {path for path, _ in fitting if disclosures[path]}
        if (WHOLE, bytes(row.leaf_hash)) in named[seq]:
            paths |= set(erasable(log.event_of(row)))
        if paths:
            yield seq, paths
