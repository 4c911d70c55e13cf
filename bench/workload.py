"""The workload: what is done in a thousand organizations within two years, the same for the same seed.

Organizations are known by their rank, 0 the largest: about a fifth of all events is done there (Zipf), and within an
organization a few people do most. One action, one person of each organization and one word are rare. Every event is
made of a class of the catalogue, so that it reads like any other.
"""

from __future__ import annotations

import itertools
import random
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import NamedTuple

from bench.acts import MAKERS, RARE_ACTION, Scene, an_id
from minutebook.demo.props import BROWSERS
from minutebook.model import DAY, Actor, ActorKind, Client, Context, Seat, to_micros
from minutebook.record import draft
from minutebook.store import log

VERSION = 6
BEGIN = to_micros(datetime(2024, 11, 1, tzinfo=UTC))
SPAN = 730 * DAY
END = BEGIN + SPAN
"""After the last event, in UTC microseconds."""

ZIPF = 1.15  # over 1,000 organizations it gives the largest 20 %
BUSY = 0.9  # the same for the people of one organization
MOST_PEOPLE, FEWEST_PEOPLE = 2000, 4
RARELY, AT_LEAST = 1e-4, 10
"""How often something rare happens, and how often at least in the largest organization."""
AT_ONCE = 50_000
LARGEST, SOME = 0, 8

FIRST_NAMES = """Ada Mateo Jonas Priya Hannah Tomás Wen Jürgen Mai Sofia Kwame Zoë Siobhán Marcus Aiko Camille Łukasz
Dev Grace Paul Fatima Björn Nia Yusuf Elena Rafael Chiara Ondřej Keiko Sam Owen Leïla Anders Tess Ritu Ioana Theo
Noor Piet Lucía Emil Anya Bo Ines Elin""".split()
LAST_NAMES = """Okafor Lindqvist Weber Raman Brandt Silva Li Öztürk Nguyen Marchetti Mensah Berg Feldmann Tanaka Laurent
Wójcik Shrestha Whitfield Kranz Idrissi Håkansson Brooks Demir Petrova Ibáñez Conti Dvořák Mori Achterberg Gallagher
Benali Møller Moreau Gurung Ionescu Papadakis Park Haddad Bakker Ferrer Sørensen Kovács Duarte Karlsen Nair""".split()


class Happening(NamedTuple):
    """One event to be: in which organization (its rank), when (UTC microseconds), and what is recorded of it."""

    organization: int
    at: int
    draft: log.Draft


@dataclass(frozen=True)
class Workload:
    """What happens, and what can be asked of it."""

    events: int
    organizations: int = 1000
    seed: int = 1

    def happenings(self) -> Iterator[list[Happening]]:
        """All of them in the order of their times, no two at the same; in lists of `AT_ONCE`."""
        chance = self._chance("happenings")
        actions, weights = list(MAKERS), [weight for weight, _ in MAKERS.values()]
        step = SPAN / self.events
        for first in range(0, self.events, AT_ONCE):
            number = min(AT_ONCE, self.events - first)
            ranks = chance.choices(range(self.organizations), cum_weights=self._shares, k=number)
            chosen = chance.choices(actions, weights, k=number)
            yield [
                self._happening(chance, rank, BEGIN + int((first + place + chance.random()) * step), action)
                for place, (rank, action) in enumerate(zip(ranks, chosen, strict=True))
            ]

    def people(self, rank: int) -> Sequence[Actor]:
        """Those who act in the organization, the busiest first; the last one hardly ever."""
        return self._crowds[rank].people

    @cached_property
    def small(self) -> Sequence[int]:
        """Some organizations that are not among the larger ones."""
        ranks = range(self.organizations // 5, self.organizations)
        return self._chance("small organizations").sample(ranks, min(len(ranks), SOME))

    @cached_property
    def rarely(self) -> float:
        """How likely something rare is at an event."""
        largest = self.events * self._shares[0] / self._shares[-1]
        return min(0.02, max(RARELY, AT_LEAST / largest))

    @cached_property
    def _shares(self) -> list[float]:
        return list(itertools.accumulate(rank**-ZIPF for rank in range(1, self.organizations + 1)))

    @cached_property
    def _crowds(self) -> list[_Crowd]:
        return [_Crowd(self._chance(f"people {rank}"), rank) for rank in range(self.organizations)]

    def _chance(self, purpose: str) -> random.Random:
        return random.Random(f"{self.seed} {purpose}")

    def _happening(self, chance: random.Random, rank: int, at: int, action: str) -> Happening:
        crowd = self._crowds[rank]
        is_rare = chance.random() < self.rarely
        scene = Scene(
            chance, crowd.scene, crowd.people, is_largest=rank == 0, is_rare=chance.random() < 7 * self.rarely
        )
        who = len(crowd.people) - 1 if is_rare else crowd.somebody(chance)
        action = RARE_ACTION if chance.random() < self.rarely else action
        _, make = MAKERS[action]
        seat = Seat(0, crowd.people[who], crowd.context(chance, who))
        return Happening(rank, at, draft(seat, make(scene)))


def domain_of(rank: int) -> str:
    """The domain of an organization's addresses."""
    return f"company{rank:04}.example"


class _Crowd:
    """The people of one organization, and how busy they are."""

    def __init__(self, chance: random.Random, rank: int) -> None:
        number = max(FEWEST_PEOPLE, int(MOST_PEOPLE * (rank + 1) ** -0.8))
        self.scene = domain_of(rank)
        self.people = [self._person(chance, place) for place in range(number)]
        self._busy = list(itertools.accumulate(place**-BUSY for place in range(1, number)))  # the last is the rare one

    def _person(self, chance: random.Random, place: int) -> Actor:
        first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
        email = f"person{place:04}.{'busy' if place < 10 else 'other'}@{self.scene}"
        return Actor(ActorKind.USER, an_id("usr", chance), email, f"{first} {last}", credential="session")

    def somebody(self, chance: random.Random) -> int:
        """The place of one of the people, but the last."""
        return bisect_left(self._busy, chance.random() * self._busy[-1])

    def context(self, chance: random.Random, who: int) -> Context:
        """Where somebody does something from."""
        return Context(
            ip=f"203.0.{who % 200}.{chance.randrange(1, 255)}"
            if who % 3
            else f"2001:db8:{who:x}::{chance.randrange(9)}",
            user_agent=BROWSERS[who % len(BROWSERS)],
            request_id=an_id("req", chance),
            session_id=an_id("ses", chance),
            client=Client.WEB,
        )
