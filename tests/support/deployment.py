"""A deployment to test with: its store, its clock, and the people who act in it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cached_property

from sqlalchemy import text

from minutebook.custody.ledger import Ledger
from minutebook.identifiers import new_token
from minutebook.model import SECOND, Actor, ActorKind, Context, Event, Plan, Role, Seat
from minutebook.organization import (
    auditor_links,
    organizations,
    people,
    sessions,
    tokens,
)
from minutebook.organization.auditor_links import OpenLinkSitting, UseLink
from minutebook.organization.factor_key import FactorKey
from minutebook.organization.invitations import AcceptInvitation, InvitePerson
from minutebook.organization.people import User
from minutebook.organization.second_factors import AddTotp
from minutebook.organization.sessions import EndSessions, Session
from minutebook.organization.sign_in import SignIns
from minutebook.organization.sittings import OpenSitting
from minutebook.organization.support import Grant
from minutebook.record import Command, NoChange, PersonalCommand
from minutebook.store import log, schema
from minutebook.store.engine import Store
from tests.support.apps import begin_app, code_of
from tests.support.beside import custody_beside
from tests.support.check_log import Logs, check_log
from tests.support.told import Told

START = 1_793_923_200_000_000
"""2026-11-06T00:00:00Z."""
OPERATOR = Actor(ActorKind.SYSTEM, "cli", name="Operator")
PASSWORD = "correct horse battery"


class Ticking:
    """A clock that goes on by a second with every look at it."""

    def __init__(self, now: int = START, step: int = SECOND) -> None:
        self.now = now
        self.step = step

    def __call__(self) -> int:
        self.now += self.step
        return self.now

    def go_on(self, micros: int) -> None:
        self.now += micros


class Deployment:
    """Short words for what tests do again and again; each goes through the product's own commands."""

    def __init__(self, store: Store, clock: Ticking, told: Told | None = None) -> None:
        self.store = store
        self.clock = clock
        self.told = told or Told()
        self._numbers = itertools.count(len(self.told.attempts) + 1)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger of its erasures: beside a SQLite file, else in a directory of its own."""
        return Ledger(custody_beside(self.store, self))

    def person(self, email: str | None = None, name: str | None = None, password: str | None = None) -> User:
        """A new user without a seat. Without a password they cannot sign in, which is much faster."""
        email = email or f"person{next(self._numbers)}@calder.example"
        return people.create_user(self.store, email, name or email.partition("@")[0].capitalize(), password)

    def found(
        self,
        owner: User,
        name: str = "Calder",
        plan: Plan = Plan.ENTERPRISE,
        seat_limit: int = 20,
        session: str | None = None,
    ) -> int:
        """A new organization; its number. The owner has access when they found it in a session."""
        event = self.act(owner, 0, organizations.CreateOrganization(name, owner, plan, seat_limit), session)
        return event.organization

    def join(
        self, organization: int, inviter: User | None, role: Role, user: User | None = None, session: str | None = None
    ) -> User:
        """A user who was invited and has accepted, with access when they did so in a session."""
        user = user or self.person()
        token = new_token(self.store.randomness)
        self.act(inviter, organization, InvitePerson(user.email, role, token))
        self.act(user, organization, AcceptInvitation(token, user), session)
        return user

    @cached_property
    def factor_key(self) -> FactorKey:
        """What secrets of authenticator apps are stored under."""
        return FactorKey(self.ledger.directory)

    def sign_ins(self) -> SignIns:
        """Signs people in, with nothing counted yet; mail is sent."""
        return SignIns(self.store, self.factor_key, mails=True)

    def add_app(self, user: User, codes: tuple[str, ...] = ()) -> bytes:
        """The user adds an authenticator app, perhaps with recovery codes; its secret."""
        token, secret = begin_app(self.store, self.factor_key, user)
        self.act_everywhere(user, AddTotp(user.id, token, self.code(secret), codes, self.factor_key))
        return secret

    def code(self, secret: bytes, steps: int = 0) -> str:
        """What an authenticator app shows now, or so many times 30 seconds later."""
        return code_of(secret, self.clock.now, steps)

    def session(self, user: User) -> Session:
        """A new session of the user, without access to anything."""
        organizations_of = sessions.seated_in(self.store, user.id)
        assert not organizations_of, "use enter() for someone who holds a seat"
        return sessions.start_session(self.store, user, "password", Context())[1]

    def seat(self, user: User | None, organization: int, session: str | None = None) -> Seat:
        """The seat of a user, or without one the operator's."""
        return Seat(organization, user.actor() if user else OPERATOR, Context(ip="192.0.2.7", session_id=session))

    def act(self, user: User | None, organization: int, command: Command, session: str | None = None) -> Event:
        """Performs a command that must be recorded."""
        answer = self.attempt(user, organization, command, session)
        assert not isinstance(answer, NoChange), f"{command} changed nothing"
        return answer

    def attempt(
        self, user: User | None, organization: int, command: Command, session: str | None = None
    ) -> Event | NoChange:
        """Performs a command and returns whatever it answers."""
        writer = user.email if user else "operator"
        return self.answer(writer, self.seat(user, organization, session), command)

    def answer(self, writer: str, seat: Seat, command: Command) -> Event | NoChange:
        """The same for whoever acts."""
        return self.told.perform(self.store, writer, seat, command)

    def act_everywhere(
        self, user: User | None, command: PersonalCommand, session: str | None = None
    ) -> tuple[Event, ...]:
        """Performs a command on a person, by themself or by the operator; it is recorded wherever they hold a seat, or
        where what it ends had access."""
        writer, seat = user.email if user else "operator", self.seat(user, 0, session)
        everywhere = sessions.seated_in(self.store, command.person)
        if isinstance(command, EndSessions):
            ended = "AND session = :session" if command.session else ""
            statement = text(f"""SELECT organization FROM access WHERE "user" = :user AND session <> :this {ended}""")
            values = {"user": command.person, "this": session or "", "session": command.session}
            with self.store.reading() as connection:
                everywhere = list(connection.execute(statement, values).scalars())
        return self.told.perform_everywhere(self.store, writer, seat, command, everywhere)

    def enter(self, user: User, organization: int, session: str) -> Event:
        """Signs the session in to the organization."""
        return self.act(user, organization, sessions.EnterOrganization("password"), session)

    def act_as_support(self, grant: Grant, organization: int, command: Command, session: str) -> Event:
        """Performs a command as somebody of support staff."""
        seat = Seat(organization, grant.actor(), Context(ip="192.0.2.6", session_id=session))
        answer = self.answer(grant.id, seat, command)
        assert not isinstance(answer, NoChange)
        return answer

    def open_link(self, organization: int, link: str, session: str) -> Event:
        """Opens an auditor link, whose token follows from its name; the session is nobody's but the link's."""
        seat = self.link_seat(organization, link, session)
        answer = self.answer(link, seat, UseLink(f"the token of {seat.actor.name}"))
        assert not isinstance(answer, NoChange)
        return answer

    def link_seat(self, organization: int, link: str, session: str) -> Seat:
        """Whoever reads by an auditor link."""
        with self.store.reading() as connection:
            actor = auditor_links.read_link(connection, organization, link).actor()
        return Seat(organization, actor, Context(ip="192.0.2.9", session_id=session))

    def read_by_link(self, organization: int, link: str, session: str) -> Event | NoChange:
        """Begins to read the log by an auditor link that was opened."""
        seat = self.link_seat(organization, link, session)
        return self.answer(link, seat, OpenLinkSitting(session))

    def read_by_token(self, organization: int, token: str) -> Event | NoChange:
        """A program begins to read the log with an API token."""
        with self.store.reading() as connection:
            actor = tokens.read_token(connection, organization, token).actor()
        seat = Seat(organization, actor, Context(ip="192.0.2.8"))
        return self.answer(token, seat, OpenSitting(token))

    def events(self, organization: int) -> list[Event]:
        """The log, oldest first."""
        with self.store.reading() as connection:
            return list(log.events(connection, organization))

    def size(self, organization: int) -> int:
        with self.store.reading() as connection:
            return log.read_head(connection, organization).size

    def everything_stored(self) -> bytes:
        """All bytes of the files of SQLite, write-ahead log included; all values of all rows of PostgreSQL."""
        if self.store.is_sqlite:
            return b"".join(file.read_bytes() for file in self.store.file.parent.glob("*.sqlite3*"))
        with self.store.reading() as connection:
            rows = [row for table in schema.metadata.sorted_tables for row in connection.execute(table.select())]
        return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)

    def check(self) -> Logs:
        """Runs the oracle over everything."""
        return check_log(self.store, self.told)

    def elsewhere(self, seat: Seat, ip: str) -> Seat:
        """The same seat, at another network address."""
        return replace(seat, context=replace(seat.context, ip=ip))
