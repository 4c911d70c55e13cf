"""Sessions: how they begin and end, and those of a person as they see them. A session belongs to the deployment; access
to an organization is an act of its own in each."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import ClassVar

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from minutebook.actions.user import SignedIn, SignedOut
from minutebook.errors import NotFound, SecondFactorRequired, SignInAgain
from minutebook.identifiers import new_id, new_token, token_hash
from minutebook.model import DAY, MINUTE, Context, Seat, SecondFactor
from minutebook.organization import access, people, second_factor_rule, support
from minutebook.organization.people import User
from minutebook.record import ANYBODY, NO_CHANGE, Act, Command, NoChange, PersonalCommand, organizations_of, perform
from minutebook.store import schema
from minutebook.store.engine import Store

SESSION_LIFETIME = 7 * DAY
SEEN_EVERY = 5 * MINUTE
BY_PASSWORD = "password"  # noqa: S105 - how, not what
BY_PASSKEY = "passkey"


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in user. The token is what the browser keeps; the store has only its hash."""

    id: str
    user: User
    method: str
    expires_at: int
    zone: str | None = None
    """The time zone of the user's profile."""
    second_factor: SecondFactor | None = None
    """What was proven besides, if anything was."""


@dataclass(frozen=True, slots=True)
class OwnSession:
    """A session as its user sees it. Times are UTC microseconds; `seen_at` is up to five minutes behind."""

    id: str
    method: str
    created_at: int
    seen_at: int
    ip: str | None
    user_agent: str | None
    second_factor: SecondFactor | None
    """What was proven besides `method`, if anything was."""


@dataclass(frozen=True)
class EnterOrganization(Command):
    """Begins the access of the acting session to one organization."""

    needs: ClassVar = ANYBODY

    method: str
    second_factor: SecondFactor | None = None

    def change(self, act: Act) -> SignedIn | NoChange:
        if act.role is None:
            raise NotFound(why="no seat")
        if second_factor_rule.bars(act.connection, act.organization, act.seat.context.session_id):
            raise SecondFactorRequired
        if access.is_ended(act.connection, act.organization, act.seat.context.session_id):
            raise SignInAgain
        if not access.give(act, act.seat.actor.id):
            return NO_CHANGE
        return SignedIn(method=self.method, second_factor=_besides(self.method, self.second_factor))


@dataclass(frozen=True)
class LeaveOrganization(Command):
    """Ends the access of a session to one organization, because its user signed out."""

    needs: ClassVar = ANYBODY

    session: str

    def change(self, act: Act) -> SignedOut | NoChange:
        return SignedOut() if access.end(act, self.session) else NO_CHANGE


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


def start_session(
    store: Store,
    user: User,
    method: str,
    context: Context,
    second_factor: SecondFactor | None = None,
    hashed: str | None = None,
) -> tuple[str, Session]:
    """A new session and its token. A crash between the session and an entry is mended by `enter` at the first page.

    Raises as `people.hold` does: no session outlives the password that it began with, or the account.
    """
    token, seats = new_token(store.randomness), schema.seat.c
    now = store.clock()
    session = Session(
        new_id("ses", store.randomness), user, method, now + SESSION_LIFETIME, second_factor=second_factor
    )
    with store.housekeeping() as connection:
        people.hold(connection, user.id, hashed)
        connection.execute(delete(schema.session).where(schema.session.c.expires_at <= now))
        # those that were ended somewhere began before: also when the clock was set back since
        ended = connection.execute(select(func.max(seats.ended_until)).where(seats.user == user.id)).scalar_one()
        connection.execute(
            insert(schema.session).values(
                id=session.id,
                token_hash=token_hash(token),
                user=user.id,
                method=method,
                created_at=max(now, (ended or 0) + 1),
                seen_at=now,
                expires_at=session.expires_at,
                ip=context.ip,
                user_agent=context.user_agent,
                second_factor=second_factor,
            )
        )
    for organization in seated_in(store, user.id):
        # the seat was taken away in this moment; or they do not get in there, and elsewhere all the same
        with suppress(NotFound, SecondFactorRequired, SignInAgain):
            enter(store, session, organization, context)
    return token, session


def enter(store: Store, session: Session, organization: int, context: Context) -> None:
    """Gives the session access to one organization, unless it has it. Raises NotFound without a seat there."""
    seat = Seat(organization, session.user.actor(), replace(context, session_id=session.id))
    perform(store, seat, EnterOrganization(session.method, session.second_factor))


def sign_out(store: Store, session: Session, context: Context) -> None:
    """Ends the session: first, recorded, its access to each organization, then the session itself."""
    entered = schema.access.c
    with store.reading() as connection:
        rows = connection.execute(select(entered.organization).where(entered.session == session.id)).scalars().all()
    for organization in rows:
        seat = Seat(organization, session.user.actor(), replace(context, session_id=session.id))
        if not support.leave(store, organization, session.user.id, seat.context):
            perform(store, seat, LeaveOrganization(session=session.id))
    with store.housekeeping() as connection:
        connection.execute(delete(schema.session).where(schema.session.c.id == session.id))


def find_session(connection: Connection, token: str, at: int) -> tuple[Session, int] | None:
    """The session of a token, if it lives at `at` (UTC microseconds), and when it was last seen."""
    sessions, users = schema.session, schema.user
    row = connection.execute(
        select(sessions, users.c.email, users.c.name, users.c.zone)
        .join(users, users.c.id == sessions.c.user)
        .where(sessions.c.token_hash == token_hash(token), sessions.c.expires_at > at)
    ).one_or_none()
    if row is None:
        return None
    factor = SecondFactor(row.second_factor) if row.second_factor else None
    user = User(row.user, row.email, row.name)
    return Session(row.id, user, row.method, row.expires_at, row.zone, factor), row.seen_at


def lives(connection: Connection, session: str, at: int) -> bool:
    """Whether the session has neither ended nor expired at `at` (UTC microseconds)."""
    sessions = schema.session.c
    where = (sessions.id == session, sessions.expires_at > at)
    return connection.execute(select(sessions.id).where(*where)).first() is not None


def touch(store: Store, session: Session) -> None:
    """Notes that the session was used just now."""
    sessions = schema.session
    with store.housekeeping() as connection:
        connection.execute(update(sessions).where(sessions.c.id == session.id).values(seen_at=store.clock()))


def seated_in(store: Store, user: str) -> list[int]:
    """As `record.organizations_of`, at this moment."""
    with store.reading() as connection:
        return organizations_of(connection, user)


def sessions_of(connection: Connection, person: str, at: int) -> list[OwnSession]:
    """The sessions that live at `at` (UTC microseconds), the one that was seen last first."""
    table = schema.session.c
    columns = (table.id, table.method, table.created_at, table.seen_at, table.ip, table.user_agent, table.second_factor)
    where = (table.user == person, table.expires_at > at)
    rows = connection.execute(select(*columns).where(*where).order_by(table.seen_at.desc(), table.id))
    return [OwnSession(*row[:-1], _besides(row.method, row.second_factor)) for row in rows]


def _besides(method: str, factor: str | None) -> SecondFactor | None:
    """What was proven besides the method. Nothing besides a passkey alone, which is both at once."""
    return None if factor is None or method == BY_PASSKEY else SecondFactor(factor)


def _but_this(act: Act, column: ColumnElement[str], only: str | None) -> list[ColumnElement[bool]]:
    """Not the session that acts, and with `only` no other than that one."""
    return [column != (act.seat.context.session_id or ""), *([] if only is None else [column == only])]
