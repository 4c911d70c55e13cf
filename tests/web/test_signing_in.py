"""Signing in and out by the pages, and where people are led."""

from __future__ import annotations

from dataclasses import replace

import pytest

from minutebook.model import DAY, SECOND, Outcome, Role
from minutebook.organization import sessions
from tests.support.dashboard import Dashboard, errors, focused, heading, told, value
from tests.support.deployment import PASSWORD

ADA = {"email": "Ada@Calder.example", "password": PASSWORD}


def test_somebody_signs_in_and_comes_where_they_wanted_to_be(dashboard: Dashboard) -> None:
    somebody = dashboard.anybody()
    asked = somebody.get(dashboard.path("members") + "?q=ada&role=owner")
    form = somebody.follow(asked)
    assert heading(form) == "Sign in"
    then = value(form, "next")
    response = somebody.post("/sign-in", {**ADA, "next": then})
    assert response.headers["location"] == dashboard.path("members") + "?q=ada&role=owner"
    page = somebody.follow(response)
    assert heading(page) == "Members"
    event = dashboard.last()
    assert (event.action, event.actor.email, event.outcome) == ("user.login", "ada@calder.example", Outcome.SUCCESS)
    assert event.context.ip == "203.0.113.9"
    assert event.context.client == "web"
    assert event.context.request_id == response.headers["x-request-id"]


def test_a_wrong_password_is_recorded_and_the_address_kept(dashboard: Dashboard) -> None:
    somebody = dashboard.anybody()
    response = somebody.post("/sign-in", {"email": "ada@calder.example", "password": "not the password", "next": "/"})
    assert response.status_code == 403
    assert value(response, "email") == "ada@calder.example"
    assert value(response, "password") == ""
    assert "not the password" not in response.text
    assert errors(response) == {"password": "This email and password do not belong together."}
    assert focused(response) == "password"
    assert "set-cookie" not in response.headers
    assert (dashboard.last().action, dashboard.last().outcome) == ("user.login_failed", Outcome.FAILURE)


def test_an_unknown_address_is_answered_like_a_wrong_password(light_dashboard: Dashboard) -> None:
    wrong, unknown = (
        light_dashboard.anybody().post("/sign-in", {"email": email, "password": "not the password"})
        for email in ("ada@calder.example", "nobody@calder.example")
    )
    assert wrong.text.replace("ada@", "nobody@") == unknown.text
    assert wrong.status_code == unknown.status_code


def test_a_refusal_takes_as_long_without_an_account(light_dashboard: Dashboard) -> None:
    clock = light_dashboard.deployment.clock
    clock.step = SECOND // 100
    answered: list[int] = []

    async def sleep(seconds: float) -> None:
        answered.append(clock.now + round(seconds * SECOND))

    light_dashboard.app.state.site = replace(light_dashboard.app.state.site, sleep=sleep)
    took, worked = [], []
    for email in ("ada@calder.example", "nobody@calder.example"):
        asked = clock.now
        light_dashboard.anybody().post("/sign-in", {"email": email, "password": "not the password"})
        took.append(answered.pop() - asked)
        worked.append(clock.now - asked)
    assert worked[0] > worked[1]
    assert took[0] == took[1] >= SECOND // 2
    assert light_dashboard.anybody().post("/sign-in", ADA).status_code == 303
    assert not answered


def test_after_ten_wrong_passwords_the_right_one_has_to_wait(light_dashboard: Dashboard) -> None:
    somebody = light_dashboard.anybody()
    for _ in range(10):
        assert somebody.post("/sign-in", ADA | {"password": "not the password"}).status_code == 403
    response = somebody.post("/sign-in", ADA)
    assert response.status_code == 429
    assert "Try again in 15 minutes" in told(response)
    assert value(response, "email") == "Ada@Calder.example"


@pytest.mark.parametrize("email", ["", "ada", "ada@calder", "аda@calder.example", "ada@calder.example\0", "a" * 300])
def test_half_an_address_is_told_beside_its_field(light_dashboard: Dashboard, email: str) -> None:
    response = light_dashboard.anybody().post("/sign-in", {"email": email, "password": PASSWORD})
    assert response.status_code == 422
    assert errors(response).keys() == {"email"}
    assert focused(response) == "email"


def test_a_session_rotates_at_sign_in(light_dashboard: Dashboard) -> None:
    somebody = light_dashboard.signed_in(Role.MEMBER)
    before = somebody.token
    somebody.post("/sign-in", ADA)
    assert somebody.token != before
    assert {event.action for event in light_dashboard.events()[-2:]} == {"user.logout", "user.login"}
    somebody.token = before
    assert somebody.get("/").headers["location"].startswith("/sign-in")


def test_the_cookie_is_only_for_the_server(light_dashboard: Dashboard) -> None:
    cookie = light_dashboard.anybody().post("/sign-in", ADA).headers["set-cookie"].lower()
    assert cookie.startswith("minutebook-session=")
    assert {"httponly", "samesite=lax", "path=/", "max-age=604800"} <= {part.strip() for part in cookie.split(";")}
    assert "domain" not in cookie


def test_signing_out_ends_the_session_everywhere(dashboard: Dashboard) -> None:
    ada = dashboard.signed_in(Role.OWNER)
    token = ada.token
    response = ada.post("/sign-out")
    assert response.headers["location"] == "/sign-in"
    assert dashboard.last().action == "user.logout"
    assert "Signed out" in told(ada.follow(response))
    ada.token = token
    assert ada.get(dashboard.path("members")).headers["location"].startswith("/sign-in")


def test_a_session_ends_after_seven_days(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    assert ada.get(light_dashboard.path("members")).status_code == 200
    light_dashboard.deployment.clock.go_on(7 * DAY)
    assert ada.get(light_dashboard.path("members")).status_code == 303


def test_a_session_that_never_entered_enters_at_its_first_page(dashboard: Dashboard) -> None:
    """As after a crash between the session and its entry: nobody is inside without a recorded entry."""
    newcomer = dashboard.person("late@calder.example", "Late Comer")
    late = dashboard.signed_in(newcomer)
    dashboard.deployment.join(dashboard.number, dashboard.people[Role.OWNER], Role.MEMBER, newcomer)
    before = dashboard.recorded()
    assert late.get(dashboard.path("members")).status_code == 200
    assert (dashboard.last().action, dashboard.last().actor.id) == ("user.login", newcomer.id)
    assert late.get(dashboard.path("members")).status_code == 200
    assert dashboard.recorded() == before + 1


@pytest.mark.parametrize(
    "then",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\/evil.example",
        "/%0d%0aSet-Cookie:x=1",
        "/o/x\r\nSet-Cookie: x=1",
        "/nowhere",
        "javascript:alert(1)",
        "/sign-in",
        "/sign-out",
        "/\t/evil.example",
        "o/x/members",
        "/organizations/new\0",
        "/" + "a" * 5000,
        "/ö",
    ],
)
def test_nobody_is_led_anywhere_but_to_a_page_of_minutebook(light_dashboard: Dashboard, then: str) -> None:
    response = light_dashboard.anybody().post("/sign-in", {**ADA, "next": then})
    assert response.headers["location"] == "/"


def test_the_start_leads_to_the_overview(light_dashboard: Dashboard) -> None:
    for role in Role:
        somebody = light_dashboard.signed_in(role)
        response = somebody.get("/")
        assert response.headers["location"] == light_dashboard.path()
        assert heading(somebody.follow(response)) == "Calder Robotics"
    outsider = light_dashboard.signed_in(light_dashboard.person("out@sider.example", "Out Sider"))
    assert outsider.get("/").headers["location"] == "/organizations/new"
    assert "You hold no seat in any organization" in told(outsider.get("/organizations/new"))


def test_somebody_who_is_signed_in_is_not_asked_again(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    assert ada.get("/sign-in?next=/organizations/new").headers["location"] == "/organizations/new"


def test_being_active_is_noted_at_most_every_five_minutes(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    light_dashboard.deployment.clock.go_on(sessions.SEEN_EVERY)
    ada.get(light_dashboard.path("members"))
    assert "just now" in told(light_dashboard.signed_in(Role.ADMIN).get(light_dashboard.path("members") + "?q=ada"))
