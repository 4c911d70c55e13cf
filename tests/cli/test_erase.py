"""Erasing and pruning at the command line: the plan first, then what was done; and what is left is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from minutebook.config import DATABASE_FILE
from minutebook.custody.clock import RecordForwardStep
from minutebook.custody.holds import PlaceHold
from minutebook.custody.retention import SetRetention
from minutebook.model import DAY, Plan, Role
from minutebook.organization.modes import CreateMode
from minutebook.store.engine import Store, system_clock
from minutebook.store.migrate import migrate
from tests.support.check_log import check_log
from tests.support.command_line import invoke
from tests.support.deployment import Deployment, Ticking

BOB = "bob@calder.example"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Calder as it was 100 days ago, with two modes then and one today."""
    directory = tmp_path / "data"
    clock = Ticking(system_clock() - 100 * DAY)
    deployment = Deployment(Store(f"sqlite:///{directory / DATABASE_FILE}", clock=clock), clock)
    migrate(deployment.store)
    ada = deployment.person("ada@calder.example", "Ada")
    number = deployment.found(ada, "Calder", Plan.ENTERPRISE)
    deployment.join(number, ada, Role.MEMBER, deployment.person(BOB, "Bob"))
    for name in ("First", "Second"):
        deployment.act(ada, number, CreateMode(name, "", ()))
    deployment.act(ada, number, PlaceHold("Matter", "Second"))
    deployment.act(ada, number, SetRetention("mode", 90))
    clock.go_on(100 * DAY - 10**9)
    deployment.act(ada, number, CreateMode("Third", "", ()))
    deployment.store.close()
    return directory


def whole(directory: Path) -> None:
    store = Store(f"sqlite:///{directory / DATABASE_FILE}")
    check_log(store)
    store.close()
    doctor = invoke(directory, "doctor")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr


def test_a_person_is_erased_once_the_plan_is_confirmed(directory: Path) -> None:
    command = ("erase", "--person", BOB, "--reason", "Asked by letter")
    refused = invoke(directory, *command, typed="n\n")
    assert refused.returncode == 1
    assert "fields in 2 events:\n" in refused.stdout
    assert "  actor.email: 1\n" in refused.stdout
    done = invoke(directory, *command, typed="y\n")
    assert done.returncode == 0, done.stderr
    assert "Erased, as event 8 of the log says." in done.stdout
    assert "Nothing in this log names them." in invoke(directory, *command).stdout
    assert (directory / "custody" / "erasures.sqlite3").exists()
    whole(directory)
    assert "it cannot be told" in invoke(directory, "doctor").stdout


def test_one_field_is_erased(directory: Path) -> None:
    done = invoke(directory, "erase", "--event", "3", "--field", "details.name", "--reason", "Wrong", "--yes")
    assert "1 fields in 1 events:" in done.stdout
    assert "Erased, as event 8" in done.stdout
    whole(directory)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "Say whose with --person, or which event"),
        (("--person", BOB, "--event", "1"), "Say whose with --person, or which event"),
        (("--person", "bob"), "Enter an address, or an id"),
        (("--event", "1", "--field", "actor.kind"), "Event 1 has no such field to erase"),
        (("--event", "99", "--field", "context.ip"), "There is no event 99 in this log."),
    ],
)
def test_what_cannot_be_erased_is_refused(directory: Path, arguments: tuple[str, ...], complaint: str) -> None:
    done = invoke(directory, "erase", *arguments, "--reason", "Wrong", "--yes")
    assert done.returncode != 0
    assert complaint in done.stderr


def test_what_is_older_is_pruned_but_not_what_is_held(directory: Path) -> None:
    done = invoke(directory, "prune", "--org", "Calder")
    assert done.returncode == 0, done.stderr
    assert "Pruned 1 events of mode." in done.stdout
    assert "Nothing is older than it may be." in invoke(directory, "prune").stdout
    whole(directory)


def test_a_clock_that_is_not_sure_prunes_nothing(directory: Path) -> None:
    clock = Ticking(system_clock())
    deployment = Deployment(Store(f"sqlite:///{directory / DATABASE_FILE}", clock=clock), clock)
    deployment.act(None, 1, RecordForwardStep(0, DAY))
    deployment.store.close()
    assert "no owner has confirmed that it is right: nothing is pruned" in invoke(directory, "prune").stdout
    whole(directory)


def test_pruning_one_log_does_not_make_a_wrong_clock_look_right_to_another(tmp_path: Path) -> None:
    """For all that a command knows the last event was weeks ago, or the clock is weeks ahead."""
    clock = Ticking(system_clock() - 20 * DAY)
    deployment = Deployment(Store(f"sqlite:///{tmp_path / DATABASE_FILE}", clock=clock), clock)
    migrate(deployment.store)
    for name in ("Calder", "Other"):
        deployment.found(deployment.person(), name, Plan.ENTERPRISE)
    deployment.store.close()
    for name in ("Calder", "Other", "Other"):
        assert "nothing is pruned" in invoke(tmp_path, "prune", "--org", name).stdout
    deployment = Deployment(Store(f"sqlite:///{tmp_path / DATABASE_FILE}"), clock)
    for number in (1, 2):
        assert [event.action for event in deployment.events(number)[1:]] == ["log.clock_step"]
    deployment.store.close()
