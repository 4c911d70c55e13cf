"""user.*: signing in and out, and the way into an organization."""

from __future__ import annotations

from pydantic import Field

from minutebook.actions import ocsf
from minutebook.actions.catalogue import Details, Severity, action
from minutebook.actions.values import Change, Person
from minutebook.model import Outcome, Role, SecondFactor, Target


@action(
    "user.login",
    title="Signed in",
    severity=Severity.LOW,
    ocsf=ocsf.LOGON,
    says="Signed in with {method}[ and {second_factor}]",
    since="0.1",
)
class SignedIn(Details):
    """A user signed in, and from then on had access to the organization."""

    method: str
    second_factor: SecondFactor | None = None


@action(
    "user.login_failed",
    title="Sign-in failed",
    severity=Severity.MEDIUM,
    ocsf=ocsf.LOGON,
    says="{reason}, attempt {attempt} in 15 minutes",
    since="0.1",
)
class SignInFailed(Details):
    """Someone tried to sign in as a user and was refused."""

    outcome = Outcome.FAILURE

    reason: str
    attempt: int


@action(
    "user.logout",
    title="Signed out",
    severity=Severity.LOW,
    ocsf=ocsf.LOGOFF,
    says="Signed out[ of {others}]",
    since="0.1",
)
class SignedOut(Details):
    """A user signed out, and from then on had no access by that session; or by other `sessions` of theirs, which they
    ended."""

    sessions: tuple[str, ...] | None = None

    @property
    def others(self) -> str | None:
        """How many other sessions were ended; None for the one that signed out itself."""
        if self.sessions is None:
            return None
        return "another session" if len(self.sessions) == 1 else f"{len(self.sessions):,} other sessions"


@action(
    "user.profile_change",
    title="Profile changed",
    severity=Severity.LOW,
    ocsf=ocsf.UPDATE_ACCOUNT,
    says="Changed their profile[, name {name}][, time zone {zone}]",
    since="0.1",
)
class ProfileChanged(Details):
    """A user took another name or time zone. What was recorded before keeps the name of then."""

    name: Change | None = None
    zone: Change | None = Field(None, title="Time zone")


@action(
    "user.password_change",
    title="Password changed",
    severity=Severity.MEDIUM,
    ocsf=ocsf.PASSWORD_CHANGE,
    says="Changed their password, proven by {method}",
    since="0.1",
)
class PasswordChanged(Details):
    """A user chose another password, which ended every other session of theirs. Each organization of theirs is told."""

    method: str


@action(
    "user.password_reset",
    title="Password taken",
    severity=Severity.HIGH,
    ocsf=ocsf.PASSWORD_RESET,
    says="Took the password of {member}, and ended their sessions",
    since="0.1",
)
class PasswordTaken(Details):
    """Whoever runs Minutebook took the password of a user, who chooses another by a link. Each organization of theirs
    is told."""

    member: Person

    def targets(self) -> tuple[Target, ...]:
        return (self.member.target(),)


@action(
    "user.add_second_factor",
    title="Second factor added",
    severity=Severity.MEDIUM,
    ocsf=ocsf.ADD_FACTOR,
    says="Added {factor}[ {name}] as a second factor[, with {recovery_codes} recovery codes]",
    since="0.1",
)
class SecondFactorAdded(Details):
    """A user added a way to prove, besides their password, that it is they who sign in. Each organization of theirs is
    told. The recovery codes are those that were made with the first one."""

    factor: SecondFactor
    name: str | None = None
    recovery_codes: int | None = None


@action(
    "user.remove_second_factor",
    title="Second factor removed",
    severity=Severity.HIGH,
    ocsf=ocsf.REMOVE_FACTOR,
    says="Removed {factor}[ {name}] from their second factors",
    since="0.1",
)
class SecondFactorRemoved(Details):
    """A user removed one of their second factors; with the last one went their recovery codes. Each organization of
    theirs is told."""

    factor: SecondFactor
    name: str | None = None


@action(
    "user.take_second_factors",
    title="Second factors taken",
    severity=Severity.HIGH,
    ocsf=ocsf.REMOVE_FACTOR,
    says="Took all second factors of {member}",
    since="0.1",
)
class SecondFactorsTaken(Details):
    """Whoever runs Minutebook took the second factors and recovery codes of a user, who had lost them. Each
    organization of theirs is told."""

    member: Person

    def targets(self) -> tuple[Target, ...]:
        return (self.member.target(),)


@action(
    "user.make_recovery_codes",
    title="Recovery codes made",
    severity=Severity.MEDIUM,
    ocsf=ocsf.MAKE_RECOVERY_CODES,
    says="Made {count} recovery codes in place of those before",
    since="0.1",
)
class RecoveryCodesMade(Details):
    """A user made new recovery codes; those before cannot be used any more. Each organization of theirs is told."""

    count: int


@action(
    "user.use_recovery_code",
    title="Recovery code used",
    severity=Severity.HIGH,
    ocsf=ocsf.USE_RECOVERY_CODE,
    says="Used a recovery code, {left} left",
    since="0.1",
)
class RecoveryCodeUsed(Details):
    """Somebody used up one of a user's recovery codes to sign in as them. Each organization of theirs is told."""

    left: int


@action(
    "user.delete",
    title="Account deleted",
    severity=Severity.HIGH,
    ocsf=ocsf.DELETE_ACCOUNT,
    says="Deleted the account of {member}, role {role}",
    since="0.1",
)
class UserDeleted(Details):
    """A user deleted their account, or whoever runs Minutebook did; their seat and all access ended with it. What they
    did stays recorded under their name."""

    member: Person
    role: Role

    def targets(self) -> tuple[Target, ...]:
        return (self.member.target(),)


@action(
    "user.invite",
    title="Person invited",
    severity=Severity.MEDIUM,
    ocsf=ocsf.INVITE,
    says="Invited {email} as {role}",
    since="0.1",
)
class PersonInvited(Details):
    """An owner or admin offered a seat to an address. `expires_at` is in UTC microseconds."""

    invitation: str
    email: str
    role: Role
    expires_at: int

    def targets(self) -> tuple[Target, ...]:
        return (Target("invitation", self.invitation, self.email),)


@action(
    "user.resend_invite",
    title="Invitation sent again",
    severity=Severity.MEDIUM,
    ocsf=ocsf.RESEND_INVITATION,
    says="Sent the invitation of {email} again, role {role}",
    since="0.1",
)
class InvitationResent(Details):
    """An owner or admin gave an invitation a new link and a new expiry, and stands for it from then on; the link before
    works no more. `expires_at` is in UTC microseconds."""

    invitation: str
    email: str
    role: Role
    expires_at: int

    def targets(self) -> tuple[Target, ...]:
        return (Target("invitation", self.invitation, self.email),)


@action(
    "user.accept_invite",
    title="Invitation accepted",
    severity=Severity.LOW,
    ocsf=ocsf.ADD_MEMBER,
    says="Accepted the invitation from {invited_by} as {role}",
    since="0.1",
)
class InvitationAccepted(Details):
    """The invited person took the seat."""

    invitation: str
    role: Role
    invited_by: str
    member: Person

    def targets(self) -> tuple[Target, ...]:
        return (Target("invitation", self.invitation, self.member.email),)


@action(
    "user.revoke_invite",
    title="Invitation revoked",
    severity=Severity.MEDIUM,
    ocsf=ocsf.REVOKE_INVITATION,
    says="Revoked the invitation of {email}, role {role}",
    since="0.1",
)
class InvitationRevoked(Details):
    """An owner or admin took back an invitation before it was accepted."""

    invitation: str
    email: str
    role: Role

    def targets(self) -> tuple[Target, ...]:
        return (Target("invitation", self.invitation, self.email),)
