"""How many searches of one organization run at once, so that whatever one asks for, another need not wait for it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection

from minutebook.errors import TooManySearches
from minutebook.store.engine import Store

AGAIN_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one organization in this process: how many searches run at once, how many more wait, and how long each does
    (seconds)."""

    at_once: int = 3
    waiting: int = 8
    patience: float = 5.0


class Searches:
    """The searches of one store that run just now. Safe to share between threads; whoever waits takes a thread."""

    def __init__(self, store: Store, limits: Limits | None = None) -> None:
        self._store = store
        self._limits = limits or Limits()
        self._free = threading.Condition()
        self._running: Counter[int] = Counter()
        self._waiting: Counter[int] = Counter()

    @contextmanager
    def reading(self, organization: int) -> Iterator[Connection]:
        """What `Store.reading` gives, when it is the turn of a search of the organization. Raises TooManySearches."""
        self._begin(organization)
        try:
            with self._store.reading() as connection:
                yield connection
        finally:
            with self._free:
                self._leave(self._running, organization)
                self._free.notify_all()

    def _begin(self, organization: int) -> None:
        with self._free:
            if self._waiting[organization] >= self._limits.waiting:
                raise TooManySearches(seconds=AGAIN_SECONDS)
            self._waiting[organization] += 1
            try:
                if not self._free.wait_for(lambda: self._has_room(organization), self._limits.patience):
                    raise TooManySearches(seconds=AGAIN_SECONDS)
                self._running[organization] += 1
            finally:
                self._leave(self._waiting, organization)

    def _has_room(self, organization: int) -> bool:
        return self._running[organization] < self._limits.at_once

    @staticmethod
    def _leave(of: Counter[int], organization: int) -> None:
        of[organization] -= 1
        if not of[organization]:
            del of[organization]
