"""Writing: how many events a second are durable, by one writer and by many, one by one and in batches."""

from __future__ import annotations

import itertools
import os
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import psycopg
from sqlalchemy import URL

from bench.baseline import Baseline, Row, organization_id, row_of
from bench.fill import WRITERS, Place
from bench.measure import Timing
from bench.questions import Kind
from bench.systems import System
from bench.workload import Happening, Workload
from minutebook.store import log
from minutebook.store.engine import Store

Write = Callable[[int, int], None]
"""Writes so many events into the organization with this rank, in one commit."""
PREPARED = 2000


class Mode(NamedTuple):
    """A way to write: so many writers, each into an organization of its own, so many events in each commit."""

    name: str
    writers: int
    batch: int


MODES = (
    Mode("single commits, 1 writer", 1, 1),
    Mode(f"single commits, {WRITERS} writers", WRITERS, 1),
    Mode("batches of 100, 1 writer", 1, 100),
    Mode("batches of 1,000, 1 writer", 1, 1000),
)


@dataclass(frozen=True)
class Ingest:
    """What was written a second; and besides, when there were readers, what they were answered a second and how fast
    the first page came."""

    events: float
    answers: float = 0
    first_page: Timing | None = None


def prepared(load: Workload) -> list[Happening]:
    """Events to write, over and over."""
    return next(Workload(PREPARED, load.organizations, load.seed).happenings())


@contextmanager
def into_ours(url: URL, places: Mapping[int, Place], events: Sequence[Happening]) -> Iterator[Write]:
    """Through the record, as an act's event is."""
    drafts = itertools.cycle([event.draft for event in events])
    turn = threading.Lock()
    store = Store(url)

    def write(rank: int, number: int) -> None:
        with turn:
            chosen = list(itertools.islice(drafts, number))
        with store.acting() as connection:
            head = log.lock_head(connection, places[rank].number)
            if number == 1:
                log.append(connection, head, chosen[0], at=store.clock(), randomness=os.urandom)
            else:
                log.append_many(connection, head, [(draft, store.clock()) for draft in chosen], os.urandom)

    try:
        yield write
    finally:
        store.close()


@contextmanager
def into_baseline(conninfo: str, table: str, events: Sequence[Happening]) -> Iterator[Write]:
    """As one would: an INSERT for each, each writer on a connection of its own."""
    chance, ranks = random.Random(PREPARED), range(-WRITERS, 0)
    prepared_rows = [row_of(event, chance) for event in events]
    rows = {rank: itertools.cycle(prepared_rows) for rank in ranks}
    with ExitStack() as connections:
        tables = {
            rank: Baseline(connections.enter_context(psycopg.connect(conninfo, autocommit=True)), table)
            for rank in ranks
        }

        def write(rank: int, number: int) -> None:
            tables[rank].write([_now(row, rank) for row in itertools.islice(rows[rank], number)])

        yield write


def _now(row: Row, rank: int) -> Row:
    """The same in this organization, just now."""
    _, action, actor_id, email, name, _, message, _ = row
    return (uuid.uuid4(), action, actor_id, email, name, organization_id(rank), message, datetime.now(UTC))


def rate(write: Write, mode: Mode, seconds: float) -> float:
    """Events a second, from the first begin to the last commit."""
    written = [0] * mode.writers
    failed: list[Exception] = []
    began = time.perf_counter()

    def work(writer: int) -> None:
        try:
            while time.perf_counter() - began < seconds:
                write(-1 - writer, mode.batch)
                written[writer] += mode.batch
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(writer,)) for writer in range(mode.writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return sum(written) / (time.perf_counter() - began)


@contextmanager
def readers(systems: Sequence[System], kinds: Sequence[Kind]) -> Iterator[tuple[list[int], Timing]]:
    """Asks one question after the other, a reader for each of the given doors to the same system, until the block ends.

    Yields how many were answered by each, and how long the first page took.
    """
    answered, first_page, over = [0] * len(systems), Timing(), threading.Event()
    questions = [question for kind in kinds for question in kind.questions[:2]]

    def read(reader: int) -> None:
        mixed = random.Random(reader).sample(questions, len(questions))
        for number, question in enumerate(itertools.cycle(mixed)):
            began = time.perf_counter()
            if number % 2:
                systems[reader].ask(question)
            else:
                systems[reader].ask(kinds[0].questions[0])
                first_page.milliseconds.append((time.perf_counter() - began) * 1000)
            answered[reader] += 1
            if over.is_set():
                return

    threads = [threading.Thread(target=read, args=(reader,)) for reader in range(len(systems))]
    for thread in threads:
        thread.start()
    try:
        yield answered, first_page
    finally:
        over.set()
        for thread in threads:
            thread.join()


def under_queries(write: Write, mode: Mode, seconds: float, systems: Sequence[System], kinds: Sequence[Kind]) -> Ingest:
    """The same while others read."""
    began = time.perf_counter()
    with readers(systems, kinds) as (answered, first_page):
        events = rate(write, mode, seconds)
        answers = sum(answered) / (time.perf_counter() - began)
    return Ingest(events, answers, first_page)
