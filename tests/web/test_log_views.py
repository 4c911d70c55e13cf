"""What is shown of an event, apart from any page."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest

from minutebook.actions import Details
from minutebook.actions.parts import plain
from minutebook.cli.event_lines import tell
from minutebook.filters import UTC, expression_of, parse, search_text
from minutebook.filters.expression import conjuncts
from minutebook.filters.language import read
from minutebook.filters.moments import Here
from minutebook.filters.terms import fits
from minutebook.filters.text import normal_text
from minutebook.model import Actor, ActorKind, Context, Event, Outcome, Target
from minutebook.store.event_json import event_json
from minutebook.web import log_views, times
from minutebook.web.log_address import Address
from minutebook.web.log_views import Around
from minutebook.web.views.integrity import Proof
from tests.actions.examples import EXAMPLES

AROUND = Around(Proof(4, "", "00" * 32, (), None, "", None), newer=None, older=None, by_actor=None)
HERE = Here(UTC, 1_794_000_000_000_000)
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


def of(example: Details) -> Event:
    return replace(event(example.action.name), details=example.model_dump(mode="json"))


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


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.action.name)
def test_whatever_is_clicked_finds_the_event_and_asks_for_what_was_clicked(example: Details) -> None:
    """Beside what was asked for before."""
    recorded = replace(
        of(example),
        outcome=example.outcome,
        actor=Actor(ActorKind.TOKEN, "tok_4ulpqrl4b6pd", name="CI", credential="token"),
        context=Context("203.0.113.7", "curl/8.5.0", "req_4ulpqrl4b6pd", "ses_4ulpqrl4b6pd", "api"),
    )
    before = ADDRESS.asking(read("seq:4 after:2026-01-01", HERE))
    panel = log_views.panel(recorded, AROUND, before, UTC, UTC, 0)
    [group] = log_views.days([recorded], before, UTC, 0)
    diffs = [panel.diff_hrefs.get((diff.name, line)) for diff in panel.diffs for line in diff.lines]
    hrefs = {
        *(
            panel.outcome_href,
            panel.severity_href,
            panel.action_href,
            panel.actor.href,
            *group.rows[0].says_hrefs.values(),
        ),
        *(fact.href for fact in panel.facts if not fact.gone),
        *(fact.small_href for fact in panel.facts if not fact.gone),
        *(href for fact in panel.facts for _, href in fact.each),
        *diffs,
    } - {None}
    for href in hrefs:
        asked = expression_of(parse(parse_qsl(urlsplit(href or "").query)))
        assert fits(asked)(recorded), href
        assert len(conjuncts(asked)) == 3, href
        assert not fits(asked)(replace(recorded, seq=5)), href
    facts = {fact.label: fact for fact in panel.facts}
    assert all(facts[label].href for label in ("Actor", "Target", "IP address", "Client", "Request"))
    assert facts["Credential"].small_href


def test_the_values_of_details_lead_to_what_else_has_them() -> None:
    def asked(hrefs: Iterable[str | None]) -> list[str]:
        return [dict(parse_qsl(urlsplit(href or "").query))["q"] for href in hrefs]

    [changed] = [one for one in EXAMPLES if one.action.name == "settings.change"]
    panel = log_views.panel(of(changed), AROUND, ADDRESS, UTC, UTC, 0)
    models = next(diff for diff in panel.diffs if diff.name == "models")
    assert asked(panel.diff_hrefs[models.name, line] for line in models.lines if line.kind != "same") == [
        f"details.models.{'added' if line.kind == 'add' else 'removed'}:{line.text}"
        for line in models.lines
        if line.kind != "same"
    ]
    [bought] = [one for one in EXAMPLES if one.action.name == "credits.purchase"]
    facts = {fact.label: fact for fact in log_views.panel(of(bought), AROUND, ADDRESS, UTC, UTC, 0).facts}
    assert asked([facts["Amount"].href])[0].startswith("details.amount.cents:")


def test_a_value_that_cannot_be_asked_for_leads_nowhere() -> None:
    """A star is none in a query, and a query may be only so long."""
    starred = event("mode.delete", mode="mod_4ulpqrl4b6pd", name="Draft *")
    facts = {fact.label: fact for fact in log_views.panel(starred, AROUND, ADDRESS, UTC, UTC, 0).facts}
    assert (facts["Name"].value, facts["Name"].href) == ("Draft *", None)
    full = ADDRESS.asking(read(" ".join(f"word{number:03}" for number in range(99)), HERE))
    named = replace(starred, details={"v": 1, "mode": "mod_4ulpqrl4b6pd", "name": "Draft"})
    hrefs = {fact.label: fact.href for fact in log_views.panel(named, AROUND, full, UTC, UTC, 0).facts}
    assert hrefs["Name"]
    fuller = ADDRESS.asking(read(" ".join(f"word{number:03}" for number in range(100)), HERE))
    hrefs = {fact.label: fact.href for fact in log_views.panel(named, AROUND, fuller, UTC, UTC, 0).facts}
    assert (hrefs["Name"], hrefs["Target"]) == (None, None)


def test_an_actor_without_an_address_is_found_by_what_they_are() -> None:
    panel = log_views.panel(event("user.logout"), AROUND, ADDRESS, UTC, UTC, 0)
    assert (panel.actor.kind, panel.actor.name) == ("system", "cli")
    assert panel.actor.href == f"{ADDRESS.path}?q=actor:system"
    assert panel.by_actor_href is None
    erased = replace(event("user.logout"), actor=Actor(ActorKind.USER, "", credential="session"))
    assert log_views.panel(erased, AROUND, ADDRESS, UTC, UTC, 0).actor.href is None
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
