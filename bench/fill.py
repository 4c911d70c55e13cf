"""Fills the databases with the workload, once: what was filled is found again by what it was filled with."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL

from bench import baseline, workload
from bench.workload import BEGIN, LARGEST, Happening, Workload, domain_of
from minutebook.config import DATABASE_FILE
from minutebook.errors import MinutebookError
from minutebook.model import HOUR, Actor, ActorKind, Client, Context, Event, Plan, Seat
from minutebook.organization import people
from minutebook.organization.organizations import CreateOrganization, read_organization
from minutebook.record import perform
from minutebook.store import index, log
from minutebook.store.engine import Store
from minutebook.store.migrate import migrate
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


class Place(NamedTuple):
    """An organization in a store: its number, its public id, and how many events it had when all was filled."""

    number: int
    id: str
    size: int


@dataclass(frozen=True)
class Filled:
    """Where everything is. Places are by rank."""

    workload: Workload
    sqlite: Path
    postgres: Path
    in_sqlite: dict[int, Place]
    in_postgres: dict[int, Place]
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
    if with_postgres and not kept["postgres"]:
        return None
    in_sqlite, in_postgres = (
        {int(rank): Place(*place) for rank, place in kept[name].items()} for name in ("sqlite", "postgres")
    )
    return Filled(load, folder / DATABASE_FILE, folder / "postgres", in_sqlite, in_postgres, kept["seconds"])


def prepare(folder: Path) -> None:
    """An empty folder, in place of what a filling that was broken off may have left there."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "postgres").mkdir(parents=True)


def fill(folder: Path, load: Workload, server: EmbeddedServer, *, with_postgres: bool) -> Filled:
    """Fills all of them, SQLite in one process and PostgreSQL in another; without ours there where it is not wanted."""
    for name in (OURS, BASELINES):
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
    ours = str(server.admin.set(database=OURS).render_as_string(hide_password=False)) if with_postgres else None
    _wait_for_the_disk(server, wait=False)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        sqlite = processes.submit(_apart, _fill_sqlite, folder / DATABASE_FILE, load)
        postgres = processes.submit(_apart, _fill_postgres, ours, conninfo(server, BASELINES), load)
        in_sqlite, sqlite_seconds = sqlite.result()
        in_postgres, postgres_seconds = postgres.result()
    _wait_for_the_disk(server, wait=True)
    seconds = {"SQLite": sqlite_seconds, "PostgreSQL" if with_postgres else "baselines": postgres_seconds}
    kept = {"workload": asdict(load), "sqlite": in_sqlite, "postgres": in_postgres, "seconds": seconds}
    (folder / MARKER).write_text(json.dumps(kept))
    return Filled(load, folder / DATABASE_FILE, folder / "postgres", in_sqlite, in_postgres, seconds)


def _wait_for_the_disk(server: EmbeddedServer, *, wait: bool) -> None:
    """Whether a commit of ours on PostgreSQL does; while filling it need not, and the checkpoint at the end does."""
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {OURS} SET synchronous_commit = {'on' if wait else 'off'}")
        connection.execute("CHECKPOINT")


def _apart(fill_: Callable[..., tuple[dict[int, Place], float]], *arguments: object) -> tuple[dict[int, Place], float]:
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
        if self._store.is_sqlite:
            index.follow_all(self._store)
            self._store.make_durable()
        else:
            _follow_from_both_ends(self._store)
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


def _follow_from_both_ends(store: Store) -> None:
    """Follows every log to its end, in two processes: PostgreSQL lets both write; one alone waits half its time."""
    other = get_context("spawn").Process(target=_follow_from_the_last, args=(store.url,))
    other.start()
    index.follow_all(store)
    other.join()
    index.follow_all(store)  # what the other left, if it failed


def _follow_from_the_last(url: URL) -> None:
    store = Store(url, lock=False)
    with store.reading() as connection:
        numbers = index.behind(connection)
    for number in reversed(numbers):
        for _ in index.follow(store, number):
            pass
    store.close()


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


def _fill_postgres(url: str | None, baselines: str, load: Workload) -> tuple[dict[int, Place], float]:
    """Ours, if there is a URL, and the baselines, from the same events in the same order."""
    began = time.monotonic()
    chance = random.Random(f"{load.seed} baselines")
    with TemporaryDirectory() as beside, psycopg.connect(baselines, autocommit=True) as connection:
        filler = _Filler(url or f"sqlite:///{beside}/{DATABASE_FILE}", load)  # somewhere they must be founded
        baseline.create(connection)

        def add(happenings: list[Happening]) -> None:
            rows = [baseline.row_of(happening, chance) for happening in happenings]
            for table in baseline.INDEXES:
                baseline.add(connection, table, rows)

        add([founded for founded in filler.founded if founded.organization >= 0])
        for happenings in _told("PostgreSQL", load):
            if url:
                filler.add(happenings)
            # in the order in which ours are stored, so that the same events are neighbours on the disk
            add(sorted(happenings, key=lambda happening: happening.organization))
        for table in baseline.INDEXES:
            baseline.index(connection, table)
        connection.execute("VACUUM ANALYZE")
    if not url:
        return {}, time.monotonic() - began
    places = filler.finish()
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return places, time.monotonic() - began


def _told(what: str, load: Workload) -> Iterator[list[Happening]]:
    """The workload, telling how far it is."""
    done, told = 0, time.monotonic()
    for happenings in load.happenings():
        yield happenings
        done += len(happenings)
        if time.monotonic() - told > 15:
            told = time.monotonic()
            print(f"  {what}: {done:,} of {load.events:,} events", file=sys.stderr, flush=True)
