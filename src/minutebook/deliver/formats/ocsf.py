"""OCSF: each event in the words of the Open Cybersecurity Schema Framework, a line each.

What OCSF has no place for is in `unmapped`, so that nothing is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from importlib.metadata import version
from typing import Any

import orjson

from minutebook.actions import CATALOGUE, ocsf
from minutebook.actions.ocsf import Activity
from minutebook.deliver.formats.columns import Read
from minutebook.deliver.formats.jsonl import trailer_line
from minutebook.deliver.formats.writer import Origin, Row, Trailer
from minutebook.model import to_micros

NAME = "Minutebook"
ERASED = "erased"
PROFILES = ["datetime"]
STATUS = {"success": (1, "Success"), "failure": (2, "Failure"), "denied": (2, "Failure")}
SEVERITIES = {0: "Unknown", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"}


class OcsfWriter:
    """Writes OCSF as JSON Lines."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin

    def head(self) -> bytes:
        return b""

    def rows(self, rows: Sequence[Row]) -> bytes:
        events = [ocsf_event(orjson.loads(row.json), self._origin) for row in rows]
        return b"".join([orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE) for event in events])

    def rest(self) -> bytes:
        return b""

    def trailer(self, trailer: Trailer) -> bytes:
        return trailer_line(trailer)


def ocsf_event(event: Read, origin: Origin) -> dict[str, Any]:
    """The event as OCSF has it."""
    action = CATALOGUE.get(event["action"])
    activity = action.ocsf if action else ocsf.UNKNOWN
    severity = action.severity + 1 if action else 0
    status_id, status = STATUS[event["outcome"]]
    written = {
        **_kind(activity),
        "severity_id": severity,
        "severity": SEVERITIES[severity],
        "time": _millis(event["occurred_at"]),
        "time_dt": event["occurred_at"],
        "message": action.title if action else event["action"],
        "status_id": status_id,
        "status": status,
        "status_detail": _status_detail(event),
        "metadata": _metadata(event, origin),
        "actor": _actor(event),
        "src_endpoint": _source(event["context"]),
        "http_request": _given(uid=event["context"]["request_id"], user_agent=event["context"]["user_agent"]),
        **_done_to(activity, event, origin),
        "unmapped": _unmapped(event),
    }
    return {key: value for key, value in written.items() if value not in (None, {})}


def _kind(activity: Activity) -> dict[str, Any]:
    kind = activity.kind
    return {
        "class_uid": kind.uid,
        "class_name": kind.name,
        "category_uid": kind.category_uid,
        "category_name": kind.category_name,
        "activity_id": activity.id,
        "activity_name": activity.name,
        "type_uid": activity.type_uid,
        "type_name": f"{kind.name}: {'Other' if activity.id == ocsf.OTHER else activity.name}",
    }


def _metadata(event: Read, origin: Origin) -> dict[str, Any]:
    return {
        "version": ocsf.VERSION,
        "profiles": PROFILES,
        "product": _product(),
        "uid": event["id"],
        "sequence": event["seq"],
        "event_code": event["action"],
        "logged_time": _millis(event["recorded_at"]),
        "logged_time_dt": event["recorded_at"],
        "log_name": "Audit log",
        "tenant_uid": origin.id,
    }


@cache
def _product() -> dict[str, str]:
    return {"name": NAME, "vendor_name": NAME, "version": version("minutebook")}


def _actor(event: Read) -> dict[str, Any]:
    """A person as a user, whatever else acts as an application."""
    actor, session = event["actor"], event["context"]["session_id"]
    found: dict[str, Any] = {"session": {"uid": session}} if session else {}
    if actor["kind"] == "user":
        return found | {"user": _user(actor["id"], actor["email"], actor["name"])}
    return found | _given(app_name=actor["name"] or actor["id"], app_uid=actor["id"])


def _source(context: Read) -> dict[str, Any]:
    """Where it came from; its required parts are there also for what came over no network."""
    found = _given(ip=context["ip"])
    return found or {"name": context["client"] or NAME}


def _done_to(activity: Activity, event: Read, origin: Origin) -> dict[str, Any]:
    """What each class of OCSF calls what it was done to."""
    kind = activity.kind
    if kind is ocsf.API_ACTIVITY:
        resource = {"uid": origin.id, "name": origin.name, "type": "Audit log"}
        return {"api": {"operation": event["action"], "service": {"name": NAME}}, "resources": [resource]}
    if kind is ocsf.AUTHENTICATION:
        actor = event["actor"]
        return {"user": _user(actor["id"], actor["email"], actor["name"]), "service": {"name": NAME}}
    if kind is ocsf.ENTITY_MANAGEMENT:
        return {"entity": _entity(event, origin)}
    if kind is ocsf.GROUP_MANAGEMENT:
        return {"user": _subject(event), "group": {"uid": origin.id, "name": origin.name, "privileges": _roles(event)}}
    if kind is ocsf.USER_ACCESS:
        return {"user": _subject(event), "privileges": _roles(event)}
    return {"user": _subject(event)}


def _subject(event: Read) -> dict[str, str]:
    """The user that it was done to: a member, whoever has the address of an invitation, or else who did it."""
    member = event["details"].get("member")
    if isinstance(member, dict):
        return _user(member["id"], member["email"], member["name"])
    if not event["targets"]:
        actor = event["actor"]
        return _user(actor["id"], actor["email"], actor["name"])
    target = event["targets"][0]
    if target is None:
        return {"name": ERASED}
    return _user(target["id"] if target["kind"] == "user" else None, target["name"], None)


def _user(id_: str | None, email: str | None, name: str | None) -> dict[str, str]:
    return _given(uid=id_, name=email or name or id_, email_addr=email, full_name=name)


def _entity(event: Read, origin: Origin) -> dict[str, str]:
    if not event["targets"]:
        return {"uid": origin.id, "name": origin.name, "type": "organization"}
    target = event["targets"][0]
    if target is None:
        return {"name": ERASED}
    return _given(uid=target["id"], name=target["name"], type=target["kind"])


def _roles(event: Read) -> list[str]:
    """The role that somebody has from now on, or had until now."""
    role = event["details"].get("role")
    return [role["after"] if isinstance(role, dict) else role] if role else []


def _status_detail(event: Read) -> str | None:
    if event["outcome"] == "denied":
        return "Denied"
    reason = event["details"].get("reason")
    return reason if event["outcome"] == "failure" and isinstance(reason, str) else None


def _unmapped(event: Read) -> dict[str, Any]:
    actor = event["actor"]
    return _given(
        details=event["details"],
        targets=event["targets"] or None,
        on_behalf_of=actor["on_behalf_of"],
        credential=actor["credential"],
        client=event["context"]["client"],
        erased=event.get("erased"),
    )


def _given(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value not in (None, "")}


def _millis(time: str) -> int:
    return to_micros(datetime.fromisoformat(time)) // 1000
