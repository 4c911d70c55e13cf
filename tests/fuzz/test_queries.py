"""Nothing that is typed crashes the query language: it is understood, or what is wrong is pointed at."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings

from minutebook.filters import expression_of, filter_of, fits, language
from minutebook.filters.expression import Expression
from minutebook.filters.language import BadQuery
from minutebook.filters.moments import Here
from minutebook.filters.telling import clause_of
from tests.fuzz.queries import PIECES, RIGHT, queries
from tests.support.full import FULL

HERE = Here(ZoneInfo("Europe/Berlin"), 1_794_700_800_000_000)
HARNESS = Path(__file__).with_name("fuzz_queries.py")
SECONDS = 600 if FULL else 12


def understood(query: str) -> Expression | None:
    """What is asked for; None where it is wrong, and then pointed at."""
    try:
        return language.read(query, HERE)
    except BadQuery as bad:
        assert 0 <= bad.at < len(query)
        assert 0 < bad.length <= len(query) - bad.at
        assert bad.fix is None or language.read(bad.fix, HERE) is not None
        return None


@settings(max_examples=20_000 if FULL else 600)
@given(queries())
def test_any_text_is_understood_or_pointed_at(query: str) -> None:
    found = understood(query)
    if found is None:
        return
    assert language.read(language.write(found), HERE) == found
    assert language.read(language.write(found, HERE.zone), HERE) == found
    assert callable(fits(found))
    assert filter_of(expression_of(filter_of(found))) == filter_of(found)
    clause_of(found, HERE.zone)


def test_the_examples_are_understood() -> None:
    for query in RIGHT:
        assert understood(query) is not None, query


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 100)
@pytest.mark.skipif(find_spec("atheris") is None, reason="Atheris is not made for this platform")
def test_a_fuzzer_that_follows_the_code_finds_nothing(tmp_path: Path) -> None:
    """Atheris, for a bounded time. An input that it finds is printed, and belongs into RIGHT or into a test."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, query in enumerate(RIGHT):
        (corpus / str(number)).write_text(query, encoding="utf-8")
    words = tmp_path / "words"
    words.write_text("".join(f'"{_escaped(piece)}"\n' for piece in PIECES if piece != "\ud800"), encoding="ascii")
    limits = (f"-max_total_time={SECONDS}", "-max_len=300", "-timeout=5", f"-artifact_prefix={tmp_path}/")
    done = subprocess.run(
        [sys.executable, HARNESS, *limits, f"-dict={words}", corpus],
        cwd=HARNESS.parents[2],
        capture_output=True,
        text=True,
        timeout=SECONDS + 80,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    assert "stat::number_of_executed_units" in done.stderr or "Done " in done.stderr, done.stderr[-4_000:]


def _escaped(piece: str) -> str:
    """As a dictionary of libFuzzer has it."""
    return "".join(f"\\x{byte:02x}" for byte in piece.encode())
