"""Who reads next, among all who follow logs or export them: one look of an organization at a time, each in its turn.

However many readers one organization has, and however long their looks take, another waits for one look of each
organization that is before it, and not for theirs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar
from weakref import WeakValueDictionary

from anyio import CapacityLimiter, to_thread

T = TypeVar("T")


class Stopped(Exception):
    """The server stops: there are no more turns."""


class Turns:
    """Some threads that look. For the thread of the event loop."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._limiter: CapacityLimiter | None = None
        self._of: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()  # as long as somebody waits
        self._is_stopped = False

    def stop(self) -> None:
        """What looks now is the last to do so."""
        self._is_stopped = True

    async def wait(self, organization: int, look: Callable[[], T]) -> T:
        """What `look` returns, from a thread, when it is the turn of the organization. Raises Stopped, and what `look`
        raises."""
        if self._limiter is None:
            self._limiter = CapacityLimiter(self._threads)
        async with self._of.setdefault(organization, asyncio.Lock()):
            return await to_thread.run_sync(partial(self._unless_stopped, look), limiter=self._limiter)

    def _unless_stopped(self, look: Callable[[], T]) -> T:
        if self._is_stopped:
            raise Stopped
        return look()
