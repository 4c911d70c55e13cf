"""Second factors: what somebody proves besides their password, and how each comes and goes.

A factor belongs to the person. That one was added, removed or replaced, each organization of theirs is told, and with
`mails` the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, delete, insert, select

from minutebook.actions.user import (
    RecoveryCodesMade,
    RecoveryCodeUsed,
    SecondFactorAdded,
    SecondFactorRemoved,
    SecondFactorsTaken,
)
from minutebook.errors import Conflict, Invalid, NotAllowed, NotFound
from minutebook.identifiers import new_id
from minutebook.model import SecondFactor
from minutebook.organization import (
    ceremonies,
    notices,
    outbox,
    passkeys,
    people,
    recovery_codes,
    second_factor_rule,
    totp,
    wording,
)
from minutebook.organization.ceremonies import Purpose
from minutebook.organization.factor_key import FactorKey
from minutebook.organization.outbox import Mail
from minutebook.organization.passkeys import NewCredential
from minutebook.record import NO_CHANGE, Act, NoChange, PersonalCommand
from minutebook.store import schema
from minutebook.store.engine import Store

NONE_LEFT = "You have no second factor, so there is nothing that recovery codes could stand in for. Add one first."


def held(connection: Connection, user: str) -> tuple[SecondFactor, ...]:
    """The kinds of second factors that a user has; recovery codes only stand in for one."""
    tables = {SecondFactor.TOTP: schema.totp.c, SecondFactor.PASSKEY: schema.passkey.c}
    return tuple(
        factor
        for factor, table in tables.items()
        if connection.execute(select(table.user).where(table.user == user)).first() is not None
    )


def app_added_at(connection: Connection, user: str) -> int | None:
    """When the user added their authenticator app (UTC microseconds); None without one."""
    table = schema.totp.c
    return connection.execute(select(table.added_at).where(table.user == user)).scalar_one_or_none()


def begin_totp(store: Store, key: FactorKey, user: str, method: str) -> str:
    """The token under which an authenticator app is being added, by somebody who has proven who they are by
    `method`."""
    sealed = key.seal(user, totp.new_secret(store.randomness), store.randomness)
    return ceremonies.begin(store, Purpose.ADD_TOTP, user, method, sealed)


def remove_all(connection: Connection, user: str) -> None:
    """Takes every second factor and all recovery codes of a user, and ends whatever they have begun with one."""
    connection.execute(delete(schema.totp).where(schema.totp.c.user == user))
    connection.execute(delete(schema.passkey).where(schema.passkey.c.user == user))
    recovery_codes.remove(connection, user)
    ceremonies.end_all(connection, user)


@dataclass(frozen=True)
class AddTotp(PersonalCommand):
    """Adds the authenticator app that was begun under the token, once a code of it proves that it was set up. With the
    first second factor come recovery codes: new ones, as `recovery_codes.new_codes` makes them.

    Raises NotFound when it is over, Invalid for a code that does not fit, Conflict for a second app.
    """

    unrecorded: ClassVar = "second_factor_added"

    person: str
    token: str
    code: str
    codes: tuple[str, ...]
    key: FactorKey
    mails: bool = False

    def change_person(self, act: Act) -> None:
        found = ceremonies.find(act.connection, Purpose.ADD_TOTP, self.token, act.at)
        if found is None or found.user != self.person:
            raise NotFound
        if SecondFactor.TOTP in held(act.connection, self.person):
            raise Conflict("You have an authenticator app already. Remove it before you add another.")
        step = totp.step_of(self.key.unseal(self.person, found.secret), self.code, act.at)
        if step is None:
            raise Invalid.one("code", "This is not the code that the app shows now. Is its clock right?")
        values = {"user": self.person, "secret": found.secret, "last_step": step, "added_at": act.at}
        act.connection.execute(insert(schema.totp).values(values))
        if self.codes:
            recovery_codes.put(act.connection, self.person, self.codes)
        ceremonies.use_up(act.connection, self.token)
        if self.mails:
            notices.tell(act, self.person, "added an authenticator app to your account")

    def change(self, act: Act) -> SecondFactorAdded:
        del act
        return SecondFactorAdded(factor=SecondFactor.TOTP, recovery_codes=len(self.codes) or None)


@dataclass(frozen=True)
class RemoveTotp(PersonalCommand):
    """Removes the authenticator app of a person; with the last second factor go the recovery codes. Raises NotFound
    without one, Conflict for the last one where an organization of theirs requires one."""

    unrecorded: ClassVar = "second_factor_removed"

    person: str
    mails: bool = False

    def change_person(self, act: Act) -> None:
        if not act.connection.execute(delete(schema.totp).where(schema.totp.c.user == self.person)).rowcount:
            raise NotFound
        _after_removal(act, self.person)
        if self.mails:
            notices.tell(act, self.person, "removed the authenticator app from your account")

    def change(self, act: Act) -> SecondFactorRemoved:
        del act
        return SecondFactorRemoved(factor=SecondFactor.TOTP)


@dataclass(frozen=True)
class AddPasskey(PersonalCommand):
    """Adds the passkey that an authenticator has made, which was begun under the token. With the first second factor
    come recovery codes, as with AddTotp.

    Raises NotFound when it is over, Conflict when it was added before.
    """

    unrecorded: ClassVar = "second_factor_added"

    person: str
    token: str
    name: str
    made: NewCredential
    codes: tuple[str, ...]
    mails: bool = False

    def change_person(self, act: Act) -> None:
        if not ceremonies.use_up(act.connection, self.token):
            raise NotFound
        table = schema.passkey
        known = select(table.c.id).where(table.c.credential == self.made.credential)
        if act.connection.execute(known).first() is not None:
            raise Conflict("This passkey was added before.")
        values = {"credential": self.made.credential, "public_key": self.made.public_key, "signed": self.made.signed}
        values |= {"user": self.person, "name": wording.name(self.name, "name", "The name"), "added_at": act.at}
        act.connection.execute(insert(table).values(id=new_id("pky", act.randomness), **values))
        if self.codes:
            recovery_codes.put(act.connection, self.person, self.codes)
        if self.mails:
            notices.tell(act, self.person, "added a passkey to your account")

    def change(self, act: Act) -> SecondFactorAdded:
        del act
        name = wording.name(self.name, "name", "The name")
        return SecondFactorAdded(factor=SecondFactor.PASSKEY, name=name, recovery_codes=len(self.codes) or None)


@dataclass(frozen=True)
class RemovePasskey(PersonalCommand):
    """Removes a passkey of a person; else as RemoveTotp."""

    unrecorded: ClassVar = "second_factor_removed"

    person: str
    passkey: str
    mails: bool = False

    def change_person(self, act: Act) -> None:
        table = schema.passkey.c
        this = (table.id == self.passkey, table.user == self.person)
        if not act.connection.execute(delete(schema.passkey).where(*this)).rowcount:
            raise NotFound
        _after_removal(act, self.person)
        if self.mails:
            notices.tell(act, self.person, "removed a passkey from your account")

    def change(self, act: Act) -> SecondFactorRemoved:
        return SecondFactorRemoved(
            factor=SecondFactor.PASSKEY, name=passkeys.name_of(act.connection, self.person, self.passkey)
        )


@dataclass(frozen=True)
class TakeSecondFactors(PersonalCommand):
    """Takes all second factors and recovery codes of a person who has lost them. For whoever runs Minutebook."""

    unrecorded: ClassVar = "second_factors_taken"

    person: str
    mails: bool = False

    def change_person(self, act: Act) -> NoChange | None:
        if not act.by_operator:
            raise NotAllowed("Only whoever runs Minutebook takes the second factors of somebody.")
        if not held(act.connection, self.person):
            return NO_CHANGE
        remove_all(act.connection, self.person)
        if self.mails:
            notices.tell(act, self.person, "took your second factors and recovery codes")
        return None

    def change(self, act: Act) -> SecondFactorsTaken:
        return SecondFactorsTaken(member=people.user_by_id(act.connection, self.person).person())


@dataclass(frozen=True)
class MakeRecoveryCodes(PersonalCommand):
    """Puts these recovery codes in the place of the person's. Raises Conflict without a second factor."""

    unrecorded: ClassVar = "recovery_codes_made"

    person: str
    codes: tuple[str, ...]
    mails: bool = False

    def change_person(self, act: Act) -> None:
        if not held(act.connection, self.person):
            raise Conflict(NONE_LEFT)
        recovery_codes.put(act.connection, self.person, self.codes)
        if self.mails:
            notices.tell(act, self.person, "made new recovery codes for your account in the place of the old ones")

    def change(self, act: Act) -> RecoveryCodesMade:
        del act
        return RecoveryCodesMade(count=len(self.codes))


@dataclass(frozen=True)
class UseRecoveryCode(PersonalCommand):
    """Uses up one of the person's recovery codes, and the sign-in that waits under the token for it.

    Raises NotFound when that is over, NotAllowed for a code that is none of theirs any more.
    """

    unrecorded: ClassVar = "recovery_code_used"

    person: str
    token: str
    code: str
    mails: bool

    def change_person(self, act: Act) -> None:
        if not recovery_codes.use(act.connection, self.person, self.code):
            raise NotAllowed("This recovery code is wrong, or was used before.")
        if not ceremonies.use_up(act.connection, self.token):
            raise NotFound
        if self.mails:
            user = people.user_by_id(act.connection, self.person)
            left = recovery_codes.left(act.connection, self.person, but=self.code)
            outbox.put(act.connection, _used(user.email, left, act.seat.context.ip), act.at)

    def change(self, act: Act) -> RecoveryCodeUsed:
        return RecoveryCodeUsed(left=recovery_codes.left(act.connection, self.person, but=self.code))


def _after_removal(act: Act, person: str) -> None:
    """With the last second factor go the recovery codes. Raises Conflict where an organization requires one."""
    if held(act.connection, person):
        return
    if names := second_factor_rule.requiring(act.connection, person):
        raise Conflict(f"{names[0]} requires a second factor, and this is your last one. Add another first.")
    remove_all(act.connection, person)


def _used(address: str, left: int, ip: str | None) -> Mail:
    return Mail(
        address,
        "A recovery code was used to sign in to Minutebook",
        f"Somebody signed in to Minutebook as you with a recovery code, from {ip or 'an unknown address'}. "
        f"You have {left} left.\n\n"
        "If it was you, there is nothing to do; new codes are made on the page Account. If it was not, sign in, end "
        "your other sessions, change your password and make new recovery codes, or ask whoever runs this Minutebook.\n",
    )
