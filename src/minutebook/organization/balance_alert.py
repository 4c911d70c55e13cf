"""The balance alert: who is told, and when, that the credits of an organization run low or do so no more."""

from __future__ import annotations

from sqlalchemy import select

from minutebook.actions.values import Cents
from minutebook.model import Role
from minutebook.organization import outbox
from minutebook.organization.outbox import Mail
from minutebook.record import Act
from minutebook.store import schema

TOLD = (Role.OWNER.value, Role.BILLING_MANAGER.value)


def is_low(balance: int, threshold: int | None) -> bool:
    """Whether a balance is below what somebody wants to be told of; both in cents."""
    return threshold is not None and balance < threshold


def tell(act: Act, balance: int, threshold: int | None, *, was_low: bool) -> None:
    """Mails owners and billing managers, in the transaction at hand, if this made the balance low, or low no more."""
    if threshold is None or is_low(balance, threshold) == was_low:
        return
    seat, user, organization = schema.seat.c, schema.user.c, schema.organization.c
    told = (
        select(user.email, organization.name)
        .join(schema.seat, seat.user == user.id)
        .join(schema.organization, organization.organization == seat.organization)
        .where(seat.organization == act.organization, seat.role.in_(TOLD))
    )
    now = "no longer below" if was_low else "below"
    amounts = f"{Cents(cents=balance)}, {now} {Cents(cents=threshold)}"
    for row in act.connection.execute(told.order_by(user.email)).all():
        body = (
            f"The credits of {row.name} stand at {amounts}. Owners and billing managers are told of this.\n\n"
            "Owners and admins change the amount on the page Settings.\n"
        )
        outbox.put(
            act.connection, Mail(row.email, f"Credits of {row.name}: {now} {Cents(cents=threshold)}", body), act.at
        )
