"""Who is refused where: every page and every form, for every role, an outsider and somebody who is not signed in."""

from __future__ import annotations

import pytest

from minutebook.custody.clock import RecordForwardStep
from minutebook.custody.high_water import Custody
from minutebook.custody.holds import PlaceHold
from minutebook.custody.signer import sign_logs
from minutebook.model import Plan, Role
from minutebook.organization.auditor_links import CreateLink
from minutebook.organization.modes import CreateMode
from minutebook.organization.saved_searches import SaveSearch
from minutebook.organization.sso import SetSsoDomain
from minutebook.organization.tokens import CreateToken
from minutebook.permissions import Permission, may
from tests.support.dashboard import Dashboard, all_routes, heading, told
from tests.support.walk import let_in

NEEDS = {
    "/o/{org}": Permission.SEATS_READ,
    "/o/{org}/members": Permission.SEATS_READ,
    "/o/{org}/leave": Permission.SEATS_READ,
    "/o/{org}/members/{user}/role": Permission.SEATS_WRITE,
    "/o/{org}/members/{user}/transfer": Permission.OWNERSHIP,
    "/o/{org}/members/{user}/remove": Permission.SEATS_WRITE,
    "/o/{org}/members/{user}/sessions": Permission.SEATS_WRITE,
    "/o/{org}/invitations/new": Permission.SEATS_WRITE,
    "/o/{org}/invitations/bulk": Permission.SEATS_WRITE,
    "/o/{org}/invitations/{invitation}/resend": Permission.SEATS_WRITE,
    "/o/{org}/invitations/{invitation}/revoke": Permission.SEATS_WRITE,
    "/o/{org}/models": Permission.SETTINGS_READ,
    "/o/{org}/settings": Permission.SETTINGS_READ,
    "/o/{org}/settings/second-factor": Permission.SETTINGS_WRITE,
    "/o/{org}/settings/name": Permission.SETTINGS_WRITE,
    "/o/{org}/settings/spending": Permission.SETTINGS_WRITE,
    "/o/{org}/settings/sessions": Permission.SETTINGS_WRITE,
    "/o/{org}/deletion": Permission.OWNERSHIP,
    "/o/{org}/deletion/cancel": Permission.OWNERSHIP,
    "/o/{org}/modes": Permission.SETTINGS_READ,
    "/o/{org}/modes/new": Permission.MODES_WRITE,
    "/o/{org}/modes/{mode}": Permission.SETTINGS_READ,
    "/o/{org}/modes/{mode}/delete": Permission.MODES_WRITE,
    "/o/{org}/credits": Permission.CREDITS_READ,
    "/o/{org}/credits/ledger.csv": Permission.CREDITS_READ,
    "/o/{org}/sso": Permission.SSO_READ,
    "/o/{org}/sso/verify": Permission.SSO_WRITE,
    "/o/{org}/sso/remove": Permission.SSO_WRITE,
    "/o/{org}/tokens": Permission.TOKENS_WRITE,
    "/o/{org}/tokens/new": Permission.TOKENS_WRITE,
    "/o/{org}/tokens/made": Permission.TOKENS_WRITE,
    "/o/{org}/tokens/{token}/revoke": Permission.TOKENS_WRITE,
    "/o/{org}/audit-logs": Permission.LOG_READ,
    "/o/{org}/auditor-links": Permission.LINKS_WRITE,
    "/o/{org}/auditor-links/new": Permission.LINKS_WRITE,
    "/o/{org}/auditor-links/made": Permission.LINKS_WRITE,
    "/o/{org}/auditor-links/{link}/revoke": Permission.LINKS_WRITE,
    "/o/{org}/retention": Permission.RETENTION_WRITE,
    "/o/{org}/retention/families/{family}": Permission.RETENTION_WRITE,
    "/o/{org}/retention/holds/new": Permission.RETENTION_WRITE,
    "/o/{org}/retention/holds/{hold}/release": Permission.RETENTION_WRITE,
    "/o/{org}/retention/clock": Permission.RETENTION_WRITE,
    "/o/{org}/retention/erase": Permission.LOG_ERASE,
    "/o/{org}/audit-logs/saved": Permission.LOG_READ,
    "/o/{org}/audit-logs/saved/new": Permission.LOG_READ,
    "/o/{org}/audit-logs/saved/counts": Permission.LOG_READ,
    "/o/{org}/audit-logs/saved/{search}": Permission.LOG_READ,
    "/o/{org}/audit-logs/saved/{search}/rename": Permission.LOG_READ,
    "/o/{org}/audit-logs/saved/{search}/delete": Permission.LOG_READ,
    "/o/{org}/audit-logs/tail": Permission.LOG_READ,
    "/o/{org}/audit-logs/export": Permission.LOG_EXPORT,
    "/o/{org}/audit-logs/evidence": Permission.LOG_EXPORT,
    "/o/{org}/audit-logs/complete": Permission.LOG_READ,
    "/o/{org}/audit-logs/{seq}": Permission.LOG_READ,
    "/o/{org}/audit-logs/{seq}.json": Permission.LOG_READ,
    "/o/{org}/audit-logs/{seq}.tlog-proof": Permission.LOG_READ,
    "/o/{org}/integrity": Permission.LOG_READ,
    "/o/{org}/integrity/checkpoints/{size}": Permission.LOG_READ,
    "/o/{org}/integrity/verified": Permission.LOG_READ,
    "/o/{org}/support/{grant}/end": Permission.SUPPORT_END,
}
"""What a page needs to be seen."""

NEEDS_TO_SEND = NEEDS | {
    "/o/{org}/models": Permission.SETTINGS_WRITE,
    "/o/{org}/settings": Permission.SETTINGS_WRITE,
    "/o/{org}/modes/{mode}": Permission.MODES_WRITE,
    "/o/{org}/credits": Permission.CREDITS_BUY,
    "/o/{org}/sso": Permission.SSO_WRITE,
}
"""What its form needs to be sent."""

KNOWN_ONLY_WHEN_RECORDED = ("minutebook-log-size", "minutebook-now", "content-disposition")
"""Headers of an export, which HEAD does not begin."""

LEAD_ON = {
    "/o/{org}/sso/verify",
    "/o/{org}/deletion/cancel",
    "/o/{org}/members/{user}/role",
    "/o/{org}/audit-logs/saved/{search}",
    "/o/{org}/audit-logs/{seq}",
    "/o/{org}/tokens/made",
    "/o/{org}/integrity/verified",
    "/o/{org}/auditor-links/made",
    "/o/{org}/support/{grant}/end",
}
"""They only lead to another page; those that show what was made, once it was shown."""


def routes(method: str) -> list[str]:
    return [path for path, methods in all_routes() if method in methods and path.startswith("/o/{org}")]


def filled_in(dashboard: Dashboard, path: str) -> str:
    """The address of a page, with things of its own in it."""
    owner = dashboard.people[Role.OWNER]
    if "{mode}" in path:
        mode = dashboard.deployment.act(owner, dashboard.number, CreateMode(path, "", ()))
        path = path.replace("{mode}", str(mode.details["mode"]))
    if path.endswith("/audit-logs/saved/new"):
        path += "?query=-outcome:success"
    if "{search}" in path:
        save = SaveSearch(path, "-outcome:success", shared=True)
        search = dashboard.deployment.act(owner, dashboard.number, save)
        path = path.replace("{search}", str(search.details["search"]))
    if "{link}" in path:
        link = dashboard.deployment.act(owner, dashboard.number, CreateLink("Acme", "", 7, f"token {path}"))
        path = path.replace("{link}", str(link.details["link"]))
    if "{hold}" in path:
        hold = dashboard.deployment.act(owner, dashboard.number, PlaceHold("Acme", "seq:9999"))
        path = path.replace("{hold}", str(hold.details["hold"]))
    if "{grant}" in path:
        path = path.replace("{grant}", let_in(dashboard.deployment, dashboard.number, "a link for support").id)
    if path.endswith("/clock"):
        dashboard.deployment.act(None, dashboard.number, RecordForwardStep(1, 2))
    path = path.replace("{family}", "mode")
    if "{invitation}" in path:
        post = dashboard.signed_in(Role.OWNER).post
        email = f"{path.rpartition('/')[2]}@calder.example"  # another one for each page
        post(dashboard.path("invitations", "new"), {"emails": email, "role": "member"})
        path = path.replace("{invitation}", str(dashboard.last().details["invitation"]))
    if "/tokens/{token}" in path:
        token = dashboard.deployment.act(owner, dashboard.number, CreateToken("SIEM", ("log.read",), 1, "a secret"))
        path = path.replace("{token}", str(token.details["token"]))
    if "/sso" in path:
        dashboard.deployment.act(owner, dashboard.number, SetSsoDomain(f"{path.rpartition('/')[2]}.example"))
    if path.endswith(("/evidence", ".tlog-proof", "/{size}")):
        path = path.replace("{size}", str(signed(dashboard)))
    return (
        path.replace("{org}", dashboard.organization.id)
        .replace("{user}", dashboard.people[Role.MEMBER].id)
        .replace("{seq}", "0")
    )


def signed(dashboard: Dashboard) -> int:
    """Signs the log; how many events it has."""
    sign_logs(dashboard.store, Custody(dashboard.deployment.ledger.directory), "minutebook.example")
    return dashboard.deployment.size(dashboard.number)


def test_the_table_above_names_every_page() -> None:
    for path in routes("GET"):
        assert path in NEEDS, f"add {path} to NEEDS in tests/web/test_refusals.py, with the permission to see it"
    for path in routes("POST"):
        assert path in NEEDS_TO_SEND, f"add {path} to NEEDS_TO_SEND in tests/web/test_refusals.py"
    for path in NEEDS_TO_SEND:
        assert path in {*routes("GET"), *routes("POST")}, f"take {path} out of tests/web/test_refusals.py"


@pytest.mark.parametrize("path", sorted(NEEDS))
def test_a_page_is_seen_by_those_who_may(light_dashboard: Dashboard, path: str) -> None:
    address = filled_in(light_dashboard, path)
    for role in Role:
        response = light_dashboard.signed_in(role).get(address)
        if may(role, NEEDS[path]):
            assert response.status_code == (303 if path in LEAD_ON else 200), (role, told(response))
        else:
            assert response.status_code == 403, role
            assert f"may not {NEEDS[path].value}" in told(response)
            assert_denied(light_dashboard, role, f"GET {path}", NEEDS[path])


def assert_denied(dashboard: Dashboard, role: Role, route: str, needed: Permission) -> None:
    """The refusal is recorded, once: by whom, as what, on which route, for want of what."""
    [event] = dashboard.denied()
    assert event.outcome == "denied"
    assert event.actor.email == dashboard.people[role].email
    assert (event.details["route"], event.details["role"]) == (route, role.value)
    assert (event.details["needed"], event.details["times"]) == (needed.value, 1)


@pytest.mark.parametrize("path", sorted(NEEDS))
def test_a_page_is_not_there_for_anybody_else(light_dashboard: Dashboard, path: str) -> None:
    address = filled_in(light_dashboard, path)
    before = light_dashboard.recorded()
    outsider = light_dashboard.signed_in(light_dashboard.person("out@sider.example", "Out Sider"))
    seen = outsider.get(address)
    while seen.status_code == 303:
        seen = outsider.follow(seen)
    missing = outsider.get(address.replace(light_dashboard.organization.id, "org_aaaaaaaaaaaa"))
    while missing.status_code == 303:
        missing = outsider.follow(missing)
    assert seen.status_code == missing.status_code == 404
    assert "Calder" not in seen.text
    noted = [response.headers["x-request-id"] for response in (seen, missing)]
    assert seen.text.replace(noted[0], "") == missing.text.replace(noted[1], "")
    anybody = light_dashboard.anybody().get(address)
    if path.endswith(".json"):
        assert anybody.status_code == 401
    else:
        assert heading(seen) == "Page not found"
        assert anybody.headers["location"].startswith("/sign-in?next=%2Fo%2F")
    assert light_dashboard.recorded() == before


@pytest.mark.parametrize("path", sorted(path for path, methods in all_routes() if "GET" in methods))
def test_head_is_answered_like_get_without_the_page(light_dashboard: Dashboard, path: str) -> None:
    address = filled_in(light_dashboard, path).replace("{token}", "made-up")
    ada = light_dashboard.signed_in(Role.OWNER)
    page = ada.get(address)
    before = light_dashboard.recorded()
    head = ada.client.head(address)
    assert (head.status_code, head.content) == (page.status_code, b"")
    for response in (head, page):
        for name in ("x-request-id", *KNOWN_ONLY_WHEN_RECORDED, *(["content-length"] if path == "/metrics" else [])):
            response.headers.pop(name, None)
    assert head.headers == page.headers
    assert light_dashboard.recorded() == before


@pytest.mark.parametrize("path", sorted(set(routes("POST")) & set(NEEDS_TO_SEND)))
def test_a_form_of_those_who_may_not_changes_nothing(light_dashboard: Dashboard, path: str) -> None:
    address = filled_in(light_dashboard, path)
    outsider = light_dashboard.signed_in(light_dashboard.person("out@sider.example", "Out Sider"))
    lacking = [role for role in Role if not may(role, NEEDS_TO_SEND[path])]
    refused = [(light_dashboard.signed_in(role), 403) for role in lacking]
    assert refused or NEEDS_TO_SEND[path] is Permission.SEATS_READ
    before = light_dashboard.recorded()
    everything = {
        "role": "admin",
        "confirm": "member@calder.example",
        "emails": "x@calder.example",
        "amount": "1",
        "reference": "r",
    }
    for somebody, status in [*refused, (outsider, 404), (light_dashboard.anybody(), 401)]:
        response = somebody.post(address, everything)
        assert response.status_code == status, (somebody.user, told(response))
        assert "text/html" in response.headers["content-type"]
    assert light_dashboard.recorded() == before
    denied = light_dashboard.denied()
    assert [event.details["role"] for event in denied] == [role.value for role in lacking], "others hold no seat"
    assert {event.details["route"] for event in denied} <= {f"POST {path}"}
    assert {event.details["needed"] for event in denied} <= {NEEDS_TO_SEND[path].value}


def test_a_program_is_refused_in_its_own_words(light_dashboard: Dashboard) -> None:
    path = light_dashboard.path("audit-logs")
    answers = {
        401: light_dashboard.anybody().get(path, accept="application/json"),
        403: light_dashboard.signed_in(Role.MEMBER).get(path, accept="application/json"),
        404: light_dashboard.signed_in(Role.OWNER).get("/o/org_aaaaaaaaaaaa/audit-logs", accept="application/json"),
    }
    for status, response in answers.items():
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"
        body = response.json()
        assert body["status"] == status
        assert body["request_id"] == response.headers["x-request-id"]
    assert answers[403].json()["code"] == "forbidden"


def test_a_role_change_holds_from_the_next_request(dashboard: Dashboard) -> None:
    ada, admin = dashboard.signed_in(Role.OWNER), dashboard.signed_in(Role.ADMIN)
    assert admin.get(dashboard.path("sso")).status_code == 200
    assert admin.user
    ada.post(dashboard.path("members", admin.user.id, "role"), {"role": "member"})
    assert admin.get(dashboard.path("sso")).status_code == 403
    ada.post(dashboard.path("members", admin.user.id, "remove"), {"confirm": admin.user.email})
    assert admin.get(dashboard.path("members")).status_code == 404


def test_the_pages_of_a_small_plan_are_the_same_save_one(light_dashboard: Dashboard) -> None:
    owner = light_dashboard.people[Role.OWNER]
    light_dashboard.number = light_dashboard.deployment.found(owner, "Kestrel Works", Plan.TEAMS)
    ada = light_dashboard.signed_in(Role.OWNER)
    for page in ("members", "models", "modes", "credits", "sso", "tokens", "settings"):
        assert ada.get(light_dashboard.path(page)).status_code == 200
    for page in ("audit-logs", "integrity"):
        assert "Enterprise" in told(ada.get(light_dashboard.path(page)))
    assert "History" not in told(ada.get(light_dashboard.path("members")))
    assert ada.follow(ada.get("/")).status_code == 200


def test_the_navigation_shows_what_may_be_opened(light_dashboard: Dashboard) -> None:
    everything = (
        *("Members", "Invitations", "Models & Providers", "Modes", "Credits", "SSO", "API tokens", "Settings"),
        *("Audit Logs", "Integrity", "Auditor links"),
    )
    expected = {
        Role.OWNER: {*everything},
        Role.AUDITOR: {"Members", "Models & Providers", "Modes", "Settings", "Audit Logs", "Integrity"},
        Role.BILLING_MANAGER: {"Members", "Models & Providers", "Modes", "Credits", "Settings"},
        Role.MEMBER: {"Members", "Models & Providers", "Modes", "Settings"},
    }
    for role, labels in expected.items():
        page = light_dashboard.signed_in(role).get(light_dashboard.path("members")).text
        shown = {label for label in everything if f"</svg>{label.replace('&', '&amp;')}<" in page}
        assert shown == labels, role
