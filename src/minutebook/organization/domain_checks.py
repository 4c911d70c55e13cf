"""The job that looks every day whether the domains that were verified still have their record.

Checks are counted, not days: a clock that went forward lets nothing lapse. A name server that does not answer says
nothing against anybody.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, delete, insert, select

from minutebook.background import Job
from minutebook.model import DAY
from minutebook.name_servers import NameServers, Unanswered
from minutebook.organization.sso import LapseSsoDomain, SsoDomain, record_name, record_text
from minutebook.record import own_seat, perform
from minutebook.store import schema
from minutebook.store.engine import Store

LAPSES_AFTER = 3
"""So many daily checks in a row that find no record."""
ROUND_SECONDS = 600.0

log = structlog.get_logger("minutebook.domain_checks")


@dataclass(frozen=True, slots=True)
class DomainCheck:
    """What a daily check found: when (UTC microseconds), and how many in a row found no record."""

    checked_at: int
    missed: int


class DomainChecks(Job):
    """Looks after the verified domains in a thread while a server runs."""

    name = "domain_checks"

    def __init__(self, store: Store, servers: NameServers, *, mails: bool = False) -> None:
        super().__init__(ROUND_SECONDS)
        self._store = store
        self._servers = servers
        self._mails = mails

    def round(self) -> None:
        """Checks each domain whose last check is a day ago."""
        checks, domains, organizations = schema.domain_check, schema.sso_domain, schema.organization
        since = (checks.c.domain == domains.c.domain) & (checks.c.checked_at >= domains.c.verified_at)
        verified = (
            select(domains.c.organization, domains.c.domain, organizations.c.id, checks.c.checked_at, checks.c.missed)
            .join(organizations, organizations.c.organization == domains.c.organization)
            .outerjoin(checks, since)
            .where(domains.c.verified_at.is_not(None))
            .order_by(domains.c.organization)
        )
        with self._store.reading() as connection:
            rows = connection.execute(verified).all()
        for number, domain, public_id, checked_at, missed in rows:
            if self._stopping.is_set():
                return
            if checked_at is None or abs(self._store.clock() - checked_at) >= DAY:
                self._check(number, domain, public_id, missed or 0)

    def _check(self, number: int, domain: str, public_id: str, missed: int) -> None:
        try:
            found = record_text(public_id) in self._servers.texts(record_name(domain))
        except Unanswered:
            log.warning("name_servers_silent", organization=number)
            return  # the next round asks again
        missed = 0 if found else missed + 1
        checks = schema.domain_check
        with self._store.housekeeping() as connection:
            connection.execute(delete(checks).where(checks.c.domain == domain))
            values = {"domain": domain, "checked_at": self._store.clock(), "missed": missed}
            connection.execute(insert(checks).values(values))
        if missed >= LAPSES_AFTER:
            perform(self._store, own_seat(number), LapseSsoDomain(domain, missed, self._mails))


def last_check(connection: Connection, domain: SsoDomain) -> DomainCheck | None:
    """What the last daily check of a verified domain found; None before the first one."""
    checks = schema.domain_check.c
    where = (checks.domain == domain.domain, checks.checked_at >= (domain.verified_at or 0))
    row = connection.execute(select(checks.checked_at, checks.missed).where(*where)).one_or_none()
    return DomainCheck(*row) if row else None
