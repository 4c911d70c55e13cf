"""The oracle: what clients were told and what is stored, laid side by side. It runs at the end of every scenario.

Every acknowledged event is stored exactly once and as it was shown, one with an unknown outcome at most once, and
nothing else is there; `seq` has no gap; each writer's order is kept; leaves re-hash, commitments open, the root is the
head's; replaying the events rebuilds what the organization has; counts equal a recount.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection

from minutebook.filters import EVERYTHING, Filter, filter_of
from minutebook.filters.expression import Term
from minutebook.filters.moments import ANYWHERE
from minutebook.filters.term_values import parse_actor
from minutebook.model import Event
from minutebook.organization.differences import check_organization, differences
from minutebook.store import survey
from minutebook.store.check_index import check_index
from minutebook.store.engine import Store
from minutebook.store.scope import Scope
from tests.support import replay, stored
from tests.support.stored import Stored, StoredHead
from tests.support.told import Answer, Attempt, Told

Logs = dict[int, list[Stored]]


class LogViolation(AssertionError):
    """What is stored is not what it must be."""


def check_log(store: Store, told: Told | None = None, *, after: int = 0) -> Logs:
    """Raises LogViolation with everything that is wrong; returns the events of each organization.

    Without `told` only the store is looked at. Organizations with a number up to `after` belong to somebody else.
    """
    logs, problems = problems_of(store, told, after=after)
    if problems:
        raise LogViolation("\n".join(problems))
    return logs


def problems_of(store: Store, told: Told | None = None, *, after: int = 0) -> tuple[Logs, list[str]]:
    """The events of each organization, and what is wrong."""
    logs: Logs = {}
    problems: list[str] = []
    with store.reading() as connection:
        for head in stored.heads(connection):
            if head.organization <= after:
                continue
            events = logs[head.organization] = stored.events(connection, head.organization)
            found = [*check_chain(head, events), *_check_state(connection, head.organization, events)]
            ours = list(check_organization(connection, head.organization))
            ours += [] if ours else check_index(connection, head.organization)
            found += [f"Minutebook's own check finds: {finding}" for finding in ours]
            if not found:  # counts of a broken log say nothing new, and may not be possible at all
                found += _check_counts(connection, head, events)
            problems += [f"organization {head.organization}: {problem}" for problem in found]
        problems += _check_acts(connection)
    if told is not None:
        problems += check_told(logs, told)
    return logs, problems


def check_chain(head: StoredHead, events: Sequence[Stored]) -> Iterator[str]:
    """The log as such: dense, each leaf re-hashed from its disclosures, the root recomputed."""
    numbers = [event.seq for event in events]
    if numbers != list(range(len(events))):
        gap = next(expected for expected, seq in enumerate([*numbers, -1]) if seq != expected)
        yield f"seq {gap} is missing, or there twice"
    if head.size != len(events):
        yield f"the head counts {head.size} events; {len(events)} are stored"
    for event in events:
        yield from (f"seq {event.seq}: {problem}" for problem in _check_event(head, event))
    hashes = [event.leaf_hash for event in events]
    if stored.peaks(hashes) != head.peaks:
        yield "the head's peaks are not those of the leaves"
    if _folded(head.peaks) != stored.root(hashes):
        yield "the root of the leaves is not the head's"
    yield from _check_gone(events)
    for id_, times in Counter(event.id for event in events if not event.is_pruned).items():
        if times > 1:
            yield f"the id {id_} is there {times} times"


def _check_gone(events: Sequence[Stored]) -> Iterator[str]:
    """What is missing is what events behind it say is gone, and nothing else."""
    told: dict[tuple[int, str], str] = {}
    pruned: list[int] = []
    for event in events:
        if event.action == "log.erase":
            told |= {(seq, path): digest for seq, path, digest in event.details["erased"] if seq < event.seq}
        if event.action == "log.prune":
            numbers = [seq for first, last in event.details["ranges"] for seq in range(first, last + 1)]
            if (event.details["count"], numbers[0], numbers[-1]) != (len(numbers), *_ends(event)):
                yield f"seq {event.seq} counts the pruned wrong"
            pruned += [seq for seq in numbers if seq < event.seq]
    gone = {(event.seq, path): digest for event in events for path, digest in event.erased.items()}
    if sorted(pruned) != [event.seq for event in events if event.is_pruned]:
        yield "the pruned events are not those that the log says were pruned"
    if {key: digest for key, digest in told.items() if key[0] not in set(pruned)} != gone:
        yield "the erased fields are not those that the log says were erased"


def _check_clock(events: Sequence[Stored]) -> Iterator[str]:
    """The first event that was recorded earlier than the one before it says how far the clock went back, and no other
    does."""
    for before, event in pairwise(events):
        told = {"v": 1, "before": before.recorded_at, "after": event.recorded_at}
        is_back = event.recorded_at < before.recorded_at
        is_step = event.action == "log.clock_step" and event.details["after"] < event.details["before"]
        if is_back != is_step or (is_step and (event.details != told or event.actor["kind"] != "system")):
            yield f"seq {event.seq}: the clock went back, and it does not say so, or it says so and it did not"


def _ends(event: Stored) -> tuple[int, int]:
    return event.details["first"], event.details["last"]


def _check_event(head: StoredHead, event: Stored) -> Iterator[str]:
    if event.position >> 40 != event.organization or event.organization != head.organization:
        yield f"position {event.position} is not in organization {event.organization}"
    if event.is_pruned:
        return
    try:
        lines = list(stored.lines_of(event.disclosures))
        values = event.values
    except ValueError as error:
        yield f"the disclosures cannot be read: {error}"
        return
    if any(text != stored.canonical(values[path]) for path, text in lines if text):
        yield "a disclosure is not canonical JSON"
    if [path for path, _ in lines] != _expected_paths(event):
        yield "the paths of the disclosures are not those of an event"
    if stored.leaf_hash(stored.leaf(head.log_of(event.seq), event)) != event.leaf_hash:
        yield "the leaf does not re-hash"
        return
    milliseconds = int(event.id.replace("-", "")[:12], 16)
    if milliseconds != event.recorded_at // 1000 or (event.id[14], event.id[19] in "89ab") != ("7", True):
        yield f"{event.id} is not the UUIDv7 of its time"
    if event.occurred_at != event.recorded_at:
        yield "an act of our own occurred when it was recorded"


def _expected_paths(event: Stored) -> list[str]:
    targets = range(len(event.group("targets")))
    return [
        *(f"actor.{name}" for name in stored.ACTOR),
        *(f"context.{name}" for name in stored.CONTEXT),
        *(f"targets.{number}" for number in targets),
        "details.v",
        *(f"details.{name}" for name in event.details if name != "v"),
    ]


def _folded(peaks: bytes) -> bytes:
    parts = [peaks[at : at + 32] for at in range(0, len(peaks), 32)]
    if not parts:
        return stored.root([])
    root = parts.pop()
    while parts:
        root = hashlib.sha256(b"\x01" + parts.pop() + root).digest()
    return root


def _check_state(connection: Connection, organization: int, events: Sequence[Stored]) -> list[str]:
    try:
        state, problems = replay.replay(list(events))
    except ValueError as error:
        return [f"the log cannot be replayed: {error}"]
    return problems + list(differences(connection, organization, state))


def _called(actor: Mapping[str, Any]) -> str | None:
    """What `actor:` finds an actor by, and nobody else."""
    kind: str = actor["kind"]
    return actor["email"] or ("system" if kind == "system" else None if kind == "user" else actor["id"])


def _check_counts(connection: Connection, head: StoredHead, events: Sequence[Stored]) -> Iterator[str]:
    scope = Scope(head.organization, head.size)
    events = [event for event in events if not event.is_pruned]
    actions = Counter(event.action for event in events)
    actors = Counter(called for event in events if (called := _called(event.actor)))
    if survey.count_by(connection, scope, EVERYTHING, "action") != actions:
        yield "the count by action is not a recount"
    if survey.count_by_actor(connection, scope, EVERYTHING, 10_000) != actors:
        yield "the count by actor is not a recount"
    filters = [(EVERYTHING, len(events))]
    filters += [(Filter(actions=(action,)), number) for action, number in actions.items()]
    filters += [(filter_of(Term("actor", parse_actor(name, ANYWHERE))), number) for name, number in actors.items()]
    for filter_, number in filters:
        found = survey.count(connection, scope, filter_).number
        if found != number:
            yield f"{filter_} finds {found} events; there are {number}"


def _check_acts(connection: Connection) -> Iterator[str]:
    rows = connection.exec_driver_sql(
        "SELECT act.position FROM act LEFT JOIN event ON event.position = act.position WHERE event.position IS NULL"
    )
    for (position,) in rows:
        yield f"organization {position >> 40}: seq {position & (2**40 - 1)} was acted and is not recorded"


def check_told(logs: Logs, told: Told) -> Iterator[str]:
    """What clients were told beside what is stored."""
    by_request: dict[str | None, list[Stored]] = defaultdict(list)
    unknown = set[int]()
    shown = {(event.organization, event.seq): a.request for a in told.attempts.values() for event in a.events}
    for organization, events in logs.items():
        yield from (f"organization {organization}: {problem}" for problem in _check_clock(events))
        for event in events:
            is_gone = event.is_pruned or "context.request_id" in event.erased
            request = shown.get((event.organization, event.seq)) if is_gone else event.context["request_id"]
            if request is not None or not (is_gone or event.action == "log.clock_step"):
                by_request[request].append(event)
            elif is_gone:  # and the answer was lost: nobody can say whose it was
                unknown.add(organization)
    for request in by_request.keys() - told.attempts.keys():
        yield f"{by_request[request][0].action} of request {request} is stored, and nobody asked for it"
    for attempt in told.attempts.values():
        found = by_request.get(attempt.request, [])
        yield from (f"request {attempt.request}: {problem}" for problem in _check_attempt(attempt, found, unknown))
    yield from _check_order(told.attempts.values(), by_request.get)


def _check_attempt(attempt: Attempt, found: Sequence[Stored], unknown: set[int]) -> Iterator[str]:
    places = {event.organization for event in found}
    if len(found) > (1 if attempt.everywhere is None else len(places)):
        yield f"is stored {len(found)} times"
    if attempt.everywhere is not None and places and not places <= attempt.everywhere <= places | unknown:
        yield f"is stored in organizations {sorted(places)}, and not in all of {sorted(attempt.everywhere)}"
    if attempt.answer is Answer.ACKNOWLEDGED and not found:
        yield "was acknowledged and is not stored"
    if attempt.answer is Answer.NOTHING and found:
        yield f"was refused, and {found[0].action} is stored"
    for event in found:
        if attempt.organization not in (None, event.organization):
            yield f"was asked in organization {attempt.organization} and is stored in {event.organization}"
        for shown in attempt.events:
            if shown.organization == event.organization:
                yield from _check_shown(shown, event)


def _check_shown(shown: Event, event: Stored) -> Iterator[str]:
    if event.is_pruned:
        return
    columns = ("organization", "seq", "id", "recorded_at", "occurred_at", "action", "outcome")
    expected = {name: getattr(shown, name) for name in columns} | {
        "actor": asdict(shown.actor),
        "context": asdict(shown.context),
        "targets": [asdict(target) for target in shown.targets],
        "details": dict(shown.details),
    }
    for group, name in (path.split(".") for path in event.erased):
        expected[group][int(name) if group == "targets" else name] = None
    for name, value in expected.items():
        if getattr(event, name) != value:
            yield f"{name} was shown as {value!r} and is stored as {getattr(event, name)!r}"


def _check_order(attempts: Iterable[Attempt], found: Callable[[str], list[Stored] | None]) -> Iterator[str]:
    last: dict[tuple[str, int], int] = {}
    for attempt in sorted(attempts, key=lambda attempt: attempt.number):
        for event in found(attempt.request) or []:
            key = (attempt.writer, event.organization)
            if last.get(key, -1) >= event.seq:
                yield f"{attempt.writer} in organization {event.organization}: seq {event.seq} is out of order"
            last[key] = event.seq
