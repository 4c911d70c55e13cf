"""Sittings: someone reading the audit log, recorded once for each session or API token in 30 minutes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, delete, insert, select

from minutebook.actions.log import LogViewed
from minutebook.denied import Standing, refused
from minutebook.errors import NotAllowed, NotFound
from minutebook.model import MINUTE, Plan, Seat
from minutebook.organization import access
from minutebook.permissions import Permission
from minutebook.record import ANYBODY, NO_CHANGE, Act, Command, NoChange, perform
from minutebook.store import schema
from minutebook.store.engine import Store

SITTING = 30 * MINUTE
UPGRADE = "Reading the log is part of the Enterprise plan. Nothing is lost meanwhile: every act is recorded."
"""What somebody is told who may read the log of an organization on another plan."""


def require_plan(plan: Plan, seat: Seat, standing: Standing) -> None:
    """Raises NotAllowed on a plan on which the log is not read."""
    if plan is not Plan.ENTERPRISE:
        raise refused(seat, standing, UPGRADE)


@dataclass(frozen=True)
class OpenSitting(Command):
    """Records that the acting session begins to read the log; nothing when it began less than 30 minutes ago.

    For an API token, `session` is the token's id. Raises NotFound for a session without access: a sitting ends with it.
    """

    needs: ClassVar = Permission.LOG_READ

    session: str

    def change(self, act: Act) -> LogViewed | NoChange:
        may_sit = self.session == act.seat.actor.id if act.by_token else access.has(act, self.session)
        if not may_sit:
            raise NotFound
        return begin(act, self.session)


def begin(act: Act, session: str) -> LogViewed | NoChange:
    """Opens the sitting of a session that may read; nothing when it is open."""
    if is_open(act.connection, act.organization, session, act.at):
        return NO_CHANGE
    table = schema.sitting
    where = (table.c.organization == act.organization, table.c.session == session)
    act.connection.execute(delete(table).where(*where))
    values = {"organization": act.organization, "session": session, "opened_at": act.at}
    act.connection.execute(insert(table).values(values))
    return LogViewed()


def sit(store: Store, seat: Seat, session: str, at: int) -> None:
    """Records that somebody reads the log, unless the sitting goes on at `at` (UTC microseconds).

    Looking first lets an open sitting go on when nothing can be written. Raises as `perform` does.
    """
    with store.reading() as connection:
        if is_open(connection, seat.organization, session, at):
            return
    perform(store, seat, OpenSitting(session))


def is_open(connection: Connection, organization: int, session: str, at: int) -> bool:
    """Whether the session's sitting goes on at `at` (UTC microseconds)."""
    table = schema.sitting.c
    lately = table.opened_at.between(at - SITTING + 1, at)  # not from a clock that was set back since
    where = (table.organization == organization, table.session == session, lately)
    return connection.execute(select(table.session).where(*where)).first() is not None


@dataclass(frozen=True)
class ReadAsOperator(Command):
    """Records that whoever runs Minutebook reads the log at the command line, each time: there is no sitting there."""

    needs: ClassVar = ANYBODY

    def change(self, act: Act) -> LogViewed:
        if not act.by_operator:
            raise NotAllowed("Only whoever runs Minutebook reads the log without a session.")
        return LogViewed()
