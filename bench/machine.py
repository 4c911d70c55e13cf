"""The machine, and the versions of what is measured on it."""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

import minutebook
from minutebook.store.sqlite import driver

TRIES = 50


def memory() -> int:
    """Bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def facts(folder: Path, conninfo: str) -> dict[str, str]:
    """What to know about the machine, by name."""
    with psycopg.connect(conninfo) as connection:
        server = connection.info.server_version
    return {
        "Processor": next(_processors(), platform.processor() or platform.machine()),
        "Cores": str(len(os.sched_getaffinity(0))),
        "Memory": f"{memory() / 2**30:.1f} GiB",
        "Durable write": f"{fsync(folder):.2f} ms (4 KiB and fsync, the median of {TRIES})",
        "System": f"{platform.system()} {platform.release().partition('-')[0]}",
        "Python": platform.python_version(),
        "SQLite": driver().sqlite_version,
        "PostgreSQL": f"{server // 10000}.{server % 10000}",
        "Minutebook": minutebook.__version__,
        "Load at the start": f"{os.getloadavg()[0]:.1f}",
    }


def fsync(folder: Path) -> float:
    """Milliseconds until 4 KiB are on the disk."""
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(TRIES):
            began = time.perf_counter()
            file.write(b"\0" * 4096)
            file.flush()
            os.fsync(file.fileno())
            times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def _processors() -> Iterator[str]:
    known = Path("/proc/cpuinfo")
    for line in known.read_text().splitlines() if known.exists() else []:
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            yield value.strip()
