"""The JSON of an event for programs."""

from __future__ import annotations

from dataclasses import asdict

import orjson

from minutebook.model import Actor, ActorKind, Context, Event, Outcome, Target
from minutebook.store.event_json import event_json

BARE = Event(
    organization=1,
    seq=4,
    id="019a7870-42f0-7c1e-9b5d-2f6e0a417d33",
    recorded_at=1_793_923_200_000_000,
    occurred_at=1_793_923_200_000_001,
    action="user.login",
    outcome=Outcome.SUCCESS,
    actor=Actor(ActorKind.SYSTEM, "cli"),
    targets=(Target("user", "usr_abcdefghijkl", "Zoë\n\u202e"),),
    context=Context(),
    details={"v": 1, "names": ["ä", '"'], "inner": {"b": None, "a": True}},
)


def test_one_line_with_every_key_in_its_order() -> None:
    line = event_json(BARE)
    assert b"\n" not in line
    assert list(orjson.loads(line)) == [
        *("v", "seq", "id", "recorded_at", "occurred_at", "action", "outcome", "actor", "targets", "context"),
        "details",
    ]
    assert line.startswith(b'{"v":1,"seq":4,"id":"019a7870-42f0-7c1e-9b5d-2f6e0a417d33",')
    assert b'"occurred_at":"2026-11-06T00:00:00.000001Z"' in line


def test_no_field_of_an_event_is_left_out() -> None:
    """Whoever adds one to the model adds it here, or nobody can read it."""
    read = orjson.loads(event_json(BARE))
    assert read["actor"] == asdict(BARE.actor)
    assert read["targets"] == [asdict(target) for target in BARE.targets]
    assert read["context"] == asdict(BARE.context)
    assert read["details"] == BARE.details
    assert set(read) == set(asdict(BARE)) - {"organization", "erased"} | {"v"}
