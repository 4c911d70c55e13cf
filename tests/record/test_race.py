"""Two owners demote or remove each other at once: there is always an owner (R9)."""

from __future__ import annotations

import itertools
import os

import pytest

from tests.support.deployment import Deployment
from tests.support.race import Duel, demote, remove

FULL = bool(os.environ.get("FULL"))
ROUNDS = 1000 if FULL else 100


@pytest.mark.slow
@pytest.mark.timeout(3600 if FULL else 300)
def test_there_is_always_an_owner(deployment: Deployment) -> None:
    duel = Duel(deployment)
    kinds = itertools.cycle(itertools.product((demote, remove), (demote, remove), (False, True)))
    for first, second, operator in itertools.islice(kinds, ROUNDS):
        # the second owner is none any more, or has no seat; the second operator meets the last owner
        assert duel.fight(first, second, operator=operator) == 1
        assert duel.owners_left() == 1
        duel.reconcile()
    deployment.check()
