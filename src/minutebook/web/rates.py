"""How often an API token may ask: a fixed number of times in each minute, by this process's own count."""

from __future__ import annotations

import math
import time
from typing import NamedTuple

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

A_MINUTE = 600


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
    """Counts what each token asks. Safe to share between threads."""

    def __init__(self, a_minute: int = A_MINUTE) -> None:
        self._each = RateLimitItemPerMinute(a_minute)
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def ask(self, token: str) -> Standing:
        """Counts one request of the token."""
        is_over = not self._limiter.hit(self._each, token)
        window = self._limiter.get_window_stats(self._each, token)
        seconds = max(1, math.ceil(window.reset_time - time.time()))
        return Standing(self._each.amount, max(0, window.remaining), seconds, is_over)
