"""The dashboard that the tests of the pages ask for."""

from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from minutebook.web.app import WebSettings
from tests.support.check_log import check_log
from tests.support.dashboard import ADDRESS, Dashboard
from tests.support.deployment import Deployment
from tests.support.name_server import Zone

CLIENTS = (ip_network(ADDRESS[0]),)
"""Who may see the measures here."""


@pytest.fixture
def dashboard(deployment: Deployment, dns: Zone) -> Iterator[Dashboard]:
    """Calder Robotics, on each kind of database; the oracle looks at the store at the end."""
    filled = Dashboard(deployment, WebSettings(name_servers=(dns.address,), metrics_networks=CLIENTS)).filled()
    filled.zone = dns
    yield filled
    check_log(filled.store)


@pytest.fixture
def light_dashboard(sqlite_deployment: Deployment) -> Dashboard:
    """Calder Robotics on SQLite only, for what has nothing to do with the database."""
    return Dashboard(sqlite_deployment, WebSettings(metrics_networks=CLIENTS)).filled()
