"""Organizations: how one begins, and who changes its plan."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import pytest

from minutebook.errors import Invalid, NotAllowed, NotFound
from minutebook.model import DAY, Event, Plan
from minutebook.organization import links, organizations, people
from minutebook.organization.organizations import ChangePlan, CreateOrganization, Organization, RenameOrganization
from minutebook.organization.people import User
from minutebook.organization.set_up import SetUpDeployment, is_set_up
from minutebook.organization.settings import FIRST
from minutebook.record import NO_CHANGE
from tests.support.deployment import Deployment


def test_an_organization_begins_with_its_first_event(deployment: Deployment) -> None:
    ada = deployment.person("ada@calder.example", "Ada")
    session = deployment.session(ada).id
    command = CreateOrganization("  Calder \t Systems ", ada, Plan.ENTERPRISE, 7, "a demo")
    event = deployment.act(ada, 0, command, session)
    public_id = str(event.details["id"])
    assert re.fullmatch(r"org_[a-z2-7]{12}", public_id)
    assert event.seq == 0
    assert event.details == {
        "v": 1,
        "id": public_id,
        "name": "Calder Systems",
        "plan": "enterprise",
        "seat_limit": 7,
        "owner": {"id": ada.id, "email": "ada@calder.example", "name": "Ada"},
        "settings": {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(FIRST).items()},
        "remark": "a demo",
    }
    assert [(target.kind, target.name) for target in event.targets] == [
        ("organization", "Calder Systems"),
        ("user", "ada@calder.example"),
    ]
    expected = Organization(event.organization, public_id, "Calder Systems", Plan.ENTERPRISE, 7, event.recorded_at)
    with deployment.store.reading() as connection:
        assert organizations.find_organization(connection, public_id) == expected
        assert organizations.read_organization(connection, event.organization) == expected
        assert organizations.find_organization(connection, "org_nothing") is None
        # the founder's session is in, because they founded it in it
        assert connection.exec_driver_sql("SELECT session FROM access").scalar_one() == session
    deployment.check()


def test_an_operator_founds_for_somebody_else(deployment: Deployment) -> None:
    ada = deployment.person()
    event = deployment.act(None, 0, CreateOrganization("Calder", ada))
    assert (event.actor.kind, event.details["plan"], event.details["seat_limit"]) == ("system", "teams", 10)
    with deployment.store.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM access").scalar_one() == 0
    deployment.check()


def test_many_are_founded_at_once(deployment: Deployment) -> None:
    people = [deployment.person() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(deployment.found, people))
    assert len(set(numbers)) == 8
    assert len(deployment.check()) == 8
    with deployment.store.reading() as connection:
        assert len(organizations.all_organizations(connection)) == 8


def test_what_cannot_be_an_organization_is_refused_and_leaves_no_log(deployment: Deployment) -> None:
    ada = deployment.person()
    for name in ("", " ", "a\0b", "a\nb", "a" * 101, "\ud800"):
        with pytest.raises(Invalid) as caught:
            deployment.act(ada, 0, CreateOrganization(name, ada))
        assert [problem.field for problem in caught.value.problems] == ["name"]
    for seats in (0, -1, 100_001, 2**70):
        with pytest.raises(Invalid) as caught:
            deployment.act(ada, 0, CreateOrganization("Calder", ada, seat_limit=seats))
        assert [problem.field for problem in caught.value.problems] == ["seat_limit"]
    assert deployment.check() == {}


def test_a_new_name_is_recorded_with_the_old_one(deployment: Deployment) -> None:
    ada = deployment.person()
    deployment.found(ada)
    event = deployment.act(ada, 1, RenameOrganization(" Calder  Robotics "))
    assert event.details == {"v": 1, "section": "Name", "name": {"before": "Calder", "after": "Calder Robotics"}}
    with deployment.store.reading() as connection:
        assert organizations.read_organization(connection, 1).name == "Calder Robotics"
    assert deployment.attempt(ada, 1, RenameOrganization("Calder Robotics")) is NO_CHANGE
    with pytest.raises(Invalid) as caught:
        deployment.act(ada, 1, RenameOrganization("a\0b"))
    assert [problem.field for problem in caught.value.problems] == ["name"]
    deployment.check()


def test_only_the_operator_changes_the_plan(deployment: Deployment) -> None:
    ada = deployment.person()
    deployment.found(ada, plan=Plan.TEAMS, seat_limit=5)
    with pytest.raises(NotAllowed, match="Only whoever runs Minutebook"):
        deployment.act(ada, 1, ChangePlan(Plan.ENTERPRISE, 500))
    event = deployment.act(None, 1, ChangePlan(Plan.ENTERPRISE, 5))
    assert event.details == {"v": 1, "section": "Plan", "plan": {"before": "teams", "after": "enterprise"}}
    assert deployment.attempt(None, 1, ChangePlan(Plan.ENTERPRISE, 5)) is NO_CHANGE
    event = deployment.act(None, 1, ChangePlan(Plan.TEAMS, 6))
    assert event.details["seat_limit"] == {"before": "5", "after": "6"}
    with pytest.raises(Invalid, match="from 1 to 100,000"):
        deployment.act(None, 1, ChangePlan(Plan.TEAMS, 0))
    deployment.check()


def test_a_deployment_is_set_up_once_by_its_link(sqlite_deployment: Deployment) -> None:
    """Who founds it is its first user, and owner; nothing of it stays when it is refused."""
    deployment = sqlite_deployment
    store = deployment.store
    token = links.new_link(store, links.SET_UP, lifetime=DAY)
    way_in = links.new_link(store, links.SIGN_IN, lifetime=DAY, user=deployment.person("ben@calder.example").id)
    ada = people.new_user("ada@calder.example", "Ada", store.randomness)
    taken = people.new_user("ben@calder.example", "Ben", store.randomness)

    def set_up(user: User, token: str) -> Event:
        return deployment.act(user, 0, SetUpDeployment("Calder", user, token=token, password_hash="a hash"))

    for wrong in ("no token", way_in):
        with pytest.raises(NotFound):
            set_up(ada, wrong)
    with pytest.raises(Invalid, match=r"^ben@calder\.example already has an account\.$") as caught:
        set_up(taken, token)
    assert [problem.field for problem in caught.value.problems] == ["email"]
    with store.reading() as connection:
        assert not is_set_up(connection)
    event = set_up(ada, token)
    assert event.details["owner"] == {"id": ada.id, "email": ada.email, "name": "Ada"}
    with store.reading() as connection:
        assert is_set_up(connection)
        assert (ada, event.recorded_at) in people.all_users(connection)
        assert people.password_hash_of(connection, ada.id) == "a hash"
    with pytest.raises(NotFound):
        set_up(people.new_user("eve@calder.example", "Eve", store.randomness), token)
    late = links.new_link(store, links.SET_UP, lifetime=DAY)
    deployment.clock.go_on(DAY)
    with pytest.raises(NotFound):
        set_up(people.new_user("eve@calder.example", "Eve", store.randomness), late)
    deployment.check()
