"""SSO: the domain whose people are to sign in through the organization's identity provider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, delete, insert, select

from minutebook.actions.sso import SsoDomainRemoved, SsoDomainSet
from minutebook.actions.values import Change
from minutebook.email_address import normal_domain
from minutebook.errors import NotFound
from minutebook.permissions import Permission
from minutebook.record import NO_CHANGE, Act, Command, NoChange
from minutebook.store import schema


@dataclass(frozen=True, slots=True)
class SsoDomain:
    """The domain that is set, by whom and when (UTC microseconds)."""

    domain: str
    set_by: str
    set_at: int


@dataclass(frozen=True)
class SetSsoDomain(Command):
    """Sets the domain, in place of one that was set before. Raises Invalid on `domain`."""

    needs: ClassVar = Permission.SSO_WRITE

    domain: str

    def change(self, act: Act) -> SsoDomainSet | NoChange:
        domain = normal_domain(self.domain)
        before = read_domain(act.connection, act.organization)
        if before and before.domain == domain:
            return NO_CHANGE
        table = schema.sso_domain
        act.connection.execute(delete(table).where(table.c.organization == act.organization))
        set_by = act.seat.actor.name or "Minutebook"
        values = {"organization": act.organization, "domain": domain, "set_by": set_by, "set_at": act.at}
        act.connection.execute(insert(table).values(values))
        return SsoDomainSet(domain=Change(before=before.domain if before else None, after=domain))


@dataclass(frozen=True)
class RemoveSsoDomain(Command):
    """Removes the domain. Raises NotFound when none is set."""

    needs: ClassVar = Permission.SSO_WRITE

    def change(self, act: Act) -> SsoDomainRemoved:
        before = read_domain(act.connection, act.organization)
        if before is None:
            raise NotFound
        table = schema.sso_domain
        act.connection.execute(delete(table).where(table.c.organization == act.organization))
        return SsoDomainRemoved(domain=before.domain)


def read_domain(connection: Connection, organization: int) -> SsoDomain | None:
    """The domain that is set."""
    table = schema.sso_domain
    row = connection.execute(select(table).where(table.c.organization == organization)).one_or_none()
    return SsoDomain(row.domain, row.set_by, row.set_at) if row else None
