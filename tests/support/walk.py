"""Organizations with something in them, made by every command there is."""

from __future__ import annotations

from minutebook.actions.access import AccessDenied
from minutebook.actions.log import Format
from minutebook.custody import clock, erase, holds, retention
from minutebook.custody.erase_again import EraseAgain
from minutebook.custody.restore import BeginGeneration
from minutebook.custody.verifications import RecordVerification
from minutebook.deliver.export import ExportLog
from minutebook.evidence.tree import CompactRange
from minutebook.filters import Filter
from minutebook.identifiers import new_token
from minutebook.model import DAY, HOUR, Plan, Role
from minutebook.name_servers import NameServers
from minutebook.organization import (
    account_deletion,
    auditor_links,
    ceremonies,
    credits,
    denials,
    ending,
    invitations,
    links,
    modes,
    passwords,
    people,
    profiles,
    saved_searches,
    seats,
    second_factor_rule,
    second_factors,
    sessions,
    settings,
    sittings,
    spending,
    sso,
    support,
    tokens,
)
from minutebook.organization.ceremonies import Purpose
from minutebook.organization.organizations import ChangePlan, RenameOrganization, read_organization
from minutebook.organization.people import User
from minutebook.organization.sessions import EnterOrganization, LeaveOrganization
from minutebook.organization.sign_in import RecordFailedSignIn
from minutebook.record import Command
from minutebook.store import log
from tests.support.deployment import Deployment
from tests.support.name_server import name_server
from tests.support.passkeys import Authenticator, add_passkey

NAME = "Calder"
"""What the organization of `walk` is called."""
FILLED, OTHER = 1, 2
"""The numbers of the organizations that `fill` makes."""


def walk(deployment: Deployment) -> int:
    """Performs every command at least once; the number of the organization."""
    organization = work(deployment)
    deployment.act(None, organization, sittings.ReadAsOperator())
    with deployment.store.reading() as connection:
        ada = people.find_user(connection, "ada@calder.example")

    def by_ada(command: Command) -> dict[str, object]:
        return dict(deployment.act(ada, organization, command).details)

    hold = str(by_ada(holds.PlaceHold("Acme v. Calder", "action:sso.*"))["hold"])
    by_ada(holds.ReleaseHold(hold))
    by_ada(
        erase.EraseFields({3: ["context.ip"], 5: ["context.ip", "actor.email"]}, "Asked by letter", deployment.ledger)
    )
    deployment.act(None, organization, EraseAgain({4: ["context.ip"]}))
    by_ada(retention.SetRetention("mode", 90))
    deployment.act(None, organization, clock.RecordForwardStep(deployment.clock(), deployment.clock() + 100 * DAY))
    deployment.clock.go_on(100 * DAY)
    by_ada(clock.ConfirmClock())
    deployment.act(None, organization, retention.Prune("mode", deployment.ledger, deployment.clock.now))
    end_one(deployment)
    by_ada(ending.RequestDeletion())
    return organization


def end_one(deployment: Deployment) -> int:
    """An organization with somebody and something in it that is deleted; its number."""
    owner = deployment.person()
    number = deployment.found(owner, "Ending")
    deployment.join(number, owner, Role.MEMBER)
    mailed = invitations.MailedLink("for Fay by mail", "https://minutes.example/invitation")
    deployment.act(owner, number, invitations.InvitePerson("fay@calder.example", Role.MEMBER, "for Fay", mailed))
    deployment.act(owner, number, tokens.CreateToken("SIEM", ("log.read",), 90, "the secret of another"))
    for command in (ending.RequestDeletion(mails=True), ending.CancelDeletion(), ending.RequestDeletion()):
        deployment.act(owner, number, command)
    deployment.clock.go_on(ending.WAITING_DAYS * DAY)
    deployment.act(None, number, ending.DeleteOrganization())
    return number


def work(deployment: Deployment) -> int:
    """Performs every command but those on the log itself; the number of the organization."""
    ada = deployment.person("ada@calder.example", "Ada")
    session = deployment.session(ada).id
    organization = deployment.found(ada, NAME)
    bob = deployment.join(organization, ada, Role.ADMIN)
    cleo = deployment.join(organization, bob, Role.BILLING_MANAGER)

    def by_ada(command: object) -> dict[str, object]:
        return dict(deployment.act(ada, organization, command, session).details)  # type: ignore[arg-type]

    by_ada(EnterOrganization("password"))
    by_ada(sittings.OpenSitting(session))
    by_ada(ExportLog(Format.CSV, Filter(actions=("user.login",)), size=3, first=2))
    by_ada(RecordVerification(3, "valid"))
    by_ada(RecordFailedSignIn("Wrong password", 1))
    was_refused = AccessDenied(operation="buy credits", needed="buy credits", role=Role.ADMIN, since=1, until=1)
    deployment.act(bob, organization, denials.RecordDenial(was_refused))
    by_ada(seats.ChangeRole(bob.id, Role.MEMBER))
    by_ada(seats.TransferOwnership(bob.id, Role.ADMIN))
    deployment.act(bob, organization, seats.TransferOwnership(ada.id, Role.MEMBER))
    offer = by_ada(invitations.InvitePerson("dan@calder.example", Role.AUDITOR, new_token(deployment.store.randomness)))
    by_ada(invitations.ResendInvitation(str(offer["invitation"]), "a token for Dan"))
    by_ada(invitations.RevokeInvitation(str(offer["invitation"])))
    by_ada(settings.ChangeModels(("openai/gpt-5", "new/model"), ("openai",), "new/model"))
    by_ada(settings.ChangeDataCollection("allow"))
    deployment.act(None, organization, second_factor_rule.ChangeSecondFactor("required"))
    by_ada(second_factor_rule.ChangeSecondFactor("optional"))
    by_ada(spending.ChangeSpending(5_000, 300_000, mails=True))
    by_ada(settings.ChangeSessionLifetime(12))
    by_ada(RenameOrganization(f"{NAME} Robotics"))
    by_ada(RenameOrganization(NAME))
    mode = str(by_ada(modes.CreateMode("Review", "Read\nfirst", ("read",)))["mode"])
    by_ada(modes.UpdateMode(mode, "Réview", "Read\nlast", ("edit", "read")))
    by_ada(modes.CreateMode("Other", "", ()))
    by_ada(modes.DeleteMode(mode))
    link = str(by_ada(auditor_links.CreateLink("Acme", "action:member.*", 30, "the token of Acme"))["link"])
    deployment.open_link(organization, link, "ses_of_acme")
    deployment.read_by_link(organization, link, "ses_of_acme")
    by_ada(auditor_links.RevokeLink(link))
    by_ada(saved_searches.SaveSearch("Refusals", "-outcome:success", shared=True))
    shared = str(by_ada(saved_searches.SaveSearch("Refusals", "outcome:denied", shared=True, replace=True))["search"])
    by_ada(saved_searches.RenameSearch(shared, "Denied"))
    private = str(by_ada(saved_searches.SaveSearch("Bob", f"actor:{bob.email}", shared=False))["search"])
    by_ada(saved_searches.DeleteSearch(private))
    deployment.act(cleo, organization, credits.BuyCredits(250_000, "inv-1"))
    deployment.act(None, organization, credits.GrantCredits(5_000, "ticket-4711", "Grace", "Outage of 3 May"))
    by_ada(credits.ExportLedger(2, 255_000))
    by_ada(sso.SetSsoDomain("calder.example"))
    by_ada(sso.SetSsoDomain("calder.test"))
    by_ada(sso.RemoveSsoDomain())
    by_ada(sso.SetSsoDomain("calder.example"))
    verify(deployment, organization, "calder.example")
    deployment.act(None, organization, sso.LapseSsoDomain("calder.example", 3))
    verify(deployment, organization, "calder.example")
    deployment.act(ada, organization, tokens.CreateToken("SIEM", ("log.read",), 90, "the secret of SIEM"), session)
    token = str(by_ada(tokens.CreateToken("Backup", ("log.export", "log.read"), 365, "another secret"))["token"])
    deployment.read_by_token(organization, token)
    by_ada(tokens.RevokeToken(token))
    sam = let_in(deployment, organization, "a link for support")
    deployment.act_as_support(sam, organization, support.EnterAsSupport("a link for support"), "ses_of_sam")
    deployment.act_as_support(sam, organization, sittings.OpenSitting("ses_of_sam"), "ses_of_sam")
    deployment.act_as_support(sam, organization, modes.CreateMode("Triage", "", ()), "ses_of_sam")
    deployment.act(None, organization, support.EndSupport(sam.id))
    deployment.act(None, organization, ChangePlan(Plan.TEAMS, 7))
    log_id, known = log.new_log_id(deployment.store.randomness), CompactRange(1, (b"7" * 32,))
    deployment.act(None, organization, BeginGeneration(log_id, known, "log_x", 1))
    deployment.act(None, organization, sittings.ReadAsOperator())
    deployment.act_everywhere(None, passwords.TakePassword(bob.id))
    link = links.new_link(deployment.store, links.RESET, lifetime=DAY, user=bob.id)
    deployment.act_everywhere(bob, passwords.ChoosePassword(bob.id, link, "a hash"))
    deployment.act_everywhere(bob, passwords.ChangePassword(bob.id, "a hash", "another hash"))
    deployment.act_everywhere(bob, profiles.ChangeProfile(bob.id, "Bob B.", "Europe/Berlin"))
    by_ada(seats.EndMemberSessions(cleo.id))
    eve = deployment.join(organization, ada, Role.MEMBER)
    deployment.act(eve, organization, seats.GiveUpSeat())
    deployment.join(organization, ada, Role.AUDITOR, eve)  # who leaves may come back
    deployment.act(eve, organization, saved_searches.SaveSearch("Eve", "outcome:denied", shared=True))
    deployment.act_everywhere(eve, account_deletion.DeleteUser(eve.id))
    deployment.act_everywhere(ada, sessions.EndSessions(ada.id), "ses_of_another")
    by_ada(EnterOrganization("password"))
    prove_twice(deployment, bob)
    by_ada(seats.RemoveMember(bob.id))
    by_ada(LeaveOrganization(session))
    return organization


def prove_twice(deployment: Deployment, user: User) -> None:
    """Every second factor comes and goes, and signs in."""
    deployment.add_app(user, ("one code",))
    half = ceremonies.begin(deployment.store, Purpose.SIGN_IN, user.id, "password")
    deployment.act_everywhere(user, second_factors.UseRecoveryCode(user.id, half, "one code", mails=True))
    deployment.act_everywhere(user, second_factors.MakeRecoveryCodes(user.id, ("another code",)))
    deployment.act_everywhere(user, second_factors.RemoveTotp(user.id))
    passkey = add_passkey(deployment, user, Authenticator())
    deployment.act_everywhere(user, second_factors.RemovePasskey(user.id, passkey))
    deployment.add_app(user)
    deployment.act_everywhere(None, second_factors.TakeSecondFactors(user.id))


def verify(deployment: Deployment, organization: int, domain: str) -> None:
    """Verifies the domain that is set, by its record."""
    with deployment.store.reading() as connection:
        public_id = read_organization(connection, organization).id
    with name_server() as zone:
        zone.texts[sso.record_name(domain)] = (sso.record_text(public_id),)
        deployment.act(None, organization, sso.VerifySsoDomain(domain, NameServers([zone.address])))


def let_in(deployment: Deployment, organization: int, token: str) -> support.Grant:
    """Somebody of support staff, who has the link of this token."""
    staff = deployment.person()
    support.change_staff(deployment.store, staff.id, to=True)
    deployment.act(None, organization, support.GrantSupport(staff.id, "Ticket 4711", HOUR, ("change modes",), token))
    with deployment.store.reading() as connection:
        return support.all_grants(connection, organization)[0]


def fill(deployment: Deployment) -> None:
    """The organization FILLED with rows in every one of its tables, and the organization OTHER."""
    organization = work(deployment)
    deployment.act(None, organization, ChangePlan(Plan.ENTERPRISE, 30))
    deployment.act(None, organization, retention.SetRetention("mode", 90))
    deployment.act(None, organization, holds.PlaceHold("Acme v. Calder", "action:sso.*"))
    deployment.act(None, organization, clock.RecordForwardStep(1, 2))
    deployment.act(None, organization, ending.RequestDeletion())
    guest = deployment.person()
    session = deployment.session(guest).id
    deployment.join(organization, None, Role.AUDITOR, guest, session)
    deployment.act(guest, organization, sittings.OpenSitting(session), session)
    deployment.act(None, organization, invitations.InvitePerson("eve@calder.example", Role.MEMBER, "a token"))
    deployment.act(None, organization, auditor_links.CreateLink("Acme", "action:member.*", 30, "Acme"))
    let_in(deployment, organization, "a link that nobody used")
    other = deployment.found(deployment.person(), "Other")
    assert (organization, other) == (FILLED, OTHER)
