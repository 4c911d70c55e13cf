"""The tree of a log as tiles, by C2SP tlog-tiles (c2sp.org/tlog-tiles): what proofs are made of.

    tile(organization, level, number) → up to 256 hashes

A hash of level 1 stands for 256 events, one of level 2 for 65,536, and so on. Of level 0, the leaf hashes themselves,
nothing is stored: they are in `event`, those of the anchor log in `anchor_entry`. A tile is written again for each hash
that is added to it, until it is whole. Tiles follow the record as the text index does, in the same rounds: as far as
events have texts. What lies behind that is made of the level below when it is asked for, so that every proof is there
at acknowledgement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from sqlalchemy import Connection, bindparam, select

from minutebook.evidence import proof
from minutebook.evidence.proof import Node, Path
from minutebook.evidence.tree import HASH_SIZE, root_of
from minutebook.store import schema, upsert
from minutebook.store.log import SEQ_MASK, position

BITS = 8
"""A tile spans so many levels of the tree, and has 1 << BITS hashes: fixed by C2SP."""
NO_HASH = b"\0" * HASH_SIZE
"""Stands where an event is gone: no leaf has it, so it fits no proof."""

_LEAVES = (
    select(schema.event.c.position, schema.event.c.leaf_hash)
    .where(schema.event.c.position.between(bindparam("first"), bindparam("last")))
    .order_by(schema.event.c.position)
)
_ENTRIES = (
    select(schema.anchor_entry.c.number.label("position"), schema.anchor_entry.c.leaf_hash)
    .where(schema.anchor_entry.c.number.between(bindparam("first"), bindparam("last")))
    .order_by(schema.anchor_entry.c.number)
)
_TILES = (
    select(schema.tile.c.number, schema.tile.c.hashes)
    .where(
        schema.tile.c.organization == bindparam("of"),
        schema.tile.c.level == bindparam("level"),
        schema.tile.c.number.between(bindparam("first"), bindparam("last")),
    )
    .order_by(schema.tile.c.number)
)


def root(connection: Connection, organization: int, size: int) -> bytes:
    """The root of the tree over the first `size` events of a log."""
    return proof.root_at(_reader(connection, organization), size)


def inclusion(connection: Connection, organization: int, seq: int, size: int) -> Path:
    """The path from the event `seq` to the root of the tree of the first `size` events. Raises ValueError when it is
    not among them."""
    return proof.prove_inclusion(_reader(connection, organization), seq, size)


def consistency(connection: Connection, organization: int, old: int, new: int) -> Path:
    """The proof that the log of `new` events begins with that of `old` ones. Raises ValueError when that is larger."""
    return proof.prove_consistency(_reader(connection, organization), old, new)


def hashes(connection: Connection, organization: int, level: int, first: int, end: int) -> list[bytes]:
    """The hashes of a level from one number up to another: of level 0 those of the events, of level 1 one for each 256
    of them. The log must have that many events."""
    if first >= end:
        return []
    if level == 0:
        return leaves(connection, organization, first, end)
    found, width = [], 1 << BITS
    bounds = {"of": organization, "level": level, "first": first >> BITS, "last": (end - 1) >> BITS}
    for expected, row in enumerate(connection.execute(_TILES, bounds), first >> BITS):
        if row.number != expected or (stored := split(row.hashes)) is None:
            break
        found += stored
        if len(stored) < width:
            break
    found = found[first & (width - 1) :][: end - first]
    for number in range(first + len(found), end):
        found.append(root_of(hashes(connection, organization, level - 1, number << BITS, (number + 1) << BITS)))
    return found


def leaves(connection: Connection, organization: int, first: int, end: int) -> list[bytes]:
    """The leaf hashes from one event up to another, of the anchor log from one entry; NO_HASH for one that is not
    there."""
    found = [NO_HASH] * (end - first)
    bounds = {"first": position(organization, first), "last": position(organization, end - 1)}
    for at, hashed in connection.execute(_ENTRIES if organization == schema.ANCHOR else _LEAVES, bounds).all():
        if len(hashed) == HASH_SIZE:
            found[(at & SEQ_MASK) - first] = hashed
    return found


def follow(connection: Connection, organization: int, before: int, after: int) -> None:
    """Brings the tiles from those of the first `before` events to those of the first `after` ones."""
    level, first, end = 1, before >> BITS, after >> BITS
    while first < end:
        start = first >> BITS << BITS
        known = hashes(connection, organization, level, start, first)
        known += [
            root_of(hashes(connection, organization, level - 1, number << BITS, (number + 1) << BITS))
            for number in range(first, end)
        ]
        rows = [
            {"organization": organization, "level": level, "number": number, "hashes": content}
            for number, content in _cut(known, start >> BITS)
        ]
        upsert.put(connection, schema.tile, rows)
        level, first, end = level + 1, first >> BITS, end >> BITS


def stored(connection: Connection, organization: int) -> Iterator[tuple[int, int, bytes]]:
    """Every tile of a log that is written down: its level, its number and its hashes, in this order."""
    table = schema.tile.c
    statement = select(table.level, table.number, table.hashes).where(table.organization == organization)
    for row in connection.execute(statement.order_by(table.level, table.number)):
        yield row.level, row.number, bytes(row.hashes)


def made(connection: Connection, organization: int, known: int) -> Iterator[tuple[int, int, bytes]]:
    """What `stored` should say of a log that is followed up to `known` events: made of its leaf hashes alone."""
    width, level = 1 << BITS, 1
    above = [root_of(leaves(connection, organization, first, first + width)) for first in _starts(known, width)]
    while above:
        for number, content in _cut(above, 0):
            yield level, number, content
        level, above = level + 1, [root_of(above[first : first + width]) for first in _starts(len(above), width)]


def split(content: bytes) -> list[bytes] | None:
    """The hashes of a tile as it is stored; None when these bytes are none."""
    if not 0 < len(content) <= HASH_SIZE << BITS or len(content) % HASH_SIZE:
        return None
    return [bytes(content[at : at + HASH_SIZE]) for at in range(0, len(content), HASH_SIZE)]


def _cut(of_level: Sequence[bytes], number: int) -> Iterator[tuple[int, bytes]]:
    """The hashes of a level as tiles, the first of which has this number."""
    for at in range(0, len(of_level), 1 << BITS):
        yield number, b"".join(of_level[at : at + (1 << BITS)])
        number += 1


def _starts(count: int, width: int) -> range:
    """Where each whole part of so many begins."""
    return range(0, count - count % width, width)


def _reader(connection: Connection, organization: int) -> proof.Read:
    """Answers for the perfect subtrees that a proof needs: each tile that they are in is read once."""

    def read(nodes: Sequence[Node]) -> Mapping[Node, bytes]:
        wanted: dict[int, set[tuple[int, int]]] = defaultdict(set)
        for node in nodes:
            wanted[node.height // BITS].add(_span(node))
        found: dict[tuple[int, int, int], bytes] = {}
        for level, spans in wanted.items():
            for _, in_tile in groupby(sorted(spans), key=lambda span: span[0] >> BITS):
                parts = list(in_tile)
                first, end = parts[0][0], max(part[1] for part in parts)
                of_tile = hashes(connection, organization, level, first, end)
                for part in parts:
                    found[level, part[0], part[1]] = root_of(of_tile[part[0] - first : part[1] - first])
        return {node: found[(node.height // BITS, *_span(node))] for node in nodes}

    return read


def _span(node: Node) -> tuple[int, int]:
    """The hashes of the node's level that it stands over."""
    shift = node.height % BITS
    return node.number << shift, (node.number + 1) << shift
