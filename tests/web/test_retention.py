"""Retention & erasure: policies with what they would let go, holds, the clock, and the plan before an erasure."""

from __future__ import annotations

import html
import re

import pytest

from minutebook.custody.clock import RecordForwardStep
from minutebook.custody.holds import PlaceHold
from minutebook.custody.retention import SetRetention, prune_log
from minutebook.identifiers import MOST_SEQ
from minutebook.model import DAY, Role
from minutebook.organization.modes import CreateMode
from minutebook.organization.sign_in import RecordFailedSignIn
from minutebook.store import index
from minutebook.web.log_page import PAGE_SIZE
from tests.support.check_log import check_log
from tests.support.dashboard import Dashboard, Somebody, errors, focused, told, value
from tests.support.reader import Reader, found, link

MEMBER = "member@calder.example"


@pytest.fixture
def ada(dashboard: Dashboard) -> Somebody:
    return dashboard.signed_in(Role.OWNER)


def family(dashboard: Dashboard, name: str) -> str:
    return dashboard.path("retention", "families", name)


def test_a_policy_is_set_and_changed_back(dashboard: Dashboard, ada: Somebody) -> None:
    before = told(ada.get(dashboard.path("retention")))
    assert "Modes for ever, by default" in before
    assert focused(ada.get(family(dashboard, "mode"))) == "days"
    after = ada.follow(ada.post(family(dashboard, "mode"), {"days": "365"}))
    assert "Modes 365 days Change" in told(after)
    assert "Credits for ever, by default" in told(after)
    assert dashboard.last().details == {"v": 1, "family": "mode", "after": 365}
    assert "Nothing to change" in told(ada.follow(ada.post(family(dashboard, "mode"), {"days": " 365 "})))
    ada.follow(ada.post(family(dashboard, "mode"), {"days": ""}))
    assert dashboard.last().details == {"v": 1, "family": "mode", "before": 365}


@pytest.mark.parametrize("days", ["89", "0", "-90", "36501", "ninety", "９０", "1e3", "9" * 50])
def test_days_that_cannot_be_are_refused_beside_the_field(dashboard: Dashboard, ada: Somebody, days: str) -> None:
    response = ada.post(family(dashboard, "all"), {"days": days})
    assert response.status_code == 422
    assert "90" in errors(response)["keep-days"]
    assert value(response, "days") == days
    assert dashboard.last().action != "log.policy_change"


def test_what_would_go_is_seen_and_approved_first(dashboard: Dashboard, ada: Somebody) -> None:
    for name in ("First", "Second"):
        dashboard.deployment.act(dashboard.people[Role.OWNER], dashboard.number, CreateMode(name, "", ()))
    dashboard.deployment.clock.go_on(100 * DAY)
    ada = dashboard.signed_in(Role.OWNER)
    size = dashboard.recorded()
    asked = ada.post(family(dashboard, "mode"), {"days": "95"})
    assert "2 events are older now and not held, and will be pruned within a day." in told(asked)
    assert dashboard.recorded() == size
    wrong = ada.post(family(dashboard, "mode"), {"days": "95", "confirm": "96"})
    assert errors(wrong) == {"keep-confirm": "Type 95 to confirm, or cancel."}
    assert dashboard.recorded() == size
    ada.follow(ada.post(family(dashboard, "mode"), {"days": "95", "confirm": "95"}))
    assert dashboard.last().action == "log.policy_change"
    # what goes already needs no approval again
    ada.follow(ada.post(family(dashboard, "mode"), {"days": "200"}))
    assert dashboard.last().details["after"] == 200


def test_what_was_pruned_is_counted_nowhere_as_if_it_were_there(dashboard: Dashboard) -> None:
    deployment, number = dashboard.deployment, dashboard.number
    gone = deployment.act(dashboard.people[Role.OWNER], number, CreateMode("First", "", ())).seq
    deployment.clock.go_on(100 * DAY)
    deployment.act(dashboard.people[Role.OWNER], number, SetRetention("mode", 90))
    prune_log(deployment.store, number, deployment.ledger, deployment.clock.now)
    ada = dashboard.signed_in(Role.OWNER)
    ada.get(dashboard.path("audit-logs"))
    held = dashboard.recorded()
    page = told(ada.get(dashboard.path("audit-logs")))
    assert f"{held - 1:,} events kept since" in page
    assert f"Exactly the {held - 1:,} events found" in page
    for first, sentence in (
        ("", f"Exported all {held - 1} events (1 pruned before) as JSON Lines"),
        (f"&first={gone}", f"Exported all {held - gone - 1} events (1 pruned before) as JSON Lines, from"),
        (f"&first={gone + 1}", f"Exported all {held - gone - 1} events as JSON Lines, from"),
    ):
        file = ada.get(dashboard.path("audit-logs", "export") + f"?format=jsonl&size={held}{first}")
        assert sentence in told(ada.get(dashboard.path("audit-logs") + f"?event={dashboard.last().seq}"))
        assert f"all {len(file.text.splitlines()) - 1} events" in sentence
    missing = told(ada.get(dashboard.path("audit-logs") + f"?event={gone}"))
    assert f"Event {gone} was pruned: it was older than such events are kept." in missing


def test_a_page_whose_events_were_pruned_leads_to_the_first_of_the_same_search(dashboard: Dashboard) -> None:
    deployment, number, owner = dashboard.deployment, dashboard.number, dashboard.people[Role.OWNER]
    deployment.act(owner, number, CreateMode("First", "", ()))
    deployment.clock.go_on(100 * DAY)
    for place in range(PAGE_SIZE):
        deployment.act(owner, number, CreateMode(f"Mode {place}", "", ()))
    reader = Reader(dashboard, Role.OWNER)
    older = link(reader.read(("action", "mode.create")), "Older")
    deployment.act(owner, number, SetRetention("mode", 90))
    prune_log(deployment.store, number, deployment.ledger, deployment.clock.now)
    past = reader.open(older)
    assert "No events on this page The events that were found are on the pages before it." in told(past)
    first = reader.open(link(past, "First page"))
    assert found(first).startswith(f"{PAGE_SIZE} events of")


def test_a_hold_is_placed_and_released(dashboard: Dashboard, ada: Somebody) -> None:
    path = dashboard.path("retention", "holds", "new")
    assert value(ada.get(path + "?query=actor:bob@x.example"), "query") == "actor:bob@x.example"
    refused = ada.post(path, {"name": "", "query": "seq:"})
    assert refused.status_code == 422
    assert set(errors(refused)) == {"hold-name", "hold-query"}
    dashboard.deployment.act(dashboard.people[Role.OWNER], dashboard.number, CreateMode("Review", "", ()))
    hold = {"name": "Acme v. Calder", "query": "action:mode.*"}
    size = dashboard.recorded()
    assert "It is on 1 event now" in told(ada.post(path, hold))
    changed = ada.post(path, {**hold, "query": "action:sso.*", "seen": "action:mode.*"})
    assert "It is on 0 events now" in told(changed)
    assert dashboard.recorded() == size
    page = ada.follow(ada.post(path, {**hold, "seen": value(ada.post(path, hold), "seen")}))
    assert re.findall(r'href="[^"]*/audit-logs([^"]*)"><code>', page.text) == ["?q=action:mode.*&amp;zone=utc"]
    assert "Acme v. Calder action:mode.*" in told(page)
    release = re.findall(r'href="([^"]*/release)"', page.text)[0]
    assert "It is on 1 event now." in told(ada.get(release))
    assert errors(ada.post(release, {"confirm": "Acme"})) == {
        "release-confirm": "Type Acme v. Calder to confirm, or cancel."
    }
    after = ada.follow(ada.post(release, {"confirm": "Acme v. Calder"}))
    assert "Hold released" in after.text
    assert "Acme v. Calder" not in told(after)
    assert dashboard.last().details["placed"] is False


def test_the_clock_is_confirmed_by_typing_the_day(dashboard: Dashboard, ada: Somebody) -> None:
    path = dashboard.path("retention", "clock")
    assert ada.get(path).status_code == ada.post(path, {"confirm": "2026-11-06"}).status_code == 404
    dashboard.deployment.act(None, dashboard.number, RecordForwardStep(0, 3650 * DAY))
    assert "The server's clock went forward by 3,650 days, so nothing is pruned" in told(
        ada.get(dashboard.path("retention"))
    )
    assert "Type 2026-11-06 to confirm" in told(ada.post(path, {"confirm": "yes"}))
    page = ada.follow(ada.post(path, {"confirm": "2026-11-06"}))
    assert "nothing is pruned" not in told(page)
    assert dashboard.last().action == "log.clock_confirm"


def planned(ada: Somebody, dashboard: Dashboard, person: str = MEMBER) -> dict[str, str]:
    """What the form sends that approves the plan."""
    page = ada.get(dashboard.path("retention", "erase") + f"?person={person}")
    number = re.findall(r"Type (\d+) to approve", page.text)[0]
    return {"person": person, "plan": value(page, "plan"), "reason": "By letter of 3 May", "confirm": number}


def test_a_person_is_erased_after_the_plan_was_seen(dashboard: Dashboard, ada: Somebody) -> None:
    path = dashboard.path("retention", "erase")
    assert focused(ada.get(path)) == "person"
    page = ada.get(f"{path}?person={MEMBER}")
    assert f"5 fields in 2 events, which name {MEMBER}" in re.sub(r"\d+ fields", "5 fields", told(page))
    fields = planned(ada, dashboard)
    size = dashboard.recorded()
    assert errors(ada.post(path, {**fields, "confirm": "0"})).keys() == {"confirm"}
    assert errors(ada.post(path, {**fields, "confirm": "", "reason": ""})).keys() == {"confirm", "reason"}
    assert errors(ada.post(path, {**fields, "reason": f"Asked by {MEMBER}"})).keys() == {"reason"}
    assert errors(ada.post(path, {**fields, "reason": " "})).keys() == {"reason"}
    assert dashboard.recorded() == size
    after = ada.follow(ada.post(path, fields))
    recorded = dashboard.last()
    assert recorded.action == "log.erase"
    amount = f"{recorded.details['fields']} fields in {recorded.details['events']} events"
    assert f"Erased {amount}. The log says so in event {recorded.seq:,}." in told(after)
    assert f"?event={recorded.seq}" in after.text
    listed = ada.get(dashboard.path("audit-logs") + "?action=log.erase&action=log.prune")
    assert html.escape(f"{dashboard.path('audit-logs')}?action=log.erase&action=log.prune") in after.text
    assert f"Erased {amount}" in told(listed)
    for wrong in ("x", "1-x", "0-1", "-", f"{'9' * 30}-1"):
        assert "Erased" not in told(ada.get(dashboard.path("retention") + f"?erased={wrong}"))
    assert MEMBER not in str([(event.actor, event.targets, event.details) for event in dashboard.events()])
    index.follow_all(dashboard.store)
    check_log(dashboard.store)
    nobody = ada.get(f"{path}?person={MEMBER}")
    assert errors(nobody) == {"person": "Nothing in this log names them."}


def test_a_plan_says_what_else_has_the_address(dashboard: Dashboard, ada: Somebody) -> None:
    path = f"{dashboard.path('retention', 'erase')}?person={MEMBER}"
    assert "Beside the log" not in told(ada.get(path))
    dashboard.deployment.act(None, dashboard.number, PlaceHold("Acme <b>", f"actor:{MEMBER} seq:100000.."))
    page = told(ada.get(path))
    assert "Beside the log" in page
    assert "Legal hold Acme <b> Once it may go, release it" in page


def test_a_plan_that_was_not_seen_is_not_done(dashboard: Dashboard, ada: Somebody) -> None:
    fields = planned(ada, dashboard)
    member = dashboard.people[Role.MEMBER]
    dashboard.deployment.act(member, dashboard.number, RecordFailedSignIn("Wrong password", 1))
    size = dashboard.recorded()
    response = ada.post(dashboard.path("retention", "erase"), fields)
    assert response.status_code == 409
    assert "is not what the plan said" in told(response)
    assert value(response, "reason") == "By letter of 3 May"
    assert value(response, "plan") != fields["plan"]
    assert dashboard.recorded() == size


@pytest.mark.parametrize(
    ("query", "field", "complaint"),
    [
        ("person=nobody@x.example", "person", "Nothing in this log names them."),
        ("person=nobody", "person", "Enter an address, or an id"),
        ("seq=9999&path=context.ip", "seq", "There is no event 9,999"),
        (f"seq={MOST_SEQ}&path=context.ip", "seq", f"There is no event {MOST_SEQ:,}"),
        ("seq=x&path=context.ip", "seq", "Enter whose, or the number"),
        ("seq=1&path=actor.kind", "path", "Event 1 has no such field to erase"),
        ("path=context.ip", "seq", "Enter whose, or the number"),
        (f"person={MEMBER}&seq=1&path=context.ip", "person", "and not both"),
    ],
)
def test_what_cannot_be_planned_is_told_beside_its_field(
    dashboard: Dashboard, ada: Somebody, query: str, field: str, complaint: str
) -> None:
    response = ada.get(dashboard.path("retention", "erase") + f"?{query}")
    assert response.status_code == 422
    assert complaint in errors(response)[field]


def test_the_panel_says_what_was_erased(dashboard: Dashboard, ada: Somebody) -> None:
    ada.post(dashboard.path("retention", "erase"), planned(ada, dashboard))
    erasure = dashboard.last().seq
    (seq,) = [event.seq for event in dashboard.events() if {"actor.email", "details.member"} <= event.erased]
    reader = Reader(dashboard, Role.OWNER)
    panel = told(reader.follow(reader.open(dashboard.path("audit-logs", str(seq))))).partition(f"Event {seq}")[2]
    for fact in (
        "Actor's address",
        "Actor's name",
        "Target",
        "Member",
        "IP address",
    ):
        assert f"{fact} erased by event {erasure:,}" in panel
    explained = reader.follow(reader.open(dashboard.path("audit-logs", str(erasure))))
    assert "In events" in told(explained) and f"by event {erasure:,}" not in told(explained)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OWNER])
def test_nobody_else_finds_the_way(dashboard: Dashboard, role: Role) -> None:
    somebody = dashboard.signed_in(role)
    assert "Retention &amp; erasure" not in somebody.get(dashboard.path("members")).text
