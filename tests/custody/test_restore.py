"""Going on from a backup: each log that lost something says so under another id, and no id has two histories."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from minutebook.custody import anchor_log as anchor_log_
from minutebook.custody.anchoring import Rounds
from minutebook.custody.clock import ConfirmClock
from minutebook.custody.high_water import Custody, Ended
from minutebook.custody.holds import PlaceHold
from minutebook.custody.ledger import Ledger
from minutebook.custody.restore import erase_again, settle, wrong
from minutebook.custody.retention import Prune, SetRetention
from minutebook.custody.signer import examine, require_not_behind
from minutebook.custody.witnesses import Witness
from minutebook.errors import BehindHighWater, CustodyBroken, Sealed
from minutebook.evidence.checkpoint import origin_of
from minutebook.evidence.note import VerifierKey
from minutebook.evidence.proof import verify_consistency, verify_inclusion
from minutebook.evidence.verifier import minutebook_verify as verifier
from minutebook.model import DAY, MINUTE
from minutebook.organization.sittings import ReadAsOperator
from minutebook.store import anchor_log, checkpoints, log, tiles
from minutebook.store.opened import opened
from minutebook.store.schema import ANCHOR
from minutebook.witness.book import make
from tests.store.test_query import fill
from tests.support import stored
from tests.support.deployment import Deployment
from tests.support.postgres import PostgresServer
from tests.support.putting_back import HOST, World
from tests.support.tampering import tamper
from tests.support.walk import FILLED, OTHER, end_one
from tests.support.witness import Direct


@pytest.fixture
def world(filled: Deployment, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    server: Callable[[], PostgresServer] = lambda: request.getfixturevalue("postgres_server")  # noqa: E731
    made = World(filled, Custody(tmp_path / "custody"), server)
    yield made
    made.drop()


@contextmanager
def refused(world: World, said: str) -> Iterator[None]:
    """What is there is not served, nor signed."""
    with pytest.raises(BehindHighWater, match=said):
        require_not_behind(world.store, world.custody)
    yield
    require_not_behind(world.store, world.custody)


def test_a_log_goes_on_under_another_id_and_says_what_is_lost(world: World) -> None:
    world.sign()
    at_backup, other = world.head(), world.head(OTHER)
    first = world.newest()
    backup = world.backup()
    world.grow(5)
    world.sign()
    known = world.newest()
    world.put_back(backup)
    with refused(world, f"has {at_backup.size} events, and {known.size} were signed"):
        (event,) = world.restore()
    assert (event.organization, event.seq, event.action) == (FILLED, at_backup.size, "log.restore")
    head = world.head()
    assert event.details == {
        "v": 1,
        "log": head.log_id,
        "previous_log": at_backup.log_id,
        "restored_size": at_backup.size,
        "restored_root": at_backup.tree.root().hex(),
        "known_size": known.size,
        "known_root": known.root.hex(),
        "lost": 5,
        "other_logs": [],
    }
    assert head.log_id != at_backup.log_id
    assert world.head(OTHER) == other  # it had lost nothing
    assert world.ended()[at_backup.log_id] == Ended(head.log_id, at_backup.size)
    assert head.log_id not in world.ended()
    assert world.marks()[at_backup.log_id] == known.size  # for ever
    assert world.newest().origin == origin_of(HOST, head.log_id)
    # the old tree and the new one begin with what the backup had
    world.grow(4)
    world.sign()
    after = world.newest()
    with world.store.reading() as connection:
        for earlier in (at_backup.size, first.size, at_backup.size + 1):
            path = tiles.consistency(connection, FILLED, earlier, after.size)
            root = tiles.root(connection, FILLED, earlier)
            assert verify_consistency(earlier, root, after.size, after.root, path)
            assert earlier > at_backup.size or root in (first.root, at_backup.tree.root())
        for one in opened(connection, FILLED, 0, after.size):
            hashed = stored.leaf_hash(one.leaf)
            proof = tiles.inclusion(connection, FILLED, one.seq, after.size)
            assert verify_inclusion(hashed, one.seq, after.size, after.root, proof)
    assert not world.begin()
    assert not settle(world.store, world.custody)


def test_the_anchor_log_goes_on_under_another_name_when_something_is_lost(world: World) -> None:
    def name() -> str:
        anchor_log_.extend(world.store, world.custody)
        with world.custody.reading() as held:
            return held.anchor_log() if held else ""

    world.sign()
    assert name() == "anchor"
    backup = world.backup()
    world.put_back(backup)
    world.restore()  # nothing is
    assert name() == "anchor"
    world.grow(2)
    world.sign()
    world.deployment.clock.go_on(MINUTE)
    assert name() == "anchor"
    world.put_back(backup)
    world.restore()
    assert name() == "anchor.2"
    require_not_behind(world.store, world.custody)
    assert list(examine(world.store, world.custody)) == []


def test_what_was_signed_and_is_all_there_goes_on_as_it_was(world: World) -> None:
    world.grow(2)
    world.sign()
    before, ids = world.backup(), set(world.marks())
    world.put_back(before)
    assert world.restore() == []
    assert world.missing == {}
    assert set(world.marks()) == ids


def test_a_log_that_is_not_in_the_backup_is_named(world: World) -> None:
    world.sign()
    backup = world.backup()
    third = world.deployment.found(world.deployment.person("zoe@third.example"), "Third")
    world.sign()
    lost = world.head(third)
    with_third = world.backup()
    world.put_back(backup)
    with refused(world, "nothing is there"):
        assert world.restore() == []
    assert world.missing == {lost.log_id: lost.size}
    # and when it is found again, it goes on as another
    world.put_back(with_third)
    with refused(world, "went on without"):
        (event,) = world.restore()
    assert (event.organization, event.details["known_size"], event.details["lost"]) == (third, lost.size, 0)
    assert world.missing == {}


def test_backups_of_every_generation_are_restored_in_any_order(world: World) -> None:
    world.sign()
    zero, begun = world.head().size, world.backup()
    first = world.head().log_id
    world.grow(6)
    world.sign()
    all_of_the_first = world.backup()
    world.put_back(begun)
    world.restore()  # the second generation: one event, and three
    world.grow(3)
    world.sign()
    second, all_of_the_second = world.head().log_id, world.backup()
    known = [first, second]
    # backup, its last id, what is lost of what was last known
    for backup, previous, lost in (
        (begun, first, 4),
        (all_of_the_first, first, 1),  # it has all that was ever signed of its id, and is not the log any more
        (all_of_the_second, second, 13),
        (begun, first, 5),
    ):
        others = [[log_id, zero] for log_id in sorted(known) if log_id not in (first, previous)]
        world.put_back(backup)
        with refused(world, "went on without"):
            (event,) = world.restore()
        assert event.details["previous_log"] == previous
        assert event.details.get("known_log", previous) == known[-1]
        assert event.details["lost"] == lost
        assert event.details["other_logs"] == others
        known.append(world.head().log_id)
        if backup == all_of_the_first:
            assert event.seq == zero + 6
            world.grow(6)
            world.sign()
    assert len(set(known)) == len(known)
    assert world.ended().keys() & set(known) == set(known[:-1])


def test_a_restore_that_was_interrupted_is_done_again(world: World) -> None:
    world.sign()
    backup = world.backup()
    world.put_back(backup)
    world.grow(3)
    world.sign()
    for _ in range(2):  # the second time an earlier restore was settled
        world.put_back(backup)
        (begun,) = world.begin()
        with refused(world, "nothing is there"):  # it was begun, and custody does not know it
            again = world.restore()
        assert again == [] or again[0].details["previous_log"] == begun.details["log"]
        head = world.head()
        assert {ended.next for ended in world.ended().values()} >= {head.log_id}
        world.grow(2)
        world.sign()


def test_one_that_was_interrupted_and_begun_anew_leaves_no_second_history(world: World) -> None:
    world.sign()
    backup = world.backup()
    world.put_back(backup)
    world.grow(3)
    world.sign()
    world.put_back(backup)
    world.begin()
    aside = world.backup()
    world.put_back(backup)
    (event,) = world.restore()
    world.put_back(aside)  # nobody has ever seen it, but it has an id of its own
    with refused(world, "nothing is there"):
        (after,) = world.restore()
    assert after.details["known_log"] == event.details["log"]
    assert after.details["lost"] == 1


def test_what_is_not_what_was_signed_is_not_restored(world: World) -> None:
    world.grow(2)
    world.sign()
    world.grow(2)
    tamper(world.store, f"UPDATE event SET recorded_at = 7 WHERE position = {log.position(FILLED, 3)}")
    assert ["event 3" in said for said in wrong(world.store, world.custody)] == [True]


def test_a_checkpoint_that_another_key_signed_is_not_restored(world: World, tmp_path: Path) -> None:
    world.sign()
    tamper(world.store, "UPDATE checkpoint SET size = size - 1")
    (first, *_) = wrong(world.store, world.custody)
    assert "is not signed by a key of this deployment" in first


def test_a_log_that_was_rewritten_is_not_restored(world: World) -> None:
    world.sign()
    backup = world.backup()
    world.put_back(backup)
    fill(world.deployment, 4)
    world.sign()
    world.put_back(backup)
    fill(world.deployment, 9)  # other events than were signed
    (said,) = wrong(world.store, world.custody)
    assert "not the one of which" in said


def test_a_backup_of_another_deployment_is_not_restored(world: World, tmp_path: Path) -> None:
    world.sign()
    with world.custody.changing() as held:
        held._connection.execute("UPDATE high_water SET log_id = 'of_another_' || log_id")
    assert list(wrong(world.store, world.custody)) == [
        "It is of another deployment: it has none of the logs that were signed here."
    ]
    with pytest.raises(CustodyBroken, match="knows nothing"):
        list(wrong(world.store, Custody(tmp_path / "empty")))


# ── What was erased ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_erased_since_is_erased_again(world: World) -> None:
    world.grow(3)
    world.sign()
    first, backup = world.head().size - 3, world.backup()
    world.put_back(backup)
    seqs = [first, first + 1]
    world.erase({seq: ["actor.name", "context.ip"] for seq in seqs})
    world.sign()
    world.put_back(backup)
    assert not [one for one in world.deployment.events(FILLED)[first:] if one.erased]
    for attempt in range(2):  # and once more, from the same backup, under the next id
        world.restore()
        (event,) = world.again
        assert (event.action, event.details["fields"], event.details["events"]) == ("log.erase", 4, 2)
        assert [one.seq for one in world.deployment.events(FILLED)[first:] if one.erased] == seqs
        if not attempt:
            world.grow(1)
            world.sign()
            world.put_back(backup)
    assert world.begin() == erase_again(world.store, world.custody, world.operator) == []


def test_a_log_that_is_sealed_goes_on_from_a_backup_that_lacks_an_erasure(world: World) -> None:
    number = end_one(world.deployment)
    world.sign()
    size, backup = world.deployment.size(number), world.backup()
    world.erase({1: ["targets.0"]}, number)
    world.sign()
    world.put_back(backup)
    begun = world.restore()
    assert [(event.organization, event.seq, event.action) for event in begun] == [(number, size, "log.restore")]
    assert [(event.organization, event.seq, event.action) for event in world.again] == [(number, size + 1, "log.erase")]
    with pytest.raises(Sealed):
        world.deployment.act(None, number, ReadAsOperator())


def test_what_stands_under_the_same_number_now_is_not_erased(world: World) -> None:
    world.sign()
    backup, first = world.backup(), world.head().size
    world.put_back(backup)
    world.grow(2)
    world.erase({first: ["context.ip"], first + 1: ["context.ip"]})
    world.sign()
    world.put_back(backup)
    world.restore()
    world.grow(2)
    assert world.again == erase_again(world.store, world.custody, world.operator) == []


def test_what_was_pruned_since_has_no_fields_again_and_no_hold_keeps_them(world: World) -> None:
    world.grow(3)
    world.sign()
    first, backup = world.head().size - 3, world.backup()
    world.put_back(backup)
    world.deployment.clock.go_on(200 * DAY)
    world.deployment.act(None, FILLED, ConfirmClock())
    world.deployment.act(None, FILLED, SetRetention("credits", 90))
    ledger = Ledger(world.custody.directory)
    pruned = world.deployment.act(None, FILLED, Prune("credits", ledger, world.deployment.clock.now, first))
    assert (pruned.details["first"], pruned.details["count"]) == (first, 3)
    world.sign()
    world.put_back(backup)
    world.deployment.act(None, FILLED, PlaceHold("Acme", "action:credits.*"))
    world.restore()
    assert [event.details["events"] for event in world.again] == [3]
    for event in world.deployment.events(FILLED)[first : first + 3]:
        assert event.erased >= {"actor.name", "details.amount", "details.reference"}


# ── What auditors learn of it ────────────────────────────────────────────────────────────────────────────────────────


def test_whoever_has_seen_a_generation_is_told_what_became_of_it(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Heads and keys that were kept of each, also of those of which the backup knew nothing."""
    seen = dict[str, tuple[Path, str]]()

    def see(name: str) -> None:
        with world.store.reading() as connection:
            signed = checkpoints.latest(connection, FILLED)
        (tmp_path / name).write_text(str(signed))
        seen[name] = tmp_path / name, world.vkey()

    def verdicts() -> dict[str, str]:
        """By head, in a word or two; the keys of all generations are as good."""
        said, file = {}, world.evidence()
        for name, (head, vkey) in seen.items():
            code = verifier.main([str(file), "--key", vkey, "--head", str(head)])
            words = capsys.readouterr().out.rstrip().rpartition("\n")[2]
            lost = re.search(r"of which (\d+) to (\d+) are gone: event (\d+) says that an older", words)
            assert code == (3 if lost else 0), words
            said[name] = " ".join(lost.groups()) if lost else "goes on"
        return said

    world.sign()
    size, begun = world.head().size, world.backup()
    see("begun")
    world.grow(3)
    world.sign()
    see("lost")
    kept, gone = {"begun": "goes on", "lost": f"{size} {size + 2} {size}"}, dict[str, str]()
    for name in ("second", "third"):
        world.put_back(begun)
        world.restore()
        world.grow(2)
        world.sign()
        see(name)
        assert verdicts() == {**kept, **gone, name: "goes on"}
        gone = {"second": f"{size} {size + 2} {size}"}
    backup = world.backup()
    world.grow(4)
    world.sign()
    see("more")
    world.put_back(backup)
    world.deployment.clock.go_on(-DAY)  # and the clock of the new machine is wrong
    world.restore()
    end = world.head().size
    assert end == size + 5, "a step of the clock stands before the event that says what is lost"
    assert verdicts() == {**kept, **gone, "third": "goes on", "more": f"{size + 3} {size + 6} {size + 4}"}


def test_what_was_seen_of_an_earlier_generation_is_seen(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """By a witness, of the log itself and of the anchor log, neither of which it knows under the new name."""
    book = make(tmp_path / "witness", "witness.example/w", lambda size: b"\x09" * size, world.deployment.clock)

    def show() -> None:
        Rounds(world.store, [Witness("", book.vkey, Direct(book))]).go()

    def sign() -> None:
        world.deployment.clock.go_on(MINUTE)
        world.sign()
        anchor_log_.extend(world.store, world.custody)

    sign()
    size, vkey = world.head().size, world.vkey()
    with world.store.reading() as connection:
        anchor = checkpoints.latest(connection, ANCHOR)
    assert anchor
    public = VerifierKey.parse(vkey).public
    book.look_after(VerifierKey.parse(vkey))
    book.look_after(VerifierKey(anchor.checkpoint.origin, public))
    show()
    backup = world.backup()
    world.put_back(backup)
    world.grow(3)
    sign()
    world.put_back(backup)
    world.restore()
    world.grow(5)
    sign()
    show()
    with world.store.reading() as connection:
        states = {(one.kind, one.by_anchor_log): one for one in anchor_log.states(connection, FILLED)}
        files = anchor_log.evidence(connection, FILLED)
    assert states["anchor_log", False].size == world.head().size
    for by_anchor_log in (False, True):
        state = states["witness", by_anchor_log]
        assert (state.size, state.error is None) == (size, False) and state.at
    assert set(files) == {f"{anchor.size}.tlog-proof", f"{anchor.size + 2}.tlog-proof"}
    trusting = ("--witness", str(book.vkey), "--anchored")
    for pinned in (vkey, world.vkey()):
        assert verifier.main([str(world.evidence()), "--key", pinned, *trusting]) == 0
        assert capsys.readouterr().out.count(f"{size} events: seen by witness.example/w") == 2
