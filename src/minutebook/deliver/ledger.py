"""The ledger of credits as a file: CSV that no spreadsheet runs, the oldest entry first."""

from __future__ import annotations

from collections.abc import Iterable

from minutebook.deliver.formats.csv import encoded, inert
from minutebook.model import rfc3339
from minutebook.organization.credits import CreditEntry

COLUMNS = ("entered_at", "kind", "reference", "entered_by", "reason", "amount_cents", "balance_cents")
"""Times are RFC 3339 in UTC, amounts cents of US dollars; a grant has a reason, a purchase none."""


def ledger_csv(newest_first: Iterable[CreditEntry]) -> bytes:
    """The entries, as `credits.entries` returns them, under the names of the columns."""
    rows = [
        (
            rfc3339(entry.entered_at),
            entry.kind.lower(),
            inert(entry.reference),
            inert(entry.entered_by),
            inert(entry.reason or ""),
            entry.cents,
            entry.balance,
        )
        for entry in newest_first
    ]
    return encoded([COLUMNS, *reversed(rows)])
