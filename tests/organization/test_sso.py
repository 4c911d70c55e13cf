"""SSO: one domain for each organization, in its normal form."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from minutebook.errors import Conflict, Invalid, NotAllowed, NotFound
from minutebook.model import DAY, Role
from minutebook.name_servers import NameServers
from minutebook.organization import outbox, sso
from minutebook.organization.domain_checks import LAPSES_AFTER, DomainCheck, DomainChecks, last_check
from minutebook.organization.organizations import read_organization
from minutebook.organization.sso import LapseSsoDomain, RemoveSsoDomain, SetSsoDomain, VerifySsoDomain
from minutebook.record import NO_CHANGE
from tests.support.check_log import check_log
from tests.support.deployment import Deployment
from tests.support.name_server import Zone
from tests.support.sentences import check_mail


def test_a_domain_is_set_replaced_and_removed(deployment: Deployment) -> None:
    ada = deployment.person(name="Ada")
    deployment.found(ada)
    with pytest.raises(NotFound):
        deployment.act(ada, 1, RemoveSsoDomain())
    event = deployment.act(ada, 1, SetSsoDomain(" Calder.EXAMPLE "))
    assert event.details == {"v": 1, "domain": {"before": None, "after": "calder.example"}}
    assert [target.id for target in event.targets] == ["calder.example"]
    assert deployment.attempt(ada, 1, SetSsoDomain("calder.example")) is NO_CHANGE
    event = deployment.act(ada, 1, SetSsoDomain("calder.test"))
    assert event.details["domain"] == {"before": "calder.example", "after": "calder.test"}
    with deployment.store.reading() as connection:
        assert sso.read_domain(connection, 1) == sso.SsoDomain("calder.test", "Ada", event.recorded_at, None)
    assert deployment.act(ada, 1, RemoveSsoDomain()).details == {"v": 1, "domain": "calder.test"}
    with deployment.store.reading() as connection:
        assert sso.read_domain(connection, 1) is None
    deployment.check()


def test_what_is_no_domain_is_refused(deployment: Deployment) -> None:
    ada = deployment.person()
    deployment.found(ada)
    for domain in ("", "calder", "calder.example\0", "cаlder.example", "ada@calder.example", "a b.example", "1.2.3.4"):
        with pytest.raises(Invalid) as caught:
            deployment.act(ada, 1, SetSsoDomain(domain))
        assert [problem.field for problem in caught.value.problems] == ["domain"]
    deployment.check()


def prove(deployment: Deployment, dns: Zone, organization: int, domain: str = "calder.example") -> None:
    with deployment.store.reading() as connection:
        text = sso.record_text(read_organization(connection, organization).id)
    dns.texts[sso.record_name(domain)] = (*dns.texts.get(sso.record_name(domain), ()), text)


def verified_at(deployment: Deployment, organization: int = 1) -> int | None:
    with deployment.store.reading() as connection:
        domain = sso.read_domain(connection, organization)
    assert domain
    return domain.verified_at


def test_a_record_in_the_dns_verifies_the_domain(deployment: Deployment, dns: Zone) -> None:
    ada = deployment.person()
    deployment.found(ada)
    verify = VerifySsoDomain("calder.example", NameServers([dns.address], seconds=0.5))
    with pytest.raises(NotFound):
        deployment.act(ada, 1, verify)
    deployment.act(ada, 1, SetSsoDomain("calder.example"))
    with pytest.raises(Conflict, match=r"There is no TXT record at _minutebook\.calder\.example yet\."):
        deployment.act(ada, 1, verify)
    dns.texts[sso.record_name("calder.example")] = ("minutebook-organization=org_of_somebody_else",)
    with pytest.raises(Conflict, match="is another one: “minutebook-organization=org_of_somebody_else”"):
        deployment.act(ada, 1, verify)
    dns.texts[sso.record_name("calder.example")] = ("d", "b", "x" * 61, "a")
    with pytest.raises(
        Conflict, match=r"^The TXT record at _minutebook\.calder\.example is another one: “a”, “b”, “d”\.$"
    ):
        deployment.act(ada, 1, verify)
    dns.fails = True
    with pytest.raises(Conflict, match="did not answer"):
        deployment.act(ada, 1, verify)
    dns.fails = False
    prove(deployment, dns, 1)
    event = deployment.act(ada, 1, verify)
    assert (event.action, event.details) == ("sso.verify_domain", {"v": 1, "domain": "calder.example"})
    assert verified_at(deployment) == event.recorded_at
    assert deployment.attempt(ada, 1, verify) is NO_CHANGE
    with pytest.raises(Conflict, match=r"The domain is calder\.example by now"):
        deployment.act(ada, 1, VerifySsoDomain("calder.test", verify.servers))
    deployment.act(ada, 1, SetSsoDomain("calder.test"))
    assert verified_at(deployment) is None, "another domain has its own record"
    deployment.check()


def test_one_organization_has_a_domain(deployment: Deployment, dns: Zone) -> None:
    servers = NameServers([dns.address])
    for organization in (deployment.found(deployment.person()), deployment.found(deployment.person(), "Other")):
        deployment.act(None, organization, SetSsoDomain("calder.example"))
        prove(deployment, dns, organization)
    deployment.act(None, 1, VerifySsoDomain("calder.example", servers))
    with pytest.raises(Conflict, match=r"Another organization here has verified calder\.example"):
        deployment.act(None, 2, VerifySsoDomain("calder.example", servers))
    deployment.act(None, 1, RemoveSsoDomain())
    deployment.act(None, 2, VerifySsoDomain("calder.example", servers))
    deployment.check()


def test_a_domain_lapses_when_several_daily_checks_find_no_record(deployment: Deployment, dns: Zone) -> None:
    servers = NameServers([dns.address], seconds=0.5)
    ada = deployment.person("ada@calder.example")
    deployment.found(ada)
    for name, role in (("ben", Role.ADMIN), ("cleo", Role.MEMBER)):
        deployment.join(1, ada, role, deployment.person(f"{name}@calder.example"))
    deployment.act(None, 1, SetSsoDomain("calder.example"))
    prove(deployment, dns, 1)
    deployment.act(None, 1, VerifySsoDomain("calder.example", servers))
    checks = DomainChecks(deployment.store, servers, mails=True)

    def check(days: int = 1) -> DomainCheck | None:
        deployment.clock.go_on(days * DAY)
        checks.round()
        with deployment.store.reading() as connection:
            domain = sso.read_domain(connection, 1)
            return last_check(connection, domain) if domain else None

    assert (found := check()) and found.missed == 0
    kept, dns.texts = dns.texts, {}
    missed = check(days=4000)
    assert missed and missed.missed == 1, "a clock that goes forward is one check, not as many as it passed"
    checks.round()
    assert check(days=0) == missed, "a day has not passed"
    dns.fails = True
    with capture_logs() as logs:
        assert check() == missed, "who does not answer says nothing"
    assert [(entry["event"], entry["organization"]) for entry in logs] == [("name_servers_silent", 1)]
    dns.fails = False
    assert (found := check()) and found.missed == 2
    dns.texts = kept
    assert (found := check()) and found.missed == 0, "it was there again"
    dns.texts = {}
    for _ in range(LAPSES_AFTER - 1):
        check()
    assert verified_at(deployment) is not None
    assert outbox.due(deployment.store) == []
    check()
    assert verified_at(deployment) is None
    lapsed = deployment.events(1)[-1]
    assert (lapsed.action, lapsed.actor.name) == ("sso.lapse_domain", "Minutebook")
    assert lapsed.details == {"v": 1, "domain": "calder.example", "checks": 3}
    assert deployment.attempt(None, 1, LapseSsoDomain("calder.example", 3)) is NO_CHANGE
    last = check(days=0)
    assert check() == last, "it is not looked for any more"
    mails = [waiting.mail for waiting in outbox.due(deployment.store)]
    assert [mail.to for mail in mails] == ["ada@calder.example", "ben@calder.example"], "once, to those who can mend it"
    check_mail(mails[0].subject, mails[0].body)
    assert "no TXT record at _minutebook.calder.example with the value\n\nminutebook-organization=org_" in mails[0].body
    check_log(deployment.store)


def test_only_minutebook_lets_a_domain_lapse(deployment: Deployment) -> None:
    ada = deployment.person()
    deployment.found(ada)
    deployment.act(ada, 1, SetSsoDomain("calder.example"))
    with pytest.raises(NotAllowed):
        deployment.act(ada, 1, LapseSsoDomain("calder.example", 3))
