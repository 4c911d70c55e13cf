"""Single-use links: setting up, the demo's sign-in, and invitations from both sides."""

from __future__ import annotations

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from minutebook.identifiers import token_hash
from minutebook.model import DAY, Plan, Role
from minutebook.organization import links, outbox, people
from minutebook.organization.invitations import LIFETIME, InvitePerson, RevokeInvitation
from minutebook.organization.organizations import ChangePlan
from minutebook.organization.passwords import TakePassword
from minutebook.organization.people import User
from minutebook.store import schema
from minutebook.web.site import WebSettings
from tests.support.check_log import check_log
from tests.support.dashboard import Calder, Dashboard, Somebody, all_routes, errors, focused, heading, told, value
from tests.support.deployment import PASSWORD, Deployment
from tests.support.sent import statements

NEW = {"organization": "Calder & Söhne", "name": "Ada Okafor", "email": "ada@calder.example", "password": PASSWORD}
TOKEN = "a" * 43
WAYS_IN = sorted(path.removesuffix("/{token}") for path, _ in all_routes() if path.endswith("/{token}"))
"""Where links lead to."""


def set_up_link(dashboard: Dashboard) -> str:
    return f"/set-up/{links.new_link(dashboard.store, links.SET_UP, lifetime=DAY)}"


def opened(somebody: Somebody, link: str) -> str:
    """Opens a link and returns the page it leads to, which has no token in its address."""
    response = somebody.get(link)
    location: str = response.headers["location"]
    assert response.status_code == 303
    assert link.rpartition("/")[2] not in location
    assert "httponly" in response.headers["set-cookie"].lower()
    return location


def test_setting_up_founds_the_first_organization(deployment: Deployment) -> None:
    dashboard = Dashboard(deployment)
    link = set_up_link(dashboard)
    somebody = dashboard.anybody()
    page = opened(somebody, link)
    assert heading(somebody.get(page)) == "Set up Minutebook"
    response = somebody.post(page, NEW)
    assert response.headers["location"] == "/"
    dashboard.move_to("Calder & Söhne")
    assert [event.action for event in dashboard.events()] == ["organization.create", "user.login"]
    assert dashboard.organization.plan is Plan.ENTERPRISE
    assert dashboard.organization.seat_limit == 250
    landed = somebody.follow(somebody.follow(response))
    assert "Calder & Söhne" in told(landed)
    again = dashboard.anybody()
    assert again.get(opened(again, link)).status_code == 410
    assert again.post("/set-up", NEW | {"email": "b@calder.example"}).status_code == 410
    check_log(dashboard.store)


def test_all_that_is_wrong_is_told_and_what_was_typed_is_kept(sqlite_deployment: Deployment) -> None:
    dashboard = Dashboard(sqlite_deployment)
    somebody = dashboard.anybody()
    page = opened(somebody, set_up_link(dashboard))
    response = somebody.post(page, {"organization": "Cal\0der", "name": " ", "email": "ada@", "password": "short"})
    assert response.status_code == 422
    assert errors(response).keys() == {"organization", "name", "email", "password"}
    assert focused(response) == "organization"
    assert value(response, "email") == "ada@"
    assert "short" not in response.text
    assert somebody.post(page, NEW).status_code == 303


def test_without_the_link_nothing_is_set_up(sqlite_deployment: Deployment) -> None:
    dashboard = Dashboard(sqlite_deployment)
    link = set_up_link(dashboard)
    somebody = dashboard.anybody()
    assert somebody.get("/set-up").status_code == 410
    assert somebody.post("/set-up", NEW).status_code == 410
    assert somebody.get(opened(somebody, f"/set-up/{TOKEN}")).status_code == 410
    sqlite_deployment.clock.go_on(DAY)
    assert somebody.get(opened(somebody, link)).status_code == 410
    assert somebody.post("/set-up", NEW).status_code == 410
    assert dashboard.recorded() == 0


def test_a_link_is_not_used_after_an_organization_came_to_be(light_dashboard: Dashboard) -> None:
    somebody = light_dashboard.anybody()
    response = somebody.get(opened(somebody, set_up_link(light_dashboard)))
    assert "set up already" in told(response)
    before = light_dashboard.recorded()
    assert somebody.post("/set-up", NEW | {"email": "b@calder.example"}).status_code == 410
    assert light_dashboard.recorded() == before


def test_a_sign_in_link_is_used_by_its_button_only(dashboard: Dashboard) -> None:
    ada = dashboard.people[Role.OWNER]
    link = f"/enter/{links.new_link(dashboard.store, links.SIGN_IN, lifetime=DAY, user=ada.id)}"
    before = dashboard.recorded()
    preview, somebody = dashboard.anybody(), dashboard.anybody()
    for browser in (preview, somebody):
        page = opened(browser, link)
        assert heading(browser.get(page)) == "Sign in as Ada Okafor"
    assert dashboard.recorded() == before
    assert somebody.post("/enter").headers["location"] == "/"
    assert dashboard.last().action == "user.login"
    assert somebody.get(dashboard.path("members")).status_code == 200
    assert preview.post("/enter").status_code == 410
    assert dashboard.anybody().post("/enter").status_code == 410
    assert dashboard.recorded() == before + 1


def test_no_token_stays_in_an_address(light_dashboard: Dashboard) -> None:
    """A link is exchanged at once for a cookie, and leads to a page that has nothing of it; whatever it is for."""
    for path in WAYS_IN:
        somebody = light_dashboard.anybody()
        assert opened(somebody, f"{path}/{TOKEN}") == path
        assert TOKEN in str(somebody.client.cookies.jar)
        assert TOKEN not in somebody.get(path).text


def test_what_is_compared_of_a_token_is_its_hash(light_dashboard: Dashboard) -> None:
    """Then the time that it takes tells nothing of a token: the database is never sent one."""
    ada, secret = light_dashboard.signed_in(Role.OWNER), light_dashboard.token()
    with statements() as sent:
        assert light_dashboard.anybody().ask(light_dashboard.api(), token=secret).status_code == 200
        for path in WAYS_IN:
            ada.follow(ada.get(f"{path}/{TOKEN}"))
            assert ada.post(path, NEW).status_code in (404, 410), path
    values = " ".join(given for _, given in sent)
    for token in (ada.token, secret, TOKEN):
        assert str(token_hash(token)) in values
        assert token not in values


@pytest.mark.parametrize("path", ["/set-up", "/enter", "/invitation"])
@pytest.mark.parametrize("token", ["%00", "%E2%82%AC", "%0d%0aSet-Cookie:%20x=1", "a;b", '"', "a" * 5000])
def test_odd_tokens_lead_to_the_same_page(light_dashboard: Dashboard, path: str, token: str) -> None:
    somebody = light_dashboard.anybody()
    somebody.get(f"{path}/{TOKEN}")
    response = somebody.get(f"{path}/{token}")
    assert response.headers["location"] == path
    assert somebody.follow(response).status_code == 410
    assert TOKEN not in str(somebody.client.cookies.jar)


def invited(dashboard: Dashboard, email: str, role: str = "member") -> str:
    """Invites by the page; the path of the link that is shown."""
    response = dashboard.signed_in(Role.OWNER).post(
        dashboard.path("invitations", "new"), {"emails": email, "role": role}
    )
    assert response.status_code == 200, told(response)
    link = response.text.partition('id="link-1">')[2].partition("<")[0]
    assert link.startswith("http://127.0.0.1:8321/invitation/")
    return link.removeprefix("http://127.0.0.1:8321")


def test_somebody_new_accepts_with_a_name_and_a_password(dashboard: Dashboard) -> None:
    somebody = dashboard.anybody()
    page = opened(somebody, invited(dashboard, "New@Calder.example", "auditor"))
    shown = told(somebody.get(page))
    assert "Ada Okafor invites new@calder.example as auditor" in shown
    wrong = somebody.post(page, {"name": "", "password": "short"})
    assert errors(wrong).keys() == {"name", "password"}
    assert focused(wrong) == "name"
    response = somebody.post(page, {"name": "Nadia New", "password": PASSWORD})
    assert response.headers["location"] == dashboard.path()
    assert [event.action for event in dashboard.events()[-2:]] == ["user.accept_invite", "user.login"]
    assert dashboard.last().actor.email == "new@calder.example"
    landed = somebody.follow(response)
    assert heading(landed) == "Calder Robotics"
    assert "Invitation accepted" in told(landed)
    assert somebody.get("/invitation").status_code == 410
    signs_in = dashboard.anybody().post("/sign-in", {"email": "new@calder.example", "password": PASSWORD})
    assert signs_in.status_code == 303


def test_an_account_signs_in_and_accepts_with_one_button(dashboard: Dashboard) -> None:
    known = dashboard.person("known@elsewhere.example", "Known")
    somebody = dashboard.anybody()
    page = somebody.get(opened(somebody, invited(dashboard, known.email)))
    assert "known@elsewhere.example has an account" in told(page)
    assert 'href="/sign-in?next=/invitation"' in page.text
    assert somebody.post("/invitation").headers["location"] == "/sign-in?next=/invitation"
    signed_in = somebody.post("/sign-in", {"email": known.email, "password": PASSWORD, "next": "/invitation"})
    assert "Accept the invitation" in told(somebody.follow(signed_in))
    before = dashboard.recorded()
    response = somebody.post("/invitation")
    assert response.headers["location"] == dashboard.path()
    assert dashboard.recorded() == before + 1
    assert dashboard.last().action == "user.accept_invite"
    assert somebody.get(dashboard.path("members")).status_code == 200
    assert dashboard.recorded() == before + 1


def test_somebody_else_is_told_so_and_takes_nothing(dashboard: Dashboard) -> None:
    member = dashboard.signed_in(Role.MEMBER)
    page = opened(member, invited(dashboard, "new@calder.example", "admin"))
    shown = told(member.get(page))
    assert "You are signed in as member@calder.example, so this invitation is not for you" in shown
    before = dashboard.recorded()
    assert member.post("/invitation", {"name": "x", "password": PASSWORD}).status_code == 403
    assert dashboard.recorded() == before
    left = member.post("/sign-out", {"next": "/invitation"})
    assert left.headers["location"] == "/invitation"
    assert "Accept and create account" in told(member.follow(left))


def test_an_invitation_that_is_over_says_so_in_one_way(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.people[Role.OWNER]
    revoked, late, used = (invited(light_dashboard, f"{name}@calder.example") for name in ("revoked", "late", "used"))
    invitations = [event for event in light_dashboard.events() if event.action == "user.invite"]
    light_dashboard.deployment.act(
        ada, light_dashboard.number, RevokeInvitation(str(invitations[-3].details["invitation"]))
    )
    taker = light_dashboard.anybody()
    taker.post(opened(taker, used), {"name": "Used", "password": PASSWORD})
    light_dashboard.deployment.clock.go_on(LIFETIME)
    seen = set()
    for link in (revoked, late, used, f"/invitation/{TOKEN}"):
        somebody = light_dashboard.anybody()
        page = somebody.get(opened(somebody, link))
        assert page.status_code == 410
        assert somebody.post("/invitation", {"name": "x", "password": PASSWORD}).status_code == 410
        seen.add(told(page))
    assert len(seen) == 1


def test_an_invitation_for_a_full_organization_waits(light_dashboard: Dashboard) -> None:
    somebody = light_dashboard.anybody()
    page = opened(somebody, invited(light_dashboard, "new@calder.example"))
    light_dashboard.deployment.act(None, light_dashboard.number, ChangePlan(Plan.ENTERPRISE, 5))
    response = somebody.post(page, {"name": "Nadia New", "password": PASSWORD})
    assert response.status_code == 409
    assert "All 5 seats are taken" in told(response)
    assert value(response, "name") == "Nadia New"


def test_links_are_mailed_when_mail_is_on(calder_sqlite: Calder) -> None:
    settings = WebSettings("https://log.calder.example", sends_mail=True)
    dashboard = Dashboard.of(calder_sqlite, settings)
    ada = dashboard.signed_in(Role.OWNER)
    page = ada.post(dashboard.path("invitations", "new"), {"emails": "new@calder.example", "role": "member"})
    link = page.text.partition('id="link-1">')[2].partition("<")[0]
    assert link.startswith("https://log.calder.example/invitation/")
    assert "is on its way to each. The links below are for people who have an account already" in told(page)
    with dashboard.store.reading() as connection:
        [mail] = connection.execute(schema.outbox.select())
    assert mail.to == "new@calder.example"
    assert link not in mail.body
    mailed = mail.body.partition("https://log.calder.example")[2].partition("\n")[0]
    somebody = dashboard.anybody()
    shown = opened(somebody, link.removeprefix("https://log.calder.example"))
    assert "open the link in the mail to new@calder.example" in told(somebody.get(shown))
    assert "Look in your spam folder" in told(somebody.get(shown))
    known = dashboard.person("known@elsewhere.example", "Known")
    page = ada.post(dashboard.path("invitations", "new"), {"emails": known.email, "role": "member"})
    link_of_known = page.text.partition('id="link-1">')[2].partition("<")[0]
    inviter, answers = dashboard.anybody(), []
    for email, one in (("new@calder.example", link), (known.email, link_of_known)):
        path = opened(inviter, one.removeprefix("https://log.calder.example"))
        posted = inviter.post("/invitation", {"name": "Eve", "password": PASSWORD})
        answers += [(posted.status_code, *(answer.text.replace(email, "X") for answer in (inviter.get(path), posted)))]
    assert answers[0] == answers[1], "whoever invites does not learn who has an account"
    account = {"name": "Nadia New", "password": PASSWORD}
    assert somebody.post("/invitation", account).status_code == 403
    with dashboard.store.reading() as connection:
        assert people.find_user(connection, "new@calder.example") is None
    owner = dashboard.anybody()
    assert "Choose a password" in told(owner.get(opened(owner, mailed)))
    assert owner.post("/invitation", account).status_code == 303
    check_log(dashboard.store)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("ConnectionRefusedError: [Errno 111] Connection refused", "connection refused"),
        ("SMTPRecipientsRefused: {'new@calder.example': (550, b'who?')}", "address refused"),
        ("SMTPDataError: (554, b'at mx1.internal')", "not accepted"),
    ],
)
def test_who_invites_sees_what_becomes_of_the_mail(calder_sqlite: Calder, error: str, reason: str) -> None:
    settings = WebSettings("https://log.calder.example", sends_mail=True)
    dashboard = Dashboard.of(calder_sqlite, settings)
    ada, members = dashboard.signed_in(Role.OWNER), dashboard.path("members")
    for email in ("sent@calder.example", "new@calder.example"):
        ada.post(dashboard.path("invitations", "new"), {"emails": email, "role": "member"})
    assert told(ada.get(members)).count("Expires in 7 days · mail on its way") == 2
    sent, waiting = outbox.due(dashboard.store)
    outbox.sent(dashboard.store, sent)
    for attempt in range(outbox.MAX_ATTEMPTS):
        outbox.failed(dashboard.store, replace(waiting, attempts=attempt), error)
        ending = "could not be delivered" if attempt == outbox.MAX_ATTEMPTS - 1 else "not delivered yet"
        assert f"Expires in 7 days · mail {ending}: {reason}" in told(ada.get(members))
    assert told(ada.get(members)).count("· mail") == 1


def reset_link(dashboard: Dashboard, user: User) -> str:
    dashboard.deployment.act_everywhere(None, TakePassword(user.id))
    return f"/password/{links.new_link(dashboard.store, links.RESET, lifetime=DAY, user=user.id)}"


def test_a_reset_shuts_everybody_out_but_who_has_its_link(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.people[Role.OWNER]
    intruder = light_dashboard.signed_in(Role.OWNER)
    way_in = links.new_link(light_dashboard.store, links.SIGN_IN, lifetime=DAY, user=ada.id)
    link = reset_link(light_dashboard, ada)
    assert intruder.get(light_dashboard.path("members")).headers["location"].startswith("/sign-in")
    somebody = light_dashboard.anybody()
    assert somebody.get(opened(somebody, f"/enter/{way_in}")).status_code == 410
    assert somebody.post("/sign-in", {"email": ada.email, "password": PASSWORD}).status_code == 403
    page = opened(somebody, link)
    assert ada.email in told(somebody.get(page))
    short = somebody.post(page, {"password": "short"})
    assert (short.status_code, ada.email in told(short)) == (422, True)
    with capture_logs() as logs:
        assert somebody.post(page, {"password": "a new one for ada"}).headers["location"] == "/"
    assert {log["event"] for log in logs} == {"request"}  # whoever has no seat, the security log is told of
    taken, _, changed, entered = light_dashboard.events()[-4:]
    assert (taken.action, taken.actor.kind, taken.targets[0].id) == ("user.password_reset", "system", ada.id)
    assert (changed.action, changed.actor.id, changed.actor.credential) == ("user.password_change", ada.id, None)
    assert (changed.context.ip, changed.details["method"]) == ("203.0.113.9", "a single-use link")
    assert entered.details["method"] == "a new password"
    assert somebody.get(light_dashboard.path("members")).status_code == 200
    assert somebody.post("/sign-in", {"email": ada.email, "password": "a new one for ada"}).status_code == 303
    again = light_dashboard.anybody()
    assert again.get(opened(again, link)).status_code == 410
    assert again.post("/password", {"password": "another one by eve"}).status_code == 410
    check_log(light_dashboard.store)


def test_a_command_of_the_operator_and_one_by_the_page_are_the_same(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.people[Role.OWNER]
    light_dashboard.deployment.act(ada, light_dashboard.number, InvitePerson("x@calder.example", Role.MEMBER, TOKEN))
    somebody = light_dashboard.anybody()
    assert "invites x@calder.example as member" in told(somebody.get(opened(somebody, f"/invitation/{TOKEN}")))


def test_nobody_has_passwords_hashed_without_a_link(
    light_dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes 64 MiB and a core each time."""
    hashed: list[str] = []
    monkeypatch.setattr(people, "hash_password", hashed.append)
    assert light_dashboard.anybody().post("/password", {"password": "a new one for ada"}).status_code == 410
    ada = light_dashboard.signed_in(Role.OWNER)
    answer = ada.post("/account/password", {"current": "a guess", "password": "a new one for ada"})
    assert answer.status_code == 422
    assert hashed == []
