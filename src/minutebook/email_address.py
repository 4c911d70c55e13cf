"""E-mail addresses in one normal form.

Only ASCII is accepted, so that two addresses that look alike are never two people: a Cyrillic "а" is refused and named,
not folded into a Latin "a". A domain in another script is written in its `xn--` form.
"""

from __future__ import annotations

import re
import string
import unicodedata

from minutebook.errors import Invalid

SHOWN = 60
MAX_LENGTH = 254  # RFC 5321, section 4.5.3.1.3, less the angle brackets
MAX_DOMAIN = 253
"""Characters, as RFC 1035 has it."""
LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")  # RFC 5322 dot-atom
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def ascii_lower(text: str) -> str:
    """The text with A to Z in lower case and nothing else touched: str.lower() would turn a Kelvin sign into a k."""
    return text.translate(LOWER)


def normal_email(text: str, field: str = "email") -> str:
    """The address in lower case without surrounding blanks; raises Invalid, naming what is wrong with it."""
    address = ascii_lower(text.strip())
    if problem := _problem(address):
        raise Invalid.one(field, problem)
    return address


def is_email(text: str) -> bool:
    """Whether the text is one complete address."""
    return not _problem(ascii_lower(text.strip()))


def normal_domain(text: str, field: str = "domain") -> str:
    """A domain name in lower case; raises Invalid, naming what is wrong with it."""
    domain = ascii_lower(text.strip())
    if not domain:
        raise Invalid.one(field, "Enter a domain, such as example.com.")
    if problem := _no_domain(domain):
        raise Invalid.one(field, problem)
    return domain


def _problem(address: str) -> str | None:
    if not address:
        return "Enter an email address, such as ada@example.com."
    if strange := stranger(address.replace(" ", "")):
        return f"{strange} It is in {_quoted(address)}."
    if " " in address:
        return f"An email address holds no blanks: {_quoted(address)}."
    local, at, domain = address.rpartition("@")
    if not at:
        return f"{_quoted(address)} is not a complete address: it needs an @, as in ada@example.com."
    if len(address) > MAX_LENGTH or len(local) > 64:  # RFC 5321, section 4.5.3.1.1
        return f"The address is too long: at most {MAX_LENGTH} characters, 64 of them before the @."
    if not LOCAL.fullmatch(local):
        return f"{_quoted(address)} is not a complete address: check the part before the @."
    if problem := _domain_problem(domain):
        return f"{_quoted(address)} is not a complete address: the part after the @ {problem}."
    return None


def _no_domain(domain: str) -> str | None:
    """What is wrong with a domain, and how to write it where that can be told."""
    meant = domain.partition("://")[2] or domain.rpartition("@")[2]
    meant = re.split(r"[/?#:]", meant)[0]
    if meant != domain and not stranger(meant) and not _domain_problem(meant):
        return f"Enter only the domain, without what is around it: {meant}."
    if strange := stranger(domain.replace(" ", "")):
        ascii_form = _ascii_form(domain)
        return f"Write {_quoted(domain)} in its ASCII form: {ascii_form}." if ascii_form else strange
    if " " in domain:
        return f"A domain holds no blanks: {_quoted(domain)}. Enter one such as example.com."
    if problem := _domain_problem(domain):
        return f"{_quoted(domain)} is not a domain: it {problem}. Enter one such as example.com."
    return None


def _ascii_form(domain: str) -> str | None:
    """The `xn--` form of a domain in another script, if there is one that means this domain and no other."""
    if len(domain) > MAX_DOMAIN:  # no form of it is short enough, and the codec would take long over a long one
        return None
    try:
        encoded = domain.encode("idna")
        same = encoded.decode("idna") == domain  # the codec would take ß for ss, and a fullwidth letter for a plain one
    except UnicodeError:
        return None
    return encoded.decode("ascii") if same and not _domain_problem(encoded.decode("ascii")) else None


def stranger(text: str) -> str | None:
    """A sentence about the first character that no address can hold; None when there is none."""
    for character in text:
        if not "!" <= character <= "~":
            name = unicodedata.name(character, f"U+{ord(character):04X}")
            shown = f"“{character}” ({name})" if character.isprintable() and character != " " else name
            return (
                f"The character {shown} is not accepted here: use plain letters, digits and punctuation without blanks."
            )
    return None


def _domain_problem(domain: str) -> str | None:
    """What is wrong with a domain, as the rest of a sentence about it."""
    labels = domain.split(".")
    if len(labels) == 1:
        return "needs a dot" if domain else "is missing"
    if len(domain) > MAX_DOMAIN:
        return f"is longer than {MAX_DOMAIN} characters"
    if not all(LABEL.fullmatch(label) for label in labels):
        return "has a part that is not 1 to 63 letters, digits and inner hyphens"
    if labels[-1].isdigit():
        return "does not end in a top-level domain"
    return None


def _quoted(text: str) -> str:
    shown = "".join(character if character.isprintable() else "�" for character in text[:SHOWN])
    return f"“{shown}{'…' if len(text) > SHOWN else ''}”"
