"""Setting a deployment up: the first person and the first organization, by a link that works once."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from minutebook.actions.organization import OrganizationCreated
from minutebook.errors import Invalid, NotFound
from minutebook.identifiers import token_hash
from minutebook.organization import links, people
from minutebook.organization.organizations import CreateOrganization
from minutebook.record import Act
from minutebook.store import schema

FIRST_SEAT_LIMIT = 250


@dataclass(frozen=True)
class SetUpDeployment(CreateOrganization):
    """Adds the first user, founds their organization and uses the link up, all in one act.

    Raises NotFound when the link is wrong, used or expired; Invalid, naming the field.
    """

    token: str = ""
    password_hash: str = ""

    def change(self, act: Act) -> OrganizationCreated:
        link = schema.link
        this = (link.c.token_hash == token_hash(self.token), link.c.purpose == links.SET_UP)
        used = act.connection.execute(delete(link).where(*this, link.c.expires_at > act.at)).rowcount
        if not used:
            raise NotFound
        if people.find_user(act.connection, self.owner.email):
            raise Invalid.one("email", f"{self.owner.email} already has an account.")
        people.add_user(act.connection, self.owner, self.password_hash, act.at)
        return super().change(act)


def is_set_up(connection: Connection) -> bool:
    """Whether there is an organization."""
    return connection.execute(select(schema.organization.c.organization).limit(1)).first() is not None
