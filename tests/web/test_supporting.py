"""Support staff in the dashboard: the way in, what everybody sees while it lasts, and the end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from minutebook.errors import NotSignedIn
from minutebook.model import HOUR, Context, Event, Role, Seat, from_micros
from minutebook.organization import support
from minutebook.organization.auditor_links import CreateLink
from minutebook.organization.people import User
from minutebook.organization.seats import EndMemberSessions
from minutebook.organization.second_factor_rule import REQUIRED, ChangeSecondFactor
from minutebook.organization.support import Grant, GrantSupport
from minutebook.store import schema
from minutebook.web.following import must_read
from tests.support.check_log import check_log
from tests.support.dashboard import Dashboard, Somebody, heading, told
from tests.support.reader import rows

access = schema.access.c
TOKEN = "the-token-of-a-link"
WHY = "Ticket 4711: <b>invitations</b>"


class LetIn:
    """Sam of support staff, who has a link into Calder Robotics."""

    def __init__(self, dashboard: Dashboard, *may: str) -> None:
        self.dashboard = dashboard
        self.sam: User = dashboard.person("sam@minutebook.example", "Sam Stone")
        support.change_staff(dashboard.store, self.sam.id, to=True)
        dashboard.deployment.act(None, dashboard.number, GrantSupport(self.sam.id, WHY, HOUR, may, TOKEN))
        self.browser = dashboard.signed_in(self.sam)

    @property
    def grant(self) -> Grant:
        with self.dashboard.store.reading() as connection:
            return support.all_grants(connection, self.dashboard.number)[0]

    def enter(self) -> Somebody:
        self.browser.follow(self.browser.get(f"/support/{TOKEN}"))
        entered = self.browser.post("/support")
        assert entered.headers["location"] == self.dashboard.path("members")
        return self.browser

    @property
    def end_path(self) -> str:
        return self.dashboard.path("support", self.grant.id, "end")


def test_the_way_in_and_out(dashboard: Dashboard) -> None:
    """By the link alone, once; what is done is under both names, and nothing of it is left behind the end."""
    let_in = LetIn(dashboard, "change modes")
    sam, let_in_by = let_in.browser, let_in.grant.granted_by
    assert sam.get(dashboard.path("members")).status_code == 404
    link = sam.follow(sam.get(f"/support/{TOKEN}"))
    assert heading(link) == "Support of Calder Robotics"
    assert WHY in told(link)
    assert "You may read and change modes." in told(link)
    assert sam.get(dashboard.path("members")).status_code == 404, "a look at the link is no entry"
    assert sam.post("/support").headers["location"] == dashboard.path("members")
    members = sam.get(dashboard.path("members"))
    assert members.status_code == 200
    assert "Support staff" in told(members)
    assert "Invite people" not in told(members)
    assert sam.get("/").headers["location"] == dashboard.path()
    assert "1 organization Calder RoboticsSupport staff" in told(sam.get("/organizations"))
    for page in ("models", "settings", "modes", "credits", "sso", "audit-logs", "integrity"):
        assert sam.get(dashboard.path(page)).status_code == 200, page
    assert sam.post(dashboard.path("modes", "new"), {"name": "Triage"}).status_code == 303
    refused = sam.post(dashboard.path("sso"), {"domain": "x.example"})
    assert (refused.status_code, "Support staff may not set or remove" in told(refused)) == (403, True)
    for page in ("tokens", "auditor-links", "retention", "invitations/new"):
        assert sam.get(dashboard.path(page)).status_code == 403, page
    denied = dashboard.denied()
    assert {(event.actor.kind, event.actor.on_behalf_of) for event in denied} == {("support", let_in.grant.granted_by)}
    assert {event.details.get("role") for event in denied} == {None}
    assert sam.post(let_in.end_path).headers["location"] == "/"
    assert sam.get(dashboard.path("members")).status_code == 404
    assert sam.get("/").headers["location"] == "/organizations/new"
    mine = [event for event in dashboard.events() if event.actor.id == let_in.sam.id]
    done = [event.action for event in mine if event.action != "access.denied"]
    assert done == ["support.enter", "log.view", "mode.create", "support.leave"]
    assert {(event.actor.kind, event.actor.on_behalf_of) for event in mine} == {("support", let_in_by)}
    sam.get(f"/support/{TOKEN}")
    assert sam.get("/support").status_code == 410
    check_log(dashboard.store)


def test_a_link_is_for_nobody_else(light_dashboard: Dashboard) -> None:
    let_in = LetIn(light_dashboard)
    for somebody in (light_dashboard.signed_in(Role.OWNER), light_dashboard.anybody()):
        somebody.get(f"/support/{TOKEN}")
        answers = [somebody.get("/support"), somebody.post("/support")]
        if somebody.user:
            assert [answer.status_code for answer in answers] == [410, 410]
            assert "Calder" not in answers[0].text
        else:
            assert answers[0].headers["location"] == "/sign-in?next=%2Fsupport"
            assert answers[1].status_code == 401
    assert let_in.grant.entered_at is None
    let_in.enter()
    other = light_dashboard.signed_in(let_in.sam)  # another browser of the same person
    assert other.get(light_dashboard.path("members")).status_code == 404


def test_everybody_in_the_organization_sees_who_why_and_until_when(light_dashboard: Dashboard) -> None:
    """From when they are let in until it is over; owners and they themselves have the button that ends it."""
    let_in = LetIn(light_dashboard)
    until = from_micros(let_in.grant.expires_at) + timedelta(0)
    sam = let_in.enter()
    everybody = [(role, light_dashboard.signed_in(role)) for role in Role]
    for role, somebody in [*everybody, (None, sam)]:
        page = somebody.get(light_dashboard.path("members"))
        assert "Sam Stone (sam@minutebook.example) of support staff is let in until" in told(page), role
        assert WHY in told(page)
        assert "<b>invitations" not in page.text
        assert f'datetime="{until:%Y-%m-%dT%H:%M:%S}' in page.text
        button = {Role.OWNER: "End access", None: "Leave"}.get(role)
        assert (let_in.end_path in page.text) == bool(button)
        assert button is None or button in told(page)
    end = let_in.end_path
    assert dict(everybody)[Role.ADMIN].post(end).status_code == 403
    ada = dict(everybody)[Role.OWNER]
    assert "access of support staff is over" in told(ada.follow(ada.post(end)))
    assert "of support staff is let in" not in told(ada.get(light_dashboard.path("members")))
    assert sam.get(light_dashboard.path("members")).status_code == 404
    assert light_dashboard.last().actor.email == "ada@calder.example"


def test_when_the_time_is_over_it_ends_by_itself(light_dashboard: Dashboard) -> None:
    let_in = LetIn(light_dashboard)
    sam = let_in.enter()
    light_dashboard.deployment.clock.go_on(HOUR)
    assert sam.get(light_dashboard.path("audit-logs")).status_code == 404
    ada = light_dashboard.signed_in(Role.OWNER)
    assert "of support staff is let in" not in told(ada.get(light_dashboard.path("members")))


def test_a_second_factor_that_is_required_is_required_of_them_too(light_dashboard: Dashboard) -> None:
    sam = LetIn(light_dashboard).enter()
    assert sam.get(light_dashboard.path("audit-logs")).status_code == 200
    light_dashboard.deployment.act(None, light_dashboard.number, ChangeSecondFactor(REQUIRED))
    for page in ("members", "audit-logs"):
        refused = sam.get(light_dashboard.path(page))
        assert (refused.status_code, "requires a second factor" in told(refused)) == (403, True)


def test_to_be_let_in_is_no_way_back_for_a_session_that_was_ended(light_dashboard: Dashboard) -> None:
    let_in, deployment, number = LetIn(light_dashboard), light_dashboard.deployment, light_dashboard.number
    owner, sam = light_dashboard.people[Role.OWNER], let_in.sam
    deployment.join(number, owner, Role.ADMIN, sam)
    assert let_in.browser.ask(light_dashboard.api("count")).status_code == 200
    deployment.act(owner, number, EndMemberSessions(sam.id))
    let_in.enter()
    assert let_in.browser.ask(light_dashboard.api("count")).json()["code"] == "sign_in_again"
    with light_dashboard.store.reading() as connection, pytest.raises(NotSignedIn):  # nor does what they followed go on
        session = connection.execute(select(access.session).where(access.user == sam.id)).scalar_one()
        must_read(connection, Seat(number, sam.actor(), Context()), session, deployment.clock())
    deployment.clock.go_on(HOUR)  # from here on they are not let in any more, and hold a seat
    refused = let_in.browser.get(light_dashboard.path("members"), accept="application/json")
    assert refused.json()["code"] == "sign_in_again"


def test_nobodys_filter_tells_more_than_they_see(light_dashboard: Dashboard) -> None:
    """Of support staff each viewer sees the name; and who may not see an event finds it by no part of that name."""
    dashboard = light_dashboard
    sam = LetIn(dashboard, "change modes").enter()
    sam.post(dashboard.path("modes", "new"), {"name": "Triage"})
    owner = dashboard.people[Role.OWNER]
    dashboard.deployment.act(owner, dashboard.number, CreateLink("Acme", "action:member.*,user.*", 7, "audit-link"))
    auditor = dashboard.anybody()
    auditor.follow(auditor.get("/audit/audit-link"))
    narrow = auditor.post("/audit").headers["location"]
    token = dashboard.token()
    events = {event.seq: event for event in dashboard.events()}
    sams = {seq for seq, event in events.items() if "Sam" in shown(event) or "sam@" in shown(event)}
    assert len(sams) > 2
    for query in ("actor:sam@minutebook.example", "actor:support", "Stone", '"sam stone"', "actor:sam"):
        found = dashboard.anybody().ask(dashboard.api(), token=token, q=query, limit=100).json()["events"]
        assert {event["seq"] for event in found} <= sams
        assert all("sam@minutebook.example" in str(event) for event in found), "whom it finds, it shows"
        assert found, query
        page = auditor.get(f"{narrow}?query={query}")
        while page.status_code == 303:
            page = auditor.follow(page)
        assert (page.status_code, rows(page)) == (200, []), query
        assert "Sam Stone" not in page.text


def shown(event: Event) -> str:
    return str((event.actor, event.targets, event.details))


@pytest.mark.parametrize("may", [(), ("export the audit log",)])
def test_the_log_is_followed_and_exported_by_who_was_let_in_for_it(
    light_dashboard: Dashboard, may: tuple[str, ...]
) -> None:
    sam = LetIn(light_dashboard, *may).enter()
    assert sam.get(light_dashboard.path("audit-logs", "tail")).status_code == 200
    exported = sam.get(light_dashboard.path("audit-logs", "export") + "?format=jsonl")
    assert exported.status_code == (200 if may else 403)
    if may:
        assert light_dashboard.last().action == "log.export"
        assert light_dashboard.last().actor.on_behalf_of
