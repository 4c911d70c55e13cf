"""What evidence costs: recording with it and without it, and making proofs.

*Without* is the same event in the same tables, packed and durable, but with no secret, commitment, leaf or tree: what
recording would be if nobody had to believe it.
"""

from __future__ import annotations

import itertools
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, insert, text, update

from bench.fill import OPERATOR
from bench.ingest import prepared
from bench.measure import Timing
from bench.workload import Workload
from minutebook.config import DATABASE_FILE
from minutebook.custody.high_water import Custody
from minutebook.custody.signer import Signing, sign_logs
from minutebook.evidence.leaf import disclose
from minutebook.evidence.tree import HASH_SIZE
from minutebook.model import Client, Context, Event, Plan, Seat
from minutebook.organization import people
from minutebook.organization.organizations import CreateOrganization
from minutebook.record import perform
from minutebook.store import body, log, schema, tiles
from minutebook.store.engine import Store
from minutebook.store.migrate import migrate

HOST = "minutebook.local"
BATCHES = (1, 100, 1000)
SLICES = 8
WITHOUT, WITH = "without", "leaf, commitments, tree"
SERVED, EACH = "signed by a server", "each commit signed"
WAYS = (WITHOUT, WITH, SERVED, EACH)
PROOFS = ("an event in the log", "the log only grew")
LONG = 10_000_000
"""Events in the longest log that something is proven of."""
AT_ONCE = 1 << 17
HASHES = """
INSERT INTO event
  (position, organization, id, recorded_at, occurred_at, action, outcome, disclosures, secret, leaf_hash)
WITH RECURSIVE numbered (number) AS
  (SELECT :first UNION ALL SELECT number + 1 FROM numbered WHERE number + 1 < :end)
SELECT (1 << 40) | number, 1, hex(randomblob(18)), number, number, 'user.login', 'success', zeroblob(127),
  randomblob(32), randomblob(32) FROM numbered
"""
"""Events of which only the hashes matter; the rows are as wide as any."""

Record = Callable[[Sequence[log.Draft]], None]
"""Records these in one durable commit."""


@dataclass(frozen=True)
class Evidence:
    """Microseconds an event, by size of batch and way; and how long each kind of proof takes in each store."""

    recording: Mapping[int, Mapping[str, float]]
    proofs: Mapping[str, Mapping[str, Timing]]


def recording(folder: Path, load: Workload, seconds: float) -> dict[int, dict[str, float]]:
    """Each way in turn, slice after slice, so that whatever else the machine does hits all alike."""
    drafts = itertools.cycle([event.draft for event in prepared(load)])
    found: dict[int, dict[str, float]] = {}
    with TemporaryDirectory(dir=folder) as beside, ExitStack() as opened:
        ways = {way: opened.enter_context(_way(way, Path(beside) / str(place))) for place, way in enumerate(WAYS)}
        for batch in BATCHES:
            spent, events = dict.fromkeys(WAYS, 0.0), dict.fromkeys(WAYS, 0)
            for way in WAYS * SLICES:
                with ways[way]() as record:
                    began = time.perf_counter()
                    while (now := time.perf_counter()) - began < seconds / SLICES:
                        record(list(itertools.islice(drafts, batch)))
                        events[way] += batch
                    spent[way] += now - began
            found[batch] = {way: spent[way] / events[way] * 1e6 for way in WAYS}
    return found


def proofs(store: Store, organization: int, size: int, turns: int) -> dict[str, Timing]:
    """Proofs of events and of growth, anywhere in a log of so many events."""
    chance = random.Random(size)
    timings = {kind: Timing() for kind in PROOFS}
    for turn in range(turns + 1):
        seq, old = chance.randrange(size), chance.randrange(1, size)
        for kind in PROOFS:
            began = time.perf_counter()
            with store.reading() as connection:
                if kind == PROOFS[0]:
                    tiles.inclusion(connection, organization, seq, size)
                else:
                    tiles.consistency(connection, organization, old, size)
            if turn:  # the first one warms up
                timings[kind].milliseconds.append((time.perf_counter() - began) * 1000)
    return timings


def long_log(folder: Path, size: int, turns: int) -> dict[str, Timing]:
    """The same in a SQLite file with so many events in one log, of which nothing but the hashes is real."""
    with TemporaryDirectory(dir=folder) as beside:
        store = Store(f"sqlite:///{Path(beside) / DATABASE_FILE}")
        try:
            migrate(store)
            for first in range(0, size, AT_ONCE):
                end = min(first + AT_ONCE, size)
                with store.housekeeping() as connection:
                    connection.execute(text(HASHES), {"first": first, "end": end})
                    tiles.follow(connection, 1, first, end)
            return proofs(store, 1, size, turns)
        finally:
            store.close()


@contextmanager
def _way(way: str, folder: Path) -> Iterator[Callable[[], _Slice]]:
    """A way to record, into a new SQLite file of its own."""
    folder.mkdir()
    store = Store(f"sqlite:///{folder / DATABASE_FILE}")
    migrate(store)
    owner = people.create_user(store, "owner@bench.example", "Owner", None)
    founded = perform(
        store, Seat(0, OPERATOR, Context(client=Client.CLI)), CreateOrganization("Bench", owner, Plan.TEAMS)
    )
    assert isinstance(founded, Event)
    custody = Custody(folder / "custody")
    try:
        yield lambda: _Slice(way, store, custody, founded.organization)
    finally:
        store.close()


class _Slice:
    """Some recording in one way, with what runs beside it."""

    def __init__(self, way: str, store: Store, custody: Custody, organization: int) -> None:
        self._way, self._store, self._custody, self._organization = way, store, custody, organization
        self._signing = Signing(store, custody, HOST) if way == SERVED else None

    def __enter__(self) -> Record:
        if self._signing:
            self._signing.start()
        return self._record

    def __exit__(self, *_: object) -> None:
        if self._signing:
            self._signing.stop()

    def _record(self, drafts: Sequence[log.Draft]) -> None:
        with self._store.acting() as connection:
            head = log.lock_head(connection, self._organization)
            if self._way == WITHOUT:
                _bare(connection, head, drafts, self._store.clock())
            elif len(drafts) == 1:
                log.append(connection, head, drafts[0], at=self._store.clock(), randomness=os.urandom)
            else:
                log.append_many(connection, head, [(draft, self._store.clock()) for draft in drafts], os.urandom)
        if self._way == EACH:
            sign_logs(self._store, self._custody, HOST)


def _bare(connection: Connection, head: log.Head, drafts: Sequence[log.Draft], at: int) -> None:
    """The rows that would be there without evidence. The head keeps as many peaks as its size wants, of nothing."""
    rows = [
        {
            "position": log.position(head.organization, head.size + place),
            "organization": head.organization,
            "id": log.event_id(at, os.urandom),
            "recorded_at": at,
            "occurred_at": at,
            "action": draft.action,
            "outcome": draft.outcome.value,
            "disclosures": body.pack(disclose(draft.actor, draft.targets, draft.context, draft.details)),
            "secret": b"",
            "leaf_hash": b"",
        }
        for place, draft in enumerate(drafts)
    ]
    connection.execute(insert(schema.event), rows)
    size = head.size + len(rows)
    heads = schema.log_head
    moved = update(heads).where(heads.c.organization == head.organization)
    connection.execute(moved.values(size=size, peaks=b"\0" * HASH_SIZE * size.bit_count()))
