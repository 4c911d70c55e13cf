"""The demo's data directory: made by the demo, marked as such, filled once and then reused."""

from __future__ import annotations

import json
import random
import secrets
import shutil
from collections.abc import Callable
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from minutebook import security
from minutebook.config import CUSTODY, DATABASE_FILE, SECURITY_LOG
from minutebook.demo import accounts, days, openings, work, year
from minutebook.demo.cast import BERLIN
from minutebook.demo.stage import Stage, StageClock
from minutebook.errors import Conflict
from minutebook.model import DAY, from_micros, to_micros
from minutebook.organization import people
from minutebook.organization.factor_key import FactorKey
from minutebook.security import SecurityLog
from minutebook.store import index
from minutebook.store.engine import Store, system_clock
from minutebook.store.migrate import migrate

MARKER = ".minutebook-demo"
OURS = (DATABASE_FILE, f"{DATABASE_FILE}-wal", f"{DATABASE_FILE}-shm", SECURITY_LOG)


def is_demo(directory: Path) -> bool:
    """Whether the demo made this directory."""
    return (directory / MARKER).is_file()


def prepare(directory: Path, *, fresh: bool, seed: int, days: int, progress: Callable[[float], None]) -> bool:
    """Fills the directory unless that was done before; whether it was filled now.

    Raises Conflict for a directory that has something else in it, StoreInUse while a server serves it. A filling that
    was broken off is begun again.
    """
    if directory.exists() and any(directory.iterdir()) and not is_demo(directory):
        raise Conflict(f"{directory} was not made by the demo, so the demo leaves it alone. Name another --directory.")
    if is_demo(directory) and not fresh and _marked(directory, "state") == "filled":
        return False
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    password = secrets.token_urlsafe(9)
    _mark(directory, "filling", seed, password)
    fill(directory / DATABASE_FILE, password, seed=seed, days=days, progress=progress)
    _mark(directory, "filled", seed, password)
    return True


def password_of(directory: Path) -> str:
    """The password of all people of a demo that was filled."""
    return _marked(directory, "password")


def fill(file: Path, password: str, *, seed: int, days: int, progress: Callable[[float], None]) -> None:
    """A new database in place of what is there. The history ends now; with fewer than 365 days the year breaks off."""
    end = system_clock()
    clock = StageClock(_morning(end - days * DAY))
    lock_first = Store(f"sqlite:///{file}")
    lock_first.close()
    for name in OURS:
        (file.parent / name).unlink(missing_ok=True)
    shutil.rmtree(file.parent / CUSTODY, ignore_errors=True)  # what was signed of the story before
    store = Store(f"sqlite:///{file}", clock=clock, durable=False)
    security.write_to(SecurityLog(file.parent / SECURITY_LOG, size=1_000_000, kept=1, clock=clock))
    try:
        migrate(store)
        key, chance = FactorKey(file.parent / CUSTODY), random.Random(seed)  # noqa: S311 - a story, no secret
        tell(Stage(store, key, clock, chance, clock.now, end), password, progress)
        index.follow_all(store)
        store.make_durable()
    finally:
        security.write_to(None)
        store.close()


def tell(stage: Stage, password: str, progress: Callable[[float], None]) -> None:
    """The whole story. All users have one password, hashed once."""
    year.found(stage, people.hash_password(password))
    work.plan(stage)
    accounts.plan(stage)
    openings.plan(stage)
    days.live(stage)
    stage.run(progress)


def _morning(moment: int) -> int:
    """The morning of that day in Berlin, or of the Friday before a weekend."""
    day = from_micros(moment).date()
    day -= timedelta(days=max(0, day.weekday() - 4))
    return to_micros(datetime.combine(day, time(9, 41, 12), tzinfo=ZoneInfo(BERLIN)))


def _marked(directory: Path, what: str) -> str:
    try:
        return str(json.loads((directory / MARKER).read_text(encoding="utf-8"))[what])
    except (ValueError, KeyError, TypeError):
        return "unknown"


def _mark(directory: Path, state: str, seed: int, password: str) -> None:
    about = {"made_by": "minutebook demo", "state": state, "seed": seed, "password": password}
    (directory / MARKER).write_text(json.dumps(about) + "\n", encoding="utf-8")
