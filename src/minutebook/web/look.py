"""Who looks where in which log: what the pages of Audit Logs are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from minutebook.custody.high_water import Custody
from minutebook.filters import (
    Here,
)
from minutebook.filters.expression import NOTHING_ASKED, Expression, all_of
from minutebook.organization.organizations import Organization
from minutebook.store.scope import Scope
from minutebook.web.log_address import Address, Reading


@dataclass(frozen=True, slots=True)
class Look:
    """Who looks where: the organization, what the address says, the viewer's own zone, and now (UTC microseconds)."""

    organization: Organization
    reading: Reading
    own: ZoneInfo
    now: int
    log: str
    """What a cursor is of: see `LogReader`."""

    within: Callable[[int], Expression]
    """What the viewer may see of the log at a time (UTC microseconds)."""

    integrity: str | None = None
    """Where more is said of how the log is proven; nowhere for whoever reads by a link."""

    custody: Custody | None = None
    """Where it is known which keys sign the log."""

    @property
    def sees_all(self) -> bool:
        return self.within(self.now) == NOTHING_ASKED

    @property
    def here(self) -> Here:
        """Where and when the first page of the search was asked for: what its relative times are told from."""
        cursor = self.address.cursor
        return Here(self.own, cursor.asked_at if cursor else self.now)

    def scope(self, size: int) -> Scope:
        """Where is searched for them, in a log of this size. A page of a search that was begun before shows what they
        may see now, and could see then: so it goes on where the page before it ended."""
        within = all_of(map(self.within, (self.now, self.here.now or self.now)))
        return Scope(self.organization.number, size, within, self.here)

    @property
    def address(self) -> Address:
        return self.reading.address

    @property
    def zone(self) -> ZoneInfo:
        return self.reading.zone
