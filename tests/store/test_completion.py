"""The names that complete a query: of one organization, each once, and found by what is offered for them."""

from __future__ import annotations

import time

import pytest

from minutebook.errors import TooSlow
from minutebook.filters import EVERYTHING, language
from minutebook.filters.completion import named
from minutebook.filters.moments import Here
from minutebook.filters.terms import fits
from minutebook.model import ActorKind, Event
from minutebook.organization.modes import CreateMode, UpdateMode
from minutebook.store import completion, search, survey
from minutebook.store.completion import Known
from tests.store.test_search import scope
from tests.support.deployment import Deployment
from tests.support.walk import FILLED, OTHER

HOSTILE = ('a "b" \\c', "Réviewer (x), y", "*star*", "\u202eevil\u200b name", "-dash", "OR")


def actors(deployment: Deployment, part: str, limit: int = 50, organization: int = FILLED) -> list[Known]:
    with deployment.store.reading() as connection:
        return completion.actors(connection, scope(deployment, organization), part, limit)


def targets(deployment: Deployment, part: str, limit: int = 50, organization: int = FILLED) -> list[Known]:
    with deployment.store.reading() as connection:
        return completion.targets(connection, scope(deployment, organization), part, limit)


def names(events: list[Event]) -> set[str]:
    """Of the actors: addresses, and the ids of tokens."""
    return {event.actor.email or event.actor.id for event in events if event.actor.kind is not ActorKind.SYSTEM}


def found(events: list[Event], key: str, known: Known) -> list[Event]:
    """The events that the query finds into which the name was put."""
    test = fits(language.read(f"{key}:{named(known.text, known.note).written}", Here()))
    return [event for event in events if test(event)]


def test_every_actor_is_offered_once_and_found_by_it(filled: Deployment) -> None:
    events = filled.events(FILLED)
    offered = actors(filled, "")
    assert {known.text for known in offered} == names(events)
    assert len({known.text for known in offered}) == len(offered)
    for known in offered:
        assert found(events, "actor", known), known


def test_every_target_is_offered_and_found_by_it(filled: Deployment) -> None:
    owner = filled.person("hostile@x.example")
    number = filled.found(owner)
    for name in HOSTILE:
        filled.act(owner, number, CreateMode(name, "", ()))
    events, offered = filled.events(number), targets(filled, "", organization=number)
    assert len({known.text for known in offered}) == len(offered)
    for known in offered:
        assert found(events, "target", known), known
        assert known.text.isprintable()
    for event in events:
        assert not event.targets or any(event in found(events, "target", known) for known in offered), event


def test_a_part_in_any_case_is_enough_and_the_latest_come_first(filled: Deployment) -> None:
    owner = filled.person("ada.okafor@x.example", "Ada Okafor")
    number = filled.found(owner)
    filled.act(owner, number, CreateMode("Réviewer", "", ()))
    filled.act(owner, number, CreateMode("Reviewer 2", "", ()))
    assert [known.text for known in targets(filled, "review", organization=number)] == ["Reviewer 2", "Réviewer"]
    assert [known.text for known in targets(filled, "review", 1, organization=number)] == ["Reviewer 2"]
    assert targets(filled, "nothing", organization=number) == []
    assert actors(filled, "OKAFOR", organization=number) == [Known("ada.okafor@x.example", "Ada Okafor")]
    assert actors(filled, "ada o", organization=number) == [Known("ada.okafor@x.example", "Ada Okafor")]


def test_no_name_of_another_organization_is_offered(filled: Deployment) -> None:
    of_other = {known.text for known in actors(filled, "", organization=OTHER)}
    assert of_other == names(filled.events(OTHER))
    known_there = {target.name for event in filled.events(OTHER) for target in event.targets}
    assert {known.text for known in targets(filled, "", organization=OTHER)} <= known_there


def test_a_target_is_offered_however_long_ago_it_was_one(filled: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = filled.person("ada.okafor@x.example", "Ada Okafor")
    number = filled.found(owner)
    for name in ("Réviewer", "Reviewer 2", "Writer", "Reviewer 10"):
        filled.act(owner, number, CreateMode(name, "", ()))
    last = filled.act(owner, number, CreateMode("Last", "", ()))
    filled.act(owner, number, UpdateMode(str(last.details["mode"]), "Newest", "", ()))
    monkeypatch.setattr(completion, "RECENT", 1)
    offered = targets(filled, "REVIEW", organization=number)
    assert [known.text for known in offered] == ["Reviewer 10", "Reviewer 2", "Réviewer"]
    assert [known.text for known in targets(filled, "review", 2, organization=number)] == ["Reviewer 10", "Reviewer 2"]
    by_id = offered[0].note.removeprefix("mode ")
    assert [known.text for known in targets(filled, by_id[:-1], organization=number)] == ["Reviewer 10"]
    assert [known.text for known in targets(filled, "last", organization=number)] == ["Last"]  # what it was called
    assert targets(filled, "nothing", organization=number) == targets(filled, "*viewer", organization=number) == []
    # where there is no time for older ones, the newest are offered all the same
    monkeypatch.setattr(completion, "OLDER_SECONDS", 0)
    assert targets(filled, "newest", organization=number) != targets(filled, "review", organization=number) == []


def test_without_a_part_only_the_newest_events_are_looked_at(
    filled: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(completion, "RECENT", 1)
    newest = filled.events(FILLED)[-1]
    assert {known.text for known in targets(filled, "")} == {target.name for target in newest.targets}
    assert len(actors(filled, "")) > 1


def test_what_takes_too_long_is_left_out(filled: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object, **__: object) -> None:
        raise TooSlow(seconds="2")

    monkeypatch.setattr(search, "window_rows", slow)
    monkeypatch.setattr(search, "newest", slow)
    monkeypatch.setattr(survey, "count_by_actor", lambda *_: {})
    assert actors(filled, "") == targets(filled, "") == targets(filled, "e") == []


def test_what_was_found_before_the_time_is_over_is_kept(filled: Deployment) -> None:
    size = filled.size(FILLED)
    with filled.store.reading() as connection:
        rows = search.newest(connection, scope(filled, FILLED), EVERYTHING, 1.0)
        assert next(rows)
        time.sleep(1.1)
        assert list(rows) == []
        # nothing of the bound is left on the connection, also when somebody stops early
        assert next(search.newest(connection, scope(filled, FILLED), EVERYTHING, 1.0))
        assert len(search.window(connection, scope(filled, FILLED), EVERYTHING, first=0, limit=size)) == size
