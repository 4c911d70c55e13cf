"""A process that is killed under 16 writers loses nothing that it acknowledged, and keeps nothing by halves (R1)."""

from __future__ import annotations

import base64
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from minutebook.organization.credits import BuyCredits
from minutebook.store.engine import Store
from minutebook.store.migrate import migrate
from tests.support.deployment import Deployment
from tests.support.full import FULL
from tests.support.told import Answer, Attempt, Told

KILLS = 400 if FULL else 3
ENOUGH = 50_000
SECONDS = 1.5
READY_SECONDS = 5
ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(7200 if FULL else 300)
def test_a_kill_loses_nothing_that_was_acknowledged(deployment: Deployment) -> None:
    organizations = [deployment.found(deployment.person()) for _ in range(3)]
    url = deployment.store.url.render_as_string(hide_password=False)
    acknowledged = 0
    for run in range(KILLS):
        deployment.store.close()
        answers = run_and_kill(url, run, organizations)
        tell(deployment.told, answers)
        acknowledged += len(answers)
        deployment.store = ready(url)
        deployment.act(None, organizations[run % 3], BuyCredits(1, f"after-run-{run}"))
        if run % 20 == 0 or not FULL:
            deployment.check()
        if acknowledged >= ENOUGH:
            break
    deployment.check()
    assert acknowledged >= (ENOUGH if FULL else 100)


def run_and_kill(url: str, run: int, organizations: list[int]) -> list[Attempt]:
    """What the writers of one process were answered until it was killed."""
    command = [sys.executable, "-m", "tests.support.writer", url, str(run), *map(str, organizations)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout
        lines = [process.stdout.readline()]  # it writes
        killer = threading.Timer(random.uniform(0.2, 1) * SECONDS, process.send_signal, [signal.SIGKILL])
        killer.start()
        lines += process.stdout.readlines()
        killer.join()
    assert process.returncode == -signal.SIGKILL, "it ended by itself"
    return [attempt_of(line) for line in lines if line.endswith(b"\n")]


def attempt_of(line: bytes) -> Attempt:
    writer, number, event = pickle.loads(base64.b64decode(line))
    answer = Answer.ACKNOWLEDGED if event else Answer.NOTHING
    return Attempt(writer, number, event.organization if event else None, answer, (event,) if event else ())


def tell(told: Told, answers: list[Attempt]) -> None:
    """Adds the answers of a run, and for each writer the one attempt that may have been under way."""
    last: dict[str, int] = {}
    for attempt in answers:
        assert attempt.number == last.get(attempt.writer, 0) + 1, "an answer is missing"
        last[attempt.writer] = attempt.number
        told.attempts[attempt.request] = attempt
    run = answers[0].writer.partition("-")[0]
    for writer in (f"{run}-writer{number}" for number in range(16)):
        open_one = Attempt(writer, last.get(writer, 0) + 1, None)
        told.attempts[open_one.request] = open_one


def ready(url: str) -> Store:
    """The store after the kill, as a server that starts again opens it."""
    begun = time.monotonic()
    store = Store(url)
    migrate(store)
    with store.reading() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM log_head").scalar_one()
    assert time.monotonic() - begun < READY_SECONDS
    return store
