"""SSO: one domain for each organization, in its normal form."""

from __future__ import annotations

import pytest

from minutebook.errors import Invalid, NotFound
from minutebook.organization import sso
from minutebook.organization.sso import RemoveSsoDomain, SetSsoDomain
from minutebook.record import NO_CHANGE
from tests.support.deployment import Deployment


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
        assert sso.read_domain(connection, 1) == sso.SsoDomain("calder.test", "Ada", event.recorded_at)
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
