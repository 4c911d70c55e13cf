"""Erasing: taking out of the log what events say, so that the log still proves that they said it.

One mechanism for both, fields that the law wants erased and whole events that a policy wants pruned. What stays of
every event is its number, its times and its leaf hash, so that each root and each proof stays what it was. The guard
lets nothing else through, and only together with the event that says what was done (`actions/log_custody.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection, bindparam, select, update

from minutebook.evidence.remains import remains_of
from minutebook.store import body, index, schema
from minutebook.store.log import is_pruned, position, seq_of

AT_ONCE = 500
_LEFT = (
    select(schema.event)
    .where(schema.event.c.position.in_(bindparam("positions", expanding=True)))
    .order_by(schema.event.c.position)
)
_ERASE = (
    update(schema.event)
    .where(schema.event.c.position == bindparam("at"))
    .values(disclosures=bindparam("new_disclosures"), secret=bindparam("new_secret"))
)
_PRUNE = (
    update(schema.event)
    .where(schema.event.c.position == bindparam("at"))
    .values(id="", action="", outcome="", disclosures=body.PRUNED, secret=b"")
)


def erase_fields(
    connection: Connection, organization: int, fields: Mapping[int, Collection[str]]
) -> list[tuple[int, str, bytes]]:
    """Erases fields (number of the event → paths) and returns what is gone: number, path and commitment of each, in
    the order of the log. What is not there, or not any more, is passed over. The head must be locked."""
    lost: list[tuple[int, str, bytes]] = []
    changed = []
    index.forget(connection, organization, fields.keys())
    for seqs in _batches(sorted(fields)):
        rows = connection.execute(_LEFT, {"positions": [position(organization, seq) for seq in seqs]}).all()
        for row in rows:
            if is_pruned(row):
                continue
            seq, disclosures = seq_of(row), body.unpack(row.disclosures)
            paths = [path for path in disclosures if path in fields[seq] and disclosures[path]]
            if not paths:
                continue
            remains = remains_of(row.secret, disclosures).without(paths, disclosures)
            left = body.pack(disclosures | dict.fromkeys(paths, b""))
            changed.append({"at": row.position, "new_disclosures": left, "new_secret": remains.to_bytes()})
            lost += [(seq, path, remains.gone[path]) for path in paths]
    if changed:
        connection.execute(_ERASE, changed)
    return lost


def prune(connection: Connection, organization: int, seqs: Collection[int]) -> None:
    """Takes events out of the log; their numbers, times and hashes stay. The head must be locked."""
    if seqs:
        index.forget(connection, organization, seqs, pruned=len(seqs))
        connection.execute(_PRUNE, [{"at": position(organization, seq)} for seq in sorted(seqs)])


def _batches(seqs: list[int]) -> Iterable[list[int]]:
    return (seqs[at : at + AT_ONCE] for at in range(0, len(seqs), AT_ONCE))
