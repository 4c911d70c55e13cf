"""Writes and signs the anchor log: an entry for each log that was signed with more events than before, once a minute.

    entries of what the high water says → sign them all → high water, durably → checkpoint

Entries come from the high water and never from the database's heads: what is entered was signed before.
"""

from __future__ import annotations

from sqlalchemy.exc import IntegrityError

from minutebook.custody import keys
from minutebook.custody.high_water import Custody, HighWater
from minutebook.evidence.anchor_entry import ANCHOR_LOG
from minutebook.evidence.checkpoint import Checkpoint, anchor_origin_of, origin_of
from minutebook.evidence.tree import CompactRange
from minutebook.model import MINUTE
from minutebook.store import anchor_log, checkpoints, tiles
from minutebook.store.checkpoints import Signed
from minutebook.store.engine import Store
from minutebook.store.schema import ANCHOR

EVERY = MINUTE
AT_ONCE = 4096


def is_anchor_log(log_id: str) -> bool:
    """Whether this is the name of the anchor log, now or before a restore, and no log of an organization."""
    return log_id.partition(".")[0] == ANCHOR_LOG


def extend(store: Store, custody: Custody) -> str | None:
    """Enters what has grown and signs it, unless that was done less than a minute ago. Returns why it cannot be signed:
    a sentence.

    Raises NoKey, CustodyBroken, StoreUnavailable.
    """
    now = store.clock()
    with custody.reading() as held:
        host = held.host() if held else None
        if held is None or host is None:
            return None
        name = held.anchor_log()
        last = held.high_water(name)
        if last and last.signed_at <= now < last.signed_at + EVERY:
            return None
        marks = held.high_waters()
    heads = [
        Checkpoint(origin_of(host, log_id), mark.tree.size, mark.tree.root())
        for log_id, mark in marks.items()
        if not is_anchor_log(log_id)
    ]
    with store.reading() as connection:
        size = anchor_log.size(connection)
        grown = anchor_log.grown(connection, heads)
        is_signed = not size or checkpoints.of_size(connection, ANCHOR, size) is not None
    if last and size < last.tree.size:
        return behind(size, last)
    if grown:
        try:
            with store.housekeeping() as connection:
                anchor_log.enter(connection, heads, store.randomness)
        except IntegrityError:  # another server that shares database and custody has just entered them
            return None
    if grown or not is_signed:
        _sign(store, custody, host, name)
    return None


def behind(size: int, last: HighWater) -> str:
    """Why an anchor log of so many entries is not signed."""
    return f"The anchor log has {size:,} entries, and {last.tree.size:,} were signed: it was rolled back."


def _sign(store: Store, custody: Custody, host: str, name: str) -> None:
    """Signs the entries that are there, if some are not signed yet."""
    with custody.changing() as held:
        last = held.high_waters().get(name)
        tree = last.tree if last else CompactRange()
        with store.reading() as connection:
            size = anchor_log.size(connection)
            is_signed = checkpoints.of_size(connection, ANCHOR, size) is not None
            for first in range(tree.size, size, AT_ONCE):
                for hashed in tiles.leaves(connection, ANCHOR, first, min(first + AT_ONCE, size)):
                    tree = tree.append(hashed)
        if is_signed or tree.size != size:
            return
        checkpoint = Checkpoint(anchor_origin_of(host, name), size, tree.root())
        signature = keys.current(custody, held).sign(checkpoint.text(), checkpoint.origin)
        signed = Signed(checkpoint, store.clock(), (signature,))
        held.raise_to([HighWater(name, tree, signed.signed_at)])
    with store.housekeeping() as connection:
        checkpoints.add(connection, ANCHOR, signed)
