"""The doors that write: an act and its event in one transaction.

    prepare → begin → lock the head → authorize and read → change → append → commit

Authorizing before the lock would be a race: two owners who demote each other would both be allowed to. Nothing here
catches an error of the act or of its record: if one fails, neither exists.

`perform()` acts in one organization, `perform_everywhere()` on a person, in each organization where they hold a seat.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar, Final, final

import orjson
from sqlalchemy import Connection, select, update

from minutebook import security
from minutebook.actions import Details
from minutebook.actions.log_custody import ClockStepped
from minutebook.actions.values import Person
from minutebook.denied import Denied, lacking, note
from minutebook.errors import NotAllowed, NotFound, Sealed
from minutebook.model import Actor, ActorKind, Client, Context, Event, Json, Randomness, Role, Seat
from minutebook.permissions import Permission, Support, TokenScope, may, token_may
from minutebook.store import log, schema
from minutebook.store.engine import Store
from minutebook.store.expiry import stay_expired


@final
class NoChange:
    """What a command returns when everything was already as asked: nothing is written and nothing is recorded."""


NO_CHANGE: Final = NoChange()


@final
class Anybody:
    """What a command `needs` that is for acts of people without a seat, which then decide in `change` themselves."""


ANYBODY: Final = Anybody()
MINUTEBOOK = Actor(ActorKind.SYSTEM, "system", name="Minutebook")


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
    behind_seal: ClassVar[bool] = False
    """Whether it is done even in the log of an organization that was deleted, which is then sealed behind it again."""

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


class PersonalCommand(ABC):
    """What is done to a person, and concerns each organization where they hold a seat: a frozen dataclass of its
    arguments. They do it themselves, or whoever runs Minutebook does. `change` is asked in each organization, then
    `change_person` once; what either refuses is not done anywhere.
    """

    unrecorded: ClassVar[str]
    """What the security log is told in place of a log, where there is none that it is recorded in."""

    person: str
    """The id of the user."""

    def prepare(self) -> PersonalCommand:
        """Does what is slow and needs no transaction."""
        return self

    @abstractmethod
    def change(self, act: Act) -> Details | NoChange:
        """Changes the rows of one of the organizations and says what is recorded there. Every head is locked."""

    @abstractmethod
    def change_person(self, act: Act) -> NoChange | None:
        """Checks and changes what belongs to the person alone. The act is in no organization."""


def perform(store: Store, seat: Seat, command: Command) -> Event | NoChange:
    """Does what the command says and records it, both or neither; returns the event.

    Raises Forbidden when the role may not, NotAllowed when the API token may not, NotFound when there is no seat or
    token, Sealed for an organization that was deleted, Invalid and others as the command documents, StoreUnavailable
    when the database cannot be written to.
    """
    prepared = command.prepare()
    with store.acting() as connection:
        head, seat = prepared.open_log(connection, seat, store.randomness)
        act = Act(connection, seat, role_of(connection, seat), store.clock(), store.randomness)
        is_behind_seal = _goes_behind_seal(act, prepared)
        if is_behind_seal:
            _seal_behind_next(act, head)  # that the clock went back, if it did
        head = _after_step_back(act, head)  # before anything goes by that clock
        if is_behind_seal:
            _seal_behind_next(act, head)  # the act itself
        _authorize(act, prepared.needs)
        event = _record(act, head, prepared)
        if isinstance(event, NoChange):
            connection.rollback()
            return event
    store.recorded.tell(event.organization)  # only now: before the commit, whoever is woken would find nothing
    return event


def perform_everywhere(
    store: Store, actor: Actor, context: Context, command: PersonalCommand
) -> tuple[Event, ...] | NoChange:
    """Does what the command says and records it in each organization of the person, all of it or nothing; returns the
    events. What is recorded in no log, the security log is told.

    Raises NotFound when the person is not there, or somebody else acts; others as the command documents, and as
    `perform` does.
    """
    prepared = command.prepare()
    while True:
        with store.acting() as connection:
            numbers = organizations_of(connection, prepared.person)
            heads = [log.lock_head(connection, number) for number in numbers]  # in order, so that two never cross
            _lock_person(connection, prepared.person)
            if organizations_of(connection, prepared.person) != numbers:  # a seat came or went before its head was had
                connection.rollback()
                continue
            act = Act(connection, Seat(0, actor, context), None, store.clock(), store.randomness)
            if not act.by_operator and actor.id != prepared.person:
                raise NotFound(why="somebody else")
            answers = [
                _record(_act_in(act, head.organization), _after_step_back(act, head), prepared) for head in heads
            ]
            if isinstance(prepared.change_person(act), NoChange):
                connection.rollback()
                return NO_CHANGE
            events = tuple(event for event in answers if isinstance(event, Event))
        break
    for event in events:
        store.recorded.tell(event.organization)
    if not events:
        security.tell(prepared.unrecorded, user=prepared.person, by=actor.id, ip=context.ip)
    return events


def organizations_of(connection: Connection, person: str) -> list[int]:
    """The numbers of the organizations where the person holds a seat, in ascending order."""
    seats = schema.seat.c
    statement = select(seats.organization).where(seats.user == person).order_by(seats.organization)
    return list(connection.execute(statement).scalars())


def _lock_person(connection: Connection, person: str) -> None:
    """Nobody else changes the person or gives them a seat until the transaction ends."""
    users = schema.user.c
    statement = select(users.id).where(users.id == person).with_for_update()
    if connection.execute(statement).first() is None:
        raise NotFound(why="no such person")


def _act_in(act: Act, organization: int) -> Act:
    seat = replace(act.seat, organization=organization)
    return replace(act, seat=seat, role=role_of(act.connection, seat))


def _record(act: Act, head: log.Head, command: Command | PersonalCommand) -> Event | NoChange:
    details = _changed(act, command)
    if isinstance(details, NoChange):
        return details
    return log.append(act.connection, head, draft(act.seat, details), at=act.at, randomness=act.randomness)


def _goes_behind_seal(act: Act, command: Command) -> bool:
    """Whether the organization was deleted, and this is recorded there all the same. Nobody holds a seat there.

    Raises NotFound and Sealed for what is not.
    """
    if act.role is not None:
        return False
    if _seal_of(act) is None:
        return False
    if not act.by_operator:
        raise NotFound(why="no seat")
    if not command.behind_seal:
        raise Sealed
    return True


def _seal_of(act: Act) -> int | None:
    table = schema.organization.c
    sealed = select(table.sealed).where(table.organization == act.organization)
    return act.connection.execute(sealed).scalar()


def _seal_behind_next(act: Act, head: log.Head) -> None:
    """Moves the seal, so that the guard lets one more event in."""
    table = schema.organization
    of_this = update(table).where(table.c.organization == act.organization)
    act.connection.execute(of_this.values(sealed=head.size + 1))


def _after_step_back(act: Act, head: log.Head) -> log.Head:
    if act.at >= head.recorded_at:
        return head
    stay_expired(act.connection, head.organization, head.recorded_at, act.at)
    return _append_step_back(act, head, head.recorded_at)


def record_step_back(store: Store, organization: int, before: int) -> None:
    """Records that the clock went back from `before` (UTC microseconds), where the log does not say so yet or something
    had expired since, and goes on."""
    with store.acting() as connection:
        head = log.lock_head(connection, organization)
        act = Act(connection, own_seat(organization), None, store.clock(), store.randomness)
        if _seal_of(act) is not None:
            return
        before = max(before, head.recorded_at)
        if not stay_expired(connection, organization, before, act.at) and act.at >= head.recorded_at:
            return
        _append_step_back(act, head, before)
    store.recorded.tell(organization)


def _append_step_back(act: Act, head: log.Head, before: int) -> log.Head:
    """Says before an event that it is recorded earlier than the one before it, by a clock that was set back. Before the
    act changes anything, since what is changed needs the event that comes next."""
    step = ClockStepped(before=before, after=act.at)
    log.append(act.connection, head, draft(own_seat(head.organization), step), at=act.at, randomness=act.randomness)
    return log.read_head(act.connection, head.organization)


def own_seat(organization: int) -> Seat:
    """For what Minutebook does by itself."""
    return Seat(organization, MINUTEBOOK, Context(client=Client.SYSTEM))


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


def support_of(connection: Connection, seat: Seat, at: int) -> Support | None:
    """What somebody of support staff may do in a session that has entered; None once it is over."""
    if seat.actor.kind is not ActorKind.SUPPORT:
        return None
    grants, entered = schema.support_grant.c, schema.access.c
    inside = (entered.organization == grants.organization) & (entered.user == grants.user)
    where = (grants.organization == seat.organization, grants.user == seat.actor.id, grants.expires_at > at)
    statement = select(grants.may).join(schema.access, inside).where(*where)
    by_it = (entered.session == seat.context.session_id, grants.entered_at.is_not(None))
    names = connection.execute(statement.where(*by_it)).scalar_one_or_none()
    return None if names is None else Support(frozenset(orjson.loads(names)))


def _authorize(act: Act, needs: Permission | Anybody) -> None:
    if isinstance(needs, Anybody) or act.by_operator:
        return
    standing = standing_of(act)
    if standing is None:
        raise NotFound(why="no token" if act.by_token else "no seat")
    if not (token_may(standing, needs) if isinstance(standing, tuple) else may(standing, needs)):
        raise lacking(act.seat, standing, needs)


def _changed(act: Act, command: Command | PersonalCommand) -> Details | NoChange:
    try:
        return command.change(act)
    except NotAllowed as error:
        standing = standing_of(act)
        if standing is not None:
            note(Denied(act.seat, standing, reason=error.recorded))
        raise


def standing_of(act: Act) -> Role | Support | tuple[TokenScope, ...] | None:
    """What lets somebody act in the organization: role, scopes or grant, as they are now; None without any."""
    if act.by_token:
        return token_scopes(act.connection, act.seat, act.at)
    return support_of(act.connection, act.seat, act.at) or act.role


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
