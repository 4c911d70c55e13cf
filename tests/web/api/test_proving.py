"""A log read as a log: a client that knows C2SP and RFC 9162, and nothing of ours, gets all it needs, and it fits."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from minutebook.custody import keys
from minutebook.custody.anchor_log import extend
from minutebook.custody.high_water import Custody
from minutebook.custody.retention import Prune, SetRetention
from minutebook.custody.signer import sign_logs
from minutebook.evidence.checkpoint import Checkpoint, log_of
from minutebook.evidence.key_chain import follow
from minutebook.evidence.note import VerifierKey, to_base64
from minutebook.evidence.proof import LogProof, verify_consistency, verify_inclusion
from minutebook.model import DAY
from minutebook.organization.credits import BuyCredits
from minutebook.store import anchors, index
from minutebook.store.anchors import AnchorKind, Said
from minutebook.web.app import WebSettings
from tests.support import stored, sumdb
from tests.support.dashboard import Calder, Dashboard, Somebody

HOST = "minutebook.example"


def path_of(dashboard: Dashboard, path: str) -> str:
    return f"/api/v1/organizations/{dashboard.organization.id}/{path}"


class Signed:
    """A filled organization that was signed, and a program that reads it with a token."""

    def __init__(self, calder: Calder, folder: Path) -> None:
        self.custody = Custody(folder / "custody")
        settings = WebSettings(custody=self.custody.directory)
        self.dashboard = Dashboard.of(calder, settings)
        self.secret = self.dashboard.token()
        self.program: Somebody = self.dashboard.anybody()
        self.ask("events")  # which is recorded, and from now on not again
        self.sign()

    def sign(self) -> None:
        sign_logs(self.dashboard.store, self.custody, HOST)

    def grow(self, number: int) -> None:
        act = self.dashboard.deployment.act
        for _ in range(number):
            act(None, self.dashboard.number, BuyCredits(1, f"payment-{self.dashboard.deployment.clock()}"))

    def ask(self, path: str, **query: int) -> bytes:
        answer = self.program.ask(path_of(self.dashboard, path), token=self.secret, **query)
        assert answer.status_code == 200, answer.text
        return answer.content

    def refused(self, path: str, **query: int | str) -> tuple[int, str]:
        answer = self.program.ask(path_of(self.dashboard, path), token=self.secret, **query)
        return answer.status_code, answer.json()["code"]

    def key(self) -> VerifierKey:
        return VerifierKey.parse(json.loads(self.ask("log/keys"))["keys"][-1]["vkey"])

    def checkpoint(self) -> Checkpoint:
        return Checkpoint.open(self.ask("log/checkpoint"), [self.key()])

    def stored(self) -> list[stored.Stored]:
        with self.dashboard.store.reading() as connection:
            return stored.events(connection, self.dashboard.number)


@pytest.fixture
def signed(calder: Calder, tmp_path: Path) -> Signed:
    return Signed(calder, tmp_path)


def test_the_checkpoint_is_that_of_the_log(signed: Signed) -> None:
    events = signed.stored()
    answer = signed.program.ask(path_of(signed.dashboard, "log/checkpoint"), token=signed.secret)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    checkpoint = signed.checkpoint()
    assert (checkpoint.size, checkpoint.root) == (len(events), stored.root([event.leaf_hash for event in events]))
    assert checkpoint.origin.startswith(f"{HOST}/o/log_")


def test_every_event_is_proven_with_what_opens_it(signed: Signed) -> None:
    events, key = signed.stored(), signed.key()
    for event in events:
        proof = LogProof.parse(signed.ask(f"events/{event.seq}/proof").decode())
        checkpoint = Checkpoint.open(proof.checkpoint.encode(), [key])
        shown = json.loads(proof.extra or b"")
        leaf = stored.canonical(shown["leaf"])
        assert proof.index == event.seq
        assert verify_inclusion(stored.leaf_hash(leaf), proof.index, checkpoint.size, checkpoint.root, proof.path)
        opened = {
            path: stored.commitment(path, bytes.fromhex(salt), text.encode()).hex()
            for path, (salt, text) in shown["open"].items()
        }
        assert opened == shown["leaf"]["c"]
        assert {path: json.loads(text) for path, (_, text) in shown["open"].items()} == event.values


def test_tiles_and_entries_are_those_of_c2sp(signed: Signed) -> None:
    signed.grow(530)
    index.follow_all(signed.dashboard.store)
    signed.sign()
    events = signed.stored()
    hashes = [event.leaf_hash for event in events]
    size = signed.checkpoint().size
    assert 512 < size == len(events) < 768
    assert signed.ask("log/tile/0/001") == b"".join(hashes[256:512])
    assert signed.ask(f"log/tile/0/002.p/{size - 512}") == b"".join(hashes[512:])
    assert signed.ask("log/tile/1/000.p/2") == stored.root(hashes[:256]) + stored.root(hashes[256:512])
    for path, first, end in (("entries/001", 256, 512), (f"entries/002.p/{size - 512}", 512, size)):
        rest, found = signed.ask(f"log/tile/{path}"), []
        while rest:
            length = int.from_bytes(rest[:2], "big")
            found.append(stored.leaf_hash(rest[2 : 2 + length]))
            rest = rest[2 + length :]
        assert found == hashes[first:end]
    missing = ("0/002", f"0/002.p/{size - 511}", "0/003.p/1", "1/000", "1/000.p/3", "2/000.p/1", "entries/002", "0/0")
    for path in missing:
        assert signed.refused(f"log/tile/{path}") == (404, "not_found"), path


def test_entries_that_hold_a_pruned_event_say_so(signed: Signed) -> None:
    """A client of C2SP tlog-tiles that keeps the hashes goes on; nothing is put where a leaf should be."""
    dashboard = signed.dashboard
    deployment, seq = dashboard.deployment, len(dashboard.events())
    signed.grow(3)
    deployment.clock.go_on(100 * DAY)
    deployment.act(None, dashboard.number, SetRetention("credits", 90))
    deployment.act(None, dashboard.number, Prune("credits", deployment.ledger, deployment.clock.now, seq + 1))
    by = dashboard.last().seq
    signed.sign()
    size, hashes = by + 1, [event.leaf_hash for event in signed.stored()]
    signed.secret = dashboard.token()
    program, secret = dashboard.anybody(), signed.secret
    for path in (f"log/tile/entries/000.p/{size}", f"events/{seq + 1}/proof"):
        answer = program.ask(path_of(dashboard, path), token=secret)
        assert (answer.status_code, answer.json()["code"]) == (410, "pruned"), path
        assert f"Event {seq + 1} was pruned, as event {by} of the log says" in answer.json()["detail"]
    assert signed.ask(f"log/tile/entries/000.p/{seq}") != b""
    assert signed.ask(f"log/tile/0/000.p/{size}") == b"".join(hashes[:size])
    assert signed.ask(f"events/{seq}/proof") != b""


def test_the_log_only_grew(signed: Signed) -> None:
    before = signed.checkpoint()
    signed.grow(20)
    signed.sign()
    after = signed.checkpoint()
    answer = json.loads(signed.ask("log/consistency", old=before.size))
    path = [base64.b64decode(hashed) for hashed in answer["proof"]]
    assert (answer["old"], answer["new"]) == (before.size, after.size)
    assert verify_consistency(before.size, before.root, after.size, after.root, path)
    assert json.loads(signed.ask("log/consistency")) == {"old": 0, "new": after.size, "proof": []}
    assert signed.refused("log/consistency", new=after.size + 1) == (422, "invalid")
    assert signed.refused("log/consistency", old=9, new=8) == (422, "invalid")


def test_what_is_not_signed_yet_is_said_to_be_so(calder: Calder, tmp_path: Path) -> None:
    dashboard = Dashboard.of(calder)
    secret, program = dashboard.token(), dashboard.anybody()
    for path in ("log/checkpoint", "events/0/proof", "log/consistency"):
        answer = program.ask(path_of(dashboard, path), token=secret)
        assert (answer.status_code, answer.json()["code"]) == (409, "not_signed_yet"), path
    assert program.ask(path_of(dashboard, "log/keys"), token=secret).json() == {
        "origin": None,
        "keys": [],
        "statements": [],
    }
    sign_logs(dashboard.store, Custody(tmp_path / "custody"), HOST)
    last = dashboard.deployment.act(None, dashboard.number, BuyCredits(1, "late")).seq
    answer = program.ask(path_of(dashboard, f"events/{last}/proof"), token=secret)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_signed_yet")
    answer = program.ask(path_of(dashboard, f"events/{last + 1}/proof"), token=secret)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert program.ask(path_of(dashboard, "events/x/proof"), token=secret).status_code == 422


def test_keys_are_told_with_what_vouches_for_them(signed: Signed) -> None:
    with signed.custody.changing() as held:
        (first,) = keys.standings(held)
        keys.add(signed.custody, held, keys.new_key(signed.dashboard.store.randomness), HOST, 1_893_456_000_000_000)
        keys.revoke(signed.custody, held, first, 1_893_456_000, 1_893_456_000_000_000)
    told = json.loads(signed.ask("log/keys"))
    standings = follow(told["statements"])
    assert next(iter(standings)) == first
    assert [VerifierKey.parse(one["vkey"]).public for one in told["keys"]] == list(standings)
    assert {VerifierKey.parse(one["vkey"]).name for one in told["keys"]} == {told["origin"]}
    assert [one["cut_off"] for one in told["keys"]] == ["2030-01-01T00:00:00Z", None]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_another_implementation_accepts_what_is_answered(
    filled_dashboard_signed: Signed, tmp_path_factory: pytest.TempPathFactory
) -> None:
    signed = filled_dashboard_signed
    key, before = str(signed.key()), signed.ask("log/checkpoint").decode()
    old = signed.checkpoint().size
    signed.grow(30)
    signed.sign()
    about = {"key": key, "checkpoint": signed.ask("log/checkpoint").decode()}
    claims: list[dict[str, object]] = []
    for event in signed.stored():
        proof = LogProof.parse(signed.ask(f"events/{event.seq}/proof").decode())
        path = [to_base64(hashed) for hashed in proof.path]
        claims.append(
            {"key": key, "checkpoint": proof.checkpoint, "path": path}
            | {"leaf": to_base64(event.leaf_hash), "index": event.seq}
        )
    grown = json.loads(signed.ask("log/consistency", old=old))
    claims.append({**about, "old": before, "path": grown["proof"]})
    assert sumdb.judge(tmp_path_factory).judge(claims) == ["ok"] * len(claims)


@pytest.fixture
def filled_dashboard_signed(calder_sqlite: Calder, tmp_path: Path) -> Signed:
    return Signed(calder_sqlite, tmp_path)


def test_who_has_seen_the_log_is_told(signed: Signed) -> None:
    store = signed.dashboard.store
    before = json.loads(signed.ask("log/anchors"))
    assert before == {"size": signed.checkpoint().size, "anchors": []}
    extend(store, signed.custody)
    log_id = log_of(signed.checkpoint().origin)
    size = before["size"]
    with store.housekeeping() as connection:
        anchors.note(
            connection,
            [
                Said(log_id, AnchorKind.WITNESS, "w.example", size - 1, 1_893_456_000_000_000, b"line"),
                Said(log_id, AnchorKind.WITNESS, "w.example", size, 1_893_456_000_000_001, error="does not answer"),
                Said("anchor", AnchorKind.TIMESTAMP, "tsa.example", 10, 1_893_456_000_000_002, b"token"),
                Said("anchor", AnchorKind.WITNESS, "v.example", 10, 1_893_456_000_000_003, error="does not answer"),
            ],
        )
    own, *others = json.loads(signed.ask("log/anchors"))["anchors"]
    assert (own["kind"], own["name"], own["size"], own["state"]) == ("anchor_log", f"{HOST}/anchor", size, "done")
    at = "2030-01-01T00:00:00.00000{}Z".format
    direct = {"kind": "witness", "name": "w.example", "by_anchor_log": False, "size": size - 1, "at": at(0)}
    stamped = {"kind": "timestamp", "name": "tsa.example", "by_anchor_log": True, "size": size, "at": at(2)}
    never = {"kind": "witness", "name": "v.example", "by_anchor_log": True, "size": 0, "at": None}
    down = {"state": "failed", "error": "does not answer"}
    assert others == [direct | down, stamped | {"state": "done", "error": None}, never | down]
