"""What is measured for whoever runs Minutebook, in the text of Prometheus. Nothing in it names a person or an
organization, or says what was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from minutebook import __version__
from minutebook.errors import StoreUnavailable
from minutebook.storage import storage_of
from minutebook.store.backlog import Backlog, read_backlog
from minutebook.store.engine import Store

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
OTHER = "other"
"""Whoever asks can make up methods without end, and each would be kept."""
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Until the answer begins: what is streamed takes as long as its reader."""

TOLD: dict[str, str] = {
    "organizations": "Organizations, those that are closed too",
    "events": "Events in all logs",
    "unsigned_logs": "Logs whose newest events no checkpoint covers yet",
    "unindexed_events": "Events that searches read one by one, until the index has them",
    "waiting_mails": "Mails that have not left, those that were given up too",
    "failing_anchors": "Anchors that could not be shown a head the last time",
}


class Metrics:
    """Counts requests, and reads the rest when it is asked."""

    def __init__(self, store: Store, directory: Path | None) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "minutebook_requests", "Answers, by route", ("route", "method", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "minutebook_request_seconds", "Until an answer begins", ("route",), buckets=SECONDS, registry=self._registry
        )
        ProcessCollector(registry=self._registry)
        self._registry.register(_Read(store, directory))

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Notes a request that was answered; `route` is its template, never its address."""
        self._requests.labels(route, method if method in METHODS else OTHER, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self._registry)


class _Read(Collector):
    """What is read when it is asked for. While the database is away, its numbers are left out."""

    def __init__(self, store: Store, directory: Path | None) -> None:
        self._store = store
        self._directory = directory

    def describe(self) -> Iterator[Metric]:
        """Nothing, so that registering it reads nothing."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Reads."""
        yield InfoMetricFamily("minutebook", "This version", {"version": __version__})
        backlog = self._backlog()
        yield GaugeMetricFamily(
            "minutebook_database_up", "Whether the database answers", value=float(backlog is not None)
        )
        if backlog:
            for name, told in TOLD.items():
                yield GaugeMetricFamily(f"minutebook_{name}", told, value=getattr(backlog, name))
        if self._directory:
            storage = storage_of(self._directory)
            yield GaugeMetricFamily(
                "minutebook_storage_used_bytes", "What is used of the disk of the data", value=storage.taken
            )
            yield GaugeMetricFamily("minutebook_storage_free_bytes", "What is free of it", value=storage.free)

    def _backlog(self) -> Backlog | None:
        try:
            with self._store.reading() as connection:
                return read_backlog(connection)
        except StoreUnavailable:
            return None
