"""Whether a log is what was signed of it: its tree made again of the one that was signed last, and of what came behind.

The signer asks before it signs, doctor and the page Integrity to tell what it would say. No key is needed for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from minutebook.custody.high_water import HighWater
from minutebook.evidence.checkpoint import Checkpoint
from minutebook.evidence.note import VerifierKey
from minutebook.evidence.tree import CompactRange
from minutebook.store import tiles
from minutebook.store.checkpoints import Signed
from minutebook.store.log import Head

AT_ONCE = 4096
"""Leaf hashes that are read at once."""
ENDED = "The log went on without what is here, since a backup was restored."


class Refused(Exception):
    """A sentence: why this log cannot be what was signed before."""


def grown_tree(connection: Connection, head: Head, before: HighWater | None) -> CompactRange:
    """The tree of a log as it is now, made of the one that was signed last. Raises Refused."""
    tree = before.tree if before else CompactRange()
    if head.size < tree.size:
        raise Refused(f"The log has {head.size:,} events, and {tree.size:,} were signed: it was rolled back.")
    known = tree.size
    for first in range(known, head.size, AT_ONCE):
        for hashed in tiles.leaves(connection, head.organization, first, min(first + AT_ONCE, head.size)):
            tree = tree.append(hashed)
    if tree != head.tree:
        raise Refused(
            f"The log is not the one of which {known:,} events were signed: its events or its head are others."
        )
    return tree


def problem_of(
    connection: Connection,
    head: Head,
    before: HighWater | None,
    signed: Iterable[Signed],
    known: Mapping[bytes, object],
) -> str:
    """Why a log is not what was signed of it, in a sentence: by its high water, and by these checkpoints of it. Nothing
    when it is."""
    try:
        grown_tree(connection, head, before)
    except Refused as refused:
        return str(refused)
    number, size = head.organization, head.size
    return next(
        (problem for one in signed if (problem := checkpoint_problem(connection, number, size, one, known))), ""
    )


def checkpoint_problem(
    connection: Connection, organization: int, size: int, signed: Signed, known: Mapping[bytes, object]
) -> str | None:
    """What is wrong with a checkpoint that is stored of a log of this size."""
    if problem := signature_problem(signed, known):
        return problem
    checkpoint = signed.checkpoint
    if checkpoint.size > size or tiles.root(connection, organization, checkpoint.size) != checkpoint.root:
        return f"The first {checkpoint.size:,} events are not those that were signed."
    return None


def signature_problem(signed: Signed, known: Iterable[bytes]) -> str | None:
    """What is wrong with the signature under a checkpoint that is stored, whatever the log is: none of these public
    keys has signed it."""
    origin = signed.checkpoint.origin
    try:
        Checkpoint.open(str(signed).encode(), [VerifierKey(origin, public) for public in known])
    except ValueError:
        return f"The checkpoint of {signed.size:,} events is not signed by a key of this deployment."
    return None
