"""Waiting for what another thread does, on any machine."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 60.0
"""Seconds. A machine that is busy makes no test wrong; a build that never does it fails all the same."""


def comes_true(done: Callable[[], bool]) -> bool:
    """Whether it is true before patience ends."""
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
