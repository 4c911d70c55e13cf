"""Nobody's mailbox is flooded: how many mails somebody can have sent to others within a day, on both databases."""

from __future__ import annotations

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


def test_an_address_is_mailed_only_so_often_by_all_organizations(deployment: Deployment) -> None:
    """Whoever founds one after another gets no further, and what others do is not told."""
    ada = deployment.person("ada@calder.example", "Ada")
    most = mail_limits.TO_ONE_FROM_ALL
    for number in range(1, most + 2):
        assert deployment.found(ada) == number
        if number <= most:
            invite(deployment, ada, number)
    with pytest.raises(TooManyMails, match=rf"^{BEN} was mailed too many invitations"):
        invite(deployment, ada, most + 1)
    invite(deployment, ada, most + 1, "eve@calder.example")
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
    with pytest.raises(TooManyMails, match=r"^4 invitations were mailed within a day, 2 for each seat"):
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
        outbox.forget_counted(deployment.store)
        with deployment.store.reading() as connection:
            assert [tuple(row) for row in connection.execute(kept)] == expected


def test_what_people_are_told_of_is_done_and_taken_back_only_so_often(deployment: Deployment) -> None:
    ada = deployment.person("ada@calder.example", "Ada")
    deployment.found(ada)
    deployment.join(1, ada, Role.OWNER)  # two mails each time
    for to_and_fro, unmailed in (
        ((ChangeSpending(None, 20_000, mails=True), ChangeSpending(None, None)), ChangeSpending(None, 20_000)),
        ((RequestDeletion(mails=True), CancelDeletion()), RequestDeletion()),
    ):
        for _ in range(mail_limits.ALIKE):
            for command in to_and_fro:
                deployment.act(ada, 1, command)
        assert send_all(deployment) == 2 * mail_limits.ALIKE
        size = deployment.size(1)
        with pytest.raises(TooManyMails, match=r"10 times .* Nothing was changed\. Try again in 24 hours\."):
            deployment.act(ada, 1, to_and_fro[0])
        assert deployment.size(1) == size
        deployment.act(ada, 1, unmailed)
    deployment.act(ada, 1, BuyCredits(30_000, "inv-1", mails=True))  # money is never refused for a mail
    assert send_all(deployment) == 2
    deployment.check()
