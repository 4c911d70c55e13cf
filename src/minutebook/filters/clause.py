"""How a filter is told to people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Clause(NamedTuple):
    """One part of a filter as people read it. Subject and operator are ours; the value may be what a person typed."""

    subject: str
    operator: str
    value: str

    @property
    def sentence(self) -> str:
        """`action is user.login or member.remove`, `up to 6 Nov 2026 17:05 CET`."""
        return " ".join(word for word in self if word)


def listed(words: Sequence[str], last: str) -> str:
    """`a, b and c`, with the word that stands before the last one."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
