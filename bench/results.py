"""What was measured, under the names of the systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.browser import Shown
from bench.evidence import Evidence
from bench.ingest import Ingest
from bench.measure import Measured, Timing

SQLITE, POSTGRES, HTTP, AS_FOUND, FAIR = "SQLite", "PostgreSQL", "HTTP API", "as found", "fair"


@dataclass
class Results:
    """What was measured. The inner keys are names of systems."""

    machine: Mapping[str, str]
    workload: Mapping[str, str]
    queries: Sequence[Measured]
    pages: Mapping[str, Shown]
    cold: Mapping[str, Mapping[str, Timing]]
    exports: Mapping[str, float]
    ingest: Mapping[str, Mapping[str, tuple[Ingest, Ingest]]]
    bytes: Mapping[str, float]
    evidence: Evidence

    @property
    def disagreements(self) -> list[str]:
        """What systems did not agree on; such times cannot be compared."""
        return [one.disagreement for one in self.queries if one.disagreement]


def ratio(one: Measured, ours: str, other: str) -> float:
    """How many times as long another system took at the median."""
    return one.timings[other].at(0.5) / one.timings[ours].at(0.5)
