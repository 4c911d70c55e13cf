"""Ending what a restored backup brings back to life: whatever opens a door and may have been closed since.

Nobody knows what was revoked in the events that are lost. So in each organization whose log has lost some, every API
token, auditor link, pending invitation and access of support staff is revoked, as acts that its log has; and nobody
stays signed in anywhere, which `log.restore` stands for: a session is the deployment's. Whoever needs one gets a new
one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlalchemy import Connection, delete, select

from minutebook.custody.high_water import Custody
from minutebook.model import Event, Seat
from minutebook.organization.auditor_links import RevokeLink
from minutebook.organization.invitations import RevokeInvitation
from minutebook.organization.support import EndSupport
from minutebook.organization.tokens import RevokeToken
from minutebook.record import Command, perform
from minutebook.store import checkpoints, generations, schema
from minutebook.store.engine import Store
from minutebook.store.expiry import OF_DEPLOYMENT


def end_revived(store: Store, custody: Custody, seat_of: Callable[[int], Seat]) -> list[Event]:
    """Ends all of it where a log went on under an id of which nothing was signed yet; the events that say so. Can be
    done again, whatever interrupted it."""
    with custody.reading() as held, store.reading() as connection:
        marks = held.high_waters() if held else {}
        restored = {
            head.organization: list(_revoking(connection, head.organization))
            for head in (one.head for one in checkpoints.heads(connection))
            if len(generations.generations(connection, head.organization)) > 1 and head.log_id not in marks
        }
    if restored:
        with store.housekeeping() as connection:
            for table in OF_DEPLOYMENT:
                connection.execute(delete(table))
    done = []
    for organization, commands in restored.items():
        for command in commands:
            event = perform(store, seat_of(organization), command)
            assert isinstance(event, Event)
            done.append(event)
    return done


def _revoking(connection: Connection, organization: int) -> Iterator[Command]:
    for revived, command in (
        (schema.token, RevokeToken),
        (schema.auditor_link, RevokeLink),
        (schema.invitation, RevokeInvitation),
        (schema.support_grant, EndSupport),
    ):
        for one in connection.execute(select(revived.c.id).where(revived.c.organization == organization)).scalars():
            yield command(one)
