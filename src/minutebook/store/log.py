"""The log: its head, the append, and reading events back. Nothing here changes or deletes an event.

What was erased of an event is read back as None; an event that was pruned is not there.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Row, bindparam, insert, select, update

from minutebook.errors import NotFound
from minutebook.evidence.leaf import SECRET_SIZE, Facts, disclose, leaf_of
from minutebook.evidence.tree import CompactRange, leaf_hash
from minutebook.model import ERASED_TARGET, Actor, ActorKind, Context, Event, Json, Outcome, Randomness, Target
from minutebook.store import body, schema


class Stored(NamedTuple):
    """What is stored of an event, as far as it is needed to show it; see `is_pruned`."""

    position: int
    id: str
    recorded_at: int
    occurred_at: int
    action: str
    outcome: str
    disclosures: bytes


SHOWN = tuple(schema.event.c[name] for name in Stored._fields)
"""The columns of `Stored`."""
SEQ_MASK = (1 << schema.SEQ_BITS) - 1

# Built once: every act runs these, and building a statement costs more than running it.
_SELECT_HEAD = select(schema.log_head).where(schema.log_head.c.organization == bindparam("of"))
_LOCK_HEAD = _SELECT_HEAD.with_for_update()
_INSERT_EVENT = insert(schema.event)
_MOVE_HEAD = (
    update(schema.log_head)
    .where(schema.log_head.c.organization == bindparam("of"))
    .values(size=bindparam("new_size"), peaks=bindparam("new_peaks"), recorded_at=bindparam("at"))
)


@dataclass(frozen=True, slots=True)
class Head:
    """The state of one log: its id and its tree. Held only while the head is locked, never cached."""

    organization: int
    log_id: str
    tree: CompactRange
    recorded_at: int
    """When the last event was recorded, in UTC microseconds; 0 in an empty log."""

    @property
    def size(self) -> int:
        return self.tree.size


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before it has a place in the log."""

    action: str
    outcome: Outcome
    actor: Actor
    targets: tuple[Target, ...]
    context: Context
    details: Mapping[str, Json]


def position(organization: int, seq: int) -> int:
    """The key of an event: see `schema.SEQ_BITS`."""
    return organization << schema.SEQ_BITS | seq


def new_log_id(randomness: Randomness) -> str:
    """An id that no other log has."""
    return f"log_{randomness(16).hex()}"


def start_log(connection: Connection, randomness: Randomness) -> Head:
    """A new, empty log; its organization gets the next free number."""
    log_id = new_log_id(randomness)
    statement = insert(schema.log_head).values(log_id=log_id, size=0, peaks=b"", recorded_at=0)
    number = connection.execute(statement.returning(schema.log_head.c.organization)).scalar_one()
    return Head(number, log_id, CompactRange(), 0)


def rename(connection: Connection, head: Head, log_id: str) -> Head:
    """Lets the log go on under another id, that of a generation which begins with its next event. The head must be
    locked."""
    here = schema.log_head.c.organization == head.organization
    connection.execute(update(schema.log_head).where(here).values(log_id=log_id))
    return replace(head, log_id=log_id)


def lock_head(connection: Connection, organization: int) -> Head:
    """The head, locked until the transaction ends: whoever comes next waits here. Raises NotFound."""
    return _head(connection, organization, lock=True)


def read_head(connection: Connection, organization: int) -> Head:
    """The head as this snapshot sees it. Raises NotFound."""
    return _head(connection, organization, lock=False)


def _head(connection: Connection, organization: int, *, lock: bool) -> Head:
    row = connection.execute(_LOCK_HEAD if lock else _SELECT_HEAD, {"of": organization}).one_or_none()
    if row is None:
        raise NotFound
    return Head(organization, row.log_id, CompactRange.from_bytes(row.size, row.peaks), row.recorded_at)


def append(connection: Connection, head: Head, draft: Draft, *, at: int, randomness: Randomness) -> Event:
    """Adds one event behind the last one, recorded at `at` (UTC microseconds). The head must be locked.

    A crash before the commit leaves neither event nor act; after it, both.
    """
    event = _event_of_draft(head, head.size, draft, at, randomness)
    row = _row_of(event, head, randomness)
    connection.execute(_INSERT_EVENT, row)
    _move(connection, head, head.tree.append(row["leaf_hash"]), at)
    return event


def append_many(
    connection: Connection, head: Head, drafts_with_times: Iterable[tuple[Draft, int]], randomness: Randomness
) -> None:
    """Adds the events behind the last one, in their order, each recorded at its time (UTC microseconds).

    The head must be locked. What is stored is what `append` stores for one after the other.
    """
    tree, rows, at = head.tree, [], head.recorded_at
    for draft, at in drafts_with_times:
        row = _row_of(_event_of_draft(head, tree.size, draft, at, randomness), head, randomness)
        rows.append(row)
        tree = tree.append(row["leaf_hash"])
    if rows:
        connection.execute(_INSERT_EVENT, rows)
        _move(connection, head, tree, at)


def _event_of_draft(head: Head, seq: int, draft: Draft, at: int, randomness: Randomness) -> Event:
    return Event(
        organization=head.organization,
        seq=seq,
        id=event_id(at, randomness),
        recorded_at=at,
        occurred_at=at,
        action=draft.action,
        outcome=draft.outcome,
        actor=draft.actor,
        targets=draft.targets,
        context=draft.context,
        details=draft.details,
    )


def _row_of(event: Event, head: Head, randomness: Randomness) -> dict[str, Any]:
    """The event as a row, with a secret of its own and the hash of its leaf."""
    disclosures = disclose(event.actor, event.targets, event.context, event.details)
    secret = randomness(SECRET_SIZE)
    return {
        "position": position(event.organization, event.seq),
        "organization": event.organization,
        "id": event.id,
        "recorded_at": event.recorded_at,
        "occurred_at": event.occurred_at,
        "action": event.action,
        "outcome": event.outcome.value,
        "disclosures": body.pack(disclosures),
        "secret": secret,
        "leaf_hash": leaf_hash(leaf_of(facts_of(event, head.log_id), secret, disclosures)),
    }


def _move(connection: Connection, head: Head, tree: CompactRange, at: int) -> None:
    moved = {"of": head.organization, "new_size": tree.size, "new_peaks": tree.to_bytes(), "at": at}
    connection.execute(_MOVE_HEAD, moved)


def event_id(at: int, randomness: Randomness) -> str:
    """A UUIDv7 (RFC 9562, section 5.7) of a time in UTC microseconds."""
    value = (at // 1000) << 80 | int.from_bytes(randomness(10))
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def facts_of(event: Event, log_id: str) -> Facts:
    """What the leaf of an event says openly; the log id is the one of its generation (`generations.log_of`)."""
    return Facts(log_id, event.seq, event.id, event.recorded_at, event.occurred_at, event.action, event.outcome.value)


def event_of(row: Stored | Row[Any]) -> Event:
    """The event in a row of the table `event`, of which at least SHOWN was selected."""
    text, erased = body.json_of(row.disclosures)
    disclosed = orjson.loads(b"{" + text + b"}")
    actor = disclosed["actor"]
    return Event(
        organization=row.position >> schema.SEQ_BITS,
        seq=seq_of(row),
        id=row.id,
        recorded_at=row.recorded_at,
        occurred_at=row.occurred_at,
        action=row.action,
        outcome=Outcome(row.outcome),
        actor=Actor(**{**actor, "kind": ActorKind(actor["kind"])}),
        targets=tuple(Target(**target) if target else ERASED_TARGET for target in disclosed["targets"]),
        context=Context(**disclosed["context"]),
        details=disclosed["details"],
        erased=frozenset(erased),
    )


def disclosures_of(event: Event) -> dict[str, bytes]:
    """The disclosures of an event as they are stored: path → canonical JSON text, empty for an erased one."""
    disclosed = disclose(event.actor, event.targets, event.context, event.details)
    return disclosed | dict.fromkeys(event.erased, b"")


def is_pruned(row: Stored | Row[Any]) -> bool:
    """Whether nothing is left of the event in a row but its number, its times and its hash."""
    return bool(row.disclosures == body.PRUNED)


def seq_of(row: Stored | Row[Any]) -> int:
    """The number of the event in a row of the table `event`."""
    return int(row.position) & SEQ_MASK


def events(connection: Connection, organization: int, seqs: Iterable[int] | None = None) -> Iterator[Event]:
    """Every event of an organization in the order of the log, or those with the given numbers, as far as they are
    there."""
    statement = select(schema.event).where(schema.event.c.organization == organization)
    if seqs is not None:
        statement = statement.where(schema.event.c.position.in_([position(organization, seq) for seq in seqs]))
    for row in connection.execute(statement.order_by(schema.event.c.position)):
        if not is_pruned(row):
            yield event_of(row)


def find(connection: Connection, organization: int, seq: int) -> Event:
    """One event by its number. Raises NotFound."""
    if not 0 <= seq <= SEQ_MASK:
        raise NotFound
    for event in events(connection, organization, [seq]):
        return event
    raise NotFound


def recorded_at(connection: Connection, organization: int, seq: int) -> int | None:
    """When an event was recorded (UTC microseconds); None where there is none."""
    table = schema.event.c
    found = connection.execute(select(table.recorded_at).where(table.position == position(organization, seq))).scalar()
    return None if found is None else int(found)


def leaf_hashes(connection: Connection, organization: int, seqs: Iterable[int]) -> dict[int, bytes]:
    """The 32 bytes that stand for each of these events in the tree of its log, by number."""
    table = schema.event.c
    statement = select(table.position, table.leaf_hash).where(
        table.position.in_([position(organization, seq) for seq in seqs])
    )
    return {row.position & SEQ_MASK: bytes(row.leaf_hash) for row in connection.execute(statement)}


def leaf_hash_of(connection: Connection, event: Event) -> bytes:
    """The 32 bytes that stand for the event in the tree of its log."""
    table = schema.event.c
    statement = select(table.leaf_hash).where(table.position == position(event.organization, event.seq))
    return bytes(connection.execute(statement).scalar_one())
