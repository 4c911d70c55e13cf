"""The security log: JSON lines in a file that begins anew when it is large, whatever else writes to it."""

from __future__ import annotations

import ast
import json
import stat
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from structlog.testing import capture_logs

import minutebook
from minutebook import security
from minutebook.model import DAY, MINUTE, Role
from minutebook.organization import links
from minutebook.record import PersonalCommand
from minutebook.security import APART, EACH_MINUTE, EVENTS, FIELDS, MOST, SecurityLog
from tests.support.commands import all_commands
from tests.support.dashboard import Dashboard, staff
from tests.support.deployment import Deployment, Ticking
from tests.support.syntax import parsed

NOW = 1_793_923_200_000_000


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """The file that this process writes to."""
    path = tmp_path / "security.jsonl"
    security.write_to(SecurityLog(path, 100_000, 3, lambda: NOW))
    yield path
    security.write_to(None)


def lines(*files: Path) -> list[dict[str, object]]:
    return [json.loads(line) for file in files if file.exists() for line in file.read_bytes().splitlines()]


def test_every_event_and_field_that_is_written_is_documented() -> None:
    """Against the code: each call names an event of the table, and all of its fields; nothing else is in the tables."""
    told: dict[str, set[str]] = defaultdict(set)
    root = Path(minutebook.__file__).parent
    for source in root.rglob("*.py"):
        for node in ast.walk(parsed(source.read_text())):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func) == "security.tell"):
                continue
            fields = {str(keyword.arg) for keyword in node.keywords} - {"times"}
            name = node.args[0]
            found = [name.value] if isinstance(name, ast.Constant) else UNRECORDED
            for event in found:
                told[str(event)] |= fields
    assert {event: set(fields) for event, (_, fields) in EVENTS.items()} == told
    assert set(FIELDS) == {"at", "event", "times"}.union(*told.values())


UNRECORDED = [
    *("password_changed", "password_chosen", "password_reset", "profile_changed"),
    *("recovery_code_used", "recovery_codes_made"),
    *("second_factor_added", "second_factor_removed", "second_factors_taken", "sessions_ended"),
    "user_deleted",
]
"""What acts on a person are called in the security log."""


def test_acts_on_a_person_are_documented_as_well() -> None:
    all_commands()
    assert sorted({command.unrecorded for command in PersonalCommand.__subclasses__()}) == UNRECORDED


def test_it_holds_who_was_refused_and_nothing_that_they_sent(sqlite_deployment: Deployment, file: Path) -> None:
    """Somebody without a seat, nobody who is known, tokens and links that are wrong or over, another site."""
    dashboard = Dashboard.of(staff(sqlite_deployment))
    outsider = dashboard.person("out@sider.example", "Out Sider")
    stranger, anybody = dashboard.signed_in(outsider), dashboard.anybody()
    stranger.get(dashboard.path("members") + "?q=secret-sent")
    anybody.ask(dashboard.api(), token="mbt_" + "secret-sent".ljust(43, "a"))
    anybody.ask(dashboard.api())
    anybody.post(dashboard.path("tokens", "new"), {"name": "secret-sent"})
    reset = links.new_link(dashboard.store, links.RESET, lifetime=DAY, user=outsider.id)
    dashboard.deployment.clock.go_on(2 * DAY)
    anybody.follow(anybody.get(f"/password/{reset}"))
    anybody.post("/sign-in", {"email": "nobody@x.example", "password": "secret-sent"})
    anybody.post(dashboard.path("sso"), {"domain": "secret-sent"}, Sec_Fetch_Site="cross-site")
    dashboard.signed_in(Role.MEMBER).get(dashboard.path("sso"))
    anybody.get(dashboard.path("members"))

    text = file.read_text()
    assert "secret-sent" not in text
    assert reset not in text
    told = [(line["event"], line.get("reason"), line.get("route"), line.get("user")) for line in lines(file)]
    assert told == [
        ("access_denied", "no seat", "/o/{org}/members", outsider.id),
        ("access_denied", "bad_token", "/api/v1/organizations/{org}/events", None),
        ("access_denied", "not_signed_in", "/api/v1/organizations/{org}/events", None),
        ("access_denied", "not_signed_in", "/o/{org}/tokens/new", None),
        ("access_denied", "link_over", "/password", None),
        ("sign_in_failed", "Wrong password", None, None),
        ("access_denied", "cross_origin", "none", None),
    ], "who holds a seat is in the organization's log, and who is asked to sign in was refused nothing"
    for line in lines(file):
        assert set(line) <= {"at", "event", *EVENTS[str(line["event"])][1]}
        assert line["at"] == "2026-11-06T00:00:00.000000Z"
        assert line["ip"] == "203.0.113.9"
    [failed] = [line for line in lines(file) if line["event"] == "sign_in_failed"]
    assert failed["email"] == "nobody@x.example"


def test_it_begins_anew_when_it_is_large_and_keeps_as_many_as_it_should(tmp_path: Path) -> None:
    path = tmp_path / "security.jsonl"
    log = SecurityLog(path, 1_000, 2, lambda: NOW)
    for number in range(100):
        log.write("sign_in_failed", {"user": f"usr_{number}", "attempt": number})
    assert sorted(file.name for file in tmp_path.iterdir()) == [path.name, f"{path.name}.1", f"{path.name}.2"]
    numbered = [path.with_name(f"{path.name}.{number}") for number in (2, 1)]
    assert all(file.stat().st_size <= 1_000 for file in (*numbered, path))
    found = [line["attempt"] for line in lines(*numbered, path)]
    assert found == list(range(100 - len(found), 100)), "the newest, without a gap"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    none_kept = SecurityLog(tmp_path / "one.jsonl", 100, 0, lambda: NOW)
    for number in range(3):
        none_kept.write("sign_in_failed", {"email": "x" * 80, "attempt": number})
    assert [line["attempt"] for line in lines(none_kept.path)] == [2], "a line that is longer has a file of its own"
    assert not none_kept.path.with_name("one.jsonl.1").exists()


def test_a_flood_from_one_place_pushes_out_nothing(tmp_path: Path) -> None:
    """10,000 refusals in ten minutes are 110 lines, and what somebody else did among them is there."""
    clock = Ticking(NOW, step=MINUTE // 1_000)
    log = SecurityLog(tmp_path / "security.jsonl", 100_000, 0, clock)
    log.write("password_changed", {"user": "usr_1", "ip": "2001:db8::1"})
    for number in range(10_000):
        if number == 5_000:
            log.write("access_denied", {"reason": "no seat", "ip": "2001:db8:0:1::1"})
            log.write("access_denied", {"reason": "no seat", "ip": "2001:db8::7", "user": "usr_2"})
        fields = {
            "route": f"/{number % 3}",
            "reason": "no seat",
            "ip": f"2001:db8::{number:x}",
            "request_id": str(number),
        }
        log.write("access_denied", dict(fields))
    log.write_counted(at_once=True)
    first, *told = lines(log.path)
    assert first["event"] == "password_changed"
    assert sum(line.get("ip") == "2001:db8:0:1::1" for line in told) == 1
    assert sum(line.get("user") == "usr_2" for line in told) == 1, "who is signed in is not hidden by their neighbours"
    assert sum(int(str(line.get("times", 1))) for line in told) == 10_002, "each is told or counted"
    assert len(told) <= 11 * (EACH_MINUTE + 1) + 2
    counted = [line for line in told if "times" in line]
    assert all(set(line) == {"at", "event", "reason", "ip", "times"} for line in counted), "what they have in common"
    assert {line["ip"] for line in counted} == {"2001:db8::/64"}
    assert int(str(counted[1]["times"])) > 900
    clock.go_on(MINUTE)
    log.write_counted()
    assert len(lines(log.path)) == len(told) + 1, "nothing is told twice"


def test_what_was_counted_is_told_in_time_and_before_it_ends(file: Path) -> None:
    def refuse(times: int) -> None:
        for number in range(times):
            security.tell("sign_in_limited", account=f"{number}@x.example", what="password", ip="192.0.2.7")

    refuse(EACH_MINUTE)
    refuse(2)
    security.tell_counted()  # the minute is not over
    assert len(lines(file)) == EACH_MINUTE
    security.tell("access_denied", reason="the same of another kind", ip="192.0.2.7")
    refuse(1)
    security.write_to(None)
    counted = {"event": "sign_in_limited", "what": "password", "ip": "192.0.2.7", "times": 3}
    assert [line | {"at": ""} for line in lines(file)[EACH_MINUTE + 1 :]] == [counted | {"at": ""}]


@pytest.mark.parametrize(
    ("address", "network"), [("2001:db8:0:{}::1", "2001:db8::/48"), ("198.51.100.{}", "198.51.100.0/24")]
)
def test_who_has_a_network_of_addresses_hides_nobody_elsewhere(tmp_path: Path, address: str, network: str) -> None:
    """Nor pushes anything out: thousands of refusals from all of it are some hundred lines."""
    log = SecurityLog(tmp_path / "security.jsonl", 10_000_000, 0, lambda: NOW)
    for number in range(5_000):
        log.write("access_denied", {"reason": "no seat", "ip": address.format(number % 250)})
    elsewhere = {"reason": "no seat", "ip": "2001:db8:1::1"}
    log.write("access_denied", dict(elsewhere))
    log.write_counted(at_once=True)
    found = lines(log.path)
    assert [line["ip"] for line in found[EACH_MINUTE * (APART + 1) :]][:2] == [elsewhere["ip"], network]
    assert len(found) == (APART + 1) * (EACH_MINUTE + 1) + 1
    assert sum(int(str(line.get("times", 1))) for line in found) == 5_001


def test_a_flood_from_everywhere_is_counted_together(tmp_path: Path) -> None:
    """By its networks as long as there are not too many, and then all of it."""
    log = SecurityLog(tmp_path / "security.jsonl", 10_000_000, 0, lambda: NOW)
    for number in range(2 * MOST + EACH_MINUTE + 5):
        log.write("access_denied", {"reason": "no seat", "ip": f"10.{number // 256}.{number % 256}.1"})
    for number in range(EACH_MINUTE):
        log.write("access_denied", {"reason": "no seat", "ip": f"10.{MOST // 256}.{MOST % 256}.{2 + number}"})
    log.write_counted(at_once=True)
    *told, of_others, of_network = lines(log.path)
    assert (len(told), of_network.get("times"), of_others["times"]) == (2 * MOST + 2 * EACH_MINUTE - 1, None, 5)


def test_several_processes_and_threads_lose_no_line(tmp_path: Path) -> None:
    """Each log here opens the file by itself, as each process does."""
    path = tmp_path / "security.jsonl"
    logs = [SecurityLog(path, 2_000, 1_000, lambda: NOW) for _ in range(3)]
    with ThreadPoolExecutor(9) as threads:
        list(threads.map(lambda number: logs[number % 3].write("user_deleted", {"user": str(number)}), range(600)))
    found = sorted(int(str(line["user"])) for line in lines(*tmp_path.iterdir()))
    assert found == list(range(600))
    assert len(list(tmp_path.iterdir())) > 10


def test_what_cannot_be_written_is_in_the_servers_log(tmp_path: Path) -> None:
    security.write_to(SecurityLog(tmp_path / "gone" / "security.jsonl", 1_000, 1, lambda: NOW))
    try:
        with capture_logs() as logs:
            security.tell("sign_in_limited", email="x@x.example", ip=None)
    finally:
        security.write_to(None)
    assert [entry["event"] for entry in logs] == ["security_log_not_written", "sign_in_limited"]
    assert logs[1] == {"event": "sign_in_limited", "email": "x@x.example", "log_level": "warning"}
