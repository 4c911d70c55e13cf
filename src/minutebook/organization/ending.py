"""Deleting an organization: an owner asks, any owner can take it back for two weeks, and then Minutebook does it.

Until then everything goes on as before, so that taking it back loses nothing; each page says what is coming. What the
organization had is gone with its last event. Its log stays for whoever runs Minutebook, sealed: the database itself
refuses another event.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import ColumnElement, Connection, delete, exists, insert, select, update

from minutebook.actions.organization import DeletionCancelled, DeletionRequested, OrganizationDeleted
from minutebook.errors import Conflict, NotAllowed, NotFound
from minutebook.model import DAY, Role, from_micros
from minutebook.organization import invitations, mail_limits, outbox, seats
from minutebook.organization.organizations import read_organization
from minutebook.organization.outbox import Mail
from minutebook.permissions import Permission
from minutebook.record import ANYBODY, Act, Command
from minutebook.store import log, schema

WAITING_DAYS = 14
STAY = (schema.organization, schema.generation)
"""Tables whose rows stay: what the log belongs to, and the ids that it had."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """That an organization will be deleted: who asked, and from when on it is done. Times are UTC microseconds."""

    asked_by: str
    asked_at: int
    due_at: int


@dataclass(frozen=True)
class RequestDeletion(Command):
    """Asks for the organization to be deleted after two weeks. With `mails`, every owner gets a mail that says so,
    unless they got too many of them.

    Raises Conflict when that was asked for before.
    """

    needs: ClassVar = Permission.OWNERSHIP

    mails: bool = False

    def change(self, act: Act) -> DeletionRequested:
        if find_deletion(act.connection, act.organization):
            raise Conflict("This organization is to be deleted already.")
        asked_by = act.seat.actor.called
        due_at = act.at + WAITING_DAYS * DAY
        row = {"organization": act.organization, "asked_by": asked_by, "asked_at": act.at, "due_at": due_at}
        act.connection.execute(insert(schema.deletion).values(row))
        name = read_organization(act.connection, act.organization).name
        if self.mails and mail_limits.may_tell(act, mail_limits.DELETION):
            _tell_owners(act, asked_by, due_at)
        return DeletionRequested(name=name, days=WAITING_DAYS, due_at=due_at)


@dataclass(frozen=True)
class CancelDeletion(Command):
    """Takes it back. Raises NotFound when nobody had asked."""

    needs: ClassVar = Permission.OWNERSHIP

    def change(self, act: Act) -> DeletionCancelled:
        if find_deletion(act.connection, act.organization) is None:
            raise NotFound
        act.connection.execute(delete(schema.deletion).where(schema.deletion.c.organization == act.organization))
        return DeletionCancelled(name=read_organization(act.connection, act.organization).name)


@dataclass(frozen=True)
class DeleteOrganization(Command):
    """Deletes what the organization had and seals its log; for Minutebook itself, once the waiting period is over.

    Raises Conflict before that, and while the clock went forward and nobody has confirmed it.
    """

    needs: ClassVar = ANYBODY

    def change(self, act: Act) -> OrganizationDeleted:
        if not act.by_operator:
            raise NotAllowed("Only Minutebook itself deletes an organization, after the waiting period.")
        asked = find_deletion(act.connection, act.organization)
        if asked is None or asked.due_at > act.at:
            raise Conflict("The waiting period of the deletion is not over.")
        if act.connection.execute(select(_unconfirmed(act.organization))).scalar_one():
            raise Conflict("The clock went forward, and nobody has confirmed it: the waiting period may not be over.")
        organization = read_organization(act.connection, act.organization)
        members = seats.count(act.connection, act.organization)
        _forget(act)
        last = log.read_head(act.connection, act.organization).size + 1
        table = schema.organization
        act.connection.execute(update(table).where(table.c.organization == act.organization).values(sealed=last))
        return OrganizationDeleted(id=organization.id, name=organization.name, members=members, asked_by=asked.asked_by)


def find_deletion(connection: Connection, organization: int) -> Deletion | None:
    """Whether the organization will be deleted."""
    table = schema.deletion
    row = connection.execute(select(table).where(table.c.organization == organization)).one_or_none()
    return Deletion(row.asked_by, row.asked_at, row.due_at) if row else None


def due(connection: Connection, at: int) -> list[int]:
    """The numbers of the organizations that are to be deleted at `at` (UTC microseconds)."""
    table = schema.deletion.c
    where = (table.due_at <= at, ~_unconfirmed(table.organization))
    return list(connection.execute(select(table.organization).where(*where)).scalars())


def _unconfirmed(organization: int | ColumnElement[int]) -> ColumnElement[bool]:
    """Whether the clock went forward, and nobody in the organization has confirmed it."""
    return exists().where(schema.clock_step.c.organization == organization)


def _forget(act: Act) -> None:
    """Deletes the rows of every table of the organization, and what housekeeping keeps beside them."""
    invited = select(schema.invitation.c.id).where(schema.invitation.c.organization == act.organization)
    for invitation in act.connection.execute(invited).scalars().all():
        invitations.take_mail_back(act, invitation)
    tokens = select(schema.token.c.id).where(schema.token.c.organization == act.organization)
    act.connection.execute(delete(schema.token_use).where(schema.token_use.c.token.in_(tokens)))
    for table in reversed(schema.ORGANIZATION_TABLES):
        if table not in STAY:
            act.connection.execute(delete(table).where(table.c.organization == act.organization))


def _tell_owners(act: Act, asked_by: str, due_at: int) -> None:
    def mail(to: str, name: str) -> Mail:
        return Mail(
            to,
            f"{name} will be deleted",
            f"{asked_by} asked for {name} to be deleted.\n\n"
            f"It is deleted on {from_micros(due_at):%Y-%m-%d %H:%M} UTC, with all that its people have there. "
            "Until then everything goes on, and any owner can take it back on the page Settings.\n",
        )

    about = outbox.about(act.organization, mail_limits.DELETION)
    outbox.put_for_each(act.connection, act.organization, [Role.OWNER], mail, act.at, about=about)
