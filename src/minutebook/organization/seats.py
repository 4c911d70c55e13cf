"""Seats: who is in the organization, as what, and how that changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import ColumnElement, Connection, delete, exists, func, select, update

from minutebook.actions.member import MemberLeft, MemberRemoved, MemberSessionsEnded, OwnershipTransferred, RoleChanged
from minutebook.actions.values import RoleChange
from minutebook.errors import Conflict, Invalid, NotAllowed, NotFound
from minutebook.model import Role
from minutebook.organization import access, people, saved_searches, wording
from minutebook.permissions import Permission, may_change
from minutebook.record import ANYBODY, NO_CHANGE, Act, Command, NoChange
from minutebook.store import schema


@dataclass(frozen=True)
class ChangeRole(Command):
    """Gives another member a role. Raises NotAllowed, NotFound, Conflict for the last owner."""

    needs: ClassVar = Permission.SEATS_WRITE

    user: str
    role: Role

    def change(self, act: Act) -> RoleChanged | NoChange:
        before = _role_to_change(act, self.user, self.role, "change your own role")
        if before is self.role:
            return NO_CHANGE
        _keep_an_owner(act, before, self.role)
        act.connection.execute(update(schema.seat).where(*_this_seat(act, self.user)).values(role=self.role.value))
        member = people.user_by_id(act.connection, self.user).person()
        return RoleChanged(member=member, role=RoleChange(before=before, after=self.role))


@dataclass(frozen=True)
class TransferOwnership(Command):
    """Makes another member owner, and gives the owner who acts another role, in one act.

    Raises NotFound without a seat of that user, Conflict when they are owner already, Invalid on `role` for owner.
    """

    needs: ClassVar = Permission.OWNERSHIP

    user: str
    role: Role
    """What who acts is from then on."""

    def change(self, act: Act) -> OwnershipTransferred:
        if act.role is None:
            raise NotAllowed("Only an owner hands over what is theirs.")
        if self.role is Role.OWNER:
            raise Invalid.one("role", "Choose the role that you have afterwards: another than owner.")
        before = _role_to_change(act, self.user, Role.OWNER, "hand the ownership to yourself")
        if before is Role.OWNER:
            raise Conflict("They are an owner already. Another owner can change your role.")
        for user, role in ((self.user, Role.OWNER), (act.seat.actor.id, self.role)):
            act.connection.execute(update(schema.seat).where(*_this_seat(act, user)).values(role=role.value))
        return OwnershipTransferred(
            member=people.user_by_id(act.connection, self.user).person(),
            role=RoleChange(before=before, after=Role.OWNER),
            own=RoleChange(before=act.role, after=self.role),
        )


@dataclass(frozen=True)
class RemoveMember(Command):
    """Takes another member's seat away; their access ends at once, and their private searches are deleted.

    Raises as ChangeRole does.
    """

    needs: ClassVar = Permission.SEATS_WRITE

    user: str

    def change(self, act: Act) -> MemberRemoved:
        role = _role_to_change(act, self.user, None, "remove yourself")
        take_away(act, self.user)
        return MemberRemoved(member=people.user_by_id(act.connection, self.user).person(), role=role)


@dataclass(frozen=True)
class EndMemberSessions(Command):
    """Ends the access of every session of another member to the organization, until they sign in again.

    Raises NotAllowed, NotFound.
    """

    needs: ClassVar = Permission.SEATS_WRITE

    user: str

    def change(self, act: Act) -> MemberSessionsEnded:
        _role_to_change(act, self.user, None, "end your own sessions here")
        access.end_all(act, self.user)
        # by a clock that was set back, sessions began later than now
        sessions = schema.session.c
        newest = select(func.max(sessions.created_at)).where(sessions.user == self.user)
        until = max(act.at, act.connection.execute(newest).scalar_one() or 0)
        act.connection.execute(update(schema.seat).where(*_this_seat(act, self.user)).values(ended_until=until))
        return MemberSessionsEnded(member=people.user_by_id(act.connection, self.user).person(), until=until)


@dataclass(frozen=True)
class GiveUpSeat(Command):
    """Takes the seat of who acts away, as RemoveMember does. Raises NotFound without one, Conflict for the last
    owner."""

    needs: ClassVar = ANYBODY

    def change(self, act: Act) -> MemberLeft:
        if act.role is None:
            raise NotFound(why="no seat")
        return MemberLeft(role=take_away(act, act.seat.actor.id))


def take_away(act: Act, user: str) -> Role:
    """Takes a seat away with the access by it and the private searches; the role it had. Raises Conflict for the last
    owner."""
    seats = schema.seat.c
    role = Role(act.connection.execute(select(seats.role).where(*_this_seat(act, user))).scalar_one())
    _keep_an_owner(act, role, None)
    access.end_all(act, user)
    saved_searches.forget(act, user)
    act.connection.execute(delete(schema.seat).where(*_this_seat(act, user)))
    return role


def owned_alone(connection: Connection, user: str) -> list[str]:
    """The names of the organizations that have no other owner, which the user can therefore not leave."""
    own, other, organization = schema.seat.alias("own"), schema.seat.alias("other"), schema.organization.c
    owner = Role.OWNER.value
    others = exists().where(
        other.c.organization == own.c.organization, other.c.role == owner, other.c.user != own.c.user
    )
    statement = (
        select(organization.name)
        .join(own, own.c.organization == organization.organization)
        .where(own.c.user == user, own.c.role == owner, ~others)
        .order_by(organization.name)
    )
    return list(connection.execute(statement).scalars())


def check_grant(act: Act, before: Role | None, after: Role | None) -> None:
    """Raises NotAllowed unless who acts may turn a seat from one role into the other."""
    if act.by_operator or (act.role and may_change(act.role, before, after)):
        return
    special = Role.OWNER if Role.OWNER in (before, after) else Role.AUDITOR
    raise NotAllowed(f"Only an owner makes someone {special.label.lower()}, or changes the seat of one.")


def names_of(connection: Connection, organization: int, addresses: Iterable[str]) -> dict[str, str]:
    """What those of the addresses are called that hold a seat."""
    seat, user = schema.seat, schema.user
    statement = select(user.c.email, user.c.name).join(seat, seat.c.user == user.c.id)
    where = (seat.c.organization == organization, user.c.email.in_(list(addresses)))
    return {row.email: row.name for row in connection.execute(statement.where(*where))}


def called(connection: Connection, organization: int, words: str, limit: int) -> dict[str, str]:
    """The addresses and names of those that hold a seat and whose name holds the words, in the order of their names."""
    if len(words) > wording.MAX_NAME:  # no name holds them, and SQLite would refuse to look
        return {}
    seat, user = schema.seat, schema.user
    statement = select(user.c.email, user.c.name).join(seat, seat.c.user == user.c.id).order_by(user.c.name)
    where = (seat.c.organization == organization, user.c.name.icontains(words, autoescape=True))
    return {row.email: row.name for row in connection.execute(statement.where(*where).limit(limit))}


def count(connection: Connection, organization: int) -> int:
    """How many seats are taken."""
    seats = schema.seat.c
    return connection.execute(select(func.count()).where(seats.organization == organization)).scalar_one()


def _role_to_change(act: Act, user: str, after: Role | None, own: str) -> Role:
    seats = schema.seat.c
    found = act.connection.execute(select(seats.role).where(*_this_seat(act, user))).scalar_one_or_none()
    if found is None:
        raise NotFound
    if user == act.seat.actor.id:
        raise NotAllowed(f"You cannot {own}; another owner or admin can.")
    before = Role(found)
    check_grant(act, before, after)
    return before


def _keep_an_owner(act: Act, before: Role, after: Role | None) -> None:
    if before is not Role.OWNER or after is Role.OWNER:
        return
    seats = schema.seat.c
    owners = select(func.count()).where(seats.organization == act.organization, seats.role == Role.OWNER.value)
    if act.connection.execute(owners).scalar_one() <= 1:
        raise Conflict("An organization always has an owner, and this is the last one. Make someone else owner first.")


def _this_seat(act: Act, user: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    seats = schema.seat.c
    return seats.organization == act.organization, seats.user == user
