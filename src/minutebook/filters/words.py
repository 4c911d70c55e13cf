"""The text by which an event is found: its sentence, its actor, where it came from, its targets, its details."""

from __future__ import annotations

from collections.abc import Iterator

from minutebook.actions import read_details
from minutebook.actions.catalogue import describe
from minutebook.actions.parts import plain
from minutebook.filters.text import normal_text
from minutebook.model import Event, Json


def search_text(event: Event) -> str:
    """All words of the event in their normal form."""
    actor = event.actor
    words = [plain(describe(read_details(event.action, event.details)))]
    words += [actor.email or "", actor.name or "", actor.id, event.context.ip or ""]
    for target in event.targets:
        words += [target.name, target.id]
    words += [written(value) for path, value in values(dict(event.details)) if path != ("v",)]
    return normal_text("\n".join(words))


def values(details: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str | int | bool]]:
    """Every single value inside details with the names that lead to it; a list has the name of what it is in.

    In the order of canonical JSON: what is written and what is rebuilt must be equal.
    """
    if isinstance(details, dict):
        for name in sorted(details):
            yield from values(details[name], (*path, name))
    elif isinstance(details, list):
        for item in details:
            yield from values(item, path)
    elif details is not None:
        yield path, details


def written(value: str | int | bool) -> str:
    """A value as people write it in a query."""
    return str(value).lower() if isinstance(value, bool) else str(value)
