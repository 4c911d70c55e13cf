"""Does what follows the record say what it says? Holds the text index, the written columns and the tiles against the
events.

A search believes them: an event that they do not know would not be found, though it is in the log and whole. A proof
that is made of wrong tiles proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, zip_longest

from sqlalchemy import Connection, select

from minutebook.filters import text_of
from minutebook.store import blocks, columns, index, log, schema, text, tiles
from minutebook.store.check import Finding


def check_index(connection: Connection, organization: int) -> Iterator[Finding]:
    """Everything that follows one log and is not made of its events. The log itself has been found whole."""
    size = log.read_head(connection, organization).size
    reached = index.reached(connection, organization)
    if reached.texts > size or reached.blocks * blocks.BLOCK > size:
        yield Finding(organization, None, "What follows the log claims to know more events than there are.")
        return
    yield from _blocks(connection, organization, reached.blocks)
    yield from _texts(connection, organization, reached.texts)
    yield from _tiles(connection, organization, reached.texts)


def _blocks(connection: Connection, organization: int, known: int) -> Iterator[Finding]:
    table = schema.block.c
    statement = select(table.number, table.name, table.content).where(table.organization == organization)
    written = connection.execute(statement.order_by(table.number))
    words = {name: columns.Words() for name in columns.SHARED}
    numbers = []
    for number, rows in groupby(written, key=lambda row: row.number):
        numbers.append(number)
        if number >= known:
            continue
        first = number * blocks.BLOCK
        end = first + blocks.BLOCK
        made = blocks.write(columns.values(connection, organization, blocks.COLUMNS, first, end), words)
        if not blocks.is_same({row.name: row.content for row in rows}, made):
            events = f"events {first} to {end - 1}"
            yield Finding(organization, first, f"The columns by which {events} are found are not those of the events.")
    if numbers != list(range(known)):
        yield Finding(organization, None, "The columns by which events are found are not there, or there twice.")


def _texts(connection: Connection, organization: int, known: int) -> Iterator[Finding]:
    for first in range(0, known, blocks.BLOCK):
        events = log.events(connection, organization, range(first, min(first + blocks.BLOCK, known)))
        texts = {event.seq: text_of(event) for event in events}
        for seq in sorted(text.differing(connection, organization, range(first, first + blocks.BLOCK), texts)):
            yield Finding(organization, seq, "The text by which the event is found is not what the event says.")
    if text.groups(connection, organization) != -(-known // text.GROUP):
        yield Finding(organization, None, "The text index holds more or fewer events than it claims.")


def _tiles(connection: Connection, organization: int, known: int) -> Iterator[Finding]:
    made, stored = tiles.made(connection, organization, known), tiles.stored(connection, organization)
    for right, found in zip_longest(made, stored):
        if right != found:
            level, number, _ = right or found
            first = number << tiles.BITS * (level + 1)
            yield Finding(organization, first, "The hashes that proofs are made of, from here on, are not the log's.")
            return
