"""Whoever reads a log on its pages: from a seat, or by an auditor link, and then no more than the link shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from minutebook.filters.expression import NOTHING_ASKED, Expression
from minutebook.model import Seat
from minutebook.organization import auditor_links, sittings
from minutebook.organization.auditor_links import AuditorLink
from minutebook.organization.organizations import Organization
from minutebook.web.auditor import Auditor
from minutebook.web.log_address import Address
from minutebook.web.saved_menu import saved_menu
from minutebook.web.session import Place
from minutebook.web.shell import AUDIT_LOGS, shell_of
from minutebook.web.site import Site
from minutebook.web.views.controls import SavedMenu
from minutebook.web.views.log import LinkNote
from minutebook.web.views.page import Shell


@dataclass(frozen=True, slots=True)
class LogReader:
    """Who reads, which log, and how much of it. `path` is where its pages are; `at` is now, in UTC microseconds."""

    site: Site
    organization: Organization
    path: str
    zone: ZoneInfo
    at: int
    seat: Seat
    session: str
    shell: Shell
    auditor_link: AuditorLink | None = None
    """By which somebody reads who has no seat, and no more than it shows."""
    link: LinkNote | None = None
    """What is said to whoever reads by a link."""
    place: Place | None = field(default=None)

    @classmethod
    def of_place(cls, place: Place) -> LogReader:
        """Somebody with a seat: all of the log."""
        return cls(
            site=place.site,
            organization=place.organization,
            path=place.path(AUDIT_LOGS),
            zone=place.viewer.zone,
            at=place.viewer.at,
            seat=place.seat,
            session=place.viewer.session.id,
            shell=shell_of(place, AUDIT_LOGS),
            place=place,
        )

    @classmethod
    def of_auditor(cls, auditor: Auditor) -> LogReader:
        """Somebody who opened an auditor link."""
        return cls(
            site=auditor.site,
            organization=auditor.session.organization,
            path=auditor.path,
            zone=auditor.zone,
            at=auditor.at,
            seat=auditor.seat,
            session=auditor.session.id,
            shell=auditor.shell,
            auditor_link=auditor.session.link,
            link=auditor.note,
        )

    @property
    def log(self) -> str:
        """What a cursor is of: the log of an organization, or the part of it that a link shows."""
        return self.auditor_link.id if self.auditor_link else self.organization.id

    def within(self, at: int) -> Expression:
        """What may be seen of the log at a time (UTC microseconds)."""
        return self.auditor_link.scope(at) if self.auditor_link else NOTHING_ASKED

    def require_plan(self) -> None:
        """Raises NotAllowed on a plan on which the log is not read."""
        sittings.require_plan(self.organization.plan, self.seat, self.place.role if self.place else None)

    def sit(self) -> None:
        """Records that the session reads the log, unless it has been reading for less than 30 minutes.

        Raises StoreUnavailable or OutcomeUnknown.
        """
        sit = sittings.sit if self.place else auditor_links.sit
        sit(self.site.store, self.seat, self.session, self.at)

    def saved(self, connection: Connection, address: Address) -> SavedMenu | None:
        """The menu of saved searches; none for whoever has no searches here."""
        return saved_menu(connection, self.place, address) if self.place else None
