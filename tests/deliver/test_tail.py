"""The tail without a server: nothing is missed, nothing comes twice, wherever a reader breaks off, whoever writes."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

import pytest

from minutebook.deliver import tail as tails_module
from minutebook.deliver.tail import Batch, Tail, begin, poll
from minutebook.deliver.tails import Limits, Tails
from minutebook.errors import Invalid, TooManyTails, TooManyTailsHere
from minutebook.filters import EVERYTHING, Filter
from minutebook.organization.credits import BuyCredits
from minutebook.organization.modes import CreateMode
from minutebook.organization.people import User
from minutebook.store.engine import Store
from minutebook.store.recorded import Recorded
from tests.support.deployment import Deployment

WRITERS, EACH = 4, 30
MODES = Filter(actions=("mode.create",))


class Calder:
    """An organization that people write to."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.owner: User = deployment.person("ada@calder.example")
        self.number = deployment.found(self.owner)

    def write(self, writer: int, each: int = EACH) -> None:
        for number in range(each):
            name = f"{writer}-{number}"
            command = CreateMode(name, "", ()) if number % 5 == 0 else BuyCredits(1, name)
            self.deployment.act(self.owner, self.number, command)

    def recorded(self, filter_: Filter) -> list[int]:
        events = self.deployment.events(self.number)
        return [event.seq for event in events if not filter_.actions or event.action in filter_.actions]


@pytest.fixture
def calder(deployment: Deployment) -> Calder:
    return Calder(deployment)


@pytest.mark.parametrize("filter_", [EVERYTHING, MODES], ids=["everything", "modes"])
def test_nothing_is_missed_or_repeated_while_many_write_and_the_reader_breaks_off(
    calder: Calder, filter_: Filter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tails_module, "AT_ONCE", 7)
    monkeypatch.setattr(tails_module, "STRIDE", 20)
    chance, seen, after = random.Random(7), list[int](), -1
    expected = calder.deployment.size(calder.number) + WRITERS * EACH
    with ThreadPoolExecutor(WRITERS) as pool:
        for writer in range(WRITERS):
            pool.submit(calder.write, writer)
        while after < expected - 1:
            tail = Tail(calder.number, filter_, after)  # another connection: all it knows is the number
            for _ in range(chance.randint(1, 4)):
                with calder.deployment.store.reading() as connection:
                    batch = tail.read(connection)
                cut = chance.randint(0, len(batch.rows))
                if cut < len(batch.rows):  # the connection broke in the midst of the batch
                    seen += [row.seq for row in batch.rows[:cut]]
                    after = seen[-1] if cut else after
                    break
                seen += [row.seq for row in batch.rows]
                after = batch.through
    assert seen == calder.recorded(filter_)


def test_a_filter_that_finds_nothing_goes_on_all_the_same(calder: Calder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tails_module, "STRIDE", 5)
    calder.write(0, each=12)
    size = calder.deployment.size(calder.number)
    tail, reads = Tail(calder.number, Filter(actions=("sso.set_domain",)), -1), 0
    with calder.deployment.store.reading() as connection:
        while (batch := tail.read(connection)).is_more:
            assert batch == Batch((), (reads + 1) * 5 - 1, is_more=True)
            reads += 1
    assert (batch.rows, batch.through, reads) == ((), size - 1, (size - 1) // 5)


def test_it_starts_at_the_end_behind_a_number_or_with_the_first(calder: Calder) -> None:
    size = calder.deployment.size(calder.number)
    with calder.deployment.store.reading() as connection:
        for after, through in ((None, size - 1), (-1, -1), (size - 1, size - 1), (0, 0)):
            assert begin(connection, calder.number, EVERYTHING, after, "after").after == through
        for beyond in (size, 10**12, -2):
            with pytest.raises(Invalid, match=f"its newest is {size - 1}") as refused:
                begin(connection, calder.number, EVERYTHING, beyond, "after")
            assert refused.value.problems[0].field == "after"


def test_polling_sees_what_another_process_records(calder: Calder) -> None:
    """The store of the other process knows nothing of this one's commits."""
    apart = Store(calder.deployment.store.url, lock=False)
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        assert len(waited) < 20
        if len(waited) % 3 == 0:
            calder.write(len(waited), each=2)

    batches = poll(apart, Tail(calder.number, EVERYTHING, -1), sleep)
    before = calder.deployment.size(calder.number)
    seen = [row.seq for batch in _until(batches, before + 4) for row in batch.rows]
    assert seen == list(range(before + 4))
    assert set(waited) == {1.0}
    apart.close()


def _until(batches: Iterator[Batch], size: int) -> Iterator[Batch]:
    for batch in batches:
        yield batch
        if batch.through == size - 1:
            return


# ── Waiting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Follower:
    """Follows with `Tails`; tells how long it took from a commit to the batch that has it."""

    def __init__(self, calder: Calder, store: Store | None = None, limits: Limits | None = None) -> None:
        self.store = store or calder.deployment.store
        self.tails = Tails(self.store, limits or Limits(check_seconds=60))
        self.tail = Tail(calder.number, EVERYTHING, calder.deployment.size(calder.number) - 1)

    def look(self) -> Batch:
        with self.store.reading() as connection:
            return self.tail.read(connection)

    async def until(self, size: int, act: threading.Thread) -> list[int]:
        """The numbers that arrive until the log has so many events; `act` begins with the second look."""
        seen: list[int] = []
        async with aclosing(self.tails.follow(self.tail.organization, self.look)) as batches:
            async for batch in batches:
                seen += [row.seq for row in batch.rows]
                if act.ident is None:
                    act.start()
                if batch.through == size - 1:
                    return seen
        raise AssertionError("it ended")


def test_a_commit_of_this_process_wakes_at_once(calder: Calder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minutebook.deliver.tails.POLL_SECONDS", 1000)
    follower, before = Follower(calder), calder.deployment.size(calder.number)
    acts = threading.Thread(target=calder.write, args=(1,))
    seen = asyncio.run(asyncio.wait_for(follower.until(before + EACH, acts), 30))
    acts.join()
    assert seen == list(range(before, before + EACH))
    assert not follower.store.recorded.awaited()


def test_what_is_recorded_during_a_look_wakes_for_the_next(calder: Calder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tails, "_watch", lambda _: None)
    follower, before = Follower(calder), calder.deployment.size(calder.number)

    def look() -> Batch:
        batch = follower.look()
        if not calder.deployment.size(calder.number) > before:
            calder.write(1, each=1)  # behind the snapshot, and before the batch is taken
        return batch

    async def first_two() -> list[Batch]:
        async with aclosing(follower.tails.follow(calder.number, look)) as batches:
            return [await anext(batches), await anext(batches)]

    [empty, batch] = asyncio.run(asyncio.wait_for(first_two(), 10))
    assert (empty.rows, [row.seq for row in batch.rows]) == ((), [before])


def test_a_commit_of_another_process_wakes_within_about_a_second(calder: Calder) -> None:
    apart = Store(calder.deployment.store.url, lock=False)
    follower, before = Follower(calder, apart), calder.deployment.size(calder.number)
    acts = threading.Thread(target=calder.write, args=(1,))
    seen = asyncio.run(asyncio.wait_for(follower.until(before + EACH, acts), 30))
    acts.join()
    assert seen == list(range(before, before + EACH))
    apart.close()


def test_it_looks_again_when_nothing_happens_and_ends_when_it_is_stopped(calder: Calder) -> None:
    follower = Follower(calder, limits=Limits(check_seconds=0.05))

    async def follow() -> int:
        number = 0
        async for batch in follower.tails.follow(follower.tail.organization, follower.look):
            assert batch.rows == ()
            number += 1
            if number == 3:
                follower.tails.stop()
        return number

    assert asyncio.run(asyncio.wait_for(follow(), 10)) == 3


def test_places_are_limited_for_each_organization_and_for_the_process(sqlite_deployment: Deployment) -> None:
    tails = Tails(sqlite_deployment.store, Limits(per_reader=1, per_organization=2, per_process=3))
    tails.take(1, "ses_a")
    with pytest.raises(TooManyTails, match="live in 1 places by this session or API token, which"):
        tails.take(1, "ses_a")
    tails.take(1, "ses_b")
    with pytest.raises(TooManyTails, match="live in 2 places, which"):
        tails.take(1, "ses_c")
    tails.take(2, "ses_d")
    with pytest.raises(TooManyTailsHere, match="sends 3 live tails"):
        tails.take(3, "ses_e")
    tails.give_back(1, "ses_a")
    tails.take(3, "ses_e")
    assert tails.open == 3


def test_only_listeners_of_the_organization_are_woken_and_only_while_they_listen() -> None:
    recorded, woken = Recorded(), list[str]()
    with recorded.listening(1, lambda: woken.append("one")), recorded.listening(2, lambda: woken.append("two")):
        recorded.tell(1)
        assert recorded.awaited() == {1, 2}
    recorded.tell(2)
    assert woken == ["one"]
    assert recorded.awaited() == set()


def test_who_records_is_told_of_after_the_commit_and_not_for_nothing(calder: Calder) -> None:
    sizes: list[int] = []
    with calder.deployment.store.recorded.listening(
        calder.number, lambda: sizes.append(calder.deployment.size(calder.number))
    ):
        calder.deployment.act(calder.owner, calder.number, CreateMode("A", "", ()))
        with pytest.raises(Invalid):
            calder.deployment.attempt(calder.owner, calder.number, CreateMode("A", "", ()))
    assert sizes == [calder.deployment.size(calder.number)]
