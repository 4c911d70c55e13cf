"""Trees for tests, by the definition of RFC 6962, section 2.1, and nothing else: no line of `evidence/`.

The proofs are those of sections 2.1.1 and 2.1.2, word for word; `read` answers what `evidence.proof` asks for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

from minutebook.evidence.proof import Node
from tests.support import stored

Hashes = list[bytes]


def leaf_hashes(count: int, seed: str = "") -> Hashes:
    """So many leaf hashes, all different."""
    return [hashlib.sha256(b"\x00" + f"{seed}{number}".encode()).digest() for number in range(count)]


def read(hashes: Hashes) -> Callable[[Sequence[Node]], Mapping[Node, bytes]]:
    """Whoever keeps the perfect subtrees of these leaves."""

    def answer(nodes: Sequence[Node]) -> Mapping[Node, bytes]:
        return {
            node: stored.root(hashes[node.number << node.height : (node.number + 1) << node.height]) for node in nodes
        }

    return answer


def inclusion(index: int, hashes: Hashes) -> Hashes:
    """PATH(m, D[n])."""
    if len(hashes) == 1:
        return []
    k = 1 << (len(hashes) - 1).bit_length() - 1
    if index < k:
        return [*inclusion(index, hashes[:k]), stored.root(hashes[k:])]
    return [*inclusion(index - k, hashes[k:]), stored.root(hashes[:k])]


def consistency(old: int, hashes: Hashes) -> Hashes:
    """PROOF(m, D[n])."""
    return _subproof(old, hashes, whole=True)


def _subproof(old: int, hashes: Hashes, *, whole: bool) -> Hashes:
    if old == len(hashes):
        return [] if whole else [stored.root(hashes)]
    k = 1 << (len(hashes) - 1).bit_length() - 1
    if old <= k:
        return [*_subproof(old, hashes[:k], whole=whole), stored.root(hashes[k:])]
    return [*_subproof(old - k, hashes[k:], whole=False), stored.root(hashes[:k])]
