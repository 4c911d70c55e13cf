"""Signed notes: text with signatures under it, by C2SP signed-note (c2sp.org/signed-note).

A key is known by its name and its id, the first four bytes of SHA-256(name ‖ LF ‖ type ‖ public key). Two types are
used, both Ed25519: 0x01 signs the text; 0x04 (c2sp.org/tlog-cosignature) signs a time and the text, which is how a
witness says that it has seen a checkpoint.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = 0x01
COSIGNATURE = 0x04
KEY_SIZE = 32
SIGNATURE_SIZE = 64
ID_SIZE = 4
MOST_SIGNATURES = 100
MOST_BYTES = 1_000_000
PRIVATE = "PRIVATE+KEY+"
DASH = "— "


class NotANote(ValueError):
    """The bytes are no signed note, or the text is no key."""


class NotSigned(ValueError):
    """No known key has signed this, or a signature in the name of a known key is not by it."""


class Signer(Protocol):
    """Whoever holds an Ed25519 private key: a file, or a command that asks a key store."""

    @property
    def public(self) -> bytes:
        """The public key, 32 bytes."""

    def sign(self, message: bytes) -> bytes:
        """The signature of the message, 64 bytes (RFC 8032)."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One line under a note: which key, and what it signed."""

    name: str
    key_id: bytes
    signed: bytes

    def line(self) -> str:
        """As it stands in a note, with its line feed."""
        return f"{DASH}{self.name} {to_base64(self.key_id + self.signed)}\n"

    @classmethod
    def parse(cls, line: str) -> Self:
        """The signature in a line without its line feed. Raises NotANote."""
        parts = line.split(" ")
        if len(parts) != 3 or f"{parts[0]} " != DASH or not is_name(parts[1]):
            raise NotANote("a line under the text is no signature")
        _, name, encoded = parts
        signed = from_base64(encoded)
        if len(signed) <= ID_SIZE:
            raise NotANote("a signature is too short")
        return cls(name, signed[:ID_SIZE], signed[ID_SIZE:])


@dataclass(frozen=True)
class VerifierKey:
    """A public key with the name that it signs by: the `vkey` that people pin."""

    name: str
    public: bytes
    kind: int = ED25519

    @cached_property
    def key_id(self) -> bytes:
        """Four bytes."""
        return hashlib.sha256(f"{self.name}\n".encode() + bytes([self.kind]) + self.public).digest()[:ID_SIZE]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{to_base64(bytes([self.kind]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key of a vkey, `name+id+base64`. Raises NotANote."""
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        key = from_base64(encoded)
        if not is_name(name) or len(key) != 1 + KEY_SIZE or key[0] not in {ED25519, COSIGNATURE}:
            raise NotANote("this is no key that signs by Ed25519")
        found = cls(name, key[1:], key[0])
        if found.key_id.hex() != key_id:
            raise NotANote("the id of this key is not that of its name and bytes")
        return found

    def is_of(self, signature: Signature) -> bool:
        """Whether the signature says that it is by this key."""
        return (signature.name, signature.key_id) == (self.name, self.key_id)

    def has_signed(self, text: str, signature: Signature) -> bool:
        """Whether the signature is by this key, over this text."""
        if not self.is_of(signature):
            return False
        signed, message = signature.signed, text.encode()
        if self.kind == COSIGNATURE:
            if len(signed) != 8 + SIGNATURE_SIZE:
                return False
            signed, message = signed[8:], _with_time(text, int.from_bytes(signed[:8], "big"))
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signed, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Note:
    """A text, which ends with a line feed, and the signatures under it."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(signature.line() for signature in self.signatures)}"

    @classmethod
    def parse(cls, note: bytes) -> Self:
        """The note in these bytes, which are then exactly `str(note).encode()`. Raises NotANote."""
        if len(note) > MOST_BYTES:
            raise NotANote(f"a note has at most {MOST_BYTES:,} bytes")
        try:
            whole = note.decode()
        except UnicodeDecodeError:
            raise NotANote("a note is UTF-8") from None
        if any(character < " " and character != "\n" for character in whole):
            raise NotANote("a note has no control characters")
        text, blank, under = whole.rpartition("\n\n")
        if not blank or not under.endswith("\n"):
            raise NotANote("a note has signatures under an empty line")
        lines = under[:-1].split("\n")
        if len(lines) > MOST_SIGNATURES:
            raise NotANote(f"a note has at most {MOST_SIGNATURES} signatures")
        return cls(f"{text}\n", tuple(map(Signature.parse, lines)))

    def signed_by(self, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
        """Those of the keys that have signed it. Raises NotSigned when none has, and when a signature in the name of
        one of them is not by it."""
        found = []
        for key in keys:
            own = [signature for signature in self.signatures if key.is_of(signature)]
            if not all(key.has_signed(self.text, signature) for signature in own):
                raise NotSigned(f"a signature in the name of {key.name} is not by its key")
            if own:
                found.append(key)
        if not found:
            raise NotSigned("no known key has signed this")
        return tuple(found)


class PrivateKey:
    """An Ed25519 key in memory: a Signer. Its seed is 32 bytes."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    def to_text(self, name: str) -> str:
        """As it is kept in a file: `PRIVATE+KEY+name+id+base64`."""
        key_id = VerifierKey(name, self.public).key_id
        return f"{PRIVATE}{name}+{key_id.hex()}+{to_base64(bytes([ED25519]) + self._seed)}"

    @classmethod
    def parse(cls, text: str) -> tuple[str, Self]:
        """The name and the key of such a text. Raises NotANote, which repeats nothing of it."""
        name, _, rest = text.removeprefix(PRIVATE).partition("+")
        key_id, _, encoded = rest.partition("+")
        key = from_base64(encoded)
        if not text.startswith(PRIVATE) or not is_name(name) or len(key) != 1 + KEY_SIZE or key[0] != ED25519:
            raise NotANote("this is no private key for Ed25519")
        found = cls(key[1:])
        if VerifierKey(name, found.public).key_id.hex() != key_id:
            raise NotANote("the id of this private key is not that of its name and bytes")
        return name, found


def sign(text: str, name: str, signer: Signer) -> Signature:
    """The signer's signature of the text, by this name."""
    return Signature(name, VerifierKey(name, signer.public).key_id, signer.sign(text.encode()))


def cosign(text: str, name: str, signer: Signer, at: int) -> Signature:
    """The signer's cosignature of a checkpoint's text, by this name, at a time in seconds since 1970."""
    signed = at.to_bytes(8, "big") + signer.sign(_with_time(text, at))
    return Signature(name, VerifierKey(name, signer.public, COSIGNATURE).key_id, signed)


def cosigned_at(signature: Signature) -> int:
    """When a cosignature says that it was made, in seconds since 1970."""
    return int.from_bytes(signature.signed[:8], "big")


def _with_time(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def is_name(text: str) -> bool:
    """Whether a key may have this name: not empty, without spaces, control characters and plus."""
    return bool(text) and not any(character.isspace() or character < " " or character == "+" for character in text)


def to_base64(raw: bytes) -> str:
    """Standard base64 (RFC 4648, section 4)."""
    return base64.b64encode(raw).decode()


def from_base64(text: str) -> bytes:
    """What one text, and no other, stands for in base64. Raises NotANote."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NotANote("this is no base64") from None
    if to_base64(raw) != text:
        raise NotANote("this is no base64 as it is written")
    return raw
