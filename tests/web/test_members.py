"""Members and invitations: who is shown, and what owners and admins do with them."""

from __future__ import annotations

import pytest

from minutebook.model import DAY, Context, Plan, Role, SecondFactor
from minutebook.organization import sessions
from minutebook.organization.invitations import LIFETIME
from minutebook.organization.organizations import ChangePlan
from minutebook.organization.second_factor_rule import ChangeSecondFactor
from minutebook.organization.sessions import start_session
from tests.support.check_log import check_log
from tests.support.dashboard import Dashboard, Somebody, errors, focused, heading, ticked, told, value
from tests.support.deployment import PASSWORD
from tests.support.passkeys import Authenticator, add_passkey


def names(dashboard: Dashboard, somebody: Somebody, query: str = "") -> list[str]:
    """The addresses in the table of members."""
    page = somebody.get(dashboard.path("members") + query).text
    table = page.partition('aria-label="Members"')[2].partition("</table>")[0]
    return [row.partition("<small><bdi>")[2].partition("<")[0] for row in table.split("<tr id=")[1:]]


def invite(dashboard: Dashboard, somebody: Somebody, emails: str, role: str = "member") -> str:
    response = somebody.post(dashboard.path("invitations", "new"), {"emails": emails, "role": role})
    assert response.status_code == 200, told(response)
    return str(dashboard.last().details["invitation"])


def test_members_are_found_by_name_address_and_role(light_dashboard: Dashboard) -> None:
    for email, name in (("oberg@x.example", "Björn Öberg"), ("zoe@x.example", "Zoë Ångström")):
        light_dashboard.deployment.join(light_dashboard.number, None, Role.MEMBER, light_dashboard.person(email, name))
    ada = light_dashboard.signed_in(Role.OWNER)
    assert len(names(light_dashboard, ada)) == 7
    assert names(light_dashboard, ada, "?q=ÖBERG") == names(light_dashboard, ada, "?q=bjorn") == ["oberg@x.example"]
    assert names(light_dashboard, ada, "?q=angstrom") == ["zoe@x.example"]
    assert names(light_dashboard, ada, "?q=x.example") == ["oberg@x.example", "zoe@x.example"]
    assert names(light_dashboard, ada, "?role=owner&role=admin") == ["ada@calder.example", "admin@calder.example"]
    assert names(light_dashboard, ada, "?q=ada&role=admin") == []
    assert "Nobody is found" in told(ada.get(light_dashboard.path("members") + "?q=%25"))
    assert value(ada.get(light_dashboard.path("members") + "?q=%3Cb%3E%00"), "q") == "<b>\0"


def test_who_has_no_second_factor_is_shown_to_who_may_change_people(dashboard: Dashboard) -> None:
    dashboard.deployment.add_app(dashboard.people[Role.ADMIN])
    add_passkey(dashboard.deployment, dashboard.people[Role.MEMBER], Authenticator())
    for role in (Role.OWNER, Role.ADMIN):
        somebody = dashboard.signed_in(role)
        shown = names(dashboard, somebody, "?factor=none")
        assert shown == ["ada@calder.example", "auditor@calder.example", "billing@calder.example"]
        page = told(somebody.get(dashboard.path("members")))
        assert page.count(" · no second factor") == 3
        assert "ada@calder.example · no second factor" in page
        assert "No second factor3" in page
    member = dashboard.signed_in(Role.MEMBER)
    assert len(names(dashboard, member, "?factor=none")) == 5
    assert "second factor" not in told(member.get(dashboard.path("members") + "?factor=none"))


def test_where_one_is_required_who_has_none_is_marked_and_asks_for_attention(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.people[Role.OWNER]
    light_dashboard.deployment.act(None, light_dashboard.number, ChangeSecondFactor("required"))
    light_dashboard.deployment.add_app(ada)
    somebody = light_dashboard.anybody()
    somebody.token = start_session(light_dashboard.store, ada, "password", Context(), SecondFactor.TOTP)[0]
    page = somebody.get(light_dashboard.path("members"))
    assert page.text.count('<span class="badge badge--failure">') == 4
    assert " · no second factor" not in told(page)
    attention = told(somebody.get(light_dashboard.path()))
    assert "4 members do not get in: they have no second factor.See who" in attention


@pytest.mark.parametrize(
    "query", ["?page=0", "?page=-1", "?page=x", "?page=²", "?page=99999999999", "?role=king", "?q="]
)
def test_an_odd_address_shows_what_it_can(light_dashboard: Dashboard, query: str) -> None:
    assert light_dashboard.signed_in(Role.OWNER).get(light_dashboard.path("members") + "?" + query).status_code == 200


def test_pages_of_fifty_hold_everybody_once(light_dashboard: Dashboard) -> None:
    deployment, number = light_dashboard.deployment, light_dashboard.number
    deployment.act(None, number, ChangePlan(Plan.ENTERPRISE, 200))
    for _ in range(70):
        deployment.join(number, None, Role.MEMBER)
    ada = light_dashboard.signed_in(Role.OWNER)
    pages = [names(light_dashboard, ada, f"?page={page}") for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [50, 25, 25]
    assert len({*pages[0], *pages[1]}) == 75
    last = ada.get(light_dashboard.path("members") + "?q=@&role=member&role=owner&page=2")
    assert "51–72 of 72, by name PreviousNext" in told(last)
    assert "members?q=%40&amp;role=owner&amp;role=member&amp;page=1" in last.text


def test_controls_are_only_there_for_what_a_role_may_give(light_dashboard: Dashboard) -> None:
    page = light_dashboard.signed_in(Role.ADMIN).get(light_dashboard.path("members")).text
    for role, changeable in {Role.OWNER: False, Role.AUDITOR: False, Role.MEMBER: True, Role.ADMIN: False}.items():
        assert (f"members/{light_dashboard.people[role].id}/role" in page) == changeable, role
        assert (f"members/{light_dashboard.people[role].id}/remove" in page) == changeable, role
    plain = light_dashboard.signed_in(Role.MEMBER).get(light_dashboard.path("members"))
    assert (
        "<form" not in plain.text.replace('action="/sign-out"', "").replace('role="search"', "").partition("<table")[2]
    )
    assert "Pending invitations" not in plain.text


def test_a_role_is_changed_and_recorded(dashboard: Dashboard) -> None:
    ada = dashboard.signed_in(Role.OWNER)
    member = dashboard.people[Role.MEMBER].id
    path = dashboard.path("members", member, "role")
    response = ada.post(path + "?q=some", {"role": "billing_manager"})
    assert response.headers["location"] == f"{dashboard.path('members')}?q=some#{member}"
    page = ada.follow(response)
    assert "Role changed" in told(page)
    assert f'<tr id="{member}">' in page.text
    assert dashboard.last().action == "member.change_role"
    assert dashboard.last().details["role"] == {"before": "member", "after": "billing_manager"}
    before = dashboard.recorded()
    again = ada.post(path, {"role": "billing_manager"})
    assert "Nothing to change" in told(ada.follow(again))
    assert "Nothing to change" not in told(ada.get(dashboard.path("members")))
    assert dashboard.recorded() == before


def test_a_refused_role_says_why_and_what_holds(dashboard: Dashboard) -> None:
    owner, admin = dashboard.signed_in(Role.OWNER), dashboard.signed_in(Role.ADMIN)
    assert owner.user and admin.user
    before = dashboard.recorded()
    attempts = {
        (owner, owner.user.id, "member"): (403, "You cannot change your own role"),
        (admin, owner.user.id, "member"): (
            403,
            "The role of Ada Okafor is still owner. Only an owner makes",
        ),
        (admin, dashboard.people[Role.MEMBER].id, "auditor"): (403, "Only an owner makes someone auditor"),
        (owner, dashboard.people[Role.MEMBER].id, "king"): (422, "Choose one of these roles"),
        (owner, dashboard.people[Role.MEMBER].id, ""): (422, "Choose one of these roles"),
    }
    for (somebody, user, role), (status, message) in attempts.items():
        response = somebody.post(dashboard.path("members", user, "role"), {"role": role})
        assert response.status_code == status
        assert message in told(response)
        assert "autofocus" in response.text.partition(message.split(".")[0])[0].rpartition("<div")[2]
    assert dashboard.recorded() == before


def test_a_member_is_removed_when_their_address_was_typed(dashboard: Dashboard) -> None:
    ada, member = dashboard.signed_in(Role.OWNER), dashboard.people[Role.MEMBER]
    path = dashboard.path("members", member.id, "remove")
    page = ada.get(path)
    assert "Remove Some Member from Calder Robotics?" in told(page)
    assert focused(page) == "confirm"
    assert "Recorded as member.remove" in told(page)
    before = dashboard.recorded()
    wrong = ada.post(path, {"confirm": "member@calder"})
    assert wrong.status_code == 422
    assert value(wrong, "confirm") == "member@calder"
    assert "Type member@calder.example to confirm" in errors(wrong)["remove-confirm"]
    assert dashboard.recorded() == before
    response = ada.post(path, {"confirm": " Member@calder.example "})
    assert "Member removed" in told(ada.follow(response))
    assert dashboard.last().action == "member.remove"
    assert ada.get(path).status_code == 404


def test_counts_agree_and_nobody_is_said_never_to_have_signed_in(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    invite(light_dashboard, ada, "late@x.example")
    light_dashboard.deployment.clock.go_on(LIFETIME + DAY)
    ada = light_dashboard.signed_in(Role.OWNER)
    sent = {"emails": "early@x.example", "role": "member"}
    assert "Invitations1" in told(ada.post(light_dashboard.path("invitations", "new"), sent))
    members = ada.get(light_dashboard.path("members"))
    assert "Expired 1 day ago" in told(members)
    assert "1 is held by an invitation." in told(members)
    assert "Invitations1" in told(members)
    pending, _, over = told(members).partition("Invitations no longer valid 1")
    assert "early@x.example" in pending.partition("Pending invitations 1")[2]
    assert "late@x.example" in over
    assert "late@x.example" not in pending
    auditor = light_dashboard.signed_in(Role.AUDITOR)
    auditor.post("/sign-out", {})
    assert "Not signed in now" in told(ada.get(light_dashboard.path("members")))


def test_one_seat_is_taken(light_dashboard: Dashboard) -> None:
    owner = light_dashboard.people[Role.OWNER]
    light_dashboard.number = light_dashboard.deployment.found(owner, "New", seat_limit=10)
    assert "1 of 10 seats is taken." in told(light_dashboard.signed_in(Role.OWNER).get(light_dashboard.path("members")))


def test_nobody_removes_themselves(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    assert ada.user
    response = ada.post(light_dashboard.path("members", ada.user.id, "remove"), {"confirm": ada.user.email})
    assert response.status_code == 403
    assert "You cannot remove yourself" in told(response)


def test_several_addresses_are_invited_each_by_an_act_of_its_own(dashboard: Dashboard) -> None:
    ada = dashboard.signed_in(Role.OWNER)
    before = dashboard.recorded()
    typed = {"emails": "one@x.example, Two@x.example;three@x.example\n one@x.example", "role": "auditor"}
    response = ada.post(dashboard.path("invitations", "new"), typed)
    assert response.status_code == 200
    assert heading(response) == "3 people invited"
    assert dashboard.recorded() == before + 3
    assert [event.details["email"] for event in dashboard.events()[-3:]] == [
        f"{name}@x.example" for name in ("one", "two", "three")
    ]
    assert response.text.count("/invitation/") == 3
    assert response.headers["cache-control"] == "no-store"
    members = ada.get(dashboard.path("members"))
    assert "/invitation/" not in members.text
    assert "6 of 20 seats" not in told(members)
    assert "5 of 20 seats are taken, 3 are held by invitations." in told(members)


def test_when_an_address_is_wrong_nobody_is_invited_yet(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    before = light_dashboard.recorded()
    typed = {"emails": "one@x.example, yusuf.demir@calder", "role": "admin"}
    response = ada.post(light_dashboard.path("invitations", "new"), typed)
    assert response.status_code == 422
    assert errors(response)["emails"].startswith("“yusuf.demir@calder” is not a complete address")
    assert value(response, "emails") == typed["emails"]
    assert "admin" in ticked(response, "role")
    assert focused(response) == "emails"
    assert light_dashboard.recorded() == before


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"emails": "", "role": "member"}, "emails"),
        ({"emails": " ,;\n", "role": "member"}, "emails"),
        ({"emails": "x@y.example", "role": ""}, "role"),
        ({"emails": "x@y.example", "role": "king"}, "role"),
        ({"emails": " ".join(f"x{n}@y.example" for n in range(51)), "role": "member"}, "emails"),
        ({"emails": "x\0@y.example", "role": "member"}, "emails"),
        ({"emails": "аda@calder.example", "role": "member"}, "emails"),
        ({}, "emails"),
    ],
)
def test_what_cannot_be_invited_is_told_beside_its_field(
    light_dashboard: Dashboard, typed: dict[str, str], field: str
) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    response = ada.post(light_dashboard.path("invitations", "new"), typed)
    assert response.status_code == 422
    assert field in errors(response)


def test_those_who_cannot_be_invited_are_named_and_the_others_are(dashboard: Dashboard) -> None:
    ada = dashboard.signed_in(Role.OWNER)
    invite(dashboard, ada, "waiting@x.example")
    typed = {"emails": "member@calder.example new@x.example waiting@x.example", "role": "member"}
    response = ada.post(dashboard.path("invitations", "new"), typed)
    assert response.status_code == 422
    assert heading(response) == "1 person invited"
    assert "2 addresses were not invited" in told(response)
    assert value(response, "emails").split() == ["member@calder.example", "waiting@x.example"]
    assert "member@calder.example holds a seat already." in errors(response)["emails"]
    assert "waiting@x.example is invited already." in errors(response)["emails"]
    assert dashboard.last().details["email"] == "new@x.example"


def test_all_that_is_wrong_with_the_addresses_is_told_at_once(dashboard: Dashboard) -> None:
    ada = dashboard.signed_in(Role.OWNER)
    invite(dashboard, ada, "waiting@x.example")
    ada.post(dashboard.path("invitations", invite(dashboard, ada, "revoked@x.example"), "revoke"))
    asked = "waiting@x.example half@x new@x.example member@calder.example revoked@x.example"
    response = ada.post(dashboard.path("invitations", "new"), {"emails": asked, "role": "member"})
    assert response.status_code == 422
    assert errors(response)["emails"] == (
        "“half@x” is not a complete address: the part after the @ needs a dot. "
        "waiting@x.example is invited already. Revoke that invitation first to send another. "
        "member@calder.example holds a seat already."
    )
    assert dashboard.last().action == "user.revoke_invite"


def test_invitations_end_where_the_seats_do(light_dashboard: Dashboard) -> None:
    light_dashboard.deployment.act(None, light_dashboard.number, ChangePlan(Plan.ENTERPRISE, 7))
    ada = light_dashboard.signed_in(Role.OWNER)
    assert "2 seats are free." in told(ada.get(light_dashboard.path("invitations", "new")))
    typed = {"emails": "a@x.example b@x.example c@x.example d@x.example", "role": "member"}
    response = ada.post(light_dashboard.path("invitations", "new"), typed)
    assert response.status_code == 409
    assert heading(response) == "2 people invited"
    assert value(response, "emails").split() == ["c@x.example", "d@x.example"]
    assert told(response).count("All 7 seats are taken") == 1


def test_an_admin_invites_nobody_above_themselves(light_dashboard: Dashboard) -> None:
    admin = light_dashboard.signed_in(Role.ADMIN)
    path = light_dashboard.path("invitations", "new")
    offered = admin.get(path).text.partition('id="invite"')[2]
    assert 'value="owner"' not in offered
    assert 'value="auditor"' not in offered
    for role in ("owner", "auditor"):
        response = admin.post(path, {"emails": "x@x.example", "role": role})
        assert response.status_code == 422
        assert "Choose a role that you may give." in told(response)


def test_an_invitation_is_revoked_after_a_question(dashboard: Dashboard) -> None:
    ada = dashboard.signed_in(Role.OWNER)
    invitation = invite(dashboard, ada, "guest@x.example")
    path = dashboard.path("invitations", invitation, "revoke")
    assert "Revoke the invitation of guest@x.example?" in told(ada.get(path))
    revoked = ada.post(path)
    assert revoked.headers["location"] == dashboard.path("members") + "#invitations"
    assert "Invitation revoked" in told(ada.follow(revoked))
    assert dashboard.last().action == "user.revoke_invite"
    assert ada.post(path).status_code == 404
    assert "guest@x.example" not in told(ada.get(dashboard.path("members")))


def test_an_admin_does_not_revoke_what_an_owner_offered(light_dashboard: Dashboard) -> None:
    invitation = invite(light_dashboard, light_dashboard.signed_in(Role.OWNER), "boss@x.example", "owner")
    admin = light_dashboard.signed_in(Role.ADMIN)
    path = light_dashboard.path("invitations", invitation, "revoke")
    assert path not in admin.get(light_dashboard.path("members")).text
    response = admin.post(path)
    assert response.status_code == 403
    assert "Only an owner makes someone owner" in told(response)


def test_pending_invitations_say_when_they_end(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    invite(light_dashboard, ada, "guest@x.example")
    members = light_dashboard.path("members")
    assert "Expires in 7 days" in told(ada.get(members))
    light_dashboard.deployment.clock.go_on(LIFETIME - DAY // 2)
    ada = light_dashboard.signed_in(Role.OWNER)
    assert "Expires in 12 hours" in told(ada.get(members))
    light_dashboard.deployment.clock.go_on(3 * DAY)
    assert "Expired 2 days ago" in told(ada.get(members))
    assert "are held by" not in told(ada.get(members))


def test_history_leads_to_the_acts_on_seats(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    page = ada.get(light_dashboard.path("members")).text
    href = page.partition("audit-logs?action=user.invite")[2].partition('"')[0].replace("&amp;", "&")
    log = ada.get(light_dashboard.path("audit-logs") + "?action=user.invite" + href)
    assert log.status_code == 200, "the actions are in the order of the catalogue"
    assert "8 events" in told(log)


def test_the_ownership_is_handed_over_where_the_member_stands(dashboard: Dashboard) -> None:
    ada, member = dashboard.signed_in(Role.OWNER), dashboard.people[Role.MEMBER]
    path = dashboard.path("members", member.id, "transfer")
    assert path in ada.get(dashboard.path("members")).text
    assert path not in dashboard.signed_in(Role.ADMIN).get(dashboard.path("members")).text
    asked = ada.get(path)
    assert "Hand the ownership to Some Member?" in told(asked)
    assert ticked(asked, "role") == ["admin"]
    wrong = ada.post(path, {"role": "billing_manager", "confirm": "Some Member"})
    assert (wrong.status_code, ticked(wrong, "role")) == (422, ["billing_manager"])
    done = ada.follow(ada.post(path, {"role": "billing_manager", "confirm": member.email}))
    assert "The ownership was handed over" in told(done)
    assert dashboard.last().action == "member.transfer_ownership"
    assert ada.get(path).status_code == 403  # at once
    check_log(dashboard.store)


def test_an_admin_ends_the_sessions_of_a_member_who_signs_in_again(
    dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, member = dashboard.signed_in(Role.ADMIN), dashboard.signed_in(Role.MEMBER)
    assert member.get(dashboard.path("members")).status_code == 200
    path = dashboard.path("members", dashboard.people[Role.MEMBER].id, "sessions")
    assert path in admin.get(dashboard.path("members")).text
    assert "End all sessions of Some Member here?" in told(admin.get(path))
    assert "Their sessions have ended here" in told(admin.follow(admin.post(path)))
    assert (dashboard.last().action, dashboard.last().targets[0].id) == (
        "member.end_sessions",
        dashboard.people[Role.MEMBER].id,
    )
    with monkeypatch.context() as without:
        without.setattr(sessions, "enter", None)  # nobody waits for a turn to write to be told so
        refused = member.get(dashboard.path("members"))
        assert member.get(dashboard.path("members"), accept="application/json").json()["code"] == "sign_in_again"
        assert member.ask(dashboard.api("count")).json()["code"] == "sign_in_again"
    assert member.post(dashboard.path("leave"), {"confirm": "Calder Robotics"}).status_code == 401
    assert member.get("/account").status_code == 200
    form = member.follow(refused)
    assert "Sign in again: an owner or admin ended your session" in told(form)
    assert value(form, "next") == dashboard.path("members")
    fields = {"email": "member@calder.example", "password": PASSWORD, "next": dashboard.path("members")}
    assert member.follow(member.post("/sign-in", fields)).status_code == 200
    check_log(dashboard.store)
