"""organization.*: the organization itself."""

from __future__ import annotations

from minutebook.actions import ocsf
from minutebook.actions.catalogue import Details, Severity, action
from minutebook.actions.values import Person, Value
from minutebook.model import Plan, Target


class FirstSettings(Value):
    """What the organization allowed from its first moment."""

    models: tuple[str, ...]
    providers: tuple[str, ...]
    default_model: str
    data_collection: str


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
