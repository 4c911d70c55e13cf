"""The page Audit Logs: what it shows, what it says when there is nothing to show, and its panel."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace

import pytest
from httpx2 import Response

from minutebook.actions import CATALOGUE, NOUNS
from minutebook.filters import Cursor, Filter, search_of
from minutebook.filters.telling import TURNED
from minutebook.filters.term_values import CLIENTS
from minutebook.identifiers import MOST_SEQ
from minutebook.model import HOUR, Context, Event, Plan, Role, Seat, rfc3339
from minutebook.organization import credits, modes, settings, sso
from minutebook.organization.organizations import ChangePlan
from minutebook.organization.seats import ChangeRole
from minutebook.organization.sign_in import RecordFailedSignIn
from minutebook.record import NoChange, perform
from minutebook.store import log, survey
from minutebook.store.survey import Count
from tests.support.dashboard import Dashboard
from tests.support.reader import PANEL, Reader, found, link, rows, section, text

HOSTILE = "\u202eevil\u2066<img src=x onerror=alert(1)>{after.__class__}{{7*7}}"
FIELDS = re.compile(r"<input\b[^>]*>|<textarea.*?</textarea>", re.DOTALL)


def table(response: Response) -> str:
    return section(response, "<table", "</table>")


def panel(response: Response) -> str:
    return section(response, '<aside class="panel"', "</aside>")


def facts(response: Response) -> dict[str, str]:
    """The facts of the panel: label → what a person reads beside it."""
    inner = section(response, '<dl class="facts">', "</dl>")
    return {text(label): text(value) for label, value in re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", inner, re.DOTALL)}


def change_models(dashboard: Dashboard) -> Event:
    """Six models and two providers fewer, two models more."""
    first = settings.FIRST
    models = (*first.models[6:], "new/one", "new/two")
    return dashboard.deployment.act(
        dashboard.people[Role.ADMIN],
        dashboard.number,
        settings.ChangeModels(models, first.providers[2:], first.models[6]),
    )


# ── The table ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_shows_every_event_also_its_own_opening(dashboard: Dashboard) -> None:
    page = Reader(dashboard, Role.OWNER).read()
    events = dashboard.events()
    assert events[-1].action == "log.view"
    assert rows(page) == [event.seq for event in reversed(events)]
    assert found(page) == f"{len(events)} events"
    assert f"{len(events)} events kept since 6 Nov 2026" in text(page.text)


def test_a_row_says_when_what_who_and_what_changed(light_dashboard: Dashboard) -> None:
    event = change_models(light_dashboard)
    page = Reader(light_dashboard, Role.OWNER, zone="Asia/Kathmandu").read(("action", "settings.change"))
    assert rows(page) == [event.seq]
    row = table(page)
    assert f'datetime="{rfc3339(event.occurred_at)}"' in row
    assert "Time <span>UTC+05:45</span>" in row
    assert "Friday 6 November <span>Today</span>" in row
    assert "+added new/one" in text(row)
    assert "Some Admin" in row
    assert "admin</bdi>" not in row
    assert 'admin<span class="own">@calder.example</span>' in row
    # Two models came, six went, of which four are shown; both providers that went; the default model is a swap
    assert row.count('class="delta delta--add"') == 2 + 1
    assert row.count('class="delta delta--del"') == 4 + 2 + 1
    assert "2 more removed" in text(row)
    first, second = settings.FIRST.providers[:2]
    assert f", providers −removed {first} −removed {second}, default model" in text(row)


def test_a_refused_sign_in_says_so_in_words(light_dashboard: Dashboard) -> None:
    who = light_dashboard.people[Role.MEMBER]
    light_dashboard.deployment.act(who, light_dashboard.number, RecordFailedSignIn("Wrong password", 2))
    page = Reader(light_dashboard, Role.OWNER).read(("action", "user.login_failed"))
    assert "Failed Wrong password, attempt 2 in 15 minutes" in text(table(page))
    assert 'data-outcome="failure"' in table(page)
    assert 'aria-label="medium severity"' in table(page)


def test_today_and_yesterday_are_those_of_the_zone(light_dashboard: Dashboard) -> None:
    clock = light_dashboard.deployment.clock
    clock.go_on(23 * HOUR)
    light_dashboard.deployment.act(None, light_dashboard.number, ChangePlan(Plan.ENTERPRISE, 30))
    clock.go_on(2 * HOUR)
    days = r'<tr class="day".*?>(.*?)</tr>'
    headings = {
        zone: [text(day) for day in re.findall(days, Reader(light_dashboard, Role.OWNER, zone=zone).read().text)]
        for zone in ("UTC", "America/Los_Angeles")
    }
    assert headings["UTC"] == ["Saturday 7 November Today", "Friday 6 November Yesterday"]
    # There it is still Friday: 6 November 00:00 UTC was Thursday.
    assert headings["America/Los_Angeles"] == ["Friday 6 November Today", "Thursday 5 November Yesterday"]


def test_the_zone_can_be_switched_and_everything_else_stays(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER, zone="Europe/Berlin")
    page = reader.read(("text", "ada"), ("end", "2026-11-30"))
    assert "Time <span>CET</span>" in page.text
    assert 'value="2026-12-01"' in page.text
    in_utc = reader.open(link(page, "UTC"))
    assert str(in_utc.url).endswith("?end=2026-11-30&text=ada&zone=utc")
    assert rows(in_utc) == rows(page)
    assert "Time <span>UTC</span>" in in_utc.text
    assert 'value="2026-11-30"' in in_utc.text
    assert '<input type="hidden" name="zone" value="utc">' in in_utc.text
    assert str(reader.open(link(in_utc, "Local CET")).url) == str(page.url)


# ── Filters ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_actions_are_offered_in_groups_with_what_each_would_find(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER)
    page = reader.read(("actor", "ada@calder.example"), ("action", "user.invite"), ("action", "organization.create"))
    events = [event for event in light_dashboard.events() if event.actor.email == "ada@calder.example"]
    popover = section(page, 'class="pop pop--actions"', "</details>")
    options = [text(option) for option in re.findall(r'<label class="opt opt--\w+">(.*?)</label>', popover, re.DOTALL)]
    expected = []
    for noun, title in NOUNS.items():
        actions = [action for action in CATALOGUE.values() if action.noun == noun]
        counts = [sum(event.action == action.name for event in events) for action in actions]
        expected.append(f"{title}{sum(counts)}")
        expected += [f"{action.name}{action.title}{count}" for action, count in zip(actions, counts, strict=True)]
    assert options == expected
    assert re.findall(r'name="action" value="([\w.*]+)"[^>]* checked', popover) == [
        "organization.create",
        "user.invite",
    ]
    assert found(page) == f"{sum(e.action in ('user.invite', 'organization.create') for e in events)} events of " + str(
        len(light_dashboard.events())
    )


def test_actors_are_offered_by_name_with_what_each_would_find(light_dashboard: Dashboard) -> None:
    stranger = light_dashboard.person("gone@other.example", "Gone")
    light_dashboard.deployment.join(light_dashboard.number, light_dashboard.people[Role.OWNER], Role.MEMBER, stranger)
    page = Reader(light_dashboard, Role.OWNER).read(("action", "user.accept_invite"))
    popover = section(page, 'class="pop pop--actor"', "</details>")
    offered = [text(option) for option in re.findall(r'<a class="opt".*?>(.*?)</a>', popover, re.DOTALL)]
    assert "GOGone gone@other.example1" in offered
    assert len(offered) == 5
    narrowed = Reader(light_dashboard, Role.OWNER).open(link(page, "GOGone gone@other.example1"))
    assert found(narrowed).startswith("1 event of")


@pytest.mark.parametrize(
    ("typed", "operator"),
    [
        *(("ada@calder.example", "is"), ("ADA@calder.example", "is")),
        *(("ada", "contains"), ("@calder", "contains"), ("*@calder.example", "matches")),
    ],
)
def test_the_chip_tells_how_an_address_is_compared(light_dashboard: Dashboard, typed: str, operator: str) -> None:
    reader = Reader(light_dashboard, Role.OWNER)
    page = reader.read(("actor", typed))
    assert rows(page)
    assert re.search(rf'<a class="chip__op" href="[^"]+" title="Turn around">{operator}</a>', page.text)
    others = reader.open(link(page, operator))
    assert not set(rows(others)) & set(rows(page))
    assert len(rows(others)) + len(rows(page)) == len(light_dashboard.events())
    assert rows(reader.open(link(others, TURNED[operator]))) == rows(page)


def test_each_chip_can_be_removed_and_the_rest_stays(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER)
    query = (("action", "user.invite"), ("actor", "calder"), ("start", "2026-11-06"), ("end", "2026-11-30"))
    page = reader.read(*query, ("text", "member"))
    chips = {
        "Remove filter: action is user.invite": "actor=calder&start=2026-11-06&end=2026-11-30&text=member",
        "Remove filter: actor contains calder": "action=user.invite&start=2026-11-06&end=2026-11-30&text=member",
        "Remove filter: dates 6 Nov 00:00 – 30 Nov 23:59": "action=user.invite&actor=calder&text=member",
        "Remove filter: text contains “member”": "action=user.invite&actor=calder&start=2026-11-06&end=2026-11-30",
    }
    for chip, rest in chips.items():
        assert link(page, chip) == f"{reader.path}?{rest}"
    assert link(page, "Clear the search") == reader.path


def test_a_value_in_a_row_filters_by_it_beside_what_is_filtered_already(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER)
    page = reader.read(("text", "robotics"))
    assert link(page, "organization.create") == f"{reader.path}?action=organization.create&text=robotics"
    assert f'href="{reader.path}?actor=ada@calder.example&amp;text=robotics"' in table(page)


def test_presets(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER, zone="Europe/Berlin")
    page = reader.read(("text", "ada"))
    assert link(page, "This month") == f"{reader.path}?start=this-month&text=ada"
    month = reader.open(link(page, "This month"))
    assert rows(month) == rows(page)
    assert "Date range: this month" in text(month.text)
    assert "1 Nov 00:00 – now in Europe/Berlin · 31 Oct 23:00 – now in UTC" in text(month.text)
    assert "1 Nov 00:00 – now in UTC" in text(Reader(light_dashboard, Role.OWNER).read(("start", "this-month")).text)
    day = reader.read(("start", "2026-11-02"), ("end", "2026-11-02"))
    assert "2 Nov 00:00 – 2 Nov 23:59 in UTC" in text(day.text)
    assert re.search(r'aria-current="true">This month<', month.text)
    assert link(month, "All time") == f"{reader.path}?text=ada"


# ── What is wrong ───────────────────────────────────────────────────────────────────────────────────────────────────

BIG = "x" * 10_000


@pytest.mark.parametrize(
    ("pairs", "message", "kept"),
    [
        ((("action", "user.logn"),), "Did you mean user.login", 'value="user.logn" checked'),
        ((("actor", "ada okafor"),), "An address holds no blanks", 'value="ada okafor"'),
        ((("actor", BIG),), "longer than an address", f'value="{BIG}"'),
        ((("text", "a\0b"),), "NUL, which cannot be searched for", ""),
        ((("text", BIG),), "at most 200", ""),
        ((("query", "a\0b"),), "NUL, which cannot be searched for", 'name="query" type="search" value="a'),
        ((("query", BIG),), "at most 2,000", f'value="action:user.invite {BIG}"'),
        ((("query", "outcome:sucess"),), "The outcomes are success, failure and denied", 'value="outcome:sucess"'),
        ((("q", "ip:x"),), "is not an IP address", 'value="action:user.invite ip:x"'),
        ((("query", "after:2026-11-07 before:2026-11-06"),), "before the start", 'value="after:2026-11-07 before'),
        ((("start_date", "6/11/2026"),), "two different days", 'value="6/11/2026"'),
        ((("end_date", "2026-11-06"), ("end_time", "17:60")), "is not a time", 'value="17:60"'),
        ((("start_date", "2026-11-07"), ("end_date", "2026-11-06")), "before the start", 'value="2026-11-07"'),
        ((("start", "soon"),), "is not a time", 'value="soon"'),
        ((("start", "2026-11-07"), ("end", "2026-11-06")), "before the start", 'value="2026-11-07"'),
        ((("colour", "red"),), "The filters are action, actor, start, end, text and q.", ""),
        ((("zone", "Mars"),), "write zone=utc", ""),
        ((("event", "first"),), "is not the number of an event", ""),
        ((("older", BIG),), "not a link to a page of this log", ""),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_searched(
    light_dashboard: Dashboard, pairs: tuple[tuple[str, str], ...], message: str, kept: str
) -> None:
    reader = Reader(light_dashboard, Role.OWNER)
    page = reader.get(("action", "user.invite"), *pairs)
    assert page.status_code == 422
    assert not rows(page)
    assert "Nothing was searched" in page.text
    assert "results__n" in page.text
    assert found(page) == ""
    assert message in text(page.text)
    assert kept in html.unescape(FIELDS.sub(lambda field: field[0].replace("\0", "\ufffd"), page.text))
    # What is right is still set, and is all that is left when the mistake is taken out.
    assert "<span>user.</span>invite" in section(page, 'class="chip__value"', "</div>")
    fragment = reader.client.get(str(page.url), headers=PANEL)
    assert fragment.status_code == 422
    assert not rows(fragment)


def test_a_mistake_in_the_address_can_be_left_out(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER)
    page = reader.get(("colour", "red"), ("text", "ada"), ("actor", "b b"))
    assert link(page, "Leave it out") == f"{reader.path}?text=ada&actor=b%20b"


@pytest.mark.parametrize(
    "pairs",
    [
        [("q" * 30_000, "1")],
        *([(key, "a*" * 15_000)] for key in ("colour", "action", "actor", "text", "q", "query", "start", "start_date")),
        *([(key, "1" * 30_000)] for key in ("event", "zone", "older", "end_time")),
        [("action", f"user.{number}") for number in range(1_500)],
        [(f"key{number}", "1") for number in range(3_000)],
    ],
    ids=lambda pairs: pairs[0][0][:20],
)
def test_a_page_repeats_no_more_of_a_mistake_than_people_make(
    light_dashboard: Dashboard, pairs: list[tuple[str, str]]
) -> None:
    reader = Reader(light_dashboard, Role.OWNER)
    plain = reader.get(("colour", "red"))
    page = reader.get(*pairs)
    assert (page.status_code, rows(page)) == (422, [])
    in_its_field_and_the_box = 4 * 30_000
    assert len(page.text) < len(plain.text) + in_its_field_and_the_box


def test_a_cursor_of_another_organization_or_of_a_longer_log_is_refused(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER)
    size = len(light_dashboard.events())
    here = light_dashboard.organization.id
    seal = light_dashboard.seal
    good = Cursor(here, search_of(Filter()), size, light_dashboard.last().occurred_at, size - 1, 0, "older")
    assert reader.get(("older", seal.write(good))).status_code == 200
    for cursor, message in (
        (replace(good, log="org_aaaaaaaaaaaa"), "another log"),
        (replace(good, size=size + 100), "a log that was longer"),
        (replace(good, search=search_of(Filter(text="x"))), "another search"),
    ):
        page = reader.get(("older", seal.write(cursor)))
        assert (page.status_code, rows(page)) == (422, [])
        assert message in text(page.text)
        assert link(page, "First page") == reader.path
        assert "marked red" not in page.text


def test_a_form_leads_to_the_one_address_of_its_search(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER, zone="Europe/Berlin")
    typed = {"start_date": "6 Nov 2026", "start_time": "", "end_date": "2026-11-06", "end_time": "17:05"}
    form = {"text": " ada ", "actor": "", "form_zone": "Europe/Berlin", **typed}
    answer = reader.get(*form.items(), ("action", "user.login"), ("action", "user.invite"))
    assert answer.status_code == 303
    query = "action=user.login&action=user.invite&start=2026-11-05T23:00Z&end=2026-11-06T16:05Z&text=ada"
    assert answer.headers["location"] == f"{reader.path}?{query}"
    assert reader.follow(answer).status_code == 200


# ── Nothing found ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_found_says_which_clause_keeps_events_away(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER)
    page = reader.read(("action", "sso.set_domain"), ("actor", "ada@calder.example"), ("end", "2026-11-30"))
    size = len(light_dashboard.events())
    by_ada = sum(event.actor.email == "ada@calder.example" for event in light_dashboard.events())
    assert found(page) == f"0 events of {size}"
    state = text(section(page, 'aria-labelledby="empty-title"', "</section>"))
    assert "No events match this filter" in state
    assert f"Without action:sso.set_domain{by_ada} events" in state
    assert state.count("Without") == 1  # leaving out the actor or the end would find nothing either
    assert rows(reader.open(link(page, f"Without action:sso.set_domain{by_ada} events")))


def test_an_offer_that_takes_long_to_count_says_at_least_and_is_the_last(
    light_dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Filter] = []

    def given_up(_connection: object, _scope: object, filter_: Filter) -> Count:
        asked.append(filter_)
        return Count(7, is_exact=False)

    monkeypatch.setattr(survey, "count", given_up)
    page = Reader(light_dashboard, Role.OWNER).read(("action", "sso.set_domain"), ("text", "absent"))
    state = text(section(page, 'aria-labelledby="empty-title"', "</section>"))
    assert "Without action:sso.set_domainat least 7 events" in state
    assert (state.count("Without"), len(asked)) == (1, 1), "the next would take as long"


def test_an_address_that_finds_nobody_is_offered_as_a_part(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER)
    page = reader.read(("actor", "ada@other.example"))
    by_ada = sum(event.actor.email == "ada@calder.example" for event in light_dashboard.events())
    wider = link(page, f"With actor:ada@ instead{by_ada} events")
    assert wider == f"{reader.path}?actor=ada@"
    assert "With actor:@other.example" not in text(page.text)
    page = reader.read(("actor", "nobody@calder.example"))
    assert "With actor:nobody@" not in text(page.text)
    assert "With actor:@calder.example instead" in text(page.text)


def test_when_no_clause_alone_helps_all_can_be_left_out(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER)
    page = reader.read(("action", "sso.set_domain"), ("text", "absent"))
    assert link(page, f"Without any filter{len(light_dashboard.events())} events") == reader.path
    state = section(page, 'aria-labelledby="empty-title"', "</section>")
    assert text(state).count("Without") == 1
    assert "<code>" not in state


def test_a_new_log_says_what_will_come(light_dashboard: Dashboard) -> None:
    owner = light_dashboard.people[Role.OWNER]
    light_dashboard.number = light_dashboard.deployment.found(owner, "New")
    reader = Reader(light_dashboard, Role.OWNER)
    page = reader.read()
    assert len(rows(page)) == 3
    assert "This log has just begun" in page.text
    searched = reader.read(("text", "new"))
    assert len(rows(searched)) == 1
    assert "This log has just begun" not in searched.text


# ── The panel ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_panel_holds_everything(dashboard: Dashboard) -> None:
    event = change_models(dashboard)
    dashboard.deployment.clock.go_on(29 * 60 * 1_000_000)
    reader = Reader(dashboard, Role.OWNER, zone="Europe/Berlin")
    page = reader.read(("event", str(event.seq)))
    assert f'id="e{event.seq}" role="row" data-outcome="success" aria-current="true"' in page.text
    shown = text(panel(page))
    assert "What changed before and after Allowed models 21 before, 17 after" in shown
    assert "added new/one" in shown
    assert "15 not changed" in shown
    assert re.search(r"\d\d:\d\d:\d\d\.\d{3} UTC, \d+ minutes ago", shown)
    told = facts(page)
    assert told["Actor"].startswith("Some Admin")
    assert "admin@calder.example" in told["Actor"]
    assert told["Section"] == "Models & Providers"
    assert told["IP address"] == "192.0.2.7"
    assert told["Event id"] == event.id
    with dashboard.store.reading() as connection:
        leaf_hash = log.leaf_hash_of(connection, event)
    assert leaf_hash.hex() in shown


def test_the_panel_narrows_the_search_by_address_and_client(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.people[Role.OWNER]
    seat = light_dashboard.deployment.seat(ada, light_dashboard.number)
    for number, (client, ip) in enumerate((("cli", "203.0.113.7"), ("web", "203.0.113.8"), ("web", "203.0.113.7"))):
        elsewhere = replace(seat, context=Context(client=client, ip=ip))
        perform(light_dashboard.store, elsewhere, modes.CreateMode(f"Mode {number}", "", ()))
    last = light_dashboard.last().seq
    reader = Reader(light_dashboard, Role.OWNER)
    page = reader.read(("event", str(last)), ("action", "mode.create"), ("q", "ip:203.0.113.0/24"))
    assert rows(page) == [last, last - 1, last - 2]
    assert rows(reader.open(link(page, "203.0.113.7"))) == [last, last - 2]
    assert rows(reader.open(link(page, CLIENTS["web"]))) == [last, last - 1]


def test_the_panel_leads_to_everything_by_its_actor(light_dashboard: Dashboard) -> None:
    event = light_dashboard.events()[0]
    reader = Reader(light_dashboard, Role.OWNER)
    page = reader.read(("event", str(event.seq)), ("text", "calder"), ("zone", "utc"))
    for action in ("user.invite", "organization.create"):
        assert action in page.text
    ada = light_dashboard.people[Role.OWNER].id
    by_ada = [e.seq for e in reversed(light_dashboard.events()) if e.actor.id == ada]
    href = link(page, f"Everything by this actor{len(by_ada)}")
    assert href == f"{reader.path}?q=actor:{ada}&zone=utc"
    assert rows(reader.open(href)) == by_ada


def test_the_panel_leads_to_everything_done_to_its_target(light_dashboard: Dashboard) -> None:
    light_dashboard.deployment.act(
        light_dashboard.people[Role.OWNER],
        light_dashboard.number,
        ChangeRole(light_dashboard.people[Role.MEMBER].id, Role.ADMIN),
    )
    event = light_dashboard.last()
    reader = Reader(light_dashboard, Role.OWNER)
    page = reader.read(("event", str(event.seq)), ("text", "some"))
    (target,) = event.targets
    done = [e.seq for e in reversed(light_dashboard.events()) if target.id in {each.id for each in e.targets}]
    assert rows(reader.open(link(page, f"Everything done to this target{len(done)}") or "")) == done


def test_the_panel_leads_to_everything_done_to_each_of_several_targets(light_dashboard: Dashboard) -> None:
    ada, admin = (light_dashboard.people[role] for role in (Role.OWNER, Role.ADMIN))
    light_dashboard.deployment.act(ada, light_dashboard.number, ChangeRole(admin.id, Role.OWNER))
    light_dashboard.deployment.act(admin, light_dashboard.number, ChangeRole(ada.id, Role.ADMIN))
    event = light_dashboard.events()[0]
    reader = Reader(light_dashboard, Role.OWNER)
    page = reader.read(("event", str(event.seq)), ("text", "calder"))
    done = {
        target.name: [e.seq for e in reversed(light_dashboard.events()) if target.id in {each.id for each in e.targets}]
        for target in event.targets
    }
    assert {name: len(seqs) for name, seqs in done.items()} == {"Calder Robotics": 1, "ada@calder.example": 2}
    for name, seqs in done.items():
        assert rows(reader.open(link(page, f"Everything done to {name}{len(seqs)}"))) == seqs


def test_the_neighbours_are_those_of_the_search(light_dashboard: Dashboard) -> None:
    invited = [event.seq for event in light_dashboard.events() if event.action == "user.invite"]
    reader = Reader(light_dashboard, Role.OWNER)
    page = reader.read(("action", "user.invite"), ("event", str(invited[1])))
    assert link(page, "Newer event") == f"{reader.path}?action=user.invite&event={invited[2]}"
    assert link(page, "Older event") == f"{reader.path}?action=user.invite&event={invited[0]}"
    assert link(page, "Close") == f"{reader.path}?action=user.invite"
    page = reader.read(("action", "user.invite"), ("event", str(invited[-1])))
    assert link(page, "Newer event") is None


def test_a_script_gets_the_panel_alone(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER)
    query = (("action", "user.invite"), ("event", "1"))
    fragment = reader.get(*query, headers=PANEL)
    assert fragment.text.strip().startswith('<aside class="panel"')
    assert fragment.text.strip().endswith("</aside>")
    assert panel(fragment) == panel(reader.get(*query))
    assert reader.get(("event", "999"), headers=PANEL).status_code == 404
    assert "hidden></aside>" in reader.get(headers=PANEL).text


def test_a_permalink_leads_to_the_log_with_the_event_open(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER)
    page = reader.read(("text", "calder"), ("event", "2"))
    permalink = link(page, "Copy link to this event")
    assert permalink == f"{reader.path}/2"
    opened = reader.follow(reader.open(permalink))
    assert str(opened.url).endswith(f"{reader.path}?event=2")
    assert 'data-seq="2"' in opened.text
    assert rows(opened) == [event.seq for event in reversed(light_dashboard.events())]


@pytest.mark.parametrize("seq", ["999", str(MOST_SEQ)])
def test_an_event_that_is_not_there_says_so_above_the_log(light_dashboard: Dashboard, seq: str) -> None:
    reader = Reader(light_dashboard, Role.OWNER)
    page = reader.follow(reader.open(f"{reader.path}/{seq}"))
    assert page.status_code == 404
    assert f"There is no event {int(seq):,} in this log" in text(page.text)
    assert rows(page)
    assert reader.open(f"{reader.path}/{seq}.json").status_code == 404


@pytest.mark.parametrize("seq", ["-1", "x", "1.5", "9" * 10_000, "٣", "%00", "1%2F..", ".json", "x.json", "-1.json"])
def test_what_cannot_be_an_event_is_not_there(light_dashboard: Dashboard, seq: str) -> None:
    reader = Reader(light_dashboard, Role.OWNER)
    assert reader.open(f"{reader.path}/{seq}").status_code == 404


def test_the_json_is_the_event_as_it_was_recorded(dashboard: Dashboard) -> None:
    change_models(dashboard)
    dashboard.deployment.act(None, dashboard.number, ChangePlan(Plan.ENTERPRISE, 30))
    reader = Reader(dashboard, Role.OWNER)
    for event in dashboard.events():
        answer = reader.open(f"{reader.path}/{event.seq}.json")
        assert answer.headers["content-type"] == "application/json"
        told = answer.json()
        keys = "v seq id recorded_at occurred_at action outcome actor targets context details"
        assert list(told) == keys.split()
        assert told["recorded_at"] == told["occurred_at"] == rfc3339(event.occurred_at)
        assert (told["seq"], told["id"], told["action"]) == (event.seq, event.id, event.action)
        assert told["actor"]["email"] == event.actor.email
        assert told["details"] == dict(event.details)
        assert len(told["targets"]) == len(event.targets)
        page = reader.get(("event", str(event.seq)), headers=PANEL)
        raw = html.unescape(re.sub(r"<[^>]*>", "", section(page, '<pre class="raw"', "</pre>")))
        assert json.loads(raw) == told


def test_every_action_can_be_opened(light_dashboard: Dashboard) -> None:
    """Each field of the details is in the panel, as a diff or as a fact."""
    admin = light_dashboard.people[Role.ADMIN]
    change_models(light_dashboard)
    made = light_dashboard.deployment.act(admin, light_dashboard.number, modes.CreateMode("Review", "a\nb", ("read",)))
    mode = str(made.details["mode"])
    light_dashboard.deployment.act(admin, light_dashboard.number, modes.UpdateMode(mode, "Re", "a\nc", ("edit",)))
    light_dashboard.deployment.act(admin, light_dashboard.number, sso.SetSsoDomain("calder.example"))
    owner = light_dashboard.people[Role.OWNER]
    light_dashboard.deployment.act(owner, light_dashboard.number, credits.BuyCredits(250_000, "inv-1"))
    reader = Reader(light_dashboard, Role.OWNER)
    for event in light_dashboard.events():
        page = reader.get(("event", str(event.seq)), headers=PANEL)
        assert page.status_code == 200
        details = CATALOGUE[event.action].details
        titles = {text(title) for title in re.findall(r"<dt>(.*?)(?: <span|</dt>)", panel(page))}
        for name in event.details:
            nested = isinstance(event.details[name], dict) and name == "settings"
            assert name == "v" or nested or details.field_title(name) in titles, (event.action, name)
    page = reader.get(("event", str(made.seq)), headers=PANEL)
    assert "<bdi>a</bdi><br><bdi>b</bdi>" in page.text
    created = facts(reader.get(("event", "0"), headers=PANEL))
    assert created["Seat limit"] == "20"
    assert created["Default model"] == settings.FIRST.default_model
    assert created["Plan"] == "enterprise"
    invited = facts(reader.get(("event", "1"), headers=PANEL))
    assert re.fullmatch(r"Fri 13 Nov 2026, 00:\d\d:\d\d\.\d{3} UTC", invited["Expires at"])
    [bought] = rows(reader.read(("action", "credits.purchase")))
    assert facts(reader.read(("event", str(bought))))["Amount"] == "$2,500.00"


# ── Text from people ────────────────────────────────────────────────────────────────────────────────────────────────


def test_hostile_text_is_inert_everywhere(dashboard: Dashboard) -> None:
    admin = dashboard.people[Role.ADMIN]
    actor = replace(admin.actor(), name=f"\x1b[31m{HOSTILE}\r\nActor")
    context = Context(ip="192.0.2.7", user_agent=f"\x1b]0;x\x07{HOSTILE}", request_id="<b>", client="\x7f<i>")
    long_text = f"{HOSTILE}\n" + "long line " * 1_900
    command = modes.CreateMode(HOSTILE, long_text, ())
    event = perform(dashboard.store, Seat(dashboard.number, actor, context), command)
    assert not isinstance(event, NoChange)
    reader = Reader(dashboard, Role.OWNER)
    for page in (reader.read(), reader.read(("event", str(event.seq)), ("text", HOSTILE))):
        visible = FIELDS.sub("", page.text)
        for character in "\u202e\u2066\x1b\x07\x7f\r":
            assert character not in visible
        assert "<img" not in page.text
        assert "<b>" not in page.text
        assert "⟨U+202E⟩evil⟨U+2066⟩&lt;img src=x onerror=alert(1)&gt;{after.__class__}{{7*7}}" in visible
    shown = text(panel(page))
    assert ("long line " * 1_900).strip() in shown
    assert "␛]0;x␇" in facts(page)["Browser"]
    assert event.seq in rows(page)
    answer = reader.open(f"{reader.path}/{event.seq}.json")
    assert answer.json()["details"]["instructions"] == event.details["instructions"]
    assert answer.json()["actor"]["name"] == actor.name
