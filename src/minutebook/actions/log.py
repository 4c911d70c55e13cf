"""log.*: what is done with the log itself."""

from __future__ import annotations

from enum import StrEnum

from minutebook.actions import ocsf
from minutebook.actions.catalogue import Details, Severity, action
from minutebook.actions.values import Query


@action(
    "log.view", title="Audit log read", severity=Severity.LOW, ocsf=ocsf.READ, says="Opened the audit log", since="0.1"
)
class LogViewed(Details):
    """Someone began to read the audit log; what they read in the next 30 minutes belongs to it."""


class Format(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"
    OCSF = "ocsf"

    @property
    def label(self) -> str:
        return {"csv": "CSV", "jsonl": "JSON Lines", "parquet": "Parquet", "ocsf": "OCSF"}[self.value]


@action(
    "log.export",
    title="Audit log exported",
    severity=Severity.MEDIUM,
    ocsf=ocsf.READ,
    says="Exported the log of {events} as {format}[, filtered by {filtered_by}][, which meant {meaning}]"
    "[, from number {first} on]",
    since="0.1",
)
class LogExported(Details):
    """Someone was given a file of the log. `size` is how many events the log held at the snapshot, `query` the filter
    (everything without one), `meant` the same with instants where it told times from then on, and `first` the number of
    the event that it begins with when the file goes on from an earlier one."""

    format: Format
    size: int
    query: str | None = None
    meant: str | None = None
    first: int | None = None

    @property
    def events(self) -> str:
        return f"{self.size:,} event{'' if self.size == 1 else 's'}"

    @property
    def filtered_by(self) -> Query | None:
        return None if self.query is None else Query(text=self.query)

    @property
    def meaning(self) -> Query | None:
        return None if self.meant is None else Query(text=self.meant)
