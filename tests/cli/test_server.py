"""search, tail and export from a server that runs: what the database gives, to whoever has a token, over a bad wire."""

from __future__ import annotations

import functools
import json
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from time import sleep
from typing import Any
from zoneinfo import ZoneInfo

import httpx2 as httpx
import pytest

from minutebook.actions.log import Format
from minutebook.cli.api import TRIES, Api, ServerFailed, ServerUnavailable, TooBusy
from minutebook.cli.deployment import operate
from minutebook.cli.server import Server, _page
from minutebook.config import DATABASE_FILE
from minutebook.deliver import export, partial
from minutebook.deliver.formats import FORMATS
from minutebook.filters import EVERYTHING
from minutebook.model import Event
from minutebook.organization.credits import BuyCredits
from minutebook.organization.tokens import CreateToken, RevokeToken, new_secret
from minutebook.store import checkpoints, log
from minutebook.store.engine import Store, system_clock
from minutebook.web.api.principal import ORGANIZATIONS
from minutebook.web.rates import Rates
from tests.deliver.test_memory import EVENTS, fill, peak
from tests.support import command_line
from tests.support.check_log import check_log
from tests.support.command_line import PROGRAM, environment, invoke
from tests.support.deployment import Deployment
from tests.support.exports import read
from tests.support.server import serving
from tests.support.walk import FILLED
from tests.support.wire import wire

UNKNOWN = "mbt_" + "a" * 43


@dataclass
class Calder:
    """The data directory of an organization with a token for each purpose, and where its server answers."""

    directory: Path
    secrets: dict[str, str]
    server: str = ""

    def ask(
        self, *arguments: str, token: str = "all", server: str | None = None, zone: str = "UTC", **settings: str
    ) -> subprocess.CompletedProcess[str]:
        """A command of somebody who has no database."""
        nowhere = self.directory.parent / "nowhere"
        secret = self.secrets.get(token, token)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TZ", zone)
            return invoke(nowhere, *arguments, SERVER=server or self.server, TOKEN=secret, **settings)

    def events(self) -> list[Event]:
        store = Store(f"sqlite:///{self.directory / DATABASE_FILE}", lock=False)
        with store.reading() as connection:
            found = list(log.events(connection, FILLED))
        store.close()
        return found


@pytest.fixture(scope="module")
def made(sqlite_filled: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Calder:
    directory = tmp_path_factory.mktemp("server") / "data"
    directory.mkdir(mode=0o700)
    shutil.copy(sqlite_filled.store.file, directory / DATABASE_FILE)
    (directory / DATABASE_FILE).chmod(0o600)
    store = Store(f"sqlite:///{directory / DATABASE_FILE}")
    secrets = {
        name: token(store, name, *scopes)[0]
        for name, scopes in (
            ("all", ("log.read", "log.export")),
            ("reads", ("log.read",)),
            ("exports", ("log.export",)),
        )
    }
    store.close()
    return Calder(directory, secrets)


def token(store: Store, name: str, *scopes: str, organization: int = FILLED) -> tuple[str, str]:
    """The secret of a new token, and its id."""
    secret = new_secret(store.randomness)
    event = operate(store, organization, CreateToken(name, scopes, 30, secret))
    assert isinstance(event, Event)
    return secret, str(event.details["token"])


@pytest.fixture(scope="module")
def calder(made: Calder) -> Iterator[Calder]:
    """Beside a server that is a process of its own and has signed the log."""
    with command_line.serving(made.directory) as running:
        with closing(Store(f"sqlite:///{made.directory / DATABASE_FILE}", lock=False)) as store:
            while not _is_signed(store):
                assert running.process.poll() is None
                sleep(0.1)
        yield Calder(made.directory, made.secrets, running.address)


def _is_signed(store: Store) -> bool:
    with store.reading() as connection:
        return checkpoints.latest(connection, FILLED) is not None


# --- search ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["--newest-first", "--oldest-first"])
@pytest.mark.parametrize("at_once", [7, 1000])
def test_it_finds_and_prints_what_the_database_gives(
    calder: Calder, monkeypatch: pytest.MonkeyPatch, order: str, at_once: int
) -> None:
    monkeypatch.setattr("minutebook.cli.server.MOST_EVENTS", at_once)
    monkeypatch.setattr("minutebook.cli.console.out.width", 200)
    assert calder.ask("search").returncode == 0  # the token sits down: from here on the log does not grow
    for query in ([], ["action:user.invite,member.*"], ["--", "-actor:ada@calder.example"], ["nothing-is-called-so"]):
        for form in (["--json", "--limit", "1000"], ["--limit", "11"], ["--limit", "7", "--utc"]):
            arguments = ("search", order, *form, *query)
            here = invoke(calder.directory, *arguments[:1], "--org", "Calder", "--unrecorded", *arguments[1:], TZ="UTC")
            there = calder.ask(*arguments)
            assert (there.returncode, there.stdout) == (0, here.stdout), there.stderr
            assert here.stderr == "This reading is not recorded in the log.\n" + there.stderr
    assert len(calder.ask("search", "--json", "--limit", "1000").stdout.splitlines()) == len(calder.events())


def test_the_token_is_who_read(calder: Calder) -> None:
    assert calder.ask("search", token="reads").returncode == 0
    views = [event for event in calder.events() if event.action == "log.view" and event.actor.name == "reads"]
    [view] = views
    assert (view.actor.kind, view.context.client) == ("token", "api")
    assert str(view.context.user_agent).startswith("minutebook/")


def test_where_the_token_may_stand(calder: Calder, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(calder.secrets["all"] + "\n")
    nowhere = tmp_path / "nowhere"
    for arguments, settings in (
        (("--server", calder.server, "--token-file", str(file)), {"TOKEN": UNKNOWN}),
        ((), {"SERVER": calder.server, "TOKEN_FILE": str(file)}),
        (("--server", calder.server + "/"), {"TOKEN": calder.secrets["all"], "SERVER": "https://other.example"}),
    ):
        answer = invoke(nowhere, "search", *arguments, **settings)
        assert answer.returncode == 0, answer.stderr
    for org in ("Calder", json.loads(ask_api(calder, "organizations").content)["organizations"][0]["id"]):
        assert calder.ask("search", "--org", org).returncode == 0


def ask_api(calder: Calder, path: str, **query: object) -> httpx.Response:
    headers = {"Authorization": f"Bearer {calder.secrets['all']}"}
    params = {name: str(value) for name, value in query.items()}
    return httpx.get(f"{calder.server}/api/v1/{path}", headers=headers, params=params)


@pytest.mark.parametrize("command", ["search", "tail", "export"])
@pytest.mark.parametrize(
    ("arguments", "settings", "code", "said"),
    [
        ((), {"TOKEN": ""}, 2, "Set MINUTEBOOK_TOKEN"),
        ((), {"TOKEN": "secret of something else"}, 2, "it is mbt_ and 43 characters"),
        ((), {"TOKEN": UNKNOWN}, 1, "This API token cannot be used: it is wrong, has expired or was revoked."),
        (("--token-file", "/none/such"), {}, 3, "/none/such: No such file"),
        (("--org", "Kestrel"), {}, 2, "The API token is of Calder (org_"),
        ((), {"SERVER": "http://minutebook.example"}, 2, "could be read on the way"),
        ((), {"SERVER": "http://127.0.0.1:1"}, 3, "The server http://127.0.0.1:1 does not answer"),
        ((), {"SERVER": "ftp://minutebook.example"}, 2, "MINUTEBOOK_SERVER is not accepted: it is http:// or https://"),
        (("actoin:user.login",), {}, 2, "actoin"),
        (("--token-file", "x"), {"SERVER": ""}, 2, "--token-file goes with --server"),
    ],
)
def test_what_is_refused_says_why_and_nothing_is_recorded(
    calder: Calder, command: str, arguments: tuple[str, ...], settings: dict[str, str], code: int, said: str
) -> None:
    before = len(calder.events())
    given = {"SERVER": calder.server, "TOKEN": calder.secrets["all"]} | settings
    answer = invoke(calder.directory.parent / "nowhere", command, *arguments, **given)
    assert (answer.returncode, answer.stdout) == (code, ""), answer.stderr
    assert said in " ".join(answer.stderr.split())
    assert "mbt_a" not in answer.stderr
    assert len(calder.events()) == before


@pytest.mark.parametrize(("command", "scope"), [("search", "exports"), ("tail", "exports"), ("export", "reads")])
def test_a_token_of_another_scope_is_refused(calder: Calder, command: str, scope: str) -> None:
    def read() -> int:
        return sum(event.action in {"log.view", "log.export"} for event in calder.events())

    before = read()
    answer = calder.ask(command, token=scope)
    verb = "export" if command == "export" else "read"
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr == f"This API token may not {verb} the audit log.\n"
    assert read() == before


@pytest.mark.parametrize("command", ["search", "tail"])
def test_a_server_cannot_be_read_without_a_record(calder: Calder, command: str) -> None:
    answer = calder.ask(command, "--unrecorded")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "A server records that it is read" in answer.stderr


def test_what_only_the_server_can_say_is_said_as_it_says_it(calder: Calder) -> None:
    for arguments, code, said in (
        (("tail", "--after", "99999"), 2, "There is no event 99,999 in this log; its newest is "),
        (("export", "--first", "99999"), 2, "99,999 lies beyond the "),
    ):
        answer = calder.ask(*arguments)
        assert (answer.returncode, answer.stdout) == (code, "")
        assert said in answer.stderr


def test_beside_a_server_the_database_names_it(calder: Calder) -> None:
    for command in ("search", "tail", "export"):
        answer = invoke(calder.directory, command, "--org", "Calder", PUBLIC_URL="https://minutebook.example")
        assert answer.returncode == 3
        assert "add --server with its address, such as https://minutebook.example." in answer.stderr
        assert ("--unrecorded" in answer.stderr) is (command != "export")


def test_what_is_no_minutebook_is_told_apart(calder: Calder) -> None:
    """And gets nothing out of a command but an error; nor is the token given to another server."""
    with wire(calder.server) as between:
        answers = {
            "no Minutebook": lambda data: data.replace(b"application/json", b"text/html; x=xxx"),
            "a proxy that fails": lambda data: data.replace(b"HTTP/1.1 200 OK", b"HTTP/1.1 502 OK"),
        }
        for change in answers.values():
            between.change = change
            answer = calder.ask("search", server=between.address)
            assert (answer.returncode, answer.stdout) == (3, "")
            assert "but not as Minutebook. Is it the address?" in answer.stderr
        for body in (b"[]", b"{", b"{}", b'{"organizations":7}', b'{"organizations":[{}]}'):
            between.change = functools.partial(instead, body=body)
            answer = calder.ask("search", server=between.address)
            assert (answer.returncode, answer.stdout) == (3, ""), body
            assert "but not as Minutebook. Is it the address?" in answer.stderr, body
        between.change = lambda data: data.replace(b'"next":"/api', b'"next":"@x.y')
        answer = calder.ask("search", "--json", "--limit", "1000", server=between.address)
        assert answer.returncode == 0
    with Api(calder.server, calder.secrets["all"]) as api, pytest.raises(ServerFailed, match="another server"):
        api.get("@evil.example/api/v1/organizations", dict)


def instead(data: bytes, body: bytes) -> bytes:
    """An answer with another body."""
    head, blank, _ = data.partition(b"\r\n\r\n")
    if not blank or not head.startswith(b"HTTP/1.1 200"):
        return data
    return re.sub(rb"content-length: \d+", b"content-length: %d" % len(body), head) + blank + body


@pytest.mark.parametrize("command", ["export", "export --format bundle", "tail", "search"])
def test_a_page_to_sign_in_at_is_no_answer(calder: Calder, tmp_path: Path, command: str) -> None:
    """As some proxies send it, with status 200."""
    file = tmp_path / "file"
    output = ["--output", str(file)] if command.startswith("export") else []
    with wire(calder.server) as between:
        others = re.compile(rb"content-type: (?!application/json[;\r])[^\r]*")
        between.change = lambda data: others.sub(b"content-type: text/html", data)
        if command == "search":
            between.change = lambda data: data.replace(b"application/json", b"text/html; x=xxx")
        answer = calder.ask(*command.split(), *output, server=between.address)
    assert (answer.returncode, answer.stdout, file.exists()) == (3, "", False)
    assert "but not as Minutebook. Is it the address?" in answer.stderr


@pytest.mark.parametrize(
    ("events", "more"), [([{}], None), ([7], None), ([{"seq": 1}], None), (7, None), ([], 5), (None, None)]
)
def test_a_page_of_something_else_is_no_answer(calder: Calder, events: object, more: object) -> None:
    with Api(calder.server, calder.secrets["all"]) as api, pytest.raises(ServerFailed, match="but not as Minutebook"):
        api.get(ORGANIZATIONS, lambda _: _page({"events": events, "next": more}))


def test_problem_details_of_somebody_else_are_told(calder: Calder) -> None:
    with Api(calder.server, calder.secrets["all"]) as api:
        for errors in ({"q": ["bad"]}, ["bad"], 7):
            assert api.refusal(400, {"detail": "Bad request.", "errors": errors}).message == "Bad request."


def test_no_proxy_gets_a_token_that_is_not_encrypted(calder: Calder) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            patch.setenv(name, "http://127.0.0.1:9")  # where nobody answers
        answer = calder.ask("search", "--json")
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HTTPS_PROXY", "foo://bar"),
        ("HTTPS_PROXY", "http://user:pa/ss@proxy.example:8080"),
        ("HTTPS_PROXY", "socks5://127.0.0.1:9"),
        ("SSL_CERT_FILE", "/none/such.pem"),
    ],
)
def test_what_the_environment_names_in_vain_is_told(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(ServerUnavailable, match="proxy or the certificates that the environment names"):
        Api("https://minutebook.example", UNKNOWN)


# --- how often ---------------------------------------------------------------------------------------------------


class Watch:
    """A clock that goes on while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waited: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += seconds


def test_asked_too_often_it_waits_as_long_as_the_server_says(
    filled_sqlite: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("minutebook.cli.server.MOST_EVENTS", 5)
    store, watch = filled_sqlite.store, Watch()
    secret, _ = token(store, "often", "log.read")
    watch.now = 30.0
    with serving(store, rates=Rates(3, watch)) as address, Api(address, secret, watch.wait) as api:
        found = [json.loads(line)["seq"] for line in Server(api, None).find(EVERYTHING, 1000, oldest_first=True)]
    assert found == list(range(filled_sqlite.size(FILLED)))
    assert watch.waited[:2] == [30, 60]
    said = capsys.readouterr().err
    assert "This API token has asked more than 3 times in a minute. Try again in 30 seconds." in said
    assert "Going on in 30 seconds." in said


def test_a_server_that_never_has_enough_is_given_up(filled_sqlite: Deployment) -> None:
    secret, _ = token(filled_sqlite.store, "often", "log.read")
    waited: list[float] = []
    with (
        serving(filled_sqlite.store, rates=Rates(0)) as address,
        Api(address, secret, waited.append) as api,
        pytest.raises(TooBusy, match="has asked more than 0 times"),
    ):
        Server(api, None).origin()
    assert len(waited) == TRIES - 1


# --- export ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_", FORMATS)
def test_the_file_is_the_one_that_the_server_would_write(calder: Calder, tmp_path: Path, format_: Format) -> None:
    file = tmp_path / f"calder.{FORMATS[format_].extension}"
    query = "action:user.*,member.* -actor:nobody@x.example"
    answer = calder.ask("export", query, "--output", str(file))
    assert (answer.returncode, answer.stdout) == (0, ""), answer.stderr
    found, trailer = read(format_, file.read_bytes())
    assert f"{len(found)} events, {file.stat().st_size:,} bytes" in answer.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]
    last = calder.events()[-1]
    assert (last.action, last.actor.name) == ("log.export", "all")
    assert last.details == {"v": 1, "format": "jsonl", "size": trailer["size"], "query": trailer["query"]}
    events = f"organizations/{trailer['organization']}/events/export"
    theirs = ask_api(calder, events, q=query, format=format_.value, size=trailer["size"])
    assert read(format_, theirs.content) == (found, trailer)
    if FORMATS[format_].is_text:
        assert file.read_bytes() == theirs.content


@pytest.mark.parametrize("format_", [Format.JSONL, Format.BUNDLE])
def test_a_day_is_one_of_the_terminals_zone(calder: Calder, tmp_path: Path, format_: Format) -> None:
    today = datetime.now(ZoneInfo("Pacific/Kiritimati")).date()  # fourteen hours before UTC
    midnight = datetime.combine(today, time(), ZoneInfo("Pacific/Kiritimati")).astimezone(UTC)
    meant = f"before:{midnight:%Y-%m-%dT%H:%MZ}"
    file = tmp_path / "day"
    done = calder.ask("export", "before:today", "--output", str(file), "--format", format_, zone="Pacific/Kiritimati")
    assert done.returncode == 0, done.stderr
    recorded = [event.details for event in calder.events() if event.action == "log.export"][-1]
    assert recorded["query"] == meant
    if format_ is Format.JSONL:
        assert json.loads(file.read_bytes().splitlines()[-1])["trailer"]["query"] == meant


def test_to_a_pipe(calder: Calder) -> None:
    settings = {"SERVER": calder.server, "TOKEN": calder.secrets["exports"], "DATA_DIRECTORY": "/none"}
    done = subprocess.run(
        [*PROGRAM, "export", "--first", "3"], env=environment(settings), capture_output=True, check=True, timeout=100
    )
    found, trailer = read(Format.JSONL, done.stdout)
    assert [event["seq"] for event in found] == list(range(3, trailer["size"]))


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PIECE", 1)
    monkeypatch.setattr(partial, "KEEP_EVERY", 1)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("format_", [Format.CSV, Format.JSONL, Format.PARQUET])
def test_an_export_that_broke_off_goes_on(calder: Calder, tmp_path: Path, format_: Format) -> None:
    file = tmp_path / f"calder.{FORMATS[format_].extension}"
    with wire(calder.server) as between:
        for between.most in (6_000, 9_000):
            before = len(calder.events())
            broken = calder.ask("export", "-o", str(file), server=between.address)
            assert (broken.returncode, broken.stdout, file.exists()) == (3, "", False), broken.stderr
            assert "The export is not whole. Run the same again: it goes on where it stopped." in broken.stderr
            assert "does not answer" in broken.stderr
            assert len(calder.events()) == before + 1
        between.most = None
        answer = calder.ask("export", "-o", str(file), server=between.address)
    assert answer.returncode == 0, answer.stderr
    found, trailer = read(format_, file.read_bytes())
    assert [int(event["seq"]) for event in found] == list(range(trailer["size"]))
    first, second, third = [event.details for event in calder.events()[-3:]]
    assert first["size"] == second["size"] == third["size"] == trailer["size"]
    if FORMATS[format_].is_text:
        assert 0 < int(str(second["first"])) < int(str(third["first"]))


@pytest.mark.usefixtures("small_pieces")
def test_what_was_altered_on_the_way_is_not_kept(calder: Calder, tmp_path: Path) -> None:
    file = tmp_path / "calder.jsonl"
    with wire(calder.server) as between:
        between.change = lambda data: data.replace(b"user.invite", b"user.invitE")
        answer = calder.ask("export", "-o", str(file), server=between.address)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "What arrived is not what the server exported" in answer.stderr
    assert not list(tmp_path.iterdir())


def test_an_export_without_its_end_is_noticed(calder: Calder, tmp_path: Path) -> None:
    file = tmp_path / "calder.jsonl"
    with wire(calder.server) as between:
        between.change = lambda data: data.replace(b'{"trailer":', b'{"tra1ler":')
        answer = calder.ask("export", "-o", str(file), server=between.address)
    assert (answer.returncode, file.exists()) == (1, False)


MEASURED = """
import sys
from minutebook.cli import main
from tests.deliver.test_memory import peak
sys.argv[1:1] = ["export"]
try:
    main()
finally:
    print(peak())
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_memory_does_not_grow_with_what_arrives_nor_with_what_is_sent(
    sqlite_deployment: Deployment, tmp_path: Path
) -> None:
    """R12 at both ends: of the program that receives, and of the server, a process of its own."""
    store, organization = sqlite_deployment.store, fill(sqlite_deployment)
    secret, _ = token(store, "exports", "log.export", organization=organization)
    directory, size = store.file.parent, sqlite_deployment.size(organization)
    store.close()
    received: list[int] = []
    sent: list[int] = []
    with command_line.serving(directory) as server:
        for number, first in enumerate((size - 2_000, 0)):
            done = subprocess.run(
                [sys.executable, "-c", MEASURED, "--first", str(first), "-o", str(tmp_path / f"{number}.jsonl")],
                env=environment({"SERVER": server.address, "TOKEN": secret, "DATA_DIRECTORY": "/none"}),
                cwd=Path(__file__).parents[2],
                capture_output=True,
                check=True,
            )
            received.append(int(done.stdout))
            sent.append(peak(server.process.pid))
    assert received[1] - received[0] <= 8 * 1024, received  # KiB; the whole file would be twice that and more
    assert sent[1] - sent[0] <= 8 * 1024, sent
    found, _ = read(Format.JSONL, (tmp_path / "1.jsonl").read_bytes())
    assert len(found) > EVENTS


# --- tail --------------------------------------------------------------------------------------------------------


@contextmanager
def tailing(server: str, secret: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The program, when it has said that it follows."""
    process = subprocess.Popen(
        [*PROGRAM, "tail", "--json", *arguments],
        env=environment({"SERVER": server, "TOKEN": secret, "DATA_DIRECTORY": "/none"}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr
        greeting = process.stderr.readline()
        assert greeting.startswith("Following Calder (org_"), greeting + process.stderr.read()
        yield process
    finally:
        process.kill()
        process.communicate()


def numbers(process: subprocess.Popen[str], number: int) -> list[Any]:
    assert process.stdout
    return [json.loads(process.stdout.readline())["seq"] for _ in range(number)]


@pytest.fixture
def live(filled_sqlite: Deployment) -> Iterator[Deployment]:
    filled_sqlite.store.clock = system_clock
    yield filled_sqlite
    check_log(filled_sqlite.store)


def buy(live: Deployment, reference: str) -> int:
    return live.act(None, FILLED, BuyCredits(500, reference)).seq


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    rest, complaint = process.communicate(timeout=20)
    assert (process.returncode, rest, complaint) == (0, "", "")


def test_a_tail_goes_on_when_the_server_is_back_without_gap_or_repeat(live: Deployment) -> None:
    secret, _ = token(live.store, "tails", "log.read")
    port = free_port()
    with ExitStack() as until_the_end:
        with serving(live.store, port=port) as address:
            process = until_the_end.enter_context(tailing(address, secret, "action:credits.purchase"))
            bought = [buy(live, f"before-{number}") for number in range(3)]
            assert numbers(process, 3) == bought
        bought = [buy(live, f"meanwhile-{number}") for number in range(150)]
        assert process.stderr
        assert process.stderr.readline().startswith("The server cannot be followed just now.")
        with serving(live.store, port=port):
            assert numbers(process, 150) == bought
            after = buy(live, "after")
            assert numbers(process, 1) == [after]
            stop(process)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def test_a_tail_outlives_a_server_that_is_killed(filled_sqlite: Deployment) -> None:
    store, port = filled_sqlite.store, free_port()
    secret, _ = token(store, "tails", "log.read")
    # recorded meanwhile: a step of the clock, the end of what support staff was let in for, and that it is read
    directory, size = store.file.parent, filled_sqlite.size(FILLED) + 3
    store.close()
    with ExitStack() as until_the_end:
        with command_line.serving(directory, port=port) as running:
            process = until_the_end.enter_context(tailing(running.address, secret, "--after", "-1"))
            assert numbers(process, size) == list(range(size))
            running.process.kill()
        store = Store(store.url)
        for number in range(3):
            operate(store, FILLED, BuyCredits(500, f"meanwhile-{number}"))
        store.close()
        with command_line.serving(directory, port=port):
            assert numbers(process, 3) == [size, size + 1, size + 2]
            stop_anyhow(process)


def test_a_tail_that_is_cut_off_anywhere_has_every_event_once(live: Deployment) -> None:
    secret, _ = token(live.store, "tails", "log.read")
    with serving(live.store) as address, wire(address) as between:
        between.most = 9_000
        with tailing(between.address, secret, "--after", "-1") as process:
            size = live.size(FILLED)
            assert numbers(process, size) == list(range(size))
            assert between.connections > 2
            stop_anyhow(process)


def stop_anyhow(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    assert (process.wait(20), process.stdout and process.stdout.read()) == (0, "")


def test_a_tail_whose_token_is_revoked_ends(live: Deployment) -> None:
    secret, id_ = token(live.store, "tails", "log.read")
    with serving(live.store) as address, tailing(address, secret) as process:
        seen = buy(live, "seen")
        assert seen in numbers(process, 2 if live.events(FILLED)[seen - 1].action == "log.view" else 1)
        operate(live.store, FILLED, RevokeToken(id_))
        rest, complaint = process.communicate(timeout=30)
    assert (process.returncode, rest) == (1, "")
    assert complaint == "This API token has expired or was revoked.\n"


def test_people_read_lines(live: Deployment) -> None:
    secret, _ = token(live.store, "tails", "log.read")
    with serving(live.store) as address:
        settings = {"SERVER": address, "TOKEN": secret, "DATA_DIRECTORY": "/none"}
        command = [*PROGRAM, "tail", "action:credits.purchase"]
        process = subprocess.Popen(
            command, env=environment(settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr
        assert process.stdout
        process.stderr.readline()
        buy(live, "r-1")
        line = process.stdout.readline()
        process.kill()
        process.communicate()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \w+  credits.purchase +.* payment r-1\n", line)
