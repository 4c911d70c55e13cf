"""minutebook search: what is found, how it is printed, and that reading is recorded."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import make_url

from minutebook.actions.log import Format
from minutebook.cli.console import inert_json
from minutebook.cli.local_time import local_zone
from minutebook.config import DATABASE_FILE
from minutebook.custody.clock import record_step_at_start
from minutebook.filters.zones import UTC as UTC_ZONE
from minutebook.model import Context, Event, Outcome, to_micros
from minutebook.organization.modes import CreateMode
from minutebook.organization.sign_in import RecordFailedSignIn
from minutebook.store import log
from minutebook.store.engine import Store, system_clock
from minutebook.store.event_json import event_json
from minutebook.store.migrate import migrate
from tests.support.check_log import check_log
from tests.support.command_line import PROGRAM, environment, invoke, serving
from tests.support.deployment import OPERATOR, START, Deployment, Ticking

HOSTILE = "\x1b]0;owned\x07\u202eevil\x9b2J"
FOUNDED = to_micros(datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
"""02:30 in Berlin, an hour before the clock is put back."""


class Calder(Deployment):
    """An organization with a little history, in a data directory or beside it."""

    def __init__(self, store: Store, clock: Ticking, directory: Path) -> None:
        super().__init__(store, clock)
        self.directory = directory


@pytest.fixture(params=["sqlite", "postgresql"])
def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Calder]:
    directory = tmp_path / "data"
    directory.mkdir(mode=0o700)
    url = (
        f"sqlite:///{directory / DATABASE_FILE}"
        if request.param == "sqlite"
        else make_url(request.getfixturevalue("postgres_url")).set(drivername="postgresql")
    )
    store = Store(url)
    migrate(store)
    deployment = Calder(store, Ticking(FOUNDED), directory)
    store.clock = deployment.clock
    ada = deployment.person("ada@calder.example", "Ada")
    number = deployment.found(ada, "Calder Robotics")
    deployment.clock.go_on(START - FOUNDED)
    deployment.act(ada, number, CreateMode("Code reviewer", "", ()))
    deployment.act(ada, number, CreateMode("Hostile \u202e", "", ()))
    deployment.act(ada, number, RecordFailedSignIn(HOSTILE, 1))
    store.clock = system_clock
    record_step_at_start(store)  # as the first command would: for weeks nothing was recorded
    store.close()
    yield deployment


def search(
    deployment: Calder,
    *arguments: str,
    org: str | None = "Calder Robotics",
    command: str = "search",
    **settings: str,
) -> subprocess.CompletedProcess[str]:
    """Runs the command at a terminal of 200 columns in Berlin."""
    url = deployment.store.url
    chosen = {} if deployment.store.is_sqlite else {"DATABASE_URL": url.render_as_string(hide_password=False)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        patch.setattr("minutebook.cli.console.out.width", 200)
        return invoke(deployment.directory, command, *(("--org", org) if org else ()), *arguments, **chosen, **settings)


def read_by(deployment: Calder) -> int:
    """How often the log was read: a server that starts may say something else of its clock."""
    return sum(event.action == "log.view" for event in stored(deployment))


def stored(deployment: Calder) -> list[Event]:
    store = Store(deployment.store.url, lock=False)
    with store.reading() as connection:
        events = list(log.events(connection, 1))
    store.close()
    return events


def actions(answer: subprocess.CompletedProcess[str]) -> list[str]:
    assert answer.returncode == 0, answer.stderr
    return [json.loads(line)["action"] for line in answer.stdout.splitlines()]


def test_people_read_a_table_in_their_zone(deployment: Calder) -> None:
    answer = search(deployment, "action:mode.create,organization.create", "reviewer OR created")
    assert answer.returncode == 0, answer.stderr
    heads, *lines = [line.rstrip() for line in answer.stdout.splitlines()]
    assert heads.split() == ["Time", "Action", "Actor", "Details"]
    assert [line.split("  ")[0] for line in lines][:2] == ["2026-11-06 01:00:04 CET", "2026-11-06 01:00:03 CET"]
    assert lines[-1].startswith("2026-10-25 02:30:")
    assert "CEST" in lines[-1]
    assert "ada@calder.example" in lines[0]
    assert lines[1].endswith("Created mode Code reviewer")
    utc = search(deployment, "--utc", "reviewer")
    assert "2026-11-06 00:00:03 UTC" in utc.stdout


def test_programs_read_the_json_of_each_event(deployment: Calder) -> None:
    answer = search(deployment, "--json", "--oldest-first", "reviewer", "OR", "hostile")
    assert actions(answer)[:2] == ["mode.create", "mode.create"]
    by_seq = {event.seq: event for event in stored(deployment)}
    for line in answer.stdout.splitlines():
        assert line.encode() == event_json(by_seq[json.loads(line)["seq"]])


def test_both_orders_and_the_limit(deployment: Calder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minutebook.cli.database.AT_ONCE", 2)
    everything = [event.action for event in stored(deployment)]
    answer = search(deployment, "--json", "--oldest-first")
    assert actions(answer) == [*everything, "log.view"]
    assert answer.stderr == ""
    newest = search(deployment, "--json")
    assert actions(newest) == ["log.view", "log.view", *reversed(everything)]
    few = search(deployment, "--json", "--limit", "3")
    assert actions(few) == ["log.view", "log.view", "log.view"]
    assert few.stderr == "There are more than these 3: narrow the query, or give a larger --limit.\n"
    assert actions(search(deployment, "--json", "--limit", "2", "--", "-action:log.view")) == everything[:-3:-1]
    nothing = search(deployment, "nothing-is-called-so")
    assert (nothing.stdout, nothing.stderr) == ("", "No event fits.\n")


def test_of_one_moment_every_event_is_found_once(deployment: Calder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minutebook.cli.database.AT_ONCE", 2)
    store = Store(deployment.store.url)
    at = store.clock()
    with store.housekeeping() as connection:
        head = log.lock_head(connection, 1)
        drafts = [
            log.Draft("mode.delete", Outcome.SUCCESS, OPERATOR, (), Context(), {"v": 1, "mode": number, "name": ""})
            for number in "0123456"
        ]
        log.append_many(connection, head, [(draft, at) for draft in drafts], store.randomness)
    store.close()
    answer = search(deployment, "--json", "action:mode.delete")
    assert answer.returncode == 0, answer.stderr
    assert [json.loads(line)["details"]["mode"] for line in answer.stdout.splitlines()] == list("6543210")


def test_reading_is_recorded_before_anything_is_shown(deployment: Calder) -> None:
    before = len(stored(deployment))
    assert search(deployment, "mode").returncode == 0
    *_, last = stored(deployment)
    assert (last.seq, last.action, last.actor.kind, last.context.client) == (before, "log.view", "system", "cli")
    silent = search(deployment, "--unrecorded", "mode")
    assert silent.stderr == "This reading is not recorded in the log.\n"
    assert silent.stdout == search(deployment, "--unrecorded", "mode").stdout != ""
    assert len(stored(deployment)) == before + 1
    store = Store(deployment.store.url)
    check_log(store)
    store.close()


def test_what_is_wrong_is_pointed_at_and_nothing_is_recorded(deployment: Calder) -> None:
    before = len(stored(deployment))
    answer = search(deployment, "opus 𝕏㎞ action:user.lgin")
    assert (answer.returncode, answer.stdout) == (2, "")
    query, carets, said, fix = answer.stderr.splitlines()
    assert query == "opus 𝕏㎞ action:user.lgin"
    assert carets == " " * (query.index("user.lgin") + 1) + "^" * len("user.lgin")
    assert "“user.lgin” is not an action. Did you mean user.login" in said
    assert fix == "Understood would be: opus 𝕏㎞ action:user.login"
    for command in ("tail", "export"):
        other = search(deployment, "opus 𝕏㎞ action:user.lgin", command=command)
        assert (other.returncode, other.stdout, other.stderr) == (2, "", answer.stderr)
    backwards = search(deployment, "before:2026-11-05", "after:2026-11-06")
    assert (backwards.returncode, backwards.stderr.splitlines()[1]) == (2, "^" * len("before:2026-11-05"))
    inert = search(deployment, "action:\u202ex")
    assert "\u202e" not in inert.stderr
    assert "action:\\u202ex\n       ^^^^^^^\n" in inert.stderr
    nowhere = search(deployment, org="Kestrel")
    assert (nowhere.returncode, nowhere.stderr) == (2, "There is no organization Kestrel. See minutebook org list.\n")
    assert len(stored(deployment)) == before


@pytest.mark.parametrize("query", ["-outcome:success", "-details.model:opus", "-(opus)", "-word"])
@pytest.mark.parametrize("command", ["search", "tail", "export"])
def test_a_query_that_looks_like_an_option_is_told_where_to_go(tmp_path: Path, command: str, query: str) -> None:
    answer = invoke(tmp_path, command, query)
    assert (answer.returncode, list(tmp_path.iterdir())) == (2, [])
    words = answer.stderr.replace("│", "").split()
    assert " ".join(words).count(f"goes behind --, at the end: minutebook {command} -- '-outcome:success'") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        "--text -outcome:success",
        "-nfive",
        "--limit -1",
        "--utcc",
        "--org -a:b",
        "--text -- --limit -1",
        "-- -outcome:x y:",
    ],
)
def test_and_nothing_else_is(tmp_path: Path, arguments: str) -> None:
    answer = invoke(tmp_path, "search", *arguments.split())
    assert answer.returncode != 0
    assert "goes behind --" not in answer.stderr


def test_what_people_typed_is_inert(deployment: Calder) -> None:
    store = Store(deployment.store.url)
    other = Deployment(store, Ticking(START), deployment.told)
    other.found(other.person("eve@calder.example", "\u202eEve"), "Kestrel \u202e Works")
    store.close()
    unclear = search(deployment, org=None)
    assert unclear.returncode == 2
    assert unclear.stderr == "There are several organizations: say which by --org. See minutebook org list.\n"
    answer = search(deployment, "hostile OR action:user.login_failed")
    assert not {*answer.stdout} & {*HOSTILE} - {*"owned evil02J];"}
    assert "Failed: \\u001b]0;owned\\u0007\\u202eevil\\u009b2J, attempt 1 in 15 minutes" in answer.stdout


def test_json_at_a_terminal_is_the_same_value_and_inert() -> None:
    line = json.dumps({"name": HOSTILE + "\U000e0041 é 𝕏"}, ensure_ascii=False)
    assert json.loads(inert_json(line)) == json.loads(line)
    assert inert_json(line).isprintable()
    assert "é 𝕏" in inert_json(line)


def test_json_at_a_terminal_moves_no_cursor(deployment: Calder) -> None:
    if not deployment.store.is_sqlite:
        return
    ours, theirs = pty.openpty()
    subprocess.run(
        [*PROGRAM, "search", "--json", "--unrecorded", "action:user.login_failed"],
        env=environment({"DATA_DIRECTORY": str(deployment.store.file.parent)}),
        stdout=theirs,
        timeout=100,
        check=True,
    )
    os.close(theirs)
    line = os.read(ours, 100_000).decode().removesuffix("\r\n")
    os.close(ours)
    assert line.isprintable()
    assert json.loads(line)["details"]["reason"] == HOSTILE


@pytest.mark.parametrize("format_", [Format.JSONL, Format.OCSF, Format.CSV])
def test_an_export_at_a_terminal_moves_no_cursor(deployment: Calder, format_: Format) -> None:
    if not deployment.store.is_sqlite:
        return
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        running = subprocess.Popen(
            [*PROGRAM, "export", "--format", format_, "action:user.login_failed"],
            env=environment({"DATA_DIRECTORY": str(deployment.store.file.parent)}),
            stdout=theirs,
        )
        os.close(theirs)
        data = b""
        with suppress(OSError):  # at its end
            while part := terminal.read(65536):
                data += part
        assert running.wait(100) == 0
    lines = re.split("(?:\r*\n)+", data.decode())
    assert len(lines) > 2
    assert [line for line in lines if line and not line.isprintable()] == []
    assert "\\u001b]0;owned" in lines[-3]


@pytest.mark.parametrize(
    "arguments", ["search --unrecorded", "search --unrecorded --json", "export", "export --format bundle", "org list"]
)
def test_an_output_that_is_full_is_told_of(deployment: Calder, arguments: str) -> None:
    if not deployment.store.is_sqlite:
        return
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, *arguments.split()],
            env=environment({"DATA_DIRECTORY": str(deployment.store.file.parent)}),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=100,
            check=False,
        )
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        3,
        "The output cannot be written: No space left on device.",
    )


def test_beside_a_server_on_sqlite_it_reads_only_when_told_to_leave_no_record(deployment: Calder) -> None:
    if not deployment.store.is_sqlite:
        return
    with serving(deployment.store.file.parent):
        before = read_by(deployment)
        answer = search(deployment, "reviewer")
        assert (answer.returncode, answer.stdout) == (3, "")
        assert "Reading the log is an act and is recorded, which cannot be done just now" in answer.stderr
        assert "in use by process" in answer.stderr
        assert answer.stderr.rstrip().endswith("add --unrecorded.")
        assert "Created mode Code reviewer" in search(deployment, "--unrecorded", "reviewer").stdout
        assert read_by(deployment) == before


@pytest.mark.parametrize(
    "arguments",
    [
        "search --unrecorded",
        "search --json --unrecorded",
        "export",
        "export --format bundle",
    ],
)
def test_a_reader_that_has_read_enough_ends_it(deployment: Calder, arguments: str) -> None:
    if not deployment.store.is_sqlite:
        return
    command = f"set -o pipefail; {' '.join(map(str, PROGRAM))} {arguments} | true"
    done = subprocess.run(
        ["/bin/bash", "-c", command],
        env=environment({"DATA_DIRECTORY": str(deployment.store.file.parent)}),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    stopped = "Whoever read the export stopped before its end." if "export" in arguments else ""
    assert (done.returncode, stopped in done.stderr) == (1 if stopped else 0, True)
    assert "Traceback" not in done.stderr
    assert "unexpected" not in done.stderr


def test_the_zone_of_the_terminal(tmp_path: Path) -> None:
    link = tmp_path / "localtime"
    link.symlink_to(tmp_path / "zoneinfo" / "Asia" / "Kathmandu")
    assert local_zone({}, link).key == "Asia/Kathmandu"
    assert local_zone({"TZ": "America/New_York"}, link).key == "America/New_York"
    assert local_zone({"TZ": ":America/New_York"}, link).key == "America/New_York"
    assert local_zone({"TZ": "../../etc/passwd"}, link) is UTC_ZONE
    assert local_zone({}, tmp_path / "missing") is UTC_ZONE
