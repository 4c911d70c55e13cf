"""Does what follows the record say what it says? Holds the text index, the written columns and the tiles against the
events.

A search believes them: an event that they do not know would not be found, though it is in the log and whole. A proof
that is made of wrong tiles proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest

from sqlalchemy import Connection, func, select

from minutebook.filters import text_of
from minutebook.store import blocks, columns, index, log, marks, schema, stripes, text, tiles
from minutebook.store.check import Finding


def check_index(connection: Connection, organization: int) -> Iterator[Finding]:
    """Everything that follows one log and is not made of its events. The log itself has been found whole."""
    size = log.read_head(connection, organization).size
    reached = index.reached(connection, organization)
    if reached.texts > size or (stripes.first_of(reached.blocks) + reached.stripes) * stripes.SIZE > size:
        yield Finding(organization, None, "What follows the log claims to know more events than there are.")
        return
    pruned = select(func.count()).where(schema.event.c.organization == organization, schema.event.c.action == "")
    if connection.execute(pruned).scalar_one() != index.pruned(connection, organization):
        yield Finding(organization, None, "What follows the log counts more or fewer pruned events than there are.")
    yield from _blocks(connection, organization, reached.blocks)
    yield from _stripes(connection, organization, reached)
    yield from _texts(connection, organization, reached)
    yield from _tiles(connection, organization, reached.texts)


def _blocks(connection: Connection, organization: int, known: int) -> Iterator[Finding]:
    words = {name: columns.Words() for name in columns.SHARED}
    numbers = []
    try:
        for number, contents in blocks.written(connection, organization):
            contents.pop(marks.MARKS, None)
            if not contents:  # of a block that was brought together with others, but not its marks yet
                continue
            numbers.append(number)
            if number >= known:
                continue
            first = number * blocks.BLOCK
            end = first + blocks.BLOCK
            made = blocks.write(columns.values(connection, organization, blocks.COLUMNS, first, end), words)
            if not blocks.is_same(contents, made):
                events = f"events {first} to {end - 1}"
                yield Finding(
                    organization, first, f"The columns by which {events} are found are not those of the events."
                )
    except blocks.NotWrittenSo:
        yield Finding(organization, None, "The columns by which events are found cannot be read.")
        return
    if numbers != list(range(known)):
        yield Finding(organization, None, "The columns by which events are found are not there, or there twice.")


def _stripes(connection: Connection, organization: int, reached: index.Reached) -> Iterator[Finding]:
    begin = stripes.first_of(reached.blocks)
    try:
        written = stripes.written(connection, organization)
    except blocks.NotWrittenSo:
        yield Finding(organization, None, "The columns by which the newest events are found cannot be read.")
        return
    if list(written) != list(range(begin, begin + reached.stripes)):
        yield Finding(
            organization, None, "The columns by which the newest events are found are not there, or of others."
        )
        return
    for number, contents in written.items():
        if not blocks.is_same(contents, stripes.made(connection, organization, number)):
            first = number * stripes.SIZE
            events = f"events {first} to {first + stripes.SIZE - 1}"
            yield Finding(organization, first, f"The columns by which {events} are found are not those of the events.")


def _texts(connection: Connection, organization: int, reached: index.Reached) -> Iterator[Finding]:
    known = reached.texts
    of_blocks = marks.stored(connection, organization, reached.blocks)
    waiting = select(schema.purge.c.number).where(schema.purge.c.organization == organization)
    emptied = set(connection.execute(waiting).scalars())
    for first in range(0, known, blocks.BLOCK):
        events = log.events(connection, organization, range(first, min(first + blocks.BLOCK, known)))
        texts = {event.seq: text_of(event) for event in events}
        differing = text.differing(connection, organization, range(first, first + blocks.BLOCK), texts)
        for seq in sorted(
            seq for seq in differing if log.position(organization, seq) >> text.GROUP_BITS not in emptied
        ):
            yield Finding(organization, seq, "The text by which the event is found is not what the event says.")
        if first // blocks.BLOCK < reached.blocks and next(of_blocks) != _marks(texts, first):
            events_ = f"events {first} to {first + blocks.BLOCK - 1}"
            yield Finding(organization, first, f"The marks by which words of {events_} are found are not theirs.")
    if marks.rows(connection, organization) != reached.blocks // marks.PACK << marks.ROW_BITS:
        yield Finding(organization, None, "There are more or fewer marks of words than the log has blocks.")
    if text.groups(connection, organization) != -(-known // text.GROUP):
        yield Finding(organization, None, "The text index holds more or fewer events than it claims.")


def _marks(texts: Mapping[int, str], first: int) -> bytes:
    """What the marks of a block are by its texts."""
    groups = [range(at, at + text.GROUP) for at in range(first, first + blocks.BLOCK, text.GROUP)]
    return marks.of_block([text.plain_of([texts.get(seq, text.EMPTY) for seq in group]) for group in groups])


def _tiles(connection: Connection, organization: int, known: int) -> Iterator[Finding]:
    made, stored = tiles.made(connection, organization, known), tiles.stored(connection, organization)
    for right, found in zip_longest(made, stored):
        if right != found:
            level, number, _ = right or found
            first = number << tiles.BITS * (level + 1)
            yield Finding(organization, first, "The hashes that proofs are made of, from here on, are not the log's.")
            return
