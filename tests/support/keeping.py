"""The rules of the state machine that erase, hold and prune, beside all that people do."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from minutebook.custody import clock, erase, holds, retention
from minutebook.errors import MinutebookError
from minutebook.model import DAY
from minutebook.store import index, log

PATHS = ("context.ip", "context.session_id", "actor.name", "actor.email", "targets.0", "details.member", "details.name")
FAMILIES = ("user", "member", "mode", "log", "credits", "all")
HELD = ("action:mode.*", "action:user.login", "outcome:success after:-1d", "seq:3..9", "")

organizations = st.sampled_from([0, 1])
indices = st.integers(0, 9)
owners = st.sampled_from([0, 1, 2, -1])


class Keeping:
    """Rules for `Machine`, whose `act` and people they use."""

    store: Any
    people: Any
    numbers: Any
    deployment: Any
    act: Any
    held: list[tuple[int, str]]

    @rule(actor=owners, organization=organizations, person=indices)
    def erase_a_person(self, actor: int, organization: int, person: int) -> None:
        user = self.people[person % len(self.people)]
        number = self.numbers[organization]
        with self.store.reading() as connection:
            plan = erase.plan_person(connection, number, user.id)
        if plan.fields:
            fields = {seq: plan.fields[seq] for seq in sorted(plan.fields)[: erase.AT_ONCE]}
            command = erase.EraseFields(fields, "Asked by letter", self.deployment.ledger, plan.subject)
            self.act(actor, organization, command, None)

    @rule(actor=owners, organization=organizations, seq=st.integers(0, 40), path=st.sampled_from(PATHS))
    def erase_a_field(self, actor: int, organization: int, seq: int, path: str) -> None:
        self.act(actor, organization, erase.EraseFields({seq: [path]}, "Wrong", self.deployment.ledger), None)

    @rule(
        actor=owners,
        organization=organizations,
        family=st.sampled_from(FAMILIES),
        days=st.sampled_from([90, 91, None, 89]),
    )
    def set_retention(self, actor: int, organization: int, family: str, days: int | None) -> None:
        self.act(actor, organization, retention.SetRetention(family, days), None)

    @rule(actor=owners, organization=organizations, query=st.sampled_from(HELD))
    def place_hold(self, actor: int, organization: int, query: str) -> None:
        event = self.act(actor, organization, holds.PlaceHold("Calder", query), None)
        if event:
            self.held.append((organization, str(event.details["hold"])))

    @precondition(lambda self: self.held)
    @rule(actor=owners, hold=indices)
    def release_hold(self, actor: int, hold: int) -> None:
        organization, chosen = self.held[hold % len(self.held)]
        self.act(actor, organization, holds.ReleaseHold(chosen), None)

    @rule(actor=owners, organization=organizations, family=st.sampled_from(FAMILIES[:-1]))
    def prune(self, actor: int, organization: int, family: str) -> None:
        """By Minutebook itself; whoever else asks for it is refused."""
        self.act(actor, organization, retention.Prune(family, self.deployment.ledger, self.deployment.clock.now), None)

    @rule(organization=organizations, confirmed=st.booleans())
    def months_pass(self, organization: int, confirmed: bool) -> None:
        """The clock goes forward; what an owner does not confirm keeps everything."""
        before = self.deployment.clock()
        self.deployment.clock.go_on(100 * DAY)
        if confirmed:
            return
        self.act(-1, organization, clock.RecordForwardStep(before, self.deployment.clock()), None)
        number = self.numbers[organization]
        with self.store.reading() as connection:
            there = log.read_head(connection, number).size
        for family in FAMILIES[:-1]:
            self.act(-1, organization, retention.Prune(family, self.deployment.ledger, self.deployment.clock.now), None)
        with self.store.reading() as connection:
            assert log.read_head(connection, number).size == there

    @rule(actor=owners, organization=organizations)
    def confirm_the_clock(self, actor: int, organization: int) -> None:
        self.act(actor, organization, clock.ConfirmClock(), None)

    @rule()
    def the_index_follows(self) -> None:
        try:
            index.follow_all(self.store)
        except MinutebookError as error:
            raise AssertionError(error.message) from error
