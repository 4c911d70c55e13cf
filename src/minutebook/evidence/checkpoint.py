"""Checkpoints: what is signed of a log, by C2SP tlog-checkpoint (c2sp.org/tlog-checkpoint), without extensions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from minutebook.evidence.note import NotANote, Note, NotSigned, VerifierKey, from_base64, is_name, to_base64
from minutebook.evidence.tree import HASH_SIZE

MOST = (1 << 63) - 1


class NotACheckpoint(NotANote):
    """The text of the note is no checkpoint."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log's origin, the number of its events, and the root of the tree over them."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The checkpoint whose `text()` this is. Raises NotACheckpoint."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise NotACheckpoint("a checkpoint has three lines")
        origin, size, root = lines[:3]
        if not is_name(origin):
            raise NotACheckpoint("a checkpoint has an origin without spaces and plus")
        found = cls(origin, parse_number(size), from_base64(root))
        if len(found.root) != HASH_SIZE:
            raise NotACheckpoint("a root has 32 bytes")
        return found

    @classmethod
    def open(cls, note: bytes, keys: Iterable[VerifierKey]) -> Self:
        """The checkpoint in a note that one of the keys has signed, under the name of its own log.

        Raises NotANote, NotACheckpoint, NotSigned.
        """
        opened = Note.parse(note)
        checkpoint = cls.parse(opened.text)
        if not any(key.name == checkpoint.origin for key in opened.signed_by(keys)):
            raise NotSigned("the key that signed this is the key of another log")
        return checkpoint


def origin_of(host: str, log_id: str) -> str:
    """The name of the log of an organization, and of the key that signs it."""
    return f"{host}/o/{log_id}"


def anchor_origin_of(host: str, name: str) -> str:
    """The name of the anchor log, and of the key that signs it."""
    return f"{host}/{name}"


def log_of(origin: str) -> str:
    """The id of the log that has this origin."""
    return origin.rpartition("/")[2]


def parse_number(text: str) -> int:
    """A number as C2SP writes it: decimal, without leading zeroes, at most 2⁶³−1. Raises NotACheckpoint."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 19) or (text != "0" and text.startswith("0")):
        raise NotACheckpoint("a size is a decimal number without leading zeroes")
    number = int(text)
    if number > MOST:
        raise NotACheckpoint("a size is at most 2⁶³−1")
    return number
