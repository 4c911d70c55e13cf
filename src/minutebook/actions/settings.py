"""settings.*: what the organization allows."""

from __future__ import annotations

from pydantic import Field

from minutebook.actions import ocsf
from minutebook.actions.catalogue import Details, Severity, action
from minutebook.actions.values import AmountChange, Change, HoursChange, SetChange
from minutebook.model import Target


@action(
    "settings.change",
    title="Settings changed",
    severity=Severity.MEDIUM,
    ocsf=ocsf.UPDATE,
    says="Changed {section}[ {name}][ {models}][, providers {providers}][, default model {default_model}]"
    "[ {data_collection}][ {plan}][, seat limit {seat_limit}][, daily limit per member {daily_limit}]"
    "[, alert below {balance_alert}][, sessions last {session_hours}][ {second_factor}]",
    since="0.1",
)
class SettingsChanged(Details):
    """Settings were saved that differ from those before. Only what changed is there."""

    section: str
    name: Change | None = None
    models: SetChange | None = Field(default=None, title="Allowed models")
    providers: SetChange | None = Field(default=None, title="Allowed providers")
    default_model: Change | None = None
    data_collection: Change | None = None
    plan: Change | None = None
    seat_limit: Change | None = None
    daily_limit: AmountChange | None = Field(default=None, title="Daily spending limit per member")
    balance_alert: AmountChange | None = Field(default=None, title="Balance alert")
    session_hours: HoursChange | None = Field(default=None, title="Session lifetime")
    second_factor: Change | None = None

    def targets(self) -> tuple[Target, ...]:
        return (Target("settings", self.section.lower().replace(" & ", "-"), self.section),)
