"""What an actor filter means: one address, a pattern with *, or a part of an address.

Addresses are recorded in lower case (`email_address.py`), so case never matters; `%` and `_` are themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from minutebook.email_address import MAX_LENGTH, ascii_lower, is_email, stranger
from minutebook.errors import Invalid
from minutebook.filters import globs
from minutebook.filters.quote import quoted


class MatchKind(StrEnum):
    """How a text is compared with an address."""

    EXACT = "exact"
    PATTERN = "pattern"
    PART = "part"


@dataclass(frozen=True, slots=True)
class ActorMatch:
    """How to compare, and with what. In the text of a pattern, `*` is any run of characters, also none."""

    kind: MatchKind
    text: str


def actor_match(text: str, field: str = "actor") -> ActorMatch:
    """What the text asks for; raises Invalid, naming the character that no address can hold.

    An address may itself hold a `*`. Such an address is a pattern here; it finds at least itself.
    """
    text = globs.collapsed(ascii_lower(text.strip()))
    if not text:
        raise Invalid.one(field, "Enter an address, such as ada@example.com, or a part of one.")
    if len(text) > MAX_LENGTH + 2:
        raise Invalid.one(field, f"This is longer than an address can be: at most {MAX_LENGTH + 2} characters.")
    if " " in text and not stranger(text.replace(" ", "")):
        hint = " In a URL, write a + as %2B." if "@" in text else ""
        raise Invalid.one(field, f"An address holds no blanks: {quoted(text)}. Write one, or a part of one.{hint}")
    if strange := stranger(text):
        raise Invalid.one(field, strange)
    if globs.STAR in text:
        return ActorMatch(MatchKind.PATTERN, text)
    return ActorMatch(MatchKind.EXACT if is_email(text) else MatchKind.PART, text)


def matches(match: ActorMatch, address: str | None) -> bool:
    """Whether a recorded address is meant. An actor without an address never is."""
    if address is None:
        return False
    match match.kind:
        case MatchKind.EXACT:
            return address == match.text
        case MatchKind.PART:
            return match.text in address
        case MatchKind.PATTERN:
            return globs.fits(match.text, address)
