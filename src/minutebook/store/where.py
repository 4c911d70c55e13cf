"""Filter → SQL: one clause for each field of `filters.FIELDS` (a test fails when one is missing)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_

from minutebook.filters import FIELDS, Filter, MatchKind, actor_match, text_words
from minutebook.store.schema import event

ESCAPE = "\\"


def where(filter_: Filter) -> list[ColumnElement[bool]]:
    """The conditions on the table `event`, without the organization, which is the caller's to set first."""
    return [
        CLAUSES[field.key](value) for field in FIELDS if (value := getattr(filter_, field.attribute)) not in (None, ())
    ]


def _actor(text: str) -> ColumnElement[bool]:
    match = actor_match(text)
    column = event.c.actor_email
    if match.kind is MatchKind.EXACT:
        return column == match.text
    escaped = match.text.translate({ord(character): ESCAPE + character for character in f"%_{ESCAPE}"})
    pattern = f"%{escaped}%" if match.kind is MatchKind.PART else escaped.replace("*", "%")
    # an actor without an address (the system) is never meant, not even by *
    return and_(column.like(pattern, escape=ESCAPE), column != "")


def _text(text: str) -> ColumnElement[bool]:
    return and_(*(event.c.search.contains(word, autoescape=True) for word in text_words(text)))


CLAUSES: dict[str, Callable[[Any], ColumnElement[bool]]] = {
    "action": event.c.action.in_,
    "actor": _actor,
    "start": lambda start: event.c.occurred_at >= start,
    "end": lambda end: event.c.occurred_at < end,
    "text": _text,
}
