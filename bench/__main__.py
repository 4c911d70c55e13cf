"""`make bench`: fills what is not there yet, measures, and prints the report."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.fill import REPOSITORY
from bench.measure import Limits
from bench.report import markdown
from bench.run import Plan, run
from bench.workload import Workload

USUAL = 1_000_000


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 1 when the systems did not give the same answers."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--events", type=int, default=USUAL, help="how many events are stored (1000000)")
    parser.add_argument("--organizations", type=int, default=1000, help="in how many organizations (1000)")
    parser.add_argument("--seed", type=int, default=1, help="another one makes another workload (1)")
    parser.add_argument("--turns", type=int, default=100, help="how often each kind of query is asked (100)")
    parser.add_argument("--seconds", type=float, default=2.0, help="for how long at most, of each system (2)")
    parser.add_argument(
        "--shown", type=int, default=20, help="how often each page is shown in a browser; 0 leaves it out (20)"
    )
    parser.add_argument("--cold", type=int, default=20, help="how often each kind is asked cold; 0 leaves it out (20)")
    parser.add_argument(
        "--writing", type=float, default=3.0, help="seconds for each way of writing; 0 leaves it out (3)"
    )
    parser.add_argument("--exported", type=int, default=100_000, help="how many events are exported (100000)")
    parser.add_argument(
        "--directory", type=Path, default=REPOSITORY / ".bench", help="where the databases are (.bench)"
    )
    parser.add_argument("--fresh", action="store_true", help="fill the databases anew")
    parser.add_argument(
        "--without-postgresql",
        action="store_true",
        help="leave out Minutebook on PostgreSQL, which takes longest to fill (not the baselines)",
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="write the report to docs/benchmarks.md too; of another number of events to docs/benchmarks-N.md",
    )
    chosen = parser.parse_args(arguments)
    results = run(
        Plan(
            workload=Workload(chosen.events, chosen.organizations, chosen.seed),
            directory=chosen.directory.resolve(),
            limits=Limits(chosen.turns, chosen.seconds, chosen.exported),
            shown=chosen.shown,
            cold=chosen.cold,
            writing=chosen.writing,
            fresh=chosen.fresh,
            with_postgres=not chosen.without_postgresql,
        )
    )
    text = markdown(results)
    print(text)
    if chosen.write:
        name = "benchmarks.md" if chosen.events == USUAL else f"benchmarks-{chosen.events}.md"
        (REPOSITORY / "docs" / name).write_text(text, encoding="utf-8")
    return int(bool(results.disagreements))


if __name__ == "__main__":
    sys.exit(main())
