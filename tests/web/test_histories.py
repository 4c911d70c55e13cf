"""Everything that somebody did, and everything that was done to them: the heading, its directions, the ways there."""

from __future__ import annotations

import html
import re

import pytest
from httpx2 import Response

from minutebook.model import Role
from minutebook.organization.credits import BuyCredits
from minutebook.organization.modes import CreateMode, DeleteMode
from minutebook.organization.seats import ChangeRole
from minutebook.organization.sso import SetSsoDomain
from minutebook.record import Command
from tests.support.dashboard import Dashboard
from tests.support.reader import Reader, rows, section, text

HEADING = '<section class="subject"'


@pytest.fixture
def changed(light_dashboard: Dashboard) -> Dashboard:
    """Ada made a member an admin and made a mode, and the member read the log."""
    act = light_dashboard.deployment.act
    ada, member = light_dashboard.people[Role.OWNER], light_dashboard.people[Role.MEMBER]
    act(ada, light_dashboard.number, ChangeRole(member.id, Role.ADMIN))
    act(ada, light_dashboard.number, CreateMode("Reviewer", "", ()))
    return light_dashboard


def heading(response: Response) -> str:
    return text(section(response, HEADING, "</section>"))


def directions(response: Response) -> list[tuple[str, str, bool]]:
    """The words of each segment, where it leads, and whether it is the one shown."""
    part = section(response, HEADING, "</section>").partition('aria-label="Direction"')[2]
    found = re.findall(r'<a href="([^"]*)"( aria-current="true")?>(.*?)</a>', part)
    return [(text(words), html.unescape(href), bool(current)) for href, current, words in found]


def row(response: Response, seq: int) -> str:
    return section(response, f'<tr class="ev" id="e{seq}"', "</tr>")


def test_a_person_has_two_directions(changed: Dashboard) -> None:
    member = changed.people[Role.MEMBER]
    reader = Reader(changed, Role.OWNER)
    page = reader.read(("query", f"actor:{member.id}"), ("zone", "utc"))
    did = [event.seq for event in reversed(changed.events()) if event.actor.id == member.id]
    done = [event.seq for event in reversed(changed.events()) if member.id in {target.id for target in event.targets}]
    assert did
    assert done
    assert rows(page) == did
    told = heading(page)
    assert "History of Some Member" in told
    assert f"{member.email}, {member.id}" in told
    (by, here, by_current), (to, there, to_current) = directions(page)
    assert (by, to) == (f"Done by them {len(did)}", f"Done to them {len(done)}")
    assert (by_current, to_current) == (True, False)
    assert str(page.request.url).endswith(here)
    other = reader.open(there)
    assert rows(other) == done
    assert [current for *_, current in directions(other)] == [False, True]
    assert heading(other) == told
    times = [event.occurred_at for event in changed.events() if event.seq in {*did, *done}]
    first, last = re.findall(r'<time datetime="([^"]*)"', section(page, HEADING, "</section>"))
    assert (first < last) == (min(times) < max(times))


def test_somebody_to_whom_nothing_was_done(changed: Dashboard) -> None:
    admin = changed.people[Role.ADMIN]
    reader = Reader(changed, Role.OWNER)
    page = reader.read(("query", f"target:{admin.id}"))
    assert rows(page) == []
    assert directions(page)[1][0] == "Done to them 0"
    assert "No events match" in page.text


def test_a_thing_has_one_direction_and_keeps_its_name(changed: Dashboard) -> None:
    made = changed.last()
    (mode,) = made.targets
    reader = Reader(changed, Role.OWNER)
    changed.deployment.act(changed.people[Role.OWNER], changed.number, DeleteMode(mode.id))
    page = reader.read(("query", f"target:{mode.id}"))
    assert rows(page) == [changed.last().seq - 1, made.seq], "the sitting is the last event"
    assert f"History of Reviewer mode, {mode.id}" in heading(page)
    assert [words for words, *_ in directions(page)] == ["Done to it 2"]


@pytest.mark.parametrize(
    "query",
    [
        "actor:ada@calder.example",
        "target:reviewer",
        "actor:usr_aaaaaaaaaaaa",
        "target:mod_aaaaaaaaaaaa",
        "-actor:{ada}",
        "actor:{ada} outcome:success",
        "actor:{ada} OR target:{ada}",
        "actor:{ada},{member}",
        "",
    ],
)
def test_any_other_search_has_no_heading(changed: Dashboard, query: str) -> None:
    ids = {"ada": changed.people[Role.OWNER].id, "member": changed.people[Role.MEMBER].id}
    page = Reader(changed, Role.OWNER).read(("query", query.format(**ids)))
    assert HEADING not in page.text


def test_a_row_leads_to_both(changed: Dashboard) -> None:
    ada, member = changed.people[Role.OWNER], changed.people[Role.MEMBER]
    event = next(event for event in changed.events() if event.action == "member.change_role")
    reader = Reader(changed, Role.OWNER)
    shown = row(reader.read(("text", "role"), ("zone", "utc")), event.seq)
    links = {title: html.unescape(href) for href, title in re.findall(r'href="([^"]*)"[^>]*title="([^"]*)"', shown)}
    assert links["Everything by Ada Okafor"] == f"{reader.path}?q=actor:{ada.id}&zone=utc"
    assert links["Only what concerns Some Member"] == f"{reader.path}?text=role&q=target_id:{member.id}&zone=utc"
    assert event.seq in rows(reader.open(links["Only what concerns Some Member"]))


@pytest.mark.parametrize(
    ("acts", "told"),
    [
        ([BuyCredits(100, "inv-1"), BuyCredits(200, "inv-10")], "History of inv-1"),
        ([SetSsoDomain("calder.example"), SetSsoDomain("eu.calder.example")], "History of calder.example"),
    ],
)
def test_a_thing_whose_id_is_a_word_is_no_other_that_holds_the_word(
    changed: Dashboard, acts: list[Command], told: str
) -> None:
    before = len(changed.events())
    for act in acts:
        changed.deployment.act(changed.people[Role.OWNER], changed.number, act)
    first = changed.events()[before]
    (target,) = first.targets
    done = [event.seq for event in reversed(changed.events()) if target.id in {one.id for one in event.targets}]
    reader = Reader(changed, Role.OWNER)
    panel = section(reader.read(("event", str(first.seq))), 'id="panel"', "</aside>")
    href, words = next(
        (html.unescape(href), text(words))
        for href, words in re.findall(r'<a href="([^"]*)">(.*?)</a>', panel, re.DOTALL)
        if "Everything done to this target" in words
    )
    assert words == f"Everything done to this target{len(done)}"
    found = reader.open(href)
    assert rows(found) == done
    assert told in heading(found)


def test_another_organization_knows_nothing_of_them(changed: Dashboard) -> None:
    """The same person acts in both: each log tells of its own."""
    ada = changed.people[Role.OWNER]
    changed.number = changed.deployment.found(ada, "Kestrel Works")
    page = Reader(changed, ada).read(("query", f"actor:{ada.id}"))
    assert directions(page)[0][0] == f"Done by them {changed.deployment.size(changed.number)}"
