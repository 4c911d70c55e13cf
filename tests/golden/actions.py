"""The catalogue as it was last looked at: actions.json. `python -m tests.golden` writes it anew.

An action is shipped when its `since` is no newer than the last release in CHANGELOG.md; until then nobody's log has an
event of it, and it may be changed freely. Shipped actions and fields are never removed or retyped, because events that
were recorded with them must stay readable; nor do fields change their order, because disclosures are stored in it. A
shipped sentence is not reworded by the way, because the search text of those events holds it. Where the catalogue
contradicts what was shipped, the command refuses.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from minutebook.actions import CATALOGUE
from minutebook.actions.catalogue import describe
from minutebook.actions.ocsf import Activity
from minutebook.actions.parts import plain
from tests.actions.examples import EXAMPLES

FILE = Path(__file__).with_name("actions.json")
CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"
RELEASE = re.compile(r"^## \[?(\d+(?:\.\d+)*)\b", re.MULTILINE)
Shipped = dict[str, dict[str, Any]]
Version = tuple[int, ...]


def version_of(text: str) -> Version:
    """`0.1` and `0.1.0` are the same version."""
    parts = tuple(int(part) for part in text.split("."))
    return parts + (0,) * (3 - len(parts))


def releases(changelog: str) -> list[Version]:
    """The versions that headings of the changelog name; what is unreleased is none."""
    return [version_of(text) for text in RELEASE.findall(changelog)]


def shipped_of(actions: Shipped, changelog: str) -> Shipped:
    """Those of the file that were released, by the `since` that the file has."""
    last = max(releases(changelog), default=())
    return {name: action for name, action in actions.items() if version_of(action["since"]) <= last}


def declared() -> Shipped:
    """The catalogue as actions.json has it: name → versions, the JSON Schema of each field, an example's sentence, and
    what it is in the words of OCSF."""
    return {name: _declared(name) for name in sorted(CATALOGUE)}


def _declared(name: str) -> dict[str, Any]:
    schema = CATALOGUE[name].details.model_json_schema()
    fields = {
        field: _resolved(described, schema.get("$defs", {}))
        for field, described in schema.get("properties", {}).items()
    }
    return {
        "since": CATALOGUE[name].since,
        "version": CATALOGUE[name].version,
        "required": sorted(schema.get("required", [])),
        "fields": fields,
        "sentence": _sentence(name),
        "ocsf": _ocsf(CATALOGUE[name].ocsf),
    }


def _ocsf(activity: Activity) -> str:
    """`3006/4 Remove User`: the numbers of its class and activity, and its name, which alone tells 99 apart."""
    return f"{activity.kind.uid}/{activity.id} {activity.name}"


def _sentence(name: str) -> str:
    for example in EXAMPLES:
        if example.action.name == name:
            return plain(describe(example))
    raise LookupError(f"{name} has no example in tests/actions/examples.py")


def _resolved(schema: Any, definitions: dict[str, Any]) -> Any:
    """The schema with its definitions put in place, and without what only describes it."""
    if isinstance(schema, list):
        return [_resolved(part, definitions) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _resolved(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    return {
        key: {name: _resolved(part, definitions) for name, part in value.items()}
        if key == "properties"
        else _resolved(value, definitions)
        for key, value in sorted(schema.items())
        if key not in {"title", "description"}
    }


def contradictions(shipped: Shipped, now: Shipped) -> list[str]:
    """What the catalogue removes or retypes of what was shipped."""
    problems = []
    for name, action in shipped.items():
        if name not in now:
            problems.append(f"{name} was shipped and is gone")
            continue
        found = now[name]
        for field, schema in action["fields"].items():
            if field not in found["fields"]:
                problems.append(f"{name}: the field {field} was shipped and is gone")
            elif found["fields"][field] != schema and not _only_adds(schema, found["fields"][field]):
                problems.append(f"{name}: the field {field} has another type")
        kept = [field for field in action["fields"] if field in found["fields"]]
        if kept != [field for field in found["fields"] if field in action["fields"]]:
            problems.append(f"{name}: its fields stand in another order, but events store them in the one they had")
        demanded = set(found["required"]) - set(action["required"])
        problems += [f"{name}: {field} is required, but events without it were recorded" for field in demanded]
        if found["since"] != action["since"]:
            problems.append(f"{name}: it was shipped in {action['since']}, not in {found['since']}")
        if found["version"] < action["version"]:
            problems.append(f"{name}: its version went back")
        if found["sentence"] != action["sentence"]:
            problems.append(
                f"{name}: its sentence was reworded. Events that were recorded before hold the old one in the column "
                "search: add a migration that rebuilds it (store.log.projection), then change actions.json by hand"
            )
    return problems


def _only_adds(before: Any, now: Any) -> bool:
    """Whether the type accepts all that it accepted: an enum that got more choices, an object with more fields."""
    if isinstance(before, dict) and isinstance(now, dict):
        if "enum" in before and "enum" in now and set(before["enum"]) <= set(now["enum"]):
            return True
        if before.get("type") == now.get("type") == "object" and now.get("required") == before.get("required"):
            old, new = before.get("properties", {}), now.get("properties", {})
            return all(name in new and (new[name] == part or _only_adds(part, new[name])) for name, part in old.items())
    if isinstance(before, dict) and isinstance(now, dict) and before.keys() == now.keys() == {"anyOf", "default"}:
        pairs = zip(before["anyOf"], now["anyOf"], strict=False)
        return all(old == new or _only_adds(old, new) for old, new in pairs)
    return False


def main() -> int:
    """Writes the file anew; the exit code is 1 when the catalogue contradicts what was shipped."""
    before = json.loads(FILE.read_text()) if FILE.exists() else {}
    now = declared()
    problems = contradictions(shipped_of(before, CHANGELOG.read_text()), now)
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        FILE.write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n")
    return bool(problems)
