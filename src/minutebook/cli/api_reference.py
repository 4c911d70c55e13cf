"""`docs/api.md`, made of the OpenAPI document that is served."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from minutebook.cli.reference import GENERATED, prose, table
from minutebook.errors import PROBLEM
from minutebook.web.api import OPENAPI
from minutebook.web.api.document import ERRORS

Schema = dict[str, Any]
STANDS = {"query": "", "path": " in the path", "header": ", a header"}
WORDS = {"null": "`null`", "boolean": "true or false", "string": "text"}


def api_markdown() -> str:
    """The page, with a line feed at its end."""
    lines = [GENERATED, "", "# The API", "", *_paragraphs(OPENAPI["info"]["description"]), ""]
    lines += prose("The same, for programs that make clients: `/api/v1/openapi.json` (OpenAPI 3.1), without sign-in.")
    for path, operations in OPENAPI["paths"].items():
        lines += ["", f"## {operations['get']['summary']}", "", f"`GET {path}`", "", *_operation(operations["get"])]
    lines += ["", "## Errors", "", f"Each is answered with [ProblemDetails](#problemdetails), as `{PROBLEM}`.", ""]
    lines += table(("Status", "When"), [(str(status), told) for status, told in ERRORS.items()])
    lines += ["", "## What is answered"]
    for name, schema in OPENAPI["components"]["schemas"].items():
        if "properties" in schema:
            lines += ["", f"### {name}", "", *_model(schema)]
    return "\n".join(lines) + "\n"


def _operation(operation: Schema) -> Iterator[str]:
    yield from _paragraphs(operation["description"])
    rows = [
        (
            f"`{parameter['name']}`{STANDS[parameter['in']]}",
            _kind(parameter["schema"]),
            " ".join(parameter["description"].split()),
        )
        for parameter in operation["parameters"]
    ]
    yield from ("", *(table(("Parameter", "Type", "Meaning"), rows) if rows else ["It has no parameters."]), "")
    own = {status: answer for status, answer in operation["responses"].items() if int(status) not in ERRORS}
    yield from table(("Status", "Answer"), [(status, _content(answer)) for status, answer in own.items()])


def _model(schema: Schema) -> Iterator[str]:
    yield from prose(schema.get("description", ""))
    rows = [
        (f"`{name}`", _kind(inner), " ".join(inner.get("description", "").split()))
        for name, inner in schema["properties"].items()
    ]
    yield from ("", *table(("Key", "Type", "Meaning"), rows))


def _content(answer: Schema) -> str:
    schemas = {kind: content.get("schema", {}) for kind, content in answer["content"].items()}
    return " or ".join(_kind(schema) if "$ref" in schema else f"`{kind}`" for kind, schema in schemas.items())


def _kind(schema: Schema) -> str:
    """How a schema is called: its words, or a link to it."""
    if "$ref" in schema:
        return _link(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_kind(inner) for inner in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    if "enum" in schema and len(schema["enum"]) <= 5:
        return " or ".join(f"`{value}`" for value in schema["enum"]) + _default(schema)
    if "enum" in schema:
        return "one of the [actions](actions.md)"
    if schema.get("format") == "date-time":
        return "time"
    bounds = f", {schema['minimum']:,} to {schema['maximum']:,}" if "maximum" in schema else ""
    name = str(schema.get("type", "any"))
    return WORDS.get(name, name) + bounds + _default(schema)


def _link(name: str) -> str:
    schema = OPENAPI["components"]["schemas"][name]
    if "properties" in schema:
        return f"[{name}](#{name.lower()})"
    return " or ".join(f"`{value}`" for value in schema["enum"]) if "enum" in schema else "any JSON"


def _default(schema: Schema) -> str:
    return f", else `{schema['default']}`" if schema.get("default") is not None else ""


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.split("\n\n")):
        yield from ([""] if number else [])
        yield from prose(paragraph)
