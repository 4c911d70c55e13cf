"""How often a token may ask, and what it is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from minutebook.model import Role
from minutebook.web.rates import Rates
from tests.support.dashboard import Dashboard


class Watch:
    """A clock that stands still until it is told to go on, in seconds."""

    def __init__(self) -> None:
        self.now = 119.5

    def __call__(self) -> float:
        return self.now


def test_each_minute_begins_anew() -> None:
    watch = Watch()
    rates = Rates(2, watch)
    assert rates.ask("a") == (2, 1, 1, False)
    assert rates.ask("a") == (2, 0, 1, False)
    assert rates.ask("a") == (2, 0, 1, True)
    assert rates.ask("b") == (2, 1, 1, False)
    watch.now = 120
    assert rates.ask("a") == (2, 1, 60, False)
    watch.now = 179.9
    assert rates.ask("a") == (2, 0, 1, False)


def test_what_is_counted_for_longer_begins_anew_with_its_window() -> None:
    watch = Watch()
    watch.now = 899
    rates = Rates(1, watch, window=900)
    assert rates.ask("a") == (1, 0, 1, False)
    assert rates.ask("a") == (1, 0, 1, True)
    watch.now = 900
    assert rates.ask("a") == (1, 0, 900, False)


@pytest.mark.parametrize("by_token", [True, False])
def test_exports_of_nothing_do_not_fill_the_log(light_dashboard: Dashboard, by_token: bool) -> None:
    app = light_dashboard.app
    app.state.site = replace(app.state.site, export_rates=Rates(2, Watch()))
    secret = light_dashboard.token("log.export") if by_token else None
    reader = light_dashboard.anybody() if by_token else light_dashboard.signed_in(Role.OWNER)
    reader.ask(light_dashboard.api("export"), token=secret, size=0)
    before = light_dashboard.recorded()
    answers = [reader.ask(light_dashboard.api("export"), token=secret, size=0) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 429, 429, 429]
    assert answers[-1].json()["code"] == "too_many_exports"
    assert answers[-1].headers["retry-after"] == "1"
    assert light_dashboard.recorded() == before + 1
    page = light_dashboard.signed_in(Role.ADMIN).get(light_dashboard.path("audit-logs", "export"))
    assert page.status_code == 200, "others export as before"


def test_a_token_that_asks_too_often_is_told_to_wait(light_dashboard: Dashboard) -> None:
    app = light_dashboard.app
    app.state.site = replace(app.state.site, rates=Rates(3, Watch()))
    secret, other, reader = light_dashboard.token(), light_dashboard.token(), light_dashboard.anybody()
    for remaining in (2, 1, 0):
        answer = reader.ask(light_dashboard.api(), token=secret)
        assert answer.status_code == 200
        assert answer.headers["ratelimit-limit"] == "3"
        assert answer.headers["ratelimit-remaining"] == str(remaining)
    refused = reader.ask(light_dashboard.api("count"), token=secret)
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["retry-after"] == refused.headers["ratelimit-reset"] == "1"
    assert refused.headers["ratelimit-remaining"] == "0"
    assert reader.ask(light_dashboard.api(), token=other).status_code == 200
    ada = light_dashboard.signed_in(Role.OWNER)
    assert "ratelimit-limit" not in ada.ask(light_dashboard.api()).headers
