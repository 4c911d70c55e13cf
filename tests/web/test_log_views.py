"""What is shown of an event, apart from any page."""

from __future__ import annotations

import json
from dataclasses import replace

from minutebook.actions.parts import plain
from minutebook.cli.event_lines import tell
from minutebook.filters import UTC, search_text
from minutebook.filters.text import normal_text
from minutebook.model import Actor, ActorKind, Context, Event, Outcome, Target
from minutebook.store.event_json import event_json
from minutebook.web import log_views, times
from minutebook.web.log_address import Address
from minutebook.web.log_views import Around
from minutebook.web.views.integrity import Proof

AROUND = Around(Proof(4, "", "00" * 32, (), None, "", None), newer=None, older=None, by_actor=None)
ADDRESS = Address("/o/org_abcdefghijkl/audit-logs")


def event(action: str, **details: object) -> Event:
    return Event(
        organization=1,
        seq=4,
        id="019a7870-42f0-7c1e-9b5d-2f6e0a417d33",
        recorded_at=1_793_923_200_000_000,
        occurred_at=1_793_923_200_000_000,
        action=action,
        outcome=Outcome.SUCCESS,
        actor=Actor(ActorKind.SYSTEM, "cli"),
        targets=(Target("moon", "moon", "moon"),),
        context=Context(),
        details={"v": 1, **details},  # type: ignore[dict-item]
    )


def test_an_event_of_another_version_is_told_as_far_as_it_can_be() -> None:
    """A log is never unreadable because of one event in it."""
    for unknown in (event("moon.landing", crew=["a"]), event("user.login", method="password", crew=["a"])):
        says = f"Recorded by another version of Minutebook: {unknown.action}"
        [group] = log_views.days([unknown], ADDRESS, UTC, unknown.occurred_at)
        assert (group.rows[0].action, plain(group.rows[0].says)) == (unknown.action, says)
        panel = log_views.panel(unknown, AROUND, ADDRESS, UTC, UTC, unknown.occurred_at)
        assert '["a"]' in {fact.value for fact in panel.facts if fact.label == "crew"}
        assert json.loads(panel.raw_json)["details"] == dict(unknown.details)
        assert plain(panel.says) == tell(event_json(unknown)).says == says
        assert search_text(unknown).startswith(normal_text(says))


def test_an_actor_without_an_address_leads_nowhere() -> None:
    panel = log_views.panel(event("user.logout"), AROUND, ADDRESS, UTC, UTC, 0)
    assert (panel.actor.kind, panel.actor.name, panel.actor.href) == ("system", "cli", None)
    assert panel.by_actor_href is None
    assert panel.when_utc == ""  # the page is in UTC, and the event lies ahead
    assert [fact.value for fact in panel.facts if fact.label == "Target"] == ["moon"]


def test_a_browser_is_called_by_its_name_beside_all_that_it_said() -> None:
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
    for said, told in ((firefox, ("Firefox on Linux", firefox)), ("curl/8.5.0", ("curl/8.5.0", ""))):
        seen = replace(event("user.logout"), context=Context(user_agent=said))
        panel = log_views.panel(seen, AROUND, ADDRESS, UTC, UTC, 0)
        assert [(fact.value, fact.small) for fact in panel.facts if fact.label == "Browser"] == [told]


def test_times_in_the_details_are_told_as_times() -> None:
    at = 1_793_923_200_000_000
    denied = event("access.denied", operation="change settings", needed="settings.change", since=at, until=at + 1)
    ended = event("member.end_sessions", member={"id": "usr_a", "email": "a@x.example", "name": "A"}, until=at)
    for shown, labels in ((denied, ("Since", "Until")), (ended, ("Until",))):
        panel = log_views.panel(shown, AROUND, ADDRESS, UTC, UTC, 0)
        told = {fact.label: fact.value for fact in panel.facts}
        assert {told[label][:22] for label in labels} == {times.full_time(at, UTC).text[:22]}
