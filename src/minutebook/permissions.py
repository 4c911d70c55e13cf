"""Who may do what: one table, and the three rules about roles that a table cannot say."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from minutebook.model import Role

OWNER, ADMIN, AUDITOR, BILLING, MEMBER = Role
EVERYONE = frozenset(Role)


class Permission(StrEnum):
    """The value completes the sentence "The role member may not …"."""

    SEATS_READ = "see who is in the organization"
    SEATS_WRITE = "invite, remove or change people"
    SETTINGS_READ = "see settings, models and modes"
    SETTINGS_WRITE = "change settings, models or providers"
    MODES_WRITE = "create, change or delete modes"
    CREDITS_READ = "see credits"
    CREDITS_BUY = "buy credits"
    SSO_READ = "see single sign-on"
    SSO_WRITE = "set or remove the SSO domain"
    TOKENS_WRITE = "create or revoke API tokens"
    LOG_READ = "read the audit log"
    LINKS_WRITE = "create or revoke auditor links"
    SEARCHES_WRITE = "replace or delete searches that others share"
    LOG_EXPORT = "export the audit log"
    LOG_ERASE = "erase from the audit log"
    RETENTION_WRITE = "change how long the audit log is kept"


PERMISSIONS: dict[Permission, frozenset[Role]] = {
    Permission.SEATS_READ: EVERYONE,
    Permission.SEATS_WRITE: frozenset({OWNER, ADMIN}),
    Permission.SETTINGS_READ: EVERYONE,
    Permission.SETTINGS_WRITE: frozenset({OWNER, ADMIN}),
    Permission.MODES_WRITE: frozenset({OWNER, ADMIN}),
    Permission.CREDITS_READ: frozenset({OWNER, ADMIN, BILLING}),
    Permission.CREDITS_BUY: frozenset({OWNER, BILLING}),
    Permission.SSO_READ: frozenset({OWNER, ADMIN}),
    Permission.SSO_WRITE: frozenset({OWNER, ADMIN}),
    Permission.TOKENS_WRITE: frozenset({OWNER, ADMIN}),
    Permission.LOG_READ: frozenset({OWNER, ADMIN, AUDITOR}),
    Permission.LOG_EXPORT: frozenset({OWNER, ADMIN, AUDITOR}),
    Permission.LINKS_WRITE: frozenset({OWNER}),
    Permission.LOG_ERASE: frozenset({OWNER}),
    Permission.RETENTION_WRITE: frozenset({OWNER}),
    Permission.SEARCHES_WRITE: frozenset({OWNER, ADMIN}),
}


class TokenScope(StrEnum):
    """What an API token may be used for."""

    LOG_READ = "log.read"
    LOG_EXPORT = "log.export"

    @property
    def label(self) -> str:
        return {"log.read": "Read the audit log", "log.export": "Export the audit log"}[self]


TOKENS_MAY: dict[TokenScope, frozenset[Permission]] = {
    TokenScope.LOG_READ: frozenset({Permission.LOG_READ}),
    TokenScope.LOG_EXPORT: frozenset({Permission.LOG_EXPORT}),
}

GRANTS: dict[Role, frozenset[Role]] = {
    OWNER: EVERYONE,
    ADMIN: frozenset({ADMIN, BILLING, MEMBER}),
    AUDITOR: frozenset(),
    BILLING: frozenset(),
    MEMBER: frozenset(),
}
"""The roles that each role may give and take away. Only an owner makes owners and auditors."""

SUMMARY: dict[Role, str] = {
    OWNER: "Everything, including other owners",
    ADMIN: "Seats, settings, modes, SSO, API tokens and the log",
    AUDITOR: "Reads the log, changes nothing",
    BILLING: "Sees and buys credits",
    MEMBER: "Uses the product",
}


def may(role: Role, permission: Permission) -> bool:
    """Whether a seat with this role has the permission."""
    return role in PERMISSIONS[permission]


def token_may(scopes: Iterable[TokenScope], permission: Permission) -> bool:
    """Whether an API token with these scopes has the permission."""
    return any(permission in TOKENS_MAY[scope] for scope in scopes)


def may_change(role: Role, before: Role | None, after: Role | None) -> bool:
    """Whether this role may turn a seat from `before` into `after`; None stands for no seat."""
    return all(changed in GRANTS[role] for changed in (before, after) if changed is not None)
