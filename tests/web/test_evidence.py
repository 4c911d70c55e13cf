"""Evidence over HTTP: from the page and from the API, recorded, withheld as asked, and valid to who has the key."""

from __future__ import annotations

import html
import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from minutebook.custody.high_water import Custody
from minutebook.custody.signer import Signing, sign_logs
from minutebook.deliver import bundle
from minutebook.evidence.verifier import minutebook_verify as verifier
from minutebook.model import Plan, Role, from_micros
from minutebook.organization.credits import BuyCredits
from minutebook.organization.organizations import ChangePlan
from minutebook.web.app import WebSettings
from tests.support.dashboard import Calder, Dashboard, told
from tests.support.reader import Reader

HOST = "minutebook.example"


class Signed:
    """A filled organization whose log is signed as a server signs it."""

    def __init__(self, calder: Calder, folder: Path) -> None:
        self.folder, self.custody = folder, Custody(folder / "custody")
        self.dashboard = Dashboard.of(calder, WebSettings(custody=self.custody.directory))
        sign_logs(calder.deployment.store, self.custody, HOST)
        self.signing = Signing(calder.deployment.store, self.custody, HOST, every=0.05)
        self.signing.start()

    @property
    def path(self) -> str:
        return f"/api/v1/organizations/{self.dashboard.organization.id}/log"

    def verdict(self, data: bytes, token: str) -> tuple[int, zipfile.ZipFile]:
        """The verifier's exit code under the key that the server tells a program, and what is in the zip."""
        told_ = self.dashboard.anybody().ask(f"{self.path}/keys", token=token).json()
        file = self.folder / "evidence.zip"
        file.write_bytes(data)
        return verifier.main([str(file), "--key", told_["keys"][-1]["vkey"]]), zipfile.ZipFile(io.BytesIO(data))


@pytest.fixture
def signed(calder: Calder, tmp_path: Path) -> Iterator[Signed]:
    found = Signed(calder, tmp_path)
    yield found
    found.signing.stop()


def test_a_program_is_given_evidence_with_its_own_export_in_it(
    signed: Signed, capsys: pytest.CaptureFixture[str]
) -> None:
    token = signed.dashboard.token("log.read", "log.export", name="Auditor")
    answer = signed.dashboard.anybody().ask(
        f"{signed.path}/bundle", ("withhold", "context.ip"), ("withhold", "actor.email"), token=token
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip" and ".zip" in answer.headers["content-disposition"]
    code, zipped = signed.verdict(answer.content, token)
    assert code == 0, capsys.readouterr()
    said = capsys.readouterr().out
    assert "every one" in said and "values of actor.email" in said
    lines = [json.loads(line) for line in zipped.read("events.jsonl").splitlines()]
    (own,) = [line for line in lines if line["leaf"]["action"] == "log.export"]
    assert own["open"]["actor.name"][1] == '"Auditor"' and "context.ip" not in own["open"]
    assert json.loads(own["open"]["details.withheld"][1]) == ["actor.email", "context.ip"]


def test_the_page_offers_evidence_of_what_it_shows(signed: Signed, capsys: pytest.CaptureFixture[str]) -> None:
    ada = signed.dashboard.signed_in(Role.OWNER)
    page = ada.get(signed.dashboard.path("audit-logs") + "?action=user.invite&q=-outcome:failure")
    [form] = re.findall(
        r'<form action="([^"]+/evidence)" method="get" data-download>(.*?)</form>', page.text, re.DOTALL
    )
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)">', form[1])
    boxes = re.findall(r'name="withhold" value="([^"]+)"', form[1])
    assert boxes == ["context.ip", "actor.email", "targets.*", "details.*"]
    for path in boxes:
        bundle.parse_withheld([path])
    query = "&".join(f"{name}={html.unescape(value)}" for name, value in [*hidden, ("withhold", boxes[1])])
    answer = ada.get(f"{form[0]}?{query}")
    assert answer.status_code == 200
    code, zipped = signed.verdict(answer.content, signed.dashboard.token("log.read"))
    assert code == 0, capsys.readouterr()
    actions = {json.loads(line)["leaf"]["action"] for line in zipped.read("events.jsonl").splitlines()}
    assert actions == {"user.invite"}
    [recorded] = [event for event in signed.dashboard.events() if event.action == "log.export"]
    assert recorded.details["format"] == "bundle" and recorded.details["withheld"] == ["actor.email"]
    assert "Exported what action:user.invite -outcome:failure finds as evidence, without actor.email" in told(
        ada.get(signed.dashboard.path("audit-logs") + "?action=log.export")
    )


def test_what_is_not_accepted(signed: Signed) -> None:
    token, program = signed.dashboard.token("log.export"), signed.dashboard.anybody()
    for query in ({"withhold": "ip"}, {"withhold": ""}, {"size": "3"}, {"first": "1"}, {"withhold": "context.ip,x"}):
        answer = program.ask(f"{signed.path}/bundle", token=token, **query)
        assert answer.status_code == 422, query
    assert program.ask(f"{signed.path}/bundle", token=signed.dashboard.token("log.read")).status_code == 403
    ada = signed.dashboard.signed_in(Role.OWNER)
    signed.dashboard.deployment.act(None, signed.dashboard.number, ChangePlan(Plan.TEAMS, 20))
    assert ada.get(signed.dashboard.path("audit-logs", "evidence")).status_code == 403
    assert "log.export" not in [event.action for event in signed.dashboard.events()]


def test_what_leaves_is_of_the_day_of_whoever_asks(signed: Signed) -> None:
    zone = ZoneInfo("Pacific/Kiritimati")
    ada = Reader(signed.dashboard, Role.OWNER, zone=zone.key)
    for asked in ("evidence?start=today", "export?format=jsonl&start=today"):
        now = from_micros(signed.dashboard.deployment.clock()).astimezone(zone)
        began = now.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
        assert ada.open(f"{ada.path}/{asked}").status_code == 200
        details = signed.dashboard.last().details
        assert (details["query"], details["meant"]) == ("after:today", f"after:{began:%Y-%m-%dT%H:%MZ}")


def test_nothing_signed_is_no_evidence(dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "PATIENCE", 0.0)
    ada = dashboard.signed_in(Role.OWNER)
    menu = told(ada.get(dashboard.path("audit-logs")))
    assert "nothing of this log is signed yet. Integrity says what to do" in menu
    assert "Tick what to withhold" not in menu
    assert "neither evidence to export nor a checkpoint to keep" in told(ada.get(dashboard.path("integrity")))
    for _ in range(4):  # and gives its place back: a session has two
        answer = ada.get(dashboard.path("audit-logs", "evidence"))
        assert answer.status_code == 409
        assert "This cannot be done now Help No signed checkpoint proves this yet" in told(answer)
        assert "minutebook doctor says why" in told(answer)
    assert "log.export" not in [event.action for event in dashboard.events()]


def test_a_head_that_stays_behind_is_told_by_its_size(
    dashboard: Dashboard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "PATIENCE", 0.0)
    sign_logs(dashboard.store, Custody(tmp_path / "custody"), HOST)
    size = len(dashboard.events())
    dashboard.deployment.act(None, dashboard.number, BuyCredits(1, "later"))
    answer = dashboard.signed_in(Role.OWNER).get(dashboard.path("audit-logs", "evidence"))
    with zipfile.ZipFile(io.BytesIO(answer.content)) as zipped:
        assert json.loads(zipped.read("bundle.json"))["size"] == size
        assert len(zipped.read("events.jsonl").splitlines()) == size
