"""How much may go on at once: for one reader, for one organization, and for all of them together."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class Whose(Enum):
    """Who has no place left."""

    READER = "reader"
    ORGANIZATION = "organization"
    PROCESS = "process"


class Full(NamedTuple):
    """There is no place: whose there are not, and how many there are."""

    whose: Whose
    limit: int


@dataclass(frozen=True, slots=True)
class PlaceLimits:
    """How many places there are; a reader is a session or API token."""

    per_reader: int
    per_organization: int
    per_process: int


class Places:
    """Safe to share between threads."""

    def __init__(self, limits: PlaceLimits) -> None:
        self._limits = {
            Whose.READER: limits.per_reader,
            Whose.ORGANIZATION: limits.per_organization,
            Whose.PROCESS: limits.per_process,
        }
        self._lock = threading.Lock()
        self._taken: Counter[tuple[Whose, int | str]] = Counter()

    def take(self, organization: int, reader: str) -> Full | None:
        """Takes a place, for the id of a session or API token; or says why there is none."""
        with self._lock:
            keys = self._keys(organization, reader)
            for key in keys:
                if self._taken[key] >= self._limits[key[0]]:
                    return Full(key[0], self._limits[key[0]])
            self._taken.update(keys)
            return None

    def give_back(self, organization: int, reader: str) -> None:
        """What took the place has ended."""
        with self._lock:
            self._taken.subtract(self._keys(organization, reader))
            self._taken = +self._taken

    def taken(self) -> int:
        """How many are taken."""
        with self._lock:
            return self._taken[Whose.PROCESS, 0]

    @staticmethod
    def _keys(organization: int, reader: str) -> tuple[tuple[Whose, int | str], ...]:
        return (Whose.READER, reader), (Whose.ORGANIZATION, organization), (Whose.PROCESS, 0)
