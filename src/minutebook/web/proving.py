"""How an event is proven, in three steps: recorded, signed, anchored. Each says what it protects against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from minutebook.actions.values import number_of
from minutebook.custody.high_water import Custody
from minutebook.custody.log_state import LATE, problem_of_signature
from minutebook.model import Event
from minutebook.store import opened
from minutebook.store.anchor_log import State
from minutebook.store.checkpoints import Signed
from minutebook.web import times
from minutebook.web.views.integrity import Proof, ProofStep

RECORDED = "Written in one transaction with the act itself: neither exists without the other."
RECORDED_ONLY = "By this alone, whoever can change the database could still change the event."
SIGNED = (
    "Held by the signed checkpoint over the first {events}. Whoever can change the database or a backup of it, and "
    "does not have the key, cannot change, remove or date back this event unnoticed."
)
SIGNED_ONLY = "Whoever runs the server has the key, too, and could sign another log."
NOT_SIGNED = "No signed checkpoint holds this event."
UNTIL_SIGNED = "Until one does, whoever can change the database could change or remove it unnoticed."
ANCHOR_LOG = "anchor_log"
KINDS = {
    ANCHOR_LOG: "Log of all heads",
    "witness": "Witness",
    "timestamp": "Timestamp",
    "mail": "Mail to owners",
    "directory": "Folder",
    "object_store": "Object store",
}
"""What people call whoever has seen a log."""
ANCHORED = "Outside this server, {kind} {name} vouches for a head over {events} that holds this event."
ANCHORED_ONLY = "Whoever runs the server could deceive you from now on only together with them."
NOT_ANCHORED = "Nothing outside this server is known to hold a head of this log with this event."
DO_NOT_RELY = "Do not rely on it, and tell whoever runs this server: minutebook doctor says more."
NOT_HELD = (
    "This is not the event that was recorded, or the log around it is not what was signed: its hash does not lead to "
    f"the root of the checkpoint that should hold it. {DO_NOT_RELY}"
)
NOT_SIGNED_BY_US = "{problem} It should hold this event. " + DO_NOT_RELY
UNTIL_ANCHORED = (
    "Until something does, whoever runs the server could rewrite the event and sign the log anew. A checkpoint that "
    "you keep yourself shows that from then on."
)


@dataclass(frozen=True, slots=True)
class Grounds:
    """What an event rests on: its leaf hash, the smallest checkpoint over it, why this does not hold it (nothing when
    it does), and who has seen its log."""

    leaf_hash: bytes
    signed: Signed | None
    problem: str
    anchors: Sequence[State]


def proof_of(event: Event, grounds: Grounds, zone: ZoneInfo, now: int, path: str, integrity: str | None) -> Proof:
    """The proof of an event as its panel shows it. `path` is where the log is, `integrity` where more is said of it."""
    signed = grounds.signed
    return Proof(
        seq=event.seq,
        problem=grounds.problem,
        leaf_hash=grounds.leaf_hash.hex(),
        steps=(
            ProofStep("Recorded", RECORDED, RECORDED_ONLY, times.row_time(event.recorded_at, zone)),
            _signed(event, signed, zone, now),
            _anchored(event, grounds.anchors, zone),
        ),
        covered_by=signed.size if signed else None,
        download_href=f"{path}/{event.seq}.tlog-proof" if signed else "",
        integrity_href=integrity,
    )


def problem_with(connection: Connection, event: Event, signed: Signed | None, custody: Custody | None) -> str:
    """Why an event as it is stored now is not what the checkpoint holds, or why that is no checkpoint of ours, in
    sentences for the panel. Nothing when all is well, or when nothing holds the event yet and it is what its hash is
    made of."""
    if not opened.is_held(connection, event.organization, event.seq, signed):
        return NOT_HELD
    problem = problem_of_signature(custody, signed) if custody and signed else ""
    return problem and NOT_SIGNED_BY_US.format(problem=problem)


def _anchored(event: Event, anchors: Sequence[State], zone: ZoneInfo) -> ProofStep:
    elsewhere = [one for one in anchors if one.kind != ANCHOR_LOG]
    for one in elsewhere:
        if one.size > event.seq and one.at is not None:
            kind = KINDS[one.kind].lower()
            text = ANCHORED.format(kind=kind, name=one.name, events=number_of(one.size, "event"))
            return ProofStep("Anchored", text, ANCHORED_ONLY, times.beside(one.at, event.recorded_at, zone))
    note = "Not yet" if elsewhere else "No anchor is set up"
    if elsewhere and all(one.error for one in elsewhere):
        note = "Late: no anchor could be asked"
    return ProofStep("Anchored", NOT_ANCHORED, UNTIL_ANCHORED, note=note)


def _signed(event: Event, signed: Signed | None, zone: ZoneInfo, now: int) -> ProofStep:
    if signed is None:
        is_late = now - event.recorded_at > LATE
        note = "Late: signing is behind" if is_late else "Due within a second"
        return ProofStep("Signed", NOT_SIGNED, UNTIL_SIGNED, note=note)
    when = times.beside(signed.signed_at, event.recorded_at, zone)
    return ProofStep("Signed", SIGNED.format(events=number_of(signed.size, "event")), SIGNED_ONLY, when)
