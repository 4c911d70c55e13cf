"""The door that writes: an act and its event in one transaction.

    prepare → begin → lock the head → authorize and read → change → append → commit

Authorizing before the lock would be a race: two owners who demote each other would both be allowed to. Nothing here
catches an error of the act or of its record: if one fails, neither exists.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Final, final

import orjson
from sqlalchemy import Connection, select

from minutebook.actions import Details
from minutebook.actions.log import ClockStepped
from minutebook.actions.values import Person
from minutebook.errors import Forbidden, NotAllowed, NotFound
from minutebook.model import Actor, ActorKind, Context, Event, Json, Randomness, Role, Seat
from minutebook.permissions import Permission, TokenScope, may, token_may
from minutebook.store import log, schema
from minutebook.store.engine import Store


@final
class NoChange:
    """What a command returns when everything was already as asked: nothing is written and nothing is recorded."""


NO_CHANGE: Final = NoChange()


@final
class Anybody:
    """What a command `needs` that is for acts of people without a seat, which then decide in `change` themselves."""


ANYBODY: Final = Anybody()
CLOCK = Actor(ActorKind.SYSTEM, "system", name="Minutebook")


@dataclass(frozen=True, slots=True)
class Act:
    """One act under the lock of its organization's head: what a command may read, change and rely on."""

    connection: Connection
    seat: Seat
    role: Role | None
    at: int
    randomness: Randomness

    @property
    def organization(self) -> int:
        return self.seat.organization

    @property
    def person(self) -> Person:
        """The one who acts, for Details that name them."""
        actor = self.seat.actor
        return Person(id=actor.id, email=actor.email or "", name=actor.name or "")

    @property
    def by_operator(self) -> bool:
        """Whether Minutebook itself, or whoever runs it, acts; it needs no seat."""
        return self.seat.actor.kind is ActorKind.SYSTEM

    @property
    def by_token(self) -> bool:
        """Whether a program acts with an API token; its scopes take the place of a role."""
        return self.seat.actor.kind is ActorKind.TOKEN


class Command(ABC):
    """What somebody wants to do: a frozen dataclass of its arguments.

    `needs` is the permission that the seat must have when the head is locked, or ANYBODY. It has no default: a command
    that forgot it would be open to everybody.
    """

    needs: ClassVar[Permission | Anybody]

    def __init_subclass__(cls) -> None:
        if not isinstance(getattr(cls, "needs", None), Permission | Anybody):
            raise TypeError(f"{cls.__name__}: write `needs: ClassVar = Permission.…`, or ANYBODY if `change` decides")

    def prepare(self) -> Command:
        """Does what is slow and needs no transaction, such as hashing a password."""
        return self

    @abstractmethod
    def change(self, act: Act) -> Details | NoChange:
        """Checks what depends on the state, changes the organization's rows and says what was done."""

    def open_log(self, connection: Connection, seat: Seat, randomness: Randomness) -> tuple[log.Head, Seat]:
        """Locks the head of the log that the act is recorded in."""
        del randomness
        return log.lock_head(connection, seat.organization), seat


def perform(store: Store, seat: Seat, command: Command) -> Event | NoChange:
    """Does what the command says and records it, both or neither; returns the event.

    Raises Forbidden when the role may not, NotAllowed when the API token may not, NotFound when there is no seat or
    token, Invalid and others as the command documents, StoreUnavailable when the database cannot be written to.
    """
    prepared = command.prepare()
    with store.acting() as connection:
        head, seat = prepared.open_log(connection, seat, store.randomness)
        act = Act(connection, seat, role_of(connection, seat), store.clock(), store.randomness)
        _authorize(act, prepared.needs)
        if act.at < head.recorded_at:
            head = _record_step_back(connection, act, head)
        details = prepared.change(act)
        if isinstance(details, NoChange):
            connection.rollback()
            return details
        event = log.append(connection, head, draft(seat, details), at=act.at, randomness=store.randomness)
    store.recorded.tell(event.organization)  # only now: before the commit, whoever is woken would find nothing
    return event


def _record_step_back(connection: Connection, act: Act, head: log.Head) -> log.Head:
    """Says before an event that it is recorded earlier than the one before it, by a clock that was set back. Before the
    act changes anything, since what is changed needs the event that comes next."""
    step = ClockStepped(before=head.recorded_at, after=act.at)
    seat = Seat(head.organization, CLOCK, Context(client="system"))
    log.append(connection, head, draft(seat, step), at=act.at, randomness=act.randomness)
    return log.read_head(connection, head.organization)


def role_of(connection: Connection, seat: Seat) -> Role | None:
    """The role of the seat as it is now; None without one."""
    if seat.actor.kind is not ActorKind.USER:
        return None
    seats = schema.seat.c
    where = (seats.organization == seat.organization, seats.user == seat.actor.id)
    role = connection.execute(select(seats.role).where(*where)).scalar_one_or_none()
    return Role(role) if role else None


def token_scopes(connection: Connection, seat: Seat, at: int) -> tuple[TokenScope, ...] | None:
    """The scopes of the API token that acts, as they are now; None when it is revoked or has expired."""
    tokens = schema.token.c
    where = (tokens.organization == seat.organization, tokens.id == seat.actor.id, tokens.expires_at > at)
    scopes = connection.execute(select(tokens.scopes).where(*where)).scalar_one_or_none()
    return None if scopes is None else tuple(map(TokenScope, orjson.loads(scopes)))


def _authorize(act: Act, needs: Permission | Anybody) -> None:
    if isinstance(needs, Anybody) or act.by_operator:
        return
    if act.by_token:
        _authorize_token(act, needs)
        return
    if act.role is None:
        raise NotFound(why="no seat")
    if not may(act.role, needs):
        raise Forbidden(role=act.role.label.lower(), verb=needs.value)


def _authorize_token(act: Act, needs: Permission) -> None:
    scopes = token_scopes(act.connection, act.seat, act.at)
    if scopes is None:
        raise NotFound(why="no token")
    if not token_may(scopes, needs):
        raise NotAllowed(f"This API token may not {needs.value}.")


def draft(seat: Seat, details: Details) -> log.Draft:
    """What an act of the seat is recorded as, before it has a place in the log."""
    dumped: dict[str, Json] = details.model_dump(mode="json")
    recorded: dict[str, Json] = {"v": details.action.version}
    recorded |= {name: value for name, value in dumped.items() if value is not None}
    return log.Draft(
        action=details.action.name,
        outcome=details.outcome,
        actor=seat.actor,
        targets=details.targets(),
        context=seat.context,
        details=recorded,
    )
