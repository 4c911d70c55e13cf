"""Erasing, holding, pruning and restoring at any time between all that people do, under the oracle."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis.stateful import initialize, run_state_machine_as_test

from minutebook.custody.high_water import Custody
from minutebook.custody.unnamed import unnamed
from tests.record.test_machine import SETTINGS, Machine
from tests.support.deployment import Deployment, Ticking
from tests.support.faulty import FaultyStore
from tests.support.full import FULL
from tests.support.keeping import Keeping
from tests.support.postgres import PostgresServer
from tests.support.putting_back import World
from tests.support.restoring import Restoring, prepare


class KeepingMachine(Restoring, Keeping, Machine):
    """Everything at once. Every example has a database and a custody directory of its own."""

    make: ClassVar[Callable[[], World]]

    # what only a restore does, a restore does
    begin_generation = None  # type: ignore[assignment]
    erase_again = None  # type: ignore[assignment]

    def __init__(self) -> None:
        prepare(self, type(self).make())
        Machine.__init__(self)
        self.held = []

    @initialize()
    def begin(self) -> None:
        super().begin()
        self.back_up()

    def teardown(self) -> None:
        try:
            super().teardown()
            with self.store.reading() as connection:
                named = [unnamed(connection, number, self.deployment.ledger) for number in self.numbers]
                assert list(itertools.chain(*named)) == []
        finally:
            self.world.drop()


@pytest.mark.slow
@pytest.mark.timeout(36_000 if FULL else 300)
def test_whatever_is_erased_and_restored_the_log_is_whole(
    migrated_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server: Callable[[], PostgresServer] = lambda: request.getfixturevalue("postgres_server")  # noqa: E731
    numbers = itertools.count()

    def make() -> World:
        clock, folder = Ticking(), tmp_path / str(next(numbers))
        folder.mkdir()
        deployment = Deployment(FaultyStore(migrated_url, clock=clock), clock)
        world = World(deployment, Custody(folder / "custody"), server)
        world.put_back(migrated_url)
        return world

    bound = type("BoundMachine", (KeepingMachine,), {"make": staticmethod(make)})
    run_state_machine_as_test(bound, settings=SETTINGS)
