"""Refusals of people who have a place in an organization: recorded once, then counted, and never in anybody's way."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from structlog.testing import capture_logs

from minutebook.denied import NOTED, Denied
from minutebook.errors import Forbidden, MinutebookError, NotAllowed, NotFound, OutcomeUnknown, StoreUnavailable
from minutebook.model import MINUTE, Context, Event, Role, Seat
from minutebook.organization import auditor_links, denials, tokens
from minutebook.organization.auditor_links import CreateLink, RevokeLink
from minutebook.organization.denials import APART, WINDOW, Attempt, Denials
from minutebook.organization.people import User
from minutebook.organization.seats import ChangeRole, RemoveMember
from minutebook.organization.tokens import CreateToken, RevokeToken
from minutebook.permissions import Permission, TokenScope
from minutebook.record import Command, perform
from tests.support.check_log import check_log
from tests.support.deployment import Deployment

CHANGE_ROLE = Attempt("change role", "POST /o/{org}/members/{user}/role", "org_aaaaaaaaaaaa")


class Refused:
    """An organization with somebody in it who is refused."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.ada = deployment.person("ada@calder.example", "Ada")
        self.number = deployment.found(self.ada)
        self.bob: User = deployment.join(self.number, self.ada, Role.MEMBER)
        self.denials = Denials(deployment.store)
        deployment.clock.step = 0

    def refuse(self, attempt: Attempt = CHANGE_ROLE, user: User | None = None, **why: Any) -> None:
        user = user or self.bob
        seat = Seat(self.number, user.actor(), Context(ip="203.0.113.9", request_id="req_1"))
        self.denials.note(attempt, Denied(seat, Role.MEMBER, **(why or {"needed": Permission.SEATS_WRITE})))

    def found(self) -> list[Event]:
        return [event for event in self.deployment.events(self.number) if event.action == "access.denied"]

    def counted(self) -> list[tuple[object, ...]]:
        """What was recorded: how often, whether behind another event, and for how many minutes."""
        rows = [event.details for event in self.found()]
        return [
            (row["times"], row["more"], (int(str(row["until"])) - int(str(row["since"]))) // MINUTE) for row in rows
        ]


@pytest.fixture
def refused(deployment: Deployment) -> Refused:
    return Refused(deployment)


@pytest.fixture
def light(sqlite_deployment: Deployment) -> Refused:
    return Refused(sqlite_deployment)


def test_a_refusal_says_who_tried_what_and_what_they_lacked(refused: Refused) -> None:
    now = refused.deployment.clock.now
    refused.refuse()
    refused.denials.round()
    [event] = refused.found()
    assert (event.outcome, event.actor.id, event.actor.email) == ("denied", refused.bob.id, refused.bob.email)
    assert (event.context.ip, event.context.request_id) == ("203.0.113.9", "req_1")
    assert event.details == {
        "v": 1,
        "operation": "change role",
        "route": "POST /o/{org}/members/{user}/role",
        "needed": "invite, remove or change people",
        "role": "member",
        "times": 1,
        "more": False,
        "since": now,
        "until": now,
    }
    check_log(refused.deployment.store)


def test_a_flood_cannot_bury_the_log(refused: Refused) -> None:
    """One event at once, and one more for all that followed, however many."""
    for minute in range(14):
        for _ in range(100):
            refused.refuse()
        refused.denials.round()
        assert refused.counted() == [(1 if minute else 100, False, 0)] if minute == 0 else True
        refused.deployment.clock.go_on(MINUTE)
    assert len(refused.found()) == 1, "until the window is over"
    refused.deployment.clock.go_on(MINUTE)
    refused.denials.round()
    refused.denials.round()
    assert refused.counted() == [(100, False, 0), (1_300, True, 13)]
    refused.refuse()
    refused.denials.round()
    assert refused.counted()[2:] == [(1, False, 0)], "the next one begins anew"
    refused.deployment.clock.go_on(WINDOW)
    refused.denials.round()
    assert len(refused.found()) == 3, "and nothing followed it"
    check_log(refused.deployment.store)


def test_who_tries_everything_has_a_few_events_and_one_for_the_rest(light: Refused) -> None:
    for number in range(60):
        why: dict[str, Any] = {"reason": "You cannot remove yourself."} if number % 2 else {}
        light.refuse(Attempt(f"try {number}", f"POST /o/{{org}}/{number}"), **why)
    light.refuse(user=light.ada, reason="You cannot remove yourself.")
    light.denials.round()
    tried = [(event.details["operation"], event.details["times"]) for event in light.found()]
    others = ("various other things", 60 - APART)
    assert tried == [(f"try {number}", 1) for number in range(APART)] + [others, ("change role", 1)]
    assert light.found()[-1].details["reason"] == "You cannot remove yourself."
    assert not {"needed", "reason"} & light.found()[-2].details.keys()
    light.deployment.clock.go_on(WINDOW)
    light.denials.round()
    assert light.denials._windows == {}, "nothing is kept of what was recorded"


def test_a_clock_that_is_set_back_keeps_no_window_open(light: Refused) -> None:
    for _ in range(2):
        light.refuse()
        light.denials.round()
    light.deployment.clock.go_on(-7 * 24 * 60 * MINUTE)
    light.denials.round()
    assert light.counted() == [(1, False, 0), (1, True, 0)]


@pytest.mark.parametrize("error", [StoreUnavailable, OutcomeUnknown])
def test_what_cannot_be_recorded_is_kept_until_it_can(
    light: Refused, monkeypatch: pytest.MonkeyPatch, error: type[MinutebookError]
) -> None:
    """Told once in the server's log; whoever is refused meanwhile waits for nothing."""

    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr(denials, "perform", full)
    with capture_logs() as logs:
        for _ in range(5):
            light.refuse()
            light.denials.try_round()
    assert [entry["event"] for entry in logs] == ["denials_waits"]
    monkeypatch.setattr(denials, "perform", perform)
    light.denials.try_round()
    assert light.counted() == [(5, False, 0)]


def test_a_server_that_stops_records_what_it_has_counted(light: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    light.denials.start()
    for _ in range(3):
        light.refuse()
    light.denials.stop()
    assert sum(int(str(event.details["times"])) for event in light.found()) == 3

    def full(*_: object) -> None:
        raise StoreUnavailable

    monkeypatch.setattr(denials, "perform", full)
    light.denials = Denials(light.deployment.store)
    light.denials.start()
    light.refuse()
    light.refuse()
    with capture_logs() as logs:
        light.denials.stop()
    [told] = [entry for entry in logs if entry["event"] == "access_denied"]
    assert told == {
        "event": "access_denied",
        "log_level": "warning",
        "route": "POST /o/{org}/members/{user}/role",
        "user": light.bob.id,
        "organization": "org_aaaaaaaaaaaa",
        "reason": "invite, remove or change people",
        "request_id": "req_1",
        "ip": "203.0.113.9",
        "times": 2,
    }, "what the log cannot hold, the security log does"


def test_what_cannot_be_an_event_is_told_to_the_security_log(light: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    """And stands in nobody's way. So is what comes on top of what is kept at most."""
    monkeypatch.setattr(denials, "MOST", 2)
    with capture_logs() as logs:
        light.refuse(reason="\ud800")
        light.refuse()
        light.refuse(user=light.ada)
        light.denials.round()
    assert [entry["event"] for entry in logs] == ["access_denied", "denial_not_recorded", "access_denied"]
    assert [entry["user"] for entry in logs if entry["event"] == "access_denied"] == [light.ada.id, light.bob.id]
    assert light.counted() == [(1, False, 0)]


def test_who_lost_their_place_meanwhile_is_not_in_the_log(light: Refused) -> None:
    """But how often they were refused is, when the first time was recorded while they had it."""
    carol = light.deployment.join(light.number, light.ada, Role.MEMBER)
    light.refuse()
    light.denials.round()
    light.refuse()
    light.refuse(user=carol)
    for user in (light.bob, carol):
        light.deployment.act(light.ada, light.number, RemoveMember(user.id))
    light.deployment.clock.go_on(WINDOW)
    with capture_logs() as logs:
        light.denials.round()
    assert [entry["user"] for entry in logs] == [carol.id]
    assert light.counted() == [(1, False, 0), (1, True, 0)]
    check_log(light.deployment.store)


@pytest.mark.parametrize(
    ("make", "revoke", "made"),
    [
        (lambda: CreateToken("SIEM", ("log.export",), 1, "secret"), RevokeToken, "token"),
        (lambda: CreateLink("Acme", "", 1, "secret"), RevokeLink, "link"),
    ],
)
def test_tokens_and_links_have_a_place_until_they_are_revoked(
    light: Refused, make: Callable[[], Command], revoke: Callable[[str], Command], made: str
) -> None:
    id_ = str(light.deployment.act(light.ada, light.number, make()).details[made])
    with light.deployment.store.reading() as connection:
        read = tokens.read_token if made == "token" else auditor_links.read_link
        actor = read(connection, light.number, id_).actor()
    standing = (TokenScope.LOG_EXPORT,) if made == "token" else None
    for _ in range(2):
        denied = Denied(Seat(light.number, actor, Context()), standing, reason="The plan is another.")
        light.denials.note(CHANGE_ROLE, denied)
        light.denials.round()
        light.deployment.clock.go_on(WINDOW)
        light.denials.round()
        with suppress(NotFound):
            light.deployment.act(light.ada, light.number, revoke(id_))
    [event] = light.found()
    assert (event.actor.id, event.details.get("scopes")) == (id_, ["log.export"] if standing else None)
    check_log(light.deployment.store)


def test_what_only_the_act_can_tell_is_noted_with_the_role_then(light: Refused) -> None:
    """Of whoever holds a seat, with the permission or the reason; the operator and strangers are nobody's."""
    noted: list[Denied] = []
    listening = NOTED.set(noted)
    stranger = light.deployment.person()
    admin = light.deployment.join(light.number, light.ada, Role.ADMIN)
    try:
        for user, command, error in (
            (light.bob, ChangeRole(light.ada.id, Role.MEMBER), Forbidden),
            (admin, ChangeRole(light.ada.id, Role.MEMBER), NotAllowed),
            (stranger, ChangeRole(light.ada.id, Role.MEMBER), MinutebookError),
        ):
            with pytest.raises(error):
                perform(light.deployment.store, light.deployment.seat(user, light.number), command)
    finally:
        NOTED.reset(listening)
    assert [(each.seat.actor.id, each.standing, each.needed, each.reason) for each in noted] == [
        (light.bob.id, Role.MEMBER, Permission.SEATS_WRITE, None),
        (admin.id, Role.ADMIN, None, "Only an owner makes someone owner, or changes the seat of one."),
    ]
