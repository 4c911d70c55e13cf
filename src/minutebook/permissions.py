"""Who may do what: one table, and another of which roles each may give and take away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from minutebook.model import Role

OWNER, ADMIN, AUDITOR, BILLING, MEMBER = Role
EVERYONE = frozenset(Role)


class Permission(StrEnum):
    """The value completes the sentence "The role member may not …"."""

    SEATS_READ = "see who is in the organization"
    SEATS_WRITE = "invite, remove or change people"
    OWNERSHIP = "hand over or delete the organization"
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
    SUPPORT_END = "end the access of support staff"


PERMISSIONS: dict[Permission, frozenset[Role]] = {
    Permission.SEATS_READ: EVERYONE,
    Permission.SEATS_WRITE: frozenset({OWNER, ADMIN}),
    Permission.OWNERSHIP: frozenset({OWNER}),
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
    Permission.SUPPORT_END: frozenset({OWNER}),
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

SUPPORT_READS = frozenset(
    {
        Permission.SEATS_READ,
        Permission.SETTINGS_READ,
        Permission.CREDITS_READ,
        Permission.SSO_READ,
        Permission.LOG_READ,
        Permission.SUPPORT_END,
    }
)
"""What support staff that is let in may do: read, and leave."""

SUPPORT_MAY: dict[str, Permission] = {
    "change models and settings": Permission.SETTINGS_WRITE,
    "change modes": Permission.MODES_WRITE,
    "change single sign-on": Permission.SSO_WRITE,
    "export the audit log": Permission.LOG_EXPORT,
}
"""What they may be let in for besides. Never seats, tokens or links, by which they could stay, nor the log itself."""


@dataclass(frozen=True, slots=True)
class Support:
    """What support staff that is let in may do, by what their grant names."""

    may: frozenset[str]
    label: ClassVar = "Support staff"

    @property
    def permissions(self) -> frozenset[Permission]:
        """All of it."""
        return SUPPORT_READS | {SUPPORT_MAY[name] for name in self.may}


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


def may(role: Role | Support, permission: Permission) -> bool:
    """Whether a seat with this role, or support staff, has the permission."""
    return permission in role.permissions if isinstance(role, Support) else role in PERMISSIONS[permission]


def given_by(role: Role | Support) -> frozenset[Role]:
    """The roles that may be given and taken away; none by support staff."""
    return frozenset() if isinstance(role, Support) else GRANTS[role]


def token_may(scopes: Iterable[TokenScope], permission: Permission) -> bool:
    """Whether an API token with these scopes has the permission."""
    return any(permission in TOKENS_MAY[scope] for scope in scopes)


def may_change(role: Role | Support, before: Role | None, after: Role | None) -> bool:
    """Whether this role may turn a seat from `before` into `after`; None stands for no seat."""
    return all(changed in given_by(role) for changed in (before, after) if changed is not None)
