"""minutebook init over a directory that was there before."""

from __future__ import annotations

import stat
from pathlib import Path

from minutebook.config import DATABASE_FILE
from tests.support.command_line import invoke


def test_init_says_what_was_open_to_others_before(tmp_path: Path) -> None:
    """Whether to close it is left to its owner."""
    directory = tmp_path / "data"
    directory.mkdir(mode=0o755)
    directory.chmod(0o755)
    first = invoke(directory, "init")
    assert first.returncode == 0
    assert first.stderr == f"{directory} is open to other accounts of this machine (755). Run: chmod 700 {directory}\n"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o755
    directory.chmod(0o700)
    (directory / DATABASE_FILE).chmod(0o640)
    assert f"chmod 600 {directory / DATABASE_FILE}" in invoke(directory, "init").stderr
    (directory / DATABASE_FILE).chmod(0o600)
    assert invoke(directory, "init").stderr == ""
