"""Going on from a backup: each log that lost something says so under another id, and no id has two histories."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from minutebook.custody import anchor_log
from minutebook.custody.clock import ConfirmClock
from minutebook.custody.erase import EraseFields
from minutebook.custody.high_water import Custody, Ended
from minutebook.custody.holds import PlaceHold
from minutebook.custody.ledger import Ledger
from minutebook.custody.restore import begin_generations, erase_again, settle, wrong
from minutebook.custody.retention import Prune, SetRetention
from minutebook.custody.signer import examine, require_not_behind, sign_logs
from minutebook.errors import BehindHighWater, CustodyBroken
from minutebook.evidence.checkpoint import Checkpoint, origin_of
from minutebook.evidence.proof import verify_consistency, verify_inclusion
from minutebook.model import DAY, MINUTE, Context, Event, Seat
from minutebook.organization.credits import BuyCredits
from minutebook.store import checkpoints, log, migrate, tiles
from minutebook.store.engine import Store
from minutebook.store.opened import opened
from tests.store.test_query import fill
from tests.support import stored
from tests.support.check_log import check_log
from tests.support.deployment import OPERATOR, Deployment, Ticking
from tests.support.postgres import PostgresServer
from tests.support.tampering import tamper
from tests.support.walk import FILLED, OTHER

HOST = "minutebook.example"


def operator(organization: int) -> Seat:
    return Seat(organization, OPERATOR, Context())


class World:
    """A deployment whose database is backed up and put back, and its custody directory, which is not."""

    def __init__(self, filled: Deployment, custody: Custody, server: Callable[[], PostgresServer]) -> None:
        self.deployment = filled
        self.custody = custody
        self._server = server
        self._numbers = iter(range(100))
        self._made: list[str] = []

    @property
    def store(self) -> Store:
        return self.deployment.store

    def grow(self, events: int, organization: int = FILLED) -> None:
        for _ in range(events):
            self.deployment.act(None, organization, BuyCredits(100, f"payment-{self.deployment.clock()}"))

    def sign(self) -> None:
        assert not sign_logs(self.store, self.custody, HOST).refused

    def backup(self) -> str:
        """The URL of a copy of the database as it is now."""
        if self.store.is_sqlite:
            file = self.store.file.with_name(f"backup-{next(self._numbers)}.sqlite3")
            migrate.backup(self.store, file)
            return f"sqlite:///{file}"
        self.store.close()  # nobody may be connected meanwhile; afterwards it connects again
        return self._copied(self.store.url.render_as_string(hide_password=False))

    def put_back(self, backup: str) -> None:
        """A copy of the backup in the place of the database, as an operator would put it there."""
        self.store.close()
        self._open(self._copied(backup))

    def _copied(self, url: str) -> str:
        if url.startswith("sqlite"):
            copy = Path(url.removeprefix("sqlite:///")).with_name(f"copy-{next(self._numbers)}.sqlite3")
            copy.write_bytes(Path(url.removeprefix("sqlite:///")).read_bytes())
            return f"sqlite:///{copy}"
        made = self._server().create_database(url.rpartition("/")[2].partition("?")[0])
        self._made.append(made.render_as_string(hide_password=False))
        return self._made[-1]

    def _open(self, url: str) -> None:
        clock = Ticking(self.deployment.clock.now)
        self.deployment = Deployment(Store(url, clock=clock), clock)

    def begin(self) -> list[Event]:
        assert list(wrong(self.store, self.custody)) == []
        return begin_generations(self.store, self.custody, operator)

    def erase(self, fields: Mapping[int, Sequence[str]]) -> None:
        self.deployment.act(None, FILLED, EraseFields(fields, "Asked", Ledger(self.custody.directory)))

    def restore(self) -> list[Event]:
        """Goes on from what is there, which is then as good as any other log."""
        begun = self.begin()
        self.again = erase_again(self.store, self.custody, operator)
        self.missing = settle(self.store, self.custody)
        check_log(self.store)
        require_not_behind(self.store, self.custody)
        self.sign()
        assert list(examine(self.store, self.custody)) == []
        return begun

    def head(self, organization: int = FILLED) -> log.Head:
        with self.store.reading() as connection:
            return log.read_head(connection, organization)

    def newest(self) -> Checkpoint:
        with self.store.reading() as connection:
            found = checkpoints.latest(connection, FILLED)
        assert found
        return found.checkpoint

    def ended(self) -> dict[str, Ended]:
        with self.custody.reading() as held:
            return held.ended() if held else {}

    def marks(self) -> dict[str, int]:
        with self.custody.reading() as held:
            return {log_id: mark.tree.size for log_id, mark in held.high_waters().items()} if held else {}

    def drop(self) -> None:
        self.store.close()
        for url in self._made:
            self._server().drop_database(url)


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
        anchor_log.extend(world.store, world.custody)
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
    # backup, its last id, what it has in common with what was last known, how much of that is lost
    for backup, previous, lost in (
        (begun, first, 4),
        (all_of_the_first, first, 1),  # it has all that was ever signed of its id, and is not the log any more
        (all_of_the_second, second, 13),
        (begun, first, 5),
    ):
        world.put_back(backup)
        with refused(world, "went on without"):
            (event,) = world.restore()
        assert event.details["previous_log"] == previous
        assert event.details.get("known_log", previous) == known[-1]
        assert event.details["lost"] == lost
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
    assert world.begin() == erase_again(world.store, world.custody, operator) == []


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
    assert world.again == erase_again(world.store, world.custody, operator) == []


def test_what_was_pruned_since_has_no_fields_again_and_no_hold_keeps_them(world: World) -> None:
    world.grow(3)
    world.sign()
    first, backup = world.head().size - 3, world.backup()
    world.put_back(backup)
    world.deployment.clock.go_on(200 * DAY)
    world.deployment.act(None, FILLED, ConfirmClock())
    world.deployment.act(None, FILLED, SetRetention("credits", 90))
    ledger = Ledger(world.custody.directory)
    pruned = world.deployment.act(None, FILLED, Prune("credits", ledger, first))
    assert (pruned.details["first"], pruned.details["count"]) == (first, 3)
    world.sign()
    world.put_back(backup)
    world.deployment.act(None, FILLED, PlaceHold("Acme", "action:credits.*"))
    world.restore()
    assert [event.details["events"] for event in world.again] == [3]
    for event in world.deployment.events(FILLED)[first : first + 3]:
        assert event.erased >= {"actor.name", "details.amount", "details.reference"}
