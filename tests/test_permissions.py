"""Who may do what, written down a second time."""

from __future__ import annotations

import pytest

from minutebook.model import Role
from minutebook.permissions import (
    PERMISSIONS,
    SUMMARY,
    SUPPORT_MAY,
    SUPPORT_READS,
    Permission,
    Support,
    TokenScope,
    may,
    may_change,
    token_may,
)

TABLE = """
                 owner  admin  auditor  billing_manager  member  support
SEATS_READ         x      x       x            x            x       x
SEATS_WRITE        x      x       .            .            .       .
SETTINGS_READ      x      x       x            x            x       x
SETTINGS_WRITE     x      x       .            .            .       g
MODES_WRITE        x      x       .            .            .       g
CREDITS_READ       x      x       .            x            .       x
CREDITS_BUY        x      .       .            x            .       .
SSO_READ           x      x       .            .            .       x
SSO_WRITE          x      x       .            .            .       g
TOKENS_WRITE       x      x       .            .            .       .
LOG_READ           x      x       x            .            .       x
LINKS_WRITE        x      .       .            .            .       .
SEARCHES_WRITE     x      x       .            .            .       .
LOG_EXPORT         x      x       x            .            .       g
LOG_ERASE          x      .       .            .            .       .
RETENTION_WRITE    x      .       .            .            .       .
SUPPORT_END        x      .       .            .            .       x
OWNERSHIP          x      .       .            .            .       .
"""
"""`x`: may; `g`: support staff may when it is let in for that."""
GRANTED = {
    "change models and settings": Permission.SETTINGS_WRITE,
    "change modes": Permission.MODES_WRITE,
    "change single sign-on": Permission.SSO_WRITE,
    "export the audit log": Permission.LOG_EXPORT,
}


def table() -> dict[tuple[str, Permission], str]:
    """The mark of each role, and of support staff, for each permission."""
    columns, *rows = (line.split() for line in TABLE.strip().splitlines())
    return {
        (column, Permission[name]): mark for name, *marks in rows for column, mark in zip(columns, marks, strict=True)
    }


def test_the_table_of_permissions() -> None:
    expected = {(role, what): mark == "x" for (role, what), mark in table().items() if role != "support"}
    assert {(role, permission): may(role, permission) for role in Role for permission in Permission} == expected
    assert PERMISSIONS.keys() == set(Permission)
    assert SUMMARY.keys() == set(Role)


def test_what_support_staff_may() -> None:
    """Read, leave, and what it is let in for, each by itself."""
    marks = {what: mark for (role, what), mark in table().items() if role == "support"}
    assert {what for what in Permission if may(Support(frozenset()), what)} == {
        what for what, mark in marks.items() if mark == "x"
    }
    assert SUPPORT_MAY == GRANTED
    assert set(GRANTED.values()) == {what for what, mark in marks.items() if mark == "g"}
    for name, permission in GRANTED.items():
        assert Support(frozenset({name})).permissions == SUPPORT_READS | {permission}
    for role in (*Role, None):
        assert not may_change(Support(frozenset(GRANTED)), role, Role.MEMBER)


def test_what_a_token_may() -> None:
    """Nothing but what its scopes say, and none of them lets it change anything."""
    scopes = {TokenScope.LOG_READ: Permission.LOG_READ, TokenScope.LOG_EXPORT: Permission.LOG_EXPORT}
    assert scopes.keys() == set(TokenScope)
    for permission in Permission:
        assert not token_may((), permission)
        for scope in TokenScope:
            assert token_may([scope], permission) is (scopes[scope] is permission)
    assert all(token_may(TokenScope, permission) for permission in scopes.values())


CHANGES = [(before, after) for before in (*Role, None) for after in (*Role, None) if before or after]


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_who_may_turn_one_role_into_another(before: Role | None, after: Role | None) -> None:
    touches_the_top = {before, after} & {Role.OWNER, Role.AUDITOR}
    assert may_change(Role.OWNER, before, after)
    assert may_change(Role.ADMIN, before, after) is not bool(touches_the_top)
    for role in (Role.AUDITOR, Role.BILLING_MANAGER, Role.MEMBER):
        assert not may_change(role, before, after)
