"""Second factors on the pages: they are added, asked for, and removed, without script."""

from __future__ import annotations

import base64
import re

from structlog.testing import capture_logs

from minutebook.model import MINUTE, Role
from minutebook.organization import links, notices, outbox
from minutebook.web.site import WebSettings
from tests.support.dashboard import Calder, Dashboard, Somebody, errors, heading, told
from tests.support.deployment import PASSWORD

NEW, CONFIRM, REMOVE = (f"/account/authenticator-app/{page}" for page in ("new", "confirm", "remove"))
CODES = "/account/recovery-codes"
PAGE = "/account/second-factors"
STEP = "/sign-in/second-factor"


def add_app(dashboard: Dashboard, somebody: Somebody) -> tuple[bytes, list[str]]:
    """Adds an app as a person would; its secret, and the recovery codes that were shown."""
    page = somebody.follow(somebody.post(NEW, {"password": PASSWORD}))
    written = page.text.partition('id="secret">')[2].partition("<")[0].replace(" ", "")
    secret = base64.b32decode(written)
    done = somebody.post(CONFIRM, {"code": dashboard.deployment.code(secret)})
    assert done.headers["location"] == CODES
    shown = somebody.follow(done)
    return secret, re.findall(r"\b[a-z2-7]{4}(?:-[a-z2-7]{4}){3}\b", shown.text)


def sign_in(dashboard: Dashboard, role: Role = Role.OWNER, then: str = "") -> Somebody:
    """Somebody new at the second step."""
    somebody = dashboard.anybody()
    fields = {"email": dashboard.people[role].email, "password": PASSWORD, "next": then}
    response = somebody.post("/sign-in", fields)
    assert response.headers["location"].startswith(STEP), told(response)
    return somebody


def test_an_app_is_added_and_from_then_on_asked_for(light_dashboard: Dashboard) -> None:
    dashboard, ada = light_dashboard, light_dashboard.signed_in(Role.OWNER)
    assert "Add an authenticator app" in told(ada.get(PAGE))
    assert ada.get(CONFIRM).headers["location"] == NEW  # nothing was begun
    assert ada.post(CONFIRM, {"code": "000000"}).status_code == 410
    before, session = dashboard.recorded(), ada.token
    wrong = ada.post(NEW, {"password": "not mine at all"})
    assert (wrong.status_code, errors(wrong)) == (422, {"password": "This is not your password."})
    secret, codes = add_app(dashboard, ada)
    assert len(codes) == 10
    assert ada.get(CODES).headers["location"] == PAGE  # shown once
    assert "10 left" in told(ada.get(PAGE))
    assert ada.token != session  # the session is a new one, signed in with the app
    actions = [event.action for event in dashboard.events()[before:]]
    assert actions == ["user.login_failed", "user.add_second_factor", "user.logout", "user.login"]
    assert dashboard.last().details == {"v": 1, "method": "password", "second_factor": "totp"}
    old = dashboard.anybody()
    old.token = session
    assert old.get(dashboard.path("members")).headers["location"].startswith("/sign-in")
    assert ada.post(NEW, {"password": PASSWORD}).status_code == 409  # one app is enough

    dashboard.deployment.clock.go_on(MINUTE)
    somebody = sign_in(dashboard, then=dashboard.path("modes"))
    assert somebody.token == ""
    page = somebody.get(f"{STEP}?next={dashboard.path('modes')}")
    assert heading(page) == "Second factor"
    assert somebody.get(dashboard.path("members")).headers["location"].startswith("/sign-in")  # half is nothing
    with capture_logs() as logs:
        wrong = somebody.post(STEP, {"code": "000000"})
    assert "access_denied" not in {each["event"] for each in logs}  # the organization's log has it
    assert (wrong.status_code, errors(wrong)) == (403, {"code": "This code is wrong, or was used before."})
    assert dashboard.last().action == "user.login_failed"
    done = somebody.post(STEP, {"code": dashboard.deployment.code(secret), "next": dashboard.path("modes")})
    assert done.headers["location"] == dashboard.path("modes")
    assert somebody.follow(done).status_code == 200
    again = somebody.post(STEP, {"code": dashboard.deployment.code(secret)})
    assert (again.status_code, heading(again)) == (410, "Sign in")


def test_recovery_codes_are_used_and_made_anew(light_dashboard: Dashboard) -> None:
    dashboard, ada = light_dashboard, light_dashboard.signed_in(Role.OWNER)
    assert ada.post(f"{CODES}/new", {"password": PASSWORD}).status_code == 409  # there is no factor to stand in for
    _, codes = add_app(dashboard, ada)
    somebody = sign_in(dashboard)
    assert somebody.post(STEP, {"code": codes[3]}).status_code == 303
    assert [event.action for event in dashboard.events()[-2:]] == ["user.use_recovery_code", "user.login"]
    assert sign_in(dashboard).post(STEP, {"code": codes[3]}).status_code == 403
    shown = ada.follow(ada.post(f"{CODES}/new", {"password": PASSWORD}))
    assert codes[4] not in shown.text
    assert sign_in(dashboard).post(STEP, {"code": codes[4]}).status_code == 403


def test_where_mail_is_sent_their_person_is_told(calder_sqlite: Calder) -> None:
    dashboard = Dashboard.of(calder_sqlite, WebSettings("https://log.calder.example", sends_mail=True))
    ada = dashboard.signed_in(Role.OWNER)
    add_app(dashboard, ada)
    for path in (f"{CODES}/new", REMOVE):
        assert ada.post(path, {"password": PASSWORD}).status_code == 303
    ada.post("/account/password", {"current": PASSWORD, "password": f"{PASSWORD}!"})
    mails = [waiting.mail for waiting in outbox.due(dashboard.store)]
    assert {(mail.to, mail.subject) for mail in mails} == {("ada@calder.example", notices.SUBJECT)}
    done = (
        "added an authenticator app",
        "made new recovery codes",
        "removed the authenticator app",
        "changed your pass",
    )
    assert [what in mail.body for what, mail in zip(done, mails, strict=True)] == [True] * 4


def test_it_is_removed_with_the_password(light_dashboard: Dashboard) -> None:
    dashboard, ada = light_dashboard, light_dashboard.signed_in(Role.OWNER)
    add_app(dashboard, ada)
    assert ada.post(REMOVE, {"password": "not mine at all"}).status_code == 422
    assert ada.post(REMOVE, {"password": PASSWORD}).headers["location"] == PAGE
    assert dashboard.last().action == "user.remove_second_factor"
    somebody = dashboard.anybody()
    somebody.post("/sign-in", {"email": "ada@calder.example", "password": PASSWORD})
    assert somebody.token


def test_a_link_that_signs_in_asks_for_it_too(light_dashboard: Dashboard) -> None:
    dashboard, ada = light_dashboard, light_dashboard.people[Role.OWNER]
    secret = dashboard.deployment.add_app(ada)
    for purpose, page in ((links.SIGN_IN, "/enter"), (links.RESET, "/password")):
        dashboard.deployment.clock.go_on(MINUTE)
        somebody = dashboard.anybody()
        token = links.new_link(dashboard.store, purpose, lifetime=60 * MINUTE, user=ada.id)
        somebody.get(f"{page}/{token}")
        response = somebody.post(page, {"password": PASSWORD})
        assert (response.headers["location"], somebody.token) == (f"{STEP}?next=%2F", "")
        assert somebody.post(STEP, {"code": dashboard.deployment.code(secret)}).headers["location"] == "/"


def test_nobody_adds_an_app_that_another_has_begun(light_dashboard: Dashboard) -> None:
    dashboard = light_dashboard
    ada, admin = dashboard.signed_in(Role.OWNER), dashboard.signed_in(Role.ADMIN)
    ada.post(NEW, {"password": PASSWORD})
    name = "minutebook-authenticator-app"
    admin.client.cookies.set(name, ada.client.cookies[name], domain="127.0.0.1")
    assert admin.get(CONFIRM).headers["location"] == NEW


def test_an_organization_that_requires_one_says_so_and_leads_to_the_account(light_dashboard: Dashboard) -> None:
    dashboard, ada = light_dashboard, light_dashboard.signed_in(Role.OWNER)
    member, token = dashboard.signed_in(Role.MEMBER), dashboard.token()
    rule = dashboard.path("settings", "second-factor")
    refused = ada.post(rule, {"second_factor": "required"})
    assert (refused.status_code, [*errors(refused)]) == (422, ["second_factor"])
    add_app(dashboard, ada)
    assert "4 of 5 members have no second factor" in told(ada.get(rule))
    assert ada.post(rule, {"second_factor": "required"}).headers["location"] == rule
    assert "Required" in told(ada.get(dashboard.path("settings")))

    for path in ("members", "settings"):
        page = member.get(dashboard.path(path))
        assert (page.status_code, "requires a second factor" in told(page)) == (403, True)
        assert f'href="{PAGE}"' in page.text
    assert member.ask(dashboard.api()).json()["code"] == "second_factor_required"
    assert dashboard.anybody().ask(dashboard.api(), token=token).status_code == 200
    add_app(dashboard, member)
    assert member.get(dashboard.path("members")).status_code == 200
    assert member.get(PAGE).status_code == 200
    kept = member.post(REMOVE, {"password": PASSWORD})
    assert (kept.status_code, "Add another first" in told(kept)) == (409, True)
    assert ada.post(rule, {"second_factor": "optional"}).status_code == 303
    assert dashboard.last().details["second_factor"] == {"before": "required", "after": "optional"}
