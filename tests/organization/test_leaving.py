"""Leaving an organization, and deleting an account: never the last owner, and nothing is left behind that acts."""

from __future__ import annotations

import pytest

from minutebook.errors import Conflict, NotFound
from minutebook.model import DAY, Role
from minutebook.organization import links, people, saved_searches
from minutebook.organization.account_deletion import DeleteUser
from minutebook.organization.people import User
from minutebook.organization.saved_searches import SaveSearch
from minutebook.organization.seats import GiveUpSeat
from minutebook.organization.tokens import CreateToken
from tests.support.deployment import Deployment


def rows(deployment: Deployment, table: str, user: User) -> int:
    with deployment.store.reading() as connection:
        statement = f"""SELECT count(*) FROM {table} WHERE "user" = '{user.id}'"""
        return int(connection.exec_driver_sql(statement).scalar_one())


def test_who_leaves_has_no_access_and_may_come_back(deployment: Deployment) -> None:
    ada, ben = deployment.person(), deployment.person()
    session = deployment.session(ben).id
    organization = deployment.found(ada)
    deployment.join(organization, ada, Role.ADMIN, ben, session)
    deployment.act(ben, organization, SaveSearch("Mine", "outcome:denied", shared=False))
    event = deployment.act(ben, organization, GiveUpSeat(), session)
    assert (event.actor.id, event.details) == (ben.id, {"v": 1, "role": "admin"})
    assert rows(deployment, "seat", ben) == rows(deployment, "access", ben) == 0
    with pytest.raises(NotFound):
        deployment.act(ben, organization, GiveUpSeat(), session)
    deployment.join(organization, ada, Role.MEMBER, ben)
    with pytest.raises(Conflict, match="always has an owner"):
        deployment.act(ada, organization, GiveUpSeat())
    deployment.check()


def test_a_deleted_account_leaves_all_organizations_and_stays_in_their_logs(deployment: Deployment) -> None:
    ada, ben = deployment.person(name="Ada"), deployment.person(name="Ben")
    session = deployment.session(ben).id
    first, second, alone = (deployment.found(owner) for owner in (ada, ada, ben))
    deployment.join(first, ada, Role.ADMIN, ben, session)
    deployment.join(second, ada, Role.OWNER, ben)
    deployment.act(ben, first, SaveSearch("Shared", "outcome:denied", shared=True))
    token = deployment.act(ben, first, CreateToken("SIEM", ("log.read",), 1, "a secret")).details["token"]
    links.new_link(deployment.store, links.SIGN_IN, lifetime=DAY, user=ben.id)
    with pytest.raises(Conflict, match=r"There is no other owner of Calder\. Make"):
        deployment.act_everywhere(ben, DeleteUser(ben.id))
    another = deployment.found(ben, "Another")
    with pytest.raises(Conflict, match=r"no other owner of Another, Calder\. Make someone else owner first\.$"):
        deployment.act_everywhere(ben, DeleteUser(ben.id))
    deployment.join(another, None, Role.OWNER, ada)
    assert rows(deployment, "seat", ben) == 4
    deployment.join(alone, None, Role.OWNER, ada)
    with pytest.raises(NotFound):
        deployment.act_everywhere(ada, DeleteUser(ben.id))
    events = deployment.act_everywhere(ben, DeleteUser(ben.id), session)
    assert [event.organization for event in events] == [first, second, alone, another]
    assert {str(event.details["role"]) for event in events} == {"admin", "owner"}
    for table in ("seat", "access", "session", "link"):
        assert rows(deployment, table, ben) == 0
    with deployment.store.reading() as connection:
        assert people.find_user(connection, ben.email) is None
        (search,) = saved_searches.searches(connection, first, ada.id)
    assert search.saver == "somebody whose account was deleted"
    deployment.read_by_token(first, str(token))
    assert {event.actor.name for event in deployment.events(first) if event.actor.id == ben.id} == {"Ben"}
    again = deployment.person(ben.email)
    assert again.id != ben.id
    deployment.check()
