"""sso.*: the domain whose people sign in through the organization's identity provider."""

from __future__ import annotations

from minutebook.actions import ocsf
from minutebook.actions.catalogue import Details, Severity, action
from minutebook.actions.values import Change
from minutebook.model import Target


@action(
    "sso.set_domain",
    title="SSO domain set",
    severity=Severity.HIGH,
    ocsf=ocsf.UPDATE,
    says="Set the SSO domain {domain}",
    since="0.1",
)
class SsoDomainSet(Details):
    """An owner or admin set the organization's SSO domain, the first one or in place of another."""

    domain: Change

    def targets(self) -> tuple[Target, ...]:
        name = self.domain.after or ""
        return (Target("domain", name, name),)


@action(
    "sso.verify_domain",
    title="SSO domain verified",
    severity=Severity.HIGH,
    ocsf=ocsf.UPDATE,
    says="Verified the SSO domain {domain}",
    since="0.1",
)
class SsoDomainVerified(Details):
    """The DNS of the domain has the record that names the organization: whoever owns the one owns the other."""

    domain: str

    def targets(self) -> tuple[Target, ...]:
        return (Target("domain", self.domain, self.domain),)


@action(
    "sso.lapse_domain",
    title="SSO domain lapsed",
    severity=Severity.HIGH,
    ocsf=ocsf.UPDATE,
    says="The SSO domain {domain} is not verified any more",
    since="0.1",
)
class SsoDomainLapsed(Details):
    """Several daily checks in a row found that the DNS of the domain has no longer the record."""

    domain: str
    checks: int

    def targets(self) -> tuple[Target, ...]:
        return (Target("domain", self.domain, self.domain),)


@action(
    "sso.remove_domain",
    title="SSO domain removed",
    severity=Severity.HIGH,
    ocsf=ocsf.DELETE,
    says="Removed the SSO domain {domain}",
    since="0.1",
)
class SsoDomainRemoved(Details):
    """An owner or admin removed the organization's SSO domain."""

    domain: str

    def targets(self) -> tuple[Target, ...]:
        return (Target("domain", self.domain, self.domain),)
