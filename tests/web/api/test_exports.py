"""Exports for programs: by token or session, going on where one was cut off, recorded as who asked."""

from __future__ import annotations

import pytest

from minutebook.actions.log import Format
from minutebook.deliver import export
from minutebook.deliver.formats import FORMATS
from minutebook.errors import MinutebookError, OutcomeUnknown, StoreUnavailable
from minutebook.model import Plan, Role, Seat
from minutebook.organization.credits import BuyCredits
from minutebook.organization.organizations import ChangePlan
from minutebook.organization.tokens import RevokeToken
from minutebook.record import Command, perform
from minutebook.store.engine import Store
from tests.support.dashboard import Dashboard
from tests.support.exports import read

READERS = {Role.OWNER, Role.ADMIN, Role.AUDITOR}


def path(dashboard: Dashboard) -> str:
    return f"{dashboard.api()}/export"


@pytest.mark.parametrize("format_", FORMATS)
def test_a_token_exports_and_is_recorded_by_its_name(dashboard: Dashboard, format_: Format) -> None:
    secret = dashboard.token("log.export", name="Splunk")
    token, size = str(dashboard.last().details["token"]), len(dashboard.events())
    program = dashboard.anybody()
    answer = program.ask(path(dashboard), token=secret, format=format_.value, action="user.invite")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == FORMATS[format_].media_type
    found, trailer = read(format_, answer.content)
    assert len(found) == sum(event.action == "user.invite" for event in dashboard.events()) == trailer["count"]
    last = dashboard.last()
    assert (last.action, last.actor.kind, last.actor.id, last.actor.name) == ("log.export", "token", token, "Splunk")
    assert (last.seq, last.context.client) == (size, "api")
    assert last.details == {"v": 1, "format": format_.value, "size": size, "query": "action:user.invite"}


def test_what_was_cut_off_goes_on(dashboard: Dashboard) -> None:
    secret, program = dashboard.token("log.export"), dashboard.anybody()
    begun = program.ask(path(dashboard), token=secret)
    size = int(begun.headers["minutebook-log-size"])
    whole, _ = read(Format.JSONL, begun.content)
    for number in range(3):
        dashboard.deployment.act(None, dashboard.number, BuyCredits(1, f"meanwhile-{number}"))
    for cut in (0, 1, size - 1):
        rest = program.ask(path(dashboard), token=secret, size=size, first=whole[cut]["seq"] + 1)
        found, trailer = read(Format.JSONL, rest.content)
        assert whole[: cut + 1] + found == whole
        assert (trailer["size"], trailer["first"]) == (size, cut + 1)
        assert dashboard.last().details == {"v": 1, "format": "jsonl", "size": size, "first": cut + 1, "pruned": 0}


def test_who_may(dashboard: Dashboard) -> None:
    for role in Role:
        somebody, before = dashboard.signed_in(role), dashboard.recorded()
        answer = somebody.ask(path(dashboard))
        assert answer.status_code == (200 if role in READERS else 403), (role, answer.text)
        assert dashboard.recorded() == before + (role in READERS)
        if role not in READERS:
            assert answer.json()["detail"] == f"The role {role.label.lower()} may not export the audit log."
    for scopes, status in ((("log.read",), 403), (("log.read", "log.export"), 200), (("log.export",), 200)):
        secret = dashboard.token(*scopes)
        before = dashboard.recorded()
        answer = dashboard.anybody().ask(path(dashboard), token=secret)
        assert answer.status_code == status, (scopes, answer.text)
        assert dashboard.recorded() == before + (status == 200)


def test_a_token_that_is_revoked_between_the_look_and_the_record_exports_nothing(
    light_dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it may is asked again under the lock of the log."""
    secret = light_dashboard.token("log.export")
    token = str(light_dashboard.last().details["token"])

    def late(store: Store, seat: Seat, command: Command) -> object:
        owner = light_dashboard.people[Role.OWNER]
        light_dashboard.deployment.act(owner, light_dashboard.number, RevokeToken(token))
        return perform(store, seat, command)

    monkeypatch.setattr(export, "perform", late)
    answer = light_dashboard.anybody().ask(path(light_dashboard), token=secret)
    assert answer.status_code == 404
    assert light_dashboard.last().action == "token.revoke"


def test_on_the_small_plan_programs_export_nothing_either(dashboard: Dashboard) -> None:
    secret = dashboard.token("log.export")
    dashboard.deployment.act(None, dashboard.number, ChangePlan(Plan.TEAMS, 20))
    ada = dashboard.signed_in(Role.OWNER)
    before = dashboard.recorded()
    for somebody, token in ((ada, None), (dashboard.anybody(), secret)):
        answer = somebody.ask(path(dashboard), token=token)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert dashboard.recorded() == before


@pytest.mark.parametrize("error", [StoreUnavailable, OutcomeUnknown])
def test_what_cannot_be_recorded_is_not_exported(
    light_dashboard: Dashboard, error: type[MinutebookError], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(*arguments: object) -> None:
        raise error

    secret = light_dashboard.token("log.export")
    monkeypatch.setattr(export, "perform", refusing)
    answer = light_dashboard.anybody().ask(path(light_dashboard), token=secret)
    assert (answer.status_code, answer.json()["code"]) == (503, error.code)


def test_head_says_what_it_would_be_and_records_nothing(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    before = light_dashboard.recorded()
    answer = ada.client.head(path(light_dashboard) + "?format=parquet")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == FORMATS[Format.PARQUET].media_type
    assert light_dashboard.recorded() == before


def test_a_wrong_parameter_is_named(light_dashboard: Dashboard) -> None:
    ada = light_dashboard.signed_in(Role.OWNER)
    before = light_dashboard.recorded()
    for key, value in (("format", "xml"), ("size", "x"), ("first", "-1"), ("size", "99999"), ("limit", "5")):
        answer = ada.ask(path(light_dashboard), (key, value))
        assert answer.status_code == 422
        assert [problem["field"] for problem in answer.json()["errors"]] == [key]
    assert light_dashboard.recorded() == before
