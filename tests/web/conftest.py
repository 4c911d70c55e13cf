"""The dashboard that the tests of the pages ask for."""

from collections.abc import Iterator

import pytest

from minutebook.web.app import WebSettings
from tests.support.check_log import check_log
from tests.support.dashboard import Dashboard
from tests.support.deployment import Deployment
from tests.support.name_server import Zone


@pytest.fixture
def dashboard(deployment: Deployment, zone: Zone) -> Iterator[Dashboard]:
    """Calder Robotics, on each kind of database; the oracle looks at the store at the end."""
    filled = Dashboard(deployment, WebSettings(name_servers=(zone.address,))).filled()
    filled.zone = zone
    yield filled
    check_log(filled.store)


@pytest.fixture
def light_dashboard(sqlite_deployment: Deployment) -> Dashboard:
    """Calder Robotics on SQLite only, for what has nothing to do with the database."""
    return Dashboard(sqlite_deployment).filled()
