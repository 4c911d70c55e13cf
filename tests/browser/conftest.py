"""The sites that the browser opens."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.browser import Contexts
from tests.support.postgres import PostgresServer
from tests.support.server import Site, site_on
from tests.support.visitor import Arrive, Visitor


@pytest.fixture(scope="module")
def site(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Calder Robotics on SQLite, for all tests of a module: none of them relies on what another did."""
    file = tmp_path_factory.mktemp("site") / "minutebook.sqlite3"
    shutil.copy(sqlite_template, file)
    with site_on(f"sqlite:///{file}") as site:
        yield site


@pytest.fixture
def arrive(site: Site, page_context: Contexts) -> Arrive:
    """Call it for somebody at a browser: `ada = arrive(site.company.owner, width=360)`."""
    return lambda user=None, **screen: Visitor(page_context, site, user, **screen)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url_with_schema(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a database with the schema and nothing in it; the test runs once on each kind."""
    if request.param == "sqlite":
        file = request.getfixturevalue("tmp_path") / "minutebook.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite:///{file}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create_database(request.getfixturevalue("postgres_template"))
    yield url.render_as_string(hide_password=False)
    server.drop_database(url)
