"""Integrity, and the proof of an event: what was signed is told, what is not is said plainly, and what is downloaded
verifies."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from minutebook.custody.growth import Refused, grown_tree
from minutebook.custody.high_water import Custody, HighWater
from minutebook.custody.signer import sign_logs
from minutebook.evidence.checkpoint import Checkpoint
from minutebook.evidence.note import VerifierKey, to_base64
from minutebook.evidence.proof import LogProof, verify_inclusion
from minutebook.evidence.tree import CompactRange
from minutebook.model import HOUR, SECOND, Plan, Role
from minutebook.organization.auditor_links import CreateLink
from minutebook.organization.credits import BuyCredits
from minutebook.organization.organizations import ChangePlan
from minutebook.store import anchors, checkpoints, log
from minutebook.store.anchors import AnchorKind, Said
from minutebook.store.log import SEQ_MASK
from minutebook.web.app import WebSettings
from minutebook.web.pages.integrity import PAGE_SIZE
from tests.support.dashboard import Dashboard, Somebody, staff, told
from tests.support.deployment import Deployment
from tests.support.tampering import tamper

HOST = "minutebook.example"


class Kept:
    """Calder Robotics with a custody directory, and its owner at the page."""

    def __init__(self, deployment: Deployment, folder: Path) -> None:
        deployment.clock.step = 1000  # all of this happens in a moment
        self.custody = Custody(folder / "custody")
        self.dashboard = Dashboard.of(staff(deployment), WebSettings(custody=self.custody.directory))
        self.ada = self.dashboard.signed_in(Role.OWNER)
        self.ada.get(self.dashboard.path("integrity"))  # whose sitting is recorded, and from now on not again

    def sign(self) -> Checkpoint:
        sign_logs(self.dashboard.store, self.custody, HOST)
        with self.dashboard.store.reading() as connection:
            signed = checkpoints.latest(connection, self.dashboard.number)
        assert signed
        return signed.checkpoint

    def grow(self, number: int = 1) -> None:
        for _ in range(number):
            reference = f"payment-{self.dashboard.deployment.clock()}"
            self.dashboard.deployment.act(None, self.dashboard.number, BuyCredits(1, reference))

    def page(self, query: str = "") -> str:
        answer = self.ada.get(self.dashboard.path("integrity") + query)
        assert answer.status_code == 200
        return told(answer)

    def panel(self, seq: int, who: Somebody | None = None, path: str = "") -> str:
        answer = (who or self.ada).get(f"{path or self.dashboard.path('audit-logs')}?event={seq}")
        return told(answer).partition("Proof ")[2]

    def vkey(self) -> VerifierKey:
        page = self.ada.get(self.dashboard.path("integrity")).text
        [text] = re.findall(r'<code id="vkey-now">([^<]+)</code>', page)
        return VerifierKey.parse(text.replace("&#43;", "+"))


@pytest.fixture
def kept(sqlite_deployment: Deployment, tmp_path: Path) -> Kept:
    return Kept(sqlite_deployment, tmp_path)


def test_what_was_signed_last_is_told_and_verifies(kept: Kept) -> None:
    kept.grow(3)
    checkpoint = kept.sign()
    page = kept.page()
    for explained in ("The root is one", "A checkpoint is a short text", "The key tells whether"):
        assert explained in page.partition(f"Root {to_base64(checkpoint.root)}")[0]
    assert f"All {checkpoint.size:,} events are signed." in page
    assert f"Root {to_base64(checkpoint.root)}" in page
    assert f"Log {checkpoint.origin}" in page
    assert "evidence.zip --key KEY --head" in page  # a key from this page would prove nothing
    note = kept.ada.get(kept.dashboard.path("integrity", "checkpoints", str(checkpoint.size)))
    assert "attachment" in note.headers["content-disposition"]
    assert Checkpoint.open(note.content, [kept.vkey()]) == checkpoint


def test_what_is_not_signed_yet_is_said_as_such(kept: Kept) -> None:
    assert "Nothing is signed yet" in kept.page()
    assert "There is no key yet" in kept.page()
    kept.sign()
    kept.grow()
    assert "All events are signed but the newest, which will be within a second" in kept.page()


def test_a_signer_that_is_behind_is_said_plainly(kept: Kept) -> None:
    kept.sign()
    kept.grow(2)
    kept.dashboard.deployment.clock.go_on(60 * SECOND)
    page = kept.page()
    assert "Signing is behind. 2 events, the oldest recorded" in page
    assert "All" not in page.partition("What was signed last")[0].partition("Signing is behind")[2]
    newest = len(kept.dashboard.events()) - 1
    assert "Signed Late: signing is behind" in kept.panel(newest)


def test_a_log_that_is_not_what_was_signed_is_said_plainly(kept: Kept) -> None:
    kept.grow(3)
    size = kept.sign().size
    with kept.dashboard.store.reading() as connection:
        head = log.read_head(connection, kept.dashboard.number)
    longer = HighWater(head.log_id, head.tree.append(b"\1" * 32), 0)
    with kept.custody.changing() as held:
        held.raise_to([longer])
    page = kept.page()
    assert f"This log is no longer signed. The log has {size:,} events, and {size + 1:,} were signed" in page
    assert "are signed." not in page.partition("What was signed last")[0]


def test_a_checkpoint_that_somebody_changed_is_said_plainly(kept: Kept) -> None:
    kept.grow(3)
    kept.sign()
    tamper(kept.dashboard.store, "UPDATE checkpoint SET root = zeroblob(32)")
    assert "is not signed by a key of this deployment" in kept.page()


def test_only_a_high_water_that_the_log_has_grown_from_lets_it_be_signed(kept: Kept) -> None:
    kept.grow(3)
    with kept.dashboard.store.reading() as connection:
        head = log.read_head(connection, kept.dashboard.number)
        assert grown_tree(connection, head, None) == head.tree
        with pytest.raises(Refused):
            grown_tree(connection, head, HighWater(head.log_id, CompactRange().append(b"\1" * 32), 0))


def test_the_history_has_pages(kept: Kept) -> None:
    sizes = []
    for _ in range(PAGE_SIZE + 2):
        kept.grow()
        kept.dashboard.deployment.clock.go_on(HOUR)
        sizes.append(kept.sign().size)
    first = kept.page()
    assert f"1–{PAGE_SIZE} of {PAGE_SIZE + 2}, newest first" in first
    assert f"over {sizes[-1]:,} events" not in first  # it is the name of a link, which nobody reads in the text
    second = kept.ada.get(kept.dashboard.path("integrity") + "?page=2").text
    assert f"the checkpoint over {sizes[0]:,} events" in second
    assert f"the checkpoint over {sizes[-1]:,} events" not in second


@pytest.mark.parametrize("size", ["0", "1000000", "x", "9" * 40, "-1"])
def test_a_checkpoint_that_is_not_there(kept: Kept, size: str) -> None:
    kept.sign()
    assert kept.ada.get(kept.dashboard.path("integrity", "checkpoints", size)).status_code == 404


def test_an_organization_on_another_plan_downloads_nothing(kept: Kept) -> None:
    size = kept.sign().size
    kept.dashboard.deployment.act(None, kept.dashboard.number, ChangePlan(Plan.TEAMS, 20))
    assert "Integrity Help Reading the log is part of the Enterprise plan" in kept.page()
    for path in (f"integrity/checkpoints/{size}", "audit-logs/0.tlog-proof"):
        assert kept.ada.get(kept.dashboard.path(path)).status_code == 403


def test_the_panel_tells_how_an_event_is_proven(kept: Kept) -> None:
    kept.grow(3)
    proof = kept.panel(1)
    assert "2 of 3 steps still due" in proof
    assert "Checkpoint None yet" in proof
    assert "Download proof" not in proof
    size = kept.sign().size
    kept.grow(3)
    proof = kept.panel(1)
    assert "1 of 3 steps still due" in proof
    assert "Written in one transaction with the act itself" in proof
    assert f"Held by the signed checkpoint over the first {size:,} events" in proof
    assert "Anchored No anchor is set up" in proof
    assert f"Checkpoint over the first {size:,}" in proof
    with kept.dashboard.store.reading() as connection:
        leaf_hash = log.leaf_hash_of(connection, log.find(connection, kept.dashboard.number, 1))
    assert f"Leaf hash {leaf_hash.hex()}" in proof


@pytest.mark.parametrize("is_signed", [False, True])
@pytest.mark.parametrize("change", ["outcome = 'failure'", "leaf_hash = zeroblob(32)", "secret = x'7b'"])
def test_the_panel_of_an_event_that_was_changed_vouches_for_nothing(kept: Kept, change: str, is_signed: bool) -> None:
    kept.grow(2)
    newest = len(kept.dashboard.events()) - 1
    if is_signed:
        kept.sign()
    assert "steps still due" in kept.panel(newest)
    tamper(kept.dashboard.store, f"UPDATE event SET {change} WHERE position & {SEQ_MASK} = {newest}")
    proof = kept.panel(newest)
    assert proof.startswith("Does not hold This is not the event that was recorded")
    assert "steps still due" not in proof
    assert "cannot change" not in proof


@pytest.mark.parametrize("change", ["replace(signatures, substr(signatures, -9, 4), 'AAAA')", "'unreadable'", "''"])
def test_the_panel_does_not_vouch_for_a_checkpoint_that_nobody_here_signed(kept: Kept, change: str) -> None:
    kept.grow(2)
    newest = len(kept.dashboard.events()) - 1
    kept.sign()
    tamper(kept.dashboard.store, f"UPDATE checkpoint SET signatures = {change}")
    proof = kept.panel(newest)
    assert proof.startswith(f"Does not hold The checkpoint of {newest + 1:,} events is not signed by a key of this")
    assert "steps still due" not in proof
    page = kept.page()
    assert "is not signed by a key of this deployment" in page
    assert ("not readable" in page) == ("replace" not in change)


def test_who_has_seen_the_log_is_told_and_who_could_not_be_asked(kept: Kept) -> None:
    kept.grow(3)
    size = kept.sign().size
    assert "No anchor is set up: nothing outside this server" in kept.page()
    with kept.dashboard.store.reading() as connection:
        log_id = log.read_head(connection, kept.dashboard.number).log_id
    at = kept.dashboard.deployment.clock()
    failed = Said(log_id, AnchorKind.TIMESTAMP, "tsa.example", size, at, error="answers with status 500")
    with kept.dashboard.store.housekeeping() as connection:
        anchors.note(connection, [failed])
    page = kept.page()
    assert "tsa.example Timestamp 0 Not yet Failing answers with status 500" in page
    assert "No anchor has seen this log yet" in page
    assert "Anchored Late: no anchor could be asked" in kept.panel(1)
    with kept.dashboard.store.housekeeping() as connection:
        anchors.note(connection, [Said(log_id, AnchorKind.WITNESS, "auditor.example/w", size, at, b"a line")])
    page = kept.page()
    assert re.search(rf"auditor.example/w Witness {size} \w+ 6 Nov 2026, 00:\S+ UTC Vouches for it", page)
    assert "cannot write anew without them" in page
    proof = kept.panel(1)
    assert "All 3 steps done" in proof
    assert f"Outside this server, witness auditor.example/w vouches for a head over {size} events" in proof
    kept.grow(2)
    assert "Anchored Not yet" in kept.panel(size + 1)


def test_audit_logs_tells_up_to_when_it_is_signed(kept: Kept) -> None:
    path = kept.dashboard.path("audit-logs")
    assert "signed up to" not in told(kept.ada.get(path))
    kept.sign()
    with kept.dashboard.store.reading() as connection:
        signed = checkpoints.latest(connection, kept.dashboard.number)
    assert signed
    today = kept.ada.get(path)
    assert re.search(r"kept since 6 Nov 2026 , signed up to 00:0\d:\d\d ", told(today))
    assert f'href="{kept.dashboard.path("integrity")}">signed up to' in today.text
    kept.dashboard.deployment.clock.go_on(24 * HOUR)
    assert "signed up to Fri 6 Nov 2026, 00:0" in told(kept.ada.get(path))


def test_the_proof_that_is_downloaded_verifies(kept: Kept) -> None:
    kept.grow(5)
    checkpoint = kept.sign()
    answer = kept.ada.get(kept.dashboard.path("audit-logs", "2.tlog-proof"))
    assert answer.headers["content-disposition"].endswith('-2.tlog-proof"')
    proof = LogProof.parse(answer.text)
    assert Checkpoint.open(proof.checkpoint.encode(), [kept.vkey()]) == checkpoint
    with kept.dashboard.store.reading() as connection:
        leaf_hash = log.leaf_hash_of(connection, log.find(connection, kept.dashboard.number, 2))
    assert verify_inclusion(leaf_hash, proof.index, checkpoint.size, checkpoint.root, proof.path)


def test_an_auditor_gets_the_proof_of_what_the_link_shows_and_of_nothing_else(kept: Kept) -> None:
    kept.grow(3)
    owner = kept.dashboard.people[Role.OWNER]
    command = CreateLink("Acme", "action:credits.purchase", 30, "acme-token")
    link = kept.dashboard.deployment.act(owner, kept.dashboard.number, command).details["link"]
    kept.sign()
    auditor = kept.dashboard.anybody()
    auditor.follow(auditor.get("/audit/acme-token"))
    auditor.follow(auditor.post("/audit"))
    path = f"/audit/{link}/log"
    shown = next(event.seq for event in kept.dashboard.events() if event.action == "credits.purchase")
    proof = kept.panel(shown, auditor, path)
    assert "Download proof" in proof
    assert "How to verify it yourself" not in proof  # the page is not there for them
    assert auditor.get(f"{path}/{shown}.tlog-proof").status_code == 200
    assert auditor.get(f"{path}/0.tlog-proof").status_code == 404
