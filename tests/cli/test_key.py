"""Keys and signing from the command line; and what a server does that finds less than was signed."""

from __future__ import annotations

import base64
import json
import re
import shutil
from pathlib import Path

import pytest

from minutebook.cli.doctor import SIGNED, examine
from minutebook.config import CUSTODY, DATABASE_FILE, load_settings
from minutebook.custody.high_water import Custody
from minutebook.evidence.checkpoint import Checkpoint
from minutebook.evidence.note import VerifierKey
from minutebook.organization.credits import BuyCredits
from minutebook.store import checkpoints, log
from minutebook.store.engine import Store
from minutebook.store.migrate import migrate
from tests.support.command_line import invoke, run, serving
from tests.support.deployment import Deployment, Ticking
from tests.support.walk import FILLED, NAME, fill


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A deployment with two organizations."""
    made = tmp_path / "data"
    made.mkdir(mode=0o700)
    store = Store(f"sqlite:///{made / DATABASE_FILE}", clock=(clock := Ticking()))
    migrate(store)
    fill(Deployment(store, clock))
    store.close()
    return made


def signed_by(directory: Path, vkey: str) -> Checkpoint:
    """The newest checkpoint of the first organization."""
    store = Store(f"sqlite:///{directory / DATABASE_FILE}", lock=False)
    with store.reading() as connection:
        note = str(checkpoints.latest(connection, FILLED))
    store.close()
    return Checkpoint.open(note.encode(), [VerifierKey.parse(vkey)])


def grow(directory: Path, number: int = 1) -> None:
    store = Store(f"sqlite:///{directory / DATABASE_FILE}")
    deployment = Deployment(store, Ticking())
    deployment.act(None, FILLED, BuyCredits(100, f"payment-{number}-{store.clock()}"))
    store.close()


def listed(directory: Path) -> list[dict[str, str | None]]:
    found: list[dict[str, str | None]] = json.loads(invoke(directory, "key", "list", "--json").stdout)
    return found


def test_a_key_is_made_shown_rotated_and_revoked(directory: Path) -> None:
    none = invoke(directory, "key", "show", "--org", NAME)
    assert (none.returncode, none.stdout) == (3, "")
    assert "none was added yet" in none.stderr
    assert listed(directory) == []
    signed = invoke(directory, "sign", PUBLIC_URL="https://audit.example.com")
    assert (signed.returncode, signed.stdout) == (0, "Signed 2 logs.\n")
    first = invoke(directory, "key", "show", "--org", NAME).stdout.strip()
    assert first.startswith("audit.example.com/o/log_")
    assert signed_by(directory, first).size > 10
    assert invoke(directory, "key", "add").returncode == 0
    second = invoke(directory, "key", "show", "--org", NAME).stdout.strip()
    assert second != first
    grow(directory)
    assert invoke(directory, "sign").stdout == "Signed 1 log.\n"
    assert signed_by(directory, second).size > 10
    old, new = (str(one["public_key"]) for one in listed(directory))
    revoked = invoke(directory, "key", "revoke", old)
    assert revoked.returncode == 0, revoked.stderr
    assert [one["cut_off"] is None for one in listed(directory)] == [False, True]
    table = invoke(directory, "key", "list").stdout
    assert "revoked from" in table
    assert "signs" in table
    refused = invoke(directory, "key", "revoke", new)
    assert refused.returncode == 1
    assert "only key that counts" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("revoke", "x"), "32 bytes in base64"),
        (("revoke", base64.b64encode(b"k" * 32).decode()), "no such key"),
        (("revoke", base64.b64encode(b"k" * 32).decode(), "--cut-off", "yesterday"), "A time is written such as"),
        (("add", "--public-key", "x"), "go together"),
        (("add", "--public-key", "x", "--", "true"), "32 bytes in base64"),
    ],
)
def test_what_is_wrong_is_named(directory: Path, arguments: tuple[str, ...], said: str) -> None:
    invoke(directory, "sign")
    answer = invoke(directory, "key", *arguments)
    assert answer.returncode in (1, 2)
    assert said in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_server_signs_and_refuses_to_serve_less_than_was_signed(directory: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    backup.mkdir()
    shutil.copy(directory / DATABASE_FILE, backup)
    grow(directory)
    with serving(directory):
        pass  # what is there is signed at the latest when it stops
    vkey = invoke(directory, "key", "show", "--org", NAME).stdout.strip()
    size = signed_by(directory, vkey).size
    assert vkey.startswith("minutebook.local/o/log_")
    assert list(examine(load_settings(data_directory=directory), quick=False)) == []
    for file in directory.glob(f"{DATABASE_FILE}*"):
        file.unlink()
    shutil.copy(backup / DATABASE_FILE, directory)
    refused = run(directory, "serve", "--port", "0")
    assert refused.returncode == 3
    less = re.search(rf"(\d+) events, and {size} were signed", refused.stderr)
    assert less and int(less[1]) < size
    assert "minutebook restore" in refused.stderr
    assert "Traceback" not in refused.stderr
    problems = [one for one in examine(load_settings(data_directory=directory), quick=True) if one.endswith(SIGNED)]
    assert problems[0].startswith(f"{NAME} ({FILLED}): The log has {less[1]} events, and {size} were signed")
    again = invoke(directory, "sign")
    assert again.returncode == 1
    assert "rolled back" in again.stderr


def test_the_doctor_finds_keys_that_are_open_and_keys_that_are_gone(directory: Path) -> None:
    invoke(directory, "sign")
    settings = load_settings(data_directory=directory)
    assert list(examine(settings, quick=True)) == []
    (key,) = Custody(settings.custody).keys.iterdir()
    key.chmod(0o644)
    (problem,) = examine(settings, quick=True)
    assert "is open to other accounts" in problem
    key.unlink()
    (problem,) = examine(settings, quick=True)
    assert "There is no key to sign with" in problem


def test_custody_may_be_elsewhere(directory: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "safe"
    assert invoke(directory, "sign", CUSTODY_DIRECTORY=str(elsewhere)).returncode == 0
    assert (elsewhere / "custody.sqlite3").is_file()
    assert not (directory / CUSTODY / "custody.sqlite3").exists()
    # without it, nothing is signed by another key
    grow(directory)
    answer = invoke(directory, "sign")
    assert answer.returncode == 3
    assert "knows nothing of it" in answer.stderr


def test_the_sizes_that_are_signed_are_those_of_the_log(directory: Path) -> None:
    invoke(directory, "sign")
    vkey = invoke(directory, "key", "show", "--org", NAME, "--json").stdout
    store = Store(f"sqlite:///{directory / DATABASE_FILE}", lock=False)
    with store.reading() as connection:
        head = log.read_head(connection, FILLED)
    store.close()
    shown = json.loads(vkey)
    checkpoint = signed_by(directory, shown["vkey"])
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == (shown["origin"], head.size, head.tree.root())
