"""The band above the events: when they happened, and what there is to choose from."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from minutebook.filters import expression_of, instants
from minutebook.filters.buckets import CALENDAR, CLOCK_WIDTHS, Buckets
from minutebook.filters.expression import Term, all_of, conjuncts, terms
from minutebook.filters.terms import CLIENTS
from minutebook.filters.zones import MONTHS
from minutebook.model import HOUR, Outcome, from_micros
from minutebook.store.survey import Sums
from minutebook.web import times
from minutebook.web.log_address import Address
from minutebook.web.views import Bar, Facet, FacetRow, Histogram, Tick

BAR = 10
HEIGHT = 92
ROOM = HEIGHT - 2  # the grid above and the base line between
SMALLEST = 1.5
METER = 40
MOST_TICKS = 8
LAST_TICK = 86.0  # per cent of the width; a label that began further to the right would reach beyond it
SHOWN = 4
OUTCOMES = {Outcome.SUCCESS: "Success", Outcome.FAILURE: "Failed", Outcome.DENIED: "Denied"}


def histogram(found: Buckets, sums: Sequence[Sums], address: Address, zone: ZoneInfo) -> Histogram:
    """Bars in a drawing that is 10 wide for each of them and 92 high: what succeeded stands on the base line, the rest
    hangs below it."""
    succeeded, other = zip(*sums, strict=True)
    scale = ROOM / (max(succeeded) + max(other) or 1)
    base = round(1 + max(succeeded) * scale, 1)
    bars = []
    for place, edges_of in enumerate(itertools.pairwise(found.edges)):
        start, end = _within(found, *edges_of)
        up, down = (max(number * scale, SMALLEST) if number else 0 for number in (succeeded[place], other[place]))
        told = times.span_told(start, end, zone)
        bars.append(
            Bar(
                x=place * BAR + 1,
                up=round(up, 1),
                top=round(max(0, base - up), 1),
                down=round(min(down, HEIGHT - base), 1),
                count=succeeded[place] + other[place],
                title=f"{told}: {succeeded[place]:,} done, {other[place]:,} failed or denied",
                told=told,
                until=times.moment_told(end, zone),
                start=instants.write_start(start),
                end=instants.write_end(end),
                href=address.between(start, end).href,
            )
        )
    return Histogram(
        bars=tuple(bars),
        ticks=_ticks(found, zone),
        width=len(bars) * BAR,
        base=base,
        most=max(succeeded),
        every=found.width.told,
        path=address.without("start", "end").href,
    )


def facets(address: Address, by: Mapping[str, Mapping[str, int]]) -> tuple[Facet, ...]:
    """What there is to choose from, each with its count beside the other parts of the filter.

    `by` has the counts of outcomes, actions, actors' addresses and clients. Where there is one client, it is no choice.
    """
    outcomes = [
        (name, label, _with(address, "outcome", name).href, number)
        for name, label in OUTCOMES.items()
        if (number := by["outcome"].get(name, 0))
    ]
    actions = [(name, name, address.only("action", (name,)).href, number) for name, number in _busiest(by["action"])]
    actors = [(email, email, address.only("actor", email).href, number) for email, number in _busiest(by["actor"])]
    clients = [
        (name, CLIENTS.get(name, name), _with(address, "client", name).href, number)
        for name, number in _busiest(by["client"])
        if name
    ]
    titled = (("Outcome", outcomes), ("Client", clients), ("Action", actions), ("Actor", actors))
    return tuple(Facet(title, _rows(rows)) for title, rows in titled if title != "Client" or len(rows) > 1)


def _busiest(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN]


def _rows(rows: Sequence[tuple[str, str, str, int]]) -> tuple[FacetRow, ...]:
    most = max((number for *_, number in rows), default=1)
    return tuple(
        FacetRow(name, label, href, number, round(METER * number / most, 1)) for name, label, href, number in rows
    )


def _with(address: Address, key: str, value: str) -> Address:
    """The same search with this value in place of what it asks of the key."""
    parts = conjuncts(expression_of(address.filter))
    others = [part for part in parts if {term.key for term in terms(part)} != {key}]
    return address.asking(all_of([*others, Term(key, value)]))


def _within(found: Buckets, start: int, end: int) -> tuple[int, int]:
    """A bucket, as far as it is in the range that is asked for."""
    first, last = found.asked
    return start if first is None else max(start, first), end if last is None else min(end, last)


def _ticks(found: Buckets, zone: ZoneInfo) -> tuple[Tick, ...]:
    """At most eight labels, at edges where something begins: a day, a month, an hour."""
    walls = [from_micros(edge).astimezone(zone) for edge in found.edges[:-1]]
    places = range(len(walls))
    if found.width in CLOCK_WIDTHS:
        days = [place for place in places if walls[place].time() == datetime.min.time()]
        is_short = found.edges[-1] - found.edges[0] <= 36 * HOUR
        whole_hours = [place for place in places if not walls[place].minute and not walls[place].second]
        chosen = (whole_hours or list(places)) if is_short else days
    else:
        chosen, is_short = list(places), False
    step = -(-len(chosen) // MOST_TICKS) or 1
    return tuple(
        Tick(round(100 * place / len(walls), 2), _tick_label(walls[place], found, is_short=is_short))
        for place in chosen[::step]
        if 100 * place <= LAST_TICK * len(walls)
    )


def _tick_label(wall: datetime, found: Buckets, *, is_short: bool) -> str:
    if is_short:
        return f"{wall:%H:%M}" if found.width.micros >= 60_000_000 else f"{wall:%H:%M:%S}"
    month = MONTHS[wall.month - 1][:3]
    if found.width in CALENDAR and found.width.told in ("month", "quarter"):
        return f"{month} {wall.year}"
    return f"{wall.year}" if found.width.told == "year" else f"{wall.day} {month}"
