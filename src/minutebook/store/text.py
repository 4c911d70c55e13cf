"""The text index: which events hold a piece of text, the one seam where SQLite and PostgreSQL differ.

SQLite has an FTS5 table of trigrams without its contents, PostgreSQL a table of the texts with pg_trgm. Both follow the
record (`store/index.py`), and both say only which events may hold a piece: `filters.fits` looks closer. A piece of one
or two characters has no trigram; who looks for it looks at every event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, column, create_engine, delete, insert, table, text

from minutebook.store import sqlite
from minutebook.store.schema import SEQ_BITS

SHORTEST = 3
MOST_TRIGRAMS = 12
AT_ONCE = 256


def create(connection: Connection) -> None:
    """Creates the index, in a schema that has none yet."""
    if connection.dialect.name != "postgresql":
        connection.exec_driver_sql(_SQLITE)
        return
    connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    # it may have been there before, in a schema of its own
    where = "SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace"
    schema = connection.exec_driver_sql(f"{where} WHERE extname = 'pg_trgm'").scalar_one()
    for statement in _POSTGRESQL:
        connection.exec_driver_sql(statement.format(schema=schema))


# Contentless, without sizes and positions: a third of the size of a full one, and as fast
_SQLITE = (
    "CREATE VIRTUAL TABLE event_text USING fts5("
    "text, content='', columnsize=0, detail=none, tokenize='trigram case_sensitive 1')"
)
_POSTGRESQL = (
    "CREATE TABLE event_text (position bigint PRIMARY KEY, organization bigint NOT NULL, text text NOT NULL)",
    "CREATE INDEX ix_event_text_text ON event_text USING gin (text {schema}.gin_trgm_ops)",
)


def add(connection: Connection, texts: Sequence[tuple[int, str]]) -> None:
    """Puts events (position, text) into the index; none of them may be in it."""
    if connection.dialect.name == "postgresql":
        names = ["position", "organization", "text"]
        rows = [{"position": at, "organization": at >> SEQ_BITS, "text": found} for at, found in texts]
    else:
        names = ["rowid", "text"]
        rows = [{"rowid": at, "text": found} for at, found in texts]
    connection.execute(insert(table("event_text", *map(column, names))), rows)


def clear(connection: Connection) -> None:
    """Takes everything out of the index."""
    if connection.dialect.name == "postgresql":
        connection.execute(delete(table("event_text")))
    else:
        command = table("event_text", column("event_text"))
        connection.execute(insert(command), {"event_text": "delete-all"})


def holding(
    connection: Connection, organization: int, pieces: Sequence[str], first: int, last: int, *, newest_first: bool
) -> Iterator[int]:
    """The numbers from `first` to `last` whose text may hold all the pieces, in their order, one by one as asked for.

    Each piece is in normal form and has at least three characters.
    """
    order = "DESC" if newest_first else "ASC"
    base = organization << SEQ_BITS
    bounds = {"first": base | first, "last": base | last}
    if connection.dialect.name == "postgresql":
        likes = " AND ".join(f"text LIKE :piece{number}" for number in range(len(pieces)))
        statement = (
            f"SELECT position FROM event_text WHERE organization = :organization AND {likes} "  # noqa: S608
            f"AND position BETWEEN :first AND :last ORDER BY position {order}"
        )
        patterns = {f"piece{number}": f"%{_escaped(piece)}%" for number, piece in enumerate(pieces)}
        values = {**bounds, **patterns, "organization": organization}
    else:
        statement = (
            "SELECT rowid FROM event_text WHERE event_text MATCH :pieces "  # noqa: S608
            f"AND rowid BETWEEN :first AND :last ORDER BY rowid {order}"
        )
        found = dict.fromkeys(trigram for piece in pieces for trigram in _trigrams(piece))
        values = {**bounds, "pieces": " AND ".join(map(_quoted, found))}
    with connection.execute(text(statement), values, execution_options={"yield_per": AT_ONCE}) as rows:
        for (position,) in rows:
            yield position - base


def differing(connection: Connection, texts: Mapping[int, str]) -> set[int]:
    """The positions under which the index does not hold exactly these texts, or on SQLite not all of their trigrams."""
    first, last = min(texts), max(texts)
    if connection.dialect.name == "postgresql":
        statement = text("SELECT position, text FROM event_text WHERE position BETWEEN :first AND :last")
        found: dict[int, str] = {
            row[0]: row[1] for row in connection.execute(statement, {"first": first, "last": last})
        }
        return {position for position in texts.keys() | found.keys() if texts.get(position) != found.get(position)}
    statement = text("SELECT rowid FROM event_text WHERE event_text MATCH :term AND rowid BETWEEN :first AND :last")
    wrong: set[int] = set()
    for term, positions in _trigrams_of(texts).items():
        values = {"term": _quoted(term), "first": first, "last": last}
        wrong |= positions ^ set(connection.execute(statement, values).scalars())
    return wrong


def held(connection: Connection, organization: int) -> int | None:
    """The number of an organization's events in the index; SQLite cannot tell."""
    if connection.dialect.name != "postgresql":
        return None
    statement = text("SELECT count(*) FROM event_text WHERE organization = :organization")
    return int(connection.execute(statement, {"organization": organization}).scalar_one())


def _trigrams_of(texts: Mapping[int, str]) -> dict[str, set[int]]:
    """Every trigram with the positions that hold it, as SQLite itself makes them."""
    with create_engine("sqlite://", module=sqlite.driver()).connect() as beside:
        create(beside)
        add(beside, list(texts.items()))
        beside.exec_driver_sql("CREATE VIRTUAL TABLE trigram USING fts5vocab(event_text, instance)")
        found: dict[str, set[int]] = {}
        for term, position in beside.exec_driver_sql("SELECT term, doc FROM trigram"):
            found.setdefault(term, set()).add(position)
    return found


def _quoted(term: str) -> str:
    return '"' + term.replace('"', '""') + '"'


def _trigrams(piece: str) -> list[str]:
    """Trigrams that together are as telling as all: all of a short piece, of a longer one at even distances."""
    starts = len(piece) - SHORTEST + 1
    step = max(1, -(-starts // MOST_TRIGRAMS))
    chosen = dict.fromkeys([*range(0, starts, step), starts - 1])
    return [piece[start : start + SHORTEST] for start in chosen]


def _escaped(piece: str) -> str:
    for character in "\\%_":
        piece = piece.replace(character, "\\" + character)
    return piece
