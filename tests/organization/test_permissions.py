"""Every role tries every command."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress

from minutebook.actions.log import Format
from minutebook.custody import clock, erase, holds, retention, verifications
from minutebook.custody.erase_again import EraseAgain
from minutebook.custody.restore import BeginGeneration
from minutebook.deliver import export
from minutebook.errors import Forbidden, NotFound
from minutebook.model import Role
from minutebook.name_servers import NameServers
from minutebook.organization import (
    auditor_links,
    credits,
    denials,
    ending,
    invitations,
    modes,
    organizations,
    saved_searches,
    seats,
    second_factor_rule,
    sessions,
    settings,
    sign_in,
    sittings,
    spending,
    sso,
    support,
    tokens,
)
from minutebook.organization.organizations import read_organization
from minutebook.organization.people import User
from minutebook.record import ANYBODY, Command, NoChange
from tests.support.commands import all_commands
from tests.support.deployment import Deployment
from tests.support.name_server import Zone

OWNER, ADMIN, AUDITOR, BILLING, MEMBER = Role
EXPECTED: dict[type[Command], set[Role]] = {
    invitations.InvitePerson: {OWNER, ADMIN},
    invitations.RevokeInvitation: {OWNER, ADMIN},
    invitations.ResendInvitation: {OWNER, ADMIN},
    seats.ChangeRole: {OWNER, ADMIN},
    seats.RemoveMember: {OWNER, ADMIN},
    seats.EndMemberSessions: {OWNER, ADMIN},
    settings.ChangeModels: {OWNER, ADMIN},
    settings.ChangeDataCollection: {OWNER, ADMIN},
    second_factor_rule.ChangeSecondFactor: {OWNER, ADMIN},
    settings.ChangeSessionLifetime: {OWNER, ADMIN},
    spending.ChangeSpending: {OWNER, ADMIN},
    organizations.RenameOrganization: {OWNER, ADMIN},
    modes.CreateMode: {OWNER, ADMIN},
    modes.UpdateMode: {OWNER, ADMIN},
    modes.DeleteMode: {OWNER, ADMIN},
    credits.BuyCredits: {OWNER, BILLING},
    credits.ExportLedger: {OWNER, ADMIN, BILLING},
    sso.SetSsoDomain: {OWNER, ADMIN},
    sso.VerifySsoDomain: {OWNER, ADMIN},
    sso.RemoveSsoDomain: {OWNER, ADMIN},
    tokens.CreateToken: {OWNER, ADMIN},
    tokens.RevokeToken: {OWNER, ADMIN},
    sittings.OpenSitting: {OWNER, ADMIN, AUDITOR},
    verifications.RecordVerification: {OWNER, ADMIN, AUDITOR},
    export.ExportLog: {OWNER, ADMIN, AUDITOR},
    auditor_links.CreateLink: {OWNER},
    auditor_links.RevokeLink: {OWNER},
    saved_searches.SaveSearch: {OWNER, ADMIN, AUDITOR},
    saved_searches.RenameSearch: {OWNER, ADMIN, AUDITOR},
    saved_searches.DeleteSearch: {OWNER, ADMIN, AUDITOR},
    erase.EraseFields: {OWNER},
    retention.SetRetention: {OWNER},
    holds.PlaceHold: {OWNER},
    holds.ReleaseHold: {OWNER},
    clock.ConfirmClock: {OWNER},
    support.EndSupport: {OWNER},
    ending.RequestDeletion: {OWNER},
    ending.CancelDeletion: {OWNER},
    seats.TransferOwnership: {OWNER},  # last: whoever does it is no owner any more
}
DECIDE_THEMSELVES = {
    auditor_links.OpenLinkSitting,
    auditor_links.UseLink,
    BeginGeneration,
    denials.RecordDenial,
    EraseAgain,
    support.GrantSupport,
    support.EnterAsSupport,
    credits.GrantCredits,
    ending.DeleteOrganization,
    invitations.AcceptInvitation,
    organizations.ChangePlan,
    organizations.CreateOrganization,
    seats.GiveUpSeat,
    sessions.EnterOrganization,
    sessions.LeaveOrganization,
    sign_in.RecordFailedSignIn,
    sittings.ReadAsOperator,
    sso.LapseSsoDomain,
    clock.RecordForwardStep,
    retention.Prune,
}
"""Commands for people without a seat. The tests of each one's own module hold what it refuses."""


class Tries:
    """Makes each command so that only the role can stand in its way."""

    def __init__(self, deployment: Deployment, organization: int, dns: Zone) -> None:
        self.deployment = deployment
        self.zone = dns
        self.organization = organization
        self.numbers = itertools.count()
        self.session = ""
        self.user: User | None = None

    def __call__(self, kind: type[Command], session: str = "ses_nobody", user: User | None = None) -> Command:
        """A new command of this kind; `session` is the one that acts, for what happens in a session, `user` who acts,
        for what is only theirs to change."""
        self.session, self.user = session, user
        number = next(self.numbers)
        token = f"token {number}"
        address = f"invited{number}@calder.example"
        makers: dict[type[Command], Callable[[], Command]] = {
            invitations.InvitePerson: lambda: invitations.InvitePerson(address, MEMBER, token),
            invitations.RevokeInvitation: lambda: invitations.RevokeInvitation(
                self._made(invitations.InvitePerson(address, MEMBER, token), "invitation")
            ),
            invitations.ResendInvitation: lambda: invitations.ResendInvitation(
                self._made(invitations.InvitePerson(address, MEMBER, token), "invitation"), f"{token} again"
            ),
            seats.TransferOwnership: lambda: seats.TransferOwnership(self._member().id, ADMIN),
            seats.ChangeRole: lambda: seats.ChangeRole(self._member().id, BILLING),
            seats.RemoveMember: lambda: seats.RemoveMember(self._member().id),
            seats.EndMemberSessions: lambda: seats.EndMemberSessions(self._member().id),
            settings.ChangeModels: lambda: settings.ChangeModels(
                (f"made/up-{number}",), ("openai",), f"made/up-{number}"
            ),
            settings.ChangeDataCollection: lambda: settings.ChangeDataCollection(self._other_policy()),
            second_factor_rule.ChangeSecondFactor: self._lift_the_rule,
            settings.ChangeSessionLifetime: lambda: settings.ChangeSessionLifetime(1 + number),
            spending.ChangeSpending: lambda: spending.ChangeSpending(number, None),
            organizations.RenameOrganization: lambda: organizations.RenameOrganization(f"Calder {number}"),
            modes.CreateMode: lambda: modes.CreateMode(f"Mode {number}", "", ()),
            modes.UpdateMode: lambda: modes.UpdateMode(self._mode(number), f"Changed {number}", "", ()),
            modes.DeleteMode: lambda: modes.DeleteMode(self._mode(number)),
            credits.BuyCredits: lambda: credits.BuyCredits(100, f"inv-{number}"),
            credits.ExportLedger: lambda: credits.ExportLedger(0, 0),
            sso.SetSsoDomain: lambda: sso.SetSsoDomain(f"calder-{number}.example"),
            sso.VerifySsoDomain: lambda: self._verify_domain(f"verified-{number}.example"),
            sso.RemoveSsoDomain: self._remove_domain,
            tokens.CreateToken: lambda: tokens.CreateToken(f"Token {number}", ("log.read",), 1, token),
            tokens.RevokeToken: lambda: tokens.RevokeToken(
                self._made(tokens.CreateToken(f"Token {number}", ("log.read",), 1, token), "token")
            ),
            sittings.OpenSitting: lambda: sittings.OpenSitting(self.session),
            export.ExportLog: lambda: export.ExportLog(Format.JSONL),
            verifications.RecordVerification: lambda: verifications.RecordVerification(1, "valid"),
            auditor_links.CreateLink: lambda: auditor_links.CreateLink(f"Firm {number}", "", 7, token),
            auditor_links.RevokeLink: lambda: auditor_links.RevokeLink(
                self._made(auditor_links.CreateLink(f"Firm {number}", "", 7, token), "link")
            ),
            saved_searches.SaveSearch: lambda: saved_searches.SaveSearch(f"Search {number}", "seq:1..", shared=True),
            saved_searches.RenameSearch: lambda: saved_searches.RenameSearch(self._search(number), f"Now {number}"),
            saved_searches.DeleteSearch: lambda: saved_searches.DeleteSearch(self._search(number)),
            erase.EraseFields: lambda: erase.EraseFields({1: ["context.ip"]}, "By letter", self.deployment.ledger),
            retention.SetRetention: lambda: retention.SetRetention("mode", 90 + number),
            holds.PlaceHold: lambda: holds.PlaceHold(f"Hold {number}", "seq:9999"),
            holds.ReleaseHold: lambda: holds.ReleaseHold(self._made(holds.PlaceHold("Hold", "seq:9999"), "hold")),
            clock.ConfirmClock: lambda: self._after_a_step(number),
            support.EndSupport: lambda: support.EndSupport(self._let_in(token)),
            ending.RequestDeletion: lambda: self._asked_for_deletion(asked=False),
            ending.CancelDeletion: lambda: self._asked_for_deletion(asked=True),
        }
        assert kind in makers, f"{kind.__name__} is in EXPECTED and is never made: add how to Tries"
        return makers[kind]()

    def _made(self, command: Command, detail: str) -> str:
        return str(self.deployment.act(None, self.organization, command).details[detail])

    def _member(self) -> User:
        return self.deployment.join(self.organization, None, MEMBER)

    def _let_in(self, token: str) -> str:
        staff = self.deployment.person()
        support.change_staff(self.deployment.store, staff.id, to=True)
        return self._made(support.GrantSupport(staff.id, "Ticket", support.LEAST, (), token), "grant")

    def _mode(self, number: int) -> str:
        return self._made(modes.CreateMode(f"Made {number}", "", ()), "mode")

    def _search(self, number: int) -> str:
        """One of who acts; where they may have none, one that is not there."""
        if self.user is None:
            return "sav_nobodys"
        save = saved_searches.SaveSearch(f"Made {number}", "seq:1..", shared=False)
        with suppress(Forbidden):
            return str(self.deployment.act(self.user, self.organization, save).details["search"])
        return "sav_nobodys"

    def _after_a_step(self, number: int) -> Command:
        self.deployment.act(None, self.organization, clock.RecordForwardStep(number, number + 1))
        return clock.ConfirmClock()

    def _lift_the_rule(self) -> Command:
        """Whoever requires one needs one of their own; nobody here has."""
        self.deployment.attempt(None, self.organization, second_factor_rule.ChangeSecondFactor("required"))
        return second_factor_rule.ChangeSecondFactor("optional")

    def _asked_for_deletion(self, *, asked: bool) -> Command:
        with suppress(NotFound):
            self.deployment.attempt(None, self.organization, ending.CancelDeletion())
        if not asked:
            return ending.RequestDeletion()
        self.deployment.act(None, self.organization, ending.RequestDeletion())
        return ending.CancelDeletion()

    def _other_policy(self) -> str:
        with self.deployment.store.reading() as connection:
            now = settings.read_settings(connection, self.organization).data_collection
        return "allow" if now == "forbid" else "forbid"

    def _verify_domain(self, domain: str) -> Command:
        self.deployment.act(None, self.organization, sso.SetSsoDomain(domain))
        with self.deployment.store.reading() as connection:
            text = sso.record_text(read_organization(connection, self.organization).id)
        self.zone.texts[sso.record_name(domain)] = (text,)
        return sso.VerifySsoDomain(domain, NameServers([self.zone.address]))

    def _remove_domain(self) -> Command:
        self.deployment.attempt(None, self.organization, sso.SetSsoDomain("calder.example"))
        return sso.RemoveSsoDomain()


def test_every_command_is_tried() -> None:
    for command in all_commands():
        if command.needs is ANYBODY:
            what = f"DECIDE_THEMSELVES of {__name__}, and test what its `change` refuses"
            assert command in DECIDE_THEMSELVES, f"{command.__name__} is for anybody: add it to {what}"
        else:
            what = f"EXPECTED of {__name__} with the roles that may, and to Tries how it is made"
            assert command in EXPECTED, f"Nobody tries {command.__name__}: add it to {what}"


def test_every_role_tries_every_command(deployment: Deployment, dns: Zone) -> None:
    owner = deployment.person()
    organization = deployment.found(owner, seat_limit=1000)
    people = {role: deployment.person() for role in Role}
    sessions = {role: deployment.session(people[role]).id for role in Role}
    for role in Role:
        deployment.join(organization, None, role, people[role], sessions[role])
    make = Tries(deployment, organization, dns)
    found: dict[type[Command], set[Role]] = {kind: set() for kind in EXPECTED}
    for kind, role in itertools.product(EXPECTED, Role):
        command = make(kind, sessions[role], people[role])
        size = deployment.size(organization)
        try:
            answer = deployment.attempt(people[role], organization, command, sessions[role])
        except Forbidden as refusal:
            assert refusal.facts["role"] == role.label.lower()
            assert deployment.size(organization) == size
        else:
            assert not isinstance(answer, NoChange), (kind, role)
            found[kind].add(role)
    assert found == EXPECTED
    deployment.check()


def test_without_a_seat_there_is_nothing(deployment: Deployment, dns: Zone) -> None:
    """Neither for a stranger, nor for somebody whose seat is in another organization, nor in one that is not there."""
    organization = deployment.found(deployment.person(), seat_limit=1000)
    stranger, elsewhere = deployment.person(), deployment.person()
    deployment.found(elsewhere)
    make = Tries(deployment, organization, dns)
    for kind in EXPECTED:
        command = make(kind)
        for person, where in ((stranger, organization), (elsewhere, organization), (elsewhere, 999)):
            try:
                deployment.attempt(person, where, command)
            except NotFound as refusal:
                assert refusal.facts == ({"why": "no seat"} if where == organization else {})
                continue
            raise AssertionError(f"{kind.__name__} was not refused")
    deployment.check()
