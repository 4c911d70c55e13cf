"""Two owners who both lose it in the same moment, round after round."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from minutebook.errors import MinutebookError
from minutebook.model import Role
from minutebook.organization import people
from minutebook.organization.account_deletion import DeleteUser
from minutebook.organization.people import User
from minutebook.organization.seats import ChangeRole, GiveUpSeat, RemoveMember
from tests.support.deployment import Deployment

Loss = Callable[["Duel", User, User], object]
"""How an owner is one no more; the last is the other owner."""


def demoted(duel: Duel, owner: User, other: User) -> object:
    return duel.deployment.act(other, duel.organization, ChangeRole(owner.id, Role.MEMBER))


def removed(duel: Duel, owner: User, other: User) -> object:
    return duel.deployment.act(other, duel.organization, RemoveMember(owner.id))


def demoted_by_operator(duel: Duel, owner: User, _: User) -> object:
    return duel.deployment.act(None, duel.organization, ChangeRole(owner.id, Role.MEMBER))


def removed_by_operator(duel: Duel, owner: User, _: User) -> object:
    return duel.deployment.act(None, duel.organization, RemoveMember(owner.id))


def gone(duel: Duel, owner: User, _: User) -> object:
    return duel.deployment.act(owner, duel.organization, GiveUpSeat())


def deleted(duel: Duel, owner: User, _: User) -> object:
    return duel.deployment.act_everywhere(owner, DeleteUser(owner.id))


LOSSES: tuple[Loss, ...] = (demoted, removed, demoted_by_operator, removed_by_operator, gone, deleted)


class Duel:
    """An organization with two owners."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.owners = [deployment.person("ada@calder.example"), deployment.person("ben@calder.example")]
        self.organization = deployment.found(self.owners[0])
        deployment.join(self.organization, None, Role.OWNER, self.owners[1])

    def fight(self, *losses: Loss) -> int:
        """Both owners are to lose their seat or role at once, each in its way; how many did."""
        start = threading.Barrier(2)

        def lose(owner: User, other: User, loss: Loss) -> bool:
            start.wait()
            try:
                loss(self, owner, other)
            except MinutebookError:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            return sum(pool.map(lose, self.owners, reversed(self.owners), losses))

    def owners_left(self) -> int:
        """How many owners there are."""
        with self.deployment.store.reading() as connection:
            statement = f"SELECT count(*) FROM seat WHERE role = 'owner' AND organization = {self.organization}"
            return int(connection.exec_driver_sql(statement).scalar_one())

    def reconcile(self) -> None:
        """Both are owners again."""
        for number, owner in enumerate(self.owners):
            if self._role(owner) == "owner":
                continue
            with self.deployment.store.reading() as connection:
                is_there = people.find_user(connection, owner.email)
            if not is_there:
                self.owners[number] = self.deployment.person(owner.email)
            if self._role(self.owners[number]):
                self.deployment.act(None, self.organization, ChangeRole(owner.id, Role.OWNER))
            else:
                self.deployment.join(self.organization, None, Role.OWNER, self.owners[number])

    def _role(self, user: User) -> str | None:
        seat = f"""SELECT role FROM seat WHERE organization = {self.organization} AND "user" = '{user.id}'"""
        with self.deployment.store.reading() as connection:
            role: str | None = connection.exec_driver_sql(seat).scalar_one_or_none()
        return role
