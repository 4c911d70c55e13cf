"""The exports that one process writes at the same time: how many there may be, and that they end when it stops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from minutebook.deliver.places import PlaceLimits, Places, Whose
from minutebook.deliver.turns import Turns
from minutebook.errors import TooManyExportsAtOnce

READERS = 2
"""Threads that write for all exports together: they are busy all the time, and pages should not wait for them."""
AGAIN_SECONDS = 30
"""When it is worth while to ask again."""
WHOSE = {
    Whose.READER: "for this session or API token",
    Whose.ORGANIZATION: "of this log",
    Whose.PROCESS: "by this server",
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits(PlaceLimits):
    """How many exports may be written at once (a reader is a session or API token), and how long a reader may take for
    64 KiB (seconds)."""

    per_reader: int = 2
    per_organization: int = 4
    per_process: int = 16
    slow_seconds: float = 30.0


STANDARD = Limits()


class Exports:
    """`take` and `give_back` are for any thread, the rest for that of the event loop."""

    def __init__(self, limits: Limits = STANDARD) -> None:
        self.limits = limits
        self._places = Places(limits)
        self._turns = Turns(READERS)

    def take(self, organization: int, reader: str) -> None:
        """A place for one more export of a session or API token. Raises TooManyExportsAtOnce."""
        if full := self._places.take(organization, reader):
            raise TooManyExportsAtOnce(limit=full.limit, whose=WHOSE[full.whose], seconds=AGAIN_SECONDS)

    def give_back(self, organization: int, reader: str) -> None:
        """The export that took the place has ended."""
        self._places.give_back(organization, reader)

    @property
    def open(self) -> int:
        """How many are being written."""
        return self._places.taken()

    async def write(self, organization: int, look: Callable[[], T]) -> T:
        """What `look` returns, when it is the organization's turn. Raises Stopped, and what it raises."""
        return await self._turns.wait(organization, look)

    def stop(self) -> None:
        """Breaks off every export at its next piece: the server is about to stop."""
        self._turns.stop()
