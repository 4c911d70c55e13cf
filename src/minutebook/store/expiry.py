"""What has expired stays expired, also when the clock is set back: it then expires at what the clock says."""

from __future__ import annotations

import orjson
from sqlalchemy import Connection, Table, select, update

from minutebook.model import HOUR
from minutebook.store import schema

OF_ORGANIZATIONS: tuple[Table, ...] = (schema.invitation, schema.auditor_link, schema.token, schema.support_grant)
OF_DEPLOYMENT: tuple[Table, ...] = (schema.session, schema.auditor_session, schema.link, schema.ceremony)


def stay_expired(connection: Connection, organization: int, before: int, after: int) -> bool:
    """Makes what had expired when the clock said `before` have expired when it says `after` (UTC microseconds); whether
    anything of the organization had, which then needs its event. The head must be locked."""
    changed = False
    for table in (*OF_ORGANIZATIONS, *OF_DEPLOYMENT):
        revived = [table.c.expires_at > after, table.c.expires_at <= before]
        if table in OF_ORGANIZATIONS:
            revived.append(table.c.organization == organization)
        done = connection.execute(update(table).where(*revived).values(expires_at=after))
        changed |= table in OF_ORGANIZATIONS and done.rowcount > 0
    _end_sessions(connection, organization, before, after)
    return changed


def _end_sessions(connection: Connection, organization: int, before: int, after: int) -> None:
    """A session that was in the organization longer than it allows would be let in again: it ends, everywhere."""
    setting, access = schema.setting.c, schema.access.c
    here = (setting.organization == organization, setting.name == "session_hours")
    hours = orjson.loads(connection.execute(select(setting.value).where(*here)).scalar_one_or_none() or "null")
    if hours is None:
        return
    entered = access.entered_at.between(after - hours * HOUR + 1, before - hours * HOUR)
    over = select(access.session).where(access.organization == organization, entered)
    ended = (schema.session.c.id.in_(over), schema.session.c.expires_at > after)
    connection.execute(update(schema.session).where(*ended).values(expires_at=after))
