"""A witness from the command line, and a server that shows it its heads."""

from __future__ import annotations

import json
from pathlib import Path

from minutebook.cli.doctor import examine
from minutebook.config import load_settings
from minutebook.custody import witnesses
from minutebook.custody.anchor_log import extend
from minutebook.custody.anchoring import Rounds
from minutebook.custody.high_water import Custody
from minutebook.evidence.note import COSIGNATURE, VerifierKey
from minutebook.store.engine import Store
from minutebook.witness.book import Book
from tests.cli.test_key import directory
from tests.support.answering import answering
from tests.support.command_line import invoke
from tests.support.deployment import Ticking
from tests.support.walk import NAME
from tests.support.witness import loopback, witnessing

__all__ = ["directory"]


def told(directory: Path, *arguments: str) -> str:
    done = invoke(directory, *arguments, COLUMNS="400")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_witness_is_made_told_of_a_log_and_lists_what_it_saw(directory: Path, tmp_path: Path) -> None:
    folder = str(tmp_path / "witness")
    assert "minutebook witness init" in invoke(directory, "witness", "list", "--directory", folder).stderr
    vkey = told(directory, "witness", "init", "witness.example/mb", "--directory", folder).strip()
    assert invoke(directory, "sign").returncode == 0
    anchor = json.loads(told(directory, "key", "show", "--anchor-log", "--json"))
    assert anchor["origin"].endswith("/anchor")
    own = told(directory, "key", "show", "--org", NAME).strip()
    for key in (anchor["vkey"], own):
        told(directory, "witness", "add", key, "--directory", folder)
    assert invoke(directory, "witness", "add", "nonsense", "--directory", folder).returncode == 2
    store = Store(f"sqlite:///{directory / 'minutebook.sqlite3'}")
    with witnessing(Book(Path(folder), Ticking())) as url:
        outgoing = loopback()
        Rounds(store, [witnesses.parse(f"{url} {vkey}", outgoing)]).go()
        outgoing.close()
    store.close()
    listed = told(directory, "witness", "list", "--directory", folder)
    assert "never" not in listed
    assert anchor["origin"] in listed.replace("\n", "")
    said = list(examine(load_settings(data_directory=directory), quick=True))
    assert any("does not look after this log" in problem for problem in said)  # of the other organization


def test_doctor_says_which_anchor_fails(directory: Path) -> None:
    assert invoke(directory, "sign").returncode == 0
    store = Store(f"sqlite:///{directory / 'minutebook.sqlite3'}")
    extend(store, Custody(directory / "custody"))
    vkey = VerifierKey("w.example", b"\x01" * 32, COSIGNATURE)
    with answering(lambda _: (503, {}, b"")) as there:
        outgoing = loopback()
        Rounds(store, [witnesses.parse(f"{there.url} {vkey}", outgoing)]).go()
        outgoing.close()
    store.close()
    (problem,) = examine(load_settings(data_directory=directory), quick=True)
    assert problem == (
        "The anchor w.example (witness) answers with status 503. 3 logs wait for it. "
        "Recording and signing go on; the server tries again."
    )
