"""An event as it is proven: the leaf that the tree holds, and what opens its commitments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from minutebook.actions import known_details
from minutebook.actions.log_custody import LogPruned
from minutebook.errors import NotFound, NotSignedYet, Pruned
from minutebook.evidence.canonical import canonical
from minutebook.evidence.leaf import leaf
from minutebook.evidence.proof import LogProof, verify_inclusion
from minutebook.evidence.remains import remains_of
from minutebook.evidence.tree import leaf_hash
from minutebook.filters import Filter
from minutebook.model import Json
from minutebook.store import body, checkpoints, generations, log, schema, search, tiles
from minutebook.store.checkpoints import Signed
from minutebook.store.scope import Scope

AT_ONCE = 100
_EVENTS = (
    select(schema.event)
    .where(schema.event.c.position.between(bindparam("first"), bindparam("last")))
    .order_by(schema.event.c.position)
)


@dataclass(frozen=True, slots=True)
class Opened:
    """The leaf, canonical JSON; and for each path the salt and the exact JSON text that were committed to, but for what
    was erased."""

    seq: int
    leaf: bytes
    open: Mapping[str, tuple[bytes, bytes]]

    def to_bytes(self) -> bytes:
        """`{"leaf":{…},"open":{path:[salt,text]}}`, canonical; salts in hexadecimal."""
        opened: Json = {path: [salt.hex(), text.decode()] for path, (salt, text) in self.open.items()}
        return b'{"leaf":%s,"open":%s}' % (self.leaf, canonical(opened))


def proven(connection: Connection, organization: int, seq: int) -> LogProof:
    """All that shows offline that an event is in its log, with the newest checkpoint. Raises NotFound, Pruned,
    NotSignedYet."""
    if seq >= log.read_head(connection, organization).size:
        raise NotFound
    signed = checkpoints.latest(connection, organization)
    if signed is None or seq >= signed.size:
        raise NotSignedYet
    (event,) = opened(connection, organization, seq, seq + 1)
    path = tiles.inclusion(connection, organization, seq, signed.size)
    return LogProof(seq, path, str(signed), event.to_bytes())


def is_held(connection: Connection, organization: int, seq: int, signed: Signed | None) -> bool:
    """Whether an event, as it is stored now, is what its hash was made of, and leads to the root of a checkpoint over
    it. By whom that is signed is not looked at."""
    try:
        (event,) = opened(connection, organization, seq, seq + 1)
    except (ValueError, TypeError, KeyError, AttributeError):
        return False
    hashed = leaf_hash(event.leaf)
    if [hashed] != tiles.leaves(connection, organization, seq, seq + 1):
        return False
    if signed is None:
        return True
    path = tiles.inclusion(connection, organization, seq, signed.size)
    return verify_inclusion(hashed, seq, signed.size, signed.checkpoint.root, path)


def opened(connection: Connection, organization: int, first: int, end: int) -> Iterator[Opened]:
    """The events of a log from one number up to another, opened. Raises Pruned for one that is no more."""
    known = generations.generations(connection, organization)
    bounds = {"first": log.position(organization, first), "last": log.position(organization, end - 1)}
    for row in connection.execute(_EVENTS, bounds):
        if log.is_pruned(row):
            seq = log.seq_of(row)
            if (by := _pruned_by(connection, organization, seq)) is None:
                raise NotFound  # nothing says so: minutebook doctor tells
            raise Pruned(seq=seq, by=by)
        yield of_row(row, generations.log_of(known, log.seq_of(row)))


def _pruned_by(connection: Connection, organization: int, seq: int) -> int | None:
    """The number of the event that says so. Raises TooSlow."""
    scope = Scope(organization, log.read_head(connection, organization).size)
    prunes, first = Filter(actions=(LogPruned.action.name,)), seq + 1
    while found := search.window(connection, scope, prunes, first=first, limit=AT_ONCE):
        for event in found:
            details = known_details(event.action, event.details)
            if isinstance(details, LogPruned) and any(start <= seq <= end for start, end in details.ranges):
                return event.seq
        first = found[-1].seq + 1
    return None


def of_row(row: Row[Any], log_id: str) -> Opened:
    """The event in a row of the table `event`, opened. Raises ValueError, TypeError and others for a row that nobody
    has written so."""
    disclosures = body.unpack(row.disclosures)
    remains = remains_of(row.secret, disclosures)
    made = leaf(log.facts_of(log.event_of(row), log_id), remains.nonce, remains.commitments(disclosures))
    return Opened(
        log.seq_of(row), made, {path: (remains.salts[path], text) for path, text in disclosures.items() if text}
    )
