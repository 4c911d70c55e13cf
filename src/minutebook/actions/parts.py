"""What a sentence about an event is made of. Whoever shows it decides how a part looks and escapes it.

`Text` is ours, written in the catalogue. Every other part may hold what a person typed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    """Words of the sentence itself."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True, slots=True)
class Strong:
    """A value: a name, an amount, an address."""

    kind: ClassVar[str] = "strong"
    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """A name that a machine reads."""

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True, slots=True)
class Added:
    """Something that was put in."""

    kind: ClassVar[str] = "added"
    text: str


@dataclass(frozen=True, slots=True)
class Removed:
    """Something that was taken out."""

    kind: ClassVar[str] = "removed"
    text: str


@dataclass(frozen=True, slots=True)
class Swap:
    """One value that became another."""

    kind: ClassVar[str] = "swap"
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Gone:
    """A value that was erased."""

    kind: ClassVar[str] = "gone"
    text: ClassVar[str] = "erased"


Part: TypeAlias = Text | Strong | Code | Added | Removed | Swap | Gone


def plain(parts: Iterable[Part]) -> str:
    """The sentence as one line of text: `Changed Models & Providers +openai/gpt-5-codex −novita`."""
    words: list[str] = []
    value_before = False
    for part in parts:
        value = not isinstance(part, Text)
        words.append(f" {_word(part)}" if value and value_before else _word(part))
        value_before = value
    return " ".join("".join(words).split())


def _word(part: Part) -> str:
    match part:
        case Swap():
            return f"{part.before} → {part.after}"
        case Added():
            return f"+{part.text}"
        case Removed():
            return f"−{part.text}"
        case _:
            return part.text
