"""Measuring: system after system answers each question, so that whatever else the machine does hits all alike."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bench.questions import Kind, Question
from bench.systems import GAVE_UP, NOT_COMPARED, System
from bench.workload import LARGEST

FEWEST = 3


@dataclass(frozen=True)
class Limits:
    """How often each kind is asked of each system, in how many seconds; and how many events an export is measured by.

    A system that is over its seconds is left out of further turns once it has answered `FEWEST` times.
    """

    turns: int
    seconds: float
    exported: int


@dataclass
class Timing:
    """How long a system took for the questions of a kind, in milliseconds; and whether it gave up one of them."""

    milliseconds: list[float] = field(default_factory=list)
    gave_up: bool = False

    def at(self, part: float) -> float:
        """The time within which that part of the answers came (nearest rank)."""
        ranked = sorted(self.milliseconds)
        return ranked[max(0, math.ceil(part * len(ranked)) - 1)]

    @property
    def seconds(self) -> float:
        return sum(self.milliseconds) / 1000

    def is_enough(self, seconds: float) -> bool:
        """Whether it took so long in all, and was not only asked once or twice."""
        return len(self.milliseconds) >= FEWEST and self.seconds >= seconds


@dataclass
class Measured:
    """The times of one kind by system, and what the systems did not agree on."""

    kind: str
    timings: dict[str, Timing]
    disagreement: str | None = None


def ask_all(kind: Kind, systems: Sequence[System], limits: Limits) -> Measured:
    """Asks the questions of a kind: first to warm up and to compare the answers, then to measure."""
    measured = Measured(kind.name, {system.name: Timing() for system in systems})
    warming = {system.name: Timing() for system in systems}
    for question in kind.questions:
        answers: dict[str, object] = {}
        for system in systems:
            warm = warming[system.name]
            if not warm.milliseconds or warm.seconds < limits.seconds:
                answers[system.name] = system.told(question, timed(system, question, warm))
        for name, answer in answers.items():
            measured.timings[name].gave_up |= answer == GAVE_UP
        given = {name: answer for name, answer in answers.items() if answer not in (GAVE_UP, NOT_COMPARED)}
        if any(one != other for one, other in itertools.pairwise(given.values())):
            measured.disagreement = f"{kind.name}: " + "; ".join(
                f"{who} {str(what)[:300]}" for who, what in given.items()
            )
    for turn in range(limits.turns):
        question = kind.questions[turn % len(kind.questions)]
        first = turn % len(systems)
        for system in (*systems[first:], *systems[:first]):
            timing = measured.timings[system.name]
            if not timing.is_enough(limits.seconds):
                timed(system, question, timing)
    return measured


def timed(system: System, question: Question, timing: Timing) -> object:
    began = time.perf_counter()
    answer = system.ask(question)
    timing.milliseconds.append((time.perf_counter() - began) * 1000)
    return answer


def export_rates(systems: Iterable[System], limits: Limits) -> dict[str, float]:
    """Events a second as lines of JSON, the best of three turns."""
    chosen = list(systems)
    rates = dict.fromkeys((system.name for system in chosen), 0.0)
    for _ in range(FEWEST):
        for system in chosen:
            began = time.perf_counter()
            lines = system.export(LARGEST)
            number = sum(1 for _ in itertools.islice(lines, limits.exported))
            rates[system.name] = max(rates[system.name], number / (time.perf_counter() - began))
            del lines
    return rates
