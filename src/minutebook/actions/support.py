"""support.*: support staff whom the operator lets into an organization, for a reason and a limited time."""

from __future__ import annotations

from enum import StrEnum

from minutebook.actions import ocsf
from minutebook.actions.catalogue import Details, Severity, action
from minutebook.actions.values import Person, lasting
from minutebook.model import Target


@action(
    "support.grant",
    title="Support staff let in",
    severity=Severity.HIGH,
    ocsf=ocsf.CREATE,
    says="Let {person} of support staff in for {amount}, to read[ and to {changes}]: {reason}",
    since="0.1",
)
class SupportGranted(Details):
    """Whoever runs Minutebook let somebody of support staff into the organization, for a reason, for `lasts`
    microseconds from then on. They may read, and besides what `may` names."""

    grant: str
    person: Person
    reason: str
    may: tuple[str, ...]
    lasts: int

    @property
    def amount(self) -> str:
        return lasting(self.lasts)

    @property
    def changes(self) -> str | None:
        return ", ".join(self.may) or None

    def targets(self) -> tuple[Target, ...]:
        return (self.person.target(),)


@action(
    "support.enter",
    title="Support staff entered",
    severity=Severity.HIGH,
    ocsf=ocsf.LOGON,
    says="Entered as support staff: {reason}",
    since="0.1",
)
class SupportEntered(Details):
    """Somebody of support staff entered the organization. What they do there is recorded under their own name, on
    behalf of whoever let them in."""

    grant: str
    reason: str


class Ending(StrEnum):
    """How the access of support staff ended: they left, an owner or the operator ended it, or its time was over."""

    LEFT = "left"
    ENDED = "ended"
    EXPIRED = "expired"

    @property
    def label(self) -> str:
        return {"left": "they left", "ended": "it was ended", "expired": "its time was over"}[self.value]


@action(
    "support.leave",
    title="Support staff left",
    severity=Severity.MEDIUM,
    ocsf=ocsf.LOGOFF,
    says="The access of {person} of support staff is over: {how}",
    since="0.1",
)
class SupportLeft(Details):
    """The access of somebody of support staff ended, by themselves, by an owner, by the operator or by its time."""

    grant: str
    person: Person
    how: Ending

    def targets(self) -> tuple[Target, ...]:
        return (self.person.target(),)
