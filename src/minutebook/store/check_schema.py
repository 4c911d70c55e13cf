"""Is the schema what this program makes? Holds all of it against one that the migrations have just made.

The other schema comes from the same SQLite or the same PostgreSQL server, so that both are told in the same words, and
from the same migrations, so that nothing is listed here that could be forgotten. SQLite makes it in memory. PostgreSQL
makes it beside the one that is checked, in a transaction that is rolled back: temporary tables would need fewer rights,
but PostgreSQL finds no function among temporary objects, and so no trigger's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import InternalError, ProgrammingError

from minutebook.store import check, migrate, sqlite
from minutebook.store.engine import Store


class NotCompared(Exception):
    """PostgreSQL refuses to make the schema to compare with; names the role that may not."""


class Way(StrEnum):
    """In which way something deviates."""

    MISSING = "is missing"
    CHANGED = "is not as this program makes it"
    ADDED = "was added by somebody"


@dataclass(frozen=True, slots=True)
class Deviation:
    """One thing of the schema that is not as the program makes it; one that belongs to no table has none."""

    kind: str
    name: str
    table: str
    way: Way

    @property
    def thing(self) -> str:
        """Such as `trigger guard_seat_update on seat`."""
        return f"{self.kind} {self.name} on {self.table}" if self.table else f"{self.kind} {self.name}"


Thing = tuple[str, str, str]
"""What kind it is, its name, and the table it belongs to; a table belongs to none."""


def deviations(store: Store) -> Iterator[Deviation]:
    """Everything that is missing, different or more; of a table that is missing or more, only the table.

    Raises NotCompared.
    """
    there, wanted = _on_sqlite(store) if store.is_sqlite else _on_postgresql(store)
    whole = {name for _, name, table in there.keys() ^ wanted.keys() if not table}
    for thing in sorted(there.keys() | wanted.keys()):
        kind, name, table = thing
        if there.get(thing) == wanted.get(thing) or table in whole:
            continue
        way = Way.MISSING if thing not in there else Way.ADDED if thing not in wanted else Way.CHANGED
        yield Deviation(kind, name, table, way)


# ── SQLite ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_MASTER = "SELECT type, name, CASE WHEN type IN ('table', 'view') THEN '' ELSE tbl_name END, sql FROM sqlite_master"


def _on_sqlite(store: Store) -> tuple[dict[Thing, str], dict[Thing, str]]:
    with create_engine("sqlite://", module=sqlite.driver()).connect() as connection:
        migrate.build(connection)
        wanted = _statements(connection)
    with store.reading() as connection:
        return _statements(connection), wanted


def _statements(connection: Connection) -> dict[Thing, str]:
    with check.any_text(connection):
        rows = connection.execute(text(_MASTER)).all()
    # SQLite keeps statements as they were written: quotes and blanks are a matter of who wrote them
    return {
        (kind, name, table): " ".join(re.sub(r'["`]', "", sql or "").split())
        for kind, name, table, sql in rows
        if not (kind in {"table", "index"} and name.startswith("sqlite_"))  # its own; a trigger never is
    }


# ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────────────────────────────

# Each gives kind, name, table and definition of what is in the schema :schema. It is the first in the search path, so
# PostgreSQL writes its names without the schema. What an extension has put there is the extension's.
_CATALOGUE = (
    """SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
              ELSE 'table' END,
              c.relname, '',
              concat_ws(' ', c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.reloptions,
                        s.seqtypid, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle)
       FROM pg_class c LEFT JOIN pg_sequence s ON s.seqrelid = c.oid
       WHERE c.relnamespace = quote_ident(:schema)::regnamespace AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
             AND NOT EXISTS (SELECT FROM pg_depend d
                             WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')""",
    """SELECT 'column', a.attname, c.relname,
              concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
                        a.attcollation, pg_get_expr(d.adbin, d.adrelid, true))
       FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
            LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
       WHERE c.relnamespace = quote_ident(:schema)::regnamespace AND c.relkind IN ('r', 'p', 'f')
             AND a.attnum > 0 AND NOT a.attisdropped""",
    # NOT NULL is told with its column: only some versions make a constraint of it. A foreign key is held by triggers,
    # which can be disabled; they have numbers for names.
    """SELECT 'constraint', o.conname, c.relname,
              concat_ws(' ', o.contype, pg_get_constraintdef(o.oid, true),
                        (SELECT string_agg(t.tgfoid::regproc || ' ' || t.tgenabled::text, ' ' ORDER BY t.tgfoid)
                         FROM pg_trigger t WHERE t.tgconstraint = o.oid))
       FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid
       WHERE c.relnamespace = quote_ident(:schema)::regnamespace AND o.contype NOT IN ('n', 't')""",
    """SELECT 'index', c.relname, t.relname,
              concat_ws(' ', i.indisvalid, i.indisready, i.indislive, pg_get_indexdef(c.oid, 0, true))
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
       WHERE t.relnamespace = quote_ident(:schema)::regnamespace AND t.relkind IN ('r', 'p', 'm')""",
    """SELECT 'trigger', t.tgname, c.relname, concat_ws(' ', t.tgenabled, pg_get_triggerdef(t.oid, true))
       FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
       WHERE c.relnamespace = quote_ident(:schema)::regnamespace AND NOT t.tgisinternal""",
    """SELECT 'rule', r.rulename, c.relname, concat_ws(' ', r.ev_enabled, pg_get_ruledef(r.oid, true))
       FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
       WHERE c.relnamespace = quote_ident(:schema)::regnamespace AND c.relkind NOT IN ('v', 'm')""",
    """SELECT 'policy', p.polname, c.relname, ''
       FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
       WHERE c.relnamespace = quote_ident(:schema)::regnamespace""",
    """SELECT 'inheriting table', i.inhrelid::regclass::text, p.relname, ''
       FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_class c ON c.oid = i.inhrelid
       WHERE quote_ident(:schema)::regnamespace IN (p.relnamespace, c.relnamespace) AND p.relkind IN ('r', 'p', 'f')""",
    """SELECT 'function', p.oid::regprocedure::text, '',
              concat_ws(' ', p.prokind, l.lanname, p.prosecdef, p.proisstrict, p.provolatile,
                        pg_get_function_result(p.oid),
                        replace(array_to_string(p.proconfig, ' '), 'search_path=' || quote_ident(:schema) || ',', '*'),
                        p.prosrc)
       FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
       WHERE p.pronamespace = quote_ident(:schema)::regnamespace
             AND NOT EXISTS (SELECT FROM pg_depend d
                             WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')""",
)


def _on_postgresql(store: Store) -> tuple[dict[Thing, str], dict[Thing, str]]:
    beside = f"minutebook_{store.randomness(8).hex()}"
    with store.housekeeping() as connection:
        there = _definitions(connection, connection.exec_driver_sql("SELECT current_schema()").scalar_one())
        fires = connection.exec_driver_sql(
            "SHOW session_replication_role"
        ).scalar_one()  # as a replica, no trigger does
        try:
            connection.exec_driver_sql(f"CREATE SCHEMA {beside}")
        except (ProgrammingError, InternalError) as error:  # no right to, or a server that only reads
            connection.rollback()
            raise NotCompared(connection.exec_driver_sql("SELECT current_user").scalar_one()) from error
        connection.exec_driver_sql(f"SET LOCAL search_path = {beside}")
        migrate.build(connection)
        wanted = _definitions(connection, beside)
        connection.rollback()
    firing = ("setting", "session_replication_role", "")
    return there | {firing: fires}, wanted | {firing: "origin"}


def _definitions(connection: Connection, schema: str) -> dict[Thing, str]:
    rows = (row for query in _CATALOGUE for row in connection.execute(text(query), {"schema": schema}))
    return {(kind, name, table): definition for kind, name, table, definition in rows}
