"""The JSON of an event as programs read it: one shape, wherever an event leaves Minutebook."""

from __future__ import annotations

import orjson

from minutebook.evidence import leaf
from minutebook.model import Actor, Context, Event, Target, rfc3339


def event_json(event: Event) -> bytes:
    """One line without a line feed: every key is there, null where nothing is known; times in RFC 3339, details as
    they were recorded."""
    return orjson.dumps(
        {
            "v": leaf.VERSION,
            "seq": event.seq,
            "id": event.id,
            "recorded_at": rfc3339(event.recorded_at),
            "occurred_at": rfc3339(event.occurred_at),
            "action": event.action,
            "outcome": event.outcome.value,
            "actor": _actor(event.actor),
            "targets": [_target(target) for target in event.targets],
            "context": _context(event.context),
            "details": event.details,
        }
    )


def _actor(actor: Actor) -> dict[str, str | None]:
    return {
        "kind": actor.kind.value,
        "id": actor.id,
        "email": actor.email,
        "name": actor.name,
        "on_behalf_of": actor.on_behalf_of,
        "credential": actor.credential,
    }


def _target(target: Target) -> dict[str, str]:
    return {"kind": target.kind, "id": target.id, "name": target.name}


def _context(context: Context) -> dict[str, str | None]:
    return {
        "ip": context.ip,
        "user_agent": context.user_agent,
        "request_id": context.request_id,
        "session_id": context.session_id,
        "client": context.client,
    }
