"""member.*: the seats that people hold."""

from __future__ import annotations

from typing import ClassVar

from minutebook.actions import ocsf
from minutebook.actions.catalogue import Details, Severity, action
from minutebook.actions.values import Person, RoleChange
from minutebook.model import Role, Target


@action(
    "member.change_role",
    title="Role changed",
    severity=Severity.HIGH,
    ocsf=ocsf.ASSIGN_ROLE,
    says="Changed role of {member} {role}",
    since="0.1",
)
class RoleChanged(Details):
    """An owner or admin gave a member another role."""

    member: Person
    role: RoleChange

    def targets(self) -> tuple[Target, ...]:
        return (self.member.target(),)


@action(
    "member.transfer_ownership",
    title="Ownership handed over",
    severity=Severity.CRITICAL,
    ocsf=ocsf.ASSIGN_ROLE,
    says="Handed the ownership to {member} {role}, own role {own}",
    since="0.1",
)
class OwnershipTransferred(Details):
    """An owner made another member owner and took another role themself, in one act."""

    member: Person
    role: RoleChange
    own: RoleChange

    def targets(self) -> tuple[Target, ...]:
        return (self.member.target(),)


@action(
    "member.remove",
    title="Member removed",
    severity=Severity.HIGH,
    ocsf=ocsf.REMOVE_MEMBER,
    says="Removed {member}, role {role}",
    since="0.1",
)
class MemberRemoved(Details):
    """An owner or admin took a member's seat away; their access ended with it."""

    member: Person
    role: Role

    def targets(self) -> tuple[Target, ...]:
        return (self.member.target(),)


@action(
    "member.end_sessions",
    title="Sessions ended",
    severity=Severity.HIGH,
    ocsf=ocsf.END_SESSIONS,
    says="Ended all sessions of {member} here",
    since="0.1",
)
class MemberSessionsEnded(Details):
    """An owner or admin ended the access of every session of a member that began `until` then, in UTC microseconds, to
    this organization; they get in again when they sign in again. The sessions go on elsewhere."""

    told_by: ClassVar = {"until": "ended_at"}

    member: Person
    until: int

    @property
    def ended_at(self) -> int:
        return self.until

    def targets(self) -> tuple[Target, ...]:
        return (self.member.target(),)


@action(
    "member.leave",
    title="Member left",
    severity=Severity.HIGH,
    ocsf=ocsf.REMOVE_MEMBER,
    says="Left the organization, role {role}",
    since="0.1",
)
class MemberLeft(Details):
    """A member gave their seat up; their access ended with it."""

    role: Role
