"""Organizations: how one begins, its name, and its plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import Connection, Row, func, insert, select, update

from minutebook.actions.organization import FirstSettings, OrganizationCreated
from minutebook.actions.settings import SettingsChanged
from minutebook.actions.values import change
from minutebook.errors import Invalid, NotAllowed
from minutebook.identifiers import new_id
from minutebook.model import Plan, Randomness, Role, Seat
from minutebook.organization import access, people, settings, wording
from minutebook.organization.people import User
from minutebook.permissions import Permission
from minutebook.record import ANYBODY, NO_CHANGE, Act, Command, NoChange
from minutebook.store import log, schema

MAX_SEATS = 100_000
FIRST_SEATS = 10


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization: its number inside, its id outside, what it has bought, when it began (UTC microseconds), and if
    it was deleted how many events its log ended with."""

    number: int
    id: str
    name: str
    plan: Plan
    seat_limit: int
    created_at: int
    sealed: int | None = None


@dataclass(frozen=True)
class CreateOrganization(Command):
    """Founds an organization with its first owner. `remark` is put behind its sentence. Raises Invalid, and NotFound
    for an account that is deleted in this moment."""

    needs: ClassVar = ANYBODY

    name: str
    owner: User
    plan: Plan = Plan.TEAMS
    seat_limit: int = FIRST_SEATS
    remark: str | None = None

    def open_log(self, connection: Connection, seat: Seat, randomness: Randomness) -> tuple[log.Head, Seat]:
        """Begins the log that the new organization will have."""
        head = log.start_log(connection, randomness)
        return head, Seat(head.organization, seat.actor, seat.context)

    def change(self, act: Act) -> OrganizationCreated:
        name = wording.name(self.name, "name", "The name")
        _check_seat_limit(self.seat_limit)
        people.hold(act.connection, self.owner.id)
        public_id = new_id("org", act.randomness)
        act.connection.execute(
            insert(schema.organization).values(
                organization=act.organization,
                id=public_id,
                name=name,
                plan=self.plan.value,
                seat_limit=self.seat_limit,
                created_at=act.at,
            )
        )
        act.connection.execute(
            insert(schema.seat).values(
                organization=act.organization, user=self.owner.id, role=Role.OWNER.value, joined_at=act.at
            )
        )
        if act.seat.actor.id == self.owner.id:
            access.give(act, self.owner.id)
        first = settings.FIRST
        settings.write(act, None, first)
        return OrganizationCreated(
            id=public_id,
            name=name,
            plan=self.plan,
            seat_limit=self.seat_limit,
            owner=self.owner.person(),
            settings=FirstSettings(
                models=first.models,
                providers=first.providers,
                default_model=first.default_model,
                data_collection=first.data_collection,
            ),
            remark=self.remark,
        )


@dataclass(frozen=True)
class RenameOrganization(Command):
    """Gives the organization another name. Raises Invalid on `name`."""

    needs: ClassVar = Permission.SETTINGS_WRITE

    name: str

    def change(self, act: Act) -> SettingsChanged | NoChange:
        name = wording.name(self.name, "name", "The name")
        renamed = change(read_organization(act.connection, act.organization).name, name)
        if renamed is None:
            return NO_CHANGE
        organizations = schema.organization
        where = organizations.c.organization == act.organization
        act.connection.execute(update(organizations).where(where).values(name=name))
        return SettingsChanged(section="Name", name=renamed)


@dataclass(frozen=True)
class ChangePlan(Command):
    """Gives the organization another plan or seat limit; for whoever runs Minutebook."""

    needs: ClassVar = ANYBODY

    plan: Plan
    seat_limit: int

    def change(self, act: Act) -> SettingsChanged | NoChange:
        if not act.by_operator:
            raise NotAllowed("Only whoever runs Minutebook changes plans and seat limits.")
        _check_seat_limit(self.seat_limit)
        now = read_organization(act.connection, act.organization)
        if (now.plan, now.seat_limit) == (self.plan, self.seat_limit):
            return NO_CHANGE
        organizations = schema.organization
        act.connection.execute(
            update(organizations)
            .where(organizations.c.organization == act.organization)
            .values(plan=self.plan.value, seat_limit=self.seat_limit)
        )
        return SettingsChanged(
            section="Plan",
            plan=change(now.plan.value, self.plan.value),
            seat_limit=change(str(now.seat_limit), str(self.seat_limit)),
        )


def read_organization(connection: Connection, number: int) -> Organization:
    """The organization with this number, which must exist."""
    table = schema.organization
    return organization_of(connection.execute(select(table).where(table.c.organization == number)).one())


def find_organization(connection: Connection, public_id: str) -> Organization | None:
    """The organization with this public id."""
    table = schema.organization
    row = connection.execute(select(table).where(table.c.id == public_id)).one_or_none()
    return organization_of(row) if row else None


def all_organizations(connection: Connection) -> list[Organization]:
    """Every organization of the deployment, by name; for whoever runs it."""
    table = schema.organization
    return [organization_of(row) for row in connection.execute(select(table).order_by(func.lower(table.c.name)))]


def organization_of(row: Row[Any]) -> Organization:
    """The organization of a row that has all columns of its table."""
    values = row._mapping
    return Organization(
        values["organization"],
        values["id"],
        values["name"],
        Plan(values["plan"]),
        values["seat_limit"],
        values["created_at"],
        values["sealed"],
    )


def _check_seat_limit(seats: int) -> None:
    if not 1 <= seats <= MAX_SEATS:
        raise Invalid.one("seat_limit", f"The seat limit is a whole number from 1 to {MAX_SEATS:,}.")
