"""What docs/operate.md has its operators do, done as it is written there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import ProgrammingError

from minutebook.custody import anchor_log
from minutebook.custody.custodian import Custodian
from minutebook.custody.high_water import Custody
from minutebook.custody.signer import sign_logs
from minutebook.store import anchors, checkpoints, index
from minutebook.store.anchors import AnchorKind, Said
from minutebook.store.engine import Store
from tests.support.deployment import Deployment
from tests.support.walk import walk

OPERATE = Path(__file__).parents[1] / "docs" / "operate.md"


@pytest.fixture
def as_server(postgres_deployment: Deployment) -> Iterator[Deployment]:
    """The deployment as the server sees it that has the rights of docs/operate.md, and owns nothing."""
    url = postgres_deployment.store.url
    role = f"server_of_{url.database}"
    [grants] = re.findall(r"```sql\n(GRANT .+?)```", OPERATE.read_text(), re.DOTALL)
    with postgres_deployment.store.housekeeping() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN")
        connection.exec_driver_sql(grants.replace("minutebook_server", role))
    clock = postgres_deployment.clock
    server = Deployment(Store(url.set(username=role), clock=clock), clock)
    yield server
    server.store.close()
    with postgres_deployment.store.housekeeping() as connection:
        connection.exec_driver_sql(f"DROP OWNED BY {role}")
        connection.exec_driver_sql(f"DROP ROLE {role}")


def test_a_server_works_with_the_rights_that_it_is_granted(as_server: Deployment) -> None:
    """Every command there is, and whatever a server does beside them."""
    store, custody = as_server.store, Custody(as_server.ledger.directory)
    number = walk(as_server)
    index.follow_all(store)
    sign_logs(store, custody, "minutebook.example")
    assert anchor_log.extend(store, custody) is None
    with store.housekeeping() as connection:
        signed = checkpoints.latest(connection, number)
        assert signed
        log_id = signed.checkpoint.origin.rpartition("/")[2]
        anchors.note(connection, [Said(log_id, AnchorKind.WITNESS, "w", signed.size, store.clock(), b"a line")])
    Custodian(store, as_server.ledger).round()
    as_server.check()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM event",
        "UPDATE event SET leaf_hash = leaf_hash",
        "UPDATE event SET recorded_at = 0",
        "DELETE FROM act",
        "DELETE FROM log_head",
        "ALTER TABLE event DISABLE TRIGGER ALL",
    ],
)
def test_it_is_not_granted_to_rewrite_the_log(as_server: Deployment, statement: str) -> None:
    with (
        pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
        as_server.store.housekeeping() as connection,
    ):
        connection.exec_driver_sql(statement)
