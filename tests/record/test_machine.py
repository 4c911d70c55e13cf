"""All commands by several people in two organizations, with refusals and faults between, under the oracle."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from minutebook.actions.access import AccessDenied
from minutebook.actions.log import Format
from minutebook.custody.erase_again import EraseAgain
from minutebook.custody.restore import BeginGeneration
from minutebook.custody.verifications import RecordVerification
from minutebook.deliver.export import ExportLog
from minutebook.errors import MinutebookError
from minutebook.evidence.tree import CompactRange
from minutebook.identifiers import new_token
from minutebook.model import DAY, HOUR, MINUTE, Event, Plan, Role
from minutebook.name_servers import NameServers
from minutebook.organization import (
    account_deletion,
    auditor_links,
    credits,
    denials,
    ending,
    invitations,
    links,
    modes,
    passwords,
    profiles,
    saved_searches,
    seats,
    sessions,
    sign_in,
    sittings,
    spending,
    sso,
    support,
    tokens,
)
from minutebook.organization import organizations as organizations_
from minutebook.organization import people as people_
from minutebook.organization import settings as organization_settings
from minutebook.organization.organizations import ChangePlan, CreateOrganization, RenameOrganization
from minutebook.organization.people import User
from minutebook.record import Command, PersonalCommand
from minutebook.store import log
from tests.support import keeping, proving, stored
from tests.support.check_log import check_log
from tests.support.commands import all_commands, personal_commands
from tests.support.deployment import Deployment
from tests.support.faulty import BrokeOff, Fault, breaking_off
from tests.support.full import FULL
from tests.support.name_server import name_server
from tests.support.proving import Proving
from tests.support.told import Answer, Told

A = TypeVar("A")
SETTINGS = settings(
    max_examples=300 if FULL else 8,
    stateful_step_count=150 if FULL else 60,
    deadline=None,
    derandomize=not FULL,  # the short form is the same every time; the full one looks elsewhere each time
    # making a failing example shorter takes minutes: FULL=1 does
    phases=tuple(Phase) if FULL else (Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)

PEOPLE = 7
FIRST, SECOND = (
    (Role.OWNER, Role.ADMIN, Role.OWNER, Role.AUDITOR, Role.BILLING_MANAGER),
    (Role.ADMIN, Role.OWNER, Role.MEMBER, Role.OWNER, Role.BILLING_MANAGER),
)
"""What the first five people are in each organization; two more are guests."""
MODELS = tuple(f"maker/model-{letter}" for letter in "abcd")
PROVIDERS = ("openai", "groq", "mistral")
DOMAINS = ("a.example", "b.example")
NAMES = ("Review", "REVIEW ", "Straße", "strasse", "Write", "Plan", "", "a\0b")

people = st.sampled_from(range(PEOPLE))
actors = st.sampled_from([0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 5, -1])  # -1 is the operator
organizations = st.sampled_from([0, 1])
guests = st.sampled_from([*range(PEOPLE), *[PEOPLE - 1, PEOPLE - 2] * 3])
indices = st.integers(0, 9)
rarely = st.sampled_from([False] * 7 + [True])
roles = st.sampled_from(Role)
faults = st.sampled_from([None] * 12 + [*Fault])
cents = st.sampled_from([None, -1, 0, 2, 4])
subsets = st.lists(st.sampled_from(MODELS), min_size=1, unique=True)


class Machine(RuleBasedStateMachine):
    """The people of two organizations. Every example has organizations and people of its own in one database."""

    deployment: ClassVar[Deployment]

    def __init__(self) -> None:
        super().__init__()
        self.store: Any = self.deployment.store
        self.told = self.deployment.told = Told()
        with self.store.reading() as connection:
            self.after = max((head.organization for head in stored.heads(connection)), default=0)
        self.resources = ExitStack()
        self.zone = self.resources.enter_context(name_server())
        self.offers: list[tuple[int, str, str, int]] = []
        self.modes: list[tuple[int, str]] = []
        self.searches: list[tuple[int, str]] = []
        self.links: list[tuple[int, str, str]] = []
        self.opened: list[tuple[int, str, str]] = []
        self.seen: list[str] = []
        self.tokens: list[tuple[int, str]] = []
        self.grants: list[tuple[int, str, str, str]] = []

    @initialize()
    def begin(self) -> None:
        """Two organizations, with people who hold different roles in each."""
        self.people = [self.deployment.person() for _ in range(PEOPLE)]
        self.sessions = [self.deployment.session(person).id for person in self.people]
        self.numbers = [
            self.deployment.found(self.people[0], seat_limit=7, session=self.sessions[0]),
            self.deployment.found(self.people[1], seat_limit=6, session=self.sessions[1]),
        ]
        for number, roles_here in zip(self.numbers, (FIRST, SECOND), strict=True):
            for person, role, session in zip(self.people, roles_here, self.sessions, strict=False):
                if (number, person) not in zip(self.numbers, self.people, strict=False):
                    self.deployment.join(number, None, role, person, session)

    def act(self, actor: int, organization: int, command: Command, fault: Fault | None) -> Event | None:
        """Performs a command; the event when the client was shown one."""
        user, session = self.user_of(actor)
        if fault is Fault.AFTER_CHANGE:
            command = breaking_off(command)
        attempt = partial(self.deployment.attempt, user, self.numbers[organization], command, session)
        answer = self.answer(attempt, fault)
        return answer if isinstance(answer, Event) else None

    def act_everywhere(self, actor: int, command: PersonalCommand, fault: Fault | None) -> tuple[Event, ...]:
        """The same of a command on a person."""
        user, session = self.user_of(actor)
        if fault is Fault.AFTER_CHANGE:
            command = breaking_off(command)
        return self.answer(partial(self.deployment.act_everywhere, user, command, session), fault) or ()

    def user_of(self, actor: int) -> tuple[User | None, str | None]:
        """Who acts, in which session; nobody is the operator."""
        return (self.people[actor], self.sessions[actor]) if actor >= 0 else (None, None)

    def answer(self, attempt: Callable[[], A], fault: Fault | None) -> A | None:
        """What is answered to an attempt; nothing when it is refused or breaks off."""
        self.store.fault = fault
        try:
            return attempt()
        except BrokeOff:
            if fault and fault.undoes:
                [*self.told.attempts.values()][-1].answer = Answer.NOTHING
        except MinutebookError:
            pass
        finally:
            self.store.fault = None
        return None

    # ── Seats ────────────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(actor=actors, organization=organizations, guest=guests, role=roles, fault=faults)
    def invite(self, actor: int, organization: int, guest: int, role: Role, fault: Fault | None) -> None:
        token, email = new_token(self.store.randomness), self.people[guest].email
        link = invitations.MailedLink(f"{token}-mailed", "https://minutes.example/") if guest % 2 else None
        event = self.act(actor, organization, invitations.InvitePerson(email, role, token, link), fault)
        if event or fault is Fault.AFTER_COMMIT:  # the mail may have left, though the answer was lost
            invitation = str(event.details["invitation"]) if event else "inv_unknown"
            self.offers.append((organization, invitation, token, guest))

    @precondition(lambda self: self.offers)
    @rule(offer=indices, fault=faults)
    def accept(self, offer: int, fault: Fault | None) -> None:
        organization, _, token, guest = self.offers[-1 - offer % len(self.offers)]
        self.act(guest, organization, invitations.AcceptInvitation(token, self.people[guest]), fault)

    @precondition(lambda self: self.offers)
    @rule(offer=indices, guest=people, organization=organizations)
    def accept_what_is_another_s(self, offer: int, guest: int, organization: int) -> None:
        _, _, token, _ = self.offers[-1 - offer % len(self.offers)]
        self.act(guest, organization, invitations.AcceptInvitation(token, self.people[guest]), None)

    @precondition(lambda self: self.offers)
    @rule(actor=actors, offer=indices, elsewhere=rarely, fault=faults)
    def revoke(self, actor: int, offer: int, elsewhere: bool, fault: Fault | None) -> None:
        organization, invitation, _, _ = self.offers[-1 - offer % len(self.offers)]
        self.act(actor, organization ^ elsewhere, invitations.RevokeInvitation(invitation), fault)

    @precondition(lambda self: self.offers)
    @rule(actor=actors, offer=indices, elsewhere=rarely, fault=faults)
    def resend(self, actor: int, offer: int, elsewhere: bool, fault: Fault | None) -> None:
        organization, invitation, _, guest = self.offers[-1 - offer % len(self.offers)]
        token = new_token(self.store.randomness)
        event = self.act(actor, organization ^ elsewhere, invitations.ResendInvitation(invitation, token), fault)
        if event or fault is Fault.AFTER_COMMIT:
            self.offers.append((organization, invitation, token, guest))

    @rule(actor=actors, organization=organizations, member=people, role=roles, fault=faults)
    def change_role(self, actor: int, organization: int, member: int, role: Role, fault: Fault | None) -> None:
        self.act(actor, organization, seats.ChangeRole(self.people[member].id, role), fault)

    @rule(actor=actors, organization=organizations, member=people, role=roles, fault=faults)
    def transfer(self, actor: int, organization: int, member: int, role: Role, fault: Fault | None) -> None:
        self.act(actor, organization, seats.TransferOwnership(self.people[member].id, role), fault)

    @rule(actor=actors, organization=organizations, member=people, fault=faults)
    def remove(self, actor: int, organization: int, member: int, fault: Fault | None) -> None:
        self.act(actor, organization, seats.RemoveMember(self.people[member].id), fault)

    @rule(actor=actors, organization=organizations, member=people, fault=faults)
    def end_member_sessions(self, actor: int, organization: int, member: int, fault: Fault | None) -> None:
        self.act(actor, organization, seats.EndMemberSessions(self.people[member].id), fault)

    @rule(
        actor=actors,
        organization=organizations,
        plan=st.sampled_from(Plan),
        limit=st.sampled_from([5, 6, 7, 8, 9, 0]),
        fault=faults,
    )
    def change_plan(self, actor: int, organization: int, plan: Plan, limit: int, fault: Fault | None) -> None:
        self.act(actor, organization, ChangePlan(plan, limit), fault)

    @rule(actor=actors, organization=organizations, cancels=st.booleans(), fault=faults)
    def ask_for_deletion(self, actor: int, organization: int, cancels: bool, fault: Fault | None) -> None:
        command = ending.CancelDeletion() if cancels else ending.RequestDeletion(mails=True)
        self.act(actor, organization, command, fault)

    @rule(actor=actors, organization=organizations, fault=faults)
    def delete_too_early(self, actor: int, organization: int, fault: Fault | None) -> None:
        """The two organizations go on to the end: what all other rules do needs people in them."""
        with self.store.reading() as connection:
            asked = ending.find_deletion(connection, self.numbers[organization])
        if asked is None or asked.due_at > self.deployment.clock() + DAY:
            self.act(actor, organization, ending.DeleteOrganization(), fault)

    @rule(actor=actors, organization=organizations, amounts=st.tuples(cents, cents), fault=faults)
    def change_spending(
        self, actor: int, organization: int, amounts: tuple[int | None, int | None], fault: Fault | None
    ) -> None:
        self.act(actor, organization, spending.ChangeSpending(*amounts, mails=True), fault)

    @rule(actor=actors, organization=organizations, hours=st.sampled_from([None, 0, 1, 168]), fault=faults)
    def change_session_lifetime(self, actor: int, organization: int, hours: int | None, fault: Fault | None) -> None:
        self.act(actor, organization, organization_settings.ChangeSessionLifetime(hours), fault)

    @rule(actor=actors, organization=organizations, name=st.sampled_from(NAMES), fault=faults)
    def rename(self, actor: int, organization: int, name: str, fault: Fault | None) -> None:
        self.act(actor, organization, RenameOrganization(name), fault)

    @rule(actor=actors, organization=organizations, lost=indices, fault=faults)
    def begin_generation(self, actor: int, organization: int, lost: int, fault: Fault | None) -> None:
        log_id, known = log.new_log_id(self.store.randomness), CompactRange(1, (b"7" * 32,))
        self.act(actor, organization, BeginGeneration(log_id, known, "log_x", lost), fault)

    @rule(actor=actors, organization=organizations, seq=st.integers(0, 40), fault=faults)
    def erase_again(self, actor: int, organization: int, seq: int, fault: Fault | None) -> None:
        self.act(actor, organization, EraseAgain({seq: ["context.ip"]}), fault)

    # ── What the organization has ────────────────────────────────────────────────────────────────────────────────────

    @rule(actor=actors, organization=organizations, models=subsets, default=indices, stale=st.booleans(), fault=faults)
    def change_models(
        self, actor: int, organization: int, models: list[str], default: int, stale: bool, fault: Fault | None
    ) -> None:
        with self.store.reading() as connection:
            self.seen.append(organization_settings.read_settings(connection, self.numbers[organization]).seen())
        chosen = (*models, MODELS[0])[default % (len(models) + 1)]
        seen = self.seen[0] if stale else self.seen[-1]
        command = organization_settings.ChangeModels(tuple(models), PROVIDERS[: 1 + default % 3], chosen, seen)
        self.act(actor, organization, command, fault)

    @rule(actor=actors, organization=organizations, policy=st.sampled_from(["allow", "forbid", "?"]), fault=faults)
    def change_data_collection(self, actor: int, organization: int, policy: str, fault: Fault | None) -> None:
        self.act(actor, organization, organization_settings.ChangeDataCollection(policy), fault)

    @rule(actor=actors, organization=organizations, name=st.sampled_from(NAMES), tools=indices, fault=faults)
    def create_mode(self, actor: int, organization: int, name: str, tools: int, fault: Fault | None) -> None:
        event = self.act(actor, organization, modes.CreateMode(name, "Do it", tuple(modes.TOOLS)[:tools]), fault)
        if event:
            self.modes.append((organization, str(event.details["mode"])))

    @precondition(lambda self: self.modes)
    @rule(actor=actors, mode=indices, elsewhere=rarely, name=st.sampled_from(NAMES), tools=indices, fault=faults)
    def update_mode(self, actor: int, mode: int, elsewhere: bool, name: str, tools: int, fault: Fault | None) -> None:
        organization, chosen = self.modes[mode % len(self.modes)]
        command = modes.UpdateMode(chosen, name, f"Do it {tools} times", tuple(modes.TOOLS)[tools % 4 :])
        self.act(actor, organization ^ elsewhere, command, fault)

    @precondition(lambda self: self.modes)
    @rule(actor=actors, mode=indices, elsewhere=rarely, fault=faults)
    def delete_mode(self, actor: int, mode: int, elsewhere: bool, fault: Fault | None) -> None:
        organization, chosen = self.modes[mode % len(self.modes)]
        self.act(actor, organization ^ elsewhere, modes.DeleteMode(chosen), fault)

    @rule(
        actor=actors,
        organization=organizations,
        cents=st.sampled_from([1, 2, 3, 4, 0]),
        reference=indices,
        fault=faults,
    )
    def buy_credits(self, actor: int, organization: int, cents: int, reference: int, fault: Fault | None) -> None:
        self.act(actor, organization, credits.BuyCredits(cents, f"inv-{reference}", mails=True), fault)

    @rule(actor=actors, organization=organizations, cents=st.sampled_from([1, 2, 0]), reference=indices, fault=faults)
    def grant_credits(self, actor: int, organization: int, cents: int, reference: int, fault: Fault | None) -> None:
        self.act(actor, organization, credits.GrantCredits(cents, f"inv-{reference}", "Grace", "An outage"), fault)

    @rule(actor=actors, organization=organizations, fault=faults)
    def export_ledger(self, actor: int, organization: int, fault: Fault | None) -> None:
        with self.store.reading() as connection:
            entries = credits.entries(connection, self.numbers[organization])
            balance = credits.balance(connection, self.numbers[organization])
        self.act(actor, organization, credits.ExportLedger(len(entries), balance), fault)

    @rule(actor=actors, organization=organizations, domain=st.sampled_from([*DOMAINS, "b_"]), fault=faults)
    def set_domain(self, actor: int, organization: int, domain: str, fault: Fault | None) -> None:
        self.act(actor, organization, sso.SetSsoDomain(self.domain(domain)), fault)

    @rule(
        actor=actors, organization=organizations, domain=st.sampled_from(DOMAINS), is_there=st.booleans(), fault=faults
    )
    def verify_domain(self, actor: int, organization: int, domain: str, is_there: bool, fault: Fault | None) -> None:
        with self.store.reading() as connection:
            text = sso.record_text(organizations_.read_organization(connection, self.numbers[organization]).id)
        name = self.domain(domain)
        self.zone.texts[sso.record_name(name)] = (text,) if is_there else ()
        self.act(actor, organization, sso.VerifySsoDomain(name, NameServers([self.zone.address])), fault)

    @rule(actor=actors, organization=organizations, domain=st.sampled_from(DOMAINS), fault=faults)
    def let_domain_lapse(self, actor: int, organization: int, domain: str, fault: Fault | None) -> None:
        self.act(actor, organization, sso.LapseSsoDomain(self.domain(domain), 3), fault)

    def domain(self, name: str) -> str:
        """The domain of this example: one that was verified in another one would be taken."""
        return f"{self.numbers[0]}.{name}"

    @rule(actor=actors, organization=organizations, fault=faults)
    def remove_domain(self, actor: int, organization: int, fault: Fault | None) -> None:
        self.act(actor, organization, sso.RemoveSsoDomain(), fault)

    # ── Searches ─────────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(
        actor=actors,
        organization=organizations,
        name=st.sampled_from(NAMES[:4]),
        query=st.sampled_from(["outcome:denied", "review", "seq:1..", "", "seq:"]),
        shared=st.booleans(),
        replace=st.booleans(),
        fault=faults,
    )
    def save_search(
        self, actor: int, organization: int, name: str, query: str, shared: bool, replace: bool, fault: Fault | None
    ) -> None:
        event = self.act(actor, organization, saved_searches.SaveSearch(name, query, shared, replace), fault)
        if event:
            self.searches.append((organization, str(event.details["search"])))

    @precondition(lambda self: self.searches)
    @rule(actor=actors, search=indices, name=st.sampled_from(NAMES[:4]), elsewhere=rarely, fault=faults)
    def rename_search(self, actor: int, search: int, name: str, elsewhere: bool, fault: Fault | None) -> None:
        organization, chosen = self.searches[search % len(self.searches)]
        self.act(actor, organization ^ elsewhere, saved_searches.RenameSearch(chosen, name), fault)

    @precondition(lambda self: self.searches)
    @rule(actor=actors, search=indices, elsewhere=rarely, fault=faults)
    def delete_search(self, actor: int, search: int, elsewhere: bool, fault: Fault | None) -> None:
        organization, chosen = self.searches[search % len(self.searches)]
        self.act(actor, organization ^ elsewhere, saved_searches.DeleteSearch(chosen), fault)

    # ── Auditor links ────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(
        actor=actors,
        organization=organizations,
        query=st.sampled_from(["", "seq:1", "seq:"]),
        days=indices,
        fault=faults,
    )
    def create_link(self, actor: int, organization: int, query: str, days: int, fault: Fault | None) -> None:
        token = new_token(self.store.randomness)
        event = self.act(actor, organization, auditor_links.CreateLink("Acme", query, days, token), fault)
        if event:
            self.links.append((organization, str(event.details["link"]), token))

    @precondition(lambda self: self.links)
    @rule(actor=actors, link=indices, elsewhere=rarely, fault=faults)
    def revoke_link(self, actor: int, link: int, elsewhere: bool, fault: Fault | None) -> None:
        organization, chosen, _ = self.links[link % len(self.links)]
        self.act(actor, organization ^ elsewhere, auditor_links.RevokeLink(chosen), fault)

    @precondition(lambda self: self.links)
    @rule(link=indices, wrong=rarely, elsewhere=rarely)
    def use_link(self, link: int, wrong: bool, elsewhere: bool) -> None:
        """Opens a link in another browser: with the token of another link, or elsewhere, in vain."""
        organization, chosen, token = self.links[link % len(self.links)]
        session = f"ses_{len(self.opened)}_{chosen}"
        self.opened.append((organization, chosen, session))
        token = self.links[0][2] if wrong else token
        self.by_link(organization, chosen, session, auditor_links.UseLink(token), elsewhere=elsewhere)

    @precondition(lambda self: self.opened)
    @rule(browser=indices, link=indices, elsewhere=rarely)
    def read_by_link(self, browser: int, link: int, elsewhere: bool) -> None:
        """Reads in a browser, now and then as if another link had been opened in it."""
        organization, chosen, session = self.opened[-1 - browser % len(self.opened)]
        if link == 0:
            organization, chosen, _ = self.links[0]
        self.by_link(organization, chosen, session, auditor_links.OpenLinkSitting(session), elsewhere=elsewhere)

    def by_link(self, organization: int, link: str, session: str, command: Command, *, elsewhere: bool) -> None:
        with suppress(MinutebookError):
            seat = self.deployment.link_seat(self.numbers[organization], link, session)
            seat = replace(seat, organization=self.numbers[organization ^ elsewhere])
            self.deployment.answer(link, seat, command)

    @rule(
        actor=actors,
        organization=organizations,
        scopes=st.lists(st.sampled_from(["log.read", "log.export", "?"]), max_size=2),
        days=st.sampled_from([1, 7, 365, 0, 366]),
        fault=faults,
    )
    def create_token(self, actor: int, organization: int, scopes: list[str], days: int, fault: Fault | None) -> None:
        secret = tokens.new_secret(self.store.randomness)
        event = self.act(actor, organization, tokens.CreateToken("SIEM", tuple(scopes), days, secret), fault)
        if event:
            self.tokens.append((organization, str(event.details["token"])))

    @precondition(lambda self: self.tokens)
    @rule(actor=actors, token=indices, elsewhere=rarely, fault=faults)
    def revoke_token(self, actor: int, token: int, elsewhere: bool, fault: Fault | None) -> None:
        organization, chosen = self.tokens[token % len(self.tokens)]
        self.act(actor, organization ^ elsewhere, tokens.RevokeToken(chosen), fault)

    @precondition(lambda self: self.tokens)
    @rule(token=indices, elsewhere=rarely)
    def read_the_log_by_token(self, token: int, elsewhere: bool) -> None:
        organization, chosen = self.tokens[token % len(self.tokens)]
        with suppress(MinutebookError):
            self.deployment.read_by_token(self.numbers[organization ^ elsewhere], chosen)

    # ── Coming and going ─────────────────────────────────────────────────────────────────────────────────────────────

    @rule(actor=people, organization=organizations, fault=faults)
    def enter(self, actor: int, organization: int, fault: Fault | None) -> None:
        self.act(actor, organization, sessions.EnterOrganization("password"), fault)

    @rule(actor=people, organization=organizations, fault=faults)
    def leave(self, actor: int, organization: int, fault: Fault | None) -> None:
        self.act(actor, organization, sessions.LeaveOrganization(self.sessions[actor]), fault)

    @rule(actor=people, organization=organizations, fault=faults)
    def fail_to_sign_in(self, actor: int, organization: int, fault: Fault | None) -> None:
        self.act(actor, organization, sign_in.RecordFailedSignIn("Wrong password", 1), fault)

    @rule(actor=people, known=st.booleans(), fault=faults)
    def change_the_password(self, actor: int, known: bool, fault: Fault | None) -> None:
        with self.store.reading() as connection:
            before = people_.password_hash_of(connection, self.people[actor].id) or ""
        before = before if known else "what it was once"
        new = new_token(self.store.randomness)
        self.act_everywhere(actor, passwords.ChangePassword(self.people[actor].id, before, new), fault)

    @rule(actor=actors, person=people, fault=faults)
    def take_the_password(self, actor: int, person: int, fault: Fault | None) -> None:
        self.act_everywhere(actor, passwords.TakePassword(self.people[person].id), fault)

    @rule(actor=people, organization=organizations, fault=faults)
    def give_the_seat_up(self, actor: int, organization: int, fault: Fault | None) -> None:
        self.act(actor, organization, seats.GiveUpSeat(), fault)

    @rule(actor=actors, person=people, fault=faults)
    def delete_a_user(self, actor: int, person: int, fault: Fault | None) -> None:
        """Rarely their own, and then somebody new comes in their place."""
        user = self.people[person]
        self.act_everywhere(actor, account_deletion.DeleteUser(user.id), fault)
        with self.store.reading() as connection:
            is_there = people_.find_user(connection, user.email) is not None
        if not is_there:
            self.people[person] = self.deployment.person()
            self.sessions[person] = self.deployment.session(self.people[person]).id

    @rule(actor=people, name=st.sampled_from(NAMES), zone=st.sampled_from([None, "Europe/Berlin", "?"]), fault=faults)
    def change_the_profile(self, actor: int, name: str, zone: str | None, fault: Fault | None) -> None:
        self.act_everywhere(actor, profiles.ChangeProfile(self.people[actor].id, name, zone), fault)

    @rule(actor=people, session=people, every=st.booleans(), fault=faults)
    def end_sessions(self, actor: int, session: int, every: bool, fault: Fault | None) -> None:
        """From another browser: all, or one, which now and then is somebody else's."""
        user = self.people[actor]
        command = sessions.EndSessions(user.id, None if every else self.sessions[session])
        self.sessions[actor], here = "ses_of_another", self.sessions[actor]
        self.act_everywhere(actor, command, fault)
        self.sessions[actor] = here

    @rule(person=people, other=rarely, fault=faults)
    def choose_a_password(self, person: int, other: bool, fault: Fault | None) -> None:
        """By a link, now and then that of somebody else."""
        user, link = self.people[person].id, self.people[0].id if other else self.people[person].id
        token = new_token(self.store.randomness)
        with suppress(MinutebookError):  # a restored backup may lack the account
            token = links.new_link(self.store, links.RESET, lifetime=DAY, user=link)
        new = new_token(self.store.randomness)
        self.act_everywhere(person, passwords.ChoosePassword(user, token, new), fault)

    @rule(actor=actors, organization=organizations, fault=faults)
    def be_refused(self, actor: int, organization: int, fault: Fault | None) -> None:
        denial = AccessDenied(operation="buy credits", reason="It was closed.", since=1, until=1)
        self.act(actor, organization, denials.RecordDenial(denial), fault)

    @rule(actor=actors, organization=organizations, person=people, may=st.sampled_from([(), ("change modes",)]))
    def let_support_in(self, actor: int, organization: int, person: int, may: tuple[str, ...]) -> None:
        token, user = new_token(self.store.randomness), self.people[person]
        with suppress(MinutebookError):  # their account may be deleted
            support.change_staff(self.store, user.id, to=True)
        grant = support.GrantSupport(user.id, "Ticket", HOUR, may, token)
        event = self.act(actor, organization, grant, None)
        if event:
            session = self.sessions[person]
            self.grants.append((organization, str(event.details["grant"]), token, session))

    @precondition(lambda self: self.grants)
    @rule(index=indices, what=st.sampled_from(["enter", "read", "mode", "export", "end"]), elsewhere=rarely)
    def act_as_support(self, index: int, what: str, elsewhere: bool) -> None:
        organization, id_, token, session = self.grants[-1 - index % len(self.grants)]
        commands: dict[str, Command] = {
            "enter": support.EnterAsSupport(token),
            "read": sittings.OpenSitting(session),
            "mode": modes.CreateMode(f"By {token}", "", ()),
            "export": ExportLog(Format.JSONL, size=0),
            "end": support.EndSupport(id_),
        }
        number = self.numbers[organization]
        with suppress(MinutebookError):
            with self.store.reading() as connection:
                grant = support.read_grant(connection, number, id_)
            number = self.numbers[organization ^ elsewhere]
            self.deployment.act_as_support(grant, number, commands[what], session)

    @precondition(lambda self: self.grants)
    @rule(actor=actors, index=indices, fault=faults)
    def end_support(self, actor: int, index: int, fault: Fault | None) -> None:
        organization, id_, _, _ = self.grants[-1 - index % len(self.grants)]
        self.act(actor, organization, support.EndSupport(id_), fault)

    @rule(actor=people, organization=organizations, fault=faults)
    def read_the_log(self, actor: int, organization: int, fault: Fault | None) -> None:
        self.act(actor, organization, sittings.OpenSitting(self.sessions[actor]), fault)

    @rule(
        actor=actors,
        organization=organizations,
        size=st.sampled_from([None, 0, 2, 9_999]),
        first=st.sampled_from([0, 1, 9_999]),
        fault=faults,
    )
    def export_the_log(self, actor: int, organization: int, size: int | None, first: int, fault: Fault | None) -> None:
        self.act(actor, organization, ExportLog(Format.JSONL, size=size, first=first), fault)

    @rule(
        actor=actors,
        organization=organizations,
        size=st.sampled_from([0, 2, 9_999]),
        verdict=st.sampled_from(["valid", "diverged", "?"]),
        fault=faults,
    )
    def verify_the_log(self, actor: int, organization: int, size: int, verdict: str, fault: Fault | None) -> None:
        self.act(actor, organization, RecordVerification(size, verdict), fault)

    @rule(actor=actors, organization=organizations, fault=faults)
    def read_the_log_as_operator(self, actor: int, organization: int, fault: Fault | None) -> None:
        self.act(actor, organization, sittings.ReadAsOperator(), fault)

    @rule(time=st.sampled_from([MINUTE, HOUR, 8 * DAY, -DAY]))
    def time_passes(self, time: int) -> None:
        """Also backwards: a clock may be set."""
        self.deployment.clock.go_on(time)

    # ── What holds all the time ──────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def there_is_an_owner_and_no_gap(self) -> None:
        with self.store.reading() as connection:
            for head in stored.heads(connection):
                if head.organization > self.after:
                    low, high = head.organization << 40, (head.organization + 1) << 40
                    events = f"SELECT count(*), max(position) FROM event WHERE position >= {low} AND position < {high}"
                    assert tuple(connection.exec_driver_sql(events).one()) == (head.size, low + head.size - 1)
                    owners = f"SELECT count(*) FROM seat WHERE role = 'owner' AND organization = {head.organization}"
                    assert connection.exec_driver_sql(owners).scalar_one() >= 1

    def teardown(self) -> None:
        self.resources.close()
        check_log(self.store, self.told, after=self.after)


def test_there_is_a_rule_for_every_command() -> None:
    rules = inspect.getsource(Machine) + inspect.getsource(keeping) + inspect.getsource(proving)
    for command in (*all_commands(), *personal_commands()):
        is_there = command is CreateOrganization or f"{command.__name__}(" in rules  # the machine begins with founding
        assert is_there, f"No rule performs {command.__name__}: add one to Machine in tests/record/test_machine.py"


@pytest.mark.slow
@pytest.mark.timeout(36_000 if FULL else 300)
def test_whatever_people_do_the_log_tells_it(faulty: Deployment) -> None:
    bound = type("BoundMachine", (Proving, Machine), {"deployment": faulty})
    run_state_machine_as_test(bound, settings=SETTINGS)
