"""The commands as processes: what they print, how they end, and never a traceback."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import stat
import tomllib
from pathlib import Path

import httpx2 as httpx
import pytest
from sqlalchemy import make_url

from minutebook.cli.main import COMMANDS
from minutebook.config import CONFIG_FILE, DATABASE_FILE, SECURITY_LOG, Settings
from minutebook.model import Plan
from minutebook.organization import notices, outbox
from minutebook.organization.credits import BuyCredits
from minutebook.organization.organizations import all_organizations
from minutebook.store import log
from minutebook.store.engine import Store
from tests.support.check_log import check_log
from tests.support.command_line import invoke, run, serving
from tests.support.deployment import Deployment, Ticking
from tests.support.meanwhile import meanwhile
from tests.support.walk import end_one

PASSWORD = "correct horse battery\n"


def without_colors(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A data directory that init has made."""
    made = tmp_path / "data"
    assert invoke(made, "init").returncode == 0
    return made


def test_the_help_names_every_command_with_what_it_does(tmp_path: Path) -> None:
    told = invoke(tmp_path / "data", "-h").stdout
    told = told[told.index("Commands") :]
    assert re.findall(r"^│ (\S+) +\S", told, re.MULTILINE) == list(COMMANDS), told


def test_init_closes_the_directory_and_explains_every_setting(directory: Path) -> None:
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (directory, *directory.iterdir())}
    assert modes["data"] == 0o700
    assert modes[DATABASE_FILE] == modes[CONFIG_FILE] == 0o600
    text = (directory / CONFIG_FILE).read_text()
    assert tomllib.loads(text) == {}
    uncommented = "\n".join(
        line.removeprefix("#") if "= " in line and line[1] != " " else "" for line in text.split("\n")
    )
    assert set(tomllib.loads(uncommented)) == set(Settings.model_fields) - {"data_directory"}
    (directory / CONFIG_FILE).write_text("port = 1\n")
    assert invoke(directory, "init").returncode == 0
    assert (directory / CONFIG_FILE).read_text() == "port = 1\n"


def test_a_person_an_organization_and_its_plan(directory: Path) -> None:
    made = invoke(directory, "user", "create", "Ada@X.example", "--name", "Ada", "--password-stdin", typed=PASSWORD)
    assert made.returncode == 0, made.stderr
    assert invoke(directory, "org", "create", "Calder", "--owner", "ada@x.example").returncode == 0
    assert invoke(directory, "org", "plan", "Calder", "--plan", "enterprise", "--seats", "250").returncode == 0
    (found,) = json.loads(invoke(directory, "org", "list", "--json").stdout)
    assert (found["name"], found["plan"], found["seats"], found["seat_limit"]) == ("Calder", "enterprise", 1, 250)
    for said in ("was granted", "had been granted before"):
        why = ("--reference", "ticket-1", "--by", "Grace", "--reason", "Outage")
        granted = invoke(directory, "org", "grant", "Calder", "12.50", *why)
        assert said in granted.stdout
        assert "The balance of Calder is $12.50" in granted.stdout
    shown = json.loads(invoke(directory, "org", "show", found["id"], "--json").stdout)
    assert shown["credits_cents"] == 1250
    assert shown["members"] == [{"email": "ada@x.example", "name": "Ada", "role": "owner"}]
    (user,) = json.loads(invoke(directory, "user", "list", "--json").stdout)
    assert user["email"] == "ada@x.example"
    link = invoke(directory, "user", "link", "ada@x.example")
    assert link.stdout.startswith("http://127.0.0.1:8321/enter/")
    reset = invoke(directory, "user", "reset", "ada@x.example")
    assert reset.stdout.startswith("http://127.0.0.1:8321/password/")
    assert len(reset.stdout.splitlines()) == 1
    assert "no second factor and no session any more" in reset.stderr.replace("\n", " ")
    assert not (directory / SECURITY_LOG).exists()  # it is recorded where they hold a seat
    invoke(directory, "user", "create", "eve@x.example", "--name", "Eve", "--password-stdin", typed=PASSWORD)
    mailing = {"SMTP_HOST": "mail.x.example", "SMTP_FROM": "minutebook@x.example"}
    assert invoke(directory, "user", "reset", "eve@x.example", **mailing).returncode == 0
    line = json.loads((directory / SECURITY_LOG).read_text())
    assert (line["event"], line["by"]) == ("password_reset", "system")
    kept = invoke(directory, "user", "delete", "ada@x.example", "--yes")
    assert (kept.returncode, "There is no other owner of Calder" in kept.stderr) == (1, True)
    gone = invoke(directory, "user", "delete", "eve@x.example", "--yes")
    assert "recorded in 0 organizations" in gone.stdout
    assert len(json.loads(invoke(directory, "user", "list", "--json").stdout)) == 1
    another = "another --host or --port, put that in place of 127.0.0.1:8321."
    assert another in link.stderr
    assert another in reset.stderr
    public = invoke(directory, "user", "link", "ada@x.example", PUBLIC_URL="https://log.x.example")
    assert public.stdout.startswith("https://log.x.example/enter/")
    assert "in place of" not in public.stderr
    assert invoke(directory, "doctor").returncode == 0
    store = Store(f"sqlite:///{directory / DATABASE_FILE}")
    with store.reading() as connection:
        (organization,) = all_organizations(connection)
        events = list(log.events(connection, organization.number))
    (waiting,) = outbox.due(store)
    assert (waiting.mail.to, waiting.mail.subject) == ("eve@x.example", notices.SUBJECT)
    store.close()
    assert organization.plan is Plan.ENTERPRISE
    assert [(event.action, event.actor.kind, event.context.client) for event in events] == [
        ("organization.create", "system", "cli"),
        ("settings.change", "system", "cli"),
        ("credits.grant", "system", "cli"),
        ("user.password_reset", "system", "cli"),
    ]


def test_support_staff_is_let_in_for_a_reason_and_a_time(directory: Path) -> None:
    for email in ("ada@x.example", "sam@x.example"):
        invoke(directory, "user", "create", email, "--name", email[:3], "--password-stdin", typed=PASSWORD)
    invoke(directory, "org", "create", "Calder", "--owner", "ada@x.example")
    enter = ("support", "enter", "Calder", "--as", "sam@x.example")
    refused = [
        (invoke(directory, *enter, "--reason", "Ticket"), "is not of support staff"),
        (invoke(directory, *enter), "--reason"),
        (invoke(directory, *enter, "--reason", "Ticket", "--for", "a week"), "such as 30m or 4h"),
    ]
    assert invoke(directory, "support", "add", "sam@x.example").returncode == 0
    refused.append((invoke(directory, *enter, "--reason", "Ticket", "--for", "25h"), "24 hours at most"))
    refused.append((invoke(directory, *enter, "--reason", "Ticket", "--may", "x"), "is not one of"))
    for answer, said in refused:
        assert answer.returncode == 2
        assert said in without_colors(answer.stderr)
    let_in = invoke(directory, *enter, "--reason", "Ticket 4711", "--for", "30m", "--may", "change modes")
    assert let_in.returncode == 0, let_in.stderr
    assert re.fullmatch(r"http://127\.0\.0\.1:8321/support/[\w-]{43}\n", let_in.stdout)
    (sam,) = json.loads(invoke(directory, "support", "list", "--json").stdout)
    assert (sam["email"], sam["let_in"][0]["reason"]) == ("sam@x.example", "Ticket 4711")
    assert "Calder until" in invoke(directory, "support", "list").stdout
    assert invoke(directory, "support", "end", "Calder", "--as", "sam@x.example").returncode == 0
    assert invoke(directory, "support", "end", "Calder", "--as", "sam@x.example").returncode == 2
    assert invoke(directory, *enter, "--reason", "Ticket 4712").returncode == 0
    assert invoke(directory, "support", "remove", "sam@x.example").returncode == 0
    assert json.loads(invoke(directory, "support", "list", "--json").stdout) == []
    found = invoke(directory, "search", "--org", "Calder", "action:support.*", "--json", "--unrecorded").stdout
    actions = [json.loads(line)["action"] for line in found.splitlines()]
    assert sorted(actions) == ["support.grant", "support.grant", "support.leave", "support.leave"]


def test_a_log_that_is_sealed_is_still_read(directory: Path) -> None:
    ticking = Ticking()
    store = Store(f"sqlite:///{directory / DATABASE_FILE}", clock=ticking)
    deployment = Deployment(store, ticking)
    number = end_one(deployment)
    size = deployment.size(number)
    store.close()
    assert "deleted" in invoke(directory, "org", "list").stdout
    assert "Deleted: what it had is gone" in invoke(directory, "org", "show", "Ending").stdout
    file = directory / "ending.jsonl"
    for command in (("search",), ("export", "--output", str(file))):
        read = invoke(directory, command[0], "--org", "Ending", *command[1:])
        assert read.returncode == 0, read.stderr
        assert "organization.d" in read.stdout or "organization.delete" in file.read_text()
        assert "sealed: this reading is not recorded" in read.stderr
    assert invoke(directory, "org", "grant", "Ending", "1", "--reference", "r", "--by", "G", "--reason", "W").returncode
    assert invoke(directory, "doctor").returncode == 0
    of_fay = ("--person", "fay@calder.example", "--reason", "Asked", "--yes")
    erased = invoke(directory, "erase", "--org", "Ending", *of_fay)
    assert f"Erased, as event {size} of the log says." in erased.stdout
    assert invoke(directory, "doctor").returncode == 0
    store = Store(f"sqlite:///{directory / DATABASE_FILE}")
    assert Deployment(store, Ticking()).size(number) == size + 1
    store.close()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["user", "create", "ada", "--name", "Ada", "--password-stdin"], 2, "“ada” is not a complete address"),
        (["user", "create", "ada@x.example", "--name", "Ada"], 2, "--password-stdin"),
        (["user", "reset", "nobody@x.example"], 2, "Nobody has the address nobody@x.example"),
        (["user", "link", "nobody@x.example"], 2, "Nobody has the address nobody@x.example"),
        (["org", "show", "no such"], 2, "There is no organization no such"),
        (["org", "create", "X", "--owner", "nobody@x.example"], 2, "Add them first"),
        (["org", "create", "X", "--owner", "a@x.example", "--plan", "gold"], 2, "'gold'"),
        (["nonsense"], 2, "No such command"),
    ],
)
def test_what_is_refused_says_why(directory: Path, arguments: list[str], code: int, said: str) -> None:
    answer = invoke(directory, *arguments, typed="x\n", PORT="0")
    assert answer.returncode == code, answer.stderr
    assert said in " ".join(answer.stderr.replace("│", " ").split())
    assert "Traceback" not in answer.stderr


def test_a_program_that_is_refused_exits_with_its_code(directory: Path) -> None:
    answer = run(directory, "org", "show", "no such")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == "There is no organization no such. See minutebook org list.\n"
    answer = run(directory, "serve", "--host", "192.0.2.1", PORT="0")
    assert answer.returncode == 2
    assert "Cannot listen on 192.0.2.1" in answer.stderr


def test_without_a_database_it_says_what_to_do(tmp_path: Path) -> None:
    answer = invoke(tmp_path / "none", "user", "list")
    assert answer.returncode == 2
    assert "minutebook init" in answer.stderr
    assert not (tmp_path / "none").exists()


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("something else")
    below = str(file / "data")
    for arguments in (
        ["-d", str(file), "init"],
        ["-d", below, "serve"],
        ["demo", "--directory", str(file)],
        ["demo", "--directory", below],
    ):
        answer = invoke(tmp_path, *arguments)
        assert answer.returncode == 3, answer.stderr
        assert answer.stderr.strip().startswith(str(file)), answer.stderr
        assert "report it" not in answer.stderr
    assert file.read_text() == "something else"


def test_a_backup_that_cannot_be_written_is_named(directory: Path) -> None:
    to = directory / DATABASE_FILE / "copy.sqlite3"
    answer = invoke(directory, "backup", str(to))
    assert (answer.returncode, answer.stdout) == (3, "")
    assert answer.stderr.startswith(str(to.parent)), answer.stderr


@pytest.mark.parametrize("arguments", [["serve"], ["backup"], ["user", "list"]], ids=" ".join)
def test_a_file_that_is_no_database_is_no_mystery(directory: Path, arguments: list[str]) -> None:
    (directory / DATABASE_FILE).write_bytes(b"no database" * 500)
    answer = invoke(directory, *arguments)
    assert answer.returncode == 3, answer.stderr
    assert answer.stderr == "The database cannot be read: file is not a database. Run minutebook doctor.\n"


def test_a_password_that_is_no_text_is_refused(directory: Path) -> None:
    """Bytes that are not UTF-8 reach a program as lone surrogates."""
    create = ("user", "create", "ada@x.example", "--name", "Ada", "--password-stdin")
    answer = invoke(directory, *create, typed="\udcff" * 12 + "\n")
    assert answer.returncode == 2, answer.stderr
    assert answer.stderr == "The password is not text in UTF-8.\n"
    assert invoke(directory, "user", "list", "--json").stdout == "[]\n"


def test_an_unexpected_error_is_one_line_and_how_to_see_more(directory: Path) -> None:
    database = sqlite3.connect(directory / DATABASE_FILE)
    database.execute('DROP TABLE "user"')
    database.close()
    answer = run(directory, "user", "list")
    assert answer.returncode == 1
    assert "MINUTEBOOK_DEBUG=1" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert "Traceback" in run(directory, "--debug", "user", "list").stderr


def test_serve_makes_all_ready_and_prints_a_link_that_founds(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        assert f"{server.address}/set-up/" in server.printed
        link = next(word for word in server.printed.split() if "/set-up/" in word)
        answer = httpx.get(link, follow_redirects=True)
        assert answer.status_code == 200
        assert "server" not in answer.headers
        second = run(
            tmp_path / "data", "user", "create", "a@x.example", "--name", "A", "--password-stdin", typed=PASSWORD
        )
        assert second.returncode == 3
        assert f"in use by process {server.process.pid}, most likely the Minutebook server" in second.stderr
        assert invoke(tmp_path / "data", "user", "list").returncode == 0
        assert invoke(tmp_path / "data", "doctor").returncode == 0
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(30) == 0
    with serving(tmp_path / "data") as server:
        assert link not in server.printed
        server.process.terminate()
        assert server.process.wait(30) == 0


def test_serve_refuses_a_newer_schema(directory: Path) -> None:
    database = sqlite3.connect(directory / DATABASE_FILE)
    with database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    answer = run(directory, "serve", PORT="0")
    assert answer.returncode == 3
    assert "9999" in answer.stderr
    assert "9999" in invoke(directory, "doctor").stderr


def test_a_backup_while_writing_opens_and_checks_clean(directory: Path, tmp_path: Path) -> None:
    store = Store(f"sqlite:///{directory / DATABASE_FILE}")
    deployment = Deployment(store, Ticking())
    owner = deployment.person("ada@x.example")
    number = deployment.found(owner)
    copy = tmp_path / "copy.sqlite3"
    with meanwhile(lambda: deployment.act(owner, number, BuyCredits(1, f"payment-{deployment.size(number)}"))):
        answer = run(directory, "backup", str(copy))
    assert answer.returncode == 0, answer.stderr
    assert "read back without an error" in answer.stderr
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    copied = Store(f"sqlite:///{copy}")
    assert len(check_log(copied)[number]) <= deployment.size(number)
    copied.close()
    store.close()
    again = invoke(directory, "backup", str(copy))
    assert (again.returncode, "never overwrites" in again.stderr) == (1, True)


def test_postgresql_is_backed_up_by_its_own_tools(tmp_path: Path) -> None:
    answer = invoke(tmp_path / "data", "backup", DATABASE_URL="postgresql://nobody@localhost/none")
    assert (answer.returncode, "pg_dump" in answer.stderr) == (2, True)


@pytest.mark.postgres
def test_on_postgresql_commands_work_beside_a_server(tmp_path: Path, postgres_url: str) -> None:
    url = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    directory = tmp_path / "data"
    with serving(directory, DATABASE_URL=url):
        made = invoke(
            directory,
            "user",
            "create",
            "a@x.example",
            "--name",
            "A",
            "--password-stdin",
            typed=PASSWORD,
            DATABASE_URL=url,
        )
        assert made.returncode == 0, made.stderr
        assert invoke(directory, "org", "create", "X", "--owner", "a@x.example", DATABASE_URL=url).returncode == 0
        doctor = invoke(directory, "doctor", DATABASE_URL=url)
        assert doctor.returncode == 0, doctor.stderr


def test_the_version_and_the_help() -> None:
    here = Path.cwd()
    assert run(here, "--version").stdout.startswith("minutebook ")
    for arguments in ([], ["serve"], ["demo"], ["init"], ["search"], ["doctor"], ["backup"], ["user"], ["org", "plan"]):
        answer = invoke(here, *arguments, "--help")
        assert answer.returncode == 0
        assert "minutebook" in answer.stdout
