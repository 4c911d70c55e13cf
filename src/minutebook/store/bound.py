"""A bound on the time of a query: the database gives it up when the time is over, and so does what reads its rows.

The transaction goes on: what was given up leaves it as it was, and other queries in it see the same snapshot.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from minutebook.errors import TooSlow

INSTRUCTIONS = 20_000  # of SQLite's machine between two looks at the clock: far below a millisecond


@dataclass(frozen=True, slots=True)
class Deadline:
    """When the time is over, on a clock that is never set (seconds)."""

    seconds: float
    at: float
    clock: Callable[[], float]

    @property
    def is_over(self) -> bool:
        return self.clock() >= self.at

    def check(self) -> None:
        """Raises TooSlow when the time is over."""
        if self.is_over:
            raise TooSlow(seconds=f"{self.seconds:g}")


@contextmanager
def bounded(connection: Connection, seconds: float, clock: Callable[[], float] = time.monotonic) -> Iterator[Deadline]:
    """Raises TooSlow for a statement of the block that is not done when the time is over."""
    deadline = Deadline(seconds, clock() + seconds, clock)
    held = _on_sqlite if connection.dialect.name == "sqlite" else _on_postgresql
    try:
        with held(connection, deadline):
            yield deadline
    except OperationalError as error:
        if deadline.is_over and _is_cancelled(error.orig):
            raise TooSlow(seconds=f"{seconds:g}") from error
        raise


@contextmanager
def _on_sqlite(connection: Connection, deadline: Deadline) -> Iterator[None]:
    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(lambda: deadline.is_over, INSTRUCTIONS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


@contextmanager
def _on_postgresql(connection: Connection, deadline: Deadline) -> Iterator[None]:
    """A statement that is cancelled would end the whole transaction, but for the savepoint. Going back to it takes the
    setting back, too. What has no parameters is sent as it is, so that each line here is one way to the server."""
    milliseconds = max(1, int(deadline.seconds * 1000))
    connection.exec_driver_sql(f"SAVEPOINT bounded; SET LOCAL statement_timeout = {milliseconds}")
    try:
        yield
    except BaseException:
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT bounded; RELEASE SAVEPOINT bounded")
        raise
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0; RELEASE SAVEPOINT bounded")


def _is_cancelled(error: BaseException | None) -> bool:
    """SQLite's SQLITE_INTERRUPT and PostgreSQL's query_canceled."""
    return getattr(error, "sqlite_errorname", "") == "SQLITE_INTERRUPT" or getattr(error, "sqlstate", "") == "57014"
