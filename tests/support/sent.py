"""What is sent to a database: what something costs, without a clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from sqlalchemy import Connection, Engine, event

from minutebook.store.direct import Direct

Sent = tuple[str, str]
"""A statement, and what it is sent with."""


@contextmanager
def statements() -> Iterator[list[Sent]]:
    """All that is sent to any database while the block runs."""
    sent: list[Sent] = []

    def note(*said: Any) -> None:
        sent.append((said[2], str(_plain(said[3]))))

    def noting(direct: Direct, connection: Connection, **given: Any) -> list[tuple[Any, ...]]:
        sent.append((str(direct.statement), str(given)))
        return rows(direct, connection, **given)

    rows = Direct.rows
    event.listen(Engine, "before_cursor_execute", note)
    try:
        with mock.patch.object(Direct, "rows", noting):
            yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def _plain(given: Any) -> Any:
    """The same with the bytes of what is only lent, which would not be told."""
    match given:
        case memoryview():
            return bytes(given)
        case list() | tuple():
            return [_plain(value) for value in given]
    return given
