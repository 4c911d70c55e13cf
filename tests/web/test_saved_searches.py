"""Saved searches on their pages: the menu beside the box, saving, the address of one, and deleting it."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from httpx2 import Response

from minutebook.model import Plan, Role
from minutebook.organization.organizations import ChangePlan
from minutebook.web.pages import saved_searches as pages
from tests.support.dashboard import Dashboard, Somebody, errors, focused, told, value
from tests.support.reader import Reader, link, text

QUERY = "-outcome:success action:user.*"


def path(dashboard: Dashboard, *parts: str) -> str:
    return dashboard.path("audit-logs", "saved", *parts)


def save(somebody: Somebody, dashboard: Dashboard, name: str = "Refusals", **fields: str) -> Response:
    return somebody.post(path(dashboard, "new"), {"name": name, "query": QUERY, "shared": "no"} | fields)


def current(response: Response) -> list[str]:
    """The searches that are marked in the menu."""
    options = re.findall(r'<li><a class="opt" href="([^"]*)" aria-current="true">', response.text)
    return [re.sub(r".*/", "", option) for option in options]


def opened(response: Response) -> str:
    """What the button of the menu says: what the page shows is called so."""
    return text(response.text.partition('data-menu="saved"')[2].partition(">")[2].partition("</summary>")[0])


def test_a_search_is_saved_from_the_page_and_leads_back_to_it(light_dashboard: Dashboard) -> None:
    ines = Reader(light_dashboard, Role.AUDITOR)
    page = ines.read(("query", QUERY))
    assert "Save search</a>" in page.text
    form = ines.open(link(page, "Save search"))
    assert value(form, "query") == QUERY
    assert focused(form) == "name"
    sent = ines.client.post(path(light_dashboard, "new"), data={"name": "Refusals", "query": QUERY, "shared": "no"})
    assert sent.headers["location"] == page.request.url.raw_path.decode()
    search = light_dashboard.last().details["search"]
    after = ines.follow(sent)
    assert "Search saved" in after.text
    assert current(after) == [search]
    assert ines.open(path(light_dashboard, str(search))).headers["location"] == sent.headers["location"]
    assert current(ines.read(("query", "-outcome:success"))) == []
    assert opened(after) == "Saved searches: Refusals"
    assert opened(page) == opened(ines.read(("query", "-outcome:success"))) == "Saved searches"
    unfiltered = ines.read()
    assert opened(unfiltered) == "Saved searches: All events"
    assert "Save search</a>" not in unfiltered.text
    assert "Search for something or choose a filter" in told(unfiltered)
    assert "Save search</a>" not in ines.get(("query", "outcome:sucess")).text


def test_a_private_search_of_somebody_else_looks_like_a_missing_one(light_dashboard: Dashboard) -> None:
    ada, ines = light_dashboard.signed_in(Role.OWNER), light_dashboard.signed_in(Role.AUDITOR)
    assert save(ines, light_dashboard, "Secret").status_code == 303
    search = str(light_dashboard.last().details["search"])
    before = light_dashboard.recorded()
    for parts in ((search,), (search, "rename"), (search, "delete")):
        hidden, missing = (ada.get(path(light_dashboard, *each)) for each in (parts, ("sav_aaaaaaaaaaaa", *parts[1:])))
        assert hidden.status_code == missing.status_code == 404
        ids = [response.headers["x-request-id"] for response in (hidden, missing)]
        assert hidden.text.replace(ids[0], "") == missing.text.replace(ids[1], "")
    for change in ("rename", "delete"):
        assert ada.post(path(light_dashboard, search, change), {"name": "Mine"}).status_code == 404
    assert "Secret" not in ada.get(path(light_dashboard)).text
    assert "Secret" not in ada.get(light_dashboard.path("audit-logs")).text
    assert light_dashboard.recorded() == before + 1  # the sitting


def test_everybody_who_reads_finds_a_shared_one_and_some_delete_it(light_dashboard: Dashboard) -> None:
    ada, ines = light_dashboard.signed_in(Role.OWNER), light_dashboard.signed_in(Role.AUDITOR)
    admin = light_dashboard.signed_in(Role.ADMIN)
    save(ada, light_dashboard, "Refusals", shared="yes")
    search = str(light_dashboard.last().details["search"])
    listed = ines.get(path(light_dashboard))
    assert "Refusals" in told(listed)
    assert "Delete the search" not in listed.text
    assert "Rename the search" not in listed.text
    refused = ines.post(path(light_dashboard, search, "delete"))
    assert (refused.status_code, "whoever saved it" in told(refused)) == (403, True)
    assert ines.get(path(light_dashboard, search)).status_code == 303
    assert "Nobody finds it any more" in told(admin.get(path(light_dashboard, search, "delete")))
    assert admin.post(path(light_dashboard, search, "delete")).headers["location"] == path(light_dashboard)
    assert light_dashboard.last().action == "search.delete"
    assert "No searches yet" in told(ines.get(path(light_dashboard)))


def test_a_search_is_renamed_and_keeps_its_address(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    save(ada, light_dashboard)
    save(ada, light_dashboard, "Other")
    search = str(light_dashboard.last().details["search"])
    rename = path(light_dashboard, search, "rename")
    assert f'href="{rename}"' in ada.get(path(light_dashboard)).text
    form = ada.get(rename)
    assert (value(form, "name"), focused(form)) == ("Other", "name")
    taken = ada.post(rename, {"name": "refusals"})
    assert taken.status_code == 422
    assert "called Refusals already" in errors(taken)["rename-name"]
    assert (value(taken, "name"), focused(taken)) == ("refusals", "name")
    sent = ada.post(rename, {"name": "Denied"})
    assert sent.headers["location"] == path(light_dashboard)
    listed = ada.follow(sent)
    assert "Search renamed" in listed.text
    assert link(listed, "Denied") == path(light_dashboard, search)
    assert light_dashboard.last().action == "search.rename"
    assert "Nothing to change" in ada.follow(ada.post(rename, {"name": "Denied"})).text


def test_a_name_that_is_taken_is_asked_about(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    save(ada, light_dashboard)
    asked = save(ada, light_dashboard, query="seq:1")
    assert asked.status_code == 422
    assert "Tick the box" in errors(asked)["save-replace"]
    assert (value(asked, "name"), value(asked, "query"), focused(asked)) == ("Refusals", "seq:1", "replace")
    assert save(ada, light_dashboard, query="seq:1", replace="yes").status_code == 303
    assert light_dashboard.last().details["replaced"] is True
    again = save(ada, light_dashboard, query="seq:1")
    assert "Nothing to change" in ada.follow(again).text


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": " "}, "save-name"),
        ({"shared": "perhaps"}, "save-shared"),
        ({"query": ""}, "save"),
        ({"query": "outcome:sucess"}, "save"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(light_dashboard: Dashboard, fields: dict[str, str], field: str) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    before = light_dashboard.recorded()
    response = save(ada, light_dashboard, **fields)
    assert response.status_code == 422
    assert list(errors(response)) == [field]
    assert light_dashboard.recorded() == before
    assert ada.get(path(light_dashboard, f"new?query={quote(fields.get('query', QUERY))}")).status_code in (200, 422)


def test_where_the_log_is_not_read_nothing_is_saved(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    light_dashboard.deployment.act(None, light_dashboard.number, ChangePlan(Plan.TEAMS, 20))
    before = light_dashboard.recorded()
    assert ada.get(path(light_dashboard)).status_code == 403
    assert save(ada, light_dashboard).status_code == 403
    assert light_dashboard.recorded() == before


def test_no_address_of_one_takes_that_of_an_event(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    for odd in ("0", "sav_", "SAV_AAAAAAAAAAAA", "%00"):
        assert ada.get(path(light_dashboard, odd)).status_code == 404
    assert ada.get(light_dashboard.path("audit-logs", "0")).status_code == 303


def test_each_search_of_the_menu_is_counted(light_dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch) -> None:
    ada, ines = light_dashboard.signed_in(Role.OWNER), light_dashboard.signed_in(Role.AUDITOR)
    saved = {}
    for somebody, query, shared in (
        (ada, "action:user.*", "yes"),
        (ada, "action:member.remove", "no"),
        (ines, "after:-7d", "no"),
        (ines, "action:search.save", "no"),
    ):
        save(somebody, light_dashboard, query, query=query, shared=shared)
        saved[query] = light_dashboard.last().details["search"]
    before = light_dashboard.recorded()
    answer = ines.get(path(light_dashboard, "counts"))
    events = light_dashboard.events()
    assert answer.json() == {
        saved["action:user.*"]: sum(event.action.startswith("user.") for event in events),
        saved["after:-7d"]: len(events),
        saved["action:search.save"]: 4,
    }, "another's private search is none of hers"
    assert light_dashboard.recorded() == before + 1, "that she reads is recorded"
    menu = ines.get(light_dashboard.path("audit-logs")).text
    assert set(re.findall('data-count-of="([^"]*)"', menu)) == answer.json().keys()
    monkeypatch.setattr(pages, "COUNTED_SECONDS", 0.0)
    assert ines.get(path(light_dashboard, "counts")).json() == {}
