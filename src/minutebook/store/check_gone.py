"""Is everything that is missing from a log missing because an event says so, and is nothing said to be gone that is
there? What a value was cannot be told any more; that it was erased or pruned, by whom and when, the log tells.
"""

from __future__ import annotations

from collections.abc import Iterator

from minutebook.actions import read_details
from minutebook.actions.log_custody import FieldsErased, LogPruned
from minutebook.evidence.remains import Remains
from minutebook.model import Event


class Gone:
    """What is missing of the events read so far, and not yet explained; in the order of the log, since what explains
    comes behind what it explains. It takes memory for what is missing alone."""

    def __init__(self) -> None:
        self._missing: dict[tuple[int, str], str] = {}
        self._pruned: dict[int, bool] = {}  # and whether an event says so

    def pruned(self, seq: int) -> None:
        """All of an event is missing."""
        self._pruned[seq] = False

    def take(self, event: Event, remains: Remains) -> Iterator[str]:
        """Learns what is missing of an event, and what it explains; what it says is gone and is not, it yields."""
        for path, digest in remains.gone.items():
            self._missing[event.seq, path] = digest.hex()
        if event.action not in (FieldsErased.action.name, LogPruned.action.name):
            return
        try:
            details = read_details(event.action, event.details, event.erased)
        except ValueError:
            yield "What it says is gone is nothing that such an event records."
            return
        if isinstance(details, FieldsErased):
            yield from self._erased(details)
        elif isinstance(details, LogPruned):
            yield from self._prune(details)

    def unexplained(self) -> Iterator[tuple[int, str]]:
        """What is missing at the end of the log: the number of the event, and a sentence."""
        for seq, path in self._missing:
            yield seq, f"Its {path} is missing, and no event says that it was erased."
        for seq in (seq for seq, is_explained in self._pruned.items() if not is_explained):
            yield seq, "The event is missing, and no event says that it was pruned."

    def _erased(self, details: FieldsErased) -> Iterator[str]:
        for seq, path, digest in details.erased:
            if seq not in self._pruned and self._missing.pop((seq, path), None) != digest:
                yield f"It says that {path} of event {seq} was erased, which is there, or was another."

    def _prune(self, details: LogPruned) -> Iterator[str]:
        for first, last in details.ranges:
            for seq in range(first, last + 1):
                if self._pruned.get(seq, True):
                    yield f"It says that event {seq} was pruned, which is there, or was pruned before."
                    return
                self._pruned[seq] = True
