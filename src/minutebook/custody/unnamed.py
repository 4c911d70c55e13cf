"""Is everything that a log says is gone named in the ledger? Whoever writes to the database alone can delete a value,
and put an event behind the newest that says it was erased, by whomever they like. The ledger is out of their reach.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select

from minutebook.actions import read_details
from minutebook.actions.log_custody import FieldsErased, LogPruned
from minutebook.custody.ledger import WHOLE, Ledger
from minutebook.model import Event
from minutebook.store import log, schema
from minutebook.store.check import Finding
from minutebook.store.log import SEQ_MASK, position

AT_ONCE = 1_000
PROBLEM = "It says that something is gone which the ledger of erasures does not name."
SAYING = (FieldsErased.action.name, LogPruned.action.name)


def unnamed(connection: Connection, organization: int, ledger: Ledger) -> Iterator[Finding]:
    """Each event that says of something that it is gone which the ledger does not name. The log must be whole. It takes
    memory for what is gone."""
    said: dict[bytes, tuple[int, int]] = {}  # commitment or leaf hash → who says that it is gone, and of which event
    for event in _saying(connection, organization):
        said |= {digest: (event.seq, seq) for seq, digest in _gone(connection, organization, event)}
    whole = set[bytes]()
    for path, digest in ledger.every() if said else ():
        said.pop(digest, None)
        if path == WHOLE:
            whole.add(digest)
    # what a backup had again of an event that was pruned was erased field by field
    left = sorted(set(said.values()))
    hashes = dict[int, bytes]()
    for at in range(0, len(left), AT_ONCE):
        hashes |= log.leaf_hashes(connection, organization, [seq for _, seq in left[at : at + AT_ONCE]])
    for by in sorted({by for by, seq in left if hashes.get(seq) not in whole}):
        yield Finding(organization, by, PROBLEM)


def _saying(connection: Connection, organization: int) -> Iterator[Event]:
    event = schema.event.c
    here = event.position.between(position(organization, 0), position(organization, SEQ_MASK))
    statement = select(*log.SHOWN).where(here, event.action.in_(SAYING)).order_by(event.position)
    yield from map(log.event_of, connection.execute(statement))


def _gone(connection: Connection, organization: int, event: Event) -> Iterator[tuple[int, bytes]]:
    details = read_details(event.action, event.details, event.erased)
    if isinstance(details, FieldsErased):
        yield from ((seq, bytes.fromhex(digest)) for seq, _, digest in details.erased)
    elif isinstance(details, LogPruned):
        for first, last in details.ranges:
            yield from log.leaf_hashes(connection, organization, range(first, last + 1)).items()
