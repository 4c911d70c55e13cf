"""Characters that nobody sees, or that change how the text around them is read."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

# Unicode's Default_Ignorable_Code_Point without joiners and variation selectors, and what it leaves out: line and
# paragraph separators, annotations, the empty Braille pattern.
UNSEEN = {
    *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x200B, 0x200E, 0x200F, 0x2800, 0x3164, 0xFEFF),
    *(0xFFA0, *range(0x2028, 0x202F), *range(0x2060, 0x2070), *range(0xFFF0, 0xFFFC)),
    *(*range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE0100), *range(0xE01F0, 0xE1000)),
}
JOINERS = {0x200C, 0x200D}
"""They stay where they are: Persian names and many emoji are written with them."""
SELECTORS = {0x180B, 0x180C, 0x180D, 0x180F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
"""They choose the form of the character before them: an ideograph, a Mongolian letter, a sign or digit of an emoji."""
HAVE_FORMS = {"Lo", "Nd", "Pd", "Po", "Sm", "So"}


def marked(text: str, mark: Callable[[str], str]) -> str:
    """The text with `mark` of each unseen character in its place; control characters and half characters are unseen."""
    if text.isascii() and text.isprintable():
        return text
    before = ("", *text)
    return "".join(mark(c) if _is_unseen(c, previous) else c for previous, c in zip(before, text, strict=False))


def is_blank(text: str) -> bool:
    """Whether there is nothing in the text to be seen."""
    return all(c.isspace() or ord(c) in JOINERS for c in marked(text, lambda _: " "))


def _is_unseen(c: str, before: str) -> bool:
    if ord(c) in SELECTORS:
        return not before or ord(before) in UNSEEN or unicodedata.category(before) not in HAVE_FORMS
    return ord(c) in UNSEEN or unicodedata.category(c) in ("Cc", "Cs")
