"""Users: one for each address, with a name that can be shown."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pytest

from minutebook.errors import Conflict, Invalid, NotFound
from minutebook.model import Role
from minutebook.organization import people
from minutebook.organization.profiles import ChangeProfile
from tests.support.deployment import Deployment
from tests.support.sentences import check_refusal


def test_a_user_is_added_once(deployment: Deployment) -> None:
    ada = people.create_user(deployment.store, " Ada@Calder.example", "  Ada \u00a0 Okafor ", None)
    assert (ada.email, ada.name) == ("ada@calder.example", "Ada Okafor")
    with pytest.raises(Invalid, match="already has an account") as caught:
        people.create_user(deployment.store, "ADA@calder.EXAMPLE", "Somebody", None)
    assert [problem.field for problem in caught.value.problems] == ["email"]
    with deployment.store.reading() as connection:
        assert people.find_user(connection, "ada@calder.example") == people.user_by_id(connection, ada.id) == ada
        assert people.password_hash_of(connection, ada.id) is None
        assert people.find_user(connection, "nobody@calder.example") is None
        assert people.all_users(connection) == [(ada, deployment.clock.now)]
        with pytest.raises(NotFound):
            people.user_by_id(connection, "usr_nobody")


def test_an_address_that_was_taken_in_this_moment_is_a_conflict(deployment: Deployment) -> None:
    first, second = (people.new_user("ada@calder.example", "Ada", deployment.store.randomness) for _ in range(2))
    with deployment.store.housekeeping() as connection:
        people.add_user(connection, first, None, 0)
    with pytest.raises(Conflict, match="has an account by now"), deployment.store.housekeeping() as connection:
        people.add_user(connection, second, None, 0)


def test_what_cannot_be_a_user_is_refused(deployment: Deployment) -> None:
    refusals = [
        (("ada", "Ada", None), "email"),
        (("ada@calder.example", "", None), "name"),
        (("ada@calder.example", "A\0da", None), "name"),
        (("ada@calder.example", "A\x1b[2Jda", None), "name"),
        (("ada@calder.example", "A" * 101, None), "name"),
        (("ada@calder.example", "Ada", "short"), "password"),
        (("ada@calder.example", "Ada", "x" * 11), "password"),
        (("ada@calder.example", "Ada", "x" * 1025), "password"),
        (("ada@calder.example", "Ada", "correct horse \udcff"), "password"),
    ]
    for (email, name, password), field in refusals:
        with pytest.raises(Invalid) as caught:
            people.create_user(deployment.store, email, name, password)
        check_refusal(caught.value)
        assert [problem.field for problem in caught.value.problems] == [field]
    with deployment.store.reading() as connection:
        assert people.all_users(connection) == []


def test_a_password_has_a_least_and_a_greatest_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "_hasher", CrowdedHasher())
    for fits in (12, 1024):
        assert people.hash_password("x" * fits)
        assert people.password_fits("x" * fits, "x" * fits)
    assert not people.password_fits("x" * 1025, "x" * 1025)
    for length in (11, 1025):
        with pytest.raises(Invalid, match=r"^Choose a password of 12 to 1,024 characters\.$") as caught:
            people.hash_password("x" * length, "next")
        assert caught.value.problems[0].field == "next"


def test_a_profile_is_recorded_everywhere_as_far_as_it_changed(sqlite_deployment: Deployment) -> None:
    deployment = sqlite_deployment
    ada = deployment.person(name="Ada")
    numbers = [deployment.found(ada), deployment.found(deployment.person())]
    deployment.join(numbers[1], None, Role.MEMBER, ada)
    renamed, moved = {"before": "Ada", "after": "Ada L."}, {"before": None, "after": "Europe/Berlin"}
    back, home = {"before": "Ada L.", "after": "Ada"}, {"before": "Europe/Berlin", "after": None}
    for name, zone, changed in (
        ("Ada", None, None),
        ("Ada L.", None, {"name": renamed}),
        ("Ada L.", "Europe/Berlin", {"zone": moved}),
        (" Ada  L. ", "Europe/Berlin", None),
        ("Ada", None, {"name": back, "zone": home}),
    ):
        events = deployment.act_everywhere(ada, ChangeProfile(ada.id, name, zone))
        assert [event.organization for event in events] == ([] if changed is None else numbers)
        assert all(event.details == {"v": 1} | (changed or {}) for event in events)
    for name, zone, field in ((" ", None, "name"), ("Ada", "Europe/Nowhere", "zone"), ("Ada", "", "zone")):
        with pytest.raises(Invalid, match=r"^(Your name is missing|Choose a time zone of the list)") as caught:
            deployment.act_everywhere(ada, ChangeProfile(ada.id, name, zone))
        assert [problem.field for problem in caught.value.problems] == [field]
    deployment.check()


class CrowdedHasher:
    """Stands in for argon2 and counts how many are at it together."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.now = self.most = 0

    def hash(self, password: str) -> str:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.02)
        with self.lock:
            self.now -= 1
        return password

    def verify(self, password: str, hashed: str) -> bool:
        return self.hash(password) == hashed


def test_no_more_passwords_are_hashed_at_once_than_there_are_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    crowded = CrowdedHasher()
    monkeypatch.setattr(people, "_hasher", crowded)
    many = 3 * people.HASHED_AT_ONCE
    with ThreadPoolExecutor(2 * many) as pool:
        made = [pool.submit(people.hash_password, "correct horse battery") for _ in range(many)]
        fits = [pool.submit(people.password_fits, "a", "a") for _ in range(many)]
    assert all(one.result() for one in made + fits)
    assert crowded.most <= people.HASHED_AT_ONCE


def test_a_password_is_hashed_with_as_much_work_as_is_recommended() -> None:
    """RFC 9106, section 4: the second recommended option. In a process of its own: the tests spare themselves work."""
    code = "from minutebook.organization.people import hash_password as h, nobodys_hash as n; print(h('x' * 12), n())"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert [one.rpartition("$")[0].rpartition("$")[0] for one in run.stdout.split()] == [
        "$argon2id$v=19$m=65536,t=3,p=4"
    ] * 2
