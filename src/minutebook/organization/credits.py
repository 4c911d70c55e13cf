"""Credits: a ledger in cents. A payment becomes an entry once, however often it is reported."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from sqlalchemy import Connection, func, insert, select

from minutebook.actions.credits import CreditsPurchased
from minutebook.actions.values import Cents
from minutebook.errors import Conflict, Invalid
from minutebook.permissions import Permission
from minutebook.record import NO_CHANGE, Act, Command, NoChange
from minutebook.store import schema

MAX_CENTS = 100_000_000
MAX_BALANCE = 10**13
REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#-]{0,99}")
AMOUNT = re.compile(r"([0-9]+)(\.[0-9]{1,2})?")
TOO_MUCH = f"This amount is too large: the most that can be entered at once is {Cents(cents=MAX_CENTS)}."


@dataclass(frozen=True, slots=True)
class CreditEntry:
    """One line of the ledger. Amounts are cents, the time is in UTC microseconds."""

    reference: str
    cents: int
    balance: int
    entered_by: str
    entered_at: int


@dataclass(frozen=True)
class BuyCredits(Command):
    """Turns an external payment into credits. The same payment again changes nothing.

    Raises Invalid for an amount or a reference that cannot be, Conflict for a known reference with another amount.
    """

    needs: ClassVar = Permission.CREDITS_BUY

    cents: int
    reference: str

    def change(self, act: Act) -> CreditsPurchased | NoChange:
        if self.cents > MAX_CENTS:
            raise Invalid.one("amount", TOO_MUCH)
        if self.cents < 1:
            raise Invalid.one("amount", "Enter an amount of at least $0.01.")
        reference = parse_reference(self.reference)
        table = schema.credit_entry
        where = (table.c.organization == act.organization, table.c.reference == reference)
        known = act.connection.execute(select(table.c.cents).where(*where)).scalar_one_or_none()
        if known == self.cents:
            return NO_CHANGE
        if known is not None:
            raise Conflict(f"The payment {reference} was entered before, with {Cents(cents=known)}.")
        after = balance(act.connection, act.organization) + self.cents
        if after > MAX_BALANCE:
            raise Conflict(f"The balance would pass {Cents(cents=MAX_BALANCE)}, more than can be held.")
        act.connection.execute(
            insert(table).values(
                organization=act.organization,
                reference=reference,
                cents=self.cents,
                balance=after,
                entered_by=act.seat.actor.name or "Minutebook",
                entered_at=act.at,
            )
        )
        return CreditsPurchased(amount=Cents(cents=self.cents), balance=Cents(cents=after), reference=reference)


def parse_amount(text: str, field: str = "amount") -> int:
    """The cents of an amount typed in dollars, such as `2,500` or `12.50`. Raises Invalid."""
    typed = text.strip().removeprefix("$").strip()
    plain = typed.replace(",", "") if re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]{1,2})?", typed) else typed
    match = AMOUNT.fullmatch(plain)
    if not match:
        raise Invalid.one(field, "Enter an amount in dollars, such as 250 or 12.50.")
    if len(match[1].lstrip("0")) > len(str(MAX_CENTS)):
        raise Invalid.one(field, TOO_MUCH)
    return int(Decimal(plain) * 100)


def parse_reference(text: str, field: str = "reference") -> str:
    """The reference of a payment as it was typed. Raises Invalid."""
    reference = text.strip()
    if not REFERENCE.fullmatch(reference):
        message = "Enter the reference of the payment: up to 100 letters, digits and . _ : / # -, without blanks."
        raise Invalid.one(field, message)
    return reference


def balance(connection: Connection, organization: int) -> int:
    """What the organization has, in cents."""
    table = schema.credit_entry.c
    total = select(func.coalesce(func.sum(table.cents), 0)).where(table.organization == organization)
    return int(connection.execute(total).scalar_one())


def entries(connection: Connection, organization: int) -> list[CreditEntry]:
    """The ledger, the newest first."""
    table = schema.credit_entry
    statement = select(table).where(table.c.organization == organization)
    rows = connection.execute(statement.order_by(table.c.entered_at.desc(), table.c.reference)).all()
    return [CreditEntry(row.reference, row.cents, row.balance, row.entered_by, row.entered_at) for row in rows]
