"""The log: what is written is read back to the byte, whatever people typed, and nothing is found where nothing is."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from minutebook.errors import LeafTooLarge, NotCanonical, NotFound
from minutebook.evidence.leaf import disclose
from minutebook.model import Actor, ActorKind, Context, Event, Json, Outcome, Target
from minutebook.store import log, schema
from tests.support import stored
from tests.support.check_log import check_chain
from tests.support.deployment import Deployment
from tests.support.walk import FILLED, OTHER

HOSTILE = [
    "NUL \0 and ESC \x1b[2J",
    "CR\r\nLF\tTAB",
    "\u202eright to left\u2066",
    "<script>alert(1)</script>",
    "=1+1",
    "'; DROP TABLE event; --",
    "{member.__class__} %s {0}",
    "🦊" * 1000,
    "",
    "x" * 100_000,
]


def append(deployment: Deployment, details: dict[str, Json], actor: Actor, context: Context, *targets: Target) -> Event:
    draft = log.Draft("mode.delete", Outcome.SUCCESS, actor, targets, context, details)
    with deployment.store.acting() as connection:
        head = log.lock_head(connection, FILLED)
        return log.append(connection, head, draft, at=deployment.clock(), randomness=deployment.store.randomness)


def test_hostile_text_is_kept_as_it_is(filled: Deployment) -> None:
    for text in HOSTILE:
        event = append(
            filled,
            {"v": 1, "mode": text, "name": text},
            Actor(ActorKind.USER, text, text, text, text, text),
            Context(text, text, text, text, text),
            Target(text, text, text),
        )
        with filled.store.reading() as connection:
            assert log.find(connection, FILLED, event.seq) == event
    with filled.store.reading() as connection:
        (head,) = (head for head in stored.heads(connection) if head.organization == FILLED)
        events = stored.events(connection, FILLED)
        # the indexed actor is normal text, so only that may differ here
        problems = [problem for problem in check_chain(head, events) if "indexed actor" not in problem]
    assert problems == []
    assert [event.details["name"] for event in events[-len(HOSTILE) :]] == HOSTILE


def test_what_has_no_canonical_text_is_refused_and_nothing_is_there(filled: Deployment) -> None:
    size = filled.size(FILLED)
    refused: list[dict[str, Json]] = [{"v": 1, "mode": "m", "name": "\ud800"}, {"v": 2**60, "mode": "m", "name": "n"}]
    for details in refused:
        with pytest.raises(NotCanonical):
            append(filled, details, Actor(ActorKind.SYSTEM, "cli"), Context())
    assert filled.size(FILLED) == size
    filled.check()


def test_a_leaf_that_is_too_large_is_refused_and_nothing_is_there(filled: Deployment) -> None:
    targets = [Target("user", f"usr_{number}", "x") for number in range(2000)]
    with pytest.raises(LeafTooLarge):
        append(filled, {"v": 1, "mode": "m", "name": "n"}, Actor(ActorKind.SYSTEM, "cli"), Context(), *targets)
    filled.check()


def test_a_batch_is_stored_as_one_after_the_other(filled: Deployment) -> None:
    drafts = []
    for at, name in enumerate(HOSTILE, start=filled.clock.now):
        for actor in (Actor(ActorKind.SYSTEM, "cli"), Actor(ActorKind.USER, "usr_1", "ada@x.example", name)):
            details: dict[str, Json] = {"v": 1, "mode": "m", "name": name}
            target = Target("mode", "m", name)
            drafts.append((log.Draft("mode.delete", Outcome.SUCCESS, actor, (target,), Context(ip=name), details), at))

    def stored_by(write: Callable[[Connection, log.Head], None]) -> tuple[list[Any], log.Head]:
        """The new rows and the head that it would leave, undone again."""
        with filled.store.acting() as connection:
            head = log.lock_head(connection, FILLED)
            write(connection, head)
            event = schema.event.c
            new = event.position.between(log.position(FILLED, head.size), log.position(FILLED, log.SEQ_MASK))
            rows = connection.execute(select(schema.event).where(new).order_by(event.position)).all()
            after = log.lock_head(connection, FILLED)
            connection.rollback()
            return list(rows), after

    def one_by_one(connection: Connection, _head: log.Head) -> None:
        chance = random.Random(1).randbytes
        for draft, at in drafts:
            log.append(connection, log.lock_head(connection, FILLED), draft, at=at, randomness=chance)

    def at_once(connection: Connection, head: log.Head) -> None:
        log.append_many(connection, head, drafts, random.Random(1).randbytes)

    rows, head = stored_by(at_once)
    assert (rows, head) == stored_by(one_by_one)
    assert len(rows) == len(drafts)
    assert stored_by(lambda connection, head: log.append_many(connection, head, [], random.randbytes))[0] == []
    with filled.store.acting() as connection:
        at_once(connection, log.lock_head(connection, FILLED))
    with filled.store.reading() as connection:
        (found,) = (found for found in stored.heads(connection) if found.organization == FILLED)
        assert list(check_chain(found, stored.events(connection, FILLED))) == []


@pytest.mark.parametrize("seq", [-1, -(2**70), 2**40, 2**40 + 1, 2**63, 10_000])
def test_there_is_nothing_where_nothing_is(filled: Deployment, seq: int) -> None:
    with filled.store.reading() as connection, pytest.raises(NotFound):
        log.find(connection, FILLED, seq)


def test_nobody_s_log_is_not_found(filled: Deployment) -> None:
    for organization in (0, -1, 99, 2**22):
        with filled.store.reading() as connection:
            assert list(log.events(connection, organization)) == []
            with pytest.raises(NotFound):
                log.read_head(connection, organization)
            with pytest.raises(NotFound):
                log.find(connection, organization, 0)
        with filled.store.acting() as connection, pytest.raises(NotFound):
            log.lock_head(connection, organization)


def test_some_events_are_read_in_order_each_once(filled: Deployment) -> None:
    with filled.store.reading() as connection:
        assert [event.seq for event in log.events(connection, FILLED, [7, 3, 3, 99_999])] == [3, 7]
        assert [event.seq for event in log.events(connection, OTHER, [0, 7])] == [0]


@given(st.integers(0, 2**47 * 1000), st.binary(min_size=10, max_size=10))
def test_ids_are_version_7_and_keep_the_time(at: int, chance: bytes) -> None:
    made = uuid.UUID(log.event_id(at, lambda size: chance[:size]))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == at // 1000


def test_everything_that_can_be_erased_is_disclosed_by_itself() -> None:
    disclosed = disclose(
        Actor(ActorKind.SYSTEM, "cli"), (Target("a", "b", "c"), Target("d", "e", "f")), Context(), {"v": 1}
    )
    assert list(disclosed) == [
        *(f"actor.{name}" for name in stored.ACTOR),
        *(f"context.{name}" for name in stored.CONTEXT),
        "targets.0",
        "targets.1",
        "details.v",
    ]
