"""The band above the events: exact in the viewer's zone, and each of its values a way to narrow."""

from __future__ import annotations

import html
import re
from collections import Counter

import pytest
from httpx2 import Response

from minutebook.filters import instants
from minutebook.filters.term_values import CLIENTS
from minutebook.model import HOUR, MINUTE, Client, Context, Outcome, Role, Seat
from minutebook.organization.modes import CreateMode
from minutebook.organization.sign_in import RecordFailedSignIn
from minutebook.record import perform
from tests.support.dashboard import Dashboard, value
from tests.support.reader import Reader, found, link, rows, section, text

BAR = re.compile(r'data-start="([^"]*)" data-end="([^"]*)" data-count="([0-9]+)" data-told="([^"]*)"')


def bars(markup: str) -> list[tuple[int, int, int, str]]:
    """Start and end (UTC microseconds), count, and what is told of each bar."""
    return [
        (instants.parse_start(start), instants.parse_end(end), int(count), told)
        for start, end, count, told in BAR.findall(markup)
    ]


def live_for_a_week(dashboard: Dashboard) -> None:
    clock = dashboard.deployment.clock
    for hours in (1, 5, 5, 11, 23, 24, 24, 47, 90, 90, 90, 130):
        clock.now += hours * HOUR // 4 + 7 * MINUTE
        owner, number = dashboard.people[Role.OWNER], dashboard.number
        dashboard.deployment.act(owner, number, RecordFailedSignIn("Wrong password", 1))
        dashboard.deployment.act(owner, number, CreateMode(f"Mode {clock.now}", "", ()))


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Asia/Kathmandu"])
@pytest.mark.parametrize("query", [(), (("action", "user.login_failed"),), (("q", "-details.remark:*"),)])
def test_bars_hold_every_event_that_was_found_in_its_place(
    dashboard: Dashboard, zone: str, query: tuple[tuple[str, str], ...]
) -> None:
    live_for_a_week(dashboard)
    reader = Reader(dashboard, Role.OWNER, zone=zone)
    page = reader.read(*query)
    events = {event.seq: event for event in dashboard.events()}
    drawn = bars(page.text)
    assert 20 < len(drawn) <= 64
    assert [end for _, end, _, _ in drawn[:-1]] == [start for start, _, _, _ in drawn[1:]]
    meant = [event for event in events.values() if not query or query[0][0] == "q" or event.action == query[0][1]]
    for start, end, count, told in drawn:
        assert count == sum(start <= event.occurred_at < end for event in meant), told
    assert sum(count for _, _, count, _ in drawn) == len(meant) == int(found(page).split()[0])


def test_an_actor_without_an_address_is_a_facet_under_its_name(light_dashboard: Dashboard) -> None:
    secret = light_dashboard.token()
    path = f"/api/v1/organizations/{light_dashboard.organization.id}/events"
    anybody = light_dashboard.anybody().client
    assert anybody.get(path, headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    by_token = [event for event in light_dashboard.events() if event.actor.kind == "token"]
    assert by_token
    reader = Reader(light_dashboard, Role.OWNER)
    page = reader.read(("q", f"actor:{by_token[0].actor.id}"))
    facet = section(page, "<h3>Actor</h3>", "</div>")
    assert str(by_token[0].actor.name) in text(facet)
    assert by_token[0].actor.id not in text(facet)
    assert found(page).startswith(f"{len(by_token)} event")


def test_a_bar_and_a_facet_narrow_the_search(light_dashboard: Dashboard) -> None:
    live_for_a_week(light_dashboard)
    reader = Reader(light_dashboard, Role.OWNER, zone="Europe/Berlin")
    page = reader.read(("action", "user.login_failed"))
    start, end, count, _ = max(bars(page.text), key=lambda bar: bar[2])
    href = next(
        match[1]
        for match in re.finditer(r'<a href="([^"]*)" tabindex="-1" data-bar data-start="([^"]*)"', page.text)
        if instants.parse_start(match[2]) == start
    )
    narrowed = reader.open(href.replace("&amp;", "&"))
    assert len(rows(narrowed)) == count
    failed = reader.open(link(reader.read(), "Failed"))
    events = light_dashboard.events()
    outcomes = Counter(event.outcome for event in events)
    assert found(failed).startswith(f"{outcomes[Outcome.FAILURE]} events of")
    # A facet leaves out its own field, so that a choice can be compared with its alternatives.
    band = section(failed, "<h3>Outcome</h3>", "</div>")
    assert "Success" in band
    assert "Failed" in band
    assert end - start >= MINUTE


FACET = re.compile(
    r'<li(?: class="(is-[a-z]*)")?><a href="([^"]*)"(?: title="[^"]*")?(?: aria-current="(true)")?>(.*?)</a>', re.DOTALL
)


def values(page: Response, title: str) -> list[tuple[str, str, str]]:
    """The values of a facet: what it is called, how it is marked, and where it leads."""
    band = section(page, f"<h3>{title}</h3>", "</div>")
    marked = [
        (text(label), f"{how}{' current' if current else ''}", href)
        for how, href, current, label in FACET.findall(band)
    ]
    return [(label, how, html.unescape(href)) for label, how, href in marked]


def test_what_is_chosen_comes_first_and_is_given_up_by_choosing_it_again(light_dashboard: Dashboard) -> None:
    live_for_a_week(light_dashboard)
    reader = Reader(light_dashboard, Role.OWNER)
    everything = [name for name, _, _ in values(reader.read(), "Action")]
    assert "user.invite" not in everything[:2]
    page = reader.read(("action", "user.invite"), ("action", "user.accept_invite"))
    (first, how, href), (second, *_), *others = values(page, "Action")
    assert {first, second} == {"user.invite", "user.accept_invite"}
    assert how == "is-chosen current"
    assert [how for _, how, _ in others] == [""] * len(others) != []
    left = reader.open(href)
    assert value(left, "query") == f"action:{second}"
    (_, _, href), *_ = values(left, "Action")
    assert value(reader.open(href), "query") == ""
    every_member = reader.read(("q", "action:user.*"))
    assert {how for _, how, _ in values(every_member, "Action")} == {"is-chosen current"}


def test_what_is_left_out_comes_last_and_is_let_in_by_choosing_it(light_dashboard: Dashboard) -> None:
    live_for_a_week(light_dashboard)
    reader = Reader(light_dashboard, Role.OWNER)
    ada = light_dashboard.people[Role.OWNER].email
    page = reader.read(("q", f"-actor:{ada}"))
    assert ada not in str(values(page, "Actor"))
    (other, how, href), *_ = values(page, "Actor")
    assert how == ""
    # It takes the place of what was left out: to say both would say nothing more.
    assert value(reader.open(href), "query") == f"actor:{other}"
    (out, how, href), *others = values(reader.read(("q", "-outcome:success")), "Outcome")
    assert (out, how) == ("Left out: Success", "is-out")
    assert [(label, how) for label, how, _ in others] == [("Failed", "")]
    assert value(reader.open(href), "query") == ""


def test_each_side_of_the_histogram_has_its_own_number(light_dashboard: Dashboard) -> None:
    live_for_a_week(light_dashboard)
    reader = Reader(light_dashboard, Role.OWNER)
    most = re.compile(r'class="histo__max(?: (histo__max--below))? num"[^>]*>([0-9,]+)<')
    below = max(count for _, _, count, _ in bars(reader.read(("q", "-outcome:success")).text))
    assert most.findall(reader.read(("q", "-outcome:success")).text) == [("histo__max--below", str(below))]
    above = max(count for _, _, count, _ in bars(reader.read(("q", "outcome:success")).text))
    assert most.findall(reader.read(("q", "outcome:success")).text) == [("", str(above))]
    assert [side for side, _ in most.findall(reader.read().text)] == ["", "histo__max--below"]


def test_the_bars_at_the_ends_hold_no_more_than_was_asked_for(light_dashboard: Dashboard) -> None:
    """Else zooming in on one of them would find more than it said."""
    live_for_a_week(light_dashboard)
    reader = Reader(light_dashboard, Role.OWNER, zone="Europe/Berlin")
    times = [event.occurred_at for event in light_dashboard.events()]
    start, end = times[len(times) // 4] + 7, times[-1] - 7
    page = reader.read(("start", instants.write_start(start)), ("end", instants.write_end(end)))
    drawn = bars(page.text)
    assert (drawn[0][0], drawn[-1][1]) == (start, end)
    for first, last, count, _ in (drawn[0], drawn[-1]):
        narrowed = reader.read(("start", instants.write_start(first)), ("end", instants.write_end(last)))
        assert len(rows(narrowed)) == count == sum(first <= at < last for at in times)


def test_an_empty_search_has_no_overview(light_dashboard: Dashboard) -> None:
    page = Reader(light_dashboard, Role.OWNER).read(("text", "nothing says this"))
    assert 'class="band"' not in page.text


def test_clients_are_a_choice_once_there_are_two(light_dashboard: Dashboard) -> None:
    owner, number, store = light_dashboard.people[Role.OWNER], light_dashboard.number, light_dashboard.store
    reader = Reader(light_dashboard, Role.OWNER)
    assert "<h3>Client</h3>" not in reader.read(("q", "client:web")).text
    acts = {client: number for number, client in enumerate(Client, start=1)}
    for client in Client:
        for attempt in range(acts[client]):
            seat = Seat(number, owner.actor(), Context(client=client))
            perform(store, seat, RecordFailedSignIn("Wrong password", attempt))
    page = reader.read(("action", "user.login_failed"))
    assert "<h3>Client</h3>" in page.text
    for client in sorted(Client, key=acts.__getitem__)[-4:]:  # the busiest are offered
        of_client = reader.open(link(page, CLIENTS[client]))
        assert found(of_client).startswith(f"{acts[client]} event")
        assert f"client:{client}" in html.unescape(of_client.text)
