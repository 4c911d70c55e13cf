"""Does what follows the record say what it says? Holds the text index and the written columns against the events.

A search believes them: an event that they do not know would not be found, though it is in the log and whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select

from minutebook.store import columns, index, log, schema, text
from minutebook.store.check import Finding
from minutebook.store.columns import BLOCK


def check_index(connection: Connection, organization: int) -> Iterator[Finding]:
    """Everything that follows one log and is not made of its events. The log itself has been found whole."""
    size = log.read_head(connection, organization).size
    reached = index.reached(connection, organization)
    if reached.texts > size or reached.blocks * BLOCK > size:
        yield Finding(organization, None, "What follows the log claims to know more events than there are.")
        return
    yield from _blocks(connection, organization, reached.blocks)
    yield from _texts(connection, organization, reached.texts)


def _blocks(connection: Connection, organization: int, blocks: int) -> Iterator[Finding]:
    table = schema.block.c
    written = select(table.number, table.columns).where(table.organization == organization).order_by(table.number)
    numbers = []
    for number, stored in connection.execute(written):
        numbers.append(number)
        first = number * BLOCK
        if number < blocks and not _is_made_of(stored, columns.rows(connection, organization, first, first + BLOCK)):
            events = f"events {first} to {first + BLOCK - 1}"
            yield Finding(organization, first, f"The columns by which {events} are found are not those of the events.")
    if numbers != list(range(blocks)):
        yield Finding(organization, None, "The columns by which events are found are not there, or there twice.")


def _is_made_of(stored: bytes, rows: list[columns.Row]) -> bool:
    try:
        written = columns.read(stored)
    except ValueError:
        return False
    names = [[values[place] for place in places] for values, places in written.shared.values()]
    return rows == [
        columns.Row(*row)
        for row in zip(written.occurred_at, written.recorded_at, zip(*names, strict=True), strict=True)
    ]


def _texts(connection: Connection, organization: int, known: int) -> Iterator[Finding]:
    for first in range(0, known, BLOCK):
        seqs = range(first, min(first + BLOCK, known))
        events = log.events(connection, organization, seqs)
        texts = {log.position(organization, event.seq): text.text_of(event) for event in events}
        for position in sorted(text.differing(connection, texts)):
            seq = position & log.SEQ_MASK
            yield Finding(organization, seq, "The text by which the event is found is not what the event says.")
    if (held := text.held(connection, organization)) is not None and held != known:
        yield Finding(organization, None, f"{held:,} events are in the text index; it claims {known:,}.")
