"""SSO: the domain whose people are to sign in through the organization's identity provider.

A domain is verified when its DNS has a TXT record that names the organization. Anybody may read that record: that it
could be put there is the proof. It is looked for again every day (`domain_checks.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from minutebook.actions.sso import SsoDomainLapsed, SsoDomainRemoved, SsoDomainSet, SsoDomainVerified
from minutebook.actions.values import Change
from minutebook.email_address import normal_domain
from minutebook.errors import Conflict, NotAllowed, NotFound
from minutebook.model import Role
from minutebook.name_servers import NameServers, Unanswered
from minutebook.organization import outbox, wording
from minutebook.organization.organizations import read_organization
from minutebook.organization.outbox import Mail
from minutebook.permissions import Permission
from minutebook.record import ANYBODY, NO_CHANGE, Act, Command, NoChange
from minutebook.store import schema

RECORD = "_minutebook"
"""The name below the domain that has the record."""


@dataclass(frozen=True, slots=True)
class SsoDomain:
    """The domain that is set, by whom and when, and since when it is verified (UTC microseconds)."""

    domain: str
    set_by: str
    set_at: int
    verified_at: int | None


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
        set_by = act.seat.actor.called
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


@dataclass(frozen=True)
class VerifySsoDomain(Command):
    """Looks whether the DNS of the domain has the organization's record.

    Raises NotFound when no domain is set, Conflict when it is another one by now, when no name server answers or when
    another organization has verified it, or when there is no such record.
    """

    needs: ClassVar = Permission.SSO_WRITE

    domain: str
    servers: NameServers
    found: frozenset[str] | None = None

    def prepare(self) -> VerifySsoDomain:
        try:
            return replace(self, found=self.servers.texts(record_name(normal_domain(self.domain))))
        except Unanswered:
            return self

    def change(self, act: Act) -> SsoDomainVerified | NoChange:
        now = read_domain(act.connection, act.organization)
        if now is None:
            raise NotFound
        if now.domain != self.domain:
            raise Conflict(f"The domain is {now.domain} by now. Nothing was verified: look at its record.")
        if self.found is None:
            raise Conflict(f"The name servers of {self.domain} did not answer. Try again in a minute.")
        expected = record_text(read_organization(act.connection, act.organization).id)
        if expected not in self.found:
            raise Conflict(_not_there(self.domain, self.found))
        if now.verified_at is not None:
            return NO_CHANGE
        table = schema.sso_domain
        verified = update(table).where(table.c.organization == act.organization).values(verified_at=act.at)
        try:
            act.connection.execute(verified)
        except IntegrityError as error:
            raise Conflict(
                f"Another organization here has verified {self.domain}. It must remove the domain first."
            ) from error
        return SsoDomainVerified(domain=self.domain)


@dataclass(frozen=True)
class LapseSsoDomain(Command):
    """Says that the domain is not verified any more, as so many checks found no record. Only Minutebook does that. With
    `mails`, owners and admins get a mail that says so."""

    needs: ClassVar = ANYBODY

    domain: str
    checks: int
    mails: bool = False

    def change(self, act: Act) -> SsoDomainLapsed | NoChange:
        if not act.by_operator:
            raise NotAllowed("Minutebook itself looks whether a domain is still verified.")
        now = read_domain(act.connection, act.organization)
        if now is None or now.domain != self.domain or now.verified_at is None:
            return NO_CHANGE
        table = schema.sso_domain
        act.connection.execute(update(table).where(table.c.organization == act.organization).values(verified_at=None))
        if self.mails:
            _tell_of_lapse(act, self.domain, self.checks)
        return SsoDomainLapsed(domain=self.domain, checks=self.checks)


def _tell_of_lapse(act: Act, domain: str, checks: int) -> None:
    expected = record_text(read_organization(act.connection, act.organization).id)

    def mail(to: str, name: str) -> Mail:
        return Mail(
            to,
            f"{domain} is not verified any more as the SSO domain of {name}",
            f"The last {checks} daily checks found no TXT record at {record_name(domain)} with the value\n\n"
            f"{expected}\n\nPut it back, and check it on the page SSO. Owners and admins are told of this.\n",
        )

    outbox.put_for_each(act.connection, act.organization, (Role.OWNER, Role.ADMIN), mail, act.at)


def record_name(domain: str) -> str:
    """The name in the DNS that has the record."""
    return f"{RECORD}.{domain}"


def record_text(organization: str) -> str:
    """The text of the TXT record that names the organization, by its public id."""
    return f"minutebook-organization={organization}"


def _not_there(domain: str, found: frozenset[str]) -> str:
    name = record_name(domain)
    if not found:
        return f"There is no TXT record at {name} yet. A new one can take some minutes to be seen."
    texts = ", ".join(f"“{wording.shortened(text)}”" for text in sorted(found)[:3])
    return f"The TXT record at {name} is another one: {texts}."


def read_domain(connection: Connection, organization: int) -> SsoDomain | None:
    """The domain that is set."""
    table = schema.sso_domain
    row = connection.execute(select(table).where(table.c.organization == organization)).one_or_none()
    return SsoDomain(row.domain, row.set_by, row.set_at, row.verified_at) if row else None
