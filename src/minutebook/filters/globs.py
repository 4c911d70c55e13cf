"""Patterns in which * stands for any characters, also none."""

from __future__ import annotations

import re

STAR = "*"


def collapsed(pattern: str) -> str:
    """The pattern with each run of stars as one."""
    return re.sub(r"\*+", STAR, pattern)


def fits(pattern: str, text: str) -> bool:
    """Whether the whole text is what the pattern says. Each piece as early as possible: linear, where a regular
    expression could take forever."""
    first, *rest = pattern.split(STAR)
    if not rest:
        return first == text
    *middle, last = rest
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    position, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return True


def longest_piece(pattern: str) -> str:
    """The longest text that everything that fits must hold."""
    return max(pattern.split(STAR), key=len)
