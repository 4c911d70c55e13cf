"""Fair turns, and looks that are short whatever they look for."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from typing import Any

import pytest

from minutebook.deliver import pace as pace_module
from minutebook.deliver.formats import Row
from minutebook.deliver.pace import FEWEST, Pace
from minutebook.deliver.tail import Tail
from minutebook.deliver.turns import Stopped, Turns
from minutebook.errors import TooSlow
from minutebook.filters import Filter
from minutebook.store import search
from minutebook.store.scope import Scope
from tests.support.deployment import Deployment
from tests.support.walk import FILLED

PATIENCE = 20
NOTHING = Filter(actor="nobody@x.example")


def test_another_organization_has_its_turn_while_one_has_many_looks() -> None:
    turns, looks, goes_on = Turns(2), Counter[int](), threading.Event()

    async def look(organization: int) -> None:
        await turns.wait(organization, lambda: organization == 2 or goes_on.wait(PATIENCE))
        looks[organization] += 1

    async def everybody() -> int:
        many = [asyncio.create_task(look(1)) for _ in range(20)]
        await asyncio.wait_for(look(2), PATIENCE)
        seen = looks[1]
        goes_on.set()
        await asyncio.gather(*many)
        return seen

    assert asyncio.run(everybody()) == 0
    assert looks == {1: 20, 2: 1}


def test_who_waits_when_it_stops_has_no_turn_any_more() -> None:
    turns, looks = Turns(2), list[int]()
    looking, goes_on = threading.Event(), threading.Event()

    def look() -> None:
        looking.set()
        goes_on.wait(PATIENCE)
        looks.append(1)

    async def stopping() -> list[BaseException | None]:
        waiting = [asyncio.create_task(turns.wait(1, look)) for _ in range(20)]
        await asyncio.to_thread(looking.wait, PATIENCE)
        turns.stop()
        goes_on.set()
        return await asyncio.gather(*waiting, return_exceptions=True)

    ends = asyncio.run(stopping())
    assert (len(looks), ends[0]) == (1, None)
    assert all(isinstance(end, Stopped) for end in ends[1:])


def test_where_looking_takes_long_less_is_looked_at_and_nothing_twice(
    filled: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_module, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(pace_module, "FEWEST", 1)
    monkeypatch.setattr(search, "AT_FIRST", 2)
    tail, seen, looks = Tail(FILLED, Filter(), -1), list[Row](), 0
    monkeypatch.setattr(search, "AT_ONCE", 2)
    with filled.store.reading() as connection:
        while (batch := tail.read(connection)).is_more:
            seen += batch.rows
            looks += 1
    seen += batch.rows
    assert [row.seq for row in seen] == [event.seq for event in filled.events(FILLED)]
    assert looks == (len(seen) - 1) // 2


def test_a_look_that_the_database_gave_up_is_tried_again_with_less(
    filled: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = search.stride, list[int]()

    def slow(connection: Any, scope: Scope, *rest: Any, first: int, seconds: float) -> int:
        asked.append(scope.size - first)
        if scope.size - first > 5:
            raise TooSlow(seconds="2")
        return real(connection, scope, *rest, first=first, seconds=seconds)

    monkeypatch.setattr(search, "stride", slow)
    monkeypatch.setattr(pace_module, "FEWEST", 4)
    scope = Scope(FILLED, filled.size(FILLED))
    pace = Pace(32)
    with filled.store.reading() as connection:
        assert pace.look(connection, scope, NOTHING, lambda _: True, 0) == 0
        assert pace.look(connection, scope, NOTHING, lambda _: True, 0) == 4
    assert asked == [min(32, scope.size), 4]


def test_what_cannot_be_looked_at_at_all_is_said(filled: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: Any, **__: Any) -> int:
        raise TooSlow(seconds="2")

    monkeypatch.setattr(search, "stride", slow)
    with filled.store.reading() as connection, pytest.raises(TooSlow):
        Pace(FEWEST).look(connection, Scope(FILLED, filled.size(FILLED)), NOTHING, lambda _: True, 0)


def test_what_was_given_before_the_database_gave_up_is_not_given_again(
    filled: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looks(*_: Any) -> Any:
        yield (), 3
        raise TooSlow(seconds="2")

    monkeypatch.setattr(search, "_looks", looks)
    scope = Scope(FILLED, filled.size(FILLED))
    with filled.store.reading() as connection:
        assert search.stride(connection, scope, NOTHING, lambda _: True, first=0, seconds=9) == 3
