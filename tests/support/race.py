"""Two owners who turn against each other in the same moment, round after round."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from minutebook.errors import MinutebookError
from minutebook.identifiers import new_token
from minutebook.model import Role
from minutebook.organization.invitations import AcceptInvitation, InvitePerson
from minutebook.organization.people import User
from minutebook.organization.seats import ChangeRole, RemoveMember
from minutebook.record import Command
from tests.support.deployment import Deployment

Attack = Callable[[User], Command]


def demote(other: User) -> Command:
    return ChangeRole(other.id, Role.MEMBER)


def remove(other: User) -> Command:
    return RemoveMember(other.id)


class Duel:
    """An organization with two owners."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.owners = [deployment.person("ada@calder.example"), deployment.person("ben@calder.example")]
        self.organization = deployment.found(self.owners[0])
        deployment.join(self.organization, None, Role.OWNER, self.owners[1])

    def fight(self, *attacks: Attack, operator: bool = False) -> int:
        """Both owners are attacked at once, by each other or by two operators; how many acts were recorded."""
        start = threading.Barrier(2)

        def attack(attacker: User, victim: User, make: Attack) -> bool:
            start.wait()
            try:
                self.deployment.act(None if operator else attacker, self.organization, make(victim))
            except MinutebookError:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            return sum(pool.map(attack, self.owners, reversed(self.owners), attacks))

    def owners_left(self) -> int:
        """How many owners there are."""
        with self.deployment.store.reading() as connection:
            statement = f"SELECT count(*) FROM seat WHERE role = 'owner' AND organization = {self.organization}"
            return int(connection.exec_driver_sql(statement).scalar_one())

    def reconcile(self) -> None:
        """Both are owners again."""
        for owner in self.owners:
            seat = f"""SELECT role FROM seat WHERE organization = {self.organization} AND "user" = '{owner.id}'"""
            with self.deployment.store.reading() as connection:
                role = connection.exec_driver_sql(seat).scalar_one_or_none()
            if role is None:
                token = new_token(self.deployment.store.randomness)
                self.deployment.act(None, self.organization, InvitePerson(owner.email, Role.OWNER, token))
                self.deployment.act(owner, self.organization, AcceptInvitation(token, owner))
            elif role != "owner":
                self.deployment.act(None, self.organization, ChangeRole(owner.id, Role.OWNER))
