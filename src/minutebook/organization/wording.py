"""What people may type: names, longer texts and choices, each with an error that says what would be accepted."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from minutebook.errors import Invalid
from minutebook.unseen import is_blank

MAX_NAME = 100
MAX_TEXT = 20_000


def name(text: str, field: str, label: str, *, limit: int = MAX_NAME) -> str:
    """One line of text, NFC, blanks folded. Raises Invalid when blank, too long or with a control character."""
    folded = " ".join(_printable(text, field, label, allowed="\t").split())
    if not folded:
        raise Invalid.one(field, f"{label} is missing. Enter 1 to {limit} characters.")
    if is_blank(folded):
        raise Invalid.one(field, f"{label} has nothing that can be seen. Enter 1 to {limit} characters.")
    return _within(folded, field, label, limit)


def text(text: str, field: str, label: str, *, limit: int = MAX_TEXT) -> str:
    """Lines of text; line ends become line feeds. May be empty. Raises Invalid as `name` does."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _within(_printable(lines, field, label, allowed="\t\n").strip(), field, label, limit)


def choices(chosen: Iterable[str], accepted: Iterable[str], field: str) -> tuple[str, ...]:
    """The chosen ones, sorted, each once. Raises Invalid, naming the first that is not accepted and those that are."""
    known = tuple(accepted)
    for choice in chosen:
        if choice not in known:
            raise Invalid.one(field, f"“{shortened(choice)}” is not one of: {', '.join(known)}.")
    return tuple(sorted(set(chosen)))


def shortened(text: str, limit: int = 60) -> str:
    """A text as it may stand in an error message: printable and not long."""
    shown = "".join(character if character.isprintable() else "�" for character in text[:limit])
    return shown + ("…" if len(text) > limit else "")


def _printable(text: str, field: str, label: str, *, allowed: str) -> str:
    for character in text:
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in allowed:
            raise Invalid.one(
                field, f"{label} contains the control character U+{ord(character):04X}. Remove it and try again."
            )
    return unicodedata.normalize("NFC", text)


def _within(text: str, field: str, label: str, limit: int) -> str:
    if len(text) > limit:
        raise Invalid.one(field, f"{label} has {len(text):,} characters; at most {limit:,} are accepted.")
    return text
