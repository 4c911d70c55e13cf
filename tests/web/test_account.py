"""The account of somebody: name and zone, password, sessions."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from minutebook.model import Context, Role, SecondFactor
from minutebook.organization import sessions
from minutebook.web.browsers import browser_of
from tests.support.check_log import check_log
from tests.support.dashboard import Dashboard, errors, focused, heading, told, value
from tests.support.deployment import PASSWORD

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


def test_the_account_tells_how_it_stands_and_asks_for_a_session(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    assert '<a class="nav__me" href="/account"' in ada.get(light_dashboard.path("members")).text
    page = told(ada.get("/account"))
    assert "You sign in as ada@calder.example" in page
    assert "1 session" in page
    for path in ("/account", "/account/profile", "/account/password", "/account/sessions"):
        asked = light_dashboard.anybody().get(path)
        assert asked.headers["location"] == f"/sign-in?next={path.replace('/', '%2F')}"
        assert light_dashboard.anybody().post(path).status_code in (401, 405)


def test_a_name_holds_from_now_on_and_the_log_keeps_the_one_before(dashboard: Dashboard) -> None:
    ada = dashboard.signed_in(Role.OWNER)
    form = ada.get("/account/profile")
    assert (value(form, "name"), heading(form)) == ("Ada Okafor", "Name and time zone")
    answer = ada.post("/account/profile", {"name": " Ada  Lovelace ", "zone": ""})
    assert "Profile saved" in told(ada.follow(answer))
    event = dashboard.last()
    assert event.details == {"v": 1, "name": {"before": "Ada Okafor", "after": "Ada Lovelace"}}
    assert event.actor.name == "Ada Okafor"
    ada.post("/account/profile", {"name": "Ada Lovelace", "zone": "Asia/Kathmandu"})
    assert (dashboard.last().actor.name, dashboard.last().details["zone"]) == (
        "Ada Lovelace",
        {"before": None, "after": "Asia/Kathmandu"},
    )
    before = dashboard.recorded()
    same = ada.post("/account/profile", {"name": "Ada Lovelace", "zone": "Asia/Kathmandu"})
    assert "Nothing to change" in told(ada.follow(same))
    wrong = ada.post("/account/profile", {"name": "\0", "zone": "Asia/Kathmandu"})
    assert (wrong.status_code, focused(wrong)) == (422, "name")
    assert errors(ada.post("/account/profile", {"name": "Ada", "zone": "Mars/Base"})).keys() == {"zone"}
    assert dashboard.recorded() == before
    check_log(dashboard.store)


def test_times_are_in_the_zone_of_the_profile_where_the_browser_says_none(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    logs = light_dashboard.path("audit-logs")
    assert 'data-zone="UTC"' in ada.get(logs).text
    ada.post("/account/profile", {"name": "Ada", "zone": "Asia/Kathmandu"})
    page = ada.get(logs).text
    assert 'data-zone="Asia/Kathmandu"' in page
    assert "05:45" in page
    ada.client.cookies.set("zone", "Europe/Berlin")
    assert 'data-zone="Europe/Berlin"' in ada.get(logs).text


def test_a_password_is_changed_by_whoever_knows_it(dashboard: Dashboard) -> None:
    ada, other = dashboard.signed_in(Role.OWNER), dashboard.signed_in(Role.OWNER)
    new = "another horse battery"
    wrong = ada.post("/account/password", {"current": "not the password", "password": new})
    assert errors(wrong) == {"current": "This is not your current password."}
    assert "not the password" not in wrong.text
    assert dashboard.last().action == "user.login_failed"
    short = ada.post("/account/password", {"current": PASSWORD, "password": "short"})
    assert errors(short).keys() == {"password"}
    assert other.get("/account").status_code == 200
    answer = ada.post("/account/password", {"current": PASSWORD, "password": new})
    assert "Password changed" in told(ada.follow(answer))
    event = dashboard.last()
    assert (event.action, event.details["method"]) == ("user.password_change", "the current password")
    assert other.get("/account").status_code == 303
    assert ada.get(dashboard.path("members")).status_code == 200
    for password, status in ((PASSWORD, 403), (new, 303)):
        fields = {"email": "ada@calder.example", "password": password}
        assert dashboard.anybody().post("/sign-in", fields).status_code == status
    check_log(dashboard.store)


def test_guessing_the_current_password_is_limited_like_signing_in(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    for _ in range(10):
        ada.post("/account/password", {"current": "not the password", "password": "another horse battery"})
    for somebody, path in ((ada, "/account/password"), (light_dashboard.anybody(), "/sign-in")):
        fields = {"email": "ada@calder.example", "current": PASSWORD, "password": PASSWORD}
        assert somebody.post(path, fields).status_code == 429


def test_other_sessions_are_shown_and_ended(dashboard: Dashboard) -> None:
    phone, laptop = dashboard.anybody(), dashboard.anybody()
    fields = {"email": "ada@calder.example", "password": PASSWORD}
    phone.post("/sign-in", fields, user_agent=CHROME)
    laptop.post("/sign-in", fields, user_agent=FIREFOX)
    third = dashboard.signed_in(Role.OWNER)
    ada = dashboard.people[Role.OWNER]
    for method, factor in (("a single-use link", SecondFactor.TOTP), ("passkey", SecondFactor.PASSKEY)):
        sessions.start_session(dashboard.store, ada, method, Context(ip="192.0.2.1"), factor)
    page = laptop.get("/account/sessions")
    assert "Firefox on Linux this one 203.0.113.9 · with password" in told(page)
    assert "Chrome on Windows" in told(page)
    assert "192.0.2.1 · with a single-use link and authenticator app on" in told(page)
    assert "192.0.2.1 · with passkey on" in told(page)
    with dashboard.store.reading() as connection:
        (session,) = connection.exec_driver_sql(f"SELECT id FROM session WHERE user_agent = '{CHROME}'").scalars()
    ended = laptop.post("/account/sessions", {"session": session})
    assert "Signed out there" in told(laptop.follow(ended))
    assert dashboard.last().details == {"v": 1, "sessions": [session]}
    assert phone.get("/account").status_code == 303
    assert laptop.post("/account/sessions", {"session": session}).status_code == 404
    mallory = dashboard.signed_in(Role.MEMBER)
    laptop.post("/account/sessions", {"session": "others"})
    assert dashboard.last().action == "user.logout"
    assert third.get("/account").status_code == 303
    assert laptop.get("/account").status_code == mallory.get("/account").status_code == 200
    before = dashboard.recorded()
    assert "Nothing to change" in told(laptop.follow(laptop.post("/account/sessions", {"session": "others"})))
    assert dashboard.recorded() == before
    check_log(dashboard.store)


def test_nobody_ends_the_session_of_another(light_dashboard: Dashboard) -> None:
    ada, mallory = light_dashboard.signed_in(Role.OWNER), light_dashboard.signed_in(Role.MEMBER)
    with light_dashboard.store.reading() as connection:
        statement = f"""SELECT id FROM session WHERE "user" = '{light_dashboard.people[Role.OWNER].id}'"""
        (session,) = connection.exec_driver_sql(statement).scalars()
    assert mallory.post("/account/sessions", {"session": session}).status_code == 404
    assert ada.get("/account").status_code == 200


def test_who_holds_no_seat_has_an_account_too(light_dashboard: Dashboard) -> None:
    somebody = light_dashboard.signed_in(light_dashboard.person("alone@x.example", "Al One"))
    with capture_logs() as logs:
        answer = somebody.post("/account/profile", {"name": "Alone", "zone": ""})
    assert "Profile saved" in told(somebody.follow(answer))
    assert [log["event"] for log in logs if log["event"] != "request"] == ["profile_changed"]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (FIREFOX, "Firefox on Linux"),
        (CHROME, "Chrome on Windows"),
        (CHROME + " Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18 like Mac OS X) Version/18.0 Mobile Safari/604.1", "Safari on iPhone"),
        ("curl/8.5.0", "A browser"),
        ("<b>Linux", "A browser on Linux"),
        (None, "A browser"),
    ],
)
def test_a_browser_is_called_by_its_name(said: str | None, shown: str) -> None:
    assert browser_of(said) == shown


def test_an_account_is_deleted_by_its_owner_with_the_password(dashboard: Dashboard) -> None:
    member = dashboard.people[Role.MEMBER]
    somebody, other = dashboard.signed_in(member), dashboard.signed_in(member)
    for fields, field in (
        ({"confirm": "ada@calder.example", "current": PASSWORD}, "confirm"),
        ({"confirm": member.email, "current": "not the password"}, "current"),
    ):
        assert errors(somebody.post("/account/delete", fields)).keys() == {field}
    answer = somebody.post("/account/delete", {"confirm": member.email, "current": PASSWORD})
    assert "Your account is deleted" in told(somebody.follow(answer))
    assert (dashboard.last().action, dashboard.last().targets[0].name) == ("user.delete", member.email)
    assert other.get("/account").status_code == 303
    assert dashboard.anybody().post("/sign-in", {"email": member.email, "password": PASSWORD}).status_code == 403
    assert member.email not in dashboard.signed_in(Role.OWNER).get(dashboard.path("members")).text
    check_log(dashboard.store)


def test_the_last_owner_is_told_where_to_make_another(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    assert "You are the last owner of Calder Robotics" in told(ada.get("/account/delete"))
    fields = {"confirm": "ada@calder.example", "current": PASSWORD}
    refused = ada.post("/account/delete", fields)
    assert (refused.status_code, "There is no other owner of Calder Robotics" in told(refused)) == (409, True)
    left = ada.post(light_dashboard.path("leave"), {"confirm": "Calder Robotics"})
    assert (left.status_code, "an organization always has an owner" in told(left).lower()) == (409, True)


def test_a_member_leaves_when_they_typed_the_name(dashboard: Dashboard) -> None:
    member = dashboard.signed_in(Role.MEMBER)
    assert "Leave the organization" in told(member.get(dashboard.path("members")))
    page = member.get(dashboard.path("leave"))
    assert "Leave Calder Robotics?" in told(page)
    assert errors(member.post(dashboard.path("leave"), {"confirm": "Calder"})).keys() == {"leave-confirm"}
    answer = member.post(dashboard.path("leave"), {"confirm": "Calder Robotics"})
    assert "You left the organization" in told(member.follow(member.follow(answer)))
    assert dashboard.last().action == "member.leave"
    assert member.get(dashboard.path("members")).status_code == 404
    assert member.get("/account").status_code == 200
    check_log(dashboard.store)
