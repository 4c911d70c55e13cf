"""Who reads Audit Logs: permission, then plan, then a sitting that is recorded. Nothing of the log before that."""

from __future__ import annotations

import re
from typing import Any

import pytest
from httpx2 import Response

from minutebook.errors import MinutebookError, OutcomeUnknown, StoreUnavailable
from minutebook.model import HOUR, MINUTE, Event, Plan, Role
from minutebook.organization import modes, seats, sittings
from minutebook.organization.organizations import ChangePlan
from minutebook.store import search
from minutebook.store.search import EventPage
from minutebook.web import log_page
from tests.support.dashboard import Dashboard
from tests.support.reader import PANEL, Reader, found, rows, text

SECRET = "Operation Mincemeat"

WAYS: dict[str, str] = {
    "page": "",
    "search": "?text=operation",
    "wrong search": "?action=user.logn",
    "form": "?text=operation&actor=&start_date=&end_date=",
    "event": "?event={seq}",
    "fragment": "?event={seq}",
    "permalink": "/{seq}",
    "json": "/{seq}.json",
}
"""Every way to ask for something of the log: what follows its path."""


def ask(reader: Reader, way: str, seq: int, path: str = "") -> Response:
    return reader.open((path or reader.path) + WAYS[way].format(seq=seq), PANEL if way == "fragment" else None)


def secret_of(dashboard: Dashboard) -> Event:
    owner = dashboard.people[Role.OWNER]
    return dashboard.deployment.act(owner, dashboard.number, modes.CreateMode(SECRET, "", ()))


def says_nothing(answer: Response, dashboard: Dashboard) -> None:
    assert not rows(answer)
    for word in (SECRET, "Mincemeat", "events kept since", *(event.id for event in dashboard.events())):
        assert word not in answer.text


def masked(answer: Response) -> tuple[int, str, set[tuple[str, str]]]:
    """An answer without what is another one for every request."""
    headers = {(name, value) for name, value in answer.headers.items() if name not in ("x-request-id", "date")}
    return answer.status_code, re.sub(r"req_\w+|org_\w+", "…", answer.text), headers


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN, Role.AUDITOR])
def test_owners_admins_and_auditors_read(light_dashboard: Dashboard, role: Role) -> None:
    secret = secret_of(light_dashboard)
    reader = Reader(light_dashboard, role)
    for way in WAYS:
        answer = ask(reader, way, secret.seq)
        if answer.status_code == 303:
            answer = reader.follow(answer)
        assert answer.status_code == (422 if way == "wrong search" else 200), way
        assert (SECRET in answer.text) == (way != "wrong search"), way


@pytest.mark.parametrize("role", [Role.MEMBER, Role.BILLING_MANAGER])
def test_other_roles_are_refused(light_dashboard: Dashboard, role: Role) -> None:
    secret = secret_of(light_dashboard)
    reader = Reader(light_dashboard, role)
    size = len(light_dashboard.events())
    for way in WAYS:
        for seq in (secret.seq, 999):
            answer = ask(reader, way, seq)
            assert answer.status_code == 403, way
            assert f"The role {role.label.lower()} may not read the audit log." in answer.text
            says_nothing(answer, light_dashboard)
            kind = "application/problem+json" if way == "json" else "text/html; charset=utf-8"
            assert answer.headers["content-type"] == kind
    assert len(light_dashboard.events()) == size


def test_an_outsider_cannot_tell_the_organization_from_none(light_dashboard: Dashboard) -> None:
    secret = secret_of(light_dashboard)
    outsider = light_dashboard.person("eve@other.example", "Eve")
    light_dashboard.deployment.found(outsider, "Other")
    reader = Reader(light_dashboard, outsider)
    size = len(light_dashboard.events())
    for way in WAYS:
        there = ask(reader, way, secret.seq)
        nowhere = ask(reader, way, secret.seq, "/o/org_aaaaaaaaaaaa/audit-logs")
        assert there.status_code == 404, way
        assert masked(there) == masked(nowhere)
        says_nothing(there, light_dashboard)
    assert len(light_dashboard.events()) == size


def test_who_is_not_signed_in_is_led_to_the_sign_in(light_dashboard: Dashboard) -> None:
    secret = secret_of(light_dashboard)
    reader = Reader(light_dashboard, None)
    for way in WAYS:
        answer = ask(reader, way, secret.seq)
        assert answer.status_code == (401 if way == "json" else 303), way
        assert way == "json" or answer.headers["location"].startswith("/sign-in?next=")
        says_nothing(answer, light_dashboard)


def test_who_may_read_the_log_changes_from_the_next_request(light_dashboard: Dashboard) -> None:
    reader = Reader(light_dashboard, Role.ADMIN)
    assert reader.get().status_code == 200
    owner, admin = light_dashboard.people[Role.OWNER], light_dashboard.people[Role.ADMIN]
    light_dashboard.deployment.act(owner, light_dashboard.number, seats.ChangeRole(admin.id, Role.MEMBER))
    assert reader.get().status_code == 403
    light_dashboard.deployment.act(owner, light_dashboard.number, seats.RemoveMember(admin.id))
    assert reader.get().status_code == 404


def test_on_teams_the_log_is_recorded_and_not_shown(light_dashboard: Dashboard) -> None:
    secret = secret_of(light_dashboard)
    light_dashboard.deployment.act(None, light_dashboard.number, ChangePlan(Plan.TEAMS, 20))
    reader = Reader(light_dashboard, Role.OWNER)
    size = len(light_dashboard.events())
    for way in WAYS:
        answer = ask(reader, way, secret.seq)
        if way == "permalink":
            answer = reader.follow(answer)
        says_nothing(answer, light_dashboard)
        if way in ("fragment", "json"):
            assert answer.status_code == 403, way
            assert "part of the Enterprise plan" in answer.text
        else:
            assert answer.status_code == 200, way
            assert "Nothing is lost meanwhile" in answer.text
            assert f"{size} events since 6 Nov 2026" in text(answer.text)
    for page in ("auditor-links", "tokens"):
        assert "On this plan nobody reads the log" in reader.open(light_dashboard.path(page)).text, page
    assert len(light_dashboard.events()) == size
    assert Reader(light_dashboard, Role.MEMBER).get().status_code == 403
    # On the day it upgrades, all of it is there.
    light_dashboard.deployment.act(None, light_dashboard.number, ChangePlan(Plan.ENTERPRISE, 20))
    assert secret.seq in rows(reader.read())


# ── Sittings ────────────────────────────────────────────────────────────────────────────────────────────────────────


def views(dashboard: Dashboard) -> list[Event]:
    return [event for event in dashboard.events() if event.action == "log.view"]


@pytest.mark.parametrize("way", WAYS)
def test_reading_is_recorded_once_in_30_minutes(light_dashboard: Dashboard, way: str) -> None:
    secret = secret_of(light_dashboard)
    clock = light_dashboard.deployment.clock
    reader = Reader(light_dashboard, Role.AUDITOR)

    def read() -> int:
        answer = ask(reader, way, secret.seq)
        if answer.status_code == 303:
            reader.follow(answer)
        return len(views(light_dashboard))

    assert [read(), read(), read()] == [1, 1, 1]
    clock.go_on(29 * MINUTE)
    assert read() == 1
    clock.go_on(2 * MINUTE)
    assert [read(), read()] == [2, 2]
    [first, second] = views(light_dashboard)
    assert first.actor.email == second.actor.email == light_dashboard.people[Role.AUDITOR].email
    assert first.context.ip == "203.0.113.9"
    assert first.context.session_id
    # Another session of the same person is another sitting.
    reader = Reader(light_dashboard, Role.AUDITOR)
    assert read() == 3


@pytest.mark.parametrize("error", [StoreUnavailable, OutcomeUnknown])
def test_a_sitting_that_cannot_be_recorded_is_refused_and_an_open_one_goes_on(
    light_dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch, error: type[MinutebookError]
) -> None:
    secret = secret_of(light_dashboard)
    sitting, new = Reader(light_dashboard, Role.OWNER), Reader(light_dashboard, Role.ADMIN)
    assert sitting.get().status_code == 200
    with monkeypatch.context() as patched:

        def fail(*_: object) -> None:
            raise error

        patched.setattr(sittings, "perform", fail)
        for way in WAYS:
            answer = ask(new, way, secret.seq)
            if answer.status_code == 303:
                answer = new.follow(answer)
            assert answer.status_code == 503, way
            says_nothing(answer, light_dashboard)
        page = new.get(("text", "operation"))
        assert "The log cannot be read just now" in page.text
        assert 'value="operation"' in page.text
        assert f'href="{new.path}?text=operation">Try again<' in page.text
        assert sitting.get().status_code == 200
        light_dashboard.deployment.clock.go_on(HOUR)
        assert sitting.get().status_code == 503
    assert sitting.get().status_code == new.get().status_code == 200


def test_a_log_that_cannot_be_read_keeps_the_frame_and_what_was_typed(
    light_dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = Reader(light_dashboard, Role.OWNER)
    assert reader.get().status_code == 200

    def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(log_page, "log_page", fail)
    page = reader.get(("action", "user.invite"), ("text", "opus"))
    assert page.status_code == 503
    assert found(page) == ""
    assert page.headers["x-request-id"] in page.text
    assert '<nav class="nav"' in page.text
    assert 'value="opus"' in page.text
    assert 'value="user.invite"' in page.text


def test_what_is_recorded_while_the_page_is_made_is_not_half_of_it(
    light_dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Head, page and counts are of one snapshot."""
    reader = Reader(light_dashboard, Role.OWNER)
    reader.read()
    original = search.page

    def page_while_events_arrive(*arguments: Any) -> EventPage:
        secret_of(light_dashboard)
        return original(*arguments)

    monkeypatch.setattr(search, "page", page_while_events_arrive)
    size = len(light_dashboard.events())
    page = reader.read()
    assert len(light_dashboard.events()) == size + 1
    assert found(page) == f"{size} events"
    assert len(rows(page)) == size
    assert SECRET not in page.text
