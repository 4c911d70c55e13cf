"""The export of Audit Logs over HTTP: who may, what is asked for, what is recorded, and a file that is cut off."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from httpx2 import RemoteProtocolError, Response

from minutebook.actions.log import Format
from minutebook.deliver import export
from minutebook.deliver.export import query_of
from minutebook.deliver.formats import FORMATS
from minutebook.errors import StoreUnavailable
from minutebook.filters import parse
from minutebook.model import Plan, Role, rfc3339
from minutebook.organization.modes import CreateMode
from minutebook.organization.organizations import ChangePlan
from minutebook.web import exporting
from tests.support.dashboard import Dashboard, Somebody, heading, told
from tests.support.exports import read
from tests.support.server import Site, site_on


def asking(dashboard: Dashboard, somebody: Somebody, query: str = "", **headers: str) -> Response:
    return somebody.get(dashboard.path("audit-logs", "export") + (f"?{query}" if query else ""), **headers)


@pytest.mark.parametrize("format_", FORMATS)
def test_the_page_leads_to_exactly_what_it_shows(dashboard: Dashboard, format_: Format) -> None:
    ada = dashboard.signed_in(Role.OWNER)
    page = ada.get(dashboard.path("audit-logs") + "?action=user.invite&actor=ada%40calder.example&q=-outcome:failure")
    shown = [int(seq) for seq in re.findall(r'id="e(\d+)"', page.text)]
    assert f"Exactly the {len(shown)} events found, no limit" in told(page)
    [link] = re.findall(rf'<a class="opt" href="([^"]+)" data-export="{format_}"', page.text)
    dashboard.deployment.act(None, dashboard.number, CreateMode("Meanwhile", "", ()))
    answer = ada.get(link.replace("&amp;", "&"))
    assert answer.status_code == 200
    found, trailer = read(format_, answer.content)
    numbers = [int(event["metadata"]["sequence"] if format_ is Format.OCSF else event["seq"]) for event in found]
    assert numbers == sorted(shown)
    assert answer.headers["minutebook-log-size"] == str(trailer["size"])
    last = dashboard.last()
    assert (last.action, last.actor.email, last.details["size"]) == (
        "log.export",
        "ada@calder.example",
        trailer["size"],
    )
    assert last.details["query"] == trailer["query"]
    day = rfc3339(dashboard.deployment.clock())[:10]
    assert f'"calder-robotics-audit-log-{day}.' in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"


def test_without_anything_it_is_all_of_the_log(dashboard: Dashboard) -> None:
    ada = dashboard.signed_in(Role.OWNER)
    size = len(dashboard.events())
    answer = asking(dashboard, ada)
    found, trailer = read(Format.JSONL, answer.content)
    assert [event["seq"] for event in found] == list(range(size))
    assert found[0] == ada.get(dashboard.path("audit-logs", "0.json")).json()
    assert (trailer["query"], trailer["organization"]) == ("", dashboard.organization.id)
    asking(dashboard, ada, f"size={size}&first=3&format=csv")
    assert dashboard.last().details == {"v": 1, "format": "csv", "size": size, "first": 3, "pruned": 0}


def test_an_export_is_no_sitting_and_needs_none(light_dashboard: Dashboard) -> None:
    auditor = light_dashboard.signed_in(Role.AUDITOR)
    before = len(light_dashboard.events())
    asking(light_dashboard, auditor)
    asking(light_dashboard, auditor)
    assert [event.action for event in light_dashboard.events()[before:]] == ["log.export", "log.export"]


@pytest.mark.parametrize(
    ("query", "field", "said"),
    [
        ("format=xml", "format", "“xml” is not one of jsonl, csv, parquet and ocsf."),
        ("format=csv&format=csv", "format", "given 2 times"),
        ("size=-1", "size", "“-1” is not a whole number from 0 to"),
        ("size=%D9%A3", "size", "is not a whole number"),
        ("size=99999", "size", "so it never held 99,999"),
        ("first=99999", "first", "lies beyond the"),
        ("size=2&first=3", "first", "3 lies beyond the 2 events of the snapshot"),
        ("first=" + "9" * 99, "first", "is not a whole number"),
        ("action=user.logn", "action", "user.logn"),
        ("q=ip:nonsense", "q", "nonsense"),
        ("colour=red", "colour", "colour"),
        ("end=2020-01-01&start=2021-01-01", "end", "is before the start"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_recorded(
    light_dashboard: Dashboard, query: str, field: str, said: str
) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    before = light_dashboard.recorded()
    answer = asking(light_dashboard, ada, query, accept="application/json")
    assert answer.status_code == 422
    [problem] = answer.json()["errors"]
    assert problem["field"] == field
    assert said in problem["message"]
    page = asking(light_dashboard, ada, query, accept="text/html")
    assert (page.status_code, heading(page)) == (422, "Something is not right")
    assert light_dashboard.recorded() == before


def test_everything_that_is_wrong_is_said_at_once(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    answer = asking(light_dashboard, ada, "format=xml&size=x&first=y&action=z&q=(", accept="application/json")
    assert [problem["field"] for problem in answer.json()["errors"]] == ["action", "q", "format", "size", "first"]


def test_on_the_small_plan_nothing_is_exported(dashboard: Dashboard) -> None:
    ada = dashboard.signed_in(Role.OWNER)
    dashboard.deployment.act(None, dashboard.number, ChangePlan(Plan.TEAMS, 20))
    before = dashboard.recorded()
    answer = asking(dashboard, ada)
    assert answer.status_code == 403
    assert "Enterprise plan" in told(answer)
    assert dashboard.recorded() == before


def test_a_page_of_another_site_cannot_make_people_export(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    before = light_dashboard.recorded()
    for site in ("cross-site", "same-site"):
        assert asking(light_dashboard, ada, sec_fetch_site=site).status_code == 403
    assert light_dashboard.recorded() == before
    for site in ("same-origin", "none"):
        assert asking(light_dashboard, ada, sec_fetch_site=site).status_code == 200


def test_without_a_record_there_is_no_byte(light_dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)

    def refusing(*arguments: Any) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(export, "perform", refusing)
    answer = asking(light_dashboard, ada, accept="application/json")
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert "trailer" not in answer.text


def test_the_name_of_the_file_is_plain(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    names = {
        'Ünï"; filename="x.exe': "n-filename-x-exe-audit-log",
        "../../etc": "etc-audit-log",
        "株式会社": None,
        "x" * 200: "x" * 60 + "-audit-log",
    }
    for name, expected in names.items():
        if len(name) <= 100:
            ada.post("/organizations/new", {"name": name})
            light_dashboard.move_to(name)
            light_dashboard.deployment.act(None, light_dashboard.number, ChangePlan(Plan.ENTERPRISE, 20))
            disposition = asking(light_dashboard, ada).headers["content-disposition"]
            stem = expected or f"{light_dashboard.organization.id}-audit-log"
            assert re.fullmatch(rf'attachment; filename="{stem}-\d{{4}}-\d\d-\d\d\.jsonl"', disposition), disposition


def test_an_address_of_an_export_asks_for_what_it_was_made_of(light_dashboard: Dashboard) -> None:
    filter_ = parse([("action", "user.login"), ("q", 'ip:10.0.0.0/8 -"a b"'), ("start", "2026-11-06T00:00Z")])
    address = exporting.href("/o/org_x/audit-logs/export", Format.OCSF, filter_, 3, now=0)
    ada = light_dashboard.signed_in(Role.OWNER)
    assert asking(light_dashboard, ada, address.partition("?")[2]).status_code == 200
    assert light_dashboard.last().details == {"v": 1, "format": "ocsf", "size": 3, "query": query_of(filter_)}


@pytest.fixture(scope="module")
def site(sqlite_template: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    file = tmp_path_factory.mktemp("site") / "minutebook.sqlite3"
    file.write_bytes(sqlite_template.read_bytes())
    with site_on(f"sqlite:///{file}") as site:
        yield site


def test_a_file_that_breaks_off_is_noticed_by_whoever_reads_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over a real connection: it ends without the end of the answer."""
    real, reads = export._slice, itertools.count()

    def breaking(*arguments: Any) -> Any:
        if next(reads) == 3:
            raise StoreUnavailable
        return real(*arguments)

    monkeypatch.setattr(export, "PIECE", 1)
    monkeypatch.setattr(export, "_slice", breaking)
    cookies = {"minutebook-session": site.company.session(site.company.owner)}
    got = b""
    path = f"{site.base_url}/o/{site.company.id}/audit-logs/export"
    with (
        httpx2.stream("GET", path, cookies=cookies, timeout=60) as answer,
        pytest.raises(RemoteProtocolError),
    ):
        assert answer.status_code == 200
        for part in answer.iter_bytes():
            got += part
    assert [json.loads(line)["seq"] for line in got.splitlines()] == [0, 1, 2]
