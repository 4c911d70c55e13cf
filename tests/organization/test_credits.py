"""Credits: a payment becomes credits once, however often and however fast it is reported."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.actions.values import Cents
from minutebook.errors import Conflict, Invalid, NotAllowed
from minutebook.organization import credits
from minutebook.organization.credits import MAX_CENTS, BuyCredits, GrantCredits, parse_amount
from minutebook.record import NO_CHANGE
from tests.support.deployment import Deployment


def test_a_payment_is_entered_once(deployment: Deployment) -> None:
    ada = deployment.person(name="Ada")
    deployment.found(ada)
    event = deployment.act(ada, 1, BuyCredits(250_000, " inv-1 "))
    assert event.details == {"v": 1, "amount": {"cents": 250_000}, "balance": {"cents": 250_000}, "reference": "inv-1"}
    assert deployment.attempt(ada, 1, BuyCredits(250_000, "inv-1")) is NO_CHANGE
    with pytest.raises(Conflict, match=r"inv-1 was entered before, with \$2,500\.00"):
        deployment.act(ada, 1, BuyCredits(250_001, "inv-1"))
    event = deployment.act(ada, 1, BuyCredits(1, "INV-1"))
    assert event.details["balance"] == {"cents": 250_001}
    with deployment.store.reading() as connection:
        assert credits.balance(connection, 1) == 250_001
        entries = credits.entries(connection, 1)
    assert [(entry.reference, entry.cents, entry.balance, entry.entered_by) for entry in entries] == [
        ("INV-1", 1, 250_001, "Ada"),
        ("inv-1", 250_000, 250_000, "Ada"),
    ]
    deployment.check()


def test_only_the_operator_grants_and_says_who_and_why(deployment: Deployment) -> None:
    ada = deployment.person(name="Ada")
    deployment.found(ada)
    grant = GrantCredits(5_000, "ticket-1", " Grace  Lindqvist ", "Outage of 3 May")
    with pytest.raises(NotAllowed, match="Only whoever runs Minutebook"):
        deployment.act(ada, 1, grant)
    deployment.act(ada, 1, BuyCredits(100, "inv-1"))
    event = deployment.act(None, 1, grant)
    assert event.details == {
        "v": 1,
        "amount": {"cents": 5_000},
        "balance": {"cents": 5_100},
        "reference": "ticket-1",
        "granted_by": "Grace Lindqvist",
        "reason": "Outage of 3 May",
    }
    for reference in ("ticket-1", "inv-1"):
        with pytest.raises(Conflict, match="was entered before"):
            deployment.act(None, 1, GrantCredits(100, reference, "Grace", "Again"))
    with pytest.raises(Conflict, match="The grant ticket-1 was entered before"):
        deployment.act(ada, 1, BuyCredits(5_000, "ticket-1"))
    with pytest.raises(Invalid, match=r"^Enter the reference of the grant: up to 100 letters"):
        deployment.act(None, 1, GrantCredits(1, "no reference", "Grace", "Why"))
    for granted_by, reason, field in (("", "Why", "granted_by"), ("Grace", " ", "reason"), ("G", "x" * 301, "reason")):
        with pytest.raises(Invalid) as caught:
            deployment.act(None, 1, GrantCredits(1, "ticket-2", granted_by, reason))
        assert [problem.field for problem in caught.value.problems] == [field]
    with deployment.store.reading() as connection:
        newest, *_ = credits.entries(connection, 1)
    assert (newest.kind, newest.entered_by, newest.reason) == ("Grant", "Grace Lindqvist", "Outage of 3 May")
    deployment.check()


def test_different_payments_at_once_add_up(deployment: Deployment) -> None:
    ada = deployment.person()
    deployment.found(ada)

    def report(number: int) -> None:
        command = BuyCredits(number, f"inv-{number}")
        deployment.told.perform(deployment.store, f"hook-{number}", deployment.seat(ada, 1), command)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(report, range(1, 25)))
    with deployment.store.reading() as connection:
        assert credits.balance(connection, 1) == 300
    deployment.check()


def test_the_same_reference_is_another_payment_in_another_organization(deployment: Deployment) -> None:
    for organization in (1, 2):
        ada = deployment.person()
        assert deployment.found(ada) == organization
        deployment.act(ada, organization, BuyCredits(100 * organization, "inv-1"))
    deployment.check()


def test_what_is_no_payment_is_refused(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = deployment.person()
    deployment.found(ada)
    too_much = r"too large: the most that can be entered at once is \$1,000,000\.00"
    amounts = {0: "at least", -1: "at least", -MAX_CENTS: "at least"} | dict.fromkeys((MAX_CENTS + 1, 2**64), too_much)
    for cents, message in amounts.items():
        with pytest.raises(Invalid, match=message) as caught:
            deployment.act(ada, 1, BuyCredits(cents, "inv-1"))
        assert [problem.field for problem in caught.value.problems] == ["amount"]
    for reference in ("", " ", "a b", "inv\0", "-inv", "é", "а", "x" * 101, "a\nb", "=1+1"):
        with pytest.raises(Invalid) as caught:
            deployment.act(ada, 1, BuyCredits(1, reference))
        assert [problem.field for problem in caught.value.problems] == ["reference"]
    deployment.act(ada, 1, BuyCredits(MAX_CENTS, "x" * 100))
    monkeypatch.setattr(credits, "MAX_BALANCE", MAX_CENTS + 10)
    deployment.act(ada, 1, BuyCredits(10, "just-so"))
    with pytest.raises(Conflict, match="more than can be held"):
        deployment.act(ada, 1, BuyCredits(1, "too-much"))
    deployment.check()


@pytest.mark.parametrize(
    ("typed", "cents"),
    [
        ("250", 25_000),
        ("12.50", 1_250),
        ("12.5", 1_250),
        (" $ 2,500 ", 250_000),
        ("$1,234,567.89", 123_456_789),
        ("0.01", 1),
        ("007", 700),
        ("0.29", 29),
        ("1.15", 115),
    ],
)
def test_amounts_as_people_type_them(typed: str, cents: int) -> None:
    assert parse_amount(typed) == cents


@pytest.mark.parametrize(
    "typed",
    ["", "$", "-1", "1e3", "1.234", "1.", ".5", "1,23", "1,2345", "12,34.5", "NaN", "∞", "١٢", "1 000", "1\0", "$$1"],
)
def test_what_is_no_amount_is_refused(typed: str) -> None:
    with pytest.raises(Invalid, match="Enter an amount in dollars") as caught:
        parse_amount(typed, "price")
    assert [problem.field for problem in caught.value.problems] == ["price"]


@pytest.mark.parametrize("typed", ["99999999999", "99,999,999,999.00", "9" * 100_000])
def test_an_amount_that_is_too_large_is_called_so(typed: str) -> None:
    with pytest.raises(Invalid, match=r"too large: the most that can be entered at once is \$1,000,000\.00"):
        parse_amount(typed)


@given(st.integers(0, 10**11 - 1))
def test_an_amount_reads_back_as_it_is_shown(cents: int) -> None:
    assert parse_amount(f"{cents // 100}.{cents % 100:02d}") == cents
    if cents < 10**11:
        assert parse_amount(str(Cents(cents=cents))) == cents
