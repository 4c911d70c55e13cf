"""What programs that watch over a server are told, and who is not."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from prometheus_client.parser import text_string_to_metric_families

from minutebook.errors import StoreUnavailable
from minutebook.model import Role
from minutebook.organization.outbox import Mail, put
from minutebook.web.app import WebSettings
from tests.support.dashboard import Dashboard
from tests.support.deployment import Deployment


def measures(dashboard: Dashboard) -> dict[str, float]:
    """Each sample by its name and labels."""
    answer = dashboard.anybody().get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        f"{sample.name}{sorted(sample.labels.items()) or ''}": sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_a_server_says_that_it_lives_and_that_it_can_answer(dashboard: Dashboard) -> None:
    for path, status in (("/healthz", "healthy"), ("/readyz", "ready")):
        for host in ("127.0.0.1", "10.1.2.3:8321"):
            answer = dashboard.anybody().get(path, host=host)
            assert (answer.status_code, answer.json()) == (200, {"status": status})


def test_without_its_database_it_lives_and_cannot_answer(
    light_dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> object:
        raise StoreUnavailable

    monkeypatch.setattr(light_dashboard.store, "reading", away)
    assert light_dashboard.anybody().get("/healthz").status_code == 200
    answer = light_dashboard.anybody().get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
    found = measures(light_dashboard)
    assert found["minutebook_database_up"] == 0
    assert "minutebook_events" not in found


def test_the_measures_are_those_of_the_server(dashboard: Dashboard) -> None:
    before = measures(dashboard)
    assert before["minutebook_database_up"] == 1
    assert before["minutebook_events"] == dashboard.recorded()
    assert (before["minutebook_organizations"], before["minutebook_unsigned_logs"]) == (1, 1)
    ada = dashboard.signed_in(Role.OWNER)
    with dashboard.store.housekeeping() as connection:
        put(connection, Mail("x@calder.example", "Hello", "Hello"), dashboard.store.clock())
    ada.get(dashboard.path("members"))
    after = measures(dashboard)
    assert after["minutebook_events"] == dashboard.recorded() > before["minutebook_events"]
    assert after["minutebook_waiting_mails"] == before["minutebook_waiting_mails"] + 1
    labels = [("method", "GET"), ("route", "/o/{org}/members"), ("status", "200")]
    assert after[f"minutebook_requests_total{labels}"] == 1
    assert after["minutebook_request_seconds_count[('route', '/o/{org}/members')]"] == 1
    assert after["minutebook_storage_free_bytes"] > 0 < after["minutebook_storage_used_bytes"]


def test_methods_that_somebody_made_up_are_counted_as_one(light_dashboard: Dashboard) -> None:
    """Else anybody could fill the memory of the server with them."""
    for number in range(3):
        assert light_dashboard.anybody().client.request(f"MADEUP{number}", "/sign-in").status_code == 405
    total = "minutebook_requests_total["
    counted = {name: value for name, value in measures(light_dashboard).items() if name.startswith(total)}
    assert counted == {f"{total}('method', 'other'), ('route', '/sign-in'), ('status', '405')]": 3}


def test_what_is_asked_in_a_wrong_way_is_told_every_right_one(light_dashboard: Dashboard) -> None:
    for path, methods in (("/sign-in", "GET, HEAD, POST"), ("/healthz", "GET, HEAD")):
        answer = light_dashboard.anybody().client.request("DELETE", path, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.headers["allow"]) == (405, methods)
        assert answer.json()["detail"] == f"This address takes {methods} and no other method."


def test_the_measures_name_nobody(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    ada.get(light_dashboard.path("audit-logs") + "?q=secret-words")
    ada.get("/nobody@calder.example")
    text = light_dashboard.anybody().get("/metrics").text
    for said in ("calder", "Calder", "secret-words", "ada", light_dashboard.organization.id, "org_", "usr_"):
        assert said not in text


@pytest.mark.parametrize(
    ("proxies", "networks", "forwarded", "status"),
    [
        ([], ["203.0.113.0/24"], None, 200),
        ([], ["127.0.0.0/8"], None, 404),
        ([], ["203.0.113.0/24"], "127.0.0.1", 404),  # an unknown proxy passed it on
        (["203.0.113.9"], ["203.0.113.0/24"], "192.0.2.7", 404),
        (["203.0.113.9"], ["192.0.2.0/24"], "192.0.2.7", 200),
        (["203.0.113.9"], ["192.0.2.0/24"], "192.0.2.7, 198.51.100.1", 404),
    ],
)
def test_who_sees_the_measures(
    sqlite_deployment: Deployment, proxies: list[str], networks: list[str], forwarded: str | None, status: int
) -> None:
    settings = WebSettings(
        trusted_proxies=tuple(map(ip_network, proxies)), metrics_networks=tuple(map(ip_network, networks))
    )
    headers = {"x_forwarded_for": forwarded} if forwarded else {}
    assert Dashboard(sqlite_deployment, settings).anybody().get("/metrics", **headers).status_code == status
