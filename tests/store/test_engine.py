"""The store's doors: who waits for whom, who is told what, and that half an act is never there."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from minutebook.errors import OutcomeUnknown, StoreInUse, StoreUnavailable, UnsafeSqlite
from minutebook.organization.credits import BuyCredits
from minutebook.record import Act, NoChange, perform
from minutebook.store import log, sqlite
from minutebook.store.engine import Store
from tests.support.check_log import check_log
from tests.support.deployment import Deployment
from tests.support.told import Answer
from tests.support.walk import FILLED, OTHER


def impatient(deployment: Deployment, patience: float) -> Deployment:
    """The same deployment, whose store does not wait long."""
    deployment.store.close()
    store = Store(deployment.store.url, clock=deployment.clock, patience=patience)
    return Deployment(store, deployment.clock, deployment.told)


@contextmanager
def lock_held(store: Store) -> Iterator[None]:
    """A stranger's connection holds what every act in the organization FILLED needs."""
    if store.is_sqlite:
        stranger = sqlite.driver().connect(str(store.file), isolation_level=None)
        stranger.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            stranger.close()
    else:
        engine = create_engine(store.url.set(drivername="postgresql+psycopg"))
        with engine.begin() as connection:
            connection.exec_driver_sql(f"SELECT 1 FROM log_head WHERE organization = {FILLED} FOR UPDATE")
            yield
        engine.dispose()


# ── Waiting ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_act_waits_for_a_stranger_s_lock(filled: Deployment) -> None:
    released: list[float] = []

    def hold() -> None:
        with lock_held(filled.store):
            held.set()
            time.sleep(0.6)
            released.append(time.monotonic())

    held = threading.Event()
    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    filled.act(None, FILLED, BuyCredits(1, "patient"))
    done = time.monotonic()
    holder.join()
    assert done >= released[0]
    filled.check()


def test_an_act_that_waits_too_long_is_told_so_and_did_nothing(filled: Deployment) -> None:
    filled = impatient(filled, 0.3)
    with lock_held(filled.store):
        begun = time.monotonic()
        with pytest.raises(StoreUnavailable, match="Nothing was changed"):
            filled.act(None, FILLED, BuyCredits(1, "impatient"))
        assert 0.2 < time.monotonic() - begun < 5
        assert len(filled.events(FILLED)) == filled.size(FILLED)  # reading goes on
        if not filled.store.is_sqlite:
            filled.act(None, OTHER, BuyCredits(1, "elsewhere"))  # and so do other organizations
    filled.act(None, FILLED, BuyCredits(1, "afterwards"))
    filled.check()
    filled.store.close()


def test_many_threads_write_without_an_error(filled: Deployment) -> None:
    def write(writer: int) -> None:
        for number in range(5):
            command = BuyCredits(1, f"writer-{writer}-{number}")
            filled.told.perform(filled.store, f"writer-{writer}", filled.seat(None, 1 + writer % 2), command)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(16)))
    logs = filled.check()
    assert sum(event.details.get("reference", "").startswith("writer") for log in logs.values() for event in log) == 80


def test_reading_is_one_snapshot(filled: Deployment) -> None:
    with filled.store.reading() as connection:
        before = log.read_head(connection, FILLED)
        filled.act(None, FILLED, BuyCredits(1, "meanwhile"))
        assert log.read_head(connection, FILLED) == before
        assert len(list(log.events(connection, FILLED))) == before.size
    assert filled.size(FILLED) == before.size + 1


def test_sqlite_can_be_read_by_another_process_while_it_is_written(filled_sqlite: Deployment) -> None:
    reader = Store(filled_sqlite.store.url, lock=False)
    size = filled_sqlite.size(FILLED)
    for number in range(3):
        filled_sqlite.act(None, FILLED, BuyCredits(1, f"read-{number}"))
        with reader.reading() as connection:
            assert log.read_head(connection, FILLED).size == size + number + 1
    with filled_sqlite.store.acting() as connection:  # also in the middle of an act
        connection.exec_driver_sql("UPDATE user SET name = 'half'")
        with reader.reading() as other:
            assert other.exec_driver_sql("SELECT count(*) FROM user WHERE name = 'half'").scalar_one() == 0
        connection.rollback()
    check_log(reader)
    reader.close()


# ── What a failure leaves behind ─────────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_written_through_the_reading_door(filled: Deployment) -> None:
    with pytest.raises((StoreUnavailable, DBAPIError)), filled.store.reading() as connection:
        connection.exec_driver_sql("""UPDATE "user" SET name = 'x'""")
    with filled.store.reading() as connection:
        assert not connection.exec_driver_sql("""SELECT count(*) FROM "user" WHERE name = 'x'""").scalar_one()


def test_an_exception_behind_the_acting_door_undoes_everything(filled: Deployment) -> None:
    with pytest.raises(ZeroDivisionError), filled.store.acting() as connection:
        connection.exec_driver_sql(f"UPDATE seat SET role = 'owner' WHERE organization = {FILLED}")
        _ = 1 / 0
    filled.act(None, FILLED, BuyCredits(1, "after-the-exception"))
    filled.check()


def test_a_mistake_in_a_statement_is_not_taken_for_a_database_that_is_away(deployment: Deployment) -> None:
    for door in (deployment.store.reading, deployment.store.housekeeping):
        with pytest.raises(DBAPIError), door() as connection:
            connection.exec_driver_sql("SELECT * FROM nowhere")


def test_a_commit_that_breaks_says_that_its_outcome_is_unknown(filled_postgres: Deployment) -> None:
    class CutStore(Store):
        """Its connection is cut behind the change and the event, when only the commit is left."""

        @contextmanager
        def acting(self) -> Iterator[Connection]:
            with super().acting() as connection:
                yield connection
                backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
                with filled_postgres.store.housekeeping() as other:
                    other.exec_driver_sql(f"SELECT pg_terminate_backend({backend})")

    store = CutStore(filled_postgres.store.url)
    with pytest.raises(OutcomeUnknown, match="Look whether it is there"):
        filled_postgres.told.perform(store, "cut", filled_postgres.seat(None, FILLED), BuyCredits(1, "cut"))
    assert [attempt.answer for attempt in filled_postgres.told.attempts.values() if attempt.writer == "cut"] == [
        Answer.UNKNOWN
    ]
    filled_postgres.act(None, FILLED, BuyCredits(1, "after-the-cut"))
    filled_postgres.check()
    store.close()


def test_a_connection_that_was_cut_is_replaced(filled_postgres: Deployment) -> None:
    before = filled_postgres.size(FILLED)  # by one that reads, which is cut, too
    with filled_postgres.store.housekeeping() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert filled_postgres.size(FILLED) == before
    filled_postgres.act(None, FILLED, BuyCredits(1, "after-the-cut"))
    filled_postgres.check()


def test_a_database_that_is_away_is_told_so() -> None:
    store = Store("postgresql://nobody@127.0.0.1:1/nothing", patience=1)
    for door in (store.reading, store.acting, store.housekeeping):
        with pytest.raises(StoreUnavailable), door():
            pass
    store.close()


def test_a_sqlite_file_that_is_none_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "minutebook.sqlite3"
    file.write_bytes(b"This is a letter to my mother. " * 100)
    store = Store(f"sqlite:///{file}")
    with pytest.raises((StoreUnavailable, DBAPIError)), store.reading() as connection:
        connection.exec_driver_sql("SELECT 1 FROM event")
    store.close()
    assert file.read_bytes().startswith(b"This is a letter")


# ── One process for each file ────────────────────────────────────────────────────────────────────────────────────────

HOLDER = """
import sys
from minutebook.store.engine import Store
store = Store(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_process_is_refused_and_told_who_writes(filled_sqlite: Deployment) -> None:
    url = filled_sqlite.store.url
    filled_sqlite.store.close()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(url)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreInUse, match=f"in use by process {holder.pid}") as caught:
            Store(url)
        assert str(filled_sqlite.store.file.parent) in caught.value.message
        with pytest.raises(StoreInUse):  # asking twice does not help
            Store(url)
        Store(url, lock=False).close()
        holder.send_signal(signal.SIGKILL)
    Store(url).close()


def test_one_process_opens_a_file_for_writing_once(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    with pytest.raises(StoreInUse, match=f"process {os.getpid()}"):
        Store(sqlite_url)
    store.close()
    store.close()
    Store(sqlite_url).close()


# ── How SQLite is opened ─────────────────────────────────────────────────────────────────────────────────────────────


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/new/minutebook.sqlite3")
    with store.housekeeping() as connection:
        connection.exec_driver_sql("CREATE TABLE note (word TEXT)")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [store.file.parent, *store.file.parent.iterdir()]}
    store.close()
    assert modes.pop("new") == 0o700
    assert set(modes) >= {"minutebook.sqlite3", "minutebook.sqlite3.lock", "minutebook.sqlite3-wal"}
    assert set(modes.values()) == {0o600}


def test_a_commit_of_sqlite_waits_for_the_disk(sqlite_deployment: Deployment) -> None:
    store = sqlite_deployment.store

    def pragmas(door: Callable[[], Any]) -> dict[str, Any]:
        names = ("synchronous", "journal_mode", "foreign_keys", "recursive_triggers", "query_only")
        with door() as connection:
            return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names}

    full = {"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1, "recursive_triggers": 1, "query_only": 0}
    assert pragmas(store.acting) == full
    assert pragmas(store.housekeeping) == full
    assert pragmas(store.reading)["query_only"] == 1


def test_a_strange_path_is_only_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "50 % of #1? ünï"
    file = folder / "minutebook.sqlite3"
    folder.mkdir()
    url = make_url("sqlite://").set(database=str(file))
    store = Store(url)
    with store.housekeeping() as connection:
        connection.exec_driver_sql("CREATE TABLE note (word TEXT)")
    store.close()
    assert file.stat().st_size
    assert {path.name for path in tmp_path.iterdir()} == {folder.name}


@pytest.mark.parametrize("version", [(3, 7, 0), (3, 40, 1), (3, 44, 5), (3, 50, 4), (3, 51, 2)])
def test_a_sqlite_that_corrupts_is_refused(version: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(version, monkeypatch)
    with pytest.raises(UnsafeSqlite, match="can corrupt"):
        sqlite.driver()


@pytest.mark.parametrize("version", [(3, 44, 6), (3, 50, 7), (3, 51, 3), (3, 53, 0)])
def test_a_sqlite_with_the_mend_is_taken(version: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(version, monkeypatch)
    assert sqlite.driver().sqlite_version_info == version


def _pretend(version: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite.driver(), "sqlite_version_info", version)


def test_no_change_writes_nothing(filled: Deployment) -> None:
    class Nothing(BuyCredits):
        def change(self, act: Act) -> NoChange:
            act.connection.exec_driver_sql(f"UPDATE seat SET role = 'owner' WHERE organization = {FILLED}")
            return NoChange()

    answer = perform(filled.store, filled.seat(None, FILLED), Nothing(1, "x"))
    assert isinstance(answer, NoChange)
    filled.check()


def test_a_lost_statement_is_an_error_not_a_wait(filled_sqlite: Deployment) -> None:
    """An error inside an act gives the one writing connection back."""
    for _ in range(3):
        with pytest.raises(OperationalError), filled_sqlite.store.acting() as connection:
            connection.exec_driver_sql("SELECT * FROM nowhere")
    filled_sqlite.act(None, FILLED, BuyCredits(1, "still-here"))
    filled_sqlite.check()
