"""Proofs: that a leaf is in a tree, and that a tree grew out of a smaller one. Made and verified by RFC 9162, section
2.1; written as C2SP tlog-proof (c2sp.org/tlog-proof).

A proof is made of the roots of perfect subtrees. Which ones is known from the sizes alone, so that whoever keeps them
is asked once, for all of them: see `Read`.

A path and a root alone "prove" a leaf at more than one pair of index and size. A verifier takes size and root from a
checkpoint whose signature it has verified, never from whoever shows the proof.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, Self

from minutebook.evidence.checkpoint import parse_number
from minutebook.evidence.note import NotANote, from_base64, to_base64
from minutebook.evidence.tree import HASH_SIZE, CompactRange, node_hash

LONGEST = 63
"""Hashes in a proof, at most: a tree has fewer than 2⁶³ leaves, so no path is longer. C2SP accepts no more, either."""
HEADER = "c2sp.org/tlog-proof@v1"
EXTRA, INDEX = "extra ", "index "


class Node(NamedTuple):
    """A perfect subtree: over the leaves from `number << height` up to `(number + 1) << height`."""

    height: int
    number: int


Read = Callable[[Sequence[Node]], Mapping[Node, bytes]]
"""Answers with the root of each perfect subtree that is asked for."""

Path = tuple[bytes, ...]


def root_at(read: Read, size: int) -> bytes:
    """The root of the tree over the first `size` leaves."""
    nodes = perfect(0, size)
    found = read(nodes)
    return CompactRange(size, tuple(found[node] for node in nodes)).root()


def prove_inclusion(read: Read, index: int, size: int) -> Path:
    """The path from the leaf `index` to the root of the tree of the first `size` leaves (RFC 9162, 2.1.3.1).

    Raises ValueError when that tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    beside, first, end = [], 0, size
    while end - first > 1:
        split = _split(first, end)
        if index < split:
            beside.append((split, end))
            end = split
        else:
            beside.append((first, split))
            first = split
    return _roots(read, beside[::-1])


def prove_consistency(read: Read, old: int, new: int) -> Path:
    """The proof that the tree of the first `new` leaves begins with that of the first `old` ones (RFC 9162, 2.1.4.1);
    empty when one of them is empty, or they are the same.

    Raises ValueError when the older one is larger.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves cannot have grown out of one of {old}")
    if old == 0:
        return ()
    beside, first, end = [], 0, new
    while old != end:
        split = _split(first, end)
        if old <= split:
            beside.append((split, end))
            end = split
        else:
            beside.append((first, split))
            first = split
    if first:  # otherwise the last part is the old tree itself, whose root the verifier has
        beside.append((first, end))
    return _roots(read, beside[::-1])


def verify_inclusion(hashed: bytes, index: int, size: int, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the path leads from the leaf hash at `index` to the root of a tree of `size` leaves (RFC 9162, 2.1.3.2).

    Size and root are to be those of a verified checkpoint.
    """
    if not 0 <= index < size or not _are_hashes(hashed, root, *path):
        return False
    low, last, found = index, size - 1, hashed
    for beside in path:
        if last == 0:
            return False
        if low & 1 or low == last:
            found = node_hash(beside, found)
            while low and not low & 1:
                low, last = low >> 1, last >> 1
        else:
            found = node_hash(found, beside)
        low, last = low >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the tree of `new` leaves begins with that of `old` ones (RFC 9162, 2.1.4.2).

    Every tree begins with the empty one: then there is nothing to prove but its root.
    """
    if not 0 <= old <= new or not _are_hashes(old_root, new_root, *path):
        return False
    if old == new:
        return not path and old_root == new_root
    if old == 0:
        return not path and old_root == CompactRange().root()
    if old & (old - 1) == 0:
        path = (old_root, *path)
    if not path:
        return False
    low, last = old - 1, new - 1
    while low & 1:
        low, last = low >> 1, last >> 1
    found_old = found_new = path[0]
    for beside in path[1:]:
        if last == 0:
            return False
        if low & 1 or low == last:
            found_old, found_new = node_hash(beside, found_old), node_hash(beside, found_new)
            while low and not low & 1:
                low, last = low >> 1, last >> 1
        else:
            found_new = node_hash(found_new, beside)
        low, last = low >> 1, last >> 1
    return last == 0 and found_old == old_root and found_new == new_root


@dataclass(frozen=True, slots=True)
class LogProof:
    """All that shows offline that an entry is in a log: its index, the path, the signed checkpoint as it was written,
    and what else belongs to it (`extra`), which nothing vouches for."""

    index: int
    path: Path
    checkpoint: str
    extra: bytes | None = None

    def __str__(self) -> str:
        extra = "" if self.extra is None else f"{EXTRA}{to_base64(self.extra)}\n"
        return f"{HEADER}\n{extra}{INDEX}{self.index}\n{write_path(self.path)}\n{self.checkpoint}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The proof whose text this is; its checkpoint is yet to be opened. Raises NotANote."""
        head, blank, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        if not blank or lines.pop(0) != HEADER or not lines:
            raise NotANote("this is no tlog-proof")
        extra = from_base64(lines.pop(0).removeprefix(EXTRA)) if lines[0].startswith(EXTRA) else None
        if not lines or not lines[0].startswith(INDEX):
            raise NotANote("a tlog-proof names an index")
        index = parse_number(lines.pop(0).removeprefix(INDEX))
        return cls(index, parse_path(lines), checkpoint, extra)


def write_path(path: Path) -> str:
    """A line of base64 for each hash."""
    return "".join(f"{to_base64(hashed)}\n" for hashed in path)


def parse_path(lines: Sequence[str]) -> Path:
    """The hashes in these lines. Raises NotANote."""
    path = tuple(map(from_base64, lines))
    if len(path) > LONGEST or not _are_hashes(*path):
        raise NotANote(f"a proof has at most {LONGEST} hashes of {HASH_SIZE} bytes")
    return path


def perfect(first: int, end: int) -> list[Node]:
    """The perfect subtrees that these leaves fall into, largest first. What a tree splits into begins where its largest
    one may."""
    nodes = []
    while first < end:
        height = (end - first).bit_length() - 1
        nodes.append(Node(height, first >> height))
        first += 1 << height
    return nodes


def _roots(read: Read, ranges: Sequence[tuple[int, int]]) -> Path:
    """The root over each range of leaves."""
    parts = [perfect(first, end) for first, end in ranges]
    found = read(list(chain.from_iterable(parts))) if parts else {}
    return tuple(
        CompactRange(end - first, tuple(found[node] for node in nodes)).root()
        for (first, end), nodes in zip(ranges, parts, strict=True)
    )


def _split(first: int, end: int) -> int:
    """Where RFC 6962 splits these leaves: behind the largest power of two that is smaller than their number."""
    return first + (1 << (end - first - 1).bit_length() - 1)


def _are_hashes(*hashes: bytes) -> bool:
    return all(len(hashed) == HASH_SIZE for hashed in hashes)
