"""The stage: a clock that is set forward, and things that happen in the order of their times.

Everything done here goes through `perform()` and the functions of `organization/`, with this clock instead of the
system's. Chance comes from a seed and decides the story only; tokens, ids and secrets are as random as everywhere.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from minutebook.demo.cast import KATHMANDU, KOLKATA, LISBON, NEW_YORK, PORTLAND, SHANGHAI, TOKYO, Persona
from minutebook.demo.props import BROWSERS, PHONE
from minutebook.model import (
    DAY,
    HOUR,
    SECOND,
    Actor,
    ActorKind,
    Client,
    Context,
    Event,
    Role,
    Seat,
    SecondFactor,
    from_micros,
    to_micros,
)
from minutebook.organization import sessions
from minutebook.organization.factor_key import FactorKey
from minutebook.organization.people import User
from minutebook.organization.sessions import Session
from minutebook.permissions import Permission, may
from minutebook.record import Command, NoChange, PersonalCommand, perform, perform_everywhere
from minutebook.store.engine import Store

YEAR = 365 * DAY
BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
OPERATOR = Actor(ActorKind.SYSTEM, "system", name="Minutebook (command line)")
OFFICES = {LISBON: 20, NEW_YORK: 40, PORTLAND: 60, SHANGHAI: 80, TOKYO: 100, KOLKATA: 120, KATHMANDU: 140}


class StageClock:
    """Now, in UTC microseconds: as late as it was set."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@dataclass
class Player:
    """A persona on the stage: once invited, a user; once signed in, with a session. `factor` is what they sign in with
    besides their password, or instead of it."""

    persona: Persona
    number: int
    user: User | None = None
    session: Session | None = None
    context: Context = field(default_factory=Context)
    seats: dict[int, Role] = field(default_factory=dict)
    factor: SecondFactor | None = None
    codes: tuple[str, ...] = ()
    """Their recovery codes, as they came with the first second factor."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.persona.zone)


class Stage:
    """What the story is told on. `beginning` and `end` are UTC microseconds; nothing happens after `end`."""

    def __init__(
        self,
        store: Store,
        factor_key: FactorKey,
        clock: StageClock,
        chance: random.Random,
        beginning: int,
        end: int,
    ) -> None:
        self.store = store
        self.factor_key = factor_key
        self.clock = clock
        self.chance = chance
        self.beginning = beginning
        self.end = end
        self.players: dict[str, Player] = {}
        self.organizations: dict[str, int] = {}
        self._order = itertools.count()
        self._coming: list[tuple[int, int, Callable[[], object]]] = []

    def at(self, moment: int, happens: Callable[[], object]) -> None:
        """Lets something happen then, unless that is after the end."""
        if moment <= self.end:
            heapq.heappush(self._coming, (moment, next(self._order), happens))

    def run(self, progress: Callable[[float], None]) -> None:
        """Lets everything happen; `progress` is told which part of the time has passed, from 0 to 1."""
        while self._coming:
            moment, _, happens = heapq.heappop(self._coming)
            self.clock.now = max(self.clock.now, moment)
            if self.clock.now > self.end:
                break
            happens()
            progress((self.clock.now - self.beginning) / max(1, self.end - self.beginning))

    def able(self, key: str, name: str, permission: Permission) -> Player | None:
        """The player, when their role in the organization permits it by now."""
        player = self.players[key]
        role = player.seats.get(self.organizations.get(name, 0))
        return player if role and may(role, permission) else None

    def part(self, of_the_year: float) -> int:
        """The moment at which that part of the year has passed; after the end, when only a part of it is told."""
        return self.beginning + int(of_the_year * YEAR)

    def takes(self, least: float, most: float) -> None:
        """Lets some seconds pass."""
        self.clock.now += int(self.chance.uniform(least, most) * SECOND)

    def at_work(self, player: Player, moment: int) -> int:
        """A moment in the player's working hours, the first to come after `moment`."""
        local = from_micros(moment).astimezone(player.zone)
        day = local.date()
        if local.time() > time(17, 30):
            day += timedelta(days=1)
        while day.weekday() > 4:
            day += timedelta(days=1)
        earliest = max(9 * 60.0, local.hour * 60.0 + local.minute) if day == local.date() else 9 * 60.0
        return self.wall(player, day, self.chance.uniform(earliest, 18 * 60))

    def wall(self, player: Player, day: date, minutes: float) -> int:
        """The moment that many minutes after midnight by the player's own clock."""
        midnight = datetime.combine(day, time(), tzinfo=player.zone)
        wall = midnight + timedelta(minutes=minutes)  # wall time, whatever a change of the clocks does
        return to_micros(wall) + self.chance.randrange(SECOND)

    def sign_in(self, player: Player, context: Context | None = None) -> None:
        """A new session, entered into every organization of the player, from there or from where they are today."""
        assert player.user is not None
        player.context = context or self.context_of(player)
        method = sessions.BY_PASSKEY if player.factor is SecondFactor.PASSKEY else sessions.BY_PASSWORD
        _, player.session = sessions.start_session(self.store, player.user, method, player.context, player.factor)

    def sign_out(self, player: Player) -> None:
        """Ends the session, if it lives."""
        if player.session and self.is_signed_in(player):
            sessions.sign_out(self.store, player.session, self.again(player.context))
        player.session = None

    def is_signed_in(self, player: Player) -> bool:
        """Whether the player's session lives."""
        return player.session is not None and player.session.expires_at > self.clock.now + HOUR

    def act(self, player: Player, organization: int, command: Command) -> Event | NoChange:
        """Does it as the player, who signs in first if need be, and some minutes pass."""
        self.be_signed_in(player)
        event = self.act_signed_out(player, organization, command)
        self.takes(15, 240)
        return event

    def be_signed_in(self, player: Player) -> None:
        """Signs the player in, unless the session at hand lives."""
        if not self.is_signed_in(player):
            self.sign_in(player)
            self.takes(20, 90)

    def act_for_oneself(self, player: Player, command: PersonalCommand) -> None:
        """Does to the player's own account what each of their organizations records."""
        assert player.user is not None and player.session is not None
        context = self.again(player.context, player.session.id)
        perform_everywhere(self.store, player.user.actor(), context, command)
        self.takes(15, 240)

    def act_signed_out(self, player: Player, organization: int, command: Command) -> Event | NoChange:
        """Does it as the player, in the session at hand or in none."""
        return perform(self.store, self.seat(player, organization), command)

    def seat(self, player: Player, organization: int) -> Seat:
        """The player's seat in the organization, in the session at hand."""
        assert player.user is not None
        session = player.session.id if player.session else None
        return Seat(organization, player.user.actor(), self.again(player.context, session))

    def operate(self, organization: int, command: Command) -> Event | NoChange:
        """Does it as whoever runs Minutebook."""
        return perform(self.store, Seat(organization, OPERATOR, Context(client=Client.DEMO)), command)

    def context_of(self, player: Player) -> Context:
        """Where the player is today: at the office, at home, on the way."""
        own = player.number + 10
        where = self.chance.random()
        if where < 0.7:
            ip = f"203.0.113.{OFFICES.get(player.persona.zone, 0) + 1 + own % 4}"
        elif where < 0.9:
            ip = f"198.51.100.{own}" if own % 3 else f"2001:db8:{own:x}::{self.chance.randrange(1, 0xFFFF):x}"
        else:
            ip = f"2001:db8:f00d:{self.chance.randrange(0x10000):x}::{own:x}"
        browser = PHONE if where >= 0.9 else BROWSERS[own % len(BROWSERS)]
        return Context(ip=ip, user_agent=browser, request_id=self.request_id(), client=Client.DEMO)

    def again(self, context: Context, session: str | None = None) -> Context:
        """The same place in a new request."""
        return Context(context.ip, context.user_agent, self.request_id(), session, Client.DEMO)

    def request_id(self) -> str:
        """An id such as the server gives to each request."""
        return "req_" + "".join(self.chance.choices(BASE32, k=12))


def days_between(beginning: int, end: int) -> list[date]:
    """Every day in UTC from the first to the last."""
    first, last = from_micros(beginning).date(), from_micros(end).date()
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
