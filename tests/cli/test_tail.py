"""minutebook tail beside a server that writes: what it prints, and how it ends."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from minutebook.config import DATABASE_FILE
from minutebook.model import Outcome
from minutebook.organization.credits import BuyCredits
from minutebook.organization.modes import CreateMode
from minutebook.organization.people import User
from minutebook.organization.sign_in import RecordFailedSignIn
from minutebook.store.engine import Store
from minutebook.store.migrate import migrate
from tests.support.command_line import PROGRAM, environment, invoke
from tests.support.deployment import Deployment, Ticking

LINE = re.compile(r"2026-11-06 01:\d\d:\d\d CET  (\S+) +(\S+) +(.*)")


class Calder:
    """An organization in a data directory that this process writes, as a server does."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(mode=0o700)
        self.store = Store(f"sqlite:///{directory / DATABASE_FILE}", clock=(clock := Ticking()))
        migrate(self.store)
        self.deployment = Deployment(self.store, clock)
        self.owner: User = self.deployment.person("ada@calder.example", "Ada")
        self.number = self.deployment.found(self.owner, "Calder")

    def mode(self, name: str) -> None:
        self.deployment.act(self.owner, self.number, CreateMode(name, "", ()))

    def buy(self, reference: str) -> None:
        self.deployment.act(self.owner, self.number, BuyCredits(500, reference))

    @contextmanager
    def tail(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """The program, when it has said that it follows."""
        process = subprocess.Popen(
            [*PROGRAM, "tail", "--org", "Calder", "--unrecorded", *arguments],
            env=environment({"DATA_DIRECTORY": str(self.directory)}) | {"TZ": "Europe/Berlin"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stderr
            assert process.stderr.readline() == "This reading is not recorded in the log.\n"
            self.greeting = process.stderr.readline()
            assert "Stop it with Ctrl-C" in self.greeting, self.greeting + process.stderr.read()
            yield process
        finally:
            process.kill()
            process.communicate()


@pytest.fixture
def calder(tmp_path: Path) -> Iterator[Calder]:
    calder = Calder(tmp_path / "data")
    yield calder
    calder.store.close()


def lines(process: subprocess.Popen[str], number: int) -> list[str]:
    assert process.stdout
    return [process.stdout.readline().rstrip("\n") for _ in range(number)]


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    rest, complaint = process.communicate(timeout=20)
    assert (process.returncode, rest, complaint) == (0, "", "")


def test_it_prints_lines_as_they_are_recorded_and_ctrl_c_ends_it(calder: Calder) -> None:
    calder.mode("Before")
    with calder.tail() as process:
        assert re.fullmatch(r"Following Calder \(org_\w+\) from event 2 on\. .*\n", calder.greeting)
        calder.deployment.act(calder.owner, calder.number, RecordFailedSignIn("Wrong\x1b[2J\u202e", 1))
        calder.buy("r-1")
        told = [LINE.fullmatch(line) for line in lines(process, 2)]
        stop(process)
    assert [match.groups() for match in told if match] == [
        ("user.login_failed", "ada@calder.example", "Failed: Wrong\\u001b[2J\\u202e, attempt 1 in 15 minutes"),
        ("credits.purchase", "ada@calder.example", "Bought $5.00 of credits, balance $5.00, payment r-1"),
    ]


def test_times_are_read_and_written_in_the_local_zone_or_in_utc(calder: Calder) -> None:
    """It is past midnight in UTC, and past one o'clock in Berlin."""
    calder.buy("r-1")
    for options in (("after:2026-11-06T01:00",), ("--start", "2026-11-06T01:00"), ("--utc", "after:2026-11-06")):
        with calder.tail("--after", "-1", *options) as process:
            told = lines(process, 2)
            stop(process)
        wall = "2026-11-06 00:" if "--utc" in options else "2026-11-06 01:"
        assert [line.startswith(wall) for line in told] == [True, True], (options, told)


def test_a_search_that_ends_in_the_past_says_that_nothing_will_come(calder: Calder) -> None:
    for options, is_over in ((("before:-1h",), True), (("--end", "2090-01-01"), False)):
        with calder.tail(*options):
            assert ("Nothing that happens from now on is shown" in calder.greeting) is is_over, options


def test_json_is_one_event_a_line_found_by_a_query_behind_a_number(calder: Calder) -> None:
    for number in range(3):
        calder.mode(f"Mode {number}")
        calder.buy(f"r-{number}")
    with calder.tail("action:mode.*", "--json", "--after", "1") as process:
        calder.mode("Mode 3")
        events = [json.loads(line) for line in lines(process, 3)]
        stop(process)
    assert [(event["seq"], event["details"]["name"]) for event in events] == [
        (3, "Mode 1"),
        (5, "Mode 2"),
        (7, "Mode 3"),
    ]
    assert events[0]["outcome"] == Outcome.SUCCESS


def test_all_of_the_log_is_read_through_a_pipe_that_closes(calder: Calder) -> None:
    for number in range(20):
        calder.buy(f"r-{number}")
    with calder.tail("--after", "-1", "--json") as process:
        assert process.stdout
        assert json.loads(process.stdout.readline())["seq"] == 0
        process.stdout.close()
        calder.buy("one-more")
        calder.buy("and-another")
        assert process.wait(20) == 0
        assert process.stderr
        assert process.stderr.read() == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--org", "Nobody"], "There is no organization Nobody"),
        (["--after", "99"], "There is no event 99 in this log; its newest is 0"),
        (["action:user.logn"], "“user.logn” is not an action"),
        (["--actor", "two words"], "An address holds no blanks"),
    ],
)
def test_what_is_refused_says_why(calder: Calder, arguments: list[str], said: str) -> None:
    answer = invoke(calder.directory, "tail", "--unrecorded", *arguments)
    assert answer.returncode == 2, answer.stderr
    assert said in " ".join(answer.stderr.split())
    assert answer.stdout == ""
