"""PostgreSQL's side of the store: its connections, and the form in which answers come."""

from __future__ import annotations

from typing import Any, Self

import psycopg
from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.exc import InvalidatePoolError


def engines(url: URL, patience: float) -> tuple[Engine, Engine]:
    """One to write and one to read; who waits `patience` seconds for a lock or a connection gets an error."""
    url = url.set(drivername="postgresql+psycopg")
    settings = {
        "options": f"-c lock_timeout={int(patience * 1000)} -c TimeZone=UTC",
        "cursor_factory": _Cursor,
    }

    def engine(**more: Any) -> Engine:
        pool = {"pool_size": 16, "max_overflow": 16, "pool_timeout": patience}
        return create_engine(url, connect_args=settings, hide_parameters=True, **pool, **more)

    # Readers are not rolled back: psycopg would forget then which statements it has prepared.
    committed = {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True, "pool_reset_on_return": "commit"}
    writer, reader = engine(pool_pre_ping=True), engine(**committed)

    @event.listens_for(reader, "checkout")
    def _on_checkout(connection: Any, _record: Any, _proxy: Any) -> None:
        try:
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        except psycopg.OperationalError as error:  # the server was restarted, say: the pool connects anew
            raise InvalidatePoolError from error

    return writer, reader


class _Cursor(psycopg.Cursor[Any]):
    """Answers come in PostgreSQL's binary form, so that bytes need no decoding; but as text where a statement has no
    parameters, for then it may be several in one, and where SQLAlchemy reads the catalogue, which it wants so."""

    def execute(self, query: Any, params: Any = None, *, prepare: bool | None = None, binary: Any = None) -> Self:
        if binary is None:
            binary = bool(params) and "pg_catalog" not in query
        return super().execute(query, params, prepare=prepare, binary=binary)
