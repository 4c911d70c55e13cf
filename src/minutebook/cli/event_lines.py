"""An event, as it is given to programs, told to people at the command line."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import orjson

from minutebook.actions import sentence
from minutebook.actions.parts import plain
from minutebook.model import Outcome, to_micros

OUTCOMES: dict[str, str] = {Outcome.SUCCESS: "", Outcome.FAILURE: "Failed: ", Outcome.DENIED: "Denied: "}


class Told(NamedTuple):
    """When (UTC microseconds), which action, by whom, and what was done. What people once typed is not inert yet."""

    occurred_at: int
    action: str
    actor: str
    says: str


def tell(line: bytes) -> Told:
    """What people read of an event; also of one that only another version of Minutebook can read."""
    event: dict[str, Any] = orjson.loads(line)
    actor, outcome = event["actor"], event["outcome"]
    done = plain(sentence(event["action"], event["details"], event.get("erased", ())))
    return Told(
        to_micros(datetime.fromisoformat(event["occurred_at"])),
        event["action"],
        actor["email"] or actor["name"] or actor["id"],
        OUTCOMES.get(outcome, f"{outcome}: ") + done,
    )
