"""credits.*: what the organization has to spend."""

from __future__ import annotations

from minutebook.actions import ocsf
from minutebook.actions.catalogue import Details, Severity, action
from minutebook.actions.values import Cents
from minutebook.model import Target


@action(
    "credits.purchase",
    title="Credits bought",
    severity=Severity.MEDIUM,
    ocsf=ocsf.UPDATE,
    says="Bought {amount} of credits, balance {balance}, payment {reference}",
    since="0.1",
)
class CreditsPurchased(Details):
    """An external payment was turned into credits, once. `balance` is after it."""

    amount: Cents
    balance: Cents
    reference: str

    def targets(self) -> tuple[Target, ...]:
        return (Target("payment", self.reference, self.reference),)


@action(
    "credits.grant",
    title="Credits granted",
    severity=Severity.HIGH,
    ocsf=ocsf.UPDATE,
    says="Granted {amount} of credits, balance {balance}, by {granted_by}: {reason}, reference {reference}",
    since="0.1",
)
class CreditsGranted(Details):
    """Whoever runs Minutebook gave credits for nothing, once. `balance` is after it, `granted_by` who decided it."""

    amount: Cents
    balance: Cents
    reference: str
    granted_by: str
    reason: str

    def targets(self) -> tuple[Target, ...]:
        return (Target("grant", self.reference, self.reference),)


@action(
    "credits.export",
    title="Ledger exported",
    severity=Severity.MEDIUM,
    ocsf=ocsf.READ,
    says="Exported the ledger of credits, entries: {entries}, balance {balance}",
    since="0.1",
)
class LedgerExported(Details):
    """The ledger of credits was given out as a file; recorded before its first line left."""

    entries: int
    balance: Cents
