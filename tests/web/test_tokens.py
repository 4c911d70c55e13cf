"""The page API tokens: what it lists, the secret that it shows once, and what revoking says and does."""

from __future__ import annotations

import re

import pytest

from minutebook.model import DAY, HOUR, Role
from minutebook.organization import tokens
from minutebook.organization.auditor_links import CreateLink
from minutebook.organization.tokens import CreateToken
from tests.support.dashboard import Dashboard, Somebody, errors, focused, heading, told, value

SECRET = re.compile(r"mbt_[A-Za-z0-9_-]{43}")
FIELDS = {"name": "SIEM", "scopes": ["log.read", "log.export"], "days": "30"}


def make(dashboard: Dashboard, name: str = "SIEM", days: int = 30, by: Role = Role.OWNER) -> str:
    command = CreateToken(name, ("log.read",), days, f"secret of {name} by {by}")
    return str(dashboard.deployment.act(dashboard.people[by], dashboard.number, command).details["token"])


@pytest.fixture
def ada(dashboard: Dashboard) -> Somebody:
    return dashboard.signed_in(Role.OWNER)


def test_the_secret_is_shown_once(dashboard: Dashboard, ada: Somebody) -> None:
    sent = ada.post(dashboard.path("tokens", "new"), FIELDS)
    before = dashboard.recorded()
    made = ada.follow(sent)
    assert made.status_code == 200
    assert heading(made) == "API token created"
    (secret,) = set(SECRET.findall(made.text))
    with dashboard.store.reading() as connection:
        found = tokens.find_by_secret(connection, secret, dashboard.deployment.clock.now)
    assert found
    assert found[0].expires_at == found[0].created_at + 30 * DAY
    page = ada.follow(ada.follow(sent))
    assert "The secret of a token is shown once" in told(page)
    assert secret not in page.text
    assert secret not in str(dict(ada.client.cookies))
    assert dashboard.recorded() == before
    assert "SIEM" in told(page)
    assert "Export the audit log, Read the audit log" in told(page)
    event = dashboard.last()
    assert (event.action, event.details["scopes"]) == ("token.create", ["log.export", "log.read"])


def test_the_secret_is_shown_to_the_session_that_made_it_and_to_no_other(dashboard: Dashboard, ada: Somebody) -> None:
    """Another owner at the same browser, another session of the same one, a cookie that somebody else put there."""
    sent = ada.post(dashboard.path("tokens", "new"), FIELDS)
    cookie = sent.headers["set-cookie"]
    assert re.search(r"HttpOnly; Max-Age=60; .*SameSite=strict", cookie)
    name, _, value = cookie.partition(";")[0].partition("=")
    (secret,) = SECRET.findall(value)
    ada.client.cookies.clear()
    other = dashboard.signed_in(Role.OWNER)
    other.client.cookies.set(name, value, domain=other.client.base_url.host)
    assert other.follow(other.get(sent.headers["location"])).url.path == dashboard.path("tokens")
    for forged in (secret, f"{value.partition('.')[0]}.mbt_{'a' * 43}", "", ".", "x" * 3000):
        other.client.cookies.clear()
        other.token = dashboard.signed_in(Role.OWNER).token
        other.client.cookies.set(name, forged, domain=other.client.base_url.host)
        assert other.get(sent.headers["location"]).status_code == 303


def test_all_that_is_wrong_is_said_at_once(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    answer = ada.post(light_dashboard.path("tokens", "new"), {"name": " ", "scopes": [], "days": "400"})
    assert list(errors(answer)) == ["name", "scopes", "days"]
    assert focused(answer) == "name"
    answer = ada.post(light_dashboard.path("tokens", "new"), {"name": "SIEM", "scopes": [], "days": "400"})
    assert focused(answer) == "scopes"


def test_what_is_revoked_is_told_from_another_of_the_same_name(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    first = make(light_dashboard)
    ada.post(light_dashboard.path("tokens", "new"), FIELDS)
    second = str(light_dashboard.last().details["token"])
    asked = told(ada.get(light_dashboard.path("tokens", first, "revoke"))).partition("Revoke the API token SIEM?")[2]
    assert f"{first}, made by Ada Okafor on Fri 6 Nov 2026" in asked
    assert second not in asked


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["log.write"]}, "scopes"),
        *(({"days": days}, "days") for days in ("", "0", "366", "-1", "1.5", "٣", "1e2", "9" * 5000)),
    ],
)
def test_what_is_wrong_is_said_beside_it(light_dashboard: Dashboard, fields: dict[str, object], wrong: str) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    before = light_dashboard.recorded()
    answer = ada.post(light_dashboard.path("tokens", "new"), FIELDS | fields)  # type: ignore[arg-type]
    assert answer.status_code == 422
    assert list(errors(answer)) == [wrong]
    assert not SECRET.search(answer.text)
    if wrong != "name":
        assert value(answer, "name") == "SIEM"
    assert light_dashboard.recorded() == before


def test_the_list_tells_when_each_was_used_and_when_it_expires(light_dashboard: Dashboard) -> None:
    ada, path = light_dashboard.signed_in(Role.OWNER), light_dashboard.path("tokens")
    assert "No API tokens yet" in told(ada.get(path))
    old, new = make(light_dashboard, "Old", days=1), make(light_dashboard, "New", by=Role.ADMIN)
    page = told(ada.get(path))
    assert page.count("Never used") == 2
    assert "Expired" not in page
    tokens.note_use(light_dashboard.store, new, light_dashboard.deployment.clock.now)
    light_dashboard.deployment.clock.go_on(25 * HOUR)
    page = told(ada.get(path))
    assert f"New {new} · Read the audit log" in page
    assert "Some Admin" in page
    assert "yesterday" in page or "25 hours ago" in page or "1 day ago" in page
    assert page.count("Expired") == 1
    assert page.index(new) < page.index(old)


def test_revoking_asks_for_the_name(dashboard: Dashboard, ada: Somebody) -> None:
    token = make(dashboard)
    path = dashboard.path("tokens", token, "revoke")
    asked = ada.get(path)
    assert "Whatever uses it is refused from the next request on" in told(asked)
    before = dashboard.recorded()
    assert errors(ada.post(path, {"confirm": "siem"}))["revoke-confirm"].startswith("Type SIEM to confirm")
    assert dashboard.recorded() == before
    done = ada.post(path, {"confirm": " SIEM "})
    assert "API token revoked" in told(ada.follow(done))
    assert (dashboard.last().action, dashboard.last().targets[0].id) == ("token.revoke", token)
    assert ada.get(path).status_code == ada.post(path, {"confirm": "SIEM"}).status_code == 404


def test_a_token_of_another_organization_is_not_there(dashboard: Dashboard, ada: Somebody) -> None:
    token = make(dashboard)
    other = dashboard.deployment.found(dashboard.people[Role.OWNER], "Other")
    assert other
    dashboard.move_to("Other")
    for somebody in (ada, dashboard.signed_in(Role.OWNER)):
        assert somebody.get(dashboard.path("tokens", token, "revoke")).status_code == 404
        assert somebody.post(dashboard.path("tokens", token, "revoke"), {"confirm": "SIEM"}).status_code == 404
    assert token not in ada.get(dashboard.path("tokens")).text


def test_removing_who_made_one_says_that_it_goes_on(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    path = light_dashboard.path("members", light_dashboard.people[Role.ADMIN].id, "remove")
    assert "log to whoever" not in told(ada.get(path))
    owner, number = light_dashboard.people[Role.OWNER], light_dashboard.number
    light_dashboard.deployment.act(owner, number, CreateLink("Acme", "", 7, "acme-token"))
    assert "1 auditor link opens the log to whoever has the address" in told(ada.get(path))
    light_dashboard.deployment.clock.go_on(7 * DAY)
    ada = light_dashboard.signed_in(Role.OWNER)
    assert "log to whoever" not in told(ada.get(path)), "it has expired"
    assert "API token" not in told(ada.get(path)).partition("Remove Some Admin")[2]
    make(light_dashboard, by=Role.ADMIN)
    make(light_dashboard, by=Role.OWNER)
    assert "1 API token that they made goes on working: revoke what should not." in told(ada.get(path))
