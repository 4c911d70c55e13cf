"""What "the details contain" means. The stored search text and the words looked for go through the same function.

Words separated by blanks must all be found, each as a part of a word; a "quoted phrase" keeps its blanks.
"""

from __future__ import annotations

import re
import unicodedata

from minutebook.errors import Invalid
from minutebook.filters.quote import quoted
from minutebook.unseen import SELECTORS, UNSEEN

MAX_LENGTH = 200
WORD = re.compile(r'"([^"]*)"|(\S+)')
# Letters that people type without their stroke and that no decomposition takes it from
STROKES = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe"})
NEVER_SEEN = UNSEEN | SELECTORS
CONTROLS = dict.fromkeys([*range(32), 127], " ")


def normal_text(text: str) -> str:
    """The text without case, accents, invisible characters and surplus blanks.

    If a text contains another, then its normal text contains the other's. Normalizing twice changes nothing more.
    """
    if text.isascii():
        text = text.lower().translate(CONTROLS)
    else:
        text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).translate(_KEPT)
    return " ".join(text.split())


class _Kept(dict[int, str]):
    """What is left of each character, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        kept = self[code] = self._kept(chr(code))
        return kept

    @staticmethod
    def _kept(character: str) -> str:
        category = unicodedata.category(character)
        if category == "Cc" or character.isspace():  # a line break separates words; a zero-width or bidi mark must not
            return " "
        if category in {"Cf", "Cs", "Me"} or unicodedata.combining(character) or ord(character) in NEVER_SEEN:
            return ""
        return character.translate(STROKES)


_KEPT = _Kept()


def unsearchable(text: str) -> tuple[int, str] | None:
    """The place of the first character that no text of an event can hold, and what to say of it."""
    for at, character in enumerate(text):
        if unicodedata.category(character) in {"Cc", "Cs"} and not character.isspace():
            code = f"U+{ord(character):04X}"
            name = "NUL" if character == "\0" else "a control character"
            return at, f"The text holds {code}, {name}, which cannot be searched for. Leave it out."
    return None


def text_words(text: str) -> tuple[str, ...]:
    """The normal texts that must all be found; a quotation mark without its partner is a character like any other."""
    return tuple(dict.fromkeys(map(normal_text, written_words(text))))


def written_words(text: str) -> list[str]:
    """The words and phrases as they were typed, without those of which nothing is left when they are normalized."""
    words = [match[2] if match[1] is None else match[1] for match in WORD.finditer(text)]
    return [word for word in words if normal_text(word)]


def parse_text(text: str, field: str = "text") -> str:
    """The text with single blanks; raises Invalid for one that is too long, cannot be searched for or says nothing."""
    text = " ".join(text.split())
    if len(text) > MAX_LENGTH:
        raise Invalid.one(field, f"The text is {len(text)} characters long; at most {MAX_LENGTH} can be searched for.")
    if strange := unsearchable(text):
        raise Invalid.one(field, strange[1])
    if not text_words(text):
        raise Invalid.one(field, f'There is nothing to search for in {quoted(text)}. Write a word or a "phrase".')
    return text
