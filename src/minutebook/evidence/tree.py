"""The tree of one log: RFC 6962, section 2.1 (the same as RFC 9162, section 2.1), grown by a compact range.

A compact range holds the roots of the perfect subtrees that the leaves so far fall into, largest first: at most 63
hashes of 32 bytes, which is all that is needed to add the next leaf and to know the root.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

HASH_SIZE = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 ‖ leaf)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class CompactRange:
    """The tree over the first `size` leaves; `peaks` has one hash for each one-bit of `size`."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def append(self, hashed: bytes) -> CompactRange:
        """The tree with one more leaf, given by its leaf hash."""
        peaks = list(self.peaks)
        size = self.size
        while size & 1:
            hashed = node_hash(peaks.pop(), hashed)
            size >>= 1
        return CompactRange(self.size + 1, (*peaks, hashed))

    def root(self) -> bytes:
        """The Merkle tree hash, 32 bytes."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def to_bytes(self) -> bytes:
        """The peaks one behind the other, as the head of a log stores them."""
        return b"".join(self.peaks)

    @classmethod
    def from_bytes(cls, size: int, stored: bytes) -> CompactRange:
        """Raises ValueError when the number of peaks does not fit the size."""
        if len(stored) != HASH_SIZE * size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} peaks, not {len(stored) / HASH_SIZE}")
        return cls(size, tuple(stored[at : at + HASH_SIZE] for at in range(0, len(stored), HASH_SIZE)))


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The Merkle tree hash over the leaf hashes, from scratch: pair by pair, and whoever is left over goes up alone."""
    level = list(leaf_hashes)
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        paired = [node_hash(level[place], level[place + 1]) for place in range(0, len(level) - 1, 2)]
        level = paired + level[2 * len(paired) :]
    return level[0]
