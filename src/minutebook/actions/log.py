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
    BUNDLE = "bundle"

    @property
    def label(self) -> str:
        labels = {"csv": "CSV", "jsonl": "JSON Lines", "parquet": "Parquet", "ocsf": "OCSF", "bundle": "evidence"}
        return labels[self.value]


@action(
    "log.export",
    title="Audit log exported",
    severity=Severity.MEDIUM,
    ocsf=ocsf.READ,
    says="Exported[ all {events}][ what {filtered_by} finds][ (it meant {meaning})] as {format}"
    "[, without {left_out}][, from number {first} on]",
    since="0.1",
)
class LogExported(Details):
    """Someone was given a file of the log: all of it, or what the filter `query` finds, and then the file itself says
    how many events that is. `size` is how many the log held at the snapshot, `meant` the filter with instants where it
    told times from then on, and `first` the number that the file begins with when it goes on from an earlier one.
    `withheld` are the fields that evidence does not show."""

    format: Format
    size: int
    query: str | None = None
    meant: str | None = None
    first: int | None = None
    withheld: tuple[str, ...] | None = None

    @property
    def left_out(self) -> str | None:
        return ", ".join(self.withheld) if self.withheld else None

    @property
    def events(self) -> str | None:
        """How many events the file has, where that is known before it is written."""
        if self.query is not None:
            return None
        number = self.size - (self.first or 0)
        return f"{number:,} event{'' if number == 1 else 's'}"

    @property
    def filtered_by(self) -> Query | None:
        return None if self.query is None else Query(text=self.query)

    @property
    def meaning(self) -> Query | None:
        return None if self.meant is None else Query(text=self.meant)
