"""What the forms of the settings carry along, so that nobody overwrites unseen what somebody else saved meanwhile."""

from __future__ import annotations

from dataclasses import asdict

import orjson
from pydantic import TypeAdapter, ValidationError

from minutebook.actions.values import Cents, Diff, SetChange, change, hours_told
from minutebook.model import DAY
from minutebook.organization.sessions import SESSION_LIFETIME
from minutebook.organization.settings import Settings, read_settings
from minutebook.web.forms import Typed
from minutebook.web.session import Place

SETTINGS = TypeAdapter(Settings)


OTHERS = {
    "daily_limit": "Daily spending limit per member",
    "balance_alert": "Balance alert",
    "session_hours": "Session lifetime",
}
"""The settings that are one number or none, and what they are called."""


def settings_now(place: Place) -> Settings:
    """The settings as they are now."""
    with place.site.store.reading() as connection:
        return read_settings(connection, place.organization.number)


def to_field(settings: Settings) -> str:
    """The field `before` of a form: the settings that it was filled from."""
    return orjson.dumps(asdict(settings)).decode()


def from_field(sent: Typed) -> Settings | None:
    """The settings in the field `before`; None when somebody tampered with it."""
    try:
        return SETTINGS.validate_json(sent.one("before"))
    except ValidationError:
        return None


def seen_hash(before: Settings | None) -> str:
    """For `seen` of a command: the hash of those settings; never right when it is not known what was seen."""
    return before.seen() if before else ""


def changed_meanwhile(before: Settings | None, now: Settings) -> tuple[Diff, ...]:
    """What somebody else saved since the form was filled."""
    if before is None:
        return ()
    changes = (
        ("Allowed models", SetChange.between(before.models, now.models)),
        ("Allowed providers", SetChange.between(before.providers, now.providers)),
        ("Default model", change(before.default_model, now.default_model)),
        ("Data collection", change(before.data_collection, now.data_collection)),
        *((title, change(told_of(name, before), told_of(name, now))) for name, title in OTHERS.items()),
    )
    return tuple(changed.diff(title) for title, changed in changes if changed)


UNSET = {"session_hours": f"{SESSION_LIFETIME // DAY} days"}
"""What holds where there is none; else nothing does."""


def told_of(name: str, settings: Settings) -> str | None:
    """A setting that is one number, as people read it; None where there is none."""
    value: int | None = getattr(settings, name)
    if value is None:
        return None
    return hours_told(value) if name == "session_hours" else str(Cents(cents=value))
