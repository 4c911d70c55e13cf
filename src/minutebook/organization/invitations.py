"""Invitations: a seat offered to one address, once, for seven days.

An invitation is worth what its inviter may still give: it lapses when they lose the seat or the role for it. Its link
is shown to whoever invites, so it does not prove whose the address is; where mail is sent, the mail has a link of its
own, and only that one opens an account.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, delete, exists, func, insert, or_, select, update

from minutebook.actions.user import InvitationAccepted, InvitationResent, InvitationRevoked, PersonInvited
from minutebook.email_address import normal_email
from minutebook.errors import Conflict, Invalid, NotAllowed, NotFound
from minutebook.identifiers import new_id, token_hash
from minutebook.model import DAY, Role
from minutebook.organization import access, mail_limits, outbox, people, seats
from minutebook.organization.organizations import read_organization
from minutebook.organization.outbox import Mail, Undelivered
from minutebook.organization.people import User
from minutebook.permissions import GRANTS, Permission
from minutebook.record import ANYBODY, Act, Command
from minutebook.store import schema

LIFETIME = 7 * DAY


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that has neither been accepted nor revoked. Times are UTC microseconds.

    `inviter_may` is whether who invited may still give the role; `mail` is there while its mail has not left, in a list
    of pending ones.
    """

    organization: int
    id: str
    email: str
    role: Role
    invited_by: str
    created_at: int
    expires_at: int
    inviter_may: bool
    mail: Undelivered | None = None

    def is_live(self, at: int) -> bool:
        """Whether it can be accepted at `at`; until then it holds a seat."""
        return self.inviter_may and self.expires_at > at


@dataclass(frozen=True, slots=True)
class MailedLink:
    """The link that only the mail shows: whoever comes by it has shown that the address is theirs."""

    token: str
    address: str


@dataclass(frozen=True)
class InvitePerson(Command):
    """Offers a seat to an address. The token is the caller's to show, once; `mailed` is the link that mail brings.

    Raises Invalid on `email`, NotAllowed for a role that who acts may not give, Conflict when all seats are taken,
    TooManyMails when no mail may be sent.
    """

    needs: ClassVar = Permission.SEATS_WRITE

    email: str
    role: Role
    token: str
    mailed: MailedLink | None = None

    def change(self, act: Act) -> PersonInvited:
        email = normal_email(self.email)
        seats.check_grant(act, None, self.role)
        if reason := refusals(act.connection, act.organization, [email], act.at).get(email):
            raise Invalid.one("email", reason)
        _make_room(act, email)
        invitation = new_id("inv", act.randomness)
        offered = {"organization": act.organization, "id": invitation, "email": email, "role": self.role.value}
        link = _link(act, self.token, self.mailed)
        act.connection.execute(insert(schema.invitation).values(**offered, created_at=act.at, **link))
        _send(act, invitation, email, self.role, self.mailed)
        return PersonInvited(invitation=invitation, email=email, role=self.role, expires_at=act.at + LIFETIME)


@dataclass(frozen=True)
class ResendInvitation(Command):
    """Gives an invitation a new link for seven days; the one before works no more, and who acts stands for it now.

    Raises NotFound when it is not pending, NotAllowed for a role that who acts may not give, Conflict when it had
    expired or lapsed and all seats are taken by now, TooManyMails when no mail may be sent.
    """

    needs: ClassVar = Permission.SEATS_WRITE

    invitation: str
    token: str
    mailed: MailedLink | None = None

    def change(self, act: Act) -> InvitationResent:
        found = _read_one(act.connection, *_this(act, self.invitation))
        if found is None:
            raise NotFound
        seats.check_grant(act, None, found.role)
        if found.email in seats.names_of(act.connection, act.organization, [found.email]):
            raise Conflict(f"{found.email} holds a seat already. Revoke the invitation.")
        if not found.is_live(act.at):
            _check_room(act)
        take_mail_back(act, found.id)
        link = _link(act, self.token, self.mailed)
        act.connection.execute(update(schema.invitation).where(*_this(act, found.id)).values(link))
        _send(act, found.id, found.email, found.role, self.mailed)
        expires_at = act.at + LIFETIME
        return InvitationResent(invitation=found.id, email=found.email, role=found.role, expires_at=expires_at)


@dataclass(frozen=True)
class AcceptInvitation(Command):
    """Takes the seat that was offered. Who acts must have the invited address; `password_hash` is for a new user.

    Raises NotFound for a token that is wrong, used, revoked, expired or lapsed, and for an account that is deleted in
    this moment; NotAllowed for another person's invitation, and for a new user by a link that does not prove the
    address.
    """

    needs: ClassVar = ANYBODY

    token: str
    user: User
    password_hash: str | None = None

    def change(self, act: Act) -> InvitationAccepted:
        found = find_by_token(act.connection, self.token, act.at)
        if found is None or found.organization != act.organization:
            raise NotFound
        if self.user.email != found.email:
            raise NotAllowed(
                f"This invitation is for {found.email}; you are signed in as {self.user.email}.",
                recorded="The invitation is for another address.",
            )
        if self.password_hash is not None:
            if not opens_account(act.connection, self.token):
                raise NotAllowed(f"Only the link in the mail to {found.email} opens an account for that address.")
            if people.find_user(act.connection, self.user.email):
                raise Conflict(f"{self.user.email} has an account by now. Sign in, then open the invitation again.")
            people.add_user(act.connection, self.user, self.password_hash, act.at)
        elif act.role is not None:
            raise Conflict("You hold a seat in this organization already.")
        _check_free_seat(act)
        people.hold(act.connection, self.user.id)
        _forget(act, found.id)
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
        found = _read_one(act.connection, *_this(act, self.invitation))
        if found is None:
            raise NotFound
        seats.check_grant(act, None, found.role)
        _forget(act, found.id)
        return InvitationRevoked(invitation=found.id, email=found.email, role=found.role)


def find_by_token(connection: Connection, token: str, at: int) -> Invitation | None:
    """The invitation of a token, if it can be accepted at `at`."""
    table, hashed = schema.invitation.c, token_hash(token)
    found = _read_one(connection, or_(table.token_hash == hashed, table.mailed_token_hash == hashed))
    return found if found and found.is_live(at) else None


def opens_account(connection: Connection, token: str) -> bool:
    """Whether a new user may come by this token: where the link was mailed, by the mail's own alone."""
    table, hashed = schema.invitation.c, token_hash(token)
    unmailed = and_(table.token_hash == hashed, table.mailed_token_hash.is_(None))
    where = or_(table.mailed_token_hash == hashed, unmailed)
    return connection.execute(select(table.id).where(where)).first() is not None


def pending(connection: Connection, organization: int) -> list[Invitation]:
    """Invitations neither accepted nor revoked, the newest first; those that expired or lapsed are among them."""
    table = schema.invitation.c
    statement = _select().where(table.organization == organization).order_by(table.created_at.desc())
    mails = outbox.undelivered(connection, organization)
    found = map(_invitation, connection.execute(statement))
    return [replace(one, mail=mails.get(outbox.about(organization, one.id))) for one in found]


def refusals(connection: Connection, organization: int, addresses: Sequence[str], at: int) -> dict[str, str]:
    """Those of the addresses that are not invited, because they hold a seat or a live invitation, each with why."""
    table = schema.invitation.c
    where = (table.organization == organization, table.email.in_(addresses), _is_live(at))
    invited = connection.execute(select(table.email).where(*where)).scalars()
    seated = seats.names_of(connection, organization, addresses)
    return {
        **{email: f"{email} is invited already. Revoke that invitation first to send another." for email in invited},
        **{email: f"{email} holds a seat already." for email in seated},
    }


def count_live(connection: Connection, organization: int, at: int) -> int:
    """How many seats are held by invitations that can still be accepted."""
    table = schema.invitation.c
    where = (table.organization == organization, _is_live(at))
    return connection.execute(select(func.count()).where(*where)).scalar_one()


def _link(act: Act, token: str, mailed: MailedLink | None) -> dict[str, object]:
    """The columns of a link that works from now on, and of who stands for it."""
    return {
        "token_hash": token_hash(token),
        "mailed_token_hash": token_hash(mailed.token) if mailed else None,
        "invited_by": act.seat.actor.called,
        "inviter": None if act.by_operator else act.seat.actor.id,
        "expires_at": act.at + LIFETIME,
    }


def _send(act: Act, invitation: str, email: str, role: Role, mailed: MailedLink | None) -> None:
    if mailed is None:
        return
    mail_limits.check_invitation(act, email)
    name = read_organization(act.connection, act.organization).name
    inviter = act.seat.actor.called
    mail = Mail(
        to=email,
        subject=f"Invitation to {name}",
        body=f"{inviter} invites you to {name} as {role.label.lower()}.\n\n"
        f"Accept within 7 days, with this link, which works once:\n\n{mailed.address}\n\n"
        "If you do not expect this, ignore it: nothing happens.\n",
    )
    about = outbox.about(act.organization, invitation)
    outbox.put(act.connection, mail, act.at, about=about, caused_by=act.seat.actor.id)


def _make_room(act: Act, email: str) -> None:
    """An invitation of the same address gives way: it cannot be accepted any more."""
    table = schema.invitation.c
    before = _read_one(act.connection, table.organization == act.organization, table.email == email)
    if before:
        _forget(act, before.id)
    _check_room(act)


def _check_room(act: Act) -> None:
    """Raises Conflict unless one more invitation can hold a seat."""
    taken = seats.count(act.connection, act.organization) + count_live(act.connection, act.organization, act.at)
    limit = read_organization(act.connection, act.organization).seat_limit
    if taken >= limit:
        raise Conflict(f"All {limit} seats are taken or held by invitations. Remove a member or revoke an invitation.")


def _check_free_seat(act: Act) -> None:
    limit = read_organization(act.connection, act.organization).seat_limit
    if seats.count(act.connection, act.organization) >= limit:
        raise Conflict(f"All {limit} seats are taken. Ask an owner or admin to make room, then try again.")


def _forget(act: Act, invitation: str) -> None:
    act.connection.execute(delete(schema.invitation).where(*_this(act, invitation)))
    take_mail_back(act, invitation)


def take_mail_back(act: Act, invitation: str) -> None:
    """The mail of an invitation does not leave any more."""
    outbox.take_back(act.connection, outbox.about(act.organization, invitation))


def _is_live(at: int) -> ColumnElement[bool]:
    return and_(schema.invitation.c.expires_at > at, _inviter_may())


def _inviter_may() -> ColumnElement[bool]:
    """Whether who invited may still give the role; the operator always may."""
    seat, offered = schema.seat.c, schema.invitation.c
    may_give = or_(
        *(and_(seat.role == giver, offered.role.in_(sorted(given))) for giver, given in GRANTS.items() if given)
    )
    seated = exists().where(seat.organization == offered.organization, seat.user == offered.inviter, may_give)
    return or_(offered.inviter.is_(None), seated)


def _select() -> Select[tuple[object, ...]]:
    return select(schema.invitation, _inviter_may().label("inviter_may"))


def _read_one(connection: Connection, *where: ColumnElement[bool]) -> Invitation | None:
    row = connection.execute(_select().where(*where)).one_or_none()
    return _invitation(row) if row else None


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
        bool(values["inviter_may"]),
    )
