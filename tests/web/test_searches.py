"""Searches of one organization wait for one another, and never for those of another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress

import pytest

from minutebook.errors import TooManySearches
from minutebook.web.searches import Limits, Searches
from tests.support.dashboard import Dashboard
from tests.support.deployment import Deployment


@pytest.fixture
def searches(sqlite_deployment: Deployment) -> Searches:
    return Searches(sqlite_deployment.store, Limits(at_once=2, waiting=1, patience=5))


def in_thread(run: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_the_third_waits_the_fourth_is_sent_away_and_others_go_ahead(searches: Searches) -> None:
    begun = threading.Event()

    def third() -> None:
        with searches.reading(1):
            begun.set()

    with ExitStack() as first, searches.reading(1):
        first.enter_context(searches.reading(1))
        thread = in_thread(third)
        while not searches._waiting[1]:
            pass
        with pytest.raises(TooManySearches), searches.reading(1):
            pass
        with searches.reading(2) as connection:
            assert connection.exec_driver_sql("SELECT 1").scalar() == 1
        assert not begun.is_set()
        first.close()
        assert begun.wait(5)
    thread.join()
    assert not searches._running
    assert not searches._waiting


def test_who_waits_too_long_is_sent_away(sqlite_deployment: Deployment) -> None:
    searches = Searches(sqlite_deployment.store, Limits(at_once=1, waiting=1, patience=0.01))
    with searches.reading(1), pytest.raises(TooManySearches, match="Try again in 1 second"), searches.reading(1):
        pass
    with suppress(ZeroDivisionError), searches.reading(1):
        raise ZeroDivisionError
    with searches.reading(1):
        pass


@pytest.mark.parametrize("path", ["events", "events/count", "events/facets", "events/histogram"])
def test_what_is_one_too_many_is_told_to_come_again(
    light_dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def full(_self: Searches, _organization: int) -> None:
        raise TooManySearches(seconds=1)

    token = light_dashboard.token("log.read")
    monkeypatch.setattr(Searches, "_begin", full)
    address = light_dashboard.api().removesuffix("/events") + f"/{path}"
    answer = light_dashboard.anybody().ask(address, token=token)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_searches")
    assert answer.headers["retry-after"] == "1"
