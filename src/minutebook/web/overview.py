"""The band above the events: when they happened, and what there is to choose from."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from minutebook.email_address import is_email
from minutebook.filters import expression_of, instants
from minutebook.filters.buckets import CALENDAR, CLOCK_WIDTHS, Buckets
from minutebook.filters.expression import Expression, Term, any_of, conjuncts, none_of, values_of
from minutebook.filters.moments import ANYWHERE
from minutebook.filters.term_values import CLIENTS, ActorValue, named_actions, parse_actor
from minutebook.filters.zones import MONTHS
from minutebook.model import HOUR, Outcome, from_micros
from minutebook.store.survey import Sums
from minutebook.web import times
from minutebook.web.log_address import Address
from minutebook.web.views.log import Bar, Facet, FacetRow, Histogram, Tick

BAR = 10
HEIGHT = 92
ROOM = HEIGHT - 2  # the grid above and the base line between
SMALLEST = 1.5
METER = 40
MOST_TICKS = 8
LAST_TICK = 86.0  # per cent of the width; a label that began further to the right would reach beyond it
SHOWN = 4
OUTCOMES = {Outcome.SUCCESS.value: "Success", Outcome.FAILURE.value: "Failed", Outcome.DENIED.value: "Denied"}


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
        most_other=max(other),
        every=found.width.told,
        path=address.without("start", "end").href,
    )


def facets(
    address: Address, by: Mapping[str, Mapping[str, int]], called: Callable[[str], str] = str
) -> tuple[Facet, ...]:
    """What there is to choose from, each with its count beside the other parts of the filter: first what is chosen,
    last what is left out. Choosing either again gives it up.

    `by` has the counts of outcomes, actions, actors and clients; `called` tells what an actor without an address
    is called. Where there is one client, it is no choice.
    """
    clients = {name: number for name, number in by["client"].items() if name}
    found = (
        Facet(
            "Outcome", _rows(address, "outcome", {name: by["outcome"].get(name, 0) for name in OUTCOMES}, _in(OUTCOMES))
        ),
        Facet("Client", _rows(address, "client", clients, _in(CLIENTS)) if len(clients) > 1 else ()),
        Facet("Action", _rows(address, "action", by["action"])),
        Facet("Actor", _rows(address, "actor", by["actor"], lambda name: name if "@" in name else called(name))),
    )
    return tuple(facet for facet in found if facet.title != "Client" or facet.rows)


@dataclass(frozen=True, slots=True)
class _Choice:
    """What the filter says of the values of one term: some of them alone, or all but some."""

    key: str
    named: tuple[str, ...] = ()
    is_turned: bool = False

    def value(self, name: str) -> Hashable:
        if self.key != "actor":
            return name
        return ActorValue("email", name) if "@" in name else parse_actor(name, ANYWHERE)

    def given_up(self, name: str) -> Expression | None:
        """The same without this one of them."""
        left = [Term(self.key, self.value(other)) for other in self.named if other != name]
        if not left:
            return None
        return none_of(any_of(left)) if self.is_turned else any_of(left)


def _choice(address: Address, key: str) -> _Choice:
    """What is chosen, one by one; nothing where the filter says it in another way, such as by a part of an address."""
    for part in conjuncts(expression_of(address.filter)):
        values, is_turned = values_of(part, key)
        named: list[str] = []
        for value in values:
            if key == "action":
                named += named_actions(str(value))
            elif isinstance(value, ActorValue):
                named += [value.text] if value.by != "email" or is_email(value.text) else []
            else:
                named.append(str(value))
        if named:
            return _Choice(key, tuple(dict.fromkeys(named)), is_turned)
    return _Choice(key)


def _rows(
    address: Address, key: str, counts: Mapping[str, int], label: Callable[[str], str] = str
) -> tuple[FacetRow, ...]:
    choice = _choice(address, key)

    def rank(name: str) -> int:
        return 1 if name not in choice.named else 2 if choice.is_turned else 0

    numbers = {name: number for name, number in counts.items() if number}
    in_order = heapq.nsmallest(SHOWN, numbers, key=lambda name: (rank(name), -numbers[name], name))
    shown = list(numbers) if key == "outcome" else in_order  # the outcomes are few: they keep their places
    most = max(numbers.values(), default=1)
    return tuple(
        FacetRow(
            name,
            label(name),
            address.asking_only(key, choice.given_up(name) if rank(name) != 1 else Term(key, choice.value(name))).href,
            numbers[name],
            round(METER * numbers[name] / most, 1),
            is_chosen=rank(name) == 0,
            is_left_out=rank(name) == 2,
        )
        for name in shown
    )


def _in(labels: Mapping[str, str]) -> Callable[[str], str]:
    return lambda name: labels.get(name, name)


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
