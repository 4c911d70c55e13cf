"""What many do at once: the rules hold (R9), and the same is done once (R5)."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from minutebook.errors import Conflict, Invalid, MinutebookError
from minutebook.model import DAY, Actor, Event, Role, Seat
from minutebook.organization import links
from minutebook.organization.credits import BuyCredits, GrantCredits
from minutebook.organization.invitations import AcceptInvitation, InvitePerson
from minutebook.organization.passwords import ChoosePassword
from minutebook.organization.people import User
from minutebook.organization.set_up import SetUpDeployment
from minutebook.organization.support import EnterAsSupport
from minutebook.record import Command
from minutebook.store.engine import Store
from tests.support.deployment import Deployment
from tests.support.full import FULL
from tests.support.race import LOSSES, Duel
from tests.support.walk import let_in

ROUNDS = 1000 if FULL else 2 * len(LOSSES) ** 2
MANY = 32


@pytest.mark.slow
@pytest.mark.timeout(3600 if FULL else 300)
def test_there_is_always_an_owner(deployment: Deployment) -> None:
    """In whichever two ways two owners lose it at once: of each other, of an operator, or by themselves."""
    duel = Duel(deployment)
    for losses in itertools.islice(itertools.cycle(itertools.product(LOSSES, repeat=2)), ROUNDS):
        # the second owner is none any more, has no seat, or is the last owner by then
        assert duel.fight(*losses) == 1, losses
        assert duel.owners_left() == 1
        duel.reconcile()
    deployment.check()


def at_once(attempt: Callable[[int], bool], many: int) -> int:
    """How many of so many threads had what they attempted in the same moment."""
    start = threading.Barrier(many)

    def go(number: int) -> bool:
        start.wait()
        try:
            return attempt(number)
        except MinutebookError:
            return False

    with ThreadPoolExecutor(many) as pool:
        return sum(pool.map(go, range(many)))


Attempt = Callable[[int], bool]


def _performing(deployment: Deployment, seat: Seat, command: Command) -> Attempt:
    def attempt(number: int) -> bool:
        return isinstance(deployment.told.perform(deployment.store, f"tab{number}", seat, command), Event)

    return attempt


def _invitation(deployment: Deployment) -> Attempt:
    ben = deployment.person()
    number = deployment.found(deployment.person())
    deployment.act(None, number, InvitePerson(ben.email, Role.MEMBER, "for Ben"))
    return _performing(deployment, deployment.seat(ben, number), AcceptInvitation("for Ben", ben))


def _reset_link(deployment: Deployment) -> Attempt:
    ben = deployment.person()
    number = deployment.found(ben)
    token = links.new_link(deployment.store, links.RESET, lifetime=DAY, user=ben.id)

    def attempt(tab: int) -> bool:
        command = ChoosePassword(ben.id, token, f"hash {tab}")
        seat = deployment.seat(ben, 0)
        return bool(deployment.told.perform_everywhere(deployment.store, f"tab{tab}", seat, command, [number]))

    return attempt


def _support_link(deployment: Deployment) -> Attempt:
    number = deployment.found(deployment.person())
    grant = let_in(deployment, number, "a link for support")
    return _performing(deployment, _seat(deployment, number, grant.actor()), EnterAsSupport("a link for support"))


def _seat(deployment: Deployment, organization: int, actor: Actor) -> Seat:
    return Seat(organization, actor, deployment.seat(None, organization, "ses_of_sam").context)


def _link_that_founds(deployment: Deployment) -> Attempt:
    token = links.new_link(deployment.store, links.SET_UP, lifetime=DAY)

    def attempt(number: int) -> bool:
        owner = User(f"usr_{number}", f"first{number}@calder.example", "First")
        command = SetUpDeployment(f"Calder {number}", owner, token=token, password_hash="a hash")
        return _performing(deployment, deployment.seat(owner, 0), command)(number)

    return attempt


@pytest.mark.parametrize("thing", [_invitation, _reset_link, _support_link, _link_that_founds])
def test_what_works_once_works_for_one_of_many(deployment: Deployment, thing: Callable[[Deployment], Attempt]) -> None:
    assert at_once(thing(deployment), 8) == 1
    deployment.check()


@pytest.mark.parametrize(
    ("command", "other"),
    [
        (BuyCredits(100, "inv-1"), BuyCredits(101, "inv-1")),
        (GrantCredits(100, "t-1", "Grace", "Outage"), GrantCredits(101, "t-1", "Grace", "Outage")),
        (InvitePerson("ben@x.example", Role.MEMBER, "one"), InvitePerson("ben@x.example", Role.ADMIN, "other")),
    ],
    ids=lambda command: type(command).__name__,
)
def test_the_same_many_times_at_once_and_after_a_restart_is_done_once(
    deployment: Deployment, command: Command, other: Command
) -> None:
    number = deployment.found(deployment.person())
    operator = deployment.seat(None, number)
    assert at_once(_performing(deployment, operator, command), MANY) == 1
    size = deployment.size(number)
    deployment.store.close()
    deployment.store = Store(deployment.store.url, clock=deployment.clock)
    assert at_once(_performing(deployment, operator, command), 2) == 0
    with pytest.raises((Conflict, Invalid), match=r"before|already"):
        deployment.act(None, number, other)
    assert deployment.size(number) == size
    deployment.check()
