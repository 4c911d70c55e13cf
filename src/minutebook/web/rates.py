"""How often something may be done: an API token may ask a fixed number of times in each minute, and whoever could fill
the log by what is recorded each time may do it so often in each quarter of an hour. By this process's own count.

Not by the library that limits sign-ins: its counter in memory starts a thread at almost every hit, which here would
take longer than most answers.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

from minutebook.errors import TooManyRequests

A_MINUTE = 600
MINUTE = 60
QUARTER = 15 * MINUTE
OPENINGS = 10
"""Of one auditor link in a quarter of an hour. Each is an event, and so is that its session begins to read."""
OPENINGS_FROM = 50
"""Of all auditor links from one network address."""
PASSKEYS_FROM = 300
"""Of sign-ins by a passkey that are begun from one network address; each is remembered for ten minutes."""
EXPORTS = 60
"""By one person or token. Each is an event, however little is exported."""
FORMS = 2_000
"""That one person sends: most are an event, and some are one in each organization where they hold a seat."""
FOUNDINGS = 10
"""Of organizations, by one person: each is a log, and may mail invitations."""
DOMAIN_CHECKS = 20
"""Of name servers, asked by one person: each holds a thread until they answer, which may be servers of that person."""

FORGOTTEN = 3
"""Links by which one address, whether anybody has it or not, chooses a new password."""
FORGOTTEN_FROM = 30
"""Of all of them that are asked for from one network address."""


class Standing(NamedTuple):
    """Where a token stands: how often it may ask in a minute, how often still in this one, and when the next begins
    (whole seconds from now). Of what is counted for longer, the same."""

    limit: int
    remaining: int
    seconds: int
    is_over: bool

    @property
    def headers(self) -> dict[str, str]:
        """For the answer, so that a program can slow down before it is refused."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.seconds),
        }


class Rates:
    """Counts what each token asks, or who does what else: `limit` times in `window` seconds. Safe to share between
    threads. `seconds` is a clock that is never set."""

    def __init__(
        self, limit: int = A_MINUTE, seconds: Callable[[], float] = time.monotonic, window: int = MINUTE
    ) -> None:
        self._limit = limit
        self._seconds = seconds
        self._length = window
        self._lock = Lock()
        self._window = 0
        self._asked: Counter[str] = Counter()

    def check(self, who: str, refusal: type[TooManyRequests]) -> None:
        """Counts as `ask` does. Raises `refusal` when it was too often."""
        standing = self.ask(who)
        if standing.is_over:
            raise refusal(limit=standing.limit, seconds=standing.seconds)

    def ask(self, who: str) -> Standing:
        """Counts one request of the token, or whoever it is."""
        window, second = divmod(int(self._seconds()), self._length)
        with self._lock:
            if window != self._window:  # what was counted before is not needed any more, of nobody
                self._window, self._asked = window, Counter()
            self._asked[who] += 1
            number = self._asked[who]
        return Standing(self._limit, max(0, self._limit - number), self._length - second, number > self._limit)
