"""Audit Logs with a long log behind it: 20,000 events, or 2,000,000 with FULL=1. What is found is known by counting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from minutebook.actions import Details
from minutebook.actions.credits import CreditsPurchased
from minutebook.actions.mode import ModeCreated
from minutebook.actions.user import SignedIn
from minutebook.actions.values import Cents
from minutebook.model import DAY, Actor, ActorKind, Context, Seat
from minutebook.record import draft
from minutebook.store import index, log
from minutebook.store.engine import Store
from tests.support.full import FULL
from tests.support.server import Clock, Company, Site, serving
from tests.support.visitor import Arrive, Visitor

EVENTS = 2_000_000 if FULL else 20_000
AT_ONCE = 5_000
PEOPLE = 97
YEARS = 2 * 365 * DAY


def happened(number: int) -> Details:
    """Every 1,000th is a purchase, every fourth of the others a mode, the rest are sign-ins."""
    if number % 1000 == 7:
        return CreditsPurchased(amount=Cents(cents=100), balance=Cents(cents=100), reference=f"inv-{number}")
    if number % 4 == 0:
        return ModeCreated(mode="mod_aaaaaaaaaaaa", name=f"Mode {number}", instructions="", tools=())
    return SignedIn(method="password")


def fill(store: Store, organization: int, begin: int) -> None:
    step = YEARS // EVENTS
    for first in range(0, EVENTS, AT_ONCE):
        drafts = []
        for number in range(first, first + AT_ONCE):
            person = f"person{number % PEOPLE:02}"
            actor = Actor(ActorKind.USER, f"usr_{person:a<12}"[:16], f"{person}@calder.example", person)
            seat = Seat(organization, actor, Context(ip="192.0.2.7", client="web"))
            drafts.append((draft(seat, happened(number)), begin + number * step))
        with store.acting() as connection:
            log.append_many(connection, log.lock_head(connection, organization), drafts, store.randomness)
    for _ in index.follow(store, organization):
        pass


@pytest.fixture(scope="module")
def site(site_url: str) -> Iterator[Site]:
    clock = Clock()
    store = Store(site_url, clock=clock, durable=False)
    company = Company(store)
    fill(store, company.number, clock() - YEARS - DAY)
    with serving(store) as address:
        yield Site(address, company, clock)
    store.close()


def found(visitor: Visitor) -> int:
    return int(visitor.page.locator(".results__n strong").inner_text().replace(",", ""))


def of(number: int, kind: type[Details]) -> bool:
    return isinstance(happened(number), kind)


@pytest.mark.timeout(3600 if EVENTS > 100_000 else 120)
def test_everything_is_found_and_counted(site: Site, arrive: Arrive) -> None:
    visitor = arrive(site.company.owner)
    visitor.open_log(("end", "2100-01-01"))
    assert found(visitor) > EVENTS
    signed_in = sum(of(number, SignedIn) for number in range(EVENTS))
    logins = visitor.page.locator(".facet li").filter(has_text="user.login").locator(".num")
    assert int(logins.inner_text().replace(",", "")) in (signed_in, signed_in + 1)  # and the one who looks

    visitor.open_log(("action", "credits.purchase"))
    assert found(visitor) == EVENTS // 1000
    assert {row.action for row in visitor.rows()} == {"credits.purchase"}

    visitor.open_log(("action", "mode.create"))
    assert found(visitor) == sum(of(number, ModeCreated) for number in range(EVENTS))
    shown = visitor.found()
    for _ in range(3):
        visitor.follow(visitor.page.get_by_role("link", name="Older"))
        shown += visitor.found()
    assert shown == sorted(set(shown), reverse=True)
    assert [seq - shown[-1] for seq in reversed(shown)] == list(range(0, 4 * len(shown), 4))

    visitor.open_log(("actor", "person05@calder.example"), ("action", "user.login"))
    own = sum(of(number, SignedIn) for number in range(5, EVENTS, PEOPLE))
    assert found(visitor) == own
    assert own < signed_in

    number = EVENTS // 1000 // 2 * 1000 + 7
    visitor.open_log(("text", f"inv-{number}"))
    assert found(visitor) == 1
    assert f"inv-{number}" in visitor.page.locator("[role=table], table").first.inner_text()
    visitor.open_log(("text", "nothing-of-the-kind"))
    expect(visitor.page.get_by_role("heading", name="No events match this filter")).to_be_visible()
