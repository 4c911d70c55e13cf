"""Access: which session may act in which organization. It begins and ends with a recorded act, never by itself."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, delete, exists, insert, or_, select

from minutebook.record import Act
from minutebook.store import schema


def give(act: Act, user: str) -> bool:
    """Lets the session that acts, of a user or an auditor link, into the organization; whether it was not in before.

    Access of their sessions that have ended meanwhile is tidied away with it, and so are their sittings.
    """
    session = act.seat.context.session_id
    if session is None or has(act, session):
        return False
    alive = or_(
        *(
            exists().where(sessions.c.id == schema.access.c.session, sessions.c.expires_at > act.at)
            for sessions in (schema.session, schema.auditor_session)
        )
    )
    end_each(act, schema.access.c.user == user, ~alive)
    values = {"organization": act.organization, "session": session, "user": user, "entered_at": act.at}
    act.connection.execute(insert(schema.access).values(values))
    return True


def is_ended(connection: Connection, organization: int, session: str | None) -> bool:
    """Whether an owner or admin ended the session in the organization, so that its user must sign in again."""
    sessions, seats = schema.session.c, schema.seat.c
    ended = (seats.organization == organization, sessions.id == session, sessions.created_at <= seats.ended_until)
    statement = select(sessions.id).join_from(schema.session, schema.seat, seats.user == sessions.user).where(*ended)
    return connection.execute(statement).first() is not None


def has(act: Act, session: str, user: str | None = None) -> bool:
    """Whether the session has access to the organization; with `user`, as theirs."""
    table = schema.access.c
    where = [table.organization == act.organization, table.session == session]
    where += [] if user is None else [table.user == user]
    return act.connection.execute(select(table.session).where(*where)).first() is not None


def end(act: Act, session: str) -> bool:
    """Ends the access of one session, and with it its sitting; whether it had any."""
    sittings, accesses = (
        delete(table).where(table.c.organization == act.organization, table.c.session == session)
        for table in (schema.sitting, schema.access)
    )
    act.connection.execute(sittings)
    return act.connection.execute(accesses).rowcount > 0


def end_all(act: Act, user: str) -> None:
    """Ends the access of every session of a user or an auditor link."""
    end_each(act, schema.access.c.user == user)


def end_others(act: Act, user: str) -> None:
    """Ends the access of every session of a user but the one that acts."""
    table = schema.access.c
    end_each(act, table.user == user, table.session != (act.seat.context.session_id or ""))


def end_each(act: Act, *which: ColumnElement[bool]) -> tuple[str, ...]:
    """Ends each access that is meant; the sessions that had it, sorted."""
    table = schema.access.c
    statement = select(table.session).where(table.organization == act.organization, *which).order_by(table.session)
    sessions = tuple(act.connection.execute(statement).scalars())
    for session in sessions:
        end(act, session)
    return sessions
