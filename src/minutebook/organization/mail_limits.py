"""How many mails somebody can have sent to others: of what the outbox holds, in the transaction of the act.

Each mail that is put there counts for a day, also when it was taken back. So the limits hold for all servers together,
and nothing is counted for an act that did not happen.

Invitations are counted by organization, and by user across organizations, since anybody may found some. Not by address
across users: whoever filled such a limit would keep others from inviting the address, and its refusal would tell of
them. So whoever has many accounts can have more mailed to one mailbox, and `founding` is the setting against it. Nor is
`a+1@x` taken for `a@x`, which is for x alone to say (RFC 5321, section 2.3.11): the limits that count all addresses
hold for these.

Beyond its limits an invitation is refused, not made without a mail: its link would then open an account for an address
that nobody has proven. What else people are told of is done, and the mail left out: nobody keeps others from doing it.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case, func, select

from minutebook.errors import TooManyMails
from minutebook.model import MINUTE, SECOND
from minutebook.organization import outbox
from minutebook.organization.organizations import read_organization
from minutebook.permissions import PERMISSIONS, Permission
from minutebook.record import Act
from minutebook.store import schema

TO_ONE = 5
"""Invitations of one organization to one address."""
TO_ONE_BY_ONE = 20
"""Invitations to one address by one user, from all organizations."""
FOR_EACH_SEAT = 2
"""Invitations of one organization, for each of its seats: everybody can be invited at once, and once more."""
BY_ONE = 100
"""Invitations by one user from all organizations, or what the largest where they invite has by itself."""
ALIKE = 10
"""Times that an organization tells its people the same, because somebody does and takes back what it is told of."""
BALANCE = "balance"
DELETION = "deletion"


def check_invitation(act: Act, email: str) -> None:
    """Raises TooManyMails unless one more invitation may be mailed to the address."""
    _await_turn(act)
    table = schema.outbox.c
    to_it, theirs = table.to == email, table.caused_by == act.seat.actor.id
    ours = and_(outbox.invites(), outbox.of_organization(act.organization))
    most = FOR_EACH_SEAT * read_organization(act.connection, act.organization).seat_limit
    by_one = max(BY_ONE, FOR_EACH_SEAT * _largest(act))
    limits = (
        (TO_ONE, f"{email} was mailed {TO_ONE} invitations to this organization", and_(ours, to_it)),
        (TO_ONE_BY_ONE, f"You had {TO_ONE_BY_ONE} invitations mailed to {email}", and_(theirs, to_it)),
        (most, f"{most:,} invitations were mailed, {FOR_EACH_SEAT} for each seat,", ours),
        (by_one, f"You had {by_one:,} invitations mailed, from all of your organizations,", theirs),
    )
    # one look for all of them: hundreds may be invited one after another
    numbers = select(*(func.count(case((which, 1))) for _, _, which in limits)).where(*_lately(act))
    for number, (limit, reason, which) in zip(act.connection.execute(numbers).one(), limits, strict=True):
        if number >= limit and (oldest := _nth_newest(act, limit, which)) is not None:
            raise TooManyMails(f"{reason} within a day.", -((act.at - oldest - outbox.KEPT) // SECOND))


def may_tell(act: Act, what: str) -> bool:
    """Whether people may be mailed once more of what the mails are about: BALANCE or DELETION."""
    return _nth_newest(act, ALIKE, schema.outbox.c.about == outbox.about(act.organization, what)) is None


def _await_turn(act: Act) -> None:
    """Acts of one user in different organizations count one after another, each what those before it sent."""
    users = schema.user.c
    act.connection.execute(select(users.id).where(users.id == act.seat.actor.id).with_for_update(key_share=True))


def _largest(act: Act) -> int:
    """The most seats that an organization has of those where who acts may invite."""
    seats, organizations = schema.seat.c, schema.organization.c
    inviting = [role.value for role in PERMISSIONS[Permission.SEATS_WRITE]]
    statement = (
        select(func.coalesce(func.max(organizations.seat_limit), 0))
        .join(schema.seat, seats.organization == organizations.organization)
        .where(seats.user == act.seat.actor.id, seats.role.in_(inviting))
    )
    return int(act.connection.execute(statement).scalar_one())


def _nth_newest(act: Act, number: int, which: ColumnElement[bool]) -> int | None:
    """When there was mail the last but so many times within a day; the mails of one act count as one."""
    at = schema.outbox.c.created_at
    newest = select(at).where(which, *_lately(act)).distinct().order_by(at.desc()).offset(number - 1).limit(1)
    return act.connection.execute(newest).scalar_one_or_none()


def _lately(act: Act) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Within a day; also a moment ahead, where an act that began later came first."""
    at = schema.outbox.c.created_at
    return at > act.at - outbox.KEPT, at <= act.at + MINUTE
