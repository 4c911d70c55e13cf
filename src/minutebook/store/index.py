"""What follows the record: the text index, the tiles and the written columns, in batches behind the events.

A commit never waits for them, and no search misses what they have not yet reached: it looks at those events themselves.
A crash on the way leaves them as they were before the batch. All are projections and can be made anew at any time.

What is erased from the log they forget in the same transaction: the texts of its neighbours with it, and all columns of
the log, since what a code stands for is the same in all of them. Both are then made anew like what is new. The tiles
hold hashes alone, which stay.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

import structlog
from sqlalchemy import Connection, Row, Select, bindparam, delete, func, select, update

from minutebook.background import Job
from minutebook.errors import OutcomeUnknown, StoreUnavailable
from minutebook.filters import text_of
from minutebook.store import blocks, columns, log, marks, schema, stripes, text, tiles, upsert
from minutebook.store.direct import Direct
from minutebook.store.engine import Store

log_ = structlog.get_logger("minutebook.index")

ROUND_SECONDS = 0.5
BATCH = 8 * text.GROUP
"""Events whose texts are made, and then written, together."""
EMPTIED = BATCH // text.GROUP
"""Groups of texts that are made anew together."""


class Reached(NamedTuple):
    """How far the index follows one log: the number of events whose text it knows, but for the groups in the table
    `purge`, and all of which are in tiles as far as they make whole ones; of written blocks; and of stripes of the next
    one."""

    texts: int = 0
    blocks: int = 0
    stripes: int = 0


class Standing(NamedTuple):
    """What of a log is known, and how often something was erased from it: as long as both are the same, so is what is
    written next."""

    reached: Reached
    rewritten: int


class Part(NamedTuple):
    """What is ready to be written, and what of Reached it changes."""

    reached: Mapping[str, int]
    write: Callable[[Connection], None]


_HERE = schema.log_index.c.organization == bindparam("of")
_STANDING = select(*(schema.log_index.c[name] for name in (*Reached._fields, "rewritten"))).where(_HERE)
_PRUNED = Direct(select(schema.log_index.c.pruned).where(_HERE))
_LOCKED = _STANDING.with_for_update()
_HOLD_HEAD = (
    select(schema.log_head.c.organization)
    .where(schema.log_head.c.organization == bindparam("of"))
    .with_for_update(read=True, key_share=True)
)
"""As every row that refers to the head does on PostgreSQL, but before the index is locked: an act that erases locks
them in this order, too."""
_EVENTS = (
    select(schema.event)
    .where(schema.event.c.position.between(bindparam("first"), bindparam("last")))
    .order_by(schema.event.c.position)
)


def reached(connection: Connection, organization: int) -> Reached:
    """How far this log is followed."""
    return _standing(connection, organization).reached


def pruned(connection: Connection, organization: int) -> int:
    """How many events of a log are no more."""
    return next((number for (number,) in _PRUNED.rows(connection, of=organization)), 0)


def behind(connection: Connection) -> list[int]:
    """The organizations whose logs have something that is not followed yet."""
    heads, index = schema.log_head.c, schema.log_index.c
    statement = select(heads.organization).outerjoin(schema.log_index, index.organization == heads.organization)
    more = func.coalesce(index.texts, 0) + text.STEP <= heads.size
    written = func.coalesce(index.blocks, 0) * blocks.BLOCK + func.coalesce(index.stripes, 0) * stripes.SIZE
    stripe = written + stripes.SIZE <= heads.size  # and so where a block is whole
    emptied = heads.organization.in_(select(schema.purge.c.organization))
    return list(connection.execute(statement.where(more | stripe | emptied)).scalars())


def forget(connection: Connection, organization: int, seqs: Collection[int], *, pruned: int = 0) -> None:
    """Takes out of the index all that it knows of some events, whose number it may have reached or not, before they are
    changed; `pruned` of them are then no events any more. Searches look at the events themselves until it is there
    anew. The lock of the index is held until the transaction ends."""
    before = _lock(connection, organization).reached
    base = organization << schema.SEQ_BITS
    known = {(base | seq) >> text.GROUP_BITS for seq in seqs if seq < before.texts}
    emptied = [{"organization": organization, "number": number} for number in text.empty(connection, sorted(known))]
    upsert.put_missing(connection, schema.purge, emptied)
    connection.execute(delete(schema.block).where(schema.block.c.organization == organization))
    stripes.forget(connection, organization)
    marks.forget(connection, organization)
    table = schema.log_index
    changed = {"blocks": 0, "stripes": 0, "rewritten": table.c.rewritten + 1, "pruned": table.c.pruned + pruned}
    connection.execute(update(table).where(table.c.organization == organization).values(changed))


def follow(store: Store, organization: int) -> Iterator[int]:
    """Follows one log to its end, batch by batch, and yields how many events each has reached: all but a few, at last.

    What is written is made before the index is locked, so that acts do not wait for it; if something was erased
    meanwhile, or somebody else has followed, it is made anew of what is there then. Raises StoreUnavailable or
    OutcomeUnknown when the database cannot be written to. Several processes may follow at once.
    """
    while True:
        with store.reading() as connection:
            known = _standing(connection, organization)
            parts = _next(connection, organization, known.reached)
        if not parts:
            return
        after = known.reached
        with store.housekeeping() as connection:
            if _lock(connection, organization) != known:
                continue
            for part in parts:
                part.write(connection)
                after = after._replace(**part.reached)
            where = schema.log_index.c.organization == organization
            connection.execute(update(schema.log_index).where(where).values(after._asdict()))
        yield after.texts


def follow_all(store: Store) -> None:
    """Follows every log to its end."""
    with store.reading() as connection:
        numbers = behind(connection)
    for number in numbers:
        for _ in follow(store, number):
            pass


class Follower(Job):
    """Follows every log while a server runs. Whatever goes wrong in it, searches miss nothing."""

    name = "index"

    def __init__(self, store: Store, *, every: float = ROUND_SECONDS) -> None:
        super().__init__(every)
        self._store = store
        self._rewritten = -1
        """How often something had been erased when last nothing was left of it."""

    def round(self) -> None:
        """Follows every log to its end, batch by batch."""
        with self._store.reading() as connection:
            numbers = behind(connection)
            rewritten = connection.execute(select(func.sum(schema.log_index.c.rewritten))).scalar() or 0
        if rewritten != self._rewritten:
            self._store.forget()
        for number in numbers:
            try:
                for _ in follow(self._store, number):
                    if self._stopping.is_set():
                        return
            except (StoreUnavailable, OutcomeUnknown):
                raise
            except Exception:  # of this log alone: the others are followed all the same
                log_.exception("index_failed", organization=number)
        if rewritten != self._rewritten and self._store.scrub():  # only now: what was made anew was in it, too
            self._rewritten = rewritten


def rebuild(store: Store) -> None:
    """Forgets everything that follows the logs and makes it anew from their events. What processes have in memory they
    forget, too.

    A crash on the way leaves less of it than before, which is then made by whoever follows next.
    """
    with store.housekeeping() as connection:
        heads = connection.execute(select(schema.log_head.c.organization)).scalars()
        upsert.put_missing(connection, schema.log_index, list(map(_nothing_of, heads)))
        event, known = schema.event.c, schema.log_index.c
        pruned = select(func.count()).where(event.organization == known.organization, event.action == "")
        again = Reached()._asdict() | {"rewritten": known.rewritten + 1, "pruned": pruned.scalar_subquery()}
        connection.execute(update(schema.log_index).values(again))  # first: whoever follows just now has to be done
        for table in schema.INDEX_TABLES:
            if table is not schema.log_index:
                connection.execute(delete(table))
    follow_all(store)


def _standing(connection: Connection, organization: int, statement: Select[Any] = _STANDING) -> Standing:
    row = connection.execute(statement, {"of": organization}).one_or_none()
    return Standing(Reached(*row[:-1]), row.rewritten) if row else Standing(Reached(), 0)


def _nothing_of(organization: int) -> dict[str, int]:
    return {"organization": organization} | dict.fromkeys((*Reached._fields, "rewritten", "pruned"), 0)


def _lock(connection: Connection, organization: int) -> Standing:
    connection.execute(_HOLD_HEAD, {"of": organization})
    upsert.put_missing(connection, schema.log_index, [_nothing_of(organization)])
    return _standing(connection, organization, _LOCKED)


def _next(connection: Connection, organization: int, before: Reached) -> list[Part]:
    """What comes next, ready to be written. Texts do not wait for blocks, all of which are made anew when something was
    erased, nor blocks for texts, of which an import brings many."""
    if emptied := _emptied(connection, organization):
        return [_fill(connection, organization, emptied, before.texts)]
    size = log.read_head(connection, organization).size
    parts = []
    texts = min(before.texts - before.texts % BATCH + BATCH, size - size % text.STEP)
    if texts > before.texts:
        parts.append(_texts(connection, organization, before.texts, texts))
    whole = (before.blocks + 1) * blocks.BLOCK
    if whole <= before.texts:
        parts.append(_block(connection, organization, before.blocks))
    elif size < whole:  # else all of the block is about to be written
        stripe = stripes.first_of(before.blocks) + before.stripes
        if (stripe + 1) * stripes.SIZE <= size:
            parts.append(_stripe(connection, organization, stripe, before.stripes + 1))
    return parts


def _emptied(connection: Connection, organization: int) -> list[int]:
    """Some groups of texts that were emptied."""
    purge = schema.purge.c
    waiting = select(purge.number).where(purge.organization == organization).order_by(purge.number).limit(EMPTIED)
    return list(connection.execute(waiting).scalars())


def _fill(connection: Connection, organization: int, numbers: list[int], end: int) -> Part:
    """The texts of these groups anew, of the events up to a number."""
    rows: list[dict[str, Any]] = []
    for number in numbers:
        first = (number << text.GROUP_BITS) & log.SEQ_MASK
        rows += _rows(connection, organization, first, min(first + text.GROUP, end))

    def write(connection: Connection) -> None:
        text.forget(connection, numbers)
        text.put(connection, rows)
        purge = schema.purge.c
        connection.execute(delete(schema.purge).where(purge.organization == organization, purge.number.in_(numbers)))

    return Part({}, write)


def _texts(connection: Connection, organization: int, first: int, end: int) -> Part:
    """The texts of the events from one number up to another, and the tiles that they fill."""
    rows = _rows(connection, organization, first, end)

    def write(connection: Connection) -> None:
        text.put(connection, rows)
        tiles.follow(connection, organization, first, end)

    return Part({"texts": end}, write)


def _block(connection: Connection, organization: int, number: int) -> Part:
    """A block, in place of its stripes."""
    contents = written_block(connection, organization, number)
    seqs = range(number * blocks.BLOCK, (number + 1) * blocks.BLOCK)
    of_texts = marks.of_block(text.of_groups(connection, organization, seqs))
    is_last_of_pack = (number + 1) % marks.PACK == 0
    if not is_last_of_pack:
        contents[marks.MARKS] = of_texts

    def write(connection: Connection) -> None:
        blocks.put(connection, organization, number, contents)
        if is_last_of_pack:  # only now: it gives much room free, in which what is written would not stand together
            marks.pack(connection, organization, number, of_texts)
        stripes.forget(connection, organization)

    return Part({"blocks": number + 1, "stripes": 0}, write)


def _stripe(connection: Connection, organization: int, number: int, of_block: int) -> Part:
    """A stripe; with it there are so many of the block that is not whole yet."""
    contents = stripes.made(connection, organization, number)

    def write(connection: Connection) -> None:
        stripes.put(connection, organization, number, contents)

    return Part({"stripes": of_block}, write)


def _rows(connection: Connection, organization: int, first: int, end: int) -> upsert.Rows:
    """The rows of the text index with these events; one that cannot be read any more is made anew."""
    base = organization << schema.SEQ_BITS
    try:
        before = text.texts_before(connection, base | first)
    except text.Unreadable as unreadable:
        log_.warning("texts_unreadable", organization=organization, group=unreadable.number)
        before, first = {}, first // text.GROUP * text.GROUP
    events = connection.execute(_EVENTS, {"first": base | first, "last": base | (end - 1)})
    return text.rows_of(((row.position, _said(row)) for row in events), before)


def _said(row: Row[Any]) -> str:
    return text.EMPTY if log.is_pruned(row) else text_of(log.event_of(row))


def written_block(connection: Connection, organization: int, number: int) -> dict[str, bytes]:
    """The next block of a log, as it is made from its events."""
    words = {name: columns.Words() for name in columns.SHARED}
    for name, known in words.items():
        known.codes(blocks.words(connection, organization, name, 0, number, 0))
    first = number * blocks.BLOCK
    return blocks.write(columns.values(connection, organization, blocks.COLUMNS, first, first + blocks.BLOCK), words)
