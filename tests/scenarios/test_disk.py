"""A disk that fails in any operation, or is full: acts and their events are there both or neither (R2, R3)."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from structlog.testing import capture_logs

from minutebook import record
from minutebook.errors import OutcomeUnknown, StoreUnavailable
from minutebook.model import HOUR, Role
from minutebook.organization import sessions
from minutebook.organization.support import SupportEnds
from minutebook.store import sqlite
from minutebook.store.engine import Store
from minutebook.store.index import Follower
from tests.support import told
from tests.support.check_log import check_log
from tests.support.dashboard import Dashboard, staff
from tests.support.dashboard import told as said
from tests.support.deployment import PASSWORD, Deployment
from tests.support.disk import Disk, breakable_disk
from tests.support.full import FULL
from tests.support.reader import Reader
from tests.support.walk import let_in, walk

A = TypeVar("A")


@pytest.fixture
def disk() -> Iterator[Disk]:
    """The disk of every deployment that is asked for behind it."""
    with breakable_disk() as disk:
        yield disk


def rows(file: Path) -> list[Any]:
    """All that is stored in a SQLite file."""
    connection = sqlite.driver().connect(str(file))
    try:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in names]
    finally:
        connection.close()


class Breaking:
    """Tries each act on a disk that breaks in its first operation, in a later one, and so on, until it is done."""

    def __init__(self, disk: Disk, file: Path, copy: Path) -> None:
        self.disk = disk
        self.file = file
        self.copied = copy
        self.tries = itertools.count()
        self.killed_behind = 0
        """How many acts were there though they were killed before they were acknowledged."""

    def operations(self) -> Iterator[int]:
        """Which of its operations fail: each with FULL=1, else the one that waits for the disk, and ever rarer ones."""
        yield from itertools.count(1) if FULL else (0, *(8**power for power in range(6)))

    def until_it_is_done(self, perform: Callable[..., A]) -> Callable[..., A]:
        def perform_until(store: Store, *what: Any) -> A:
            before = rows(self.file)
            for operation in self.operations():
                number = next(self.tries)
                broken = self.disk.broken
                copy = (self.file, self.copied) if FULL or number % 13 == 0 else None
                self.disk.breaks_in(operation, by_space=number % 2 == 0, copy=copy)
                try:
                    return perform(store, *what)
                except (StoreUnavailable, OutcomeUnknown):
                    assert self.disk.broken > broken
                finally:
                    self.disk.holds()
                assert rows(self.file) == before
                if copy and rows(self.copied) != before:
                    self.look_at_killed()
            raise AssertionError("it never was done")

        return perform_until

    def look_at_killed(self) -> None:
        """What was killed behind its last operation is all there."""
        killed = Store(f"sqlite:///{self.copied}", lock=False)
        try:
            check_log(killed)
        finally:
            killed.close()
        self.killed_behind += 1


@pytest.mark.slow
@pytest.mark.timeout(3600 if FULL else 300)
def test_wherever_the_disk_fails_an_act_and_its_event_are_there_both_or_neither(
    disk: Disk, sqlite_deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command there is, in each operation that writes, cuts or waits for a file; killed there, too."""
    breaking = Breaking(disk, sqlite_deployment.store.file, tmp_path / "killed.sqlite3")
    monkeypatch.setattr(told, "perform", breaking.until_it_is_done(record.perform))
    monkeypatch.setattr(told, "perform_everywhere", breaking.until_it_is_done(record.perform_everywhere))
    walk(sqlite_deployment)
    sqlite_deployment.check()
    assert disk.broken > 200
    assert breaking.killed_behind > 3, (breaking.killed_behind, disk.broken)


def test_a_full_disk_refuses_what_must_be_recorded_and_open_sittings_read_on(
    disk: Disk, sqlite_deployment: Deployment
) -> None:
    """It goes on by itself as soon as there is space; nothing was acknowledged that is not stored."""
    dashboard = Dashboard.of(staff(sqlite_deployment))
    reader, late = Reader(dashboard, Role.OWNER), Reader(dashboard, Role.ADMIN)
    owner = dashboard.signed_in(Role.OWNER)
    forms = {
        dashboard.path("credits"): {"amount": "1", "reference": "inv-1"},
        dashboard.path("invitations", "new"): {"emails": "ben@x.example", "role": "member"},
        dashboard.path("settings", "name"): {"name": "Calder"},
        "/sign-in": {"email": "ada@calder.example", "password": PASSWORD},
    }
    assert owner.get(dashboard.path("members")).status_code == 200
    let_in(sqlite_deployment, dashboard.number, "a link for support")
    reader.read()
    before = dashboard.recorded()
    disk.full = True
    for path, fields in forms.items():
        begun = time.monotonic()
        answer = owner.post(path, fields)
        assert answer.status_code == 503, (path, said(answer))
        assert "set-cookie" not in answer.headers
        assert time.monotonic() - begun < (1 if FULL else 20)
    assert reader.get().status_code == reader.get(("action", "organization.create")).status_code == 200
    sqlite_deployment.clock.go_on(sessions.SEEN_EVERY)
    assert reader.get().status_code == 200, "that the session is in use is not noted, which keeps nobody from reading"
    sqlite_deployment.clock.go_on(HOUR)
    jobs = (SupportEnds(dashboard.store), Follower(dashboard.store))
    with capture_logs() as logs:
        for job in jobs:
            job.try_round()
    assert [line["event"] for line in logs] == ["support_ends_waits"], "no traceback, which would fill the disk more"
    assert late.get().status_code == 503
    assert "Calder Robotics" not in late.get().text.partition("<main")[2]
    disk.full = False
    assert dashboard.recorded() == before
    for path, fields in forms.items():
        assert owner.post(path, fields).status_code in (200, 303), path
    assert late.get().status_code == 200
    check_log(dashboard.store)
