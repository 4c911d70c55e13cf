"""What has expired stays expired, also when the clock is set back: it then expires at what the clock says."""

from __future__ import annotations

from sqlalchemy import Connection, Table, update

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
    return changed
