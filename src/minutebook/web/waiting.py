"""Whoever would rather wait for an answer than have less of one says so: `Prefer: wait` (RFC 7240, section 4.3)."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable

from anyio import from_thread
from fastapi import Request

WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*[1-9]", re.IGNORECASE)
LOOKS_EVERY = 0.01


def waits(request: Request) -> bool:
    """Whether it is asked so."""
    return WAIT.search(request.headers.get("prefer", "")) is not None


def clock_of(request: Request) -> Callable[[], float]:
    """A clock for the bound of what is done meanwhile (seconds): once nobody waits any more all time is over. To be
    read in the thread that answers."""
    looked_at, has_gone = time.monotonic(), False

    def clock() -> float:
        nonlocal looked_at, has_gone
        now = time.monotonic()
        if not has_gone and now - looked_at >= LOOKS_EVERY:
            looked_at, has_gone = now, from_thread.run(request.is_disconnected)
        return math.inf if has_gone else now

    return clock
