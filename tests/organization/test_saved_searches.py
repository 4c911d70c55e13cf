"""Saved searches: whose they are, what is asked before one replaces another, and what the log says of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from minutebook.errors import Conflict, Invalid, NotAllowed, NotFound
from minutebook.model import Event, Role
from minutebook.organization import saved_searches
from minutebook.organization.people import User
from minutebook.organization.saved_searches import MAX_SEARCHES, DeleteSearch, RenameSearch, SavedSearch, SaveSearch
from minutebook.organization.seats import RemoveMember
from minutebook.record import NoChange
from minutebook.store import schema
from tests.support.deployment import Deployment


class Readers:
    """An owner, an admin and two auditors of one organization."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.owner = deployment.person("ada@calder.example", "Ada")
        self.number = deployment.found(self.owner)
        self.admin = deployment.join(self.number, self.owner, Role.ADMIN)
        self.ines = deployment.join(self.number, self.owner, Role.AUDITOR)
        self.otto = deployment.join(self.number, self.owner, Role.AUDITOR)

    def save(self, user: User, name: str, query: str = "outcome:denied", *, shared: bool, replace: bool = False) -> str:
        command = SaveSearch(name, query, shared, replace)
        return str(self.deployment.act(user, self.number, command).details["search"])

    def delete(self, user: User, search: str) -> Event:
        return self.deployment.act(user, self.number, DeleteSearch(search))

    def rename(self, user: User, search: str, name: str) -> Event:
        return self.deployment.act(user, self.number, RenameSearch(search, name))

    def seen(self, user: User) -> list[tuple[str, bool]]:
        return [(search.name, search.shared) for search in self.all(user)]

    def all(self, user: User) -> list[SavedSearch]:
        with self.deployment.store.reading() as connection:
            return saved_searches.searches(connection, self.number, user.id)

    def problem(self, user: User, name: str, query: str, *, shared: bool, replace: bool = False) -> tuple[str, str]:
        """The field that is wrong, and why."""
        size = self.deployment.size(self.number)
        with pytest.raises(Invalid) as caught:
            self.save(user, name, query, shared=shared, replace=replace)
        assert self.deployment.size(self.number) == size
        (problem,) = caught.value.problems
        return problem.field, problem.message


@pytest.fixture
def readers(deployment: Deployment) -> Readers:
    return Readers(deployment)


def test_a_private_search_is_seen_by_nobody_else(readers: Readers) -> None:
    private = readers.save(readers.ines, "Mine", shared=False)
    readers.save(readers.ines, "Ours", shared=True)
    assert readers.seen(readers.ines) == [("Mine", False), ("Ours", True)]
    assert readers.seen(readers.owner) == [("Ours", True)]
    for other in (readers.owner, readers.admin, readers.otto):
        with pytest.raises(NotFound):
            readers.delete(other, private)
    readers.delete(readers.ines, private)
    assert readers.seen(readers.ines) == [("Ours", True)]
    readers.deployment.check()


def test_searches_are_in_the_order_of_their_names(readers: Readers) -> None:
    for name in ("beta", "Gamma", "ALPHA"):
        readers.save(readers.ines, name, shared=name.islower())
    assert [name for name, _ in readers.seen(readers.ines)] == ["ALPHA", "beta", "Gamma"]


def test_the_log_does_not_tell_what_a_private_search_is_for(readers: Readers) -> None:
    search = readers.save(readers.ines, "Is Bob leaving?", "bob", shared=False)
    readers.save(readers.ines, "is bob LEAVING?", "details.after:bob", shared=False, replace=True)
    readers.rename(readers.ines, search, "Bob left")
    readers.delete(readers.ines, search)
    told = readers.deployment.events(readers.number)[-4:]
    assert [dict(event.details) for event in told] == [
        {"v": 1, "search": search, "shared": False, "replaced": False},
        {"v": 1, "search": search, "shared": False, "replaced": True},
        {"v": 1, "search": search, "shared": False},
        {"v": 1, "search": search, "shared": False},
    ]
    assert "bob" not in str([(event.targets, event.details) for event in told]).lower()
    readers.deployment.check()


def test_one_takes_the_place_of_another_only_when_that_is_said(readers: Readers) -> None:
    search = readers.save(readers.ines, "Refusals", "outcome:denied", shared=True)
    assert readers.problem(readers.ines, "REFUSALS", "-outcome:success", shared=True) == (
        "replace",
        "There is a shared search called Refusals. Tick the box to put this one in its place, or choose another name.",
    )
    assert readers.save(readers.ines, "REFUSALS", "-outcome:success", shared=True, replace=True) == search
    (now,) = readers.all(readers.ines)
    assert (now.name, now.query) == ("REFUSALS", "-outcome:success")
    event = readers.deployment.events(readers.number)[-1]
    assert event.details["query"] == {"before": "outcome:denied", "after": "-outcome:success"}
    again = SaveSearch("REFUSALS", "-outcome:success", shared=True)
    assert isinstance(readers.deployment.attempt(readers.ines, readers.number, again), NoChange)
    # a private one of the same name is on another shelf
    assert readers.save(readers.ines, "Refusals", shared=False) != search
    assert readers.save(readers.otto, "Refusals", shared=False) != search
    _, message = readers.problem(readers.otto, "Refusals", "seq:1", shared=False)
    assert message.startswith("There is a search of yours called Refusals. Tick the box ")
    readers.deployment.check()


def test_a_shared_search_is_changed_by_whoever_saved_it_an_owner_or_an_admin(readers: Readers) -> None:
    search = readers.save(readers.ines, "Refusals", shared=True)
    assert readers.problem(readers.otto, "Refusals", "seq:1", shared=True, replace=True) == (
        "name",
        "There is a shared search called Refusals, and it is not yours. Choose another.",
    )
    with pytest.raises(NotAllowed):
        readers.rename(readers.otto, search, "Denied")
    with pytest.raises(NotAllowed):
        readers.delete(readers.otto, search)
    readers.save(readers.admin, "Refusals", "seq:1", shared=True, replace=True)
    assert [(one.saved_by, one.query) for one in readers.all(readers.otto)] == [(readers.ines.id, "seq:1")]
    readers.delete(readers.owner, search)
    assert readers.seen(readers.ines) == []
    readers.deployment.check()


def test_another_name_leaves_the_rest_as_it_was(readers: Readers) -> None:
    search = readers.save(readers.ines, "Refusals", shared=True)
    (before,) = readers.all(readers.ines)
    event = readers.rename(readers.admin, search, "  Denied ")
    assert event.details["name"] == {"before": "Refusals", "after": "Denied"}
    assert [target.name for target in event.targets] == ["Denied"]
    assert readers.all(readers.otto) == [replace(before, name="Denied")]
    assert isinstance(
        readers.deployment.attempt(readers.ines, readers.number, RenameSearch(search, "Denied")), NoChange
    )
    readers.rename(readers.ines, search, "DENIED")  # no other is called so
    assert readers.save(readers.ines, "Refusals", shared=True) != search, "the name is free again"
    readers.deployment.check()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Theirs", "There is a shared search called THEIRS already. Choose another name."),
        ("", "The name is missing. Enter 1 to 60 characters."),
        ("x" * 61, "The name has 61 characters; at most 60 are accepted."),
    ],
)
def test_a_name_that_a_search_cannot_have(readers: Readers, name: str, message: str) -> None:
    readers.save(readers.owner, "THEIRS", shared=True)
    readers.save(readers.ines, "Theirs", shared=False)
    search = readers.save(readers.ines, "Ours", shared=True)
    size = readers.deployment.size(readers.number)
    with pytest.raises(Invalid) as caught:
        readers.rename(readers.ines, search, name)
    assert [(problem.field, problem.message) for problem in caught.value.problems] == [("name", message)]
    assert readers.deployment.size(readers.number) == size


def test_private_searches_go_with_the_seat_and_shared_ones_stay(readers: Readers) -> None:
    readers.save(readers.ines, "Mine", shared=False)
    readers.save(readers.ines, "Ours", shared=True)
    readers.deployment.act(readers.owner, readers.number, RemoveMember(readers.ines.id))
    with readers.deployment.store.reading() as connection:
        assert connection.execute(select(schema.saved_search.c.name)).scalars().all() == ["Ours"]
    readers.deployment.check()
    readers.deployment.join(readers.number, readers.owner, Role.AUDITOR, readers.ines)
    assert readers.seen(readers.ines) == [("Ours", True)]
    readers.deployment.check()


@pytest.mark.parametrize(
    ("name", "query", "field"),
    [
        ("", "outcome:denied", "name"),
        ("x" * 61, "outcome:denied", "name"),
        ("a\0b", "outcome:denied", "name"),
        ("Refusals", "", "query"),
        ("Refusals", "()", "query"),
        ("Refusals", "outcome:sucess", "query"),
        ("Refusals", "x" * 2001, "query"),
    ],
)
def test_what_cannot_be_saved(readers: Readers, name: str, query: str, field: str) -> None:
    assert readers.problem(readers.owner, name, query, shared=False)[0] == field


def test_a_search_is_kept_as_the_box_would_write_it(readers: Readers) -> None:
    readers.save(readers.owner, "October", "AFTER:2026-10-01 action:member.* Billing", shared=True)
    (search,) = readers.all(readers.owner)
    assert search.query == "after:2026-10-01T00:00Z Billing action:member.*"
    assert saved_searches.written(saved_searches.asked(search.query)) == search.query


def test_a_person_keeps_a_hundred(readers: Readers) -> None:
    for number in range(MAX_SEARCHES):
        readers.save(readers.ines, f"Number {number}", shared=number % 2 == 0)
    with pytest.raises(Conflict, match="100"):
        readers.save(readers.ines, "One more", shared=False)
    readers.save(readers.ines, "Number 1", "seq:1", shared=False, replace=True)
    readers.save(readers.otto, "One more", shared=False)


def test_the_operator_has_no_searches(readers: Readers) -> None:
    with pytest.raises(NotAllowed):
        readers.deployment.act(None, readers.number, SaveSearch("Ours", "outcome:denied", shared=True))


def test_another_organization_has_searches_of_its_own(readers: Readers) -> None:
    search = readers.save(readers.owner, "Ours", shared=True)
    other = readers.deployment.found(readers.owner, "Other")
    with pytest.raises(NotFound):
        readers.deployment.act(readers.owner, other, DeleteSearch(search))
    with readers.deployment.store.reading() as connection:
        assert saved_searches.searches(connection, other, readers.owner.id) == []
    readers.deployment.check()
