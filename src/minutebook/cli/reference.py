"""The pages of documentation that are derived from the program: actions, filters, settings and commands."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Iterator
from enum import StrEnum
from textwrap import dedent, wrap
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from typer.main import get_command

from minutebook import config, security
from minutebook.actions import CATALOGUE, NOUNS, Action
from minutebook.config import Settings, variable_of
from minutebook.filters import FIELDS, TERMS, in_order, language
from minutebook.filters.moments import WORDS

GENERATED = "<!-- Written by tools/generate_docs.py; change what it is derived from instead. -->"
PLAIN_TYPES: dict[object, str] = {str: "text", int: "integer", bool: "true or false"}


def actions_markdown() -> str:
    """`docs/actions.md`: every action of the catalogue, a table for each noun, and the types of their fields."""
    actions = [CATALOGUE[name] for name in in_order(CATALOGUE)]
    lines = [
        GENERATED,
        "",
        "# Actions",
        "",
        *prose(
            f"The {len(actions)} actions that can be recorded. Once an action is shipped its name never changes, and "
            "no field of its details is removed or becomes another type. In the sentence, `{…}` stands for a field; "
            "one that is not set is left out."
        ),
    ]
    for noun, title in NOUNS.items():
        of_noun = [action for action in actions if action.noun == noun]
        if of_noun:
            lines += ["", f"## {title}", "", *_actionstable(of_noun)]
            lines += [line for action in of_noun for line in _action_section(action)]
    lines += ["", "## Types of fields", "", "Times are in UTC microseconds, amounts in cents."]
    lines += [line for value in _values(actions) for line in _type_section(value)]
    return "\n".join(lines) + "\n"


def filters_markdown() -> str:
    """`docs/filters.md`: every field of a filter, from the table that the URL is read by."""
    rows = [
        (f"`{field.key}`", field.label, f"`{field.example}`", "any number of times" if field.repeated else "once")
        for field in FIELDS
    ]
    lines = [
        GENERATED,
        "",
        "# Filters",
        "",
        *prose(
            "A filter is the part of an Audit Logs URL that says which events are meant. An event is found when it "
            "fits every field that is set. A field without a value is not set; one that is unknown or wrong is an "
            "error that says what would be accepted, never a wider result."
        ),
        "",
        *table(("Key", "Field", "Example", "Given"), rows),
    ]
    for field in FIELDS:
        lines += ["", f"## `{field.key}`", "", *prose(field.help)]
    return "\n".join([*lines, *_language_section()]) + "\n"


def _language_section() -> Iterator[str]:
    """The query language, from its grammar and the table of its terms."""
    _, grammar, *rest = dedent(language.__doc__ or "").strip().split("\n\n")
    yield from ("", "## The query language", "")
    yield from prose(
        "The search box, and `q` in a URL, understand more than the fields above: `action:member.* -outcome:success` "
        "are the acts on members that did not succeed. Fields stand beside each other and must all fit; `-` leaves out "
        "what follows it, `OR` accepts either side, parentheses hold together, and several values of one field are "
        "separated by commas. In the box, times are in the zone of the page."
    )
    words = ", ".join(f"`{word}`" for word in WORDS)
    yield ""
    yield from prose(
        f"A time may be told from now on: `-7d` (also s, m, h, w), or one of {words}, of which a day or a month means "
        "its beginning. It stays so in a URL, in a saved search and in an auditor's link, and counts from whenever "
        "somebody looks: hours, days and weeks from the full minute, the rest from the full second. All pages of one "
        "search mean the same instants. Days and months are those of the viewer's own time zone, for programs and "
        "auditor links those of UTC."
    )
    rows = [(", ".join(f"`{example}`" for example in kind.examples), kind.help) for kind in TERMS.values()]
    yield from ("", *table(("Term", "Meaning"), rows))
    yield from ("", "### Grammar", "", "```", *dedent(grammar).split("\n"), "```")
    for paragraph in rest:
        yield from ("", *prose(paragraph))


def settings_markdown() -> str:
    """`docs/settings.md`: every setting, its variable, its default."""
    lines = [GENERATED, "", "# Settings"]
    for paragraph in dedent(config.__doc__ or "").split("\n\n"):
        lines += ["", *prose(paragraph)]
    for name, field in Settings.model_fields.items():
        default = _default_text(field.default)
        lines += ["", f"## `{name}`", "", f"Variable `{variable_of(name)}`, default {default}.", ""]
        lines += prose(field.description or "")
    return "\n".join(lines) + "\n"


def security_markdown() -> str:
    """`docs/security-log.md`: every event of the security log, and its fields."""
    lines = [GENERATED, "", "# The security log", ""]
    for paragraph in dedent(security.__doc__ or "").strip().split("\n\n"):
        lines += [*prose(paragraph.replace("`docs/security-log.md` is made from the tables here.", "")), ""]
    fields = {name: ", ".join(f"`{field}`" for field in fields) for name, (_, fields) in security.EVENTS.items()}
    rows = [(f"`{name}`", meaning, fields[name]) for name, (meaning, _) in security.EVENTS.items()]
    lines += table(("Event", "Meaning", "Fields"), rows)
    lines += ["", "A field that does not apply is left out. `at` and `event` are always there, `times` may be.", ""]
    lines += table(("Field", "Meaning"), [(f"`{name}`", meaning) for name, meaning in security.FIELDS.items()])
    return "\n".join(lines) + "\n"


def cli_markdown() -> str:
    """`docs/cli.md`: every command as its `--help` tells it."""
    from minutebook.cli.main import app

    lines = [GENERATED, "", "# Commands"]
    for path, command in _commands(get_command(app), "minutebook"):
        lines += ["", f"## `{path}`", "", _plain_markdown(command.help or "")]
        rows = [(_parameter_text(parameter), getattr(parameter, "help", None) or "") for parameter in command.params]
        if rows:
            lines += ["", *table(("Option", "Meaning"), rows)]
    return "\n".join(lines) + "\n"


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from _commands(below, f"{path} {name}")


def _parameter_text(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar or parameter.name.upper()}`"
    return ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])


def _plain_markdown(help_: str) -> str:
    return re.sub(r"\[/?bold\]", "**", dedent(help_).strip())


def _default_text(default: object) -> str:
    if default is None or default == ():
        return "none"
    return f"`{default}`"


def _actionstable(actions: Iterable[Action]) -> list[str]:
    rows = [
        (
            f"[`{action.name}`](#{_anchor(action.name)})",
            action.title,
            action.severity.label,
            str(action.details.outcome),
            action.since,
        )
        for action in actions
    ]
    return table(("Action", "Title", "Severity", "Outcome", "Since"), rows)


def _action_section(action: Action) -> list[str]:
    lines = ["", f"### `{action.name}`", "", *prose(action.details.__doc__ or ""), "", f"Told as: `{action.says}`"]
    return lines + _fieldstable(action.details)


def _type_section(value: type[Any]) -> list[str]:
    heading = ["", f"### {value.__name__}", "", *prose(value.__doc__ or "")]
    if issubclass(value, StrEnum):
        return [*heading, "", f"One of {', '.join(f'`{member}`' for member in value)}."]
    return heading + _fieldstable(value)


def _fieldstable(model: type[BaseModel]) -> list[str]:
    rows = [
        (f"`{name}`", _type_text(field.annotation), "yes" if field.is_required() else "no")
        for name, field in model.model_fields.items()
    ]
    return ["", *table(("Field", "Type", "Always set"), rows)] if rows else ["", "It has no fields."]


def _type_text(annotation: Any) -> str:
    """How a type is called in the documentation; raises TypeError for one that has no words yet."""
    if annotation in PLAIN_TYPES:
        return PLAIN_TYPES[annotation]
    if get_origin(annotation) in (Union, types.UnionType):
        return " or ".join("nothing" if part is type(None) else _type_text(part) for part in get_args(annotation))
    if get_origin(annotation) is tuple:
        return f"list of {_type_text(get_args(annotation)[0])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel | StrEnum):
        return f"[{annotation.__name__}](#{_anchor(annotation.__name__)})"
    raise TypeError(f"docs/actions.md has no words for the type {annotation}")


def _values(actions: Iterable[Action]) -> list[type[Any]]:
    """The types of our own that details are made of, also inside each other, by name."""
    found: set[type[Any]] = set()
    waiting: list[type[BaseModel]] = [action.details for action in actions]
    while waiting:
        for field in waiting.pop().model_fields.values():
            for part in _parts(field.annotation):
                if isinstance(part, type) and issubclass(part, BaseModel | StrEnum) and part not in found:
                    found.add(part)
                    if issubclass(part, BaseModel):
                        waiting.append(part)
    return sorted(found, key=lambda value: value.__name__)


def _parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """A table as lines."""
    heads = tuple(heads)
    return [_row(heads), _row("---" for _ in heads), *map(_row, rows)]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def prose(text: str) -> list[str]:
    """A paragraph as lines of at most 120 characters."""
    return wrap(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False)


def _anchor(heading: str) -> str:
    """The link that forges make of a heading."""
    return "".join(c for c in heading.lower() if c.isalnum() or c in "_-")
