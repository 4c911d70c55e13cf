"""A clock that was set back: said once in each log where it matters, by Minutebook itself."""

from __future__ import annotations

from minutebook.model import DAY, HOUR
from minutebook.organization.tokens import CreateToken
from minutebook.record import MINUTEBOOK, record_step_back
from tests.support.check_log import check_log
from tests.support.deployment import Deployment


def test_it_is_recorded_where_an_event_would_be_too_early_or_something_had_expired(
    sqlite_deployment: Deployment,
) -> None:
    deployment, store = sqlite_deployment, sqlite_deployment.store
    ada = deployment.person()
    number, quiet = deployment.found(ada), deployment.found(ada, "Quiet")
    deployment.clock.step = 0
    last = deployment.act(ada, number, CreateToken("SIEM", ("log.read",), 1, "the secret of SIEM")).recorded_at
    for at, before, told in (
        (last, last + HOUR, None),  # nothing is recorded later than that, and nothing had expired
        (last - 1, last - HOUR, (last, last - 1)),
        (last - 1, last + HOUR, None),
        (last, last + DAY - 1, None),
        (last, last + DAY, (last + DAY, last)),  # the token had expired, and stays so
        (last, last + DAY, None),
    ):
        deployment.clock.now, size = at, deployment.size(number)
        record_step_back(store, number, before)
        *_, step = deployment.events(number)
        assert deployment.size(number) == size + (told is not None)
        if told:
            assert (step.action, step.actor, step.recorded_at) == ("log.clock_step", MINUTEBOOK, at)
            assert step.details == {"v": 1, "before": told[0], "after": told[1]}
    assert deployment.size(quiet) == 1
    check_log(store)
