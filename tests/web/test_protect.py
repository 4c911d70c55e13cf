"""What stands before every page: other sites, other hosts, large bodies, and the headers of every answer."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from httpx2 import Response
from structlog.testing import capture_logs

from minutebook.model import Role
from minutebook.organization.seats import RemoveMember
from minutebook.web.app import WebSettings
from minutebook.web.session import Place
from tests.support.dashboard import Calder, Dashboard, Somebody, heading, told
from tests.support.deployment import PASSWORD, Deployment
from tests.support.sent import statements
from tests.web.test_routes import unsafe_routes

MIB = 1024 * 1024
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PUBLIC = "https://log.calder.example"


@pytest.fixture
def https_dashboard(calder_sqlite: Calder) -> Dashboard:
    """As it is run behind a proxy that speaks https."""
    proxies = (ip_network("203.0.113.0/24"), ip_network("2001:db8::/32"))
    return Dashboard.of(calder_sqlite, WebSettings(PUBLIC, trusted_proxies=proxies))


FROM_ANOTHER_SITE: tuple[dict[str, str], ...] = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8321"},
    {"Sec-Fetch-Site": "something new"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://127.0.0.1:9999"},
    {"Origin": "https://127.0.0.1:8321"},
    {"Origin": "null"},
    {"Origin": ""},
)


def test_every_unsafe_request_of_another_site_is_refused(light_dashboard: Dashboard) -> None:
    """On every route that changes something, and where there is none."""
    ada = light_dashboard.signed_in(Role.OWNER)
    before, sessions = light_dashboard.recorded(), light_dashboard.sessions()
    for path in (*sorted(unsafe_routes()), "/nowhere"):
        address = path.replace("{org}", light_dashboard.organization.id)
        for headers in FROM_ANOTHER_SITE if path in ("/sign-out", "/nowhere") else FROM_ANOTHER_SITE[::4]:
            response = ada.client.post(address, data={"domain": "evil.example"}, headers=headers)
            assert response.status_code == 403, (path, headers)
            assert "another site" in told(response)
    assert (light_dashboard.recorded(), light_dashboard.sessions()) == (before, sessions)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://127.0.0.1:8321"},
        {},
    ],
)
def test_a_form_of_ones_own_is_taken(light_dashboard: Dashboard, headers: dict[str, str]) -> None:
    """Browsers send `Origin: null` under `no-referrer`; what sends neither header cannot be misled."""
    ada = light_dashboard.signed_in(Role.OWNER)
    response = ada.client.post(light_dashboard.path("sso"), data={"domain": "calder.example"}, headers=headers)
    assert response.status_code == 303
    assert light_dashboard.last().action == "sso.set_domain"


def test_reading_is_not_refused_for_where_it_came_from(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    assert ada.get(light_dashboard.path("members"), sec_fetch_site="cross-site").status_code == 200


def test_without_sec_fetch_site_browsers_are_made_to_send_their_origin(sqlite_deployment: Deployment) -> None:
    """Over plain http to another machine, Origin is all there is, and `no-referrer` would hide it."""
    dashboard = Dashboard(sqlite_deployment, WebSettings("http://log.calder.example:8321"))
    response = dashboard.anybody().get("/sign-in")
    assert response.headers["referrer-policy"] == "same-origin"
    own = {"Origin": "http://log.calder.example:8321"}
    assert dashboard.anybody().client.post("/sign-in", data={}, headers=own).status_code == 422


@pytest.mark.parametrize("host", ["evil.example", "", "127.0.0.1.evil.example", "localhost@evil.example", "[", "a b"])
def test_another_host_is_refused(light_dashboard: Dashboard, host: str) -> None:
    response = light_dashboard.anybody().client.get("/sign-in", headers={"Host": host})
    assert response.status_code == 400
    assert "MINUTEBOOK_PUBLIC_URL" in told(response)


@pytest.mark.parametrize("host", ["localhost", "localhost:8321", "127.0.0.1:99", "[::1]:8321", "LOCALHOST"])
def test_the_machine_itself_may_ask(light_dashboard: Dashboard, host: str) -> None:
    assert light_dashboard.anybody().client.get("/sign-in", headers={"Host": host}).status_code == 200


def test_a_body_beyond_a_mebibyte_is_refused(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)

    def pieces() -> Iterator[bytes]:
        yield b"instructions="
        yield from (b"x" * 64 * 1024 for _ in range(17))

    path = light_dashboard.path("modes", "new")
    before = light_dashboard.recorded()
    declared = ada.client.post(path, content=b"instructions=" + b"x" * MIB, headers=FORM)
    streamed = ada.client.post(path, content=pieces(), headers=FORM)
    lying = ada.client.post(path, content=b"name=x", headers=FORM | {"Content-Length": "-1"})
    for response in (declared, streamed, lying):
        assert response.status_code == 413
        assert heading(response) == "That is too large"
        assert "1,048,576 bytes" in told(response)
    assert light_dashboard.recorded() == before


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/json", "text/plain"])
def test_another_kind_of_body_is_refused(light_dashboard: Dashboard, kind: str) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    response = ada.client.post(light_dashboard.path("sso"), content=b"{}", headers={"Content-Type": kind})
    assert response.status_code == 415
    assert "application/x-www-form-urlencoded" in told(response)


def answers(dashboard: Dashboard) -> dict[str, Response]:
    """One answer of every kind."""
    ada = dashboard.signed_in(Role.OWNER)
    return {
        "page": ada.get(dashboard.path("members")),
        "redirect": ada.get("/"),
        "missing": ada.get("/nowhere"),
        "refused": dashboard.signed_in(Role.MEMBER).get(dashboard.path("sso")),
        "other site": ada.client.post("/sign-out", headers={"Origin": "https://evil.example"}),
        "other host": ada.client.get("/", headers={"Host": "evil.example"}),
        "wrong method": ada.client.put("/sign-in"),
        "program": ada.get("/api/v1/events"),
        "old style": ada.get("/static/0000000000000000/styles/log.css"),
    }


def test_no_answer_allows_inline_scripts_is_stored_or_tells_a_referrer(light_dashboard: Dashboard) -> None:
    for name, response in answers(light_dashboard).items():
        headers = response.headers
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'", name
        assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store", name
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["x-request-id"].startswith("req_"), name
        assert "strict-transport-security" not in headers


def test_a_bug_is_answered_with_a_page_and_its_number(
    light_dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("minutebook.organization.roster.read_roster", broken)
    with capture_logs() as logs:
        response = light_dashboard.signed_in(Role.OWNER).get(light_dashboard.path("members"))
    assert response.status_code == 500
    assert heading(response) == "Something went wrong here"
    assert "secret detail" not in response.text
    assert response.headers["x-request-id"] in told(response)
    assert response.headers["content-security-policy"]
    assert [log["request_id"] for log in logs if log["event"] == "failed"] == [response.headers["x-request-id"]]


def test_an_error_whose_page_fails_too_is_answered_in_plain_words(
    light_dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("minutebook.web.render.shell_of", broken)
    ada = light_dashboard.signed_in(Role.OWNER)
    for path in ("members", "members/usr_nobody/remove"):
        with capture_logs() as logs:
            response = ada.get(light_dashboard.path(path))
        number = response.headers["x-request-id"]
        assert response.status_code == 500, path
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        assert response.text == f"Something went wrong here.\nNoted as {number}\n"
        assert response.headers["content-security-policy"]
        ours = [log["event"] for log in logs if log.get("request_id") == number]
        assert ours == ["failed", "error_page_failed", "request"], path
        assert [log["status"] for log in logs if log["event"] == "request"] == [500]


def test_static_files_are_kept_and_pages_are_not(light_dashboard: Dashboard) -> None:
    page = light_dashboard.anybody().get("/sign-in")
    address = page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert "immutable" in light_dashboard.anybody().get(address).headers["cache-control"]


def test_over_https_cookies_are_bound_to_the_host(https_dashboard: Dashboard) -> None:
    response = https_dashboard.anybody().post("/sign-in", {"email": "ada@calder.example", "password": PASSWORD})
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("__Host-minutebook-session=")
    assert "Secure" in cookie and "Path=/" in cookie and "Domain" not in cookie
    assert response.headers["strict-transport-security"].startswith("max-age=")
    plain = https_dashboard.anybody()
    plain.client.cookies.set("minutebook-session", https_dashboard.signed_in(Role.OWNER).token)
    assert plain.get("/").headers["location"].startswith("/sign-in")


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        (None, "203.0.113.9"),
        ("198.51.100.7", "198.51.100.7"),
        ("6.6.6.6, 198.51.100.7", "198.51.100.7"),
        ("6.6.6.6, 198.51.100.7, 203.0.113.40", "198.51.100.7"),
        ("198.51.100.7, nonsense", "203.0.113.9"),
        ("203.0.113.40", "203.0.113.40"),
        ("2001:db9::1, 2001:db8::1", "2001:db9::1"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("", "203.0.113.9"),
    ],
)
def test_an_address_is_believed_of_trusted_proxies_only(
    https_dashboard: Dashboard, forwarded: str | None, expected: str
) -> None:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    ada = https_dashboard.signed_in(Role.OWNER)
    ada.client.post(https_dashboard.path("sso"), data={"domain": "calder.example"}, headers=headers)
    assert https_dashboard.last().context.ip == expected


def test_nobody_else_can_say_where_they_come_from(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    ada.post(light_dashboard.path("sso"), {"domain": "calder.example"}, x_forwarded_for="198.51.100.7")
    assert light_dashboard.last().context.ip == "203.0.113.9"


def test_a_long_name_of_a_program_is_cut_and_says_so(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    ada.post(light_dashboard.path("sso"), {"domain": "calder.example"}, user_agent="x" * 60_000)
    recorded = light_dashboard.last().context.user_agent
    assert recorded is not None
    assert recorded.startswith("x" * 400 + "… (cut from 60,000 characters, SHA-256 ")


def test_the_servers_log_names_routes_and_no_token_or_person(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    member = light_dashboard.people[Role.MEMBER]
    with capture_logs() as logs:
        ada.get(light_dashboard.path("members") + "?q=member@calder.example")
        ada.get("/invitation/a-secret-token")
        ada.get(light_dashboard.path("members", member.id, "remove"))
        ada.get("/nowhere/a-secret-token")
    routes = [log["route"] for log in logs if log["event"] == "request"]
    assert routes == ["/o/{org}/members", "/invitation/{token}", "/o/{org}/members/{user}/remove", "none"]
    assert not {"member@calder.example", "a-secret-token", member.id} & set(str(logs).replace("'", " ").split())


def test_who_holds_no_seat_is_noted_in_the_security_log(light_dashboard: Dashboard) -> None:
    outsider = light_dashboard.person("out@sider.example", "Out Sider")
    with capture_logs() as logs:
        light_dashboard.signed_in(outsider).get(light_dashboard.path("audit-logs"))
        light_dashboard.signed_in(Role.MEMBER).get(light_dashboard.path("audit-logs"))
    [denied] = [log for log in logs if log["event"] == "access_denied"]
    request = next(log for log in logs if log["event"] == "request")
    assert denied == {
        "event": "access_denied",
        "log_level": "warning",
        "route": "/o/{org}/audit-logs",
        "method": "GET",
        "user": outsider.id,
        "organization": light_dashboard.organization.id,
        "reason": "no seat",
        "request_id": request["request_id"],
        "ip": "203.0.113.9",
    }


def test_refusals_inside_an_act_are_noted_once_each(
    light_dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that only the act itself can tell, and those of somebody whose seat or role went in this moment."""
    organization, people = light_dashboard.organization.id, light_dashboard.people
    admin, outsider = light_dashboard.signed_in(Role.ADMIN), light_dashboard.person("out@sider.example", "Out Sider")
    ada_id, admin_id = people[Role.OWNER].id, people[Role.ADMIN].id
    stranger = light_dashboard.signed_in(outsider)

    def denied(somebody: Somebody, path: str, fields: dict[str, str] | None = None) -> list[tuple[object, ...]]:
        """What the security log is told, and behind it what the organization's own log is."""
        with capture_logs() as logs:
            response = somebody.get(path) if fields is None else somebody.post(path, fields)
        assert response.status_code in (403, 404)
        found = [log for log in logs if log["event"] == "access_denied"]
        events = light_dashboard.denied()
        assert "@" not in str([found, [event.details for event in events]])
        assert {log["request_id"] for log in found} <= {response.headers["x-request-id"]}
        assert {event.context.request_id for event in events} <= {response.headers["x-request-id"]}
        told = [tuple(log.get(name) for name in ("route", "user", "organization", "reason")) for log in found]
        names = ("operation", "route", "role", "needed", "reason")
        return told + [(event.actor.id, *map(event.details.get, names)) for event in events]

    change = ("change role", "POST /o/{org}/members/{user}/role")
    role_of_ada = light_dashboard.path("members", ada_id, "role")
    why = "Only an owner makes someone owner, or changes the seat of one."
    assert denied(admin, role_of_ada, {"role": "member"}) == [(admin_id, *change, "admin", None, why)]
    members = light_dashboard.path("members")
    assert denied(stranger, members) == [("/o/{org}/members", outsider.id, organization, "no seat")]
    assert denied(stranger, "/o/%0d%0aada@x.example/members") == [("/o/{org}/members", outsider.id, None, "no seat")]
    assert denied(admin, light_dashboard.path("members", "usr_aaaaaaaaaaaa", "remove")) == []
    assert denied(light_dashboard.anybody(), "/sign-in", {"email": "ada@calder.example", "password": "wrong"}) == []
    assert denied(admin, "/sign-in", {"email": "ada@calder.example", "password": "wrong"}) == []

    member, member_id = light_dashboard.signed_in(Role.MEMBER), people[Role.MEMBER].id
    monkeypatch.setattr(Place, "may", lambda *_: True)
    needed = "invite, remove or change people"
    assert denied(member, role_of_ada, {"role": "member"}) == [(member_id, *change, "member", needed, None)]


def test_a_refusal_is_answered_before_it_is_recorded_and_holds_nothing_that_was_sent(
    light_dashboard: Dashboard,
) -> None:
    """Nothing is written until the answer is there, so neither its time nor a full disk has to do with it."""
    member = light_dashboard.signed_in(Role.MEMBER)
    member.get(light_dashboard.path("members"))
    with statements() as sent:
        answer = member.post(
            light_dashboard.path("members", "usr_sentinelsent", "role") + "?q=sentinel",
            {"role": "sentinel"},
            referer="http://sentinel.example",
        )
    assert answer.status_code == 403
    assert {statement.split()[0].upper() for statement, _ in sent} <= {"BEGIN", "SELECT", "WITH"}
    [event] = light_dashboard.denied()
    assert "sentinel" not in str(event)
    assert event.details["operation"] == "change role"


def test_a_session_dies_with_its_seat(light_dashboard: Dashboard) -> None:
    member = light_dashboard.signed_in(Role.MEMBER)
    assert member.user
    owner = light_dashboard.people[Role.OWNER]
    light_dashboard.deployment.act(owner, light_dashboard.number, RemoveMember(member.user.id))
    assert member.get(light_dashboard.path("members")).status_code == 404
