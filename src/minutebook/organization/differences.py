"""Where the tables of an organization hold something else than the events of its log add up to.

Whoever may drop the guard can change a row and put the guard back, and no hash tells of it. The log does: a row that
its events do not add up to was changed past them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Column, Connection, Table, select

from minutebook.model import Event
from minutebook.organization import wording
from minutebook.organization.replay import ONE, DoesNotFollow, Row, Rows, State, apply, pass_over
from minutebook.organization.saved_searches import SHARED
from minutebook.store import check, schema
from minutebook.store.check import Finding, Progress

NOT_RECORDED: frozenset[Column[Any]] = frozenset(
    {
        schema.invitation.c.token_hash,
        schema.invitation.c.mailed_token_hash,
        schema.token.c.token_hash,
        schema.auditor_link.c.token_hash,
        schema.support_grant.c.token_hash,
    }
)
"""Columns of which the log says nothing: what is behind them is a secret."""
UNSAID = ("name", "name_key", "query")
"""Columns of a private search of which the log says nothing either: more people read it than the one it belongs to."""
ENDING = {schema.access, schema.sitting}
"""Tables whose rows may be gone once their session has ended: it is tidied away without an event."""


def check_organization(
    connection: Connection,
    organization: int,
    *,
    hashes: bool = True,
    progress: Progress | None = None,
    untold: Callable[[set[str]], None] | None = None,
) -> Iterator[Finding]:
    """What `check_log` finds, and in a log that is whole by its hashes, what does not follow from its events.

    Reads the log once; with `hashes=False` no event is looked into, so nothing is replayed. `untold` is given the
    tables of which that cannot be told, since something was erased or pruned.
    """
    state, wrong = State(), list[Finding]()

    def visit(event: Event | None) -> None:
        if event is None:
            pass_over(state)
        elif not wrong:  # behind the first event that does not follow, nothing is known
            try:
                apply(state, event)
            except DoesNotFollow as error:
                problem = f"The event does not follow from those before it: {wording.shortened(str(error), 200)}."
                wrong.append(Finding(organization, event.seq, problem))

    whole = True
    for finding in check.check_log(connection, organization, hashes=hashes, progress=progress, visit=visit):
        whole = False
        yield finding
    if hashes and whole:
        if untold and state.untold:
            untold(state.untold)
        yield from wrong or (Finding(organization, None, said) for said in differences(connection, organization, state))


def differences(connection: Connection, organization: int, state: State) -> Iterator[str]:
    """Where the organization's tables hold something else than the state, a sentence for each row."""
    live = {
        session
        for sessions in (schema.session.c, schema.auditor_session.c)
        for session in connection.execute(select(sessions.id).where(sessions.expires_at > state.last)).scalars()
    } | set(state.token)
    for table in schema.ORGANIZATION_TABLES:
        if table.name in state.untold:
            continue
        recorded: Rows = getattr(state, table.name)
        stored = _stored(connection, table, organization)
        for key in {**recorded, **stored}:
            expected, found = recorded.get(key), stored.get(key)
            if expected == found or (table in ENDING and found is None and key not in live):
                continue
            where = f"{table.name} {wording.shortened(str(key))}".strip()
            if found is None:
                yield f"{where} is not stored; the log says {_told(expected)}."
            elif expected is None:
                yield f"{where} is stored with {_told(found)}; the log knows nothing of it."
            else:
                names = [name for name in {**found, **expected} if expected.get(name) != found.get(name)]
                yield f"{where} is stored with {_told(found, names)}; the log says {_told(expected, names)}."


def _stored(connection: Connection, table: Table, organization: int) -> Rows:
    key = next((column.name for column in table.primary_key if column.name != "organization"), None)
    left_out = {"organization", *(column.name for column in NOT_RECORDED if column.table is table)}
    rows: Rows = {}
    for found in check.raw_rows(connection, table, organization):
        row = {name: value for name, value in found._mapping.items() if name not in left_out}
        if table is schema.saved_search and row["shelf"] != SHARED:
            row = {name: value for name, value in row.items() if name not in UNSAID}
        rows[row.pop(key) if key else ONE] = row
    return rows


def _told(row: Row | None, names: list[str] | None = None) -> str:
    row = row or {}
    return ", ".join(f"{name} {wording.shortened(str(row.get(name)))}" for name in names or row)
