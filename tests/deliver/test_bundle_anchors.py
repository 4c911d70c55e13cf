"""Evidence has what others said of the log, and the verifier that stands alone accepts it."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from minutebook.actions.log import Format
from minutebook.custody import keys
from minutebook.custody.anchor_log import extend
from minutebook.custody.anchoring import Rounds
from minutebook.custody.high_water import Custody
from minutebook.custody.signer import sign_logs
from minutebook.custody.witnesses import Witness
from minutebook.deliver import bundle
from minutebook.deliver.export import ExportLog, begin
from minutebook.deliver.formats import Origin
from minutebook.evidence.note import VerifierKey
from minutebook.evidence.verifier import minutebook_verify as verifier
from minutebook.filters import EVERYTHING
from minutebook.model import DAY, MINUTE
from minutebook.organization.credits import BuyCredits
from minutebook.store import checkpoints
from minutebook.store.schema import ANCHOR
from minutebook.witness.book import make
from tests.support.deployment import Deployment
from tests.support.walk import FILLED
from tests.support.witness import Direct

HOST = "minutebook.example"


class Witnessed:
    """A log that is signed and shown to a witness, which looks after the logs that it is told of."""

    def __init__(self, deployment: Deployment, folder: Path) -> None:
        self.deployment = deployment
        self.folder = folder
        self.custody = Custody(folder / "custody")
        self.book = make(folder / "witness", "witness.example/w", lambda size: b"\x09" * size, deployment.clock)
        self.rounds = Rounds(deployment.store, [Witness("", self.book.vkey, Direct(self.book))])

    def sign(self) -> None:
        self.deployment.clock.go_on(MINUTE)
        sign_logs(self.deployment.store, self.custody, HOST)
        extend(self.deployment.store, self.custody)

    def grow(self) -> None:
        """One event more."""
        self.deployment.act(None, FILLED, BuyCredits(1, f"payment-{self.deployment.clock()}"))

    def key_of(self, organization: int) -> VerifierKey:
        with self.deployment.store.reading() as connection, self.custody.reading() as held:
            (public,) = keys.standings(held)
            signed = checkpoints.latest(connection, organization)
        assert signed
        return VerifierKey(signed.checkpoint.origin, public)

    def evidence(self) -> bytes:
        """Of everything."""
        deployment = self.deployment
        command = ExportLog(Format.BUNDLE, EVERYTHING)
        export = begin(deployment.store, deployment.seat(None, FILLED), Origin("org_x", "Calder"), command)
        self.sign()
        with deployment.store.reading() as connection:
            heads = bundle.heads_of(connection, FILLED, self.custody.directory)
        return b"".join(piece.data for piece in bundle.pieces(deployment.store, FILLED, export, heads))

    def verdict(self, data: bytes) -> int:
        (self.folder / "evidence.zip").write_bytes(data)
        return verifier.main(
            [
                *(str(self.folder / "evidence.zip"), "--key", str(self.key_of(FILLED))),
                *("--witness", str(self.book.vkey), "--anchored"),
            ]
        )


@pytest.fixture
def witnessed(filled_sqlite: Deployment, tmp_path: Path) -> Witnessed:
    made = Witnessed(filled_sqlite, tmp_path)
    made.sign()
    return made


@pytest.mark.parametrize("organization", [FILLED, ANCHOR])
def test_what_a_witness_saw_anchors_the_evidence(
    witnessed: Witnessed, organization: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log itself, or only the anchor log."""
    assert witnessed.verdict(witnessed.evidence()) == 4
    witnessed.book.look_after(witnessed.key_of(organization))
    size = witnessed.deployment.size(FILLED)
    witnessed.rounds.go()
    witnessed.grow()
    data = witnessed.evidence()
    capsys.readouterr()
    assert witnessed.verdict(data) == 0
    assert f"Anchored   {size:,} events: seen by witness.example/w" in capsys.readouterr().out


def test_evidence_has_of_each_day_the_last_head_that_was_seen(
    witnessed: Witnessed, capsys: pytest.CaptureFixture[str]
) -> None:
    witnessed.book.look_after(witnessed.key_of(FILLED))
    for _ in range(3):
        for _ in range(2):
            witnessed.grow()
            witnessed.sign()
            witnessed.rounds.go()
            witnessed.grow()
            witnessed.sign()
        witnessed.deployment.clock.go_on(DAY)
    data = witnessed.evidence()
    assert witnessed.verdict(data) == 0
    assert capsys.readouterr().out.count("seen by witness.example/w") == 3
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        assert len([name for name in zipped.namelist() if name.endswith(".consistency")]) <= 7
