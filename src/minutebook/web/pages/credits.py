"""Credits: the balance, the ledger, and turning a payment into credits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from minutebook.actions.values import Cents
from minutebook.errors import Invalid, Problem, kept
from minutebook.organization import credits
from minutebook.organization.credits import BuyCredits, CreditEntry
from minutebook.permissions import Permission
from minutebook.record import NoChange, perform
from minutebook.web import shell, times
from minutebook.web.forms import STAYS, Sent, Typed, form_after
from minutebook.web.paging import page_asked
from minutebook.web.render import Said, go, show
from minutebook.web.session import Place, place
from minutebook.web.views.page import Form, Moment

router = APIRouter()

Seen = Annotated[Place, Depends(place(Permission.CREDITS_READ))]
Bought = Annotated[Place, Depends(place(Permission.CREDITS_BUY))]

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One line of the ledger."""

    entered: Moment
    reference: str
    entered_by: str
    amount: str
    balance: str


@router.get("/o/{org}/credits")
def show_credits(request: Request, place: Seen) -> Response:
    """The balance and how it came about."""
    return _show(request, place, Form())


@router.post("/o/{org}/credits")
def buy_credits(request: Request, place: Bought, sent: Sent) -> Response:
    """Turns a payment into credits; the same payment again changes nothing, and says so."""
    try:
        done = perform(place.site.store, place.seat, _bought(sent))
    except STAYS as error:
        return _show(request, place, form_after(sent, error, ("amount", "reference")), error.status)
    said = Said.PAYMENT_KNOWN if isinstance(done, NoChange) else Said.CREDITS_BOUGHT
    return go(place.site, place.path(shell.CREDITS), said)


def _bought(sent: Typed) -> BuyCredits:
    """What was typed. Raises Invalid with everything that is wrong."""
    problems: list[Problem] = []
    cents = kept(problems, credits.parse_amount, sent.one("amount"))
    reference = kept(problems, credits.parse_reference, sent.one("reference"))
    if cents is None or reference is None:
        raise Invalid(*problems)
    return BuyCredits(cents, reference)


def _show(request: Request, place: Place, form: Form, status: int = 200) -> Response:
    with place.site.store.reading() as connection:
        balance = credits.balance(connection, place.organization.number)
        entries = credits.entries(connection, place.organization.number)
    page = page_asked(request, len(entries), PAGE_SIZE)
    return show(
        request,
        "credits.html",
        place=place,
        current=shell.CREDITS,
        status=status,
        form=form,
        balance=str(Cents(cents=balance)),
        entries=[_row(place, entry) for entry in entries[page.first : page.end]],
        pager=page.pager(place.path(shell.CREDITS)),
        count=len(entries),
        action=place.path(shell.CREDITS),
        may_buy=place.may(Permission.CREDITS_BUY),
    )


def _row(place: Place, entry: CreditEntry) -> EntryRow:
    return EntryRow(
        entered=times.day_of(entry.entered_at, place.viewer.zone),
        reference=entry.reference,
        entered_by=entry.entered_by,
        amount=str(Cents(cents=entry.cents)),
        balance=str(Cents(cents=entry.balance)),
    )
