"""access.*: what somebody who has a place in the organization was refused there."""

from __future__ import annotations

from typing import ClassVar

from minutebook.actions import ocsf
from minutebook.actions.catalogue import Details, Severity, action
from minutebook.actions.values import lasting, number_of
from minutebook.model import Outcome, Role


@action(
    "access.denied",
    title="Access denied",
    severity=Severity.MEDIUM,
    ocsf=ocsf.REFUSE,
    says="Was refused to {operation}[ {repeated}][: {standing} may not {needed}][: {reason}]",
    since="0.1",
)
class AccessDenied(Details):
    """Somebody who holds a seat, or a program with an API token or a browser with an auditor link, was refused what
    `operation` and `route` say. Either they had no permission (`needed`, with the `role` or the `scopes` that they had
    then), or `reason` says what else stood in the way. The first refusal is recorded at once. When the same person is
    refused the same more often within 15 minutes, one event behind them says how often (`times`, with `more`); the
    context is that of the last. `since` and `until` are when it was refused first and last (UTC microseconds). If the
    server is ended by force, what was not counted yet is lost: it was refused so often at least."""

    outcome = Outcome.DENIED
    told_by: ClassVar = {"since": "first_at", "until": "last_at"}

    operation: str
    route: str | None = None
    needed: str | None = None
    reason: str | None = None
    role: Role | None = None
    scopes: tuple[str, ...] | None = None
    times: int = 1
    more: bool = False
    since: int
    until: int

    @property
    def repeated(self) -> str | None:
        """`14 more times in 12 minutes`; None when it happened once."""
        if self.times == 1 and not self.more:
            return None
        number = number_of(self.times, "more time" if self.more else "time")
        return f"{number} in {lasting(self.until - self.since)}"

    @property
    def first_at(self) -> int:
        return self.since

    @property
    def last_at(self) -> int:
        return self.until

    @property
    def standing(self) -> str:
        """`the role member`, `an API token for log.export`, or `support staff`, which has neither."""
        if self.role:
            return f"the role {self.role.label.lower()}"
        return f"an API token for {', '.join(self.scopes)}" if self.scopes else "support staff"
