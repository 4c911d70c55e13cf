"""How many mails somebody can have sent to others: of what the outbox holds, in the transaction of the act.

Each mail that is put there counts for a day, also when it was taken back. So the limits hold for all servers together,
and nothing is counted for an act that did not happen.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case, func, select

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
    limits = (
        (TO_ONE, f"{email} was mailed {TO_ONE} invitations to this organization within a day.", and_(ours, to_it)),
        (TO_ONE_FROM_ALL, f"{email} was mailed too many invitations within a day.", to_it),
        (most, f"{most:,} invitations were mailed within a day, {FOR_EACH_SEAT} for each seat.", ours),
    )
    # one look for all three: hundreds may be invited one after another
    numbers = select(*(func.count(case((which, 1))) for _, _, which in limits)).where(*_lately(act))
    for number, (most, reason, which) in zip(act.connection.execute(numbers).one(), limits, strict=True):
        if number >= most:
            _check(act, most, reason, which)


def check(act: Act, what: str) -> None:
    """Raises TooManyMails unless people may be told once more of what the mails are about: BALANCE or DELETION."""
    reason = f"People were mailed of the {what} {ALIKE} times within a day. Nothing was changed."
    _check(act, ALIKE, reason, schema.outbox.c.about == outbox.about(act.organization, what))


def _check(act: Act, most: int, reason: str, *which: ColumnElement[bool]) -> None:
    """The mails of one act count as one."""
    at = schema.outbox.c.created_at
    newest = select(at).where(*which, *_lately(act)).distinct().order_by(at.desc()).offset(most - 1).limit(1)
    oldest = act.connection.execute(newest).scalar_one_or_none()
    if oldest is not None:
        raise TooManyMails(reason, -((act.at - oldest - outbox.KEPT) // SECOND))


def _lately(act: Act) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    at = schema.outbox.c.created_at
    return at > act.at - outbox.KEPT, at <= act.at
