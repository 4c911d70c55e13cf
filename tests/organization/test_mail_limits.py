"""Nobody's mailbox is flooded: how many mails somebody can have sent to others within a day, on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest
from sqlalchemy import select

from minutebook.errors import TooManyMails
from minutebook.model import DAY, HOUR, MINUTE, SECOND, Plan, Role
from minutebook.organization import invitations, mail_limits, outbox
from minutebook.organization.credits import BuyCredits
from minutebook.organization.ending import CancelDeletion, RequestDeletion
from minutebook.organization.invitations import InvitePerson, MailedLink, ResendInvitation, RevokeInvitation
from minutebook.organization.organizations import ChangePlan
from minutebook.organization.people import User
from minutebook.organization.seats import ChangeRole
from minutebook.organization.spending import ChangeSpending
from minutebook.store import schema
from tests.support.deployment import Deployment

BEN = "ben@calder.example"
numbers = count()


def link() -> MailedLink:
    return MailedLink(f"mailed {next(numbers)}", "https://minutes.example/invitation/a")


def invite(deployment: Deployment, by: User, organization: int, email: str = BEN, *, mails: bool = True) -> str:
    """The id of a new invitation; one of the same address gives way."""
    with deployment.store.reading() as connection:
        before = [one.id for one in invitations.pending(connection, organization) if one.email == email]
    for invitation in before:
        deployment.act(by, organization, RevokeInvitation(invitation))
    offer = InvitePerson(email, Role.MEMBER, f"shown {next(numbers)}", link() if mails else None)
    return str(deployment.act(by, organization, offer).details["invitation"])


def stored(deployment: Deployment) -> object:
    """What must not change when nothing is done."""
    with deployment.store.reading() as connection:
        rows = [list(connection.execute(select(table))) for table in (schema.invitation, schema.outbox)]
    return deployment.size(1), rows


def send_all(deployment: Deployment) -> int:
    waiting = outbox.due(deployment.store, 1000)
    for mail in waiting:
        outbox.sent(deployment.store, mail)
    return len(waiting)


def test_an_address_is_mailed_only_so_often_by_one_organization(deployment: Deployment) -> None:
    ada = deployment.person("ada@calder.example", "Ada")
    deployment.found(ada)
    began = deployment.clock.now
    invitation = invite(deployment, ada, 1)
    assert send_all(deployment) == 1
    for _ in range(mail_limits.TO_ONE - 2):  # each takes the one before back
        deployment.act(ada, 1, ResendInvitation(invitation, f"shown {next(numbers)}", link()))
    deployment.clock.go_on(5 * HOUR)
    invitation = invite(deployment, ada, 1)
    again = ResendInvitation(invitation, "never shown", link())
    before = stored(deployment)
    with pytest.raises(TooManyMails, match=rf"^{BEN} was mailed 5 invitations .* Try again in 19 hours\.$"):
        deployment.act(ada, 1, again)
    assert stored(deployment) == before
    deployment.act(ada, 1, ResendInvitation(invitation, "shown, not mailed"))
    invite(deployment, ada, 1, "eve@calder.example")
    deployment.clock.now = began + DAY - MINUTE
    with pytest.raises(TooManyMails, match="Try again in an hour") as caught:
        deployment.act(ada, 1, again)
    deployment.clock.go_on(int(str(caught.value.facts["seconds"])) * SECOND)
    deployment.act(ada, 1, again)
    deployment.check()


def test_who_founds_organizations_mails_no_address_more_often_and_keeps_nobody_from_it(deployment: Deployment) -> None:
    """Neither does anybody learn by a refusal what others do: not even whoever has the limit of the address."""
    ada, eve = deployment.person("ada@calder.example", "Ada"), deployment.person("eve@eve.example", "Eve")
    most = mail_limits.TO_ONE_BY_ONE
    for number in range(1, most + 2):
        assert deployment.found(eve) == number
        if number <= most:
            invite(deployment, eve, number)
            deployment.clock.go_on(MINUTE)
    before = stored(deployment)
    with pytest.raises(TooManyMails, match=rf"^You had 20 invitations mailed to {BEN} .* Try again in 24 hours"):
        invite(deployment, eve, most + 1)
    assert stored(deployment) == before
    invite(deployment, eve, most + 1, "zoe@calder.example")
    ours = deployment.found(ada)
    for _ in range(mail_limits.TO_ONE):
        invite(deployment, ada, ours)
    deployment.join(1, None, Role.ADMIN, ada)
    invite(deployment, ada, 1)  # in an organization of whoever may no more, too
    deployment.check()


def test_the_limit_of_a_user_holds_for_acts_at_once(postgres_deployment: Deployment) -> None:
    """In different organizations, which nothing else keeps apart; SQLite does one after another."""
    deployment = postgres_deployment
    eve = deployment.person("eve@eve.example", "Eve")
    founded = [deployment.found(eve) for _ in range(8)]
    most, left = mail_limits.TO_ONE_BY_ONE, 2
    for number in range(most - left):
        invite(deployment, eve, founded[number % 8])
    start = threading.Barrier(len(founded))

    def mails_one_more(organization: int) -> bool:
        start.wait()
        try:
            invite(deployment, eve, organization)
        except TooManyMails:
            return False
        return True

    with ThreadPoolExecutor(len(founded)) as pool:
        assert sum(pool.map(mails_one_more, founded)) == left
    deployment.check()


def test_who_founds_organizations_mails_no_more_than_the_largest_may(deployment: Deployment) -> None:
    """Whatever the addresses: one mailbox may have any number. What counts is where somebody may invite."""
    ada, eve = deployment.person("ada@calder.example", "Ada"), deployment.person("eve@eve.example", "Eve")
    large = deployment.found(ada, seat_limit=52)
    deployment.join(large, ada, Role.MEMBER, eve)
    founded = [deployment.found(eve, seat_limit=40) for _ in range(3)]
    for number in range(mail_limits.BY_ONE):
        invite(deployment, eve, founded[number % 3], f"ben+{number}@calder.example")
    with pytest.raises(TooManyMails, match=r"^You had 100 invitations mailed, .* Try again in 24 hours"):
        invite(deployment, eve, founded[0])
    deployment.act(ada, large, ChangeRole(eve.id, Role.ADMIN))
    for number in range(4):
        invite(deployment, eve, (large, founded[0])[number % 2], f"zoe+{number}@calder.example")
    with pytest.raises(TooManyMails, match=r"^You had 104 invitations mailed"):
        invite(deployment, eve, large)
    invite(deployment, ada, large)
    deployment.check()


def test_an_organization_mails_twice_as_many_invitations_a_day_as_it_has_seats(deployment: Deployment) -> None:
    """So 2,000 people are invited at once, and nobody mails the world by inviting and revoking."""
    ada = deployment.person("ada@calder.example", "Ada")
    for number in (1, 2):
        deployment.found(ada)
        deployment.act(None, number, ChangePlan(Plan.ENTERPRISE, 2))
    for number in range(4):
        invitation = invite(deployment, ada, 1, f"{number}@calder.example")
        send_all(deployment)
        deployment.act(ada, 1, RevokeInvitation(invitation))
    with pytest.raises(TooManyMails, match=r"^4 invitations were mailed, 2 for each seat, within a day"):
        invite(deployment, ada, 1)
    deployment.act(ada, 1, RevokeInvitation(invite(deployment, ada, 1, mails=False)))
    invite(deployment, ada, 2)
    deployment.act(None, 1, ChangePlan(Plan.ENTERPRISE, 3))
    invite(deployment, ada, 1)
    deployment.check()


def test_who_was_mailed_is_known_for_a_day_and_what_was_said_is_not(deployment: Deployment) -> None:
    ada = deployment.person("ada@calder.example", "Ada")
    deployment.found(ada)
    invite(deployment, ada, 1)
    (cut_off,) = outbox.due(deployment.store)
    invite(deployment, ada, 1)
    outbox.failed(deployment.store, cut_off, "it was taken back while it was sent")
    assert send_all(deployment) == 1
    table = schema.outbox.c
    kept = select(table.to, table.subject, table.body, table.error)
    for days, expected in ((0, [(BEN, "", "", None)] * 2), (1, [])):
        deployment.clock.go_on(days * DAY)
        outbox.forget_old(deployment.store)
        with deployment.store.reading() as connection:
            assert [tuple(row) for row in connection.execute(kept)] == expected


def test_what_is_done_and_taken_back_again_and_again_mails_only_so_often_and_is_never_refused(
    deployment: Deployment,
) -> None:
    """So whoever does it floods nobody, and keeps no other owner from it."""
    ada, ben = deployment.person("ada@calder.example", "Ada"), deployment.person(BEN, "Ben")
    deployment.found(ada)
    deployment.join(1, ada, Role.OWNER, ben)  # two mails each time
    for to_and_fro, taken_back in (
        (ChangeSpending(None, 20_000, mails=True), ChangeSpending(None, None)),
        (RequestDeletion(mails=True), CancelDeletion()),
    ):
        for _ in range(mail_limits.ALIKE):
            deployment.act(ada, 1, to_and_fro)
            deployment.act(ada, 1, taken_back)
            deployment.clock.go_on(MINUTE)
        assert send_all(deployment) == 2 * mail_limits.ALIKE
        size = deployment.size(1)
        deployment.act(ben, 1, to_and_fro)
        assert (deployment.size(1), send_all(deployment)) == (size + 1, 0)
    deployment.act(ada, 1, BuyCredits(30_000, "inv-1", mails=True))  # which could be done to and fro with the alert
    assert send_all(deployment) == 0
    deployment.clock.go_on(DAY)
    deployment.act(ada, 1, ChangeSpending(None, 40_000, mails=True))
    assert send_all(deployment) == 2
    deployment.check()
