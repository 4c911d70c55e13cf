"""Times that are told from now on, such as `-7d`: they stay so in an address, in a saved search and in a link, and
within one search they mean the same instants."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime

from httpx2 import Response

from minutebook.actions.log import Format
from minutebook.model import DAY, HOUR, MINUTE, Role, to_micros
from minutebook.organization.modes import CreateMode
from tests.support.dashboard import Dashboard, Somebody, errors, told, value
from tests.support.exports import read
from tests.support.reader import Reader, found, link, rows, text
from tests.web.test_auditing import Audit

BERLIN = "Europe/Berlin"
TELLS_MICROSECONDS = re.compile(r"\d\d:\d\d:\d\d\.\d")


def at(text_: str) -> int:
    return to_micros(datetime.fromisoformat(text_).replace(tzinfo=UTC))


def make(dashboard: Dashboard, name: str) -> int:
    """Something that happens now; the number of its event."""
    event = dashboard.deployment.act(dashboard.people[Role.OWNER], dashboard.number, CreateMode(name, "", ()))
    return event.seq


def box(page: Response) -> str:
    [written] = re.findall(r'<input id="query" name="query" type="search" value="([^"]*)"', page.text)
    return html.unescape(written)


def dates(page: Response) -> str:
    """What the chip of the dates says."""
    [inner] = re.findall(r'<span class="vh">Date range: </span><span class="num">(.*?)</span>', page.text)
    return text(inner)


def search_of(page: Response) -> str:
    return page.request.url.raw_path.decode().partition("?")[2]


def test_a_saved_search_is_as_fresh_a_month_later(light_dashboard: Dashboard) -> None:
    clock = light_dashboard.deployment.clock
    ada = Reader(light_dashboard, Role.OWNER, zone=BERLIN)
    old = make(light_dashboard, "Old")
    page = ada.read(("query", "after:-7d action:mode.create"))
    assert (search_of(page), box(page)) == ("action=mode.create&start=-7d", "action:mode.create after:-7d")
    assert (dates(page), rows(page)) == ("last 7 days", [old])
    form = ada.open(link(page, "Save search"))
    fields = {"name": "This week", "query": value(form, "query"), "shared": "yes"}
    ada.client.post(light_dashboard.path("audit-logs", "saved", "new"), data=fields)
    saved = light_dashboard.last().details
    assert saved["query"] == {"before": None, "after": "action:mode.create after:-7d"}
    clock.now += 30 * DAY
    fresh = make(light_dashboard, "Fresh")
    reader = Reader(light_dashboard, Role.OWNER, zone=BERLIN)
    opened = reader.follow(reader.open(light_dashboard.path("audit-logs", "saved", str(saved["search"]))))
    assert (search_of(opened), rows(opened)) == ("action=mode.create&start=-7d", [fresh])
    assert 'aria-current="true"><span>This week' in opened.text.replace("<bdi>", "")


def test_a_preset_stays_what_it_is_called(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.OWNER, zone=BERLIN)
    for label, search, chip in (
        ("Last hour", "start=-1h", "last hour"),
        ("Last 30 days", "start=-30d", "last 30 days"),
        ("Last month", "start=last-month&end=last-month", "last month"),
    ):
        href = link(reader.read(), label)
        assert href == f"{reader.path}?{search}"
        page = reader.open(href)
        assert dates(page) == chip
        assert f'href="{html.escape(href)}" aria-current="true">{label}' in page.text
        kept = re.findall(r'<input type="hidden" name="(start|end)" value="([^"]*)">', page.text)
        again = reader.follow(reader.get(("start_date", ""), ("start_time", ""), *dict.fromkeys(kept)))
        assert search_of(again) == search, "the form of the dates leaves it as it is"
    typed = reader.follow(reader.get(("start_date", "2026-11-06"), ("start_time", ""), ("start", "-7d")))
    assert search_of(typed) == "start=2026-11-05T23:00Z"


def test_the_pages_of_a_search_mean_one_instant_over_midnight(light_dashboard: Dashboard) -> None:
    clock = light_dashboard.deployment.clock
    clock.now = at("2026-11-18T22:00") - 1
    made = [make(light_dashboard, f"Mode {number}") for number in range(60)]
    reader = Reader(light_dashboard, Role.OWNER, zone=BERLIN)
    reader.read()
    clock.now = at("2026-11-18T22:59:50")  # ten seconds before midnight in Berlin
    first = reader.read(("query", "after:today action:mode.create"))
    assert search_of(first) == "action=mode.create&start=today"
    assert found(first).startswith("60 events")
    older = link(first, "Older")
    clock.now = at("2026-11-18T23:30")
    second = reader.open(older)
    assert rows(first) + rows(second) == made[::-1]
    assert "51–60 of 60" in text(second.text)
    assert found(second) == found(first)
    assert bars(second) == bars(first)
    assert reader.open(link(second, "Newer")).status_code == 200
    assert rows(reader.open(link(second, "Newer"))) == rows(first)
    assert rows(reader.read(("query", "after:today action:mode.create"))) == [], "it is another day"
    in_utc = reader.open(f"{older}&zone=utc")
    assert rows(reader.follow(in_utc) if in_utc.status_code == 303 else in_utc) == rows(second)


def bars(page: Response) -> list[str]:
    return re.findall(r'data-n="(\d+)"|<title>([^<]*)</title>', page.text)


def test_nobody_reads_microseconds_that_nobody_wrote(light_dashboard: Dashboard) -> None:
    light_dashboard.deployment.clock.now = at("2026-11-18T21:06:12.092964")
    make(light_dashboard, "Reviewer")
    reader = Reader(light_dashboard, Role.OWNER, zone=BERLIN)
    page = reader.read(("query", "(after:-7d OR after:-90m) -before:-1d after:-2h"))
    shown = text(re.sub(r"<table.*?</table>", "", page.text, flags=re.DOTALL))
    assert not TELLS_MICROSECONDS.search(shown)
    completions = reader.open(f"{reader.path}/complete?query=after:-7d&at=9&form_zone={BERLIN}")
    assert "11 Nov 2026 22:06 CET" in text(completions.text)


def test_a_query_copied_from_a_list_means_the_same_in_every_zone(light_dashboard: Dashboard) -> None:
    berlin = Reader(light_dashboard, Role.OWNER, zone=BERLIN)
    page = berlin.read(("query", "after:2026-11-06T17:05 before:2026-11-08"))
    fields = {"name": "A day", "query": value(berlin.open(link(page, "Save search")), "query"), "shared": "yes"}
    berlin.client.post(light_dashboard.path("audit-logs", "saved", "new"), data=fields)
    listed = berlin.open(light_dashboard.path("audit-logs", "saved"))
    [copied] = re.findall(r"<code>(?:<bdi>)?(after:[^<]*)<", listed.text)
    assert copied == "after:2026-11-06T16:05Z before:2026-11-07T23:00Z"
    for zone in (BERLIN, "America/Los_Angeles"):
        again = Reader(light_dashboard, Role.OWNER, zone=zone).read(("query", copied), ("form_zone", zone))
        assert search_of(again) == search_of(page)


# ── An auditor's link ────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_auditor_link_takes_what_its_form_recommends_and_says_that_it_moves(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    new = light_dashboard.path("auditor-links", "new")
    assert "write days, such as after:2026-11-01 before:2026-12-01, for a part that stays" in told(ada.get(new))
    wrong = ada.post(new, {"name": "KPMG", "query": "after:-7d outcome:sucess", "days": "30"})
    assert "(Character 19.) Understood would be: after:-7d outcome:success" in errors(wrong)["make-query"]
    made = ada.post(new, {"name": "KPMG", "query": "after:-7d", "days": "30"})
    assert made.status_code in (200, 303)
    assert "after:-7d moves with time" in told(ada.get(light_dashboard.path("auditor-links")))
    ada.post(new, {"name": "BDO", "query": "after:2026-11-06", "days": "30"})
    assert "after:2026-11-06T00:00Z" in told(ada.get(light_dashboard.path("auditor-links")))
    assert told(ada.get(light_dashboard.path("auditor-links"))).count("moves with time") == 1


def test_what_a_link_shows_moves_with_time_and_no_page_holds_it_back(light_dashboard: Dashboard) -> None:
    clock = light_dashboard.deployment.clock
    made = [make(light_dashboard, f"Mode {number}") for number in range(60)]
    audit = Audit(light_dashboard, "after:-7d action:mode.*", days=30)
    assert "what you see today may not be there tomorrow" in told(
        audit.browser.follow(audit.browser.get("/audit/acme-token"))
    )
    page = audit.open()
    older = link(page, "Older")
    assert older is not None
    assert set(made[:11]) & set(rows(audit.browser.get(older)))
    clock.now += 8 * DAY
    audit.open()  # its session was over after 12 hours
    assert rows(audit.get()) == []
    assert rows(audit.browser.get(older)) == [], "a link to an older page opens nothing that is no longer shown"
    assert audit.browser.get(f"{audit.path}/{made[0]}.json").status_code == 404
    fresh = make(light_dashboard, "Fresh")
    assert rows(audit.get()) == [fresh]


# ── Exports, and programs ────────────────────────────────────────────────────────────────────────────────────────────


def test_an_export_is_recorded_as_it_was_asked_and_as_it_was_meant(light_dashboard: Dashboard) -> None:
    clock = light_dashboard.deployment.clock
    first = make(light_dashboard, "First")
    clock.now += HOUR - 2 * MINUTE
    second = make(light_dashboard, "Second")
    ada = Reader(light_dashboard, Role.OWNER)
    page = ada.read(("query", "after:-1h action:mode.create"))
    assert rows(page) == [second, first]
    [exported] = re.findall(r'<a class="opt" href="([^"]+)" data-export="jsonl"', page.text)
    clock.now += 10 * MINUTE
    answer = ada.open(html.unescape(exported))
    events, trailer = read(Format.JSONL, answer.content)
    assert [event["seq"] for event in events] == [first, second], "what the page showed"
    details = light_dashboard.last().details
    assert details["query"] == "action:mode.create after:-1h"
    assert re.fullmatch(r"action:mode.create after:2026-\d\d-\d\dT\d\d:\d\dZ", str(details["meant"]))
    assert trailer["query"] == details["meant"]
    says = text(ada.read(("query", "action:log.export")).text)
    assert f"what action:mode.create after:-1h finds (it meant {details['meant']})" in says


def test_programs_get_one_meaning_from_page_to_page(light_dashboard: Dashboard) -> None:
    clock, token = light_dashboard.deployment.clock, light_dashboard.token("log.read", "log.export")
    made = [make(light_dashboard, f"Mode {number}") for number in range(4)]
    program = light_dashboard.anybody()
    asked = [("q", "after:-1h"), ("action", "mode.create"), ("limit", "2")]
    for order, whole in (("newest", made[::-1]), ("log", made)):
        page = program.ask(light_dashboard.api(), ("order", order), *asked, token=token).json()
        clock.now += 2 * HOUR
        rest = program.get(page["next"], Authorization=f"Bearer {token}").json()
        assert [event["seq"] for event in page["events"] + rest["events"]] == whole, order
        clock.now -= 2 * HOUR
    begun = program.ask(light_dashboard.api("export"), q="after:-1h action:mode.create", token=token)
    clock.now += 2 * HOUR
    size, now = begun.headers["minutebook-log-size"], begun.headers["minutebook-now"]
    goes_on = [("q", "after:-1h action:mode.create"), ("size", size), ("first", str(made[2])), ("now", now)]
    events, _ = read(Format.JSONL, program.ask(light_dashboard.api("export"), *goes_on, token=token).content)
    assert [event["seq"] for event in events] == made[2:]
    for path, name in (("count", "count"), ("histogram", "buckets"), ("facets", "actions")):
        assert counted(program, light_dashboard.api(path), token, now)[name], path
    later = program.ask(light_dashboard.api("count"), q="after:-1h action:mode.create", token=token)
    assert later.json()["count"] == 0


def test_an_export_says_from_when_it_told_times_as_its_description_promises(light_dashboard: Dashboard) -> None:
    """In RFC 3339, which wants the seconds of a whole minute, too."""
    asked = {"q": "after:-1h", "now": "2026-11-06T00:02Z", "token": light_dashboard.token("log.export")}
    answer = light_dashboard.anybody().ask(light_dashboard.api("export"), **asked)
    assert answer.headers["minutebook-now"] == "2026-11-06T00:02:00.000000Z"


def counted(program: Somebody, path: str, token: str, now: str) -> dict[str, object]:
    answer = program.ask(path, q="after:-1h action:mode.create", now=now, token=token)
    body: dict[str, object] = answer.json()
    return body


def test_a_page_takes_no_other_now(light_dashboard: Dashboard) -> None:
    token = light_dashboard.token()
    program = light_dashboard.anybody()
    following = program.ask(light_dashboard.api(), q="after:-1h", limit=1, token=token).json()["next"]
    refused = program.get(f"{following}&now=2026-11-06T00:00Z", Authorization=f"Bearer {token}")
    assert (refused.status_code, "Leave now out" in refused.text) == (422, True)
    bad = program.ask(light_dashboard.api(), q="after:-1h", now="soon", token=token)
    assert (bad.status_code, "“soon” is not a time" in bad.text) == (422, True)
