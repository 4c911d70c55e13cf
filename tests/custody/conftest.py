"""Where something has gone on already: what `live(deployment)` of a module does is done once on each kind of database,
and each of its tests that asks for `lived` has a copy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from minutebook.organization.people import User
from tests.support.copies import copied_database, copied_file
from tests.support.deployment import Deployment
from tests.support.postgres import PostgresServer


class Lived(NamedTuple):
    """A deployment, an owner, and the number of their organization."""

    deployment: Deployment
    owner: User
    organization: int


@pytest.fixture(scope="module")
def sqlite_lived(
    request: pytest.FixtureRequest, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Lived:
    """On SQLite; to be copied."""
    with copied_file(sqlite_template, tmp_path_factory.mktemp("lived")) as deployment:
        return Lived(deployment, *request.module.live(deployment))


@pytest.fixture(scope="module")
def postgres_lived(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, postgres_template: str
) -> Iterator[Lived]:
    """The same on PostgreSQL."""
    with copied_database(postgres_server, postgres_template) as deployment:
        lived = Lived(deployment, *request.module.live(deployment))
        deployment.store.close()
        yield lived


@pytest.fixture(params=["sqlite", "postgresql"])
def lived(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lived]:
    """A copy, once on each kind of database."""
    if request.param == "sqlite":
        found: Lived = request.getfixturevalue("sqlite_lived")
        copied = copied_file(found.deployment.store.file, tmp_path, found.deployment)
    else:
        found = request.getfixturevalue("postgres_lived")
        server: PostgresServer = request.getfixturevalue("postgres_server")
        copied = copied_database(server, str(found.deployment.store.url.database), found.deployment)
    with copied as deployment:
        yield found._replace(deployment=deployment)


@pytest.fixture
def deployment(lived: Lived) -> Deployment:
    return lived.deployment


@pytest.fixture
def ada(lived: Lived) -> User:
    return lived.owner


@pytest.fixture
def organization(lived: Lived) -> int:
    return lived.organization
