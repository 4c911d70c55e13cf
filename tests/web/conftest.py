"""The dashboard that the tests of the pages ask for."""

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from minutebook.web.app import WebSettings
from tests.support.check_log import check_log
from tests.support.copies import copied_database, copied_file
from tests.support.dashboard import ADDRESS, Calder, Dashboard, staff
from tests.support.name_server import Zone
from tests.support.postgres import PostgresServer

CLIENTS = (ip_network(ADDRESS[0]),)
"""Who may see the measures here."""


@pytest.fixture(scope="session")
def sqlite_calder(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Calder:
    """Calder Robotics in a SQLite file; to be copied."""
    with copied_file(sqlite_template, tmp_path_factory.mktemp("calder")) as deployment:
        return staff(deployment)


@pytest.fixture(scope="session")
def postgres_calder(postgres_server: PostgresServer, postgres_template: str) -> Iterator[Calder]:
    """The same on PostgreSQL."""
    with copied_database(postgres_server, postgres_template) as deployment:
        calder = staff(deployment)
        deployment.store.close()
        yield calder


@pytest.fixture
def calder_sqlite(sqlite_calder: Calder, tmp_path: Path) -> Iterator[Calder]:
    """A copy of `sqlite_calder`."""
    template = sqlite_calder.deployment
    with copied_file(template.store.file, tmp_path, template) as deployment:
        yield replace(sqlite_calder, deployment=deployment)


@pytest.fixture
def calder_postgres(postgres_server: PostgresServer, postgres_calder: Calder) -> Iterator[Calder]:
    """A copy of `postgres_calder`."""
    template = postgres_calder.deployment
    with copied_database(postgres_server, str(template.store.url.database), template) as deployment:
        yield replace(postgres_calder, deployment=deployment)


@pytest.fixture(params=["sqlite", "postgresql"])
def calder(request: pytest.FixtureRequest) -> Calder:
    """Calder Robotics with one person in each role; once on each kind of database."""
    kind = "sqlite" if request.param == "sqlite" else "postgres"
    found: Calder = request.getfixturevalue(f"calder_{kind}")
    return found


@pytest.fixture
def dashboard(calder: Calder, dns: Zone) -> Iterator[Dashboard]:
    """Calder Robotics, on each kind of database; the oracle looks at the store at the end."""
    settings = WebSettings(name_servers=(dns.address,), metrics_networks=CLIENTS)
    dashboard = Dashboard.of(calder, settings)
    dashboard.zone = dns
    yield dashboard
    check_log(dashboard.store)


@pytest.fixture
def light_dashboard(calder_sqlite: Calder) -> Dashboard:
    """Calder Robotics on SQLite only, for what has nothing to do with the database."""
    return Dashboard.of(calder_sqlite, WebSettings(metrics_networks=CLIENTS))
