"""How an action is declared, and what is derived from the declaration.

    @action("member.change_role", title="Role changed", severity=Severity.HIGH, ocsf=ocsf.ASSIGN_ROLE,
            says="Changed role of {member} {role}", since="0.1")
    class RoleChanged(Details):
        \"\"\"An owner or admin gave a member another role.\"\"\"

        member: Person
        role: RoleChange

Filter choices, labels, the sentence, the search text, the OCSF event and `docs/actions.md` follow from it. Mistakes in
a declaration (a name used twice, no docstring, no OCSF activity, a field in `says` that does not exist) fail at import.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache
from itertools import zip_longest
from typing import Any, ClassVar, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from minutebook.actions.ocsf import USER_ACCESS, Activity
from minutebook.actions.parts import Code, Part, Strong, Text
from minutebook.actions.values import ERASED, Diff, Erased, Value
from minutebook.model import Json, Outcome, Target

NAME = re.compile(r"[a-z]+\.[a-z_]+")
DETAILS = "details."
SLOT = re.compile(r"\{([a-z_]*)\}")
OPTIONAL = re.compile(r"\[([^\[\]]*)\]")

NOUNS: dict[str, str] = {
    "organization": "Organization",
    "user": "Sign-in and invitations",
    "access": "Refusals",
    "member": "Members",
    "settings": "Settings",
    "mode": "Modes",
    "credits": "Credits",
    "sso": "Single sign-on",
    "token": "API tokens",
    "log": "The log itself",
    "search": "Saved searches",
    "link": "Auditor links",
    "support": "Support staff",
}
"""The groups in which actions are shown, in this order: the noun of the name, and its title."""


class Severity(IntEnum):
    """How much attention an act deserves when it succeeds."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def label(self) -> str:
        return self.name.capitalize()


class Details(BaseModel):
    """The typed data of an action, in the past tense. Subclasses are declared with `@action`.

    Shipped fields are never removed or retyped (a golden file watches over it); what comes later has a default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    action: ClassVar[Action]
    outcome: ClassVar[Outcome] = Outcome.SUCCESS
    gone: ClassVar[frozenset[str]] = frozenset()
    """The fields of it that were erased, and hold ERASED."""
    told_by: ClassVar[Mapping[str, str]] = {}
    """By field, the property that tells people what it holds; nothing where that of another field tells it."""

    def targets(self) -> tuple[Target, ...]:
        """What the act was done to."""
        return ()

    def diffs(self) -> tuple[Diff, ...]:
        """What changed, for every field that knows a before and an after."""
        return tuple(
            replace(value.diff(self.field_title(name)), name=name)
            for name in type(self).model_fields
            if (value := getattr(self, name)) is not None and hasattr(value, "diff")
        )

    def facts(self) -> Iterator[tuple[str, str, object]]:
        """What no diff shows, as people are told it: the title, the name of the field or property, and its value."""
        for name in type(self).model_fields:
            value, told = getattr(self, name), self.told_by.get(name, name)
            if isinstance(value, Erased):
                yield self.field_title(name), name, value
            elif told and (value := _told(self, told)) is not None and not hasattr(value, "diff"):
                yield self.field_title(name), told, value

    @classmethod
    def field_title(cls, name: str) -> str:
        """What people call a field: its `title`, else its name."""
        return cls.model_fields[name].title or name.replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True)
class Action:
    """One kind of act. `name` is `noun.verb` and never changes once it is shipped."""

    name: str
    title: str
    severity: Severity
    ocsf: Activity
    says: str
    since: str
    version: int
    details: type[Details]

    @property
    def noun(self) -> str:
        return self.name.partition(".")[0]

    @property
    def has_targets(self) -> bool:
        """Whether such an act is done to something that it names."""
        return self.details.targets is not Details.targets


CATALOGUE: dict[str, Action] = {}
D = TypeVar("D", bound=type[Details])


def action(
    name: str, *, title: str, severity: Severity, ocsf: Activity, says: str, since: str, version: int = 1
) -> Callable[[D], D]:
    """Declares an action. Raises TypeError when the declaration contradicts itself or an earlier one."""

    def declare(details: D) -> D:
        if not NAME.fullmatch(name) or name.partition(".")[0] not in NOUNS:
            raise TypeError(f"{name}: an action is called noun.verb, with a noun of NOUNS")
        if name in CATALOGUE:
            raise TypeError(f"{name} is declared twice")
        if not details.__dict__.get("__doc__"):
            raise TypeError(f"{name}: {details.__name__} needs a docstring that says what happened")
        told = {name for of in details.__mro__ for name, value in vars(of).items() if isinstance(value, property)}
        if unknown := set(SLOT.findall(says)) - set(vars(details)["__pydantic_fields__"]) - told:
            raise TypeError(f"{name}: says names fields that do not exist: {', '.join(sorted(unknown))}")
        if ocsf.kind is USER_ACCESS and "role" not in vars(details)["__pydantic_fields__"]:
            raise TypeError(f"{name}: an action of the OCSF class {USER_ACCESS.name} has a field `role`")
        details.action = CATALOGUE[name] = Action(name, title, severity, ocsf, says, since, version, details)
        return details

    return declare


def describe(details: Details) -> tuple[Part, ...]:
    """The sentence of an event as parts. Values are put in as parts and never formatted a second time.

    `{field}` in `says` stands for the value of a field or a property, `[, name {field}]` for words that are left out
    while it is None.
    """
    parts: list[Part] = []
    for is_optional, words, names in _phrases(details.action.says):
        values = [_told(details, name) for name in names]
        if is_optional and any(value is None for value in values):
            continue
        for text, value in zip_longest(words, values):
            if text:
                parts.append(Text(text))
            parts.extend(parts_of(value))
    return tuple(parts)


@lru_cache(maxsize=1024)
def _phrases(says: str) -> list[tuple[bool, list[str], list[str]]]:
    """Whether each phrase may be left out, its words, and the names of the values between them."""
    split = [SLOT.split(phrase) for phrase in OPTIONAL.split(says)]
    return [(bool(number % 2), pieces[::2], pieces[1::2]) for number, pieces in enumerate(split)]


def _told(details: Details, name: str) -> object:
    """The value of a field or a property; ERASED for a property of erased fields."""
    try:
        return getattr(details, name)
    except (TypeError, ValueError, AttributeError):
        if details.gone:
            return ERASED
        raise


def parts_of(value: object) -> Sequence[Part]:
    """How one value of Details is told; None is told by silence."""
    if value is None:
        return ()
    if isinstance(value, Value) and hasattr(value, "parts"):
        parts: Sequence[Part] = value.parts()
        return parts
    label = getattr(value, "label", None)
    return (Strong(label if isinstance(label, str) else str(value)),)


def read_details(name: str, details: Mapping[str, Json], erased: Collection[str] = ()) -> Details:
    """The typed Details of a recorded event, from the JSON it was recorded as. Of `erased`, the paths of what was
    erased of the event, the fields of the details hold ERASED.

    Raises KeyError for an action that no version ever declared, pydantic.ValidationError for details that do not fit.
    """
    gone = frozenset(path.removeprefix(DETAILS) for path in erased if path.startswith(DETAILS))
    data: dict[str, Any] = {key: value for key, value in details.items() if key != "v" and key not in gone}
    # JSON mode, because strict types accept an enum's or a tuple's JSON form only there
    return _without(CATALOGUE[name].details, gone).model_validate_json(orjson.dumps(data))


def known_details(name: str, details: Mapping[str, Json], erased: Collection[str] = ()) -> Details | None:
    """The same, or None for what another version of Minutebook has recorded, or nobody."""
    try:
        return read_details(name, details, erased)
    except (KeyError, ValidationError):
        return None


def sentence(name: str, details: Mapping[str, Json], erased: Collection[str] = ()) -> tuple[Part, ...]:
    """The sentence of a recorded event; only its action where this version of Minutebook cannot read it."""
    known = known_details(name, details, erased)
    return describe(known) if known else (Text("Recorded by another version of Minutebook: "), Code(name))


def severity_of(name: str) -> str:
    """How much attention a recorded act deserves, as one word: low, medium, high or critical; medium where this version
    of Minutebook does not know the action."""
    known = CATALOGUE.get(name)
    return (known.severity if known else Severity.MEDIUM).label.lower()


@lru_cache(maxsize=1024)
def _without(details: type[Details], gone: frozenset[str]) -> type[Details]:
    """The Details with ERASED in some fields."""
    if not gone:
        return details
    known = {name: info for name, info in details.model_fields.items() if name in gone}
    fields: dict[str, Any] = {name: (Erased, Field(ERASED, title=info.title)) for name, info in known.items()}
    found: type[Details] = create_model(details.__name__, __base__=details, __doc__=details.__doc__, **fields)
    found.gone = gone
    return found
