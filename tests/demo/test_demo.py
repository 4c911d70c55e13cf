"""The demo tells a story that holds against the oracle, says that it is a demo, and leaves other directories alone."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from pathlib import Path

import httpx2 as httpx
import pytest

from minutebook.cli.demo import GUESTS
from minutebook.config import SECURITY_LOG
from minutebook.demo.cast import CAST
from minutebook.demo.fill import MARKER, OURS, fill, is_demo, prepare
from minutebook.errors import Conflict
from minutebook.model import DAY
from minutebook.store import log
from minutebook.store.engine import Store, system_clock
from tests.support.check_log import check_log
from tests.support.command_line import run, serving
from tests.support.full import FULL

DOCUMENTATION = [ip_network(name) for name in ("203.0.113.0/24", "198.51.100.0/24", "192.0.2.0/24", "2001:db8::/32")]


def ignored(_part: float) -> None:
    """Nobody looks how far it is."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the first forty days of the story."""
    directory = tmp_path_factory.mktemp("demo") / "minutebook-demo"
    told: list[float] = []
    assert prepare(directory, fresh=False, seed=7, days=40, progress=told.append)
    assert told == sorted(told)
    return directory


def test_the_story_holds_against_the_oracle(filled: Path) -> None:
    store = Store(f"sqlite:///{filled / OURS[0]}")
    check_log(store)
    with store.reading() as connection:
        events = list(log.events(connection, 1))
    store.close()
    assert len(events) > 100
    keep = {"user.add_second_factor", "member.end_sessions", "user.logout", "token.create"}
    assert keep <= {event.action for event in events}
    assert {event.details.get("factor") for event in events} == {None, "totp", "passkey"}
    guests = {f"{key}@calder.example" for key, _ in GUESTS}
    assert not guests & {event.actor.email for event in events if event.action == "user.add_second_factor"}
    assert "(demonstration data)" in str(events[0].details["remark"])
    assert {event.context.client for event in events} == {"demo"}
    addresses = {ip_address(event.context.ip) for event in events if event.context.ip}
    assert all(any(address in network for network in DOCUMENTATION) for address in addresses)
    times = [event.recorded_at for event in events]
    assert times == sorted(times)
    assert times[-1] <= system_clock()
    assert times[0] > system_clock() - 44 * DAY


def test_the_cast_is_large_and_of_documentation_domains() -> None:
    assert len([persona for persona in CAST if persona.home == "Calder Robotics"]) >= 40
    assert len({persona.key for persona in CAST}) == len(CAST)
    assert all(persona.email.isascii() and persona.email.endswith(".example") for persona in CAST)


def test_what_was_filled_is_reused_and_what_was_broken_off_is_not(filled: Path) -> None:
    before = (filled / OURS[0]).read_bytes()
    assert not prepare(filled, fresh=False, seed=7, days=40, progress=ignored)
    assert (filled / OURS[0]).read_bytes() == before
    (filled / MARKER).write_text('{"state": "filling"}')
    assert prepare(filled, fresh=False, seed=7, days=3, progress=ignored)
    assert prepare(filled, fresh=True, seed=7, days=40, progress=ignored)


def test_a_directory_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("mine")
    with pytest.raises(Conflict, match="leaves it alone"):
        prepare(tmp_path, fresh=True, seed=7, days=3, progress=ignored)
    assert not is_demo(tmp_path)
    answer = run(tmp_path / "data", "demo", "--directory", str(tmp_path), "--fresh", "--no-serve")
    assert (answer.returncode, "leaves it alone" in answer.stderr) == (1, True)


def test_it_prints_links_that_sign_in_once_and_others_at_the_next_start(filled: Path) -> None:
    seen: set[str] = set()
    for _ in range(2):
        with serving(filled.parent / "x", "demo", "--directory", str(filled)) as server:
            links = re.findall(r"http://\S+/enter/\S+", server.printed)
            assert len(links) == 3
            assert not seen & set(links)
            seen |= set(links)
            assert "Wen Li" in server.printed
            with httpx.Client(follow_redirects=True) as browser:
                assert "Ada Okafor" in browser.get(links[0]).text
            password = re.findall(r"password, .*: (\S{12,})", server.printed)
            with httpx.Client(follow_redirects=True, base_url=links[0].partition("/enter/")[0]) as browser:
                answer = browser.post("/sign-in", data={"email": "mateo@calder.example", "password": password[0]})
                assert "Mateo Lindqvist" in answer.text


def test_serve_warns_that_the_history_is_invented(filled: Path) -> None:
    with serving(filled) as server:
        assert "/set-up/" not in server.printed
        server.process.terminate()
        assert server.process.stderr is not None
        assert "filled by the demo" in server.process.stderr.read()


@pytest.mark.slow
@pytest.mark.skipif(not FULL, reason="takes a minute; make test FULL=1")
@pytest.mark.timeout(600)
def test_a_whole_year_holds_against_the_oracle(tmp_path: Path) -> None:
    fill(tmp_path / OURS[0], "a password of all", seed=1, days=365, progress=ignored)
    store = Store(f"sqlite:///{tmp_path / OURS[0]}")
    logs = check_log(store)
    store.close()
    assert 4_500 < sum(len(events) for events in logs.values()) < 8_000
    assert b"support_staff_changed" in (tmp_path / SECURITY_LOG).read_bytes()
