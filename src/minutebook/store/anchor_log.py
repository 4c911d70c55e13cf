"""The anchor log as it is stored: an entry for each log that grew, and the proof that a head is among them.

It has the tiles and checkpoints that every log has, under the number ANCHOR.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, select

from minutebook.errors import NotCanonical
from minutebook.evidence.anchor_entry import NONCE_SIZE, AnchorEntry, names_until
from minutebook.evidence.checkpoint import Checkpoint, log_of
from minutebook.evidence.proof import LogProof
from minutebook.model import Randomness
from minutebook.store import anchors, checkpoints, generations, schema, tiles, upsert
from minutebook.store.anchors import Said
from minutebook.store.checkpoints import Signed
from minutebook.store.generations import Generation
from minutebook.store.log import SEQ_MASK
from minutebook.store.schema import ANCHOR


@dataclass(frozen=True, slots=True)
class Entered:
    """An entry about a head that was signed and is kept, and its number in the anchor log."""

    number: int
    entry: AnchorEntry


def size(connection: Connection) -> int:
    """How many entries there are."""
    last = connection.execute(select(func.max(schema.anchor_entry.c.number))).scalar_one()
    return 0 if last is None else int(last) + 1


def changed(connection: Connection) -> int | None:
    """The number of the first entry that is not what its hash was made of; None where there is none."""
    rows = connection.execute(select(schema.anchor_entry).order_by(schema.anchor_entry.c.number))
    return next((row.number for row in rows if not _is_as_hashed(row)), None)


def grown(connection: Connection, heads: Iterable[Checkpoint]) -> list[tuple[Checkpoint, int]]:
    """Those of the heads that are larger than what was entered last of their logs, each with the size that was."""
    before = {row.log_id: row.size for row in connection.execute(select(schema.anchor_head))}
    sizes = [(head, before.get(log_of(head.origin), 0)) for head in heads]
    return [(head, entered) for head, entered in sizes if head.size > entered]


def enter(connection: Connection, heads: Iterable[Checkpoint], randomness: Randomness) -> None:
    """Adds an entry for each of the heads that has grown."""
    first = number = size(connection)
    entries, newest = [], []
    for head, previous in grown(connection, heads):
        entry = AnchorEntry(log_of(head.origin), previous, head.size, head.root, randomness(NONCE_SIZE))
        entries.append(
            {
                "number": number,
                "log_id": entry.log_id,
                "previous_size": previous,
                "size": entry.size,
                "root": entry.root,
                "nonce": entry.nonce,
                "leaf_hash": entry.leaf_hash(),
            }
        )
        newest.append({"log_id": entry.log_id, "number": number, "size": entry.size})
        number += 1
    if entries:
        connection.execute(insert(schema.anchor_entry), entries)
        upsert.put(connection, schema.anchor_head, newest)
        tiles.follow(connection, ANCHOR, first, number)


def entered(connection: Connection, organization: int, ids: Collection[str], below: int) -> Entered | None:
    """The newest entry of a log, which has had these ids, among the first `below` ones whose head is kept as a
    checkpoint; None without one."""
    table, kept = schema.anchor_entry.c, schema.checkpoint.c
    is_kept = and_(kept.organization == organization, kept.size == table.size, kept.root == table.root)
    statement = (
        select(schema.anchor_entry)
        .join(schema.checkpoint, is_kept)
        .where(table.log_id.in_(ids), table.number < below)
        .order_by(table.number.desc())
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    return _entered(row) if row else None


def prove(connection: Connection, one: Entered, head: Signed) -> LogProof:
    """The proof that the entry is in the anchor log of this head, with what witnesses said of that. Its `extra` is the
    entry. Raises ValueError when it is not in it."""
    path = tiles.inclusion(connection, ANCHOR, one.number, head.size)
    return LogProof(one.number, path, str(anchors.cosigned(connection, head)), one.entry.leaf())


def evidence(connection: Connection, organization: int) -> dict[str, bytes]:
    """All that shows by whom, and when, the heads of a log were seen through the anchor log, as files of a bundle.

    For each head of the anchor log that somebody vouches for last, by any name that it has had, and for its newest
    one: `<size>.tlog-proof`, that the newest head of this log that is kept and entered by then is in it; `<size>.tsr`,
    where it was timestamped: what RFC 3161 answered about its text, the empty line, and the first signature line. The
    checkpoints of these heads, `heads_in(…)`, belong into the same bundle.
    """
    files = {}
    for head, one in _vouched_for(connection, organization):
        files[f"{head.size}.tlog-proof"] = str(prove(connection, one, head)).encode()
        token = anchors.timestamp(connection, head)
        if token is not None:
            files[f"{head.size}.tsr"] = token
    return files


def heads_in(connection: Connection, organization: int) -> list[int]:
    """The sizes of the heads that `evidence` is about, in ascending order."""
    return sorted({one.entry.size for _, one in _vouched_for(connection, organization)})


@dataclass(frozen=True, slots=True)
class State:
    """What one anchor says of a log: how many of its events it vouches for, since when (UTC microseconds), and what
    went wrong after that. `by_anchor_log` says that it was shown the anchor log, which has the head of this one."""

    kind: str
    name: str
    by_anchor_log: bool = False
    size: int = 0
    at: int | None = None
    error: str | None = None


def states(connection: Connection, organization: int) -> list[State]:
    """What every anchor says of a log, the anchor log itself being the first of them. Of an earlier generation it is
    said where nothing is of the newest."""
    known = generations.generations(connection, organization)
    found = [
        _state(by, (one.size for one in by if one.is_done))
        for by in _by_anchor(connection, [one.log_id for one in reversed(known)])
    ]
    newest = checkpoints.latest(connection, ANCHOR)
    if newest is None:
        return found
    name = newest.checkpoint.origin
    size = _size_below(connection, known, newest.size)
    through = [
        _state(by, (_size_below(connection, known, one.size) for one in by if one.is_done), by_anchor_log=True)
        for by in _by_anchor(connection, names_until(log_of(name)))
    ]
    own = [State("anchor_log", name, size=size, at=newest.signed_at)] if size else []
    return [*own, *found, *through]


def _by_anchor(connection: Connection, ids: Sequence[str]) -> list[list[Said]]:
    """What each anchor said of a log by each of its ids, the newest first. What went wrong by an older one is past."""
    said = [one for log_id in ids for one in anchors.newest(connection, log_id) if one.is_done or log_id == ids[0]]
    by: Callable[[Said], tuple[str, str]] = lambda one: (one.kind, one.name)  # noqa: E731
    return [list(of_one) for _, of_one in groupby(sorted(said, key=by), key=by)]


def _state(said: Sequence[Said], sizes: Iterable[int], *, by_anchor_log: bool = False) -> State:
    """One state of what is known of an anchor: what it vouches for, and what went wrong."""
    first = said[0]
    at = next((one.at for one in said if one.is_done), None)
    error = next((one.error for one in said if not one.is_done), None)
    return State(first.kind.value, first.name, by_anchor_log, max(sizes, default=0), at, error)


def _size_below(connection: Connection, known: Sequence[Generation], below: int) -> int:
    """How many events of a log are behind the first `below` entries: of those that it still has."""
    table, end = schema.anchor_entry.c, SEQ_MASK
    for one in reversed(known):
        newest = select(table.size).where(table.log_id == one.log_id, table.number < below, table.size <= end)
        if size := connection.execute(newest.order_by(table.number.desc()).limit(1)).scalar_one_or_none():
            return int(size)
        end = one.first
    return 0


def _vouched_for(connection: Connection, organization: int) -> list[tuple[Signed, Entered]]:
    newest = checkpoints.latest(connection, ANCHOR)
    if newest is None:
        return []
    names = names_until(log_of(newest.checkpoint.origin))
    told = {one.size for name in names for one in anchors.newest(connection, name) if one.is_done}
    heads = [head for size in sorted(told) if (head := checkpoints.of_size(connection, ANCHOR, size))]
    if newest.size not in told:
        heads.append(newest)
    ids = [one.log_id for one in generations.generations(connection, organization)]
    pairs = [(head, entered(connection, organization, ids, head.size)) for head in heads]
    return [(head, one) for head, one in pairs if one]


def _is_as_hashed(row: Row[Any]) -> bool:
    try:
        return _entered(row).entry.leaf_hash() == bytes(row.leaf_hash)
    except (TypeError, ValueError, NotCanonical):
        return False


def _entered(row: Row[Any]) -> Entered:
    entry = AnchorEntry(row.log_id, row.previous_size, row.size, bytes(row.root), bytes(row.nonce))
    return Entered(row.number, entry)
