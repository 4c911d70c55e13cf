"""Builds that are broken on purpose, as switches of the tests: each must be noticed, or the tests are worth nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NoReturn

import pytest
from sqlalchemy import Connection

from minutebook import record
from minutebook.actions import Details
from minutebook.errors import StoreUnavailable
from minutebook.model import Actor, Context, Event, Role, Seat
from minutebook.organization import seats
from minutebook.record import Act, Command, NoChange, PersonalCommand
from minutebook.store import log
from minutebook.store.engine import Store
from tests.support import told
from tests.support.deployment import Deployment

Perform = Callable[[Store, Seat, Command], Event | NoChange]


class Crash(Exception):
    """The process ends here."""


def use(monkeypatch: pytest.MonkeyPatch, perform: Perform) -> None:
    """Lets every client of the tests act through another `perform`."""
    monkeypatch.setattr(told, "perform", perform)


def drop_guard(deployment: Deployment) -> None:
    """Takes the triggers out of the database, so that only the program is left to hold act and event together."""
    with deployment.store.housekeeping() as connection:
        if deployment.store.is_sqlite:
            names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").scalars().all()
            statements = [f"DROP TRIGGER {name}" for name in names]
        else:
            functions = ("guard_note(bigint)", "guard_change()", "guard_refuse()")
            statements = [f"DROP FUNCTION {name} CASCADE" for name in functions]
        for statement in statements:
            connection.exec_driver_sql(statement)


def _act(store: Store, connection: Connection, seat: Seat) -> Act:
    return Act(connection, seat, record.role_of(connection, seat), store.clock(), store.randomness)


def _append(connection: Connection, act: Act, details: Details) -> Event:
    head = log.lock_head(connection, act.organization)
    return log.append(connection, head, record.draft(act.seat, details), at=act.at, randomness=act.randomness)


def commit_before_append(store: Store, seat: Seat, command: Command) -> Event | NoChange:
    """The act commits; its event follows in a transaction of its own."""
    if not seat.organization:  # founding stays as it is
        return record.perform(store, seat, command)
    with store.acting() as connection:
        command.open_log(connection, seat, store.randomness)
        act = _act(store, connection, seat)
        record._authorize(act, command.needs)
        details = command.change(act)
        if isinstance(details, NoChange):
            connection.rollback()
            return details
    with store.acting() as connection:
        return _append(connection, act, details)


def crash_before_append(store: Store, seat: Seat, command: Command) -> NoReturn:
    """The same, where the process ends between the two."""
    with store.acting() as connection:
        command.change(_act(store, connection, seat))
    raise Crash


def answer_before_commit(store: Store, seat: Seat, command: Command) -> Event | NoChange:
    """The client is answered; then the transaction is lost."""
    with store.acting() as connection:
        act = _act(store, connection, seat)
        details = command.change(act)
        answer = details if isinstance(details, NoChange) else _append(connection, act, details)
        connection.rollback()
        return answer


def try_again_blindly(store: Store, seat: Seat, command: Command) -> Event | NoChange:
    """An act whose answer was late is simply done again."""
    record.perform(store, seat, command)
    return record.perform(store, seat, command)


def one_after_the_other(store: Store, actor: Actor, context: Context, command: PersonalCommand) -> NoReturn:
    """Each organization of the person is told in a transaction of its own; the process ends behind the first."""
    first = record.organizations_of
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record, "organizations_of", lambda *of: first(*of)[:1])
        record.perform_everywhere(store, actor, context, command)
    raise Crash


def authorize_before_the_lock(together: threading.Barrier) -> Perform:
    """The role is read first, then the head is locked; `together` lets both threads stand between the two."""

    def perform(store: Store, seat: Seat, command: Command) -> Event | NoChange:
        with store.reading() as connection:
            role = record.role_of(connection, seat)
            record._authorize(Act(connection, seat, role, 0, store.randomness), command.needs)
        together.wait()
        with store.acting() as connection:
            log.lock_head(connection, seat.organization)
            act = Act(connection, seat, role, store.clock(), store.randomness)
            details = command.change(act)
            assert not isinstance(details, NoChange)
            return _append(connection, act, details)

    return perform


def count_owners_before_the_lock(monkeypatch: pytest.MonkeyPatch, together: threading.Barrier) -> Perform:
    """The last owner is looked for first, then the head is locked."""
    check = seats._keep_an_owner
    monkeypatch.setattr(seats, "_keep_an_owner", lambda *_: None)

    def perform(store: Store, seat: Seat, command: Command) -> Event | NoChange:
        with store.reading() as connection:
            check(Act(connection, seat, None, 0, store.randomness), Role.OWNER, None)
        together.wait()
        return record.perform(store, seat, command)

    return perform


def rows_without_errors(rows: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    """An export that takes an error of the database for the end of the log."""

    def swallowing(*arguments: Any) -> Iterator[Any]:
        with suppress(StoreUnavailable):
            yield from rows(*arguments)

    return swallowing
