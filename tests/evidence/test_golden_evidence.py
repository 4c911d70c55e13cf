"""Evidence that was handed out verifies for ever, and says the same of itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from minutebook.evidence.verifier import minutebook_verify as verifier
from tests.golden import evidence as golden

SAID = {
    "everything.zip": (
        "Events     17: every one, in order, nothing left out.",
        "Withheld   14 values of context.ip.",
        "Erased     2 fields, as event 12 says.",
        "Pruned     3 events, as event 13 says.",
    ),
    "selection.zip": (
        "Events     7 of 17, each as it was recorded.",
        "Withheld   17 values of actor.*.",
        "Erased     1 field, as event 12 says.",
        "Pruned     1 event, as event 13 says.",
    ),
}
OF_BOTH = (
    "Earlier    2 checkpoints, each a beginning of the next.",
    "Restored   from a backup at event 14, as it says.",
    "Clock      stepped at event 15, as it says.",
    "the log goes on from its 13 events.",
    "17 events: seen by witness.example/w at 2027-01-15 08:00:00Z.",
    "VALID.\n",
)


@pytest.mark.parametrize("name", golden.NAMES)
def test_it_verifies(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head = tmp_path / "head"
    head.write_text(golden.HEAD)
    options = ["--key", golden.VKEY, "--head", str(head), "--witness", golden.WITNESS_VKEY, "--anchored"]
    assert verifier.main([str(golden.FOLDER / name), *options]) == 0, capsys.readouterr()
    said = capsys.readouterr().out
    for words in (*SAID[name], *OF_BOTH):
        assert words in said, said
