"""The columns of an export as a table: one list, from which CSV, Parquet and the documentation derive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import orjson

from minutebook.actions import CATALOGUE

Read: TypeAlias = dict[str, Any]
"""The JSON of an event, read."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `of` takes its value from an event: a text or None; a number for `integer`; RFC 3339 for `time`."""

    name: str
    kind: Literal["text", "integer", "time"]
    help: str
    of: Callable[[Read], Any]
    is_json: bool = False


def _first_target(key: str) -> Callable[[Read], str | None]:
    return lambda event: event["targets"][0][key] if event["targets"] and event["targets"][0] else None


def _in(group: str, key: str) -> Callable[[Read], Any]:
    return lambda event: event[group][key]


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _title(event: Read) -> str | None:
    known = CATALOGUE.get(event["action"])
    return known.title if known else None


def _severity(event: Read) -> str | None:
    known = CATALOGUE.get(event["action"])
    return known.severity.label.lower() if known else None


COLUMNS: tuple[Column, ...] = (
    Column("seq", "integer", "Its number in the log, without gaps, from 0.", lambda event: event["seq"]),
    Column("id", "text", "Its id (UUID).", lambda event: event["id"]),
    Column("recorded_at", "time", "When it was recorded, UTC.", lambda event: event["recorded_at"]),
    Column("occurred_at", "time", "When it happened, UTC.", lambda event: event["occurred_at"]),
    Column("action", "text", "The name of the action; docs/actions.md has them all.", lambda event: event["action"]),
    Column("title", "text", "What people call the action.", _title),
    Column("severity", "text", "low, medium, high or critical.", _severity),
    Column("outcome", "text", "success, failure or denied.", lambda event: event["outcome"]),
    Column("actor_kind", "text", "What kind of actor did it.", _in("actor", "kind")),
    Column("actor_id", "text", "The id of who did it.", _in("actor", "id")),
    Column("actor_email", "text", "Their address, as it was then.", _in("actor", "email")),
    Column("actor_name", "text", "Their name, as it was then.", _in("actor", "name")),
    Column("actor_on_behalf_of", "text", "For whom they did it.", _in("actor", "on_behalf_of")),
    Column("actor_credential", "text", "By what they were known.", _in("actor", "credential")),
    Column("target_kind", "text", "What it was done to: the kind of the first target.", _first_target("kind")),
    Column("target_id", "text", "The id of the first target.", _first_target("id")),
    Column("target_name", "text", "The name of the first target, as it was then.", _first_target("name")),
    Column("targets", "text", "All targets, as JSON.", lambda event: _json(event["targets"]), is_json=True),
    Column("ip", "text", "The network address it came from.", _in("context", "ip")),
    Column("user_agent", "text", "What the client said of itself.", _in("context", "user_agent")),
    Column("request_id", "text", "The request that it was done by.", _in("context", "request_id")),
    Column("session_id", "text", "The session that it was done in.", _in("context", "session_id")),
    Column("client", "text", "By which of Minutebook's ways in.", _in("context", "client")),
    Column(
        "details",
        "text",
        "Its details, as JSON; docs/actions.md says what each action has.",
        lambda event: _json(event["details"]),
        is_json=True,
    ),
)
"""Shipped columns keep their names, their meaning and their order; what comes later comes behind them."""
TRAILER_COLUMN = "trailer"
"""The last column of a CSV, empty but in its last record."""
