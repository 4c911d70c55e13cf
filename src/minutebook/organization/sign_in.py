"""Signing in: proving who one is, by a password or a passkey and by what one has besides. What begins then is a session
(`sessions.py`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from minutebook import security
from minutebook.actions.user import SignInFailed
from minutebook.email_address import normal_email
from minutebook.errors import Invalid, NotAllowed, NotFound
from minutebook.model import Context, Seat, SecondFactor
from minutebook.organization import (
    ceremonies,
    passkeys,
    people,
    second_factors,
    totp,
)
from minutebook.organization.attempts import Attempts
from minutebook.organization.ceremonies import Ceremony, Purpose
from minutebook.organization.factor_key import FactorKey
from minutebook.organization.passkeys import RelyingParty
from minutebook.organization.people import User
from minutebook.organization.second_factors import UseRecoveryCode
from minutebook.organization.sessions import BY_PASSWORD, Session, seated_in, start_session
from minutebook.record import ANYBODY, NO_CHANGE, Act, Command, NoChange, perform, perform_everywhere
from minutebook.security import neighbourhood
from minutebook.store.engine import Store

FACTOR = "second factor"
WRONG = "This email and password do not belong together."


class SecondFactorNeeded(Exception):
    """A first factor was proven and is not enough: the user has a second one. `token` is what the browser comes back
    with (`organization/ceremonies.py`)."""

    def __init__(self, token: str) -> None:
        self.token = token
        super().__init__()


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
        password. Raises SecondFactorNeeded, TooManyAttempts, and as `people.hold` does."""
        with self._store.reading() as connection:
            needed = second_factors.held(connection, user.id)
        if needed:
            token = ceremonies.begin(self._store, Purpose.SIGN_IN, user.id, method, hashed=hashed)
            raise SecondFactorNeeded(token)
        return self._start(user, method, context, hashed=hashed)

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
        return self._start(user, waiting.method, context, factor)

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

    def _start(
        self, user: User, method: str, context: Context, factor: SecondFactor | None = None, hashed: str | None = None
    ) -> tuple[str, Session]:
        self._attempts.begin_session(user.id, context.ip)
        return start_session(self._store, user, method, context, factor, hashed)

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
        return self._start(user, waiting.method, context, SecondFactor.PASSKEY)

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
