"""R12: an export takes no more memory the longer it is. The process that exports is measured from outside the test."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from minutebook.actions.log import Format
from minutebook.deliver.export import Export, pieces, stored
from minutebook.deliver.formats import FORMATS, Origin
from minutebook.filters import EVERYTHING
from minutebook.model import Context, Json, Outcome
from minutebook.store import log
from minutebook.store.engine import Store
from minutebook.store.log import Draft
from tests.support.deployment import OPERATOR, Deployment
from tests.support.full import FULL

EVENTS = 2_000_000 if FULL else 24_000
GROWTH = 64 * 1024 if FULL else 16 * 1024
"""In KiB, from the first 17,000 events on, which fill what every format keeps for a while."""
WRITTEN = list(FORMATS) if FULL else [Format.JSONL, Format.PARQUET]


def fill(deployment: Deployment) -> int:
    organization = deployment.found(deployment.person())
    details: dict[str, Json] = {
        "v": 1,
        "mode": "mod_1",
        "name": "Reviewer",
        "instructions": "Read it. " * 40,
        "tools": ["read"],
    }
    draft = Draft("mode.create", Outcome.SUCCESS, OPERATOR, (), Context(ip="192.0.2.7"), details)
    for _ in range(EVENTS // 4_000):
        with deployment.store.acting() as connection:
            head = log.lock_head(connection, organization)
            drafts = ((draft, deployment.clock()) for _ in range(4_000))
            log.append_many(connection, head, drafts, deployment.store.randomness)
    return organization


@pytest.mark.slow
@pytest.mark.timeout(3600 if FULL else 120)
def test_memory_does_not_grow_with_what_is_exported(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    organization = fill(deployment)
    url = deployment.store.url.render_as_string(hide_password=False)
    for format_ in WRITTEN:
        command = [sys.executable, "-m", __name__, url, str(organization), format_.value]
        run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
        told = json.loads(run.stdout)
        assert told["events"] > EVENTS
        assert told["grown"] <= GROWTH, (format_, told)
        with capsys.disabled():
            print(
                f"{format_.value}: {told['events']:,} events, {told['bytes']:,} bytes, grown by {told['grown']:,} KiB"
            )


def test_no_export_keeps_the_file_in_memory(sqlite_deployment: Deployment) -> None:
    """What SQLite maps or keeps would grow with the file, up to limits that only a long log reaches."""
    with sqlite_deployment.store.streaming() as connection:
        assert connection.exec_driver_sql("PRAGMA mmap_size").scalar_one() == 0
        assert connection.exec_driver_sql("PRAGMA cache_size").scalar_one() == -4096
        assert connection.exec_driver_sql("PRAGMA query_only").scalar_one() == 1


def measure(url: str, organization: int, format_: Format) -> dict[str, int]:
    """Exports everything and looks at the largest memory that the process ever had, early and at the end."""
    store = Store(url, lock=False)
    with store.reading() as connection:
        size = log.read_head(connection, organization).size
    export = Export(Origin("org_x", ""), size, EVERYTHING, format_, first=0)
    early, events, written = 0, 0, 0
    for piece in pieces(export, stored(store, organization, export)):
        events, written = piece.events, written + len(piece.data)
        if not early and events > 17_000:
            early = peak()
    store.close()
    return {"events": events, "bytes": written, "grown": peak() - early}


def peak(process: int | str = "self") -> int:
    """The largest resident memory of this process, or of another, so far, in KiB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]), Format(sys.argv[3]))))
