"""minutebook verify is the verifier that stands alone: what it is given and what it answers go through unchanged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from minutebook.cli.main import app
from minutebook.custody import keys
from minutebook.custody.signer import Signing, sign_logs
from minutebook.evidence.note import VerifierKey
from minutebook.organization.credits import BuyCredits
from minutebook.organization.organizations import read_organization
from minutebook.organization.tokens import CreateToken, new_secret
from minutebook.store import checkpoints
from minutebook.store.log import position
from tests.golden import evidence as golden
from tests.support.deployment import Deployment
from tests.support.evidence import KEY, Log, written
from tests.support.server import HOST, custody_of, serving
from tests.support.tampering import tamper
from tests.support.walk import FILLED

EVERYTHING = str(golden.FOLDER / "everything.zip")


def verify(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["verify", *arguments])
    return done.exit_code, done.output


SERVER = {"alembic", "fastapi", "psycopg", "sqlalchemy", "minutebook.store", "minutebook.web"}
IMPORTED = """
import sys
from minutebook.cli import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""


def test_it_waits_for_nothing_of_the_server_to_be_imported() -> None:
    command = (sys.executable, "-c", IMPORTED, "verify", EVERYTHING, "--key", golden.VKEY)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("VALID.\n")
    modules = set(done.stderr.split())
    assert "minutebook.evidence.verifier.minutebook_verify" in modules and not SERVER & modules


def test_it_answers_as_the_file_does(tmp_path: Path) -> None:
    head = tmp_path / "--key"  # a name that must not be taken for an option
    head.write_text(golden.HEAD)
    witness = ("--witness", golden.WITNESS_VKEY)
    code, said = verify(
        EVERYTHING, "--key", golden.VKEY, "--head", str(head), *witness, "--anchored", "--processes", "2"
    )
    assert code == 0 and "from its 13 events" in said and said.endswith("VALID.\n")
    code, said = verify(EVERYTHING, "--key", golden.VKEY, "--anchored")
    assert code == 4 and "NOT ANCHORED" in said
    assert verify(EVERYTHING, "--key", golden.WITNESS_VKEY)[0] == 1
    assert verify(str(tmp_path / "nowhere"))[0] == 2
    assert verify()[0] == 2


def test_it_says_what_diverged(tmp_path: Path) -> None:
    log = Log().fill(3)
    head = tmp_path / "head"
    head.write_text(str(log.checkpoint(key=KEY)))
    other = Log().fill(3)
    other.events[1].leaf["outcome"] = "denied"
    code, said = verify(str(written(other.evidence(), tmp_path / "e.zip")), "--key", log.vkey, "--head", str(head))
    assert code == 3 and said.startswith("DIVERGED: ")


@pytest.mark.parametrize("arguments", [["x.zip", "--server", "https://s"], ["--server", "https://s"]])
def test_a_bundle_or_a_server(arguments: list[str]) -> None:
    assert verify(*arguments)[0] == 2


def test_a_server_that_runs(filled_sqlite: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it serves is valid, goes on from a head that was kept, and is not any more when somebody changed a row."""
    store, head = filled_sqlite.store, tmp_path / "head"
    custody = custody_of(store)
    sign_logs(store, custody, HOST)
    with store.reading() as connection, custody.reading() as held:
        signed = checkpoints.latest(connection, FILLED)
        organization = read_organization(connection, FILLED).id
        assert signed and held
        key = str(VerifierKey(signed.checkpoint.origin, next(iter(keys.standings(held)))))
    head.write_text(str(signed))
    secrets = []
    for scope in ("log.export", "log.read"):
        secrets.append(new_secret(store.randomness))
        filled_sqlite.act(None, FILLED, CreateToken(scope, (scope,), 30, secrets[-1]))
    signing = Signing(store, custody, HOST, every=0.05)
    signing.start()
    try:
        with serving(store) as address:
            asked = ("--server", address, "--organization", organization, "--key", key)
            monkeypatch.setenv("MINUTEBOOK_TOKEN", secrets[0])
            monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # which gets no token that is not encrypted
            code, said = verify(*asked)
            assert code == 0 and f"{filled_sqlite.size(FILLED):,}: every one" in said
            filled_sqlite.act(None, FILLED, BuyCredits(1, "later"))
            code, said = verify(*asked, "--head", str(head), "--processes", "2")
            assert code == 0 and f"the log goes on from its {signed.size:,} events" in said
            monkeypatch.setenv("MINUTEBOOK_TOKEN", secrets[1])
            assert verify(*asked)[0] == 2, "a token that may not export"
            monkeypatch.setenv("MINUTEBOOK_TOKEN", secrets[0])
            assert verify("--server", address, "--organization", "org_x", "--key", key)[0] == 2
            tamper(store, f"UPDATE event SET outcome = 'denied' WHERE position = {position(FILLED, 7)}")
            for options in ((), ("--head", str(head))):
                code, said = verify(*asked, *options)
                assert code == 1 and "INVALID: event 7 (" in said
    finally:
        signing.stop()
