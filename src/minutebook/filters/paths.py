"""The names that lead to the single values inside details, as the classes of the catalogue declare them."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from minutebook.actions import CATALOGUE
from minutebook.filters.clause import listed

FEW = 3


@dataclass(frozen=True, slots=True)
class DetailPath:
    """One way to a value: in which actions it is, and the values that there are, where they can be counted."""

    actions: tuple[str, ...]
    values: tuple[str, ...]

    @property
    def note(self) -> str:
        """`In member.change_role`, `In 7 actions`."""
        named = len(self.actions) <= FEW
        return f"In {listed(self.actions, 'and') if named else f'{len(self.actions)} actions'}"


@cache
def detail_paths() -> dict[str, DetailPath]:
    """By the names with dots between them, in alphabetical order."""
    actions: dict[str, list[str]] = {}
    values: dict[str, dict[str, None]] = {}
    for name, action in CATALOGUE.items():
        for path, choices in _paths_of(action.details):
            joined = ".".join(path)
            if name not in actions.setdefault(joined, []):
                actions[joined].append(name)
            values.setdefault(joined, {}).update(dict.fromkeys(choices))
    return {path: DetailPath(tuple(actions[path]), tuple(values[path])) for path in sorted(actions)}


@cache
def known_paths() -> frozenset[str]:
    """All that leads to a value: its names with dots between them, or the last of these."""
    parts = [path.split(".") for path in detail_paths()]
    return frozenset(".".join(names[at:]) for names in parts for at in range(len(names)))


def _paths_of(model: type[BaseModel], before: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    for name, field in model.model_fields.items():
        yield from _paths_in(field.annotation, (*before, name))


def _paths_in(annotation: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        for part in get_args(annotation):
            if part is not type(None):
                yield from _paths_in(part, path)
    elif origin is tuple:  # an item of a list has the name of the list
        yield from _paths_in(get_args(annotation)[0], path)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _paths_of(annotation, path)
    else:
        yield path, _choices(annotation)


def _choices(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation)]
    if annotation is bool:
        return ["true", "false"]
    is_enum = isinstance(annotation, type) and issubclass(annotation, StrEnum)
    return [member.value for member in annotation] if is_enum else []
