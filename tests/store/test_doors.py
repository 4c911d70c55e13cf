"""Only `organization/` and `custody/` write an organization's tables, each its own, and only `record.py` opens the door
of acts, and moves a seal behind what is recorded all the same."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import minutebook
from minutebook.store import schema
from tests.support.syntax import parsed

SOURCE = Path(minutebook.__file__).parent
TABLES = {table.name for table in schema.ORGANIZATION_TABLES}
OF_CUSTODY = {"retention", "hold", "clock_step", "generation"}
LOG = {"log_head", "event", "act"}
WRITING = {"insert", "update", "delete"}
SQL = re.compile(r"\b(INSERT|UPDATE|DELETE|REPLACE|TRUNCATE|ALTER|DROP)\b", re.IGNORECASE)
APART = ("store/migrations/", "store/guard.py", "store/schema.py")
"""Who makes the tables and their triggers."""


def trespasses(path: str, source: str) -> Iterator[str]:
    """What a module does that only others may."""
    if path.startswith(APART):
        return
    tree = parsed(source)
    written = {name for call in _calls(tree) for name in _written_tables(call, tree)}
    own = TABLES - OF_CUSTODY if path.startswith("organization/") else OF_CUSTODY
    allowed = (
        {"organization"} if path == "record.py" else own if path.startswith(("organization/", "custody/")) else set()
    )
    if theirs := written & TABLES - allowed:
        yield f"writes {', '.join(sorted(theirs))}"
    allowed = LOG if path == "store/log.py" else {"event"} if path == "store/erase.py" else set()
    if log := written & LOG - allowed:
        yield f"writes the log: {', '.join(sorted(log))}"
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    if "acting" in names and path not in {"record.py", "store/engine.py"}:
        yield "opens the door of acts"
    for node in ast.walk(tree):
        text = node.value.strip() if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
        if SQL.match(text) and set(re.findall(r"\w+", text)) & (TABLES | LOG):
            yield "writes by SQL text"


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in WRITING:
                yield node


def _written_tables(call: ast.Call, tree: ast.AST) -> Iterator[str]:
    """The tables that a call of insert, update or delete may mean: `schema.seat`, or a name that stands for it."""
    described = call.args[0] if call.args else getattr(call.func, "value", None)
    if described is None:
        return
    yield from _tables_in(described, tree)
    for node in ast.walk(tree):
        if isinstance(described, ast.Name) and isinstance(node, ast.Assign | ast.For):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            named = {part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)}
            if described.id in named:
                yield from _tables_in(node.value if isinstance(node, ast.Assign) else node.iter, tree)


def _tables_in(expression: ast.AST, tree: ast.AST) -> Iterator[str]:
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "minutebook.store.schema"
        for alias in node.names
    }
    for part in ast.walk(expression):
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "schema":
            yield part.attr
        elif isinstance(part, ast.Name) and part.id in imported:
            yield part.id


def test_no_module_changes_the_log_or_what_is_not_its_own() -> None:
    found = [
        f"{path.relative_to(SOURCE)} {problem}"
        for path in sorted(SOURCE.rglob("*.py"))
        for problem in trespasses(path.relative_to(SOURCE).as_posix(), path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("web/pages/members.py", "connection.execute(delete(schema.seat).where(True))"),
        ("web/pages/members.py", "connection.execute(sqlalchemy.delete(schema.seat))"),
        ("cli/org.py", "table = schema.invitation\nconnection.execute(insert(table))"),
        ("demo/story.py", "for table in (schema.sitting, schema.access):\n    c.execute(update(table))"),
        ("demo/story.py", "schema.mode.insert()"),
        ("cli/org.py", "from minutebook.store.schema import mode\nc.execute(insert(mode))"),
        ("web/app.py", "c.exec_driver_sql('UPDATE seat SET role = 1')"),
        ("web/app.py", "c.execute(text('  delete from event'))"),
        ("organization/seats.py", "c.execute(insert(schema.event))"),
        ("organization/seats.py", "with store.acting() as connection: pass"),
        ("store/check.py", "c.execute(update(schema.log_head))"),
        ("store/erase.py", "c.execute(update(schema.log_head))"),
        ("custody/erase.py", "c.execute(update(schema.event))"),
        ("custody/clock.py", "c.execute(delete(schema.seat))"),
        ("organization/seats.py", "c.execute(delete(schema.hold))"),
    ],
)
def test_a_trespass_is_seen(path: str, source: str) -> None:
    assert list(trespasses(path, source))


def test_commands_write_what_is_theirs() -> None:
    assert not list(trespasses("organization/seats.py", "c.execute(insert(schema.seat))"))
    assert not list(trespasses("organization/people.py", "c.execute(insert(schema.user))"))
    assert not list(trespasses("web/app.py", "choices.update(mode); texts.insert(0, 'x')"))
