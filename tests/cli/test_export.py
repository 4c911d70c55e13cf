"""`minutebook export`: a file of exactly what is asked for, that goes on after an interruption."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shutil
import signal
import stat
import subprocess
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from minutebook.actions.log import Format
from minutebook.config import DATABASE_FILE
from minutebook.deliver import export, partial
from minutebook.deliver.formats import FORMATS, Origin
from minutebook.filters import Here, filter_of, language
from minutebook.store.engine import Store
from minutebook.store.log import events
from tests.support.command_line import PROGRAM, environment, invoke
from tests.support.deployment import Deployment
from tests.support.exports import read
from tests.support.walk import FILLED


@pytest.fixture
def directory(sqlite_filled: Deployment, tmp_path: Path) -> Path:
    """A data directory with the organization Calder in it."""
    made = tmp_path / "data"
    made.mkdir(mode=0o700)
    shutil.copy(sqlite_filled.store.file, made / DATABASE_FILE)
    (made / DATABASE_FILE).chmod(0o600)
    return made


def recorded(directory: Path) -> list[dict[str, Any]]:
    """The details of every log.export at the command line."""
    store = Store(f"sqlite:///{directory / DATABASE_FILE}", lock=False)
    with store.reading() as connection:
        found = [dict(event.details) for event in events(connection, FILLED) if event.context.client == "cli"]
    store.close()
    return found


class Interrupting:
    """Breaks an export off when so many events were read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._real, self.after = export._slice, 0
        monkeypatch.setattr(export, "PIECE", 1)
        monkeypatch.setattr(partial, "KEEP_EVERY", 1)
        monkeypatch.setattr(export, "_slice", self)

    def __call__(self, *arguments: Any) -> Any:
        self.after -= 1
        if not self.after:
            raise KeyboardInterrupt
        return self._real(*arguments)


@pytest.fixture
def interrupting(monkeypatch: pytest.MonkeyPatch) -> Interrupting:
    return Interrupting(monkeypatch)


@pytest.mark.parametrize(
    ("name", "format_"),
    [
        ("calder.csv", Format.CSV),
        ("calder.jsonl", Format.JSONL),
        ("calder.ocsf.jsonl", Format.OCSF),
        ("calder.parquet", Format.PARQUET),
        ("calder", Format.JSONL),
    ],
)
def test_the_name_of_the_file_says_the_format(directory: Path, tmp_path: Path, name: str, format_: Format) -> None:
    file = tmp_path / name
    answer = invoke(directory, "export", "--org", "Calder", "--output", str(file))
    assert (answer.returncode, answer.stdout) == (0, ""), answer.stderr
    found, trailer = read(format_, file.read_bytes())
    assert trailer["format"] == format_.value
    assert f"{len(found)} events, {file.stat().st_size:,} bytes" in answer.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([name, "data"])
    assert recorded(directory)[-1] == {"v": 1, "format": format_.value, "size": trailer["size"], "pruned": 0}


def test_a_name_that_ends_in_no_format_is_refused(directory: Path, tmp_path: Path) -> None:
    name = "calder.jsonl.gz"
    before = recorded(directory)
    answer = invoke(directory, "export", "--org", "Calder", "--output", str(tmp_path / name))
    assert answer.returncode == 2
    assert "End the name in .csv, .jsonl, .parquet or .ocsf.jsonl, or say which with --format" in " ".join(
        answer.stderr.replace("│", " ").split()
    )
    assert not (tmp_path / name).exists()
    assert recorded(directory) == before
    invoke(directory, "export", "--org", "Calder", "--format", "jsonl", "--output", str(tmp_path / name))
    assert (tmp_path / name).exists()


def test_every_filter_option_and_the_query(directory: Path) -> None:
    everything = invoke(directory, "export", "--org", "Calder", "--format", "jsonl")
    lines = [json.loads(line) for line in everything.stdout.splitlines()][:-1]
    ada = [event for event in lines if event["actor"]["email"] == "ada@calder.example"]
    fourth = ada[3]["occurred_at"]
    cases: tuple[tuple[tuple[str, ...], Callable[[dict[str, Any]], bool]], ...] = (
        (("action:user.invite",), lambda event: event["action"] == "user.invite"),
        (
            ("--action", "user.invite", "--action", "member.remove"),
            lambda event: event["action"] in {"user.invite", "member.remove"},
        ),
        (("--actor", "ada@calder.example"), lambda event: event in ada),
        (("--end", fourth), lambda event: event["occurred_at"] <= fourth),
        (
            ("--start", fourth, "--", "-action:user.invite"),
            lambda event: event["occurred_at"] >= fourth and event["action"] != "user.invite",
        ),
        (("--text", "INV-1"), lambda event: event["details"].get("reference") == "inv-1"),
    )
    for options, fits in cases:
        found, _ = read(Format.JSONL, invoke(directory, "export", "--org", "Calder", *options).stdout.encode())
        expected = [event for event in lines if fits(event)]
        assert expected
        assert [event for event in found if event["seq"] <= lines[-1]["seq"]] == expected, options


@pytest.mark.parametrize("opened", [pty.openpty, os.pipe], ids=["terminal", "pipe"])
def test_a_terminal_is_shown_how_far_it_is(
    directory: Path, tmp_path: Path, opened: Callable[[], tuple[int, int]]
) -> None:
    """And a pipe only how it ended."""
    ours, theirs = opened()
    with os.fdopen(ours, "rb", buffering=0) as read_end:
        running = subprocess.Popen(
            [*PROGRAM, "export", "--org", "Calder", "action:user.*", "--output", str(tmp_path / "calder.jsonl")],
            env=environment({"DATA_DIRECTORY": str(directory)}) | {"TERM": "xterm", "COLUMNS": "100"},
            stderr=theirs,
        )
        os.close(theirs)
        data = b""
        with suppress(OSError):  # at the end of a terminal
            while part := read_end.read(65536):
                data += part
        assert running.wait(100) == 0
    count = len(read(Format.JSONL, (tmp_path / "calder.jsonl").read_bytes())[0])
    end = rf"{count:,} events, .* in the log\."
    if opened is os.pipe:
        assert re.fullmatch(rf"{end}\n", data.decode()), data
    else:
        told = " ".join(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", data.decode()).split())
        assert re.fullmatch(rf"Exporting ━+ 0% .*{count:,} events ━+ 100% [\d:]+ {end}", told), told


def test_evidence_of_a_log_that_no_server_signs(directory: Path, tmp_path: Path) -> None:
    file = tmp_path / "evidence.zip"
    asked = ("export", "--org", "Calder", "--format", "bundle")
    done = invoke(directory, *asked, "--withhold", "context.ip", "--withhold", "targets.*", "--output", str(file))
    assert done.returncode == 0 and "minutebook verify" in done.stderr, done.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    other = tmp_path / "other.zip.part"
    with other.open("wb") as writing:
        fcntl.flock(writing, fcntl.LOCK_EX)
        refused = invoke(directory, *asked, "--output", str(tmp_path / "other.zip"))
        assert (refused.returncode, "by another process" in refused.stderr, other.exists()) == (1, True, True)
    other.write_bytes(b"precious")
    refused = invoke(directory, *asked, "--output", str(tmp_path / "other.zip"))
    assert (refused.returncode, "of an export that did not end" in refused.stderr) == (1, True)
    assert other.read_bytes() == b"precious"
    other.unlink()
    assert recorded(directory)[-1]["withheld"] == ["context.ip", "targets.*"]
    key = invoke(directory, "key", "show", "--org", "Calder").stdout.strip()
    verified = invoke(directory, "verify", str(file), "--key", key)
    assert verified.returncode == 0 and "every one" in verified.stdout and "values of targets.*" in verified.stdout
    with zipfile.ZipFile(file) as zipped:
        last = json.loads(zipped.read("events.jsonl").splitlines()[-1])
        (tmp_path / "head").write_bytes(zipped.read("checkpoint"))
    assert last["leaf"]["action"] == "log.export"  # its own
    assert invoke(directory, *asked, "--output", str(file)).returncode != 0  # a file is never overwritten
    found = tmp_path / "found.zip"
    assert invoke(directory, *asked, "action:user.login", "--output", str(found)).returncode == 0
    verified = invoke(directory, "verify", str(found), "--key", key, "--head", str(tmp_path / "head"))
    assert verified.returncode == 0 and "the log goes on from its" in verified.stdout, verified.stdout
    for options in (["--first", "3"], ["--withhold", "ip"]):
        assert invoke(directory, *asked, *options, "--output", str(tmp_path / "x")).returncode == 2
    assert invoke(directory, "export", "--org", "Calder", "--withhold", "context.ip").returncode == 2
    assert not (tmp_path / "x").exists() and not list(tmp_path.glob("*.part"))


def test_evidence_that_nothing_signed_proves_is_refused_before_it_is_recorded(
    postgres_deployment: Deployment, tmp_path: Path
) -> None:
    number = postgres_deployment.found(postgres_deployment.person("ada@calder.example", "Ada"))
    (tmp_path / "data").mkdir(mode=0o700)
    url = postgres_deployment.store.url.set(drivername="postgresql").render_as_string(hide_password=False)
    asked = ("export", "--format", "bundle", "--output", str(tmp_path / "evidence.zip"))
    refused = invoke(tmp_path / "data", *asked, DATABASE_URL=url)
    assert refused.returncode == 1
    assert "No signed checkpoint proves this yet" in refused.stderr and "minutebook sign signs" in refused.stderr
    recorded = [event.action for event in postgres_deployment.events(number)]
    assert [action for action in recorded if action != "log.clock_step"] == ["organization.create"]
    assert not list(tmp_path.glob("evidence.zip*"))


def test_times_are_read_in_the_local_zone_or_in_utc(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was past midnight in UTC, so it was past one o'clock in Berlin."""
    monkeypatch.setenv("TZ", "Europe/Berlin")

    def exported(*options: str) -> list[str]:
        answer = invoke(directory, "export", "--org", "Calder", *options)
        found, _ = read(Format.JSONL, answer.stdout.encode())
        return [event["occurred_at"] for event in found]

    everything = [at for at in exported() if at.startswith("2026-11-06")]  # and today a step of the clock
    split = f"{everything[3][:19]}Z"
    assert split.startswith("2026-11-06T00:")
    here, there = split.replace("T00", "T01").removesuffix("Z"), split.removesuffix("Z")
    asked = [("--start", here), (f"after:{here}",), ("--utc", "--start", there), ("--utc", f"after:{there}")]
    for options in asked:
        assert exported(*options, "--end", "2026-11-06T23:59Z") == [at for at in everything if at >= split[:-1]]
    assert exported("--end", "2026-11-05") == []


@pytest.mark.parametrize("format_", FORMATS)
def test_an_interrupted_export_goes_on(
    directory: Path, tmp_path: Path, format_: Format, interrupting: Interrupting
) -> None:
    file = tmp_path / "calder"
    command = ("export", "--org", "Calder", "action:user.*,member.* after:-900d", "-f", format_.value, "-o", str(file))
    rounds, answer = 0, invoke(directory, "--version")
    while not file.exists():
        interrupting.after = 4 if format_ is not Format.PARQUET or rounds < 2 else 1_000
        answer = invoke(directory, *command)
        rounds += 1
        if not file.exists():
            assert answer.returncode == 130
            assert "Run the same again" in answer.stderr
            part = tmp_path / "calder.part"
            part.write_bytes(part.read_bytes() + b"what a crash left behind what was noted" * 9_999)
    assert answer.returncode == 0
    assert rounds > 2
    found, trailer = read(format_, file.read_bytes())
    told = recorded(directory)
    assert {details["size"] for details in told} == {trailer["size"]}
    firsts = [details.get("first", 0) for details in told]
    assert firsts == sorted(firsts)
    assert (firsts[-1] == 0) == (format_ is Format.PARQUET)
    interrupting.after = 0
    at_once = tmp_path / "at once"
    store = Store(f"sqlite:///{directory / DATABASE_FILE}", lock=False)
    made = exported(trailer, format_)
    pieces = export.pieces(made, export.stored(store, FILLED, made))
    at_once.write_bytes(b"".join(piece.data for piece in pieces))
    store.close()
    assert read(format_, at_once.read_bytes()) == (found, trailer)
    if format_ is not Format.PARQUET:
        assert file.read_bytes() == at_once.read_bytes()


def exported(trailer: dict[str, Any], format_: Format) -> export.Export:
    """The export that a trailer tells of."""
    filter_ = filter_of(language.read(trailer["query"], Here()))
    return export.Export(Origin(trailer["organization"], "Calder"), trailer["size"], filter_, format_, 0)


def test_a_file_that_was_changed_starts_over(directory: Path, tmp_path: Path, interrupting: Interrupting) -> None:
    file = tmp_path / "calder.jsonl"
    interrupting.after = 6
    assert invoke(directory, "export", "--org", "Calder", "-o", str(file)).returncode == 130
    part = tmp_path / "calder.jsonl.part"
    part.write_bytes(b"X" + part.read_bytes()[1:])
    interrupting.after = 0
    assert invoke(directory, "export", "--org", "Calder", "-o", str(file)).returncode == 0
    found, trailer = read(Format.JSONL, file.read_bytes())
    assert [event["seq"] for event in found] == list(range(trailer["size"]))


def test_only_the_name_was_missing(directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "calder.csv"
    with monkeypatch.context() as patch:
        patch.setattr(partial.OpenFile, "finish", partial.OpenFile.keep)
        invoke(directory, "export", "--org", "Calder", "-o", str(file))
    assert not file.exists()
    assert invoke(directory, "export", "--org", "Calder", "-o", str(file)).returncode == 0
    read(Format.CSV, file.read_bytes())
    assert len(recorded(directory)) == 1


def test_what_is_refused_says_why(directory: Path, tmp_path: Path, interrupting: Interrupting) -> None:
    there = tmp_path / "there.csv"
    there.write_text("precious")
    begun = tmp_path / "begun.csv"
    interrupting.after = 3
    invoke(directory, "export", "--org", "Calder", "-o", str(begun))
    interrupting.after = 0
    before = recorded(directory)
    strange = tmp_path / "strange.csv.part"
    strange.write_text("x")
    for arguments, code, said in (
        (("-o", str(there)), 1, "An export never overwrites a file"),
        (("-o", str(begun), "action:user.login"), 1, "is of another export"),
        (("-o", str(begun), "-f", "jsonl"), 1, "is of another export"),
        (("-o", str(tmp_path / "strange.csv")), 1, "cannot be told what it is of. Start over, or name another file."),
        (("action:user.nonsense",), 2, "user.nonsense"),
        (("--first", "9999"), 2, "lies beyond"),
        (("--start", "tomorrow-ish"), 2, "tomorrow-ish"),
        (("-f", "xml"), 2, "xml"),
    ):
        answer = invoke(directory, "export", "--org", "Calder", *arguments)
        assert (answer.returncode, answer.stdout) == (code, ""), answer.stderr
        assert said in " ".join(answer.stderr.replace("│", " ").split()), answer.stderr
    assert there.read_text() == "precious"
    assert recorded(directory) == before
    assert invoke(directory, "export", "--org", "Nobody").returncode == 2
    answer = invoke(directory, "export", "--org", "Calder", "-o", str(begun), "-f", "jsonl", "--restart")
    assert answer.returncode == 0
    read(Format.JSONL, begun.read_bytes())


def test_beside_a_server_nothing_is_exported_on_sqlite(directory: Path, tmp_path: Path) -> None:
    """The export could not be recorded."""
    store = Store(f"sqlite:///{directory / DATABASE_FILE}")
    answer = invoke(directory, "export", "--org", "Calder", "-o", str(tmp_path / "x.csv"))
    store.close()
    assert (answer.returncode, answer.stdout) == (3, "")
    assert "in use by process" in answer.stderr
    assert not (tmp_path / "x.csv").exists()


def test_a_reader_that_goes_away_is_no_accident(directory: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "export", "--org", "Calder"],
        env=environment({"DATA_DIRECTORY": str(directory)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    said = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(60) == 1
    assert said == "Whoever read the export stopped before its end.\n"


@pytest.mark.parametrize("later", [0, 0.01, 0.1])
def test_a_process_that_is_killed_loses_nothing(directory: Path, tmp_path: Path, later: float) -> None:
    """Wherever it is when it is killed."""
    file = tmp_path / "calder.jsonl"
    part = tmp_path / "calder.jsonl.part"
    process = subprocess.Popen(
        [*PROGRAM, "export", "--org", "Calder", "-o", str(file)],
        env=environment({"DATA_DIRECTORY": str(directory)}),
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not part.exists() and not file.exists() and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(later)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    if not file.exists():
        assert invoke(directory, "export", "--org", "Calder", "-o", str(file)).returncode == 0
    found, trailer = read(Format.JSONL, file.read_bytes())
    assert [event["seq"] for event in found] == list(range(trailer["size"]))
