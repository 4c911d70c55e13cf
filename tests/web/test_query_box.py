"""The search box: the whole filter as a query, read in the viewer's zone, put right where it is wrong."""

from __future__ import annotations

import html
import re
from datetime import datetime

import pytest
from httpx2 import Response

from minutebook.filters import FIELDS, UTC, Field, expression_of, language, parse, write
from minutebook.model import Role, to_micros
from minutebook.store import search
from minutebook.web import log_page
from minutebook.web.log_address import CONTROLS
from tests.support.dashboard import Dashboard, value
from tests.support.reader import Reader, found, link, rows, section, text

ZONE = "Europe/Berlin"
HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)"')


def box(page: Response) -> str:
    return value(page, "query")


def asked(reader: Reader, query: str, zone: str = ZONE) -> Response:
    """The page after the box was sent, at the one address of its search."""
    answer = reader.get(("query", query), ("form_zone", zone))
    assert answer.status_code == 303, text(answer.text)
    return reader.open(answer.headers["location"])


@pytest.mark.parametrize(
    ("query", "address", "shown"),
    [
        ("action:user.invite", "?action=user.invite", "action:user.invite"),
        ("ACTOR:Ada wen", "?actor=ada&text=wen", "actor:ada wen"),
        ("after:2026-11-06", "?start=2026-11-05T23:00Z", "after:2026-11-06"),
        ("before:2026-11-06T17:05", "?end=2026-11-06T16:04Z", "before:2026-11-06T17:05"),
        ("-outcome:success", "?q=-outcome:success", "-outcome:success"),
        ("action:member.*,user.login", "?q=action:member.*%2Cuser.login", "action:member.*,user.login"),
        ("(a OR b) -c", "?q=%28a%20OR%20b%29%20-c", "(a OR b) -c"),
        ("-after:2026-11-06", "?q=-after:2026-11-05T23:00Z", "-after:2026-11-06"),
        ("  ", "", ""),
    ],
)
def test_a_query_leads_to_the_one_address_of_its_search(
    light_dashboard: Dashboard, query: str, address: str, shown: str
) -> None:
    reader = Reader(light_dashboard, Role.OWNER, zone=ZONE)
    answer = reader.get(("query", query), ("form_zone", ZONE))
    assert answer.headers["location"] == reader.path + address
    page = reader.open(answer.headers["location"])
    assert page.status_code == 200
    assert box(page) == shown
    # The box sends what it shows, and comes to the same place.
    again = reader.get(("query", shown), ("form_zone", ZONE))
    assert again.headers["location"] == answer.headers["location"]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.key)
def test_no_field_of_the_table_is_left_out_by_the_page(light_dashboard: Dashboard, field: Field) -> None:
    """Set, told, kept by the controls; and wrong when it is wrong."""
    reader = Reader(light_dashboard, Role.OWNER)
    asked_for = parse([(field.key, field.example)])
    pairs = write(asked_for)
    page = reader.get(*pairs)
    assert page.status_code == 200, page.headers
    assert box(page) == language.write(expression_of(asked_for), UTC)
    form = section(page, '<form class="filters"', "</form>")
    sent = {(key, html.unescape(text)) for key, text in HIDDEN.findall(form)}
    if field.key not in CONTROLS:
        assert set(pairs) <= sent
    wrong = reader.get((field.key, "\0"))
    assert (wrong.status_code, rows(wrong)) == (422, [])


def test_the_controls_and_the_box_agree(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER, zone=ZONE)
    page = reader.read(("action", "user.invite"), ("actor", "ada"), ("start", "2026-11-06"), ("q", "outcome:success"))
    assert box(page) == "action:user.invite actor:ada after:2026-11-06T01:00 outcome:success"
    assert "Outcomeissuccess" in text(page.text).replace(" ", "")
    assert rows(asked(reader, box(page))) == rows(page)
    without = reader.open(link(page, "Remove filter: outcome is success"))
    assert box(without) == "action:user.invite actor:ada after:2026-11-06T01:00"


def test_a_query_finds_by_everything_an_event_says(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER, zone=ZONE)
    events = light_dashboard.events()
    invited = next(event for event in events if event.action == "user.invite")
    role = str(invited.details["role"])
    for query in (
        f"id:{invited.id}",
        f"seq:{invited.seq}",
        f"action:user.invite details.role:{role} target:{invited.targets[0].name}",
        f"action:user.* details.invitation:{invited.details['invitation']} -action:user.accept_invite",
    ):
        assert rows(asked(reader, query)) == [invited.seq], query
    others = [event for event in light_dashboard.events() if not event.action.startswith("user.")]
    assert found(asked(reader, "-action:user.*")).split()[0] == str(len(others))


def test_a_chip_is_named_as_the_controls_are_and_a_path_as_it_is_written(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER, zone=ZONE)
    page = asked(reader, "outcome:success ip:10.0.0.1 details.models.added:o3 wen")
    names = re.findall(r'<span class="chip__name">([^<]*)</span>', page.text)
    assert names == ["Text", "Outcome", "IP address", "details.models.added"]


@pytest.mark.parametrize(
    ("query", "told", "turned", "back"),
    [
        ("outcome:failure", "is", "-outcome:failure", "outcome:failure"),
        ("ip:10.0.0.1 OR client:web", "any of", "-(ip:10.0.0.1 OR client:web)", "ip:10.0.0.1 OR client:web"),
        ("-(ip:10.0.0.1 client:web)", "not all of", "ip:10.0.0.1 client:web", ""),
    ],
)
def test_each_chip_can_be_turned_around(
    light_dashboard: Dashboard, query: str, told: str, turned: str, back: str
) -> None:
    def turn(page: Response) -> tuple[str, str] | None:
        found = re.search(r'<a class="chip__op" href="([^"]*)" title="Turn around">([^<]*)</a>', page.text)
        return (found[2], html.unescape(found[1])) if found else None

    reader = Reader(light_dashboard, Role.OWNER, zone=ZONE)
    found = turn(asked(reader, query))
    assert found and found[0] == told
    page = reader.open(found[1])
    assert box(page) == turned
    if back:
        again = turn(page)
        assert again and again[0] != told
        assert box(reader.open(again[1])) == back


def test_each_chip_has_a_link_to_what_it_asks_for_alone(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER, zone=ZONE)
    clauses = ["action:user.*", "-actor:ada@calder.example", "outcome:success", "(ip:10.0.0.1 OR client:web)", "wen"]
    page = asked(reader, f"{' '.join(clauses)} after:-7d before:2030-01-01")
    shared = re.findall(
        r'<a class="chip__share" href="([^"]*)" aria-label="Copy a link to this filter alone', page.text
    )
    alone = sorted(box(reader.open(html.unescape(href))) for href in shared)
    assert alone == sorted([*(clause.strip("()") for clause in clauses), "after:-7d before:2030-01-01"])
    # What is wrong beside it is not passed on.
    wrong = {"action": "user.login", "actor": "a b", "q": "outcome:success bogus:("}
    page = reader.client.get(reader.path, params=wrong)
    assert page.status_code == 422
    shared = re.findall(r'<a class="chip__share" href="([^"]*)"', page.text)
    assert sorted(box(reader.open(html.unescape(href))) for href in shared) == ["action:user.login"]


@pytest.mark.parametrize(
    "query", ["-action:user.login", "action:user.*,mode.create", "-actor:ada", "actor:ada,usr_abc"]
)
def test_what_a_control_shows_has_no_second_chip(light_dashboard: Dashboard, query: str) -> None:
    page = Reader(light_dashboard, Role.OWNER, zone=ZONE).read(("q", query))
    form = section(page, '<form class="filters"', "</form>")
    assert len(re.findall(r"Remove filter: ", form)) == 1
    assert "chip__name" not in form


def test_a_bad_query_is_pointed_at_kept_and_mended(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER, zone=ZONE)
    page = reader.get(("query", "action:user.lgin after:2026-11-06"), ("form_zone", ZONE))
    assert (page.status_code, rows(page)) == (422, [])
    assert box(page) == "action:user.lgin after:2026-11-06"
    pointed = re.search(r"<pre[^>]*>(.*?)</pre>", page.text, re.DOTALL)
    assert pointed
    echoed, carets = html.unescape(re.sub(r"<[^>]*>", "", pointed[1])).split("\n")
    assert echoed == "action:user.lgin after:2026-11-06"
    assert carets == "       ^^^^^^^^^"
    assert "Did you mean user.login" in text(page.text)
    assert "How to ask" in text(page.text)
    mended = reader.open(link(page, "Search for action:user.login after:2026-11-06"))
    while mended.is_redirect:
        mended = reader.open(mended.headers["location"])
    assert mended.status_code == 200
    assert box(mended) == "action:user.login after:2026-11-06"


def test_a_bad_query_keeps_its_good_clauses_and_each_bad_one_can_be_removed(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER, zone=ZONE)
    query = "-action:user.logout outcome:sucess after:2026-11-06 ip:203.0.113"
    page = reader.get(("query", query), ("form_zone", ZONE))
    assert (page.status_code, rows(page), box(page)) == (422, [], query)
    said = text(page.text)
    assert "“sucess” is not an outcome" in said
    assert "“203.0.113” is not an IP address" in said
    form = section(page, '<form class="filters"', "</form>")
    assert "is not" in form
    assert value(page, "start_date") == "2026-11-06"
    assert re.findall(r'<div class="chip chip--wrong">\s*<span class="chip__name">([^<]*)', form) == [
        "Outcome",
        "IP address",
    ]
    assert link(page, "Search for -action:user.logout outcome:success after:2026-11-06 ip:203.0.113.0/24")
    left = reader.open(link(page, "Remove filter: sucess"))
    assert (left.status_code, box(left)) == (422, "-action:user.logout after:2026-11-06 ip:203.0.113")
    removed = reader.open(link(left, "Remove this clause"))
    while removed.is_redirect:
        removed = reader.open(removed.headers["location"])
    assert (removed.status_code, box(removed)) == (200, "after:2026-11-06 -action:user.logout")
    # What is good can be removed, too, and what is wrong stays.
    other = reader.open(link(page, "Remove filter: action is not user.logout"))
    assert (other.status_code, box(other)) == (422, "after:2026-11-06 outcome:sucess ip:203.0.113")
    alone = reader.open(link(reader.get(("query", "outcome:sucess")), "Remove this clause"))
    assert (alone.status_code, box(alone)) == (200, "")


def test_alternatives_beside_a_mistake_stay_together(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER, zone=ZONE)
    page = reader.get(("query", "(opus OR ip:10.0.0.0/8) outcome:sucess"), ("form_zone", ZONE))
    again = reader.get(("q", "opus OR ip:10.0.0.0/8"), ("query", "outcome:sucess"), ("form_zone", ZONE))
    for shown in (page, again):
        assert (shown.status_code, box(shown)) == (422, "(opus OR ip:10.0.0.0/8) outcome:sucess")
        assert link(shown, "Search for (opus OR ip:10.0.0.0/8) outcome:success")
    left = reader.open(link(again, "Remove this clause"))
    while left.is_redirect:
        left = reader.open(left.headers["location"])
    assert (left.status_code, box(left)) == (200, "opus OR ip:10.0.0.0/8")
    turned = reader.get(("q", "opus OR ip:10.0.0.0/8"), ("query", "NOT outcome:success"), ("form_zone", ZONE))
    assert box(turned) == "(opus OR ip:10.0.0.0/8) NOT outcome:success"
    assert link(turned, "Search for (opus OR ip:10.0.0.0/8) -outcome:success")


@pytest.mark.parametrize(("zone", "today"), [("Europe/Berlin", "2026-11-07"), ("UTC", "2026-11-06")])
def test_a_time_of_day_is_offered_with_the_day_of_today(light_dashboard: Dashboard, zone: str, today: str) -> None:
    light_dashboard.deployment.clock.now = to_micros(datetime(2026, 11, 6, 23, 30, tzinfo=UTC))
    page = Reader(light_dashboard, Role.OWNER, zone=zone).get(("query", "a before:9:05"), ("form_zone", zone))
    assert link(page, f"Search for a before:{today}T09:05")


def test_somebody_is_found_by_their_name(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER, zone=ZONE)
    owner = light_dashboard.people[Role.OWNER]
    page = reader.get(("query", f'actor:"{owner.name.upper()}" action:user.login'))
    assert link(page, f"Search for actor:{owner.email} action:user.login")
    typed = reader.get(("actor", owner.name), ("actor_is", "only"))
    assert typed.status_code == 422
    assert "An address holds no blanks" in text(typed.text)
    [href] = re.findall(r'<a class="opt" href="([^"]*)" data-value', typed.text)
    assert box(reader.open(html.unescape(href))) == f"actor:{owner.email}"
    part = owner.name.split()[-1].lower()
    assert part not in owner.email
    by_ada = len([event for event in light_dashboard.events() if event.actor.email == owner.email])
    nobody = reader.read(("actor", part))
    instead = link(nobody, f"With actor:{owner.email} instead{by_ada} events")
    assert box(reader.open(instead)) == f"actor:{owner.email}"


def test_the_name_of_an_action_typed_as_a_word_is_offered_as_what_it_is(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER, zone=ZONE)
    invites = [event for event in light_dashboard.events() if event.action == "user.invite"]
    for typed, meant in (("user.invite", "action:user.invite"), ("User.Inv*", "action:user.inv*")):
        page = asked(reader, f"{typed} -outcome:failure")
        assert rows(page) == []
        href = link(page, f"With {meant} instead{len(invites)} events")
        found_by = reader.open(href)
        assert (box(found_by), len(rows(found_by))) == (f"{meant} -outcome:failure", len(invites))
    assert "action:sso.set_domain instead" not in text(asked(reader, "sso.set_domain").text), "there is none of it"


def test_a_search_that_takes_too_long_says_how_to_narrow_it(
    light_dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(light_dashboard, Role.OWNER)
    monkeypatch.setattr(search, "PAGE_SECONDS", 0.0)
    page = reader.get(("q", "details.remark:*"))
    assert page.status_code == 503
    assert "This search takes too long" in text(page.text)
    assert "Narrow it: give a start or end" in text(page.text)
    assert box(page) == "details.remark:*"
    assert reader.get(("action", "user.login")).status_code == 200


def test_a_count_that_takes_too_long_says_at_least(light_dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(light_dashboard, Role.OWNER)
    monkeypatch.setattr(log_page, "SURVEY_SECONDS", 0.0)
    page = reader.read(("q", "-details.remark:*"))
    assert 'class="band"' not in page.text
    assert "at least" in found(page)
    assert re.search(r"of at least [0-9]+, newest first", text(page.text))
