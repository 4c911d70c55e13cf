"""How many mails somebody can have sent to others: of what the outbox holds, in the transaction of the act.

Each mail that is put there counts for a day, also when it was taken back. So the limits hold for all servers together,
and nothing is counted for an act that did not happen.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, select

from minutebook.errors import TooManyMails
from minutebook.model import SECOND
from minutebook.organization import outbox
from minutebook.organization.organizations import read_organization
from minutebook.record import Act
from minutebook.store import schema

TO_ONE = 5
"""Invitations of one organization to one address."""
TO_ONE_FROM_ALL = 20
"""Of all organizations: so many that no organization learns by it what others do."""
FOR_EACH_SEAT = 2
"""Invitations of one organization, for each of its seats: everybody can be invited at once, and once more."""
ALIKE = 10
"""Times that an organization tells its people the same, because somebody does and takes back what it is told of."""
BALANCE = "balance"
DELETION = "deletion"


def check_invitation(act: Act, email: str) -> None:
    """Raises TooManyMails unless one more invitation may be mailed to the address."""
    table = schema.outbox.c
    invites = table.about.contains(":inv_", autoescape=True)
    ours, to_it = and_(invites, outbox.of_organization(act.organization)), and_(invites, table.to == email)
    most = FOR_EACH_SEAT * read_organization(act.connection, act.organization).seat_limit
    _check(act, TO_ONE, f"{email} was mailed {TO_ONE} invitations to this organization within a day.", ours, to_it)
    _check(act, TO_ONE_FROM_ALL, f"{email} was mailed too many invitations within a day.", to_it)
    _check(act, most, f"{most:,} invitations were mailed within a day, {FOR_EACH_SEAT} for each seat.", ours)


def check(act: Act, what: str) -> None:
    """Raises TooManyMails unless people may be told once more of what the mails are about: BALANCE or DELETION."""
    reason = f"People were mailed of the {what} {ALIKE} times within a day. Nothing was changed."
    _check(act, ALIKE, reason, schema.outbox.c.about == outbox.about(act.organization, what))


def _check(act: Act, most: int, reason: str, *which: ColumnElement[bool]) -> None:
    """The mails of one act count as one."""
    at, since = schema.outbox.c.created_at, act.at - outbox.KEPT
    lately = (at > since, at <= act.at)
    newest = select(at).where(*which, *lately).distinct().order_by(at.desc()).offset(most - 1).limit(1)
    oldest = act.connection.execute(newest).scalar_one_or_none()
    if oldest is not None:
        raise TooManyMails(reason, -(-(oldest - since) // SECOND))
