"""What is aimed at with 10,000,000 events, and whether it is reached."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.results import AS_FOUND, FAIR, HTTP, POSTGRES, SQLITE, Results, ratio

FIRST, FAR_DOWN = "first page", "page "
SINGLE = (FIRST, FAR_DOWN, "one action", "three actions", "actor, ")
COMBINED = ("action + actor",)
WORDS = ("word", "substring")
SUMS = ("facets", "histogram", "count")


@dataclass(frozen=True)
class Reached:
    """One goal: what it asks for, what was measured and where, and whether that is enough."""

    goal: str
    measured: str
    enough: bool


def reached(results: Results) -> list[Reached]:
    """Every goal that something was measured of."""
    found = [
        _slowest(results, f"{what} at the API: 95 of 100 within {bound} ms", kinds, bound)
        for what, kinds, bound in (
            ("Pages and single filters", SINGLE, 10),
            ("Combined filters", COMBINED, 25),
            ("Text", WORDS, 25),
            ("Facets, histogram and counts", SUMS, 50),
        )
    ]
    found += _far_down(results)
    if results.pages:
        last = {kind: one.there.at(0.95) for kind, one in results.pages.items()}
        kind = max(last, key=last.__getitem__)
        goal = "The whole page in the browser: 95 of 100 within 150 ms"
        found.append(Reached(goal, f"{last[kind]:.0f} ms ({kind})", last[kind] <= 150))
    cold = {kind: by[SQLITE].at(0.95) for kind, by in results.cold.items() if SQLITE in by}
    if cold:
        kind = max(cold, key=cold.__getitem__)
        found.append(Reached("Cold: 95 of 100 within 150 ms", f"{cold[kind]:.0f} ms ({kind})", cold[kind] <= 150))
    export, size = results.exports[HTTP], results.bytes[SQLITE]
    found += [
        Reached("Export at the API of 150,000 events a second", f"{export:,.0f}", export >= 150_000),
        Reached("600 bytes an event on disk", f"{size:,.0f}", size <= 600),
    ]
    for ours in (SQLITE, POSTGRES):
        if all(ours in one.timings for one in results.queries):
            median = f"{ours}: 20 times as fast as *as found* at the median of all kinds"
            found.append(_against(results, f"{ours}: never slower than *fair*", (ours, FAIR), min, 1))
            found.append(_against(results, median, (ours, AS_FOUND), statistics.median, 20))
    return found


def _far_down(results: Results) -> Iterator[Reached]:
    """Medians, of which noise moves those of the same question by a quarter."""
    half = {one.kind: one.timings[HTTP].at(0.5) for one in results.queries}
    for kind, time in half.items():
        if kind.startswith(FAR_DOWN):
            goal = f"At the API, {kind} costs what the first one does, give or take a quarter"
            yield Reached(goal, f"{time / half[FIRST]:.2f} ×", time / half[FIRST] <= 1.25)


def _slowest(results: Results, goal: str, kinds: tuple[str, ...], bound: float) -> Reached:
    times = {one.kind: one.timings[HTTP].at(0.95) for one in results.queries if one.kind.startswith(kinds)}
    kind = max(times, key=times.__getitem__)
    return Reached(goal, f"{times[kind]:.1f} ms ({kind})", times[kind] <= bound)


def _against(
    results: Results, goal: str, pair: tuple[str, str], of_all: Callable[[Sequence[float]], float], bound: float
) -> Reached:
    found = of_all([ratio(one, *pair) for one in results.queries])
    return Reached(goal, f"{found:.2f} ×", found >= bound)
