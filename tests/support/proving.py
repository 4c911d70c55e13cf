"""The rules of the state machine by which people get second factors, use them and lose them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from minutebook.organization import ceremonies, passkeys, second_factor_rule, second_factors
from minutebook.organization.ceremonies import Purpose
from minutebook.organization.passkeys import NewCredential
from tests.support.apps import begin_app
from tests.support.faulty import Fault

persons = st.integers(0, 6)
codes = st.sampled_from(["one", "two", "three"])
faults = st.sampled_from([None] * 12 + [*Fault])


class Proving:
    """Rules for `Machine`, whose `act`, `act_everywhere` and people they use."""

    store: Any
    people: Any
    deployment: Any
    act: Any
    act_everywhere: Any

    @rule(person=persons, off=st.sampled_from([0, 0, 1, 9]), fault=faults)
    def add_an_app(self, person: int, off: int, fault: Fault | None) -> None:
        """With a code that is right, or one of another time."""
        user, key = self.people[person], self.deployment.factor_key
        token, secret = begin_app(self.store, key, user)
        code = self.deployment.code(secret, off)
        self.act_everywhere(person, second_factors.AddTotp(user.id, token, code, ("one", "two"), key), fault)

    @rule(person=persons, other=persons, fault=faults)
    def remove_an_app(self, person: int, other: int, fault: Fault | None) -> None:
        """Their own, and now and then they try that of somebody else."""
        self.act_everywhere(person, second_factors.RemoveTotp(self.people[other].id), fault)

    @rule(person=persons, device=st.binary(min_size=8, max_size=8), fault=faults)
    def add_a_passkey(self, person: int, device: bytes, fault: Fault | None) -> None:
        made = NewCredential(device, b"a public key", 0)
        token = ceremonies.begin(self.store, Purpose.ADD_PASSKEY, self.people[person].id, "password")
        command = second_factors.AddPasskey(self.people[person].id, token, "Phone", made, ("one", "two"))
        self.act_everywhere(person, command, fault)

    @rule(person=persons, other=persons, fault=faults)
    def remove_a_passkey(self, person: int, other: int, fault: Fault | None) -> None:
        with self.store.reading() as connection:
            found = passkeys.passkeys_of(connection, self.people[other].id)
        passkey = found[0].id if found else "pky_none"
        self.act_everywhere(person, second_factors.RemovePasskey(self.people[person].id, passkey), fault)

    @rule(actor=st.integers(-1, 6), organization=st.sampled_from([0, 1]), required=st.booleans(), fault=faults)
    def change_the_rule(self, actor: int, organization: int, required: bool, fault: Fault | None) -> None:
        """Nobody here signed in with a second factor, so only the operator requires one."""
        choice = second_factor_rule.REQUIRED if required and actor < 3 else second_factor_rule.OPTIONAL
        self.act(actor, organization, second_factor_rule.ChangeSecondFactor(choice), fault)

    @rule(person=persons, fault=faults)
    def make_recovery_codes(self, person: int, fault: Fault | None) -> None:
        self.act_everywhere(person, second_factors.MakeRecoveryCodes(self.people[person].id, ("two", "three")), fault)

    @rule(person=persons, code=codes, fault=faults)
    def use_a_recovery_code(self, person: int, code: str, fault: Fault | None) -> None:
        user = self.people[person].id
        half = ceremonies.begin(self.store, Purpose.SIGN_IN, user, "password")
        self.act_everywhere(person, second_factors.UseRecoveryCode(user, half, code, mails=False), fault)

    @rule(actor=st.integers(-1, 6), person=persons, fault=faults)
    def take_second_factors(self, actor: int, person: int, fault: Fault | None) -> None:
        self.act_everywhere(actor, second_factors.TakeSecondFactors(self.people[person].id), fault)
