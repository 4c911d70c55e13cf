"""The organization, its seats, and who has access to it."""

from __future__ import annotations

from minutebook.actions import Details
from minutebook.actions.access import AccessDenied
from minutebook.actions.member import MemberLeft, MemberRemoved, MemberSessionsEnded, OwnershipTransferred, RoleChanged
from minutebook.actions.organization import (
    DeletionCancelled,
    DeletionRequested,
    OrganizationCreated,
    OrganizationDeleted,
)
from minutebook.actions.user import (
    InvitationAccepted,
    InvitationResent,
    InvitationRevoked,
    PasswordChanged,
    PasswordTaken,
    PersonInvited,
    ProfileChanged,
    SecondFactorsTaken,
    SignedIn,
    SignedOut,
    SignInFailed,
    UserDeleted,
)
from minutebook.actions.values import RoleChange
from minutebook.model import Event, Role
from minutebook.organization.ending import STAY
from minutebook.organization.replay.state import (
    ONE,
    SEATS,
    State,
    end_access,
    end_each_access,
    give_access,
    json_of,
    put,
    replays,
    require,
    row,
    take,
    user_of,
)
from minutebook.store import schema


@replays("organization.create", "organization", "seat", "setting", "access", "sitting")
def _organization_created(state: State, event: Event, details: OrganizationCreated) -> None:
    at = event.recorded_at
    kept = details.model_dump(mode="json", include={"id", "name", "plan", "seat_limit"})
    state.organization[ONE] = {**kept, "created_at": at, "sealed": None}
    state.seat[details.owner.id] = {"role": Role.OWNER.value, "joined_at": at, "ended_until": None}
    state.setting = {
        name: {"value": json_of(value)} for name, value in details.settings.model_dump(mode="json").items()
    }
    if event.actor.id == details.owner.id:
        give_access(state, event)


@replays("organization.request_deletion", "deletion")
def _deletion_requested(state: State, event: Event, details: DeletionRequested) -> None:
    row = {"asked_by": event.actor.called, "asked_at": event.recorded_at, "due_at": details.due_at}
    put(state.deletion, ONE, row, "deletion")


@replays("organization.cancel_deletion", "deletion")
def _deletion_cancelled(state: State, _event: Event, _details: DeletionCancelled) -> None:
    take(state.deletion, ONE, "deletion")


@replays("organization.delete", *(table.name for table in schema.ORGANIZATION_TABLES))
def _organization_deleted(state: State, event: Event, details: OrganizationDeleted) -> None:
    asked = take(state.deletion, ONE, "deletion")
    require(asked["asked_by"] == details.asked_by, f"{asked['asked_by']} had asked")
    require(asked["due_at"] <= event.recorded_at, "the waiting period was not over")
    require(details.members == len(state.seat), f"{len(state.seat)} held a seat")
    for table in schema.ORGANIZATION_TABLES:
        if table not in STAY:
            setattr(state, table.name, {})
    state.organization[ONE]["sealed"] = event.seq + 1


@replays("user.login", "access", "sitting")
def _signed_in(state: State, event: Event, _details: SignedIn) -> None:
    require(event.context.session_id not in state.access, "the session had access already")
    give_access(state, event)


@replays("user.login_failed")
def _sign_in_failed(_state: State, _event: Event, _details: SignInFailed) -> None:
    """Somebody was refused, so nothing became different."""


@replays("access.denied")
def _denied(_state: State, _event: Event, details: AccessDenied) -> None:
    require(details.times > 0 and details.since <= details.until, "it was refused at least once")


@replays("user.logout", "access", "sitting")
def _signed_out(state: State, event: Event, details: SignedOut) -> None:
    sessions = (event.context.session_id or "",) if details.sessions is None else details.sessions
    for session in sessions:
        entered = row(state.access, session, "access of the session")
        require(entered["user"] == event.actor.id, "the session was of somebody else")
        end_access(state, session)


@replays("user.profile_change")
def _profile_changed(_state: State, _event: Event, details: ProfileChanged) -> None:
    require(details.name or details.zone, "nothing was changed")


@replays("user.password_change", "seat", "access", "sitting")
def _password_changed(state: State, event: Event, _details: PasswordChanged) -> None:
    row(state.seat, event.actor.id, "seat of")
    end_each_access(state, event.actor.id, but=event.context.session_id)


@replays("user.password_reset", "seat", "access", "sitting")
def _password_taken(state: State, _event: Event, details: PasswordTaken) -> None:
    row(state.seat, details.member.id, "seat of")
    end_each_access(state, details.member.id)


@replays("user.add_second_factor")
@replays("user.remove_second_factor")
@replays("user.make_recovery_codes")
@replays("user.use_recovery_code")
def _second_factors_changed(_state: State, _event: Event, _details: Details) -> None:
    """They belong to the person: no row of the organization became different."""


@replays("user.take_second_factors", "seat")
def _second_factors_taken(state: State, _event: Event, details: SecondFactorsTaken) -> None:
    row(state.seat, details.member.id, "seat of")


@replays("user.invite", "invitation")
def _person_invited(state: State, event: Event, details: PersonInvited) -> None:
    require(details.invitation not in state.invitation, f"there was an invitation {details.invitation} already")
    for known, offer in list(state.invitation.items()):
        if offer["email"] == details.email:  # an invitation that cannot be accepted any more gives way
            del state.invitation[known]
    state.invitation[details.invitation] = {
        **details.model_dump(mode="json", include={"email", "role", "expires_at"}),
        "invited_by": event.actor.called,
        "inviter": user_of(event),
        "created_at": event.recorded_at,
    }


@replays("user.resend_invite", "invitation")
def _invitation_resent(state: State, event: Event, details: InvitationResent) -> None:
    offer = row(state.invitation, details.invitation, "invitation")
    same = (offer["email"], offer["role"]) == (details.email, details.role)
    require(same, "the invitation was for another address or role")
    offer |= {"expires_at": details.expires_at, "invited_by": event.actor.called, "inviter": user_of(event)}


@replays("user.accept_invite", "invitation", *SEATS)
def _invitation_accepted(state: State, event: Event, details: InvitationAccepted) -> None:
    offer = take(state.invitation, details.invitation, "invitation")
    offered, taken = (offer["role"], offer["invited_by"]), (details.role, details.invited_by)
    require(offered == taken, "the invitation was for another role, or from somebody else")
    seat = {"role": details.role.value, "joined_at": event.recorded_at, "ended_until": None}
    put(state.seat, details.member.id, seat, "seat of")
    give_access(state, event)


@replays("user.revoke_invite", "invitation")
def _invitation_revoked(state: State, _event: Event, details: InvitationRevoked) -> None:
    offer = take(state.invitation, details.invitation, "invitation")
    same = (offer["email"], offer["role"]) == (details.email, details.role)
    require(same, "the invitation was for another address or role")


@replays("member.change_role", "seat")
def _role_changed(state: State, _event: Event, details: RoleChanged) -> None:
    _give_role(state, details.member.id, details.role)


@replays("member.transfer_ownership", "seat")
def _ownership_transferred(state: State, event: Event, details: OwnershipTransferred) -> None:
    _give_role(state, details.member.id, details.role)
    _give_role(state, event.actor.id, details.own)


def _give_role(state: State, user: str, change: RoleChange) -> None:
    seat = row(state.seat, user, "seat of")
    require(seat["role"] == change.before, f"the role before was {seat['role']}")
    require(change.before != change.after, "the role was the same before")
    seat["role"] = change.after.value


@replays("member.remove", *SEATS)
def _member_removed(state: State, _event: Event, details: MemberRemoved) -> None:
    _take_seat(state, details.member.id, details.role)


@replays("member.end_sessions", *SEATS)
def _member_sessions_ended(state: State, event: Event, details: MemberSessionsEnded) -> None:
    require(details.until >= event.recorded_at, "sessions that began before were not ended")
    row(state.seat, details.member.id, "seat of")["ended_until"] = details.until
    end_each_access(state, details.member.id)


@replays("member.leave", *SEATS)
def _member_left(state: State, event: Event, details: MemberLeft) -> None:
    _take_seat(state, event.actor.id, details.role)


@replays("user.delete", *SEATS)
def _user_deleted(state: State, _event: Event, details: UserDeleted) -> None:
    _take_seat(state, details.member.id, details.role)


def _take_seat(state: State, user: str, role: Role) -> None:
    seat = take(state.seat, user, "seat of")
    require(seat["role"] == role, f"the role was {seat['role']}")
    end_each_access(state, user)
    state.saved_search = {key: row for key, row in state.saved_search.items() if row["shelf"] != user}
