"""The balance alert: who is told, and when, that the credits of an organization run low or do so no more."""

from __future__ import annotations

from minutebook.actions.values import Cents
from minutebook.model import Role
from minutebook.organization import mail_limits, outbox
from minutebook.organization.outbox import Mail
from minutebook.record import Act

TOLD = (Role.OWNER, Role.BILLING_MANAGER)


def is_low(balance: int, threshold: int | None) -> bool:
    """Whether a balance is below what somebody wants to be told of; both in cents."""
    return threshold is not None and balance < threshold


def tell(act: Act, balance: int, threshold: int | None, *, was_low: bool) -> None:
    """Mails owners and billing managers, in the transaction at hand, if this made the balance low, or low no more;
    unless they got too many of these mails."""
    if threshold is None or is_low(balance, threshold) == was_low or not mail_limits.may_tell(act, mail_limits.BALANCE):
        return
    now = f"{'no longer below' if was_low else 'below'} {Cents(cents=threshold)}"

    def mail(to: str, name: str) -> Mail:
        return Mail(
            to,
            f"Credits of {name}: {now}",
            f"The credits of {name} stand at {Cents(cents=balance)}, {now}. Owners and billing managers are told of "
            "this.\n\nOwners and admins change the amount on the page Settings.\n",
        )

    about = outbox.about(act.organization, mail_limits.BALANCE)
    outbox.put_for_each(act.connection, act.organization, TOLD, mail, act.at, about=about)
