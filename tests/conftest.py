"""What every test can ask for: databases and a browser.

- `database_url`: runs the test twice, on a new SQLite file and on a new PostgreSQL database.
- `sqlite_url`, `postgres_url`: only one of them.
- `postgres_server`: to create more databases, or copies of one that is filled.
- `migrated_url`: runs the test twice, on databases that have the schema and nothing in it.
- `deployment`: runs the test twice, with a store whose schema is there; `sqlite_deployment`, `postgres_deployment`.
- `filled`: the same, with organizations in it; `filled_sqlite`, `filled_postgres`.
- `page_context`: a person at a browser; call it once for each.
"""

import gc
import os
import re
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from playwright.sync_api import Browser
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from minutebook.organization import people
from minutebook.store import search, survey
from minutebook.store.engine import Store
from minutebook.store.migrate import migrate
from minutebook.web import log_page
from tests.support.browser import Contexts, running_browser
from tests.support.copies import copied_database, copied_file
from tests.support.deployment import Deployment, Ticking
from tests.support.faulty import FaultyStore
from tests.support.name_server import Zone, name_server
from tests.support.postgres import EmbeddedServer, PostgresServer
from tests.support.walk import fill

FAILED = pytest.StashKey[bool]()

# Hypothesis gives an example 200 ms by default; a machine that is busy makes no test wrong.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as cores: a third of its time a test waits for a server, a browser or a disk."""
    return (os.cpu_count() or 1) * 3 // 2


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs PostgreSQL or a browser, and runs the slow tests first and the browser's last.

    First, so that no process has a long one left when the others are done. Last, because Playwright's event loop runs
    in the main thread from its start on, and `asyncio.run()` then refuses.
    """
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        if "postgres_server" in fixtures or "postgresql" in parameters.values():
            item.add_marker(pytest.mark.postgres)
        if "browser" in fixtures:
            item.add_marker(pytest.mark.browser)
    items.sort(key=lambda item: (_has(item, "browser"), not _has(item, "slow")))


def pytest_collection_finish() -> None:
    """The garbage collector leaves out what is there to the end, thousands of tests, and looks less often at the rest:
    that took a tenth of all time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _has(item: pytest.Item, marker: str) -> bool:
    return item.get_closest_marker(marker) is not None


@pytest.fixture(scope="session", autouse=True)
def unhurried() -> Iterator[None]:
    """Pages have the time to be whole on a busy machine, too. Tests of what is given up set limits of their own."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in (
            (search, "PAGE_SECONDS"),
            (search, "COUNT_SECONDS"),
            (survey, "COUNT_SECONDS"),
            (log_page, "SURVEY_SECONDS"),
            (log_page, "WHOLE_SECONDS"),
            (log_page, "COUNTED_SECONDS"),
        ):
            patch.setattr(module, name, 60.0)
        yield


@pytest.fixture(scope="session", autouse=True)
def soon_hashed() -> Iterator[None]:
    """Passwords are hashed by argon2 as always, but with the least work: many tests sign somebody in."""
    with pytest.MonkeyPatch.context() as patch:
        hasher = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(people, "_hasher", PasswordHash((hasher,)))
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Lets fixtures know whether the test failed."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server at MINUTEBOOK_TEST_POSTGRES, else one of this test process's own, without fsync."""
    given = os.environ.get("MINUTEBOOK_TEST_POSTGRES")
    if given:
        yield PostgresServer(given)
        return
    server = EmbeddedServer()
    yield server
    server.remove()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path}/minutebook.sqlite3"


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a new, empty PostgreSQL database."""
    url = postgres_server.create_database()
    yield url.render_as_string(hide_password=False)
    postgres_server.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a new, empty database; the test runs once on each kind."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the schema and nothing in it, to be copied."""
    file = tmp_path_factory.mktemp("template") / "minutebook.sqlite3"
    _migrated(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of a PostgreSQL database with the schema and nothing in it, to be copied."""
    url = postgres_server.create_database()
    _migrated(url.render_as_string(hide_password=False))
    yield str(url.database)
    postgres_server.drop_database(url)


def _migrated(url: str) -> None:
    store = Store(url)
    migrate(store)
    store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with the schema and nothing in it; the test runs once on each kind."""
    if request.param == "sqlite":
        file = tmp_path / "minutebook.sqlite3"
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite:///{file}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create_database(request.getfixturevalue("postgres_template"))
    yield url.render_as_string(hide_password=False)
    server.drop_database(url)


@pytest.fixture
def migrated_sqlite(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a SQLite file with the schema and nothing in it."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'minutebook.sqlite3')}"


@pytest.fixture
def sqlite_deployment(sqlite_template: Path, tmp_path: Path) -> Iterator[Deployment]:
    """A deployment on a SQLite file of its own."""
    with copied_file(sqlite_template, tmp_path) as deployment:
        yield deployment


@pytest.fixture
def postgres_deployment(postgres_server: PostgresServer, postgres_template: str) -> Iterator[Deployment]:
    """A deployment on a PostgreSQL database of its own."""
    with copied_database(postgres_server, postgres_template) as deployment:
        yield deployment


@pytest.fixture(params=["sqlite", "postgresql"])
def deployment(request: pytest.FixtureRequest) -> Deployment:
    """A deployment with the schema and nobody in it; the test runs once on each kind of database."""
    kind = "sqlite" if request.param == "sqlite" else "postgres"
    found: Deployment = request.getfixturevalue(f"{kind}_deployment")
    return found


@pytest.fixture(scope="session")
def sqlite_filled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A SQLite deployment with an organization that has everything; to be copied."""
    with copied_file(sqlite_template, tmp_path_factory.mktemp("filled")) as deployment:
        fill(deployment)
    return deployment


@pytest.fixture(scope="session")
def postgres_filled(postgres_server: PostgresServer, postgres_template: str) -> Iterator[Deployment]:
    """The same on PostgreSQL."""
    with copied_database(postgres_server, postgres_template) as deployment:
        fill(deployment)
        deployment.store.close()
        yield deployment


@pytest.fixture
def filled_sqlite(sqlite_filled: Deployment, tmp_path: Path) -> Iterator[Deployment]:
    """A copy of `sqlite_filled`."""
    with copied_file(sqlite_filled.store.file, tmp_path, sqlite_filled) as deployment:
        yield deployment


@pytest.fixture
def filled_postgres(postgres_server: PostgresServer, postgres_filled: Deployment) -> Iterator[Deployment]:
    """A copy of `postgres_filled`."""
    with copied_database(postgres_server, str(postgres_filled.store.url.database), postgres_filled) as deployment:
        yield deployment


@pytest.fixture(params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest) -> Deployment:
    """A deployment whose organization FILLED has rows in every table, and OTHER hardly any; once on each database."""
    kind = "sqlite" if request.param == "sqlite" else "postgres"
    found: Deployment = request.getfixturevalue(f"filled_{kind}")
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One headless Chromium for all tests of this process. Tests mostly want `page_context` instead."""
    with running_browser() as browser:
        yield browser


@pytest.fixture
def page_context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Contexts]:
    """Call it for a browser context: a person with cookies, a time zone and a screen of their own.

    `page = page_context(zone="Asia/Kathmandu", width=360).new_page()`. When the test fails, every open page is
    photographed into `test-results/`. It fails when the browser complained: of a script, of what the Content Security
    Policy forbids, of anything that was to come from another host.
    """
    contexts = Contexts(browser)
    yield contexts
    complaints = contexts.complaints()
    if complaints or request.node.stash.get(FAILED, False):
        contexts.photograph(re.sub(r"[^\w.-]+", "-", request.node.nodeid))
    contexts.close()
    assert not complaints, "The browser complained:\n" + "\n".join(complaints)


@pytest.fixture
def faulty(deployment: Deployment) -> Iterator[Deployment]:
    """A deployment whose acts can be broken off."""
    deployment.store.close()
    clock = Ticking()
    store = FaultyStore(deployment.store.url, clock=clock)
    yield Deployment(store, clock)
    store.close()


@pytest.fixture
def dns() -> Iterator[Zone]:
    """What a name server on this machine answers from."""
    with name_server() as zone:
        yield zone
