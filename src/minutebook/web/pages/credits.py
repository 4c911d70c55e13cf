"""Credits: the balance, the ledger and its export, and turning a payment into credits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import StreamingResponse

from minutebook.actions.values import Cents
from minutebook.deliver.ledger import ledger_csv
from minutebook.errors import CrossOrigin, Invalid, Problem, TooManyExports, kept
from minutebook.organization import credits
from minutebook.organization.credits import BuyCredits, CreditEntry, ExportLedger
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
    """One line of the ledger; a grant has a reason."""

    entered: Moment
    reference: str
    reason: str
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
        done = perform(place.site.store, place.seat, _bought(sent, mails=place.site.settings.sends_mail))
    except STAYS as error:
        return _show(request, place, form_after(sent, error, ("amount", "reference")), error.status)
    said = Said.PAYMENT_KNOWN if isinstance(done, NoChange) else Said.CREDITS_BOUGHT
    return go(place.site, place.path(shell.CREDITS), said)


@router.get("/o/{org}/credits/ledger.csv")
def export_ledger(request: Request, place: Seen) -> Response:
    """The whole ledger as a file, once that is recorded; HEAD is told its headers, and nothing is recorded.

    Raises CrossOrigin for a page of another site, which could only make people seem to have wanted it, and
    TooManyExports: it counts as an export of the log does.
    """
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise CrossOrigin
    pieces: list[bytes] = []
    if request.method != "HEAD":
        place.site.export_rates.check(place.seat.actor.id, TooManyExports)
        with place.site.store.reading() as connection:
            entries = credits.entries(connection, place.organization.number)
        perform(place.site.store, place.seat, ExportLedger(len(entries), entries[0].balance if entries else 0))
        pieces = [ledger_csv(entries)]
    name = f"credits-{place.organization.id}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(iter(pieces), media_type="text/csv; charset=utf-8", headers=headers)


def _bought(sent: Typed, *, mails: bool) -> BuyCredits:
    """What was typed. Raises Invalid with everything that is wrong."""
    problems: list[Problem] = []
    cents = kept(problems, credits.parse_amount, sent.one("amount"))
    reference = kept(problems, credits.parse_reference, sent.one("reference"))
    if cents is None or reference is None:
        raise Invalid(*problems)
    return BuyCredits(cents, reference, mails)


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
        export_href=place.path(shell.CREDITS, "ledger.csv"),
        may_buy=place.may(Permission.CREDITS_BUY),
    )


def _row(place: Place, entry: CreditEntry) -> EntryRow:
    return EntryRow(
        entered=times.day_of(entry.entered_at, place.viewer.zone),
        reference=entry.reference,
        reason=entry.reason or "",
        entered_by=entry.entered_by,
        amount=str(Cents(cents=entry.cents)),
        balance=str(Cents(cents=entry.balance)),
    )
