"""link.*: the links by which auditors from outside read a part of the log."""

from __future__ import annotations

from minutebook.actions import ocsf
from minutebook.actions.catalogue import Details, Severity, action
from minutebook.model import Target


@action(
    "link.create",
    title="Auditor link created",
    severity=Severity.HIGH,
    ocsf=ocsf.CREATE,
    says="Made an auditor link for {name}: {reads}",
    since="0.1",
)
class LinkCreated(Details):
    """An owner let somebody from outside read what a query finds, all of the log without one, until `expires_at` (UTC
    microseconds)."""

    link: str
    name: str
    query: str | None = None
    expires_at: int

    @property
    def reads(self) -> str:
        """What of the log the link shows."""
        return self.query or "all of the log"

    def targets(self) -> tuple[Target, ...]:
        return (Target("link", self.link, self.name),)


@action(
    "link.use",
    title="Auditor link used",
    severity=Severity.MEDIUM,
    ocsf=ocsf.READ,
    says="Opened the auditor link for {name}",
    since="0.1",
)
class LinkUsed(Details):
    """Someone opened an auditor link in a browser, which from then on could read what the link shows."""

    link: str
    name: str

    def targets(self) -> tuple[Target, ...]:
        return (Target("link", self.link, self.name),)


@action(
    "link.revoke",
    title="Auditor link revoked",
    severity=Severity.MEDIUM,
    ocsf=ocsf.DELETE,
    says="Revoked the auditor link for {name}",
    since="0.1",
)
class LinkRevoked(Details):
    """An owner took an auditor link back; what had been opened by it was closed at once."""

    link: str
    name: str

    def targets(self) -> tuple[Target, ...]:
        return (Target("link", self.link, self.name),)
