"""The stored log, read and hashed without a line of Minutebook's own: sqlite/psycopg, zstd, hashlib, hmac, json only.

Written from the docstring of `evidence/leaf.py` and from RFC 6962, so that nothing of ours is checked only by ours.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import zstandard
from sqlalchemy import Connection

import minutebook

DICTIONARY = Path(minutebook.__file__).parent / "store" / "disclosures-1.zdict"
ACTOR = ("kind", "id", "email", "name", "on_behalf_of", "credential")
CONTEXT = ("ip", "user_agent", "request_id", "session_id", "client")


@dataclass(frozen=True)
class Stored:
    """One row of the table `event`, as the database gives it."""

    position: int
    organization: int
    id: str
    recorded_at: int
    occurred_at: int
    action: str
    outcome: str
    disclosures: bytes
    secret: bytes
    leaf_hash: bytes

    @property
    def seq(self) -> int:
        return self.position & (2**40 - 1)

    @property
    def is_pruned(self) -> bool:
        """Whether nothing is left of it but its number, its times and its hash."""
        return (self.id, self.action, self.outcome, self.disclosures, self.secret) == ("", "", "", b"", b"")

    @cached_property
    def values(self) -> dict[str, Any]:
        """Every disclosed value, by its path; None for an erased one."""
        return {path: json.loads(text) if text else None for path, text in lines_of(self.disclosures)}

    @cached_property
    def erased(self) -> dict[str, str]:
        """The commitment to what was erased, by its path."""
        try:
            paths = [] if self.is_pruned else [path for path, text in lines_of(self.disclosures) if not text]
        except ValueError:  # what was changed is told by its hash
            return {}
        gone: dict[str, str] = json.loads(self.secret)["gone"] if paths else {}
        if gone.keys() != set(paths):
            raise ValueError("what is left of the secret is not of what was erased")
        return gone

    def group(self, name: str) -> dict[str, Any]:
        """The values of `actor`, `context`, `targets` or `details`."""
        return {path[len(name) + 1 :]: value for path, value in self.values.items() if path.startswith(name + ".")}

    @property
    def details(self) -> dict[str, Any]:
        return self.group("details")

    @property
    def actor(self) -> dict[str, Any]:
        return self.group("actor")

    @property
    def context(self) -> dict[str, Any]:
        return self.group("context")

    @property
    def targets(self) -> list[dict[str, Any]]:
        targets = self.group("targets")
        return [targets[str(number)] for number in range(len(targets))]


@dataclass(frozen=True)
class StoredHead:
    """One row of the table `log_head`."""

    organization: int
    log_id: str
    size: int
    peaks: bytes
    begun: tuple[tuple[int, str], ...]
    """Of each generation but the last: the number that the next begins with, and its own id."""

    def log_of(self, seq: int) -> str:
        """The id that the log had at this event."""
        return next((log_id for end, log_id in self.begun if seq < end), self.log_id)


def heads(connection: Connection) -> list[StoredHead]:
    """Every log of the deployment."""
    rows = connection.exec_driver_sql("SELECT organization, log_id, size, peaks FROM log_head ORDER BY organization")
    begun = connection.exec_driver_sql('SELECT organization, "first", previous FROM generation ORDER BY "first"').all()
    return [
        StoredHead(number, log_id, size, bytes(peaks), tuple((end, old) for of, end, old in begun if of == number))
        for number, log_id, size, peaks in rows
    ]


def events(connection: Connection, organization: int) -> list[Stored]:
    """Every event of one organization, by position."""
    columns = ", ".join(Stored.__dataclass_fields__)
    # by position too, so that a row whose organization was changed is not overlooked
    low, high = organization << 40, (organization + 1) << 40
    rows = connection.exec_driver_sql(
        f"SELECT {columns} FROM event WHERE organization = {organization} OR position >= {low} AND position < {high} "
        "ORDER BY position"
    )
    return [Stored(*row) for row in rows]


def lines_of(disclosures: bytes) -> Iterator[tuple[str, bytes]]:
    """Path and JSON text of each disclosure, by the docstring of `store/body.py`. Raises ValueError for other bytes."""
    frame, crc = disclosures[1:-4], disclosures[-4:]
    if disclosures[:1] != b"\x01" or zlib.crc32(disclosures[:-4]).to_bytes(4, "big") != crc:
        raise ValueError("the checksum is not that of the bytes")
    words = zstandard.ZstdCompressionDict(DICTIONARY.read_bytes())
    try:
        plain = zstandard.ZstdDecompressor(words, format=zstandard.FORMAT_ZSTD1_MAGICLESS).decompress(frame)
    except zstandard.ZstdError as error:
        raise ValueError("the frame cannot be read") from error
    if not plain.endswith(b"\n"):
        raise ValueError("the last disclosure has no line feed")
    paths, *texts = plain[:-1].split(b"\n")
    yield from zip(paths.decode().split("\t"), texts, strict=True)


def canonical(value: object) -> bytes:
    """RFC 8785 for what may be recorded: json's own text, sorted, without blanks."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def leaf(log_id: str, event: Stored) -> bytes:
    """The bytes that are hashed, from the docstring of `evidence/leaf.py`."""
    facts = {
        "log": log_id,
        "seq": event.seq,
        "id": event.id,
        "recorded_at": event.recorded_at,
        "occurred_at": event.occurred_at,
        "action": event.action,
        "outcome": event.outcome,
    }
    if not event.erased:
        return leaf_from(facts, event.secret, dict(lines_of(event.disclosures)))
    remains = json.loads(event.secret)
    salts = {path: bytes.fromhex(salt) for path, salt in remains["salts"].items()}
    texts = {path: text for path, text in lines_of(event.disclosures) if text}
    there = {path: commitment(path, salts[path], text).hex() for path, text in texts.items()}
    return canonical({"v": 1, **facts, "nonce": remains["nonce"], "c": there | remains["gone"]})


def leaf_from(facts: Mapping[str, object], secret: bytes, disclosures: Mapping[str, bytes]) -> bytes:
    """The leaf of open facts and disclosures."""
    committed = {path: commitment(path, salt(secret, path), text).hex() for path, text in disclosures.items()}
    return canonical({"v": 1, **facts, "nonce": nonce(secret).hex(), "c": committed})


def salt(secret: bytes, path: str) -> bytes:
    return hmac.new(secret, prefixed(b"minutebook/salt/v1", path.encode()), hashlib.sha256).digest()


def nonce(secret: bytes) -> bytes:
    return hmac.new(secret, prefixed(b"minutebook/nonce/v1"), hashlib.sha256).digest()


def commitment(path: str, salt: bytes, text: bytes) -> bytes:
    return hashlib.sha256(prefixed(b"minutebook/commitment/v1", path.encode(), salt, text)).digest()


def prefixed(*parts: bytes) -> bytes:
    """Each part behind its length in eight bytes."""
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def root(hashes: Sequence[bytes]) -> bytes:
    """The Merkle tree hash by its definition (RFC 6962, section 2.1): split at the largest power of two below n."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + root(hashes[:split]) + root(hashes[split:])).digest()


def peaks(hashes: Sequence[bytes]) -> bytes:
    """The roots of the perfect subtrees, largest first, one behind the other."""
    found, rest = b"", hashes
    while rest:
        size = 1 << len(rest).bit_length() - 1
        found, rest = found + root(rest[:size]), rest[size:]
    return found
