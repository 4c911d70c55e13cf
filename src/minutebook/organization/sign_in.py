"""Signing in and out. A session belongs to the deployment; access to an organization is an act of its own in each."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_address, ip_network
from typing import ClassVar

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy import Connection, delete, insert, select, update

from minutebook import security
from minutebook.actions.user import SignedIn, SignedOut, SignInFailed
from minutebook.email_address import normal_email
from minutebook.errors import NotAllowed, NotFound, TooManyAttempts
from minutebook.identifiers import new_id, new_token, token_hash
from minutebook.model import DAY, MINUTE, Context, Seat
from minutebook.organization import access, people
from minutebook.organization.people import User
from minutebook.record import ANYBODY, NO_CHANGE, Act, Command, NoChange, perform
from minutebook.store import schema
from minutebook.store.engine import Store

SESSION_LIFETIME = 7 * DAY
SEEN_EVERY = 5 * MINUTE
WINDOW_MINUTES = 15
PER_ACCOUNT = RateLimitItemPerMinute(10, WINDOW_MINUTES)
PER_ADDRESS = RateLimitItemPerMinute(50, WINDOW_MINUTES)


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in user. The token is what the browser keeps; the store has only its hash."""

    id: str
    user: User
    method: str
    expires_at: int
    zone: str | None = None
    """The time zone of the user's profile."""


@dataclass(frozen=True)
class EnterOrganization(Command):
    """Begins the access of the acting session to one organization."""

    needs: ClassVar = ANYBODY

    method: str

    def change(self, act: Act) -> SignedIn | NoChange:
        if act.role is None:
            raise NotFound(why="no seat")
        return SignedIn(method=self.method) if access.give(act, act.seat.actor.id) else NO_CHANGE


@dataclass(frozen=True)
class LeaveOrganization(Command):
    """Ends the access of a session to one organization, because its user signed out."""

    needs: ClassVar = ANYBODY

    session: str

    def change(self, act: Act) -> SignedOut | NoChange:
        return SignedOut() if access.end(act, self.session) else NO_CHANGE


@dataclass(frozen=True)
class RecordFailedSignIn(Command):
    """Records that somebody was refused to sign in as a user of the organization."""

    needs: ClassVar = ANYBODY

    reason: str
    attempt: int

    def change(self, act: Act) -> SignInFailed | NoChange:
        if act.role is None:
            return NO_CHANGE
        return SignInFailed(reason=self.reason, attempt=self.attempt)


class SignIns:
    """Signs people in by password, and counts what fails: by account and by network address, for 15 minutes.

    Addresses of one IPv6 network, a /64, count as one: whoever has one of them has all of them.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        people.nobodys_hash()
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def sign_in(self, email: str, password: str, context: Context) -> tuple[str, Session]:
        """The token of a new session, with access to every organization where the user holds a seat.

        Raises as `prove` does.
        """
        user, _ = self.prove(email, password, context)
        return start_session(self._store, user, "password", context)

    def prove(self, email: str, password: str, context: Context) -> tuple[User, str]:
        """Whose password it is, and what is stored of it.

        Raises Invalid for half an address, NotAllowed when address or password is wrong (without saying which, and as
        slow for an address that nobody has), TooManyAttempts when too much has failed before.
        """
        address = normal_email(email)
        by_account = (PER_ACCOUNT, "account", address)
        by_address = (PER_ADDRESS, "address", neighbourhood(context.ip))
        # An attempt counts for its account before the password is looked at, so that many at once get no extra tries;
        # for its network address only when it fails, since a whole office may sign in from one.
        if not self._limiter.test(*by_address) or not self._limiter.hit(*by_account):
            security.tell("sign_in_limited", email=address, ip=context.ip)
            raise TooManyAttempts(minutes=WINDOW_MINUTES)
        with self._store.reading() as connection:
            user = people.find_user(connection, address)
            hashed = people.password_hash_of(connection, user.id) if user else None
        if not people.password_fits(password, hashed) or user is None or hashed is None:
            self._limiter.hit(*by_address)
            self._record_failure(user, address, context)
            raise NotAllowed("This email and password do not belong together.")
        self._limiter.clear(*by_account)
        return user, hashed

    def _record_failure(self, user: User | None, address: str, context: Context) -> None:
        attempt = PER_ACCOUNT.amount - self._limiter.get_window_stats(PER_ACCOUNT, "account", address).remaining
        organizations = seats_of(self._store, user.id) if user else []
        if user is None or not organizations:
            security.tell("sign_in_failed", email=address, ip=context.ip, attempt=attempt)
            return
        actor = replace(user.actor(), credential=None)
        for organization in organizations:
            failed = RecordFailedSignIn(reason="Wrong password", attempt=attempt)
            perform(self._store, Seat(organization, actor, context), failed)


def start_session(store: Store, user: User, method: str, context: Context) -> tuple[str, Session]:
    """A new session and its token. A crash between the session and an entry is mended by `enter` at the first page."""
    token = new_token(store.randomness)
    now = store.clock()
    session = Session(new_id("ses", store.randomness), user, method, now + SESSION_LIFETIME)
    with store.housekeeping() as connection:
        connection.execute(delete(schema.session).where(schema.session.c.expires_at <= now))
        connection.execute(
            insert(schema.session).values(
                id=session.id,
                token_hash=token_hash(token),
                user=user.id,
                method=method,
                created_at=now,
                seen_at=now,
                expires_at=session.expires_at,
                ip=context.ip,
                user_agent=context.user_agent,
            )
        )
    for organization in seats_of(store, user.id):
        with suppress(NotFound):  # the seat was taken away in this moment
            enter(store, session, organization, context)
    return token, session


def enter(store: Store, session: Session, organization: int, context: Context) -> None:
    """Gives the session access to one organization, unless it has it. Raises NotFound without a seat there."""
    seat = Seat(organization, session.user.actor(), replace(context, session_id=session.id))
    perform(store, seat, EnterOrganization(method=session.method))


def sign_out(store: Store, session: Session, context: Context) -> None:
    """Ends the session: first, recorded, its access to each organization, then the session itself."""
    entered = schema.access.c
    with store.reading() as connection:
        rows = connection.execute(select(entered.organization).where(entered.session == session.id)).scalars().all()
    for organization in rows:
        seat = Seat(organization, session.user.actor(), replace(context, session_id=session.id))
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
    return Session(row.id, User(row.user, row.email, row.name), row.method, row.expires_at, row.zone), row.seen_at


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


def seats_of(store: Store, user: str) -> list[int]:
    """The numbers of the organizations where the user holds a seat, in ascending order."""
    seats = schema.seat.c
    with store.reading() as connection:
        statement = select(seats.organization).where(seats.user == user).order_by(seats.organization)
        return list(connection.execute(statement).scalars())


def neighbourhood(ip: str | None) -> str:
    """What is counted as one network address: all of an IPv6 network, a /64."""
    if ip is None:
        return "unknown"
    address = ip_address(ip)
    if not isinstance(address, IPv6Address):
        return ip
    return str(address.ipv4_mapped or ip_network((int(address), 64), strict=False))
