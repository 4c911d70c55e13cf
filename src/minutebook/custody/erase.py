"""Erasing what a law says must go: all that names a person, or one field of one event.

First a plan, which whoever decides sees: how many events, which fields. Then acts, each of so many events at most, that
say which fields were erased, with the commitment to each: the log still proves that something was recorded, when, and
that nothing else was changed. The account and the seats of a person are not of the log; what these events made is no
longer told by them (`organization/replay/`).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import orjson
from sqlalchemy import Connection

from minutebook.actions.log_custody import FieldsErased
from minutebook.custody.elsewhere import Elsewhere, named_elsewhere, naming
from minutebook.custody.holds import held_by
from minutebook.custody.kept import KEPT_ACTIONS
from minutebook.custody.ledger import Ledger
from minutebook.email_address import normal_email
from minutebook.errors import Conflict, Invalid, NotFound
from minutebook.filters import Filter, filter_of
from minutebook.filters.expression import Term, any_of
from minutebook.filters.term_values import ActorValue
from minutebook.model import Event, Json, Seat
from minutebook.organization import people, wording
from minutebook.permissions import Permission
from minutebook.record import NO_CHANGE, Act, Command, NoChange, perform
from minutebook.store import log, search
from minutebook.store.engine import Store
from minutebook.store.erase import erase_fields
from minutebook.store.log import disclosures_of
from minutebook.store.scope import Scope

AT_ONCE = 1_000
"""Events in one act."""
OWN = ("actor.email", "actor.name", "context.ip", "context.user_agent", "context.session_id")
"""What is erased of the acts of a person: who they were is then told by their id alone."""
STAYS = frozenset({"actor.kind", "actor.id", "details.v"})
"""What cannot be erased: it says nothing of anybody, and without it an event cannot be read."""
MAX_REASON = 500
ID = re.compile(r"usr_[a-z0-9]+")
TARGET = re.compile(r"targets\.[0-9]+")

Fields = Mapping[int, Collection[str]]
"""Number of the event → the paths of what is erased of it."""


@dataclass(frozen=True)
class Plan:
    """What would be erased. `subject` is the id of the person and `email` their address, if it is one; `held` are the
    numbers of the events of which nothing is erased, since a legal hold is on them; `elsewhere` is what names the
    person beside the log, where an erasure leaves it."""

    fields: Fields
    subject: str | None = None
    held: tuple[int, ...] = ()
    email: str | None = None
    elsewhere: tuple[Elsewhere, ...] = ()

    @property
    def events(self) -> int:
        return len(self.fields)

    @property
    def number(self) -> int:
        """How many fields."""
        return sum(map(len, self.fields.values()))

    @property
    def by_path(self) -> dict[str, int]:
        """How many fields of each path, targets together; the most frequent first."""
        counts = Counter(TARGET.sub("targets", path) for paths in self.fields.values() for path in paths)
        return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))

    @property
    def digest(self) -> str:
        """Stands for the plan: who approves it approves no other."""
        written = sorted((seq, sorted(paths)) for seq, paths in self.fields.items())
        return hashlib.sha256(orjson.dumps(written)).hexdigest()


def plan_person(connection: Connection, organization: int, person: str) -> Plan:
    """All that names a person, given by their address or their id: by both, if they have an account. Raises Invalid on
    `person`, TooSlow."""
    user, email = _known_as(connection, person)
    head = log.read_head(connection, organization)
    found = Scope(organization, head.size)
    names = [name for name in (user, email) if name]
    asked = [Term("text", name) for name in names]
    if user:
        asked.append(Term("actor", ActorValue("id", user)))
    fields: dict[int, tuple[str, ...]] = {}
    held = []
    is_held = held_by(connection, organization)
    for event in _found(connection, found, filter_of(any_of(asked))):
        if not (paths := tuple(_of_person(event, user, email))):
            continue
        if is_held(event):
            held.append(event.seq)
        else:
            fields[event.seq] = paths
    return Plan(fields, user, tuple(held), email, tuple(named_elsewhere(connection, organization, names)))


def _known_as(connection: Connection, person: str) -> tuple[str | None, str | None]:
    """The id and the address of a person, as far as they are known."""
    if ID.fullmatch(person):
        try:
            return person, people.user_by_id(connection, person).email
        except NotFound:  # an account that is gone may be named all the same
            return person, None
    try:
        email = normal_email(person)
    except Invalid as invalid:
        raise Invalid.one("person", f"Enter an address, or an id such as usr_k3v9d2m7q5xa. {invalid.message}") from None
    user = people.find_user(connection, email)
    return user.id if user else None, email


def plan_field(connection: Connection, organization: int, seq: int, path: str) -> Plan:
    """One field of one event. Raises NotFound, Invalid for a field that is not there or stays."""
    event = log.find(connection, organization, seq)
    if path not in (there := tuple(erasable(event))):
        raise Invalid.one("path", f"Event {seq:,} has no such field to erase. It has: {', '.join(there) or 'none'}.")
    if held_by(connection, organization)(event):
        return Plan({}, held=(seq,))
    return Plan({seq: (path,)})


def _found(connection: Connection, scope: Scope, filter_: Filter) -> Iterator[Event]:
    first = 0
    while events := search.window(connection, scope, filter_, first=first, limit=AT_ONCE):
        yield from events
        first = events[-1].seq + 1


def erasable(event: Event) -> Iterator[str]:
    """The paths of what the event says of anything and can be erased."""
    for path, text in disclosures_of(event).items():
        stays = path in STAYS or (path.startswith("details.") and event.action in KEPT_ACTIONS)
        if text not in (b"", b"null") and not stays:
            yield path


def _of_person(event: Event, user: str | None, email: str | None) -> Iterator[str]:
    is_own = event.actor.id == user if user else event.actor.email == email
    named = naming(*(name for name in (user, email) if name))
    disclosed = disclosures_of(event)
    for path in erasable(event):
        is_their_own = path in OWN or event.action == "user.profile_change"  # whose details are names of theirs
        if (is_own and is_their_own) or any(map(named, _strings(orjson.loads(disclosed[path])))):
            yield path


def _strings(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from _strings(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _strings(inner)


def _values(event: Event, paths: Collection[str]) -> Iterator[str]:
    """What fields of an event say: their texts and numbers, also those within, but not of what kind a target is."""
    disclosed = disclosures_of(event)
    for path in paths:
        value = orjson.loads(disclosed[path] or b"null")
        is_target = TARGET.fullmatch(path) and value is not None
        yield from _said([value["id"], value["name"]] if is_target else value)


def _said(value: Json) -> Iterator[str]:
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        yield str(value)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _said(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _said(inner)


def _check_reason(reason: str, values: Collection[str | None]) -> None:
    """Raises Invalid on `reason` where it says one of the values as a whole."""
    lower = reason.lower()
    found = [value for value in values if value and value.lower() in lower and naming(value)(reason)]
    if found:
        said = ", ".join(sorted(found, key=len, reverse=True))
        raise Invalid.one("reason", f"The reason stays in the log for good. Leave out what is being erased: {said}.")


@dataclass(frozen=True)
class EraseFields(Command):
    """Erases fields of at most AT_ONCE events, and says which. Raises Invalid on `reason`, also where that says what is
    to be erased, Conflict where a legal hold is on one of the events."""

    needs: ClassVar = Permission.LOG_ERASE
    behind_seal: ClassVar = True  # the law does not ask whether the organization is still there

    fields: Fields
    reason: str
    ledger: Ledger
    subject: str | None = None
    part: int = 1
    parts: int = 1

    def change(self, act: Act) -> FieldsErased | NoChange:
        reason = wording.name(self.reason, "reason", "The reason", limit=MAX_REASON)
        if len(self.fields) > AT_ONCE:
            raise ValueError(f"at most {AT_ONCE} events")
        is_held = held_by(act.connection, act.organization)
        may_go: dict[int, set[str]] = {}
        values = set[str]()
        for event in log.events(act.connection, act.organization, sorted(self.fields)):
            if is_held(event):
                raise Conflict(f"A legal hold is on event {event.seq:,}. Nothing was erased; look at the plan again.")
            may_go[event.seq] = set(self.fields[event.seq]).intersection(erasable(event))
            values.update(_values(event, may_go[event.seq]))
        _check_reason(reason, values - {self.subject})
        lost = erase_fields(act.connection, act.organization, may_go)
        if not lost:
            return NO_CHANGE
        self.ledger.write(log.read_head(act.connection, act.organization).log_id, act.at, lost)
        return told(lost, reason, self.subject, part=self.part, parts=self.parts)


def told(
    lost: Collection[tuple[int, str, bytes]], reason: str, subject: str | None = None, *, part: int, parts: int
) -> FieldsErased:
    """What is recorded of an erasure: number of the event, path and commitment of each field that is gone."""
    return FieldsErased(
        subject=subject,
        reason=reason,
        events=len({seq for seq, _, _ in lost}),
        fields=len(lost),
        erased=tuple((seq, path, digest.hex()) for seq, path, digest in lost),
        part=part,
        parts=parts,
    )


def erase(store: Store, seat: Seat, plan: Plan, reason: str, ledger: Ledger) -> list[Event]:
    """Does what the plan says, act by act; the events that say so. What an interruption leaves undone is done by asking
    again. What processes have in memory and what is left in files goes within a second (`store/index.py`).

    Raises Invalid on `reason` where that says a value that any of the acts erases: it stays in the log."""
    seqs = sorted(plan.fields)
    batches = [seqs[at : at + AT_ONCE] for at in range(0, len(seqs), AT_ONCE)]
    values = {plan.email} if plan.email else set[str]()
    with store.reading() as connection:
        for batch in batches:
            for one in log.events(connection, seat.organization, batch):
                values.update(_values(one, plan.fields[one.seq]))
    _check_reason(reason, values - {plan.subject})
    done = []
    for part, batch in enumerate(batches, 1):
        fields = {seq: plan.fields[seq] for seq in batch}
        event = perform(store, seat, EraseFields(fields, reason, ledger, plan.subject, part, len(batches)))
        if isinstance(event, Event):
            done.append(event)
    return done
