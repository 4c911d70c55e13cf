"""The style sheets as one file and the scripts as one file: a page waits for each file that a browser has to ask for.

They are joined at start, without a build. What the scripts may say of one another is little, and checked: each
`import { a, b } from "./other.js";` stands on a line of its own, and what is exported is declared in the same line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

SHEETS = (
    "tokens",
    "elements",
    "shell",
    "controls",
    "filters",
    "overview",
    "log",
    "panel",
    "proof",
    "states",
    "lists",
    "dialogs",
    "pages",
    "guide",
    "narrow",
)
"""In this order: what comes later holds against what comes before."""
ENTRY = "app.js"

IMPORT = re.compile(r'^import \{ ([\w$, ]+) \} from "\./([\w.]+)";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:const|class) ([\w$]+))", re.MULTILINE)
NOT_JOINED = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def joined_sheets(sheets: Mapping[str, str]) -> str:
    """All sheets, by name such as `log.css`, in their order. Raises ValueError for one that has no place in it."""
    if left_out := sheets.keys() - {f"{name}.css" for name in SHEETS}:
        raise ValueError(f"these style sheets have no place among the others: {', '.join(sorted(left_out))}")
    return "\n".join(sheets[f"{name}.css"] for name in SHEETS)


def joined_scripts(scripts: Mapping[str, str]) -> str:
    """The modules that ENTRY imports, and it, each as a function that returns what it exports.

    Raises ValueError for what cannot be joined, and for modules that import one another in a circle.
    """
    found: dict[str, str] = {}
    _join(ENTRY, scripts, found, ())
    return "\n".join(found.values())


def _join(name: str, scripts: Mapping[str, str], found: dict[str, str], importing: tuple[str, ...]) -> None:
    if name in importing:
        raise ValueError(f"scripts import one another: {' > '.join((*importing, name))}")
    if name in found:
        return
    if name not in scripts:
        raise ValueError(f"there is no script {name}, which {importing[-1]} imports")
    source = scripts[name]
    for match in IMPORT.finditer(source):
        _join(match[2], scripts, found, (*importing, name))
        if missing := set(match[1].split(", ")) - set(EXPORT.findall(scripts[match[2]])):
            raise ValueError(f"{name} imports {', '.join(sorted(missing))} from {match[2]}, which has no such export")
    exported = ", ".join(EXPORT.findall(source))
    body = EXPORT.sub("", IMPORT.sub(lambda match: f"const {{ {match[1]} }} = {_called(match[2])};", source))
    if wrong := NOT_JOINED.search(body):
        raise ValueError(f"{name} cannot be joined with the others: {wrong[0]}")
    found[name] = f"// {name}\nconst {_called(name)} = (() => {{\n{body}return {{ {exported} }};\n}})();\n"


def _called(name: str) -> str:
    return f"from_{name.removesuffix('.js')}"
