"""What the API answers is what its OpenAPI says: schemathesis asks every operation, well and badly."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from minutebook.deliver.tails import Tails
from minutebook.web.rates import Rates
from tests.support.dashboard import Dashboard
from tests.support.full import FULL
from tests.support.server import serving

SECONDS, EXAMPLES = ("900", "2000") if FULL else ("12", "30")
NOT_CHECKED = "positive_data_acceptance"
"""A text may be well formed and still mean nothing: that the API says what is wrong with it is no failure."""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_answer_is_described(dashboard: Dashboard, tmp_path: Path) -> None:
    """No error of the server, no status, type, header or body that is not in the document, and no way in without a
    credential."""
    organization, token = dashboard.organization.id, dashboard.token("log.read", "log.export")
    config = tmp_path / "schemathesis.toml"
    config.write_text(f'[parameters]\n"path.org" = "{organization}"\n')
    tails = Tails(dashboard.store)
    tails.is_stopped = True  # an answer that would go on ends behind its first batch
    with serving(dashboard.store, rates=Rates(10**9), tails=tails) as address:
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"]
        command += [f"{address}/api/v1/openapi.json", "--header", f"Authorization: Bearer {token}"]
        command += ["--exclude-checks", NOT_CHECKED, "--max-time", SECONDS, "--max-examples", EXAMPLES]
        command += ["--continue-on-failure", "--no-color", "--generation-database", "none"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
