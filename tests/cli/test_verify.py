"""minutebook verify is the verifier that stands alone: what it is given and what it answers go through unchanged."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from minutebook.cli.main import app
from tests.golden import evidence as golden
from tests.support.evidence import KEY, Log, written

EVERYTHING = str(golden.FOLDER / "everything.zip")


def verify(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["verify", *arguments])
    return done.exit_code, done.output


def test_it_answers_as_the_file_does(tmp_path: Path) -> None:
    head = tmp_path / "--key"  # a name that must not be taken for an option
    head.write_text(golden.HEAD)
    witness = ("--witness", golden.WITNESS_VKEY)
    code, said = verify(
        EVERYTHING, "--key", golden.VKEY, "--head", str(head), *witness, "--anchored", "--processes", "2"
    )
    assert code == 0 and "from its 13 events" in said and said.endswith("VALID.\n")
    code, said = verify(EVERYTHING, "--key", golden.VKEY, "--anchored")
    assert code == 4 and "NOT ANCHORED" in said
    assert verify(EVERYTHING, "--key", golden.WITNESS_VKEY)[0] == 1
    assert verify(str(tmp_path / "nowhere"))[0] == 2
    assert verify()[0] == 2


def test_it_says_what_diverged(tmp_path: Path) -> None:
    log = Log().fill(3)
    head = tmp_path / "head"
    head.write_text(str(log.checkpoint(key=KEY)))
    other = Log().fill(3)
    other.events[1].leaf["outcome"] = "denied"
    code, said = verify(str(written(other.evidence(), tmp_path / "e.zip")), "--key", log.vkey, "--head", str(head))
    assert code == 3 and said.startswith("DIVERGED: ")


@pytest.mark.parametrize("arguments", [["x.zip", "--server", "https://s"], ["--server", "https://s"]])
def test_a_bundle_or_a_server(arguments: list[str]) -> None:
    assert verify(*arguments)[0] == 2
