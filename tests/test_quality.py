"""docs/quality.md names a test for everything that must hold, and each of them is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from tests.support.syntax import parsed

ROOT = Path(__file__).parents[1]
ROWS = [
    line for line in (ROOT / "docs" / "quality.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")
]


@cache
def functions_in(file: str) -> set[str]:
    path = ROOT / "tests" / file
    tree = parsed(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_test_that_is_named_is_there() -> None:
    named = [name for row in ROWS for name in re.findall(r"`([\w/.]+\.py)::(\w+)`", row)]
    assert len(named) > 50
    assert [f"{file}::{test}" for file, test in named if test not in functions_in(file)] == []


def test_every_property_names_a_test() -> None:
    for row in ROWS:
        is_a_heading = row.endswith(("| |", "| shown by |"))
        assert is_a_heading or "::test_" in row or "as isolation above" in row, row
