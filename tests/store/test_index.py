"""What follows the record: it misses nothing, a crash leaves nothing half done, and what it says is held against it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, delete

from minutebook.errors import StoreUnavailable
from minutebook.filters import parse, search_text, text_of
from minutebook.model import Plan
from minutebook.organization.organizations import ChangePlan
from minutebook.store import blocks, index, log, marks, memory, search, stripes, view, worded
from minutebook.store import text as text_index
from minutebook.store.cache import Indexed, columns_of
from minutebook.store.check_index import check_index
from minutebook.store.scope import Scope
from minutebook.store.worded import Sought, Worded
from tests.store.test_query import fill
from tests.support.deployment import Deployment
from tests.support.tampering import tamper
from tests.support.walk import FILLED, OTHER

GROUP = FILLED << 36
"""The first row of the text index, in groups of 16 events."""
UNREADABLE = "(SELECT min(content) FROM block)"
MARKS = FILLED << 40
"""The first row of its marks: 1,024 are of the first three blocks, and so on."""
STRIPE = ((FILLED << 40) + 128) // 4
"""The first of two stripes."""


@pytest.fixture
def followed(filled: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """Two organizations, followed to their end in small blocks."""
    make_small(monkeypatch, packs=(3,), marks_pack=3)
    monkeypatch.setattr(view, "CHUNK", 4)
    monkeypatch.setattr(index, "BATCH", 8)
    fill(filled, 136 - filled.size(FILLED))  # two packs, two blocks more, and the beginning of a third
    index.follow_all(filled.store)
    return filled


def make_small(monkeypatch: pytest.MonkeyPatch, *, packs: tuple[int, ...], marks_pack: int) -> None:
    """Blocks of 16 events, of which so many are brought together."""
    monkeypatch.setattr(blocks, "BLOCK", 16)
    monkeypatch.setattr(stripes, "SIZE", 4)
    monkeypatch.setattr(blocks, "PACKS", packs)
    monkeypatch.setattr(marks, "PACK", marks_pack)
    monkeypatch.setattr(text_index, "GROUP_BITS", 4)
    monkeypatch.setattr(text_index, "GROUP", 16)


def problems(deployment: Deployment, organization: int = FILLED) -> list[str]:
    with deployment.store.reading() as connection:
        return [found.problem for found in check_index(connection, organization)]


def behind(deployment: Deployment) -> list[int]:
    with deployment.store.reading() as connection:
        return index.behind(connection)


def held(
    connection: Connection, organization: int, sought: list[Sought], seqs: range, indexed: Indexed | None = None
) -> list[int]:
    """The events that hold all pieces, found forth and back, of few rows at a time."""
    if indexed is None:
        _, indexed = columns_of(connection, organization)

    def found(numbers: range) -> list[int]:
        worded = Worded(connection, memory.Log(organization), indexed, sought, None)
        return [seq for some in worded.among(np.split(np.array(numbers, np.int64), [5, 6]), 1) for seq in some.tolist()]

    forth = found(seqs)
    assert found(seqs[::-1]) == forth[::-1]
    return forth


def test_every_log_is_followed_to_its_end(followed: Deployment) -> None:
    assert behind(followed) == []
    with followed.store.reading() as connection:
        for organization in (FILLED, OTHER):
            size = followed.size(organization)
            assert index.reached(connection, organization) == index.Reached(size // 16 * 16, size // 16, size % 16 // 4)
    assert problems(followed) == problems(followed, OTHER) == []
    fill(followed, 3 - followed.size(FILLED) % 4)
    assert behind(followed) == []
    fill(followed, 1)
    assert behind(followed) == [FILLED], "a stripe is whole"
    fill(followed, 15 - followed.size(FILLED) % 16)
    index.follow_all(followed.store)
    assert behind(followed) == []
    fill(followed, 1)
    assert behind(followed) == [FILLED], "a block is whole"


def test_of_what_is_erased_no_stripe_is_left(followed: Deployment) -> None:
    fill(followed, 16 + 6 - followed.size(OTHER) % 16, log_=OTHER)
    index.follow_all(followed.store)
    with followed.store.housekeeping() as connection:
        assert list(stripes.written(connection, FILLED)) == [32, 33]
        index.forget(connection, FILLED, [130])
        assert stripes.written(connection, FILLED) == {}
        assert len(stripes.written(connection, OTHER)) == 1
    index.follow_all(followed.store)
    assert problems(followed) == problems(followed, OTHER) == []


def test_a_batch_that_fails_leaves_nothing(followed: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(followed, 20)
    before = followed.size(FILLED)

    def fails(*_: object) -> bytes:
        raise StoreUnavailable

    with monkeypatch.context() as broken:
        broken.setattr(index, "written_block", fails)
        with pytest.raises(StoreUnavailable):
            index.follow_all(followed.store)
    assert problems(followed) == []
    index.follow_all(followed.store)
    with followed.store.reading() as connection:
        assert index.reached(connection, FILLED).texts == before // 16 * 16
    assert problems(followed) == []


def test_a_log_that_cannot_be_followed_keeps_no_other_waiting(
    followed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(followed, 40)
    next_ = index._next

    def fails(connection: Any, organization: int, *rest: Any) -> list[index.Part]:
        if organization == min(FILLED, OTHER):
            raise ValueError
        return next_(connection, organization, *rest)

    monkeypatch.setattr(index, "behind", lambda _: [FILLED, OTHER])
    monkeypatch.setattr(text_index, "STEP", 1)
    monkeypatch.setattr(index, "_next", fails)
    follower = index.Follower(followed.store)
    follower.round()
    other = max(FILLED, OTHER)
    with followed.store.reading() as connection:
        assert index.reached(connection, other).texts == followed.size(other)


def test_two_who_follow_at_once_do_nothing_twice(followed: Deployment) -> None:
    fill(followed, 60)
    threads = [threading.Thread(target=index.follow_all, args=(followed.store,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems(followed) == []


def test_who_erases_and_who_follows_wait_for_each_other_in_turn(followed: Deployment) -> None:
    fill(followed, 60)
    with ThreadPoolExecutor() as threads:
        with followed.store.housekeeping() as connection:
            log.lock_head(connection, FILLED)
            following = threads.submit(index.follow_all, followed.store)
            time.sleep(0.3)
            index.forget(connection, FILLED, [1])
        following.result()
    index.follow_all(followed.store)
    assert problems(followed) == []


def test_acts_do_not_wait_for_what_is_made_ready(followed: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(followed, 20)
    recorded = dict.fromkeys(["text_of", "written_block", "made"], 0)

    def records(name: str, make: Callable[..., Any]) -> Callable[..., Any]:
        def made(*arguments: Any) -> Any:
            recorded[name] += 1
            if recorded[name] == 1:
                fill(followed, 1)  # in this thread: it would wait in vain for what this one has locked
            return make(*arguments)

        return made

    with monkeypatch.context() as beside:
        for name, module in zip(recorded, (index, index, stripes), strict=True):
            beside.setattr(module, name, records(name, getattr(module, name)))
        index.follow_all(followed.store)
    assert min(recorded.values()) > 0, "texts, a block and a stripe were made"
    index.follow_all(followed.store)
    assert problems(followed) == []


def test_texts_and_blocks_do_not_wait_for_each_other(followed: Deployment) -> None:
    """Every block must be made when something was erased, and texts when much has come."""
    with followed.store.housekeeping() as connection:
        index.forget(connection, FILLED, [])
        texts = index.reached(connection, FILLED).texts
    fill(followed, 40)
    follow = index.follow(followed.store, FILLED)
    known = []
    for _ in range(3):
        next(follow)
        with followed.store.reading() as connection:
            known.append(index.reached(connection, FILLED)[:2])
    assert known == [(texts + 8 * step, step) for step in (1, 2, 3)]


def test_two_who_come_to_a_log_first_both_follow_it(followed: Deployment) -> None:
    tamper(followed.store, f"DELETE FROM log_index WHERE organization = {FILLED}")
    with ThreadPoolExecutor() as threads:
        with followed.store.housekeeping() as connection:
            index.forget(connection, FILLED, [])
            following = threads.submit(index.follow_all, followed.store)
            time.sleep(0.3)
        following.result()


def test_a_stripe_that_is_there_already_is_written_again(followed: Deployment) -> None:
    tamper(followed.store, f"UPDATE log_index SET stripes = 0 WHERE organization = {FILLED}")
    index.follow_all(followed.store)
    assert problems(followed) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (f"UPDATE log_index SET texts = texts + 999 WHERE organization = {FILLED}", "claims to know more"),
        (f"UPDATE log_index SET blocks = blocks - 1 WHERE organization = {FILLED}", "not there, or there twice"),
        (f"DELETE FROM block WHERE organization = {FILLED} AND number = 2", "not there, or there twice"),
        (f"UPDATE block SET number = 99 WHERE organization = {FILLED} AND number = 2", "not there, or there twice"),
        (
            "UPDATE block SET content = (SELECT content FROM block AS other WHERE other.organization = "
            "block.organization AND other.name = block.name AND other.number = 2) "
            f"WHERE organization = {FILLED} AND name = 'actor' AND number = 5",
            "events 48 to 63",
        ),
        ("UPDATE block SET content = (SELECT min(texts) FROM event_text) WHERE number = 2", "cannot be read"),
        (f"UPDATE log_index SET stripes = stripes - 1 WHERE organization = {FILLED}", "not there, or of others"),
        (f"DELETE FROM stripe WHERE number = {STRIPE}", "not there, or of others"),
        (f"UPDATE stripe SET number = {STRIPE + 9} WHERE number = {STRIPE}", "not there, or of others"),
        (f"UPDATE stripe SET content = {UNREADABLE} WHERE number = {STRIPE}", "events 128 to 131"),
        (f"UPDATE stripe SET content = (SELECT min(texts) FROM event_text) WHERE number = {STRIPE}", "newest events"),
        (
            "UPDATE stripe SET content = (SELECT content FROM stripe AS other WHERE other.number = "
            f"{STRIPE + 1}) WHERE number = {STRIPE}",
            "events 128 to 131",
        ),
        (f"DELETE FROM event_marks WHERE number = {MARKS + 7}", "words of events 0 to 15"),
        (f"UPDATE event_marks SET number = {MARKS + 9999} WHERE number = {MARKS + 7}", "words of events 32 to 47"),
        (
            f"UPDATE event_marks SET marks = (SELECT marks FROM event_marks WHERE number = {MARKS}) "
            f"WHERE number = {MARKS + 1024 + 7}",
            "words of events 48 to 63",
        ),
        (
            f"INSERT INTO event_marks (number, marks) SELECT {MARKS + 9999}, marks FROM event_marks "
            f"WHERE number = {MARKS}",
            "more or fewer marks",
        ),
        (f"DELETE FROM block WHERE organization = {FILLED} AND name = 'marks'", "words of events 96 to 111"),
    ],
)
def test_what_was_changed_is_found(followed: Deployment, change: str, said: str) -> None:
    tamper(followed.store, change)
    assert any(said in problem for problem in problems(followed))
    assert problems(followed, OTHER) == []


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (f"DELETE FROM event_text WHERE number = {GROUP + 1}", range(16, 32)),
        (f"UPDATE event_text SET number = {GROUP + 999} WHERE number = {GROUP + 1}", range(16, 32)),
        (
            f"UPDATE event_text SET texts = (SELECT texts FROM event_text WHERE number = {GROUP}) "
            f"WHERE number = {GROUP + 1}",
            range(16, 32),
        ),
        (f"UPDATE event_text SET texts = {UNREADABLE} WHERE number = {GROUP}", range(16)),
        (f"UPDATE log_index SET texts = texts - 3 WHERE organization = {FILLED}", None),
        (
            f"INSERT INTO event_text (number, texts) SELECT {GROUP + 999}, texts FROM event_text "
            f"WHERE number = {GROUP}",
            None,
        ),
    ],
)
def test_a_text_that_is_not_what_the_event_says_is_found(
    followed: Deployment, change: str, named: range | None
) -> None:
    tamper(followed.store, change)
    with followed.store.reading() as connection:
        found = {finding.seq for finding in check_index(connection, FILLED)}
    assert found >= set(named) if named else found
    assert problems(followed, OTHER) == []


def test_texts_that_cannot_be_read_hide_no_event(followed: Deployment) -> None:
    filter_ = parse([("text", "opus")])
    scope = Scope(FILLED, followed.size(FILLED))
    with followed.store.reading() as connection:
        before = search.page(connection, scope, filter_, None, 1000)
    tamper(followed.store, f"UPDATE event_text SET texts = {UNREADABLE} WHERE number >= {GROUP}")
    with followed.store.reading() as connection:
        assert search.page(connection, scope, filter_, None, 1000) == before


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM event_marks WHERE number % 2 = 0",
        "UPDATE event_marks SET marks = (SELECT min(texts) FROM event_text) WHERE number % 3 = 0",
        "DELETE FROM block WHERE name = 'marks'",
        "UPDATE block SET content = (SELECT max(content) FROM block WHERE name = 'span') WHERE name = 'marks'",
        "UPDATE block SET content = (SELECT min(texts) FROM event_text) WHERE name = 'marks'",
    ],
)
def test_marks_that_cannot_be_read_hide_no_event(followed: Deployment, damage: str) -> None:
    scope = Scope(FILLED, followed.size(FILLED))
    tamper(followed.store, damage)
    events = [(event.seq, search_text(event)) for event in followed.events(FILLED)]
    for word in ("opus", "ada", "mode"):
        with followed.store.reading() as connection:
            found = search.page(connection, scope, parse([("text", word)]), None, 1000)
        assert {event.seq for event in found.events} == {seq for seq, said in events if word in said} != set()


@pytest.mark.parametrize("piece", ["ada", "opus", "changed", "in ", "usr_", "nowhere", "opusm"])
@pytest.mark.parametrize("in_words", [True, False])
def test_marks_leave_out_groups_that_hold_nothing_and_no_other(
    followed: Deployment, piece: str, *, in_words: bool
) -> None:
    """Of packs and of single blocks, also from the middle of one to the middle of another."""
    texts: dict[int, list[str]] = {event.seq // 16: [] for event in followed.events(FILLED)}
    for event in followed.events(FILLED):
        texts[event.seq // 16].append(text_of(event))
    holding = {group for group, of_one in texts.items() if any(Sought(piece, not in_words).is_in(it) for it in of_one)}
    anywhere = {group for group, of_one in texts.items() if any(piece in it for it in of_one)}
    slots = marks.asked(((piece.encode(), in_words),))
    with followed.store.reading() as connection:
        marked = index.reached(connection, FILLED).blocks
        assert marked > 6 and marked % 3
        for first, end in ((0, marked), (1, marked - 1), (4, 5), (2, 4), (5, marked), (marked - 1, marked)):
            found = np.flatnonzero(marks.Marks(FILLED).may_hold(connection, slots, first, end, marked, 1)) + first
            assert set(found) >= holding & set(range(first, end))
            assert len(set(found) - anywhere) <= 1, "a third of the bits is set at most"
        known = marks.Marks(FILLED)
        whole = marks.Marks(FILLED).may_hold(connection, slots, 0, marked, marked, 1)
        for end in range(1, marked):
            assert np.array_equal(known.may_hold(connection, slots, 0, end, marked, 1), whole[:end])


def test_marks_of_single_blocks_are_let_go_of_once_a_pack_has_them(followed: Deployment) -> None:
    known, slots = marks.Marks(FILLED), marks.asked(((b"calder", False),))
    for single in ({6, 7}, {9}, set(), {12, 13}):
        with followed.store.reading() as connection:
            marked = index.reached(connection, FILLED).blocks
            known.may_hold(connection, slots, 0, marked, marked, 1)
        assert known._blocks.keys() == single
        fill(followed, 32)
        index.follow_all(followed.store)


def test_a_row_of_texts_that_cannot_be_read_is_made_anew_when_the_log_goes_on(
    followed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    filter_ = parse([("text", "opus")])
    monkeypatch.setattr(text_index, "STEP", 1)
    fill(followed, 17 - followed.size(FILLED) % 16)
    index.follow_all(followed.store)
    last = followed.size(FILLED) // 16
    tamper(followed.store, f"UPDATE event_text SET texts = {UNREADABLE} WHERE number = {GROUP + last}")
    assert problems(followed)
    fill(followed, 40)
    index.follow_all(followed.store)
    assert problems(followed) == []
    with followed.store.reading() as connection:
        found = search.page(connection, Scope(FILLED, followed.size(FILLED)), filter_, None, 1000)
    assert {event.seq for event in found.events} == {
        event.seq for event in followed.events(FILLED) if "opus" in search_text(event)
    }


def test_an_event_that_is_gone_leaves_the_others_in_their_places(followed: Deployment) -> None:
    size = followed.size(FILLED)
    gone = (0, 17, 31, 32)
    tamper(followed.store, *(f"DELETE FROM event WHERE position = {log.position(FILLED, seq)}" for seq in gone))
    index.rebuild(followed.store)
    for pieces in (["ada"], ["calder", "review"], ["usr_", "mode"]):
        sought = [Sought(piece, in_ids=True) for piece in pieces]
        with followed.store.reading() as connection:
            numbers = held(connection, FILLED, sought, range(5, size - 19))
        texts = {event.seq: text_of(event) for event in followed.events(FILLED)}
        assert numbers == [
            seq for seq in range(5, size - 19) if seq in texts and all(piece in texts[seq] for piece in pieces)
        ]
        assert numbers


@pytest.mark.parametrize(
    ("pieces", "numbers"),
    [
        (["usr_three", "one"], [0, 2]),
        (["one", "usr"], [0, 1, 2, 3]),
        (["one", "two"], [0, 2, 3]),
        (["one two", "one"], [0]),
        (["two one"], [3]),
        (["usr_three"], [0, 2]),
        (["four", "three"], []),
        (["f"], [1, 3]),
        (["tw"], [0, 2, 3]),
        (["-three"], []),
        (["-two"], [0, 3]),
        (["-two", "usr_t"], [0]),
    ],
)
def test_all_pieces_must_be_in_one_event(deployment: Deployment, pieces: list[str], numbers: list[int]) -> None:
    """In its words or its ids, whichever comes first; what is written with a - in its words. Also a short one."""
    texts = ["one two\nusr_three", "one\nusr_four", "one\nusr_three two", "two one one\nusr_five"]
    added = list(enumerate(texts[:2], 77 << 40)), list(enumerate(texts[2:], (77 << 40) + 2))
    with deployment.store.housekeeping() as connection:
        for some in added:
            text_index.put(connection, text_index.rows_of(some, text_index.texts_before(connection, some[0][0])))
        sought = [Sought(piece.removeprefix("-"), in_ids=not piece.startswith("-")) for piece in pieces]
        indexed = Indexed(texts=4, blocks=0)
        assert held(connection, 77, sought, range(4), indexed) == numbers
        assert held(connection, 77, sought, range(1, 3), indexed) == [seq for seq in numbers if 0 < seq < 3]


@pytest.mark.parametrize(
    "damage",
    [
        f"INSERT INTO event_text (number, texts) SELECT {GROUP + 999}, texts FROM event_text WHERE number = {GROUP}",
        f"UPDATE event_text SET texts = (SELECT texts FROM event_text WHERE number = {GROUP}) "
        f"WHERE number = {GROUP + 1}",
    ],
)
def test_what_is_made_anew_has_nothing_of_what_was_wrong(followed: Deployment, damage: str) -> None:
    tamper(followed.store, damage)
    assert problems(followed) != []
    index.rebuild(followed.store)
    assert problems(followed) == problems(followed, OTHER) == []
    seqs = range(followed.size(FILLED) // 16 * 16)
    texts = {event.seq: text_of(event) for event in followed.events(FILLED) if event.seq in seqs}
    with followed.store.reading() as connection:
        assert text_index.differing(connection, FILLED, seqs, texts) == set()


def test_a_word_is_found_before_and_behind_what_the_index_knows(followed: Deployment) -> None:
    fill(followed, 40)
    scope = Scope(FILLED, followed.size(FILLED))
    filter_ = parse([("text", "opus")])
    with followed.store.reading() as connection:
        before = search.page(connection, scope, filter_, None, 1000)
    index.follow_all(followed.store)
    with followed.store.reading() as connection:
        after = search.page(connection, scope, filter_, None, 1000)
    assert before.total.number > 5
    assert before.events == after.events


def test_rows_that_no_mark_tells_of_tell_nothing_of_the_others(
    followed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest events, of which there are no marks, hold nothing; of the rest one row is enough."""
    for seats in range(31, 95):
        followed.act(None, FILLED, ChangePlan(Plan.ENTERPRISE, seats))
    monkeypatch.setattr(worded, "AT_FIRST", 1)
    read, kept = [], text_index.read

    def counted(connection: Connection, organization: int, numbers: list[int]) -> Iterator[tuple[int, text_index.Said]]:
        read.extend(numbers)
        return kept(connection, organization, numbers)

    monkeypatch.setattr(text_index, "read", counted)
    size = followed.size(FILLED)
    with followed.store.reading() as connection:
        _, indexed = columns_of(connection, FILLED)
        marked = indexed.blocks
        sought = Worded(connection, memory.Log(FILLED), indexed, [Sought("opus", in_ids=False)], None)
        ends = [end for end in range(size // 16 * 16, 0, -16) if end != (marked + 1) * 16]  # has them, but no marks
        parts = [np.arange(end - 16, end)[::-1] for end in ends]
        assert len(next(found for found in sought.among(parts, 1) if len(found)))
    assert size // 16 - marked >= 4
    assert [row for row in read if row < marked] == [marked - 1]


@pytest.mark.parametrize("number", [33, 49, 65, 97, 129])
def test_a_log_is_sound_while_more_columns_than_marks_are_brought_together(
    filled: Deployment, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    make_small(monkeypatch, packs=(2, 8), marks_pack=4)
    fill(filled, number - filled.size(FILLED))
    index.follow_all(filled.store)
    assert problems(filled) == []


def test_columns_are_not_scattered_over_the_room_that_marks_leave(
    filled: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not filled.store.is_sqlite:
        pytest.skip("PostgreSQL uses such room only once it is vacuumed")
    make_small(monkeypatch, packs=(4,), marks_pack=4)
    fill(filled, 128 - filled.size(FILLED))
    free: dict[int, int] = {}
    put = blocks.put

    def observed(connection: Connection, organization: int, number: int, contents: Mapping[str, bytes]) -> None:
        if organization == FILLED:
            free[number] = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
        put(connection, organization, number, contents)

    monkeypatch.setattr(blocks, "put", observed)
    index.follow_all(filled.store)
    of_a_pack = 3 * marks.SLOTS // 4096  # pages: each block's marks fill so many
    assert max(free.values()) >= of_a_pack / 2  # behind a pack: the next block is written there
    assert max(free[3], free[7]) < of_a_pack / 4


def test_a_log_that_is_first_followed_while_all_is_made_anew_loses_nothing(
    filled: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    following: list[Future[None]] = []
    with ThreadPoolExecutor() as threads:

        def deletes(*tables: Any) -> Any:
            if not following:
                following.append(threads.submit(index.follow_all, filled.store))
                time.sleep(0.3)
            return delete(*tables)

        with monkeypatch.context() as beside:
            beside.setattr(index, "delete", deletes)
            index.rebuild(filled.store)
        following[0].result()
    index.follow_all(filled.store)
    assert problems(filled) == []


def test_a_server_follows_what_is_recorded_by_itself(followed: Deployment) -> None:
    follower = index.Follower(followed.store, every=0.01)
    follower.start()
    try:
        fill(followed, 20)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with followed.store.reading() as connection:
                if not index.behind(connection):
                    break
        else:
            pytest.fail("nobody followed")
    finally:
        follower.stop()
    assert problems(followed) == []


def test_what_goes_wrong_while_following_is_tried_again(followed: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = threading.Event()

    def fails(_connection: object) -> list[int]:
        if not failed.is_set():
            failed.set()
            raise StoreUnavailable
        return real(_connection)  # type: ignore[arg-type]

    real = index.behind
    monkeypatch.setattr(index, "behind", fails)
    fill(followed, 3)
    follower = index.Follower(followed.store, every=0.01)
    follower.start()
    assert failed.wait(20)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with followed.store.reading() as connection:
            if not real(connection):
                break
    follower.stop()
    assert problems(followed) == []
    with followed.store.reading() as connection:
        assert real(connection) == []
