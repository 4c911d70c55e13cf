"""Acts on a person: recorded in each organization where they hold a seat, all of it or nothing."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from minutebook.errors import NotFound
from minutebook.model import Role
from minutebook.organization import people, sessions
from minutebook.organization.passwords import ChangePassword, TakePassword
from minutebook.organization.people import User
from minutebook.store import log
from tests.support.deployment import Deployment


def column_of(deployment: Deployment, table: str, column: str) -> list[str]:
    with deployment.store.reading() as connection:
        return sorted(connection.exec_driver_sql(f"SELECT {column} FROM {table}").scalars())


def password(deployment: Deployment, user: User) -> str | None:
    with deployment.store.reading() as connection:
        return people.password_hash_of(connection, user.id)


def test_every_organization_of_the_person_is_told_and_no_other(deployment: Deployment) -> None:
    ada, ben = (people.create_user(deployment.store, f"{name}@x.example", name, None, hashed="old") for name in "ab")
    here, other = (deployment.session(ada).id for _ in range(2))
    theirs = deployment.session(ben).id
    first, strange, second = (deployment.found(who) for who in (ada, ben, ada))
    deployment.join(first, ada, Role.MEMBER, ben, theirs)
    for organization in (first, second):
        for session in (here, other):
            deployment.enter(ada, organization, session)
    sizes = {number: deployment.size(number) for number in (first, strange, second)}
    events = deployment.act_everywhere(ada, ChangePassword(ada.id, "old", "new"), here)
    assert [(event.organization, event.action) for event in events] == [
        (number, "user.password_change") for number in (first, second)
    ]
    assert len({event.recorded_at for event in events}) == 1
    assert {number: deployment.size(number) - size for number, size in sizes.items()} == {
        first: 1,
        strange: 0,
        second: 1,
    }
    assert (password(deployment, ada), password(deployment, ben)) == ("new", "old")
    assert column_of(deployment, "session", "id") == sorted((here, theirs))
    assert column_of(deployment, "access", "session") == sorted((here, here, theirs))
    deployment.check()


def test_what_no_organization_is_told_the_security_log_is(deployment: Deployment) -> None:
    ada = deployment.person()
    with capture_logs() as logs:
        assert deployment.act_everywhere(None, TakePassword(ada.id)) == ()
    told = {"event": "password_reset", "user": ada.id, "by": "cli", "ip": "192.0.2.7", "log_level": "warning"}
    assert logs == [told]


def test_nobody_else_does_anything_to_a_person(deployment: Deployment) -> None:
    ada, eve = deployment.person(), deployment.person()
    organization = deployment.found(eve)
    deployment.join(organization, eve, Role.MEMBER, ada)
    for command in (TakePassword(ada.id), ChangePassword(ada.id, "", "mine"), TakePassword("usr_0")):
        with pytest.raises(NotFound):
            deployment.act_everywhere(eve, command)
    with pytest.raises(NotFound):
        deployment.act_everywhere(None, TakePassword("usr_0"))
    assert password(deployment, ada) is None
    deployment.check()


def test_a_seat_taken_in_this_moment_is_told_too(
    postgres_deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the seats and the locks, which on SQLite nobody comes between."""
    deployment = postgres_deployment
    ada = deployment.person()
    first, second = deployment.found(deployment.person()), deployment.found(ada)
    lock = log.lock_head

    def joining(*arguments: Any) -> log.Head:
        monkeypatch.setattr(log, "lock_head", lock)
        deployment.join(first, None, Role.MEMBER, ada)
        return lock(*arguments)

    monkeypatch.setattr(log, "lock_head", joining)
    seat, everywhere = deployment.seat(None, 0), (first, second)
    events = deployment.told.perform_everywhere(deployment.store, "another", seat, TakePassword(ada.id), everywhere)
    assert [event.organization for event in events] == [first, second] == sessions.seated_in(deployment.store, ada.id)
    deployment.check()
