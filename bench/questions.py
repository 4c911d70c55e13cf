"""What is asked of every system: the kinds of queries, and for each some that differ in whom they mean and when."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from bench import acts
from bench.fill import Filled
from bench.workload import BEGIN, END, LARGEST
from minutebook.filters import EVERYTHING, Filter, in_order
from minutebook.model import DAY, HOUR
from minutebook.store import log
from minutebook.store.counted import MOST_ASKED
from minutebook.store.engine import Store

PAGE_SIZE, DEEP = 100, 10_000
VARIANTS = 8
AFRESH = 3 * MOST_ASKED
"""So many ranges of time are counted by turns that a store has nothing left of what it counted last for the same one;
what it keeps of everything, part by part (`store/memory.py`), it has."""
YEAR = 365 * DAY
TOP_ACTORS = 20


class Shape(Enum):
    """What is wanted of what is found."""

    PAGE = auto()
    FACETS = auto()
    HISTOGRAM = auto()
    COUNT = auto()


class Row(NamedTuple):
    """An event that a page continues from; `rank` events are newer. The time is in UTC microseconds."""

    occurred_at: int
    seq: int
    rank: int


@dataclass(frozen=True)
class Question:
    """One query, in the organization with this rank."""

    shape: Shape
    filter: Filter = EVERYTHING
    organization: int = LARGEST
    after: Row | None = None


@dataclass(frozen=True)
class Kind:
    """Questions that should cost the same."""

    name: str
    questions: tuple[Question, ...]


def kinds(filled: Filled, store: Store) -> list[Kind]:
    """All kinds; in the largest organization where nothing else is said. `store` is ours, filled."""
    load = filled.workload
    chance = random.Random(f"{load.seed} questions")
    crowd = [actor.email or "" for actor in load.people(LARGEST)]
    busy, hardly = crowd[:VARIANTS], crowd[-1]
    common, number = ("user.login", "user.logout", "log.view", "settings.change"), _deep_page(filled)
    months = [_month(chance) for _ in range(VARIANTS)]
    years = [END - place * 37 * HOUR for place in range(AFRESH)]
    return [
        Kind("first page", _pages([EVERYTHING])),
        Kind("first page, small organizations", tuple(Question(Shape.PAGE, organization=rank) for rank in load.small)),
        Kind(f"page {number:,} by cursor", _deep(filled, store, number)),
        Kind("one action, common", _pages(Filter(actions=(name,)) for name in common)),
        Kind("one action, rare", _pages([Filter(actions=(acts.RARE_ACTION,))])),
        Kind("three actions", _pages([Filter(actions=in_order(("member.remove", "mode.delete", "user.invite")))])),
        Kind("actor, common", _pages(Filter(actor=email) for email in busy)),
        Kind("actor, rare", _pages([Filter(actor=hardly)])),
        Kind(
            "action + actor + range",
            _pages(
                Filter(actions=(common[place % 2],), actor=email, start=start, end=end)
                for place, (email, (start, end)) in enumerate(zip(busy, months, strict=True))
            ),
        ),
        Kind("word, common", _pages([Filter(text=acts.COMMON)])),
        Kind("word, less common", _pages([Filter(text=acts.MID)])),
        Kind("word, rare", _pages([Filter(text=acts.RARE)])),
        Kind("word, absent here, common elsewhere", _pages([Filter(text=acts.ELSEWHERE)])),
        Kind("word, absent", _pages([Filter(text=acts.ABSENT)])),
        Kind("substring, common", _pages([Filter(text=acts.PART_COMMON)])),
        Kind("substring, rare", _pages([Filter(text=acts.PART_RARE)])),
        Kind("substring, absent", _pages([Filter(text=acts.PART_ABSENT)])),
        Kind("facets, 30 days", _over(Shape.FACETS, 30 * DAY, years)),
        Kind("facets, 365 days", _over(Shape.FACETS, YEAR, years)),
        Kind("histogram, 365 days", _over(Shape.HISTOGRAM, YEAR, years)),
        Kind("count of an action, 365 days", _over(Shape.COUNT, YEAR, years, actions=("user.login",))),
        Kind("count of an actor, 365 days", _over(Shape.COUNT, YEAR, years, actor=busy[0])),
    ]


def _pages(filters: Iterable[Filter]) -> tuple[Question, ...]:
    return tuple(Question(Shape.PAGE, filter_) for filter_ in filters)


def _over(shape: Shape, length: int, ends: Iterable[int], **more: object) -> tuple[Question, ...]:
    filters = [Filter(start=end - length, end=end, **more) for end in ends]  # type: ignore[arg-type]
    return tuple(Question(shape, filter_) for filter_ in filters)


def _month(chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(BEGIN, END - 30 * DAY)
    return start, start + 30 * DAY


def _deep_page(filled: Filled) -> int:
    """The number of the page that is deep: 10,000, or the one in the middle of a log that is not so long."""
    return max(2, min(DEEP, filled.places[LARGEST].size // PAGE_SIZE // 2))


def _deep(filled: Filled, store: Store, number: int) -> tuple[Question, ...]:
    """That page and some of those before it."""
    place = filled.places[LARGEST]
    questions = []
    with store.reading() as connection:
        for page in range(max(2, number - VARIANTS + 1), number + 1):
            rank = (page - 1) * PAGE_SIZE
            seq = place.size - rank
            row = Row(log.find(connection, place.number, seq).occurred_at, seq, rank)
            questions.append(Question(Shape.PAGE, after=row))
    return tuple(questions)
