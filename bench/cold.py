"""Cold: the server has just been started or the file just been opened, and the system has forgotten the files."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.measure import Timing, timed
from bench.questions import Kind
from bench.systems import System

WHAT = (
    "Cold means: SQLite's file newly opened, PostgreSQL newly started, and none of their files in the page cache of "
    "the operating system (`posix_fadvise`). The connection is there before the clock starts. What the disk itself "
    "keeps in memory is not emptied. What takes seconds is asked less often."
)
SECONDS = 5.0
"""After so long in all a system is not asked a kind again."""
COLD_KINDS = ("first page", "page ", "one action, rare", "actor, rare", "word, rare", "facets, 365", "histogram")


def forget(folder: Path) -> None:
    """Makes the operating system forget what it has read of the files; no process may have them open for writing."""
    os.sync()
    for file in folder.rglob("*"):
        if file.is_file():
            descriptor = os.open(file, os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)


def ask_cold(kinds: Sequence[Kind], again: Callable[[], Sequence[System]], times: int) -> dict[str, dict[str, Timing]]:
    """The times by kind and system. `again` forgets everything and opens the systems anew."""
    found: dict[str, dict[str, Timing]] = {}
    for kind in kinds:
        if not kind.name.startswith(COLD_KINDS) or "small" in kind.name:
            continue
        for turn in range(times):
            systems = again()
            for system in systems:
                timing = found.setdefault(kind.name, {}).setdefault(system.name, Timing())
                if not timing.is_enough(SECONDS):
                    timed(system, kind.questions[turn % len(kind.questions)], timing)
                system.close()
    return found
