"""The real application over a real store, served on a loopback port, and an organization of people to be in it."""

from __future__ import annotations

import socket
import threading
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache

import uvicorn

from minutebook.custody.high_water import Custody
from minutebook.custody.signer import sign_logs
from minutebook.deliver.exports import Exports
from minutebook.deliver.tails import STANDARD, Limits, Tails
from minutebook.identifiers import new_token
from minutebook.model import Context, Event, Plan, Role, Seat
from minutebook.organization import people, sessions
from minutebook.organization.invitations import AcceptInvitation, InvitePerson
from minutebook.organization.modes import Mode, all_modes
from minutebook.organization.organizations import CreateOrganization, read_organization
from minutebook.organization.people import User
from minutebook.record import Command, NoChange, perform
from minutebook.serve import Server, config_of
from minutebook.store.engine import PATIENCE, Store, system_clock
from minutebook.web.app import WebSettings, create_app
from minutebook.web.rates import Rates
from minutebook.web.site import Site as WebSite
from tests.support.beside import custody_beside
from tests.support.check_log import check_log
from tests.support.deployment import PASSWORD

START_SECONDS = 10
HOST = "minutebook.example"
"""What the names of logs begin with."""
PEOPLE = (
    ("Grace Lindqvist", Role.ADMIN),
    ("Ines Duarte", Role.AUDITOR),
    ("Bo Karlsen", Role.BILLING_MANAGER),
    ("Wen Li", Role.MEMBER),
    ("Yusuf Demir", Role.MEMBER),
    ("Elin Berg", Role.MEMBER),
    ("Priya Nair", Role.MEMBER),
    ("Jonas Weiss", Role.MEMBER),
    ("Tomás Reyes", Role.MEMBER),
)


class Clock:
    """The system's clock; or one that stands still at a time, or goes on from one, in UTC microseconds."""

    def __init__(self) -> None:
        self._stopped: int | None = None
        self._ahead = 0

    def __call__(self) -> int:
        return system_clock() + self._ahead if self._stopped is None else self._stopped

    def stop(self, at: int) -> None:
        """It is `at`, and stays so."""
        self._stopped = at

    def run(self, since: int) -> None:
        """It is `since`, and goes on from there."""
        self._stopped, self._ahead = None, since - system_clock()


@cache
def custody_of(store: Store) -> Custody:
    """The custody directory of a store: beside its file, if it is one."""
    return Custody(custody_beside(store, store))


@contextmanager
def serving(
    store: Store,
    port: int = 0,
    rates: Rates | None = None,
    tails: Tails | None = None,
    exports: Exports | None = None,
    stop_seconds: int = 2,
) -> Iterator[str]:
    """The address at which the application over `store` answers, until the block ends.

    `rates` are for API tokens and for exports that are begun, `exports` for those at once; `stop_seconds` is how long a
    server that stops waits for what it has not finished.
    """
    listening = socket.create_server(("127.0.0.1", port))
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    app = create_app(store, WebSettings(address, custody=custody_of(store).directory))
    site: WebSite = app.state.site
    app.state.site = replace(
        site,
        tails=tails or site.tails,
        rates=rates or site.rates,
        export_rates=rates or site.export_rates,
        exports=exports or site.exports,
    )
    server = Server(config_of(app, stop_seconds), app.state.site.stop)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="server")
    thread.start()
    try:
        _wait_for(server, thread)
        yield address
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def _wait_for(server: uvicorn.Server, thread: threading.Thread) -> None:
    patience = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > patience:
            raise RuntimeError("The server did not start; its log says why")
        time.sleep(0.01)


@cache
def hashed_password() -> str:
    """The hash of PASSWORD, made once: it takes its time on purpose."""
    return people.hash_password(PASSWORD)


class Company:
    """An organization whose people can sign in with PASSWORD; commands put them there.

    Calder Robotics has ten people. `colleagues=()` founds a smaller one.
    """

    def __init__(
        self,
        store: Store,
        name: str = "Calder Robotics",
        owner: User | None = None,
        plan: Plan = Plan.ENTERPRISE,
        colleagues: tuple[tuple[str, Role], ...] = PEOPLE,
    ) -> None:
        self.store = store
        self.owner = owner or new_person(store, "Ada Okafor")
        founded = self._perform(self.owner, 0, CreateOrganization(name, self.owner, plan, seat_limit=25))
        self.number = founded.organization
        with store.reading() as connection:
            self.id = read_organization(connection, self.number).id
        self._people = {self.owner.name: self.owner}
        self._roles = {Role.OWNER: self.owner}
        for colleague, role in colleagues:
            self.join(new_person(store, colleague), role)

    @property
    def admin(self) -> User:
        return self._roles[Role.ADMIN]

    @property
    def auditor(self) -> User:
        return self._roles[Role.AUDITOR]

    @property
    def billing_manager(self) -> User:
        return self._roles[Role.BILLING_MANAGER]

    @property
    def member(self) -> User:
        return self._roles[Role.MEMBER]

    def person(self, name: str) -> User:
        """The one who is called that."""
        return self._people[name]

    def join(self, user: User, role: Role) -> None:
        """Invites somebody and accepts for them."""
        token = new_token(self.store.randomness)
        self.act(self.owner, InvitePerson(user.email, role, token))
        self.act(user, AcceptInvitation(token, user))
        self._people[user.name] = user
        self._roles.setdefault(role, user)

    def modes(self) -> dict[str, Mode]:
        """The modes, by name."""
        with self.store.reading() as connection:
            return {mode.name: mode for mode in all_modes(connection, self.number)}

    def act(self, user: User, command: Command) -> Event:
        """Performs a command that must be recorded."""
        return self._perform(user, self.number, command)

    def session(self, user: User) -> str:
        """The token of a new session, entered everywhere: as if the user had signed in."""
        return sessions.start_session(self.store, user, "password", Context(ip="192.0.2.9"))[0]

    def _perform(self, user: User, organization: int, command: Command) -> Event:
        event = perform(self.store, Seat(organization, user.actor(), Context(ip="192.0.2.7")), command)
        assert not isinstance(event, NoChange), f"{command} changed nothing"
        return event


def new_person(store: Store, name: str, domain: str = "calder.example") -> User:
    """A user without a seat: `ada.okafor@calder.example` for Ada Okafor."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower().replace(" ", ".")
    return people.create_user(store, f"{plain}@{domain}", name, None, hashed=hashed_password())


@dataclass
class Site:
    """The application as it is reached, the organization in it, and the clock and the store behind it."""

    base_url: str
    company: Company
    clock: Clock
    tails: Tails | None = None

    @property
    def followers(self) -> int:
        """How many live tails are open."""
        assert self.tails
        return self.tails.open

    @property
    def store(self) -> Store:
        return self.company.store

    @property
    def custody(self) -> Custody:
        return custody_of(self.store)

    def sign(self) -> None:
        """Signs what is recorded, as the signer of a server does all the time."""
        sign_logs(self.store, self.custody, HOST)


@contextmanager
def site_on(
    url: str,
    clock: Clock | None = None,
    patience: float = PATIENCE,
    limits: Limits = STANDARD,
    exports: Exports | None = None,
    stop_seconds: int = 2,
) -> Iterator[Site]:
    """Calder Robotics, served from a database that has the schema; the oracle looks at the store at the end."""
    clock = clock or Clock()
    store = Store(url, clock=clock, patience=patience)
    try:
        company = Company(store)
        tails = Tails(store, limits)
        with serving(store, tails=tails, exports=exports, stop_seconds=stop_seconds) as address:
            yield Site(address, company, clock, tails)
        check_log(store)
    finally:
        store.close()
