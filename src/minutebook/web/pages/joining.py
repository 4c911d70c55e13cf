"""The invited person's side of an invitation: what it offers, and taking it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fastapi import APIRouter, Request, Response

from minutebook.errors import Invalid, NotAllowed, NotFound, Problem, kept
from minutebook.model import Seat
from minutebook.organization import invitations, people, sessions
from minutebook.organization.invitations import AcceptInvitation, Invitation
from minutebook.organization.organizations import Organization, read_organization
from minutebook.permissions import SUMMARY
from minutebook.record import perform
from minutebook.web import session
from minutebook.web.forms import STAYS, Sent, Typed, form_after, kept_user
from minutebook.web.pages.links import carried, carry, drop
from minutebook.web.render import Said, go, show
from minutebook.web.session import Viewer, find_viewer
from minutebook.web.site import Site, site_of
from minutebook.web.source import context_of
from minutebook.web.views.page import Form

router = APIRouter()

INVITATION = "invitation"


class Guest(StrEnum):
    """Who opens an invitation."""

    INVITED = "invited"
    """Signed in as the invited address."""
    ANOTHER = "another"
    """Signed in as somebody else."""
    KNOWN = "known"
    """Not signed in, and the invited address has an account."""
    NEW = "new"
    """Not signed in, and the invited address has none."""
    UNPROVEN = "unproven"
    """Not signed in, and the link does not prove the address: the one in the mail does. Whether anybody has an account
    is then not told, since whoever invites can open this link, too."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An invitation as its page shows it."""

    token: str
    invitation: Invitation
    organization: Organization
    guest: Guest
    viewer: Viewer | None


@router.get("/invitation/{token}")
def open_invitation_link(request: Request, token: str) -> Response:
    """Takes the token out of the address."""
    return carry(site_of(request), INVITATION, token, "/invitation")


@router.get("/invitation")
def show_invitation(request: Request) -> Response:
    """Who invites to what, and what is left to do to accept."""
    offer = _offer(request)
    return _show(request, offer, Form()) if offer else _over(request)


@router.post("/invitation")
def accept_invitation(request: Request, sent: Sent) -> Response:
    """Takes the seat; somebody new also gets an account, and is signed in."""
    site = site_of(request)
    offer = _offer(request)
    if offer is None:
        return _over(request)
    if offer.guest is Guest.KNOWN:
        return go(site, "/sign-in?next=/invitation")
    if offer.guest is Guest.UNPROVEN:
        return _show(request, offer, Form(), NotAllowed.status)
    try:
        new = _accept(site, request, offer, sent)
    except NotFound:
        return _over(request)
    except STAYS as error:
        return _show(request, offer, form_after(sent, error, ("name", "password")), error.status)
    response = go(site, f"/o/{offer.organization.id}", Said.INVITATION_ACCEPTED)
    drop(response, site, INVITATION)
    if new:
        session.begin(response, site, new)
    return response


def _accept(site: Site, request: Request, offer: Offer, sent: Typed) -> str | None:
    """The token of the session of somebody new."""
    number = offer.organization.number
    if offer.viewer:
        user = offer.viewer.user
        perform(site.store, Seat(number, user.actor(), offer.viewer.context), AcceptInvitation(offer.token, user))
        return None
    problems: list[Problem] = []
    added = kept_user(problems, sent, offer.invitation.email, site.store.randomness)
    password_hash = kept(problems, people.hash_password, sent.one("password"))
    if added is None or password_hash is None:
        raise Invalid(*problems)
    context = context_of(request)
    perform(site.store, Seat(number, added.actor(), context), AcceptInvitation(offer.token, added, password_hash))
    token, _ = sessions.start_session(site.store, added, "password", context)
    return token


def _offer(request: Request) -> Offer | None:
    site = site_of(request)
    token = carried(request, INVITATION)
    viewer = find_viewer(request)
    with site.store.reading() as connection:
        found = invitations.find_by_token(connection, token, site.store.clock())
        if found is None:
            return None
        organization = read_organization(connection, found.organization)
        known = people.find_user(connection, found.email) is not None
        proven = invitations.opens_account(connection, token)
    if viewer:
        guest = Guest.INVITED if viewer.user.email == found.email else Guest.ANOTHER
    else:
        guest = Guest.UNPROVEN if not proven else Guest.KNOWN if known else Guest.NEW
    return Offer(token, found, organization, guest, viewer)


def _show(request: Request, offer: Offer, form: Form, status: int = 200) -> Response:
    return show(
        request,
        "accept_invitation.html",
        status=status,
        form=form,
        organization=offer.organization.name,
        invited_by=offer.invitation.invited_by,
        email=offer.invitation.email,
        role=offer.invitation.role.label.lower(),
        role_summary=_within_a_sentence(SUMMARY[offer.invitation.role]),
        guest=offer.guest.value,
        viewer_email=offer.viewer.user.email if offer.viewer else "",
    )


def _within_a_sentence(text: str) -> str:
    return text[:1].lower() + text[1:]


def _over(request: Request) -> Response:
    """One page for all of them: nobody learns whether a token they made up was ever given out."""
    return show(request, "link_over.html", status=410, kind="invitation", done=False)
