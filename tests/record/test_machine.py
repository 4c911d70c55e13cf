"""All commands by several people in two organizations, with refusals and faults between, under the oracle."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from minutebook.errors import MinutebookError
from minutebook.identifiers import new_token
from minutebook.model import DAY, HOUR, MINUTE, Event, Plan, Role
from minutebook.organization import credits, invitations, modes, seats, sign_in, sittings, sso
from minutebook.organization import settings as organization_settings
from minutebook.organization.organizations import ChangePlan
from minutebook.organization.people import User
from minutebook.record import Command, NoChange
from tests.support import stored
from tests.support.check_log import check_log
from tests.support.deployment import Deployment, Ticking
from tests.support.faulty import BrokeOff, Fault, FaultyStore, breaking_off
from tests.support.told import Answer, Told

FULL = bool(os.environ.get("FULL"))
SETTINGS = settings(
    max_examples=300 if FULL else 10,
    stateful_step_count=100 if FULL else 40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)

PEOPLE = 5
MODELS = tuple(f"maker/model-{letter}" for letter in "abcd")
PROVIDERS = ("openai", "groq", "mistral")
NAMES = ("Review", "REVIEW ", "Straße", "strasse", "Write", "", "a\0b")

people = st.integers(0, PEOPLE - 1)
actors = st.integers(-1, PEOPLE - 1)  # -1 is the operator
organizations = st.integers(0, 1)
indices = st.integers(0, 9)
roles = st.sampled_from(Role)
faults = st.sampled_from([None, None, None, None, None, *Fault])
subsets = st.lists(st.sampled_from(MODELS), unique=True)


class Machine(RuleBasedStateMachine):
    """The people of two organizations. Every example has organizations and people of its own in one database."""

    deployment: ClassVar[Deployment]

    def __init__(self) -> None:
        super().__init__()
        self.store: Any = self.deployment.store
        self.told = self.deployment.told = Told()
        with self.store.reading() as connection:
            self.after = max((head.organization for head in stored.heads(connection)), default=0)
        self.offers: list[tuple[str, str, str]] = []
        self.modes: list[str] = []
        self.seen: list[str] = []

    @initialize()
    def begin(self) -> None:
        """Two organizations, with people who hold different roles in each."""
        self.people = [self.deployment.person() for _ in range(PEOPLE)]
        self.sessions = [self.deployment.session(person).id for person in self.people]
        ada, ben, cleo, dan, _ = self.people
        self.numbers = [self.deployment.found(ada, seat_limit=5), self.deployment.found(ben, seat_limit=4)]
        for person, role in ((ben, Role.ADMIN), (cleo, Role.BILLING_MANAGER), (dan, Role.OWNER)):
            self.deployment.join(self.numbers[0], ada, role, person)
        self.deployment.join(self.numbers[1], ben, Role.OWNER, cleo)

    def act(self, actor: int, organization: int, command: Command, fault: Fault | None) -> Event | None:
        """Performs a command; the event when the client was shown one."""
        user: User | None = self.people[actor] if actor >= 0 else None
        session = self.sessions[actor] if actor >= 0 else None
        if fault is Fault.AFTER_CHANGE:
            command = breaking_off(command)
        self.store.fault = fault
        try:
            answer = self.deployment.attempt(user, self.numbers[organization], command, session)
        except BrokeOff:
            if fault and fault.undoes:
                [*self.told.attempts.values()][-1].answer = Answer.NOTHING
            return None
        except MinutebookError:
            return None
        finally:
            self.store.fault = None
        return None if isinstance(answer, NoChange) else answer

    # ── Seats ────────────────────────────────────────────────────────────────────────────────────────────────────────

    @rule(actor=actors, organization=organizations, guest=people, role=roles, fault=faults)
    def invite(self, actor: int, organization: int, guest: int, role: Role, fault: Fault | None) -> None:
        token, email = new_token(self.store.randomness), self.people[guest].email
        link = f"https://minutes.example/#{token}" if guest % 2 else None
        event = self.act(actor, organization, invitations.InvitePerson(email, role, token, link), fault)
        invitation = str(event.details["invitation"]) if event else "inv_unknown"
        self.offers.append((invitation, token, email))  # also when the answer was lost: the mail may have left

    @rule(offer=indices, guest=people, organization=organizations, fault=faults)
    def accept_somehow(self, offer: int, guest: int, organization: int, fault: Fault | None) -> None:
        if self.offers:
            _, token, _ = self.offers[-1 - offer % len(self.offers)]
            self.act(guest, organization, invitations.AcceptInvitation(token, self.people[guest]), fault)

    @rule(offer=indices, organization=organizations, fault=faults)
    def accept(self, offer: int, organization: int, fault: Fault | None) -> None:
        if self.offers:
            _, token, email = self.offers[-1 - offer % len(self.offers)]
            guest = [person.email for person in self.people].index(email)
            self.act(guest, organization, invitations.AcceptInvitation(token, self.people[guest]), fault)

    @rule(actor=actors, organization=organizations, offer=indices, fault=faults)
    def revoke(self, actor: int, organization: int, offer: int, fault: Fault | None) -> None:
        if self.offers:
            invitation, _, _ = self.offers[-1 - offer % len(self.offers)]
            self.act(actor, organization, invitations.RevokeInvitation(invitation), fault)

    @rule(actor=actors, organization=organizations, member=people, role=roles, fault=faults)
    def change_role(self, actor: int, organization: int, member: int, role: Role, fault: Fault | None) -> None:
        self.act(actor, organization, seats.ChangeRole(self.people[member].id, role), fault)

    @rule(actor=actors, organization=organizations, member=people, fault=faults)
    def remove(self, actor: int, organization: int, member: int, fault: Fault | None) -> None:
        self.act(actor, organization, seats.RemoveMember(self.people[member].id), fault)

    @rule(actor=actors, organization=organizations, plan=st.sampled_from(Plan), limit=st.integers(0, 6), fault=faults)
    def change_plan(self, actor: int, organization: int, plan: Plan, limit: int, fault: Fault | None) -> None:
        self.act(actor, organization, ChangePlan(plan, limit), fault)

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
            self.modes.append(str(event.details["mode"]))

    @rule(
        actor=actors, organization=organizations, mode=indices, name=st.sampled_from(NAMES), tools=indices, fault=faults
    )
    def update_mode(self, actor: int, organization: int, mode: int, name: str, tools: int, fault: Fault | None) -> None:
        if self.modes:
            chosen = self.modes[mode % len(self.modes)]
            command = modes.UpdateMode(chosen, name, f"Do it {tools} times", tuple(modes.TOOLS)[tools % 4 :])
            self.act(actor, organization, command, fault)

    @rule(actor=actors, organization=organizations, mode=indices, fault=faults)
    def delete_mode(self, actor: int, organization: int, mode: int, fault: Fault | None) -> None:
        if self.modes:
            self.act(actor, organization, modes.DeleteMode(self.modes[mode % len(self.modes)]), fault)

    @rule(actor=actors, organization=organizations, cents=st.integers(0, 2), reference=indices, fault=faults)
    def buy_credits(self, actor: int, organization: int, cents: int, reference: int, fault: Fault | None) -> None:
        self.act(actor, organization, credits.BuyCredits(cents, f"inv-{reference}"), fault)

    @rule(
        actor=actors, organization=organizations, domain=st.sampled_from(["a.example", "b.example", "b"]), fault=faults
    )
    def set_domain(self, actor: int, organization: int, domain: str, fault: Fault | None) -> None:
        self.act(actor, organization, sso.SetSsoDomain(domain), fault)

    @rule(actor=actors, organization=organizations, fault=faults)
    def remove_domain(self, actor: int, organization: int, fault: Fault | None) -> None:
        self.act(actor, organization, sso.RemoveSsoDomain(), fault)

    # ── Coming and going ─────────────────────────────────────────────────────────────────────────────────────────────

    @rule(actor=people, organization=organizations, fault=faults)
    def enter(self, actor: int, organization: int, fault: Fault | None) -> None:
        self.act(actor, organization, sign_in.EnterOrganization("password"), fault)

    @rule(actor=people, organization=organizations, fault=faults)
    def leave(self, actor: int, organization: int, fault: Fault | None) -> None:
        self.act(actor, organization, sign_in.LeaveOrganization(self.sessions[actor]), fault)

    @rule(actor=people, organization=organizations, fault=faults)
    def fail_to_sign_in(self, actor: int, organization: int, fault: Fault | None) -> None:
        self.act(actor, organization, sign_in.RecordFailedSignIn("Wrong password", 1), fault)

    @rule(actor=people, organization=organizations, fault=faults)
    def read_the_log(self, actor: int, organization: int, fault: Fault | None) -> None:
        self.act(actor, organization, sittings.OpenSitting(self.sessions[actor]), fault)

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
        check_log(self.store, self.told, after=self.after)


@pytest.fixture
def faulty(deployment: Deployment) -> Iterator[Deployment]:
    """A deployment whose acts can be broken off."""
    deployment.store.close()
    clock = Ticking()
    store = FaultyStore(deployment.store.url, clock=clock)
    yield Deployment(store, clock)
    store.close()


@pytest.mark.slow
@pytest.mark.timeout(36_000 if FULL else 300)
def test_whatever_people_do_the_log_tells_it(faulty: Deployment) -> None:
    bound = type("BoundMachine", (Machine,), {"deployment": faulty})
    run_state_machine_as_test(bound, settings=SETTINGS)
