"""The entries of the anchor log, the one log of a deployment over the heads of all its logs.

An entry says that a log has grown, from which size to which, and what its root is now. A log that is made smaller, or
another, after that is at odds with an entry, and whoever has seen the head of the anchor log has seen them all. The
nonce keeps the hash of an entry, which proofs about other logs show, from telling anything about it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from minutebook.evidence.canonical import canonical
from minutebook.evidence.tree import leaf_hash

ANCHOR_LOG = "anchor"
"""What the anchor log is called; after a restore that lost some of it `anchor.2`, and so on."""
NONCE_SIZE = 16
_NAME = re.compile(rf"{ANCHOR_LOG}(\.[1-9][0-9]{{0,3}})?")


@dataclass(frozen=True, slots=True)
class AnchorEntry:
    """That a log has grown from a size, 0 the first time, to another one with this root."""

    log_id: str
    previous_size: int
    size: int
    root: bytes
    nonce: bytes

    def leaf(self) -> bytes:
        """What is hashed: canonical JSON with root and nonce in hex."""
        return canonical(
            {
                "log": self.log_id,
                "nonce": self.nonce.hex(),
                "previous_size": self.previous_size,
                "root": self.root.hex(),
                "size": self.size,
            }
        )

    def leaf_hash(self) -> bytes:
        """What the tree of the anchor log holds of it."""
        return leaf_hash(self.leaf())


def name_after(name: str) -> str:
    """What the anchor log is called after this name."""
    return f"{ANCHOR_LOG}.{_number(name) + 1}"


def names_until(name: str) -> list[str]:
    """All that the anchor log was called until it had this name, the newest first; nothing where it is no such name."""
    if not _NAME.fullmatch(name):
        return []
    return [*(f"{ANCHOR_LOG}.{number}" for number in range(_number(name), 1, -1)), ANCHOR_LOG]


def _number(name: str) -> int:
    return int(name.removeprefix(ANCHOR_LOG).removeprefix(".") or 1)
