"""The columns of a log: what every search asks of every event.

They are a projection of the record and never a source. They are made from the rows of `event`, written down in blocks
and stripes (`blocks.py`, `stripes.py`), and kept in memory as far as searches have asked for them (`memory.py`).

A value that many events share (an action, an actor, an address) is there once; the columns hold its code.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, select

from minutebook.store import body, schema

Times: TypeAlias = "NDArray[np.int64]"
Codes: TypeAlias = "NDArray[np.unsignedinteger]"


class Who(NamedTuple):
    """The actor of an event, as recorded; without an address `email` is empty."""

    kind: str
    id: str
    email: str


TIMES = ("occurred_at", "recorded_at")
"""The columns of times, in UTC microseconds."""
SHARED = ("action", "outcome", "actor", "ip", "client")
"""The columns of values that many events share. `actor` holds a `Who`, the others texts, empty where there is none."""
PLAIN, DISCLOSED = (*TIMES, "action", "outcome"), ("actor", "ip", "client")
"""The columns that a row of `event` has as they are, and those for which its disclosures must be unpacked."""
PATHS = ("actor.kind", "actor.id", "actor.email", "context.ip", "context.client")

NOBODY = Who("", "", "")
NOTHING: dict[str, Any] = dict.fromkeys(TIMES, 0) | dict.fromkeys(SHARED, "") | {"actor": NOBODY}
"""In the place of an event that was taken out of a log: the others are found all the same."""


TESTS_AT_ONCE = 1024
"""Values that are tested between two looks at the clock."""


class Passing(NamedTuple):
    """Which values of a column pass a test: for each code, and told apart whether none, one or all of them do."""

    codes: NDArray[np.bool_]
    number: int
    first: int

    @property
    def values(self) -> list[int]:
        """The codes of such values, in order."""
        return [self.first] if self.number == 1 else np.flatnonzero(self.codes).tolist()

    def of(self, codes: Codes) -> NDArray[np.bool_]:
        """Of each code whether it stands for such a value."""
        return codes == self.first if self.number == 1 else self.codes[codes]


class Words:
    """The values of one column, each once; a value's code is its place. Only ever added to."""

    MOST_TESTS = 128  # a query has fewer terms

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._codes: dict[Hashable, int] = {}
        self._passing: dict[Hashable, Passing] = {}

    def codes(self, values: Iterable[Hashable]) -> list[int]:
        """The codes of values, new ones for new values."""
        found, known, all_ = [], self._codes, self.values
        for value in values:
            code = known.get(value)
            if code is None:
                code = known[value] = len(all_)
                all_.append(value)
            found.append(code)
        return found

    def passing(self, key: Hashable, test: Callable[[Any], bool], look: Callable[[], None] = lambda: None) -> Passing:
        """Which values pass a test. Equal keys stand for equal tests: what was found is kept for the next search, also
        of some of them where `look`, which is called now and then, raises because the time is over."""
        number, known = len(self.values), self._passing.get(key)
        if known is not None and len(known.codes) == number:
            return known
        parts = [known.codes if known is not None else np.zeros(0, np.bool_)]
        try:
            for at in range(len(parts[0]), number, TESTS_AT_ONCE):
                if len(parts) > 1:
                    look()
                some = self.values[at : min(at + TESTS_AT_ONCE, number)]
                parts.append(np.fromiter(map(test, some), np.bool_, len(some)))
        finally:
            found = self._keep(key, np.concatenate(parts))
        return found

    def _keep(self, key: Hashable, codes: NDArray[np.bool_]) -> Passing:
        if len(self._passing) >= self.MOST_TESTS:
            self._passing = {}
        first = int(codes.argmax()) if len(codes) else 0
        found = self._passing[key] = Passing(codes, int(np.count_nonzero(codes)), first)
        return found


_PLAIN = (
    select(schema.event.c.position, *(schema.event.c[name] for name in PLAIN))
    .where(schema.event.c.position.between(bindparam("first"), bindparam("last")))
    .order_by(schema.event.c.position)
)
_DISCLOSED = _PLAIN.with_only_columns(schema.event.c.position, schema.event.c.disclosures)


def values(
    connection: Connection, organization: int, names: Sequence[str], first: int, end: int
) -> dict[str, Sequence[Any]]:
    """Some columns of the events from one number up to another, read from the events themselves."""
    base = organization << schema.SEQ_BITS
    bounds = {"first": base | first, "last": base | (end - 1)}
    found: dict[str, Sequence[Any]] = {}
    for known, statement in ((PLAIN, _PLAIN), (DISCLOSED, _DISCLOSED)):
        if not set(known) & set(names):
            continue
        rows: Iterable[Sequence[Any]] = connection.execute(statement, bounds).all()
        if known is DISCLOSED:
            disclosed = _Disclosed()
            rows = [(position, *disclosed.of(stored)) for position, stored in rows]
        rows = list(rows)
        if len(rows) < end - first:
            there = {row[0] - base: row for row in rows}
            gone = (0, *(NOTHING[name] for name in known))
            rows = [there.get(seq, gone) for seq in range(first, end)]
        found |= zip(known, list(zip(*rows, strict=True))[1:], strict=True)
    return {name: found[name] for name in names}


class _Disclosed:
    """Reads the columns DISCLOSED, and each text once: most are those of many events."""

    def __init__(self) -> None:
        self._actors: dict[tuple[bytes, ...], Who] = {}
        self._texts: dict[bytes, str] = {}

    def of(self, stored: bytes) -> tuple[Who, str, str]:
        """Those of one event; nothing of disclosures that cannot be read."""
        try:
            *actor, ip, client = body.texts(stored, PATHS)
        except body.NotStoredSo:
            return NOBODY, "", ""
        who = self._actors.get(key := tuple(actor))
        if who is None:
            kind, id_, email = map(body.value, key)
            who = self._actors[key] = Who(kind, id_, email or "")
        return who, self._text(ip), self._text(client)

    def _text(self, text: bytes) -> str:
        found = self._texts.get(text)
        if found is None:
            found = self._texts[text] = body.value(text) or ""
        return found
