"""What stands before the command's name. Apart from all else, since every command begins with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen before the command's name."""

    data_directory: Path | None = None
