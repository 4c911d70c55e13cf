#!/usr/bin/env python3
"""Is this log what it was when it was recorded? A verifier for people who trust neither the server nor its database.

It is one file, needs Python 3.11 or newer and nothing else, and reads either what Minutebook exports as evidence (a
zip, or the folder it was unpacked to) or what a server gives out:

    python3 minutebook_verify.py evidence.zip --key VKEY [--head FILE] [--witness VKEY] [--timestamp-certificate FILE]
    MINUTEBOOK_TOKEN=… python3 minutebook_verify.py --server https://… --organization org_… --key VKEY

Exit codes: 0 valid · 1 invalid · 2 wrong usage, or it cannot be told · 3 not the log that the head FILE is of
            4 valid, but with --anchored: nobody whom you trust has seen it

What it does, in the order of this file:

1.  Signatures: Ed25519 (RFC 8032), signed notes and cosignatures (c2sp.org/signed-note, /tlog-cosignature); of what,
    and when, a timestamp is (RFC 3161).
2.  Keys: the key you pinned, and those it vouches for.
3.  The tree: inclusion and consistency proofs (RFC 9162, 2.1.3.2 and 2.1.4.2), the root over all leaves.
4.  JSON that has exactly one text (RFC 8785, restricted).
5.  Events: the leaf, and for each value that is shown, that it is the one the leaf commits to.
6.  The story: numbers without gaps, clocks, generations, and an explanation for everything that is not shown.
7.  Files: nothing is unpacked, everything is read as a stream, within limits.
8.  The order of it all, and what is said of it.

Nothing that it reads is believed before it was verified: the size of the log comes from the signed checkpoint, never
from what else is in the file. What a valid result does not show, docs/verify.md says; in short: a signature stops who
can write to the database, and only a head, or a witness, that was kept elsewhere stops who has the signing key, too.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import io
import json
import multiprocessing
import os
import re
import stat
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

VALID, INVALID, UNREADABLE, DIVERGED, NOT_ANCHORED = range(5)

HASH = 32
MAX_NOTE = 64 * 1024
MAX_SIGNATURES = 64
MAX_SIZE = 1 << 40
MAX_LEAF = 65_535
MAX_LINE = 64 * 1024 * 1024
MAX_FILES = 100_000
MAX_INTEGER = 2**53 - 1
LATEST = 253_402_300_799
"""The last second of the year 9999."""
SLACK = 3600
"""Seconds by which the clocks of the server and of a witness may differ, with the time that a cosignature takes."""


class Wrong(Exception):
    """Something is not as it was recorded, or cannot be shown to be: `place` is where, `problem` what."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(place, problem)
        self.place, self.problem = place, problem


class Diverged(Wrong):
    """The log is not a continuation of the one whose head was seen earlier."""


class Unreadable(Exception):
    """It cannot be told: the input is missing, no bundle, or asked for wrongly."""


# ── 1. Signatures ────────────────────────────────────────────────────────────────────────────────────────────────────

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int, int, int]


def ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature is of this key for the message: by `cryptography` where that is installed."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return ed25519_in_python(public, message, signature)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def ed25519_in_python(public: bytes, message: bytes, signature: bytes) -> bool:
    """The same as RFC 8032, section 5.1.7 has it (without multiplying by the cofactor). Secrets are not touched."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, s = _point(public), int.from_bytes(signature[32:], "little")
    if key is None or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    negative = (P - key[0], key[1], 1, (P - key[0]) * key[1] % P)
    x, y, z, _ = _add(_times(s, BASE), _times(k, negative))
    inverse = pow(z, -1, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


def _point(encoded: bytes) -> Point | None:
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if (v * x * x - u) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (v * x * x - u) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def _add(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(factor: int, point: Point) -> Point:
    product = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            product = _add(product, point)
        point = _add(point, point)
        factor >>= 1
    return product


BASE = _point((4 * pow(5, -1, P) % P).to_bytes(32, "little")) or (0, 0, 0, 0)


class Signature(NamedTuple):
    """A line of a note that signs it: by whom, as they say."""

    name: str
    key_id: bytes
    signature: bytes


class Note(NamedTuple):
    """A text and the lines that sign it, not verified yet."""

    text: str
    signatures: list[Signature]


def note_of(data: bytes, place: str) -> Note:
    """Reads a signed note. Raises Wrong for anything that is none, to the byte."""
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise Wrong(place, "is no UTF-8") from None
    body, blank, lines = whole.rpartition("\n\n")
    if len(data) > MAX_NOTE or not blank or not lines.endswith("\n") or re.search(r"[\x00-\x09\x0b-\x1f]", whole):
        raise Wrong(place, "is no signed note")
    signatures = []
    for line in lines[:-1].split("\n"):
        match = re.fullmatch(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})", line)
        raw = unbase64(match[2], place) if match else b""
        if match is None or len(raw) < 5:
            raise Wrong(place, "has a line that is no signature")
        signatures.append(Signature(match[1], raw[:4], raw[4:]))
    if len(signatures) > MAX_SIGNATURES:
        raise Wrong(place, f"has more than {MAX_SIGNATURES} signatures")
    return Note(body + "\n", signatures)


def unbase64(text: str, place: str) -> bytes:
    """Standard base64 with its padding: the one text of these bytes and no other."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Wrong(place, "has base64 that is none") from None
    if base64.b64encode(raw).decode() != text:
        raise Wrong(place, "has base64 that is written in another way")
    return raw


SIGNS, COSIGNS = 1, 4


class Key(NamedTuple):
    """A key that verifies what `name` signs (`kind` 1), or cosigns as a witness (`kind` 4)."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> Key:
        """A verifier key, as c2sp.org/signed-note writes it: name+id+key. Raises Unreadable."""
        parts = text.strip().split("+", 2)
        try:
            raw = base64.b64decode(parts[2], validate=True)
            key = cls(parts[0], raw[0], raw[1:])
        except (IndexError, binascii.Error, ValueError):
            raise Unreadable(f"{text!r} is no verifier key: it is written name+id+key.") from None
        if key.kind not in (SIGNS, COSIGNS) or len(key.public) != 32 or not key.name or str(key) != text.strip():
            raise Unreadable(f"{text!r} is no verifier key of Ed25519, or was not copied as it is.")
        return key


def signed_at(note: Note, key: Key, place: str) -> int | None:
    """None where the key did not sign the note; the time (seconds since 1970) of a cosignature, else 0.

    Raises Wrong for a signature that says it is of this key and is not.
    """
    for name, key_id, found in note.signatures:
        if (name, key_id) != (key.name, key.key_id):
            continue
        at, signature, message = 0, found, note.text.encode()
        if key.kind == COSIGNS:
            at, signature = int.from_bytes(found[:8], "big"), found[8:]
            if at > LATEST:
                raise Wrong(place, f"the cosignature of {key.name} is of no time")
            message = f"cosignature/v1\ntime {at}\n".encode() + message
        if not ed25519(key.public, message, signature):
            raise Wrong(place, f"the signature of {key.name} does not verify")
        return at
    return None


class Checkpoint(NamedTuple):
    """What a log says of itself: how many events it holds, and the root of the tree over them."""

    origin: str
    size: int
    root: bytes


def checkpoint_of(note: Note, place: str) -> Checkpoint:
    """Reads c2sp.org/tlog-checkpoint, without extension lines. Raises Wrong."""
    match = re.fullmatch(r"(\S+)\n(0|[1-9][0-9]{0,12})\n([A-Za-z0-9+/]{43}=)\n", note.text)
    if match is None or int(match[2]) > MAX_SIZE:
        raise Wrong(place, "is no checkpoint")
    return Checkpoint(match[1], int(match[2]), unbase64(match[3], place))


SHA256 = bytes.fromhex("608648016503040201")
"""The object identifier of SHA-256, as DER has it."""


class Stamp(NamedTuple):
    """What a timestamp says, its signature not verified: the SHA-256 of what was stamped, and when (seconds since
    1970)."""

    digest: bytes
    at: float


def stamp_of(data: bytes, place: str) -> Stamp:
    """Reads a TimeStampResp of RFC 3161. Raises Wrong."""
    try:
        # response, token, [0], SignedData, encapsulated content, [0], octets, TSTInfo
        content = data
        for index in (0, 1, 1, 0, 2, 1, 0, 0):
            content = _der(content)[index]
        _, _, imprint, _, at, *_ = _der(content)
        algorithm, digest = _der(imprint)
        when = re.fullmatch(r"([0-9]{14}(?:\.[0-9]{1,6})?)[0-9]*Z", at.decode("ascii"))
        if when is None or len(digest) != HASH or _der(algorithm)[0] != SHA256:
            raise ValueError
        fraction = ".%f" if "." in when[1] else ""
        return Stamp(digest, datetime.strptime(f"{when[1]}Z", f"%Y%m%d%H%M%S{fraction}%z").timestamp())
    except (IndexError, ValueError):
        raise Wrong(place, "is no timestamp of RFC 3161 with SHA-256") from None


def _der(data: bytes) -> list[bytes]:
    """The contents of the DER values that follow one another. Raises IndexError, ValueError."""
    found, at = [], 0
    while at < len(data):
        length, at = data[at + 1], at + 2
        if length & 0x80:
            at += length & 0x7F
            length = int.from_bytes(data[at - (length & 0x7F) : at], "big")
        if length > len(data) - at:
            raise ValueError
        found.append(data[at : at + length])
        at += length
    return found


def is_stamp(response: bytes, signed: bytes, certificates: bytes) -> bool:
    """Whether an authority under these certificates (PEM) has stamped `signed`.

    Raises Unreadable without the package rfc3161-client.
    """
    try:
        from cryptography.x509 import load_pem_x509_certificates
        from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response
    except ImportError:
        raise Unreadable(
            "--timestamp-certificate needs the Python package rfc3161-client. Without it and without this option, the "
            "answer says how openssl verifies each timestamp."
        ) from None
    try:
        pinned = load_pem_x509_certificates(certificates)
        roots = [one for one in pinned if one.issuer == one.subject]
        between = [one for one in pinned if one.issuer != one.subject]
        verifier = VerifierBuilder(roots=roots, intermediates=between).build()
    except (VerificationError, ValueError):
        raise Unreadable("The --timestamp-certificate has no certificate of a root, in PEM.") from None
    try:
        verifier.verify_message(decode_timestamp_response(response), signed)
    except (VerificationError, ValueError):
        return False
    return True


# ── 2. Keys ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Keys:
    """The public keys that are believed: what was pinned, and what that vouches for, each with the cut-off (seconds
    since 1970) behind which it counts no more, or None.

    Trust goes forward only: a statement says which key is added, not by which, so that a new key cannot vouch for the
    one before it.
    """

    def __init__(self, host: str, pinned: Iterable[bytes]) -> None:
        self.name = f"{host}/keys"
        self.cut_off: dict[bytes, float | None] = dict.fromkeys(pinned)
        self._next = 0

    def hear(self, note: Note, place: str) -> None:
        """Takes the next key statement into account. Raises Wrong where a believed key did not sign what it should."""
        match = re.fullmatch(r"(\S+)\n(0|[1-9][0-9]{0,5})\n(add \S{44} since|revoke \S{44} cut-off) (\S+)\n", note.text)
        if match is None or match[1] != self.name or int(match[2]) != self._next:
            raise Wrong(place, f"is no key statement {self._next} of {self.name}")
        try:
            at = datetime.fromisoformat(match[4]).astimezone(UTC)
        except (ValueError, OverflowError):
            raise Wrong(place, "has a time that is none") from None
        self._next += 1
        verb, encoded, _ = match[3].split(" ")
        public = unbase64(encoded, place)
        signers = [key for key in self._counting() if signed_at(note, Key(self.name, SIGNS, key), place) is not None]
        if verb == "add":
            if signed_at(note, Key(self.name, SIGNS, public), place) is None:
                raise Wrong(place, "is not signed by the key that it adds")
            if signers:
                self.cut_off.setdefault(public, None)
        elif any(key != public for key in signers) and public in self.cut_off:
            self.cut_off[public] = at.timestamp()

    def _counting(self) -> list[bytes]:
        return [key for key, cut_off in self.cut_off.items() if cut_off is None]

    def signer(self, note: Note, origin: str, place: str, seen_at: float | None = None) -> Key | None:
        """The believed key that signed as `origin`. One that was revoked counts for what was seen (by a witness, at
        `seen_at`) before its cut-off. Raises Wrong for a forged signature."""
        for public, cut_off in self.cut_off.items():
            key = Key(origin, SIGNS, public)
            if signed_at(note, key, place) is not None and (
                cut_off is None or (seen_at is not None and seen_at <= cut_off)
            ):
                return key
        return None


# ── 3. The tree ──────────────────────────────────────────────────────────────────────────────────────────────────────


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 ‖ leaf)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Range:
    """The roots of the perfect subtrees that the leaves so far fall into, largest first: the tree, as far as needed to
    add the next leaf and to know the root."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, hashed: bytes) -> None:
        size = self.size
        while size & 1:
            hashed = node_hash(self._peaks.pop(), hashed)
            size >>= 1
        self._peaks.append(hashed)
        self.size += 1

    def root(self) -> bytes:
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


def is_included(hashed: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> bool:
    """RFC 9162, section 2.1.3.2."""
    if index >= size:
        return False
    fn, sn, r = index, size - 1, hashed
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def is_consistent(first: Checkpoint, second: Checkpoint, proof: list[bytes]) -> bool:
    """RFC 9162, section 2.1.4.2: whether the tree of `second` begins with all of the tree of `first`."""
    if first.size == second.size:
        return not proof and first.root == second.root
    if first.size == 0:
        return not proof and first.root == Range().root()
    if first.size > second.size or not proof:
        return False
    path = [first.root, *proof] if first.size & first.size - 1 == 0 else proof
    fn, sn = first.size - 1, second.size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == first.root and sr == second.root


def hashes_of(lines: list[str], place: str) -> list[bytes]:
    """A proof: one hash in base64 a line, at most as many as a tree is high, twice."""
    hashes = [unbase64(line, place) for line in lines[:129]]
    if len(hashes) > 128 or any(len(hashed) != HASH for hashed in hashes):
        raise Wrong(place, "is no proof")
    return hashes


# ── 4. JSON that has exactly one text ────────────────────────────────────────────────────────────────────────────────


def _integer(text: str) -> int:
    value = int(text) if len(text) < 18 else MAX_INTEGER + 1
    if abs(value) > MAX_INTEGER:
        raise ValueError
    return value


def _refuse(_: str) -> None:
    raise ValueError


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_refuse, parse_constant=_refuse)
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def read_json(text: str, place: str) -> Any:
    """The value of a canonical JSON text. Raises Wrong for any other: a key twice or out of order, a blank, a float."""
    try:
        value = _DECODER.decode(text)
        if _ENCODER.encode(value) == text:
            return value
    except (ValueError, RecursionError):
        pass
    raise Wrong(place, "is no canonical JSON")


def is_canonical(text: str) -> bool:
    """Whether a text is canonical JSON."""
    try:
        read_json(text, "")
    except Wrong:
        return False
    return True


_is_canonical = lru_cache(maxsize=1 << 15)(is_canonical)  # short values are there again and again


def has_shape(value: object, shape: dict[str, type]) -> bool:
    """Whether it is an object with exactly these keys, of exactly these types."""
    return (
        type(value) is dict
        and value.keys() == shape.keys()
        and all(type(value[key]) is kind for key, kind in shape.items())
    )


# ── 5. Events ────────────────────────────────────────────────────────────────────────────────────────────────────────

LEAF: dict[str, type] = {
    "v": int, "log": str, "seq": int, "id": str, "recorded_at": int, "occurred_at": int, "action": str, "outcome": str,
    "nonce": str, "c": dict,
}  # fmt: skip
EXPLAINING = ("log.erase", "log.prune", "log.restore", "log.clock_step")
"""The actions whose events account for what is not there, or not as one would expect."""
_HEX = re.compile(r"[0-9a-f]{64}")
_PATH = re.compile(r"(actor|context|details)\.[A-Za-z0-9_]{1,64}|targets\.(0|[1-9][0-9]{0,4})")


class Read(NamedTuple):
    """What one line of a bundle says, as far as it can be verified by itself. Of a pruned event only number and hash.

    `missing` are the commitments (in hexadecimal, by path) to what is not shown; `details` the details of an event that
    explains something.
    """

    seq: int
    hash: bytes
    log: str = ""
    recorded_at: int = 0
    action: str = ""
    missing: dict[str, str] | None = None
    details: dict[str, Any] | None = None


def lp(part: bytes) -> bytes:
    """The length in bytes, eight bytes big-endian, in front: else one commitment would open as two paths."""
    return len(part).to_bytes(8, "big") + part


@lru_cache(maxsize=4096)
def _committed(path: str) -> bytes:
    return lp(b"minutebook/commitment/v1") + lp(path.encode()) + HASH.to_bytes(8, "big")


def commitment(path: str, salt: bytes, text: bytes) -> str:
    """SHA-256(LP(domain) ‖ LP(path) ‖ LP(salt) ‖ LP(JSON text)), in hexadecimal; the salt has 32 bytes."""
    return hashlib.sha256(b"%b%b%b%b" % (_committed(path), salt, len(text).to_bytes(8, "big"), text)).hexdigest()


def read_event(raw: bytes, number: int) -> Read:
    """Reads a line of events.jsonl, and verifies each value that it shows. Raises Wrong."""
    place = f"events.jsonl, line {number}"
    try:
        line = raw.decode()
        value = _DECODER.decode(line)
    except (ValueError, RecursionError):
        raise Wrong(place, "is no JSON") from None
    if has_shape(value, {"seq": int, "hash": str}):
        if _ENCODER.encode(value) != line or not _HEX.fullmatch(value["hash"]):
            raise Wrong(place, "is not written as it should be")
        return Read(value["seq"], bytes.fromhex(value["hash"]))
    if not (has_shape(value, {"seq": int, "leaf": dict, "open": dict}) and has_shape(value["leaf"], LEAF)):
        raise Wrong(place, "is no event")
    leaf, opened = value["leaf"], value["open"]
    place = f"event {leaf['seq']} ({place})"
    try:
        leaf_text = _ENCODER.encode(leaf)
        if f'{{"leaf":{leaf_text},"open":{_ENCODER.encode(opened)},"seq":{value["seq"]}}}' != line:
            raise Wrong(place, "is not written as it should be")
        leaf_bytes = leaf_text.encode()
    except ValueError:
        raise Wrong(place, "has text that is no Unicode") from None
    committed = leaf["c"]
    if leaf["v"] != 1 or value["seq"] != leaf["seq"] or len(leaf_bytes) > MAX_LEAF or not _HEX.fullmatch(leaf["nonce"]):
        raise Wrong(place, "has no leaf of version 1")
    for path, pair in opened.items():
        if type(pair) is not list or len(pair) != 2 or type(pair[0]) is not str or type(pair[1]) is not str:
            raise Wrong(place, f"does not show {path} as salt and text")
        salt, text = pair
        if not _HEX.fullmatch(salt) or commitment(path, bytes.fromhex(salt), text.encode()) != committed.get(path):
            raise Wrong(place, f"{path} is not the value that was recorded")
        if not (_is_canonical(text) if len(text) < 256 else is_canonical(text)):
            raise Wrong(place, f"{path} is no canonical JSON")
    missing = None
    if len(opened) != len(committed):
        missing = {path: digest for path, digest in committed.items() if path not in opened}
        for path, digest in missing.items():
            if type(digest) is not str or not _HEX.fullmatch(digest) or not _PATH.fullmatch(path):
                raise Wrong(place, f"{path!r} is no commitment")
    details = None
    if leaf["action"] in EXPLAINING:
        details = {path[8:]: json.loads(pair[1]) for path, pair in opened.items() if path.startswith("details.")}
    return Read(leaf["seq"], leaf_hash(leaf_bytes), leaf["log"], leaf["recorded_at"], leaf["action"], missing, details)


# ── 6. The story ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Numbers:
    """A set of numbers from which whole ranges are taken: a byte for each, in chunks of those that are near."""

    WIDTH = 1 << 16

    def __init__(self) -> None:
        self._chunks: dict[int, bytearray] = {}

    def add(self, number: int) -> None:
        chunk, place = divmod(number, self.WIDTH)
        if chunk not in self._chunks:
            self._chunks[chunk] = bytearray(self.WIDTH)
        self._chunks[chunk][place] = 1

    def remove(self, first: int, last: int) -> int:
        """Takes out all numbers from first to last; how many there were."""
        low, high, taken = first // self.WIDTH, last // self.WIDTH, 0
        near = range(low, high + 1) if high - low < len(self._chunks) else self._chunks
        for chunk in near:
            begin, end = max(0, first - chunk * self.WIDTH), min(self.WIDTH, last + 1 - chunk * self.WIDTH)
            if begin < end and (found := self._chunks.get(chunk)):
                taken += found.count(1, begin, end)
                found[begin:end] = bytes(end - begin)
        return taken

    def first(self) -> int | None:
        """The least of them."""
        left = (chunk * self.WIDTH + found.index(1) for chunk, found in self._chunks.items() if 1 in found)
        return min(left, default=None)


class Generation(NamedTuple):
    """From which event on a log had this id: a new one begins with each restore of a backup."""

    log: str
    first: int


class Anchor(NamedTuple):
    """That somebody else saw the log with so many events, at that time (seconds since 1970)."""

    size: int
    at: int
    name: str


class Story:
    """Takes the events one after the other, and demands what they must add up to.

    `restored` are number and details of each log.restore, by the number that its generation begins with. `other_logs`
    are the ids that the log has had besides its generations, by what these say: with the same number, and how many
    events are left of each.
    """

    def __init__(
        self, generations: list[Generation], withheld: list[str], anchors: list[Anchor], roots: dict[int, bytes]
    ) -> None:
        self._generations, self._withheld, self._roots = generations, withheld, roots
        self._anchors = deque(sorted(anchors))
        self._generation, self._is_begun = 0, True
        self._latest: tuple[int, int] | None = None  # when an event was recorded, and its number
        self._gone: dict[tuple[int, str], str] = {}
        self._hidden: dict[str, array[int]] = {}
        self._erased: dict[int, int] = {}
        self._pruned = Numbers()
        self.count = 0
        self.steps: list[int] = []
        self.withheld: Counter[str] = Counter()
        self.erased: Counter[int] = Counter()
        self.pruned: Counter[int] = Counter()
        self.restored: dict[int, tuple[int, dict[str, Any]]] = {}
        self.other_logs: dict[str, tuple[int, int]] = {}

    def take(self, read: Read, place: str) -> None:
        """The next event. Raises Wrong."""
        self.count += 1
        if not self._is_begun:
            self._begins(read, place, 1)
        while (
            self._generation + 1 < len(self._generations) and read.seq >= self._generations[self._generation + 1].first
        ):
            self._generation += 1
            self._begins(read, place)
        if not read.log:
            self._pruned.add(read.seq)
            return
        self._between(read)
        if read.log != self._generations[self._generation].log:
            raise Wrong(place, f"is an event of the log {read.log}, and not of this one")
        if read.action == "log.clock_step":
            self.steps.append(read.seq)
        elif self._latest is not None and read.recorded_at < self._latest[0]:
            raise Wrong(place, "was recorded earlier than an event before it, and no log.clock_step says why")
        self._latest = read.recorded_at, read.seq
        for path, digest in (read.missing or {}).items():
            if pattern := self._withheld_by(path):
                self._hidden.setdefault(pattern, array("Q")).append(_short(digest))
            else:
                self._gone[read.seq, path] = digest
        if read.action == "log.erase":
            self._erases(read)
        elif read.action == "log.prune":
            self._prunes(read)

    def _between(self, read: Read | None) -> None:
        """Each anchor lies between what it has seen and what came later, up to how far clocks may differ."""
        while self._anchors and (read is None or self._anchors[0].size <= read.seq):
            size, at, name = self._anchors.popleft()
            if self._latest and self._latest[0] > (at + SLACK) * 10**6:
                raise Wrong(
                    f"event {self._latest[1]}", f"says a time after {_time(at)}, when {name} had seen it already"
                )
            is_step = read is None or read.action == "log.clock_step"
            if read and not is_step and read.recorded_at < (at - SLACK) * 10**6:
                raise Wrong(f"event {read.seq}", f"is dated back: {name} saw only {size:,} events at {_time(at)}")

    def _withheld_by(self, path: str) -> str | None:
        group = path.partition(".")[0] + ".*"
        return path if path in self._withheld else group if group in self._withheld else None

    def _begins(self, read: Read, place: str, steps: int = 0) -> None:
        """The first event of a new generation says what it goes on from; only a step of the clock comes before it."""
        begun, before = self._generations[self._generation], self._generations[self._generation - 1]
        details = read.details or {}
        self._is_begun = steps > 0 or read.seq != begun.first or read.action != "log.clock_step"
        if not self._is_begun:
            return
        if read.seq != begun.first + steps or read.action != "log.restore":
            raise Wrong(place, f"the log {begun.log} does not begin with a log.restore at number {begun.first}")
        root = self._roots.get(begun.first)
        said = (details.get("previous_log"), details.get("restored_size"), details.get("restored_root"))
        if said != (before.log, begun.first, root.hex() if root else said[2]):
            raise Wrong(place, "the restored log is not the one before it")
        self.restored[begun.first] = read.seq, details
        for one in _list(read, "other_logs"):
            if type(one) is list and len(one) == 2 and type(one[0]) is str and type(one[1]) is int:
                log, left = one
                # the first restore that names it says what was last known of it; a later one may leave less of it
                if left < self.other_logs.get(log, (0, MAX_SIZE))[1]:
                    self.other_logs[log] = begun.first, left

    def _erases(self, read: Read) -> None:
        for one in _list(read, "erased"):
            if type(one) is list and len(one) == 3 and type(one[0]) is int and type(one[1]) is str:
                seq, path, digest = one
                if self._gone.get((seq, path)) == digest:
                    del self._gone[seq, path]
                    self.erased[read.seq] += 1
                elif seq < read.seq and self._withheld_by(path) and type(digest) is str and _HEX.fullmatch(digest):
                    self._erased[_short(digest)] = read.seq

    def _prunes(self, read: Read) -> None:
        for one in _list(read, "ranges"):
            if type(one) is list and len(one) == 2 and type(one[0]) is int and type(one[1]) is int:
                self.pruned[read.seq] += self._pruned.remove(one[0], one[1])
        self.pruned += Counter()  # without what is 0

    def end(self) -> None:
        """Raises Wrong for what nothing has explained. Tells what was erased from what was withheld."""
        self._between(None)
        for pattern, hidden in self._hidden.items():
            erased = [by for one in hidden if (by := self._erased.get(one)) is not None]
            self.erased.update(erased)
            self.withheld[pattern] = len(hidden) - len(erased)
        self.withheld += Counter()  # without what is 0
        for begun in self._generations[self._generation + self._is_begun :]:
            raise Wrong(f"event {begun.first}", f"with which the log {begun.log} should begin, is not shown")
        pruned = self._pruned.first()
        unexplained = [] if pruned is None else [(pruned, "")]
        unexplained += sorted(self._gone)[:1]
        if unexplained:
            seq, path = min(unexplained)
            if path:
                raise Wrong(f"event {seq}", f"{path} is not shown, is not withheld, and no log.erase accounts for it")
            raise Wrong(f"event {seq}", "is not shown, and no log.prune accounts for it")


def _short(digest: str) -> int:
    """Eight bytes of a commitment, which no other one has: all that is remembered of each value that is withheld."""
    return int(digest[:16], 16)


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%SZ}"


def _list(read: Read, name: str) -> list[Any]:
    value = (read.details or {}).get(name)
    return value if type(value) is list else []


# ── 7. Files ─────────────────────────────────────────────────────────────────────────────────────────────────────────

BUNDLE: dict[str, type] = {
    "v": int, "origin": str, "logs": list, "size": int, "everything": bool, "query": str, "withheld": list,
}  # fmt: skip
SUMS = "SHA256SUMS"
LONG = ("hashes", "events.jsonl", "proofs.jsonl")
_NAME = re.compile(
    r"README\.md|minutebook_verify\.py|bundle\.json|SHA256SUMS|checkpoint|hashes|events\.jsonl|proofs\.jsonl"
    r"|chain/[1-9][0-9]{0,12}(\.consistency)?|keys/(0|[1-9][0-9]{0,5})|anchors/[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
)


class Files:
    """The files of a bundle, each as a stream: of a zip, or of the folder that it was unpacked to."""

    def __init__(self, path: Path) -> None:
        self._zip: zipfile.ZipFile | None = None
        self._folder = path
        try:
            if path.is_dir():
                found = [one for one in path.rglob("*") if stat.S_ISREG(one.lstat().st_mode)]
                names = [one.relative_to(path).as_posix() for one in found]
                # An editor or an operating system may leave something in a folder; nothing in a bundle is called so.
                self.names = {name for name in names if _NAME.fullmatch(name)}
                return
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise Unreadable(f"{path} cannot be read as a bundle: {error}") from None
        entries = self._zip.infolist()
        self.names = {entry.filename for entry in entries}
        if len(entries) > MAX_FILES:
            raise Wrong(str(path), f"holds more than {MAX_FILES:,} files")
        for entry in entries:
            if not _NAME.fullmatch(entry.filename) or entry.flag_bits & 1 or entry.compress_type not in (0, 8):
                raise Wrong(str(path), f"holds {entry.filename!r}, which is not of a bundle")
        if len(self.names) != len(entries):
            raise Wrong(str(path), "holds a file twice")

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Raises Wrong for a file that is missing, or damaged, also while it is read."""
        if name not in self.names:
            raise Wrong(name, "is missing")
        try:
            if self._zip:
                with self._zip.open(name) as file:
                    yield io.BufferedReader(file, 1 << 16)  # type: ignore[type-var]
            else:
                with (self._folder / name).open("rb") as file:
                    yield file
        except (OSError, EOFError, NotImplementedError, ValueError, zipfile.BadZipFile, zlib.error) as error:
            raise Wrong(name, f"cannot be read: {error}") from None

    def read(self, name: str, limit: int = MAX_NOTE) -> bytes:
        """All of a small file."""
        with self.open(name) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise Wrong(name, f"is larger than {limit:,} bytes")
        return data

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a file, each without the line feed that ends it."""
        with self.open(name) as file:
            number = 0
            while line := file.readline(MAX_LINE + 1):
                number += 1
                if not line.endswith(b"\n"):
                    raise Wrong(f"{name}, line {number}", "does not end, or is too long")
                yield line[:-1]

    def numbered(self, folder: str) -> list[int]:
        """The files of a folder that are called by a number."""
        names = (name.split("/") for name in self.names if name.startswith(folder + "/"))
        return sorted(int(name) for _, name in names if name.isdigit())

    def check_sums(self, tell: Callable[[str], None]) -> None:
        """Holds each file against SHA256SUMS: it proves nothing, but shows what was damaged on the way."""
        text = b""
        for name in sorted(self.names - {SUMS}):
            # What was read already is as long as the log needs it to be.
            hashed, left = hashlib.sha256(), MAX_LINE if name not in LONG else sys.maxsize
            with self.open(name) as file:
                while data := file.read(1 << 20):
                    hashed.update(data)
                    tell(f"{name}, held against {SUMS}")
                    left -= len(data)
                    if left < 0:
                        raise Wrong(name, "is too large")
            text += f"{hashed.hexdigest()}  {name}\n".encode()
        said = self.read(SUMS, MAX_FILES * 256)
        if said != text:
            ours, theirs = text.decode().splitlines(), said.decode(errors="replace").splitlines()
            different = [line for line in ours if line not in set(theirs)] or [f"{'':64}  {SUMS}"]
            raise Wrong(different[0][66:], f"is not what {SUMS} says")


def download(server: str, organization: str, token: str, to: Path, tell: Callable[[str], None]) -> None:
    """Asks a server for the evidence of everything. Raises Unreadable. The token is sent to this server only."""
    url = urllib.parse.urlsplit(server)
    if url.scheme != "https" and not (url.scheme == "http" and url.hostname in ("localhost", "127.0.0.1", "::1")):
        raise Unreadable(f"{server}: a server is asked by https only, as the token goes with it.")
    quoted = urllib.parse.quote(organization, safe="")
    address = f"{server.rstrip('/')}/api/v1/organizations/{quoted}/log/bundle"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})  # noqa: S310
    direct = [urllib.request.ProxyHandler({})] if url.scheme == "http" else []  # a proxy would read the token
    got = 0
    try:
        with urllib.request.build_opener(*direct, _Stay).open(request, timeout=60) as answer, to.open("wb") as file:
            while data := answer.read(1 << 20):
                file.write(data)
                got += len(data)
                tell(f"{got:,} bytes from the server")
    except urllib.error.HTTPError as error:
        raise Unreadable(f"The server refuses: {error.code} {error.reason}.") from None
    except (OSError, ValueError) as error:
        raise Unreadable(f"The server cannot be asked: {error}.") from None


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect, since the token would go along."""

    def redirect_request(self, *_: Any) -> None:
        return None


# ── 8. The order of it all ───────────────────────────────────────────────────────────────────────────────────────────


class Asked(NamedTuple):
    """What the auditor brings along: none of it comes from whoever is audited."""

    keys: list[Key]
    heads: list[tuple[str, bytes]]
    witnesses: list[Key]
    processes: int = 1
    certificates: bytes = b""


class Result(NamedTuple):
    """What was found, in sentences; the log is valid."""

    lines: list[str]
    is_anchored: bool


def verify(files: Files, asked: Asked, tell: Callable[[str], None]) -> Result:
    """Verifies a bundle. Raises Wrong at the first place that is not right, Diverged, Unreadable."""
    bundle, generations, host = _bundle(files)
    keys = _keys(files, asked, host)

    note = note_of(files.read("checkpoint"), "checkpoint")
    head = checkpoint_of(note, "checkpoint")
    anchors = _cosigned(note, head.size, "checkpoint", asked)
    signer = keys.signer(note, bundle["origin"], "checkpoint", min((one.at for one in anchors), default=None))
    if head.origin != bundle["origin"] or signer is None:
        raise Wrong("checkpoint", f"is not signed for {bundle['origin']} by a key that is pinned or vouched for")
    if bundle["size"] != head.size or generations[-1].first >= head.size:
        raise Wrong("bundle.json", f"does not fit the {head.size:,} events of the checkpoint")

    chain = _chain(files, keys, generations, host, head, asked, anchors)
    seen = _heads_seen(asked, keys, host)
    ends = {one.log: after.first for one, after in pairwise(generations)} | {generations[-1].log: MAX_SIZE}
    cut = [(name, one) for name, one in seen if one.size > ends.get(_log_of(one), 0)]
    wanted = {one.size for _, one in seen} | {one.size for one in chain} | {one.first for one in generations}
    has_hashes = "hashes" in files.names
    roots = _roots(files, head.size, wanted, tell) if has_hashes else {one.size: one.root for one in [*chain, head]}
    is_whole = roots[head.size] == head.root
    for name, one in seen:
        if (name, one) not in cut:
            _compare(name, one, head, roots, is_whole)
    through, stamps = _anchor_log(files, keys, host, [*chain, head], asked)
    anchors += through

    story = Story(generations, bundle["withheld"], anchors, roots)
    _walk(files, asked, head, bundle["everything"], story, tell)
    if not is_whole:
        first = next((one.size for one in chain if roots[one.size] != one.root), head.size)
        raise Wrong("hashes", f"do not make the root over the first {first:,} events, though each event fits its hash")
    story.end()
    logs = {f"{host}/o/{log}" for log in ends.keys() | story.other_logs.keys()} | {f"{host}/keys", f"{host}/anchor"}
    if strange := [key.name for key in asked.keys if key.name not in logs]:
        raise Wrong("bundle.json", f"is of {head.origin}, and the key that was pinned of {strange[0]}")
    for name, one in cut:
        _tell_loss(name, one, ends, story)
    files.check_sums(tell)
    return Result(_told(bundle, head, signer, asked, story, chain, seen, anchors, stamps), bool(anchors))


def _bundle(files: Files) -> tuple[dict[str, Any], list[Generation], str]:
    """What the bundle says of itself, which is verified later, as are its generations and its host."""
    place = "bundle.json"
    bundle = read_json(files.read(place, 1 << 20).decode(errors="replace").removesuffix("\n"), place)
    if not has_shape(bundle, BUNDLE) or bundle["v"] != 1:
        raise Wrong(place, "does not describe a bundle of version 1")
    if not bundle["logs"] or not all(has_shape(one, {"log": str, "first": int}) for one in bundle["logs"]):
        raise Wrong(place, "names no log")
    if not all(type(one) is str for one in bundle["withheld"]):
        raise Wrong(place, "does not say what is withheld")
    generations = [Generation(one["log"], one["first"]) for one in bundle["logs"]]
    firsts = [one.first for one in generations]
    host, _, log = bundle["origin"].rpartition("/o/")
    if not host or log != generations[-1].log or firsts[0] or firsts != sorted(set(firsts)):
        raise Wrong(place, "its logs and its origin do not fit")
    return bundle, generations, host


def _keys(files: Files, asked: Asked, host: str) -> Keys:
    """What was pinned, with what that vouches for; where nothing was pinned, the first key of the bundle itself. That
    it was pinned for this log, which may have had more ids, is seen to at the end."""
    if strange := [key for key in asked.keys if key.kind != SIGNS or not key.name.startswith(f"{host}/")]:
        raise Wrong("bundle.json", f"is of {host}, and the key that was pinned of {strange[0].name}")
    keys = Keys(host, [key.public for key in asked.keys])
    for number in files.numbered("keys"):
        place = f"keys/{number}"
        note = note_of(files.read(place), place)
        if not asked.keys and number == 0 and (match := re.search(r"^add (\S{44}) ", note.text, re.MULTILINE)):
            keys = Keys(host, [unbase64(match[1], place)])
        keys.hear(note, place)
    return keys


def _cosigned(note: Note, size: int, place: str, asked: Asked) -> list[Anchor]:
    """The witnesses of the auditor that saw this head. Raises Wrong for a forged cosignature."""
    times = [(witness, signed_at(note, witness, place)) for witness in asked.witnesses]
    return [Anchor(size, at, witness.name) for witness, at in times if at is not None]


def _chain(
    files: Files, keys: Keys, generations: list[Generation], host: str, head: Checkpoint, asked: Asked,
    anchors: list[Anchor],
) -> list[Checkpoint]:  # fmt: skip
    """The earlier checkpoints, each shown to be a beginning of the next; adds who has seen them to the anchors."""
    chain = []
    for size in files.numbered("chain"):
        place = f"chain/{size}"
        note = note_of(files.read(place), place)
        one = checkpoint_of(note, place)
        if one.size != size or size >= head.size or one.origin not in {f"{host}/o/{each.log}" for each in generations}:
            raise Wrong(place, "is not an earlier checkpoint of this log")
        keys.signer(note, one.origin, place)  # a signature that is forged is wrong, one of an unknown key no harm
        anchors += _cosigned(note, size, place, asked)
        chain.append(one)
    for one, next_ in pairwise([*chain, head]):
        place = f"chain/{one.size}.consistency"
        proof = hashes_of(files.read(place).decode(errors="replace").splitlines(), place)
        if not is_consistent(one, next_, proof):
            raise Wrong(place, f"does not show that the {next_.size:,} events begin with the {one.size:,} before")
    return chain


def _heads_seen(asked: Asked, keys: Keys, host: str) -> list[tuple[str, Checkpoint]]:
    """The heads that the auditor has kept, with the names of their files. Raises Unreadable."""
    seen = []
    for name, data in asked.heads:
        try:
            note = note_of(data, name)
            one = checkpoint_of(note, name)
            # A key counts that was revoked since: else a revocation would hide a fork from whoever kept this.
            signer = keys.signer(note, one.origin, name, float("-inf"))
        except Wrong as error:
            raise Unreadable(f"The head {name} {error.problem}.") from None
        if signer is None or not one.origin.startswith(f"{host}/o/"):
            raise Unreadable(
                f"The head {name} is not one of this log, signed by a key that is pinned or vouched for. The key that "
                "counted when it was kept can be pinned with one more --key."
            )
        seen.append((name, one))
    return seen


def _tell_loss(name: str, seen: Checkpoint, ends: dict[str, int], story: Story) -> None:
    """Raises Diverged for a head that has events which a restored backup did not have: by which log.restore they are
    gone, and whether that says so. Raises Unreadable for a head of another log."""
    log = _log_of(seen)
    if log not in ends and log not in story.other_logs:
        raise Unreadable(f"The head {name} is not one of this log, signed by a key that is pinned or vouched for.")
    first, left = (ends[log], ends[log]) if log in ends else story.other_logs[log]
    by, said = story.restored[first]
    known = (said.get("known_size"), said.get("known_root"))
    problem = (
        f"has {seen.size:,} events, of which {left:,} to {seen.size - 1:,} are gone: event {by:,} says that an older "
        "backup was restored"
    )
    if log == (said.get("known_log") or said.get("previous_log")) and (
        type(known[0]) is not int or seen.size > known[0] or (seen.size == known[0] and seen.root.hex() != known[1])
    ):
        problem += f", but that the last head was another one, of {known[0]} events"
    raise Diverged(f"the head {name}", problem)


def _compare(name: str, seen: Checkpoint, head: Checkpoint, roots: dict[int, bytes], is_whole: bool) -> None:
    """Raises Diverged where the log does not go on from a head that was seen earlier."""
    if seen.size > head.size:
        raise Diverged(
            f"the head {name}",
            f"has {seen.size:,} events, and there are {head.size:,}: the log was rolled back, or this was made before",
        )
    if seen.size not in roots:
        raise Unreadable(
            f"Whether the log goes on from the head {name}, only evidence with the hashes of all events shows."
        )
    if roots[seen.size] != seen.root and is_whole:
        raise Diverged(f"the head {name}", f"the first {seen.size:,} events are not those that it was signed for")


def _roots(files: Files, size: int, wanted: set[int], tell: Callable[[str], None]) -> dict[int, bytes]:
    """The roots of the tree at some sizes and at its whole, from the hashes of all its leaves."""
    tree, roots = Range(), {}
    with files.open("hashes") as file:
        for at in range(size):
            if at in wanted:
                roots[at] = tree.root()
            hashed = file.read(HASH)
            if len(hashed) != HASH:
                raise Wrong("hashes", f"ends before the hash of event {at}")
            tree.append(hashed)
            if not at & 0xFFFF:
                tell(f"{at:,} of {size:,} hashes")
        if file.read(1):
            raise Wrong("hashes", f"has more than the {size:,} hashes of the checkpoint")
    return {**roots, size: tree.root()}


def _anchor_log(
    files: Files, keys: Keys, host: str, heads: list[Checkpoint], asked: Asked
) -> tuple[list[Anchor], list[str]]:
    """The heads that the log of all heads has, where somebody saw that one, and what there is to say of timestamps that
    do not count. An entry is the `extra` of its proof."""
    found, said = [], []
    stamps = {name for name in files.names if name.startswith("anchors/") and name.endswith(".tsr")}
    for name in sorted(name for name in files.names if name.startswith("anchors/") and name.endswith(".tlog-proof")):
        proof, _, rest = files.read(name).decode(errors="replace").partition("\n\n")
        match = re.fullmatch(r"c2sp\.org/tlog-proof@v1\nextra (\S+)\nindex (0|[1-9][0-9]{0,12})((?:\n\S+)*)", proof)
        if match is None:
            raise Wrong(name, "is no proof of an entry of the anchor log")
        note = note_of(rest.encode(), name)
        anchor, leaf = checkpoint_of(note, name), unbase64(match[1], name)
        path = hashes_of(match[3].split(), name)
        is_anchor = re.fullmatch(
            re.escape(host) + r"/anchor(\.[1-9][0-9]{0,5})?", anchor.origin
        )  # renamed by a restore
        if not is_anchor or keys.signer(note, anchor.origin, name) is None:
            raise Wrong(name, "is not signed as the anchor log by a key that is pinned or vouched for")
        if not is_included(leaf_hash(leaf), int(match[2]), anchor.size, path, anchor.root):
            raise Wrong(name, "its proof does not lead to the root of the anchor log")
        entry = read_json(leaf.decode(errors="replace"), name)
        entered = (entry.get("log"), entry.get("size"), entry.get("root")) if type(entry) is dict else ()
        size = next((one.size for one in heads if entered == (_log_of(one), one.size, one.root.hex())), None)
        if size is None:
            raise Wrong(name, "is not of a head of this log")
        found += _cosigned(note, size, name, asked)
        stamp = name.removesuffix(".tlog-proof") + ".tsr"
        if stamp in stamps:
            stamps.remove(stamp)
            # what was stamped is the note with its first signature and no other
            own = rest[len(note.text) + 1 :].split("\n")[0]
            counts, problem = _stamped(files.read(stamp), f"{note.text}\n{own}\n".encode(), stamp, size, asked)
            found += counts
            said += problem
    for stamp in sorted(stamps):
        raise Wrong(stamp, "is a timestamp of nothing that is here")
    return found, said


def _stamped(response: bytes, signed: bytes, place: str, size: int, asked: Asked) -> tuple[list[Anchor], list[str]]:
    """That an authority has stamped a head, where the auditor trusts it; else what it says, and how to verify that.
    Raises Wrong where it is of something else."""
    stamp, digest = stamp_of(response, place), hashlib.sha256(signed).digest()
    if stamp.digest != digest:
        raise Wrong(place, "is a timestamp of something else, and not of the head of the anchor log beside it")
    says = f"{size:,} events at {_time(stamp.at)}, says {place}"
    if not asked.certificates:
        command = f"openssl ts -verify -digest {digest.hex()} -in {place} -CAfile AUTHORITY.pem"
        return [], [f"{says}. Its signature was not verified: {command} does"]
    if not is_stamp(response, signed, asked.certificates):
        return [], [f"{says}, and is NOT signed by an authority that you trust"]
    return [Anchor(size, int(stamp.at), f"the timestamp authority of {place}")], []


def _log_of(head: Checkpoint) -> str:
    return head.origin.rpartition("/o/")[2]


def _walk(
    files: Files, asked: Asked, head: Checkpoint, everything: bool, story: Story, tell: Callable[[str], None]
) -> None:
    """Goes through all events: each in its place, and in the tree, by the hashes of all leaves or by its own proof."""
    expected, started, has_hashes = 0, time.monotonic(), "hashes" in files.names
    proofs = iter(()) if has_hashes else files.lines("proofs.jsonl")
    with files.open("hashes") if has_hashes else nullcontext(io.BytesIO()) as hashes:
        for number, read in enumerate(_events(files, asked.processes), 1):
            place = f"event {read.seq} (events.jsonl, line {number})"
            if read.seq >= head.size:
                raise Wrong(place, f"is not in the log: it has {head.size:,} events")
            if read.seq < expected or (everything and read.seq != expected):
                raise Wrong(f"event {expected}", f"is missing: line {number} of events.jsonl has event {read.seq}")
            if has_hashes and _skip(hashes, read.seq - expected).read(HASH) != read.hash:
                raise Wrong(place, "is not what was recorded: its hash is another")
            if not has_hashes and not _is_proven(next(proofs, b""), read, head):
                raise Wrong(place, "is not what was recorded: its proof does not lead to the root")
            story.take(read, place)
            expected = read.seq + 1
            if number % 1000 == 0:
                tell(f"{number:,} events, {number / (time.monotonic() - started):,.0f} a second")
    if everything and expected != head.size:
        raise Wrong(f"event {expected}", "is missing, and all that come after it")
    if next(proofs, None) is not None:
        raise Wrong("proofs.jsonl", "has more proofs than there are events")


def _skip(hashes: BinaryIO, count: int) -> BinaryIO:
    """The hashes behind so many more."""
    while count > 0:
        count -= len(hashes.read(HASH * min(count, 4096))) // HASH
    return hashes


def _is_proven(line: bytes, read: Read, head: Checkpoint) -> bool:
    place = f"proofs.jsonl, of event {read.seq}"
    value = read_json(line.decode(errors="replace"), place)
    if not has_shape(value, {"seq": int, "proof": list}) or value["seq"] != read.seq:
        raise Wrong(place, "is no proof of this event")
    if not all(type(one) is str for one in value["proof"]):
        raise Wrong(place, "is no proof")
    return is_included(read.hash, read.seq, head.size, hashes_of(value["proof"], place), head.root)


AT_ONCE = 250


def _events(files: Files, processes: int) -> Iterator[Read]:
    """What each line of events.jsonl says, verified by itself; in several processes where asked for."""
    lines = enumerate(files.lines("events.jsonl"), 1)
    if processes <= 1:
        for number, line in lines:
            yield read_event(line, number)
        return
    with multiprocessing.Pool(processes) as pool:
        waiting: deque[Any] = deque()
        while batch := [pair for _, pair in zip(range(AT_ONCE), lines, strict=False)]:
            waiting.append(pool.apply_async(_read_batch, (batch,)))
            if len(waiting) > 4 * processes:
                yield from waiting.popleft().get()
        while waiting:
            yield from waiting.popleft().get()


def _read_batch(batch: list[tuple[int, bytes]]) -> list[Read]:
    return [read_event(line, number) for number, line in batch]


def _told(
    bundle: dict[str, Any], head: Checkpoint, signer: Key, asked: Asked, story: Story, chain: list[Checkpoint],
    seen: list[tuple[str, Checkpoint]], anchors: list[Anchor], stamps: list[str],
) -> list[str]:  # fmt: skip
    """What was found, a sentence a line."""
    unpinned = "WHICH NOBODY PINNED: the bundle itself says so. Compare it with what you were told, and use --key"
    how = "which was pinned, or is vouched for by one that was" if asked.keys else unpinned
    lines = [
        f"Log        {head.origin}, {head.size:,} events, root {base64.b64encode(head.root).decode()}",
        f"Signed     by {signer}, {how}",
    ]
    if bundle["everything"]:
        lines.append(f"Events     {story.count:,}: every one, in order, nothing left out")
    else:
        query = json.dumps(bundle["query"], ensure_ascii=True)
        lines.append(f"Events     {story.count:,} of {head.size:,}, each as it was recorded. That these are all that "
                     f"{query} finds, only evidence of everything shows")  # fmt: skip
    if chain:
        lines.append(f"Earlier    {_number(len(chain), 'checkpoint')}, each a beginning of the next")
    lines += [f"Withheld   {_number(count, 'value')} of {path}" for path, count in sorted(story.withheld.items())]
    lines += [f"Erased     {_number(many, 'field')}, as event {seq} says" for seq, many in sorted(story.erased.items())]
    lines += [f"Pruned     {_number(many, 'event')}, as event {seq} says" for seq, many in sorted(story.pruned.items())]
    for seq, said in story.restored.values():
        lost = f"; {said['lost']:,} signed events are lost by it" if type(said.get("lost")) is int else ""
        lines.append(f"Restored   from a backup at event {seq}, as it says{lost}")
    lines += [f"Clock      stepped at event {seq}, as it says" for seq in story.steps]
    lines += [f"Head       {name}: the log goes on from its {_number(one.size, 'event')}" for name, one in seen]
    lines += [f"Anchored   {_number(size, 'event')}: seen by {who} at {_time(at)}" for size, at, who in sorted(anchors)]
    lines += [f"Timestamp  {stamp}" for stamp in stamps]
    if not anchors:
        trusted = "--witness or --timestamp-certificate"
        lines.append(f"Anchored   not shown: nobody else's word for it was given with {trusted}")
    return lines


def _number(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


class Progress:
    """Says on standard error how far it is: at a terminal in one line, else now and then."""

    def __init__(self) -> None:
        self._told, self._every = time.monotonic(), 0.5 if sys.stderr.isatty() else 15.0

    def __call__(self, text: str) -> None:
        if time.monotonic() - self._told >= self._every:
            self._told = time.monotonic()
            end = "\r" if sys.stderr.isatty() else "\n"
            sys.stderr.write(f"{text}\x1b[K{end}" if sys.stderr.isatty() else f"{text}{end}")
            sys.stderr.flush()


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="minutebook_verify.py", description="Is this log what it was when it was recorded?"
    )
    add = parser.add_argument
    add("bundle", nargs="?", help="evidence that was exported: a zip, or the folder it was unpacked to")
    add("--server", help="ask this server for evidence of everything instead; the token is in MINUTEBOOK_TOKEN")
    add("--organization", help="with --server: the id of the organization")
    add("--key", action="append", default=[], help="the verifier key of the log, from somewhere else than the bundle")
    add("--head", action="append", default=[], help="a file with a checkpoint that was seen earlier")
    add("--witness", action="append", default=[], help="the verifier key of a witness that you trust")
    add(
        "--timestamp-certificate",
        action="append",
        default=[],
        help="certificates of a timestamp authority that you trust (PEM); needs the package rfc3161-client",
    )
    add("--anchored", action="store_true", help="demand that one of these has seen the log")
    add("--processes", type=int, default=1, help="how many processes verify events")
    given = parser.parse_args(arguments)
    if bool(given.bundle) == bool(given.server) or bool(given.server) != bool(given.organization):
        parser.error("name a bundle, or a server with --organization")
    try:
        result = _run(given)
    except Unreadable as error:
        sys.stderr.write(f"{_inert(str(error))}\n")
        return UNREADABLE
    except Wrong as error:
        word = "DIVERGED" if isinstance(error, Diverged) else "INVALID"
        sys.stdout.write(_inert(f"{word}: {error.place}: {error.problem}.") + "\n")
        return DIVERGED if isinstance(error, Diverged) else INVALID
    sys.stdout.write("".join(_inert(line) + ".\n" for line in result.lines))
    if given.anchored and not result.is_anchored:
        sys.stdout.write("NOT ANCHORED: nobody whom you trust has seen this log.\n")
        return NOT_ANCHORED
    sys.stdout.write("VALID.\n")
    return VALID


def _run(given: argparse.Namespace) -> Result:
    try:
        heads = [(name, Path(name).read_bytes()) for name in given.head]
        certificates = b"\n".join(Path(name).read_bytes() for name in given.timestamp_certificate)
    except OSError as error:
        raise Unreadable(f"{error.filename}: {error.strerror}.") from None
    keys, witnesses = [Key.parse(text) for text in given.key], [Key.parse(text) for text in given.witness]
    if any(key.kind != COSIGNS for key in witnesses):
        raise Unreadable("A --witness is a key of cosignatures.")
    asked, tell = Asked(keys, heads, witnesses, given.processes, certificates), Progress()
    if given.bundle:
        return verify(Files(Path(given.bundle)), asked, tell)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "evidence.zip"
        download(given.server, given.organization, os.environ.get("MINUTEBOOK_TOKEN", ""), file, tell)
        return verify(Files(file), asked, tell)


def _inert(text: str) -> str:
    """A text that a terminal only shows: what comes from a file must not be able to command it."""
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)


if __name__ == "__main__":
    sys.exit(main())
