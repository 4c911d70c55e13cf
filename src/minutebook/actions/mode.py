"""mode.*: the custom modes of an organization."""

from __future__ import annotations

from minutebook.actions import ocsf
from minutebook.actions.catalogue import Details, Severity, action
from minutebook.actions.values import Change, Rewrite, SetChange
from minutebook.model import Target


@action(
    "mode.create",
    title="Mode created",
    severity=Severity.LOW,
    ocsf=ocsf.CREATE,
    says="Created mode {name}",
    since="0.1",
)
class ModeCreated(Details):
    """An owner or admin made a custom mode."""

    mode: str
    name: str
    instructions: str
    tools: tuple[str, ...]

    def targets(self) -> tuple[Target, ...]:
        return (Target("mode", self.mode, self.name),)


@action(
    "mode.update",
    title="Mode changed",
    severity=Severity.LOW,
    ocsf=ocsf.UPDATE,
    says="Changed mode {former_name}[, name {name}][, tools {tools}][, instructions: {instructions}]",
    since="0.1",
)
class ModeUpdated(Details):
    """An owner or admin changed a custom mode. Only what changed is there."""

    mode: str
    current_name: str
    name: Change | None = None
    instructions: Rewrite | None = None
    tools: SetChange | None = None

    @property
    def former_name(self) -> str:
        """What the mode was called until then: the name that people know it by, also when this act changed it."""
        return self.name.before or "" if self.name else self.current_name

    def targets(self) -> tuple[Target, ...]:
        return (Target("mode", self.mode, self.current_name),)


@action(
    "mode.delete",
    title="Mode deleted",
    severity=Severity.MEDIUM,
    ocsf=ocsf.DELETE,
    says="Deleted mode {name}",
    since="0.1",
)
class ModeDeleted(Details):
    """An owner or admin deleted a custom mode."""

    mode: str
    name: str

    def targets(self) -> tuple[Target, ...]:
        return (Target("mode", self.mode, self.name),)
