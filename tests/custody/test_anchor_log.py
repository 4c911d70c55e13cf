"""The anchor log has an entry for every head of every log, goes on like any other, and each entry is proven by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from minutebook.custody import keys
from minutebook.custody.anchor_log import extend
from minutebook.custody.high_water import Custody
from minutebook.custody.signer import examine, require_not_behind, sign_logs
from minutebook.errors import BehindHighWater
from minutebook.evidence.checkpoint import Checkpoint
from minutebook.evidence.note import Note, VerifierKey
from minutebook.evidence.proof import LogProof, verify_consistency, verify_inclusion
from minutebook.evidence.tree import leaf_hash
from minutebook.model import HOUR, MINUTE
from minutebook.store import anchor_log, anchors, checkpoints, log, schema, tiles
from minutebook.store.anchors import AnchorKind, Said
from minutebook.store.checkpoints import Signed
from minutebook.store.schema import ANCHOR
from tests.store.test_query import fill
from tests.support.deployment import Deployment
from tests.support.tampering import tamper
from tests.support.walk import FILLED, OTHER

HOST = "minutebook.example"


@pytest.fixture
def custody(tmp_path: Path) -> Custody:
    return Custody(tmp_path / "custody")


def go_on(deployment: Deployment, custody: Custody, micros: int = MINUTE) -> None:
    """One round of the signer's thread, a minute after the one before."""
    deployment.clock.go_on(micros)
    sign_logs(deployment.store, custody, HOST)
    assert extend(deployment.store, custody) is None


def entries(deployment: Deployment) -> list[tuple[int, int, int]]:
    """Of each entry the organization, and the sizes it grew from and to."""
    with deployment.store.reading() as connection:
        number = {log_id(deployment, one): one for one in (FILLED, OTHER)}
        rows = connection.execute(schema.anchor_entry.select().order_by(schema.anchor_entry.c.number))
        return [(number[row.log_id], row.previous_size, row.size) for row in rows]


def log_id(deployment: Deployment, organization: int) -> str:
    with deployment.store.reading() as connection:
        return log.read_head(connection, organization).log_id


def head(deployment: Deployment) -> Signed:
    with deployment.store.reading() as connection:
        found = checkpoints.latest(connection, ANCHOR)
    assert found
    return found


def opened(custody: Custody, note: str, name: str = "anchor") -> Checkpoint:
    with custody.reading() as held:
        (public,) = keys.standings(held)
    return Checkpoint.open(note.encode(), [VerifierKey(f"{HOST}/{name}", public)])


def files(deployment: Deployment, organization: int = FILLED) -> dict[str, bytes]:
    with deployment.store.reading() as connection:
        return anchor_log.evidence(connection, organization)


def test_every_log_is_entered_and_again_when_it_has_grown(filled: Deployment, custody: Custody) -> None:
    go_on(filled, custody)
    first, other = filled.size(FILLED), filled.size(OTHER)
    assert set(entries(filled)) == {(FILLED, 0, first), (OTHER, 0, other)}
    fill(filled, 3)
    go_on(filled, custody)
    assert entries(filled)[2:] == [(FILLED, first, first + 3)]
    go_on(filled, custody)
    assert len(entries(filled)) == 3
    assert opened(custody, str(head(filled))).size == 3


def test_entries_are_made_once_a_minute_at_most(filled: Deployment, custody: Custody) -> None:
    go_on(filled, custody)
    fill(filled, 1)
    go_on(filled, custody, 0)
    assert len(entries(filled)) == 2
    go_on(filled, custody)
    assert len(entries(filled)) == 3


def test_a_clock_that_was_set_back_does_not_stop_it(filled: Deployment, custody: Custody) -> None:
    go_on(filled, custody)
    fill(filled, 1)
    go_on(filled, custody, -HOUR)
    assert len(entries(filled)) == 3


def test_each_head_of_it_goes_on_from_the_one_before(filled: Deployment, custody: Custody) -> None:
    seen = []
    for _ in range(9):
        fill(filled, 1)
        go_on(filled, custody)
        seen.append(opened(custody, str(head(filled))))
    newest = seen[-1]
    for old in seen:
        with filled.store.reading() as connection:
            path = tiles.consistency(connection, ANCHOR, old.size, newest.size)
        assert verify_consistency(old.size, old.root, newest.size, newest.root, path)


def test_the_proof_of_a_head_says_which_head(filled: Deployment, custody: Custody) -> None:
    for _ in range(3):
        fill(filled, 1)
        go_on(filled, custody)
    with filled.store.reading() as connection:
        signed = checkpoints.latest(connection, FILLED)
        assert signed
        sizes = anchor_log.heads_in(connection, FILLED)
    ((name, text),) = files(filled).items()
    proof = LogProof.parse(text.decode())
    anchor = opened(custody, proof.checkpoint)
    assert (name, sizes) == (f"{anchor.size}.tlog-proof", [signed.size])
    assert proof.extra
    assert verify_inclusion(leaf_hash(proof.extra), proof.index, anchor.size, anchor.root, proof.path)
    entry = json.loads(proof.extra)
    assert (entry["log"], entry["size"], entry["root"]) == (
        log_id(filled, FILLED),
        signed.size,
        signed.checkpoint.root.hex(),
    )
    assert entry["previous_size"] == signed.size - 1
    assert len(bytes.fromhex(entry["nonce"])) == 16


def test_what_others_said_of_it_is_with_the_proof_and_its_heads_are_kept(filled: Deployment, custody: Custody) -> None:
    go_on(filled, custody)
    seen = head(filled)
    with filled.store.housekeeping() as connection:
        said = Said("anchor", AnchorKind.TIMESTAMP, "tsa.example", seen.size, filled.clock(), b"token")
        anchors.note(connection, [said])
    for _ in range(20):  # all in the same hour
        fill(filled, 1)
        go_on(filled, custody)
    found = files(filled)
    newest = head(filled)
    assert set(found) == {f"{seen.size}.tlog-proof", f"{seen.size}.tsr", f"{newest.size}.tlog-proof"}
    assert found[f"{seen.size}.tsr"] == b"token"
    with filled.store.reading() as connection:
        kept = [one.size for one in checkpoints.every(connection, ANCHOR)]
        heads = [one.size for one in checkpoints.every(connection, FILLED)]
        assert set(anchor_log.heads_in(connection, FILLED)) <= set(heads)
    assert kept == [newest.size, seen.size]
    assert len(heads) < 10


def test_the_proof_is_of_a_head_that_is_kept(filled: Deployment, custody: Custody) -> None:
    go_on(filled, custody)
    filled.clock.go_on(MINUTE)
    entered = filled.size(FILLED)
    fill(filled, 1)
    sign_logs(filled.store, custody, HOST)  # in the same hour, so that the one before could go
    ((_, text),) = files(filled).items()
    extra = LogProof.parse(text.decode()).extra
    assert extra
    assert json.loads(extra)["size"] == entered


def test_an_organization_that_was_never_signed_has_no_evidence(filled: Deployment) -> None:
    assert files(filled) == {}


def test_a_proof_of_many_entries_reads_tiles(filled: Deployment, custody: Custody) -> None:
    go_on(filled, custody)
    randomness = filled.store.randomness
    with filled.store.housekeeping() as connection:
        for number in range(3):
            many = [
                Checkpoint(f"{HOST}/o/log_{one}", number + 1, bytes([one % 256, number]) * 16) for one in range(400)
            ]
            anchor_log.enter(connection, many, randomness)
    go_on(filled, custody)
    with filled.store.reading() as connection:
        assert [(level, number) for level, number, _ in tiles.stored(connection, ANCHOR)] == [(1, 0)]
        stored = tiles.hashes(connection, ANCHOR, 1, 0, 4)
        assert stored == tiles.split(next(iter(tiles.made(connection, ANCHOR, 1202)))[2])
    ((_, text),) = files(filled, OTHER).items()
    proof = LogProof.parse(text.decode())
    anchor = opened(custody, proof.checkpoint)
    assert anchor.size == 1202
    assert proof.extra
    assert verify_inclusion(leaf_hash(proof.extra), proof.index, anchor.size, anchor.root, proof.path)


# ── What is refused, and what is lost ────────────────────────────────────────────────────────────────────────────────


def test_an_anchor_log_that_was_rolled_back_is_refused(filled: Deployment, custody: Custody) -> None:
    go_on(filled, custody)
    assert list(examine(filled.store, custody)) == []
    tamper(filled.store, "DELETE FROM anchor_entry WHERE number = 1")
    fill(filled, 1)
    filled.clock.go_on(MINUTE)
    sign_logs(filled.store, custody, HOST)
    assert "rolled back" in (extend(filled.store, custody) or "")
    with pytest.raises(BehindHighWater, match="anchor log"):
        require_not_behind(filled.store, custody)
    assert any("The anchor log has 1 entries" in problem for _, problem in examine(filled.store, custody))


def test_an_entry_that_was_changed_is_found(filled: Deployment, custody: Custody) -> None:
    go_on(filled, custody)
    raw = f"x'{'07' * 32}'" if filled.store.is_sqlite else f"'\\x{'07' * 32}'"
    tamper(filled.store, f"UPDATE anchor_entry SET leaf_hash = {raw} WHERE number = 1")
    assert [problem for _, problem in examine(filled.store, custody)] == [
        "In the anchor log: Entry 1 is not what its hash was made of.",
        "In the anchor log: The first 2 events are not those that were signed.",
    ]


@pytest.mark.parametrize(
    "change", ["root = nonce", "size = size + 1", "previous_size = -(1 << 60)", "log_id = 'log_x'"]
)
def test_what_an_entry_says_is_what_its_hash_was_made_of(filled: Deployment, custody: Custody, change: str) -> None:
    go_on(filled, custody)
    tamper(filled.store, f"UPDATE anchor_entry SET {change} WHERE number = 1")
    assert [problem for _, problem in examine(filled.store, custody)] == [
        "In the anchor log: Entry 1 is not what its hash was made of."
    ]


def test_what_a_witness_said_may_be_made_unreadable_and_evidence_goes_on(filled: Deployment, custody: Custody) -> None:
    go_on(filled, custody)
    with filled.store.housekeeping() as connection:
        name, size = log_id(filled, FILLED), filled.size(FILLED)
        anchors.note(connection, [Said(name, AnchorKind.WITNESS, "w.example/1", size, 1, b"\xff\n")])
        anchors.note(connection, [Said(name, AnchorKind.WITNESS, "w.example/2", size, 1, b"nothing\n")])
        signed = checkpoints.latest(connection, FILLED)
        assert signed
        assert str(anchors.cosigned(connection, signed)) == str(signed)


@pytest.mark.parametrize("name", ["anchor.x", "anchor.99999999999", "o/log_1", "anchor.", "\u0664"])
def test_a_name_that_it_never_had_is_found_and_stops_nothing(filled: Deployment, custody: Custody, name: str) -> None:
    go_on(filled, custody)
    renamed = f"replace(signatures, '{HOST}/anchor', '{HOST}/{name}')"
    tamper(filled.store, f"UPDATE checkpoint SET signatures = {renamed} WHERE organization = {ANCHOR}")
    assert [problem for _, problem in examine(filled.store, custody)] == [
        "In the anchor log: The checkpoint of 2 events is not signed by a key of this deployment."
    ]
    with filled.store.reading() as connection:
        assert anchor_log.states(connection, FILLED)
    fill(filled, 1)
    assert sign_logs(filled.store, custody, HOST).signed == (FILLED,)
    go_on(filled, custody)
    assert opened(custody, str(head(filled))).size == 3


def test_a_crash_before_its_checkpoint_signs_the_same_again(
    filled: Deployment, custody: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on(filled, custody)
    fill(filled, 1)
    filled.clock.go_on(MINUTE)
    sign_logs(filled.store, custody, HOST)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as crashing:
        crashing.setattr(checkpoints, "add", crash)
        with pytest.raises(KeyboardInterrupt):
            extend(filled.store, custody)
    go_on(filled, custody)
    assert opened(custody, str(head(filled))).size == 3
    assert list(examine(filled.store, custody)) == []


def test_after_a_restore_it_goes_on_under_another_name(filled: Deployment, custody: Custody) -> None:
    go_on(filled, custody)
    for table, where in (("anchor_entry", "number = 1"), ("anchor_head", "number = 1"), ("checkpoint", "size = 2")):
        tamper(filled.store, f"DELETE FROM {table} WHERE {where}")
    with custody.changing() as held:
        held.renew_anchor_log()
    fill(filled, 1)
    go_on(filled, custody)
    assert opened(custody, str(head(filled)), "anchor.2").size == len(entries(filled))
    assert Note.parse(str(head(filled)).encode()).text.startswith(f"{HOST}/anchor.2\n")
    require_not_behind(filled.store, custody)
    with custody.changing() as held:
        held.renew_anchor_log()
        assert held.anchor_log() == "anchor.3"
