"""The verifier that stands alone: what it accepts and explains, and that it refuses all else, naming the place."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rfc3161_client import TimestampRequestBuilder
from rfc3161_client.base import HashAlgorithm

from minutebook.evidence.note import Note, VerifierKey, cosign, sign, to_base64
from minutebook.evidence.verifier import minutebook_verify as verifier
from tests.support import evidence as making
from tests.support import stored, trees
from tests.support.evidence import HOST, KEY, NOON, OTHER_KEY, WITNESS, WITNESS_KEY, Files, Log, summed
from tests.support.timestamping import Authority

VERIFIER = Path(verifier.__file__)


class Verified:
    """Runs the verifier's command line on files."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys

    def __call__(self, files: Files, *options: str, key: str | None = None) -> tuple[int, str]:
        """The exit code, and what was said."""
        bundle = making.written(files, self.folder / "evidence.zip")
        pinned = [] if key is None else ["--key", key]
        code = verifier.main([str(bundle), *pinned, *options])
        out, err = self.capsys.readouterr()
        return code, out + err

    def head(self, note: Note, name: str = "head") -> str:
        """A file with a head that was seen earlier."""
        (self.folder / name).write_text(str(note))
        return str(self.folder / name)


@pytest.fixture
def verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Verified:
    return Verified(tmp_path, capsys)


@pytest.fixture
def log() -> Log:
    return Log().fill(12)


# ── What is valid ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 31, 64, 65])
def test_everything_of_any_size(verified: Verified, size: int) -> None:
    log = Log().fill(size)
    code, said = verified(log.evidence(chain=range(1, size)), key=log.vkey)
    assert (code, said[-7:]) == (0, "VALID.\n"), said
    assert f"{size:,}: every one" in said and "NOBODY PINNED" not in said


@pytest.mark.parametrize("size", [1, 2, 5, 8, 33])
def test_each_event_alone(verified: Verified, size: int) -> None:
    log = Log().fill(size)
    for seq in range(size):
        for by_hash in (False, True):
            code, said = verified(log.evidence([seq], by_hash=by_hash), key=log.vkey)
            assert code == 0, said
            assert f"Events     1 of {size}" in said
    assert verified(log.evidence(by_hash=False), key=log.vkey)[0] == 0


def test_in_several_processes_and_from_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = Log().fill(600)
    folder = making.unpacked(log.evidence(), tmp_path / "evidence")
    assert verifier.main([str(folder), "--key", log.vkey, "--processes", "2"]) == 0, capsys.readouterr().out
    (folder / ".DS_Store").write_bytes(b"left by a file manager")
    log.events[590].leaf["id"] += "0"
    (folder / "events.jsonl").write_bytes(b"".join(event.line() + b"\n" for event in log.events))
    capsys.readouterr()
    assert verifier.main([str(folder), "--key", log.vkey, "--processes", "2"]) == 1
    assert "event 590" in capsys.readouterr().out


def test_it_stands_alone(log: Log, tmp_path: Path) -> None:
    """As an auditor runs it: one file, an interpreter without any package, also without `cryptography`."""
    bundle = making.written(log.evidence(chain=[5]), tmp_path / "evidence.zip")
    alone = shutil.copy(VERIFIER, tmp_path)
    command = [sys.executable, "-I", "-S", "-W", "error", alone, bundle, "--key", log.vkey]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    forged = log.evidence()
    forged["checkpoint"] = forged["checkpoint"].replace(b"\n12\n", b"\n13\n")
    making.written(summed(forged), bundle)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "checkpoint: the signature" in done.stdout


def test_withheld_erased_pruned_restored_and_stepped(verified: Verified) -> None:
    log = Log().fill(20)
    log.erase((3, "actor.email"), (4, "context.ip"), (4, "targets.0"))
    log.prune((5, 7), (9, 9))
    log.fill(3)
    log.fill(2)
    log.restore(23)
    log.add("log.clock_step", at=NOON - 86_400)
    log.add(at=NOON - 86_399)
    code, said = verified(log.evidence(withheld=["actor.name", "targets.*"], chain=[8, 22]), key=log.vkey)
    assert code == 0, said
    for words in (
        "Withheld   22 values of actor.name",
        "Withheld   21 values of targets.*",  # the erased one is not among them
        "Erased     3 fields, as event 20",
        "Pruned     4 events, as event 21",
        "Restored   from a backup at event 23, as it says; 4 signed events are lost by it",
        "Clock      stepped at event 24",
    ):
        assert words in said, said
    code, said = verified(log.evidence([4, 6, 20, 21, 23, 24, 25], chain=[8, 22]), key=log.vkey)
    assert code == 0, said


# ── What must be explained ───────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_missing_without_a_word(verified: Verified, log: Log) -> None:
    log.events[3].open.pop("context.ip")
    code, said = verified(log.evidence(), key=log.vkey)
    assert code == 1 and "event 3: context.ip is not shown" in said
    log.erase((4, "context.ip"))
    code, said = verified(log.evidence(), key=log.vkey)
    assert code == 1 and "event 3: context.ip is not shown" in said


def test_an_erasure_accounts_for_its_field_only(verified: Verified, log: Log) -> None:
    own = log.events[3].leaf["c"]
    wrong = [
        [3, "context.ip", own["actor.email"]],
        [3, "actor.email", own["context.ip"]],
        [4, "context.ip", own["context.ip"]],
        ["3", "context.ip", own["context.ip"]],
        [3, "context.ip"],
        [True, "context.ip", own["context.ip"]],
        3,
        None,
    ]
    log.events[3].open.pop("context.ip")
    log.add("log.erase", {"erased": wrong})
    log.add("log.erase", {"erased": "all of it"})
    log.add("user.erase", {"erased": [[3, "context.ip", own["context.ip"]]]})
    code, said = verified(log.evidence(), key=log.vkey)
    assert code == 1 and "event 3: context.ip is not shown" in said
    # an erasure that is not itself shown explains nothing
    log.add("log.erase", {"erased": [[3, "context.ip", own["context.ip"]]]})
    assert verified(log.evidence(), key=log.vkey)[0] == 0
    assert verified(log.evidence(withheld=["details.erased"]), key=log.vkey)[0] == 1


def test_what_is_withheld_was_erased_only_where_a_commitment_says_so(verified: Verified, log: Log) -> None:
    own = log.events[3].leaf["c"]["context.ip"]
    log.add(
        "log.erase", {"erased": [[3, "context.ip", log.events[4].leaf["c"]["actor.name"]], [13, "context.ip", own]]}
    )
    code, said = verified(log.evidence(withheld=["context.*"]), key=log.vkey)
    assert code == 0 and "Withheld   26 values of context.*" in said and "Erased" not in said
    for event in log.events[:12]:
        event.open.pop("context.user_agent")
        event.open.pop("context.ip")
    both = ("context.ip", "context.user_agent")
    erased = [[seq, path, log.events[seq].leaf["c"][path]] for seq in range(12) for path in both]
    log.add("log.erase", {"erased": erased})
    code, said = verified(log.evidence(withheld=["context.*"]), key=log.vkey)
    assert code == 0 and "Withheld   4 values of context.*" in said and "Erased     24 fields, as event 13" in said


def test_an_erasure_comes_after_what_it_erases(verified: Verified, log: Log) -> None:
    ahead = Log().fill(14)
    own = ahead.events[13].leaf["c"]["context.ip"]
    log.add("log.erase", {"erased": [[13, "context.ip", own]]})
    log.add()
    assert log.events[13].leaf["c"]["context.ip"] == own
    log.events[13].open.pop("context.ip")
    code, said = verified(log.evidence(), key=log.vkey)
    assert code == 1 and "event 13: context.ip" in said


@pytest.mark.parametrize("ranges", [[[4, 4]], [[6, 9]], [[5, 4]], [], [5], None, [["5", "5"]]])
def test_pruned_without_a_word(verified: Verified, log: Log, ranges: Any) -> None:
    log.events[5].is_pruned = True
    log.add("log.prune", {"ranges": ranges})
    code, said = verified(log.evidence(), key=log.vkey)
    assert code == 1 and "event 5: is not shown, and no log.prune" in said


def test_a_prune_cannot_prune_itself_or_what_comes_later(verified: Verified, log: Log) -> None:
    at = log.prune((5, 6), (10, 40))
    assert verified(log.evidence(), key=log.vkey)[0] == 0
    log.fill(2)
    log.events[at + 1].is_pruned = True
    code, said = verified(log.evidence(), key=log.vkey)
    assert code == 1 and f"event {at + 1}: is not shown" in said


def test_what_policies_prune_one_by_one_takes_no_longer() -> None:
    """Of a log in which every other event is of a family that is pruned: hours, if each range looked at all others."""
    numbers, ours = verifier.Numbers(), range(0, 300_000, 2)
    for number in ours:
        numbers.add(number)
    began = time.process_time()
    assert sum(numbers.remove(number, number) for number in ours[:-1]) == len(ours) - 1
    assert time.process_time() - began < 20
    assert numbers.first() == ours[-1]


def test_ranges_are_taken_from_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier.Numbers, "WIDTH", 8)
    chance = random.Random(4)
    for _ in range(100):
        numbers, left = verifier.Numbers(), set[int]()
        for _ in range(50):
            one = chance.randrange(100)
            numbers.add(one)
            left.add(one)
            first = chance.randrange(-5, 110)
            last = chance.choice([first + chance.randrange(-3, 40), 2**53])
            gone = {number for number in left if first <= number <= last}
            assert numbers.remove(first, last) == len(gone)
            left -= gone
            assert numbers.first() == min(left, default=None)


def test_a_clock_that_went_back(verified: Verified, log: Log) -> None:
    log.add(at=NOON + 5)
    code, said = verified(log.evidence(), key=log.vkey)
    assert code == 1 and "event 12 (events.jsonl, line 13): was recorded earlier" in said
    assert verified(log.evidence([7, 12]), key=log.vkey)[0] == 1


def test_a_generation_begins_with_its_restore(verified: Verified, log: Log) -> None:
    log.restore(8)
    log.fill(4)
    assert verified(log.evidence(), key=log.vkey)[0] == 0
    log.restore(9)
    assert verified(log.evidence(), key=log.vkey)[0] == 0
    lying = Log().fill(12)
    lying.generations.append(making.Generation("log_" + "2" * 32, 12))
    said = {"previous_log": lying.generations[0].log, "restored_size": 12, "restored_root": "00" * 32}
    lying.add("log.restore", said)
    code, words = verified(lying.evidence(), key=lying.vkey)
    assert code == 1 and "event 12" in words and "restored log is not the one before" in words
    for first in ("log.clock_step", "user.login"):
        for second in ("log.restore", "log.clock_step", None):
            stepped = Log().fill(12)
            stepped.restore(10)
            restored = stepped.events.pop()
            told = {path[8:]: json.loads(pair[1]) for path, pair in restored.open.items() if path[:8] == "details."}
            stepped.add(first)
            if second:
                stepped.add(second, told)
            code, words = verified(stepped.evidence(), key=stepped.vkey)
            assert code == (0 if (first, second) == ("log.clock_step", "log.restore") else 1), words
            assert code == 0 or "event 10" in words or "event 11" in words
    silent = Log().fill(12)
    silent.generations.append(making.Generation("log_" + "2" * 32, 12))
    silent.add()
    code, words = verified(silent.evidence(), key=silent.vkey)
    assert code == 1 and "does not begin with a log.restore" in words


def test_an_event_of_another_log(verified: Verified, log: Log) -> None:
    log.events[4].leaf["log"] = "log_" + "9" * 32
    code, said = verified(log.evidence(), key=log.vkey)
    assert code == 1 and "event 4" in said and "is an event of the log log_99" in said


# ── Heads that were seen earlier ─────────────────────────────────────────────────────────────────────────────────────


def test_a_head_that_the_log_goes_on_from(verified: Verified, log: Log) -> None:
    heads = [verified.head(log.checkpoint(size), f"head{size}") for size in (1, 7, 12)]
    options = [word for head in heads for word in ("--head", head)]
    code, said = verified(log.evidence(), *options, key=log.vkey)
    assert code == 0 and said.count("the log goes on from its") == 3
    assert verified(log.evidence([3], chain=[7]), "--head", heads[1], key=log.vkey)[0] == 0
    code, said = verified(log.evidence([3]), "--head", heads[1], key=log.vkey)
    assert code == 2 and "only evidence with the hashes" in said
    assert verified(log.evidence([3], by_hash=True), "--head", heads[1], key=log.vkey)[0] == 0


def test_a_log_that_was_rewritten_since(verified: Verified, log: Log) -> None:
    head = verified.head(log.checkpoint(7))
    log.events[2].leaf["action"] = "user.logout"
    code, said = verified(log.evidence(), "--head", head, key=log.vkey)
    assert code == 3 and "the first 7 events are not those" in said
    assert verified(log.evidence(), key=log.vkey)[0] == 0  # nothing else can tell: this is what heads are for


def test_an_event_that_is_not_the_one_that_was_signed(verified: Verified, log: Log) -> None:
    """Whole in itself: only hash and proof tell. The proof is that of the true one, or of another event."""
    forged = Log().fill(12)
    forged.events[5].leaf["action"] = "user.logout"
    for by_hash in (True, False):
        for only in ([2, 5, 9], None):
            files = log.evidence(only, by_hash=by_hash)
            files["events.jsonl"] = forged.evidence(only)["events.jsonl"]
            code, said = verified(summed(files), key=log.vkey)
            assert code == 1 and "INVALID: event 5 (events.jsonl, line" in said and "not what was recorded" in said
    files = log.evidence([2, 5, 9])
    files["proofs.jsonl"] = forged.evidence([2, 5, 9])["proofs.jsonl"]
    code, said = verified(summed(files), key=log.vkey)
    assert code == 1 and "INVALID: event 2" in said


def test_earlier_heads_of_another_log(verified: Verified, log: Log) -> None:
    """Signed with the same key, by an operator who had another log then."""
    other = Log().fill(7)
    other.events[3].leaf["outcome"] = "denied"
    for by_hash in (True, False):
        files = log.evidence(chain=[4, 7], by_hash=by_hash)
        files["chain/7"] = str(other.checkpoint()).encode()
        code, said = verified(summed(files), key=log.vkey)
        assert code == 1 and "chain/4.consistency: does not show" in said, said
        files = log.evidence(chain=[4, 7], by_hash=by_hash)
        files["chain/7.consistency"] = b"".join(files["chain/7.consistency"].splitlines(keepends=True)[:-1])
        assert verified(summed(files), key=log.vkey)[0] == 1


def test_base64_that_is_written_in_another_way(verified: Verified, log: Log) -> None:
    files = log.evidence(chain=[7])
    lines = files["chain/7.consistency"].decode().splitlines()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = alphabet[alphabet.index(lines[0][42]) ^ 1]  # bits that are thrown away
    files["chain/7.consistency"] = "\n".join([lines[0][:42] + last + "=", *lines[1:], ""]).encode()
    code, said = verified(summed(files), key=log.vkey)
    assert code == 1 and "written in another way" in said


def test_a_log_that_was_rolled_back(verified: Verified, log: Log) -> None:
    head = verified.head(log.checkpoint())
    log.events = log.events[:9]
    code, said = verified(log.evidence(), "--head", head, key=log.vkey)
    assert code == 3 and "has 12 events, and there are 9" in said
    log.fill(9)
    log.events[10].leaf["outcome"] = "denied"
    assert verified(log.evidence(), "--head", head, key=log.vkey)[0] == 3


def test_a_restore_is_a_loss_for_who_saw_what_was_lost(verified: Verified, log: Log) -> None:
    before, lost, more = (verified.head(log.checkpoint(size), f"{size}") for size in (8, 11, 12))
    log.restore(8)
    log.fill(9)
    assert verified(log.evidence(), "--head", before, key=log.vkey)[0] == 0
    for only in (None, [3, 8]):
        code, said = verified(log.evidence(only, by_hash=True), "--head", lost, key=log.vkey)
        assert code == 3 and "of which 8 to 10 are gone: event 8 says that an older backup was restored." in said
    assert verified(log.evidence(), "--head", before, "--head", more, key=log.vkey)[0] == 3
    code, said = verified(log.evidence([3], by_hash=True), key=log.vkey)
    assert code == 1 and "event 8: with which the log" in said, "without the event that says so, it is not valid"


@pytest.mark.parametrize("lie", [{"known_size": 10}, {"known_root": "00" * 32}, {"known_size": None}])
def test_a_restore_that_does_not_tell_all_that_was_lost(verified: Verified, log: Log, lie: Any) -> None:
    head = verified.head(log.checkpoint())
    log.restore(8)
    assert "another one" not in verified(log.evidence(), "--head", head, key=log.vkey)[1]
    said = {path[8:]: json.loads(text) for path, (_, text) in log.events.pop().open.items() if path[:8] == "details."}
    log.add("log.restore", said | lie)
    code, words = verified(log.evidence(), "--head", head, key=log.vkey)
    assert code == 3 and "8 to 11 are gone" in words and "but that the last head was another one" in words


def test_a_generation_of_which_the_backup_knew_nothing(verified: Verified, log: Log) -> None:
    """Whoever has pinned or seen it is told what became of it, also after the next restore."""
    first, first_key = verified.head(log.checkpoint(8), "first"), log.vkey
    log.restore(8)
    log.fill(2)
    second, second_key = verified.head(log.checkpoint(), "second"), log.vkey
    for size, shared in ((8, 8), (8, 8), (6, 6), (7, 6)):
        log.restore(size)
        log.fill(3)
        for key in (first_key, second_key, log.vkey):
            code, said = verified(log.evidence(), "--head", second, key=key)
            assert code == 3 and f"of which {shared} to 10 are gone: event {shared} says" in said, said
            assert verified(log.evidence(), key=key)[0] == 0
        assert verified(log.evidence(), "--head", first, key=log.vkey)[0] == (0 if size == 8 else 3)


def test_a_head_of_somebody_else(verified: Verified, log: Log) -> None:
    for head in (log.checkpoint(5, OTHER_KEY), Log([making.Generation("log_x", 0)]).fill(5).checkpoint()):
        code, said = verified(log.evidence(), "--head", verified.head(head), key=log.vkey)
        assert code == 2 and "not one of this log" in said
    assert verified(log.evidence(), "--head", "/nowhere", key=log.vkey)[0] == 2


# ── Keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def add(key: Any) -> str:
    return f"add {to_base64(key.public)} since 2026-11-01T00:00:00Z"


def revoke(key: Any, at: str = "2026-12-01T00:00:00Z") -> str:
    return f"revoke {to_base64(key.public)} cut-off {at}"


def with_keys(log: Log, signer: Any, *statements: bytes, at: int | None = None) -> Files:
    files = log.evidence(chain=[5])
    files["checkpoint"] = str(log.checkpoint(key=signer, at=at)).encode()
    files |= {f"keys/{number}": statement for number, statement in enumerate(statements)}
    return summed(files)


def test_without_a_pinned_key_it_says_so(verified: Verified, log: Log) -> None:
    code, said = verified(log.evidence())
    assert code == 0 and "WHICH NOBODY PINNED" in said


def test_a_key_that_is_not_the_logs(verified: Verified, log: Log) -> None:
    stranger = str(VerifierKey(log.origin, OTHER_KEY.public))
    code, said = verified(log.evidence(), key=stranger)
    assert code == 1 and "checkpoint: is not signed" in said
    for name in ("other.example/o/log_1", f"{HOST}/o/log_1"):
        code, said = verified(log.evidence(), key=str(VerifierKey(name, KEY.public)))
        assert code == 1 and f"the key that was pinned of {name}" in said
    for text in ("", "x", log.vkey[:-1], log.vkey + "A", log.vkey.replace("+", " "), str(WITNESS_KEY)):
        assert verified(log.evidence(), key=text)[0] in (1, 2), text
    assert verified(log.evidence(), "--witness", log.vkey, key=log.vkey)[0] == 2


def test_a_key_vouches_for_the_next(verified: Verified, log: Log) -> None:
    first = making.key_statement(0, add(KEY), KEY)
    rotated = with_keys(log, OTHER_KEY, first, making.key_statement(1, add(OTHER_KEY), KEY, OTHER_KEY))
    assert verified(rotated, key=log.vkey)[0] == 0
    assert verified(rotated, key=str(VerifierKey(f"{HOST}/keys", KEY.public)))[0] == 0
    for signers in ((OTHER_KEY,), (KEY,), (WITNESS, OTHER_KEY)):
        forged = with_keys(log, OTHER_KEY, first, making.key_statement(1, add(OTHER_KEY), *signers))
        assert verified(forged, key=log.vkey)[0] == 1, signers


def test_a_key_does_not_vouch_for_the_one_before(verified: Verified, log: Log) -> None:
    """A statement does not say by which key it adds: somebody else's could stand before it as well."""
    forged = with_keys(
        log, WITNESS, making.key_statement(0, add(WITNESS), WITNESS), making.key_statement(1, add(KEY), WITNESS, KEY)
    )
    assert verified(forged, key=log.vkey)[0] == 1


def test_a_revoked_key_counts_for_what_a_witness_saw_before(verified: Verified, log: Log) -> None:
    statements = (
        making.key_statement(0, add(KEY), KEY),
        making.key_statement(1, add(OTHER_KEY), KEY, OTHER_KEY),
        making.key_statement(2, revoke(KEY, "2027-01-15T08:00:00Z"), OTHER_KEY),
    )
    witness = ("--witness", str(WITNESS_KEY))
    assert verified(with_keys(log, OTHER_KEY, *statements), key=log.vkey)[0] == 0
    assert verified(with_keys(log, KEY, *statements), key=log.vkey)[0] == 1
    assert verified(with_keys(log, KEY, *statements, at=NOON), *witness, key=log.vkey)[0] == 0
    assert verified(with_keys(log, KEY, *statements, at=NOON), key=log.vkey)[0] == 1
    assert verified(with_keys(log, KEY, *statements, at=NOON + 1), *witness, key=log.vkey)[0] == 1
    by_itself = (*statements[:2], making.key_statement(2, revoke(OTHER_KEY), OTHER_KEY))
    assert verified(with_keys(log, OTHER_KEY, *by_itself), key=log.vkey)[0] == 0  # it cannot revoke itself


def test_a_head_that_was_kept_counts_whatever_became_of_its_key(verified: Verified, log: Log) -> None:
    """Else whoever writes another history would only have to revoke the key of the one before."""
    statements = (
        making.key_statement(0, add(KEY), KEY),
        making.key_statement(1, add(OTHER_KEY), KEY, OTHER_KEY),
        making.key_statement(2, revoke(KEY), OTHER_KEY),
    )
    head, newest = verified.head(log.checkpoint(5)), str(VerifierKey(log.origin, OTHER_KEY.public))
    files = with_keys(log, OTHER_KEY, *statements)
    assert verified(files, "--head", head, key=log.vkey)[0] == 0
    code, said = verified(files, "--head", head, key=newest)  # which vouches for none before it
    assert code == 2 and "one more --key" in said
    assert verified(files, "--head", head, "--key", log.vkey, key=newest)[0] == 0
    log.events[2].leaf["action"] = "user.logout"
    assert verified(with_keys(log, OTHER_KEY, *statements), "--head", head, key=log.vkey)[0] == 3


def test_statements_that_are_none(verified: Verified, log: Log) -> None:
    good = making.key_statement(0, add(KEY), KEY)
    name = f"{HOST}/keys"
    for text in (
        f"{name}\n1\n{add(OTHER_KEY)}\n",
        f"{name}\n0\nadd {to_base64(KEY.public)} since yesterday\n",
        f"{name}\n0\n{add(KEY)}\nand more\n",
        f"other/keys\n0\n{add(KEY)}\n",
    ):
        statement = str(Note(text, (sign(text, name, KEY),))).encode()
        assert verified(with_keys(log, KEY, statement), key=log.vkey)[0] == 1, text
    assert verified(with_keys(log, KEY, good), key=log.vkey)[0] == 0


# ── Anchors ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def cosigned(log: Log, size: int, at: int, signer: Any = WITNESS) -> Files:
    """Evidence whose head, or earlier checkpoint, a witness has seen."""
    is_head = size == len(log.events)
    files = log.evidence(chain=[] if is_head else [size])
    note = log.checkpoint(size)
    note = Note(note.text, (*note.signatures, cosign(note.text, WITNESS_KEY.name, signer, at)))
    files["checkpoint" if is_head else f"chain/{size}"] = str(note).encode()
    return summed(files)


def test_anchored_by_a_witness(verified: Verified, log: Log) -> None:
    witness = ("--witness", str(WITNESS_KEY), "--anchored")
    for size in (12, 7):
        code, said = verified(cosigned(log, size, NOON + 60), *witness, key=log.vkey)
        assert code == 0 and f"{size} events: seen by witness.example/w at 2027-01-15 08:01:00Z" in said, said
    assert verified(log.evidence(), *witness, key=log.vkey)[0] == 4
    assert verified(log.evidence(), "--witness", str(WITNESS_KEY), key=log.vkey)[0] == 0
    assert verified(cosigned(log, 12, NOON, OTHER_KEY), *witness, key=log.vkey)[0] == 4  # another key of that name
    code, said = verified(cosigned(log, 12, 2**63), *witness, key=log.vkey)
    assert code == 1 and "is of no time" in said
    forged = cosigned(log, 12, NOON)
    forged["checkpoint"] = forged["checkpoint"][:-6] + b"AAA=\n"
    assert verified(summed(forged), *witness, key=log.vkey)[0] == 1


def test_dated_back_behind_a_witness(verified: Verified, log: Log) -> None:
    witness = ("--witness", str(WITNESS_KEY))
    code, said = verified(cosigned(log, 7, NOON + 7 + 86_400), *witness, key=log.vkey)
    assert code == 1 and "event 7: is dated back" in said
    code, said = verified(cosigned(log, 7, NOON - 86_400), *witness, key=log.vkey)
    assert code == 1 and "event 6: says a time after" in said
    code, said = verified(cosigned(log, 12, NOON - 86_400), *witness, key=log.vkey)
    assert code == 1 and "event 11: says a time after" in said


def anchor_log(log: Log, size: int, *, entry: dict[str, Any] | None = None, key: Any = KEY) -> bytes:
    root = stored.root(log.hashes[:size])
    entry = entry or {
        "log": log.generations[-1].log,
        "previous_size": 0,
        "size": size,
        "root": root.hex(),
        "nonce": "00",
    }
    leaf = stored.canonical(entry)
    hashes = [*trees.leaf_hashes(4), stored.leaf_hash(leaf), *trees.leaf_hashes(6)]
    origin = f"{HOST}/anchor"
    text = f"{origin}\n{len(hashes)}\n{to_base64(stored.root(hashes))}\n"
    note = Note(text, (sign(text, origin, key), cosign(text, WITNESS_KEY.name, WITNESS, NOON + 60)))
    path = "".join(to_base64(one) + "\n" for one in trees.inclusion(4, hashes))
    return f"c2sp.org/tlog-proof@v1\nextra {to_base64(leaf)}\nindex 4\n{path}\n{note}".encode()


def test_anchored_by_the_log_of_all_heads(verified: Verified, log: Log) -> None:
    witness = ("--witness", str(WITNESS_KEY), "--anchored")
    files = log.evidence(chain=[7])
    for size in (7, 12):
        files["anchors/1.tlog-proof"] = anchor_log(log, size)
        code, said = verified(summed(files), *witness, key=log.vkey)
        assert code == 0 and f"{size} events: seen by" in said, said
    assert verified(summed(files), "--anchored", key=log.vkey)[0] == 4
    wrong = [
        anchor_log(log, 5),
        anchor_log(log, 7, key=OTHER_KEY),
        anchor_log(log, 7).replace(b"index 4", b"index 5"),
        anchor_log(log, 7, entry={"log": "log_x", "size": 7, "root": stored.root(log.hashes[:7]).hex()}),
        b"c2sp.org/tlog-proof@v1\n",
    ]
    for proof in wrong:
        files["anchors/1.tlog-proof"] = proof
        assert verified(summed(files), *witness, key=log.vkey)[0] == 1


class Stamped:
    """Evidence whose anchor log an authority has stamped, now; its events were recorded at a time."""

    def __init__(self, authority: Authority, at: int) -> None:
        self.log = Log()
        for number in range(12):
            self.log.add(at=at + number)
        self.authority = authority

    def evidence(self, *, head: int = 12, stamped: int = 12) -> Files:
        """With a head in the anchor log, and a timestamp of the anchor log that has another one."""
        note = Note.parse(anchor_log(self.log, stamped).partition(b"\n\n")[2])
        data = str(Note(note.text, note.signatures[:1])).encode()
        query = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
        files = self.log.evidence(chain=[7])
        files["anchors/11.tlog-proof"] = anchor_log(self.log, head)
        files["anchors/11.tsr"] = self.authority.stamp(query.as_bytes())
        return summed(files)


@pytest.fixture
def stamped(tmp_path: Path) -> Stamped:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not on this machine")
    return Stamped(Authority(tmp_path / "tsa"), 1_600_000_000)


def test_a_timestamp_is_told_with_the_command_that_verifies_it(
    verified: Verified, stamped: Stamped, tmp_path: Path
) -> None:
    files = stamped.evidence(head=12)
    code, said = verified(files, key=stamped.log.vkey)
    (line,) = (line for line in said.splitlines() if line.startswith("Timestamp"))
    assert code == 0 and f"12 events at {time.gmtime().tm_year}-" in line and "Anchored   not shown" in said
    assert verified(files, "--anchored", key=stamped.log.vkey)[0] == 4
    folder = making.unpacked(files, tmp_path / "evidence")
    (folder / "AUTHORITY.pem").write_bytes(stamped.authority.root)
    command = line.partition("verified: ")[2].removesuffix(" does.").split()
    assert command[:3] == ["openssl", "ts", "-verify"]
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0
    (folder / "anchors/11.tsr").write_bytes(stamped.evidence(head=7, stamped=7)["anchors/11.tsr"])
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode != 0


def test_anchored_by_an_authority_that_is_trusted(
    verified: Verified, stamped: Stamped, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Authority(tmp_path / "other", "Another")
    pem = {
        "root": stamped.authority.root,
        "leaf": stamped.authority.leaf,
        "other": other.root,
        "none": b"no certificate",
    }
    for name, data in pem.items():
        (tmp_path / f"{name}.pem").write_bytes(data)

    def trust(name: str) -> tuple[str, ...]:
        return "--anchored", "--timestamp-certificate", str(tmp_path / f"{name}.pem")

    trusting = trust("root")
    code, said = verified(stamped.evidence(), *trusting, key=stamped.log.vkey)
    assert code == 0 and "12 events: seen by the timestamp authority of anchors/11.tsr" in said
    code, said = verified(stamped.evidence(head=7, stamped=7), *trusting, key=stamped.log.vkey)
    assert code == 1 and "event 7: is dated back: the timestamp authority" in said
    code, said = verified(stamped.evidence(), *trust("other"), key=stamped.log.vkey)
    assert code == 4 and "is NOT signed by an authority that you trust" in said
    assert verified(stamped.evidence(), *trust("other"), *trusting, key=stamped.log.vkey)[0] == 0
    for name in ("leaf", "none", "nowhere"):
        assert verified(stamped.evidence(), *trust(name), key=stamped.log.vkey)[0] == 2, name
    ahead = Stamped(stamped.authority, int(time.time()) + 2 * 86_400)
    code, said = verified(ahead.evidence(), *trusting, key=ahead.log.vkey)
    assert code == 1 and "event 11: says a time after" in said
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    code, said = verified(stamped.evidence(), *trusting, key=stamped.log.vkey)
    assert code == 2 and "needs the Python package rfc3161-client" in said


def test_a_timestamp_of_another_head(verified: Verified, stamped: Stamped, tmp_path: Path) -> None:
    (tmp_path / "root").write_bytes(stamped.authority.root)
    trusting = ("--timestamp-certificate", str(tmp_path / "root"))
    for options in ((), trusting):
        code, said = verified(stamped.evidence(head=12, stamped=7), *options, key=stamped.log.vkey)
        assert code == 1 and "INVALID: anchors/11.tsr: is a timestamp of something else" in said
        alone = stamped.evidence()
        del alone["anchors/11.tlog-proof"]
        code, said = verified(summed(alone), *options, key=stamped.log.vkey)
        assert code == 1 and "INVALID: anchors/11.tsr: is a timestamp of nothing" in said
    good, chance = stamped.evidence(), random.Random(3161)
    token = good["anchors/11.tsr"]
    broken = [b"", token[:-1], token[1:], b"\x30" * 500, b"\x30\xff" + b"\xff" * 130]
    broken += [token[:at] + bytes([token[at] ^ 1 << chance.randrange(8)]) + token[at + 1 :] for at in range(20)]
    for data in broken:
        assert verified(summed({**good, "anchors/11.tsr": data}), *trusting, key=stamped.log.vkey)[0] in (0, 1)
        with suppress(verifier.Wrong):
            verifier.stamp_of(data, "")
    for data in broken[:5]:
        code, said = verified(summed({**good, "anchors/11.tsr": data}), key=stamped.log.vkey)
        assert code == 1 and "anchors/11.tsr: is no timestamp" in said


# ── Input of somebody who means harm ─────────────────────────────────────────────────────────────────────────────────


def test_the_size_comes_from_the_checkpoint_only(verified: Verified, log: Log) -> None:
    for change in ({"size": 11}, {"size": 13}, {"size": 0}, {"size": 12.0}, {"size": True}):
        files = log.evidence()
        bundle = json.loads(files["bundle.json"]) | change
        files["bundle.json"] = json.dumps(bundle, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        assert verified(summed(files), key=log.vkey)[0] == 1, change


def test_a_bundle_that_says_less_than_everything_is_not_told_as_everything(verified: Verified, log: Log) -> None:
    files = log.evidence()
    files["bundle.json"] = files["bundle.json"].replace(b'"everything":true', b'"everything":false')
    code, said = verified(summed(files), key=log.vkey)
    assert code == 0 and "12 of 12" in said and "every one" not in said
    del files["hashes"]
    code, said = verified(summed(files), key=log.vkey)
    assert code == 1 and "proofs.jsonl: is missing" in said
    files = log.evidence([1, 4])
    files["bundle.json"] = files["bundle.json"].replace(b'"everything":false', b'"everything":true')
    code, said = verified(summed(files), key=log.vkey)
    assert code == 1 and "event 0: is missing" in said


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\xff",
        b'{"hash":"' + b"0" * 64 + b'","seq":0.0}',
        b'{"hash":"' + b"0" * 64 + b'","seq":-1}',
        b'{"hash":"' + b"0" * 63 + b'","seq":0}',
        b'{"seq":0,"hash":"' + b"0" * 64 + b'"}',
        b"[" * 100_000,
        b"1" * 5_000,
        b'{"leaf":{},"open":{},"seq":0}',
    ],
)
def test_lines_that_are_no_events(verified: Verified, log: Log, line: bytes) -> None:
    files = log.evidence()
    files["events.jsonl"] = line + b"\n" + files["events.jsonl"].split(b"\n", 1)[1]
    code, said = verified(summed(files), key=log.vkey)
    assert code == 1 and ("line 1" in said or "event 0" in said), said


def test_one_leaf_has_one_text(log: Log) -> None:
    """A key twice, another order, a blank, an escape that is not needed: the same JSON to many readers."""
    line = log.events[3].line()
    verifier.read_event(line, 1)
    for old, new in (
        (b'"action":"user.login"', b'"action":"user.logout","action":"user.login"'),
        (b'"action":"user.login"', b'"action": "user.login"'),
        (b"user.login", b"user.l\\u006fgin"),
        (b'"v":1', b'"v":1.0'),
        (b'"seq":3', b'"seq":3e0'),
        (b'"outcome":"success"', b'"outcome":"success","extra":1'),
        (b'"outcome":"success",', b""),
        (b'"open":{', b'"open":{"actor.id":[1,2],'),
    ):
        assert old in line
        with pytest.raises(verifier.Wrong):
            verifier.read_event(line.replace(old, new, 1), 1)


def test_values_are_canonical_though_somebody_committed_to_others(log: Log) -> None:
    event = log.events[3]
    for text in ('{"a":1,"a":2}', "1.0", "[1, 2]", '"\\u0041"', "NaN", "12345678901234567890", "-0", ""):
        salt = bytes(32)
        event.open["context.ip"] = [salt.hex(), text]
        event.leaf["c"]["context.ip"] = stored.commitment("context.ip", salt, text.encode()).hex()
        with pytest.raises(verifier.Wrong, match="no canonical JSON"):
            verifier.read_event(event.line(), 1)


def zipped(to: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries:
            file.writestr(name, data)
    return to


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_zips_of_somebody_who_means_harm(log: Log, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = list(log.evidence().items())
    file = tmp_path / "evil.zip"
    for name in ("../x", "/etc/passwd", "a\\b", "chain/", "chain/../x", "events.jsonl\x00", "CHECKPOINT", "keys/00"):
        assert verifier.main([str(zipped(file, *good, (name, b"")))]) == 1, name
    assert verifier.main([str(zipped(file, *good, ("checkpoint", b"another")))]) == 1
    bomb = b"0" * (verifier.MAX_LINE + 2)
    for name in ("events.jsonl", "checkpoint", "bundle.json", "README.md", "SHA256SUMS", "hashes"):
        entries = [(each, bomb if each == name else data) for each, data in good]
        assert verifier.main([str(zipped(file, *entries))]) == 1, name
        assert name in capsys.readouterr().out
    for missing in dict(good):
        assert verifier.main([str(zipped(file, *(pair for pair in good if pair[0] != missing)))]) == 1, missing
    for data in (b"", b"PK\x03\x04", b"no zip", file.read_bytes()[:-30]):
        file.write_bytes(data)
        assert verifier.main([str(file)]) == 2
    assert verifier.main([str(tmp_path / "nowhere")]) == 2


def test_a_folder_leads_nowhere_else(log: Log, tmp_path: Path) -> None:
    folder = making.unpacked(log.evidence(), tmp_path / "evidence")
    aside = shutil.move(folder / "checkpoint", tmp_path / "aside")
    (folder / "checkpoint").symlink_to(aside)
    assert verifier.main([str(folder)]) == 1


def test_what_it_says_cannot_command_a_terminal(verified: Verified, log: Log) -> None:
    log.events[3].leaf["log"] = "\x1b]0;pwned\x07\n\u202eVALID."
    code, said = verified(log.evidence(), key=log.vkey)
    assert code == 1 and "\x1b" not in said and "\u202e" not in said and said.count("\n") == 1


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["a.zip", "--server", "https://x", "--organization", "o"], ["--server", "https://x"]):
        with pytest.raises(SystemExit) as stopped:
            verifier.main(arguments)
        assert stopped.value.code == 2
    assert verifier.main(["--server", "http://log.example", "--organization", "org_1"]) == 2
    assert "https only" in capsys.readouterr().err


# ── Its own arithmetic ───────────────────────────────────────────────────────────────────────────────────────────────


def test_ed25519_in_python_is_ed25519() -> None:
    """What RFC 8032, section 7.1, test 3 has, and agreement with `cryptography` on what is signed and what is not."""
    public = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
    signature = bytes.fromhex(
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    message = bytes.fromhex("af82")
    assert verifier.ed25519_in_python(public, message, signature)
    chance = random.Random(8032)
    for _ in range(60):
        key, message = (
            Ed25519PrivateKey.from_private_bytes(chance.randbytes(32)),
            chance.randbytes(chance.randrange(80)),
        )
        public, signature = key.public_key().public_bytes_raw(), key.sign(message)
        assert verifier.ed25519_in_python(public, message, signature)
        parts = [bytearray(public), bytearray(message), bytearray(signature)]
        part = chance.choice([one for one in parts if one])
        part[chance.randrange(len(part))] ^= 1 << chance.randrange(8)
        changed = tuple(map(bytes, parts))
        assert not verifier.ed25519_in_python(*changed)
        assert not verifier.ed25519(*changed)
    for odd in (signature[:63], signature + b"\0", b"", signature[:32] + b"\xff" * 32):
        assert not verifier.ed25519_in_python(public, message, odd)
    order = verifier.ORDER + int.from_bytes(signature[32:], "little")  # the same point, written in another way
    assert not verifier.ed25519_in_python(public, message, signature[:32] + order.to_bytes(32, "little"))


def test_proofs_of_every_tree() -> None:
    for size in range(1, 34):
        hashes = trees.leaf_hashes(size)
        root = stored.root(hashes)
        for index in range(size):
            path = trees.inclusion(index, hashes)
            assert verifier.is_included(hashes[index], index, size, path, root)
            assert not verifier.is_included(hashes[index], index, size, [*path, root], root)
            assert not verifier.is_included(hashes[index], index ^ 1, size, path, root) or size == 1
        for old in range(1, size):
            first, second = (
                verifier.Checkpoint("", old, stored.root(hashes[:old])),
                verifier.Checkpoint("", size, root),
            )
            proof = trees.consistency(old, hashes)
            assert verifier.is_consistent(first, second, proof)
            for at in range(len(proof)):
                assert not verifier.is_consistent(first, second, [*proof[:at], root, *proof[at + 1 :]])
            assert not verifier.is_consistent(first, second, proof[:-1])
            assert not verifier.is_consistent(second, first, proof)


def test_it_imports_nothing_of_ours() -> None:
    words = ("import minutebook", "from minutebook", "from .")
    assert not [line for line in VERIFIER.read_text().splitlines() if line.strip().startswith(words)]
    assert os.access(VERIFIER, os.R_OK)
