"""Inviting people and taking invitations back."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from minutebook.email_address import normal_email
from minutebook.errors import Conflict, Invalid, MinutebookError, NotAllowed, NotFound, Problem, TooManyMails, kept
from minutebook.identifiers import new_token
from minutebook.model import Role
from minutebook.organization import invitations
from minutebook.organization.invitations import (
    Invitation,
    InvitePerson,
    MailedLink,
    ResendInvitation,
    RevokeInvitation,
)
from minutebook.permissions import Permission
from minutebook.record import perform
from minutebook.web import shell, times
from minutebook.web.forms import STAYS, Sent, Typed, form_after, form_with
from minutebook.web.pages.members import Dialog, Listing, grantable, members_page
from minutebook.web.render import Said, go, show
from minutebook.web.session import Place, known_id, place
from minutebook.web.views.page import Form

router = APIRouter()

Changed = Annotated[Place, Depends(place(Permission.SEATS_WRITE))]

MOST_AT_ONCE = 50
SEPARATORS = re.compile(r"[\s,;]+")


Refused = dict[str, MinutebookError]
"""Those of the addresses that were not invited, each with why."""


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation that was just made; its link is shown now and never again."""

    email: str
    role: str
    link: str


@router.get("/o/{org}/invitations/new")
def ask_whom(request: Request, place: Changed) -> Response:
    """The form, open over the members."""
    return members_page(request, place, _dialog(request, place, Form(values={"role": Role.MEMBER.value})))


@router.post("/o/{org}/invitations/new")
def invite(request: Request, place: Changed, sent: Sent) -> Response:
    """Invites each address, an act of its own each; when an address cannot be one, nobody is invited yet."""
    try:
        addresses, role = _asked(sent, place)
    except Invalid as error:
        form = form_after(sent, error, ("emails", "role"))
        return members_page(request, place, _dialog(request, place, form), status=error.status)
    invited, refused = invite_each(place, [(address, role) for address in addresses])
    if not invited:
        dialog = _dialog(request, place, _not_invited(sent, refused))
        return members_page(request, place, dialog, status=status_of(refused))
    rest = Typed((("emails", "\n".join(refused)), ("role", role.value)))
    title = "1 person invited" if len(invited) == 1 else f"{len(invited):,} people invited"
    return show_invited(request, place, title, invited, refused, _not_invited(rest, refused))


def show_invited(
    request: Request,
    place: Place,
    title: str,
    invited: list[Invited],
    refused: Refused | None = None,
    form: Form | None = None,
) -> Response:
    """The links that were made, and the form again for those who were not invited."""
    return show(
        request,
        "invited.html",
        place=with_invitations(place),
        current=shell.INVITATIONS,
        status=status_of(refused or {}),
        title=title,
        invited=invited,
        refused=len(refused or {}),
        form=form or Form(),
        roles=grantable(place),
        action=place.path("invitations", "new"),
        members_href=place.path(shell.MEMBERS),
        expires=times.day_of(place.viewer.at + invitations.LIFETIME, place.viewer.zone),
        mailed=place.site.settings.sends_mail,
    )


def with_invitations(place: Place) -> Place:
    """The place with the number of its invitations as it is now."""
    with place.site.store.reading() as connection:
        held = invitations.count_live(connection, place.organization.number, place.viewer.at)
    return replace(place, invitations=held)


@router.get("/o/{org}/invitations/{invitation}/revoke")
def ask_to_revoke(request: Request, place: Changed, invitation: str) -> Response:
    """Asks once more before an invitation is taken back."""
    return members_page(request, place, _about(request, place, invitation, "revoke"))


@router.post("/o/{org}/invitations/{invitation}/revoke")
def revoke(request: Request, place: Changed, invitation: str) -> Response:
    """Takes an invitation back; its link stops working."""
    dialog = _about(request, place, invitation, "revoke")
    try:
        perform(place.site.store, place.seat, RevokeInvitation(invitation))
    except STAYS as error:
        form = form_after(Typed(), error)
        return members_page(request, place, replace(dialog, form=form), status=error.status)
    return go(place.site, dialog.close_href, Said.INVITATION_REVOKED)


@router.get("/o/{org}/invitations/{invitation}/resend")
def ask_to_resend(request: Request, place: Changed, invitation: str) -> Response:
    """Says what becomes of the link before, and asks whether to make a new one."""
    return members_page(request, place, _about(request, place, invitation, "resend"))


@router.post("/o/{org}/invitations/{invitation}/resend")
def resend(request: Request, place: Changed, invitation: str) -> Response:
    """Gives an invitation a new link, which is shown once."""
    dialog = _about(request, place, invitation, "resend")
    assert dialog.invitation
    token, mailed, link = _new_link(place)
    try:
        perform(place.site.store, place.seat, ResendInvitation(invitation, token, mailed))
    except STAYS as error:
        form = form_after(Typed(), error)
        return members_page(request, place, replace(dialog, form=form), status=error.status)
    sent = Invited(dialog.invitation.email, dialog.invitation.role.label, link)
    return show_invited(request, place, "Invitation sent again", [sent])


def _asked(sent: Typed, place: Place) -> tuple[list[str], Role]:
    """The addresses, each once and in the order they were typed, and the role. Raises Invalid for all that is wrong."""
    problems: list[Problem] = []
    typed = [text for text in SEPARATORS.split(sent.one("emails")) if text]
    counted = typed[:MOST_AT_ONCE]  # what is beyond is refused below, without looking at each
    addresses = list(dict.fromkeys(kept(problems, normal_email, text, "emails") or "" for text in counted))
    if not typed:
        problems.append(Problem("emails", "Enter at least one email address, such as ada@example.com."))
    if len(typed) > MOST_AT_ONCE:
        problems = [Problem("emails", f"{len(typed):,} addresses are too many; invite at most {MOST_AT_ONCE} at once.")]
    offered = {choice.value for choice in grantable(place)}
    if sent.one("role") not in offered:
        problems.append(Problem("role", "Choose a role that you may give."))
    if problems:
        with place.site.store.reading() as connection:
            found = invitations.refusals(connection, place.organization.number, addresses, place.viewer.at)
        raise Invalid(*problems, *(Problem("emails", found[email]) for email in addresses if email in found))
    return addresses, Role(sent.one("role"))


def invite_each(place: Place, asked: list[tuple[str, Role]]) -> tuple[list[Invited], Refused]:
    """Those who were invited, and why the others were not. After one invitation no error hides its link."""
    invited: list[Invited] = []
    refused: Refused = {}
    for number, (address, role) in enumerate(asked):
        try:
            invited.append(_invite_one(place, address, role))
        except MinutebookError as error:
            if not invited and not isinstance(error, STAYS):
                raise
            refused[address] = error
            if not isinstance(error, (Invalid, NotAllowed, Conflict, TooManyMails)):
                # The database is away, or the role is gone: the others would wait for the same answer.
                refused |= dict.fromkeys((address for address, _ in asked[number + 1 :]), error)
                break
    return invited, refused


def status_of(refused: Refused) -> int:
    """The status of an answer that says so."""
    return next((error.status for error in refused.values()), 200)


def _invite_one(place: Place, address: str, role: Role) -> Invited:
    token, mailed, link = _new_link(place)
    perform(place.site.store, place.seat, InvitePerson(address, role, token, mailed))
    return Invited(address, role.label, link)


def _new_link(place: Place) -> tuple[str, MailedLink | None, str]:
    """The token of a new link, the link that a mail brings, and the one to be shown."""
    site = place.site
    token, mailed = new_token(site.store.randomness), None
    if site.settings.sends_mail:
        mail_token = new_token(site.store.randomness)
        mailed = MailedLink(mail_token, site.link(f"/invitation/{mail_token}"))
    return token, mailed, site.link(f"/invitation/{token}")


def _not_invited(sent: Typed, refused: Refused) -> Form:
    messages = dict.fromkeys(error.message for error in refused.values())
    return form_with(sent, [Problem("emails", message) for message in messages], ("emails", "role"))


def _dialog(request: Request, place: Place, form: Form) -> Dialog:
    listing = Listing.of(request)
    with place.site.store.reading() as connection:
        held = invitations.count_live(connection, place.organization.number, place.viewer.at)
    return Dialog(
        kind="invite",
        action=place.path("invitations", "new") + listing.query,
        close_href=place.path(shell.MEMBERS) + listing.query,
        form=form,
        roles=grantable(place),
        free=max(0, place.organization.seat_limit - place.members - held),
        mailed=place.site.settings.sends_mail,
    )


def _about(request: Request, place: Place, invitation: str, kind: str) -> Dialog:
    """The dialog of this kind about an invitation. Raises NotFound when it is not pending."""
    listing = Listing.of(request)
    return Dialog(
        kind=kind,
        action=place.path("invitations", invitation, kind) + listing.query,
        close_href=f"{place.path(shell.MEMBERS)}{listing.query}#invitations",
        form=Form(),
        invitation=_pending(place, known_id(invitation)),
        mailed=place.site.settings.sends_mail,
    )


def _pending(place: Place, invitation: str) -> Invitation:
    with place.site.store.reading() as connection:
        pending = invitations.pending(connection, place.organization.number)
    found = next((one for one in pending if one.id == invitation), None)
    if found is None:
        raise NotFound
    return found
