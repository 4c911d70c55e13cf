"""Where a command reads a log from: the database, or a server that runs. What is found and shown is the same."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from minutebook.deliver.export import Export, ExportLog, Rows
from minutebook.deliver.formats import Origin
from minutebook.filters import Filter


class Following(NamedTuple):
    """A log that is followed: whose, from behind which number, and its events as they come, in batches that may be
    empty."""

    origin: Origin
    after: int
    batches: Iterator[list[bytes]]


class Source(Protocol):
    """The log of one organization. An event is its JSON, without a line feed (`store/event_json.py`).

    That the log is read, or exported, is recorded before the first event is given away.
    """

    def origin(self) -> Origin:
        """Whose log it is. Raises Invalid where that is not clear."""

    def find(self, filter_: Filter, limit: int, *, oldest_first: bool) -> Generator[bytes]:
        """At most `limit` of the events that are found, by their time from the newest on or in the order of the log.

        Raises TooSlow, and what keeps it from reading.
        """

    def follow(self, filter_: Filter, after: int | None) -> AbstractContextManager[Following]:
        """What is recorded behind the number `after`, or from now on, over any interruption. Raises Invalid."""

    def export(self, command: ExportLog) -> AbstractContextManager[tuple[Export, Rows]]:
        """The export, and its events from `command.first` on, to be read once. Raises as `begin` does."""

    def evidence(self, command: ExportLog) -> AbstractContextManager[Iterator[bytes]]:
        """The zip of evidence, to be read once. Raises as `begin` does, and NotSignedYet."""
