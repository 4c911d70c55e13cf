"""The head of the anchor log is timestamped once an hour, by a real authority over real HTTP, verified by openssl."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from minutebook.custody import timestamps
from minutebook.custody.anchoring import Rounds
from minutebook.custody.high_water import Custody
from minutebook.evidence.note import Note
from minutebook.evidence.proof import LogProof
from minutebook.model import HOUR
from minutebook.outgoing import Outgoing
from minutebook.store import anchor_log, anchors, checkpoints
from minutebook.store.anchors import AnchorKind, Said
from minutebook.store.schema import ANCHOR
from tests.custody.test_anchoring import said, sign
from tests.store.test_query import fill
from tests.support.answering import Answers, answering
from tests.support.deployment import Deployment
from tests.support.timestamping import Authority
from tests.support.walk import FILLED
from tests.support.witness import loopback

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not on this machine")


@pytest.fixture
def custody(tmp_path: Path) -> Custody:
    return Custody(tmp_path / "custody")


@pytest.fixture
def outgoing() -> Iterator[Outgoing]:
    with closing(loopback()) as made:
        yield made


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tsa")


def pinning(authority: Authority, url: str, folder: Path, outgoing: Outgoing) -> timestamps.TimestampAuthority:
    (folder / "pinned.pem").write_bytes(authority.root)
    return timestamps.authority(f"{url}/tsr", folder / "pinned.pem", outgoing)


def test_the_anchor_log_is_stamped_once_an_hour(
    filled_sqlite: Deployment, custody: Custody, tmp_path: Path, outgoing: Outgoing, authority: Authority
) -> None:
    sign(filled_sqlite, custody)
    with answering(authority.answer) as there:
        rounds = Rounds(filled_sqlite.store, [pinning(authority, there.url, tmp_path, outgoing)])
        rounds.go()
        fill(filled_sqlite, 1)
        sign(filled_sqlite, custody)
        rounds.go()
        assert len(there.asked) == 1
        (one,) = said(filled_sqlite, ANCHOR)
        assert (one.is_done, one.kind, one.name) == (True, AnchorKind.TIMESTAMP, "127.0.0.1")
        filled_sqlite.clock.go_on(HOUR)
        rounds.go()
        assert len(there.asked) == 2
    with filled_sqlite.store.reading() as connection:
        files = anchor_log.evidence(connection, FILLED)
        (size,) = {Path(name).stem for name in files}
        assert int(size) > one.size
    note = Note.parse(LogProof.parse(files[f"{size}.tlog-proof"].decode()).checkpoint.encode())
    stamped = str(Note(note.text, note.signatures[:1])).encode()
    assert authority.verifies(files[f"{size}.tsr"], stamped)
    assert not authority.verifies(files[f"{size}.tsr"], stamped + b"x")


def replayed(authority: Authority) -> Answers:
    """Answers everybody with the first timestamp."""
    answers = list[tuple[int, dict[str, str], bytes]]()

    def answer(asked: object) -> tuple[int, dict[str, str], bytes]:
        if not answers:
            answers.append(authority.answer(asked))  # type: ignore[arg-type]
        return answers[0]

    return answer


def test_a_timestamp_of_an_earlier_query_is_not_accepted(
    filled_sqlite: Deployment, custody: Custody, tmp_path: Path, outgoing: Outgoing, authority: Authority
) -> None:
    sign(filled_sqlite, custody)
    with answering(replayed(authority)) as there:
        pinned = pinning(authority, there.url, tmp_path, outgoing)
        Rounds(filled_sqlite.store, [pinned]).go()
        with filled_sqlite.store.housekeeping() as connection:
            connection.exec_driver_sql("DELETE FROM anchor")
        Rounds(filled_sqlite.store, [pinned]).go()  # of the same bytes, and with another nonce
    (one,) = said(filled_sqlite, ANCHOR)
    assert "Nonce mismatch" in (one.error or "")


@pytest.mark.parametrize("which", ["stranger", "other bytes", "nonsense", "status", "type", "busy"])
def test_what_is_no_timestamp_is_not_kept_and_says_why(
    filled_sqlite: Deployment,
    custody: Custody,
    tmp_path: Path,
    outgoing: Outgoing,
    authority: Authority,
    which: str,
) -> None:
    kind = {"Content-Type": "application/timestamp-reply"}
    stranger = Authority(tmp_path / "stranger")
    answers: dict[str, tuple[Answers, str]] = {
        "stranger": (stranger.answer, "not accepted"),
        "other bytes": (lambda asked: (200, kind, authority.stamp(_other(asked.body))), "not accepted"),
        "nonsense": (lambda _: (200, kind, b"0\x03abc"), "not accepted"),
        "status": (lambda _: (404, kind, b""), "answers with status 404 and no timestamp"),
        "type": (lambda asked: (200, {}, authority.stamp(asked.body)), "answers with status 200 and no timestamp"),
        "busy": (lambda _: (503, {}, b""), "answers with status 503"),
    }
    answer, why = answers[which]
    sign(filled_sqlite, custody)
    with answering(answer) as there:
        Rounds(filled_sqlite.store, [pinning(authority, there.url, tmp_path, outgoing)]).go()
    (one,) = said(filled_sqlite, ANCHOR)
    assert why in (one.error or "")
    with filled_sqlite.store.reading() as connection:
        head = checkpoints.latest(connection, ANCHOR)
        assert head
        assert anchors.timestamp(connection, head) is None


def _other(query: bytes) -> bytes:
    """The same query about another hash: the 32 bytes behind SHA-256's name are others."""
    at = query.index(b"\x04\x20") + 2
    return query[:at] + bytes(32) + query[at + 32 :]


def test_a_new_timestamp_takes_the_place_of_that_of_the_same_hour(filled_sqlite: Deployment) -> None:
    log_id, at = "anchor", 1_893_456_000_000_000
    with filled_sqlite.store.housekeeping() as connection:
        for size, later in ((1, 0), (2, 1), (3, HOUR)):
            anchors.note(connection, [Said(log_id, AnchorKind.TIMESTAMP, "t", size, at + later, b"t")])
        rows = connection.exec_driver_sql("SELECT size FROM anchor ORDER BY size").scalars().all()
    assert rows == [2, 3]
