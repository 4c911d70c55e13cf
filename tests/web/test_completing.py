"""What the search box is offered: by the catalogue always, of the log only to those who are reading it."""

from __future__ import annotations

import html
import re

import pytest
from httpx2 import Response

from minutebook.model import HOUR, ActorKind, Plan, Role
from minutebook.organization.modes import CreateMode
from minutebook.organization.organizations import ChangePlan
from tests.support.dashboard import Dashboard, told
from tests.support.reader import Reader

OPTION = re.compile(r'<div class="opt" role="option" [^>]*data-written="([^"]*)"')

KINDS = [f"{kind} " for kind in ActorKind]


def complete(reader: Reader, marked: str, **more: str) -> Response:
    """The answer for a query in which `|` stands where the caret is."""
    query, at = marked.replace("|", "", 1), marked.index("|")
    pairs = {"query": query, "at": str(at)} | more
    answer: Response = reader.client.get(f"{reader.path}/complete", params=pairs)
    return answer


def options(answer: Response) -> list[str]:
    """What each option would write."""
    assert answer.status_code == 200, told(answer)
    return [html.unescape(written) for written in OPTION.findall(answer.text)]


@pytest.fixture
def reader(dashboard: Dashboard) -> Reader:
    """An owner with an open sitting, beside a mode."""
    owner = dashboard.people[Role.OWNER]
    dashboard.deployment.act(owner, dashboard.number, CreateMode('Code <b>"reviewer"</b>', "", ()))
    reader = Reader(dashboard, Role.OWNER, zone="Europe/Berlin")
    reader.read()
    return reader


def test_keys_actions_times_and_names_are_offered(reader: Reader) -> None:
    assert options(complete(reader, "outc|")) == ["outcome:"]
    assert options(complete(reader, "-action:user.l|")) == ["user.login ", "user.login_failed ", "user.logout "]
    assert options(complete(reader, "action:member.r| opus")) == ["member.remove"]
    assert options(complete(reader, "after:yes|", form_zone="Europe/Berlin")) == ["yesterday "]
    assert "6 Nov 2026 00:00 CET" in told(complete(reader, "after:tod|", form_zone="Europe/Berlin"))
    assert "5 Nov 2026 23:00 UTC" in told(complete(reader, "after:tod|"))  # the day is that of who looks
    assert options(complete(reader, "actor:ad|")) == ["ada@calder.example ", "admin@calder.example "]
    assert options(complete(reader, "target:REV|")) == ['"Code <b>\\"reviewer\\"</b>" ']


def test_what_is_replaced_is_told_in_characters(reader: Reader) -> None:
    answer = complete(reader, "𝕏 actor:ad|a@ b")
    assert 'data-start="8" data-end="12"' in answer.text
    assert options(answer)[0] == "ada@calder.example"


def test_names_are_escaped_and_shown_inert(reader: Reader) -> None:
    dashboard = reader.dashboard
    dashboard.deployment.act(dashboard.people[Role.OWNER], dashboard.number, CreateMode("\u202eevil<script>", "", ()))
    answer = complete(reader, "target:evil|")
    assert "<script>" not in answer.text
    assert "\u202e" not in answer.text
    assert options(answer) == ["evil<script> "]


def test_a_member_who_did_nothing_yet_is_offered_by_name(reader: Reader) -> None:
    dashboard = reader.dashboard
    silent = dashboard.person("quiet@elsewhere.example", "Wen Li")
    dashboard.deployment.join(dashboard.number, dashboard.people[Role.OWNER], Role.MEMBER, silent)
    assert options(complete(reader, 'actor:"wen l|')) == ["quiet@elsewhere.example "]


def test_a_word_without_a_key_may_be_somebody(reader: Reader) -> None:
    assert options(complete(reader, "ada@|")) == ["actor:ada@calder.example "]
    assert options(complete(reader, "-Ad|a x"))[-2:] == ["actor:ada@calder.example", "actor:admin@calder.example"]
    assert not any(option.startswith("actor:a") for option in options(complete(reader, "a|")))


def test_typing_opens_no_sitting_and_without_one_no_name_is_offered(dashboard: Dashboard) -> None:
    reader = Reader(dashboard, Role.AUDITOR)
    before = dashboard.recorded()
    assert options(complete(reader, "actor:|")) == KINDS
    assert options(complete(reader, "target:|")) == options(complete(reader, "ada@|")) == []
    assert options(complete(reader, "action:log.vi|")) == ["log.view "]
    assert dashboard.recorded() == before
    reader.read()
    assert "ada@calder.example " in options(complete(reader, "actor:|"))
    dashboard.deployment.clock.go_on(HOUR)
    assert options(complete(reader, "actor:|")) == KINDS
    assert dashboard.recorded() == before + 1


def test_no_name_of_another_organization_is_offered(reader: Reader) -> None:
    dashboard = reader.dashboard
    stranger = dashboard.person("stranger@elsewhere.example", "Stranger")
    number = dashboard.deployment.found(stranger, "Kestrel Works")
    dashboard.deployment.act(stranger, number, CreateMode("Code of Kestrel", "", ()))
    assert options(complete(reader, "actor:stranger|")) == []
    assert options(complete(reader, "target:kestrel|")) == []


def test_on_the_plan_teams_nothing_is_offered(reader: Reader) -> None:
    reader.dashboard.deployment.act(None, reader.dashboard.number, ChangePlan(Plan.TEAMS, 20))
    answer = complete(reader, "actor:|")
    assert answer.status_code == 403
    assert "ada@calder.example" not in answer.text


@pytest.mark.parametrize("at", ["-1", "5", "x", "", "٣", "1" * 5_000])
def test_a_place_that_is_none_is_named(reader: Reader, at: str) -> None:
    answer = reader.client.get(f"{reader.path}/complete", params={"query": "abc", "at": at})
    assert answer.status_code == 422
    assert "is not a place in the query" in told(answer)


@pytest.mark.parametrize("part", ["\0", "a\0b", "%", "_", "\ufffe", "*", '"', "\\", "x" * 1_900, "x" * 9_000])
def test_hostile_text_is_only_text(reader: Reader, part: str) -> None:
    for key in ("", "actor:", "target:", "details.", "after:"):
        query = key + part
        at = str(min(len(query), 2_000))
        assert reader.client.get(f"{reader.path}/complete", params={"query": query, "at": at}).status_code == 200
