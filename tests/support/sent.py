"""What is sent to a database: what something costs, without a clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

Sent = tuple[str, str]
"""A statement, and what it is sent with."""


@contextmanager
def statements() -> Iterator[list[Sent]]:
    """All that is sent to any database while the block runs."""
    sent: list[Sent] = []

    def note(*said: Any) -> None:
        sent.append((said[2], str(said[3])))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)
