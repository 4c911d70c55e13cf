"""A sweep over all routes: one that changes something and records nothing fails."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable

import pytest
from httpx2 import Response
from starlette.routing import Route

from minutebook.actions import CATALOGUE
from minutebook.custody.clock import RecordForwardStep
from minutebook.custody.holds import PlaceHold
from minutebook.model import DAY, HOUR, Event, Outcome, Role
from minutebook.organization import links, support
from minutebook.organization.auditor_links import CreateLink
from minutebook.organization.modes import CreateMode
from minutebook.organization.organizations import all_organizations
from minutebook.organization.saved_searches import SaveSearch
from minutebook.organization.seats import ChangeRole
from minutebook.organization.second_factor_rule import ChangeSecondFactor
from minutebook.organization.sso import SetSsoDomain, record_name, record_text
from minutebook.organization.tokens import CreateToken
from minutebook.web.protect import SAFE_METHODS
from tests.support.dashboard import Dashboard, Somebody, all_routes, told, value
from tests.support.deployment import PASSWORD, Deployment
from tests.support.passkeys import Authenticator, add_passkey
from tests.support.walk import let_in

FORM = "application/x-www-form-urlencoded"
HOUSEKEEPING: dict[str, str] = {
    "/forgot": "mails a link, of which the security log is told; that somebody used it is recorded",
    "/account/passkeys/new": "makes what is to be signed; that a passkey signed it is recorded",
    "/sign-in/passkey/begin": "makes what is to be signed; that somebody signed in by it is recorded",
    "/account/authenticator-app/new": "makes a secret; that an app holds it is recorded when a code of it proves it",
    "/audit/{link}/leave": "closes a link in one browser; that it was opened, and what was read, is recorded already",
}
"""Routes with an unsafe method that record nothing, and why."""

Drive = Callable[[Dashboard, Somebody], tuple[str, dict[str, str]]]
"""Makes a route's act possible; returns the address and the fields that do it, sent by the owner."""


def _mode(dashboard: Dashboard) -> str:
    owner = dashboard.people[Role.OWNER]
    return str(dashboard.deployment.act(owner, dashboard.number, CreateMode("Reviewer", "", ())).details["mode"])


def _link(dashboard: Dashboard, ada: Somebody, purpose: str, path: str) -> tuple[str, dict[str, str]]:
    user = ada.user.id if ada.user and purpose != links.SET_UP else None
    ada.get(f"{path}/{links.new_link(dashboard.store, purpose, lifetime=DAY, user=user)}")
    return path, {}


def _invited(dashboard: Dashboard, ada: Somebody) -> tuple[str, str]:
    page = ada.post(dashboard.path("invitations", "new"), {"emails": "guest@x.example", "role": "member"})
    token = page.text.partition("/invitation/")[2].partition("<")[0]
    return str(dashboard.last().details["invitation"]), token


def _revoke(dashboard: Dashboard, ada: Somebody) -> tuple[str, dict[str, str]]:
    return dashboard.path("invitations", _invited(dashboard, ada)[0], "revoke"), {}


def _bulk(dashboard: Dashboard, ada: Somebody) -> tuple[str, dict[str, str]]:
    path, fields = dashboard.path("invitations", "bulk"), {"rows": "x@x.example", "role": "member"}
    return path, fields | {"seen": value(ada.post(path, fields), "seen")}


def _accept(dashboard: Dashboard, ada: Somebody) -> tuple[str, dict[str, str]]:
    ada.get(f"/invitation/{_invited(dashboard, ada)[1]}")
    ada.post("/sign-out")
    return "/invitation", {"name": "Guest", "password": PASSWORD}


def _choose_password(dashboard: Dashboard, ada: Somebody) -> tuple[str, dict[str, str]]:
    path, _ = _link(dashboard, ada, links.RESET, "/password")
    return path, {"password": PASSWORD}


def _models(dashboard: Dashboard, ada: Somebody) -> tuple[str, dict[str, str]]:
    path = dashboard.path("models")
    before = value(ada.get(path), "before")
    return path, {"before": before, "models": "openai/o3", "default_model": "openai/o3", "providers": "openai"}


def _settings(dashboard: Dashboard, ada: Somebody) -> tuple[str, dict[str, str]]:
    path = dashboard.path("settings")
    return path, {"data_collection": "allow", "before": value(ada.get(path), "before")}


def _verify_sso(dashboard: Dashboard, ada: Somebody) -> tuple[str, dict[str, str]]:
    assert ada.user
    dashboard.deployment.act(ada.user, dashboard.number, SetSsoDomain("calder.example"))
    dashboard.zone.texts[record_name("calder.example")] = (record_text(dashboard.organization.id),)
    return dashboard.path("sso", "verify"), {"checked": "calder.example"}


def _keep(dashboard: Dashboard, ada: Somebody) -> tuple[str, dict[str, str]]:
    ada.post(dashboard.path("deletion"), {"confirm": "Calder Robotics"})
    return dashboard.path("deletion", "cancel"), {}


def _of_settings(dashboard: Dashboard, ada: Somebody, section: str, **fields: str) -> tuple[str, dict[str, str]]:
    path = dashboard.path("settings", section)
    return path, fields | {"before": value(ada.get(path), "before")}


def _remove_sso(dashboard: Dashboard, ada: Somebody) -> tuple[str, dict[str, str]]:
    assert ada.user
    dashboard.deployment.act(ada.user, dashboard.number, SetSsoDomain("calder.example"))
    return dashboard.path("sso", "remove"), {"confirm": "calder.example"}


def _search(dashboard: Dashboard) -> str:
    owner = dashboard.people[Role.OWNER]
    save = SaveSearch("Refusals", "-outcome:success", shared=True)
    return str(dashboard.deployment.act(owner, dashboard.number, save).details["search"])


def _saved(dashboard: Dashboard, *parts: str) -> str:
    return dashboard.path("audit-logs", "saved", *parts)


def _auditor_link(dashboard: Dashboard) -> str:
    owner = dashboard.people[Role.OWNER]
    made = dashboard.deployment.act(owner, dashboard.number, CreateLink("Acme", "", 7, "token"))
    return str(made.details["link"])


def _open_auditor_link(dashboard: Dashboard, ada: Somebody) -> tuple[str, dict[str, str]]:
    _auditor_link(dashboard)
    ada.get("/audit/token")
    return "/audit", {}


def _token(dashboard: Dashboard) -> str:
    owner, command = dashboard.people[Role.OWNER], CreateToken("SIEM", ("log.read",), 1, "a secret")
    return str(dashboard.deployment.act(owner, dashboard.number, command).details["token"])


def _member(dashboard: Dashboard, *parts: str) -> str:
    return dashboard.path("members", dashboard.people[Role.MEMBER].id, *parts)


def _hold(dashboard: Dashboard) -> str:
    owner = dashboard.people[Role.OWNER]
    return str(dashboard.deployment.act(owner, dashboard.number, PlaceHold("Acme", "seq:9999")).details["hold"])


def _clock(dashboard: Dashboard, ada: Somebody) -> tuple[str, dict[str, str]]:
    dashboard.deployment.act(None, dashboard.number, RecordForwardStep(1, 2))
    path = dashboard.path("retention", "clock")
    return path, {"confirm": ada.get(path).text.partition('data-confirm="')[2].partition('"')[0]}


def _enter_as_support(dashboard: Dashboard, ada: Somebody) -> tuple[str, dict[str, str]]:
    """Ada is of support staff elsewhere."""
    assert ada.user
    elsewhere = dashboard.deployment.found(dashboard.person("olga@kestrel.example", "Olga"), "Kestrel Works")
    support.change_staff(dashboard.store, ada.user.id, to=True)
    dashboard.deployment.act(None, elsewhere, support.GrantSupport(ada.user.id, "Ticket 4711", HOUR, (), "a-link"))
    ada.get("/support/a-link")
    return "/support", {}


def _erase(dashboard: Dashboard, ada: Somebody) -> tuple[str, dict[str, str]]:
    path = dashboard.path("retention", "erase")
    page = ada.get(f"{path}?person=member@calder.example")
    number = page.text.partition("Type ")[2].partition(" to approve")[0]
    fields = {"person": "member@calder.example", "plan": value(page, "plan"), "reason": "By letter"}
    return path, fields | {"confirm": number}


def _end_sessions(dashboard: Dashboard, ada: Somebody) -> tuple[str, dict[str, str]]:
    dashboard.signed_in(Role.OWNER)
    return "/account/sessions", {"session": "others"}


def _half_signed_in(dashboard: Dashboard, ada: Somebody) -> tuple[str, dict[str, str]]:
    assert ada.user
    secret = dashboard.deployment.add_app(ada.user)
    ada.post("/sign-in", {"email": ada.user.email, "password": PASSWORD})
    return "/sign-in/second-factor", {"code": dashboard.deployment.code(secret, 1)}


def _app(dashboard: Dashboard, ada: Somebody, path: str) -> tuple[str, dict[str, str]]:
    assert ada.user
    dashboard.deployment.add_app(ada.user)
    return path, {"password": PASSWORD}


def _begun(dashboard: Dashboard, ada: Somebody) -> tuple[str, dict[str, str]]:
    page = ada.follow(ada.post("/account/authenticator-app/new", {"password": PASSWORD}))
    secret = page.text.partition('id="secret">')[2].partition("<")[0].replace(" ", "")
    return "/account/authenticator-app/confirm", {"code": dashboard.deployment.code(base64.b32decode(secret))}


def asked(page: Response) -> str:
    """What the browser is asked for on a page that takes a passkey."""
    return html.unescape(page.text.partition('data-passkey="')[2].partition('"')[0])


def _new_passkey(dashboard: Dashboard, ada: Somebody) -> tuple[str, dict[str, str]]:
    page = ada.follow(ada.post("/account/passkeys/new", {"password": PASSWORD}))
    return "/account/passkeys/confirm", {"name": "Phone", "credential": Authenticator().make(asked(page))}


def _passkey(dashboard: Dashboard) -> str:
    return add_passkey(dashboard.deployment, dashboard.people[Role.OWNER], Authenticator())


def _by_passkey(dashboard: Dashboard, ada: Somebody) -> tuple[str, dict[str, str]]:
    device = Authenticator()
    add_passkey(dashboard.deployment, dashboard.people[Role.OWNER], device)
    page = ada.follow(ada.post("/sign-in/passkey/begin"))
    return "/sign-in/passkey", {"credential": device.sign(asked(page))}


def _lift_the_rule(dashboard: Dashboard, ada: Somebody) -> tuple[str, dict[str, str]]:
    dashboard.deployment.act(None, dashboard.number, ChangeSecondFactor("required"))
    secret = dashboard.deployment.add_app(dashboard.people[Role.OWNER])
    ada.post("/sign-in", {"email": "ada@calder.example", "password": PASSWORD})
    ada.post("/sign-in/second-factor", {"code": dashboard.deployment.code(secret, 1)})
    return dashboard.path("settings", "second-factor"), {"second_factor": "optional"}


def _another_owner(dashboard: Dashboard) -> None:
    dashboard.deployment.act(None, dashboard.number, ChangeRole(dashboard.people[Role.ADMIN].id, Role.OWNER))


def _leave(dashboard: Dashboard, _: Somebody) -> tuple[str, dict[str, str]]:
    _another_owner(dashboard)
    return dashboard.path("leave"), {"confirm": "Calder Robotics"}


def _delete_account(dashboard: Dashboard, _: Somebody) -> tuple[str, dict[str, str]]:
    _another_owner(dashboard)
    return "/account/delete", {"confirm": "ada@calder.example", "current": PASSWORD}


DRIVES: dict[str, Drive] = {
    "/o/{org}/leave": _leave,
    "/account/delete": _delete_account,
    "/account/profile": lambda _, __: ("/account/profile", {"name": "Ada O.", "zone": "Europe/Berlin"}),
    "/account/password": lambda _, __: ("/account/password", {"current": PASSWORD, "password": PASSWORD + "!"}),
    "/account/sessions": _end_sessions,
    "/sign-in": lambda _, __: ("/sign-in", {"email": "ada@calder.example", "password": PASSWORD}),
    "/sign-out": lambda _, __: ("/sign-out", {}),
    "/enter": lambda d, ada: _link(d, ada, links.SIGN_IN, "/enter"),
    "/password": _choose_password,
    "/invitation": _accept,
    "/organizations/new": lambda _, __: ("/organizations/new", {"name": "Kestrel Works"}),
    "/o/{org}/members/{user}/role": lambda d, _: (_member(d, "role"), {"role": "admin"}),
    "/o/{org}/members/{user}/transfer": lambda d, _: (
        _member(d, "transfer"),
        {"role": "admin", "confirm": "member@calder.example"},
    ),
    "/o/{org}/members/{user}/sessions": lambda d, _: (_member(d, "sessions"), {}),
    "/o/{org}/members/{user}/remove": lambda d, _: (_member(d, "remove"), {"confirm": "member@calder.example"}),
    "/o/{org}/invitations/new": lambda d, _: (
        d.path("invitations", "new"),
        {"emails": "x@x.example", "role": "member"},
    ),
    "/o/{org}/invitations/bulk": _bulk,
    "/o/{org}/invitations/{invitation}/resend": lambda d, ada: (
        d.path("invitations", _invited(d, ada)[0], "resend"),
        {},
    ),
    "/o/{org}/invitations/{invitation}/revoke": _revoke,
    "/o/{org}/models": _models,
    "/o/{org}/settings": _settings,
    "/o/{org}/deletion": lambda d, _: (d.path("deletion"), {"confirm": "Calder Robotics"}),
    "/o/{org}/deletion/cancel": _keep,
    "/o/{org}/settings/spending": lambda d, ada: _of_settings(d, ada, "spending", daily_limit="50", balance_alert=""),
    "/o/{org}/settings/sessions": lambda d, ada: _of_settings(d, ada, "sessions", session_hours="12"),
    "/o/{org}/settings/name": lambda d, _: (d.path("settings", "name"), {"name": "Calder Works"}),
    "/o/{org}/modes/new": lambda d, _: (d.path("modes", "new"), {"name": "Reviewer"}),
    "/o/{org}/modes/{mode}": lambda d, _: (d.path("modes", _mode(d)), {"name": "Other"}),
    "/o/{org}/modes/{mode}/delete": lambda d, _: (d.path("modes", _mode(d), "delete"), {"confirm": "Reviewer"}),
    "/o/{org}/tokens/new": lambda d, _: (
        d.path("tokens", "new"),
        {"name": "SIEM", "scopes": "log.read", "days": "90"},
    ),
    "/o/{org}/tokens/{token}/revoke": lambda d, _: (d.path("tokens", _token(d), "revoke"), {"confirm": "SIEM"}),
    "/o/{org}/credits": lambda d, _: (d.path("credits"), {"amount": "1", "reference": "r"}),
    "/o/{org}/sso": lambda d, _: (d.path("sso"), {"domain": "calder.example"}),
    "/o/{org}/sso/verify": _verify_sso,
    "/o/{org}/sso/remove": _remove_sso,
    "/audit": _open_auditor_link,
    "/o/{org}/auditor-links/new": lambda d, _: (
        d.path("auditor-links", "new"),
        {"name": "Acme", "query": "action:member.*", "days": "30"},
    ),
    "/o/{org}/auditor-links/{link}/revoke": lambda d, _: (
        d.path("auditor-links", _auditor_link(d), "revoke"),
        {"confirm": "Acme"},
    ),
    "/o/{org}/audit-logs/saved/new": lambda d, _: (
        _saved(d, "new"),
        {"name": "Refusals", "query": "-outcome:success", "shared": "no"},
    ),
    "/o/{org}/integrity/verified": lambda d, _: (d.path("integrity", "verified"), {"size": "1", "verdict": "valid"}),
    "/o/{org}/audit-logs/saved/{search}/rename": lambda d, _: (_saved(d, _search(d), "rename"), {"name": "Denied"}),
    "/o/{org}/audit-logs/saved/{search}/delete": lambda d, _: (_saved(d, _search(d), "delete"), {}),
}
DRIVES |= {
    "/o/{org}/settings/second-factor": _lift_the_rule,
    "/sign-in/second-factor": _half_signed_in,
    "/sign-in/passkey": _by_passkey,
    "/account/passkeys/confirm": _new_passkey,
    "/account/passkeys/{passkey}/remove": lambda d, _: (
        f"/account/passkeys/{_passkey(d)}/remove",
        {"password": PASSWORD},
    ),
    "/account/authenticator-app/confirm": _begun,
    "/account/authenticator-app/remove": lambda d, ada: _app(d, ada, "/account/authenticator-app/remove"),
    "/account/recovery-codes/new": lambda d, ada: _app(d, ada, "/account/recovery-codes/new"),
    "/support": _enter_as_support,
    "/o/{org}/support/{grant}/end": lambda d, _: (
        d.path("support", let_in(d.deployment, d.number, "a link").id, "end"),
        {},
    ),
    "/o/{org}/retention/families/{family}": lambda d, _: (d.path("retention", "families", "mode"), {"days": "90"}),
    "/o/{org}/retention/holds/new": lambda d, _: (
        d.path("retention", "holds", "new"),
        {"name": "Acme v. Calder", "query": "action:member.*", "seen": "action:member.*"},
    ),
    "/o/{org}/retention/holds/{hold}/release": lambda d, _: (
        d.path("retention", "holds", _hold(d), "release"),
        {"confirm": "Acme"},
    ),
    "/o/{org}/retention/clock": _clock,
    "/o/{org}/retention/erase": _erase,
}
ONLY_BEFORE_THERE_IS_AN_ORGANIZATION = {"/set-up"}


def unsafe_routes() -> set[str]:
    return {path for path, methods in all_routes() if methods - SAFE_METHODS}


def test_every_route_that_changes_something_is_driven_here() -> None:
    known = set(DRIVES) | set(HOUSEKEEPING) | ONLY_BEFORE_THERE_IS_AN_ORGANIZATION
    for path in unsafe_routes():
        assert path in known, f"add {path} to DRIVES in tests/web/test_routes.py, with what its form sends"
    for path in known:
        assert path in unsafe_routes(), f"take {path} out of tests/web/test_routes.py: no such route changes anything"


def test_nothing_but_pages_and_static_files_is_served(light_dashboard: Dashboard) -> None:
    """So that the sweep sees every route: those of the pages, and one that answers GET for the static files."""
    others = [route for route in light_dashboard.app.router.routes if isinstance(route, Route)]
    assert [(route.path, route.methods) for route in others] == [("/static/{tree_hash}/{name:path}", {"GET", "HEAD"})]


def all_events(dashboard: Dashboard) -> dict[str, Event]:
    """The events of all logs, by their ids."""
    with dashboard.store.reading() as connection:
        numbers = [one.number for one in all_organizations(connection)]
    return {event.id: event for number in numbers for event in dashboard.deployment.events(number)}


@pytest.mark.parametrize("path", sorted(DRIVES))
def test_a_route_that_changes_something_records_who_did_what_when_from_where(dashboard: Dashboard, path: str) -> None:
    """Only the server says when: by its own clock, in UTC."""
    ada = dashboard.signed_in(Role.OWNER)
    address, fields = DRIVES[path](dashboard, ada)
    before, begun = all_events(dashboard), dashboard.deployment.clock.now
    response = ada.post(address, fields, date="Tue, 15 Nov 1994 08:12:31 GMT")
    assert response.status_code in (200, 303), told(response)
    after = all_events(dashboard)
    assert len(after) > len(before)
    for event in (after[new] for new in after.keys() - before.keys()):
        assert event.action in CATALOGUE and event.outcome in Outcome
        assert event.actor.id
        assert begun < event.recorded_at == event.occurred_at <= dashboard.deployment.clock.now
        assert event.context.ip == "203.0.113.9"
        assert event.context.request_id == response.headers["x-request-id"]
    for field in fields:
        assert field in FIELDS, f"add {field} to FIELDS in tests/web/test_routes.py, so that bad input is tried in it"


def test_setting_up_records_it(deployment: Deployment) -> None:
    dashboard = Dashboard(deployment)
    somebody = dashboard.anybody()
    _link(dashboard, somebody, links.SET_UP, "/set-up")
    fields = {"organization": "Calder", "name": "Ada", "email": "ada@calder.example", "password": PASSWORD}
    assert somebody.post("/set-up", fields).status_code == 303
    assert dashboard.recorded() == 2


WITHOUT_FIELDS = {
    "/o/{org}/deletion/cancel",
    "/o/{org}/members/{user}/sessions",
    "/sign-out",
    "/o/{org}/invitations/{invitation}/resend",
    "/sign-in/passkey/begin",
    "/o/{org}/invitations/{invitation}/revoke",
    "/o/{org}/audit-logs/saved/{search}/delete",
}
"""Forms that send nothing, so that nothing can be wrong with them."""
HOSTILE = (
    *("", "\0", "a\0b", "\ufffe\uffff", "x" * 40_000, "<script>", "%00", "=1+1", "\x1b[2J", "𝕏" * 300),
    *("../..", "'; DROP TABLE seat", "{{ 7*7 }}", "\u202e", "٣", "1e999", "-0", "null"),
)


FIELDS = (
    "organization name email password next emails rows role confirm before models providers default_model new_model "
    "data_collection daily_limit balance_alert session_hours instructions tools amount reference domain checked scopes "
    "days query shared replace code second_factor credential person seq path reason plan seen size verdict zone "
    "current session"
).split()
"""The fields of all forms."""
TAKES_A_NAME = {
    "/o/{org}/settings/name",
    "/organizations/new",
    "/o/{org}/audit-logs/saved/{search}/rename",
    "/o/{org}/retention/holds/new",
    "/o/{org}/retention/families/{family}",
}
"""Forms that ask for nothing but a name or a search, which may be almost anything; or for a number or nothing."""

RECORDS_REFUSALS = dict.fromkeys(
    (
        "/account/password",
        "/account/authenticator-app/new",
        "/account/authenticator-app/remove",
        "/account/recovery-codes/new",
        "/account/passkeys/new",
        "/account/passkeys/{passkey}/remove",
    ),
    "user.login_failed",
)
"""Forms at which what is refused is recorded."""


@pytest.mark.parametrize("path", sorted(unsafe_routes()))
def test_bad_input_gets_a_page_and_changes_nothing(dashboard: Dashboard, path: str) -> None:
    """R8 at every form: any text in every field, no field at all, bytes that are no text, and ids that cannot be."""
    ada = dashboard.signed_in(Role.OWNER)
    passkey = _passkey(dashboard)  # whoever has one is asked for more in other forms, too
    makers: dict[str, Callable[[], str]] = {
        "{org}": lambda: dashboard.organization.id,
        "{user}": lambda: dashboard.people[Role.MEMBER].id,
        "{mode}": lambda: _mode(dashboard),
        "{token}": lambda: _token(dashboard),
        "{search}": lambda: _search(dashboard),
        "{link}": lambda: _auditor_link(dashboard),
        "{hold}": lambda: _hold(dashboard),
        "{family}": lambda: "mode",
        "{passkey}": lambda: passkey,
        "{invitation}": lambda: _invited(dashboard, ada)[0],
    }
    made = {name: make() for name, make in makers.items() if name in path}
    dashboard.deployment.act(None, dashboard.number, RecordForwardStep(1, 2))
    address = path
    for name, id_ in made.items():
        address = address.replace(name, id_)
    if path not in WITHOUT_FIELDS:
        for text in HOSTILE:
            before = dashboard.recorded()
            response = ada.post(address, dict.fromkeys(FIELDS, text))
            if path in TAKES_A_NAME and response.status_code == 303:
                continue
            assert 400 <= response.status_code < 500, (path, text[:20], response.status_code)
            assert "text/html" in response.headers["content-type"]
            assert dashboard.recorded() == before or dashboard.last().action == RECORDS_REFUSALS.get(path)
        before = dashboard.recorded()
        raw = ada.client.post(address, content=b"%ff%fe=%c3&\xff\xfe&=&&a", headers={"Content-Type": FORM})
        many = ada.client.post(address, content=b"&".join([b"a=1"] * 3000), headers={"Content-Type": FORM})
        assert 400 <= raw.status_code < 500
        assert 400 <= many.status_code < 500
        assert dashboard.recorded() == before or dashboard.last().action == RECORDS_REFUSALS.get(path)
    for odd in ("%00", "x" * 3000, "usr_aaaaaaaaaaaa", "..%2f", "%F0%9F%92%A9"):
        for id_ in made.values():
            one = address.replace(id_, odd)
            assert ada.post(one, {"role": "admin", "confirm": "x"}).status_code in (404, 405, 410), one
