"""The open tails of one process: how many there may be, and what wakes them.

A commit of this process wakes the tails of its organization at once. One look a second at the heads of all logs that
somebody follows, however many do, finds what other processes recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from sqlalchemy import select

from minutebook.deliver.places import PlaceLimits, Places, Whose
from minutebook.deliver.tail import POLL_SECONDS, Batch
from minutebook.deliver.turns import Stopped, Turns
from minutebook.errors import StoreUnavailable, TooManyTails, TooManyTailsHere
from minutebook.store import schema
from minutebook.store.engine import Store

READERS = 4
"""Threads that read for all tails together: a burst leaves the others to whoever asks for a page."""
NOBODY = 0
"""The organization whose turn the look at all heads is: none has this number."""
BREATH_SECONDS = 0.1
"""What is recorded so soon after the last look is read together."""


@dataclass(frozen=True, slots=True)
class Limits(PlaceLimits):
    """How many tails there may be at once (a reader is a session or API token); how often each looks even when nothing
    wakes it, and how long a reader may take for one batch (seconds)."""

    per_reader: int = 10
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
        self._places = Places(limits)
        self._turns = Turns(READERS)
        self._watching: asyncio.Task[None] | None = None
        self.is_stopped = False

    def take(self, organization: int, reader: str) -> None:
        """A place for one more tail of a session or API token. Raises TooManyTails, and TooManyTailsHere when it is for
        all organizations."""
        full = self._places.take(organization, reader)
        if full and full.whose is Whose.PROCESS:
            raise TooManyTailsHere(limit=full.limit)
        if full:
            whose = " by this session or API token" if full.whose is Whose.READER else ""
            raise TooManyTails(limit=full.limit, whose=whose)

    def give_back(self, organization: int, reader: str) -> None:
        """The tail that took the place has ended."""
        self._places.give_back(organization, reader)

    @property
    def open(self) -> int:
        """How many tails are open."""
        return self._places.taken()

    def stop(self) -> None:
        """Ends every tail after the batch that it reads just now, and wakes it: the server is about to stop."""
        self.is_stopped = True
        self._turns.stop()
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
                try:
                    batch = await self._turns.wait(organization, look)
                except Stopped:
                    return
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
            with suppress(StoreUnavailable, Stopped):  # each tail finds that out for itself
                sizes = await self._turns.wait(NOBODY, partial(_sizes, self._store, organizations))
                for organization, size in sizes.items():
                    if before.get(organization) != size:
                        self._store.recorded.tell(organization)
                before = sizes
            await asyncio.sleep(POLL_SECONDS)


def _sizes(store: Store, organizations: frozenset[int]) -> dict[int, int]:
    head = schema.log_head.c
    with store.reading() as connection:
        rows = connection.execute(select(head.organization, head.size).where(head.organization.in_(organizations)))
        return {row.organization: row.size for row in rows}
