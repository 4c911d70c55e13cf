"""Looking closer: which of the events that columns and index have found are meant, by what the events say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, bindparam, select

from minutebook.filters import fits, saying, text_of
from minutebook.filters.expression import NOTHING_ASKED, Expression, Term, all_of, conjuncts
from minutebook.store.log import SEQ_MASK, SHOWN, event_of, position
from minutebook.store.memory import Texts
from minutebook.store.schema import event

Rows: TypeAlias = Sequence[Row[Any]]

_EVENTS = select(*SHOWN).where(event.c.position.in_(bindparam("positions", expanding=True)))
FROM = select(*SHOWN).where(event.c.position.between(bindparam("first"), bindparam("last"))).order_by(event.c.position)
"""The rows of an organization's events between two positions, in the order of the log."""


class Closer:
    """Looks at events of one organization for `rest`, what is left of a filter.

    Words are looked for in the texts of the events, which are kept for the next search; the events need not be read
    for that again.
    """

    def __init__(self, connection: Connection, organization: int, texts: Texts, rest: Expression) -> None:
        self._connection = connection
        self._organization = organization
        self._texts = texts
        parts = conjuncts(rest)
        words = {part for part in parts if isinstance(part, Term) and part.key == "text"}
        self._say = [saying(str(word.value)) for word in words]
        other = all_of(part for part in parts if part not in words)
        self._fits = None if other == NOTHING_ASKED else fits(other)

    def meant(self, seqs: Sequence[int]) -> list[int]:
        """The numbers of those events that are meant, in the order given."""
        if self._say:
            texts = self._texts_of(seqs)
            seqs = [seq for seq, text in zip(seqs, texts, strict=True) if all(says(text) for says in self._say)]
        if self._fits is None:
            return list(seqs)
        rows = rows_of(self._connection, self._organization, seqs)
        return [row.position & SEQ_MASK for row in rows if self._fits(event_of(row))]

    def _texts_of(self, seqs: Sequence[int]) -> list[str]:
        """The texts of events; that of an event which is gone says nothing."""
        known = {seq: self._texts.get(position(self._organization, seq)) for seq in seqs}
        for row in rows_of(self._connection, self._organization, [seq for seq, text in known.items() if text is None]):
            text = known[row.position & SEQ_MASK] = text_of(event_of(row))
            self._texts.put(row.position, text)
        return [known[seq] or "" for seq in seqs]


def rows_of(connection: Connection, organization: int, seqs: Sequence[int]) -> list[Row[Any]]:
    """The rows of some events, in the order of their numbers as given; none for one that is gone."""
    if not seqs:
        return []
    positions = [position(organization, seq) for seq in seqs]
    first, last = min(positions), max(positions)
    if last - first < len(positions):  # neighbours in the log, as on most pages: one range
        rows = connection.execute(FROM, {"first": first, "last": last}).all()
    else:
        rows = connection.execute(_EVENTS, {"positions": positions}).all()
    found = {row[0]: row for row in rows}
    return [found[at] for at in positions if at in found]
