"""Every command once, by the hands of several people; the oracle looks at it."""

from __future__ import annotations

from minutebook.actions import CATALOGUE
from minutebook.model import Event, Seat
from minutebook.organization.people import User
from minutebook.record import Command, NoChange, PersonalCommand
from tests.support.commands import all_commands, personal_commands
from tests.support.deployment import Deployment
from tests.support.walk import walk


class Noting(Deployment):
    """A deployment that notes which commands were performed, and what was recorded, which may be pruned after it."""

    performed: set[type[Command | PersonalCommand]]
    recorded: set[str]

    def answer(self, writer: str, seat: Seat, command: Command) -> Event | NoChange:
        self.performed.add(type(command))
        answer = super().answer(writer, seat, command)
        if isinstance(answer, Event):
            self.recorded.add(answer.action)
        return answer

    def act_everywhere(
        self, user: User | None, command: PersonalCommand, session: str | None = None
    ) -> tuple[Event, ...]:
        self.performed.add(type(command))
        events = super().act_everywhere(user, command, session)
        self.recorded |= {event.action for event in events}
        return events


def test_every_command_under_the_oracle(deployment: Deployment) -> None:
    noting = Noting(deployment.store, deployment.clock, deployment.told)
    noting.performed, noting.recorded = set(), set()
    walk(noting)
    noting.check()
    for command in (*all_commands(), *personal_commands()):
        assert command in noting.performed, (
            f"walk() in tests/support/walk.py does not perform {command.__name__}: add it"
        )
    for action in CATALOGUE:
        assert action in noting.recorded, (
            f"walk() in tests/support/walk.py does not record {action}: add an act that does"
        )
