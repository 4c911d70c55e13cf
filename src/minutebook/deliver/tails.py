"""The open tails of one process: how many there may be, and what wakes them.

A commit of this process wakes the tails of its organization at once. One look a second at the heads of all logs that
somebody follows, however many do, finds what other processes recorded.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from sqlalchemy import select

from minutebook.deliver.tail import POLL_SECONDS, Batch
from minutebook.errors import StoreUnavailable, TooManyTails, TooManyTailsHere
from minutebook.store import schema
from minutebook.store.engine import Store

READERS = 4
"""Threads that read for all tails together: a burst leaves the others to whoever asks for a page."""
BREATH_SECONDS = 0.1
"""What is recorded so soon after the last look is read together."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """How many tails there may be at once; how often each looks even when nothing wakes it, and how long a reader may
    take for one batch (seconds)."""

    per_organization: int = 50
    per_process: int = 500
    check_seconds: float = 15.0
    slow_seconds: float = 10.0


STANDARD = Limits()


class Tails:
    """The open tails over one store. `take` and `give_back` are for any thread, the rest for that of the event loop."""

    def __init__(self, store: Store, limits: Limits = STANDARD) -> None:
        self.limits = limits
        self._store = store
        self._lock = threading.Lock()
        self._open: Counter[int] = Counter()
        self._watching: asyncio.Task[None] | None = None
        self._readers: CapacityLimiter | None = None
        self.is_stopped = False

    def take(self, organization: int) -> None:
        """A place for one more tail. Raises TooManyTails, and TooManyTailsHere when it is for all organizations."""
        with self._lock:
            if self._open[organization] >= self.limits.per_organization:
                raise TooManyTails(limit=self.limits.per_organization)
            if self._open.total() >= self.limits.per_process:
                raise TooManyTailsHere(limit=self.limits.per_process)
            self._open[organization] += 1

    def give_back(self, organization: int) -> None:
        """The tail that took the place has ended."""
        with self._lock:
            self._open[organization] -= 1
            if not self._open[organization]:
                del self._open[organization]

    def stop(self) -> None:
        """Ends every tail after its next batch, and wakes it: the server is about to stop."""
        self.is_stopped = True
        for organization in self._store.recorded.awaited():
            self._store.recorded.tell(organization)

    async def follow(self, organization: int, look: Callable[[], Batch]) -> AsyncGenerator[Batch]:
        """What `look` finds, now and whenever the log has grown, and at least every `check_seconds`.

        `look` runs in a thread; what it raises ends the tail. The next look begins when the last batch was taken, so
        that a slow reader is read for slowly.
        """
        loop, grown = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop was closed under its tails: nobody waits here any more
                loop.call_soon_threadsafe(grown.set)

        with self._store.recorded.listening(organization, wake):
            self._watch()
            while True:
                grown.clear()  # before the look: what is recorded after it wakes again
                batch = await self._in_thread(look)
                yield batch
                if self.is_stopped:
                    return
                if batch.is_more:
                    continue
                with suppress(TimeoutError):
                    await asyncio.wait_for(grown.wait(), self.limits.check_seconds)
                if not self.is_stopped:
                    await asyncio.sleep(BREATH_SECONDS)

    def _watch(self) -> None:
        """Looks after the heads as long as somebody listens."""
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._look_at_heads())

    async def _look_at_heads(self) -> None:
        before: dict[int, int] = {}
        while organizations := self._store.recorded.awaited():
            with suppress(StoreUnavailable):  # each tail finds that out for itself
                sizes = await self._in_thread(partial(_sizes, self._store, organizations))
                for organization, size in sizes.items():
                    if before.get(organization) != size:
                        self._store.recorded.tell(organization)
                before = sizes
            await asyncio.sleep(POLL_SECONDS)

    async def _in_thread(self, read: Callable[[], T]) -> T:
        if self._readers is None:
            self._readers = CapacityLimiter(READERS)
        return await to_thread.run_sync(read, limiter=self._readers)


def _sizes(store: Store, organizations: frozenset[int]) -> dict[int, int]:
    head = schema.log_head.c
    with store.reading() as connection:
        rows = connection.execute(select(head.organization, head.size).where(head.organization.in_(organizations)))
        return {row.organization: row.size for row in rows}
