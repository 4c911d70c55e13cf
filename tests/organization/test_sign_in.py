"""Signing in and out: who is told what, how often one may try, and what is recorded where."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from limits import RateLimitItemPerMinute
from sqlalchemy import text
from structlog.testing import capture_logs

from minutebook.errors import Invalid, NotAllowed, NotFound, TooManyAttempts
from minutebook.model import Context, Event, Role
from minutebook.organization import attempts, people, sessions
from minutebook.organization.account_deletion import DeleteUser
from minutebook.organization.passwords import ChangePassword
from minutebook.organization.people import User
from minutebook.organization.seats import RemoveMember
from minutebook.organization.sessions import (
    SESSION_LIFETIME,
    EnterOrganization,
    LeaveOrganization,
    Session,
    find_session,
)
from minutebook.organization.sittings import OpenSitting
from minutebook.record import NO_CHANGE
from tests.support.check_log import check_log
from tests.support.deployment import Deployment

PASSWORD = "correct horse battery"
HERE = Context(ip="192.0.2.7", user_agent="Firefox", request_id="req_1")


class QuickHasher:
    """Stands in for argon2, which is slow on purpose, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def hash(self, password: str) -> str:
        return f"hash of {password}"

    def verify(self, password: str, hashed: str) -> bool:
        self.asked.append((password, hashed))
        return hashed == f"hash of {password}"


@pytest.fixture
def hasher(monkeypatch: pytest.MonkeyPatch) -> Iterator[QuickHasher]:
    quick = QuickHasher()
    monkeypatch.setattr(people, "_hasher", quick)
    monkeypatch.setattr(people, "nobodys_hash", lambda: quick.hash("nobody's"))
    yield quick


@pytest.fixture
def ada(deployment: Deployment, hasher: QuickHasher) -> User:
    """An owner of two organizations, with a password."""
    ada = deployment.person("ada@calder.example", "Ada", PASSWORD)
    assert (deployment.found(ada), deployment.found(ada)) == (1, 2)
    return ada


def events(deployment: Deployment, organization: int, action: str) -> list[Event]:
    return [event for event in deployment.events(organization) if event.action == action]


def test_signing_in_gives_access_everywhere_and_records_it(deployment: Deployment, ada: User) -> None:
    token, session = deployment.sign_ins().sign_in(" ADA@calder.example ", PASSWORD, HERE)
    for organization in (1, 2):
        (event,) = events(deployment, organization, "user.login")
        assert (event.actor.email, event.details) == ("ada@calder.example", {"v": 1, "method": "password"})
        assert event.context == Context(HERE.ip, HERE.user_agent, HERE.request_id, session.id)
    with deployment.store.reading() as connection:
        found = find_session(connection, token, deployment.clock.now)
        assert found is not None
        assert found[0] == session
        assert find_session(connection, token, session.expires_at - 1)
        assert find_session(connection, token, session.expires_at) is None
        assert find_session(connection, token + "x", deployment.clock.now) is None
        assert find_session(connection, "\ud800\0", deployment.clock.now) is None
        (stored,) = connection.exec_driver_sql("SELECT token_hash FROM session").scalars()
    assert token.encode() not in bytes(stored)
    assert len(token) >= 43
    check_log(deployment.store)


def test_signing_out_ends_it_everywhere_and_records_it(deployment: Deployment, ada: User) -> None:
    signs = deployment.sign_ins()
    (first, session), (second, other) = (signs.sign_in(ada.email, PASSWORD, HERE) for _ in range(2))
    assert (session.id, first) != (other.id, second)
    sessions.sign_out(deployment.store, session, HERE)
    sessions.sign_out(deployment.store, session, HERE)  # twice does no harm
    for organization in (1, 2):
        (event,) = events(deployment, organization, "user.logout")
        assert (event.actor.id, event.context.session_id) == (ada.id, session.id)
    with deployment.store.reading() as connection:
        assert find_session(connection, first, deployment.clock.now) is None
        assert find_session(connection, second, deployment.clock.now)
        left = connection.exec_driver_sql("SELECT session FROM access").scalars().all()
    assert left == [other.id] * 2
    check_log(deployment.store)


def test_a_wrong_password_is_recorded_where_the_user_holds_a_seat(deployment: Deployment, ada: User) -> None:
    signs = deployment.sign_ins()
    for _ in range(3):
        with pytest.raises(NotAllowed, match="do not belong together"):
            signs.sign_in(ada.email, "wrong", HERE)
    for organization in (1, 2):
        failed = events(deployment, organization, "user.login_failed")
        assert [event.details for event in failed] == [
            {"v": 1, "reason": "Wrong password", "attempt": number} for number in (1, 2, 3)
        ]
        assert {(event.outcome, event.actor.id, event.actor.credential) for event in failed} == {
            ("failure", ada.id, None)
        }
    check_log(deployment.store)


def test_nobody_is_told_whether_an_account_exists(deployment: Deployment, ada: User, hasher: QuickHasher) -> None:
    """The same words, and the same work: one verification each."""
    deployment.person("nopassword@calder.example")
    signs = deployment.sign_ins()
    refusals = set()
    for email in (ada.email, "nobody@calder.example", "nopassword@calder.example"):
        before = len(hasher.asked)
        with pytest.raises(NotAllowed) as caught, capture_logs() as logged:
            signs.sign_in(email, "hash of nobody's", HERE)
        refusals.add(caught.value.message)
        assert len(hasher.asked) == before + 1
        # outside of any organization the security log is told instead
        told = [[entry[name] for name in ("event", "email", "ip", "reason", "attempt")] for entry in logged]
        assert told == ([] if email == ada.email else [["sign_in_failed", email, HERE.ip, "Wrong password", 1]])
    assert len(refusals) == 1
    with pytest.raises(NotAllowed):  # what nobody's password hashes to opens nothing
        signs.sign_in("nobody@calder.example", "nobody's", HERE)
    check_log(deployment.store)


def test_argon2_is_asked_for_somebody_who_does_not_exist() -> None:
    assert people.nobodys_hash().startswith("$argon2id$")
    hashed = people.hash_password(PASSWORD)
    assert people.password_fits(PASSWORD, hashed)
    assert not people.password_fits(PASSWORD + "x", hashed)
    assert not people.password_fits("a password that nobody has", None)
    assert people.hash_password(PASSWORD) != hashed


def test_attempts_are_limited_for_each_account(deployment: Deployment, ada: User, hasher: QuickHasher) -> None:
    signs = deployment.sign_ins()
    for _ in range(10):
        with pytest.raises(NotAllowed):
            signs.sign_in(ada.email, "wrong", HERE)
    asked = len(hasher.asked)
    for attempt in (PASSWORD, "wrong"):
        with pytest.raises(TooManyAttempts, match="Try again in 15 minutes"), capture_logs() as logged:
            signs.sign_in(ada.email.upper(), attempt, Context(ip="203.0.113.9"))  # from anywhere
        (entry,) = logged
        assert [entry[name] for name in ("event", "account", "what", "ip")] == [
            *("sign_in_limited", ada.email, "password", "203.0.113.9")
        ]
    assert len(hasher.asked) == asked
    assert len(events(deployment, 1, "user.login_failed")) == 10
    ben = deployment.person("ben@calder.example", None, PASSWORD)
    assert signs.sign_in(ben.email, PASSWORD, HERE)
    check_log(deployment.store)


def test_attempts_are_limited_for_each_network_address(deployment: Deployment, ada: User) -> None:
    signs = deployment.sign_ins()
    for number in range(50):
        with pytest.raises(NotAllowed):
            signs.sign_in(f"guess{number}@calder.example", "wrong", HERE)
    with pytest.raises(TooManyAttempts):
        signs.sign_in(ada.email, PASSWORD, HERE)
    assert signs.sign_in(ada.email, PASSWORD, Context(ip="203.0.113.9"))
    check_log(deployment.store)


def test_nobody_signs_in_without_end(sqlite_deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is recorded wherever they hold a seat, whatever their role."""
    monkeypatch.setattr(attempts, "SESSIONS", RateLimitItemPerMinute(3, attempts.WINDOW_MINUTES))
    ada, ben = (sqlite_deployment.person(f"{name}@calder.example", None, PASSWORD) for name in ("ada", "ben"))
    signs, number = sqlite_deployment.sign_ins(), sqlite_deployment.found(ada)
    for _ in range(3):
        signs.sign_in(ada.email, PASSWORD, HERE)
    size = sqlite_deployment.size(number)
    with pytest.raises(TooManyAttempts, match="Try again in 15 minutes"), capture_logs() as logged:
        signs.sign_in(ada.email, PASSWORD, HERE)
    assert sqlite_deployment.size(number) == size
    assert [(entry["event"], entry["account"], entry["what"]) for entry in logged] == [
        ("sign_in_limited", ada.id, "session")
    ]
    assert signs.sign_in(ben.email, PASSWORD, HERE)


def test_an_ipv6_network_counts_as_one_address(deployment: Deployment, ada: User, hasher: QuickHasher) -> None:
    signs = deployment.sign_ins()

    def guess(number: int, ip: str) -> None:
        signs.sign_in(f"guess{number}@calder.example", "wrong", Context(ip=ip))

    for number in range(50):
        with pytest.raises(NotAllowed):
            guess(number, f"2001:db8:0:7:{number:x}::1")
        with pytest.raises(NotAllowed):
            guess(number + 50, "::ffff:198.51.100.7")
    for refused in ("2001:db8:0:7::", "2001:db8:0:7:ffff:ffff:ffff:ffff", "198.51.100.7"):
        with pytest.raises(TooManyAttempts), capture_logs() as logged:
            signs.sign_in(ada.email, PASSWORD, Context(ip=refused))
        assert [entry["ip"] for entry in logged] == [refused]
    for other in ("2001:db8:0:8::1", "198.51.100.8", "fe80::1%eth0", "fe80::1%eth0"):
        assert signs.sign_in(ada.email, PASSWORD, Context(ip=other))
    check_log(deployment.store)


def test_success_is_not_counted(deployment: Deployment, ada: User) -> None:
    signs = deployment.sign_ins()
    for _ in range(12):
        assert signs.sign_in(ada.email, PASSWORD, HERE)
    for _ in range(9):
        with pytest.raises(NotAllowed):
            signs.sign_in(ada.email, "wrong", HERE)
    assert signs.sign_in(ada.email, PASSWORD, HERE)
    with pytest.raises(NotAllowed):
        signs.sign_in(ada.email, "wrong", HERE)
    assert events(deployment, 1, "user.login_failed")[-1].details["attempt"] == 1
    check_log(deployment.store)


def test_many_guesses_at_once_get_no_extra_tries(deployment: Deployment, ada: User, hasher: QuickHasher) -> None:
    signs = deployment.sign_ins()

    def guess(number: int) -> str:
        try:
            signs.sign_in(ada.email, f"guess {number}", HERE)
        except (NotAllowed, TooManyAttempts) as refusal:
            return type(refusal).__name__
        return "in"

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(guess, range(40)))
    assert len(hasher.asked) == answers.count("NotAllowed") == 10
    assert answers.count("TooManyAttempts") == 30
    check_log(deployment.store)


def test_half_an_address_or_a_huge_password_is_no_attempt_at_an_account(deployment: Deployment, ada: User) -> None:
    signs = deployment.sign_ins()
    for email in ("ada", "аda@calder.example", "ada@calder.example\0", ""):
        with pytest.raises(Invalid) as caught:
            signs.sign_in(email, PASSWORD, HERE)
        assert [problem.field for problem in caught.value.problems] == ["email"]
    for password in ("x" * 1_000_000, "", "\0", "é"):
        with pytest.raises(NotAllowed):
            signs.sign_in(ada.email, password, HERE)
    check_log(deployment.store)


def test_a_removed_member_signs_in_elsewhere_and_not_here(deployment: Deployment, ada: User) -> None:
    ben = deployment.person("ben@calder.example", None, PASSWORD)
    for organization in (1, 2):
        deployment.join(organization, ada, Role.MEMBER, ben)
    _, session = deployment.sign_ins().sign_in(ben.email, PASSWORD, HERE)
    deployment.act(ada, 1, RemoveMember(ben.id))
    with deployment.store.reading() as connection:
        assert connection.exec_driver_sql("SELECT organization FROM access").scalars().all() == [2]
    with pytest.raises(NotFound):
        sessions.enter(deployment.store, session, 1, HERE)
    sessions.sign_out(deployment.store, session, HERE)
    assert events(deployment, 1, "user.logout") == []
    assert len(events(deployment, 2, "user.logout")) == 1
    assert sessions.seated_in(deployment.store, ben.id) == [2]
    deployment.sign_ins().sign_in(ben.email, PASSWORD, HERE)
    assert len(events(deployment, 1, "user.login")) == 1
    check_log(deployment.store)


def test_a_seat_taken_away_while_signing_in_does_not_stop_it(
    deployment: Deployment, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    ben = deployment.person("ben@calder.example")
    deployment.join(2, ada, Role.MEMBER, ben)
    monkeypatch.setattr(sessions, "seated_in", lambda *_: [1, 2])
    _, session = sessions.start_session(deployment.store, ben, "password", HERE)
    assert [event.context.session_id for event in events(deployment, 2, "user.login")] == [session.id]
    assert events(deployment, 1, "user.login") == []
    check_log(deployment.store)


def test_entering_and_leaving_twice_is_recorded_once(deployment: Deployment, ada: User) -> None:
    ben = deployment.person()
    session = deployment.session(ben).id
    deployment.join(1, ada, Role.MEMBER, ben)
    assert deployment.attempt(ben, 1, LeaveOrganization(session), session) is NO_CHANGE
    deployment.enter(ben, 1, session)
    assert deployment.attempt(ben, 1, EnterOrganization("password"), session) is NO_CHANGE
    deployment.act(ben, 1, LeaveOrganization(session), session)
    assert deployment.attempt(ben, 1, LeaveOrganization(session), session) is NO_CHANGE
    deployment.check()


def test_access_of_ended_sessions_is_tidied_away_with_their_sittings(deployment: Deployment, ada: User) -> None:
    ben = deployment.person()
    old = deployment.session(ben).id
    deployment.join(1, ada, Role.AUDITOR, ben, old)
    deployment.act(ben, 1, OpenSitting(old), old)
    deployment.clock.go_on(SESSION_LIFETIME)
    _, session = sessions.start_session(deployment.store, ben, "password", HERE)
    with deployment.store.reading() as connection:
        rows = connection.exec_driver_sql(f"""SELECT session FROM access WHERE "user" = '{ben.id}'""").scalars().all()
        left = connection.exec_driver_sql("SELECT id FROM session").scalars().all()
        sittings = connection.exec_driver_sql("SELECT session FROM sitting").scalars().all()
    assert rows == left == [session.id]
    assert sittings == []
    check_log(deployment.store)


def test_a_session_is_touched(deployment: Deployment, ada: User) -> None:
    token, session = sessions.start_session(deployment.store, ada, "password", HERE)
    deployment.clock.go_on(3_600_000_000)
    sessions.touch(deployment.store, session)
    with deployment.store.reading() as connection:
        found: Any = find_session(connection, token, deployment.clock.now)
    assert found[1] == deployment.clock.now
    assert isinstance(found[0], Session)


def test_a_sign_in_that_is_on_its_way_does_not_outlive_its_password(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever signs in again and again with the old password gets in no more once it is another, also in the moment
    between the look at it and the session; nor does half of a sign-in stay, or that of an account that is deleted."""
    fits = people.password_fits
    for name, has_app in (("Ada", False), ("Ben", True)):
        user = deployment.person(name=name, password=PASSWORD)
        if has_app:
            deployment.add_app(user)

        def change_after(password: str, hashed: str | None, user: User = user) -> bool:
            answer = fits(password, hashed)
            deployment.act_everywhere(user, ChangePassword(user.id, hashed or "", "another"))
            return answer

        monkeypatch.setattr(people, "password_fits", change_after)
        with pytest.raises(NotAllowed, match="do not belong together"):
            deployment.sign_ins().sign_in(user.email, PASSWORD, Context(ip="192.0.2.7"))

    cem = deployment.person(password=PASSWORD)

    def delete_after(password: str, hashed: str | None) -> bool:
        answer = fits(password, hashed)
        deployment.act_everywhere(cem, DeleteUser(cem.id))
        return answer

    monkeypatch.setattr(people, "password_fits", delete_after)
    with pytest.raises(NotAllowed, match="do not belong together"):
        deployment.sign_ins().sign_in(cem.email, PASSWORD, Context(ip="192.0.2.7"))
    with deployment.store.reading() as connection:
        for table in ("session", "ceremony"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 0
