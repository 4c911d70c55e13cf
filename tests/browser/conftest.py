"""The sites that the browser opens."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.browser import Contexts
from tests.support.server import Site, site_on
from tests.support.visitor import Arrive


@pytest.fixture(scope="module")
def site_url(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a SQLite file with the schema, for all tests of a module."""
    file = tmp_path_factory.mktemp("site") / "minutebook.sqlite3"
    shutil.copy(sqlite_template, file)
    return f"sqlite:///{file}"


@pytest.fixture(scope="module")
def site(site_url: str) -> Iterator[Site]:
    """Calder Robotics, for all tests of a module: none of them relies on what another did."""
    with site_on(site_url) as site:
        yield site


@pytest.fixture
def arrive(site: Site, page_context: Contexts) -> Arrive:
    """Call it for somebody at a browser: `ada = arrive(site.company.owner, width=360)`."""
    return Arrive(site, page_context)
