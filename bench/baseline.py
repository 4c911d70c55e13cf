"""The baselines on PostgreSQL: one table of messages, as such logs are often built, and the same with a fair index."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from typing import Any

import psycopg
from psycopg import sql

from bench.workload import Happening
from minutebook.actions import describe, read_details
from minutebook.actions.parts import plain
from minutebook.filters import Filter, text_words
from minutebook.filters.words import values
from minutebook.model import from_micros
from minutebook.store import log

AS_FOUND, FAIR = "as_found", "fair"
INDEXES = {
    AS_FOUND: ("organization_id", "action", "actor_email", "created_at"),
    FAIR: ("organization_id, created_at", "action", "actor_email", "created_at"),
}
COLUMNS = ("id", "action", "actor_id", "actor_email", "actor_name", "organization_id", "message", "created_at")
NEWEST = 101
Row = tuple[uuid.UUID, str, str, str, str, uuid.UUID, str, datetime]


def row_of(happening: Happening, chance: random.Random) -> Row:
    """The event as the baselines store it; its message has the sentence and every text of its details."""
    actor = happening.draft.actor
    return (
        uuid.UUID(bytes=chance.randbytes(16), version=4),
        happening.draft.action,
        actor.id,
        actor.email or "",
        actor.name or "",
        organization_id(happening.organization),
        message_of(happening.draft),
        from_micros(happening.at),
    )


def message_of(draft: log.Draft) -> str:
    """The sentence, and what it leaves out."""
    sentence = plain(describe(read_details(draft.action, draft.details)))
    others = [value for _, value in values(dict(draft.details)) if isinstance(value, str) and value not in sentence]
    return "; ".join([sentence, *dict.fromkeys(others)])


@cache
def organization_id(rank: int) -> uuid.UUID:
    """The id of the organization with this rank, or with a negative number of one that is only written to."""
    return uuid.UUID(int=random.Random(f"organization {rank}").getrandbits(128), version=4)


def create(connection: psycopg.Connection[Any]) -> None:
    """The tables, without indexes, which are quicker to build at the end."""
    for table in INDEXES:
        connection.execute(
            sql.SQL(
                "CREATE TABLE {} (id uuid NOT NULL, action text NOT NULL, actor_id text, actor_email text,"
                " actor_name text, organization_id uuid NOT NULL, message text NOT NULL,"
                " created_at timestamptz NOT NULL DEFAULT now())"
            ).format(sql.Identifier(table))
        )


def add(connection: psycopg.Connection[Any], table: str, rows: Iterable[Row]) -> None:
    """Adds the rows in their order, as quickly as it can be done."""
    columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    with connection.cursor().copy(sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), columns)) as copy:
        for row in rows:
            copy.write_row(row)


def index(connection: psycopg.Connection[Any], table: str) -> None:
    """The primary key and the indexes."""
    connection.execute(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY (id)").format(sql.Identifier(table)))
    for columns in INDEXES[table]:
        names = sql.SQL(", ").join(map(sql.Identifier, columns.split(", ")))
        connection.execute(sql.SQL("CREATE INDEX ON {} ({})").format(sql.Identifier(table), names))


class Baseline:
    """One of the tables, searched and written to."""

    def __init__(self, connection: psycopg.Connection[Any], table: str) -> None:
        self._connection = connection
        self._table = table

    def page(self, rank: int, filter_: Filter, before: int | None) -> list[tuple[Any, ...]]:
        """The newest of what is found, or the newest before a time (UTC microseconds)."""
        where, given = self._where(rank, filter_)
        if before is not None:
            where, given = sql.SQL("{} AND created_at < %s").format(where), [*given, from_micros(before)]
        columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
        query = sql.SQL("SELECT {} FROM {} WHERE {} ORDER BY created_at DESC LIMIT {}")
        return self._rows(query.format(columns, sql.Identifier(self._table), where, sql.Literal(NEWEST)), given)

    def count(self, rank: int, filter_: Filter) -> int:
        where, given = self._where(rank, filter_)
        query = sql.SQL("SELECT count(*) FROM {} WHERE {}").format(sql.Identifier(self._table), where)
        return int(self._rows(query, given)[0][0])

    def counted(self, rank: int, filter_: Filter, column: str, limit: int | None) -> dict[str, int]:
        """The values of a column with their numbers, the most frequent first."""
        where, given = self._where(rank, filter_)
        query = sql.SQL("SELECT {0}, count(*) FROM {1} WHERE {2} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {3}").format(
            sql.Identifier(column), sql.Identifier(self._table), where, sql.Literal(limit)
        )
        return dict(self._rows(query, given))

    def histogram(self, rank: int, filter_: Filter) -> list[tuple[datetime, int]]:
        """How many there are on each day in UTC."""
        where, given = self._where(rank, filter_)
        query = sql.SQL("SELECT date_trunc('day', created_at, 'UTC'), count(*) FROM {} WHERE {} GROUP BY 1 ORDER BY 1")
        return [(day, number) for day, number in self._rows(query.format(sql.Identifier(self._table), where), given)]

    def everything(self, rank: int) -> Iterator[tuple[Any, ...]]:
        """All of an organization, the oldest first, a few thousand at a time."""
        columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
        query = sql.SQL("SELECT {} FROM {} WHERE organization_id = %s ORDER BY created_at")
        with self._connection.transaction(), self._connection.cursor("everything") as cursor:
            cursor.itersize = 5000
            cursor.execute(query.format(columns, sql.Identifier(self._table)), [organization_id(rank)])
            yield from cursor

    def write(self, rows: list[Row]) -> None:
        """Adds the rows, committed when it returns."""
        places = sql.SQL(", ").join([sql.Placeholder()] * len(COLUMNS))
        insert = sql.SQL("INSERT INTO {} VALUES ({})").format(sql.Identifier(self._table), places)
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.executemany(insert, rows)

    def forget(self, ranks: Iterable[int]) -> None:
        """Removes what was added to these organizations."""
        delete = sql.SQL("DELETE FROM {} WHERE organization_id = ANY(%s)").format(sql.Identifier(self._table))
        self._connection.execute(delete, [[organization_id(rank) for rank in ranks]])
        self._connection.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(self._table)))

    def bytes(self) -> int:
        """What table and indexes take on the disk."""
        return int(self._rows(sql.SQL("SELECT pg_total_relation_size(%s)"), [self._table])[0][0])

    def _where(self, rank: int, filter_: Filter) -> tuple[sql.Composed, list[Any]]:
        assert filter_.more is None
        clauses, given = [sql.SQL("organization_id = %s")], [organization_id(rank)]

        def also(clause: Any, value: Any) -> None:
            clauses.append(sql.SQL(clause))
            given.append(value)

        if filter_.actions:
            also("action = ANY(%s)", list(filter_.actions))
        if filter_.actor is not None:
            also("actor_email = %s", filter_.actor)
        start, end = filter_.bounds
        if start is not None:
            also("created_at >= %s", from_micros(start))
        if end is not None:
            also("created_at < %s", from_micros(end))
        for word in text_words(filter_.text or ""):
            also("message ILIKE %s", f"%{word}%")
        return sql.SQL(" AND ").join(clauses), given

    def _rows(self, query: sql.SQL | sql.Composed, given: list[Any]) -> list[tuple[Any, ...]]:
        # Not prepared: a plan for any organization would be the wrong one for the largest
        return self._connection.execute(query, given, prepare=False).fetchall()
