"""The signer: whatever is recorded is signed, and nothing smaller and nothing else than what was signed before."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from minutebook.custody import keys, signer
from minutebook.custody.high_water import Custody, Held, HighWater
from minutebook.custody.signer import Round, Signing, examine, require_not_behind, sign_logs
from minutebook.errors import BehindHighWater, CustodyBroken, NoKey
from minutebook.evidence.checkpoint import Checkpoint, origin_of
from minutebook.evidence.note import VerifierKey
from minutebook.evidence.proof import verify_consistency
from minutebook.model import HOUR
from minutebook.organization.credits import BuyCredits
from minutebook.store import checkpoints, log, schema, tiles
from minutebook.store.checkpoints import Signed
from tests.store.test_query import fill
from tests.support import stored
from tests.support.deployment import Deployment
from tests.support.tampering import tamper
from tests.support.walk import FILLED, OTHER

HOST = "minutebook.example"


@pytest.fixture
def custody(tmp_path: Path) -> Custody:
    return Custody(tmp_path / "custody")


def sign(deployment: Deployment, custody: Custody) -> Round:
    return sign_logs(deployment.store, custody, HOST)


def newest(deployment: Deployment, organization: int = FILLED) -> Signed:
    with deployment.store.reading() as connection:
        found = checkpoints.latest(connection, organization)
    assert found
    return found


def key_of(deployment: Deployment, custody: Custody, organization: int = FILLED) -> VerifierKey:
    with deployment.store.reading() as connection, custody.reading() as held:
        log_id = log.read_head(connection, organization).log_id
        assert held
        return VerifierKey(origin_of(HOST, log_id), [one.public for one in keys.standings(held).values()][-1])


def problems(deployment: Deployment, custody: Custody) -> list[tuple[int | None, str]]:
    return list(examine(deployment.store, custody))


def marks(custody: Custody) -> dict[str, int]:
    with custody.reading() as held:
        return {mark.log_id: mark.tree.size for mark in held.high_waters().values()} if held else {}


def test_every_log_is_signed_and_opened_with_its_key(filled: Deployment, custody: Custody) -> None:
    assert problems(filled, custody) == []
    assert sign(filled, custody) == Round((FILLED, OTHER))
    for organization in (FILLED, OTHER):
        opened = Checkpoint.open(str(newest(filled, organization)).encode(), [key_of(filled, custody, organization)])
        with filled.store.reading() as connection:
            hashes = [event.leaf_hash for event in stored.events(connection, organization)]
        assert (opened.size, opened.root) == (len(hashes), stored.root(hashes))
    assert sign(filled, custody) == Round()
    assert problems(filled, custody) == []


def test_what_grew_is_signed_again_and_is_consistent(filled: Deployment, custody: Custody) -> None:
    sign(filled, custody)
    before = newest(filled).checkpoint
    fill(filled, 5)
    assert sign(filled, custody) == Round((FILLED,))
    after = newest(filled).checkpoint
    with filled.store.reading() as connection:
        path = tiles.consistency(connection, FILLED, before.size, after.size)
    assert after.size == before.size + 5
    assert verify_consistency(before.size, before.root, after.size, after.root, path)


def test_one_checkpoint_is_kept_for_each_hour(filled: Deployment, custody: Custody) -> None:
    sizes = []
    for _ in range(3):
        filled.clock.now += HOUR - filled.clock.now % HOUR
        for _ in range(3):
            fill(filled, 1)
            sign(filled, custody)
        sizes.append(filled.size(FILLED))
    with filled.store.reading() as connection:
        assert [signed.size for signed in checkpoints.every(connection, FILLED)] == sizes[::-1]


def test_custody_is_closed_to_others(filled: Deployment, custody: Custody) -> None:
    sign(filled, custody)
    (key,) = custody.keys.iterdir()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (custody.directory, custody.keys, custody.file, key)]
    assert modes == [0o700, 0o700, 0o600, 0o600]
    assert list(keys.open_to_others(custody)) == []
    key.chmod(0o640)
    (said,) = keys.open_to_others(custody)
    assert said.endswith(f"(640). Run: chmod 600 {key}")


# ── What is refused ──────────────────────────────────────────────────────────────────────────────────────────────────


def roll_back(deployment: Deployment, events: int) -> None:
    """The log as it was so many events ago."""
    with deployment.store.reading() as connection:
        hashes = [event.leaf_hash for event in stored.events(connection, FILLED)][:-events]
    last = log.position(FILLED, len(hashes))
    tamper(
        deployment.store,
        f"DELETE FROM event WHERE position >= {last} AND position < {(FILLED + 1) << schema.SEQ_BITS}",
    )
    set_head(deployment, hashes)


def set_head(deployment: Deployment, hashes: list[bytes]) -> None:
    written = f"x'{stored.peaks(hashes).hex()}'"
    if not deployment.store.is_sqlite:
        written = f"'\\x{stored.peaks(hashes).hex()}'"
    tamper(
        deployment.store,
        f"UPDATE log_head SET size = {len(hashes)}, peaks = {written} WHERE organization = {FILLED}",
    )


def test_a_log_that_was_rolled_back_is_refused_and_not_served(filled: Deployment, custody: Custody) -> None:
    fill(filled, 10)
    sign(filled, custody)
    before = newest(filled), marks(custody)
    require_not_behind(filled.store, custody)
    roll_back(filled, 4)
    with pytest.raises(BehindHighWater, match="minutebook restore"):
        require_not_behind(filled.store, custody)
    done = sign(filled, custody)
    assert done.signed == ()
    assert "rolled back" in done.refused[FILLED]
    assert [number for number, _ in problems(filled, custody)] == [FILLED]
    fill(filled, 2)  # it is recorded, and not signed, while it is smaller
    assert "rolled back" in sign(filled, custody).refused[FILLED]
    fill(filled, 30)  # nor when it has outgrown what was signed
    assert "not the one" in sign(filled, custody).refused[FILLED]
    assert (newest(filled), marks(custody)) == before


def test_a_log_that_was_rewritten_with_all_its_hashes_is_refused(filled: Deployment, custody: Custody) -> None:
    fill(filled, 10)
    sign(filled, custody)
    with filled.store.reading() as connection:
        hashes = [event.leaf_hash for event in stored.events(connection, FILLED)]
    hashes[3] = b"\7" * 32
    written = f"x'{hashes[3].hex()}'" if filled.store.is_sqlite else f"'\\x{hashes[3].hex()}'"
    tamper(filled.store, f"UPDATE event SET leaf_hash = {written} WHERE position = {log.position(FILLED, 3)}")
    set_head(filled, hashes)
    assert "not the one" in sign(filled, custody).refused[FILLED]
    fill(filled, 3)
    assert "not the one" in sign(filled, custody).refused[FILLED]
    assert sign(filled, custody).signed == ()
    assert [number for number, _ in problems(filled, custody)] == [FILLED]


def test_a_head_that_is_not_that_of_its_events_is_refused(filled: Deployment, custody: Custody) -> None:
    sign(filled, custody)
    fill(filled, 4)
    with filled.store.reading() as connection:
        hashes = [event.leaf_hash for event in stored.events(connection, FILLED)]
    set_head(filled, [*hashes[:-1], b"\7" * 32])
    assert "not the one" in sign(filled, custody).refused[FILLED]


def test_one_log_that_is_refused_keeps_no_other_from_being_signed(filled: Deployment, custody: Custody) -> None:
    sign(filled, custody)
    roll_back(filled, 1)
    with filled.store.reading() as connection:
        hashes = [event.leaf_hash for event in stored.events(connection, OTHER)]
    filled.act(None, OTHER, BuyCredits(100, "payment-9"))
    done = sign(filled, custody)
    assert (done.signed, list(done.refused)) == ((OTHER,), [FILLED])
    assert newest(filled, OTHER).size == len(hashes) + 1


@pytest.mark.parametrize("change", ["size = size + 1", "peaks = ''"])
def test_a_head_that_fits_no_tree_is_refused_and_no_other_log_waits(
    filled: Deployment, custody: Custody, change: str
) -> None:
    sign(filled, custody)
    tamper(filled.store, f"UPDATE log_head SET {change} WHERE organization = {FILLED}")
    fill(filled, 1, log_=OTHER)
    done = sign(filled, custody)
    assert (done.signed, list(done.refused)) == ((OTHER,), [FILLED])
    assert problems(filled, custody) == [(FILLED, done.refused[FILLED])]
    require_not_behind(filled.store, custody)


def test_a_log_that_is_gone_is_noticed(filled: Deployment, custody: Custody) -> None:
    """Also while a server runs, and though something else goes on in its place."""
    thread = Signing(filled.store, custody, HOST, every=60)
    thread.round()
    tamper(filled.store, f"UPDATE log_head SET log_id = 'log_other' WHERE organization = {FILLED}")
    with pytest.raises(BehindHighWater, match="nothing is there"):
        require_not_behind(filled.store, custody)
    [gone] = sign(filled, custody).gone
    assert (None, gone) in problems(filled, custody)
    with capture_logs() as told:
        thread.start()
        thread.stop()
        thread.try_round()
    assert [line for line in told if line["event"] == "signed_log_gone"] == [
        {"event": "signed_log_gone", "log_level": "error", "why": gone}
    ]


# ── Crashes, and what is lost ────────────────────────────────────────────────────────────────────────────────────────


def test_a_crash_before_the_checkpoint_signs_the_same_again(
    filled: Deployment, custody: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(filled, custody)
    fill(filled, 3)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as crashing:
        crashing.setattr(checkpoints, "add", crash)
        with pytest.raises(KeyboardInterrupt):
            sign(filled, custody)
    size = filled.size(FILLED)
    assert size in marks(custody).values()
    assert newest(filled).size == size - 3
    assert sign(filled, custody) == Round((FILLED,))
    assert newest(filled).size == size
    assert problems(filled, custody) == []


def test_a_crash_before_the_high_water_shows_no_signature(
    filled: Deployment, custody: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(filled, custody)
    before = newest(filled), marks(custody)
    fill(filled, 3)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as crashing:
        crashing.setattr(Held, "raise_to", crash)
        with pytest.raises(KeyboardInterrupt):
            sign(filled, custody)
    assert (newest(filled), marks(custody)) == before


def test_a_custody_directory_that_is_lost_makes_no_new_key(filled: Deployment, custody: Custody) -> None:
    sign(filled, custody)
    for file in (custody.file, *custody.keys.iterdir()):
        file.unlink()
    fill(filled, 1)
    with pytest.raises(CustodyBroken, match="knows nothing"):
        sign(filled, custody)
    assert [problem for _, problem in problems(filled, custody)] == [
        f"The logs were signed, and {custody.directory} knows nothing of it."
    ]


def test_a_key_that_is_lost_signs_nothing(filled: Deployment, custody: Custody) -> None:
    sign(filled, custody)
    (key,) = custody.keys.iterdir()
    key.unlink()
    fill(filled, 1)
    with pytest.raises(NoKey, match="is not in"):
        sign(filled, custody)
    assert any("There is no key to sign with" in problem for _, problem in problems(filled, custody))


@pytest.mark.parametrize("column", ["root", "signatures", "no signature", "size"])
def test_a_checkpoint_that_was_changed_is_found(filled: Deployment, custody: Custody, column: str) -> None:
    sign(filled, custody)
    with filled.store.reading() as connection:
        before = connection.execute(select(schema.checkpoint).where(schema.checkpoint.c.organization == FILLED)).one()
    other = newest(filled, OTHER)
    raw = f"x'{'07' * 32}'" if filled.store.is_sqlite else f"'\\x{'07' * 32}'"
    change = {
        "root": f"root = {raw}",
        "signatures": f"signatures = '{other.signatures[0].line()}'",
        "no signature": "signatures = 'cannot be read'",
        "size": f"size = {before.size - 1}",
    }[column]
    tamper(filled.store, f"UPDATE checkpoint SET {change} WHERE organization = {FILLED}")
    ((number, problem),) = problems(filled, custody)
    assert number == FILLED
    assert "not signed by a key" in problem


# ── While a server runs ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def signing(filled: Deployment, custody: Custody) -> Iterator[Signing]:
    thread = Signing(filled.store, custody, HOST, every=0.01)
    thread.start()
    yield thread
    thread.stop()


def signed_size(deployment: Deployment) -> int:
    with deployment.store.reading() as connection:
        found = checkpoints.latest(connection, FILLED)
    return found.size if found else 0


def wait_for(what: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not what():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_server_signs_what_is_recorded_by_itself(filled: Deployment, custody: Custody, signing: Signing) -> None:
    fill(filled, 7)
    wait_for(lambda: signed_size(filled) == filled.size(FILLED))
    assert filled.size(FILLED) in marks(custody).values()
    roll_back(filled, 2)
    wait_for(lambda: FILLED in signing.refused)
    assert "rolled back" in signing.refused[FILLED]


def test_what_was_recorded_last_is_signed_when_the_server_stops(filled: Deployment, custody: Custody) -> None:
    thread = Signing(filled.store, custody, HOST, every=60)
    thread.start()
    fill(filled, 2)
    thread.stop()
    assert newest(filled).size == filled.size(FILLED)


@pytest.mark.parametrize("are_left", [True, False])
def test_a_log_that_was_cut_back_to_what_was_signed_earlier_is_refused(
    filled: Deployment, custody: Custody, *, are_left: bool
) -> None:
    """At once where later checkpoints are left, else by the look at every log, at the latest when a server stops."""
    thread = Signing(filled.store, custody, HOST, every=60)
    thread.round()
    filled.clock.go_on(HOUR)  # so that both checkpoints are kept
    fill(filled, 1)
    thread.round()
    roll_back(filled, 1)
    if not are_left:
        size = filled.size(FILLED)
        tamper(filled.store, f"DELETE FROM checkpoint WHERE organization = {FILLED} AND size > {size}")
    thread.round()
    assert (FILLED in thread.refused) is are_left
    thread.start()
    thread.stop()
    assert "rolled back" in thread.refused[FILLED]


def test_a_server_looks_at_logs_that_seem_to_be_signed_once_a_minute(
    filled: Deployment, custody: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = list[bool]()

    def noted(*given: object, unsigned: bool) -> Round:
        looks.append(unsigned)
        return sign_logs(*given, unsigned=unsigned)  # type: ignore[arg-type]

    monkeypatch.setattr(signer, "sign_logs", noted)
    thread = Signing(filled.store, custody, HOST)
    thread.round()
    roll_back(filled, 1)  # what was signed is not there any more, and no checkpoint of what is left
    thread.round()
    assert "rolled back" in thread.refused[FILLED]
    fill(filled, 1, log_=OTHER)
    thread.round()
    assert set(thread.refused) == {FILLED}
    monkeypatch.setattr(signer, "LOOK_SECONDS", 0)
    thread.round()
    assert looks == [False, True, True, False]
    assert set(thread.refused) == {FILLED}
    with filled.store.reading() as connection, custody.changing() as held:
        head = log.read_head(connection, OTHER)
        held.raise_to([HighWater(head.log_id, head.tree.append(b"1" * 32), 0)])
    assert OTHER not in sign_logs(filled.store, custody, HOST, unsigned=True).refused
    assert OTHER in sign_logs(filled.store, custody, HOST).refused


def test_what_goes_wrong_while_signing_is_tried_again(
    filled: Deployment, custody: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, failed = signer.sign_logs, list[int]()

    def fails(*given: object, **more: object) -> Round:
        if len(failed) < 2:
            failed.append(1)
            raise [ValueError("broken"), NoKey(why="gone")][len(failed) - 1]
        return right(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(signer, "sign_logs", fails)
    thread = Signing(filled.store, custody, HOST, every=0.01)
    thread.start()
    try:
        wait_for(lambda: signed_size(filled))
    finally:
        thread.stop()
    assert len(failed) == 2
