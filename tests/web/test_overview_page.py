"""Overview: what an organization's people find first, each what they may see."""

from __future__ import annotations

from minutebook.custody.clock import RecordForwardStep
from minutebook.errors import StoreUnavailable
from minutebook.model import DAY, Plan, Role
from minutebook.organization.credits import BuyCredits
from minutebook.organization.invitations import InvitePerson
from minutebook.organization.organizations import ChangePlan
from minutebook.organization.seats import ChangeRole
from tests.support.dashboard import Dashboard, heading, told

PENDING = "Pending invitations 1 holds a seat"


def test_each_role_sees_what_it_may(dashboard: Dashboard) -> None:
    owner = dashboard.people[Role.OWNER]
    dashboard.deployment.act(owner, dashboard.number, BuyCredits(250_000, "inv-1"))
    dashboard.deployment.act(owner, dashboard.number, InvitePerson("pending@calder.example", Role.MEMBER, "token"))
    seen = {role: told(dashboard.signed_in(role).get(dashboard.path())) for role in Role}
    for role, shown in seen.items():
        assert "Seats taken 5 of 20" in shown
        assert (PENDING in shown) == (role in (Role.OWNER, Role.ADMIN)), role
        assert ("Balance $2,500.00" in shown) == (role in (Role.OWNER, Role.ADMIN, Role.BILLING_MANAGER)), role
        assert ("Recent acts" in shown) == (role in (Role.OWNER, Role.ADMIN, Role.AUDITOR)), role
        assert ("Bought" in shown) == ("Recent acts" in shown)


def test_reading_the_newest_acts_is_recorded_once(dashboard: Dashboard) -> None:
    ada, owner = dashboard.signed_in(Role.OWNER), dashboard.people[Role.OWNER]
    dashboard.deployment.act(owner, dashboard.number, ChangeRole(dashboard.people[Role.MEMBER].id, Role.ADMIN))
    before = dashboard.recorded()
    page = ada.follow(ada.get("/"))
    assert heading(page) == "Calder Robotics"
    assert dashboard.last().action == "log.view"
    assert "Changed role of Some Member" in told(page)
    ada.get(dashboard.path())
    assert dashboard.recorded() == before + 1
    dashboard.deployment.act(None, dashboard.number, ChangePlan(Plan.TEAMS, 20))
    before = dashboard.recorded()
    assert "Recent acts" not in told(dashboard.signed_in(Role.AUDITOR).get(dashboard.path()))
    assert dashboard.events()[-1].action == "user.login"
    assert dashboard.recorded() == before + 1


def test_without_a_record_of_it_nothing_of_the_log_is_shown(dashboard: Dashboard) -> None:
    ada = dashboard.signed_in(Role.OWNER)

    def refuse() -> None:
        raise StoreUnavailable

    acting, dashboard.store.acting = dashboard.store.acting, refuse  # type: ignore[method-assign, assignment]
    try:
        shown = told(ada.get(dashboard.path()))
    finally:
        dashboard.store.acting = acting  # type: ignore[method-assign]
    assert "The log cannot be read just now" in shown
    assert "Created the organization" not in shown
    assert "Seats taken 5 of 20" in shown


def test_what_needs_attention_is_said_to_those_who_can_do_something(dashboard: Dashboard) -> None:
    owner = dashboard.people[Role.OWNER]
    for name in ("one", "two"):
        dashboard.deployment.act(owner, dashboard.number, InvitePerson(f"{name}@calder.example", Role.MEMBER, name))
    dashboard.deployment.clock.go_on(8 * DAY)
    dashboard.deployment.act(owner, dashboard.number, InvitePerson("late@calder.example", Role.MEMBER, "late"))
    dashboard.deployment.act(None, dashboard.number, ChangePlan(Plan.ENTERPRISE, 6))
    dashboard.deployment.act(None, dashboard.number, RecordForwardStep(1, 2))
    shown = told(dashboard.signed_in(Role.OWNER).get(dashboard.path()))
    assert "All seats are taken or held by invitations" in shown
    assert "2 invitations can no longer be accepted" in shown
    assert "Confirm the clock" in shown
    assert "Signing of the log is behind" in shown
    admin = told(dashboard.signed_in(Role.ADMIN).get(dashboard.path()))
    assert "All seats are taken" in admin
    assert "Confirm the clock" not in admin
    assert "Nothing, just now" in told(dashboard.signed_in(Role.MEMBER).get(dashboard.path()))
