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
