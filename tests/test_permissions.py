"""Who may do what, written down a second time."""

from __future__ import annotations

import pytest

from minutebook.model import Role
from minutebook.permissions import PERMISSIONS, SUMMARY, Permission, TokenScope, may, may_change, token_may

TABLE = """
                 owner  admin  auditor  billing_manager  member
SEATS_READ         x      x       x            x            x
SEATS_WRITE        x      x       .            .            .
SETTINGS_READ      x      x       x            x            x
SETTINGS_WRITE     x      x       .            .            .
MODES_WRITE        x      x       .            .            .
CREDITS_READ       x      x       .            x            .
CREDITS_BUY        x      .       .            x            .
SSO_READ           x      x       .            .            .
SSO_WRITE          x      x       .            .            .
TOKENS_WRITE       x      x       .            .            .
LOG_READ           x      x       x            .            .
LINKS_WRITE        x      .       .            .            .
SEARCHES_WRITE     x      x       .            .            .
LOG_EXPORT         x      x       x            .            .
LOG_ERASE          x      .       .            .            .
RETENTION_WRITE    x      .       .            .            .
SUPPORT_END        x      .       .            .            .
OWNERSHIP          x      .       .            .            .
"""


def test_the_table_of_permissions() -> None:
    roles, *rows = (line.split() for line in TABLE.strip().splitlines())
    expected = {
        (Role(role), Permission[name]): mark == "x"
        for name, *marks in rows
        for role, mark in zip(roles, marks, strict=True)
    }
    assert {(role, permission): may(role, permission) for role in Role for permission in Permission} == expected
    assert PERMISSIONS.keys() == set(Permission)
    assert SUMMARY.keys() == set(Role)


def test_what_a_token_may() -> None:
    """Nothing but what its scopes say, and none of them lets it change anything."""
    table = {TokenScope.LOG_READ: Permission.LOG_READ, TokenScope.LOG_EXPORT: Permission.LOG_EXPORT}
    assert table.keys() == set(TokenScope)
    for permission in Permission:
        assert not token_may((), permission)
        for scope in TokenScope:
            assert token_may([scope], permission) is (table[scope] is permission)
    assert all(token_may(TokenScope, permission) for permission in table.values())


CHANGES = [(before, after) for before in (*Role, None) for after in (*Role, None) if before or after]


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_who_may_turn_one_role_into_another(before: Role | None, after: Role | None) -> None:
    touches_the_top = {before, after} & {Role.OWNER, Role.AUDITOR}
    assert may_change(Role.OWNER, before, after)
    assert may_change(Role.ADMIN, before, after) is not bool(touches_the_top)
    for role in (Role.AUDITOR, Role.BILLING_MANAGER, Role.MEMBER):
        assert not may_change(role, before, after)
