"""organization.*: the organization itself, from its first event to its last."""

from __future__ import annotations

from minutebook.actions import ocsf
from minutebook.actions.catalogue import Details, Severity, action
from minutebook.actions.values import Person, Value
from minutebook.model import Plan, Target


class FirstSettings(Value):
    """What the organization allowed from its first moment; amounts are cents."""

    models: tuple[str, ...]
    providers: tuple[str, ...]
    default_model: str
    data_collection: str
    daily_limit: int | None = None
    balance_alert: int | None = None
    session_hours: int | None = None


@action(
    "organization.create",
    title="Organization created",
    severity=Severity.HIGH,
    ocsf=ocsf.CREATE,
    says="Created the organization {name}, plan {plan}, {seat_limit} seats, owned by {owner}[, {remark}]",
    since="0.1",
)
class OrganizationCreated(Details):
    """An organization came into being with its first owner."""

    id: str
    name: str
    plan: Plan
    seat_limit: int
    owner: Person
    settings: FirstSettings
    remark: str | None = None

    def targets(self) -> tuple[Target, ...]:
        return (Target("organization", self.id, self.name), self.owner.target())


@action(
    "organization.request_deletion",
    title="Deletion asked for",
    severity=Severity.CRITICAL,
    ocsf=ocsf.UPDATE,
    says="Asked for the organization {name} to be deleted after {days} days",
    since="0.1",
)
class DeletionRequested(Details):
    """An owner asked for the organization to be deleted. `due_at` is in UTC microseconds; until then an owner can take
    it back."""

    name: str
    days: int
    due_at: int


@action(
    "organization.cancel_deletion",
    title="Deletion taken back",
    severity=Severity.HIGH,
    ocsf=ocsf.UPDATE,
    says="Took back that the organization {name} is deleted",
    since="0.1",
)
class DeletionCancelled(Details):
    """An owner took back that the organization is deleted."""

    name: str


@action(
    "organization.delete",
    title="Organization deleted",
    severity=Severity.CRITICAL,
    ocsf=ocsf.DELETE,
    says="Deleted the organization {name} with {members} seats, as {asked_by} had asked; this log is sealed",
    since="0.1",
)
class OrganizationDeleted(Details):
    """The waiting period was over: what the organization had is gone. No event comes after this one."""

    id: str
    name: str
    members: int
    asked_by: str

    def targets(self) -> tuple[Target, ...]:
        return (Target("organization", self.id, self.name),)
