"""Who waits for a log to grow is told so in this process, without asking the database over and over.

What another process recorded is not told here: `deliver/tails.py` looks for it about once a second.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Wake = Callable[[], None]


class Recorded:
    """The listeners of each organization's log. Safe to share between threads.

    `wake` is called by the thread that recorded, after its commit: it must return at once and raise nothing, and it may
    be called when there is nothing new. Whoever listens first and reads then misses nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[int, list[Wake]] = {}

    @contextmanager
    def listening(self, organization: int, wake: Wake) -> Iterator[None]:
        """Calls `wake` for everything that is recorded in the organization while the block runs."""
        with self._lock:
            self._listeners.setdefault(organization, []).append(wake)
        try:
            yield
        finally:
            with self._lock:
                rest = self._listeners[organization]
                rest.remove(wake)
                if not rest:
                    del self._listeners[organization]

    def tell(self, organization: int) -> None:
        """Wakes who listens to the organization."""
        with self._lock:
            woken = tuple(self._listeners.get(organization, ()))
        for wake in woken:
            wake()

    def awaited(self) -> frozenset[int]:
        """The organizations that somebody listens to."""
        with self._lock:
            return frozenset(self._listeners)
