"""Invitations: a seat offered to one address, once, for seven days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select

from minutebook.actions.user import InvitationAccepted, InvitationRevoked, PersonInvited
from minutebook.email_address import normal_email
from minutebook.errors import Conflict, Invalid, NotAllowed, NotFound
from minutebook.identifiers import new_id, token_hash
from minutebook.model import DAY, Role
from minutebook.organization import access, outbox, people, seats
from minutebook.organization.organizations import read_organization
from minutebook.organization.outbox import Mail
from minutebook.organization.people import User
from minutebook.permissions import Permission
from minutebook.record import Act, Command
from minutebook.store import schema

LIFETIME = 7 * DAY


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that has neither been accepted nor revoked. Times are UTC microseconds."""

    organization: int
    id: str
    email: str
    role: Role
    invited_by: str
    created_at: int
    expires_at: int


@dataclass(frozen=True)
class InvitePerson(Command):
    """Offers a seat to an address. The token is the caller's to show, once; `link` is mailed when it is given.

    Raises Invalid on `email`, NotAllowed for a role that who acts may not give, Conflict when all seats are taken.
    """

    needs: ClassVar = Permission.SEATS_WRITE

    email: str
    role: Role
    token: str
    link: str | None = None

    def change(self, act: Act) -> PersonInvited:
        email = normal_email(self.email)
        seats.check_grant(act, None, self.role)
        _check_not_a_member(act, email)
        _make_room(act, email)
        invitation = new_id("inv", act.randomness)
        expires_at = act.at + LIFETIME
        act.connection.execute(
            insert(schema.invitation).values(
                organization=act.organization,
                id=invitation,
                email=email,
                role=self.role.value,
                token_hash=token_hash(self.token),
                invited_by=act.seat.actor.name or "Minutebook",
                created_at=act.at,
                expires_at=expires_at,
            )
        )
        if self.link:
            outbox.put(act.connection, self._mail(act, email, self.link), act.at)
        return PersonInvited(invitation=invitation, email=email, role=self.role, expires_at=expires_at)

    def _mail(self, act: Act, email: str, link: str) -> Mail:
        name = read_organization(act.connection, act.organization).name
        inviter = act.seat.actor.name or "Minutebook"
        return Mail(
            to=email,
            subject=f"Invitation to {name}",
            body=f"{inviter} invites you to {name} as {self.role.label.lower()}.\n\n"
            f"Accept within 7 days, with this link, which works once:\n\n{link}\n\n"
            "If you do not expect this, ignore it: nothing happens.\n",
        )


@dataclass(frozen=True)
class AcceptInvitation(Command):
    """Takes the seat that was offered. Who acts must have the invited address; `password_hash` is for a new user.

    Raises NotFound for a token that is wrong, used, revoked or expired; NotAllowed for another person's invitation.
    """

    token: str
    user: User
    password_hash: str | None = None

    def change(self, act: Act) -> InvitationAccepted:
        found = find_by_token(act.connection, self.token, act.at)
        if found is None or found.organization != act.organization:
            raise NotFound
        if self.user.email != found.email:
            raise NotAllowed(f"This invitation is for {found.email}; you are signed in as {self.user.email}.")
        if self.password_hash is not None:
            if people.find_user(act.connection, self.user.email):
                raise Conflict(f"{self.user.email} has an account by now. Sign in, then open the invitation again.")
            people.add_user(act.connection, self.user, self.password_hash, act.at)
        elif act.role is not None:
            raise Conflict("You hold a seat in this organization already.")
        _check_free_seat(act)
        act.connection.execute(delete(schema.invitation).where(*_this(act, found.id)))
        act.connection.execute(
            insert(schema.seat).values(
                organization=act.organization, user=self.user.id, role=found.role.value, joined_at=act.at
            )
        )
        access.give(act, self.user.id)
        return InvitationAccepted(
            invitation=found.id, role=found.role, invited_by=found.invited_by, member=self.user.person()
        )


@dataclass(frozen=True)
class RevokeInvitation(Command):
    """Takes an invitation back. Raises NotFound when it is not pending, NotAllowed for a role beyond one's own."""

    needs: ClassVar = Permission.SEATS_WRITE

    invitation: str

    def change(self, act: Act) -> InvitationRevoked:
        table = schema.invitation
        row = act.connection.execute(select(table).where(*_this(act, self.invitation))).one_or_none()
        if row is None:
            raise NotFound
        found = _invitation(row)
        seats.check_grant(act, None, found.role)
        act.connection.execute(delete(table).where(*_this(act, found.id)))
        return InvitationRevoked(invitation=found.id, email=found.email, role=found.role)


def find_by_token(connection: Connection, token: str, at: int) -> Invitation | None:
    """The pending invitation of a token, unless it has expired at `at`."""
    table = schema.invitation
    where = (table.c.token_hash == token_hash(token), table.c.expires_at > at)
    row = connection.execute(select(table).where(*where)).one_or_none()
    return _invitation(row) if row else None


def pending(connection: Connection, organization: int) -> list[Invitation]:
    """Invitations neither accepted nor revoked, the newest first; expired ones are among them until revoked."""
    table = schema.invitation
    statement = select(table).where(table.c.organization == organization).order_by(table.c.created_at.desc())
    return [_invitation(row) for row in connection.execute(statement)]


def held_seats(connection: Connection, organization: int, at: int) -> int:
    """How many seats are held by invitations that can still be accepted."""
    table = schema.invitation.c
    where = (table.organization == organization, table.expires_at > at)
    return connection.execute(select(func.count()).where(*where)).scalar_one()


def _check_not_a_member(act: Act, email: str) -> None:
    seat, user = schema.seat, schema.user
    member = select(user.c.id).join(seat, seat.c.user == user.c.id)
    where = (seat.c.organization == act.organization, user.c.email == email)
    if act.connection.execute(member.where(*where)).first():
        raise Invalid.one("email", f"{email} holds a seat already.")


def _make_room(act: Act, email: str) -> None:
    """An expired invitation of the same address gives way; a live one does not."""
    table = schema.invitation
    where = (table.c.organization == act.organization, table.c.email == email)
    act.connection.execute(delete(table).where(*where, table.c.expires_at <= act.at))
    if act.connection.execute(select(table.c.id).where(*where)).first():
        raise Invalid.one("email", f"{email} is invited already. Revoke that invitation first to send another.")
    taken = seats.count(act.connection, act.organization) + held_seats(act.connection, act.organization, act.at)
    limit = read_organization(act.connection, act.organization).seat_limit
    if taken >= limit:
        raise Conflict(f"All {limit} seats are taken or held by invitations. Remove a member or revoke an invitation.")


def _check_free_seat(act: Act) -> None:
    limit = read_organization(act.connection, act.organization).seat_limit
    if seats.count(act.connection, act.organization) >= limit:
        raise Conflict(f"All {limit} seats are taken. Ask an owner or admin to make room, then try again.")


def _this(act: Act, invitation: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    table = schema.invitation.c
    return table.organization == act.organization, table.id == invitation


def _invitation(row: Row[tuple[object, ...]]) -> Invitation:
    values = row._mapping
    return Invitation(
        values["organization"],
        values["id"],
        values["email"],
        Role(values["role"]),
        values["invited_by"],
        values["created_at"],
        values["expires_at"],
    )
