"""The disk that the data is on: a full one records nothing, and so allows no act."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import structlog

from minutebook.background import Job

WARN_AT = 0.75
"""The part of a disk from which on whoever runs Minutebook is told."""
LOOK_SECONDS = 300.0

log = structlog.get_logger("minutebook.storage")


@dataclass(frozen=True, slots=True)
class Storage:
    """What is used of the disk of a directory, and what is free of it for Minutebook, in bytes; there may be more that
    is kept for others."""

    directory: Path
    taken: int
    free: int

    @property
    def used(self) -> float:
        """Which part of what can be used is, from 0 to 1."""
        return self.taken / (self.taken + self.free) if self.free else 1.0

    @property
    def is_low(self) -> bool:
        """Whether it is time to make room."""
        return self.used >= WARN_AT

    def __str__(self) -> str:
        return f"{self.used:.0%} used, {self.free / 1e9:,.1f} GB free"


def storage_of(directory: Path) -> Storage:
    """The disk that the directory is on, or where it would be made."""
    while not directory.exists():
        directory = directory.parent
    usage = shutil.disk_usage(directory)
    return Storage(directory, usage.used, usage.free)


class StorageWatch(Job):
    """Warns in the server's log while a disk is low."""

    name = "storage"

    def __init__(self, directory: Path) -> None:
        super().__init__(LOOK_SECONDS)
        self._directory = directory

    def round(self) -> None:
        """Looks once."""
        storage = storage_of(self._directory)
        if storage.is_low:
            used = f"{storage.used:.0%}"
            log.warning("storage_low", directory=str(storage.directory), used=used, free_bytes=storage.free)
