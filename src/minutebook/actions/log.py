"""log.*: reading the log, and taking it along. What becomes of the log itself is in `log_custody.py`."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from minutebook.actions import ocsf
from minutebook.actions.catalogue import Details, Severity, action
from minutebook.actions.telling import path_title
from minutebook.actions.values import Query, number_of


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
    says="Exported[ all {events}][ ({pruned_before} pruned before)][ what {filtered_by} finds][ (it meant {meaning})]"
    " as {format}[, without {left_out}][, from number {first} on]",
    since="0.1",
)
class LogExported(Details):
    """Someone was given a file of the log: all of it, or what the filter `query` finds, and then the file itself says
    how many events that is. `size` is how many the log held at the snapshot, `meant` the filter with instants where it
    told times from then on, and `first` the number that the file begins with when it goes on from an earlier one.
    `withheld` are the fields that evidence does not show. `pruned` is how many events of all that are exported were
    pruned before, and so are not in the file, where all are exported and it was counted in time."""

    told_by: ClassVar = {
        "query": "filtered_by",
        "meant": "meaning",
        "withheld": "left_out_titles",
        "pruned": "pruned_before",
    }

    format: Format
    size: int = Field(title="Events in log")
    query: str | None = Field(default=None, title="Search")
    meant: str | None = Field(default=None, title="Search meant")
    first: int | None = Field(default=None, title="From number")
    withheld: tuple[str, ...] | None = Field(default=None, title="Without")
    pruned: int | None = Field(default=None, title="Pruned before")

    @property
    def left_out(self) -> str | None:
        return ", ".join(self.withheld) if self.withheld else None

    @property
    def left_out_titles(self) -> str | None:
        return ", ".join(map(path_title, self.withheld)) if self.withheld else None

    @property
    def events(self) -> str | None:
        """How many events the file has, where that is known before it is written."""
        if self.query is not None or self.pruned is None:
            return None
        return number_of(self.size - (self.first or 0) - self.pruned, "event")

    @property
    def pruned_before(self) -> str | None:
        return f"{self.pruned:,}" if self.pruned else None

    @property
    def filtered_by(self) -> Query | None:
        return None if self.query is None else Query(text=self.query)

    @property
    def meaning(self) -> Query | None:
        return None if self.meant is None else Query(text=self.meant)


class Verdict(StrEnum):
    """What came of verifying a log. Diverged: it does not go on from a head that was seen earlier."""

    VALID = "valid"
    INVALID = "invalid"
    DIVERGED = "diverged"

    @property
    def label(self) -> str:
        return self.value.capitalize()


@action(
    "log.verify",
    title="Audit log verified",
    severity=Severity.MEDIUM,
    ocsf=ocsf.READ,
    says="Verified the first {events} in a browser, which says {verdict}",
    since="0.1",
)
class LogVerified(Details):
    """Someone had their browser verify the first `size` events of the log. The verdict is what the browser claims: the
    server only writes it down."""

    size: int = Field(title="Events verified")
    verdict: Verdict = Field(title="Browser says")

    @property
    def events(self) -> str:
        """`48,213 events`."""
        return number_of(self.size, "event")
