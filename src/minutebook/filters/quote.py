"""How a message repeats what a person typed: short, and with nothing in it that could pass unseen."""

from __future__ import annotations

from minutebook.unseen import marked

LIMIT = 60


def quoted(text: str) -> str:
    """The text in quotation marks, cut after 60 characters, with invisible characters named: “a[U+202E]b”."""
    shown = "".join(c if c.isprintable() else _named(c) for c in marked(text[:LIMIT], _named))
    return f"“{shown}{'…' if len(text) > LIMIT else ''}”"


def _named(c: str) -> str:
    return f"[U+{ord(c):04X}]"
