"""Every command once, by the hands of several people; the oracle looks at it."""

from __future__ import annotations

from minutebook.actions import CATALOGUE
from minutebook.organization.replay import APPLY
from tests.support.deployment import Deployment
from tests.support.replay import ALLOWED, ANYWAY
from tests.support.walk import walk


def test_every_command_under_the_oracle(deployment: Deployment) -> None:
    organization = walk(deployment)
    events = deployment.check()[organization]
    assert {event.action for event in events} == set(CATALOGUE)


def test_every_action_can_be_replayed() -> None:
    assert APPLY.keys() == ALLOWED.keys() | ANYWAY == CATALOGUE.keys()
