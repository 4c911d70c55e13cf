"""Invitations that nobody has accepted yet, as the page of the members lists them below."""

from __future__ import annotations

from dataclasses import dataclass

from minutebook.actions.values import number_of
from minutebook.model import DAY, HOUR, MINUTE
from minutebook.organization.invitations import Invitation
from minutebook.permissions import may_change
from minutebook.web import times
from minutebook.web.session import Place


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """One invitation, pending or no longer valid."""

    email: str
    role: str
    invited_by: str
    expiry: str
    expiry_exact: str
    resend_href: str | None
    revoke_href: str | None


def invitation_row(place: Place, invitation: Invitation, query: str) -> InvitationRow:
    """One line; `query` is the state of the page that its forms lead back to."""
    may_give = may_change(place.role, None, invitation.role)
    return InvitationRow(
        email=invitation.email,
        role=invitation.role.label,
        invited_by=invitation.invited_by,
        expiry=_expiry(invitation, place.viewer.at),
        expiry_exact=times.exact_time(invitation.expires_at, place.viewer.zone),
        resend_href=place.path("invitations", invitation.id, "resend") + query if may_give else None,
        revoke_href=place.path("invitations", invitation.id, "revoke") + query if may_give else None,
    )


def _expiry(invitation: Invitation, now: int) -> str:
    """`Expires in 7 days`, `Expired 2 days ago`, and after it what is wrong with the mail that brings it."""
    parts = (_end(invitation, now), _mail(invitation))
    return " · ".join(part for part in parts if part)


def _mail(invitation: Invitation) -> str:
    mail = invitation.mail
    if mail is None:
        return ""
    if mail.is_given_up:
        return f"mail could not be delivered: {mail.reason}"
    return f"mail not delivered yet: {mail.reason}" if mail.attempts else "mail on its way"


def _end(invitation: Invitation, now: int) -> str:
    """When it ends, to the nearest unit, and what an invitation is worth whose inviter is gone."""
    then = invitation.expires_at
    if not invitation.inviter_may:
        return "Not valid: whoever invited may no longer"
    if then <= now:
        return f"Expired {times.ago(then, now)}"
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        if then - now >= unit:
            return f"Expires in {number_of((then - now + unit // 2) // unit, name)}"
    return "Expires in less than a minute"
