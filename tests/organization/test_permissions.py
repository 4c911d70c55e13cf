"""Every role tries every command."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from minutebook.errors import Forbidden, NotFound
from minutebook.model import Role
from minutebook.organization import credits, invitations, modes, seats, settings, sittings, sso
from minutebook.organization.people import User
from minutebook.record import Command, NoChange
from tests.support.deployment import Deployment

OWNER, ADMIN, AUDITOR, BILLING, MEMBER = Role
EXPECTED: dict[str, set[Role]] = {
    "invite": {OWNER, ADMIN},
    "revoke": {OWNER, ADMIN},
    "change role": {OWNER, ADMIN},
    "remove": {OWNER, ADMIN},
    "models": {OWNER, ADMIN},
    "data collection": {OWNER, ADMIN},
    "create mode": {OWNER, ADMIN},
    "update mode": {OWNER, ADMIN},
    "delete mode": {OWNER, ADMIN},
    "buy credits": {OWNER, BILLING},
    "set domain": {OWNER, ADMIN},
    "remove domain": {OWNER, ADMIN},
    "read the log": {OWNER, ADMIN, AUDITOR},
}


class Tries:
    """Makes each command so that only the role can stand in its way."""

    def __init__(self, deployment: Deployment, organization: int) -> None:
        self.deployment = deployment
        self.organization = organization
        self.numbers = itertools.count()
        self.session = ""

    def __call__(self, name: str, session: str = "ses_nobody") -> Command:
        """A new command of this name; `session` is the one that acts, for what happens in a session."""
        self.session = session
        number = next(self.numbers)
        token = f"token {number}"
        address = f"invited{number}@calder.example"
        makers: dict[str, Callable[[], Command]] = {
            "invite": lambda: invitations.InvitePerson(address, MEMBER, token),
            "revoke": lambda: invitations.RevokeInvitation(
                self._made(invitations.InvitePerson(address, MEMBER, token), "invitation")
            ),
            "change role": lambda: seats.ChangeRole(self._member().id, BILLING),
            "remove": lambda: seats.RemoveMember(self._member().id),
            "models": lambda: settings.ChangeModels((f"made/up-{number}",), ("openai",), f"made/up-{number}"),
            "data collection": lambda: settings.ChangeDataCollection(self._other_policy()),
            "create mode": lambda: modes.CreateMode(f"Mode {number}", "", ()),
            "update mode": lambda: modes.UpdateMode(self._mode(number), f"Changed {number}", "", ()),
            "delete mode": lambda: modes.DeleteMode(self._mode(number)),
            "buy credits": lambda: credits.BuyCredits(100, f"inv-{number}"),
            "set domain": lambda: sso.SetSsoDomain(f"calder-{number}.example"),
            "remove domain": self._remove_domain,
            "read the log": lambda: sittings.OpenSitting(self.session),
        }
        assert makers.keys() == EXPECTED.keys()
        return makers[name]()

    def _made(self, command: Command, detail: str) -> str:
        return str(self.deployment.act(None, self.organization, command).details[detail])

    def _member(self) -> User:
        return self.deployment.join(self.organization, None, MEMBER)

    def _mode(self, number: int) -> str:
        return self._made(modes.CreateMode(f"Made {number}", "", ()), "mode")

    def _other_policy(self) -> str:
        with self.deployment.store.reading() as connection:
            now = settings.read_settings(connection, self.organization).data_collection
        return "allow" if now == "forbid" else "forbid"

    def _remove_domain(self) -> Command:
        self.deployment.attempt(None, self.organization, sso.SetSsoDomain("calder.example"))
        return sso.RemoveSsoDomain()


def test_every_role_tries_every_command(deployment: Deployment) -> None:
    owner = deployment.person()
    organization = deployment.found(owner, seat_limit=1000)
    people = {role: deployment.person() for role in Role}
    sessions = {role: deployment.session(people[role]).id for role in Role}
    for role in Role:
        deployment.join(organization, None, role, people[role], sessions[role])
    make = Tries(deployment, organization)
    found: dict[str, set[Role]] = {name: set() for name in EXPECTED}
    for name, role in itertools.product(EXPECTED, Role):
        command = make(name, sessions[role])
        size = deployment.size(organization)
        try:
            answer = deployment.attempt(people[role], organization, command, sessions[role])
        except Forbidden as refusal:
            assert refusal.facts["role"] == role.label.lower()
            assert deployment.size(organization) == size
        else:
            assert not isinstance(answer, NoChange), (name, role)
            found[name].add(role)
    assert found == EXPECTED
    deployment.check()


def test_without_a_seat_there_is_nothing(deployment: Deployment) -> None:
    """Neither for a stranger, nor for somebody whose seat is in another organization, nor in one that is not there."""
    organization = deployment.found(deployment.person(), seat_limit=1000)
    stranger, elsewhere = deployment.person(), deployment.person()
    deployment.found(elsewhere)
    make = Tries(deployment, organization)
    for name in EXPECTED:
        command = make(name)
        for person, where in ((stranger, organization), (elsewhere, organization), (elsewhere, 999)):
            try:
                deployment.attempt(person, where, command)
            except NotFound:
                continue
            raise AssertionError(f"{name} was not refused")
    deployment.check()
