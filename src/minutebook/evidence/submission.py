"""What a log sends to a witness, by C2SP tlog-witness (c2sp.org/tlog-witness): the body of `add-checkpoint`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from minutebook.evidence.checkpoint import parse_number
from minutebook.evidence.note import MOST_BYTES, NotANote
from minutebook.evidence.proof import Path, parse_path, write_path

OLD = "old "
SIZE_TYPE = "text/x.tlog.size"
"""The type of an answer that says which size the witness has seen."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A signed checkpoint, and the proof that it goes on from the one of size `old` that the witness has seen."""

    old: int
    path: Path
    note: str

    def to_bytes(self) -> bytes:
        """The body of the request."""
        return f"{OLD}{self.old}\n{write_path(self.path)}\n{self.note}".encode()

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """What such a body says; its note is yet to be opened. Raises NotANote."""
        if len(body) > MOST_BYTES:
            raise NotANote("this is too long")
        try:
            head, blank, note = body.decode().partition("\n\n")
        except UnicodeDecodeError:
            raise NotANote("this is no UTF-8") from None
        first, *lines = head.split("\n")
        if not blank or not first.startswith(OLD):
            raise NotANote("this does not begin with an old size, a proof and an empty line")
        return cls(parse_number(first.removeprefix(OLD)), parse_path(lines), note)
