"""Evidence of what is stored is what the verifier that stands alone accepts, whatever is asked for and withheld."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from minutebook.actions.log import Format
from minutebook.custody.erase import EraseFields, erase, plan_person
from minutebook.custody.retention import SetRetention, prune_log
from minutebook.deliver import bundle
from minutebook.deliver.export import ExportLog, begin
from minutebook.deliver.formats import Origin
from minutebook.errors import Conflict, Invalid
from minutebook.evidence.note import VerifierKey
from minutebook.evidence.verifier import minutebook_verify as verifier
from minutebook.filters import EVERYTHING, Filter
from minutebook.model import DAY
from minutebook.organization.sign_in import RecordFailedSignIn
from tests.support.deployment import Deployment
from tests.support.evidence import KEY, signed
from tests.support.walk import FILLED

ORIGIN = Origin("org_x", "Calder")
LOGINS = Filter(actions=("user.login",))
FAILURES = Filter(actions=("user.login_failed",))


def written(
    deployment: Deployment,
    command: ExportLog,
    chain: tuple[int, ...] = (),
    size: int | None = None,
    organization: int = FILLED,
) -> bytes:
    """The zip of an export."""
    export = begin(deployment.store, deployment.seat(None, organization), ORIGIN, command)
    signed_ = signed(deployment, organization, chain, size)
    found = list(bundle.pieces(deployment.store, organization, export, signed_))
    assert [piece.is_last for piece in found] == [*[False] * (len(found) - 1), True]
    assert found[-1].next == signed_.head.size
    return b"".join(piece.data for piece in found)


def evidence(filter_: Filter = EVERYTHING, *withheld: str) -> ExportLog:
    return ExportLog(Format.BUNDLE, filter_, withheld=bundle.parse_withheld(withheld))


def verdict(data: bytes, folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    file = folder / "evidence.zip"
    file.write_bytes(data)
    with zipfile.ZipFile(file) as zipped:
        assert zipped.testzip() is None
        origin = json.loads(zipped.read("bundle.json"))["origin"]
    code = verifier.main([str(file), "--key", str(VerifierKey(origin, KEY.public)), *options])
    return code, "".join(capsys.readouterr())


def test_evidence_of_everything(filled: Deployment, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = written(filled, evidence(), chain=(1, 5, 8))
    code, said = verdict(data, tmp_path, capsys)
    size = filled.size(FILLED)  # with the export itself
    assert code == 0 and f"{size}: every one" in said and "3 checkpoints" in said, said
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        lines = zipped.read("events.jsonl").splitlines()
        assert zipped.read("minutebook_verify.py") == Path(verifier.__file__).read_bytes()
        assert set(zipped.namelist()) >= {"README.md", "hashes", "keys/0", "chain/5.consistency", "SHA256SUMS"}
    last = json.loads(lines[-1])
    assert last["leaf"]["action"] == "log.export" and json.loads(last["open"]["details.format"][1]) == "bundle"


@pytest.mark.parametrize("few", [0, bundle.FEW])
def test_evidence_of_what_a_filter_finds(
    filled: Deployment, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(bundle, "FEW", few)
    data = written(filled, evidence(LOGINS), chain=(4,))
    code, said = verdict(data, tmp_path, capsys)
    assert code == 0 and '"action:user.login" finds' in said, said
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        assert ("hashes" in zipped.namelist()) == bool(few) and ("proofs.jsonl" in zipped.namelist()) == (not few)
        actions = [json.loads(line)["leaf"]["action"] for line in zipped.read("events.jsonl").splitlines()]
    accounting = {"log.policy_change", "log.clock_step", "log.restore"}
    assert set(actions) == {"user.login", *accounting}, "and what may account for a gap"


def test_what_is_withheld_is_not_in_it(filled: Deployment, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = written(filled, evidence(EVERYTHING, "context.ip", "actor.email", "targets.*"))
    code, said = verdict(data, tmp_path, capsys)
    size = filled.size(FILLED)
    assert code == 0 and f"{size} values of context.ip" in said and "values of targets.*" in said, said
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        for line in zipped.read("events.jsonl").splitlines():
            opened = json.loads(line)["open"].keys()
            assert "context.user_agent" in opened and "actor.id" in opened
            assert not [path for path in opened if path in ("context.ip", "actor.email") or path.startswith("targets")]
    recorded = filled.events(FILLED)[-1]
    assert recorded.details["withheld"] == ["actor.email", "context.ip", "targets.*"]
    assert json.loads(zipfile.ZipFile(io.BytesIO(data)).read("bundle.json"))["withheld"] == recorded.details["withheld"]


@pytest.mark.parametrize(
    "path", ["", "ip", "context", "context.", "*", "other.x", "targets.0", "details.A", "context.ip\n"]
)
def test_what_cannot_be_withheld(path: str) -> None:
    with pytest.raises(Invalid, match="no field of an event"):
        bundle.parse_withheld(["context.ip", path])


def test_what_was_erased_and_pruned_is_accounted_for(
    deployment: Deployment, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = deployment.person("ada@calder.example", "Ada")
    organization = deployment.found(ada)
    for attempt in range(1, 5):
        deployment.act(ada, organization, RecordFailedSignIn("Wrong password", attempt))
    deployment.clock.go_on(100 * DAY)
    deployment.act(ada, organization, RecordFailedSignIn("Wrong password", 5))
    deployment.act(ada, organization, SetRetention("user", 90))
    assert len(prune_log(deployment.store, organization, deployment.ledger, deployment.clock.now)) == 1
    with deployment.store.reading() as connection:
        plan = plan_person(connection, organization, ada.email)
    assert erase(deployment.store, deployment.seat(ada, organization), plan, "They asked", deployment.ledger)
    code, said = verdict(written(deployment, evidence(FAILURES), organization=organization), tmp_path, capsys)
    assert code == 0 and "6 fields, as event 8 says" in said, said
    code, said = verdict(written(deployment, evidence(), organization=organization), tmp_path, capsys)
    assert code == 0 and "Pruned     4 events, as event 7 says" in said, said
    monkeypatch.setattr(bundle, "EXPLAINING", ())
    code, said = verdict(written(deployment, evidence(FAILURES), organization=organization), tmp_path, capsys)
    assert code == 1, "and without what accounts for it, it is not"


def test_as_far_as_it_was_signed(filled_sqlite: Deployment, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = written(filled_sqlite, evidence(), size=9)
    code, said = verdict(data, tmp_path, capsys)
    assert code == 0 and "9: every one" in said


def test_what_is_erased_meanwhile_breaks_it_off(filled_sqlite: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing would have no explanation yet."""
    monkeypatch.setattr(bundle, "TAKEN_OUT", ("log.export",))  # whose event is behind the signed head
    with pytest.raises(Conflict, match="erased while"):
        written(filled_sqlite, evidence(), size=filled_sqlite.size(FILLED))


def test_evidence_of_a_log_from_which_something_was_erased(
    filled: Deployment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = ["context.ip", "actor.email", "targets.0"]
    filled.act(None, FILLED, EraseFields({1: paths, 2: paths}, "Asked by letter", filled.ledger))
    seq = filled.size(FILLED) - 1
    code, said = verdict(written(filled, evidence(EVERYTHING)), tmp_path, capsys)
    assert code == 0, said
    assert f"as event {seq} says" in said
