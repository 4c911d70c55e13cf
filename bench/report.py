"""The report: everything that was measured, as Markdown that reads well in a terminal too."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence

from bench import goals
from bench.baseline import NEWEST
from bench.browser import Shown
from bench.cold import WHAT
from bench.evidence import PROOFS, WAYS, WITHOUT, Evidence
from bench.ingest import Ingest
from bench.measure import Measured, Timing
from bench.questions import PAGE_SIZE
from bench.results import AS_FOUND, FAIR, HTTP, POSTGRES, SQLITE, Results, ratio

OURS = (SQLITE, POSTGRES)
INTRODUCTION = f"""\
# Benchmarks

Written by `make bench ARGS=--write` (`EVENTS=10000000` for ten million). One workload is stored four times and asked
the same questions, system after system, so that whatever else the machine does hits all alike:

- **{SQLITE}**, **{POSTGRES}**: Minutebook's store; the second holds a copy of what the first was filled with;
- **{HTTP}**: Minutebook's API over the SQLite file, in a process of its own, with its JSON;
- **{AS_FOUND}**: one table `(id uuid, action, actor_id, actor_email, actor_name, organization_id, message, created_at)`
  on PostgreSQL with indexes on organization, action, actor_email and created_at, searched with `ILIKE '%x%'`;
- **{FAIR}**: the same with an index on `(organization_id, created_at)` in place of the one on organization.

A page is the newest {NEWEST} events, {PAGE_SIZE} to show and one to know that there are more; the API writes them as
JSON. Facets are the counts of all actions and of the busiest actors, at the API of outcomes and clients too; the
histogram counts days, at the API weeks; so many ranges of time take turns that Minutebook, which keeps what it counted
for the last searches, has nothing left of the same one (what it keeps of all events, part by part, it has). All systems
gave the same answers, which is checked while they are warmed up."""

BROWSER = (
    "The page of the Audit Logs in Chromium on the same machine, with its facets, its histogram and fifty events, from "
    "asking for it until all of it is there; no count of its search is left from the time before. Milliseconds, "
    'median / 95th percentile. † says "at least" then, and asks once more for what it counted in part: until all is '
    "counted."
)

EXPORT = (
    "Events a second as lines of JSON, the best of three: of the stores and baselines no more than that, of the API "
    "the file as it is sent, digested and recorded."
)


def markdown(results: Results) -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    if results.disagreements:
        parts.append("**The systems disagree:** " + " | ".join(results.disagreements))
    parts += ["## The machine and the workload", _facts({**results.machine, **results.workload})]
    parts += [
        "## Queries",
        "Milliseconds, median / 95th percentile, warm, in the largest organization where nothing else is said.",
    ]
    parts += [_queries(results.queries), _summary(results.queries)]
    if results.pages:
        parts += ["## In the browser", BROWSER, _pages(results.pages)]
    if results.cold:
        parts += ["## Cold", f"{WHAT} Milliseconds, median / 95th percentile.", _cold(results.cold)]
    parts += ["## Export", EXPORT, _exports(results.exports)]
    if results.ingest:
        parts += ["## Ingest", *_ingest(results.ingest)]
    if results.evidence.recording:
        parts += ["## Evidence", *_evidence(results.evidence)]
    parts += ["## Size", "Bytes an event on disk with all indexes.", _sizes(results.bytes)]
    parts += ["## Goals", "They are set for 10,000,000 events on a machine like this one.", _goals(results)]
    return "\n\n".join(parts) + "\n"


def _goals(results: Results) -> str:
    rows = [[one.goal, one.measured, "yes" if one.enough else "no"] for one in goals.reached(results)]
    return _table(["", "measured", "reached"], rows)


def _queries(queries: Sequence[Measured]) -> str:
    systems = list(queries[0].timings)
    ours = [name for name in OURS if name in systems]
    against = [(one, other) for one in ours for other in (FAIR, AS_FOUND) if other in systems]
    rows = [
        [
            one.kind,
            *(_both(one.timings[name]) for name in systems),
            *(_times(ratio(one, mine, other)) for mine, other in against),
        ]
        for one in queries
    ]
    table = _table(["", *systems, *(f"{other} ÷ {one}" for one, other in against)], rows)
    return f'{table}\n\n† gave up, or said "at least", because its bound of time was over.'


def _times(ratio: float) -> str:
    return f"{ratio:.2f} ×" if ratio < 1 else f"{ratio:,.1f} ×"


def _summary(queries: Sequence[Measured]) -> str:
    lines = []
    for ours in OURS:
        for other in (FAIR, AS_FOUND):
            known = [one for one in queries if ours in one.timings]
            if known:
                median = statistics.median(ratio(one, ours, other) for one in known)
                worst = min(known, key=lambda one: ratio(one, ours, other))
                took, beside = (_milliseconds(worst.timings[name].at(0.5)) for name in (ours, other))
                lines.append(
                    f"- {ours} against *{other}*: {_times(median)} as fast at the median of all kinds of queries, "
                    f"{_times(ratio(worst, ours, other))} at the least ({worst.kind}: {took} ms against {beside})."
                )
    return "\n".join(lines)


def _pages(pages: Mapping[str, Shown]) -> str:
    rows = [[kind, _both(one.there), _both(one.counted) if one.there.gave_up else ""] for kind, one in pages.items()]
    return _table(["", "the whole page", "all counted"], rows)


def _cold(cold: Mapping[str, Mapping[str, Timing]]) -> str:
    systems = list(next(iter(cold.values())))
    rows = [[kind, *(_both(timings[name]) for name in systems)] for kind, timings in cold.items()]
    return _table(["", *systems], rows)


def _exports(exports: Mapping[str, float]) -> str:
    return _table(list(exports), [[f"{rate:,.0f}" for rate in exports.values()]])


def _ingest(ingest: Mapping[str, Mapping[str, tuple[Ingest, Ingest]]]) -> list[str]:
    systems = list(next(iter(ingest.values())))
    written = [
        [mode, *(f"{by[name][0].events:,.0f} · {by[name][1].events:,.0f}" for name in systems)]
        for mode, by in ingest.items()
    ]
    read = [
        [mode, *(f"{by[name][1].answers:,.0f} · {_both(by[name][1].first_page)}" for name in systems)]
        for mode, by in ingest.items()
    ]
    return [
        "Events a second that are durable: alone · while two readers ask all kinds of queries one after the other.",
        _table(["", *systems], written),
        "What the readers were answered meanwhile: answers a second · the first page in milliseconds.",
        _table(["", *systems], read),
    ]


def _evidence(evidence: Evidence) -> list[str]:
    def cost(by: Mapping[str, float], way: str) -> str:
        return f"{by[way]:,.0f}" if way == WITHOUT else f"{by[way]:,.0f} · {_times(by[way] / by[WITHOUT])}"

    recorded = [
        ["one by one" if batch == 1 else f"batches of {batch:,}", *(cost(by, way) for way in WAYS)]
        for batch, by in evidence.recording.items()
    ]
    proven = [[kind, *(_both(by[kind]) for by in evidence.proofs.values())] for kind in PROOFS]
    return [
        "Microseconds an event that is durable, by one writer into a SQLite file of its own, and how many times what "
        "it takes *without*: the same rows, with no secret, commitment, leaf or tree. *Signed by a server*: beside the "
        "writer, twice a second. *Each commit signed*: before the next one begins, with the high water durable.",
        _table(["", *WAYS], recorded),
        "Proofs from anywhere in the largest organization, and in a log of which nothing but the hashes is real, in "
        "milliseconds, median / 95th percentile.",
        _table(["", *evidence.proofs], proven),
    ]


def _sizes(sizes: Mapping[str, float]) -> str:
    return _table(list(sizes), [[f"{size:,.0f}" for size in sizes.values()]])


def _facts(facts: Mapping[str, str]) -> str:
    return _table(["", ""], [[name, value] for name, value in facts.items()])


def _both(timing: Timing | None) -> str:
    if timing is None or not timing.milliseconds:
        return "–"
    return f"{_milliseconds(timing.at(0.5))} / {_milliseconds(timing.at(0.95))}{' †' if timing.gave_up else ''}"


def _milliseconds(value: float) -> str:
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown whose columns stand below each other; all but the first to the right."""
    lines = [list(head), *map(list, rows)]
    widths = [max(3, *(len(line[place]) for line in lines)) for place in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = [f"{'-' * (width - 1)}:" if place else "-" * width for place, width in enumerate(widths)]
    return "\n".join([line(lines[0]), line(rule), *map(line, lines[1:])])
