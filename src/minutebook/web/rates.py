"""How often an API token may ask: a fixed number of times in each minute, by this process's own count.

Not by the library that limits sign-ins: its counter in memory starts a thread at almost every hit, which here would
take longer than most answers.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

A_MINUTE = 600
MINUTE = 60


class Standing(NamedTuple):
    """Where a token stands: how often it may ask in a minute, how often still in this one, and when the next begins
    (whole seconds from now)."""

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
    """Counts what each token asks. Safe to share between threads. `seconds` is a clock that is never set."""

    def __init__(self, a_minute: int = A_MINUTE, seconds: Callable[[], float] = time.monotonic) -> None:
        self._limit = a_minute
        self._seconds = seconds
        self._lock = Lock()
        self._minute = 0
        self._asked: Counter[str] = Counter()

    def ask(self, token: str) -> Standing:
        """Counts one request of the token."""
        minute, second = divmod(int(self._seconds()), MINUTE)
        with self._lock:
            if minute != self._minute:  # what was counted before is not needed any more, of no token
                self._minute, self._asked = minute, Counter()
            self._asked[token] += 1
            number = self._asked[token]
        return Standing(self._limit, max(0, self._limit - number), MINUTE - second, number > self._limit)
