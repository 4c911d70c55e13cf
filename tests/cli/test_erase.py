"""Erasing and pruning at the command line: the plan first, then what was done; and what is left is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from minutebook.config import DATABASE_FILE
from minutebook.custody.clock import RecordForwardStep
from minutebook.custody.holds import PlaceHold
from minutebook.custody.retention import SetRetention
from minutebook.model import DAY, Plan, Role
from minutebook.organization.auditor_links import CreateLink
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
    assert "Pending invitation" not in refused.stdout
    done = invoke(directory, *command, typed="y\n")
    assert done.returncode == 0, done.stderr
    assert "Erased, as event 8 of the log says." in done.stdout
    assert "Nothing in this log names them." in invoke(directory, *command).stdout
    assert (directory / "custody" / "erasures.sqlite3").exists()
    whole(directory)
    assert "it cannot be told" in invoke(directory, "doctor").stdout


def test_what_else_has_the_address_is_told(directory: Path) -> None:
    saved = directory / "backups" / "saved.sqlite3"
    assert invoke(directory, "backup", str(saved)).returncode == 0
    clock = Ticking(system_clock())
    deployment = Deployment(Store(f"sqlite:///{directory / DATABASE_FILE}", clock=clock), clock)
    deployment.act(None, 1, CreateLink("Acme", f"actor:{BOB}", 30, "link"))
    deployment.store.close()
    told = invoke(directory, "erase", "--person", BOB, "--reason", "By letter", typed="n\n").stdout
    assert "  Auditor link Acme: Revoke it; make another that asks for their id.\n" in told
    assert f"Delete those that you do not need:\n  {saved}\n" in told


def test_the_reason_is_no_name(directory: Path) -> None:
    refused = invoke(directory, "erase", "--person", BOB, "--reason", "Bob asked", "--yes")
    assert refused.returncode == 2
    assert "Leave out what is being erased: Bob." in refused.stderr


def test_a_command_records_a_step_of_the_clock_before_its_own_act(tmp_path: Path) -> None:
    """In every log: by what it records, its clock would look right to the server that starts next."""
    clock = Ticking(system_clock() - 20 * DAY)
    deployment = Deployment(Store(f"sqlite:///{tmp_path / DATABASE_FILE}", clock=clock), clock)
    migrate(deployment.store)
    for name in ("Calder", "Other"):
        deployment.found(deployment.person(), name, Plan.ENTERPRISE)
    deployment.store.close()
    assert invoke(tmp_path, "sign").returncode == 0  # which is no act
    assert invoke(tmp_path, "org", "plan", "Calder", "--seats", "30").returncode == 0
    deployment = Deployment(Store(f"sqlite:///{tmp_path / DATABASE_FILE}"), clock)
    told = [[event.action for event in deployment.events(number)[1:]] for number in (1, 2)]
    deployment.store.close()
    assert told == [["log.clock_step", "settings.change"], ["log.clock_step"]]


def test_one_field_is_erased(directory: Path) -> None:
    done = invoke(directory, "erase", "--event", "3", "--field", "details.name", "--reason", "Wrong", "--yes")
    assert "1 field in 1 event:" in done.stdout
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
    command, plan = (
        ("prune", "--org", "Calder"),
        "mode.*, kept for 90 days: 1 event, number 3; legal holds keep 1 more.\n",
    )
    refused = invoke(directory, *command, typed="n\n")
    assert (refused.returncode, refused.stdout.startswith(plan)) == (1, True)
    done = invoke(directory, *command, typed="y\n")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(plan)
    assert "Pruned 1 of mode, as event 8 of the log says." in done.stdout
    again = invoke(directory, "prune", "--yes").stdout
    assert again == "mode.*, kept for 90 days: 0 events; legal holds keep 1.\nNothing else is older than it may be.\n"
    whole(directory)


def test_a_clock_that_is_not_sure_prunes_nothing(directory: Path) -> None:
    clock = Ticking(system_clock())
    deployment = Deployment(Store(f"sqlite:///{directory / DATABASE_FILE}", clock=clock), clock)
    deployment.act(None, 1, RecordForwardStep(0, DAY))
    deployment.store.close()
    assert "no owner has confirmed that it is right: nothing is pruned" in invoke(directory, "prune", "--yes").stdout
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
