"""One run: fill what is not there, measure, and say what was found."""

from __future__ import annotations

import gc
import itertools
import os
import statistics
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import URL

from bench import api, baseline, browser, cold, evidence, fill, ingest, machine, results
from bench.acts import MAKERS
from bench.evidence import Evidence
from bench.fill import BASELINES, Filled
from bench.ingest import Ingest
from bench.measure import Limits, Measured, Timing, ask_all, export_rates
from bench.questions import kinds
from bench.results import Results
from bench.systems import BesideUs, Ours, System
from bench.workload import LARGEST, Workload
from minutebook.actions import CATALOGUE
from minutebook.store.engine import Store
from tests.support.postgres import EmbeddedServer

TABLES = {results.AS_FOUND: baseline.AS_FOUND, results.FAIR: baseline.FAIR}
READERS = 2


@dataclass(frozen=True)
class Plan:
    """What is measured, where the databases are kept, and how thoroughly: `shown` is how often each page is shown in a
    browser, `cold` how often each kind is asked cold, `writing` for how many seconds each way of writing is tried. Our
    store on PostgreSQL can be left out."""

    workload: Workload
    directory: Path
    limits: Limits
    shown: int
    cold: int
    writing: float
    fresh: bool = False
    with_postgres: bool = True


def run(plan: Plan) -> Results:
    """All of it."""
    folder = fill.folder_of(plan.directory, plan.workload)
    folder.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0 and not all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents)):
        raise SystemExit(
            f"PostgreSQL does not run as root, and the account nobody may not enter {folder}. Name another --directory."
        )
    with _databases(folder, plan) as (filled, server):
        facts = machine.facts(folder, server.conninfo())
        if plan.shown:
            facts["Browser"] = browser.name()
        bench = _Bench(filled, server)
        gc.freeze()  # as a server does: no question waits while the collector looks through what the bench holds
        queries, exports = bench.asked(plan.limits)
        return Results(
            machine=facts,
            workload=bench.workload(),
            queries=queries,
            exports=exports,
            bytes=bench.bytes(),
            pages=bench.pages(plan.shown) if plan.shown else {},
            cold=bench.cold(plan.cold) if plan.cold else {},
            ingest=bench.ingest(plan.writing) if plan.writing else {},
            evidence=bench.evidence(folder, plan.limits, plan.writing),
        )


@contextmanager
def _databases(folder: Path, plan: Plan) -> Iterator[tuple[Filled, EmbeddedServer]]:
    """The filled databases, with PostgreSQL running."""
    filled = None if plan.fresh else fill.find(folder, plan.workload, with_postgres=plan.with_postgres)
    if filled is None:
        fill.prepare(folder)
    settings = fill.postgres_settings(machine.memory())
    server = EmbeddedServer(durable=True, keep_in=folder / "postgres", settings=settings)
    try:
        if filled is None:
            _tell(f"Filling {folder} with {plan.workload.events:,} events")
            filled = fill.fill(folder, plan.workload, server, with_postgres=plan.with_postgres)
        yield filled, server
    finally:
        server.stop()
        server.remove()


class _Bench:
    """The filled databases, and what is measured of them."""

    def __init__(self, filled: Filled, server: EmbeddedServer) -> None:
        self._filled = filled
        self._server = server
        self._baselines = fill.conninfo(server, BASELINES)
        self._ours = {
            results.SQLITE: (URL.create("sqlite", database=str(filled.sqlite)), filled.places),
            results.POSTGRES: (server.admin.set(database=fill.OURS), filled.places),
        }
        if not filled.with_postgres:
            del self._ours[results.POSTGRES]
        with self._systems() as systems:
            sqlite = systems[0]
            assert isinstance(sqlite, Ours)
            self._kinds = kinds(filled, sqlite.store)

    def workload(self) -> dict[str, str]:
        """What was stored."""
        load, place = self._filled.workload, self._filled.places[LARGEST]
        with self._systems() as systems:
            sizes = [len(line) for line in itertools.islice(systems[0].export(LARGEST), 1, 2001)]
        return {
            "Events": f"{load.events:,} in {load.organizations:,} organizations within two years",
            "In the largest": f"{place.size:,}",
            "An event as JSON": f"{statistics.mean(sizes):,.0f} bytes",
            "Actions": f"{len({*MAKERS, 'organization.create'})} of the {len(CATALOGUE)} in the catalogue",
            "Filled in": ", ".join(f"{seconds:,.0f} s ({name})" for name, seconds in self._filled.seconds.items()),
        }

    def asked(self, limits: Limits) -> tuple[list[Measured], dict[str, float]]:
        """Every kind of question, of every system, and how fast the largest organization leaves each."""
        measured = []
        with self._all() as systems:
            for kind in self._kinds:
                _tell(f"Asking: {kind.name}")
                measured.append(ask_all(kind, systems, limits))
            _tell("Exporting")
            return measured, export_rates(systems, limits)

    def pages(self, turns: int) -> dict[str, browser.Shown]:
        """How long the page takes in a browser."""
        _tell("Showing pages in a browser")
        with api.serving(self._filled.sqlite, self._filled.workload) as (address, token, _):
            return browser.pages(address, token, self._filled.places, self._kinds, turns)

    def bytes(self) -> dict[str, float]:
        """What an event takes on the disk in each system, with everything."""
        everything = sum(place.size for place in self._filled.places.values())
        tables = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        with psycopg.connect(fill.conninfo(self._server, fill.OURS)) as connection:
            ours = connection.execute(f"{tables} AND relkind IN ('r', 'm')").fetchone()
        assert ours is not None
        sizes = {
            results.SQLITE: self._filled.sqlite.stat().st_size / everything,
            results.POSTGRES: float(ours[0] or 0) / everything,
        }
        sizes = {name: sizes[name] for name in self._ours}
        with self._systems() as systems:
            beside = [system for system in systems if isinstance(system, BesideUs)]
            return sizes | {system.name: system.table.bytes() / self._filled.workload.events for system in beside}

    def cold(self, times: int) -> dict[str, dict[str, Timing]]:
        """Some kinds, each after everything was closed and forgotten."""
        _tell("Asking when nothing is in memory")
        return cold.ask_cold(self._kinds, self._forgetful, times)

    def ingest(self, seconds: float) -> dict[str, dict[str, tuple[Ingest, Ingest]]]:
        """Every way to write, into every system, alone and while it is read."""
        events = ingest.prepared(self._filled.workload)
        found: dict[str, dict[str, tuple[Ingest, Ingest]]] = {}
        with ExitStack() as opened:
            writes = {
                name: opened.enter_context(ingest.into_ours(url, places, events))
                for name, (url, places) in self._ours.items()
            } | {
                name: opened.enter_context(ingest.into_baseline(self._baselines, table, events))
                for name, table in TABLES.items()
            }
            readers = [opened.enter_context(self._systems()) for _ in range(READERS)]
            for mode in ingest.MODES:
                _tell(f"Writing: {mode.name}")
                alone = {name: Ingest(ingest.rate(write, mode, seconds)) for name, write in writes.items()}
                busy = {
                    doors[0].name: ingest.under_queries(writes[doors[0].name], mode, seconds, doors, self._kinds)
                    for doors in zip(*readers, strict=True)
                }
                found[mode.name] = {name: (alone[name], busy[name]) for name in writes}
            for system in readers[0]:
                if isinstance(system, BesideUs):
                    system.table.forget(range(-fill.WRITERS, 0))
        return found

    def evidence(self, folder: Path, limits: Limits, seconds: float) -> Evidence:
        """What recording costs with and without it, and how long proofs take."""
        _tell("Recording with and without evidence, and proving")
        recorded = evidence.recording(folder, self._filled.workload, seconds) if seconds else {}
        proven = {}
        for name, (url, places) in self._ours.items():
            store = Store(url, lock=False)
            place = places[LARGEST]
            proven[name] = evidence.proofs(store, place.number, place.size, limits.turns)
            store.close()
        long = min(10 * self._filled.workload.events, evidence.LONG)
        proven[f"SQLite, one log of {long:,} events"] = evidence.long_log(folder, long, limits.turns)
        return Evidence(recorded, proven)

    @contextmanager
    def _all(self) -> Iterator[list[System]]:
        """Those at the store, and the API of a server that has the SQLite file."""
        filled = self._filled
        with ExitStack() as opened:
            address, token, seal = opened.enter_context(api.serving(filled.sqlite, filled.workload))
            stores = opened.enter_context(self._systems())
            http = opened.enter_context(closing(api.Api(results.HTTP, address, token, seal, filled.places)))
            yield [*stores[: len(self._ours)], http, *stores[len(self._ours) :]]

    @contextmanager
    def _systems(self) -> Iterator[list[System]]:
        """All that are at the store, opened for reading."""
        systems = self._open()
        try:
            yield systems
        finally:
            for system in systems:
                system.close()

    def _open(self) -> list[System]:
        ours = [Ours(name, Store(url, lock=False), places) for name, (url, places) in self._ours.items()]
        return [*ours, *(BesideUs(name, self._baselines, table) for name, table in TABLES.items())]

    def _forgetful(self) -> list[System]:
        """All of them, opened anew when nothing of theirs is in memory; their connections are there."""
        self._server.stop()
        cold.forget(self._filled.sqlite.parent)
        self._server.start()
        systems = self._open()
        for system in systems:
            if isinstance(system, Ours):
                with system.store.reading() as connection:
                    connection.exec_driver_sql("SELECT 1")
        return systems


def _tell(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
