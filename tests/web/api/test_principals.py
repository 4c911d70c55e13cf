"""Who may ask what: every kind of principal asks every operation, here and in another organization (R7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as File

import pytest
from httpx2 import Response

from minutebook.custody.high_water import Custody
from minutebook.custody.signer import sign_logs
from minutebook.deliver import bundle
from minutebook.errors import MinutebookError, OutcomeUnknown, StoreUnavailable, TooSlow
from minutebook.model import DAY, MINUTE, Plan, Role
from minutebook.organization import sittings, tokens
from minutebook.organization.denials import OTHERS
from minutebook.organization.organizations import ChangePlan
from minutebook.organization.seats import ChangeRole
from minutebook.organization.tokens import RevokeToken
from minutebook.permissions import SUPPORT_MAY
from minutebook.store import blocks, memory, search, survey
from minutebook.web import api
from minutebook.web.api.principal import ORGANIZATIONS
from tests.support.check_log import check_log
from tests.support.dashboard import Calder, Dashboard, Somebody
from tests.web.test_auditing import Audit
from tests.web.test_supporting import LetIn

OPERATIONS = [path for path, operations in api.OPENAPI["paths"].items() if "get" in operations]
EXPORT = "/api/v1/organizations/{org}/events/export"
OF_ORGANIZATION = [path for path in OPERATIONS if path != ORGANIZATIONS]
EVIDENCE = "/api/v1/organizations/{org}/log/bundle"
READING = [path for path in OF_ORGANIZATION if path not in (EXPORT, EVIDENCE)]
"""What needs `log.read`, and opens a sitting."""
READERS = {Role.OWNER, Role.ADMIN, Role.AUDITOR}
MISSING = "org_aaaaaaaaaaaa"


@dataclass(frozen=True)
class Principal:
    """Somebody who asks, or a program with a token."""

    somebody: Somebody
    token: str | None = None

    def ask(self, path: str, organization: str) -> Response:
        filled = path.replace("{org}", organization).replace("{seq}", "0").replace("{tile}", "entries/000.p/1")
        return self.somebody.ask(filled, token=self.token)


class Two:
    """Two organizations with the same things in them, and everybody who could ask."""

    def __init__(self, calder: Calder) -> None:
        deployment = calder.deployment
        self.there = Dashboard.of(calder)
        self.here = Dashboard(deployment)
        self.here.app = self.there.app
        owner = self.here.person("olga@kestrel.example", "Olga")
        self.here.number = deployment.found(owner, "Kestrel Works")
        self.here.people = {Role.OWNER: owner}
        for role in Role:
            if role is not Role.OWNER:
                user = self.here.person(f"{role.value}@kestrel.example", role.label)
                self.here.people[role] = deployment.join(self.here.number, owner, role, user)

    def anybody(self) -> Somebody:
        return self.here.anybody()

    def strangers(self) -> Iterator[tuple[str, Principal]]:
        """Those who are known, and have nothing to do with the organization `there`."""
        yield "without a seat", Principal(self.here.signed_in(self.here.person("no@where.example", "No")))
        for role in Role:
            yield f"{role} elsewhere", Principal(self.here.signed_in(role))
        yield "token elsewhere", Principal(self.anybody(), self.here.token())
        yield "token elsewhere for export", Principal(self.anybody(), self.here.token("log.export"))
        # They read on the pages. Here only a seat counts, and whatever they were let in for is none.
        yield "support staff who is let in", Principal(LetIn(self.there, *SUPPORT_MAY).enter())

    def unknown(self) -> Iterator[tuple[str, Principal]]:
        """Those who show nothing that is worth anything."""
        yield "nobody", Principal(self.anybody())
        for secret in ("", "x", "mbt_" + "a" * 43, "mbt_\u00e4", self.there.token()[:-1], "a b", "\u0000"):
            yield f"token {secret[:5]!r}", Principal(self.anybody(), secret)
        yield from self._by_a_link()
        revoked = self.there.token(name="revoked")
        act = self.there.deployment.act
        act(self.there.people[Role.OWNER], self.there.number, RevokeToken(str(self.there.last().details["token"])))
        yield "revoked", Principal(self.anybody(), revoked)
        expired = self.there.token(days=1)
        self.there.deployment.clock.go_on(DAY)
        yield "expired", Principal(self.anybody(), expired)
        yield "a bad token and a good cookie", Principal(self.there.signed_in(Role.OWNER), "mbt_" + "a" * 43)

    def _by_a_link(self) -> Iterator[tuple[str, Principal]]:
        """Whoever has opened an auditor link to all of the log, and what they could make of what their browser has."""
        audit = Audit(self.there, query="")
        assert audit.open().status_code == 200
        yield "auditor link", Principal(audit.browser)
        [session] = [cookie.value for cookie in audit.browser.client.cookies.jar if cookie.name == "minutebook-auditor"]
        assert session
        anywhere, as_a_session = self.anybody(), self.anybody()
        anywhere.client.cookies.set("minutebook-auditor", session, domain=anywhere.client.base_url.host)
        yield "auditor link, its cookie sent anywhere", Principal(anywhere)
        as_a_session.token = session
        yield "auditor link as a session", Principal(as_a_session)
        yield "session of an auditor link as a token", Principal(self.anybody(), session)
        yield "auditor link as a token", Principal(self.anybody(), "acme-token")


@pytest.fixture
def two(calder: Calder, tmp_path: File, monkeypatch: pytest.MonkeyPatch) -> Two:
    """Signed, so that there is something to prove; nobody signs more meanwhile, so evidence waits for nothing."""
    monkeypatch.setattr(bundle, "PATIENCE", 0.0)
    both = Two(calder)
    sign_logs(calder.deployment.store, Custody(tmp_path / "custody"), "minutebook.example")
    return both


def body_of(response: Response) -> dict[str, object]:
    """The problem, without what is another in each answer."""
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = response.json()
    assert body["status"] == response.status_code
    assert body.pop("request_id") == response.headers["x-request-id"]
    return body


def test_no_operation_gives_anything_of_another_organization(two: Two) -> None:
    """The same answer for an organization of others as for none at all, with not a byte of theirs; nothing recorded."""
    for who, principal in two.strangers():
        before = two.here.recorded()
        for path in OF_ORGANIZATION:
            theirs, missing = (principal.ask(path, org) for org in (two.there.organization.id, MISSING))
            assert theirs.status_code == 404, (who, path, theirs.text)
            assert body_of(theirs) == body_of(missing), (who, path)
            for secret in ("calder", "Calder", "Ada", two.there.organization.id):
                assert secret not in theirs.text, (who, path)
            for odd in ("%00", "x" * 3000, "..%2f", "%F0%9F%92%A9", "org_"):
                assert principal.ask(path, odd).status_code == 404
        assert two.here.denied() == two.there.denied() == [], "neither has anything to do with it"
        assert two.here.recorded() == before, who


def test_without_a_credential_there_is_nothing(two: Two) -> None:
    for who, principal in two.unknown():
        before = two.here.recorded()
        for path in OPERATIONS:
            theirs, missing = (principal.ask(path, org) for org in (two.there.organization.id, MISSING))
            assert theirs.status_code == 401, (who, path, theirs.text)
            assert theirs.headers["www-authenticate"] == "Bearer"
            assert body_of(theirs) == body_of(missing), (who, path)
        assert two.there.denied() == []
        assert two.here.recorded() == before, who


def test_whoever_is_known_is_told_which_organizations_they_may_name(two: Two) -> None:
    """And nobody else's; a token its own, whatever it may do there. No log is read by it."""
    there, here = two.there.organization, two.here.organization
    ada = two.there.people[Role.OWNER]
    two.here.deployment.join(two.here.number, two.here.people[Role.OWNER], Role.MEMBER, ada)
    calder, kestrel = {"id": there.id, "name": "Calder Robotics"}, {"id": here.id, "name": "Kestrel Works"}
    askers = {
        "read": (Principal(two.anybody(), two.there.token()), [calder]),
        "export": (Principal(two.anybody(), two.there.token("log.export")), [calder]),
        "here": (Principal(two.there.signed_in(ada), two.here.token()), [kestrel]),
        "both": (Principal(two.there.signed_in(ada)), [calder, kestrel]),
        "member": (Principal(two.there.signed_in(Role.MEMBER)), [calder]),
        "none": (Principal(two.here.signed_in(two.here.person("no@where.example", "No"))), []),
    }
    before = two.there.recorded()
    for who, (principal, organizations) in askers.items():
        answer = principal.ask(ORGANIZATIONS, "")
        assert (answer.status_code, answer.json()) == (200, {"organizations": organizations}), who
    assert two.there.recorded() == before


def test_a_role_reads_when_it_may(two: Two) -> None:
    for role in Role:
        principal = Principal(two.there.signed_in(role))
        before = two.there.recorded()
        for path in READING:
            answer = principal.ask(path, two.there.organization.id)
            assert answer.status_code == (200 if role in READERS else 403), (role, path, answer.text)
            if role not in READERS:
                assert body_of(answer)["detail"] == f"The role {role.label.lower()} may not read the audit log."
        assert two.there.recorded() == before + (role in READERS)
        denied = two.there.denied()
        assert sum(int(str(event.details["times"])) for event in denied) == (0 if role in READERS else len(READING))
        for event in denied:
            assert (event.actor.email, event.context.client) == (two.there.people[role].email, "api")
            assert event.details["operation"] == OTHERS or event.details["needed"] == "read the audit log"
        if role in READERS:
            event = two.there.last()
            assert (event.action, event.actor.email) == ("log.view", two.there.people[role].email)
            assert event.context.client == "api"


def test_whoever_is_let_in_as_support_staff_asks_by_the_seat_they_hold(two: Two) -> None:
    let_in = LetIn(two.there, *SUPPORT_MAY)
    two.there.deployment.join(two.there.number, two.there.people[Role.OWNER], Role.MEMBER, let_in.sam)
    principal = Principal(let_in.enter())
    assert principal.somebody.get(two.there.path("audit-logs")).status_code == 200
    for path in OF_ORGANIZATION:
        answer = principal.ask(path, two.there.organization.id)
        assert answer.status_code == 403, (path, answer.text)
        assert "The role member may not" in str(body_of(answer)["detail"])


def test_whoever_loses_the_role_reads_no_more_though_they_are_reading(two: Two) -> None:
    owner, admin = two.there.people[Role.OWNER], two.there.people[Role.ADMIN]
    principal = Principal(two.there.signed_in(admin))
    for path in READING:
        assert principal.ask(path, two.there.organization.id).status_code == 200, path
    two.there.deployment.act(owner, two.there.number, ChangeRole(admin.id, Role.MEMBER))
    for path in OF_ORGANIZATION:
        assert principal.ask(path, two.there.organization.id).status_code == 403, path


def test_a_token_reads_when_it_may(two: Two) -> None:
    for scopes, status in ((("log.read",), 200), (("log.read", "log.export"), 200), (("log.export",), 403)):
        principal = Principal(two.there.anybody(), two.there.token(*scopes))
        before = two.there.recorded()
        for path in READING:
            answer = principal.ask(path, two.there.organization.id)
            assert answer.status_code == status, (scopes, path, answer.text)
        if status == 403:  # and before a word is said of what else is wrong
            assert principal.somebody.ask(two.there.api(), token=principal.token, nonsense=1).status_code == 403
        assert two.there.recorded() == before + (status == 200)
        denied = two.there.denied()
        assert bool(denied) == (status == 403)
        for event in denied:
            assert (event.actor.kind, event.details["scopes"], event.context.client) == ("token", [*scopes], "api")
    check_log(two.there.store)


def test_a_token_is_recorded_as_who_reads(two: Two) -> None:
    """Once in 30 minutes, with its id and its name; and when it was used is shown."""
    secret = two.there.token(name="Splunk")
    token = str(two.there.last().details["token"])
    reader = two.there.anybody()
    for after in (0, 5 * MINUTE, 30 * MINUTE):
        two.there.deployment.clock.go_on(after)
        assert reader.ask(two.there.api(), token=secret).status_code == 200
    views = [event for event in two.there.events() if event.action == "log.view"]
    assert [(event.actor.kind, event.actor.id, event.actor.name) for event in views] == [("token", token, "Splunk")] * 2
    assert views[0].context.session_id is None
    found = reader.ask(two.there.api(), token=secret, q="actor:token").json()["events"]
    by_id = reader.ask(two.there.api(), token=secret, q=f"actor:{token}").json()["events"]
    assert [event["seq"] for event in found] == [event["seq"] for event in by_id] == [views[1].seq, views[0].seq]
    ada = two.there.signed_in(Role.OWNER)
    assert "Never used" not in ada.get(two.there.path("tokens")).text


def test_a_request_with_a_token_never_uses_the_cookie(two: Two) -> None:
    """Neither to be let in where the token is refused, nor to be told who it was."""
    ada = two.there.signed_in(Role.OWNER)
    here = two.here.token()
    assert ada.ask(two.there.api(), token=here).status_code == 404
    assert ada.ask(two.here.api(), token=here).status_code == 200
    assert two.here.last().actor.kind == "token"
    exporter = two.there.token("log.export")
    assert ada.ask(two.there.api(), token=exporter).status_code == 403
    basic = ada.get(two.there.api(), Authorization="Basic YTpi")
    assert basic.status_code == 200, "another scheme is a proxy's"


def test_on_the_small_plan_nothing_is_read(two: Two) -> None:
    two.there.deployment.act(None, two.there.number, ChangePlan(Plan.TEAMS, 20))
    secret, ada = two.there.token(), two.there.signed_in(Role.OWNER)
    before = two.there.recorded()
    for path in READING:
        for principal in (Principal(ada), Principal(two.anybody(), secret)):
            answer = principal.ask(path, two.there.organization.id)
            assert answer.status_code == 403
            assert "Enterprise" in str(body_of(answer)["detail"])
    assert two.there.recorded() == before
    denied = [event for event in two.there.denied() if event.details["operation"] != OTHERS]
    assert {event.actor.kind for event in denied} == {"user", "token"}
    assert {event.details["reason"] for event in denied} == {sittings.UPGRADE}


@pytest.mark.parametrize("error", [StoreUnavailable, OutcomeUnknown])
def test_what_cannot_be_recorded_is_not_read(
    two: Two, monkeypatch: pytest.MonkeyPatch, error: type[MinutebookError]
) -> None:
    """An open sitting goes on when nothing can be written, though its use cannot be noted; a new one is refused."""
    sitting, new = (Principal(two.anybody(), two.there.token()) for _ in range(2))
    here = two.there.organization.id
    assert sitting.ask(READING[0], here).status_code == 200
    two.there.deployment.clock.go_on(5 * MINUTE)

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(sittings, "perform", fail)
    monkeypatch.setattr(tokens, "note_use", fail)
    for path in READING:
        assert sitting.ask(path, here).status_code == 200
        refused = new.ask(path, here)
        assert refused.status_code == 503
        assert body_of(refused)["code"] == error.code
        assert "Calder" not in refused.text


def test_what_takes_too_long_says_how_to_narrow_it(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    program = Principal(two.anybody(), two.there.token())

    def slow(*_: object, **__: object) -> None:
        raise TooSlow(seconds="2")

    for name in ("place", "window_rows"):
        monkeypatch.setattr(search, name, slow)
    monkeypatch.setattr(survey, "COUNT_SECONDS", 0.0)
    monkeypatch.setattr(blocks, "BLOCK", 2)  # the newest chunk is counted whatever it takes
    monkeypatch.setattr(memory, "PART", 1)
    answers = [program.somebody.ask(two.there.api(), token=program.token, order=order) for order in ("newest", "log")]
    for answer in answers:
        assert answer.status_code == 503
        assert body_of(answer)["code"] == "too_slow"
        assert "Narrow it" in answer.text
    for counted in ("facets", "histogram", "count"):
        answer = program.somebody.ask(two.there.api(counted), token=program.token)
        assert answer.json()["is_exact"] is (counted == "count"), "without a filter their number is known"


def test_another_site_cannot_ask_for_somebody_to_change_anything(two: Two) -> None:
    """All there is only reads; whatever else is asked is not done, with a token as well."""
    secret, client = two.there.token(), two.anybody().client
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in READING:
            filled = path.replace("{org}", two.there.organization.id).replace("{seq}", "0").replace("{tile}", "0/000")
            answer = client.request(method, filled, headers={"Authorization": f"Bearer {secret}"})
            assert answer.status_code == 405
            assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
            assert answer.json()["detail"] == f"This address takes {answer.headers['allow']} and no other method."
            crossed = client.request(method, filled, headers={"Sec-Fetch-Site": "cross-site"})
            assert crossed.status_code == 403
