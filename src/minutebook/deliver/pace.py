"""How far is looked at a time: whoever goes along a log does it in looks that are short, whatever is asked for.

Between two looks it is seen that a reader left, that somebody may not read any more, that the server stops, and that
others wait for their turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection

from minutebook.errors import TooSlow
from minutebook.filters import Filter
from minutebook.store import search
from minutebook.store.log import Stored
from minutebook.store.scope import Scope

LOOK_SECONDS = 0.2
FEWEST = 64


class Pace:
    """One reader's. It looks at `most` numbers at once; at fewer where these take long. Not for two threads at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._numbers = most

    def look(
        self, connection: Connection, scope: Scope, filter_: Filter, take: Callable[[Stored], bool], first: int
    ) -> int:
        """`search.stride` for a short while. It returns `first` when the database gave that up: the next look is
        shorter. Raises TooSlow when not even the shortest can be done."""
        end = min(scope.size, first + self._numbers)
        began = time.monotonic()
        try:
            next_ = search.stride(
                connection, replace(scope, size=end), filter_, take, first=first, seconds=LOOK_SECONDS
            )
        except TooSlow:
            if self._numbers <= FEWEST:
                raise
            self._numbers = max(FEWEST, self._numbers // 8)
            return first
        took = time.monotonic() - began
        if took > LOOK_SECONDS:
            self._numbers = min(self._most, max(FEWEST, next_ - first))
        elif took < LOOK_SECONDS / 4:
            self._numbers = min(self._most, 2 * self._numbers)
        return next_
