"""Credits: a ledger in cents. A payment becomes an entry once, however often it is reported."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from sqlalchemy import Connection, func, insert, select

from minutebook.actions.credits import CreditsGranted, CreditsPurchased, LedgerExported
from minutebook.actions.values import Cents
from minutebook.errors import Conflict, Invalid, NotAllowed
from minutebook.organization import balance_alert, settings, wording
from minutebook.permissions import Permission
from minutebook.record import ANYBODY, NO_CHANGE, Act, Command, NoChange
from minutebook.store import schema

MAX_CENTS = 100_000_000
MAX_BALANCE = 10**13
MAX_REASON = 300
REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#-]{0,99}")
AMOUNT = re.compile(r"([0-9]+)(\.[0-9]{1,2})?")
TOO_MUCH = f"This amount is too large: the most that can be entered at once is {Cents(cents=MAX_CENTS)}."


@dataclass(frozen=True, slots=True)
class CreditEntry:
    """One line of the ledger. Amounts are cents, the time is in UTC microseconds; only a grant has a reason."""

    reference: str
    cents: int
    balance: int
    entered_by: str
    entered_at: int
    reason: str | None = None

    @property
    def kind(self) -> str:
        return "Purchase" if self.reason is None else "Grant"


@dataclass(frozen=True)
class BuyCredits(Command):
    """Turns an external payment into credits. The same payment again changes nothing.

    Raises Invalid for an amount or a reference that cannot be, Conflict for a known reference with another amount.
    """

    needs: ClassVar = Permission.CREDITS_BUY

    cents: int
    reference: str
    mails: bool = False
    """Whether mail is sent, of a balance that was low and is so no more."""

    def change(self, act: Act) -> CreditsPurchased | NoChange:
        reference = parse_reference(self.reference)
        after = _enter(act, self.cents, reference, act.seat.actor.called, None, mails=self.mails)
        if after is None:
            return NO_CHANGE
        return CreditsPurchased(amount=Cents(cents=self.cents), balance=Cents(cents=after), reference=reference)


@dataclass(frozen=True)
class GrantCredits(Command):
    """Gives credits for nothing; for whoever runs Minutebook. The same reference again changes nothing.

    Raises as BuyCredits does, and Invalid for a reason or a name that cannot be.
    """

    needs: ClassVar = ANYBODY

    cents: int
    reference: str
    granted_by: str
    reason: str
    mails: bool = False

    def change(self, act: Act) -> CreditsGranted | NoChange:
        if not act.by_operator:
            raise NotAllowed("Only whoever runs Minutebook grants credits.")
        reference = parse_reference(self.reference, what="grant")
        granted_by = wording.name(self.granted_by, "granted_by", "Who grants it")
        reason = wording.name(self.reason, "reason", "The reason", limit=MAX_REASON)
        after = _enter(act, self.cents, reference, granted_by, reason, mails=self.mails)
        if after is None:
            return NO_CHANGE
        return CreditsGranted(
            amount=Cents(cents=self.cents),
            balance=Cents(cents=after),
            reference=reference,
            granted_by=granted_by,
            reason=reason,
        )


@dataclass(frozen=True)
class ExportLedger(Command):
    """Records that the ledger as it was read is given out: so many entries, with this balance in cents."""

    needs: ClassVar = Permission.CREDITS_READ

    entries: int
    balance: int

    def change(self, act: Act) -> LedgerExported:
        del act
        return LedgerExported(entries=self.entries, balance=Cents(cents=self.balance))


def _enter(act: Act, cents: int, reference: str, entered_by: str, reason: str | None, *, mails: bool) -> int | None:
    """The balance after a new line of the ledger; None where the same was entered before."""
    if cents > MAX_CENTS:
        raise Invalid.one("amount", TOO_MUCH)
    if cents < 1:
        raise Invalid.one("amount", "Enter an amount of at least $0.01.")
    table = schema.credit_entry
    where = (table.c.organization == act.organization, table.c.reference == reference)
    known = act.connection.execute(select(table.c.cents, table.c.reason).where(*where)).one_or_none()
    if known is not None:
        if (known.cents, known.reason is None) == (cents, reason is None):
            return None
        what = "payment" if known.reason is None else "grant"
        raise Conflict(f"The {what} {reference} was entered before, with {Cents(cents=known.cents)}.")
    before = balance(act.connection, act.organization)
    after = before + cents
    if after > MAX_BALANCE:
        raise Conflict(f"The balance would pass {Cents(cents=MAX_BALANCE)}, more than can be held.")
    entry = {"reference": reference, "cents": cents, "balance": after, "entered_by": entered_by, "reason": reason}
    act.connection.execute(insert(table).values(organization=act.organization, entered_at=act.at, **entry))
    if mails:
        threshold = settings.read_settings(act.connection, act.organization).balance_alert
        balance_alert.tell(act, after, threshold, was_low=balance_alert.is_low(before, threshold))
    return after


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


def parse_reference(text: str, field: str = "reference", what: str = "payment") -> str:
    """The reference of a payment or a grant as it was typed. Raises Invalid."""
    reference = text.strip()
    if not REFERENCE.fullmatch(reference):
        message = f"Enter the reference of the {what}: up to 100 letters, digits and . _ : / # -, without blanks."
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
    return [
        CreditEntry(row.reference, row.cents, row.balance, row.entered_by, row.entered_at, row.reason) for row in rows
    ]
