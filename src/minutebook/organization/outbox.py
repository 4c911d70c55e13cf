"""The outbox: mail is a row of the act's own transaction, so none is sent for an act that did not happen.

A mail that somebody can have sent to others is counted (`mail_limits.py`): when it has left or was taken back, its row
stays for a day, without what it said.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, or_, select, update

from minutebook.model import DAY, MINUTE, Role
from minutebook.store import schema
from minutebook.store.engine import Store

MAX_ATTEMPTS = 10
GONE = MAX_ATTEMPTS + 1
"""Stands for the attempts of a mail that has left or was taken back, and is still counted."""
KEPT = DAY

REASONS = {
    "ConnectionRefusedError": "connection refused",
    "TimeoutError": "no answer",
    "gaierror": "mail server not found",
    "SMTPAuthenticationError": "sign-in refused",
    "SMTPRecipientsRefused": "address refused",
    "SMTPSenderRefused": "sender refused",
}
"""What people are told of an error, by its type. Its full text, which names servers, is for whoever runs Minutebook."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A plain-text mail to one address."""

    to: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A mail that is due, and how often it has been tried."""

    id: int
    mail: Mail
    attempts: int


@dataclass(frozen=True, slots=True)
class Undelivered:
    """What is known of a mail that has not left: how often it was tried, and what went wrong the last time."""

    attempts: int
    reason: str

    @property
    def is_given_up(self) -> bool:
        """Whether it is not tried again."""
        return self.attempts >= MAX_ATTEMPTS


def about(organization: int, what: str) -> str:
    """What a mail of an organization is about: an id, or a word of 16 characters at most."""
    return f"{organization}:{what}"


def put(connection: Connection, mail: Mail, at: int, *, about: str | None = None, caused_by: str | None = None) -> None:
    """Adds a mail to the transaction at hand; it is due at once. With `about`, as the function makes it, it can be
    taken back, and is counted; `caused_by` is the user for whom it is."""
    values = {"to": mail.to, "subject": mail.subject, "body": mail.body, "about": about, "caused_by": caused_by}
    connection.execute(insert(schema.outbox).values(**values, created_at=at, next_try_at=at, attempts=0))


def put_for_each(
    connection: Connection,
    organization: int,
    roles: Collection[Role],
    mail: Callable[[str, str], Mail],
    at: int,
    *,
    about: str | None = None,
) -> None:
    """Adds a mail for everybody in an organization with one of the roles; `mail` makes it for an address and the name
    of the organization. `about` as in `put`."""
    seats, users, organizations = schema.seat.c, schema.user.c, schema.organization.c
    people = (
        select(users.email, organizations.name)
        .join(schema.seat, seats.user == users.id)
        .join(schema.organization, organizations.organization == seats.organization)
        .where(seats.organization == organization, seats.role.in_([role.value for role in roles]))
        .order_by(users.email)
    )
    for row in connection.execute(people).all():
        put(connection, mail(row.email, row.name), at, about=about)


def take_back(connection: Connection, about: str) -> None:
    """Forgets the mails that are about this, as far as they have not left yet."""
    _forget(connection, schema.outbox.c.about == about)


def undelivered(connection: Connection, organization: int) -> dict[str, Undelivered]:
    """The mails of an organization that have not left, by what they are about."""
    table = schema.outbox.c
    where = (of_organization(organization), table.attempts < GONE)
    rows = connection.execute(select(table.about, table.attempts, table.error).where(*where))
    return {row.about: Undelivered(row.attempts, _reason(row.error)) for row in rows}


def invites() -> ColumnElement[bool]:
    """Which mails are about an invitation."""
    return schema.outbox.c.about.contains(":inv_", autoescape=True)


def of_organization(organization: int) -> ColumnElement[bool]:
    """Which mails are about something of the organization."""
    return schema.outbox.c.about.startswith(about(organization, ""))


def due(store: Store, limit: int = 20) -> list[Waiting]:
    """The mails to be sent now, oldest first."""
    table = schema.outbox.c
    where = (table.next_try_at <= store.clock(), table.attempts < MAX_ATTEMPTS)
    with store.reading() as connection:
        rows = connection.execute(select(schema.outbox).where(*where).order_by(table.id).limit(limit)).all()
    return [Waiting(row.id, Mail(row.to, row.subject, row.body), row.attempts) for row in rows]


def sent(store: Store, waiting: Waiting) -> None:
    """Forgets a mail that was sent: what it said, a link perhaps, is kept nowhere."""
    with store.housekeeping() as connection:
        _forget(connection, schema.outbox.c.id == waiting.id)


def forget_old(store: Store) -> None:
    """Forgets altogether what left, was taken back or given up more than a day ago, but for a mail that was given up of
    an invitation: whoever invites is told of it as long as that is pending."""
    table, at = schema.outbox.c, store.clock()
    given_up = and_(table.attempts == MAX_ATTEMPTS, or_(table.about.is_(None), ~invites()))
    # a clock that was set back has left some in its future
    past = or_(table.created_at <= at - KEPT, table.created_at > at + KEPT)
    old = (or_(table.attempts == GONE, given_up), past)
    with store.reading() as connection:
        if connection.execute(select(table.id).where(*old).limit(1)).first() is None:
            return
    with store.housekeeping() as connection:
        connection.execute(delete(schema.outbox).where(*old))


def failed(store: Store, waiting: Waiting, error: str) -> None:
    """Notes why a mail could not be sent; it is tried again after 1, 2, 4 … minutes, ten times in all.

    Of one that is given up only the reason stays: what it said, a link perhaps, is kept nowhere.
    """
    attempts = waiting.attempts + 1
    values = {"attempts": attempts, "next_try_at": store.clock() + MINUTE * 2**waiting.attempts, "error": error[:500]}
    if attempts >= MAX_ATTEMPTS:
        values["body"] = ""
    table = schema.outbox.c
    still = (table.id == waiting.id, table.attempts < GONE)  # it may have been taken back meanwhile
    with store.housekeeping() as connection:
        connection.execute(update(schema.outbox).where(*still).values(values))


def _forget(connection: Connection, which: ColumnElement[bool]) -> None:
    """What they said is gone; of those that are counted, whom they were to, and by whom, stays for a day."""
    table = schema.outbox
    connection.execute(delete(table).where(which, table.c.about.is_(None)))
    connection.execute(update(table).where(which).values(subject="", body="", error=None, attempts=GONE))


def _reason(error: str | None) -> str:
    return REASONS.get((error or "").partition(":")[0], "not accepted")
