"""Erasing, holding and pruning at any time between all that people do, under the oracle."""

from __future__ import annotations

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.record.test_machine import FULL, SETTINGS, Machine
from tests.support.deployment import Deployment
from tests.support.keeping import Keeping


class KeepingMachine(Keeping, Machine):
    """Everything at once."""

    def __init__(self) -> None:
        Machine.__init__(self)
        self.held = []


@pytest.mark.slow
@pytest.mark.timeout(36_000 if FULL else 300)
def test_whatever_is_erased_the_log_is_whole(faulty: Deployment) -> None:
    bound = type("BoundMachine", (KeepingMachine,), {"deployment": faulty})
    run_state_machine_as_test(bound, settings=SETTINGS)
