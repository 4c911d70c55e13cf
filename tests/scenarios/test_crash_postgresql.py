"""PostgreSQL that crashes again and again under writers loses nothing, and is found again by itself (R4)."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from minutebook.errors import OutcomeUnknown, StoreUnavailable
from minutebook.organization.credits import BuyCredits
from minutebook.store.engine import Store
from minutebook.store.migrate import migrate
from tests.support.deployment import Deployment, Ticking
from tests.support.full import FULL
from tests.support.postgres import EmbeddedServer

CRASHES = 50 if FULL else 2
WRITERS = 8
AGAIN_SECONDS = 10


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    """A server of its own, which waits for the disk."""
    server = EmbeddedServer(durable=True)
    yield server
    server.remove()


@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.timeout(3600 if FULL else 300)
def test_postgresql_that_crashes_loses_nothing_that_was_acknowledged(server: EmbeddedServer) -> None:
    store = Store(server.create_database())
    migrate(store)
    deployment = Deployment(store, Ticking())
    organizations = [deployment.found(deployment.person()) for _ in range(3)]
    acknowledged, over = Counter[int](), threading.Event()

    def write(writer: int) -> None:
        """Buys until the end; what is said not to have been done, or not to be known, is told to the oracle."""
        seat = deployment.seat(None, organizations[writer % 3])
        for number in range(1_000_000):
            try:
                deployment.told.perform(store, f"writer{writer}", seat, BuyCredits(1, f"{writer}-{number}"))
            except (StoreUnavailable, OutcomeUnknown):
                pass
            else:
                acknowledged[writer] += 1
            if over.wait(0.01):
                return

    def have_written(since: Counter[int]) -> None:
        """Waits until every writer was acknowledged something more."""
        begun = time.monotonic()
        while any(acknowledged[writer] == since[writer] for writer in range(WRITERS)):
            assert time.monotonic() - begun < AGAIN_SECONDS * (1 if FULL else 6), acknowledged - since
            time.sleep(0.01)

    with ThreadPoolExecutor(WRITERS) as pool:
        writing = [pool.submit(write, writer) for writer in range(WRITERS)]
        try:
            have_written(Counter())
            for _ in range(CRASHES):
                server.crash()
                server.start()
                have_written(acknowledged.copy())
        finally:
            over.set()
        for one in writing:
            one.result()
    with store.reading() as connection:
        assert connection.exec_driver_sql("SHOW fsync").scalar_one() == "on"
    deployment.check()
    store.close()
