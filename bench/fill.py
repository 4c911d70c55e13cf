"""Fills the databases with the workload, once: what was filled is found again by what it was filled with."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeVar

import numpy as np
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Table

from bench import baseline, workload
from bench.workload import AT_ONCE, BEGIN, END, LARGEST, Happening, Workload, domain_of
from minutebook.config import DATABASE_FILE
from minutebook.errors import MinutebookError
from minutebook.model import HOUR, Actor, ActorKind, Client, Context, Event, Plan, Seat
from minutebook.organization import people
from minutebook.organization.organizations import CreateOrganization, read_organization
from minutebook.record import perform
from minutebook.store import index, log, schema
from minutebook.store.engine import Store
from minutebook.store.migrate import migrate
from minutebook.store.sqlite import driver
from tests.support.postgres import EmbeddedServer

REPOSITORY = Path(__file__).resolve().parent.parent
WHAT_IS_STORED = (
    "store/schema.py",
    "store/log.py",
    "store/body.py",
    "store/disclosures-1.zdict",
    "store/columns.py",
    "store/blocks.py",
    "store/stripes.py",
    "store/index.py",
    "store/text.py",
    "store/tiles.py",
    "store/marks.py",
    "store/migrations/versions",
    "filters/words.py",
    "filters/text.py",
)
WRITERS = 16
"""So many more organizations are there only to be written to; their ranks are negative."""
OURS, BASELINES = "minutebook", "baselines"
OPERATOR = Actor(ActorKind.SYSTEM, "system", name="Minutebook (command line)")
MARKER = "filled.json"
Result = TypeVar("Result")


class Place(NamedTuple):
    """An organization in a store: its number, its public id, and how many events it had when all was filled."""

    number: int
    id: str
    size: int


@dataclass(frozen=True)
class Filled:
    """Where everything is. Places are by rank, the same in both of our stores; ours on PostgreSQL may be left out."""

    workload: Workload
    sqlite: Path
    with_postgres: bool
    places: dict[int, Place]
    seconds: dict[str, float]


def postgres_settings(memory: int) -> dict[str, str]:
    """PostgreSQL as one would set it up for this on a machine with so many bytes of memory."""
    return {
        "shared_buffers": f"{min(1024, memory // 2**22)}MB",
        "effective_cache_size": f"{memory // 2**21}MB",
        "work_mem": "64MB",
        "maintenance_work_mem": f"{min(512, memory // 2**22)}MB",
        "max_wal_size": "8GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "jit": "off",
        "autovacuum_naptime": "10min",  # it is vacuumed after filling; no vacuum in the middle of a measurement
    }


def conninfo(server: EmbeddedServer, database: str) -> str:
    """Where a database of the server is, for psycopg."""
    return make_conninfo(server.conninfo(), dbname=database)


def folder_of(directory: Path, load: Workload) -> Path:
    """Where the databases of this workload, in the schema of today, are kept."""
    digest = hashlib.sha256(str(workload.VERSION).encode())
    source = REPOSITORY / "src" / "minutebook"
    for name in WHAT_IS_STORED:
        for file in sorted((source / name).rglob("*.py")) if (source / name).is_dir() else [source / name]:
            digest.update(file.read_bytes())
    return directory / f"{load.events}-{load.organizations}-{load.seed}-{digest.hexdigest()[:12]}"


def find(folder: Path, load: Workload, *, with_postgres: bool) -> Filled | None:
    """What is in the folder, if filling it was finished, with our store on PostgreSQL where that is wanted."""
    if not (folder / MARKER).exists():
        return None
    kept = json.loads((folder / MARKER).read_text())
    if with_postgres and not kept["with_postgres"]:
        return None
    places = {int(rank): Place(*place) for rank, place in kept["places"].items()}
    return Filled(load, folder / DATABASE_FILE, kept["with_postgres"], places, kept["seconds"])


def prepare(folder: Path) -> None:
    """An empty folder, in place of what a filling that was broken off may have left there."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "postgres").mkdir(parents=True)


def fill(folder: Path, load: Workload, server: EmbeddedServer, *, with_postgres: bool) -> Filled:
    """Fills all of them: SQLite in one process, the baselines in another, and then ours on PostgreSQL from SQLite's, if
    it is wanted."""
    for name in (OURS, BASELINES):
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
    file = folder / DATABASE_FILE
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        sqlite = processes.submit(_apart, _fill_sqlite, file, load)
        baselines = processes.submit(_apart, _fill_baselines, conninfo(server, BASELINES), load)
        places, in_sqlite = sqlite.result()
        seconds = {"SQLite": in_sqlite, "baselines": baselines.result()}
    if with_postgres:
        numbers = [place.number for place in places.values()]
        seconds["PostgreSQL"] = _copy(file, server.admin.set(database=OURS), load, numbers)
    kept = {"workload": asdict(load), "with_postgres": with_postgres, "places": places, "seconds": seconds}
    (folder / MARKER).write_text(json.dumps(kept))
    return Filled(load, file, with_postgres, places, seconds)


def _apart(fill_: Callable[..., Result], *arguments: object) -> Result:
    """Runs in a process of its own, which can only send on errors that are made of a text."""
    try:
        return fill_(*arguments)
    except MinutebookError as error:
        raise RuntimeError(str(error)) from error


class _Filler:
    """A new store that is being filled."""

    def __init__(self, url: str | URL, load: Workload) -> None:
        self._now = BEGIN - HOUR
        self._load = load
        self._chance = random.Random(f"{load.seed} secrets")
        self._store = Store(url, clock=self._clock, randomness=self._chance.randbytes, durable=False)
        migrate(self._store)
        self._numbers: dict[int, int] = {}
        self.founded = [self._found(rank) for rank in (*range(load.organizations), *range(-WRITERS, 0))]

    def add(self, happenings: list[Happening]) -> None:
        """Adds them in one transaction, organization by organization."""
        of_each: dict[int, list[tuple[log.Draft, int]]] = defaultdict(list)
        for rank, at, draft in happenings:
            of_each[self._numbers[rank]].append((draft, at))
        with self._store.acting() as connection:
            for number in sorted(of_each):
                log.append_many(connection, log.lock_head(connection, number), of_each[number], self._chance.randbytes)

    def finish(self) -> dict[int, Place]:
        """Everything is on the disk; what is there."""
        places = {}
        with self._store.reading() as connection:
            for rank, number in self._numbers.items():
                public = read_organization(connection, number).id
                places[rank] = Place(number, public, log.read_head(connection, number).size)
        index.follow_all(self._store)
        self._store.make_durable()
        self._store.close()
        return places

    def _found(self, rank: int) -> Happening:
        name = f"Company {rank}" if rank >= 0 else f"Written to {-rank}"
        address = owner_of(rank, self._load)
        with self._store.reading() as connection:
            owner = people.find_user(connection, address)
        owner = owner or people.create_user(self._store, address, "Owner", None)
        command = CreateOrganization(name, owner, Plan.ENTERPRISE)
        event = perform(self._store, Seat(0, OPERATOR, Context(client=Client.CLI)), command)
        assert isinstance(event, Event)
        self._numbers[rank] = event.organization
        draft = log.Draft(event.action, event.outcome, event.actor, event.targets, event.context, event.details)
        return Happening(rank, event.occurred_at, draft)

    def _clock(self) -> int:
        self._now += 1000
        return self._now


def owner_of(rank: int, load: Workload) -> str:
    """The address of whoever owns the organization; one person owns the largest and those that are asked beside it."""
    if rank in load.small:
        return owner_of(LARGEST, load)
    return f"owner@{domain_of(rank) if rank >= 0 else f'written-to-{-rank}.example'}"


def _fill_sqlite(file: Path, load: Workload) -> tuple[dict[int, Place], float]:
    began = time.monotonic()
    filler = _Filler(f"sqlite:///{file}", load)
    for happenings in _told("SQLite", load):
        filler.add(happenings)
    return filler.finish(), time.monotonic() - began


def _fill_baselines(baselines: str, load: Workload) -> float:
    """Fills both with the same events in the same order; in how many seconds."""
    began = time.monotonic()
    chance = random.Random(f"{load.seed} baselines")
    with TemporaryDirectory() as beside, psycopg.connect(baselines, autocommit=True) as connection:
        founded = _Filler(f"sqlite:///{beside}/{DATABASE_FILE}", load).founded  # somewhere they must be
        baseline.create(connection)

        def add(happenings: list[Happening]) -> None:
            rows = [baseline.row_of(happening, chance) for happening in happenings]
            for table in baseline.INDEXES:
                baseline.add(connection, table, rows)

        add([one for one in founded if one.organization >= 0])
        for happenings in _told("baselines", load):
            # in the order in which ours are stored, so that the same events are neighbours on the disk
            add(sorted(happenings, key=lambda happening: happening.organization))
        for table in baseline.INDEXES:
            baseline.index(connection, table)
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    return time.monotonic() - began


def _copy(file: Path, url: URL, load: Workload, numbers: Collection[int]) -> float:
    """Puts into our store on PostgreSQL what the one on SQLite holds, of these organizations: nothing of it depends on
    the database. In how many seconds."""
    began = time.monotonic()
    store = Store(url)
    migrate(store)
    store.close()
    tables = schema.metadata.sorted_tables
    ours = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with (
        closing(driver().connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as source,
        psycopg.connect(ours, autocommit=True) as target,
    ):
        target.execute("SET session_replication_role = replica")  # the guard has asked already, at SQLite
        target.execute(sql.SQL("TRUNCATE {}").format(_names(table.name for table in tables)))
        for table in tables:
            into = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), _names(table.columns.keys()))
            with target.cursor().copy(into) as copying:
                for row in _stored(source, table, load, numbers):
                    copying.write_row(row)
        serial = "pg_get_serial_sequence('log_head', 'organization')"
        target.execute(f"SELECT setval({serial}, max(organization)) FROM log_head")
        target.execute("VACUUM ANALYZE")
        target.execute("CHECKPOINT")
    return time.monotonic() - began


def _names(names: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _stored(source: Any, table: Table, load: Workload, numbers: Collection[int]) -> Iterator[tuple[Any, ...]]:
    """All of a table, in the order in which it was stored: events of all organizations came together, what follows
    them organization by organization."""
    select = sql.SQL("SELECT {} FROM {}").format(_names(table.columns.keys()), sql.Identifier(table.name))
    every = select.as_string(None)
    if table is not schema.event:
        yield from source.execute(every)
        return
    for span in _as_recorded(source, load, numbers):
        yield from source.execute(f"{every} WHERE position BETWEEN ? AND ? ORDER BY position", span)


def _as_recorded(source: Any, load: Workload, numbers: Collection[int]) -> Iterator[tuple[int, int]]:
    """The first and the last position of what each organization recorded within some time, one time after the other:
    about as many events in each as are added in one transaction."""
    ends = np.linspace(BEGIN, END, max(2, load.events // AT_ONCE + 1)).astype(np.int64)[1:-1]
    parts: list[list[tuple[int, int]]] = [[] for _ in range(len(ends) + 1)]
    for number in sorted(numbers):
        base = number << schema.SEQ_BITS
        times = source.execute(
            "SELECT recorded_at FROM event WHERE position BETWEEN ? AND ? ORDER BY position",
            (base, base | log.SEQ_MASK),
        )
        recorded = np.fromiter((at for (at,) in times), np.int64)
        edges = [0, *np.searchsorted(recorded, ends).tolist(), len(recorded)]
        for part, (first, end) in zip(parts, itertools.pairwise(edges), strict=True):
            if first < end:
                part.append((base | first, base | (end - 1)))
    return itertools.chain.from_iterable(parts)


def _told(what: str, load: Workload) -> Iterator[list[Happening]]:
    """The workload, telling how far it is."""
    done, told = 0, time.monotonic()
    for happenings in load.happenings():
        yield happenings
        done += len(happenings)
        if time.monotonic() - told > 15:
            told = time.monotonic()
            print(f"  {what}: {done:,} of {load.events:,} events", file=sys.stderr, flush=True)
