"""Auditor links: a part of the log, to be read by whoever has the link, until it expires or is revoked.

A link is no seat. Opening it gives the browser a session of its own, which can do nothing but read that part of that
one log. The session has access by the recorded act of opening it, as every session has, so that revoking ends both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, select

from minutebook.actions.link import LinkCreated, LinkRevoked, LinkUsed
from minutebook.actions.log import LogViewed
from minutebook.errors import Conflict, Invalid, NotFound, Problem, kept
from minutebook.filters import Here, expression_of, filter_of, language
from minutebook.filters.expression import Expression
from minutebook.filters.language import BadQuery
from minutebook.filters.moments import ANYWHERE, is_relative, resolved
from minutebook.identifiers import new_id, new_token, token_hash
from minutebook.model import DAY, HOUR, Actor, ActorKind, Context, Seat
from minutebook.organization import access, sittings, wording
from minutebook.organization.organizations import Organization, read_organization
from minutebook.permissions import Permission
from minutebook.record import ANYBODY, NO_CHANGE, Act, Command, NoChange, perform
from minutebook.store import schema
from minutebook.store.engine import Store

LIFETIMES = (1, 7, 30, 90)
"""For how many days a link may work."""
SESSION_LIFETIME = 12 * HOUR
"""After which the link has to be opened again."""
MAX_LINKS = 50


@dataclass(frozen=True, slots=True)
class AuditorLink:
    """A link that was not revoked. `query` is in the query language, its times in UTC, and empty for all of the log;
    the times are UTC microseconds."""

    organization: int
    id: str
    name: str
    query: str
    created_by: str
    created_at: int
    expires_at: int

    def actor(self) -> Actor:
        """Whoever reads by it."""
        return Actor(ActorKind.AUDITOR_LINK, self.id, name=self.name, credential="link")

    def scope(self, now: int) -> Expression:
        """Which events it shows at `now` (UTC microseconds), its days those of UTC."""
        return resolved(language.read(self.query, ANYWHERE), Here(now=now))

    @property
    def moves(self) -> bool:
        """Whether it shows other events as time goes by."""
        return moves(self.query)


@dataclass(frozen=True, slots=True)
class LinkSession:
    """A browser in which a link was opened."""

    id: str
    link: AuditorLink
    organization: Organization


@dataclass(frozen=True)
class CreateLink(Command):
    """Makes a link. The token is the caller's to show, once.

    Raises Invalid, naming every field that is wrong; Conflict beyond 50 links that can be used.
    """

    needs: ClassVar = Permission.LINKS_WRITE

    name: str
    query: str
    days: int
    token: str

    def change(self, act: Act) -> LinkCreated:
        problems: list[Problem] = []
        name = kept(problems, wording.name, self.name, "name", "The name")
        query = kept(problems, checked, self.query)
        days = kept(problems, _days, self.days)
        if name is None or query is None or days is None:
            raise Invalid(*problems)
        if count_live(act.connection, act.organization, act.at) >= MAX_LINKS:
            raise Conflict(
                f"There are {MAX_LINKS} auditor links that can be used, and no more are made. Revoke one first."
            )
        link, expires_at = new_id("aud", act.randomness), act.at + days * DAY
        act.connection.execute(
            insert(schema.auditor_link).values(
                organization=act.organization,
                id=link,
                name=name,
                token_hash=token_hash(self.token),
                query=query,
                created_by=act.seat.actor.called,
                created_at=act.at,
                expires_at=expires_at,
            )
        )
        return LinkCreated(link=link, name=name, query=query or None, expires_at=expires_at)


@dataclass(frozen=True)
class RevokeLink(Command):
    """Takes a link back, whether or not it has expired; every browser in which it was opened is shut out at once.

    Raises NotFound.
    """

    needs: ClassVar = Permission.LINKS_WRITE

    link: str

    def change(self, act: Act) -> LinkRevoked:
        before = read_link(act.connection, act.organization, self.link)
        access.end_all(act, self.link)
        table = schema.auditor_link
        act.connection.execute(delete(table).where(table.c.organization == act.organization, table.c.id == self.link))
        return LinkRevoked(link=self.link, name=before.name)


@dataclass(frozen=True)
class UseLink(Command):
    """Gives the acting session access by a link. Raises NotFound for one that cannot be used."""

    needs: ClassVar = ANYBODY

    token: str

    def change(self, act: Act) -> LinkUsed | NoChange:
        found = find_by_token(act.connection, self.token, act.at)
        if found is None or (found.organization, found.actor()) != (act.organization, act.seat.actor):
            raise NotFound
        return LinkUsed(link=found.id, name=found.name) if access.give(act, found.id) else NO_CHANGE


@dataclass(frozen=True)
class OpenLinkSitting(Command):
    """Records that a session begins to read by a link, as `OpenSitting` does for people with a seat.

    Raises NotFound for a session without access, and once the link has expired.
    """

    needs: ClassVar = ANYBODY

    session: str

    def change(self, act: Act) -> LogViewed | NoChange:
        link = act.seat.actor.id
        if act.seat.actor.kind is not ActorKind.AUDITOR_LINK or not access.has(act, self.session, link):
            raise NotFound
        if read_link(act.connection, act.organization, link).expires_at <= act.at:
            raise NotFound
        return sittings.begin(act, self.session)


def open_link(store: Store, token: str, context: Context) -> tuple[str, LinkSession]:
    """The token of a new session that may read what the link shows. Raises NotFound for a link that cannot be used."""
    now = store.clock()
    with store.reading() as connection:
        link = find_by_token(connection, token, now)
        if link is None:
            raise NotFound
        organization = read_organization(connection, link.organization)
    secret, session = new_token(store.randomness), new_id("ses", store.randomness)
    table = schema.auditor_session
    expires_at = min(link.expires_at, now + SESSION_LIFETIME)
    # Before the act: else its row in `access` could be taken for one of a session that is over.
    with store.housekeeping() as connection:
        connection.execute(delete(table).where(table.c.expires_at <= now))
        values = {"id": session, "token_hash": token_hash(secret), "created_at": now, "expires_at": expires_at}
        connection.execute(insert(table).values(values))
    perform(store, Seat(link.organization, link.actor(), replace(context, session_id=session)), UseLink(token))
    return secret, LinkSession(session, link, organization)


def find_session(connection: Connection, token: str, at: int) -> LinkSession | None:
    """The session of a token, if it lives at `at` (UTC microseconds) and its link was not revoked; none outlives its
    link."""
    sessions, entered, links = schema.auditor_session.c, schema.access.c, schema.auditor_link
    same = (links.c.organization == entered.organization) & (links.c.id == entered.user)
    statement = (
        select(links, sessions.id.label("session"))
        .select_from(schema.auditor_session)
        .join(schema.access, entered.session == sessions.id)
        .join(links, same)
        .where(sessions.token_hash == token_hash(token), sessions.expires_at > at)
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    return LinkSession(row.session, _link(row), read_organization(connection, row.organization))


def sit(store: Store, seat: Seat, session: str, at: int) -> None:
    """Records that somebody reads by a link, as `sittings.sit` does for people with a seat."""
    with store.reading() as connection:
        if sittings.is_open(connection, seat.organization, session, at):
            return
    perform(store, seat, OpenLinkSitting(session))


def close_session(store: Store, session: LinkSession) -> None:
    """Ends a session. What it had access to is tidied away when its link is opened or revoked the next time."""
    table = schema.auditor_session
    with store.housekeeping() as connection:
        connection.execute(delete(table).where(table.c.id == session.id))


def checked(query: str) -> str:
    """The query as the search box writes it; nothing for all of the log. Raises Invalid on `query`."""
    try:
        written = language.write(expression_of(filter_of(language.read(query, ANYWHERE))))
        language.read(written, ANYWHERE)
    except BadQuery as bad:
        fix = f" Understood would be: {bad.fix}" if bad.fix else ""
        raise Invalid.one("query", f"{bad.message} (Character {bad.at + 1:,}.){fix}") from bad
    return written


def moves(query: str) -> bool:
    """Whether a link with this query shows other events as time goes by, whatever is recorded."""
    return is_relative(language.read(query, ANYWHERE))


def find_by_token(connection: Connection, token: str, at: int) -> AuditorLink | None:
    """The link of a token, if it can be used at `at` (UTC microseconds)."""
    table = schema.auditor_link.c
    return _one(connection, table.token_hash == token_hash(token), table.expires_at > at)


def read_link(connection: Connection, organization: int, link: str) -> AuditorLink:
    """Raises NotFound."""
    table = schema.auditor_link.c
    found = _one(connection, table.organization == organization, table.id == link)
    if found is None:
        raise NotFound
    return found


def all_links(connection: Connection, organization: int) -> list[AuditorLink]:
    """The links that were not revoked, the newest first; expired ones among them."""
    table = schema.auditor_link
    statement = select(table).where(table.c.organization == organization)
    return [_link(row) for row in connection.execute(statement.order_by(table.c.created_at.desc(), table.c.id))]


def count_live(connection: Connection, organization: int, at: int) -> int:
    """How many links can be used at `at` (UTC microseconds)."""
    table = schema.auditor_link.c
    where = (table.organization == organization, table.expires_at > at)
    return connection.execute(select(func.count()).where(*where)).scalar_one()


def uses(connection: Connection, organization: int, at: int) -> dict[str, int]:
    """In how many browsers each link is open at `at` (UTC microseconds)."""
    entered, sessions = schema.access.c, schema.auditor_session.c
    statement = (
        select(entered.user, func.count())
        .join(schema.auditor_session, sessions.id == entered.session)
        .where(entered.organization == organization, sessions.expires_at > at)
        .group_by(entered.user)
    )
    return {link: int(number) for link, number in connection.execute(statement)}


def _days(days: int) -> int:
    if days not in LIFETIMES:
        raise Invalid.one("days", f"A link works for {', '.join(map(str, LIFETIMES[:-1]))} or {LIFETIMES[-1]} days.")
    return days


def _one(connection: Connection, *which: ColumnElement[bool]) -> AuditorLink | None:
    row = connection.execute(select(schema.auditor_link).where(*which)).one_or_none()
    return _link(row) if row else None


def _link(row: Row[tuple[object, ...]]) -> AuditorLink:
    values = row._mapping
    names = ("organization", "id", "name", "query", "created_by", "created_at", "expires_at")
    return AuditorLink(**{name: values[name] for name in names})
