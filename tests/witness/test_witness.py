"""The witness, over real HTTP: the status codes of C2SP tlog-witness, nothing signed that it did not see grow."""

from __future__ import annotations

import stat
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from minutebook.errors import Conflict
from minutebook.evidence import note
from minutebook.evidence.note import Note, PrivateKey, Signature, VerifierKey, cosigned_at
from minutebook.evidence.submission import Submission
from minutebook.model import SECOND
from minutebook.outgoing import Answer
from minutebook.witness.book import KEY_FILE, Book, NoWitness, make
from tests.support.deployment import START, Ticking
from tests.support.witness import InventedLog, loopback, witnessing

NAME = "witness.example/mb"


@dataclass
class Running:
    book: Book
    url: str

    def send(self, body: bytes) -> Answer:
        with closing(loopback()) as outgoing:
            return outgoing.post(f"{self.url}/add-checkpoint", body, "text/plain")

    def statuses(self, log: InventedLog, *steps: tuple[int, int]) -> list[int]:
        return [self.send(log.submission(old, size)).status for old, size in steps]


class Slow(Ticking):
    """Takes its time between what is compared and what is written, so that requests at once are there at once."""

    def __call__(self) -> int:
        time.sleep(0.02)
        return super().__call__()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "witness"


@pytest.fixture
def witness(directory: Path) -> Iterator[Running]:
    book = make(directory, NAME, lambda size: b"\x09" * size, Slow())
    with witnessing(book) as url:
        yield Running(book, url)


@pytest.fixture
def log(witness: Running) -> InventedLog:
    made = InventedLog()
    witness.book.look_after(made.vkey)
    return made


def test_a_log_that_grows_is_signed(witness: Running, log: InventedLog) -> None:
    old = 0
    for size in (1, 2, 3, 7, 8, 100, 100):
        answer = witness.send(log.submission(old, size))
        assert answer.status == 200
        line = answer.body.decode()
        assert line.endswith("\n")
        signature = Signature.parse(line[:-1])
        assert witness.book.vkey.has_signed(log.checkpoint(size).text(), signature)
        assert abs(cosigned_at(signature) - START // SECOND) < 100
        old = size
    (seen,) = witness.book.logs()
    assert (seen.origin, seen.size) == (log.origin, 100)


def test_another_old_size_is_a_conflict_that_says_which(witness: Running, log: InventedLog) -> None:
    witness.send(log.submission(0, 5))
    for old, size in ((0, 9), (4, 9), (6, 9), (0, 5)):
        assert witness.send(log.submission(old, size)) == Answer(409, "text/x.tlog.size", b"5\n")
    assert witness.send(log.submission(0, 3)) == Answer(409, "text/x.tlog.size", b"5\n")
    assert witness.book.logs()[0].size == 5


def test_another_log_of_the_same_size_is_a_conflict(witness: Running, log: InventedLog) -> None:
    witness.send(log.submission(0, 5))
    assert witness.send(InventedLog(salt=b"other").submission(5, 5)) == Answer(409, "text/x.tlog.size", b"5\n")


def test_a_log_that_does_not_go_on_is_not_signed(witness: Running, log: InventedLog) -> None:
    forked = InventedLog(salt=b"other")
    assert witness.statuses(log, (0, 5)) == [200]
    assert witness.statuses(forked, (5, 9)) == [422]
    whole = Submission.parse(log.submission(5, 9))
    for path in ((), whole.path[:-1], (*whole.path, b"\x00" * 32), whole.path[::-1]):
        assert witness.send(Submission(5, path, whole.note).to_bytes()).status == 422
    assert witness.statuses(log, (5, 9)) == [200]


def test_a_first_head_needs_no_proof_and_may_have_none(witness: Running, log: InventedLog) -> None:
    assert witness.send(Submission(0, (b"\x00" * 32,), log.note(4)).to_bytes()).status == 422
    assert witness.statuses(log, (0, 4)) == [200]


def test_an_unknown_log_is_not_found(witness: Running, log: InventedLog) -> None:
    del log
    assert witness.statuses(InventedLog("log.example/o/log_2"), (0, 1)) == [404]


def test_a_head_that_its_key_did_not_sign_is_forbidden(witness: Running, log: InventedLog) -> None:
    stranger = InventedLog(key=PrivateKey(b"\x08" * 32))
    assert witness.statuses(stranger, (0, 1)) == [403]
    text = log.checkpoint(1).text()
    forged = Signature(log.origin, log.vkey.key_id, b"\x01" * 64)
    assert witness.send(Submission(0, (), str(Note(text, (forged,)))).to_bytes()).status == 403
    other_name = note.sign(text, "log.example/o/log_9", log.key)
    assert witness.send(Submission(0, (), str(Note(text, (other_name,)))).to_bytes()).status == 403
    assert witness.book.logs()[0].size == 0


def test_signatures_of_strangers_are_no_obstacle(witness: Running, log: InventedLog) -> None:
    text = log.checkpoint(2).text()
    stranger = note.sign(text, "stranger.example", PrivateKey(b"\x08" * 32))
    both = Note(text, (stranger, note.sign(text, log.origin, log.key)))
    assert witness.send(Submission(0, (), str(both)).to_bytes()).status == 200


def test_a_key_that_was_changed_is_added_beside_the_old_one(witness: Running, log: InventedLog) -> None:
    renewed = InventedLog(key=PrivateKey(b"\x08" * 32))
    witness.book.look_after(renewed.vkey)
    assert witness.statuses(log, (0, 1)) == [200]
    assert witness.statuses(renewed, (1, 2)) == [200]
    assert witness.statuses(log, (2, 3)) == [200]


def test_what_is_no_submission_is_a_bad_request(witness: Running, log: InventedLog) -> None:
    good = log.submission(2, 3)
    bad = [
        b"",
        b"\xff\n",
        good.replace(b"old 2", b"old 02"),
        good.replace(b"old 2", b"old -1"),
        good.replace(b"old 2", b"old 4"),  # larger than that of the checkpoint
        good.replace(b"old 2\n", b"old 2\r\n"),
        good.replace(b"old 2\n", b"old 2\nno base64\n"),
        good.replace(b"old 2\n", b"old 2\n" + b"AAAA\n"),
        good.replace(b"old 2\n", b"old 2\n" + log.submission(0, 1)[:0] + b"A" * 43 + b"=\n" * 64),
        good[:-1],
        good.replace(b"\n3\n", b"\n3\nextension\n"),
    ]
    assert [witness.send(one).status for one in bad] == [400] * len(bad)
    assert witness.send(b"old 0\n\n" + b"x" * 70_000).status == 413
    assert witness.book.logs()[0].size == 0


def test_of_many_at_once_none_rolls_back_another(witness: Running, log: InventedLog) -> None:
    """32 requests, each from the first head to another size: one is signed, and all others hear which."""
    witness.send(log.submission(0, 1))
    bodies = [log.submission(1, size) for size in range(2, 34)]
    together = threading.Barrier(len(bodies))

    def send(body: bytes) -> Answer:
        together.wait()
        return witness.send(body)

    with ThreadPoolExecutor(len(bodies)) as threads:
        answers = list(threads.map(send, bodies))
    (signed,) = [number for number, answer in enumerate(answers) if answer.status == 200]
    size = signed + 2
    assert witness.book.logs()[0].size == size
    others = [answer for number, answer in enumerate(answers) if number != signed]
    assert others == [Answer(409, "text/x.tlog.size", f"{size}\n".encode())] * 31


def test_each_of_many_that_go_on_gets_on(witness: Running, log: InventedLog) -> None:
    """32 clients that all raise the log, each by what it hears: sizes signed only ever grow."""
    signed = list[int]()

    def raise_to(target: int) -> None:
        old = 0
        while old < target:
            answer = witness.send(log.submission(old, target))
            if answer.status == 200:
                signed.append(target)
                return
            assert answer.status == 409
            old = int(answer.body)

    with ThreadPoolExecutor(32) as threads:
        list(threads.map(raise_to, range(1, 33)))
    assert 32 in signed
    assert witness.book.logs()[0].size == 32


def test_what_was_seen_is_there_after_a_restart(witness: Running, log: InventedLog, directory: Path) -> None:
    witness.send(log.submission(0, 5))
    again = Book(directory, Ticking())
    assert str(again.vkey) == str(witness.book.vkey)
    assert again.add_checkpoint(log.submission(0, 9)).body == "5\n"


def test_its_key_is_closed_to_others_and_made_once(directory: Path) -> None:
    with pytest.raises(NoWitness):
        Book(directory, Ticking())
    book = make(directory, NAME, lambda size: b"\x09" * size, Ticking())
    assert stat.S_IMODE((directory / KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert VerifierKey.parse(str(book.vkey)).kind == note.COSIGNATURE
    with pytest.raises(Conflict, match="already"):
        make(directory, NAME, lambda size: b"\x0a" * size, Ticking())
    with pytest.raises(Conflict, match="no spaces"):
        make(directory / "other", "a b", lambda size: b"\x0a" * size, Ticking())
