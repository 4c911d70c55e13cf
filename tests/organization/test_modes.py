"""Modes: names that nobody confuses, and updates that record only what changed."""

from __future__ import annotations

import pytest

from minutebook.errors import Conflict, Invalid, NotFound
from minutebook.organization import modes
from minutebook.organization.modes import CreateMode, DeleteMode, UpdateMode
from minutebook.organization.people import User
from minutebook.record import NO_CHANGE
from tests.support.deployment import Deployment


@pytest.fixture
def ada(deployment: Deployment) -> User:
    """The owner of the organization number 1."""
    ada = deployment.person(name="Ada")
    assert deployment.found(ada) == 1
    return ada


def create(deployment: Deployment, by: User, name: str, tools: tuple[str, ...] = ()) -> str:
    return str(deployment.act(by, 1, CreateMode(name, "Read\r\nfirst ", tools)).details["mode"])


def test_a_mode_from_its_beginning_to_its_end(deployment: Deployment, ada: User) -> None:
    event = deployment.act(ada, 1, CreateMode("  Code \t review ", "Read\r\nfirst ", ("terminal", "read", "read")))
    mode = str(event.details["mode"])
    assert event.details == {
        "v": 1,
        "mode": mode,
        "name": "Code review",
        "instructions": "Read\nfirst",
        "tools": ["read", "terminal"],
    }
    event = deployment.act(ada, 1, UpdateMode(mode, "Code review", "Read\nlast", ("edit", "read")))
    assert event.details == {
        "v": 1,
        "mode": mode,
        "current_name": "Code review",
        "instructions": {"before": "Read\nfirst", "after": "Read\nlast"},
        "tools": {"added": ["edit"], "removed": ["terminal"], "before": 2, "after": 2},
    }
    event = deployment.act(ada, 1, UpdateMode(mode, "code Review", "Read\nlast", ("edit", "read")))
    assert event.details["name"] == {"before": "Code review", "after": "code Review"}
    assert event.details.keys() == {"v", "mode", "current_name", "name"}
    with deployment.store.reading() as connection:
        (stored,) = modes.all_modes(connection, 1)
    assert (stored.name, stored.tools, stored.created_by) == ("code Review", ("edit", "read"), "Ada")
    assert stored.created_at < stored.updated_at == event.recorded_at
    event = deployment.act(ada, 1, DeleteMode(mode))
    assert event.details == {"v": 1, "mode": mode, "name": "code Review"}
    for command in (DeleteMode(mode), UpdateMode(mode, "x", "", ())):
        with pytest.raises(NotFound):
            deployment.act(ada, 1, command)
    deployment.check()


def test_what_changes_nothing_records_nothing(deployment: Deployment, ada: User) -> None:
    mode = create(deployment, ada, "Review", ("read", "edit"))
    command = UpdateMode(mode, " Review", "Read\nfirst", ("edit", "read", "edit"))
    assert deployment.attempt(ada, 1, command) is NO_CHANGE
    deployment.check()


def test_nothing_is_overwritten_unseen(deployment: Deployment, ada: User) -> None:
    mode = create(deployment, ada, "Review")
    with deployment.store.reading() as connection:
        seen = modes.read_mode(connection, 1, mode).updated_at
    deployment.act(ada, 1, UpdateMode(mode, "Mine", "", (), seen))
    for at in (seen, 0):
        with pytest.raises(Conflict, match=r"^Someone else changed this mode"):
            deployment.act(ada, 1, UpdateMode(mode, "Theirs", "", (), at))
    deployment.act(ada, 1, UpdateMode(mode, "In its place", "", ()))
    deployment.check()


def test_two_names_are_never_the_same_to_a_reader(deployment: Deployment, ada: User) -> None:
    create(deployment, ada, "Straße")
    other = create(deployment, ada, "Cafe\u0301")
    for name in ("STRASSE", "straße ", "Café", "CAFÉ"):
        with pytest.raises(Invalid, match=r"There is a mode called .* already") as caught:
            deployment.act(ada, 1, CreateMode(name, "", ()))
        assert [problem.field for problem in caught.value.problems] == ["name"]
    with pytest.raises(Invalid, match="already"):
        deployment.act(ada, 1, UpdateMode(other, "strasse", "", ()))
    deployment.found(deployment.person())
    deployment.act(None, 2, CreateMode("Straße", "", ()))
    deployment.check()


def test_what_cannot_be_a_mode_is_refused_by_its_field(deployment: Deployment, ada: User) -> None:
    refusals = [
        (CreateMode("", "", ()), "name", "missing"),
        (CreateMode(" \t ", "", ()), "name", "missing"),
        (CreateMode("a\0b", "", ()), "name", "U+0000"),
        (CreateMode("a\x1bb", "", ()), "name", "U+001B"),
        (CreateMode("a\nb", "", ()), "name", "U+000A"),
        (CreateMode("\ud800", "", ()), "name", "U+D800"),
        (CreateMode("a" * 61, "", ()), "name", "61 characters; at most 60"),
        (CreateMode("a", "b\0", ()), "instructions", "U+0000"),
        (CreateMode("a", "b" * 20_001, ()), "instructions", "20,001 characters"),
        (CreateMode("a", "", ("read", "fly")), "tools", "“fly” is not one of: read"),
    ]
    for command, field, said in refusals:
        with pytest.raises(Invalid) as caught:
            deployment.act(ada, 1, command)
        (problem,) = caught.value.problems
        assert problem.field == field
        assert said in problem.message
    deployment.act(ada, 1, CreateMode("a" * 60, "🦊" * 20_000, tuple(modes.TOOLS)))
    deployment.check()


def test_the_modes_of_another_organization_are_not_there(deployment: Deployment, ada: User) -> None:
    mode = create(deployment, ada, "Review")
    ben = deployment.person()
    other = deployment.found(ben)
    for command in (UpdateMode(mode, "x", "", ()), DeleteMode(mode)):
        with pytest.raises(NotFound):
            deployment.act(ben, other, command)
    with deployment.store.reading() as connection, pytest.raises(NotFound):
        modes.read_mode(connection, other, mode)
    deployment.check()


def test_there_is_an_end_to_modes(deployment: Deployment, ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modes, "MAX_MODES", 2)
    first = create(deployment, ada, "One")
    create(deployment, ada, "Two")
    with pytest.raises(Conflict, match="at most 2 modes"):
        create(deployment, ada, "Three")
    deployment.act(ada, 1, DeleteMode(first))
    create(deployment, ada, "Three")
    deployment.check()
