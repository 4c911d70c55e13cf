"""Reading by an auditor link: nothing of the log that it does not show is there, on any way to it."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import astuple, replace
from urllib.parse import quote, urlencode

import pytest
from httpx2 import Response

from minutebook.filters import Cursor, Filter, Seal, search_of
from minutebook.model import DAY, HOUR, MINUTE, Plan, Role
from minutebook.organization.auditor_links import CreateLink, RevokeLink
from minutebook.organization.credits import BuyCredits
from minutebook.organization.modes import CreateMode
from minutebook.organization.organizations import ChangePlan
from minutebook.organization.seats import ChangeRole
from minutebook.web import log_page
from minutebook.web.app import WebSettings
from minutebook.web.rates import OPENINGS, Rates
from minutebook.web.site import Site
from tests.support.check_log import check_log
from tests.support.dashboard import Calder, Dashboard, Somebody, errors, heading, told, value
from tests.support.reader import PANEL, found, link, rows, section, text

SCOPE = "action:member.*,mode.*"
SECRET = "inv-top-secret"


class Audit:
    """A dashboard with a link, and somebody who has opened it in a browser."""

    def __init__(self, dashboard: Dashboard, query: str = SCOPE, days: int = 30) -> None:
        self.dashboard = dashboard
        self.act = dashboard.deployment.act
        owner, member = dashboard.people[Role.OWNER], dashboard.people[Role.MEMBER]
        for role in (Role.ADMIN, Role.AUDITOR, Role.MEMBER):
            self.act(owner, dashboard.number, ChangeRole(member.id, role))
            self.act(owner, dashboard.number, BuyCredits(100, f"{SECRET}-{role}"))
        self.act(owner, dashboard.number, CreateMode("Reviewer", "", ()))
        made = self.act(owner, dashboard.number, CreateLink("Acme Audit", query, days, "acme-token"))
        self.id = str(made.details["link"])
        self.path = f"/audit/{self.id}/log"
        self.browser = dashboard.anybody()

    def open(self, browser: Somebody | None = None) -> Response:
        browser = browser or self.browser
        browser.follow(browser.get("/audit/acme-token"))
        return browser.follow(browser.post("/audit"))

    def get(self, *pairs: tuple[str, str], **headers: str) -> Response:
        response = self.browser.get(f"{self.path}?{urlencode(pairs, quote_via=quote)}", **headers)
        return self.browser.follow(response) if response.status_code == 303 else response

    def shown(self) -> list[int]:
        """What the link shows, newest first."""
        events = reversed(self.dashboard.events())
        return [event.seq for event in events if event.action.partition(".")[0] in ("member", "mode")]

    def hidden(self) -> int:
        """An event that it does not show."""
        return next(event.seq for event in self.dashboard.events() if event.action == "credits.purchase")


@pytest.fixture
def audit(light_dashboard: Dashboard) -> Audit:
    return Audit(light_dashboard)


def test_looking_at_a_link_is_no_use_of_it(audit: Audit) -> None:
    before = audit.dashboard.recorded()
    taken = audit.browser.get("/audit/acme-token")
    assert taken.headers["location"] == "/audit"
    page = audit.browser.follow(taken)
    assert heading(page) == "Audit log of Calder Robotics"
    assert "Ada Okafor lets Acme Audit read the events that action:member.*,mode.* finds" in told(page)
    assert "acme-token" not in page.text
    assert audit.dashboard.recorded() == before
    opened = audit.browser.post("/audit")
    assert opened.headers["location"] == audit.path
    assert audit.dashboard.recorded() == before + 1
    assert audit.dashboard.last().action == "link.use"
    (cookie,) = [each for each in opened.headers.get_list("set-cookie") if each.startswith("minutebook-auditor=")]
    assert f"Path=/audit/{audit.id};" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert audit.browser.get("/audit").status_code == 410, "the token is forgotten; the link itself opens again"


def test_over_https_the_cookie_is_bound_to_it(calder_sqlite: Calder) -> None:
    audit = Audit(Dashboard.of(calder_sqlite, WebSettings("https://minutes.example")))
    audit.browser.get("/audit/acme-token")
    cookies = audit.browser.post("/audit").headers.get_list("set-cookie")
    assert any(each.startswith("__Secure-minutebook-auditor=") and "Secure" in each for each in cookies)


def test_only_what_the_link_shows_is_there(audit: Audit) -> None:
    page = audit.open()
    assert rows(page) == audit.shown()
    assert found(page) == f"{len(audit.shown())} events"
    assert "You see the events that action:member.*,mode.* finds, and no others" in told(page)
    for other in (SECRET, "credits.</span>purchase</a>", "user.</span>invite</a>"):
        assert other not in page.text, other
    facets = section(page, '<section class="band">', "</section>")
    numbers = [int(number) for number in re.findall(r'data-count="(\d+)"', facets)]
    assert sum(numbers) == len(audit.shown())
    assert "credits." not in facets
    actions = section(page, 'data-menu="actions"', "</details>")
    counts = dict(re.findall(r'data-counted="number of ([a-z_.]+)">([\d,]+)</span>', actions))
    assert counts["member.change_role"] == "3"
    assert counts["credits.purchase"] == counts["user.invite"] == "0"


@pytest.mark.parametrize(
    "pairs",
    [
        [("action", "credits.purchase")],
        [("text", SECRET)],
        [("query", f"{SECRET} OR target:{SECRET}")],
        [("query", "-action:member.* -action:mode.*")],
        [("action", "user.invite"), ("action", "log.view")],
    ],
)
def test_no_search_leads_out_of_it(audit: Audit, pairs: list[tuple[str, str]]) -> None:
    audit.open()
    page = audit.get(*pairs)
    assert rows(page) == []
    assert found(page) == f"0 events of {len(audit.shown())}"


def test_who_is_called_so_is_not_told(audit: Audit) -> None:
    """Nobody that the link does not show: neither in place of a name in a query, nor beside the control."""
    audit.open()
    owner = audit.dashboard.people[Role.OWNER]
    for pairs in ([("query", f'actor:"{owner.name}"')], [("actor", owner.name), ("actor_is", "only")]):
        page = audit.get(*pairs)
        assert page.status_code == 422
        assert "An address holds no blanks" in text(page.text)
        assert owner.email not in page.text


def test_a_search_narrows_what_is_shown(audit: Audit) -> None:
    audit.open()
    page = audit.get(("query", "reviewer OR credits"))
    assert len(rows(page)) == 1
    assert found(page) == f"1 event of {len(audit.shown())}"


def test_an_event_outside_looks_like_a_missing_one(audit: Audit) -> None:
    audit.open()
    hidden, missing, shown = audit.hidden(), 999_999, audit.shown()[0]
    pages = [audit.get(("event", str(seq))) for seq in (hidden, missing)]
    assert [page.status_code for page in pages] == [404, 404]
    assert f"There is no event {hidden:,} here." in pages[0].text
    assert f"There is no event {missing:,} here." in pages[1].text
    for seq, status in ((hidden, 404), (missing, 404), (shown, 200)):
        panel = audit.browser.get(f"{audit.path}?event={seq}", **{k.replace("-", "_"): v for k, v in PANEL.items()})
        assert panel.status_code == status
        assert SECRET not in panel.text
        assert audit.browser.get(f"{audit.path}/{seq}.json").status_code == status
    assert audit.browser.get(f"{audit.path}/{shown}").headers["location"] == f"{audit.path}?event={shown}"


def test_no_link_to_a_page_says_how_long_the_log_is(light_dashboard: Dashboard) -> None:
    audit = Audit(light_dashboard, "action:credits.*")
    for number in range(60):
        audit.act(None, light_dashboard.number, BuyCredits(1, f"bought-{number}"))
    audit.open()
    page = audit.get()
    older = link(page, "Older")
    assert older is not None
    sealed = older.partition("older=")[2]
    size, last = len(light_dashboard.events()), light_dashboard.events()[rows(page)[-1]]
    assert str(size).encode() not in urlsafe_b64decode(sealed + "==")
    for guess in (last.seq + 1, size, size + 1, 1 << 39):  # each is refused alike, so that none is told from another
        cursor = Cursor(
            light_dashboard.organization.id, search_of(Filter()), guess, last.occurred_at, last.seq, 1, "older"
        )
        plain = urlsafe_b64encode(json.dumps(astuple(cursor)).encode()).decode().rstrip("=")
        for forged in (plain, Seal(bytes(32)).write(cursor)):
            refused = audit.get(("older", forged))
            assert (refused.status_code, rows(refused)) == (422, [])
            assert "This is not a link to a page of this log." in told(refused)
    assert len(rows(audit.browser.get(older))) == 13, "63 were bought, of which 50 are on the first page"


def test_no_page_of_the_whole_log_is_one_of_the_link(light_dashboard: Dashboard) -> None:
    """It would tell how many events there are before it."""
    audit = Audit(light_dashboard)
    size, last = len(light_dashboard.events()), light_dashboard.last()
    of_all = Cursor(light_dashboard.organization.id, search_of(Filter()), size, last.occurred_at, last.seq, 4, "older")
    audit.open()
    refused = audit.get(("older", light_dashboard.seal.write(of_all)))
    assert (refused.status_code, rows(refused)) == (422, [])
    assert "This link is to a page of another log." in told(refused)


def test_the_pages_of_a_link_that_moves_follow_one_another(light_dashboard: Dashboard) -> None:
    """Nothing comes to be seen between the first page and the next, and what is over is not there any more."""
    clock = light_dashboard.deployment.clock
    audit = Audit(light_dashboard, "action:credits.* after:-1h before:-2m")
    for number in range(60):
        audit.act(None, light_dashboard.number, BuyCredits(1, f"bought-{number}"))
    clock.go_on(3 * MINUTE)
    late = audit.act(None, light_dashboard.number, BuyCredits(1, "late"))
    audit.open()
    first = audit.get()
    older = link(first, "Older")
    assert older is not None
    second = audit.browser.get(older)
    clock.go_on(5 * MINUTE)
    again = audit.browser.get(older)
    assert rows(again) == rows(second)
    assert "51–63 of 63" in text(again.text), "three were bought before the link was made"
    newer = link(again, "Newer")
    assert newer is not None
    assert rows(audit.browser.get(newer)) == rows(first)
    assert late.seq in rows(audit.get()), "a search that begins now sees what can be seen now"
    clock.go_on(HOUR)
    assert rows(audit.browser.get(older)) == []


def test_a_link_to_a_page_outlives_the_server(light_dashboard: Dashboard) -> None:
    cursor = Cursor(light_dashboard.organization.id, search_of(Filter()), 9, 1_793_923_200_000_001, 8, 1, "older")
    again = Dashboard(light_dashboard.deployment)
    assert again.seal is not light_dashboard.seal
    assert again.seal.write(cursor) == light_dashboard.seal.write(cursor)
    assert light_dashboard.seal.key != bytes(32)


def test_the_panel_knows_of_nothing_else(audit: Audit) -> None:
    audit.open()
    page = audit.get(("event", str(audit.shown()[1])))
    ada = audit.dashboard.people[Role.OWNER].id
    by_ada = [seq for seq in audit.shown() if audit.dashboard.events()[seq].actor.id == ada]
    history = link(page, f"Everything by this actor{len(by_ada)}")
    assert history is not None
    assert rows(audit.browser.get(history)) == by_ada
    assert link(page, "Newer event") == f"{audit.path}?event={audit.shown()[0]}"
    assert link(page, "Older event") == f"{audit.path}?event={audit.shown()[2]}"


def test_whoever_has_a_link_cannot_fill_the_log(audit: Audit) -> None:
    site: Site = audit.dashboard.app.state.site
    audit.dashboard.app.state.site = replace(site, openings=Rates(OPENINGS, lambda: 0))
    owner = audit.dashboard.people[Role.OWNER]
    audit.act(owner, audit.dashboard.number, CreateLink("Others", "", 30, "other-token"))
    before = audit.dashboard.recorded()
    answers = []
    for _ in range(OPENINGS + 3):
        audit.browser.get("/audit/acme-token")
        answers.append(audit.browser.post("/audit"))
    assert [answer.status_code for answer in answers] == [303] * OPENINGS + [429] * 3
    assert "one may be opened 10 times in 15 minutes. Where it is open it stays so" in told(answers[-1])
    assert audit.dashboard.recorded() == before + OPENINGS
    assert audit.get().status_code == 200
    other = audit.dashboard.anybody()
    other.get("/audit/other-token")
    assert other.post("/audit").status_code == 303


def test_an_address_opens_no_more_links_than_some(audit: Audit) -> None:
    site: Site = audit.dashboard.app.state.site
    audit.dashboard.app.state.site = replace(site, openings_from=Rates(1, lambda: 0))
    assert audit.open().status_code == 200
    audit.browser.get("/audit/acme-token")
    assert audit.browser.post("/audit").status_code == 429


def test_how_much_a_link_shows_is_not_told_by_a_part_of_it(
    light_dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = Audit(light_dashboard, "-details.remark:*")
    asked = ("action", "mode.create"), ("action", "user.login")
    with monkeypatch.context() as patch:
        patch.setattr(log_page, "SURVEY_SECONDS", 0.0)
        audit.open()
        page = told(audit.get(*asked))
    assert "at least 0 events that this link shows" in page
    assert not re.search(r"events? of [0-9]+", page)
    assert re.search(r"[0-9]+ events? of [0-9]+", told(audit.get(*asked)))


def test_nothing_but_the_log_is_open(audit: Audit) -> None:
    page = audit.open()
    assert "Members</" not in page.text
    assert 'data-menu="saved"' not in page.text
    for path in ("members", "audit-logs", "audit-logs/0", "auditor-links", "audit-logs/saved"):
        response = audit.browser.get(audit.dashboard.path(*path.split("/")))
        assert response.headers["location"].startswith("/sign-in")
    assert audit.browser.post(audit.dashboard.path("modes", "new"), {"name": "x"}).status_code == 401
    # another link is not open in this browser, and its path gets no cookie of this one
    other = audit.act(audit.dashboard.people[Role.OWNER], audit.dashboard.number, CreateLink("Other", "", 7, "other"))
    assert audit.browser.get(f"/audit/{other.details['link']}/log").status_code == 410
    token = audit.browser.client.cookies.get("minutebook-auditor")
    stolen = audit.dashboard.anybody()
    stolen.client.cookies.set("minutebook-auditor", token or "", domain=stolen.client.base_url.host)
    assert stolen.get(f"/audit/{other.details['link']}/log").status_code == 410
    stolen.token = token or ""
    assert stolen.get(audit.dashboard.path("members")).headers["location"].startswith("/sign-in")


def test_reading_is_recorded_once_in_a_sitting(audit: Audit) -> None:
    audit.open()
    audit.get()
    audit.get(("text", "x"))
    read = [event for event in audit.dashboard.events() if event.action == "log.view"]
    assert [(event.actor.kind, event.actor.name, event.actor.id) for event in read] == [
        ("auditor_link", "Acme Audit", audit.id)
    ]


def test_a_user_who_is_signed_in_stays_who_they_are(audit: Audit) -> None:
    ada = audit.dashboard.signed_in(Role.OWNER)
    assert rows(audit.open(ada)) == audit.shown()
    assert ada.get(audit.dashboard.path("members")).status_code == 200
    last = [event for event in audit.dashboard.events() if event.action == "log.view"][-1]
    assert last.actor.kind == "auditor_link"


def test_revoking_and_expiry_end_it_at_the_next_request(audit: Audit) -> None:
    audit.open()
    audit.act(audit.dashboard.people[Role.OWNER], audit.dashboard.number, RevokeLink(audit.id))
    over = audit.get()
    assert (over.status_code, heading(over)) == (410, "This link cannot be used")
    assert "Calder" not in over.text
    assert audit.browser.get(f"{audit.path}/{audit.shown()[0]}.json").json()["code"] == "link_over"
    again = audit.browser.follow(audit.browser.get("/audit/acme-token"))
    assert again.status_code == 410
    assert audit.browser.post("/audit").status_code == 410
    never = audit.browser.get("/audit/aud_aaaaaaaaaaaa/log")
    ids = [response.headers["x-request-id"] for response in (over, never)]
    assert over.text.replace(ids[0], "") == never.text.replace(ids[1], "")


def test_it_is_over_on_its_day(light_dashboard: Dashboard) -> None:
    audit = Audit(light_dashboard, days=1)
    audit.open()
    light_dashboard.deployment.clock.go_on(DAY)
    assert audit.get().status_code == 410
    assert "It was revoked, it has expired" in told(audit.browser.follow(audit.browser.get("/audit/acme-token")))


def test_leaving_closes_it_in_this_browser_only(audit: Audit) -> None:
    other = audit.dashboard.anybody()
    audit.open()
    audit.open(other)
    token = audit.browser.client.cookies.get("minutebook-auditor")
    assert audit.browser.post(f"/audit/{audit.id}/leave").status_code == 303
    audit.browser.client.cookies.set("minutebook-auditor", token or "", domain=audit.browser.client.base_url.host)
    assert audit.get().status_code == 410
    assert other.get(audit.path).status_code == 200
    check_log(audit.dashboard.store)


def test_all_of_the_log_and_a_log_that_is_not_read(light_dashboard: Dashboard) -> None:
    audit = Audit(light_dashboard, query="")
    page = audit.open()
    assert rows(page)[-1] == 0
    assert "You see all of the log" in told(page)
    light_dashboard.deployment.act(None, light_dashboard.number, ChangePlan(Plan.TEAMS, 20))
    assert audit.get().status_code == 403
    assert audit.browser.get(f"{audit.path}/0.json").status_code == 403
    denied = [(event.actor.kind, event.actor.id, event.details["route"]) for event in light_dashboard.denied()]
    assert denied == [("auditor_link", audit.id, f"GET /audit/{{link}}/log{more}") for more in ("", "/{seq}.json")]


def test_a_link_that_shows_nothing_yet(light_dashboard: Dashboard) -> None:
    audit = Audit(light_dashboard, query="action:sso.*")
    page = audit.open()
    assert "There is nothing yet of what this link shows" in told(page)
    assert "kept since" not in page.text


def test_the_page_of_the_owner(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    log = ada.get(light_dashboard.path("audit-logs?action=mode.create"))
    form = ada.get(link(log, "Auditor link") or "")
    assert value(form, "query") == "action:mode.create"
    new = light_dashboard.path("auditor-links", "new")
    wrong = ada.post(new, {"name": "", "query": "", "days": "30"})
    assert (wrong.status_code, list(errors(wrong))) == (422, ["make-name"])
    wrong = ada.post(new, {"name": "Acme", "query": "outcome:sucess", "days": "30"})
    assert "outcomes are" in errors(wrong)["make-query"]
    assert list(errors(ada.post(new, {"name": "Acme", "query": "", "days": "400"}))) == ["make-days"]
    assert list(errors(ada.post(new, {"name": "", "query": "a:b", "days": "0"}))) == [
        "make-name",
        "make-query",
        "make-days",
    ]
    sent = ada.post(new, {"name": "Acme", "query": "ACTION:mode.create", "days": "7"})
    recorded = light_dashboard.recorded()
    made = ada.follow(sent)
    assert text(made.text).count("Link for Acme") == 1
    (address,) = re.findall(r'<code class="link-once" id="link">([^<]*)</code>', made.text)
    assert address.startswith("http://127.0.0.1:8321/audit/")
    assert address.rpartition("/")[2] not in str(light_dashboard.events())
    listed = ada.follow(ada.follow(sent))
    assert "An auditor link is shown once" in told(listed)
    assert light_dashboard.recorded() == recorded
    assert address.rpartition("/")[2] not in listed.text
    assert "action:mode.create" in told(listed)
    visitor = light_dashboard.anybody()
    visitor.follow(visitor.get("/audit/" + address.rpartition("/")[2]))
    visitor.post("/audit")
    listed = ada.get(light_dashboard.path("auditor-links"))
    assert "1 browser" in told(listed)
    asked = ada.get(link(listed, "Revoke the link for Acme") or "")
    assert "where it is open: in 1 browser." in told(asked)
    acme = str(light_dashboard.events()[recorded - 1].details["link"])
    assert f"{acme}, made by Ada Okafor on Fri 6 Nov 2026" in told(asked)
    unconfirmed = ada.post(link(listed, "Revoke the link for Acme") or "", {"confirm": "acme"})
    assert errors(unconfirmed)["revoke-confirm"].startswith("Type Acme to confirm")
    gone = ada.follow(ada.post(link(listed, "Revoke the link for Acme") or "", {"confirm": "Acme"}))
    assert "Auditor link revoked" in gone.text
    assert "No links yet" in text(gone.text)
    check_log(light_dashboard.store)
