"""Seats: nobody changes their own, admins do not touch owners, and there is always an owner."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from minutebook.errors import Conflict, Forbidden, Invalid, MinutebookError, NotAllowed, NotFound, SignInAgain
from minutebook.model import DAY, Context, Role
from minutebook.organization import roster, sessions
from minutebook.organization.people import User
from minutebook.organization.seats import ChangeRole, EndMemberSessions, RemoveMember, TransferOwnership
from minutebook.organization.sessions import EnterOrganization
from minutebook.organization.sittings import OpenSitting
from minutebook.record import NO_CHANGE, Command
from tests.support.check_log import check_log
from tests.support.deployment import Deployment

OWNER, ADMIN, AUDITOR, BILLING, MEMBER = Role
TOP = {OWNER, AUDITOR}


def roles(deployment: Deployment, organization: int) -> dict[str, Role]:
    with deployment.store.reading() as connection:
        return {person.id: role for person, role, _ in roster.everyone(connection, organization)}


def test_nobody_changes_their_own_seat(deployment: Deployment) -> None:
    ada = deployment.person()
    organization = deployment.found(ada)
    ben = deployment.join(organization, ada, OWNER)
    cleo = deployment.join(organization, ada, ADMIN)
    for person in (ada, ben, cleo):
        for role in Role:
            with pytest.raises(NotAllowed, match="cannot change your own role"):
                deployment.act(person, organization, ChangeRole(person.id, role))
        with pytest.raises(NotAllowed, match="cannot remove yourself"):
            deployment.act(person, organization, RemoveMember(person.id))
    assert roles(deployment, organization) == {ada.id: OWNER, ben.id: OWNER, cleo.id: ADMIN}
    deployment.check()


def test_an_admin_neither_makes_nor_unmakes_owners_and_auditors(deployment: Deployment) -> None:
    ada = deployment.person()
    organization = deployment.found(ada, seat_limit=100)
    admin = deployment.join(organization, ada, ADMIN)
    holders = {role: deployment.join(organization, ada, role) for role in Role}
    for before in Role:
        for after in Role:
            command = ChangeRole(holders[before].id, after)
            if {before, after} & TOP:
                with pytest.raises(NotAllowed, match=r"Only an owner makes someone (owner|auditor)"):
                    deployment.act(admin, organization, command)
            elif before is after:
                assert deployment.attempt(admin, organization, command) is NO_CHANGE
            else:
                event = deployment.act(admin, organization, command)
                assert event.details["role"] == {"before": before, "after": after}
                deployment.act(ada, organization, ChangeRole(holders[before].id, before))
    for role, holder in holders.items():
        if role in TOP:
            with pytest.raises(NotAllowed):
                deployment.act(admin, organization, RemoveMember(holder.id))
        else:
            assert deployment.act(admin, organization, RemoveMember(holder.id)).details["role"] == role
    deployment.check()


def test_an_owner_does(deployment: Deployment) -> None:
    ada = deployment.person()
    organization = deployment.found(ada)
    ben = deployment.join(organization, ada, MEMBER)
    for role in (AUDITOR, OWNER, BILLING, ADMIN, OWNER):
        event = deployment.act(ada, organization, ChangeRole(ben.id, role))
        assert event.details["member"] == {"id": ben.id, "email": ben.email, "name": ben.name}
        assert [(target.kind, target.id, target.name) for target in event.targets] == [("user", ben.id, ben.email)]
    deployment.act(ben, organization, ChangeRole(ada.id, MEMBER))
    assert roles(deployment, organization) == {ada.id: MEMBER, ben.id: OWNER}
    deployment.check()


def test_there_is_always_an_owner(deployment: Deployment) -> None:
    """Even the operator, who needs no seat, cannot take the last one; owners of others are none here."""
    ada = deployment.person()
    organization = deployment.found(ada)
    elsewhere = deployment.found(deployment.person())
    deployment.join(elsewhere, None, OWNER, ada)
    for command in (ChangeRole(ada.id, ADMIN), RemoveMember(ada.id)):
        with pytest.raises(Conflict, match="always has an owner"):
            deployment.act(None, organization, command)
    ben = deployment.join(organization, ada, OWNER)
    deployment.act(None, organization, RemoveMember(ada.id))
    for command in (ChangeRole(ben.id, MEMBER), RemoveMember(ben.id)):
        with pytest.raises(Conflict, match="always has an owner"):
            deployment.act(None, organization, command)
    deployment.check()


def test_the_role_that_one_has_changes_nothing(deployment: Deployment) -> None:
    ada = deployment.person()
    organization = deployment.found(ada)
    ben = deployment.join(organization, ada, BILLING)
    size = deployment.size(organization)
    assert deployment.attempt(ada, organization, ChangeRole(ben.id, BILLING)) is NO_CHANGE
    assert deployment.size(organization) == size
    deployment.check()


def test_a_new_role_holds_from_the_next_act(deployment: Deployment) -> None:
    ada = deployment.person()
    organization = deployment.found(ada)
    ben, cleo = (deployment.join(organization, ada, role) for role in (ADMIN, MEMBER))
    deployment.act(ben, organization, ChangeRole(cleo.id, BILLING))
    deployment.act(ada, organization, ChangeRole(ben.id, MEMBER))
    with pytest.raises(Exception, match="The role member may not invite, remove or change people"):
        deployment.act(ben, organization, ChangeRole(cleo.id, ADMIN))
    deployment.act(ada, organization, RemoveMember(ben.id))
    with pytest.raises(NotFound):
        deployment.act(ben, organization, ChangeRole(cleo.id, ADMIN))
    deployment.check()


def test_only_who_is_there_can_be_changed(deployment: Deployment) -> None:
    ada, stranger = deployment.person(), deployment.person()
    organization, elsewhere = deployment.found(ada), deployment.found(stranger)
    for user in (stranger.id, "usr_nobody", "", "x" * 10_000):
        for command in (ChangeRole(user, MEMBER), RemoveMember(user)):
            with pytest.raises(NotFound):
                deployment.act(ada, organization, command)
    assert roles(deployment, elsewhere) == {stranger.id: OWNER}
    deployment.check()


def test_removing_ends_every_access_at_once_and_they_can_come_back(deployment: Deployment) -> None:
    ada, ben = deployment.person(), deployment.person()
    organization = deployment.found(ada)
    sessions = [deployment.session(ben).id for _ in range(2)]
    deployment.join(organization, ada, MEMBER, ben, sessions[0])
    deployment.enter(ben, organization, sessions[1])
    assert access_of(deployment, ben) == set(sessions)
    deployment.act(ada, organization, RemoveMember(ben.id))
    assert access_of(deployment, ben) == set()
    with pytest.raises(NotFound):
        deployment.enter(ben, organization, sessions[1])
    deployment.join(organization, ada, ADMIN, ben, sessions[0])
    assert access_of(deployment, ben) == {sessions[0]}
    deployment.check()


def access_of(deployment: Deployment, user: User) -> set[str]:
    with deployment.store.reading() as connection:
        rows = connection.exec_driver_sql(f"""SELECT session FROM access WHERE "user" = '{user.id}'""")
        return set(rows.scalars())


def test_an_owner_hands_over_and_steps_down_in_one_act(deployment: Deployment) -> None:
    ada = deployment.person()
    organization = deployment.found(ada)
    ben, cleo = deployment.join(organization, ada, MEMBER), deployment.join(organization, ada, OWNER)
    for command, error in (
        (TransferOwnership(ada.id, ADMIN), NotAllowed),
        (TransferOwnership(cleo.id, ADMIN), Conflict),
        (TransferOwnership(ben.id, OWNER), Invalid),
        (TransferOwnership("usr_nobody", ADMIN), NotFound),
    ):
        with pytest.raises(error):
            deployment.act(ada, organization, command)
    with pytest.raises(NotAllowed):
        deployment.act(None, organization, TransferOwnership(ben.id, ADMIN))
    event = deployment.act(ada, organization, TransferOwnership(ben.id, BILLING))
    assert event.details["role"] == {"before": "member", "after": "owner"}
    assert event.details["own"] == {"before": "owner", "after": "billing_manager"}
    assert roles(deployment, organization) == {ada.id: BILLING, ben.id: OWNER, cleo.id: OWNER}
    with pytest.raises(Forbidden):
        deployment.act(ada, organization, TransferOwnership(cleo.id, ADMIN))
    deployment.check()


def test_an_owner_is_left_however_many_hand_over_at_once(deployment: Deployment) -> None:
    """R9: two owners hand over to each other's choice while each demotes the other."""
    ada = deployment.person()
    organization = deployment.found(ada)
    ben, cleo = deployment.join(organization, ada, OWNER), deployment.join(organization, ada, MEMBER)
    for _ in range(12):
        attempts = [
            (ada, TransferOwnership(cleo.id, MEMBER)),
            (ben, TransferOwnership(cleo.id, MEMBER)),
            (ada, ChangeRole(ben.id, MEMBER)),
            (ben, ChangeRole(ada.id, MEMBER)),
        ]
        start = threading.Barrier(len(attempts))

        def attempt(
            number: int, attempts: list[tuple[User, Command]] = attempts, start: threading.Barrier = start
        ) -> None:
            user, command = attempts[number]
            start.wait()
            with suppress(MinutebookError):
                deployment.told.perform(deployment.store, f"{number}", deployment.seat(user, organization), command)

        with ThreadPoolExecutor(len(attempts)) as pool:
            list(pool.map(attempt, range(len(attempts))))
        left = roles(deployment, organization)
        assert OWNER in left.values()
        for user, role in ((ada, OWNER), (ben, OWNER), (cleo, MEMBER)):
            if left[user.id] is not role:
                deployment.act(None, organization, ChangeRole(user.id, role))
    deployment.check()


def test_sessions_that_were_ended_do_not_get_in_again_and_new_ones_do(deployment: Deployment) -> None:
    ada, ben = deployment.person(), deployment.person()
    old = deployment.session(ben).id
    organization, other = deployment.found(ada), deployment.found(ada)
    deployment.join(organization, ada, Role.AUDITOR, ben, old)
    deployment.join(other, ada, Role.MEMBER, ben, old)
    deployment.act(ben, organization, OpenSitting(old), old)
    deployment.act(ada, organization, EndMemberSessions(ben.id))
    with deployment.store.reading() as connection:
        statement = f"SELECT organization FROM access WHERE session = '{old}'"
        assert connection.exec_driver_sql(statement).scalars().all() == [other]
        assert connection.exec_driver_sql("SELECT session FROM sitting").scalars().all() == []
    with pytest.raises(SignInAgain):
        deployment.enter(ben, organization, old)
    _, new = sessions.start_session(deployment.store, ben, "password", Context())
    assert deployment.attempt(ben, organization, EnterOrganization("password"), new.id) is NO_CHANGE
    deployment.clock.go_on(-DAY)  # it is set back: what began later than now is ended all the same
    deployment.act(ada, organization, EndMemberSessions(ben.id))
    with pytest.raises(SignInAgain):
        deployment.enter(ben, organization, new.id)
    _, newer = sessions.start_session(deployment.store, ben, "password", Context())
    assert deployment.attempt(ben, organization, EnterOrganization("password"), newer.id) is NO_CHANGE
    deployment.act(ada, organization, EndMemberSessions(ben.id))
    with pytest.raises(SignInAgain):
        deployment.enter(ben, organization, newer.id)
    check_log(deployment.store)


def test_nobody_ends_the_sessions_of_who_is_above_them_or_their_own(deployment: Deployment) -> None:
    ada, admin = deployment.person(), deployment.person()
    organization = deployment.found(ada)
    deployment.join(organization, ada, Role.ADMIN, admin)
    with pytest.raises(NotAllowed, match="Only an owner"):
        deployment.act(admin, organization, EndMemberSessions(ada.id))
    with pytest.raises(NotAllowed, match="You cannot end your own sessions here"):
        deployment.act(ada, organization, EndMemberSessions(ada.id))
    with pytest.raises(NotFound):
        deployment.act(ada, organization, EndMemberSessions("usr_0"))
    deployment.check()
