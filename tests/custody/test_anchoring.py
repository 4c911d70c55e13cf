"""Heads are shown to whoever vouches for them, over real HTTP; whatever goes wrong is kept, and tried again."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from structlog.testing import LogCapture

from minutebook.config import load_settings
from minutebook.custody import keys, witnesses
from minutebook.custody.anchor_log import extend
from minutebook.custody.anchoring import Anchor, Anchoring, Asked, Refused, Rounds
from minutebook.custody.configured import anchors_of
from minutebook.custody.high_water import Custody
from minutebook.custody.signer import sign_logs
from minutebook.custody.witnesses import Witness
from minutebook.errors import BadSettings
from minutebook.evidence.checkpoint import Checkpoint, log_of
from minutebook.evidence.note import Note, VerifierKey
from minutebook.evidence.proof import LogProof
from minutebook.evidence.submission import Submission
from minutebook.model import HOUR, MINUTE
from minutebook.outgoing import Outgoing, Unreachable
from minutebook.store import anchor_log, anchors, checkpoints
from minutebook.store.anchors import AnchorKind, Said
from minutebook.store.schema import ANCHOR
from minutebook.witness.book import Book, make
from tests.custody.test_signer import roll_back, wait_for
from tests.store.test_query import fill
from tests.support.answering import Answers, answering
from tests.support.deployment import Deployment, Ticking
from tests.support.sent import statements
from tests.support.tampering import tamper
from tests.support.timestamping import Authority
from tests.support.walk import FILLED, OTHER
from tests.support.witness import loopback, witnessing

HOST = "minutebook.example"
NAME = "witness.example/mb"


@pytest.fixture
def custody(tmp_path: Path) -> Custody:
    return Custody(tmp_path / "custody")


@pytest.fixture
def outgoing() -> Iterator[Outgoing]:
    made = loopback()
    yield made
    made.close()


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return make(tmp_path / "witness", NAME, lambda size: b"\x09" * size, Ticking())


@pytest.fixture
def url(book: Book) -> Iterator[str]:
    with witnessing(book) as url:
        yield url


@pytest.fixture
def witness(book: Book, url: str, outgoing: Outgoing) -> Witness:
    return witnesses.parse(f"{url} {book.vkey}", outgoing)


def sign(deployment: Deployment, custody: Custody) -> None:
    """What the signer's thread does, a minute after the last time."""
    deployment.clock.go_on(MINUTE)
    sign_logs(deployment.store, custody, HOST)
    extend(deployment.store, custody)


def look_after_all(deployment: Deployment, custody: Custody, book: Book) -> None:
    with deployment.store.reading() as connection, custody.reading() as held:
        (public,) = keys.standings(held)
        for number in checkpoints.newest(connection):
            signed = checkpoints.latest(connection, number)
            assert signed
            book.look_after(VerifierKey(signed.checkpoint.origin, public))


def said(deployment: Deployment, organization: int) -> list[Said]:
    with deployment.store.reading() as connection:
        signed = checkpoints.latest(connection, organization)
        return anchors.newest(connection, log_of(signed.checkpoint.origin)) if signed else []


def log_id_of(deployment: Deployment, organization: int) -> str:
    with deployment.store.reading() as connection:
        signed = checkpoints.latest(connection, organization)
    assert signed
    return log_of(signed.checkpoint.origin)


def cosigned(deployment: Deployment, organization: int) -> Note:
    with deployment.store.reading() as connection:
        signed = checkpoints.latest(connection, organization)
        assert signed
        return anchors.cosigned(connection, signed)


def test_a_witness_signs_every_log_and_the_anchor_log(
    filled: Deployment, custody: Custody, book: Book, witness: Witness
) -> None:
    sign(filled, custody)
    look_after_all(filled, custody, book)
    rounds = Rounds(filled.store, [witness])
    for _ in range(2):
        rounds.go()
        for organization in (FILLED, OTHER, ANCHOR):
            note = Note.parse(str(cosigned(filled, organization)).encode())
            assert note.signed_by([witness.key]) == (witness.key,)
            (one,) = said(filled, organization)
            assert (one.is_done, one.kind, one.name) == (True, AnchorKind.WITNESS, NAME)
            assert one.size == Checkpoint.parse(note.text).size
        fill(filled, 3)
        sign(filled, custody)
    with filled.store.reading() as connection:
        signed = checkpoints.latest(connection, FILLED)
        assert signed
        evidence = anchor_log.evidence(connection, FILLED)
    proofs = [LogProof.parse(text.decode()) for text in evidence.values()]
    assert len(proofs) == 2  # of the head that was witnessed, and of the newest one, which was not yet
    seen = [len(Note.parse(proof.checkpoint.encode()).signatures) for proof in proofs]
    assert sorted(seen) == [1, 2]


@pytest.mark.parametrize("change", ["evidence = other.evidence", "evidence = NULL", "size = other.size"])
def test_what_a_witness_is_said_to_have_seen_and_has_not_is_found(
    filled_sqlite: Deployment, custody: Custody, book: Book, witness: Witness, change: str
) -> None:
    sign(filled_sqlite, custody)
    look_after_all(filled_sqlite, custody, book)
    Rounds(filled_sqlite.store, [witness]).go()
    name, size = log_id_of(filled_sqlite, FILLED), filled_sqlite.size(FILLED)
    filled_sqlite.clock.go_on(HOUR)
    fill(filled_sqlite, 2)
    sign(filled_sqlite, custody)

    def found() -> list[tuple[str, int]]:
        with filled_sqlite.store.reading() as connection:
            return [(one.log_id, one.size) for one in witnesses.not_signed(connection, [witness.key])]

    assert found() == []
    if change == "size = other.size":  # as if it had seen the newest one
        tamper(filled_sqlite.store, f"UPDATE anchor SET size = size + 2 WHERE log_id = '{name}'")
        assert found() == [(name, size + 2)]
    else:
        other = f"(SELECT evidence AS evidence FROM anchor WHERE log_id != '{name}' LIMIT 1) AS other"
        tamper(filled_sqlite.store, f"UPDATE anchor SET {change} FROM {other} WHERE log_id = '{name}'")
        assert found() == [(name, size)]


def test_it_is_shown_a_log_once_a_minute_and_only_what_is_new(
    filled_sqlite: Deployment, custody: Custody, outgoing: Outgoing, book: Book
) -> None:
    sign(filled_sqlite, custody)
    look_after_all(filled_sqlite, custody, book)
    with answering(lambda asked: (200, {}, book.add_checkpoint(asked.body).body.encode())) as there:
        rounds = Rounds(filled_sqlite.store, [witnesses.parse(f"{there.url} {book.vkey}", outgoing)])
        rounds.go()
        rounds.go()
        assert len(there.asked) == 3
        fill(filled_sqlite, 1)
        sign_logs(filled_sqlite.store, custody, HOST)
        rounds.go()
        assert len(there.asked) == 3
        filled_sqlite.clock.go_on(MINUTE)
        rounds.go()
        assert len(there.asked) == 4
        again = Rounds(filled_sqlite.store, [witnesses.parse(f"{there.url} {book.vkey}", outgoing)])
        again.go()  # what it vouched for is known to the next process
        assert len(there.asked) == 4
    assert {one.path for one in there.asked} == {"/add-checkpoint"}
    assert Submission.parse(there.asked[-1].body).old > 0


def test_a_conflict_is_answered_with_the_proof_from_the_size_it_names(
    filled_sqlite: Deployment, custody: Custody, book: Book, witness: Witness
) -> None:
    """The witness saw more than this database remembers, as after a crash between its answer and our commit."""
    sign(filled_sqlite, custody)
    look_after_all(filled_sqlite, custody, book)
    Rounds(filled_sqlite.store, [witness]).go()
    with filled_sqlite.store.housekeeping() as connection:
        connection.exec_driver_sql("DELETE FROM anchor")
    fill(filled_sqlite, 2)
    sign(filled_sqlite, custody)
    Rounds(filled_sqlite.store, [witness]).go()
    assert all(one.is_done for one in said(filled_sqlite, FILLED))
    assert cosigned(filled_sqlite, FILLED).signed_by([witness.key])


def test_a_log_that_was_forked_is_refused_and_that_is_said(
    filled_sqlite: Deployment, tmp_path: Path, custody: Custody, book: Book, witness: Witness
) -> None:
    """The high water is rolled back with the database, so that the signer signs: the witness still knows."""
    fill(filled_sqlite, 10)
    sign(filled_sqlite, custody)
    look_after_all(filled_sqlite, custody, book)
    Rounds(filled_sqlite.store, [witness]).go()
    size = filled_sqlite.size(FILLED)
    roll_back(filled_sqlite, 4)
    with filled_sqlite.store.housekeeping() as connection:
        connection.exec_driver_sql("DELETE FROM checkpoint")
        connection.exec_driver_sql("DELETE FROM anchor")
        connection.exec_driver_sql("DELETE FROM anchor_entry")
        connection.exec_driver_sql("DELETE FROM anchor_head")
    with custody.changing() as held:
        held._connection.execute("DELETE FROM high_water")
    sign(filled_sqlite, custody)
    rounds = Rounds(filled_sqlite.store, [witness])
    rounds.go()
    (one,) = said(filled_sqlite, FILLED)
    assert one.error == f"has seen another log with {size:,} events, and this one has {size - 4:,}"
    fill(filled_sqlite, 8)
    filled_sqlite.clock.go_on(HOUR)
    sign(filled_sqlite, custody)
    rounds.go()
    (one,) = said(filled_sqlite, FILLED)
    assert one.error == "does not accept the proof that this log goes on from what it saw"
    assert [line.error for line in said(filled_sqlite, OTHER)] == [None]


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        (lambda _: (400, {}, b""), "does not understand what it is sent"),
        (lambda _: (403, {}, b""), "does not know the key that signed this log"),
        (lambda _: (404, {}, b""), "does not look after this log"),
        (lambda _: (422, {}, b""), "does not accept the proof"),
        (lambda _: (302, {"Location": "http://127.0.0.1:1/"}, b""), "answers with status 302"),
        (lambda _: (409, {}, b"7\n"), "answers with status 409 and no size"),
        (lambda _: (409, {"Content-Type": "text/x.tlog.size"}, b"07\n"), "answers with status 409 and no size"),
        (lambda _: (409, {"Content-Type": "text/x.tlog.size"}, b"99999\n"), "has seen another log with 99,999 events"),
        (lambda _: (409, {"Content-Type": "text/x.tlog.size"}, b"0\n"), "has seen another log with 0 events"),
        (lambda _: (200, {}, b""), "does not sign with the key that is pinned"),
        (lambda _: (200, {}, b"\xff\n\n\n"), "does not sign with the key that is pinned"),
        (lambda _: (500, {}, b""), "answers with status 500"),
        (lambda _: (429, {}, b""), "answers with status 429"),
    ],
)
def test_what_is_no_cosignature_is_not_kept_and_says_why(
    filled_sqlite: Deployment, custody: Custody, book: Book, outgoing: Outgoing, answers: Answers, error: str
) -> None:
    sign(filled_sqlite, custody)
    with answering(answers) as there:
        Rounds(filled_sqlite.store, [witnesses.parse(f"{there.url} {book.vkey}", outgoing)]).go()
    for organization in (FILLED, OTHER, ANCHOR):
        (one,) = said(filled_sqlite, organization)
        assert error in (one.error or "")
        assert len(cosigned(filled_sqlite, organization).signatures) == 1


def test_only_the_key_that_is_pinned_counts(
    filled_sqlite: Deployment, tmp_path: Path, custody: Custody, book: Book, outgoing: Outgoing
) -> None:
    sign(filled_sqlite, custody)
    look_after_all(filled_sqlite, custody, book)
    other = make(tmp_path / "other", NAME, lambda size: b"\x0a" * size, Ticking())
    look_after_all(filled_sqlite, custody, other)

    def both(asked: object) -> tuple[int, dict[str, str], bytes]:
        body = asked.body  # type: ignore[attr-defined]
        return 200, {}, f"— x\n{other.add_checkpoint(body).body}{book.add_checkpoint(body).body}".encode()

    with answering(both) as there:
        witness = witnesses.parse(f"{there.url} {book.vkey}", outgoing)
        Rounds(filled_sqlite.store, [witness]).go()
    note = cosigned(filled_sqlite, FILLED)
    assert len(note.signatures) == 2
    assert note.signed_by([witness.key]) == (witness.key,)


# ── What goes wrong ──────────────────────────────────────────────────────────────────────────────────────────────────


class Keeper:
    """An anchor that does what a test wants."""

    kind, every = AnchorKind.DIRECTORY, 0

    def __init__(self, answer: Callable[[Asked], bytes | None], name: str = "keeper") -> None:
        self.name = name
        self.answer = answer
        self.asked = list[int]()

    def takes(self, organization: int) -> bool:
        return organization != ANCHOR

    def ask(self, asked: Asked) -> bytes | None:
        self.asked.append(asked.organization)
        return self.answer(asked)


def fail(error: Exception) -> Callable[[Asked], bytes | None]:
    def answer(_: Asked) -> bytes | None:
        raise error

    return answer


def test_who_cannot_be_reached_is_left_alone_longer_and_longer(filled_sqlite: Deployment, custody: Custody) -> None:
    sign(filled_sqlite, custody)
    keeper = Keeper(fail(Unreachable("does not answer")))
    rounds = Rounds(filled_sqlite.store, [keeper])
    tries = list[int]()
    for minute in range(300):
        before = len(keeper.asked)
        rounds.go()
        if len(keeper.asked) > before:
            tries.append(minute)
        filled_sqlite.clock.now += MINUTE - filled_sqlite.clock.now % MINUTE
    assert len(keeper.asked) == len(tries)  # one log is enough to know it
    gaps = [after - before for before, after in itertools.pairwise(tries)]
    assert all(abs(gap - wanted) <= 1 for gap, wanted in zip(gaps, [1, 2, 4, 8, 16, 32, 60, 60], strict=False))
    assert gaps[-1] in (60, 61)
    assert [one.error for number in (FILLED, OTHER) for one in said(filled_sqlite, number)] == ["does not answer"] * 2
    keeper.answer = lambda _: b"kept"
    filled_sqlite.clock.go_on(HOUR)
    rounds.go()
    assert [(one.error, one.evidence) for one in said(filled_sqlite, FILLED)] == [(None, b"kept")]


def test_a_head_that_was_shown_is_not_read_again(filled_sqlite: Deployment, custody: Custody) -> None:
    """A round in which nothing is new is one look at all logs, however many there are."""
    sign(filled_sqlite, custody)
    rounds = Rounds(filled_sqlite.store, [keeper := Keeper(lambda _: None)])
    rounds.go()
    assert len(keeper.asked) == 2
    with statements() as sent:
        rounds.go()
    assert len(sent) == 1
    fill(filled_sqlite, 2)
    sign(filled_sqlite, custody)
    filled_sqlite.clock.go_on(HOUR)
    rounds.go()
    assert keeper.asked == [FILLED, OTHER, FILLED]


def test_who_refuses_one_log_is_shown_the_others(filled_sqlite: Deployment, custody: Custody) -> None:
    sign(filled_sqlite, custody)

    def only_other(asked: Asked) -> bytes | None:
        if asked.organization == FILLED:
            raise Refused("does not like it")
        return b"kept"

    keeper = Keeper(only_other)
    rounds = Rounds(filled_sqlite.store, [keeper, second := Keeper(lambda _: None, "second")])
    rounds.go()
    rounds.go()
    assert keeper.asked == second.asked == [FILLED, OTHER]
    assert [one.error for one in said(filled_sqlite, FILLED) if one.name == "keeper"] == ["does not like it"]
    with filled_sqlite.store.reading() as connection:
        assert len(anchors.failures(connection)) == 1
    with filled_sqlite.store.housekeeping() as connection:
        anchors.forget_failures(connection, [(second.kind, second.name)])
        assert anchors.failures(connection) == []


def test_what_fails_does_not_stop_the_thread(
    filled_sqlite: Deployment, custody: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(filled_sqlite, custody)
    keeper = Keeper(fail(ValueError("broken")))
    heard = LogCapture()
    structlog.configure(processors=[heard])
    thread = Anchoring(filled_sqlite.store, [keeper], every=0.01)
    thread.start()
    try:
        wait_for(lambda: len(keeper.asked) > 2)
        keeper.answer = lambda _: b"kept"
        wait_for(lambda: said(filled_sqlite, OTHER))
    finally:
        thread.stop()
        structlog.reset_defaults()
    assert heard.entries[0]["event"] == "anchoring_failed"


# ── Settings ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def configured(sqlite_deployment: Deployment, outgoing: Outgoing) -> Callable[..., list[Anchor]]:
    """The anchors of such settings."""
    return lambda **chosen: anchors_of(load_settings(**chosen), sqlite_deployment.store, outgoing)


def test_witnesses_are_set_by_url_and_key(book: Book, configured: Callable[..., list[Anchor]]) -> None:
    setting = f"https://w.example/mb/ {book.vkey}, http://x.example {book.vkey}"
    found = [one for one in configured(witnesses=setting) if isinstance(one, Witness)]
    assert [(one.url, str(one.key)) for one in found] == [
        ("https://w.example/mb", str(book.vkey)),
        ("http://x.example", str(book.vkey)),
    ]
    assert configured() == []
    log_key = VerifierKey("a.example", b"\x01" * 32)
    for wrong in ("https://w.example", f"ftp://w.example {book.vkey}", "https://w.example a+b+c"):
        with pytest.raises(BadSettings):
            configured(witnesses=wrong)
    with pytest.raises(BadSettings, match="not of a witness"):
        configured(witnesses=f"https://w.example {log_key}")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not on this machine")
def test_every_anchor_is_set(tmp_path: Path, configured: Callable[..., list[Anchor]]) -> None:
    (root := tmp_path / "root.pem").write_bytes(Authority(tmp_path / "tsa").root)
    found = configured(
        timestamp_url="https://tsa.example/now",
        timestamp_certificate=root,
        heads_directory=tmp_path,
        smtp_host="mail.example",
        smtp_from="minutebook@example.com",
    )
    assert [(one.kind.value, one.name) for one in found] == [
        ("timestamp", "tsa.example"),
        ("directory", "heads"),
        ("mail", "owners"),
    ]
    (leaf := tmp_path / "leaf.pem").write_bytes(Authority(tmp_path / "tsa2").leaf)
    wrong = ((None, "must name"), (tmp_path / "none", "cannot be read"), (leaf, "no certificate of a root"))
    for certificate, why in wrong:
        with pytest.raises(BadSettings, match=why):
            configured(timestamp_url="https://tsa.example", timestamp_certificate=certificate)
    with pytest.raises(BadSettings, match="URL"):
        configured(timestamp_url="tsa.example")
