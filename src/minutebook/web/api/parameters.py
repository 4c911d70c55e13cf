"""What an operation of the API accepts in its query: read strictly, and described in the OpenAPI by the same table."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from starlette.requests import Request

from minutebook.actions import CATALOGUE
from minutebook.errors import Invalid, Problem
from minutebook.filters import FIELDS, UTC, Filter, parse, zone_named
from minutebook.filters.clause import listed
from minutebook.filters.instants import parse_start
from minutebook.filters.moments import Here
from minutebook.filters.quote import quoted
from minutebook.filters.term_values import meant
from minutebook.identifiers import MOST_SEQ

T = TypeVar("T")
MOST_EVENTS = 1000
MOST_NAMED = 20
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Parameter(Generic[T]):
    """One parameter of a query that is given at most once, or often where it is `repeated`: then its values are read
    with commas between. `read` raises Invalid for what it does not accept."""

    name: str
    help: str
    schema: dict[str, Any]
    default: T
    read: Callable[[str], T]
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """A query as it was understood."""

    filter: Filter
    now: int
    """What its relative times are told from, in UTC microseconds."""
    values: dict[str, Any]
    given: frozenset[str]

    @property
    def here(self) -> Here:
        """Where and when it is asked."""
        return Here(now=self.now)

    def of(self, parameter: Parameter[T]) -> T:
        """The value of a parameter; its default when it was not given."""
        value: T = self.values.get(parameter.name, parameter.default)
        return value

    def has(self, parameter: Parameter[Any]) -> bool:
        """Whether the parameter was given."""
        return parameter.name in self.given


@dataclass(frozen=True)
class Accepted:
    """All that an operation accepts: the filter, where it takes one, and parameters of its own."""

    own: tuple[Parameter[Any], ...] = ()
    filtered: bool = True
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        keys = [filter_field.key for filter_field in FIELDS] if self.filtered else []
        own = (*self.own, NOW) if self.filtered else self.own
        object.__setattr__(self, "own", own)
        object.__setattr__(self, "names", (*keys, *(parameter.name for parameter in own)))

    def read(self, request: Request, at: int) -> Given:
        """The query of a request at `at` (UTC microseconds). Raises Invalid for all that is wrong with it at once."""
        pairs = request.query_params.multi_items()
        problems = _unknown([name for name, _ in pairs], self.names) + _empty(pairs, self.names)
        filter_, values = Filter(), dict[str, Any]()
        try:
            own = {parameter.name for parameter in self.own}
            asked = [(name, text) for name, text in pairs if name in self.names and name not in own]
            filter_ = parse(asked)
        except Invalid as invalid:
            problems += invalid.problems
        for parameter in self.own:
            texts = [text for name, text in pairs if name == parameter.name]
            try:
                if any(text.strip() for text in texts):
                    given = ",".join(texts) if parameter.repeated else _only(parameter.name, texts)
                    values[parameter.name] = parameter.read(given)
            except Invalid as invalid:
                problems += invalid.problems
        if problems:
            raise Invalid(*problems)
        now = values.get(NOW.name)
        return Given(filter_, at if now is None else now, values, frozenset(name for name, _ in pairs))

    def described(self) -> dict[str, Any]:
        """For the OpenAPI: `openapi_extra` of the route."""
        filters = _filters_described() if self.filtered else []
        own = [_described(parameter.name, parameter.help, parameter.schema) for parameter in self.own]
        return {"parameters": [*filters, *own]}


def whole(name: str, help_: str, default: T, *, least: int, most: int) -> Parameter[int | T]:
    """A parameter that is a whole number within bounds."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= 20 and least <= int(text) <= most):
            raise Invalid.one(name, f"{quoted(text)} is not a whole number from {least} to {most:,}.")
        return int(text)

    schema: dict[str, Any] = {"type": "integer", "minimum": least, "maximum": most}
    if default is not None:
        schema["default"] = default
    return Parameter(name, help_, schema, default, read)


def one_of(name: str, help_: str, choices: Sequence[str]) -> Parameter[str]:
    """A parameter that is one of some words, the first when it is not given."""

    def read(text: str) -> str:
        if text not in choices:
            raise Invalid.one(name, f"{quoted(text)} is not one of {listed(list(choices), 'and')}.")
        return text

    schema = {"type": "string", "enum": list(choices), "default": choices[0]}
    return Parameter(name, help_, schema, choices[0], read)


def text(name: str, help_: str, example: str | None = None) -> Parameter[str | None]:
    """A parameter that the operation itself understands."""
    schema: dict[str, Any] = {"type": "string", "minLength": 1}
    if example:
        schema["examples"] = [example]
    return Parameter(name, help_, schema, None, operator.itemgetter(slice(None)))


def _zone(name: str) -> ZoneInfo:
    zone = zone_named(name)
    if zone.key != name:
        raise Invalid.one("zone", f"{quoted(name)} is not a time zone, such as Europe/Berlin or UTC.")
    return zone


ZONE: Parameter[ZoneInfo] = Parameter(
    "zone",
    "The time zone, by its IANA name, on whose clock and calendar the buckets lie.",
    {"type": "string", "default": "UTC", "examples": ["Europe/Berlin"]},
    UTC,
    _zone,
)
NOW: Parameter[int | None] = Parameter(
    "now",
    "What relative times of the filter, such as -7d, are told from; by default the time of the request. With the same, "
    "several requests mean the same instants.",
    {"type": "string", "examples": ["2026-11-06T17:05:30Z"]},
    None,
    lambda text: parse_start(text, "now"),
)
LIMIT = whole("limit", "The most events that are answered at once.", 50, least=1, most=MOST_EVENTS)
AFTER = whole(
    "after",
    "With `order=log`: only events whose number is greater. Without it the first is number 0.",
    None,
    least=0,
    most=MOST_SEQ,
)


def _only(name: str, texts: list[str]) -> str:
    if len(texts) > 1:
        raise Invalid.one(name, f"{name} is given {len(texts)} times; it can be given once.")
    return texts[0]


def _empty(pairs: Sequence[tuple[str, str]], known: Sequence[str]) -> list[Problem]:
    # A form sends empty fields; a program that does has lost a value, and would be given more than it asked for.
    empty = {name: None for name, text in pairs if name in known and not text.strip()}
    return [Problem(name, f"{name} is empty. Give it a value, or leave it out.") for name in empty]


def _unknown(given: list[str], known: Sequence[str]) -> list[Problem]:
    unknown = list(dict.fromkeys(name for name in given if name not in known))
    accepted = f"This operation accepts {listed(list(known), 'and')}." if known else "This operation accepts none."
    return [
        Problem(name[:LONGEST_NAME], f"There is no parameter {quoted(name)}. {meant(name, known)}{accepted}")
        for name in unknown[:MOST_NAMED]
    ]


def _filters_described() -> list[dict[str, Any]]:
    described = []
    for filter_field in FIELDS:
        schema: dict[str, Any] = {"type": "string", "examples": [filter_field.example]}
        if filter_field.key == "action":
            schema = {"type": "string", "enum": list(CATALOGUE)}
        if filter_field.repeated:
            schema = {"type": "array", "items": schema}
        described.append(_described(filter_field.key, filter_field.help, schema))
    return described


def _described(name: str, help_: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": help_, "schema": schema}
