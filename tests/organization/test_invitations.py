"""Invitations: one address, one use, seven days, and a token that is stored nowhere."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from minutebook.errors import Conflict, Invalid, NotAllowed, NotFound
from minutebook.identifiers import new_token
from minutebook.model import DAY, Event, Plan, Role
from minutebook.organization import invitations, outbox, people
from minutebook.organization.account_deletion import DeleteUser
from minutebook.organization.invitations import (
    LIFETIME,
    AcceptInvitation,
    InvitePerson,
    MailedLink,
    ResendInvitation,
    RevokeInvitation,
)
from minutebook.organization.organizations import ChangePlan
from minutebook.organization.people import User
from minutebook.organization.seats import ChangeRole, RemoveMember
from tests.support.deployment import Deployment
from tests.support.sentences import check_mail

OWNER, ADMIN, AUDITOR, BILLING, MEMBER = Role


@pytest.fixture
def ada(deployment: Deployment) -> User:
    """The owner of the organization number 1."""
    ada = deployment.person("ada@calder.example", "Ada")
    assert deployment.found(ada) == 1
    return ada


def invite(deployment: Deployment, by: User | None, email: str, role: Role = MEMBER) -> tuple[str, Event]:
    token = new_token(deployment.store.randomness)
    return token, deployment.act(by, 1, InvitePerson(email, role, token))


def test_a_new_user_accepts(deployment: Deployment, ada: User) -> None:
    token, invited = invite(deployment, ada, "  Ben@Calder.EXAMPLE ", BILLING)
    assert invited.details == {
        "v": 1,
        "invitation": invited.details["invitation"],
        "email": "ben@calder.example",
        "role": "billing_manager",
        "expires_at": invited.recorded_at + LIFETIME,
    }
    ben = people.new_user("ben@calder.example", "Ben", deployment.store.randomness)
    accepted = deployment.act(ben, 1, AcceptInvitation(token, ben, "hash"))
    assert accepted.details == {
        "v": 1,
        "invitation": invited.details["invitation"],
        "role": "billing_manager",
        "invited_by": "Ada",
        "member": {"id": ben.id, "email": ben.email, "name": "Ben"},
    }
    with deployment.store.reading() as connection:
        assert people.find_user(connection, ben.email) == ben
        assert people.password_hash_of(connection, ben.id) == "hash"
        assert invitations.pending(connection, 1) == []
    deployment.check()


def test_an_invitation_is_used_once(deployment: Deployment, ada: User) -> None:
    ben = deployment.person("ben@calder.example")
    token, _ = invite(deployment, ada, ben.email)
    deployment.act(ben, 1, AcceptInvitation(token, ben))
    with pytest.raises(NotFound):
        deployment.act(ben, 1, AcceptInvitation(token, ben))
    deployment.act(ada, 1, RemoveMember(ben.id))
    with pytest.raises(NotFound):
        deployment.act(ben, 1, AcceptInvitation(token, ben))
    deployment.check()


@pytest.mark.parametrize(("early", "accepted"), [(1, True), (0, False), (-1, False)])
def test_it_expires_after_seven_days_to_the_microsecond(
    deployment: Deployment, ada: User, early: int, accepted: bool
) -> None:
    ben = deployment.person("ben@calder.example")
    token, event = invite(deployment, ada, ben.email)
    deployment.clock.now, deployment.clock.step = event.recorded_at + LIFETIME - early, 0
    if accepted:
        deployment.act(ben, 1, AcceptInvitation(token, ben))
    else:
        with pytest.raises(NotFound):
            deployment.act(ben, 1, AcceptInvitation(token, ben))
    deployment.check()


def test_it_is_for_the_invited_address_alone(deployment: Deployment, ada: User) -> None:
    token, _ = invite(deployment, ada, "ben@calder.example")
    eve = deployment.person("eve@calder.example")
    with pytest.raises(NotAllowed, match=r"for ben@calder.example; you are signed in as eve@calder.example"):
        deployment.act(eve, 1, AcceptInvitation(token, eve))
    ben = deployment.person("ben@calder.example")
    deployment.act(ben, 1, AcceptInvitation(token, ben))
    deployment.check()


def test_it_is_for_its_organization_alone(deployment: Deployment, ada: User) -> None:
    other = deployment.found(deployment.person())
    ben = deployment.person("ben@calder.example")
    token, event = invite(deployment, ada, ben.email)
    with pytest.raises(NotFound):
        deployment.act(ben, other, AcceptInvitation(token, ben))
    with pytest.raises(NotFound):
        deployment.act(None, other, RevokeInvitation(str(event.details["invitation"])))
    deployment.act(ben, 1, AcceptInvitation(token, ben))
    deployment.check()


@pytest.mark.parametrize("token", ["", "x", "\0", "\ud800", "é" * 43, "a" * 100_000, "' OR 1=1 --"])
def test_a_token_that_is_none_finds_nothing(deployment: Deployment, ada: User, token: str) -> None:
    invite(deployment, ada, "ben@calder.example")
    ben = deployment.person("ben@calder.example")
    with pytest.raises(NotFound):
        deployment.act(ben, 1, AcceptInvitation(token, ben))
    deployment.check()


def test_the_token_is_stored_nowhere(deployment: Deployment, ada: User) -> None:
    ben = deployment.person("ben@calder.example")
    token, _ = invite(deployment, ada, ben.email)
    assert token.encode() not in deployment.everything_stored()
    deployment.act(ben, 1, AcceptInvitation(token, ben))
    assert token.encode() not in deployment.everything_stored()
    assert ben.email.encode() in deployment.everything_stored()


def test_a_revoked_one_is_dead(deployment: Deployment, ada: User) -> None:
    ben = deployment.person("ben@calder.example")
    token, event = invite(deployment, ada, ben.email, AUDITOR)
    invitation = str(event.details["invitation"])
    revoked = deployment.act(ada, 1, RevokeInvitation(invitation))
    assert revoked.details == {"v": 1, "invitation": invitation, "email": ben.email, "role": "auditor"}
    for command in (RevokeInvitation(invitation), AcceptInvitation(token, ben), RevokeInvitation("inv_x")):
        with pytest.raises(NotFound):
            deployment.act(ada if isinstance(command, RevokeInvitation) else ben, 1, command)
    invite(deployment, ada, ben.email)
    deployment.check()


def test_admins_invite_and_revoke_only_what_they_may_give(deployment: Deployment, ada: User) -> None:
    admin = deployment.join(1, ada, ADMIN)
    for role in Role:
        _, event = invite(deployment, ada, f"{role}@calder.example", role)
        token = new_token(deployment.store.randomness)
        if role in {OWNER, AUDITOR}:
            with pytest.raises(NotAllowed, match=f"Only an owner makes someone {role.label.lower()}"):
                deployment.act(admin, 1, InvitePerson(f"{role}2@calder.example", role, token))
            with pytest.raises(NotAllowed):
                deployment.act(admin, 1, RevokeInvitation(str(event.details["invitation"])))
        else:
            deployment.act(admin, 1, InvitePerson(f"{role}2@calder.example", role, token))
            deployment.act(admin, 1, RevokeInvitation(str(event.details["invitation"])))
    deployment.check()


def test_members_and_the_invited_are_not_invited_again(deployment: Deployment, ada: User) -> None:
    invite(deployment, ada, "ben@calder.example")
    for email, said in (("BEN@calder.example", "is invited already"), ("Ada@calder.example", "holds a seat already")):
        with pytest.raises(Invalid, match=said) as caught:
            invite(deployment, ada, email)
        assert [problem.field for problem in caught.value.problems] == ["email"]
    deployment.check()


@pytest.mark.parametrize("email", ["аda@calder.example", "ben@calder.example\0", "ben", "", "b en@calder.example"])
def test_a_look_alike_or_half_an_address_is_refused(deployment: Deployment, ada: User, email: str) -> None:
    with pytest.raises(Invalid):
        invite(deployment, ada, email)
    deployment.check()


def test_an_expired_one_gives_way_and_holds_no_seat(deployment: Deployment, ada: User) -> None:
    deployment.act(None, 1, ChangePlan(Plan.TEAMS, 2))
    old, _ = invite(deployment, ada, "ben@calder.example")
    with pytest.raises(Conflict, match="All 2 seats are taken or held by invitations"):
        invite(deployment, ada, "cleo@calder.example")
    deployment.clock.go_on(LIFETIME)
    new, _ = invite(deployment, ada, "ben@calder.example", ADMIN)
    ben = deployment.person("ben@calder.example")
    with pytest.raises(NotFound):
        deployment.act(ben, 1, AcceptInvitation(old, ben))
    assert deployment.act(ben, 1, AcceptInvitation(new, ben)).details["role"] == "admin"
    deployment.check()


def test_the_seat_limit_holds_when_inviting_and_when_accepting(deployment: Deployment, ada: User) -> None:
    deployment.act(None, 1, ChangePlan(Plan.TEAMS, 3))
    ben, cleo = deployment.person("ben@calder.example"), deployment.person("cleo@calder.example")
    first, _ = invite(deployment, ada, ben.email)
    second, event = invite(deployment, ada, cleo.email)
    with pytest.raises(Conflict, match="All 3 seats"):
        invite(deployment, ada, "dan@calder.example")
    deployment.act(None, 1, ChangePlan(Plan.TEAMS, 2))
    deployment.act(ben, 1, AcceptInvitation(first, ben))
    with pytest.raises(Conflict, match=r"All 2 seats are taken\. Ask an owner or admin"):
        deployment.act(cleo, 1, AcceptInvitation(second, cleo))
    deployment.act(ada, 1, RemoveMember(ben.id))
    deployment.act(cleo, 1, AcceptInvitation(second, cleo))
    with pytest.raises(NotFound):
        deployment.act(ada, 1, RevokeInvitation(str(event.details["invitation"])))
    deployment.check()


def test_sent_again_only_the_new_link_works_and_for_seven_days_more(deployment: Deployment, ada: User) -> None:
    deployment.act(None, 1, ChangePlan(Plan.TEAMS, 3))
    ben, cleo = deployment.person("ben@calder.example"), deployment.person("cleo@calder.example")
    old, event = invite(deployment, ada, ben.email, ADMIN)
    number = str(event.details["invitation"])
    deployment.clock.go_on(6 * DAY)
    again = deployment.act(ada, 1, ResendInvitation(number, "again"))
    assert again.details == {**event.details, "expires_at": again.recorded_at + LIFETIME}
    with pytest.raises(NotFound):
        deployment.act(ben, 1, AcceptInvitation(old, ben))
    deployment.clock.go_on(LIFETIME)
    deployment.act(ada, 1, InvitePerson(cleo.email, ADMIN, "for Cleo"))
    deployment.act(cleo, 1, AcceptInvitation("for Cleo", cleo))
    deployment.act(None, 1, ChangePlan(Plan.TEAMS, 2))
    with pytest.raises(Conflict, match="All 2 seats"):
        deployment.act(cleo, 1, ResendInvitation(number, "too many"))  # it had expired, and holds no seat any more
    deployment.act(None, 1, ChangePlan(Plan.TEAMS, 3))
    deployment.act(cleo, 1, ResendInvitation(number, "by Cleo"))
    accepted = deployment.act(ben, 1, AcceptInvitation("by Cleo", ben))
    assert accepted.details["invited_by"] == "Cleo"  # who sent it last stands for it
    with pytest.raises(NotFound):
        deployment.act(ada, 1, ResendInvitation(number, "over"))
    deployment.check()


def test_sent_again_the_mail_before_is_taken_back(deployment: Deployment, ada: User) -> None:
    address = "https://minutes.example/invitation/"
    first = MailedLink("first", f"{address}first")
    event = deployment.act(ada, 1, InvitePerson("ben@calder.example", AUDITOR, "shown", first))
    command = ResendInvitation(
        str(event.details["invitation"]), "shown again", MailedLink("second", f"{address}second")
    )
    admin = deployment.join(1, ada, ADMIN)
    with pytest.raises(NotAllowed, match="Only an owner makes someone auditor"):
        deployment.act(admin, 1, command)
    deployment.act(ada, 1, command)
    [waiting] = outbox.due(deployment.store)
    check_mail(waiting.mail.subject, waiting.mail.body)
    assert f"{address}second" in waiting.mail.body
    ben = people.new_user("ben@calder.example", "Ben", deployment.store.randomness)
    deployment.act(ben, 1, AcceptInvitation("second", ben, "hash"))
    deployment.check()


def test_the_last_seat_is_taken_once(deployment: Deployment, ada: User) -> None:
    """Invitations that were sent while there was room, accepted at once when there is room for one."""
    guests = [deployment.person(f"guest{number}@calder.example") for number in range(4)]
    tokens = [invite(deployment, ada, guest.email)[0] for guest in guests]
    deployment.act(None, 1, ChangePlan(Plan.TEAMS, 2))
    start = threading.Barrier(len(guests))

    def accept(guest: User, token: str) -> bool:
        start.wait()
        try:
            deployment.act(guest, 1, AcceptInvitation(token, guest))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(len(guests)) as pool:
        assert sum(pool.map(accept, guests, tokens)) == 1
    deployment.check()


def test_who_holds_a_seat_cannot_take_another(deployment: Deployment, ada: User) -> None:
    token, _ = invite(deployment, ada, "ben@calder.example")
    ben = deployment.person("ben@calder.example")
    deployment.act(ben, 1, AcceptInvitation(token, ben))
    with pytest.raises(Invalid, match="holds a seat already"):
        invite(deployment, ada, ben.email)
    deployment.act(ada, 1, ChangeRole(ben.id, BILLING))
    deployment.check()


def test_an_account_made_in_the_meantime_is_not_overwritten(deployment: Deployment, ada: User) -> None:
    token, _ = invite(deployment, ada, "ben@calder.example")
    ben = deployment.person("ben@calder.example")
    second = people.new_user("ben@calder.example", "Somebody", deployment.store.randomness)
    with pytest.raises(Conflict, match=r"has an account by now\. Sign in"):
        deployment.act(second, 1, AcceptInvitation(token, second, "hash"))
    deployment.act(ben, 1, AcceptInvitation(token, ben))
    deployment.check()


def test_a_new_user_who_accepts_in_two_organizations_at_once_is_one_user(deployment: Deployment, ada: User) -> None:
    """Different heads are locked, so only the database's own rule about addresses is between them."""
    other = deployment.found(deployment.person())
    for email in (f"new{number}@calder.example" for number in range(5)):
        offers = []
        for organization in (1, other):
            token = new_token(deployment.store.randomness)
            deployment.act(None, organization, InvitePerson(email, MEMBER, token))
            offers.append((organization, token))
        answers = _accept_at_once(deployment, email, offers)
        assert answers.count("accepted") == 1
        assert all(answer == "accepted" or f"{email} has an account by now" in answer for answer in answers)
    deployment.check()


def _accept_at_once(deployment: Deployment, email: str, offers: list[tuple[int, str]]) -> list[str]:
    start = threading.Barrier(len(offers))

    def accept(offer: tuple[int, str]) -> str:
        organization, token = offer
        user = people.new_user(email, "New", deployment.store.randomness)
        command = AcceptInvitation(token, user, "hash")
        start.wait()
        try:
            deployment.told.perform(
                deployment.store, f"{email}-{organization}", deployment.seat(user, organization), command
            )
        except Conflict as conflict:
            return conflict.message
        return "accepted"

    with ThreadPoolExecutor(len(offers)) as pool:
        return list(pool.map(accept, offers))


def test_where_mail_is_sent_only_its_link_opens_an_account(deployment: Deployment, ada: User) -> None:
    mailed = MailedLink("mailed", "https://minutes.example/invitation/mailed")
    for email in ("ben@calder.example", "eve@calder.example"):
        link = MailedLink(f"mailed to {email}", mailed.address)
        deployment.act(ada, 1, InvitePerson(email, MEMBER, f"shown for {email}", link))
    ben = people.new_user("ben@calder.example", "Ben", deployment.store.randomness)
    with pytest.raises(NotAllowed, match=r"Only the link in the mail to ben@calder.example opens an account"):
        deployment.act(ben, 1, AcceptInvitation(f"shown for {ben.email}", ben, "hash"))
    with deployment.store.reading() as connection:
        assert people.find_user(connection, ben.email) is None
    deployment.act(ben, 1, AcceptInvitation(f"mailed to {ben.email}", ben, "hash"))
    eve = deployment.person("eve@calder.example")  # who has an account may come by either
    deployment.act(eve, 1, AcceptInvitation(f"shown for {eve.email}", eve))
    deployment.check()


def test_it_lapses_while_who_invited_may_not_give_the_role(deployment: Deployment, ada: User) -> None:
    ben, eve = deployment.person("ben@calder.example"), deployment.person("eve@calder.example")
    deployment.join(1, ada, OWNER, ben)
    token, _ = invite(deployment, ben, eve.email, AUDITOR)
    deployment.act(ada, 1, ChangeRole(ben.id, ADMIN))  # an admin makes no auditor
    with pytest.raises(NotFound):
        deployment.act(eve, 1, AcceptInvitation(token, eve))
    with deployment.store.reading() as connection:
        (pending,) = invitations.pending(connection, 1)
        assert not pending.inviter_may
        assert invitations.count_live(connection, 1, deployment.clock.now) == 0
    deployment.act(ada, 1, ChangeRole(ben.id, OWNER))
    deployment.act(eve, 1, AcceptInvitation(token, eve))
    deployment.check()


@pytest.mark.parametrize("role", [ADMIN, OWNER])
def test_nobody_comes_back_by_an_invitation_of_their_own(deployment: Deployment, ada: User, role: Role) -> None:
    ben, back = deployment.person("ben@calder.example"), deployment.person("ben@elsewhere.example")
    deployment.join(1, ada, role, ben)
    token, _ = invite(deployment, ben, back.email, ADMIN)
    deployment.found(ben)  # that they own another organization changes nothing here
    deployment.act(ada, 1, RemoveMember(ben.id))
    with pytest.raises(NotFound):
        deployment.act(back, 1, AcceptInvitation(token, back))
    again, _ = invite(deployment, ada, back.email, MEMBER)  # the void one gives way
    deployment.act(back, 1, AcceptInvitation(again, back))
    deployment.check()


def test_a_mail_that_has_not_left_is_taken_back_with_its_invitation(deployment: Deployment, ada: User) -> None:
    invited = []
    for name in ("ben", "eve", "kim"):
        link = MailedLink(f"for {name}", f"https://minutes.example/{name}")
        invited.append(deployment.act(ada, 1, InvitePerson(f"{name}@calder.example", MEMBER, f"to {name}", link)))
    deployment.act(ada, 1, RevokeInvitation(str(invited[0].details["invitation"])))
    eve = deployment.person("eve@calder.example")
    deployment.act(eve, 1, AcceptInvitation("to eve", eve))
    assert [waiting.mail.to for waiting in outbox.due(deployment.store)] == ["kim@calder.example"]
    deployment.clock.go_on(LIFETIME)
    invite(deployment, ada, "kim@calder.example")
    assert outbox.due(deployment.store) == []
    deployment.check()


def test_mail_leaves_with_the_act_or_not_at_all(deployment: Deployment, ada: User) -> None:
    link = MailedLink("mailed", "https://minutes.example/invitation#secret")
    with pytest.raises(Invalid):
        deployment.act(ada, 1, InvitePerson("ada@calder.example", MEMBER, "token", link))
    assert outbox.due(deployment.store) == []
    deployment.act(ada, 1, InvitePerson("ben@calder.example", BILLING, "token", link))
    deployment.clock.step = 1_000_000
    (waiting,) = outbox.due(deployment.store)
    assert waiting.mail.to == "ben@calder.example"
    assert link.address in waiting.mail.body
    assert "Ada invites you to Calder as billing manager" in waiting.mail.body
    outbox.sent(deployment.store, waiting)
    assert outbox.due(deployment.store) == []
    deployment.check()


def test_an_account_that_is_deleted_in_this_moment_gets_no_seat(deployment: Deployment) -> None:
    """It was there when the page looked, and is not when the seat is given."""
    ada, ben = deployment.person(), deployment.person()
    organization, token = deployment.found(ada), new_token(deployment.store.randomness)
    deployment.act(ada, organization, InvitePerson(ben.email, Role.MEMBER, token))
    deployment.act_everywhere(ben, DeleteUser(ben.id))
    with pytest.raises(NotFound):
        deployment.act(ben, organization, AcceptInvitation(token, ben))
    with pytest.raises(NotFound):
        deployment.found(ben)
    deployment.check()
