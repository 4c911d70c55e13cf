"""The sessions of a person: which there are, and how they end others of theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import ColumnElement, Connection, delete, select

from minutebook.actions.user import SignedOut
from minutebook.errors import NotFound
from minutebook.organization import access
from minutebook.record import NO_CHANGE, Act, NoChange, PersonalCommand
from minutebook.store import schema


@dataclass(frozen=True, slots=True)
class OwnSession:
    """A session as its user sees it. Times are UTC microseconds; `seen_at` is up to five minutes behind."""

    id: str
    method: str
    created_at: int
    seen_at: int
    ip: str | None
    user_agent: str | None


@dataclass(frozen=True)
class EndSessions(PersonalCommand):
    """Ends another session of the person, or all but the one that acts. Recorded where it had access.

    Raises NotFound for one that is not theirs, has ended, or acts itself.
    """

    unrecorded: ClassVar = "sessions_ended"

    person: str
    session: str | None = None

    def change(self, act: Act) -> SignedOut | NoChange:
        table = schema.access.c
        others = (table.user == self.person, *_but_this(act, table.session, self.session))
        ended = access.end_each(act, *others)
        return SignedOut(sessions=ended) if ended else NO_CHANGE

    def change_person(self, act: Act) -> NoChange | None:
        table = schema.session
        others = (table.c.user == self.person, *_but_this(act, table.c.id, self.session))
        if act.connection.execute(delete(table).where(*others)).rowcount:
            return None
        if self.session is None:
            return NO_CHANGE
        raise NotFound


def sessions_of(connection: Connection, person: str, at: int) -> list[OwnSession]:
    """The sessions that live at `at` (UTC microseconds), the one that was seen last first."""
    table = schema.session.c
    columns = (table.id, table.method, table.created_at, table.seen_at, table.ip, table.user_agent)
    where = (table.user == person, table.expires_at > at)
    rows = connection.execute(select(*columns).where(*where).order_by(table.seen_at.desc(), table.id))
    return [OwnSession(*row) for row in rows]


def _but_this(act: Act, column: ColumnElement[str], only: str | None) -> list[ColumnElement[bool]]:
    """Not the session that acts, and with `only` no other than that one."""
    return [column != (act.seat.context.session_id or ""), *([] if only is None else [column == only])]
