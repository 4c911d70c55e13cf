"""Every command once, by the hands of several people; the oracle looks at it."""

from __future__ import annotations

from minutebook.actions import CATALOGUE
from minutebook.model import Event, Seat
from minutebook.record import Command, NoChange
from tests.support.commands import all_commands
from tests.support.deployment import Deployment
from tests.support.walk import walk


class Noting(Deployment):
    """A deployment that notes which commands were performed."""

    performed: set[type[Command]]

    def answer(self, writer: str, seat: Seat, command: Command) -> Event | NoChange:
        self.performed.add(type(command))
        return super().answer(writer, seat, command)


def test_every_command_under_the_oracle(deployment: Deployment) -> None:
    noting = Noting(deployment.store, deployment.clock, deployment.told)
    noting.performed = set()
    organization = walk(noting)
    recorded = {event.action for event in noting.check()[organization]}
    for command in all_commands():
        assert command in noting.performed, (
            f"walk() in tests/support/walk.py does not perform {command.__name__}: add it"
        )
    for action in CATALOGUE:
        assert action in recorded, f"walk() in tests/support/walk.py does not record {action}: add an act that does"
