"""The benchmark, small: it fills everything, gets the same answers everywhere, and says what it measured."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

import pytest

from bench import acts, evidence, fill, goals
from bench.__main__ import main
from bench.browser import Shown
from bench.goals import COMBINED, SINGLE, SUMS, WORDS
from bench.measure import Limits, Measured, Timing, ask_all
from bench.questions import Kind, Question, Shape
from bench.report import markdown
from bench.results import AS_FOUND, FAIR, HTTP, POSTGRES, SQLITE, Results
from bench.run import Plan, run
from bench.systems import GAVE_UP, NOT_COMPARED
from bench.workload import BEGIN, END, Happening, Workload
from minutebook.actions import CATALOGUE
from minutebook.filters import search_text
from minutebook.model import Event
from minutebook.store.event_json import event_json

SYSTEMS = {SQLITE, POSTGRES, AS_FOUND, FAIR}
SMALL = Workload(events=3000, organizations=30)


@pytest.fixture
def directory() -> Iterator[Path]:
    """Not pytest's folder, closed to the account that PostgreSQL runs with. Its name would mean something in a URI."""
    folder = Path(tempfile.mkdtemp(prefix="minutebook-bench#"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def event_of(happening: Happening) -> Event:
    draft, at = happening.draft, happening.at
    parts = (draft.action, draft.outcome, draft.actor, draft.targets, draft.context, draft.details)
    return Event(happening.organization + 1, 0, "0" * 36, at, at, *parts)


@pytest.fixture(scope="module")
def happenings() -> list[Happening]:
    return [happening for some in Workload(20_000).happenings() for happening in some]


def test_the_workload_is_the_same_for_the_same_seed() -> None:
    first, again = (list(Workload(500, 10).happenings()) for _ in range(2))
    assert first == again
    assert first != list(Workload(500, 10, seed=2).happenings())


def test_the_workload_is_as_it_is_said_to_be(happenings: list[Happening]) -> None:
    times = [happening.at for happening in happenings]
    assert len(happenings) == 20_000
    assert times == sorted(set(times)) and times[0] >= BEGIN and times[-1] < END
    organizations = Counter(happening.organization for happening in happenings)
    assert 0.18 < organizations[0] / len(happenings) < 0.22
    assert organizations.most_common(1)[0][0] == 0 and len(organizations) > 900
    assert 600 < mean(len(event_json(event_of(happening))) for happening in happenings) < 900
    actions = Counter(happening.draft.action for happening in happenings)
    assert set(actions) == set(acts.MAKERS) and set(actions) < set(CATALOGUE)
    assert len({*actions, "organization.create"}) == 40


def test_what_is_common_is_and_what_is_absent_is_not(happenings: list[Happening]) -> None:
    here = [search_text(event_of(happening)) for happening in happenings if happening.organization == 0]

    def share(word: str) -> float:
        return mean(word in text for text in here)

    assert share(acts.COMMON) > 0.2
    assert 0.002 < share(acts.MID) < 0.03
    assert 0 < share(acts.RARE) < 0.01
    assert share(acts.PART_COMMON) > 0.2 and share(acts.PART_RARE) > 0
    assert share(acts.ABSENT) == share(acts.PART_ABSENT) == share(acts.ELSEWHERE) == 0
    assert mean(acts.ELSEWHERE in search_text(event_of(happening)) for happening in happenings) > 0.03
    text = " ".join(here)
    assert all(acts.PART_ABSENT[at : at + 3] in text for at in range(len(acts.PART_ABSENT) - 2))
    hardly = Workload(20_000).people(0)[-1]
    rare = [happening for happening in happenings if happening.draft.actor == hardly]
    assert 0 < len(rare) < 30


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.timeout(300)
def test_all_of_it_at_a_few_thousand_events(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = run(Plan(SMALL, directory, Limits(turns=3, seconds=0.5, exported=100), shown=1, cold=1, writing=0.1))
    _check_that_all_was_measured(results)
    assert re.search(r", version \d+\.", results.machine["Browser"])
    text = markdown(results)
    for word in (
        *(one.kind for one in results.queries),
        *results.machine,
        *results.workload,
        *results.ingest,
        *SYSTEMS,
    ):
        assert word in text
    assert "disagree" not in text
    for one in results.queries:
        assert sum(one.kind.startswith(kinds) for kinds in (SINGLE, COMBINED, WORDS, SUMS)) == 1, one.kind

    filled = fill.find(fill.folder_of(directory, SMALL), SMALL, with_postgres=True)
    assert filled and filled.places, "what is filled is used again"

    few = "--turns 1 --seconds 0.1 --shown 0 --cold 0 --writing 0 --exported 10 --without-postgresql"
    capsys.readouterr()
    assert main([*f"{few} --events 300 --organizations 10 --directory".split(), str(directory)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("# Benchmarks") and "Filling" in err
    assert "| SQLite | HTTP API | as found | fair |" in " ".join(out.split())


@pytest.mark.parametrize("is_enough", [True, False])
def test_a_goal_is_reached_by_the_slowest_of_its_kinds(*, is_enough: bool) -> None:
    def asked(kind: str, at_the_api: float) -> Measured:
        ours, beside = (1.0, 20.0) if is_enough else (1.1, 1.0)
        times = {SQLITE: ours, POSTGRES: ours, AS_FOUND: beside, FAIR: beside}
        times[HTTP] = at_the_api + (0 if is_enough or kind == "first page" else 0.1)
        return Measured(kind, {name: Timing([time]) for name, time in times.items()})

    more = 0 if is_enough else 1
    results = Results(
        machine={},
        workload={},
        queries=[
            asked("first page", 1),
            asked("page 10,000 by cursor", 1.25),
            asked("actor, rare", 10),
            asked("action + actor + range", 25),
            asked("word, rare", 25),
            asked("facets, 30 days", 50),
        ],
        pages={"first page": Shown(Timing([150.0 + more]))},
        cold={"first page": {SQLITE: Timing([1, 150 + more, 2])}},
        exports={HTTP: 150_000 - more},
        ingest={},
        bytes={SQLITE: 600 + more},
        evidence=evidence.Evidence({}, {}),
    )
    found = goals.reached(results)
    assert [one.enough for one in found] == [is_enough] * 13
    assert "(actor, rare)" in found[0].measured
    told = "1.0 ms against 20.0" if is_enough else "1.1 ms against 1.0"
    assert f"at the least (first page: {told})." in markdown(results)


def _check_that_all_was_measured(results: Results) -> None:
    assert results.disagreements == [], "\n".join(results.disagreements)
    assert len(results.queries) > 20
    for measured in results.queries:
        assert set(measured.timings) == {*SYSTEMS, HTTP}
        assert all(timing.milliseconds for timing in measured.timings.values())
    assert len(results.pages) == 16
    assert all(len(one.there.milliseconds) == len(one.counted.milliseconds) == 1 for one in results.pages.values())
    assert all(set(timings) == SYSTEMS for timings in results.cold.values()) and len(results.cold) > 5
    assert set(results.exports) == {*SYSTEMS, HTTP}
    assert set(results.bytes) == SYSTEMS
    assert all(rate > 0 for rate in (*results.exports.values(), *results.bytes.values()))
    for by_system in results.ingest.values():
        assert set(by_system) == SYSTEMS
        assert all(alone.events > 0 and busy.events > 0 for alone, busy in by_system.values())
    assert set(results.evidence.recording) == set(evidence.BATCHES)
    assert all(
        set(by_way) == set(evidence.WAYS) and all(by_way.values()) for by_way in results.evidence.recording.values()
    )
    assert set(results.evidence.proofs) == {SQLITE, POSTGRES, f"SQLite, one log of {10 * SMALL.events:,} events"}
    assert all(set(by_kind) == set(evidence.PROOFS) for by_kind in results.evidence.proofs.values())


class Told:
    """A system that always says the same."""

    def __init__(self, name: str, answer: object) -> None:
        self.name, self.answer = name, answer

    def ask(self, _question: Question, /) -> object:
        return self.answer

    def told(self, _question: Question, answer: object, /) -> object:
        return answer

    def export(self, _organization: int, /) -> Iterator[bytes]:
        yield from ()

    def close(self) -> None: ...


def test_systems_that_do_not_agree_are_told_of() -> None:
    kind, limits = Kind("a kind", (Question(Shape.COUNT),)), Limits(turns=5, seconds=1, exported=1)
    assert ask_all(kind, [Told("one", 7), Told("other", 7)], limits).disagreement is None
    assert "other 8" in str(ask_all(kind, [Told("one", 7), Told("other", 8)], limits).disagreement)
    assert ask_all(kind, [Told("one", 7), Told("other", NOT_COMPARED)], limits).disagreement is None
    gave_up = ask_all(kind, [Told("one", 7), Told("other", GAVE_UP)], limits)
    assert gave_up.disagreement is None
    assert gave_up.timings["other"].gave_up and not gave_up.timings["one"].gave_up
    assert [len(timing.milliseconds) for timing in gave_up.timings.values()] == [5, 5]


def test_percentiles_are_times_that_were_measured() -> None:
    timing = Timing([float(number) for number in range(100, 0, -1)])
    assert (timing.at(0.5), timing.at(0.95), timing.at(1.0)) == (50, 95, 100)
    assert Timing([3.0]).at(0.5) == Timing([3.0]).at(0.95) == 3
