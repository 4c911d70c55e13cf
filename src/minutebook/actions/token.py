"""token.*: the API tokens by which programs read the log of an organization."""

from __future__ import annotations

from minutebook.actions import ocsf
from minutebook.actions.catalogue import Details, Severity, action
from minutebook.model import Target


@action(
    "token.create",
    title="API token created",
    severity=Severity.HIGH,
    ocsf=ocsf.CREATE,
    says="Created the API token {name} for {purpose}",
    since="0.1",
)
class TokenCreated(Details):
    """An owner or admin made an API token, which works until it expires or is revoked."""

    token: str
    name: str
    scopes: tuple[str, ...]
    expires_at: int

    @property
    def purpose(self) -> str:
        """Its scopes in one text."""
        return ", ".join(self.scopes)

    def targets(self) -> tuple[Target, ...]:
        return (Target("token", self.token, self.name),)


@action(
    "token.revoke",
    title="API token revoked",
    severity=Severity.MEDIUM,
    ocsf=ocsf.DELETE,
    says="Revoked the API token {name}",
    since="0.1",
)
class TokenRevoked(Details):
    """An owner or admin took an API token back: it cannot be used any more."""

    token: str
    name: str

    def targets(self) -> tuple[Target, ...]:
        return (Target("token", self.token, self.name),)
