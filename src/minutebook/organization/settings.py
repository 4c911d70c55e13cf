"""Settings: which models and providers are allowed, the default model, the data-collection policy, what members may
spend, when somebody is told that the balance is low, and how long a session gives access."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import ClassVar

import orjson
from sqlalchemy import Connection, delete, insert, select

from minutebook.actions.settings import SettingsChanged
from minutebook.actions.values import AmountChange, Cents, HoursChange, SetChange, change
from minutebook.errors import Conflict, Invalid
from minutebook.organization import wording
from minutebook.permissions import Permission
from minutebook.record import NO_CHANGE, Act, Command, NoChange
from minutebook.store import schema

KNOWN_MODELS = (
    "anthropic/claude-haiku-4.5",
    "anthropic/claude-opus-4.1",
    "anthropic/claude-sonnet-4",
    "anthropic/claude-sonnet-4.5",
    "deepseek/deepseek-r1",
    "deepseek/deepseek-v3.1",
    "google/gemini-2.5-flash",
    "google/gemini-2.5-pro",
    "meta-llama/llama-4-maverick",
    "mistralai/codestral-2508",
    "mistralai/devstral-medium",
    "moonshotai/kimi-k2",
    "openai/gpt-5",
    "openai/gpt-5-codex",
    "openai/gpt-5-mini",
    "openai/o3",
    "qwen/qwen3-coder",
    "qwen/qwen3-max",
    "x-ai/grok-4",
    "x-ai/grok-code-fast-1",
    "z-ai/glm-4.6",
)
"""Offered as choices; any other model can be allowed by its id."""

KNOWN_PROVIDERS = (
    "amazon-bedrock",
    "anthropic",
    "azure",
    "cerebras",
    "deepinfra",
    "deepseek",
    "fireworks",
    "google-ai-studio",
    "google-vertex",
    "groq",
    "mistral",
    "moonshotai",
    "novita",
    "openai",
    "together",
    "xai",
)
MAX_MAKER, MAX_MODEL = 40, 80
"""How long a provider, or the part of a model id before its slash, and the part after it may be."""
MODEL = re.compile(rf"[a-z0-9][a-z0-9-]{{0,{MAX_MAKER - 1}}}/[a-z0-9][a-z0-9._:-]{{0,{MAX_MODEL - 1}}}")
PROVIDER = re.compile(rf"[a-z0-9][a-z0-9-]{{0,{MAX_MAKER - 1}}}")
MAX_NAMES = 500
MAX_SESSION_HOURS = 7 * 24
"""As long as a session lives at most."""

DATA_COLLECTION = {
    "forbid": "Providers may not keep prompts or train on them",
    "allow": "Providers may keep prompts and train on them",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of an organization; lists are sorted and each name stands in them once. Amounts are cents."""

    models: tuple[str, ...]
    providers: tuple[str, ...]
    default_model: str
    data_collection: str
    daily_limit: int | None = None
    """What each member may spend on one day."""
    balance_alert: int | None = None
    """Owners and billing managers are told when the balance goes below it."""
    session_hours: int | None = None
    """How long a session gives access to the organization; None as long as it lives."""

    def seen(self) -> str:
        """A short text that a form carries along, so that what it overwrites is what its reader saw."""
        return hashlib.sha256(orjson.dumps(asdict(self))).hexdigest()[:16]


FIRST = Settings(
    models=KNOWN_MODELS,
    providers=KNOWN_PROVIDERS,
    default_model="anthropic/claude-sonnet-4.5",
    data_collection="forbid",
)
"""What a new organization starts with; recorded with its creation."""


@dataclass(frozen=True)
class ChangeModels(Command):
    """Saves the page Models & Providers. `seen` is what `Settings.seen()` said when the form was shown."""

    needs: ClassVar = Permission.SETTINGS_WRITE

    models: tuple[str, ...]
    providers: tuple[str, ...]
    default_model: str
    seen: str | None = None

    def change(self, act: Act) -> SettingsChanged | NoChange:
        before = read_as_seen(act.connection, act.organization, self.seen)
        after = replace(
            before,
            models=_names(self.models, MODEL, "models", "a model id, such as openai/gpt-5"),
            providers=_names(self.providers, PROVIDER, "providers", "a provider, such as openai"),
            default_model=self.default_model.strip(),
        )
        if after.default_model not in after.models:
            raise Invalid.one(
                "default_model",
                f"{wording.shortened(after.default_model) or 'No model'} is not among the allowed models. "
                "Allow it, or choose a default model that is allowed.",
            )
        return save(act, "Models & Providers", before, after)


@dataclass(frozen=True)
class ChangeDataCollection(Command):
    """Saves the data-collection policy."""

    needs: ClassVar = Permission.SETTINGS_WRITE

    data_collection: str
    seen: str | None = None

    def change(self, act: Act) -> SettingsChanged | NoChange:
        before = read_as_seen(act.connection, act.organization, self.seen)
        (chosen,) = wording.choices([self.data_collection], DATA_COLLECTION, "data_collection")
        return save(act, "Data collection", before, replace(before, data_collection=chosen))


@dataclass(frozen=True)
class ChangeSessionLifetime(Command):
    """Saves how long a session gives access to the organization; None as long as it lives. Holds at once."""

    needs: ClassVar = Permission.SETTINGS_WRITE

    hours: int | None
    seen: str | None = None

    def change(self, act: Act) -> SettingsChanged | NoChange:
        before = read_as_seen(act.connection, act.organization, self.seen)
        if self.hours is not None and not 1 <= self.hours <= MAX_SESSION_HOURS:
            raise Invalid.one(
                "session_hours",
                f"Enter whole hours from 1 to {MAX_SESSION_HOURS}, or nothing: as long as a session lives.",
            )
        return save(act, "Sessions", before, replace(before, session_hours=self.hours))


def read_settings(connection: Connection, organization: int) -> Settings:
    """The settings of an organization as they are."""
    table = schema.setting
    rows = connection.execute(select(table.c.name, table.c.value).where(table.c.organization == organization))
    values = {name: orjson.loads(value) for name, value in rows}
    own = {each.name: values[each.name] for each in fields(Settings)}
    return Settings(**own | {name: tuple(own[name]) for name in ("models", "providers")})


def write(act: Act, before: Settings | None, after: Settings) -> None:
    """Stores those settings that differ from before."""
    old = asdict(before) if before else {}
    for name, value in asdict(after).items():
        if name not in old or old[name] != value:
            put(act, name, value)


def put(act: Act, name: str, value: object) -> None:
    """Stores one setting, in the place of what it was before."""
    table = schema.setting
    act.connection.execute(delete(table).where(table.c.organization == act.organization, table.c.name == name))
    text = orjson.dumps(value).decode()
    act.connection.execute(insert(table).values(organization=act.organization, name=name, value=text))


def no_name(name: str, kind: str) -> str:
    """What is wrong with a model id or a provider that cannot be one."""
    maker, slash, model = name.partition("/")
    why = f"is not {kind}"
    if len(maker) > MAX_MAKER or len(model) > MAX_MODEL:
        most = (
            f"{MAX_MAKER} characters before the slash and {MAX_MODEL} after it" if slash else f"{MAX_MAKER} characters"
        )
        why = f"is too long: at most {most} are accepted"
    return f"“{wording.shortened(name)}” {why}."


def save(act: Act, section: str, before: Settings, after: Settings) -> SettingsChanged | NoChange:
    """Stores what differs, and says so."""
    if before == after:
        return NO_CHANGE
    write(act, before, after)
    return SettingsChanged(
        section=section,
        models=SetChange.between(before.models, after.models),
        providers=SetChange.between(before.providers, after.providers),
        default_model=change(before.default_model, after.default_model),
        data_collection=change(before.data_collection, after.data_collection),
        daily_limit=_amount(before.daily_limit, after.daily_limit),
        balance_alert=_amount(before.balance_alert, after.balance_alert),
        session_hours=None
        if before.session_hours == after.session_hours
        else HoursChange(before=before.session_hours, after=after.session_hours),
    )


def _amount(before: int | None, after: int | None) -> AmountChange | None:
    old, new = (None if cents is None else Cents(cents=cents) for cents in (before, after))
    return None if before == after else AmountChange(before=old, after=new)


def read_as_seen(connection: Connection, organization: int, seen: str | None) -> Settings:
    """The settings as they are. Raises Conflict when they are others than those that were seen."""
    now = read_settings(connection, organization)
    if seen is not None and seen != now.seen():
        raise Conflict(
            "Someone else saved other settings while you were editing. Nothing of yours was saved: look at "
            "what is set now, and save again."
        )
    return now


def _names(names: Iterable[str], pattern: re.Pattern[str], field: str, kind: str) -> tuple[str, ...]:
    chosen = sorted({name.strip().lower() for name in names if name.strip()})
    if len(chosen) > MAX_NAMES:
        raise Invalid.one(field, f"{len(chosen):,} names are too many; at most {MAX_NAMES} are accepted.")
    for name in chosen:
        if not pattern.fullmatch(name):
            raise Invalid.one(field, no_name(name, kind))
    if not chosen:
        raise Invalid.one(field, "Allow at least one.")
    return tuple(chosen)
