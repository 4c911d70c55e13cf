"""Expression → the text of a query, as `language.read` understands it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from minutebook.filters.expression import AllOf, AnyOf, Expression, Not, Term, any_of
from minutebook.filters.terms import DETAILS, TERMS

PLAIN_VALUE = re.compile(r'[^\s()",\\][^\s(),]*')
PLAIN_WORD = re.compile(r'[^\s()"\\:-][^\s():]*')
JOINING = ("OR", "AND")
NEGATING = "NOT"
LONGEST_NUMBER = len("1,000,000,000,000")
"""Longer ones are lists: there are no such numbers."""
GROUPED = re.compile(r"(?<![^,.])[1-9][0-9]{0,2}(?:,[0-9]{3})+(?![^,.])")
OF_THE_LANGUAGE = (*JOINING, NEGATING)
"""What is searched for as a word only in quotation marks."""


def write(expression: Expression, zone: ZoneInfo | None = None) -> str:
    """The query that `read` understands as this expression in that zone; without a zone, in every one."""
    if isinstance(expression, AllOf):
        return " ".join(_part(part, zone) for part in expression.of)
    if isinstance(expression, AnyOf) and not _is_list(expression):
        return " OR ".join(write_beside(part, zone) for part in _in_lists(expression.of))
    return _part(expression, zone)


def write_beside(expression: Expression, zone: ZoneInfo | None = None) -> str:
    """The same, as it can stand beside other parts: alternatives in parentheses."""
    return write(expression, zone) if isinstance(expression, AllOf) else _part(expression, zone)


def _part(expression: Expression, zone: ZoneInfo | None) -> str:
    match expression:
        case Term(key, value):
            return _in_term(key, value, zone)
        case Not(of):
            return f"-{_part(of, zone)}"
        case AnyOf(parts) if _is_list(expression):
            of_one_key = [part for part in parts if isinstance(part, Term)]
            prefix, values = _prefix(of_one_key[0]), ",".join(_value_of(part, zone) for part in of_one_key)
            if one_or_several(prefix, values):
                values = ",".join(in_quotes(TERMS[part.key].write(part.value, zone)) for part in of_one_key)
            return f"{prefix}:{values}"
        case _:
            return f"({write(expression, zone)})"


def _is_list(expression: AnyOf) -> bool:
    """Whether it can be written as one key with several values."""
    keys = set(map(_key_of_list, expression.of))
    return len(keys) == 1 and None not in keys


def _in_lists(parts: Iterable[Expression]) -> Iterator[Expression]:
    """The alternatives, those of one key that follow each other together: so they are no more terms than were read."""
    for key, run in itertools.groupby(parts, _key_of_list):
        together = tuple(run)
        yield from [any_of(together)] if key else together


def _key_of_list(part: Expression) -> str | None:
    return _prefix(part) if isinstance(part, Term) and part.key != "text" else None


def _prefix(term: Term) -> str:
    path = getattr(term.value, "path", None)
    return f"{DETAILS}{'.'.join(path)}" if path is not None else term.key


def _in_term(key: str, value: object, zone: ZoneInfo | None) -> str:
    term = Term(key, value)
    if key == "text":
        word = TERMS[key].write(value, zone)
        is_plain = PLAIN_WORD.fullmatch(word) and word not in OF_THE_LANGUAGE
        return word if is_plain else in_quotes(word)
    return f"{_prefix(term)}:{_value_of(term, zone)}"


def one_or_several(key: str, values: str) -> re.Match[str] | None:
    """Where values with commas between can be one number as people write it, such as `4,700`, or several."""
    if key != "seq" and not key.startswith(DETAILS):
        return None
    found = GROUPED.search(values)
    return found if found and len(found[0]) <= LONGEST_NUMBER else None


def write_value(text: str) -> str:
    """The text as a value behind a key, in quotation marks where it needs them."""
    return text if PLAIN_VALUE.fullmatch(text) else in_quotes(text)


def _value_of(term: Term, zone: ZoneInfo | None) -> str:
    return write_value(TERMS[term.key].write(term.value, zone))


def in_quotes(text: str) -> str:
    """The text as it is, whatever it holds."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
