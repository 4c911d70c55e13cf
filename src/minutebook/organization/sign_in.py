"""Signing in and out. A session belongs to the deployment; access to an organization is an act of its own in each."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import ClassVar

from sqlalchemy import Connection, delete, func, insert, select, update

from minutebook import security
from minutebook.actions.user import SignedIn, SignedOut, SignInFailed
from minutebook.email_address import normal_email
from minutebook.errors import Invalid, NotAllowed, NotFound, SecondFactorRequired, SignInAgain
from minutebook.identifiers import new_id, new_token, token_hash
from minutebook.model import DAY, MINUTE, Context, Seat, SecondFactor
from minutebook.organization import (
    access,
    ceremonies,
    passkeys,
    people,
    second_factor_rule,
    second_factors,
    support,
    totp,
)
from minutebook.organization.attempts import Attempts
from minutebook.organization.ceremonies import Ceremony, Purpose
from minutebook.organization.factor_key import FactorKey
from minutebook.organization.passkeys import RelyingParty
from minutebook.organization.people import User
from minutebook.organization.second_factors import UseRecoveryCode
from minutebook.record import ANYBODY, NO_CHANGE, Act, Command, NoChange, organizations_of, perform, perform_everywhere
from minutebook.security import neighbourhood
from minutebook.store import schema
from minutebook.store.engine import Store

SESSION_LIFETIME = 7 * DAY
SEEN_EVERY = 5 * MINUTE
BY_PASSWORD = "password"  # noqa: S105 - how, not what
BY_PASSKEY = "passkey"
FACTOR = "second factor"
WRONG = "This email and password do not belong together."


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


class SecondFactorNeeded(Exception):
    """A first factor was proven and is not enough: the user has a second one. `token` is what the browser comes back
    with (`organization/ceremonies.py`)."""

    def __init__(self, token: str) -> None:
        self.token = token
        super().__init__()


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
        besides = None if self.method == BY_PASSKEY else self.second_factor  # a passkey alone is both at once
        return SignedIn(method=self.method, second_factor=besides)


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
    """Signs people in, by password and by what they have besides, and limits how often what fails may be tried."""

    def __init__(self, store: Store, key: FactorKey, party: RelyingParty | None = None, *, mails: bool = False) -> None:
        self._store = store
        self._key = key
        self._party = party
        self._mails = mails
        people.nobodys_hash()
        self._attempts = Attempts()

    def sign_in(self, email: str, password: str, context: Context) -> tuple[str, Session]:
        """The token of a new session, with access to every organization where the user holds a seat.

        Raises as `prove` does, and SecondFactorNeeded.
        """
        user, hashed = self.prove(email, password, context)
        try:
            return self.go_on(user, BY_PASSWORD, context, hashed)
        except NotFound:  # the password became another in this moment, which ended all that it had begun
            raise NotAllowed(WRONG) from None

    def prove(self, email: str, password: str, context: Context) -> tuple[User, str]:
        """Whose password it is, and what is stored of it.

        Raises Invalid for half an address, NotAllowed when address or password is wrong (without saying which, and as
        slow for an address that nobody has), TooManyAttempts when too much has failed before.
        """
        address = normal_email(email)
        attempt = self._attempts.begin(BY_PASSWORD, address, context.ip)
        with self._store.reading() as connection:
            user = people.find_user(connection, address)
            hashed = people.password_hash_of(connection, user.id) if user else None
        if not people.password_fits(password, hashed) or user is None or hashed is None:
            self._attempts.failed(context.ip)
            self._record_failure(user, address, "Wrong password", attempt, context)
            raise NotAllowed(WRONG)
        self._attempts.succeeded(BY_PASSWORD, address)
        return user, hashed

    def confirm(self, user: User, password: str, context: Context) -> None:
        """Returns when it is the password of somebody who is signed in, and else raises what `sign_in` does. Whoever
        finds a browser open does not get what only the password gives."""
        try:
            self.prove(user.email, password, context)
        except NotAllowed:
            raise Invalid.one("password", "This is not your password.") from None

    def go_on(self, user: User, method: str, context: Context, hashed: str | None = None) -> tuple[str, Session]:
        """The token of a new session of somebody who has proven a first factor; `hashed` is what is stored of it, for a
        password. Raises SecondFactorNeeded, and as `people.hold` does."""
        with self._store.reading() as connection:
            needed = second_factors.held(connection, user.id)
        if needed:
            token = ceremonies.begin(self._store, Purpose.SIGN_IN, user.id, method, hashed=hashed)
            raise SecondFactorNeeded(token)
        return start_session(self._store, user, method, context, hashed=hashed)

    def finish(self, token: str, typed: str, context: Context) -> tuple[str, Session]:
        """The token of a new session, for the code of an app or a recovery code; `token` is that of SecondFactorNeeded.

        Raises NotFound when it is over, NotAllowed for a wrong code or one that was used before, TooManyAttempts,
        NoFactorKey.
        """
        waiting, user = self._waiting(token)
        attempt = self._attempts.begin(FACTOR, user.id, context.ip)
        factor = SecondFactor.TOTP if totp.is_code(typed) else SecondFactor.RECOVERY_CODE
        use = self._use_code if factor is SecondFactor.TOTP else self._use_recovery_code
        if not use(user, token, typed, context):
            self._attempts.failed(context.ip)
            self._record_failure(user, user.email, f"Wrong {factor.label}", attempt, context)
            raise NotAllowed("This code is wrong, or was used before.")
        self._attempts.succeeded(FACTOR, user.id)
        return start_session(self._store, user, waiting.method, context, factor)

    def finish_by_passkey(self, token: str, answer: str, context: Context) -> tuple[str, Session]:
        """The same for what the browser answers when it is asked for a passkey."""
        waiting, user = self._waiting(token)
        return self._by_passkey(waiting, user, token, answer, context)

    def sign_in_by_passkey(self, token: str, answer: str, context: Context) -> tuple[str, Session]:
        """The token of a new session of whoever's passkey has signed; `token` is that of a ceremony of nobody.

        Raises NotFound when it is over, NotAllowed, TooManyAttempts.
        """
        with self._store.reading() as connection:
            waiting = ceremonies.find(connection, Purpose.PASSKEY, token, self._store.clock())
            owner = passkeys.owner_of(connection, answer)
            user = people.user_by_id(connection, owner) if owner else None
        if waiting is None:
            raise NotFound
        return self._by_passkey(waiting, user, token, answer, context)

    def _waiting(self, token: str) -> tuple[Ceremony, User]:
        with self._store.reading() as connection:
            waiting = ceremonies.find(connection, Purpose.SIGN_IN, token, self._store.clock())
            if waiting is None:
                raise NotFound
            return waiting, people.user_by_id(connection, waiting.user)

    def _by_passkey(
        self, waiting: Ceremony, user: User | None, token: str, answer: str, context: Context
    ) -> tuple[str, Session]:
        who = user.id if user else f"nobody at {neighbourhood(context.ip)}"
        attempt = self._attempts.begin(FACTOR, who, context.ip)
        if user is None or not self._use_passkey(waiting, user, token, answer):
            self._attempts.failed(context.ip)
            self._record_failure(user, user.email if user else "", "Wrong passkey", attempt, context)
            raise NotAllowed(passkeys.REFUSED)
        self._attempts.succeeded(FACTOR, who)
        return start_session(self._store, user, waiting.method, context, SecondFactor.PASSKEY)

    def _use_passkey(self, waiting: Ceremony, user: User, token: str, answer: str) -> bool:
        if self._party is None:
            return False
        with self._store.housekeeping() as connection:
            at = self._store.clock()
            if not passkeys.use(connection, self._party, user.id, waiting.secret, answer, at):
                return False
            if not ceremonies.use_up(connection, token):
                raise NotFound
        return True

    def _use_code(self, user: User, token: str, code: str, context: Context) -> bool:
        del context
        with self._store.housekeeping() as connection:
            if not totp.use(connection, self._key, user.id, code, self._store.clock()):
                return False
            if not ceremonies.use_up(connection, token):
                raise NotFound
        return True

    def _use_recovery_code(self, user: User, token: str, code: str, context: Context) -> bool:
        use = UseRecoveryCode(user.id, token, code, self._mails)
        try:
            perform_everywhere(self._store, replace(user.actor(), credential=None), context, use)
        except NotAllowed:
            return False
        return True

    def _record_failure(self, user: User | None, address: str, reason: str, attempt: int, context: Context) -> None:
        organizations = seated_in(self._store, user.id) if user else []
        if user is None or not organizations:
            security.tell("sign_in_failed", email=address, ip=context.ip, reason=reason, attempt=attempt)
            return
        actor = replace(user.actor(), credential=None)
        for organization in organizations:
            perform(self._store, Seat(organization, actor, context), RecordFailedSignIn(reason, attempt))


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
