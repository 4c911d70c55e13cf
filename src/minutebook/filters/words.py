"""The texts by which an event is found: its words, and apart from them its ids and numbers.

Apart, because a short word is soon found somewhere in an id that means nothing.
"""

from __future__ import annotations

import re

from minutebook.actions import sentence
from minutebook.actions.parts import plain
from minutebook.filters.text import normal_text
from minutebook.identifiers import ID
from minutebook.model import Event, Json

BEGINNING = re.compile(r"[a-z]{3}_[a-z0-9]+")
LOOKED_THROUGH = 4_096
"""Characters of a text in which it is looked whether it says something already: lists may be long."""
ADDRESS = re.compile(r"[0-9a-f]*[.:][0-9a-f.:]+")


def text_of(event: Event) -> str:
    """The text of an event in normal form: in the first line its words, in the second its ids and numbers."""
    return f"{search_text(event)}\n{id_text(event)}"


def search_text(event: Event) -> str:
    """The sentence, the actor's address and name, the names of targets, the texts in the details; in normal form."""
    says = plain(sentence(event.action, event.details, event.erased))
    texts = [value for _, value in values(dict(event.details)) if isinstance(value, str) and not ID.fullmatch(value)]
    names = [event.actor.email or "", event.actor.name or "", *(target.name for target in event.targets)]
    said, begin = [says], says[:LOOKED_THROUGH]
    for text in (*names, *texts):
        if text not in begin:  # else it is found there: whoever looks for another has less to look through
            said.append(text)
            begin = f"{begin}\n{text}"[:LOOKED_THROUGH]
    return normal_text("\n".join(said))


def id_text(event: Event) -> str:
    """The ids of actor, targets, request and session, the network address, the ids and numbers in the details; in
    normal form."""
    context = event.context
    ids = [event.actor.id, context.ip or "", context.request_id or "", context.session_id or ""]
    ids += [target.id for target in event.targets]
    ids += [
        written(value)
        for path, value in values(dict(event.details))
        if path != ("v",) and not (isinstance(value, str) and not ID.fullmatch(value))
    ]
    return normal_text("\n".join(ids))


def is_id(normal: str) -> bool:
    """Whether what is searched for looks like an id or a network address, or the beginning of one."""
    return bool(BEGINNING.fullmatch(normal) or ADDRESS.fullmatch(normal))


def values(details: Json) -> list[tuple[tuple[str, ...], str | int | bool]]:
    """Every single value inside details with the names that lead to it; a list has the name of what it is in.

    In the order of canonical JSON: what is written and what is rebuilt must be equal.
    """
    found: list[tuple[tuple[str, ...], str | int | bool]] = []
    _find_values(details, (), found)
    return found


def _find_values(part: Json, path: tuple[str, ...], found: list[tuple[tuple[str, ...], str | int | bool]]) -> None:
    if isinstance(part, dict):
        for name in sorted(part):
            _find_values(part[name], (*path, name), found)
    elif isinstance(part, list):
        for item in part:
            _find_values(item, path, found)
    elif part is not None:
        found.append((path, part))


def written(value: str | int | bool) -> str:
    """A value as people write it in a query."""
    return str(value).lower() if isinstance(value, bool) else str(value)
