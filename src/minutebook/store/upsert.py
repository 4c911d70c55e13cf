"""Rows that may be there already, alike on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Rows: TypeAlias = Sequence[dict[str, Any]]


def put(connection: Connection, table: Table, rows: Rows) -> None:
    """Writes rows, each in the place of one with the same key."""
    insert = _insert(connection, table)
    changed = {column.name: insert.excluded[column.name] for column in table.columns if not column.primary_key}
    if rows:
        connection.execute(insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=changed), rows)


def put_missing(connection: Connection, table: Table, rows: Rows) -> None:
    """Writes those rows whose key no other has."""
    if rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(), rows)


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
