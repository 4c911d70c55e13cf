"""Overview: how an organization stands, what needs attention, and what was done last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import Connection

from minutebook.actions.values import Cents
from minutebook.custody import clock
from minutebook.custody.log_state import state_of
from minutebook.errors import OutcomeUnknown, StoreUnavailable
from minutebook.filters import EVERYTHING, Here
from minutebook.model import Plan
from minutebook.organization import credits, invitations, second_factor_rule, sittings
from minutebook.organization.balance_alert import is_low
from minutebook.organization.invitations import Invitation
from minutebook.organization.second_factor_rule import REQUIRED
from minutebook.organization.settings import read_settings
from minutebook.permissions import Permission
from minutebook.store import log, search
from minutebook.store.scope import Scope
from minutebook.web import log_views, shell, times
from minutebook.web.log_address import Address
from minutebook.web.render import show
from minutebook.web.session import Place, place
from minutebook.web.views.log import DayGroup
from minutebook.web.views.page import Moment

router = APIRouter()

Seen = Annotated[Place, Depends(place(Permission.SEATS_READ))]

RECENT = 8
"""How many of the newest events are shown."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the organization, what it is of, and where there is more."""

    label: str
    value: str
    href: str
    note: str
    of: str = ""


@dataclass(frozen=True, slots=True)
class Attention:
    """What somebody should look at, and what they can do there."""

    text: str
    then: str
    href: str


@dataclass(frozen=True, slots=True)
class Overview:
    """The page. `recent` is None for those who may not read the log, and empty while the reading cannot be recorded."""

    since: Moment
    figures: tuple[Figure, ...]
    attention: tuple[Attention, ...]
    recent: tuple[DayGroup, ...] | None
    zone: str
    log_href: str


@router.get("/o/{org}")
def show_overview(request: Request, place: Seen) -> Response:
    """What there is, and for those who may, what needs attention and what was done last."""
    reads = place.may(Permission.LOG_READ) and place.organization.plan is Plan.ENTERPRISE
    may_read_now = reads and _sits(place)
    number, zone, at = place.organization.number, place.viewer.zone, place.viewer.at
    with place.site.store.reading() as connection:
        pending = invitations.pending(connection, number) if place.may(Permission.SEATS_WRITE) else []
        recent = _recent(place, connection) if may_read_now else ()
        page = Overview(
            since=times.day_of(place.organization.created_at, zone),
            figures=tuple(_figures(place, connection)),
            attention=tuple(_attention(place, connection, pending, reads=reads)),
            recent=recent if reads else None,
            zone=times.zones_shown([at], zone),
            log_href=place.path(shell.AUDIT_LOGS),
        )
    return show(request, "overview.html", place=place, current=shell.OVERVIEW, page=page)


def _sits(place: Place) -> bool:
    """Whether the reading is recorded: the page shows the rest while it cannot be."""
    try:
        sittings.sit(place.site.store, place.seat, place.viewer.session.id, place.viewer.at)
    except (StoreUnavailable, OutcomeUnknown):
        return False
    return True


def _recent(place: Place, connection: Connection) -> tuple[DayGroup, ...]:
    number, zone, at = place.organization.number, place.viewer.zone, place.viewer.at
    scope = Scope(number, log.read_head(connection, number).size, here=Here(zone, at))
    events = map(log.event_of, search.place(connection, scope, EVERYTHING, None, RECENT).rows)
    return log_views.days(events, Address(place.path(shell.AUDIT_LOGS)), zone, at)


def _figures(place: Place, connection: Connection) -> Iterator[Figure]:
    limit, held, members = place.organization.seat_limit, place.invitations, place.path(shell.MEMBERS)
    free = max(0, limit - place.members - (held or 0))
    yield Figure("Seats taken", f"{place.members:,}", members, f"{free:,} free", of=f"{limit:,}")
    if held is not None:
        yield Figure("Pending invitations", f"{held:,}", place.path(shell.INVITATIONS), _holding(held))
    if place.may(Permission.CREDITS_READ):
        balance = Cents(cents=credits.balance(connection, place.organization.number))
        yield Figure("Balance", str(balance), place.path(shell.CREDITS), "of credits")


def _attention(place: Place, connection: Connection, pending: list[Invitation], *, reads: bool) -> Iterator[Attention]:
    number, at = place.organization.number, place.viewer.at
    if reads:
        state = state_of(connection, place.site.custody, number)
        integrity = place.path(shell.INTEGRITY)
        if state.problem:
            yield Attention("The log is no longer what was signed of it.", "See what happened", integrity)
        elif state.is_late(at):
            yield Attention("Signing of the log is behind.", "See how far", integrity)
    if place.may(Permission.RETENTION_WRITE) and clock.find_step(connection, number):
        text = "The server\u2019s clock went forward, and nothing is pruned until somebody confirms it."
        yield Attention(text, "Confirm the clock", place.path(shell.RETENTION))
    threshold = read_settings(connection, number).balance_alert
    if place.may(Permission.CREDITS_READ) and is_low(credits.balance(connection, number), threshold):
        text = f"The balance is below {Cents(cents=threshold or 0)}."
        yield Attention(
            text, "Buy credits" if place.may(Permission.CREDITS_BUY) else "See credits", place.path(shell.CREDITS)
        )
    if place.may(Permission.SEATS_WRITE) and second_factor_rule.read_rule(connection, number) == REQUIRED:
        without = len(second_factor_rule.without(connection, number))
        if without:
            text = f"{without:,} members do" if without > 1 else "One member does"
            text = f"{text} not get in: they have no second factor."
            yield Attention(text, "See who", f"{place.path(shell.MEMBERS)}?factor=none")
    over = sum(not one.is_live(at) for one in pending)
    lost = sum(one.is_live(at) and one.mail is not None and one.mail.is_given_up for one in pending)
    if place.may(Permission.SEATS_WRITE) and place.members + len(pending) - over >= place.organization.seat_limit:
        yield Attention("All seats are taken or held by invitations.", "See who holds them", place.path(shell.MEMBERS))
    if lost:
        text = f"The mail of {_invitations(lost)} could not be delivered."
        yield Attention(text, "Pass the link on yourself", place.path(shell.INVITATIONS))
    if over:
        text = f"{_invitations(over).capitalize()} can no longer be accepted."
        yield Attention(text, "Invite again", place.path(shell.INVITATIONS_OVER))


def _holding(held: int) -> str:
    return "nobody is invited" if not held else "holds a seat" if held == 1 else "each holds a seat"


def _invitations(number: int) -> str:
    return "one invitation" if number == 1 else f"{number:,} invitations"
