"""What somebody can do who owns the machine: change rows with the guard out of the way, and put it back."""

from __future__ import annotations

from typing import Any

from minutebook.store.engine import Store


def tamper(store: Store, *statements: str) -> None:
    """Changes what the database would refuse; afterwards everything that guards it is as it was."""
    writer: Any = store._writer.raw_connection()
    cursor = writer.cursor()
    if store.is_sqlite:
        triggers = cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        off = [f"DROP TRIGGER {name}" for name, _ in triggers]
        off += ["PRAGMA foreign_keys = OFF", "PRAGMA ignore_check_constraints = ON"]
        on = [sql for _, sql in triggers]
        on += ["PRAGMA foreign_keys = ON", "PRAGMA ignore_check_constraints = OFF"]
    else:
        off, on = ["SET session_replication_role = replica"], ["SET session_replication_role = origin"]
    for statement in (*off, *statements, *on):
        cursor.execute(statement)
    writer.commit()
    writer.close()
