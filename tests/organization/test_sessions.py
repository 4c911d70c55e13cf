"""Sessions: what their person sees of them, where they are inside, and for how long."""

from __future__ import annotations

import pytest

from minutebook.errors import NotFound
from minutebook.model import HOUR, MINUTE, Context, Role, SecondFactor
from minutebook.organization import sessions, sittings
from minutebook.organization.held_seats import HeldSeat, held_seats
from minutebook.organization.sessions import SESSION_LIFETIME, EndSessions, LeaveOrganization, OwnSession, Session
from minutebook.organization.settings import ChangeSessionLifetime
from tests.support.deployment import START, Deployment


def test_people_see_their_sessions_that_live_the_last_used_first(deployment: Deployment) -> None:
    ada, ben = deployment.person(), deployment.person()
    begun: list[tuple[Session, int]] = []
    here, totp = Context(ip="192.0.2.7", user_agent="Firefox"), SecondFactor.TOTP
    for method, context, factor in (("passkey", here, SecondFactor.PASSKEY), ("password", Context(), totp)):
        session = sessions.start_session(deployment.store, ada, method, context, factor)[1]
        begun.append((session, session.expires_at - SESSION_LIFETIME))
        deployment.clock.go_on(HOUR)
    deployment.session(ben)
    (first, first_at), (second, second_at) = begun
    seen = OwnSession(second.id, "password", second_at, second_at, None, None, totp)
    old = OwnSession(first.id, "passkey", first_at, first_at, "192.0.2.7", "Firefox", None)
    with deployment.store.reading() as connection:
        assert sessions.sessions_of(connection, ada.id, deployment.clock.now) == [seen, old]
        for at, living in ((first.expires_at - 1, [seen, old]), (first.expires_at, [seen]), (second.expires_at, [])):
            assert sessions.sessions_of(connection, ada.id, at) == living
            assert [sessions.lives(connection, each.id, at) for each in (seen, old)] == [
                each in living for each in (seen, old)
            ]
        assert not sessions.lives(connection, "ses_nobody", START)
    sessions.touch(deployment.store, first)
    with deployment.store.reading() as connection:
        assert [one.id for one in sessions.sessions_of(connection, ada.id, START)] == [first.id, second.id]
    sessions.sign_out(deployment.store, first, Context())
    with deployment.store.reading() as connection:
        assert not sessions.lives(connection, first.id, START)


def test_people_end_others_of_their_sessions_and_never_those_of_others(deployment: Deployment) -> None:
    """Recorded where each was inside, and nowhere else."""
    ada, ben = deployment.person(), deployment.person()
    own, others = deployment.session(ada).id, deployment.session(ben).id
    second, third = (deployment.session(ada).id for _ in range(2))
    elsewhere, number = deployment.found(ada), deployment.found(ada, session=own)
    for session in (second, third):
        deployment.enter(ada, number, session)
    for session in (own, others, "ses_nobody"):
        with pytest.raises(NotFound):
            deployment.act_everywhere(ada, EndSessions(ada.id, session), own)
    (event,) = deployment.act_everywhere(ada, EndSessions(ada.id, second), own)
    assert (event.organization, event.details) == (number, {"v": 1, "sessions": [second]})
    assert living(deployment, ada.id) == {own, third}
    (event,) = deployment.act_everywhere(ada, EndSessions(ada.id), own)
    assert event.details == {"v": 1, "sessions": [third]}
    assert deployment.act_everywhere(ada, EndSessions(ada.id), own) == ()
    assert (living(deployment, ada.id), living(deployment, ben.id)) == ({own}, {others})
    assert deployment.size(elsewhere) == 1
    deployment.check()


def living(deployment: Deployment, user: str) -> set[str]:
    with deployment.store.reading() as connection:
        return {one.id for one in sessions.sessions_of(connection, user, START)}


def test_what_was_proven_besides_is_known_of_a_session(sqlite_deployment: Deployment) -> None:
    deployment = sqlite_deployment
    ada = deployment.person()
    for factor in (None, SecondFactor.TOTP):
        token, session = sessions.start_session(deployment.store, ada, "password", Context(), factor)
        with deployment.store.reading() as connection:
            found = sessions.find_session(connection, token, deployment.clock.now)
        assert found is not None
        assert (found[0], found[0].second_factor) == (session, factor)


def places(deployment: Deployment, user: str, session: str) -> dict[str, HeldSeat]:
    with deployment.store.reading() as connection:
        return {seat.organization.name: seat for seat in held_seats(connection, user, session)}


def test_where_somebody_holds_seats_and_until_when_they_are_inside(deployment: Deployment) -> None:
    ada, ben = deployment.person(), deployment.person()
    session = deployment.session(ada).id
    for name in ("zeta", "Beta", "alpha"):
        deployment.found(ben, name)
    calder = deployment.found(ada, "Calder", session=session)
    deployment.join(1, ben, Role.BILLING_MANAGER, ada, session)
    deployment.join(2, ben, Role.MEMBER, ada)
    found = places(deployment, ada.id, session)
    assert [(name, seat.role, seat.organization.number) for name, seat in found.items()] == [
        ("Beta", Role.MEMBER, 2),
        ("Calder", Role.OWNER, calder),
        ("zeta", Role.BILLING_MANAGER, 1),
    ]
    assert (found["Beta"].entered_at, found["Beta"].until) == (None, None)
    for seat in (found["Calder"], found["zeta"]):
        assert seat.entered_at is not None
        assert seat.until is None
        assert not seat.is_over(2**62)
    for number in (2, calder):
        deployment.act(None, number, ChangeSessionLifetime(12))
    found = places(deployment, ada.id, session)
    entered = found["Calder"].entered_at
    assert entered is not None
    assert found["Calder"].until == entered + 12 * HOUR
    assert [found["Calder"].is_over(entered + 12 * HOUR + late) for late in (-1, 0, 1)] == [False, True, True]
    assert (found["Beta"].until, found["zeta"].until) == (None, None)
    assert [seat.entered_at for seat in places(deployment, ada.id, "ses_another").values()] == [None] * 3
    deployment.act(ada, calder, LeaveOrganization(session), session)
    left = places(deployment, ada.id, session)["Calder"]
    assert (left.entered_at, left.until) == (None, None)
    assert places(deployment, "usr_nobody", session) == {}


def test_an_open_sitting_goes_on_without_a_write(sqlite_deployment: Deployment) -> None:
    deployment = sqlite_deployment
    ada = deployment.person()
    session = deployment.session(ada).id
    number = deployment.found(ada, session=session)
    seat = deployment.seat(ada, number, session)
    for later, size in ((0, 1), (29 * MINUTE, 0), (2 * MINUTE, 1)):
        deployment.clock.go_on(later)
        before = deployment.size(number)
        sittings.sit(deployment.store, seat, session, deployment.clock())
        assert deployment.size(number) == before + size
    assert deployment.events(number)[-1].actor.id == ada.id
