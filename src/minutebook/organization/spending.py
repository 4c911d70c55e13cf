"""Spending: what each member may spend on one day, and when somebody is told that the balance is low."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from minutebook.actions.settings import SettingsChanged
from minutebook.errors import Invalid
from minutebook.organization import balance_alert, credits, settings
from minutebook.permissions import Permission
from minutebook.record import Act, Command, NoChange


@dataclass(frozen=True)
class ChangeSpending(Command):
    """Saves the daily limit of each member and the balance alert, in cents; None for neither. With `mails`, those who
    are told of a low balance get a mail if it is low by this."""

    needs: ClassVar = Permission.SETTINGS_WRITE

    daily_limit: int | None
    balance_alert: int | None
    seen: str | None = None
    mails: bool = False

    def change(self, act: Act) -> SettingsChanged | NoChange:
        before = settings.read_as_seen(act.connection, act.organization, self.seen)
        for name, cents in (("daily_limit", self.daily_limit), ("balance_alert", self.balance_alert)):
            if cents is not None and not 0 <= cents <= credits.MAX_CENTS:
                raise Invalid.one(name, credits.TOO_MUCH if cents > 0 else "An amount is not negative.")
        after = replace(before, daily_limit=self.daily_limit, balance_alert=self.balance_alert)
        balance = credits.balance(act.connection, act.organization)
        if self.mails:
            was_low = balance_alert.is_low(balance, before.balance_alert)
            balance_alert.tell(act, balance, after.balance_alert, was_low=was_low)
        return settings.save(act, "Spending", before, after)
