"""How an event is proven, in three steps: recorded, signed, anchored. Each says what it protects against."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from minutebook.custody.log_state import LATE
from minutebook.model import Event
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
NOT_ANCHORED = "Nothing outside this server is known to hold a head of this log."
UNTIL_ANCHORED = (
    "Until something does, whoever runs the server could rewrite the event and sign the log anew. A checkpoint that "
    "you keep yourself shows that from then on."
)


def proof_of(
    event: Event, leaf_hash: bytes, signed: Signed | None, zone: ZoneInfo, now: int, path: str, integrity: str | None
) -> Proof:
    """The proof of an event as its panel shows it. `signed` is the smallest checkpoint that holds it; `path` is where
    the log is, `integrity` where more is said of it."""
    return Proof(
        seq=event.seq,
        leaf_hash=leaf_hash.hex(),
        steps=(
            ProofStep("Recorded", RECORDED, RECORDED_ONLY, times.row_time(event.recorded_at, zone)),
            _signed(event, signed, zone, now),
            ProofStep("Anchored", NOT_ANCHORED, UNTIL_ANCHORED, note="No anchor is set up"),
        ),
        covered_by=signed.size if signed else None,
        download_href=f"{path}/{event.seq}.tlog-proof" if signed else "",
        integrity_href=integrity,
    )


def _signed(event: Event, signed: Signed | None, zone: ZoneInfo, now: int) -> ProofStep:
    if signed is None:
        is_late = now - event.recorded_at > LATE
        note = "Late: signing is behind" if is_late else "Due within a second"
        return ProofStep("Signed", NOT_SIGNED, UNTIL_SIGNED, note=note)
    events = f"{signed.size:,} event{'' if signed.size == 1 else 's'}"
    when = times.beside(signed.signed_at, event.recorded_at, zone)
    return ProofStep("Signed", SIGNED.format(events=events), SIGNED_ONLY, when)
