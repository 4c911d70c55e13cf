"""The rules of the state machine that sign, back up, and go on from a backup, beside all that people do."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from minutebook.custody.signer import require_not_behind, sign_logs
from minutebook.errors import BehindHighWater
from tests.support import stored
from tests.support.putting_back import HOST, World
from tests.support.stored import Stored
from tests.support.told import Attempt, Told

MOST_BACKUPS = 4
WHOLE = "everything"
KNOWN = ("offers", "modes", "searches", "links", "opened", "seen", "tokens", "held")
"""What a machine remembers of what was done."""


any_backup = st.integers(0, MOST_BACKUPS - 1)


@dataclass(frozen=True)
class Backup:
    """A copy of the database, and what clients had been told by then."""

    url: str
    attempts: dict[str, Attempt]
    known: dict[str, list[Any]]


class Restoring:
    """Rules for `Machine`, whose database is that of `world`; the first backup is made at the beginning. What nobody
    signed may be lost without a word."""

    world: World
    store: Any
    deployment: Any
    told: Told
    numbers: list[int]
    erase_a_person: Any
    backups: list[Backup]
    ids: set[str]
    gone: dict[bytes, set[str]]

    @rule()
    def sign(self) -> None:
        self.world.sign()

    @precondition(lambda self: len(self.backups) < MOST_BACKUPS)
    @rule()
    def back_up(self) -> None:
        known = {name: list(getattr(self, name)) for name in KNOWN}
        self.backups.append(Backup(self.world.backup(), dict(self.told.attempts), known))

    @rule(which=any_backup, organization=st.sampled_from([0, 1]), person=st.integers(0, 6))
    def restore_what_was_erased(self, which: int, organization: int, person: int) -> None:
        self.erase_a_person(actor=-1, organization=organization, person=person)
        self.restore(which=which, signed=True)

    @rule(which=any_backup, signed=st.sampled_from([True, True, False]))
    def restore(self, which: int, signed: bool) -> None:
        """Puts a backup back: what was signed and is not in it is refused until the log goes on under a new id."""
        if signed:
            self.world.sign()
        current = {number: self.world.head(number).log_id for number in self.numbers}
        marks, backup = self.world.marks(), self.backups[which % len(self.backups)]
        if not signed:
            # another may hold what is lost here and was never signed: once the log goes on with something else, it is
            # no backup of that log any more, and is refused
            self.backups = [backup]
        self._remember_gone()
        self.world.put_back(backup.url)
        self.use(self.world)
        self.told.attempts = dict(backup.attempts)
        for name, known in backup.known.items():
            setattr(self, name, list(known))
        heads = {number: self.world.head(number) for number in self.numbers}
        behind = {
            number
            for number, head in heads.items()
            if head.log_id != current[number] or marks.get(head.log_id, 0) > head.size
        }
        if behind:
            with pytest.raises(BehindHighWater):
                require_not_behind(self.store, self.world.custody)
            assert sign_logs(self.store, self.world.custody, HOST).refused.keys() == behind
        else:
            require_not_behind(self.store, self.world.custody)
        begun = self.world.restore()
        assert {event.organization for event in begun} == behind
        for event in begun:
            said = event.details
            newest = said.get("known_log") or said["previous_log"]
            assert newest == current[event.organization]
            assert (said["restored_size"], said["known_size"]) == (heads[event.organization].size, marks[newest])
            assert said["log"] not in self.ids
            self.ids.add(str(said["log"]))
        self._see_that_it_is_gone()

    def use(self, world: World) -> None:
        """Goes on with the database that is there now."""
        self.deployment, self.store = world.deployment, world.store

    def _remember_gone(self) -> None:
        for event in self._events():
            if event.is_pruned:
                self.gone[event.leaf_hash].add(WHOLE)
            self.gone[event.leaf_hash] |= event.erased.keys()

    def _see_that_it_is_gone(self) -> None:
        """Nothing that was ever erased or pruned can be read again."""
        for event in self._events():
            gone = set() if event.is_pruned else self.gone[event.leaf_hash]
            if WHOLE in gone:
                gone = gone - {WHOLE} | {"actor.name", "actor.email", "context.ip", "context.session_id"}
            assert not [path for path in gone if event.values[path] is not None], (event.seq, gone)

    def _events(self) -> list[Stored]:
        with self.store.reading() as connection:
            return [event for number in self.numbers for event in stored.events(connection, number)]


def prepare(machine: Restoring, world: World) -> None:
    """Begins with the database of a world, and no backup yet."""
    machine.world, machine.backups, machine.ids, machine.gone = world, [], set(), defaultdict(set)
    machine.use(world)
