"""The leaf of an event: the bytes whose hash the tree holds. Frozen: version 1 never changes.

Everything that may one day have to be erased or withheld (each field of actor and context, each target, each top-level
field of details) is in the leaf only as a commitment. The value itself is a *disclosure*: a path and the exact JSON
text that was committed to. Erasing a disclosure leaves the leaf, and so every proof, as it was.

    commitment = SHA-256(LP("minutebook/commitment/v1") ‖ LP(path) ‖ LP(salt) ‖ LP(JSON text))
    salt       = HMAC-SHA-256(secret, LP("minutebook/salt/v1") ‖ LP(path))
    nonce      = HMAC-SHA-256(secret, LP("minutebook/nonce/v1"))

LP(x) is the length of x in bytes as eight bytes, big-endian, followed by x. Without it one commitment would open as two
different (path, value) pairs. The secret is 32 random bytes of that one event: a key shared between events would let
whoever holds it guess erased values.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from minutebook.errors import LeafTooLarge
from minutebook.evidence.canonical import canonical
from minutebook.model import Actor, Context, Json, Target

VERSION = 1
SECRET_SIZE = 32
MAX_LEAF = 65_535  # C2SP tlog-tiles: an entry's length is a uint16
COMMITMENT = b"minutebook/commitment/v1"
SALT = b"minutebook/salt/v1"
NONCE = b"minutebook/nonce/v1"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the leaf says openly. Times are UTC microseconds."""

    log: str
    seq: int
    id: str
    recorded_at: int
    occurred_at: int
    action: str
    outcome: str


def disclose(
    actor: Actor, targets: Iterable[Target], context: Context, details: Mapping[str, Json]
) -> dict[str, bytes]:
    """Every disclosure of an event: path → canonical JSON text. Fields that are null are disclosed too, so that their
    absence cannot be told from their presence once they are withheld."""
    values: dict[str, Json] = {f"actor.{name}": getattr(actor, name) for name in Actor.__slots__}
    values |= {f"context.{name}": getattr(context, name) for name in Context.__slots__}
    for number, target in enumerate(targets):
        values[f"targets.{number}"] = {"kind": target.kind, "id": target.id, "name": target.name}
    values |= {f"details.{name}": value for name, value in details.items()}
    return {path: canonical(value) for path, value in values.items()}


def salt(secret: bytes, path: str) -> bytes:
    """The 32 bytes that keep a commitment from being guessed."""
    return hmac.digest(secret, _salted(path), "sha256")


def nonce(secret: bytes) -> bytes:
    """The 32 bytes that keep two leaves apart even when everything else is equal."""
    return hmac.digest(secret, _prefixed(NONCE), "sha256")


def commitment(path: str, salt: bytes, text: bytes) -> bytes:
    """The 32 bytes that bind a path to a JSON text without showing it."""
    return hashlib.sha256(_committed(path) + _prefixed(salt) + _prefixed(text)).digest()


def commitments(secret: bytes, disclosures: Mapping[str, bytes]) -> dict[str, bytes]:
    """The commitment of each disclosure, by path."""
    return {path: commitment(path, salt(secret, path), text) for path, text in disclosures.items()}


def leaf(facts: Facts, nonce: bytes, commitments: Mapping[str, bytes]) -> bytes:
    """The canonical JSON that is hashed, at most 65,535 bytes; raises LeafTooLarge beyond that."""
    committed: Json = {path: value.hex() for path, value in commitments.items()}
    text = canonical(
        {
            "v": VERSION,
            "log": facts.log,
            "seq": facts.seq,
            "id": facts.id,
            "recorded_at": facts.recorded_at,
            "occurred_at": facts.occurred_at,
            "action": facts.action,
            "outcome": facts.outcome,
            "nonce": nonce.hex(),
            "c": committed,
        }
    )
    if len(text) > MAX_LEAF:
        raise LeafTooLarge(size=len(text), limit=MAX_LEAF)
    return text


def leaf_of(facts: Facts, secret: bytes, disclosures: Mapping[str, bytes]) -> bytes:
    """The leaf of an event nothing of which has been erased."""
    return leaf(facts, nonce(secret), commitments(secret, disclosures))


@lru_cache(maxsize=4096)  # every event has most of the paths
def _salted(path: str) -> bytes:
    return _prefixed(SALT) + _prefixed(path.encode())


@lru_cache(maxsize=4096)
def _committed(path: str) -> bytes:
    return _prefixed(COMMITMENT) + _prefixed(path.encode())


def _prefixed(part: bytes) -> bytes:
    return len(part).to_bytes(8, "big") + part
